import { describe, expect, it } from "vitest";
import { NOW } from "../test/sample.ts";
import {
  type AccountHealth,
  CALLBACK_RECENT_MS,
  isRecentlyHeard,
  newHealth,
  recordCallback,
  recordLookupFailure,
  recordLookupSuccess,
  recordMissedCallbacks,
  SILENT_AFTER_MISSES,
} from "./account-health.ts";

const fresh = newHealth("sim", "default", NOW);
const calling = recordCallback(fresh, NOW)!;
const silent = recordMissedCallbacks(fresh, SILENT_AFTER_MISSES, NOW, NOW)!;

describe("whether an account calls back", () => {
  it("is not known before anything has arrived or been missed", () => {
    expect(fresh).toMatchObject({ callbacks: "unknown", misses: 0, rev: 0 });
    expect(isRecentlyHeard(fresh, NOW)).toBe(false);
    expect(isRecentlyHeard(undefined, NOW)).toBe(false);
  });

  it("is known by the first callback, whatever was believed", () => {
    for (const before of [fresh, silent]) {
      expect(recordCallback(before, NOW + 5)).toMatchObject({
        callbacks: "calling",
        heardAt: NOW + 5,
        misses: 0,
        changedAt: NOW + 5,
      });
    }
  });

  it("is written down again only once the last proof is old; since when it calls stays", () => {
    expect(recordCallback(calling, NOW + CALLBACK_RECENT_MS - 1)).toBeUndefined();
    expect(isRecentlyHeard(calling, NOW + CALLBACK_RECENT_MS - 1)).toBe(true);
    const later = NOW + CALLBACK_RECENT_MS;
    expect(isRecentlyHeard(calling, later)).toBe(false);
    expect(recordCallback(calling, later)).toMatchObject({ heardAt: later, changedAt: NOW });
  });

  it("one lost callback does not make it silent; three in a row do", () => {
    let health: AccountHealth = fresh;
    for (let i = 1; i < SILENT_AFTER_MISSES; i++) health = recordMissedCallbacks(health, 1, NOW, NOW + i)!;
    expect(health).toMatchObject({ callbacks: "unknown", misses: 2, changedAt: NOW });
    expect(recordMissedCallbacks(health, 1, NOW, NOW + 9)).toMatchObject({ callbacks: "silent", changedAt: NOW + 9 });
  });

  it("one sweep that misses three at once is enough", () => {
    expect(silent).toMatchObject({ callbacks: "silent", misses: 3 });
  });

  it("an account heard after the missed tasks were sent has lost them, and is not silent", () => {
    expect(recordMissedCallbacks(calling, 5, NOW, NOW + 1)).toBeUndefined();
    expect(recordMissedCallbacks(calling, 5, NOW + 1, NOW + 2)).toMatchObject({ callbacks: "silent" });
  });

  it("nothing missed, or nothing new, is nothing to write", () => {
    expect(recordMissedCallbacks(fresh, 0, NOW, NOW)).toBeUndefined();
    expect(recordMissedCallbacks(silent, 3, NOW, NOW)).toBeUndefined();
  });

  it("nothing given is changed", () => {
    const frozen = Object.freeze({ ...fresh });
    expect(() => [recordCallback(frozen, NOW), recordMissedCallbacks(frozen, 3, NOW, NOW)]).not.toThrow();
  });
});

describe("a vendor whose look-ups fail", () => {
  const timings = { lookupMs: 60_000, lookupMaxMs: 200_000 };

  it("is left alone for twice as long after each failure, up to a limit", () => {
    let health: AccountHealth = silent;
    const pauses = [0, 1, 2, 3].map((i) => {
      health = recordLookupFailure(health, NOW + i, timings);
      expect(health).toMatchObject({ failures: i + 1, callbacks: "silent", misses: SILENT_AFTER_MISSES });
      return health.askAt! - (NOW + i);
    });
    expect(pauses).toEqual([60_000, 120_000, 200_000, 200_000]);
  });

  it("is asked as ever once one has worked", () => {
    const failed = recordLookupFailure(calling, NOW, timings);
    expect(recordLookupSuccess(failed)).toEqual({ ...calling, failures: 0, askAt: undefined });
    expect(recordLookupSuccess(calling)).toBeUndefined();
  });
});
