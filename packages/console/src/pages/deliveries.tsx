import type { Delivery, DeliveryQuery, DeliveryStatus, Endpoint, EventType, NewEndpoint } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { Problem } from "../components/problem.tsx";
import { SignatureHelp } from "../components/signature-help.tsx";
import { Status } from "../components/status.tsx";
import { replaceQuery, useNow } from "../hooks.ts";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { useToasts } from "../kit/toast.tsx";
import { hrefOf, type Query } from "../lib/route.ts";
import { ago, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useApiCapabilities, useDeliveries, useEndpoints } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";

const STATUSES: readonly DeliveryStatus[] = ["pending", "delivered", "failed", "parked"];

export default function DeliveriesPage({ query: { endpoint = "", ...rest } }: { query: Query }) {
  const status = STATUSES.find((each) => each === rest["status"]) ?? "";
  const query: DeliveryQuery = { ...(endpoint && { endpoint }), ...(status && { status }) };
  const { data, error, isPending } = useDeliveries(query);
  const now = useNow(5_000);
  const rows = data?.data ?? [];
  const urls = new Map(useEndpoints().data?.map(({ id, url }) => [id, url]));
  return (
    <section className="page">
      <h1>{t.pages.deliveries}</h1>
      <Endpoints shown={endpoint} onShow={(id) => replaceQuery({ endpoint: id })} />
      <SignatureHelp />
      <div className="head">
        <h2>{t.deliveries.title}</h2>
        <select
          aria-label={t.deliveries.status}
          value={status}
          onChange={(event) => replaceQuery({ status: event.target.value })}
        >
          <option value="">{t.deliveries.anyStatus}</option>
          {STATUSES.map((each) => (
            <option key={each} value={each}>
              {t.status[each]}
            </option>
          ))}
        </select>
      </div>
      {error && <Problem error={toMjflowError(error)} />}
      <ul className="card sheet deliveries" aria-label={t.deliveries.label}>
        {rows.map((delivery) => (
          <Row key={delivery.id} delivery={delivery} url={urls.get(delivery.endpoint)} now={now} />
        ))}
      </ul>
      {rows.length === 0 && !isPending && !error && <p className="empty">{t.deliveries.nothing}</p>}
      {data?.nextCursor && <p className="faint small">{t.deliveries.onlyNewest}</p>}
    </section>
  );
}

/** @param url URL of the webhook endpoint; unset for a flow's `notifyHook` and for the event bus */
function Row({ delivery, url, now }: { delivery: Delivery; url: string | null | undefined; now: number }) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { act, busy, error, clear } = useAction();
  const { id, type, endpoint, status, tries, attempts, failure, nextTryAt, flowId, taskId, createdAt } = delivery;
  const last = attempts.at(-1);
  const replay = () =>
    act("replay", async () => {
      await mjflow.deliveries.replay(id);
      await queries.invalidateQueries({ queryKey: ["deliveries"] });
    });
  return (
    <li className="delivery">
      <details>
        <summary>
          <code>{type}</code>
          <span className="faint small clip">
            {createdAt && ago(createdAt, now)} · {t.deliveries.attempts(tries)}
            {last && ` · ${last.status ?? last.why ?? ""}`} ·{" "}
            <Rich text={t.deliveries.to} parts={{ url: <bdi>{url ?? endpoint}</bdi> }} />
          </span>
          <Status of={status} />
        </summary>
        <dl className="facts-list">
          <div>
            <dt>{t.deliveries.flow}</dt>
            <dd>
              <a href={hrefOf({ page: "flow", id: flowId, task: taskId ?? undefined })}>{taskId ?? flowId}</a>
            </dd>
          </div>
          <div>
            <dt>webhook-id</dt>
            <dd>{delivery.eventId}</dd>
          </div>
          {failure && (
            <div>
              <dt>{t.deliveries.failedPermanently}</dt>
              <dd>{failure}</dd>
            </div>
          )}
          {nextTryAt && (
            <div>
              <dt>{t.deliveries.nextAttempt}</dt>
              <dd>{nextTryAt}</dd>
            </div>
          )}
        </dl>
        <ol className="attempts small">
          {attempts.map(({ at, status: code, why, tookMs }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: delivery attempts have no id except their number
            <li key={i}>
              <time>{at}</time> <strong>{code ?? why}</strong>{" "}
              {tookMs !== undefined && t.deliveries.in(duration(tookMs))}
            </li>
          ))}
        </ol>
        <Problem error={error} onClose={clear} />
        {status !== "pending" && (
          <button type="button" disabled={!!busy} onClick={replay}>
            {busy ? t.deliveries.replaying : t.deliveries.replay}
          </button>
        )}
      </details>
    </li>
  );
}

function Endpoints({ shown, onShow }: { shown: string; onShow: (id: string) => void }) {
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
    const { rotateTitle, rotateBody: body, rotate: action } = t.endpoints;
    const question = { title: rotateTitle(url ?? "notifyHook"), body, action };
    if (await confirm(question)) await run("rotate", async () => onSecret(await endpoints.rotate(id)));
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
            {pausedUntil && ` · ${t.endpoints.paused}`}
            {parked && parked.count > 0 && ` · ${t.endpoints.parked(parked.count, parked.whole)}`}
          </span>
          {publicKey && <code className="small break">{publicKey}</code>}
        </div>
        {!enabled && (
          <span className="status bad">
            ✕ {disabledWhy ? t.endpoints.disabledBecause(disabledWhy) : t.endpoints.disabledByApp}
          </span>
        )}
      </div>
      <div className="chips">
        <button type="button" className="chip" aria-pressed={isShown} onClick={onShow}>
          {t.endpoints.show}
        </button>
        {url !== null && (
          <button
            type="button"
            className="chip"
            disabled={!!busy}
            onClick={() => run("enable", () => endpoints.update(id, { enabled: !enabled }))}
          >
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

const EVENTS: readonly EventType[] = [
  "task.submitted",
  "task.progress",
  "task.modal",
  "task.completed",
  "task.archived",
  "task.failed",
  "flow.completed",
  "flow.failed",
  "endpoint.disabled",
];
/** The API's own default: progress is sent only to endpoints that ask for it. */
const USUAL_EVENTS = EVENTS.filter((type) => type !== "task.progress");

function NewEndpointForm({ onCreated }: { onCreated: (endpoint: NewEndpoint) => void }) {
  const { endpoints } = useMjflow();
  const { act, busy, error, clear } = useAction();
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<readonly EventType[]>(USUAL_EVENTS);
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
          {EVENTS.map((type) => (
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
