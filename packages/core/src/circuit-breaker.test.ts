import { describe, expect, it } from "vitest";
import { minute, NOW, second } from "../test/sample.ts";
import {
  type BreakerRecord,
  breakerStateOf,
  type Fault,
  isPermanentFault,
  isProvedByLookup,
  newBreakerRecord,
  recordFault,
  recordSuccess,
  resetBreaker,
  startTrial,
} from "./circuit-breaker.ts";
import { TIMINGS } from "./timing.ts";

const { openMs, openMaxMs, busyMs, probeMaxMs } = TIMINGS;

/** Records faults one after another, each after the busy time of the previous one. */
function after(
  faults: Fault[],
  start: BreakerRecord = newBreakerRecord(),
  from = NOW,
): { breaker: BreakerRecord; now: number } {
  let [breaker, now] = [start, from];
  for (const fault of faults) {
    breaker = recordFault(breaker, fault, now, TIMINGS) ?? breaker;
    now = Math.max(now + second, breaker.busyUntil ?? 0);
  }
  return { breaker, now };
}

describe("circuit breaker", () => {
  it.each([
    ["unauthorized", 1],
    ["out_of_money", 1],
    ["unclear", 3],
    ["busy", 5],
  ] as const)("the breaker opens after the fault %s occurred %i times in a row, and not before", (fault, times) => {
    const before = after(Array<Fault>(times - 1).fill(fault));
    expect(breakerStateOf(before.breaker, before.now)).toBe("closed");
    const opened = recordFault(before.breaker, fault, before.now, TIMINGS)!;
    expect(breakerStateOf(opened, before.now)).toBe("open");
    expect(opened.openUntil).toBe(before.now + openMs);
    expect(breakerStateOf(opened, before.now + openMs)).toBe("half-open");
  });

  it("faults of different kinds and faults older than openMaxMs are not added up", () => {
    const { breaker, now } = after(["unclear", "unclear", "busy", "unclear", "unclear"]);
    expect(breakerStateOf(breaker, now)).toBe("closed");
    const later = recordFault(breaker, "unclear", (breaker.faultAt ?? 0) + openMaxMs, TIMINGS)!;
    expect([breakerStateOf(later, now), later.faults]).toEqual(["closed", 1]);
  });

  it("the breaker stays closed however often our own concurrency limit is reached", () => {
    const { breaker, now } = after(Array<Fault>(50).fill("full"));
    expect([breakerStateOf(breaker, now), breaker.faults]).toEqual(["closed", 0]);
    expect([breaker.busyUntil, breaker.fullUntil! > now]).toEqual([undefined, true]);
  });

  it("each failed trial doubles the open time, up to openMaxMs", () => {
    let { breaker, now } = after(["unauthorized"]);
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      now = breaker.openUntil!;
      breaker = recordFault(startTrial(breaker, now, TIMINGS), "unauthorized", now, TIMINGS)!;
      pauses.push(breaker.openUntil! - now);
    }
    expect(pauses.slice(0, 3)).toEqual([2 * openMs, 4 * openMs, 8 * openMs]);
    expect(pauses.at(-1)).toBe(openMaxMs);
  });

  it("a successful trial closes the breaker and clears its record", () => {
    const { breaker, now } = after(["unclear", "unclear", "unclear"]);
    const tried = startTrial(breaker, now + openMs, TIMINGS);
    expect(breakerStateOf(tried, now + openMs)).toBe("open");
    expect(JSON.stringify(recordSuccess(tried))).toBe(JSON.stringify(newBreakerRecord()));
  });

  it("the first fault of any kind opens a half-open breaker again, for twice as long", () => {
    const { breaker, now } = after(["unauthorized"]);
    const at = now + openMs;
    const again = recordFault(breaker, "busy", at, TIMINGS)!;
    expect([breakerStateOf(again, at), again.openUntil, again.opens]).toEqual(["open", at + 2 * openMs, 2]);
  });

  it("an accepted submission closes a breaker that busy answers opened", () => {
    const { breaker } = after(Array<Fault>(5).fill("busy"));
    const closed = recordSuccess(breaker)!;
    expect([breakerStateOf(closed, NOW), closed.faults, closed.busyUntil]).toEqual(["closed", 0, undefined]);
  });

  it("a trial without any outcome makes the account half-open again after openMs", () => {
    const { breaker, now } = after(["out_of_money"]);
    const tried = startTrial(breaker, now + openMs, TIMINGS);
    expect(breakerStateOf(tried, now + 2 * openMs)).toBe("half-open");
  });

  it("faults of submissions that were sent before the breaker opened are ignored", () => {
    const { breaker, now } = after(["unauthorized"]);
    for (const fault of ["unauthorized", "unclear"] as const) {
      expect(recordFault(breaker, fault, now, TIMINGS)).toBeUndefined();
    }
  });
});

describe("writes of the circuit breaker", () => {
  it("a success at a healthy account costs no write", () => {
    expect(recordSuccess(newBreakerRecord())).toBeUndefined();
  });

  it("one busy time costs one write, and a success within it costs none", () => {
    const busy = recordFault(newBreakerRecord(), "busy", NOW, TIMINGS)!;
    expect(busy.busyUntil).toBe(NOW + busyMs);
    expect(recordFault(busy, "busy", NOW + busyMs - 1, TIMINGS)).toBeUndefined();
    expect(recordSuccess(busy)).toBeUndefined();
    expect(recordFault(busy, "busy", NOW + busyMs, TIMINGS)!.busyUntil).toBe(NOW + busyMs + 2 * busyMs);
  });

  it("a full account gets no new roots for busyMs, and its waiting tasks are not paused", () => {
    const full = recordFault(newBreakerRecord(), "full", NOW, TIMINGS)!;
    expect(full).toEqual({ ...newBreakerRecord(), fullUntil: NOW + busyMs });
    expect(recordFault(full, "full", NOW + busyMs - 1, TIMINGS)).toBeUndefined();
    expect(recordFault(full, "full", NOW + busyMs, TIMINGS)!.fullUntil).toBe(NOW + 2 * busyMs);
  });

  it("while the breaker is open, a busy response adds only the pause", () => {
    const { breaker, now } = after(["unauthorized"]);
    const busy = recordFault(breaker, "busy", now, TIMINGS)!;
    expect(busy).toEqual({ ...breaker, busyUntil: now + busyMs });
    expect(recordFault(busy, "busy", now + 1, TIMINGS)).toBeUndefined();
  });

  it("the first success after an unclear submission costs one write", () => {
    const { breaker } = after(["unclear"]);
    expect(recordSuccess(breaker)).toMatchObject({ faults: 0 });
  });
});

it("a look-up that works proves that the key is valid and the vendor can be reached, and nothing else", () => {
  const faults = ["unauthorized", "unreachable", "out_of_money", "unclear", "busy", "full", undefined] as const;
  expect(faults.filter(isProvedByLookup)).toEqual(["unauthorized", "unreachable"]);
});

it("a vendor that cannot be reached is asked again after a pause, like a busy one", () => {
  const unreachable = recordFault(newBreakerRecord(), "unreachable", NOW, TIMINGS)!;
  expect(unreachable.busyUntil).toBe(NOW + busyMs);
  expect(recordFault(unreachable, "unreachable", NOW + 1, TIMINGS)).toBeUndefined();
});

it("an account that is full while its breaker is open costs no write", () => {
  const open = after(["unauthorized"]).breaker;
  expect(recordFault(open, "full", NOW + 1, TIMINGS)).toBeUndefined();
  expect(recordFault(open, "full", open.openUntil!, TIMINGS)).toMatchObject({ fullUntil: open.openUntil! + busyMs });
});

it("an account is busy for the time that the vendor names, otherwise for a time that doubles", () => {
  expect(recordFault(newBreakerRecord(), "busy", NOW, TIMINGS, 7 * minute)!.busyUntil).toBe(NOW + 7 * minute);
  expect(recordFault(newBreakerRecord(), "busy", NOW, TIMINGS, 7 * 24 * 60 * minute)!.busyUntil).toBe(NOW + openMaxMs);
  const four = after(["busy", "busy", "busy"]);
  expect(recordFault(four.breaker, "busy", four.now, TIMINGS)!.busyUntil! - four.now).toBe(
    Math.min(8 * busyMs, probeMaxMs),
  );
});

it("only a rejected key and a lack of money are permanent faults", () => {
  expect((["unauthorized", "out_of_money"] as const).every(isPermanentFault)).toBe(true);
  for (const fault of ["busy", "full", "unclear", undefined] as const) expect(isPermanentFault(fault)).toBe(false);
});

it("a reset clears the breaker record and keeps the other fields of the account's health", () => {
  const { breaker } = after(["unauthorized"]);
  expect(JSON.parse(JSON.stringify(resetBreaker({ ...breaker, heardAt: NOW })))).toEqual({
    ...newBreakerRecord(),
    heardAt: NOW,
  });
});
