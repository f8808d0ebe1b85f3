import { describe, expect, it } from "vitest";
import { NOW } from "../test/sample.ts";
import {
  type AccountHealth,
  CALLBACK_RECENT_MS,
  claimLookup,
  isRecentlyHeard,
  newHealth,
  nextDurationsAt,
  recordCallback,
  recordDurations,
  recordLookupFailure,
  recordLookupSuccess,
  recordMissedCallbacks,
  SILENT_AFTER_MISSES,
} from "./account-health.ts";
import { addHours, hoursOf } from "./account-hours.ts";
import { addDurations } from "./task-duration.ts";
import { TIMINGS } from "./timing.ts";

const fresh = newHealth("sim", "default", NOW);
const calling = recordCallback(fresh, NOW)!;
const silent = recordMissedCallbacks(fresh, SILENT_AFTER_MISSES, NOW, NOW)!;

describe("durations of an account", () => {
  const sample = { pace: "fast", action: "IMAGINE", ms: 60_000 } as const;
  const durationsMs = 1_000;

  const hour = { at: Math.floor(NOW / 3_600_000) * 3_600_000, succeeded: 1, failed: 0, meanMs: 60_000 };
  const counted = { samples: [sample], hours: [hour] };
  const none = { samples: [], hours: [] };

  it("are written with the health, at most once in durationsMs, and only if there are samples or hours", () => {
    expect(nextDurationsAt(fresh, durationsMs)).toBe(0);
    expect(recordDurations(fresh, none, NOW, { durationsMs })).toBeUndefined();
    const stored = recordDurations(calling, counted, NOW, { durationsMs })!;
    expect(stored).toEqual({
      ...calling,
      durations: { ...addDurations(undefined, [sample], NOW), hours: addHours(undefined, [hour], NOW) },
    });
    expect(nextDurationsAt(stored, durationsMs)).toBe(NOW + durationsMs);
    expect(recordDurations(stored, counted, NOW + durationsMs - 1, { durationsMs })).toBeUndefined();
    const again = recordDurations(stored, counted, NOW + durationsMs, { durationsMs })!;
    expect(again.durations!.counts).toEqual(addDurations(stored.durations, [sample], NOW + durationsMs).counts);
    expect(hoursOf(again.durations!.hours, NOW)).toEqual([{ ...hour, succeeded: 2 }]);
    expect(recordDurations(stored, none, NOW + durationsMs, { durationsMs })).toBeUndefined();
  });

  it("failures alone are written, too, and change no duration", () => {
    const failed = { ...hour, succeeded: 0, failed: 1, meanMs: 0 };
    const stored = recordDurations(calling, { samples: [], hours: [failed] }, NOW, { durationsMs })!;
    expect(stored.durations).toEqual({ at: NOW, counts: {}, hours: addHours(undefined, [failed], NOW) });
  });
});

describe("callback behavior of an account", () => {
  it("the behavior is unknown before the first callback and the first missed callback", () => {
    expect(fresh).toMatchObject({ callbacks: "unknown", misses: 0, rev: 0 });
    expect(isRecentlyHeard(fresh, NOW)).toBe(false);
    expect(isRecentlyHeard(undefined, NOW)).toBe(false);
  });

  it("the first callback makes the account calling, whether it was unknown or silent", () => {
    for (const before of [fresh, silent]) {
      expect(recordCallback(before, NOW + 5)).toMatchObject({
        callbacks: "calling",
        heardAt: NOW + 5,
        misses: 0,
        changedAt: NOW + 5,
      });
    }
  });

  it("a callback is recorded again only after CALLBACK_RECENT_MS, and changedAt keeps its value", () => {
    expect(recordCallback(calling, NOW + CALLBACK_RECENT_MS - 1)).toBeUndefined();
    expect(isRecentlyHeard(calling, NOW + CALLBACK_RECENT_MS - 1)).toBe(true);
    const later = NOW + CALLBACK_RECENT_MS;
    expect(isRecentlyHeard(calling, later)).toBe(false);
    expect(recordCallback(calling, later)).toMatchObject({ heardAt: later, changedAt: NOW });
  });

  it("one missed callback does not make the account silent, but three in a row do", () => {
    let health: AccountHealth = fresh;
    for (let i = 1; i < SILENT_AFTER_MISSES; i++) health = recordMissedCallbacks(health, 1, NOW, NOW + i)!;
    expect(health).toMatchObject({ callbacks: "unknown", misses: 2, changedAt: NOW });
    expect(recordMissedCallbacks(health, 1, NOW, NOW + 9)).toMatchObject({ callbacks: "silent", changedAt: NOW + 9 });
  });

  it("one sweep that finds three missed callbacks makes the account silent", () => {
    expect(silent).toMatchObject({ callbacks: "silent", misses: 3 });
  });

  it("an account does not become silent if a callback arrived after the missed tasks were submitted", () => {
    expect(recordMissedCallbacks(calling, 5, NOW, NOW + 1)).toBeUndefined();
    expect(recordMissedCallbacks(calling, 5, NOW + 1, NOW + 2)).toMatchObject({ callbacks: "silent" });
  });

  it("nothing is written if no callback was missed or the account is silent already", () => {
    expect(recordMissedCallbacks(fresh, 0, NOW, NOW)).toBeUndefined();
    expect(recordMissedCallbacks(silent, 3, NOW, NOW)).toBeUndefined();
  });

  it("the functions do not change their argument", () => {
    const frozen = Object.freeze({ ...fresh });
    expect(() => [recordCallback(frozen, NOW), recordMissedCallbacks(frozen, 3, NOW, NOW)]).not.toThrow();
  });
});

describe("look-up failures of an account", () => {
  const timings = { lookupMs: 60_000, lookupMaxMs: 200_000 };

  it("the pause between look-ups doubles with each failure, up to lookupMaxMs", () => {
    let health: AccountHealth = silent;
    const pauses = [0, 1, 2, 3].map((i) => {
      health = recordLookupFailure(health, NOW + i, timings);
      expect(health).toMatchObject({ failures: i + 1, callbacks: "silent", misses: SILENT_AFTER_MISSES });
      return health.askAt! - (NOW + i);
    });
    expect(pauses).toEqual([60_000, 120_000, 200_000, 200_000]);
  });

  it("a successful look-up clears the failures and the pause", () => {
    const failed = recordLookupFailure(calling, NOW, timings);
    expect(recordLookupSuccess(failed)).toEqual({ ...calling, failures: 0, askAt: undefined });
    expect(recordLookupSuccess(calling)).toBeUndefined();
  });

  it("a claim starts the next pause without another failure, and only while look-ups fail", () => {
    const failed = recordLookupFailure(silent, NOW, timings);
    expect(claimLookup(failed, NOW + 60_000, timings)).toEqual({ ...failed, askAt: NOW + 180_000 });
    expect(claimLookup(silent, NOW, timings)).toBeUndefined();
  });
});

it("a failed look-up stores why it failed, until one works", () => {
  const start = newHealth("sim", "default", NOW);
  expect(recordLookupFailure(start, NOW, TIMINGS)).toMatchObject({ lookupFault: "failed" });
  for (const fault of ["failed", "unreachable", "unauthorized"] as const) {
    const health = recordLookupFailure(start, NOW, TIMINGS, fault);
    expect(health).toMatchObject({ failures: 1, lookupFault: fault });
    expect(recordLookupSuccess(health)).toEqual({ ...health, failures: 0, askAt: undefined, lookupFault: undefined });
  }
});
