/** One delivery: its attempts with their responses, the payload, a check of its signature, and Resend. */
import type { Delivery, DeliveryDetail as Detail } from "@mjflow/client";
import { useState } from "react";
import { useNow } from "../hooks.ts";
import { Code } from "../kit/code.tsx";
import { Icon } from "../kit/icon.tsx";
import { Tabs } from "../kit/tabs.tsx";
import { deliveryCurl } from "../lib/delivery.ts";
import { indented, jsonParts } from "../lib/json-text.ts";
import { hrefOf } from "../lib/route.ts";
import { clock, duration } from "../lib/time.ts";
import { useDeliveriesAgain, useDelivery } from "../operate-queries.ts";
import { toMjflowError, useAction } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { CopyButton } from "./copy.tsx";
import { Problem } from "./problem.tsx";
import { SignatureCheck } from "./signature-help.tsx";
import { Status } from "./status.tsx";

/**
 * @param listed the delivery as the list has it, shown until its payload is read; undefined: it is not in the list
 * @param url URL of the webhook endpoint; unset for a flow's `notifyHook` and for the event bus
 */
export function DeliveryDetail(props: { id: string; listed: Delivery | undefined; url: string | undefined }) {
  const { id, listed, url } = props;
  const { data, error } = useDelivery(id);
  const [tab, setTab] = useState("attempts");
  const delivery: Delivery | undefined = data ?? listed;
  if (!delivery) return error ? <Problem error={toMjflowError(error)} /> : <div className="skeleton setting-soon" />;
  return (
    <div className="delivery-detail">
      <Head delivery={delivery} url={url} />
      <Tabs
        label={t.deliveries.about}
        tabs={[
          { id: "attempts", name: t.deliveries.attemptsTab(delivery.attempts.length) },
          { id: "signature", name: t.deliveries.signatureTab },
        ]}
        selected={tab}
        onSelect={setTab}
      >
        {tab === "attempts" ? (
          <>
            <Attempts delivery={delivery} />
            <Payload detail={data} url={url} />
          </>
        ) : (
          <SignatureCheck key={data?.payload ?? ""} eventId={delivery.eventId} body={data?.payload ?? ""} />
        )}
      </Tabs>
    </div>
  );
}

function Head({ delivery, url }: { delivery: Delivery; url: string | undefined }) {
  const { id, type, eventId, endpoint, status, tries, failure, nextTryAt, flowId, taskId } = delivery;
  const mjflow = useMjflow();
  const readAgain = useDeliveriesAgain();
  const { act, busy, off, error, clear } = useAction();
  const now = useNow(1_000);
  const wait = nextTryAt ? Date.parse(nextTryAt) - now : undefined;
  const resend = () =>
    act("replay", async () => {
      await mjflow.deliveries.replay(id);
      await readAgain();
    });
  return (
    <header>
      <div className="head">
        <h2>
          <code>{type}</code>
        </h2>
        <div className="actions">
          <a className="button" href={hrefOf({ page: "flow", id: flowId, task: taskId ?? undefined })}>
            <Icon name="arrow-up-right" />
            {t.pages.flow}
          </a>
          <button type="button" className="primary" {...off} onClick={resend}>
            <Icon name="send" />
            {busy ? t.deliveries.resending : t.deliveries.resend}
          </button>
        </div>
      </div>
      <p className="faint small break">
        <bdi>{url ?? endpoint}</bdi>
      </p>
      <p className="faint small event-id">
        <code title="webhook-id">{eventId}</code> <CopyButton text={eventId} label={t.deliveries.copyId} icon="copy" />
      </p>
      <p className="delivery-state">
        <Status of={status} isPill />
        <span className="small faint">
          {wait !== undefined && `${wait > 0 ? t.deliveries.nextIn(duration(wait)) : t.deliveries.nextNow} · `}
          {t.deliveries.attempts(tries)}
        </span>
      </p>
      {failure && (
        <p className="small">
          {t.deliveries.failedPermanently}: <bdi>{failure}</bdi>
        </p>
      )}
      <Problem error={error} onClose={clear} />
    </header>
  );
}

/** The newest attempt first. Its response is open. */
function Attempts({ delivery: { attempts, status } }: { delivery: Delivery }) {
  if (attempts.length === 0)
    return <p className="faint small">{status === "parked" ? t.deliveries.isParked : t.deliveries.noAttempt}</p>;
  return (
    <ol className="attempts small" aria-label={t.deliveries.attemptList}>
      {attempts.toReversed().map(({ at, status: code, why, tookMs, body }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: delivery attempts have no id except their number
        <li key={attempts.length - i}>
          <details open={i === 0}>
            <summary>
              <Icon name="chevron-right" size="tiny" />
              <strong className={code !== undefined && code < 300 ? "ok" : "bad"}>{code ?? "–"}</strong>
              <span className="clip">{code === undefined ? why : (t.deliveries.codes[code] ?? "")}</span>
              <span className="number faint">{tookMs !== undefined && duration(tookMs)}</span>
              {at && (
                <time className="number faint" dateTime={at} title={at}>
                  {clock(at)}
                </time>
              )}
            </summary>
            <div className="attempt-response">
              {body ? (
                <>
                  <div className="head">
                    <span className="faint">{t.deliveries.responseBody}</span>
                    <CopyButton text={body} />
                  </div>
                  <Code>{body}</Code>
                </>
              ) : (
                <p className="faint">{code === undefined ? t.deliveries.noResponse : t.deliveries.emptyResponse}</p>
              )}
            </div>
          </details>
        </li>
      ))}
    </ol>
  );
}

/** A longer payload has no colors: each part is an element. */
const COLORED_CHARS = 60_000;

/** The body that the next attempt would post. */
function Payload({ detail, url }: { detail: Detail | undefined; url: string | undefined }) {
  if (!detail) return <div className="skeleton payload-soon" />;
  const { payload, eventId } = detail;
  if (!payload) return <p className="faint small">{t.deliveries.noPayload}</p>;
  const text = indented(payload);
  return (
    <section className="payload" aria-labelledby="payload">
      <div className="head">
        <h3 id="payload">
          {t.deliveries.payload} <span className="faint small">application/json · {sizeOf(payload)}</span>
        </h3>
        <div className="actions">
          <CopyButton text={payload} />
          {url && <CopyButton text={deliveryCurl(url, eventId, payload)} label={t.deliveries.copyCurl} />}
        </div>
      </div>
      <Code>
        {text.length > COLORED_CHARS
          ? text
          : jsonParts(text).map(({ kind, text: part }, i) =>
              kind === "plain" ? (
                part
              ) : (
                // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have only their places
                <span key={i} className={`json-${kind}`}>
                  {part}
                </span>
              ),
            )}
      </Code>
    </section>
  );
}

function sizeOf(text: string): string {
  const bytes = new TextEncoder().encode(text).length;
  return bytes < 1_000 ? `${bytes} B` : `${(bytes / 1_000).toFixed(1)} kB`;
}
