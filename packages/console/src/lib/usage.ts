/** The days of a usage as a chart, a table and the meter of the navigation show them. Pure. */
import type { UsageView } from "@mjflow/core/response";

export interface UsageDay {
  /** UTC day: `2026-11-30`. */
  day: string;
  flows: number;
  settledUsd: number;
}

const DAY_MS = 86_400_000;

/** Returns the last `count` days up to today, oldest first. A day without usage has zeros. */
export function lastDays(days: readonly UsageDay[], count: number, nowMs: number): UsageDay[] {
  const known = new Map(days.map((each) => [each.day, each]));
  return Array.from({ length: count }, (_, i) => {
    const day = new Date(nowMs - (count - 1 - i) * DAY_MS).toISOString().slice(0, 10);
    return known.get(day) ?? { day, flows: 0, settledUsd: 0 };
  });
}

/** Sums of days. Amounts are whole micro-USD, so no rounding error adds up. */
export function totalOf(days: readonly UsageDay[]): { flows: number; settledUsd: number } {
  const micro = days.reduce((sum, { settledUsd }) => sum + Math.round(settledUsd * 1e6), 0);
  return { flows: days.reduce((sum, { flows }) => sum + flows, 0), settledUsd: micro / 1e6 };
}

/** What an app spends today, of what it may spend. */
export interface Spend {
  todayUsd: number;
  /** What is held for running flows. It is part of the limit, and not of today. */
  reservedUsd: number;
  /** Today, what is reserved, and what is left. */
  limitUsd: number;
}

type UsageFields = Pick<UsageView, "balanceUsd" | "reservedUsd" | "days">;

/** Returns undefined if the app has no limit of credit. */
export function spendOf({ balanceUsd, reservedUsd, days }: UsageFields, nowMs: number): Spend | undefined {
  if (balanceUsd === null) return undefined;
  const todayUsd = lastDays(days, 1, nowMs)[0]!.settledUsd;
  const micro = [todayUsd, reservedUsd, Math.max(0, balanceUsd)].map((usd) => Math.round(usd * 1e6));
  return { todayUsd, reservedUsd, limitUsd: micro.reduce((sum, each) => sum + each, 0) / 1e6 };
}

/** Returns the round value at or above `max` up to which the axis of a chart goes: 1, 2 or 5 times a power of ten. */
export function axisMax(max: number): number {
  if (max <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= max * (1 - 1e-9)) ?? max;
}

/** Returns the days as CSV (RFC 4180), oldest first, with a header. */
export function csvOf(days: readonly UsageDay[]): string {
  const rows = days.map(({ day, flows, settledUsd }) => `${day},${flows},${settledUsd}`);
  return `${["day,flows,settledUsd", ...rows].join("\r\n")}\r\n`;
}
