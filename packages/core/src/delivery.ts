/**
 * A delivery: one event for one subscriber. Its id is made of the event and the subscriber, so notifying twice creates one
 * delivery (T3). Operators read its row when an app reports a missing event.
 */
import type { EventType } from "./event.ts";
import { isFlowId } from "./id.ts";
import { type PostOutcome, SECRET_UNREADABLE } from "./outbound.ts";
import type { Timings } from "./timing.ts";

/** `parked`: its endpoint is down, so no attempt was made yet. Such a delivery has no row. */
export type DeliveryStatus = "pending" | "delivered" | "failed" | "parked";

/** Deliveries and their records are stored for this time after their creation. A replay of all of them begins there. */
export const DELIVERY_RETENTION_MS = 30 * 24 * 3_600_000;

/** One delivery attempt. */
export interface DeliveryAttempt {
  /** Epoch ms. */
  at: number;
  /** HTTP status of the response; unset if there was none. */
  status?: number;
  /** Reason why there was no response; unset if there was one. */
  why?: string;
  /** Duration in ms; unset if nothing was sent. */
  tookMs?: number;
  /**
   * Beginning of the response body: untrusted text of the receiver, at most `STORED_BODY_CHARS` long. Unset: the body was empty,
   * there was no response, or an earlier version stored the attempt.
   */
  body?: string;
}

export interface Delivery {
  flowId: string;
  /** Event subject: a task's path, or `FLOW_SUBJECT`. */
  subject: string;
  /** Name of the event, unique within its subject. */
  name: string;
  /** Subscriber: an endpoint id, `hook` for the flow's notifyHook, `bus`, or `mj` for the compat API's hook. */
  listener: string;
  appId: string;
  rev: number;
  type: EventType;
  /** Time of the event, epoch ms. */
  happenedAt: number;
  status: DeliveryStatus;
  /** Number of attempts since the creation or the last replay. */
  tries: number;
  /** The newest attempts, newest last. */
  attempts: DeliveryAttempt[];
  /** End of the lease, epoch ms. The sweeper sets it too, when it finds an overdue delivery. Unset: no lease. */
  leaseUntil?: number;
  /** Reason of a permanent failure; unset unless `status` is `failed`. */
  failure?: string;
  createdAt: number;
  /** Time of the success or the permanent failure, epoch ms; unset while pending. */
  endedAt?: number;
  /** Due time for the sweeper, epoch ms; unset when the delivery has ended. */
  due?: number;
  /** The replay job that made the first attempt of this round. Unset: none. */
  replayId?: string | undefined;
}

export const FLOW_HOOK_LISTENER = "hook";
export const BUS_LISTENER = "bus";
export const MJ_HOOK_LISTENER = "mj";

const ULID = "[0-9A-HJKMNP-TV-Z]{26}";
const NAME = `[a-z]+(?:-\\d{1,3}|-ep_${ULID})?`;
const ID = new RegExp(`^dlv_(${ULID})_(flow|0[0-9A-Za-z-]*)_(${NAME})_(hook|bus|mj|ep_${ULID})$`);

/** True for a webhook endpoint; false for a subscriber without an endpoint of its own. */
export function isEndpointId(listener: string): boolean {
  return listener.startsWith("ep_");
}

export type DeliveryKey = Pick<Delivery, "flowId" | "subject" | "name" | "listener">;

export function deliveryIdOf({ flowId, subject, name, listener }: DeliveryKey): string {
  return `dlv_${flowId.slice("flow_".length)}_${subject}_${name}_${listener}`;
}

export function parseDeliveryId(id: string): DeliveryKey | undefined {
  const match = ID.exec(id);
  if (!match) return undefined;
  const [, ulid, subject, name, listener] = match as unknown as [string, string, string, string, string];
  const flowId = `flow_${ulid}`;
  return isFlowId(flowId) ? { flowId, subject, name, listener } : undefined;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Pauses before each attempt, from the example schedule of Standard Webhooks 1.0: ten attempts over about 75.5 hours. */
export const RETRY_SCHEDULE_MS: readonly number[] = [
  0,
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];
/** Largest random addition to a pause, as a fraction, so that attempts that failed together are not repeated together. */
const JITTER = 0.1;
/** Longest pause that a receiver may request with Retry-After. */
const RETRY_AFTER_MAX_MS = 24 * hour;
const MAX_STORED_ATTEMPTS = 12;
/**
 * Length of the stored beginning of a response body, UTF-16 units. One unit takes at most 3 bytes in the row, so the bodies of
 * twelve attempts take at most 9,216 bytes. Such a row costs ten write units per write. With ten error pages in ASCII it costs
 * three, and with short messages one. Each attempt writes the row twice.
 */
export const STORED_BODY_CHARS = 256;
/** Time for one attempt with its whole timeout and for storing the result. */
export const DELIVERY_LEASE_MS = 45 * second;
/** Time after an attempt was due until the sweeper assumes that its message was lost. */
const OVERDUE_MS = 30 * second;

/** Creates a delivery. The caller that stores it holds the lease for the first attempt. */
export function newDelivery(
  fields: DeliveryKey & Pick<Delivery, "appId" | "type" | "happenedAt">,
  now: number,
): Delivery {
  const lease = { leaseUntil: now + DELIVERY_LEASE_MS, due: now + DELIVERY_LEASE_MS };
  return { ...fields, rev: 0, status: "pending", tries: 0, attempts: [], createdAt: now, ...lease };
}

/** Claims an attempt. Returns undefined if the delivery has ended, another worker has the lease or it is too early. */
export function claimDelivery(delivery: Delivery, now: number): Delivery | undefined {
  const { status, due = 0 } = delivery;
  // The due time is later than the attempt by OVERDUE_MS, so that the sweeper acts only if the message was lost.
  const from = delivery.leaseUntil ?? due - OVERDUE_MS;
  if (status !== "pending" || from > now) return undefined;
  // The due time stays, because moving it costs two write units. If it passes before the attempt has ended, the sweeper sends
  // one more message, and the lease makes that message harmless.
  return { ...delivery, leaseUntil: now + DELIVERY_LEASE_MS };
}

/**
 * Returns the timeout of the next attempt, ms. A receiver that hangs costs its first attempts little, so they do not fill
 * the deliver workers that other receivers need. A slow receiver has the full time from the second attempt on.
 */
export function attemptTimeoutMs(
  { tries }: Pick<Delivery, "tries">,
  { webhookFirstMs, webhookMs }: Pick<Timings, "webhookFirstMs" | "webhookMs">,
): number {
  return tries === 0 ? Math.min(webhookFirstMs, webhookMs) : webhookMs;
}

export interface AttemptResult {
  delivery: Delivery;
  /** Time until the next attempt, ms; unset if there is none. */
  nextMs?: number;
}

/**
 * Records the outcome of an attempt. Only 2xx is a success. A redirect is a failure, because a different server might
 * receive the event. A progress event gets one attempt, because the next one replaces it.
 *
 * @param chance number from 0 to 1 for the jitter
 */
export function recordAttempt(delivery: Delivery, outcome: PostOutcome, now: number, chance: number): AttemptResult {
  const attempt = attemptOf(outcome, now);
  const tries = delivery.tries + 1;
  const attempts = [...delivery.attempts, attempt].slice(-MAX_STORED_ATTEMPTS);
  const after: Delivery = { ...delivery, tries, attempts, leaseUntil: undefined };
  const ended = { endedAt: now, due: undefined };
  if (isDelivered(outcome)) return { delivery: { ...after, ...ended, status: "delivered", failure: undefined } };
  const failure = permanentFailureOf(delivery, outcome, tries);
  if (failure) return { delivery: { ...after, ...ended, status: "failed", failure } };
  const pause = RETRY_SCHEDULE_MS[tries]! * (1 + JITTER * chance);
  const requestedMs = outcome.kind === "answered" ? Math.min(outcome.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS) : 0;
  const nextMs = Math.round(Math.max(pause, requestedMs));
  return { delivery: { ...after, due: now + nextMs + OVERDUE_MS }, nextMs };
}

/** Returns the reason why there is no further attempt; undefined if there is one. */
function permanentFailureOf(delivery: Delivery, outcome: PostOutcome, tries: number): string | undefined {
  if (outcome.kind === "forbidden") return "forbidden_address";
  if (isGone(outcome)) return "endpoint_gone";
  if (outcome.kind === "answered" && outcome.abort) return "aborted_by_receiver";
  if (delivery.type === "task.progress") return "superseded";
  if (tries < RETRY_SCHEDULE_MS.length) return undefined;
  return outcome.kind === "unsigned" ? SECRET_UNREADABLE : "exhausted";
}

export function isDelivered(outcome: PostOutcome): boolean {
  return outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300;
}

/** Returns true for status 410: the receiver wants no more events. */
export function isGone(outcome: PostOutcome): boolean {
  return outcome.kind === "answered" && outcome.status === 410;
}

function attemptOf(outcome: PostOutcome, at: number): DeliveryAttempt {
  if (outcome.kind === "answered") {
    const body = storedBodyOf(outcome.body);
    return { at, status: outcome.status, tookMs: outcome.tookMs, ...(body !== "" && { body }) };
  }
  if (outcome.kind === "forbidden" || outcome.kind === "unsigned") return { at, why: outcome.why };
  return { at, why: outcome.why, tookMs: outcome.tookMs };
}

/**
 * Shortens a response body for the row. Control characters become spaces: JSON writes each of them with six bytes, and a terminal
 * obeys some. The cut may split a pair of surrogates; its half is replaced for the same reason.
 */
function storedBodyOf(body: string): string {
  return body
    .slice(0, STORED_BODY_CHARS)
    .replaceAll(/\p{Cc}/gu, " ")
    .toWellFormed()
    .trim();
}

/** Ends a delivery without an attempt, because its subscriber is deleted or disabled. It can be replayed. */
export function abandonDelivery(delivery: Delivery, failure: string, now: number): Delivery {
  return { ...delivery, status: "failed", failure, endedAt: now, leaseUntil: undefined, due: undefined };
}

/** Restarts a delivery with its first attempt, under the same id. A pending delivery only becomes due earlier. */
export function restartDelivery(delivery: Delivery, now: number): Delivery {
  const fresh = { status: "pending" as const, tries: 0, failure: undefined, endedAt: undefined };
  return { ...delivery, ...fresh, leaseUntil: undefined, due: now + OVERDUE_MS };
}

/**
 * Postpones an overdue delivery whose message the sweeper sends again. `leaseUntil` is set only once, so the time from which
 * the attempt may be made does not move. If it moved, a worker with a slow clock would always find it too early.
 */
export function postponeOverdue(delivery: Delivery, now: number): Delivery {
  return { ...delivery, leaseUntil: delivery.leaseUntil ?? now, due: now + OVERDUE_MS };
}

/** Longest pause of a postponed attempt, as long as a pause of the schedule. */
const POSTPONED_MAX_MS = 5 * hour;

/**
 * Postpones an attempt that was not made, because its receiver is known to hang or fail. It counts as no attempt. The pause
 * is at least half the age of the delivery, so a receiver that is down for days costs some writes per delivery, not hundreds.
 *
 * @param until when the receiver may be tried again, epoch ms
 */
export function postponeAttempt(delivery: Delivery, until: number, now: number): Delivery {
  const pause = Math.min(POSTPONED_MAX_MS, Math.round((now - delivery.createdAt) / 2));
  const from = Math.max(until, now + pause);
  return { ...delivery, leaseUntil: from, due: from };
}
