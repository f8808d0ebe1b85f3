/**
 * Tracks whether a vendor account sends callbacks. mjflow observes this itself, because many resellers remove `notifyHook`
 * from the request that they forward and still respond with success. All functions are pure; the engine stores the result.
 */

import { type AccountHour, addHours } from "./account-hours.ts";
import { type BreakerRecord, newBreakerRecord } from "./circuit-breaker.ts";
import { addDurations, type DurationSample, type TaskDurations } from "./task-duration.ts";
import { backoffMs, type Timings } from "./timing.ts";

export type CallbackBehavior = "unknown" | "calling" | "silent";

export interface AccountHealth extends BreakerRecord {
  provider: string;
  account: string;
  rev: number;
  callbacks: CallbackBehavior;
  /** Time of the last recorded callback, epoch ms; recorded at most once per `CALLBACK_RECENT_MS`. Unset: none yet. */
  heardAt?: number;
  /** Number of finished tasks in a row that were found by look-up and had no callback. */
  misses: number;
  /** Time of the last change of `callbacks`, epoch ms. */
  changedAt: number;
  /** Number of failed look-ups in a row. */
  failures: number;
  /** Earliest time of the next look-up, epoch ms; unset when look-ups are not paused. */
  askAt?: number;
  /** Why the last look-up failed; unset if it worked. */
  lookupFault?: LookupFault;
  /** How long the tasks of the account take; unset: none has been counted. */
  durations?: TaskDurations;
}

/**
 * Why a look-up failed. `unauthorized`: the vendor refused our key. `unreachable`: no connection could be opened. `failed`:
 * any other reason, for example a 5xx response.
 */
export const LOOKUP_FAULTS = ["unauthorized", "unreachable", "failed"] as const;
export type LookupFault = (typeof LOOKUP_FAULTS)[number];

/** After this many finished tasks without any callback, we assume that the vendor sends none; a network fault is unlikely. */
export const SILENT_AFTER_MISSES = 3;
/** Time after a recorded callback in which further callbacks are not recorded. */
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

/** Returns true if a callback that arrives now changes nothing, so that the callback handler saves a write. */
export function isRecentlyHeard(health: AccountHealth | undefined, now: number): boolean {
  return health?.callbacks === "calling" && now - (health.heardAt ?? 0) < CALLBACK_RECENT_MS;
}

/** Records a callback: the account is `calling`, whatever its earlier value. Returns undefined if nothing has to be written. */
export function recordCallback(health: AccountHealth, now: number): AccountHealth | undefined {
  if (isRecentlyHeard(health, now)) return undefined;
  const changedAt = health.callbacks === "calling" ? health.changedAt : now;
  return { ...health, callbacks: "calling", heardAt: now, misses: 0, changedAt };
}

/**
 * Records that look-ups found `count` finished tasks without a callback; the earliest was submitted at `since`.
 * If a callback arrived at or after `since`, only single callbacks were lost and the account is not silent.
 *
 * @returns undefined if nothing has to be written
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

function nextLookupAt({ failures }: AccountHealth, now: number, { lookupMs, lookupMaxMs }: Pauses): number {
  return now + backoffMs(lookupMs, failures, lookupMaxMs);
}

/** Records a failed look-up. The pause starts at `lookupMs` and doubles with each failure, up to `lookupMaxMs`. */
export function recordLookupFailure(
  health: AccountHealth,
  now: number,
  timings: Pauses,
  lookupFault: LookupFault = "failed",
): AccountHealth {
  return {
    ...health,
    failures: health.failures + 1,
    askAt: nextLookupAt(health, now, timings),
    lookupFault,
  };
}

/**
 * Starts the next pause before the look-up is made, while look-ups fail. Parallel workers then see the pause, so an account
 * gets one look-up however many workers want one. Returns undefined if the last look-up has worked.
 */
export function claimLookup(health: AccountHealth, now: number, timings: Pauses): AccountHealth | undefined {
  if (health.failures === 0) return undefined;
  return { ...health, askAt: nextLookupAt(health, now, timings) };
}

/** Clears the failures and the pause. Returns undefined if there were none. */
export function recordLookupSuccess(health: AccountHealth): AccountHealth | undefined {
  if (health.failures === 0) return undefined;
  return { ...health, failures: 0, askAt: undefined, lookupFault: undefined };
}

/**
 * Counts how long finished tasks took, and how many ended in each hour. Returns undefined if nothing has to be written, or if the
 * durations were stored within the last `durationsMs`.
 */
export function recordDurations(
  health: AccountHealth,
  { samples, hours }: { samples: readonly DurationSample[]; hours: readonly AccountHour[] },
  now: number,
  { durationsMs }: Pick<Timings, "durationsMs">,
): AccountHealth | undefined {
  if ((samples.length === 0 && hours.length === 0) || nextDurationsAt(health, durationsMs) > now) return undefined;
  const durations = addDurations(health.durations, samples, now);
  return { ...health, durations: { ...durations, hours: addHours(durations.hours, hours, now) } };
}

/** Earliest time of the next write of durations, epoch ms. */
export function nextDurationsAt({ durations }: Pick<AccountHealth, "durations">, durationsMs: number): number {
  return durations === undefined ? 0 : durations.at + durationsMs;
}

type Pauses = Pick<Timings, "lookupMs" | "lookupMaxMs">;
