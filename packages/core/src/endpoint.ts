/** Webhook endpoints: URLs of an app that receive its events. An endpoint is disabled automatically after lasting failure. */
import {
  CLOSED_BREAKER,
  type EndpointBreaker,
  recordReceiverFault,
  recordReceiverSuccess,
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
  outcome: "delivered" | "gone" | "failed" | "fault",
  now: number,
): Endpoint | undefined {
  if (outcome === "delivered") {
    const closed = recordReceiverSuccess(endpoint);
    return endpoint.failingSince === undefined ? closed : { ...(closed ?? endpoint), failingSince: undefined };
  }
  if (!isEnabled(endpoint)) return undefined;
  if (outcome === "gone") return { ...endpoint, disabledAt: now, disabledWhy: "gone" };
  const counted = outcome === "fault" ? recordReceiverFault(endpoint, now) : undefined;
  if (endpoint.failingSince === undefined) return { ...(counted ?? endpoint), failingSince: now };
  if (now - endpoint.failingSince < DISABLE_AFTER_FAILING_MS) return counted;
  return { ...(counted ?? endpoint), disabledAt: now, disabledWhy: "failing" };
}

/** Returns the endpoint enabled, without its earlier failures. */
export function reenabled(endpoint: Endpoint): Endpoint {
  return { ...endpoint, ...CLOSED_BREAKER, disabledAt: undefined, disabledWhy: undefined, failingSince: undefined };
}
