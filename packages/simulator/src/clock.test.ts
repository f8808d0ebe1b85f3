import { expect, test } from "vitest";
import { manualClock } from "./clock.ts";

test("timers run in order at their own times, including timers that are set meanwhile", () => {
  const clock = manualClock(0);
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name} ${clock.now()}`);
  clock.setTimer(note("late"), 30);
  clock.setTimer(() => clock.setTimer(note("nested"), 5), 10);
  const cancel = clock.setTimer(note("cancelled"), 20);
  cancel();
  clock.advance(29);
  expect(seen).toEqual(["nested 15"]);
  clock.advance(1);
  expect(seen).toEqual(["nested 15", "late 30"]);
});
