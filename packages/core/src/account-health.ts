/**
 * Whether a vendor account calls back is learned, not believed (ARCHITECTURE section 6): many resellers delete
 * notifyHook from what they forward and answer as if all were well. Pure; the engine stores what is decided here.
 */

import { type BreakerRecord, newBreakerRecord } from "./circuit-breaker.ts";
import { backoffMs, type Timings } from "./timing.ts";

export type CallbackBehavior = "unknown" | "calling" | "silent";

export interface AccountHealth extends BreakerRecord {
  provider: string;
  account: string;
  rev: number;
  callbacks: CallbackBehavior;
  /** The last time a callback was recorded here (at most every few minutes), epoch ms. */
  heardAt?: number;
  /** Finished tasks in a row, found by look-up, that no callback had told of. */
  misses: number;
  changedAt: number;
  /** Look-ups that failed in a row, and when the next may be made: a vendor in trouble is not asked each minute. */
  failures: number;
  askAt?: number;
}

/** Three finished tasks without a callback, and none heard meanwhile: by then it is the vendor, not the network. */
export const SILENT_AFTER_MISSES = 3;
/** How long a recorded callback stays proof enough that the next one need not be recorded. */
export const CALLBACK_RECENT_MS = 5 * 60_000;

export function newHealth(provider: string, account: string, now: number): AccountHealth {
  return {
    provider,
    account,
    rev: 0,
    callbacks: "unknown",
    misses: 0,
    changedAt: now,
    failures: 0,
    ...newBreakerRecord(),
  };
}

/** True when a callback that arrives now would teach nothing: the receiver then spends no write on it. */
export function isRecentlyHeard(health: AccountHealth | undefined, now: number): boolean {
  return health?.callbacks === "calling" && now - (health.heardAt ?? 0) < CALLBACK_RECENT_MS;
}

/** A callback arrived: whatever was believed, this account calls. Undefined when there is nothing to record. */
export function recordCallback(health: AccountHealth, now: number): AccountHealth | undefined {
  if (isRecentlyHeard(health, now)) return undefined;
  const changedAt = health.callbacks === "calling" ? health.changedAt : now;
  return { ...health, callbacks: "calling", heardAt: now, misses: 0, changedAt };
}

/**
 * Look-ups found `count` finished tasks no callback had told of, the earliest submitted at `since`.
 * An account heard after that lost single callbacks; it has not gone silent.
 */
export function recordMissedCallbacks(
  health: AccountHealth,
  count: number,
  since: number,
  now: number,
): AccountHealth | undefined {
  if (count === 0 || health.callbacks === "silent") return undefined;
  if (health.heardAt !== undefined && health.heardAt >= since) return undefined;
  const misses = health.misses + count;
  const silent = misses >= SILENT_AFTER_MISSES;
  return { ...health, misses, ...(silent && { callbacks: "silent" as const, changedAt: now }) };
}

/** The pause doubles with each failure; the first is one look-up's. */
export function recordLookupFailure(health: AccountHealth, now: number, timings: Pauses): AccountHealth {
  const pause = backoffMs(timings.lookupMs, health.failures, timings.lookupMaxMs);
  return { ...health, failures: health.failures + 1, askAt: now + pause };
}

/** Undefined when there is nothing to forget. */
export function recordLookupSuccess(health: AccountHealth): AccountHealth | undefined {
  return health.failures === 0 ? undefined : { ...health, failures: 0, askAt: undefined };
}

type Pauses = Pick<Timings, "lookupMs" | "lookupMaxMs">;
