import type { Delivery, DeliveryQuery, DeliveryStatus, Endpoint, NewEndpoint } from "@mjflow/client";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNow } from "../hooks.ts";
import { hrefOf } from "../lib/route.ts";
import { ago, duration } from "../lib/time.ts";
import { CopyButton } from "../components/copy.tsx";
import { Problem } from "../components/problem.tsx";
import { SignatureHelp } from "../components/signature-help.tsx";
import { Status } from "../components/status.tsx";
import { toMjflowError, useAction, useApiCapabilities, useDeliveries, useEndpoints } from "../queries.ts";
import { useMjflow } from "../session.ts";

export function DeliveriesPage() {
  const [endpoint, setEndpoint] = useState("");
  const [status, setStatus] = useState<"" | DeliveryStatus>("");
  const query: DeliveryQuery = { ...(endpoint && { endpoint }), ...(status && { status }) };
  const { data, error, isPending } = useDeliveries(query);
  const now = useNow(5_000);
  const rows = data?.data ?? [];
  const urls = new Map(useEndpoints().data?.map(({ id, url }) => [id, url]));
  return (
    <section className="page">
      <h1>Deliveries</h1>
      <Endpoints shown={endpoint} onShow={setEndpoint} />
      <SignatureHelp />
      <div className="head">
        <h2>What was told</h2>
        <select aria-label="Status" value={status} onChange={(event) => setStatus(event.target.value as typeof status)}>
          <option value="">Any status</option>
          <option value="pending">pending</option>
          <option value="delivered">delivered</option>
          <option value="failed">failed</option>
        </select>
      </div>
      {error && <Problem error={toMjflowError(error)} />}
      <ul className="card sheet deliveries" aria-label="Deliveries, newest first">
        {rows.map((delivery) => (
          <Row key={delivery.id} delivery={delivery} url={urls.get(delivery.endpoint)} now={now} />
        ))}
      </ul>
      {rows.length === 0 && !isPending && !error && (
        <p className="empty">Nothing was told to anybody: no flow with a notifyHook, no endpoint.</p>
      )}
      {data?.nextCursor && <p className="faint small">The newest are shown. Older ones: GET /v1/deliveries.</p>}
    </section>
  );
}

/** @param url of its endpoint; a flow's own hook, and the bus, have none */
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
            {createdAt && ago(createdAt, now)} · {tries} {tries === 1 ? "try" : "tries"}
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
              <dt>given up</dt>
              <dd>{failure}</dd>
            </div>
          )}
          {nextTryAt && (
            <div>
              <dt>next try</dt>
              <dd>{nextTryAt}</dd>
            </div>
          )}
        </dl>
        <ol className="attempts small">
          {attempts.map(({ at, status: code, why, tookMs }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: tries have no other name than their number
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
  const [made, setMade] = useState<NewEndpoint>();
  return (
    <section aria-labelledby="endpoints">
      <h2 id="endpoints">Endpoints</h2>
      {error && <Problem error={toMjflowError(error)} />}
      {made?.secret && (
        <div className="note" role="status">
          <p>
            The secret of <bdi>{made.url ?? made.id}</bdi>, shown this once:
          </p>
          <p>
            <code>{made.secret}</code> <CopyButton text={made.secret} />{" "}
            <button type="button" className="quiet" onClick={() => setMade(undefined)}>
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
            onSecret={setMade}
            onChanged={() => void refetch()}
          />
        ))}
      </ul>
      <NewEndpointForm
        onMade={(endpoint) => {
          setMade(endpoint);
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
  const { id, url, enabled, disabledWhy, failingSince, events, scheme, publicKey, description } = endpoint;
  const { endpoints } = useMjflow();
  const { can } = useApiCapabilities();
  const { act, busy, error, clear } = useAction();
  const [note, setNote] = useState("");
  const now = useNow(10_000);
  const doIt = (name: string, work: () => Promise<unknown>) => act(name, work).then(onChanged);
  const path = "/v1/endpoints/{id}";
  return (
    <li className="card">
      <div className="head">
        <div className="what">
          <strong className="break">
            <bdi>{url ?? "the flows' own notifyHooks"}</bdi>
          </strong>
          <span className="faint small">
            {description && (
              <>
                <bdi>{description}</bdi> ·{" "}
              </>
            )}
            {scheme} · {events.join(", ")}
            {failingSince && ` · began to fail ${ago(failingSince, now)}`}
          </span>
          {publicKey && <code className="small break">{publicKey}</code>}
        </div>
        {!enabled && <span className="status bad">✕ off: {disabledWhy ?? "by hand"}</span>}
      </div>
      <div className="chips">
        <button type="button" className="chip" aria-pressed={isShown} onClick={onShow}>
          Only its deliveries
        </button>
        {url !== null && (
          <button
            type="button"
            className="chip"
            disabled={!!busy}
            onClick={() => doIt("enable", () => endpoints.update(id, { enabled: !enabled }))}
          >
            {enabled ? "Switch off" : "Switch on"}
          </button>
        )}
        {can("POST", `${path}/test`) && url !== null && (
          <button
            type="button"
            className="chip"
            disabled={!!busy}
            onClick={() => doIt("test", async () => setNote(testResultText(await endpoints.test<TestEventButton>(id))))}
          >
            Send a sample
          </button>
        )}
        <button
          type="button"
          className="chip"
          disabled={!!busy}
          onClick={() =>
            doIt("replay", async () => {
              const { replayed, nextCursor } = await endpoints.replay(id, { only: "failed" });
              setNote(`${replayed} replayed${nextCursor ? ", and there is more" : ""}.`);
            })
          }
        >
          Replay what failed
        </button>
        <button
          type="button"
          className="chip"
          disabled={!!busy}
          onClick={() => doIt("rotate", async () => onSecret(await endpoints.rotate(id)))}
        >
          New secret
        </button>
        {url !== null && (
          <button
            type="button"
            className="chip danger"
            disabled={!!busy}
            onClick={() => doIt("delete", () => endpoints.delete(id))}
          >
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

/** How a sample was answered. */
interface TestEventButton {
  delivered: boolean;
  status?: number;
  why?: string;
  tookMs?: number;
}

function testResultText({ delivered, status, why, tookMs }: TestEventButton): string {
  const answer = [status ?? why ?? "no answer", tookMs !== undefined && `after ${duration(tookMs)}`];
  return `The sample was ${delivered ? "taken" : "not taken"}: ${answer.filter(Boolean).join(", ")}.`;
}

function NewEndpointForm({ onMade }: { onMade: (endpoint: NewEndpoint) => void }) {
  const { endpoints } = useMjflow();
  const { act, busy, error, clear } = useAction();
  const [url, setUrl] = useState("");
  async function submit(event: FormEvent) {
    event.preventDefault();
    const isDone = await act("create", async () => onMade(await endpoints.create({ url: url.trim() })));
    if (isDone) setUrl("");
  }
  return (
    <form className="row add" onSubmit={submit}>
      <label>
        Another address
        <input
          type="url"
          required
          placeholder="https://app.example.com/mjflow"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
      </label>
      <button type="submit" disabled={!!busy || !url.trim()}>
        Add
      </button>
      <Problem error={error} onClose={clear} />
    </form>
  );
}
