import { expect, test } from "vitest";
import { hourColumns, hourSums, percentOf } from "./account-hours.ts";

const NOW = Date.parse("2026-12-01T10:20:00Z");
const hour = (at: string, succeeded: number, failed: number, meanMs: number | null) => ({
  at,
  succeeded,
  failed,
  meanMs,
});

test("there are 24 columns up to the hour of now, and an hour without tasks has zeros", () => {
  const columns = hourColumns(
    [
      hour("2026-11-30T10:00:00.000Z", 9, 9, 1_000),
      hour("2026-11-30T11:00:00.000Z", 3, 1, 20_000),
      hour("2026-12-01T10:00:00.000Z", 1, 0, 40_000),
    ],
    NOW,
  );
  expect(columns).toHaveLength(24);
  expect(columns[0]).toEqual({ at: Date.parse("2026-11-30T11:00:00Z"), succeeded: 3, failed: 1, meanMs: 20_000 });
  expect(columns[1]).toMatchObject({ succeeded: 0, failed: 0, meanMs: null });
  expect(columns.at(-1)).toMatchObject({ at: Date.parse("2026-12-01T10:00:00Z"), succeeded: 1 });
  expect(hourSums(columns)).toEqual({ tasks: 5, failed: 1, success: 0.8, meanMs: 25_000 });
});

test("without tasks there is no part and no mean", () => {
  expect(hourSums(hourColumns([], NOW))).toEqual({ tasks: 0, failed: 0, success: undefined, meanMs: undefined });
  expect(hourSums(hourColumns([hour("2026-12-01T10:00:00Z", 0, 2, null)], NOW))).toMatchObject({
    success: 0,
    meanMs: undefined,
  });
});

test.each([
  [1, "100 %"],
  [0.9999, "99.9 %"],
  [0.994, "99.4 %"],
  [0.5, "50 %"],
  [0, "0 %"],
])("the part %d is %s", (part, text) => {
  expect(percentOf(part)).toBe(text);
});
