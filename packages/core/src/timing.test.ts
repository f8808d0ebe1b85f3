import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hour, minute, NOW, second } from "../test/sample.ts";
import { FUNCTION_TIMEOUT_S, QUEUE, SUBMIT_ANSWER_TIMEOUT_MS, SUBMIT_LEASE_MS } from "./limit.ts";
import { backoffMs, dueAt, jitteredMs, LOCAL_TIMINGS, lookupPauseMs, TIMINGS } from "./timing.ts";

const ms = fc.integer({ min: 0, max: 100 * hour });

describe("the tables", () => {
  it.each([
    ["in AWS", TIMINGS],
    ["on one machine", LOCAL_TIMINGS],
  ])("fit together %s: quiet before deadline, grace before deadline, every wait above zero", (_, table) => {
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
  });

  it("grace outlasts quiet, so that a paid task has told us before it is sent again (P3)", () => {
    for (const pace of ["fast", "turbo", "relax", "video"] as const) {
      expect(TIMINGS.graceMs[pace]).toBeGreaterThan(TIMINGS.quietMs[pace]);
    }
  });

  it("the lease outlives the vendor's answer, the function outlives the lease, the message outlives them all", () => {
    expect(SUBMIT_LEASE_MS).toBeGreaterThan(SUBMIT_ANSWER_TIMEOUT_MS);
    expect(FUNCTION_TIMEOUT_S.submit * second).toBeGreaterThan(SUBMIT_LEASE_MS);
    expect(QUEUE.submit.visibilityTimeoutS).toBeGreaterThanOrEqual(6 * FUNCTION_TIMEOUT_S.submit);
  });
});

describe("a back-off", () => {
  it("doubles up to its maximum, however often", () => {
    expect([0, 1, 2, 3].map((times) => backoffMs(3, times, 20))).toEqual([3, 6, 12, 20]);
    expect(backoffMs(3_000, 5_000, 60_000)).toBe(60_000);
  });

  it("is spread over its upper half", () => {
    fc.assert(
      fc.property(ms, fc.double({ min: 0, max: 1, noNaN: true }), (pause, chance) => {
        expect(jitteredMs(pause, chance)).toBeGreaterThanOrEqual(Math.floor(pause / 2));
        expect(jitteredMs(pause, chance)).toBeLessThanOrEqual(pause);
      }),
    );
  });
});

describe("a look-up's pause", () => {
  it("is a quarter of the age, within its two limits, also when the clock jumped back", () => {
    expect(lookupPauseMs(0, TIMINGS)).toBe(TIMINGS.lookupMs);
    expect(lookupPauseMs(-hour, TIMINGS)).toBe(TIMINGS.lookupMs);
    expect(lookupPauseMs(4 * minute, TIMINGS)).toBe(minute);
    expect(lookupPauseMs(10 * hour, TIMINGS)).toBe(TIMINGS.lookupMaxMs);
  });

  it("costs a task of an hour fewer than 30 look-ups", () => {
    let count = 0;
    for (let age = 0; age < hour; age += lookupPauseMs(age, TIMINGS)) count++;
    expect(count).toBeLessThan(30);
  });
});

describe("a standing due time", () => {
  it("is kept when it is soon enough and not too soon: moving it costs two writes", () => {
    expect(dueAt(NOW + 6, NOW + 10, NOW)).toBe(NOW + 6);
    expect(dueAt(NOW + 10, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(NOW + 5, NOW + 10, NOW)).toBe(NOW + 5);
    expect(dueAt(NOW + 4, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(NOW + 11, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(NOW - 1, NOW + 10, NOW)).toBe(NOW + 10);
    expect(dueAt(undefined, NOW + 10, NOW)).toBe(NOW + 10);
  });

  it("is never later than asked for, and never in the first half", () => {
    fc.assert(
      fc.property(ms, ms, ms, (standing, wait, now) => {
        const due = dueAt(standing, now + wait, now);
        expect(due).toBeLessThanOrEqual(now + wait);
        expect(due).toBeGreaterThanOrEqual(now + wait / 2);
      }),
    );
  });
});
