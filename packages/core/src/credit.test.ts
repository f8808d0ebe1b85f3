import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOW, pending } from "../test/sample.ts";
import type { Limits } from "./app.ts";
import {
  balanceMicro,
  type Credit,
  heldMicro,
  holdsDueForCheck,
  isLimited,
  ledgerImbalanceMicro,
  markHoldChecked,
  newCredit,
  ORPHANED_HOLD_AFTER_MS,
  releaseOrphanedHold,
  reserveForFlow,
  reserveForPress,
  settleHold,
  usesHolds,
} from "./credit.ts";
import { failure } from "./error.ts";
import { acceptedSubmissionCount, costMicroUsd, planMicroUsd } from "./price.ts";
import type { Task } from "./task.ts";

const LIMITS: Limits = { creditsUsd: 1 };
const fresh = () => newCredit("app", NOW);
const ask = (flowId: string, micro = 100_000) => ({ flowId, micro, resumed: false });
const ended = (more: Partial<Task> = {}): Task => ({
  ...pending(),
  status: "SUCCESS",
  attempt: 1,
  endedBy: 1,
  ...more,
});
const DAY = "2027-01-15";

describe("estimated and actual cost of a plan", () => {
  const root = { action: "IMAGINE", pace: "fast" as const };

  it("the cost of a plan includes every press at every depth; tiles are free and videos have their own price", () => {
    expect(planMicroUsd(root, undefined)).toBe(40_000);
    const then = [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "V2" }, { press: "tile:1" }];
    expect(planMicroUsd(root, then)).toBe(40_000 + 10_000 + 40_000 + 40_000);
    expect(planMicroUsd(root, [{ press: "animate:high", then: [{ press: "reroll" }] }])).toBe(
      40_000 + 108_000 + 108_000,
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

describe("reserving credit for a new flow", () => {
  it("the whole plan is reserved, and a flow that exceeds the credit left is rejected", () => {
    let credit = fresh();
    for (let i = 0; i < 10; i++) credit = reserveForFlow(credit, LIMITS, ask(`f${i}`), NOW).next;
    expect([heldMicro(credit), balanceMicro(credit, LIMITS)]).toEqual([1_000_000, 0]);
    expect(() => reserveForFlow(credit, LIMITS, ask("f10", 1), NOW)).toThrow(
      expect.objectContaining({ code: "out_of_credit", status: 402, extra: { estimatedUsd: 1e-6, balanceUsd: 0 } }),
    );
    expect(balanceMicro({ ...credit, added: 5 }, LIMITS)).toBe(5);
    expect(balanceMicro(credit, { runningFlows: 3 })).toBeUndefined();
  });

  it("a repeated reservation for the same flow reserves nothing more and restarts its 15 minutes", () => {
    const once = reserveForFlow(fresh(), LIMITS, ask("f"), NOW).next;
    const again = reserveForFlow(once, LIMITS, { ...ask("f"), resumed: true }, NOW + 1_000).next;
    expect(again).toMatchObject({ reserved: 100_000, holds: { f: { at: NOW + 1_000, micro: 100_000 } } });
    expect(holdsDueForCheck(again, NOW + ORPHANED_HOLD_AFTER_MS, 5)).toEqual([]);
    expect(holdsDueForCheck(again, NOW + 1_000 + ORPHANED_HOLD_AFTER_MS, 5)).toEqual(["f"]);
  });

  it("a new flow is rejected while the limit of running flows is reached", () => {
    const limits = { runningFlows: 2 };
    let credit = fresh();
    for (const flow of ["a", "b"]) credit = reserveForFlow(credit, limits, ask(flow), NOW).next;
    expect(() => reserveForFlow(credit, limits, ask("c"), NOW)).toThrow(
      expect.objectContaining({ code: "too_many_flows" }),
    );
    expect(reserveForFlow(releaseOrphanedHold(credit, "a"), limits, ask("c"), NOW).next.holds).toHaveProperty("c");
  });

  it("the quota of a minute may be used at once, and a rejection says when the next flow may start", () => {
    const limits = { flowsPerMinute: 6 };
    let credit = fresh();
    const rates = Array.from({ length: 6 }, () => {
      const { next, rate } = reserveForFlow(credit, limits, ask("f"), NOW);
      credit = next;
      return rate;
    });
    expect(rates.map((rate) => [rate!.remaining, rate!.resetS])).toEqual(
      [5, 4, 3, 2, 1, 0].map((r) => [r, 60 - 10 * r]),
    );
    const rejectionAt = (now: number) => {
      try {
        return void reserveForFlow(credit, limits, ask("f"), now);
      } catch (error) {
        return error;
      }
    };
    expect(rejectionAt(NOW)).toMatchObject({
      code: "rate_limited",
      retry: { afterMs: 10_000 },
      extra: { rateLimit: { quota: 6, remaining: 0, resetS: 60 } },
    });
    expect(rejectionAt(NOW + 9_000)).toMatchObject({ retry: { afterMs: 1_000 } });
    expect(reserveForFlow(credit, limits, ask("f"), NOW + 10_000).rate).toEqual({ quota: 6, remaining: 0, resetS: 60 });
    expect(credit.holds).toEqual({});
    expect(reserveForFlow(credit, limits, { ...ask("f"), resumed: true }, NOW).rate).toBeUndefined();
  });

  it("for every sequence of waits, no span of a minute admits more flows than the rate limit allows", () => {
    const waits = fc.array(fc.integer({ min: -5_000, max: 40_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), waits, (quota, steps) => {
        let credit = fresh();
        let now = NOW;
        const admitted: number[] = [];
        for (const wait of steps) {
          now += Math.max(0, wait);
          try {
            credit = reserveForFlow(credit, { flowsPerMinute: quota }, ask("f"), now).next;
            admitted.push(now);
          } catch {}
        }
        for (const begin of admitted) {
          expect(admitted.filter((at) => at >= begin && at < begin + 60_000).length).toBeLessThanOrEqual(2 * quota);
          expect(admitted.filter((at) => at === begin).length).toBeLessThanOrEqual(quota);
        }
      }),
    );
  });
});

describe("settling the credit hold of an ended flow", () => {
  it("the hold is settled once for the accepted submissions, and the rest is refunded", () => {
    const credit = reserveForFlow(fresh(), LIMITS, ask("f"), NOW).next;
    const settled = settleHold(
      credit,
      "f",
      [ended(), ended({ path: "0-0", status: "FAILURE", endedBy: undefined })],
      NOW,
      DAY,
    );
    if (settled.kind !== "settled") throw new Error(settled.kind);
    expect(settled.next).toMatchObject({ settled: 40_000, refunded: 60_000, reserved: 100_000, holds: {} });
    expect(settled.next.days).toEqual({ [DAY]: { flows: 1, settled: 40_000 } });
    expect(settleHold(settled.next, "f", [ended()], NOW, DAY)).toEqual({ kind: "none" });
  });

  it("a cost above the hold is settled too", () => {
    const credit = reserveForFlow(fresh(), LIMITS, ask("f", 40_000), NOW).next;
    const settled = settleHold(credit, "f", [ended({ orphans: [{ attempt: 2, at: 0 }] })], NOW, DAY);
    expect(settled).toMatchObject({ next: { settled: 80_000, refunded: 0, reserved: 80_000 } });
  });

  it("a flow reopened by a press is settled only for the new part", () => {
    const first = reserveForFlow(fresh(), LIMITS, ask("f", 40_000), NOW).next;
    const settled = settleHold(first, "f", [ended()], NOW, DAY) as { next: Credit };
    const press = { flowId: "f", path: "0-mX", micro: 10_000, spent: 40_000 };
    const reopened = reserveForPress(settled.next, LIMITS, press, NOW);
    expect(reserveForPress(reopened, LIMITS, press, NOW).reserved).toBe(50_000);
    const tasks = [ended(), ended({ path: "0-mX", action: "UPSCALE" })];
    expect(settleHold(reopened, "f", [ended()], NOW, DAY)).toEqual({ kind: "awaits" });
    expect(settleHold(reopened, "f", tasks, NOW, DAY)).toMatchObject({
      micro: 10_000,
      next: { settled: 50_000, refunded: 0, days: { [DAY]: { flows: 1, settled: 50_000 } } },
    });
    // The credit for the press was reserved, but the process crashed before it stored the child task.
    expect(settleHold(reopened, "f", [ended()], NOW + ORPHANED_HOLD_AFTER_MS, DAY)).toMatchObject({
      micro: 0,
      next: { settled: 40_000, refunded: 10_000, holds: {} },
    });
  });

  it("due holds are listed with the longest waiting first, and a checked hold is not listed again at once", () => {
    let credit = fresh();
    for (const [i, flow] of ["a", "b", "c"].entries()) credit = reserveForFlow(credit, LIMITS, ask(flow), NOW - i).next;
    expect(holdsDueForCheck(credit, NOW + ORPHANED_HOLD_AFTER_MS - 1, 5)).toEqual(["c", "b"]);
    expect(holdsDueForCheck(credit, NOW + ORPHANED_HOLD_AFTER_MS, 2)).toEqual(["c", "b"]);
    expect(
      holdsDueForCheck(markHoldChecked(credit, "c", NOW + ORPHANED_HOLD_AFTER_MS), NOW + ORPHANED_HOLD_AFTER_MS, 5),
    ).toEqual(["b", "a"]);
  });
});

describe("E1: reserved = settled + refunded + holds, exact to the micro-USD", () => {
  const flowId = fc.constantFrom("a", "b", "c");
  const micro = fc.integer({ min: 0, max: 300_000 });
  const task = fc.record({
    path: fc.constantFrom("0", "0-0", "0-m1", "0-m2"),
    status: fc.constantFrom("SUCCESS" as const, "FAILURE" as const),
    endedBy: fc.constantFrom(undefined, 1),
    action: fc.constantFrom("IMAGINE", "UPSCALE"),
  });
  const step = fc.oneof(
    fc.record({ kind: fc.constant("admit" as const), flowId, micro, resumed: fc.boolean() }),
    fc.record({
      kind: fc.constant("extend" as const),
      flowId,
      micro,
      path: fc.constantFrom("0-m1", "0-m2"),
      spent: micro,
    }),
    fc.record({
      kind: fc.constant("settle" as const),
      flowId,
      tasks: fc.array(task, { maxLength: 4 }),
      late: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("drop" as const), flowId }),
  );

  it("for every order of reservations, presses, settlements and releases, E1 holds", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let credit = fresh();
        for (const one of steps) {
          const before = structuredClone(credit);
          const given = credit;
          try {
            if (one.kind === "admit") credit = reserveForFlow(credit, LIMITS, one, NOW).next;
            else if (one.kind === "extend") credit = reserveForPress(credit, LIMITS, one, NOW);
            else if (one.kind === "drop") credit = releaseOrphanedHold(credit, one.flowId);
            else {
              const tasks = one.tasks.map((fields) => ended(fields));
              const now = one.late ? NOW + ORPHANED_HOLD_AFTER_MS : NOW;
              const settled = settleHold(credit, one.flowId, tasks, now, DAY);
              if (settled.kind === "settled") credit = settled.next;
            }
          } catch (error) {
            expect(error).toMatchObject({ code: "out_of_credit" });
          }
          expect(given, "the input is not changed").toEqual(before);
          expect(ledgerImbalanceMicro(credit)).toBe(0);
          expect(Math.min(credit.reserved, credit.settled, credit.refunded, heldMicro(credit))).toBeGreaterThanOrEqual(
            0,
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("the credit row of an app", () => {
  const HOUR = 3_600_000;
  const MINUTE = 60_000;
  const refusal = (of: () => unknown) => {
    try {
      of();
    } catch (error) {
      return error as Error;
    }
    throw new Error("the limit did not reject it");
  };

  it("a new credit row has no amounts, holds or days", () => {
    expect(fresh()).toStrictEqual({
      appId: "app",
      rev: 0,
      added: 0,
      reserved: 0,
      settled: 0,
      refunded: 0,
      holds: {},
      applying: [],
      days: {},
      createdAt: NOW,
    });
  });

  it("any limit needs a credit row, but only limits of credit and running flows need holds", () => {
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
    expect(balanceMicro(fresh(), undefined)).toBeUndefined();
  });

  it("the balance is the granted credit minus what is spent and held", () => {
    const credit = { ...reserveForFlow(fresh(), LIMITS, ask("f"), NOW).next, settled: 300_000, added: 50_000 };
    expect(balanceMicro(credit, LIMITS)).toBe(650_000);
  });

  it("without a rate limit no rate is counted", () => {
    const { next, rate } = reserveForFlow(fresh(), LIMITS, ask("f"), NOW);
    expect([next.fullAt, rate]).toEqual([undefined, undefined]);
  });

  it("the rate limit tolerates half a millisecond of rounding", () => {
    const full = { ...fresh(), fullAt: NOW + MINUTE };
    const limits = { flowsPerMinute: 40_000 };
    expect(reserveForFlow(full, limits, ask("f"), NOW + 1).next.fullAt).toBe(NOW + MINUTE + 1.5);
    expect(refusal(() => reserveForFlow(full, limits, ask("f"), NOW)).message).toBe(
      "At most 40000 new flows per minute.",
    );
  });

  it("a rejection has a message that the app can show", () => {
    const busy = reserveForFlow(fresh(), { runningFlows: 1 }, ask("a"), NOW).next;
    expect(refusal(() => reserveForFlow(busy, { runningFlows: 1 }, ask("b"), NOW)).message).toBe(
      "Running flows: 1; limit: 1.",
    );
    const words = (creditsUsd: number, micro: number, settled = 0) =>
      refusal(() => reserveForFlow({ ...fresh(), settled }, { creditsUsd }, ask("f", micro), NOW)).message;
    expect(words(1.2345, 20_000_000)).toBe("The plan may cost 20 USD, but only 1.2345 USD of credit are left.");
    expect(words(0.5, 1_000_001)).toBe("The plan may cost 1.000001 USD, but only 0.5 USD of credit are left.");
    expect(words(1, 100, 2_000_000)).toBe("The plan may cost 0.0001 USD, but only 0 USD of credit are left.");
  });

  it("an out_of_credit error contains the estimate and the balance", () => {
    expect(refusal(() => reserveForFlow(fresh(), LIMITS, ask("f", 1_500_000), NOW))).toMatchObject({
      extra: { estimatedUsd: 1.5, balanceUsd: 1 },
    });
  });

  it("a press on an ended flow opens a hold that awaits its path, and is rejected without enough credit", () => {
    const press = { flowId: "f", path: "0-mX", micro: 10_000, spent: 40_000 };
    const { f: hold } = reserveForPress(fresh(), LIMITS, press, NOW).holds;
    expect(hold).toEqual({
      micro: 10_000,
      at: NOW,
      before: 40_000,
      awaits: ["0-mX"],
      again: true,
      lookAt: NOW + ORPHANED_HOLD_AFTER_MS,
    });
    expect(refusal(() => reserveForPress(fresh(), LIMITS, { ...press, micro: 1_000_001 }, NOW))).toMatchObject({
      code: "out_of_credit",
    });
    expect(ORPHANED_HOLD_AFTER_MS).toBe(15 * MINUTE);
  });

  it("the hold of a running flow is checked again after an hour and is otherwise unchanged", () => {
    const credit = reserveForFlow(fresh(), LIMITS, ask("f"), NOW).next;
    expect(markHoldChecked(credit, "f", NOW).holds).toEqual({ f: { ...credit.holds["f"], lookAt: NOW + HOUR } });
    expect(markHoldChecked(credit, "g", NOW)).toBe(credit);
  });

  it("only the newest 31 days with usage are kept, in whatever order they were stored", () => {
    const dates = Array.from({ length: 31 }, (_, i) => `2026-12-${String(i + 1).padStart(2, "0")}`);
    const mixed = [...dates.slice(20), ...dates.slice(0, 10).reverse(), ...dates.slice(10, 20)];
    const days = Object.fromEntries(mixed.map((date) => [date, { flows: 1, settled: 1 }]));
    const credit = { ...reserveForFlow(fresh(), LIMITS, ask("f"), NOW).next, days };
    const settled = settleHold(credit, "f", [ended()], NOW, DAY) as { next: Credit };
    expect(Object.keys(settled.next.days)).toEqual([DAY, ...dates.slice(1).reverse()]);
    expect(settled.next.days[DAY]).toEqual({ flows: 1, settled: 40_000 });
  });
});
