/** The last 24 hours of a vendor account, as columns and as sums. Pure. */
import type { AccountHour } from "@mjflow/client";

/** A column; an hour without tasks has zeros. */
export interface HourColumn {
  /** Start of the hour, epoch ms. */
  at: number;
  succeeded: number;
  failed: number;
  /** Null: no task succeeded. */
  meanMs: number | null;
}

const HOUR_MS = 3_600_000;

/** Returns 24 columns, the oldest first; the last one is the hour of now. */
export function hourColumns(hours: readonly AccountHour[], nowMs: number): HourColumn[] {
  const known = new Map(hours.map((hour) => [Math.floor(Date.parse(hour.at) / HOUR_MS), hour]));
  const current = Math.floor(nowMs / HOUR_MS);
  return Array.from({ length: 24 }, (_, i) => {
    const number = current - 23 + i;
    const { succeeded, failed, meanMs } = known.get(number) ?? { succeeded: 0, failed: 0, meanMs: null };
    return { at: number * HOUR_MS, succeeded, failed, meanMs };
  });
}

export interface HourSums {
  tasks: number;
  failed: number;
  /** Part of the tasks that succeeded, from 0 to 1; undefined without tasks. */
  success: number | undefined;
  /** Mean of all successes, ms; undefined without one. */
  meanMs: number | undefined;
}

export function hourSums(columns: readonly HourColumn[]): HourSums {
  const sum = (read: (column: HourColumn) => number) => columns.reduce((total, each) => total + read(each), 0);
  const [succeeded, failed] = [sum((each) => each.succeeded), sum((each) => each.failed)];
  const total = sum(({ succeeded: count, meanMs }) => count * (meanMs ?? 0));
  const tasks = succeeded + failed;
  return {
    tasks,
    failed,
    success: tasks === 0 ? undefined : succeeded / tasks,
    meanMs: succeeded === 0 ? undefined : total / succeeded,
  };
}

/** Formats a part as percent. A single failure among many is never rounded to 100 %. */
export function percentOf(part: number): string {
  const tenths = part === 1 ? 1_000 : Math.min(999, Math.round(part * 1_000));
  return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)} %`;
}
