import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOW, pending } from "../test/sample.ts";
import type { Limits } from "./app.ts";
import {
  admission,
  applyCreditChange,
  assertAdmissible,
  balanceMicro,
  type CreditChange,
  type CreditCounter,
  counterIdsOf,
  counterOfFlow,
  grantChange,
  heldMicro,
  isLimited,
  limitsOfCounter,
  microUsd,
  oldEntries,
  parseCounterId,
  pressHold,
  rateStateOf,
  refund,
  removal,
  renewal,
  settlementChange,
  usesHolds,
} from "./credit.ts";
import { entryValue, holdEntryName, parseEntryName, parseEntryValue, pressEntryName } from "./credit-entry.ts";
import { counterOfRow, flowCreditOfRow, newCreditRow } from "./credit-row.ts";
import { failure } from "./error.ts";
import {
  addPress,
  awaitsPress,
  entryState,
  type FlowCredit,
  finishSettlement,
  isHeld,
  NO_FLOW_CREDIT,
  ORPHANED_HOLD_AFTER_MS,
  startSettlement,
  takeOverSettlement,
} from "./flow-credit.ts";
import { acceptedSubmissionCount, costMicroUsd, planMicroUsd } from "./price.ts";
import type { Task } from "./task.ts";

const LIMITS: Limits = { creditsUsd: 1 };
const DAY = "2027-01-15";
const flowIdAt = (n: number) => `flow_01K9ZC7T3R8M2V5X0Q4B6N1JH${n}`;
const fresh = (): CreditCounter => counterOfRow(newCreditRow("app", NOW), NOW);
const ended = (more: Partial<Task> = {}): Task => ({
  ...pending(),
  status: "SUCCESS",
  attempt: 1,
  endedBy: 1,
  ...more,
});

/** Admits a flow like the engine: with the counter as last seen, and again with the counter that refused. */
function admit(
  counter: CreditCounter,
  limits: Limits,
  { flow = 1, micro = 100_000, mark = "m", resumed = false } = {},
  now = NOW,
): CreditCounter {
  const request = { flowId: flowIdAt(flow), micro, mark, resumed };
  const next = applyCreditChange(counter, admission(counter, limits, request, now)!);
  if (next) return next;
  assertAdmissible(counter, limits, request, now);
  throw new Error("refused without a reason");
}

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was refused");
}

describe("estimated and actual cost of a plan", () => {
  const root = { action: "IMAGINE", pace: "fast" as const };

  it("the cost of a plan includes every press at every depth; tiles are free and videos have their own price", () => {
    expect(planMicroUsd(root, undefined)).toBe(40_000);
    const then = [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "V2" }, { press: "tile:1" }];
    expect(planMicroUsd(root, then)).toBe(40_000 + 10_000 + 40_000 + 40_000);
    expect(planMicroUsd(root, [{ press: "animate:high", then: [{ press: "reroll" }] }])).toBe(
      40_000 + 600_000 + 600_000,
    );
    expect(planMicroUsd(root, [{ press: "whatever the vendor shows" }])).toBe(80_000);
  });

  it.each<[string, Partial<Task>, number]>([
    ["a success", {}, 1],
    [
      "a success with two orphans",
      {
        orphans: [
          { attempt: 2, at: 0 },
          { attempt: 3, at: 0 },
        ],
      },
      3,
    ],
    ["a press that started four tasks", { vendorSiblings: ["b", "c", "d"] }, 4],
    ["a failure reported by the vendor", { status: "FAILURE", failure: failure("vendor_failed") }, 1],
    ["a prompt stopped by moderation", { status: "FAILURE", failure: failure("banned_prompt") }, 0],
    ["a rejected submission", { status: "FAILURE", endedBy: undefined, failure: failure("vendor_refused") }, 0],
    [
      "an accepted task that passed its deadline",
      { status: "EXPIRED", endedBy: undefined, submittedAt: 1, failure: failure("deadline_passed") },
      1,
    ],
    [
      "a task that the vendor lost",
      { status: "EXPIRED", endedBy: undefined, submittedAt: 1, failure: failure("vendor_lost") },
      1,
    ],
    [
      "a task never submitted",
      { status: "EXPIRED", endedBy: undefined, attempt: 0, failure: failure("vendor_busy") },
      0,
    ],
    [
      "an unanswered modal",
      { status: "EXPIRED", endedBy: undefined, submittedAt: 1, failure: failure("modal_unanswered") },
      0,
    ],
    [
      "an unclear submission without a result",
      { status: "FAILURE", endedBy: undefined, failure: failure("submission_unclear") },
      0,
    ],
    [
      "an unclear submission with a late image",
      {
        status: "FAILURE",
        endedBy: undefined,
        failure: failure("submission_unclear"),
        late: { status: "SUCCESS", at: 1 },
      },
      1,
    ],
    [
      "a press of a missing button",
      { status: "FAILURE", endedBy: undefined, attempt: 0, failure: failure("press_not_offered") },
      0,
    ],
    [
      "a task past its deadline that no vendor is known to have accepted",
      { status: "EXPIRED", endedBy: undefined, failure: failure("deadline_passed") },
      0,
    ],
    ["a canceled task without a report", { status: "CANCEL", endedBy: undefined, submittedAt: 1 }, 0],
    ["a running task", { status: "IN_PROGRESS", endedBy: undefined, submittedAt: 1 }, 1],
    ["a pending task", { status: "PENDING", endedBy: undefined, attempt: 0 }, 0],
  ])("the submissions that count for %s are as expected", (_, more, count) => {
    expect(acceptedSubmissionCount(ended(more))).toBe(count);
    expect(costMicroUsd([ended(more)])).toBe(count * 40_000);
  });
});

describe("admitting a new flow", () => {
  it("the whole plan is reserved, and a flow that exceeds the credit left is rejected", () => {
    let counter = fresh();
    for (let flow = 0; flow < 10; flow++) counter = admit(counter, LIMITS, { flow });
    expect([heldMicro(counter), balanceMicro(counter, LIMITS), counter.running]).toEqual([1_000_000, 0, 10]);
    expect(refusal(() => admit(counter, LIMITS, { flow: 11, micro: 1 }))).toMatchObject({
      code: "out_of_credit",
      status: 402,
      extra: { estimatedUsd: 1e-6, balanceUsd: 0 },
    });
    expect(balanceMicro(applyCreditChange(counter, grantChange({ reference: "x", micro: 5 }, NOW))!, LIMITS)).toBe(5);
    expect(balanceMicro(counter, { runningFlows: 3 })).toBeUndefined();
  });

  it("a repeated admission of the same flow is refused, and its entry is in the counter (E6)", () => {
    const once = admit(fresh(), LIMITS);
    const request = { flowId: flowIdAt(1), micro: 100_000, mark: "other", resumed: true };
    expect(applyCreditChange(once, admission(once, LIMITS, request, NOW + 1)!)).toBeUndefined();
    expect(parseEntryValue(once.entries[holdEntryName(flowIdAt(1))]!)).toEqual({ micro: 100_000, at: NOW, mark: "m" });
  });

  it("a new flow is rejected while the limit of running flows is reached", () => {
    const limits = { runningFlows: 2 };
    const two = [1, 2].reduce((counter, flow) => admit(counter, limits, { flow }), fresh());
    expect(refusal(() => admit(two, limits, { flow: 3 }))).toMatchObject({
      code: "too_many_flows",
      message: "Running flows: 2; limit: 2.",
    });
    const name = holdEntryName(flowIdAt(1));
    const one = applyCreditChange(two, refund(name, two.entries[name]!, NOW))!;
    expect(admit(one, limits, { flow: 3 }).running).toBe(2);
  });

  it("any limit needs a counter, but only limits of credit and running flows need holds", () => {
    const cases: [Limits | undefined, boolean, boolean][] = [
      [undefined, false, false],
      [{}, false, false],
      [{ flowsPerMinute: 1 }, true, false],
      [{ runningFlows: 1 }, true, true],
      [{ creditsUsd: 0 }, true, true],
    ];
    for (const [limits, limited, holds] of cases) {
      expect([isLimited(limits), usesHolds(limits)], JSON.stringify(limits)).toEqual([limited, holds]);
    }
    expect(admission(undefined, {}, { flowId: flowIdAt(1), micro: 1, mark: "", resumed: false }, NOW)).toBeUndefined();
    const rateOnly = admission(
      fresh(),
      { flowsPerMinute: 1 },
      { flowId: flowIdAt(1), micro: 1, mark: "", resumed: false },
      NOW,
    );
    expect(rateOnly).toMatchObject({ repetition: { harmless: expect.any(String) } });
    expect(rateOnly).not.toHaveProperty("enter");
  });

  it("a rejection has a message that the app can show", () => {
    const words = (creditsUsd: number, micro: number, used = 0) =>
      (refusal(() => admit({ ...fresh(), used }, { creditsUsd }, { micro })) as Error).message;
    expect(words(1.2345, 20_000_000)).toBe("The plan may cost 20 USD, but only 1.2345 USD of credit are left.");
    expect(words(0.5, 1_000_001)).toBe("The plan may cost 1.000001 USD, but only 0.5 USD of credit are left.");
    expect(words(1, 100, 2_000_000)).toBe("The plan may cost 0.0001 USD, but only 0 USD of credit are left.");
    expect(refusal(() => admit(fresh(), LIMITS, { micro: 1_500_000 }))).toMatchObject({
      extra: { estimatedUsd: 1.5, balanceUsd: 1 },
    });
  });
});

describe("rate limit of new flows", () => {
  it("the quota of a minute may be used at once, and a rejection says when the next flow may start", () => {
    const limits = { flowsPerMinute: 6 };
    let counter = fresh();
    const rates = Array.from({ length: 6 }, () => {
      counter = admit(counter, limits);
      return rateStateOf(counter, limits, NOW);
    });
    expect(rates.map((rate) => [rate!.remaining, rate!.resetS])).toEqual(
      [5, 4, 3, 2, 1, 0].map((r) => [r, 60 - 10 * r]),
    );
    expect(refusal(() => admit(counter, limits))).toMatchObject({
      code: "rate_limited",
      message: "At most 6 new flows per minute.",
      retry: { afterMs: 10_000 },
      extra: { rateLimit: { quota: 6, remaining: 0, resetS: 60 } },
    });
    expect(refusal(() => admit(counter, limits, {}, NOW + 9_000))).toMatchObject({ retry: { afterMs: 1_000 } });
    const next = admit(counter, limits, {}, NOW + 10_000);
    expect(rateStateOf(next, limits, NOW + 10_000)).toEqual({ quota: 6, remaining: 0, resetS: 60 });
    expect(admission(counter, limits, { flowId: flowIdAt(1), micro: 1, mark: "", resumed: true }, NOW)).toBeUndefined();
    expect(rateStateOf(counter, {}, NOW)).toBeUndefined();
  });

  it("the wrong form of the change is refused without a reason, and the right form follows from the counter", () => {
    const limits = { flowsPerMinute: 60 };
    const request = { flowId: flowIdAt(1), micro: 1, mark: "", resumed: false };
    const busy = admit(fresh(), limits);
    expect(applyCreditChange(busy, admission(undefined, limits, request, NOW)!)).toBeUndefined();
    expect(() => assertAdmissible(busy, limits, request, NOW)).not.toThrow();
    expect(applyCreditChange(busy, admission(busy, limits, request, NOW)!)).toMatchObject({
      fullAtUs: NOW * 1_000 + 2_000_000,
    });
    const idle = NOW + 5_000;
    expect(applyCreditChange(busy, admission(busy, limits, request, idle)!)).toMatchObject({
      fullAtUs: idle * 1_000 + 1_000_000,
    });
  });

  it("after a quota was raised or a clock went back, the app is not locked out", () => {
    const full = { ...fresh(), fullAtUs: (NOW + 3_600_000) * 1_000 };
    expect(admit(full, { flowsPerMinute: 60 }).fullAtUs).toBe(NOW * 1_000 + 1_000_000);
  });

  it("a flow with a hold is counted against the rate too, and the rate refuses it although there is credit left", () => {
    const limits = { creditsUsd: 1, flowsPerMinute: 2 };
    const two = [1, 2].reduce((counter, flow) => admit(counter, limits, { flow, micro: 1 }), fresh());
    expect(two.fullAtUs).toBe(NOW * 1_000 + 60_000_000);
    const third = { flowId: flowIdAt(3), micro: 1, mark: "m", resumed: false };
    // Whatever the process has seen last, the counter refuses the flow.
    for (const seen of [undefined, two, { fullAtUs: NOW * 1_000 + 1 }])
      expect(applyCreditChange(two, admission(seen, limits, third, NOW)!)).toBeUndefined();
    expect(refusal(() => admit(two, limits, { flow: 3, micro: 1 }))).toMatchObject({ code: "rate_limited" });
  });

  it("the cost is never added to a time that has passed, even if the process has seen a later one", () => {
    const request = { flowId: flowIdAt(1), micro: 1, mark: "", resumed: false };
    const seen = { fullAtUs: NOW * 1_000 + 1 };
    const passed = { ...fresh(), fullAtUs: NOW * 1_000 };
    for (const limits of [{ flowsPerMinute: 60 }, { creditsUsd: 1, flowsPerMinute: 60 }]) {
      expect(applyCreditChange(passed, admission(seen, limits, request, NOW)!)).toBeUndefined();
      expect(applyCreditChange({ ...passed, ...seen }, admission(seen, limits, request, NOW)!)).toBeDefined();
    }
  });

  it("a time that is too far ahead is reset once, and not again by a process that has seen it before", () => {
    const limits = { flowsPerMinute: 60 };
    const request = { flowId: flowIdAt(1), micro: 1, mark: "", resumed: false };
    const ahead = { ...fresh(), fullAtUs: (NOW + 3_600_000) * 1_000 };
    const reset = applyCreditChange(ahead, admission(ahead, limits, request, NOW)!)!;
    const busy = Array.from({ length: 59 }).reduce<CreditCounter>((counter) => admit(counter, limits), reset);
    expect(applyCreditChange(busy, admission(ahead, limits, request, NOW)!)).toBeUndefined();
    expect(refusal(() => admit(busy, limits))).toMatchObject({ code: "rate_limited" });
  });

  it("for every sequence of waits, no span admits more flows than quota x (1 + t / 60) (K11)", () => {
    const waits = fc.array(fc.integer({ min: -5_000, max: 40_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), waits, (quota, steps) => {
        let counter = fresh();
        let now = NOW;
        const admitted: number[] = [];
        for (const wait of steps) {
          now += Math.max(0, wait);
          try {
            counter = admit(counter, { flowsPerMinute: quota }, {}, now);
            admitted.push(now);
          } catch {}
        }
        for (const [i, begin] of admitted.entries()) {
          for (const [j, end] of admitted.slice(i).entries()) {
            // Each cost is rounded down to a microsecond.
            expect(j + 1).toBeLessThanOrEqual(quota * (1 + (end - begin) / 60_000) * (1 + 1e-5) + 1e-6);
          }
        }
      }),
    );
  });
});

describe("the credit of one flow", () => {
  const held: FlowCredit = { ...NO_FLOW_CREDIT, held: 100_000, runs: 1, mark: "m" };

  it("the accepted submissions are settled once, and the rest is refunded", () => {
    const admitted = admit(fresh(), LIMITS);
    const fixed = startSettlement(held, [ended()], NOW + 5);
    expect(fixed.settling).toEqual({ micro: 40_000, held: 100_000, runs: 1, paths: [], at: NOW + 5 });
    const change = settlementChange(
      { flowId: flowIdAt(1), no: 0, settling: fixed.settling!, isFirst: true },
      DAY,
      NOW + 5,
    );
    const settled = applyCreditChange(admitted, change)!;
    expect(settled).toMatchObject({ settled: 40_000, refunded: 60_000, used: 40_000, running: 0 });
    expect(settled.days).toEqual({ [DAY]: { flows: 1, settled: 40_000 } });
    expect(applyCreditChange(settled, change)).toBeUndefined();
    expect(finishSettlement(fixed)).toEqual({ ...held, held: 0, runs: 0, before: 40_000, settlements: 1 });
    expect(isHeld(finishSettlement(fixed))).toBe(false);
  });

  it("a cost above the hold is settled too, and reserved with it", () => {
    const admitted = admit(fresh(), LIMITS, { micro: 10_000 });
    const { settling } = startSettlement({ ...held, held: 10_000 }, [ended()], NOW);
    const next = applyCreditChange(
      admitted,
      settlementChange({ flowId: flowIdAt(1), no: 0, settling: settling!, isFirst: true }, DAY, NOW),
    )!;
    expect([next.settled, next.refunded, heldMicro(next), next.used]).toEqual([40_000, 0, 0, 40_000]);
  });

  it("a flow reopened by a press is settled only for the new part (E4)", () => {
    const done = finishSettlement(startSettlement(held, [ended()], NOW));
    const press = { path: "0-mX", micro: 10_000, mark: "p", runs: true, at: NOW + 1 };
    const reopened = addPress(done, press, [ended(), ended({ path: "0-1" })]);
    expect(reopened).toMatchObject({
      held: 10_000,
      runs: 1,
      before: 80_000,
      awaits: { "0-mX": { mark: "p", at: NOW + 1 } },
    });
    const child = ended({ path: "0-mX", action: "UPSCALE" });
    expect(startSettlement(reopened, [ended(), ended({ path: "0-1" }), child], NOW).settling!.micro).toBe(10_000);
  });

  it("a press that is held while the flow settles stays held, and a settled press is remembered for a while", () => {
    const pressed = addPress(held, { path: "0-a", micro: 1, mark: "a", runs: false, at: NOW }, []);
    const fixed = startSettlement(pressed, [ended()], NOW + 5);
    const late = addPress(fixed, { path: "0-b", micro: 2, mark: "b", runs: true, at: NOW + 6 }, []);
    const finished = finishSettlement(late);
    expect(finished).toMatchObject({
      held: 2,
      runs: 1,
      awaits: { "0-b": { mark: "b" } },
      past: { "0-a": { mark: "a", at: NOW + 5 } },
    });
    const again = startSettlement(finished, [ended()], NOW + 5 + ORPHANED_HOLD_AFTER_MS);
    expect(finishSettlement(again).past).toEqual({ "0-b": { mark: "b", at: NOW + 5 + ORPHANED_HOLD_AFTER_MS } });
  });

  it("a taken-over settlement keeps its amounts", () => {
    const fixed = startSettlement(held, [ended()], NOW);
    const taken = takeOverSettlement(fixed, NOW + 90_000);
    expect(taken.settling).toEqual({ ...fixed.settling, at: NOW + 90_000, shared: true });
    expect(finishSettlement(taken)).toEqual(finishSettlement(fixed));
  });

  it("a press is awaited until its task is written, at most 15 minutes", () => {
    const pressed = addPress(held, { path: "0-a", micro: 1, mark: "a", runs: false, at: NOW }, []);
    expect(awaitsPress(pressed, [], NOW + ORPHANED_HOLD_AFTER_MS - 1)).toBe(true);
    expect(awaitsPress(pressed, [], NOW + ORPHANED_HOLD_AFTER_MS)).toBe(false);
    expect(awaitsPress(pressed, [ended({ path: "0-a" })], NOW)).toBe(false);
    expect(ORPHANED_HOLD_AFTER_MS).toBe(15 * 60_000);
  });
});

describe("entries of the counter", () => {
  it.each([
    [{ micro: 0, at: NOW }],
    [{ micro: 123_456_789, at: NOW, mark: "a_-B" }],
    [{ micro: 1, at: NOW, mark: "abcd", runs: true }],
    [{ micro: 0, at: NOW, reference: 'invoice "7". #🛶..' }],
  ])("the value %o is read back", (value) => {
    expect(parseEntryValue(entryValue(value))).toEqual(value);
  });

  it("names tell what an entry is about, and an unknown name is left to newer code", () => {
    const flowId = flowIdAt(1);
    expect(parseEntryName(holdEntryName(flowId))).toEqual({ kind: "hold", flowId });
    expect(parseEntryName(pressEntryName(flowId, "0-1-mX"))).toEqual({ kind: "press", flowId, path: "0-1-mX" });
    expect(parseEntryName("s12.01K9ZC7T3R8M2V5X0Q4B6N1JH1")).toEqual({ kind: "settlement", flowId, no: 12 });
    expect(parseEntryName("q1")).toBeUndefined();
  });

  it("only old entries are decided without their process", () => {
    const counter = admit(admit(fresh(), LIMITS, { flow: 1 }), LIMITS, { flow: 2 }, NOW + 60_000);
    const at = (ms: number) => oldEntries(counter, NOW + ms);
    expect(at(ORPHANED_HOLD_AFTER_MS - 1)).toMatchObject({ old: [], nextAt: NOW + ORPHANED_HOLD_AFTER_MS });
    expect(at(ORPHANED_HOLD_AFTER_MS).old.map(([name]) => name)).toEqual([holdEntryName(flowIdAt(1))]);
    expect(at(2 * ORPHANED_HOLD_AFTER_MS)).toMatchObject({ nextAt: undefined });
    const name = holdEntryName(flowIdAt(1));
    const renewed = applyCreditChange(counter, renewal(name, counter.entries[name]!, NOW + 120_000))!;
    expect(oldEntries(renewed, NOW + ORPHANED_HOLD_AFTER_MS).old).toEqual([]);
    expect(applyCreditChange(renewed, refund(name, counter.entries[name]!, NOW))).toBeUndefined();
  });

  it("a counter gets a due time with its first entry and keeps it", () => {
    const first = admit(fresh(), LIMITS);
    expect(first.dueAt).toBe(NOW + ORPHANED_HOLD_AFTER_MS);
    expect(admit(first, LIMITS, { flow: 2 }, NOW + 5).dueAt).toBe(first.dueAt);
  });
});

describe("several counters of an app (E8)", () => {
  it("the parts of every limit add up to the limit, and differ by at most one", () => {
    const anyLimit = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), anyLimit, anyLimit, anyLimit, (counters, micro, running, rate) => {
        const limits = {
          counters,
          ...(micro !== undefined && { creditsUsd: micro / 1e6 }),
          ...(running !== undefined && { runningFlows: running }),
          ...(rate !== undefined && { flowsPerMinute: rate }),
        };
        const parts = Array.from({ length: counters }, (_, no) => limitsOfCounter(limits, no));
        const sumOf = (key: "creditsUsd" | "runningFlows" | "flowsPerMinute", unit = 1) => {
          const each = parts.map((part) => part[key]).filter((part) => part !== undefined);
          if (each.length === 0) return undefined;
          expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1.000_001 / unit);
          return Math.round(each.reduce((sum, part) => sum + part, 0) * unit);
        };
        expect([sumOf("creditsUsd", 1e6), sumOf("runningFlows"), sumOf("flowsPerMinute")]).toEqual([
          micro,
          running,
          rate,
        ]);
      }),
    );
  });

  it("the id of a counter names its app and number, and that of the first one is the id of the app", () => {
    expect(counterIdsOf("app_1", { counters: 3 })).toEqual(["app_1", "app_1#1", "app_1#2"]);
    expect(counterIdsOf("app_1")).toEqual(["app_1"]);
    expect(parseCounterId("app_1#12")).toEqual({ appId: "app_1", no: 12 });
    expect(parseCounterId("app_1")).toEqual({ appId: "app_1", no: 0 });
    const chosen = new Set(Array.from({ length: 100 }, (_, i) => counterOfFlow(`flow_${i}`, { counters: 4 })));
    expect([...chosen].sort()).toEqual([0, 1, 2, 3]);
    expect(counterOfFlow("flow_1")).toBe(0);
  });

  it("a counter without a part of a small quota admits nothing and says so", () => {
    const part = limitsOfCounter({ flowsPerMinute: 2, counters: 3 }, 2);
    expect(part).toEqual({ flowsPerMinute: 0 });
    expect(refusal(() => admit(fresh(), part))).toMatchObject({ code: "rate_limited" });
    expect(rateStateOf({ ...fresh(), fullAtUs: 1 }, part, NOW)).toBeUndefined();
  });
});

describe("the row of an earlier version", () => {
  const hold = { micro: 100_000, at: NOW - 5, before: 10_000, awaits: ["0-mX"] };
  const row = {
    ...newCreditRow("app", NOW),
    ...{ added: 7, reserved: 350_000, settled: 200_000, refunded: 50_000, fullAt: NOW + 0.25, applying: ["r1"] },
    holds: { [flowIdAt(1)]: hold, [flowIdAt(2)]: { ...hold, awaits: [], again: true as const, micro: 0 } },
  };

  it("the counter continues with the same balance, holds, running flows, rate and grants", () => {
    const counter = counterOfRow(row, NOW);
    expect(balanceMicro(counter, LIMITS)).toBe(1_000_000 + 7 - 200_000 - 100_000);
    expect(counter).toMatchObject({ settled: 200_000, refunded: 50_000, running: 2, fullAtUs: NOW * 1_000 + 250 });
    expect(heldMicro(counter)).toBe(100_000);
    expect(applyCreditChange(counter, grantChange({ reference: "r1", micro: 9 }, NOW))).toBeUndefined();
    expect(counter.entries).toHaveProperty("m");
    expect(counterOfRow(newCreditRow("app", NOW), NOW).entries).toEqual({});
  });

  it("a flow takes its hold from the frozen row", () => {
    const awaits = { "0-mX": { mark: "", at: NOW - 5 } };
    expect(flowCreditOfRow(row, flowIdAt(1))).toEqual({
      held: 100_000,
      runs: 1,
      before: 10_000,
      settlements: 0,
      awaits,
      mark: "",
    });
    expect(flowCreditOfRow(row, flowIdAt(2))).toEqual({ held: 0, runs: 1, before: 10_000, settlements: 0, awaits: {} });
    expect(flowCreditOfRow(row, flowIdAt(3))).toBeUndefined();
  });
});

/**
 * A model of an app. Processes admit, press and settle flows in small steps. Any of them may stop after any step, and any
 * change may be sent again. K1: held = used + added - settled. K2: reserved = settled + refunded + held. K3: held and running
 * are those of flows and unconfirmed entries. K4: settled is what the flows were charged. K6: no hold exceeds a limit. K7: a
 * settlement is applied once. K8: in the end nothing is held.
 */
describe("for every order of steps, crashes and repetitions", () => {
  const step = fc.record({
    kind: fc.constantFrom(
      "admit",
      "record",
      "press",
      "recordPress",
      "fix",
      "apply",
      "finish",
      "repeat",
      "confirm",
      "grant",
    ),
    flow: fc.nat(3),
    micro: fc.integer({ min: 0, max: 300_000 }),
    pick: fc.nat(50),
  });
  const limits = { creditsUsd: 0.6, runningFlows: 3 };

  function play(steps: readonly { kind: string; flow: number; micro: number; pick: number }[]) {
    let counter = fresh();
    let [reserved, charged, n] = [0, 0, 0];
    const flows = new Map<string, FlowCredit>();
    const sent: CreditChange[] = [];

    function apply(change: CreditChange): boolean {
      const next = applyCreditChange(counter, change);
      sent.push(change);
      if (!next) return false;
      const isHold = Object.keys(change.enter ?? {}).some((name) => /^[hx]/.test(name));
      if (isHold) expect(next.used).toBeLessThanOrEqual(microUsd(limits.creditsUsd));
      if (Object.keys(change.enter ?? {}).some((name) => name.startsWith("h")))
        expect(next.running).toBeLessThanOrEqual(3);
      reserved += Math.max(0, change.add?.used ?? 0);
      charged += change.add?.settled ?? 0;
      counter = next;
      return true;
    }

    function check(): void {
      const open = Object.entries(counter.entries).filter(([name, value]) => {
        const ref = parseEntryName(name);
        return (
          (ref?.kind === "hold" || ref?.kind === "press") &&
          entryState(name, value, flows.get(ref.flowId)) === "unconfirmed"
        );
      });
      const isApplied = (flowId: string, { settlements, settling }: FlowCredit) =>
        settling !== undefined && counter.entries[`s${settlements}.${flowId.slice(5)}`] !== undefined;
      const own = [...flows].map(([flowId, credit]) => {
        const applied = isApplied(flowId, credit) ? credit.settling! : { held: 0, runs: 0 };
        return { held: credit.held - applied.held, runs: credit.runs - applied.runs };
      });
      const entries = open.map(([name, value]) => {
        const { micro, runs } = parseEntryValue(value);
        return { held: micro, runs: name.startsWith("h") || runs ? 1 : 0 };
      });
      const sum = [...own, ...entries].reduce(
        (all, one) => ({ held: all.held + one.held, runs: all.runs + one.runs }),
        { held: 0, runs: 0 },
      );
      expect({ held: heldMicro(counter), runs: counter.running }).toEqual(sum);
      expect(reserved).toBe(counter.settled + counter.refunded + heldMicro(counter));
      expect(counter.settled).toBe(charged);
      expect(Object.values(counter.days).reduce((all, day) => all + day.settled, 0)).toBe(charged);
    }

    const now = () => NOW + n * 1_000;
    const settle = (flowId: string, kind: string) => {
      const credit = flows.get(flowId);
      if (kind === "fix" && credit && isHeld(credit) && !credit.settling)
        flows.set(
          flowId,
          startSettlement(credit, [ended(), ended({ path: "0-1", action: "UPSCALE" })].slice(n % 2), now()),
        );
      if (kind === "apply" && credit?.settling)
        apply(
          settlementChange(
            { flowId, no: credit.settlements, settling: credit.settling, isFirst: credit.settlements === 0 },
            DAY,
            now(),
          ),
        );
      const isApplied = credit?.settling && counter.entries[`s${credit.settlements}.${flowId.slice(5)}`] !== undefined;
      if (kind === "finish" && isApplied) flows.set(flowId, finishSettlement(credit));
    };

    for (const { kind, flow, micro, pick } of steps) {
      n++;
      const flowId = flowIdAt(flow);
      const credit = flows.get(flowId);
      const [name, value] =
        Object.entries(counter.entries)[pick % Math.max(1, Object.keys(counter.entries).length)] ?? [];
      if (kind === "admit" && !credit)
        apply(admission(counter, limits, { flowId, micro, mark: `m${n}`, resumed: true }, now())!);
      const hold = counter.entries[holdEntryName(flowId)];
      if (kind === "record" && !credit && hold) {
        const { micro: held, mark = "" } = parseEntryValue(hold);
        flows.set(flowId, { ...NO_FLOW_CREDIT, held, runs: 1, mark });
      }
      const path = `0-${pick % 2}`;
      if (kind === "press" && credit)
        apply(pressHold(limits, { flowId, path, micro, mark: `p${n}`, runs: !isHeld(credit) }, now()));
      const press = counter.entries[pressEntryName(flowId, path)];
      if (kind === "recordPress" && credit && press && !credit.awaits[path]) {
        const { micro: held, mark = "", runs = false } = parseEntryValue(press);
        if (credit.past?.[path]?.mark !== mark)
          flows.set(flowId, addPress(credit, { path, micro: held, mark, runs, at: now() }, [ended()]));
      }
      if (kind === "fix" || kind === "apply" || kind === "finish") settle(flowId, kind);
      // A copy can arrive only while its entry cannot have been removed.
      const copy = sent[pick % Math.max(1, sent.length)];
      if (kind === "repeat" && copy?.enter && Object.keys(copy.enter).some((entry) => counter.entries[entry]))
        expect(apply(copy)).toBe(false);
      const isPress = name?.startsWith("x");
      const ref = name ? parseEntryName(name) : undefined;
      const state = name && ref && "flowId" in ref ? entryState(name, value!, flows.get(ref.flowId)) : undefined;
      if (kind === "confirm" && state === "confirmed" && !isPress) apply(removal(name!, value!, now()));
      if (kind === "grant") apply(grantChange({ reference: `r${pick % 3}`, micro }, now()));
      check();
    }
    // The sweeper and the ends of the flows: every settlement is completed, and every orphaned hold is given back.
    for (let round = 0; round < 3; round++) {
      for (const flowId of flows.keys()) for (const kind of ["fix", "apply", "finish"]) settle(flowId, kind);
      for (const [name, value] of Object.entries(counter.entries)) {
        const ref = parseEntryName(name);
        if (ref?.kind !== "hold" && ref?.kind !== "press") continue;
        const isConfirmed = entryState(name, value, flows.get(ref.flowId)) === "confirmed";
        apply(isConfirmed ? removal(name, value, now()) : refund(name, value, now()));
        check();
      }
    }
    return { counter, reserved };
  }

  it("K1 to K8 hold after every step", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { counter, reserved } = play(steps);
        expect([heldMicro(counter), counter.running]).toEqual([0, 0]);
        expect(reserved).toBe(counter.settled + counter.refunded);
      }),
      { numRuns: 500 },
    );
  });
});
