/** The webhook endpoints of the app: add, enable, test, rotate the secret, replay and delete. */
import type { Endpoint, EventType, NewEndpoint } from "@mjflow/client";
import { DEFAULT_EVENTS, EVENT_TYPES } from "@mjflow/core/event";
import { type FormEvent, useState } from "react";
import { useNow } from "../hooks.ts";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { useToasts } from "../kit/toast.tsx";
import { ago, clock, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useApiCapabilities, useEndpoints } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { CopyButton } from "./copy.tsx";
import { useAskOverlap } from "./overlap-choice.tsx";
import { Problem } from "./problem.tsx";

/** @param shown id of the endpoint whose deliveries are shown; empty: none */
export function EndpointList({ shown, onShow }: { shown: string; onShow: (id: string) => void }) {
  const { data, error, refetch } = useEndpoints();
  const [created, setCreated] = useState<NewEndpoint>();
  return (
    <section aria-labelledby="endpoints">
      <h2 id="endpoints">{t.endpoints.title}</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {created?.secret && (
        <div className="note" role="status">
          <p>
            <Rich text={t.endpoints.secretOf} parts={{ url: <bdi>{created.url ?? created.id}</bdi> }} />
          </p>
          <p>
            <code>{created.secret}</code> <CopyButton text={created.secret} />{" "}
            <button type="button" className="quiet" onClick={() => setCreated(undefined)}>
              {t.endpoints.hide}
            </button>
          </p>
        </div>
      )}
      {data?.length === 0 && <p className="empty">{t.endpoints.none}</p>}
      <ul className="endpoints">
        {data?.map((endpoint) => (
          <EndpointRow
            key={endpoint.id}
            endpoint={endpoint}
            isShown={shown === endpoint.id}
            onShow={() => onShow(shown === endpoint.id ? "" : endpoint.id)}
            onSecret={setCreated}
            onChanged={() => void refetch()}
          />
        ))}
      </ul>
      <NewEndpointForm
        onCreated={(endpoint) => {
          setCreated(endpoint);
          void refetch();
        }}
      />
    </section>
  );
}

function EndpointRow(props: {
  endpoint: Endpoint;
  isShown: boolean;
  onShow: () => void;
  onSecret: (endpoint: NewEndpoint) => void;
  onChanged: () => void;
}) {
  const { endpoint, isShown, onShow, onSecret, onChanged } = props;
  const confirm = useConfirm();
  const askOverlap = useAskOverlap();
  const { show } = useToasts();
  const [isLeaving, setLeaving] = useState(false);
  const { id, url, enabled, disabledWhy, failingSince, pausedUntil, parked, events, scheme, publicKey, description } =
    endpoint;
  const { endpoints } = useMjflow();
  const { can } = useApiCapabilities();
  const { act, busy, error, clear } = useAction();
  const [note, setNote] = useState("");
  const now = useNow(10_000);
  const run = (name: string, work: () => Promise<unknown>) => act(name, work).then(onChanged);
  const path = "/v1/endpoints/{id}";
  async function rotate() {
    const { rotateTitle, rotateBody: about, rotate: action } = t.endpoints;
    const overlapS = await askOverlap({ title: rotateTitle(url ?? "notifyHook"), about, action, initial: DAY_S });
    if (overlapS !== undefined) await run("rotate", async () => onSecret(await endpoints.rotate(id, { overlapS })));
  }
  async function enable() {
    const { disableTitle, disableBody: body, disableOne: action } = t.endpoints;
    const question = { title: disableTitle(url ?? ""), body, action, isDangerous: true };
    if (!enabled || (await confirm(question))) await run("enable", () => endpoints.update(id, { enabled: !enabled }));
  }
  async function remove() {
    const { deleteTitle, deleteBody: body, delete: action } = t.endpoints;
    const question = { title: deleteTitle(url ?? ""), body, action, isDangerous: true };
    if (!(await confirm(question))) return;
    setLeaving(true);
    // The request is held back, because a deleted endpoint cannot be made again with the same secret.
    const timer = setTimeout(() => void run("delete", () => endpoints.delete(id)), UNDO_MS);
    const undo = () => {
      clearTimeout(timer);
      setLeaving(false);
    };
    show(t.endpoints.deleted(url ?? ""), { name: t.common.undo, run: undo }, UNDO_MS);
  }
  if (isLeaving) return null;
  return (
    <li className="card">
      <div className="head">
        <div className="what">
          <strong className="break">
            <bdi>{url ?? t.endpoints.notifyHook}</bdi>
          </strong>
          <span className="faint small">
            {description && (
              <>
                <bdi>{description}</bdi> ·{" "}
              </>
            )}
            <code>{scheme}</code> · <code>{events.join(", ")}</code>
            {failingSince && ` · ${t.endpoints.failingSince(ago(failingSince, now))}`}
            {pausedUntil && ` · ${t.endpoints.pausedUntil(clock(pausedUntil))}`}
            {parked && parked.count > 0 && ` · ${t.endpoints.parked(parked.count, parked.whole)}`}
          </span>
          {publicKey && <code className="small break">{publicKey}</code>}
        </div>
        {!enabled && (
          <span className="status bad">✕ {t.endpoints.disabledBecause[disabledWhy ?? ""] ?? t.endpoints.disabled}</span>
        )}
      </div>
      <div className="chips">
        <button type="button" className="chip" aria-pressed={isShown} onClick={onShow}>
          {t.endpoints.show}
        </button>
        {url !== null && (
          <button type="button" className="chip" disabled={!!busy} onClick={() => void enable()}>
            {enabled ? t.endpoints.disable : t.endpoints.enable}
          </button>
        )}
        {can("POST", `${path}/test`) && url !== null && (
          <button
            type="button"
            className="chip"
            disabled={!!busy}
            onClick={() => run("test", async () => setNote(testResultText(await endpoints.test<TestEventResult>(id))))}
          >
            {t.endpoints.test}
          </button>
        )}
        <button
          type="button"
          className="chip"
          disabled={!!busy}
          onClick={() =>
            run("replay", async () => {
              const replay = await endpoints.replay(id, { only: "failed" });
              setNote(t.endpoints.replayStarted(replay.id));
            })
          }
        >
          {t.endpoints.replayFailed}
        </button>
        <button type="button" className="chip" disabled={!!busy} onClick={() => void rotate()}>
          {t.endpoints.rotate}
        </button>
        {url !== null && (
          <button type="button" className="chip danger" disabled={!!busy} onClick={() => void remove()}>
            {t.common.delete}
          </button>
        )}
      </div>
      <p className="faint small" role="status">
        {note}
      </p>
      <Problem error={error} onClose={clear} />
    </li>
  );
}

const DAY_S = 86_400;

/** Time in which the deletion of an endpoint can be undone. */
const UNDO_MS = 8_000;

/** Result of a test event. */
interface TestEventResult {
  delivered: boolean;
  status?: number;
  why?: string;
  tookMs?: number;
}

function testResultText({ delivered, status, why, tookMs }: TestEventResult): string {
  const how = String(status ?? why ?? t.endpoints.noResponse);
  return t.endpoints.tested(delivered, how, tookMs === undefined ? undefined : duration(tookMs));
}

function NewEndpointForm({ onCreated }: { onCreated: (endpoint: NewEndpoint) => void }) {
  const { endpoints } = useMjflow();
  const { act, busy, error, clear } = useAction();
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<readonly EventType[]>(DEFAULT_EVENTS);
  async function submit(event: FormEvent) {
    event.preventDefault();
    const input = { url: url.trim(), events: [...events] };
    const isDone = await act("create", async () => onCreated(await endpoints.create(input)));
    if (isDone) setUrl("");
  }
  const toggle = (type: EventType) =>
    setEvents(events.includes(type) ? events.filter((each) => each !== type) : [...events, type]);
  return (
    <form className="row add" onSubmit={submit}>
      <label>
        {t.endpoints.new}
        <input
          type="url"
          required
          placeholder="https://app.example.com/mjflow"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
      </label>
      <button type="submit" disabled={!!busy || !url.trim() || events.length === 0}>
        <Icon name="plus" />
        {t.common.add}
      </button>
      <fieldset className="events">
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
      <Problem error={error} onClose={clear} />
    </form>
  );
}
