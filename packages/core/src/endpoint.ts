/** An endpoint: an address of an app's that hears its events. Disabled by itself when nothing but failures is left. */
import { DEFAULT_EVENTS, type EventType, eventMaskOf } from "./event.ts";
import { flowIdOf } from "./id.ts";

/** `v1`: HMAC-SHA256 with a shared secret; `v1a`: ed25519, of which the receiver holds the public half. */
export type Scheme = "v1" | "v1a";

/** Sealed: only the engine's vault can read it. */
export interface SealedSecret {
  sealed: string;
  /** Until then it still signs, beside its successor; unset for the current one. */
  until?: number;
}

export interface Endpoint {
  appId: string;
  /** `ep_…`; `hook` for the one that stands for the flows' own notifyHooks: it has secrets and no address. */
  id: string;
  rev: number;
  url?: string;
  scheme: Scheme;
  /** Unset: all but progress. */
  events?: EventType[];
  description?: string;
  /** Newest first. */
  secrets: SealedSecret[];
  /** `whpk_…`, of the newest secret, where the scheme has one. */
  publicKey?: string;
  disabledAt?: number;
  disabledWhy?: "by_app" | "gone" | "failing";
  /** Since when nothing has been delivered; unset after a success. */
  failingSince?: number;
  createdAt: number;
}

export const ENDPOINTS_PER_APP = 20;
/** Only failures for this long, and it is switched off (as Svix does). */
export const DISABLE_AFTER_FAILING_MS = 5 * 24 * 3_600_000;
/** How long the secret before still signs after a rotation, unless the app says otherwise. */
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

/** What all of them together listen to. */
export function combinedEventMask(endpoints: readonly Endpoint[]): number {
  return endpoints
    .filter((e) => isEnabled(e) && e.url !== undefined)
    .reduce((mask, e) => mask | eventMaskOf(subscribedEvents(e)), 0);
}

/** Secrets that sign now: the newest, and those before it whose time has not run out. */
export function activeSecrets({ secrets }: Endpoint, now: number): SealedSecret[] {
  return secrets.filter(({ until }) => until === undefined || until > now);
}

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
  // Several rotations in a row must not make a header without end.
  const kept = before.filter(({ until }) => until > now).slice(0, 2);
  return { ...endpoint, publicKey, secrets: [{ sealed }, ...kept] };
}

/**
 * What one try teaches about the endpoint; undefined: nothing that is not known. The clock starts with the first failure
 * after a success, so that one slow afternoon ends nothing.
 */
export function afterDeliveryAttempt(
  endpoint: Endpoint,
  tried: "delivered" | "gone" | "failed",
  now: number,
): Endpoint | undefined {
  if (tried === "delivered") {
    return endpoint.failingSince === undefined ? undefined : { ...endpoint, failingSince: undefined };
  }
  if (!isEnabled(endpoint)) return undefined;
  if (tried === "gone") return { ...endpoint, disabledAt: now, disabledWhy: "gone" };
  if (endpoint.failingSince === undefined) return { ...endpoint, failingSince: now };
  if (now - endpoint.failingSince < DISABLE_AFTER_FAILING_MS) return undefined;
  return { ...endpoint, disabledAt: now, disabledWhy: "failing" };
}
