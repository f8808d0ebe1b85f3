/** Checks T1, T2, T4, P1 and P5 for random orders of all signals. fast-check prints the seed of a failure. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { after, ctx, NOW, pending } from "../test/sample.ts";
import { isNotifiedByFlow } from "./delivery-log.ts";
import { newSubscribedEvents, taskEvents } from "./derived-events.ts";
import { failure } from "./error.ts";
import { EVENT_BITS } from "./event.ts";
import { REPORT_STATUSES, type Report, type Result } from "./report.ts";
import { type Decision, decide, type Signal } from "./state.ts";
import { isEnded, type Task, type TaskStatus } from "./task.ts";
import { TIMINGS } from "./timing.ts";

type Event = { waitMs: number; signal: Signal };

const attempt = fc.integer({ min: 1, max: 3 });
const vendorTaskId = fc.constantFrom("a", "b", "c");
const report: fc.Arbitrary<Report> = fc.record(
  {
    status: fc.constantFrom(...REPORT_STATUSES),
    unknownStatus: fc.constantFrom("QUEUEING", "x".repeat(99)),
    vendorTaskId,
    progress: fc.integer({ min: 0, max: 100 }),
    action: fc.constantFrom("IMAGINE", "UPSCALE"),
    result: fc.constantFrom<Result>(
      { imageUrl: "https://x/1.png" },
      { imageUrl: "https://x/2.png" },
      {},
      { buttons: [{ customId: "MJ::JOB::upsample::1::x", label: "U1", emoji: "" }] },
    ),
  },
  { requiredKeys: ["result"] },
);
/** The call that an outcome names, and the revision that a look-up names: the current one, an older one, or none. */
const call = fc.constantFrom(undefined, "submit" as const, "modal" as const);
const rev = fc.constantFrom(undefined, 0, -1);
const signal: fc.Arbitrary<Signal> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<Signal>({ kind: "claim", call: "submit" }, { kind: "claim", call: "modal" }),
  },
  fc.record({
    kind: fc.constant("accepted" as const),
    attempt,
    call,
    vendorTaskId,
    expect: fc.constantFrom("calling" as const, "unknown" as const, "silent" as const, "instant" as const),
  }),
  fc.record({ kind: fc.constant("modalOpened" as const), attempt, call, vendorTaskId }),
  fc.record({ kind: fc.constant("refused" as const), attempt, call, failure: fc.constant(failure("vendor_refused")) }),
  fc.record({ kind: fc.constant("busy" as const), attempt, call, chance: fc.constantFrom(0, 0.5, 1) }),
  fc.record({ kind: fc.constant("unclear" as const), attempt, call }),
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      attempt,
      from: fc.constantFrom("callback" as const, "lookup" as const),
      rev,
      report,
    }),
  },
  rev.map((of): Signal => ({ kind: "lookupMiss", rev: of })),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("due" as const), canSearch: fc.boolean() }) },
  fc.constantFrom<Signal>({ kind: "followUpsStarted" }, { kind: "adoptionDone" }, { kind: "retried" }),
  { weight: 2, arbitrary: fc.constant<Signal>({ kind: "adopt" }) },
  fc.constant<Signal>({ kind: "cancel" }),
  fc.constant<Signal>({ kind: "postponed", byMs: 60_000 }),
  fc.constant<Signal>({ kind: "answer", modal: { prompt: "p" } }),
  fc
    .constantFrom("dead_letter" as const, "deadline_passed" as const)
    .map((code): Signal => ({ kind: "abandon", failure: failure(code) })),
);
/** Mostly waits that exceed one of the timings; sometimes the clock jumps back. */
const waitMs = fc.oneof(
  fc.constantFrom(0, 0, 1, 1_000, 60_000, 96_000, 400_000, 3_700_000),
  fc.integer({ min: -600_000, max: 7_200_000 }),
);
const events: fc.Arbitrary<Event[]> = fc.array(fc.record({ waitMs, signal }), { maxLength: 40 });
const start = fc
  .record({ modal: fc.boolean(), then: fc.boolean() })
  .map(({ modal, then }) => pending({ ...(modal && { modal: {} }), ...(then && { then: [{ press: "U1" }] }) }));

interface Step {
  before: Task;
  signal: Signal;
  decision: Decision;
  next: Task;
  /** Highest attempt claimed so far. */
  claimed: number;
}

/**
 * Applies the events to the task and passes each step to `check`. Events of attempts that were never claimed are
 * skipped, because callback tokens exist only for claimed attempts.
 */
function applyAll(task: Task, sequence: readonly Event[], check: (step: Step) => void): Task {
  let now = NOW;
  let claimed = task.attempt;
  for (const { waitMs, signal } of sequence) {
    now += waitMs;
    if ("attempt" in signal && signal.attempt > claimed) continue;
    const frozen = structuredClone(task);
    const decision = decide(task, signal, ctx(now));
    expect(task, "the input is not changed").toEqual(frozen);
    const next = after(task, decision);
    claimed = Math.max(claimed, next.attempt);
    check({ before: task, signal, decision, next, claimed });
    task = next;
  }
  return task;
}

const RANK: Record<TaskStatus, number> = {
  PENDING: 0,
  SUBMITTING: 0,
  UNCLEAR: 0,
  SUBMITTED: 1,
  MODAL: 2,
  IN_PROGRESS: 3,
  SUCCESS: 4,
  FAILURE: 4,
  CANCEL: 4,
  EXPIRED: 4,
};

const RUNS = { numRuns: 800 };

describe("random orders of all signals", () => {
  it("T1: for every order, an ended task keeps its status, its result and its end, unless a late success is adopted", () => {
    const check = fc.property(start, events, (task, sequence) => {
      applyAll(task, sequence, ({ before, signal, next }) => {
        if (!isEnded(before)) return;
        if (next.status !== before.status) {
          expect([signal.kind, next.status, before.late?.status]).toEqual(["adopt", "SUCCESS", "SUCCESS"]);
          expect([before.retried, next.result, next.failure]).toEqual([undefined, before.late!.result, undefined]);
          expect(next.late?.status).toBe(before.status);
          return;
        }
        for (const field of ["failure", "endedAt", "endedBy", "progress", "attempt"] as const) {
          expect(next[field], field).toBe(before[field]);
        }
        if (next.result !== before.result) {
          expect(before.status).toBe("SUCCESS");
          expect(next.result, "what was stored stays").toMatchObject(before.result ?? {});
        }
        if (before.late?.result?.imageUrl) expect(next.late, "a late image stays").toEqual(before.late);
      });
    });
    fc.assert(check, RUNS);
  });

  it("T2: for every order, no report lowers status or progress", () => {
    const check = fc.property(start, events, (task, sequence) => {
      applyAll(task, sequence, ({ before, signal, next }) => {
        expect(next.progress).toBeGreaterThanOrEqual(before.progress);
        if (signal.kind === "report") expect(RANK[next.status]).toBeGreaterThanOrEqual(RANK[before.status]);
      });
    });
    fc.assert(check, RUNS);
  });

  it("T4: for every order, a waiting task has a due time, and an ended task only for pending follow-ups", () => {
    const check = fc.property(start, events, (task, sequence) => {
      applyAll(task, sequence, ({ next }) => {
        if (!isEnded(next)) expect(next.due, next.status).toBeTypeOf("number");
        else if (next.due !== undefined && !next.pendingEffects?.includes("adopt")) {
          expect(next.status).toBe("SUCCESS");
          expect(next.then).toBeDefined();
        }
      });
    });
    fc.assert(check, RUNS);
  });

  it("D10: for every order, an event has one time, so that all its webhooks have one body", () => {
    // A success that is completed in steps is rare in a random order, so half of the orders have nothing else.
    const empty = start.map(
      (task): Task => ({ ...task, status: "SUCCESS", attempt: 1, endedBy: 1, endedAt: NOW, result: {} }),
    );
    const success = report.map((it): Signal => {
      const done: Report = { ...it, status: "SUCCESS", vendorTaskId: undefined };
      return { kind: "report", attempt: 1, from: "callback", report: done };
    });
    const steps = fc.array(fc.record({ waitMs, signal: success }), { maxLength: 6 });
    const orders = fc.oneof(fc.tuple(start, events), fc.tuple(empty, steps));
    const check = fc.property(orders, ([task, sequence]) => {
      const times = new Map<string, number>();
      applyAll(task, sequence, ({ next }) => {
        for (const { name, type, at } of taskEvents(next)) {
          if (type === "task.progress") continue;
          expect(times.get(name) ?? at, name).toBe(at);
          times.set(name, at);
        }
      });
    });
    fc.assert(check, RUNS);
  });

  it("D10: for every order, copies that are sent later never change, and each new event is sent or stays pending", () => {
    const copy = (key: string) => ({ key, bytes: 1, sha256: "00", contentType: "image/png", source: key });
    const failures = [{ source: "https://x/1.png", code: "gone" as const }];
    const media = fc.constantFrom<Signal>(
      { kind: "archived", copies: [copy("a")] },
      { kind: "archived", copies: [copy("b")], failures },
      { kind: "archived", copies: [] },
      { kind: "notified", status: "SUCCESS" },
    );
    const all = EVENT_BITS.ended | EVENT_BITS.archived | EVENT_BITS.archiveLater;
    const archiving = fc
      .record({ task: start, log: fc.boolean(), flowDue: fc.constantFrom(undefined, NOW) })
      .map(({ task, log, flowDue }): Task => {
        const running = { ...task, status: "IN_PROGRESS" as const, attempt: 1, submittedAt: NOW };
        return { ...running, flowDue, archive: true, eventMask: all | (log ? EVENT_BITS.log : 0) };
      });
    // A success that is archived is rare in a random order, so half of the orders have nothing else.
    const success = report.map((it): Signal => {
      const done: Report = { ...it, status: "SUCCESS", vendorTaskId: undefined };
      return { kind: "report", attempt: 1, from: "callback", report: done };
    });
    const orderOf = (signals: fc.Arbitrary<Signal>) =>
      fc.array(fc.record({ waitMs, signal: signals }), { maxLength: 20 });
    const orders = fc.oneof(orderOf(fc.oneof(signal, media)), orderOf(fc.oneof(success, media)));
    let archived = 0;
    const check = fc.property(archiving, orders, (task, sequence) => {
      applyAll(task, sequence, ({ before, decision, next }) => {
        if (before.archivedAt !== undefined) {
          const told = ({ archivedAt, copies, copyFailures }: Task) => [archivedAt, copies, copyFailures];
          expect(told(next)).toEqual(told(before));
          return;
        }
        const added = newSubscribedEvents(before, next).filter((name) => name !== "failed");
        if (added.length === 0 || decision.kind === "ignore") return;
        if (added.includes("archived")) archived++;
        const tells = decision.effects.filter((effect) => effect.kind === "tell");
        expect(tells).toHaveLength(1);
        expect(tells[0]!.events ?? added).toEqual(added);
        // Without a flow that stands for it, the task keeps the duty until a worker has sent it.
        if (!isNotifiedByFlow(next)) expect(next).toMatchObject({ due: expect.any(Number) });
        if (!isNotifiedByFlow(next)) expect(next.pendingEffects).toContain("tell");
      });
    });
    fc.assert(check, RUNS);
    expect(archived).toBeGreaterThan(50);
  });

  it("P1, P5: for every order, only a claim calls the vendor, with a new lease and an attempt within the limit", () => {
    const check = fc.property(start, events, (task, sequence) => {
      let submits = 0;
      let released = 0;
      const last = applyAll(task, sequence, ({ before, signal, decision, next, claimed }) => {
        expect(claimed).toBeLessThanOrEqual(TIMINGS.attemptLimit);
        expect(next.modals).toBeLessThanOrEqual(TIMINGS.attemptLimit);
        // A rejection releases the attempt number, or makes an earlier attempt current that was accepted after all.
        const isRejection = signal.kind === "busy" || signal.kind === "refused";
        if (isRejection && next.attempt < before.attempt) released += before.attempt - next.attempt;
        if (decision.kind === "ignore" || !decision.effects.some((effect) => effect.kind === "call")) return;
        expect(signal.kind).toBe("claim");
        expect(before.leaseUntil).toBeUndefined();
        expect(next).toMatchObject({ status: "SUBMITTING", leaseUntil: expect.any(Number) });
        if (next.phase === "submit") {
          submits++;
          expect(next.attempt).toBe(before.attempt + 1);
        }
      });
      expect(submits).toBeLessThanOrEqual(last.attempt + released);
    });
    fc.assert(check, RUNS);
  });

  it("for every order, an ignored signal has a reason, and a record keeps the status, revision and id", () => {
    const check = fc.property(start, events, (task, sequence) => {
      applyAll(task, sequence, ({ before, decision }) => {
        if (decision.kind === "ignore") expect(decision.why).toBeTypeOf("string");
        if (decision.kind === "record") expect(decision.next.status).toBe(before.status);
        if (decision.kind !== "ignore") {
          expect(decision.next.rev, "only the store raises the revision").toBe(before.rev);
          expect(decision.next.flowId + decision.next.path).toBe(before.flowId + before.path);
        }
      });
    });
    fc.assert(check, RUNS);
  });

  it("for every order, the same signal twice at the same time has its effect once", () => {
    const once = fc.property(start, events, signal, (task, sequence, drawn) => {
      let claimed = 0;
      const current = applyAll(task, sequence, (step) => {
        claimed = step.claimed;
      });
      // In production a look-up miss always names its revision, so the second one is outdated.
      const repeated: Signal = drawn.kind === "lookupMiss" ? { ...drawn, rev: current.rev } : drawn;
      if ("attempt" in repeated && repeated.attempt > claimed) return;
      const first = { ...after(current, decide(current, repeated, ctx(current.updatedAt))), rev: current.rev + 1 };
      const second = decide(first, repeated, ctx(current.updatedAt));
      if (second.kind === "ignore") return;
      expect(second.kind).toBe("record");
      // A due time repeats the effects that are still pending.
      const isRepeated = drawn.kind === "due" && first.due !== undefined;
      expect(second.effects.filter((effect) => effect.kind !== "follow" && !isRepeated)).toEqual([]);
    });
    fc.assert(once, RUNS);
  });
});
