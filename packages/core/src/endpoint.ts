/** Webhook endpoints: URLs of an app that receive its events. An endpoint is disabled automatically after lasting failure. */
import {
  CLOSED_BREAKER,
  type EndpointBreaker,
  recordReceiverFault,
  recordReceiverSuccess,
  startEndpointTrial,
} from "./endpoint-breaker.ts";
import { DEFAULT_EVENTS, type EventType, eventMaskOf } from "./event.ts";
import { flowIdOf } from "./id.ts";

/** Signature scheme. `v1`: HMAC-SHA256 with a shared secret; `v1a`: ed25519, of which the receiver has the public key. */
export type Scheme = "v1" | "v1a";

/** A signing secret, encrypted by the engine's vault. */
export interface SealedSecret {
  sealed: string;
  /** End of the overlap, epoch ms: until then the secret signs together with its successor. Unset: the current secret. */
  until?: number;
}

export interface Endpoint extends EndpointBreaker {
  appId: string;
  /** `ep_…`; `hook` is the entry for the notifyHooks of flows: it has secrets and no URL. */
  id: string;
  rev: number;
  /** Target URL; unset only for `hook`. */
  url?: string;
  scheme: Scheme;
  /** Subscribed event types; unset: all except progress. */
  events?: EventType[];
  description?: string;
  /** Signing secrets, newest first. */
  secrets: SealedSecret[];
  /** Public key `whpk_…` of the newest secret; unset for scheme `v1`. */
  publicKey?: string;
  /** Time of disabling, epoch ms; unset: enabled. */
  disabledAt?: number;
  disabledWhy?: "by_app" | "gone" | "failing";
  /** Time of the first failure since the last success, epoch ms; unset after a success. */
  failingSince?: number;
  createdAt: number;
  /**
   * Events of flows that were created since then may be parked, epoch ms. It is set while the breaker is open, and until the
   * sweeper begins the recovery. Unset: no event may be parked.
   */
  parkedFrom?: number;
  /** The recovery that must be started, from this creation time of a flow, epoch ms. Unset: none. */
  recoverFrom?: number;
  /** The newest recovery: the replay that sends parked events. Unset: there was none. */
  recovery?: string;
  /** Due time for the sweeper, epoch ms. Unset: there is nothing to recover. */
  due?: number;
}

export const ENDPOINTS_PER_APP = 20;
/** An endpoint with only failures for this time is disabled; Svix uses the same time. */
export const DISABLE_AFTER_FAILING_MS = 5 * 24 * 3_600_000;
/** How long the previous secret still signs after a rotation, unless the app sets another time. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

export function subscribedEvents(endpoint: Pick<Endpoint, "events">): readonly EventType[] {
  return endpoint.events ?? DEFAULT_EVENTS;
}

export function isEnabled(endpoint: Endpoint): boolean {
  return endpoint.disabledAt === undefined;
}

/** @param random 10 bytes */
export function endpointIdOf(timeMs: number, random: Uint8Array): string {
  return `ep_${flowIdOf(timeMs, random).slice("flow_".length)}`;
}

/** Returns the event mask of all enabled endpoints together. */
export function combinedEventMask(endpoints: readonly Endpoint[]): number {
  return endpoints
    .filter((e) => isEnabled(e) && e.url !== undefined)
    .reduce((mask, e) => mask | eventMaskOf(subscribedEvents(e)), 0);
}

/** Returns the secrets that sign now: the newest, and earlier ones whose overlap has not ended. */
export function activeSecrets({ secrets }: Endpoint, now: number): SealedSecret[] {
  return secrets.filter(({ until }) => until === undefined || until > now);
}

/** Adds a new secret. Each earlier secret signs until the end of the overlap, or until its own earlier end. */
export function withRotatedSecret(
  endpoint: Endpoint,
  sealed: string,
  publicKey: string | undefined,
  now: number,
  overlapMs: number,
): Endpoint {
  const before = activeSecrets(endpoint, now).map((secret) => ({
    ...secret,
    until: Math.min(secret.until ?? Infinity, now + overlapMs),
  }));
  // Each secret adds a signature to the header, so repeated rotations keep at most two earlier secrets.
  const kept = before.filter(({ until }) => until > now).slice(0, 2);
  return { ...endpoint, publicKey, secrets: [{ sealed }, ...kept] };
}

/**
 * Updates the endpoint after a delivery attempt. Failures count from the first one after a success, so a short outage does
 * not disable the endpoint. A fault also counts for the circuit breaker.
 *
 * @returns undefined if nothing has to be written
 */
export function afterDeliveryAttempt(
  endpoint: Endpoint,
  outcome: "delivered" | "gone" | "rejected" | "failed" | "fault",
  now: number,
): Endpoint | undefined {
  if (outcome === "delivered") {
    const success = recordReceiverSuccess(endpoint);
    const closed = success && { ...success, ...recoveryDue(success, now) };
    return endpoint.failingSince === undefined ? closed : { ...(closed ?? endpoint), failingSince: undefined };
  }
  if (!isEnabled(endpoint)) return undefined;
  if (outcome === "gone") return { ...endpoint, disabledAt: now, disabledWhy: "gone", due: undefined };
  const counted = afterAnswer(endpoint, outcome, now);
  if (endpoint.failingSince === undefined) return { ...(counted ?? endpoint), failingSince: now };
  if (now - endpoint.failingSince < DISABLE_AFTER_FAILING_MS) return counted;
  return { ...(counted ?? endpoint), disabledAt: now, disabledWhy: "failing", due: undefined };
}

/** Returns the endpoint with its breaker opened or closed; undefined if nothing has to be written for the breaker. */
function afterAnswer(endpoint: Endpoint, outcome: "rejected" | "failed" | "fault", now: number): Endpoint | undefined {
  // The prompt answer of a working receiver about one event. As a trial it must stop no other event.
  if (outcome === "rejected" && endpoint.openUntil !== undefined) return withClosedBreaker(endpoint, now);
  if (outcome !== "fault") return undefined;
  const fault = recordReceiverFault(endpoint, now);
  return fault && (fault.opens ?? 0) > (endpoint.opens ?? 0) ? withParking(fault, now) : fault;
}

/** Returns the endpoint enabled, without its earlier failures. Its parked events are sent. */
export function reenabled(endpoint: Endpoint, now: number): Endpoint {
  const enabled = { disabledAt: undefined, disabledWhy: undefined, failingSince: undefined };
  return withClosedBreaker({ ...endpoint, ...enabled }, now);
}

/** Closes the breaker of an endpoint that may work again, for example because it has another URL. Its parked events are sent. */
export function withClosedBreaker(endpoint: Endpoint, now: number): Endpoint {
  return { ...endpoint, ...CLOSED_BREAKER, ...recoveryDue(endpoint, now) };
}

// ── parked events ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * An event is parked only if its flow is younger than this when the breaker opens. A recovery reads all flows of this time, and
 * most flows end within minutes. Events of older flows get delivery rows.
 */
export const PARK_REACHES_MS = 30 * 60_000;

/** True if a recovery that begins later than this row was read will find the parked events of a flow. */
export function isParking({ parkedFrom }: Pick<Endpoint, "parkedFrom">, { createdAt }: { createdAt: number }): boolean {
  return parkedFrom !== undefined && createdAt >= parkedFrom;
}

/** Begins to park events. The endpoint is due when the breaker lets a trial pass. */
function withParking(endpoint: Endpoint, now: number): Endpoint {
  const parkedFrom = Math.min(endpoint.parkedFrom ?? Number.POSITIVE_INFINITY, now - PARK_REACHES_MS);
  return { ...endpoint, parkedFrom, due: endpoint.openUntil! };
}

/** Starts the trial of a half-open breaker. The events that come meanwhile are parked. */
export function startTrial(endpoint: Endpoint, now: number): Endpoint {
  return withParking(startEndpointTrial(endpoint, now), now);
}

function recoveryDue({ parkedFrom, recoverFrom }: Endpoint, now: number): { due: number | undefined } {
  return { due: parkedFrom === undefined && recoverFrom === undefined ? undefined : now };
}

/**
 * Begins the recovery of a due endpoint: from this write on no event is parked until the breaker opens again. A worker that
 * still records a parked event reads the row afterwards and sees that. So each parked event is found by the recovery or by
 * its own worker.
 *
 * @param recovery id of the replay
 */
export function beginRecovery(endpoint: Endpoint, recovery: string, now: number): Endpoint {
  const { parkedFrom, openUntil } = endpoint;
  if (!isEnabled(endpoint) || parkedFrom === undefined) return { ...endpoint, due: undefined };
  if (openUntil !== undefined && openUntil > now) return { ...endpoint, due: openUntil };
  return { ...endpoint, parkedFrom: undefined, recoverFrom: parkedFrom, recovery, due: now };
}

/** The replay is stored, so the endpoint is done with it. It stays due if its breaker has opened again meanwhile. */
export function endRecoveryStart(endpoint: Endpoint): Endpoint {
  return { ...endpoint, recoverFrom: undefined, due: endpoint.parkedFrom === undefined ? undefined : endpoint.due };
}

/**
 * Takes back what a recovery has not sent, because the endpoint was disabled. It is sent when the endpoint is enabled again: at
 * once if the app has enabled it meanwhile.
 */
export function takeBackParked(endpoint: Endpoint, from: number, now: number): Endpoint {
  const parkedFrom = Math.min(endpoint.parkedFrom ?? Number.POSITIVE_INFINITY, from);
  return { ...endpoint, parkedFrom, due: isEnabled(endpoint) ? now : endpoint.due };
}
