import { describe, expect, it } from "vitest";
import { accepted, after, busy, claim, ctx, effects, NOW, pending, play, taskIn } from "../../test/sample.ts";
import { failure } from "../error.ts";
import { decide, type Signal } from "../state.ts";
import { flowCheckIntervalMs, TIMINGS } from "../timing.ts";

describe("claim", () => {
  it("a claim keeps an existing due time and sets one if there is none", () => {
    expect(play(pending(), claim).task.due).toBe(pending().due);
    expect(play({ ...pending(), due: undefined }, claim).task.due).toBe(NOW + TIMINGS.leaseMs);
  });

  it("a claim stores its time, which stays until the next claim, whatever the vendor answers", () => {
    expect(pending().submittingAt).toBeUndefined();
    const claimed = play(pending(), claim).task;
    expect(claimed.submittingAt).toBe(NOW);
    for (const outcome of [accepted(), busy()]) expect(play(claimed, outcome).task.submittingAt).toBe(NOW);
    const again = decide(play(claimed, busy()).task, claim, ctx(NOW + 5_000));
    expect(again).toMatchObject({ kind: "move", next: { status: "SUBMITTING", submittingAt: NOW + 5_000 } });
  });

  it("a claim stores the customId of the button and otherwise keeps the stored one", () => {
    const pressed = play(pending(), { kind: "claim", call: "submit", customId: "MJ::1" }).task;
    expect(pressed.customId).toBe("MJ::1");
    expect(play({ ...pending(), customId: "MJ::1" }, claim).task.customId).toBe("MJ::1");
  });

  it("a claim to send a modal answer is ignored if no modal is open", () => {
    const modalClaim: Signal = { kind: "claim", call: "modal" };
    for (const status of ["PENDING", "UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      const { last } = play(taskIn(status, { modal: {} }), modalClaim);
      expect(last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("outcomes of a call", () => {
  it("an accepted outcome after a busy one makes the released attempt the current one again", () => {
    const { task } = play(pending(), claim, busy(), accepted());
    expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "v1", busyAnswers: 0 });
  });

  it("an accepted outcome of another attempt than the released one is recorded as orphan", () => {
    const waiting = taskIn("PENDING", { attempt: 2 });
    for (const other of [1, 4]) {
      const { task } = play(waiting, accepted(other));
      expect(task, String(other)).toMatchObject({ status: "PENDING", attempt: 2, orphans: [{ attempt: other }] });
    }
    expect(play(waiting, accepted(3)).task).toMatchObject({ status: "SUBMITTED", attempt: 3 });
  });

  it("siblings are stored only if there are some", () => {
    const { task } = play(pending(), claim, { ...accepted(), siblings: ["v2", "v3"] });
    expect(task.vendorSiblings).toEqual(["v2", "v3"]);
    for (const siblings of [[], undefined]) {
      expect("vendorSiblings" in play(pending(), claim, { ...accepted(), siblings }).task).toBe(false);
    }
  });

  it("a rejected modal answer fails the task even if an older attempt was accepted", () => {
    const orphans = [{ attempt: 1, vendorTaskId: "v1", at: NOW }];
    const sendingAnswer = taskIn("SUBMITTING", { attempt: 2, phase: "modal", orphans });
    const refused: Signal = { kind: "refused", attempt: 2, failure: failure("vendor_refused") };
    const decision = decide(sendingAnswer, refused, ctx());
    expect(decision).toMatchObject({ kind: "move", next: { status: "FAILURE", attempt: 2 } });
    expect(effects(decision)).toEqual(["settle"]);
  });
});

describe("the message for a waiting task", () => {
  const overCtx = { ...ctx(), chainOver: true };
  const claimed = () => play(pending(), claim).task;
  /** The vendor does not yet show the parent as finished. Without jitter. */
  const parentLags = { ...busy(), chance: 1, about: "parent", until: NOW + 3_600_000 } as const;
  const busyNow = parentLags as Signal;

  it("a press whose parent lags gets a message after the pause, and its due time is later in case the message is lost", () => {
    const decision = decide(claimed(), busyNow, ctx());
    expect(decision).toMatchObject({ effects: [{ kind: "enqueue", delayMs: TIMINGS.busyMs }] });
    expect(play(claimed(), busyNow).task.due).toBe(NOW + TIMINGS.busyMs + TIMINGS.requeueMs);
  });

  it("a press whose chain of messages is over gets no message and is due after the pause", () => {
    const decision = decide(claimed(), busyNow, overCtx);
    expect(decision).toMatchObject({ kind: "move", next: { status: "PENDING", due: NOW + TIMINGS.busyMs } });
    expect(effects(decision)).toEqual([]);
  });

  it("a pause that is longer than a queue can delay is a due time, so the vendor is not asked too early", () => {
    for (const [afterMs, sent] of [
      [900_000, ["enqueue"]],
      [900_001, []],
      [1_800_000, []],
    ] as const) {
      const decision = decide(claimed(), { ...parentLags, afterMs } as Signal, ctx());
      expect(effects(decision)).toEqual(sent);
      const late = sent.length > 0 ? TIMINGS.requeueMs : 0;
      expect(decision).toMatchObject({ next: { due: NOW + afterMs + late } });
    }
  });

  it("every signal that starts the work of a task sends no message once the chain is over, and sets a due time", () => {
    const root = taskIn("PENDING", { path: "0" });
    const modal = taskIn("MODAL", { modal: { prompt: "p" } });
    const signals: [typeof root, Signal][] = [
      [root, { kind: "wait", why: "full", to: { provider: "other", account: "default" } }],
      [{ ...modal, due: NOW }, { kind: "due" }],
      [{ ...root, due: NOW }, { kind: "due" }],
    ];
    for (const [task, signal] of signals) {
      const [free, over] = [decide(task, signal, ctx()), decide(task, signal, overCtx)];
      expect(effects(free)).toContain("enqueue");
      expect(effects(over)).not.toContain("enqueue");
      const { delayMs } = (free as { effects: { delayMs: number }[] }).effects[0]!;
      expect(over).toMatchObject({ next: { due: NOW + delayMs } });
    }
  });

  it("a postponed task is due after the pause; a task that does not wait ignores the signal", () => {
    const postponed: Signal = { kind: "postponed", byMs: 7_000 };
    for (const task of [taskIn("PENDING"), taskIn("MODAL", { modal: {} })]) {
      const { task: next, last } = play(task, postponed);
      expect(last).toMatchObject({ kind: "record", effects: [] });
      expect(next).toMatchObject({ status: task.status, attempt: task.attempt, due: NOW + 7_000 });
    }
    for (const task of [taskIn("MODAL"), taskIn("SUBMITTING"), taskIn("SUBMITTED")])
      expect(play(task, postponed).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });
});

describe("wait", () => {
  const full: Signal = { kind: "wait", why: "full" };
  const maxWaitMs = TIMINGS.pendingMs.fast;
  const answered = taskIn("MODAL", { modal: {}, due: NOW });

  it("the task waits and keeps its attempt number, because no call was made", () => {
    for (const task of [taskIn("PENDING"), answered]) {
      const { task: next, last } = play(task, full);
      expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "wait" }] });
      expect(next).toMatchObject({ status: task.status, attempt: task.attempt, modals: task.modals, busyAnswers: 1 });
      expect(next.waits).toBe("full");
    }
  });

  it("a modal answer that is stored before its modal opens is no work that a signal postpones", () => {
    const { last } = play(taskIn("SUBMITTED", { modal: {} }), { kind: "postponed", byMs: 7_000 });
    expect(last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("the end of the waiting time is covered by the flow if the flow is due before it or at it", () => {
    const interval = flowCheckIntervalMs(TIMINGS, "fast");
    const task = { ...pending(), createdAt: NOW, due: NOW + 5, flowDue: NOW + 5 };
    // The waiting time ends just after `pendingMs`.
    const atFlowDue = NOW + TIMINGS.pendingMs.fast + 1 - interval;
    const flowDueOf = (now: number) => after(task, decide(task, { kind: "wait", why: "busy" }, ctx(now))).flowDue;
    expect(flowDueOf(atFlowDue)).toBe(NOW + TIMINGS.pendingMs.fast + 1);
    expect(flowDueOf(atFlowDue + 1)).toBe(0);
  });

  it("a claim of a waiting task that its flow does not cover sets the due time to the end of the lease", () => {
    const waiting = { ...pending(), waits: "busy" as const, due: NOW + 3_000_000, flowDue: 0 };
    expect(play(waiting, claim).task).toMatchObject({ status: "SUBMITTING", due: NOW + TIMINGS.leaseMs });
  });

  it("a task that waits already keeps its place, and nothing is written", () => {
    const { task } = play(taskIn("PENDING"), full);
    expect(play(task, { kind: "wait", why: "order" }).last).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("a waiting modal answer is due at the end of its waiting time", () => {
    const { task } = play(answered, full);
    expect(task.due).toBe(NOW + TIMINGS.modalMs + maxWaitMs + 1);
    const waited = play(task, TIMINGS.modalMs + maxWaitMs + 1, { kind: "due" });
    expect(waited.task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_busy" } });
  });

  it("a waiting task expires only after pendingMs, and the sweeper ends it then", () => {
    const { task: waiting } = play(taskIn("PENDING"), full);
    expect(play(waiting, maxWaitMs, { kind: "due" }).last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(play(waiting, maxWaitMs + 1, { kind: "due" }).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "vendor_busy" },
    });
    expect(play(taskIn("PENDING"), maxWaitMs, full).task.status).toBe("PENDING");
    const { task } = play(taskIn("PENDING"), maxWaitMs + 1, full);
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_busy" } });
  });

  it("a task with a waiting modal answer expires only after its longer maximum wait", () => {
    const longer = 2 * maxWaitMs + TIMINGS.modalMs;
    expect(play(answered, longer, full).task.status).toBe("MODAL");
    expect(play(answered, longer + 1, full).task.status).toBe("EXPIRED");
  });

  it("the signal is ignored for a task that does not wait for a call", () => {
    expect(play(taskIn("MODAL"), full).last).toEqual({ kind: "ignore", why: "not-waiting" });
    for (const status of ["SUBMITTING", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(play(taskIn(status), full).last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("a busy response that is about something else than the account", () => {
  it.each([
    ["parent", "parent_not_ready"],
    ["connection", "vendor_unreachable"],
    [undefined, "vendor_busy"],
  ] as const)("about %s: the task ends as %s when its wait is over, and the reason is stored before", (about, code) => {
    const signal = { kind: "busy", attempt: 1, chance: 0, ...(about && { about }) } as const;
    const { task } = play(taskIn("SUBMITTING"), signal);
    expect([task.status, task.busyAbout]).toEqual(["PENDING", about]);
    const { task: expired } = play(task, TIMINGS.pendingMs.fast + 1, { kind: "due" });
    expect(expired).toMatchObject({ status: "EXPIRED", failure: { code } });
    const over = play(taskIn("SUBMITTING"), TIMINGS.pendingMs.fast + 1, signal);
    expect(over.task).toMatchObject({ status: "EXPIRED", failure: { code } });
  });

  it("waits no longer than until the given time, and ends at it", () => {
    const until = NOW + 90_000;
    const busyUntil = { kind: "busy", attempt: 1, chance: 0, about: "parent", afterMs: 600_000, until } as const;
    expect(play(taskIn("SUBMITTING"), busyUntil).last).toMatchObject({
      effects: [{ kind: "enqueue", delayMs: 90_000 }],
    });
    expect(play(taskIn("SUBMITTING"), 89_999, busyUntil).task.status).toBe("PENDING");
    expect(play(taskIn("SUBMITTING"), 90_000, busyUntil).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "parent_not_ready" },
    });
  });
});
