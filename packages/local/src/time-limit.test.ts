import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTimeLimit } from "./time-limit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("each piece of work expires at its own time, and one that has ended never does", () => {
  const limit = createTimeLimit(1_000);
  const expired: string[] = [];
  const start = (name: string) => limit.start(() => expired.push(name));
  const endFirst = start("first");
  start("second");
  vi.advanceTimersByTime(400);
  start("third");
  endFirst();
  vi.advanceTimersByTime(599);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(expired).toEqual(["second"]);
  vi.advanceTimersByTime(398);
  expect(expired).toEqual(["second"]);
  vi.advanceTimersByTime(2);
  expect(expired).toEqual(["second", "third"]);
});

test("work that starts after a pause has its whole time", () => {
  const limit = createTimeLimit(1_000);
  limit.start(() => {})();
  vi.advanceTimersByTime(5_000);
  const expire = vi.fn();
  limit.start(expire);
  vi.advanceTimersByTime(999);
  expect(expire).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2);
  expect(expire).toHaveBeenCalledOnce();
});

test("10,000 pieces of work that end in time need one timer", () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  const limit = createTimeLimit(1_000);
  for (let i = 0; i < 10_000; i++) limit.start(() => {})();
  expect(timers).toHaveBeenCalledOnce();
});
