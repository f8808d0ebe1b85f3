import { expect, test } from "vitest";
import { axisMax, csvOf, lastDays, spendOf, totalOf } from "./usage.ts";

const NOW = Date.parse("2026-03-02T01:00:00Z");

test("the last days are UTC days up to today, and a day without usage has zeros", () => {
  const days = lastDays([{ day: "2026-02-28", flows: 2, settledUsd: 0.05 }], 4, NOW);
  expect(days).toEqual([
    { day: "2026-02-27", flows: 0, settledUsd: 0 },
    { day: "2026-02-28", flows: 2, settledUsd: 0.05 },
    { day: "2026-03-01", flows: 0, settledUsd: 0 },
    { day: "2026-03-02", flows: 0, settledUsd: 0 },
  ]);
});

test("amounts add up without a rounding error", () => {
  const day = { day: "2026-03-01", flows: 1, settledUsd: 0.1 };
  expect(totalOf([day, day, day])).toEqual({ flows: 3, settledUsd: 0.3 });
  expect(totalOf([])).toEqual({ flows: 0, settledUsd: 0 });
});

test.each([
  [0, 1],
  [0.04, 0.05],
  [0.05, 0.05],
  [0.6, 1],
  [1, 1],
  [1.2, 2],
  [73, 100],
])("the axis for at most %d goes to %d", (max, expected) => expect(axisMax(max)).toBeCloseTo(expected, 9));

test("the CSV has a header and a row for each day", () => {
  expect(csvOf([{ day: "2026-03-01", flows: 3, settledUsd: 0.123456 }])).toBe(
    "day,flows,settledUsd\r\n2026-03-01,3,0.123456\r\n",
  );
});

test("today is part of a limit that is made of today, what is reserved and what is left", () => {
  const now = Date.parse("2026-12-01T10:00:00Z");
  const days = [
    { day: "2026-12-01", flows: 2, settledUsd: 3.42 },
    { day: "2026-11-30", flows: 1, settledUsd: 9 },
  ];
  expect(spendOf({ balanceUsd: 16.38, reservedUsd: 0.2, days }, now)).toEqual({
    todayUsd: 3.42,
    reservedUsd: 0.2,
    limitUsd: 20,
  });
  expect(spendOf({ balanceUsd: 5, reservedUsd: 0, days: days.slice(1) }, now)).toMatchObject({
    todayUsd: 0,
    limitUsd: 5,
  });
  // The operator may have lowered the limit below what is spent.
  expect(spendOf({ balanceUsd: -1, reservedUsd: 0, days }, now)?.limitUsd).toBe(3.42);
  expect(spendOf({ balanceUsd: null, reservedUsd: 0, days }, now)).toBeUndefined();
});
