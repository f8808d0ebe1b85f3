import { dateOf } from "@mjflow/engine/date";
import { expect, test } from "vitest";

test.each([
  [Date.UTC(2026, 10, 30), "2026-11-30"],
  [Date.UTC(2026, 10, 30) - 1, "2026-11-29"],
  [0, "1970-01-01"],
])("the date of %i is %s", (atMs, date) => {
  expect(dateOf(atMs)).toBe(date);
});
