/**
 * A delivery: one event on its way to one listener. Its id is the event and the listener, so that announcing twice is
 * announcing once (T3); its row is what a person looks at when an app says it was told nothing.
 */
import type { EventType } from "./event.ts";
import { isFlowId } from "./id.ts";
import type { PostOutcome } from "./outbound.ts";

export type DeliveryStatus = "pending" | "delivered" | "failed";

/** One try. */
export interface DeliveryAttempt {
  /** Epoch ms. */
  at: number;
  /** HTTP status, where there was an answer. */
  status?: number;
  /** What went wrong, where there was none. */
  why?: string;
  tookMs?: number;
}

export interface Delivery {
  flowId: string;
  /** A task's path, or `FLOW_PLACE`. */
  subject: string;
  /** The event's name within its place. */
  name: string;
  /** An endpoint's id, `hook` for the flow's own notifyHook, `bus`, or `mj` for the facade's. */
  listener: string;
  appId: string;
  rev: number;
  type: EventType;
  /** When the event happened, epoch ms. */
  happenedAt: number;
  status: DeliveryStatus;
  /** Tries made since the first, or since it was last replayed. */
  tries: number;
  /** The last of them, newest last. */
  attempts: DeliveryAttempt[];
  /** Until then a worker is at it, or, once the sweeper has found it waiting, nobody need be. */
  leaseUntil?: number;
  /** Why it was given up. */
  failure?: string;
  createdAt: number;
  endedAt?: number;
  due?: number;
}

export const FLOW_HOOK_LISTENER = "hook";
export const BUS_LISTENER = "bus";
export const MJ_HOOK_LISTENER = "mj";

const ULID = "[0-9A-HJKMNP-TV-Z]{26}";
const NAME = `[a-z]+(?:-\\d{1,3}|-ep_${ULID})?`;
const ID = new RegExp(`^dlv_(${ULID})_(flow|0[0-9A-Za-z-]*)_(${NAME})_(hook|bus|mj|ep_${ULID})$`);

export type DeliveryKey = Pick<Delivery, "flowId" | "subject" | "name" | "listener">;

export function deliveryIdOf({ flowId, subject, name, listener }: DeliveryKey): string {
  return `dlv_${flowId.slice("flow_".length)}_${subject}_${name}_${listener}`;
}

export function parseDeliveryId(id: string): DeliveryKey | undefined {
  const match = ID.exec(id);
  if (!match) return undefined;
  const [, ulid, place, name, listener] = match as unknown as [string, string, string, string, string];
  const flowId = `flow_${ulid}`;
  return isFlowId(flowId) ? { flowId, subject: place, name, listener } : undefined;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * Pauses before each try, as the sample schedule of Standard Webhooks 1.0 has them: ten tries over 75 hours and a half.
 */
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
/** Added to a pause, at most: tries that failed together do not return together. */
const JITTER = 0.1;
/** A receiver may ask for patience, within reason. */
const RETRY_AFTER_MAX_MS = 24 * hour;
const MAX_STORED_ATTEMPTS = 12;
/** One try, its whole timeout, and the time to write down what came of it. */
export const DELIVERY_LEASE_MS = 45 * second;
export const DELIVERY_TIMEOUT_MS = 15 * second;
/** After a try was due, before the sweeper takes the message for lost. */
const OVERDUE_MS = 30 * second;

/** A new delivery, its first try already claimed by whoever stores it. */
export function newDelivery(
  fields: DeliveryKey & Pick<Delivery, "appId" | "type" | "happenedAt">,
  now: number,
): Delivery {
  const lease = { leaseUntil: now + DELIVERY_LEASE_MS, due: now + DELIVERY_LEASE_MS };
  return { ...fields, rev: 0, status: "pending", tries: 0, attempts: [], createdAt: now, ...lease };
}

/** A worker would try it now. Undefined: it is done, another is at it, or it is too early. */
export function claimDelivery(delivery: Delivery, now: number): Delivery | undefined {
  const { status, due = 0 } = delivery;
  // The due time lies a little behind the try it stands for, in case its message is lost.
  const from = delivery.leaseUntil ?? due - OVERDUE_MS;
  if (status !== "pending" || from > now) return undefined;
  return { ...delivery, leaseUntil: now + DELIVERY_LEASE_MS, due: now + DELIVERY_LEASE_MS };
}

export interface AttemptResult {
  delivery: Delivery;
  /** When the next try is due, ms from now; undefined when there is none. */
  nextMs?: number;
}

/**
 * What a try means. 2xx is delivered; everything else is not, a redirect included: an event is not for whoever moved in.
 * Progress is tried once, since the next one says more.
 *
 * @param chance 0 to 1, for jitter
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
  const asked = outcome.kind === "answered" ? Math.min(outcome.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS) : 0;
  const nextMs = Math.round(Math.max(pause, asked));
  return { delivery: { ...after, due: now + nextMs + OVERDUE_MS }, nextMs };
}

/** Why there will be no other try; undefined when there will. */
function permanentFailureOf(delivery: Delivery, outcome: PostOutcome, tries: number): string | undefined {
  if (outcome.kind === "forbidden") return "forbidden_address";
  if (isGone(outcome)) return "endpoint_gone";
  if (outcome.kind === "answered" && outcome.abort) return "aborted_by_receiver";
  if (delivery.type === "task.progress") return "superseded";
  return tries >= RETRY_SCHEDULE_MS.length ? "exhausted" : undefined;
}

export function isDelivered(outcome: PostOutcome): boolean {
  return outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300;
}

/** 410: the receiver wants nothing more, ever. */
export function isGone(outcome: PostOutcome): boolean {
  return outcome.kind === "answered" && outcome.status === 410;
}

function attemptOf(outcome: PostOutcome, at: number): DeliveryAttempt {
  if (outcome.kind === "answered") return { at, status: outcome.status, tookMs: outcome.tookMs };
  if (outcome.kind === "forbidden") return { at, why: outcome.why };
  return { at, why: outcome.why, tookMs: outcome.tookMs };
}

/** Given up without a try: its listener is gone or disabled. It can be replayed. */
export function abandonDelivery(delivery: Delivery, failure: string, now: number): Delivery {
  return { ...delivery, status: "failed", failure, endedAt: now, leaseUntil: undefined, due: undefined };
}

/** From the first try on again, under the same id; a pending one is only hurried. */
export function restartDelivery(delivery: Delivery, now: number): Delivery {
  const fresh = { status: "pending" as const, tries: 0, failure: undefined, endedAt: undefined };
  return { ...delivery, ...fresh, leaseUntil: undefined, due: now + OVERDUE_MS };
}

/**
 * The sweeper sends the message again, and looks again after a while. From when it may be tried stays as it is, however
 * often: a worker whose clock is behind the sweeper's would find it too early for ever.
 */
export function postponeOverdue(delivery: Delivery, now: number): Delivery {
  return { ...delivery, leaseUntil: delivery.leaseUntil ?? now, due: now + OVERDUE_MS };
}
