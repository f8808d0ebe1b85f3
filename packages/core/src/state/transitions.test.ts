import { describe, expect, it } from "vitest";
import { ctx, effects, hour, NOW, taskIn } from "../../test/sample.ts";
import { EVENT_BITS } from "../event.ts";
import { ENDED, hasOwnDueEntry, type Orphan, STATUSES, type Task } from "../task.ts";
import { TIMINGS } from "../timing.ts";
import type { Decision } from "./signal.ts";
import {
  changeStatus,
  completeEffect,
  endTask,
  IllegalTransition,
  leaseHolds,
  openModal,
  pendingEffectsOf,
  postponeDue,
  previousAcceptedAttempt,
  recordOrphan,
  resumeAttempt,
  toEffects,
} from "./transitions.ts";

function next(decision: Decision): Task {
  if (decision.kind === "ignore") throw new Error(`ignored: ${decision.why}`);
  return decision.next;
}

describe("a move", () => {
  it("that the table does not hold is refused, and says which it was", () => {
    expect(() => changeStatus(taskIn("SUCCESS"), "PENDING", {}, ctx())).toThrow(
      new IllegalTransition("SUCCESS to PENDING"),
    );
    expect(new IllegalTransition("x").name).toBe("IllegalMove");
  });

  it.each(STATUSES.filter((status) => !ENDED.has(status)))("can end %s in every way", (status) => {
    for (const last of ENDED) expect(next(changeStatus(taskIn(status), last, {}, ctx())).status).toBe(last);
  });

  it("says when it was made, and leaves behind what an open window owed", () => {
    const moved = next(
      changeStatus(taskIn("MODAL", { pendingEffects: ["tell"] }), "IN_PROGRESS", { progress: 5 }, ctx(NOW + 7)),
    );
    expect(moved).toMatchObject({ status: "IN_PROGRESS", progress: 5, updatedAt: NOW + 7 });
    expect(moved.pendingEffects).toBeUndefined();
  });
});

describe("a due time under the flow's", () => {
  const covered = taskIn("SUBMITTING", { due: NOW + 60_000, flowDue: NOW + 60_000 });

  it("stays there while it does not move", () => {
    const kept = next(changeStatus(covered, "SUBMITTED", { due: NOW + 60_000 }, ctx()));
    expect([kept.due, kept.flowDue]).toEqual([NOW + 60_000, NOW + 60_000]);
    expect(hasOwnDueEntry(kept)).toBe(false);
  });

  it("stands alone once it has moved, though it should come to be the very same again", () => {
    const moved = next(postponeDue(covered, 30_000, ctx(), []));
    expect([moved.due, hasOwnDueEntry(moved)]).toEqual([NOW + 30_000, true]);
    const again = next(postponeDue(moved, 60_000, ctx(), []));
    expect([again.due, hasOwnDueEntry(again)]).toEqual([NOW + 60_000, true]);
  });

  it("is nobody's after an end that owes nothing; one that owes follow-ups still hands it down", () => {
    expect(hasOwnDueEntry(next(endTask(covered, "FAILURE", {}, ctx())))).toBe(false);
    const parent = next(endTask({ ...covered, then: [{ press: "U1" }] }, "SUCCESS", {}, ctx()));
    expect([hasOwnDueEntry(parent), parent.flowDue]).toEqual([true, 0]);
  });

  it("is not made up for a task that never had one", () => {
    expect(next(postponeDue(taskIn("SUBMITTED"), 30_000, ctx(), []))).not.toHaveProperty("flowDue");
  });
});

describe("what an end owes", () => {
  const plan = { then: [{ press: "U1" }] };
  const listened = { eventMask: EVENT_BITS.ended };
  const all = { ...plan, ...listened, archive: true };

  it.each([
    ["nothing", {}, "SUCCESS", undefined, ["settle"]],
    ["its plan, which its due time says", plan, "SUCCESS", undefined, ["follow"]],
    ["no plan where there is none", { then: [] }, "SUCCESS", undefined, ["settle"]],
    ["copies", { archive: true }, "SUCCESS", ["archive"], ["settle", "archive"]],
    ["an announcement", listened, "SUCCESS", ["tell"], ["settle", "tell"]],
    ["a plan and an announcement", { ...plan, ...listened }, "SUCCESS", ["follow", "tell"], ["follow", "tell"]],
    ["all three, told once the copies are there", all, "SUCCESS", ["follow", "archive", "tell"], ["follow", "archive"]],
    ["an announcement alone, where it failed", all, "FAILURE", ["tell"], ["settle", "tell"]],
    [
      "nothing to those who listen for something else",
      { eventMask: EVENT_BITS.flow | EVENT_BITS.modal },
      "SUCCESS",
      undefined,
      ["settle"],
    ],
  ] as const)("%s", (_, more, status, owes, begun) => {
    const decision = endTask(taskIn("IN_PROGRESS", more as Partial<Task>), status, {}, ctx());
    expect(next(decision).pendingEffects).toEqual(owes);
    expect(next(decision).due).toBe(begun[0] === "follow" || owes ? NOW + TIMINGS.effectsMs : undefined);
    expect(effects(decision)).toEqual(begun);
  });

  it("is met one by one; with the last, nobody looks any more", () => {
    const ended = taskIn("SUCCESS", { ...all, due: NOW + hour, pendingEffects: ["follow", "archive", "tell"] });
    const followed = completeEffect(ended, "follow", {}, ctx());
    expect(next(followed)).toMatchObject({ pendingEffects: ["archive", "tell"], due: NOW + hour });
    expect(effects(followed)).toEqual([]);
    const archived = completeEffect(next(followed), "archive", { copies: [] }, ctx());
    expect(next(archived)).toMatchObject({ pendingEffects: ["tell"], due: NOW + hour, copies: [] });
    expect(effects(archived)).toEqual(["tell"]);
    const told = completeEffect(next(archived), "tell", {}, ctx());
    expect(told).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect([next(told).pendingEffects, next(told).due]).toEqual([undefined, undefined]);
  });

  it("met twice is met once", () => {
    const ended = taskIn("SUCCESS", { due: NOW, pendingEffects: ["tell"] });
    expect(completeEffect(ended, "archive", {}, ctx())).toEqual({ kind: "ignore", why: "no-news" });
    expect(next(completeEffect(ended, "archive", { copies: [] }, ctx()))).toMatchObject({
      pendingEffects: ["tell"],
      copies: [],
    });
  });

  it("of a plan alone is read from the due time, until that is gone", () => {
    const ended = taskIn("SUCCESS", plan);
    expect(pendingEffectsOf({ ...ended, due: NOW })).toEqual(["follow"]);
    expect(pendingEffectsOf({ ...ended, due: undefined })).toEqual([]);
    expect(pendingEffectsOf({ ...ended, due: NOW, status: "FAILURE" })).toEqual([]);
    for (const then of [[], undefined]) expect(pendingEffectsOf({ ...ended, due: NOW, then })).toEqual([]);
    expect(pendingEffectsOf({ ...ended, due: NOW, pendingEffects: ["tell"] })).toEqual(["tell"]);
  });

  it("left over with nothing to start, has its flow looked at", () => {
    expect(toEffects([])).toEqual([{ kind: "settle" }]);
  });

  it("once followed, a task that still owes its announcement is not followed again", () => {
    const ended = taskIn("SUCCESS", { ...plan, due: NOW, pendingEffects: ["tell"] });
    expect(toEffects(pendingEffectsOf(ended))).toEqual([{ kind: "settle" }, { kind: "tell" }]);
  });
});

describe("an open window", () => {
  it("without an answer waits for the app, and asks for nothing", () => {
    const decision = openModal(taskIn("SUBMITTED"), {}, ctx());
    expect(next(decision)).toMatchObject({ status: "MODAL", phase: "submit", due: NOW + TIMINGS.modalMs });
    expect([next(decision).pendingEffects, effects(decision)]).toEqual([undefined, []]);
  });

  it("that somebody listens for is announced as safely as an end", () => {
    const decision = openModal(taskIn("SUBMITTED", { eventMask: EVENT_BITS.modal }), {}, ctx());
    expect(next(decision)).toMatchObject({ pendingEffects: ["tell"], due: NOW + TIMINGS.effectsMs });
    expect(
      next(openModal(taskIn("SUBMITTED", { eventMask: EVENT_BITS.ended }), {}, ctx())).pendingEffects,
    ).toBeUndefined();
  });

  it("with an answer at hand is answered, and not announced", () => {
    const decision = openModal(taskIn("SUBMITTED", { eventMask: EVENT_BITS.modal, modal: {} }), {}, ctx());
    expect(next(decision).due).toBe(NOW + TIMINGS.requeueMs);
    expect(next(decision).pendingEffects).toBeUndefined();
    expect(effects(decision)).toEqual(["enqueue"]);
  });
});

describe("an orphan", () => {
  const a: Orphan = { attempt: 1, vendorTaskId: "a", at: NOW };
  const unnamed: Orphan = { attempt: 1, at: NOW };
  const other: Orphan = { attempt: 3, vendorTaskId: "c", at: NOW };
  const heardOf = (orphans: Orphan[] | undefined, attempt: number, id?: string) =>
    recordOrphan(taskIn("SUBMITTED", { attempt: 2, orphans }), attempt, id, { callbacks: 9 }, ctx(NOW + 5));

  it("is listed once, under its attempt", () => {
    const found = heardOf(undefined, 1, "a");
    expect(found).toMatchObject({ kind: "record", why: "superseded", effects: [] });
    expect(next(found)).toMatchObject({ orphans: [{ ...a, at: NOW + 5 }], callbacks: 9 });
    expect(heardOf([a], 1, "a")).toEqual({ kind: "ignore", why: "superseded" });
    expect(heardOf([a], 1, undefined)).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("has no id where none was told", () => {
    expect(next(heardOf(undefined, 1)).orphans).toStrictEqual([{ attempt: 1, at: NOW + 5 }]);
  });

  it("of another attempt is another one", () => {
    expect(next(heardOf([a], 3)).orphans).toHaveLength(2);
    expect(next(heardOf([a], 3, "a")).orphans).toHaveLength(2);
  });

  it("that had no name gets it, keeps the time it was found, and leaves the others alone", () => {
    const named = heardOf([unnamed, other], 1, "a");
    expect(named).toMatchObject({ kind: "record", why: "superseded" });
    expect(next(named)).toMatchObject({ orphans: [a, other], callbacks: 9 });
  });

  it("beyond as many as can have been submitted is not written down", () => {
    expect(heardOf([a, other], 4, "d")).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("is what the task goes back to only where it was the attempt before, and no window was answered since", () => {
    const task = taskIn("SUBMITTING", { attempt: 2, orphans: [other, a] });
    expect(previousAcceptedAttempt(task)).toBe(a);
    expect(previousAcceptedAttempt({ ...task, orphans: [other] })).toBeUndefined();
    expect(previousAcceptedAttempt({ ...task, orphans: undefined })).toBeUndefined();
    expect(previousAcceptedAttempt({ ...task, phase: "modal" })).toBeUndefined();
  });

  it("that the task goes back to is no orphan any more; the others stay", () => {
    const task = taskIn("SUBMITTING", { attempt: 2, orphans: [a, other], busyAnswers: 3, leaseUntil: NOW + 9 });
    expect(next(resumeAttempt(task, a, ctx(NOW + 5)))).toMatchObject({
      status: "SUBMITTED",
      attempt: 1,
      vendorTaskId: "a",
      vendorTaskIdFrom: "report",
      orphans: [other],
      busyAnswers: 0,
      submittedAt: NOW + 5,
    });
    expect(next(resumeAttempt({ ...task, orphans: [a] }, a, ctx())).orphans).toBeUndefined();
    expect(next(resumeAttempt({ ...task, orphans: undefined }, a, ctx())).orphans).toBeUndefined();
  });

  it("without an id gives the task none, and does not say who told it", () => {
    const task = taskIn("SUBMITTING", {
      attempt: 2,
      orphans: [unnamed],
      vendorTaskId: "v2",
      vendorTaskIdFrom: "answer",
    });
    const { vendorTaskId, vendorTaskIdFrom } = next(resumeAttempt(task, unnamed, ctx()));
    expect([vendorTaskId, vendorTaskIdFrom]).toEqual([undefined, undefined]);
  });
});

it("a lease holds until its last moment, and not beyond", () => {
  const task = taskIn("SUBMITTING", { leaseUntil: NOW });
  expect([NOW - 1, NOW, NOW + 1].map((now) => leaseHolds(task, ctx(now)))).toEqual([true, false, false]);
  expect(leaseHolds(taskIn("SUBMITTING"), ctx())).toBe(false);
});
