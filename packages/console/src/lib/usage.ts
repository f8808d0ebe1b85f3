/** The days of a usage as a chart and a table show them. Pure. */
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
