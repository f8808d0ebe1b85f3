/**
 * `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header-07), like version 2 of Stripe's API: a repeated key
 * returns the same flow or task in its current state. If the first request crashed, the repeated request completes it.
 * For this purpose the id of the new flow or task is chosen and stored with the key before anything else is written.
 */
import { FUNCTION_TIMEOUT_S } from "./limit.ts";

export interface IdempotencyRecord {
  appId: string;
  key: string;
  rev: number;
  /**
   * Hash of the route and the validated request; unset if the first request was rejected, because nothing was created.
   */
  fingerprint?: string;
  /** Id of the flow or task that the request creates. */
  target: string;
  state: "running" | "done";
  /** End of the lease, epoch ms: until then the request may be running, afterwards it has crashed. Unset: no lease. */
  leaseUntil?: number;
  createdAt: number;
}

/** How long a key is remembered. */
export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000;
/** Longer than the API function may run. After this time the process that held the lease is no longer running. */
export const IDEMPOTENCY_LEASE_MS = (FUNCTION_TIMEOUT_S.api + 10) * 1_000;

/**
 * Accepts 1 to 255 visible ASCII characters, bare or as a quoted string as in the draft. Returns undefined otherwise.
 */
export function parseIdempotencyKey(header: string): string | undefined {
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  return /^[!-~]{1,255}$/.test(key) ? key : undefined;
}

export type IdempotencyState =
  /** Nothing was created with this key; this request starts. */
  | { kind: "new" }
  /** The first request crashed or failed; this request completes it with the same target. */
  | { kind: "resume" }
  /** The target exists. */
  | { kind: "done" }
  /** Another request with this key is running. */
  | { kind: "in_flight" }
  /** The key was used for a different request. */
  | { kind: "mismatch" };

export function idempotencyStateOf(row: IdempotencyRecord, fingerprint: string, now: number): IdempotencyState {
  if (row.createdAt + IDEMPOTENCY_TTL_MS <= now) return { kind: "new" };
  if (row.fingerprint === undefined) return { kind: "new" };
  if (row.fingerprint !== fingerprint) return { kind: "mismatch" };
  if (row.state === "done") return { kind: "done" };
  return (row.leaseUntil ?? 0) > now ? { kind: "in_flight" } : { kind: "resume" };
}

/** Returns the same text for equal values, whatever the order of their fields. Undefined fields are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(",")}}`;
}
