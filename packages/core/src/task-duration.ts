/**
 * How long successful tasks of a vendor account take, by pace and action: a small histogram on the account's health row.
 * Read hints use its 80th percentile (read-hint.ts). All functions are pure; the engine stores the result.
 *
 * A histogram is a text with one character per bucket. Its counts are base 36, so a histogram never grows. When a count
 * would pass 35, all counts are halved, so old tasks lose weight and a changed vendor is soon seen.
 */
import type { StoredHours } from "./account-hours.ts";
import { TILE_ACTION } from "./button.ts";
import type { Task } from "./task.ts";
import type { Pace } from "./timing.ts";

export interface TaskDurations {
  /** When it was last stored, epoch ms. */
  at: number;
  /** Histograms by `<pace>/<action>`. */
  counts: Record<string, string>;
  /** Ended tasks by hour. Unset: none was counted, or an earlier version stored the durations last. */
  hours?: StoredHours;
}

/** One finished task. */
export interface DurationSample {
  pace: Pace;
  action: string;
  /** From the acceptance by the vendor to the end, ms. */
  ms: number;
}

/** The upper bound of bucket `i` is `FIRST_MS * GROWTH ** i`; the last bucket begins near two hours and has no bound. */
const BUCKETS = 30;
const FIRST_MS = 1_000;
const GROWTH = 1.35;
const MAX_COUNT = 35;
/**
 * Vendors name actions themselves, so the number of histograms needs a limit. With it the histograms and the hours of the account
 * stay below one KB together.
 */
const MAX_HISTOGRAMS = 12;
/** With fewer tasks a percentile says nothing, and the default is used. */
const MIN_SAMPLES = 5;

/**
 * Assumed 80th percentiles before an account has data, ms. They follow what vendors publish about their modes: a fast image
 * takes about a minute, a relaxed one up to ten.
 */
const DEFAULT_MS: Record<Pace, number> = { turbo: 30_000, fast: 60_000, relax: 600_000, video: 240_000 };
/** Actions that take about as long in every pace, because they draw no new image. */
const DEFAULT_ACTION_MS: Partial<Record<string, number>> = {
  UPSCALE: 15_000,
  DESCRIBE: 20_000,
  SHORTEN: 20_000,
  [TILE_ACTION]: 5_000,
};

/** Returns the sample of a task that has succeeded; undefined for every other task. */
export function durationSampleOf(task: Task): DurationSample | undefined {
  const { status, pace, action, endedAt } = task;
  if (status !== "SUCCESS" || endedAt === undefined) return undefined;
  return { pace, action, ms: Math.max(0, endedAt - runningSince(task)) };
}

/**
 * Returns when the duration of a task begins, epoch ms: when the vendor accepted it, or its last modal answer. How long a task
 * waited for a busy vendor, or for a person, says nothing about the time that the vendor needs.
 */
export function runningSince({ submittedAt, createdAt }: Task): number {
  return submittedAt ?? createdAt;
}

/** Adds samples. `now` is the time of the write, epoch ms. */
export function addDurations(
  known: TaskDurations | undefined,
  samples: readonly DurationSample[],
  now: number,
): TaskDurations {
  const counts = { ...known?.counts };
  for (const { pace, action, ms } of samples) {
    const name = nameOf(pace, action);
    const histogram = countsOf(counts[name]);
    const i = bucketOf(ms);
    const added = histogram[i]! < MAX_COUNT ? histogram : histogram.map((count) => Math.floor(count / 2));
    added[i]!++;
    counts[name] = added.map((count) => count.toString(36)).join("");
  }
  return { ...known, at: now, counts: mostUsed(counts) };
}

/**
 * Returns the time within which 80 % of such tasks succeed, ms: the upper bound of the bucket of the 80th percentile, or a
 * default.
 */
export function expectedMs(durations: TaskDurations | undefined, pace: Pace, action: string): number {
  const histogram = countsOf(durations?.counts[nameOf(pace, action)]);
  const total = sumOf(histogram);
  if (total < MIN_SAMPLES) return DEFAULT_ACTION_MS[action] ?? DEFAULT_MS[pace];
  let sum = 0;
  const i = histogram.findIndex((count) => {
    sum += count;
    return sum >= 0.8 * total;
  });
  return boundOf(i);
}

function boundOf(i: number): number {
  return Math.round(FIRST_MS * GROWTH ** i);
}

function bucketOf(ms: number): number {
  const i = Array.from({ length: BUCKETS - 1 }, (_, n) => boundOf(n)).findIndex((bound) => ms <= bound);
  return i < 0 ? BUCKETS - 1 : i;
}

/** The vendor's action becomes part of a stored name, so text that is no action name is counted together. */
function nameOf(pace: Pace, action: string): string {
  return `${pace}/${/^[A-Z_]{1,20}$/.test(action) ? action : "OTHER"}`;
}

function countsOf(histogram: string | undefined): number[] {
  return Array.from({ length: BUCKETS }, (_, i) => Number.parseInt(histogram?.[i] ?? "0", 36) || 0);
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function mostUsed(counts: Record<string, string>): Record<string, string> {
  const entries = Object.entries(counts);
  if (entries.length <= MAX_HISTOGRAMS) return counts;
  const bySum = entries.toSorted(([, a], [, b]) => sumOf(countsOf(b)) - sumOf(countsOf(a)));
  return Object.fromEntries(bySum.slice(0, MAX_HISTOGRAMS));
}
