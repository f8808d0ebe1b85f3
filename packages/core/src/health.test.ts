import { describe, expect, it } from "vitest";
import { NOW } from "../test/sample.ts";
import {
  type AccountHealth,
  HEARD_FRESH_MS,
  heard,
  isFresh,
  lookupFailed,
  lookupWorked,
  missed,
  newHealth,
  SILENT_AFTER_MISSES,
} from "./health.ts";

const fresh = newHealth("sim", "default", NOW);
const calling = heard(fresh, NOW)!;
const silent = missed(fresh, SILENT_AFTER_MISSES, NOW, NOW)!;

describe("whether an account calls back", () => {
  it("is not known before anything has arrived or been missed", () => {
    expect(fresh).toMatchObject({ callbacks: "unknown", misses: 0, rev: 0 });
    expect(isFresh(fresh, NOW)).toBe(false);
    expect(isFresh(undefined, NOW)).toBe(false);
  });

  it("is known by the first callback, whatever was believed", () => {
    for (const before of [fresh, silent]) {
      expect(heard(before, NOW + 5)).toMatchObject({
        callbacks: "calling",
        heardAt: NOW + 5,
        misses: 0,
        changedAt: NOW + 5,
      });
    }
  });

  it("is written down again only once the last proof is old; since when it calls stays", () => {
    expect(heard(calling, NOW + HEARD_FRESH_MS - 1)).toBeUndefined();
    expect(isFresh(calling, NOW + HEARD_FRESH_MS - 1)).toBe(true);
    const later = NOW + HEARD_FRESH_MS;
    expect(isFresh(calling, later)).toBe(false);
    expect(heard(calling, later)).toMatchObject({ heardAt: later, changedAt: NOW });
  });

  it("one lost callback does not make it silent; three in a row do", () => {
    let health: AccountHealth = fresh;
    for (let i = 1; i < SILENT_AFTER_MISSES; i++) health = missed(health, 1, NOW, NOW + i)!;
    expect(health).toMatchObject({ callbacks: "unknown", misses: 2, changedAt: NOW });
    expect(missed(health, 1, NOW, NOW + 9)).toMatchObject({ callbacks: "silent", changedAt: NOW + 9 });
  });

  it("one sweep that misses three at once is enough", () => {
    expect(silent).toMatchObject({ callbacks: "silent", misses: 3 });
  });

  it("an account heard after the missed tasks were sent has lost them, and is not silent", () => {
    expect(missed(calling, 5, NOW, NOW + 1)).toBeUndefined();
    expect(missed(calling, 5, NOW + 1, NOW + 2)).toMatchObject({ callbacks: "silent" });
  });

  it("nothing missed, or nothing new, is nothing to write", () => {
    expect(missed(fresh, 0, NOW, NOW)).toBeUndefined();
    expect(missed(silent, 3, NOW, NOW)).toBeUndefined();
  });

  it("nothing given is changed", () => {
    const frozen = Object.freeze({ ...fresh });
    expect(() => [heard(frozen, NOW), missed(frozen, 3, NOW, NOW)]).not.toThrow();
  });
});

describe("a vendor whose look-ups fail", () => {
  const timings = { lookupMs: 60_000, lookupMaxMs: 200_000 };

  it("is left alone for twice as long after each failure, up to a limit", () => {
    let health: AccountHealth = silent;
    const pauses = [0, 1, 2, 3].map((i) => {
      health = lookupFailed(health, NOW + i, timings);
      expect(health).toMatchObject({ failures: i + 1, callbacks: "silent", misses: SILENT_AFTER_MISSES });
      return health.askAt! - (NOW + i);
    });
    expect(pauses).toEqual([60_000, 120_000, 200_000, 200_000]);
  });

  it("is asked as ever once one has worked", () => {
    const failed = lookupFailed(calling, NOW, timings);
    expect(lookupWorked(failed)).toEqual({ ...calling, failures: 0, askAt: undefined });
    expect(lookupWorked(calling)).toBeUndefined();
  });
});
