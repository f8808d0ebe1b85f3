import { describe, expect, it } from "vitest";
import { minute, NOW } from "../test/sample.ts";
import {
  ANY_PROVIDER,
  type Candidate,
  hashToUnitInterval,
  type SelectionCriteria,
  selectAccount,
} from "./account-selection.ts";
import { type BreakerRecord, newBreakerRecord, recordFault } from "./circuit-breaker.ts";
import { TIMINGS } from "./timing.ts";

const at = (account: string, breakerRecord: Partial<BreakerRecord> = {}, weight = 1): Candidate => ({
  ...{ provider: "sim", account, weight },
  breaker: { ...newBreakerRecord(), ...breakerRecord },
});
const open: Partial<BreakerRecord> = { opens: 1, openUntil: NOW + minute, fault: "unclear", faults: 3 };
const halfOpen: Partial<BreakerRecord> = { ...open, openUntil: NOW - 1 };
const noKey: Partial<BreakerRecord> = { ...halfOpen, fault: "unauthorized" };
const busy: Partial<BreakerRecord> = { busyUntil: NOW + 1 };

/** Counts how often each account is chosen in 1,000 evenly spread draws. */
function shares(candidates: Candidate[], criteria: Partial<SelectionCriteria> = {}): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1_000; i++) {
    const account = selectAccount(candidates, { chance: i / 1_000, now: NOW, ...criteria })?.account ?? "none";
    counts[account] = (counts[account] ?? 0) + 1;
  }
  return counts;
}

describe("account selection for a new root", () => {
  it("accounts get roots in proportion to their weight", () => {
    expect(shares([at("a", {}, 1), at("b", {}, 3)])).toEqual({ a: 250, b: 750 });
  });

  it("an account whose last submissions were unclear gets fewer roots", () => {
    expect(shares([at("a", recordFault(newBreakerRecord(), "unclear", NOW, TIMINGS)), at("b", {}, 2)])).toEqual({
      a: 200,
      b: 800,
    });
  });

  it("an account with weight 0 gets no root", () => {
    expect(shares([at("a", {}, 0), at("b")])).toEqual({ b: 1_000 });
    expect(selectAccount([at("a", {}, 0)], { chance: 0, now: NOW })).toBeUndefined();
    expect(selectAccount([], { chance: 0, now: NOW })).toBeUndefined();
  });

  it("open and busy accounts are skipped, and a half-open account gets a small share", () => {
    expect(shares([at("open", open), at("full", busy), at("good")])).toEqual({ good: 1_000 });
    expect(shares([at("half", halfOpen), at("good")])).toEqual({ half: 91, good: 909 });
  });

  it("a half-open account with a permanent fault gets a trial only if the root can relocate", () => {
    expect(shares([at("half", noKey), at("good")])).toEqual({ good: 1_000 });
    expect(shares([at("half", noKey), at("good")], { allowOpenBreaker: true })).toEqual({ half: 91, good: 909 });
  });

  it("if every account has to wait, a busy one is chosen before a half-open one, then the one that closes first", () => {
    expect(shares([at("full", busy), at("half", noKey)])).toEqual({ full: 1_000 });
    expect(shares([at("open", open), at("half", noKey)])).toEqual({ half: 1_000 });
    const later = { ...open, openUntil: NOW + 2 * minute };
    expect(shares([at("later", later), at("open", open)])).toEqual({ open: 1_000 });
    expect(shares([at("open", open), at("later", later)])).toEqual({ open: 1_000 });
  });

  it("accounts where the root has to wait are chosen by weight", () => {
    expect(shares([at("a", busy, 1), at("b", busy, 3)])).toEqual({ a: 250, b: 750 });
    expect(shares([at("a", noKey, 1), at("b", noKey, 3)])).toEqual({ a: 250, b: 750 });
  });

  it("an account is available again at the end of its busy time", () => {
    expect(shares([at("a", { busyUntil: NOW })], { availableOnly: true })).toEqual({ a: 1_000 });
  });

  it('the provider value for any vendor is "auto"', () => expect(ANY_PROVIDER).toBe("auto"));

  it("a root of a lost account does not go to another account with a permanent fault", () => {
    const lost = at("lost", { ...open, fault: "out_of_money" });
    expect(selectAccount([lost], { chance: 0, now: NOW })).toBe(lost);
    expect(selectAccount([lost], { chance: 0, now: NOW, excludeLost: true })).toBeUndefined();
    expect(shares([lost, at("open", open)], { excludeLost: true })).toEqual({ open: 1_000 });
  });

  it("a root of a lost account goes to a half-open account with a permanent fault only if no other is left", () => {
    const half = at("half", noKey);
    expect(selectAccount([half], { chance: 0, now: NOW, excludeLost: true })).toBe(half);
    expect(shares([half, at("full", busy)], { excludeLost: true })).toEqual({ full: 1_000 });
  });

  it("with availableOnly, only accounts that can start the task now are chosen", () => {
    const criteria = { availableOnly: true };
    expect(shares([at("full", busy), at("open", open)], criteria)).toEqual({ none: 1_000 });
    expect(shares([at("full", busy), at("good")], criteria)).toEqual({ good: 1_000 });
  });
});

describe("hashToUnitInterval", () => {
  it("the same flow id gives the same number", () =>
    expect(hashToUnitInterval("flow_a")).toBe(hashToUnitInterval("flow_a")));

  it("the number of an existing flow does not change with newer code", () => {
    expect(hashToUnitInterval("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD")).toBe(0.0907430318184197);
  });

  it("flow ids of the same millisecond are spread evenly", () => {
    const buckets = Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const bucket = Math.floor(hashToUnitInterval(`flow_01K9ZC7T3R${String(i).padStart(16, "0")}`) * 10);
      buckets[bucket] = buckets[bucket]! + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
