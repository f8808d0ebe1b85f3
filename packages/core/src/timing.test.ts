import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hour, minute, NOW, second } from "../test/sample.ts";
import { FUNCTION_TIMEOUT_S, QUEUE, SUBMIT_ANSWER_TIMEOUT_MS, SUBMIT_LEASE_MS } from "./limit.ts";
import { backoffMs, dueAt, jitteredMs, LOCAL_TIMINGS, lookupPauseMs, TIMINGS } from "./timing.ts";

const ms = fc.integer({ min: 0, max: 100 * hour });

describe("TIMINGS and LOCAL_TIMINGS", () => {
  it.each([
    ["in AWS", TIMINGS],
    ["on the local server", LOCAL_TIMINGS],
  ])(
    "the timings %s are consistent: quietMs and graceMs are below deadlineMs, and every wait is above zero",
    (_, table) => {
      for (const pace of ["fast", "turbo", "relax", "video"] as const) {
        expect(table.quietMs[pace]).toBeLessThan(table.deadlineMs[pace]);
        expect(table.graceMs[pace]).toBeLessThan(table.deadlineMs[pace]);
        expect(table.graceMs[pace] * table.attemptLimit).toBeLessThan(table.pendingMs[pace] + table.deadlineMs[pace]);
      }
      const numbers = Object.values(table).flatMap((value) =>
        typeof value === "object" ? Object.values(value) : [value],
      );
      for (const value of numbers as number[]) expect(value).toBeGreaterThan(0);
      for (const [name, value] of Object.entries(table).filter(([each]) => each.endsWith("Ms"))) {
        for (const ms of typeof value === "object" ? Object.values(value) : [value]) {
          expect((ms as number) % second, name).toBe(0);
        }
      }
      expect(table.busyMs).toBeLessThan(table.busyMaxMs);
      expect(table.lookupMs).toBeLessThan(table.lookupMaxMs);
    },
  );

  it("graceMs is longer than quietMs, so that a paid task has called back before it is sent again (P3)", () => {
    for (const pace of ["fast", "turbo", "relax", "video"] as const) {
      expect(TIMINGS.graceMs[pace]).toBeGreaterThan(TIMINGS.quietMs[pace]);
    }
  });

  it("answer timeout, lease, function timeout and message visibility are each longer than the one before", () => {
    expect(SUBMIT_LEASE_MS).toBeGreaterThan(SUBMIT_ANSWER_TIMEOUT_MS);
    expect(FUNCTION_TIMEOUT_S.submit * second).toBeGreaterThan(SUBMIT_LEASE_MS);
    expect(QUEUE.submit.visibilityTimeoutS).toBeGreaterThanOrEqual(6 * FUNCTION_TIMEOUT_S.submit);
  });
});

describe("backoffMs and jitteredMs", () => {
  it("a back-off doubles up to its maximum, also for large counts", () => {
    expect([0, 1, 2, 3].map((times) => backoffMs(3, times, 20))).toEqual([3, 6, 12, 20]);
    expect(backoffMs(3_000, 5_000, 60_000)).toBe(60_000);
  });

  it("jitter spreads a pause over its upper half", () => {
    fc.assert(
      fc.property(ms, fc.double({ min: 0, max: 1, noNaN: true }), (pause, chance) => {
        expect(jitteredMs(pause, chance)).toBeGreaterThanOrEqual(Math.floor(pause / 2));
        expect(jitteredMs(pause, chance)).toBeLessThanOrEqual(pause);
      }),
    );
  });
});

describe("lookupPauseMs", () => {
  it("the pause is a quarter of the age within its two limits, also if the clock jumped back", () => {
    expect(lookupPauseMs(0, TIMINGS)).toBe(TIMINGS.lookupMs);
    expect(lookupPauseMs(-hour, TIMINGS)).toBe(TIMINGS.lookupMs);
    expect(lookupPauseMs(4 * minute, TIMINGS)).toBe(minute);
    expect(lookupPauseMs(10 * hour, TIMINGS)).toBe(TIMINGS.lookupMaxMs);
  });

  it("a task of one hour needs fewer than 30 look-ups", () => {
    let count = 0;
    for (let age = 0; age < hour; age += lookupPauseMs(age, TIMINGS)) count++;
    expect(count).toBeLessThan(30);
  });
});

describe("dueAt", () => {
  it("a stored due time is kept only if it is in the second half of the wait, because a change costs two writes", () => {
    expect(dueAt(NOW + 6, NOW + 10, NOW)).toBe(NOW + 6);
    expect(dueAt(NOW + 10, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(NOW + 5, NOW + 10, NOW)).toBe(NOW + 5);
    expect(dueAt(NOW + 4, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(NOW + 11, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(NOW - 1, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(undefined, NOW + 10, NOW)).toBe(NOW + 10);
  });

  it("the due time is never later than the target and never in the first half of the wait", () => {
    fc.assert(
      fc.property(ms, ms, ms, (stored, wait, now) => {
        const due = dueAt(stored, now + wait, now);
        expect(due).toBeLessThanOrEqual(now + wait);
        expect(due).toBeGreaterThanOrEqual(now + wait / 2);
      }),
    );
  });
});
