import { expect, test } from "vitest";
import { byDay, startOfDay } from "./day.ts";

const at = (endedAt: string | null) => ({ endedAt });
const local = (...parts: [number, number, number, number, number, number, number]) => new Date(...parts).toISOString();

test("results are grouped by the local day, and the last moment of a day is in it", () => {
  const items = [
    at(null),
    at(local(2026, 10, 30, 0, 0, 0, 0)),
    at(local(2026, 10, 29, 23, 59, 59, 999)),
    at(local(2026, 10, 29, 0, 0, 0, 0)),
    at(local(2026, 10, 28, 23, 59, 59, 999)),
  ];
  const starts = [30, 29, 28].map((day) => startOfDay(new Date(2026, 10, day, 12)));
  expect([...byDay(items)].map(([start, all]) => [start, all.length])).toEqual([
    [undefined, 1],
    [starts[0], 1],
    [starts[1], 2],
    [starts[2], 1],
  ]);
});

test("a result that comes out of order is in the group of its day", () => {
  const [early, late] = [local(2026, 2, 1, 8, 0, 0, 0), local(2026, 2, 2, 8, 0, 0, 0)];
  const groups = byDay([at(late), at(early), at(null), at(late), at(early)]);
  expect([...groups.values()].map((all) => all.map(({ endedAt }) => endedAt))).toEqual([
    [late, late],
    [early, early],
    [null],
  ]);
});

test("every hour of a year is in the day that the calendar names", () => {
  for (let hour = 0; hour < 366 * 24; hour++) {
    const date = new Date(2026, 0, 1, hour);
    const [[start]] = [...byDay([at(date.toISOString())])] as [[number, unknown]];
    expect(new Date(start).toDateString()).toBe(date.toDateString());
  }
});
