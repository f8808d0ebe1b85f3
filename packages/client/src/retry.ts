/** When to send a request again: pure arithmetic, so that each answer can be asked for again. */
import type { MjflowError } from "./error.ts";

export interface RetryPolicy {
  /** After the first try. */
  maxRetries: number;
  baseMs: number;
  capMs: number;
  /** A server that asks for more patience than this is reported, not waited for. */
  maxRetryAfterMs: number;
}

export const RETRY: RetryPolicy = { maxRetries: 3, baseMs: 300, capMs: 8_000, maxRetryAfterMs: 60_000 };

/** Refused before anything was done, or by something between; all may pass. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * How long to wait before trying again, or undefined: not at all.
 *
 * @param resendable sending it twice is sending it once: it only reads, or carries an Idempotency-Key
 * @param retried how often it was already sent again
 * @param chance 0 to 1
 */
export function pauseMs(
  error: MjflowError,
  resendable: boolean,
  retried: number,
  policy: RetryPolicy,
  chance: number,
): number | undefined {
  if (!resendable || retried >= policy.maxRetries || !mayPass(error)) return undefined;
  if ((error.retryAfterMs ?? 0) > policy.maxRetryAfterMs) return undefined;
  return Math.max(backoffMs(retried, policy, chance), withJitter(error.retryAfterMs, policy, chance));
}

function mayPass({ code, status = 0 }: MjflowError): boolean {
  // In flight: the first sending of the same key is still at work, and its answer is the one to have.
  return code === "unreachable" || code === "idempotency_in_flight" || PASSING.has(status);
}

/** Doubling, with the upper half left to chance: many clients cut off together must not come back together. */
export function backoffMs(n: number, { baseMs, capMs }: Pick<RetryPolicy, "baseMs" | "capMs">, chance: number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(n, 30));
  return Math.round(full * (0.5 + chance / 2));
}

/** Never earlier than asked, and a little later for some. */
function withJitter(retryAfterMs: number | undefined, { baseMs }: RetryPolicy, chance: number): number {
  return retryAfterMs === undefined ? 0 : Math.round(retryAfterMs + baseMs * chance);
}

/** RFC 9110, 10.2.3: seconds, or a date. Undefined for anything else. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000);
  const at = text.endsWith(" GMT") ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
