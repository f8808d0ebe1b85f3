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
const crowded: Partial<BreakerRecord> = { busyUntil: NOW + 1 };

/** How often each is chosen, of a thousand even draws. */
function shares(candidates: Candidate[], criteria: Partial<SelectionCriteria> = {}): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1_000; i++) {
    const account = selectAccount(candidates, { chance: i / 1_000, now: NOW, ...criteria })?.account ?? "none";
    counts[account] = (counts[account] ?? 0) + 1;
  }
  return counts;
}

describe("a new root goes", () => {
  it("to each account by its weight", () => {
    expect(shares([at("a", {}, 1), at("b", {}, 3)])).toEqual({ a: 250, b: 750 });
  });

  it("less often where the last answers were unclear", () => {
    expect(shares([at("a", recordFault(newBreakerRecord(), "unclear", NOW, TIMINGS)), at("b", {}, 2)])).toEqual({
      a: 200,
      b: 800,
    });
  });

  it("nowhere that has weight nothing", () => {
    expect(shares([at("a", {}, 0), at("b")])).toEqual({ b: 1_000 });
    expect(selectAccount([at("a", {}, 0)], { chance: 0, now: NOW })).toBeUndefined();
    expect(selectAccount([], { chance: 0, now: NOW })).toBeUndefined();
  });

  it("past what is open or has no room, and now and then to one that is half-open", () => {
    expect(shares([at("open", open), at("full", crowded), at("good")])).toEqual({ good: 1_000 });
    expect(shares([at("half", halfOpen), at("good")])).toEqual({ half: 91, good: 909 });
  });

  it("where the last was refused for good only if it may move on from there", () => {
    expect(shares([at("half", noKey), at("good")])).toEqual({ good: 1_000 });
    expect(shares([at("half", noKey), at("good")], { allowOpenBreaker: true })).toEqual({ half: 91, good: 909 });
  });

  it("where it must wait, if there is nothing better: first a crowded one, then a doubtful one, then the soonest", () => {
    expect(shares([at("full", crowded), at("half", noKey)])).toEqual({ full: 1_000 });
    expect(shares([at("open", open), at("half", noKey)])).toEqual({ half: 1_000 });
    const later = { ...open, openUntil: NOW + 2 * minute };
    expect(shares([at("later", later), at("open", open)])).toEqual({ open: 1_000 });
    expect(shares([at("open", open), at("later", later)])).toEqual({ open: 1_000 });
  });

  it("by weight, among those where it must wait", () => {
    expect(shares([at("a", crowded, 1), at("b", crowded, 3)])).toEqual({ a: 250, b: 750 });
    expect(shares([at("a", noKey, 1), at("b", noKey, 3)])).toEqual({ a: 250, b: 750 });
  });

  it("where there is room again, from the moment that was named", () => {
    expect(shares([at("a", { busyUntil: NOW })], { availableOnly: true })).toEqual({ a: 1_000 });
  });

  it("anywhere, where its app says so", () => expect(ANY_PROVIDER).toBe("auto"));

  it("not where others were refused for good, when it comes from such a place itself", () => {
    const lost = at("lost", { ...open, fault: "out_of_money" });
    expect(selectAccount([lost], { chance: 0, now: NOW })).toBe(lost);
    expect(selectAccount([lost], { chance: 0, now: NOW, excludeLost: true })).toBeUndefined();
    expect(shares([lost, at("open", open)], { excludeLost: true })).toEqual({ open: 1_000 });
  });

  it("from such a place to another of its kind once that may be asked again, if there is nothing better", () => {
    const half = at("half", noKey);
    expect(selectAccount([half], { chance: 0, now: NOW, excludeLost: true })).toBe(half);
    expect(shares([half, at("full", crowded)], { excludeLost: true })).toEqual({ full: 1_000 });
  });

  it("nowhere but where there is room, when it has a place already", () => {
    const criteria = { availableOnly: true };
    expect(shares([at("full", crowded), at("open", open)], criteria)).toEqual({ none: 1_000 });
    expect(shares([at("full", crowded), at("good")], criteria)).toEqual({ good: 1_000 });
  });
});

describe("a draw", () => {
  it("is the same for the same flow", () => expect(hashToUnitInterval("flow_a")).toBe(hashToUnitInterval("flow_a")));

  it("stays the same with newer code, for flows that have drawn already", () => {
    expect(hashToUnitInterval("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD")).toBe(0.0907430318184197);
  });

  it("is even, for names as alike as those of one millisecond", () => {
    const buckets = Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const bucket = Math.floor(hashToUnitInterval(`flow_01K9ZC7T3R${String(i).padStart(16, "0")}`) * 10);
      buckets[bucket] = buckets[bucket]! + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
