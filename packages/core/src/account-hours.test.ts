import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOW, second, taskIn } from "../test/sample.ts";
import { type AccountHour, addHours, hourOf, hoursOf, mergedHours } from "./account-hours.ts";
import { failure } from "./error.ts";

const HOUR = 3_600 * second;
const START = Math.floor(NOW / HOUR) * HOUR;
const hour = (back: number, more: Partial<AccountHour> = {}): AccountHour => ({
  ...{ at: START - back * HOUR, succeeded: 1, failed: 0, meanMs: 10 * second },
  ...more,
});

describe("the hour of a task", () => {
  const ended = { submittedAt: NOW - 30 * second, endedAt: NOW };

  test("a success counts in the hour of its end, with the time since its acceptance", () => {
    expect(hourOf(taskIn("SUCCESS", ended))).toEqual({ at: START, succeeded: 1, failed: 0, meanMs: 30 * second });
  });

  test("a failure of an accepted task counts as failed", () => {
    expect(hourOf(taskIn("FAILURE", ended))).toEqual({ at: START, succeeded: 0, failed: 1, meanMs: 0 });
  });

  test("a rejected prompt, a submission that was not accepted, a tile and a task without an end do not count", () => {
    expect(hourOf(taskIn("FAILURE", { ...ended, failure: failure("banned_prompt") }))).toBeUndefined();
    const { submittedAt: _, ...rejected } = taskIn("FAILURE", { endedAt: NOW });
    expect(hourOf(rejected)).toBeUndefined();
    expect(hourOf(taskIn("SUCCESS", { ...ended, action: "TILE" }))).toBeUndefined();
    expect(hourOf(taskIn("IN_PROGRESS"))).toBeUndefined();
    expect(hourOf(taskIn("CANCEL", ended))).toBeUndefined();
  });
});

describe("the stored hours", () => {
  test("hours are summed, and the mean counts each success once", () => {
    const merged = mergedHours(
      [hour(0, { succeeded: 3, meanMs: 10 * second })],
      [hour(0, { meanMs: 30 * second, failed: 2 })],
    );
    expect(merged).toEqual([hour(0, { succeeded: 4, failed: 2, meanMs: 15 * second })]);
    expect(mergedHours([hour(0, { succeeded: 0, failed: 1, meanMs: 0 })], [])).toEqual([
      hour(0, { succeeded: 0, failed: 1, meanMs: 0 }),
    ]);
  });

  test("the hour of now and the 23 before it are returned, and a gap has no entry", () => {
    const stored = addHours(undefined, [hour(24), hour(23), hour(2), hour(0)], NOW);
    expect(hoursOf(stored, NOW)).toEqual([hour(23), hour(2), hour(0)]);
    expect(hoursOf(stored, NOW + HOUR)).toEqual([hour(2), hour(0)]);
    expect(hoursOf(stored, NOW + 30 * HOUR)).toEqual([]);
  });

  test("nothing stored, and a text that no version writes, are no hours", () => {
    expect(hoursOf(undefined, NOW)).toEqual([]);
    expect(hoursOf({ from: START / HOUR, text: "001000" }, NOW)).toEqual([]);
    expect(hoursOf({ from: START / HOUR, text: "00-000z" }, NOW)).toEqual([]);
    expect(hoursOf(addHours(undefined, [], NOW), NOW)).toEqual([]);
  });

  test("for every order of hours, the sums come back as far as they fit, and the form stays below 215 characters", () => {
    const drawn = fc.record({
      back: fc.integer({ min: -1, max: 40 }),
      succeeded: fc.nat({ max: 60_000 }),
      failed: fc.nat({ max: 2_000 }),
      s: fc.nat({ max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 60 }), (all) => {
        const added = all.map(({ back, s, ...rest }) =>
          hour(back, { ...rest, meanMs: rest.succeeded > 0 ? s * second : 0 }),
        );
        const stored = addHours(undefined, added, NOW);
        expect(JSON.stringify(stored).length).toBeLessThan(215);
        for (const { at, succeeded, failed, meanMs } of hoursOf(stored, NOW)) {
          const same = added.filter((each) => each.at === at);
          const sum = (field: "succeeded" | "failed") => same.reduce((total, each) => total + each[field], 0);
          expect(succeeded).toBe(Math.min(sum("succeeded"), 46_655));
          expect(failed).toBe(Math.min(sum("failed"), 1_295));
          expect(meanMs).toBeLessThanOrEqual(1_295 * second);
        }
        const kept = added.filter(({ at, ...n }) => at > START - 24 * HOUR && n.succeeded + n.failed > 0);
        expect(new Set(hoursOf(stored, NOW).map(({ at }) => at))).toEqual(new Set(kept.map(({ at }) => at)));
      }),
    );
  });
});
