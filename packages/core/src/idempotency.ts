/**
 * `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header-07), with Stripe's second semantics: the same key is
 * the same flow or task, shown as it stands, and driven to completion should the first try have died half-way. For that
 * what is to be made is chosen, and stored with the key, before anything of it is written.
 */
import { FUNCTION_TIMEOUT_S } from "./limit.ts";

export interface IdempotencyRecord {
  appId: string;
  key: string;
  rev: number;
  /** Of the route and the validated request; unset once the first try was refused, for then nothing was made. */
  fingerprint?: string;
  /** The id of what is to be made. */
  target: string;
  state: "running" | "done";
  /** While it runs: whoever has it is at work until then, or dead. */
  leaseUntil?: number;
  createdAt: number;
}

export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000;
/** Outlives the function that holds it: so a lease that is over belongs to nobody. */
export const IDEMPOTENCY_LEASE_MS = (FUNCTION_TIMEOUT_S.api + 10) * 1_000;

/** 1 to 255 visible ASCII characters, bare or, as the draft has it, as a quoted string; undefined for all else. */
export function parseIdempotencyKey(header: string): string | undefined {
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  return /^[!-~]{1,255}$/.test(key) ? key : undefined;
}

export type IdempotencyState =
  /** Nothing was made under it: it is ours to begin. */
  | { kind: "new" }
  /** The first try died: what it was about to make is ours to finish. */
  | { kind: "resume" }
  | { kind: "done" }
  | { kind: "in_flight" }
  /** The key is another request's. */
  | { kind: "mismatch" };

export function idempotencyStateOf(row: IdempotencyRecord, fingerprint: string, now: number): IdempotencyState {
  if (row.createdAt + IDEMPOTENCY_TTL_MS <= now) return { kind: "new" };
  if (row.fingerprint === undefined) return { kind: "new" };
  if (row.fingerprint !== fingerprint) return { kind: "mismatch" };
  if (row.state === "done") return { kind: "done" };
  return (row.leaseUntil ?? 0) > now ? { kind: "in_flight" } : { kind: "resume" };
}

/** One text for equal values, in whatever order their fields were sent; fields that are undefined are not there. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(",")}}`;
}
