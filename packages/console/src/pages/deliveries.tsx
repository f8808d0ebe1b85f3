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
import { useToasts } from "../kit/toast.tsx";
import { hrefOf, type Query } from "../lib/route.ts";
import { ago, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useApiCapabilities, useDeliveries, useEndpoints } from "../queries.ts";
import { useMjflow } from "../session.ts";

const STATUSES: readonly string[] = ["pending", "delivered", "failed", "parked"] satisfies DeliveryStatus[];

export default function DeliveriesPage({ query: { endpoint = "", ...rest } }: { query: Query }) {
  const status = STATUSES.includes(rest["status"] ?? "") ? (rest["status"] as DeliveryStatus) : "";
  const query: DeliveryQuery = { ...(endpoint && { endpoint }), ...(status && { status }) };
  const { data, error, isPending } = useDeliveries(query);
  const now = useNow(5_000);
  const rows = data?.data ?? [];
  const urls = new Map(useEndpoints().data?.map(({ id, url }) => [id, url]));
  return (
    <section className="page">
      <h1>Deliveries</h1>
      <Endpoints shown={endpoint} onShow={(id) => replaceQuery({ endpoint: id })} />
      <SignatureHelp />
      <div className="head">
        <h2>Webhook deliveries</h2>
        <select aria-label="Status" value={status} onChange={(event) => replaceQuery({ status: event.target.value })}>
          <option value="">Any status</option>
          {STATUSES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </div>
      {error && <Problem error={toMjflowError(error)} />}
      <ul className="card sheet deliveries" aria-label="Deliveries, newest first">
        {rows.map((delivery) => (
          <Row key={delivery.id} delivery={delivery} url={urls.get(delivery.endpoint)} now={now} />
        ))}
      </ul>
      {rows.length === 0 && !isPending && !error && (
        <p className="empty">No deliveries yet. Add a webhook endpoint or send a flow with notifyHook.</p>
      )}
      {data?.nextCursor && (
        <p className="faint small">Showing the newest deliveries. Use GET /v1/deliveries for older ones.</p>
      )}
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
            {createdAt && ago(createdAt, now)} · {tries} {tries === 1 ? "attempt" : "attempts"}
            {last && ` · ${last.status ?? last.why ?? ""}`} · to <bdi>{url ?? endpoint}</bdi>
          </span>
          <Status of={status} />
        </summary>
        <dl className="facts-list">
          <div>
            <dt>flow</dt>
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
              <dt>failed permanently</dt>
              <dd>{failure}</dd>
            </div>
          )}
          {nextTryAt && (
            <div>
              <dt>next attempt</dt>
              <dd>{nextTryAt}</dd>
            </div>
          )}
        </dl>
        <ol className="attempts small">
          {attempts.map(({ at, status: code, why, tookMs }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: delivery attempts have no id except their number
            <li key={i}>
              <time>{at}</time> <strong>{code ?? why}</strong> {tookMs !== undefined && `in ${duration(tookMs)}`}
            </li>
          ))}
        </ol>
        <Problem error={error} onClose={clear} />
        {status !== "pending" && (
          <button type="button" disabled={!!busy} onClick={replay}>
            {busy ? "Replaying…" : "Replay"}
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
      <h2 id="endpoints">Webhook endpoints</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {created?.secret && (
        <div className="note" role="status">
          <p>
            The secret of <bdi>{created.url ?? created.id}</bdi>. It is shown only once:
          </p>
          <p>
            <code>{created.secret}</code> <CopyButton text={created.secret} />{" "}
            <button type="button" className="quiet" onClick={() => setCreated(undefined)}>
              Hide
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
    const body = "A new secret is made and shown once. The previous one stays valid for the overlap.";
    const question = { title: `Rotate the secret of ${url ?? "notifyHook"}?`, body, action: "Rotate secret" };
    if (await confirm(question)) await run("rotate", async () => onSecret(await endpoints.rotate(id)));
  }
  async function remove() {
    const body = "Its deliveries are not sent any more. You can undo this for 8 seconds.";
    const question = { title: `Delete ${url}?`, body, action: "Delete endpoint", isDangerous: true };
    if (!(await confirm(question))) return;
    setLeaving(true);
    // The request is held back, because a deleted endpoint cannot be made again with the same secret.
    const timer = setTimeout(() => void run("delete", () => endpoints.delete(id)), UNDO_MS);
    const undo = () => {
      clearTimeout(timer);
      setLeaving(false);
    };
    show(`${url} is deleted.`, { name: "Undo", run: undo }, UNDO_MS);
  }
  if (isLeaving) return null;
  return (
    <li className="card">
      <div className="head">
        <div className="what">
          <strong className="break">
            <bdi>{url ?? "notifyHook of the flows"}</bdi>
          </strong>
          <span className="faint small">
            {description && (
              <>
                <bdi>{description}</bdi> ·{" "}
              </>
            )}
            {scheme} · {events.join(", ")}
            {failingSince && ` · failing since ${ago(failingSince, now)}`}
            {pausedUntil && " · paused"}
            {parked && parked.count > 0 && ` · ${parked.count}${parked.whole ? "" : " or more"} events parked`}
          </span>
          {publicKey && <code className="small break">{publicKey}</code>}
        </div>
        {!enabled && (
          <span className="status bad">✕ {disabledWhy ? `disabled: ${disabledWhy}` : "disabled by the app"}</span>
        )}
      </div>
      <div className="chips">
        <button type="button" className="chip" aria-pressed={isShown} onClick={onShow}>
          Show deliveries
        </button>
        {url !== null && (
          <button
            type="button"
            className="chip"
            disabled={!!busy}
            onClick={() => run("enable", () => endpoints.update(id, { enabled: !enabled }))}
          >
            {enabled ? "Disable" : "Enable"}
          </button>
        )}
        {can("POST", `${path}/test`) && url !== null && (
          <button
            type="button"
            className="chip"
            disabled={!!busy}
            onClick={() => run("test", async () => setNote(testResultText(await endpoints.test<TestEventResult>(id))))}
          >
            Send test event
          </button>
        )}
        <button
          type="button"
          className="chip"
          disabled={!!busy}
          onClick={() =>
            run("replay", async () => {
              const replay = await endpoints.replay(id, { only: "failed" });
              setNote(`Replay ${replay.id} has started.`);
            })
          }
        >
          Replay failed deliveries
        </button>
        <button type="button" className="chip" disabled={!!busy} onClick={() => void rotate()}>
          Rotate secret
        </button>
        {url !== null && (
          <button type="button" className="chip danger" disabled={!!busy} onClick={() => void remove()}>
            Delete
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
  const parts = [status ?? why ?? "no response", tookMs !== undefined && `after ${duration(tookMs)}`];
  return `Test event ${delivered ? "delivered" : "not delivered"}: ${parts.filter(Boolean).join(", ")}.`;
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
        New endpoint
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
        Add
      </button>
      <fieldset className="events">
        <legend>Events</legend>
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
