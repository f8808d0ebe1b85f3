/**
 * What the tasks of a vendor account that ended in the last 24 hours say: how many succeeded and failed in each hour, and how
 * long they took. It is one short text next to the durations of the account (task-duration.ts), so it costs no write of its own.
 * All functions are pure.
 */
import { TILE_ACTION } from "./button.ts";
import type { Task } from "./task.ts";
import { runningSince } from "./task-duration.ts";

/** Tasks of an account that ended within one hour. */
export interface AccountHour {
  /** Start of the hour, epoch ms. */
  at: number;
  succeeded: number;
  failed: number;
  /** Mean time from the acceptance to the success, ms; 0 if none succeeded. */
  meanMs: number;
}

/**
 * The stored form. `text` has seven characters for each hour from `from` on, numbers in base 36: three for the successes, two for
 * the failures, two for the mean in seconds.
 */
export interface StoredHours {
  /** Number of the first hour since the epoch. */
  from: number;
  text: string;
}

export const HOURS = 24;
const HOUR_MS = 3_600_000;
const WIDTH = 7;

/**
 * Returns the hour of a task that has just ended at the vendor; undefined for every other task. A prompt that the vendor's
 * moderation rejected says nothing about the account, and a tile is cut by mjflow.
 */
export function hourOf(task: Task): AccountHour | undefined {
  const { status, endedAt, failure, action, submittedAt } = task;
  const isSuccess = status === "SUCCESS";
  if (endedAt === undefined || action === TILE_ACTION || (!isSuccess && status !== "FAILURE")) return undefined;
  // A submission that was never accepted is a fault of the circuit breaker.
  if (!isSuccess && (submittedAt === undefined || failure?.code === "banned_prompt")) return undefined;
  const at = Math.floor(endedAt / HOUR_MS) * HOUR_MS;
  const meanMs = isSuccess ? Math.max(0, endedAt - runningSince(task)) : 0;
  return { at, succeeded: isSuccess ? 1 : 0, failed: isSuccess ? 0 : 1, meanMs };
}

/** Returns the sums of two lists, oldest first. */
export function mergedHours(a: readonly AccountHour[], b: readonly AccountHour[]): AccountHour[] {
  const byStart = new Map<number, AccountHour>();
  for (const hour of [...a, ...b]) {
    const known = byStart.get(hour.at) ?? { at: hour.at, succeeded: 0, failed: 0, meanMs: 0 };
    const succeeded = known.succeeded + hour.succeeded;
    const total = known.meanMs * known.succeeded + hour.meanMs * hour.succeeded;
    byStart.set(hour.at, {
      at: hour.at,
      succeeded,
      failed: known.failed + hour.failed,
      meanMs: succeeded === 0 ? 0 : Math.round(total / succeeded),
    });
  }
  return [...byStart.values()].sort((x, y) => x.at - y.at);
}

/** Adds hours to the stored ones. Hours that are older than a day at `now`, epoch ms, are dropped. */
export function addHours(known: StoredHours | undefined, added: readonly AccountHour[], now: number): StoredHours {
  const hours = recent(mergedHours(hoursOf(known, now), added), now);
  const from = Math.floor((hours[0]?.at ?? now) / HOUR_MS);
  const last = Math.floor((hours.at(-1)?.at ?? now) / HOUR_MS);
  const byNumber = new Map(hours.map((hour) => [hour.at / HOUR_MS, hour]));
  const text = Array.from({ length: last - from + 1 }, (_, i) => {
    const { succeeded = 0, failed = 0, meanMs = 0 } = byNumber.get(from + i) ?? {};
    return digits(succeeded, 3) + digits(failed, 2) + digits(Math.round(meanMs / 1_000), 2);
  });
  return { from, text: text.join("") };
}

/** Returns the hours of the last day that have tasks, oldest first. A text that no version writes has none. */
export function hoursOf(stored: StoredHours | undefined, now: number): AccountHour[] {
  if (!stored || !/^([0-9a-z]{7})*$/.test(stored.text)) return [];
  const hours = Array.from({ length: stored.text.length / WIDTH }, (_, i) => {
    const part = (start: number, end: number) =>
      Number.parseInt(stored.text.slice(i * WIDTH + start, i * WIDTH + end), 36);
    return { at: (stored.from + i) * HOUR_MS, succeeded: part(0, 3), failed: part(3, 5), meanMs: part(5, 7) * 1_000 };
  });
  return recent(hours, now).filter(({ succeeded, failed }) => succeeded + failed > 0);
}

/** The hour of `now` and the 23 before it. A clock of another machine may be a little ahead. */
function recent(hours: readonly AccountHour[], now: number): AccountHour[] {
  const current = Math.floor(now / HOUR_MS) * HOUR_MS;
  return hours.filter(({ at }) => at > current - HOURS * HOUR_MS && at <= current + HOUR_MS);
}

/** A number that is too large counts as the largest. */
function digits(value: number, length: number): string {
  return Math.min(value, 36 ** length - 1)
    .toString(36)
    .padStart(length, "0");
}
