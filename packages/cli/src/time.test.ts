import { expect, test } from "vitest";
import { ago, durationMs, moment, span, stopwatch } from "./time.ts";
import { UsageError } from "./usage-error.ts";

const NOW = Date.UTC(2026, 10, 21, 8);

test.each([
  ["90", 90_000],
  ["250ms", 250],
  ["30s", 30_000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  [" 1w ", 604_800_000],
])("durationMs parses %j", (text, ms) => expect(durationMs(text, "--timeout")).toBe(ms));

test.each(["", "soon", "-1s", "1 h", "1y", "s"])("durationMs rejects %j", (text) => {
  expect(() => durationMs(text, "--timeout")).toThrow(UsageError);
});

test("moment parses a date or a duration before now", () => {
  expect(moment("2026-11-20T08:00:00Z", "--since", NOW).toISOString()).toBe("2026-11-20T08:00:00.000Z");
  expect(moment("2026-11-20", "--since", NOW).toISOString()).toBe("2026-11-20T00:00:00.000Z");
  expect(moment("2h", "--since", NOW).toISOString()).toBe("2026-11-21T06:00:00.000Z");
  // A number without a unit could be a date or a duration, so it is rejected.
  for (const text of ["7", "tomorrow", "2026-13-01", "Nov 21"])
    expect(() => moment(text, "--since", NOW)).toThrow(UsageError);
});

test("durations are rounded down to one unit", () => {
  expect([0, 59_999, 60_000, 3_599_000, 3_600_000, 47 * 3_600_000, 48 * 3_600_000].map(span)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "47 h",
    "2 d",
  ]);
  expect([ago(null, NOW), ago("2026-11-21T07:59:00Z", NOW), ago("2026-11-21T08:01:00Z", NOW)]).toEqual([
    "–",
    "1 min ago",
    "in 1 min",
  ]);
  expect([0, 7_900, 750_000, 3_723_000].map(stopwatch)).toEqual(["0:00", "0:07", "12:30", "1:02:03"]);
});
