/** A new webhook endpoint: its form, then its secret, which is shown once, and a test event. */
import type { EndpointInput, EventType, NewEndpoint } from "@mjflow/client";
import { DEFAULT_EVENTS, EVENT_TYPES } from "@mjflow/core/event";
import { type FormEvent, useState } from "react";
import { Dialog } from "../kit/dialog.tsx";
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { duration } from "../lib/time.ts";
import { useEndpoints } from "../operate-queries.ts";
import { useAction, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { CopyButton } from "./copy.tsx";
import { Problem } from "./problem.tsx";

/** Result of a test event. */
export interface TestEventResult {
  delivered: boolean;
  status?: number;
  why?: string;
  tookMs?: number;
}

export function testResultText({ delivered, status, why, tookMs }: TestEventResult): string {
  const how = String(status ?? why ?? t.endpoints.noResponse);
  return t.endpoints.tested(delivered, how, tookMs === undefined ? undefined : duration(tookMs));
}

/** @param made an endpoint with a new secret; unset: the form of a new one */
export function EndpointDialog({ made: known, onClose }: { made?: NewEndpoint; onClose(): void }) {
  const [made, setMade] = useState(known);
  return (
    <Dialog title={made ? (made.url ?? t.endpoints.notifyHook) : t.endpoints.new} onClose={onClose}>
      {made ? <Made endpoint={made} onClose={onClose} /> : <Form onMade={setMade} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ onMade, onClose }: { onMade(endpoint: NewEndpoint): void; onClose(): void }) {
  const { endpoints } = useMjflow();
  const { refetch } = useEndpoints();
  const { act, busy, off, error, clear } = useAction();
  const [fields, setFields] = useState<EndpointInput>({ url: "", description: "", scheme: "v1" });
  const [events, setEvents] = useState<readonly EventType[]>(DEFAULT_EVENTS);
  const set = (change: Partial<EndpointInput>) => setFields({ ...fields, ...change });
  async function submit(event: FormEvent) {
    event.preventDefault();
    const { url, description, scheme } = fields;
    const input: EndpointInput = {
      ...{ url: url.trim(), events: [...events], scheme: scheme! },
      ...(description?.trim() && { description: description.trim() }),
    };
    await act("create", async () => {
      onMade(await endpoints.create(input));
      void refetch();
    });
  }
  const toggle = (type: EventType) =>
    setEvents(events.includes(type) ? events.filter((each) => each !== type) : [...events, type]);
  return (
    <form onSubmit={submit}>
      <label>
        {t.endpoints.url}
        <input
          type="url"
          required
          placeholder="https://app.example.com/mjflow"
          value={fields.url}
          onChange={(event) => set({ url: event.target.value })}
        />
      </label>
      <fieldset>
        <legend>{t.endpoints.events}</legend>
        <div className="chips">
          {EVENT_TYPES.map((type) => (
            <button
              key={type}
              type="button"
              className="chip mono"
              aria-pressed={events.includes(type)}
              onClick={() => toggle(type)}
            >
              {type}
            </button>
          ))}
        </div>
      </fieldset>
      <div className="row">
        <label>
          {t.endpoints.description}
          <input value={fields.description} onChange={(event) => set({ description: event.target.value })} />
        </label>
        <label>
          {t.endpoints.scheme}
          <select
            value={fields.scheme}
            onChange={(event) => set({ scheme: event.target.value === "v1a" ? "v1a" : "v1" })}
          >
            <option value="v1">{t.endpoints.schemes.v1}</option>
            <option value="v1a">{t.endpoints.schemes.v1a}</option>
          </select>
        </label>
      </div>
      <Problem error={error} onClose={clear} />
      <div className="actions end">
        <button type="button" onClick={onClose}>
          {t.common.cancel}
        </button>
        <button
          type="submit"
          className="primary"
          {...off}
          disabled={off.disabled || !fields.url.trim() || events.length === 0}
        >
          {busy ? t.common.saving : t.common.add}
        </button>
      </div>
    </form>
  );
}

/** The secret, and a test event whose result appears in place. */
function Made({ endpoint, onClose }: { endpoint: NewEndpoint; onClose(): void }) {
  const { endpoints } = useMjflow();
  const { can } = useApiCapabilities();
  const { act, busy, off, error, clear } = useAction();
  const [result, setResult] = useState<TestEventResult>();
  const { id, url, secret, publicKey } = endpoint;
  const shown = secret ?? publicKey ?? "";
  const test = () => act("test", async () => setResult(await endpoints.test<TestEventResult>(id)));
  return (
    <>
      <div className="note">
        <p>
          {secret ? (
            <Rich text={t.endpoints.secretOf} parts={{ url: <bdi>{url ?? id}</bdi> }} />
          ) : (
            t.endpoints.publicKeyOf
          )}
        </p>
        <p className="head">
          <code className="break">{shown}</code> <CopyButton text={shown} />
        </p>
      </div>
      <Problem error={error} onClose={clear} />
      {result && (
        <p role="status" className={`status ${result.delivered ? "ok" : "bad"}`}>
          <Icon name={result.delivered ? "check" : "circle-alert"} size="tiny" />
          {testResultText(result)}
        </p>
      )}
      <div className="actions end">
        {url !== null && can("POST", "/v1/endpoints/{id}/test") && (
          <button type="button" {...off} onClick={test}>
            <Icon name="send" />
            {busy ? t.common.sending : t.endpoints.test}
          </button>
        )}
        <button type="button" className="primary" onClick={onClose}>
          {t.common.close}
        </button>
      </div>
    </>
  );
}
