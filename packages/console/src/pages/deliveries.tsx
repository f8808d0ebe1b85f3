import type { Delivery, DeliveryQuery, DeliveryStatus } from "@mjflow/client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { EndpointList } from "../components/endpoint-list.tsx";
import { Problem } from "../components/problem.tsx";
import { SignatureHelp } from "../components/signature-help.tsx";
import { Status } from "../components/status.tsx";
import { replaceQuery, useNow } from "../hooks.ts";
import { Rich } from "../kit/rich.tsx";
import { indented } from "../lib/json-text.ts";
import { hrefOf, type Query } from "../lib/route.ts";
import { ago, duration } from "../lib/time.ts";
import { toMjflowError, useAction, useDeliveries, useEndpoints } from "../queries.ts";
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
      <EndpointList shown={endpoint} onShow={(id) => replaceQuery({ endpoint: id })} />
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
          {attempts.map(({ at, status: code, why, tookMs, body }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: delivery attempts have no id except their number
            <li key={i}>
              <time>{at}</time> <strong>{code ?? why}</strong>{" "}
              {tookMs !== undefined && t.deliveries.in(duration(tookMs))}
              {body && (
                <>
                  <div className="faint">{t.deliveries.responseBody}</div>
                  <pre className="code">{body}</pre>
                </>
              )}
            </li>
          ))}
        </ol>
        <Payload id={id} />
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

/** The body that the next attempt would post. It is requested when the user opens it, because a flow's can be long. */
function Payload({ id }: { id: string }) {
  const mjflow = useMjflow();
  const [isOpen, setOpen] = useState(false);
  const { data, error } = useQuery({
    queryKey: ["deliveries", "payload", id],
    queryFn: () => mjflow.deliveries.get(id),
    enabled: isOpen,
  });
  return (
    <details className="payload" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t.deliveries.payload}</summary>
      {error && <Problem error={toMjflowError(error)} />}
      {data && !data.payload && <p className="faint small">{t.deliveries.noPayload}</p>}
      {data?.payload && (
        <>
          <pre className="code">{indented(data.payload)}</pre>
          <CopyButton text={data.payload} />
        </>
      )}
    </details>
  );
}
