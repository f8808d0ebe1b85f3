import { describe, expect, it } from "vitest";
import { minute, NOW, second } from "../test/sample.ts";
import {
  type BreakerRecord,
  breakerStateOf,
  type Fault,
  isPermanentFault,
  newBreakerRecord,
  recordFault,
  recordSuccess,
  resetBreaker,
  startTrial,
} from "./circuit-breaker.ts";
import { TIMINGS } from "./timing.ts";

const { openMs, openMaxMs, busyMs, busyMaxMs } = TIMINGS;

/** Faults one after another, each after the pause the one before asked for. */
function after(
  faults: Fault[],
  start: BreakerRecord = newBreakerRecord(),
  from = NOW,
): { trust: BreakerRecord; now: number } {
  let [breaker, now] = [start, from];
  for (const fault of faults) {
    breaker = recordFault(breaker, fault, now, TIMINGS) ?? breaker;
    now = Math.max(now + second, breaker.busyUntil ?? 0);
  }
  return { trust: breaker, now };
}

describe("a breaker", () => {
  it.each([
    ["unauthorized", 1],
    ["out_of_money", 1],
    ["unclear", 3],
    ["busy", 5],
  ] as const)("opens after %s, %i in a row, and not before", (fault, times) => {
    const before = after(Array<Fault>(times - 1).fill(fault));
    expect(breakerStateOf(before.trust, before.now)).toBe("closed");
    const opened = recordFault(before.trust, fault, before.now, TIMINGS)!;
    expect(breakerStateOf(opened, before.now)).toBe("open");
    expect(opened.openUntil).toBe(before.now + openMs);
    expect(breakerStateOf(opened, before.now + openMs)).toBe("half-open");
  });

  it("does not add up faults of different kinds, nor such as are long past", () => {
    const { trust: breaker, now } = after(["unclear", "unclear", "busy", "unclear", "unclear"]);
    expect(breakerStateOf(breaker, now)).toBe("closed");
    const later = recordFault(breaker, "unclear", (breaker.faultAt ?? 0) + openMaxMs, TIMINGS)!;
    expect([breakerStateOf(later, now), later.faults]).toEqual(["closed", 1]);
  });

  it("stays closed however often our own cap is full", () => {
    const { trust: breaker, now } = after(Array<Fault>(50).fill("full"));
    expect([breakerStateOf(breaker, now), breaker.faults]).toEqual(["closed", 0]);
    expect(breaker.busyUntil).toBe(now);
  });

  it("when what was tried fails too, stays open for twice as long each time, up to its longest", () => {
    let { trust: breaker, now } = after(["unauthorized"]);
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      now = breaker.openUntil!;
      breaker = recordFault(startTrial(breaker, now, TIMINGS), "unauthorized", now, TIMINGS)!;
      pauses.push(breaker.openUntil! - now);
    }
    expect(pauses.slice(0, 3)).toEqual([2 * openMs, 4 * openMs, 8 * openMs]);
    expect(pauses.at(-1)).toBe(openMaxMs);
  });

  it("closes when what was tried is taken, and forgets all of it", () => {
    const { trust: breaker, now } = after(["unclear", "unclear", "unclear"]);
    const tried = startTrial(breaker, now + openMs, TIMINGS);
    expect(breakerStateOf(tried, now + openMs)).toBe("open");
    expect(JSON.stringify(recordSuccess(tried))).toBe(JSON.stringify(newBreakerRecord()));
  });

  it("once half-open, opens again at the first fault of any kind, and for longer", () => {
    const { trust: breaker, now } = after(["unauthorized"]);
    const at = now + openMs;
    const again = recordFault(breaker, "busy", at, TIMINGS)!;
    expect([breakerStateOf(again, at), again.openUntil, again.opens]).toEqual(["open", at + 2 * openMs, 2]);
  });

  it("that busy answers had opened is closed by what is taken", () => {
    const { trust: breaker } = after(Array<Fault>(5).fill("busy"));
    const closed = recordSuccess(breaker)!;
    expect([breakerStateOf(closed, NOW), closed.faults, closed.busyUntil]).toEqual(["closed", 0, undefined]);
  });

  it("whose trial is never heard of again may be tried by another", () => {
    const { trust: breaker, now } = after(["out_of_money"]);
    const tried = startTrial(breaker, now + openMs, TIMINGS);
    expect(breakerStateOf(tried, now + 2 * openMs)).toBe("half-open");
  });

  it("learns nothing new from answers that were on their way when it opened", () => {
    const { trust: breaker, now } = after(["unauthorized"]);
    for (const fault of ["unauthorized", "unclear"] as const) {
      expect(recordFault(breaker, fault, now, TIMINGS)).toBeUndefined();
    }
  });
});

describe("what costs a write", () => {
  it("is nothing, where all is well", () => {
    expect(recordSuccess(newBreakerRecord())).toBeUndefined();
  });

  it("is one busy answer for each pause; being taken in between is none", () => {
    const busy = recordFault(newBreakerRecord(), "busy", NOW, TIMINGS)!;
    expect(busy.busyUntil).toBe(NOW + busyMs);
    for (const crowded of ["busy", "full"] as const) {
      expect(recordFault(busy, crowded, NOW + busyMs - 1, TIMINGS)).toBeUndefined();
    }
    expect(recordSuccess(busy)).toBeUndefined();
    expect(recordFault(busy, "busy", NOW + busyMs, TIMINGS)!.busyUntil).toBe(NOW + busyMs + 2 * busyMs);
  });

  it("is the first good answer after doubt", () => {
    const { trust: breaker } = after(["unclear"]);
    expect(recordSuccess(breaker)).toMatchObject({ faults: 0 });
  });
});

it("an account is busy for as long as it says itself, else a little longer each time", () => {
  expect(recordFault(newBreakerRecord(), "busy", NOW, TIMINGS, 7 * minute)!.busyUntil).toBe(NOW + 7 * minute);
  const four = after(["busy", "busy", "busy"]);
  expect(recordFault(four.trust, "busy", four.now, TIMINGS)!.busyUntil! - four.now).toBe(
    Math.min(8 * busyMs, busyMaxMs),
  );
});

it("only a new key or money changes some answers", () => {
  expect((["unauthorized", "out_of_money"] as const).every(isPermanentFault)).toBe(true);
  for (const fault of ["busy", "full", "unclear", undefined] as const) expect(isPermanentFault(fault)).toBe(false);
});

it("forgiven is as new, and what else is known stays", () => {
  const { trust: breaker } = after(["unauthorized"]);
  expect(JSON.parse(JSON.stringify(resetBreaker({ ...breaker, heardAt: NOW })))).toEqual({
    ...newBreakerRecord(),
    heardAt: NOW,
  });
});
