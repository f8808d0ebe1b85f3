import { describe, expect, it } from "vitest";
import { accepted, busy, claim, ctx, effects, NOW, pending, play, taskIn } from "../../test/sample.ts";
import { failure } from "../error.ts";
import { decide, type Signal } from "../state.ts";
import { TIMINGS } from "../timing.ts";

describe("a claim", () => {
  it("leaves a standing due time alone, and brings one where there is none", () => {
    expect(play(pending(), claim).task.due).toBe(pending().due);
    expect(play({ ...pending(), due: undefined }, claim).task.due).toBe(NOW + TIMINGS.leaseMs);
  });

  it("notes the button it read, and keeps the one that was read before", () => {
    const pressed = play(pending(), { kind: "claim", call: "submit", customId: "MJ::1" }).task;
    expect(pressed.customId).toBe("MJ::1");
    expect(play({ ...pending(), customId: "MJ::1" }, claim).task.customId).toBe("MJ::1");
  });

  it("to answer a window gets nothing where none is open", () => {
    const toAnswer: Signal = { kind: "claim", call: "modal" };
    for (const status of ["PENDING", "UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      const { last } = play(taskIn(status, { modal: {} }), toAnswer);
      expect(last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("the vendor's answer", () => {
  it("that it took what it had called too busy for is believed: the attempt given back is ours again", () => {
    const { task } = play(pending(), claim, busy(), accepted());
    expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "v1", busyAnswers: 0 });
  });

  it("about another attempt than the one given back is another picture", () => {
    const waiting = taskIn("PENDING", { attempt: 2 });
    for (const other of [1, 4]) {
      const { task } = play(waiting, accepted(other));
      expect(task, String(other)).toMatchObject({ status: "PENDING", attempt: 2, orphans: [{ attempt: other }] });
    }
    expect(play(waiting, accepted(3)).task).toMatchObject({ status: "SUBMITTED", attempt: 3 });
  });

  it("lists siblings only where there are some", () => {
    const { task } = play(pending(), claim, { ...accepted(), siblings: ["v2", "v3"] });
    expect(task.vendorSiblings).toEqual(["v2", "v3"]);
    for (const siblings of [[], undefined]) {
      expect("vendorSiblings" in play(pending(), claim, { ...accepted(), siblings }).task).toBe(false);
    }
  });

  it("that refuses our answer to a window ends the task, whatever older attempt there was", () => {
    const orphans = [{ attempt: 1, vendorTaskId: "v1", at: NOW }];
    const answering = taskIn("SUBMITTING", { attempt: 2, phase: "modal", orphans });
    const refused: Signal = { kind: "refused", attempt: 2, failure: failure("vendor_refused") };
    const decision = decide(answering, refused, ctx());
    expect(decision).toMatchObject({ kind: "move", next: { status: "FAILURE", attempt: 2 } });
    expect(effects(decision)).toEqual(["settle"]);
  });
});

describe("an account that runs as many of our tasks as it may", () => {
  const full: Signal = { kind: "accountFull", chance: 0 };
  const patience = TIMINGS.pendingMs.fast;
  const answered = taskIn("MODAL", { modal: {}, due: NOW });

  it("is asked again later, and nothing is given back, for nothing was asked", () => {
    for (const task of [taskIn("PENDING"), answered]) {
      const { task: left, last } = play(task, full);
      expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "enqueue" }] });
      expect(left).toMatchObject({ status: task.status, attempt: task.attempt, modals: task.modals, busyAnswers: 1 });
    }
  });

  it("does not keep a task waiting for ever, nor give it up before its time", () => {
    expect(play(taskIn("PENDING"), patience, full).task.status).toBe("PENDING");
    const { task } = play(taskIn("PENDING"), patience + 1, full);
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_busy" } });
  });

  it("has the patience of an answer where an answer waits", () => {
    const longer = 2 * patience + TIMINGS.modalMs;
    expect(play(answered, longer, full).task.status).toBe("MODAL");
    expect(play(answered, longer + 1, full).task.status).toBe("EXPIRED");
  });

  it("is no matter to what does not wait for it", () => {
    expect(play(taskIn("MODAL"), full).last).toEqual({ kind: "ignore", why: "not-waiting" });
    for (const status of ["SUBMITTING", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(play(taskIn(status), full).last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});
