/** Decides when a request is sent again. Pure arithmetic, so that every decision can be tested. */
import type { MjflowError } from "./error.ts";

export interface RetryPolicy {
  /** Maximum number of repetitions after the first request. */
  maxRetries: number;
  baseMs: number;
  capMs: number;
  /** Longest Retry-After that is waited for, ms; a longer one is reported as an error. */
  maxRetryAfterMs: number;
}

export const RETRY: RetryPolicy = { maxRetries: 3, baseMs: 300, capMs: 8_000, maxRetryAfterMs: 60_000 };

/**
 * Statuses that mean that the server or something in between rejected the request before processing it. All of them can
 * be temporary.
 */
const TEMPORARY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Returns the pause before the next retry in ms, or undefined if the request must not be repeated.
 *
 * @param resendable true if repeating the request has no further effect: it only reads, or it has an Idempotency-Key
 * @param retried number of repetitions so far
 * @param chance random number from 0 to 1
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
  // `idempotency_in_flight`: the first request with this key is still running. Its response is the one we want.
  return code === "unreachable" || code === "idempotency_in_flight" || TEMPORARY.has(status);
}

/**
 * Exponential backoff whose upper half is random, so that many disconnected clients do not come back at the same time.
 */
export function backoffMs(n: number, { baseMs, capMs }: Pick<RetryPolicy, "baseMs" | "capMs">, chance: number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(n, 30));
  return Math.round(full * (0.5 + chance / 2));
}

/** Adds a random delay to Retry-After; the result is never shorter than Retry-After. */
function withJitter(retryAfterMs: number | undefined, { baseMs }: RetryPolicy, chance: number): number {
  return retryAfterMs === undefined ? 0 : Math.round(retryAfterMs + baseMs * chance);
}

/** Parses Retry-After (RFC 9110, 10.2.3): seconds, or a date. Returns undefined for anything else. */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000);
  const at = text.endsWith(" GMT") ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
