import { describe, expect, it } from "vitest";
import { ctx, effects, hour, NOW, taskIn } from "../../test/sample.ts";
import { HEARS } from "../event.ts";
import { ENDED, isListed, type Orphan, STATUSES, type Task } from "../task.ts";
import { TIMINGS } from "../timing.ts";
import {
  before,
  effectsOwed,
  end,
  IllegalMove,
  leaseHolds,
  move,
  opened,
  orphan,
  owedOf,
  paid,
  postpone,
  resumed,
} from "./move.ts";
import type { Decision } from "./signal.ts";

function next(decision: Decision): Task {
  if (decision.kind === "ignore") throw new Error(`ignored: ${decision.why}`);
  return decision.next;
}

describe("a move", () => {
  it("that the table does not hold is refused, and says which it was", () => {
    expect(() => move(taskIn("SUCCESS"), "PENDING", {}, ctx())).toThrow(new IllegalMove("SUCCESS to PENDING"));
    expect(new IllegalMove("x").name).toBe("IllegalMove");
  });

  it.each(STATUSES.filter((status) => !ENDED.has(status)))("can end %s in every way", (status) => {
    for (const last of ENDED) expect(next(move(taskIn(status), last, {}, ctx())).status).toBe(last);
  });

  it("says when it was made, and leaves behind what an open window owed", () => {
    const moved = next(move(taskIn("MODAL", { owes: ["tell"] }), "IN_PROGRESS", { progress: 5 }, ctx(NOW + 7)));
    expect(moved).toMatchObject({ status: "IN_PROGRESS", progress: 5, updatedAt: NOW + 7 });
    expect(moved.owes).toBeUndefined();
  });
});

describe("a due time under the flow's", () => {
  const covered = taskIn("SUBMITTING", { due: NOW + 60_000, flowDue: NOW + 60_000 });

  it("stays there while it does not move", () => {
    const kept = next(move(covered, "SUBMITTED", { due: NOW + 60_000 }, ctx()));
    expect([kept.due, kept.flowDue]).toEqual([NOW + 60_000, NOW + 60_000]);
    expect(isListed(kept)).toBe(false);
  });

  it("stands alone once it has moved, though it should come to be the very same again", () => {
    const moved = next(postpone(covered, 30_000, ctx(), []));
    expect([moved.due, isListed(moved)]).toEqual([NOW + 30_000, true]);
    const again = next(postpone(moved, 60_000, ctx(), []));
    expect([again.due, isListed(again)]).toEqual([NOW + 60_000, true]);
  });

  it("is nobody's after an end that owes nothing; one that owes follow-ups still hands it down", () => {
    expect(isListed(next(end(covered, "FAILURE", {}, ctx())))).toBe(false);
    const parent = next(end({ ...covered, then: [{ press: "U1" }] }, "SUCCESS", {}, ctx()));
    expect([isListed(parent), parent.flowDue]).toEqual([true, 0]);
  });

  it("is not made up for a task that never had one", () => {
    expect(next(postpone(taskIn("SUBMITTED"), 30_000, ctx(), []))).not.toHaveProperty("flowDue");
  });
});

describe("what an end owes", () => {
  const plan = { then: [{ press: "U1" }] };
  const listened = { hears: HEARS.ended };
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
      { hears: HEARS.flow | HEARS.modal },
      "SUCCESS",
      undefined,
      ["settle"],
    ],
  ] as const)("%s", (_, more, status, owes, begun) => {
    const decision = end(taskIn("IN_PROGRESS", more as Partial<Task>), status, {}, ctx());
    expect(next(decision).owes).toEqual(owes);
    expect(next(decision).due).toBe(begun[0] === "follow" || owes ? NOW + TIMINGS.effectsMs : undefined);
    expect(effects(decision)).toEqual(begun);
  });

  it("is met one by one; with the last, nobody looks any more", () => {
    const ended = taskIn("SUCCESS", { ...all, due: NOW + hour, owes: ["follow", "archive", "tell"] });
    const followed = paid(ended, "follow", {}, ctx());
    expect(next(followed)).toMatchObject({ owes: ["archive", "tell"], due: NOW + hour });
    expect(effects(followed)).toEqual([]);
    const archived = paid(next(followed), "archive", { copies: [] }, ctx());
    expect(next(archived)).toMatchObject({ owes: ["tell"], due: NOW + hour, copies: [] });
    expect(effects(archived)).toEqual(["tell"]);
    const told = paid(next(archived), "tell", {}, ctx());
    expect(told).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect([next(told).owes, next(told).due]).toEqual([undefined, undefined]);
  });

  it("met twice is met once", () => {
    const ended = taskIn("SUCCESS", { due: NOW, owes: ["tell"] });
    expect(paid(ended, "archive", {}, ctx())).toEqual({ kind: "ignore", why: "no-news" });
    expect(next(paid(ended, "archive", { copies: [] }, ctx()))).toMatchObject({ owes: ["tell"], copies: [] });
  });

  it("of a plan alone is read from the due time, until that is gone", () => {
    const ended = taskIn("SUCCESS", plan);
    expect(owedOf({ ...ended, due: NOW })).toEqual(["follow"]);
    expect(owedOf({ ...ended, due: undefined })).toEqual([]);
    expect(owedOf({ ...ended, due: NOW, status: "FAILURE" })).toEqual([]);
    for (const then of [[], undefined]) expect(owedOf({ ...ended, due: NOW, then })).toEqual([]);
    expect(owedOf({ ...ended, due: NOW, owes: ["tell"] })).toEqual(["tell"]);
  });

  it("left over with nothing to start, has its flow looked at", () => {
    expect(effectsOwed([])).toEqual([{ kind: "settle" }]);
  });

  it("once followed, a task that still owes its announcement is not followed again", () => {
    const ended = taskIn("SUCCESS", { ...plan, due: NOW, owes: ["tell"] });
    expect(effectsOwed(owedOf(ended))).toEqual([{ kind: "settle" }, { kind: "tell" }]);
  });
});

describe("an open window", () => {
  it("without an answer waits for the app, and asks for nothing", () => {
    const decision = opened(taskIn("SUBMITTED"), {}, ctx());
    expect(next(decision)).toMatchObject({ status: "MODAL", phase: "submit", due: NOW + TIMINGS.modalMs });
    expect([next(decision).owes, effects(decision)]).toEqual([undefined, []]);
  });

  it("that somebody listens for is announced as safely as an end", () => {
    const decision = opened(taskIn("SUBMITTED", { hears: HEARS.modal }), {}, ctx());
    expect(next(decision)).toMatchObject({ owes: ["tell"], due: NOW + TIMINGS.effectsMs });
    expect(next(opened(taskIn("SUBMITTED", { hears: HEARS.ended }), {}, ctx())).owes).toBeUndefined();
  });

  it("with an answer at hand is answered, and not announced", () => {
    const decision = opened(taskIn("SUBMITTED", { hears: HEARS.modal, modal: {} }), {}, ctx());
    expect(next(decision).due).toBe(NOW + TIMINGS.requeueMs);
    expect(next(decision).owes).toBeUndefined();
    expect(effects(decision)).toEqual(["enqueue"]);
  });
});

describe("an orphan", () => {
  const a: Orphan = { attempt: 1, vendorTaskId: "a", at: NOW };
  const unnamed: Orphan = { attempt: 1, at: NOW };
  const other: Orphan = { attempt: 3, vendorTaskId: "c", at: NOW };
  const heardOf = (orphans: Orphan[] | undefined, attempt: number, id?: string) =>
    orphan(taskIn("SUBMITTED", { attempt: 2, orphans }), attempt, id, { callbacks: 9 }, ctx(NOW + 5));

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
    expect(before(task)).toBe(a);
    expect(before({ ...task, orphans: [other] })).toBeUndefined();
    expect(before({ ...task, orphans: undefined })).toBeUndefined();
    expect(before({ ...task, phase: "modal" })).toBeUndefined();
  });

  it("that the task goes back to is no orphan any more; the others stay", () => {
    const task = taskIn("SUBMITTING", { attempt: 2, orphans: [a, other], busy: 3, leaseUntil: NOW + 9 });
    expect(next(resumed(task, a, ctx(NOW + 5)))).toMatchObject({
      status: "SUBMITTED",
      attempt: 1,
      vendorTaskId: "a",
      vendorTaskIdFrom: "report",
      orphans: [other],
      busy: 0,
      submittedAt: NOW + 5,
    });
    expect(next(resumed({ ...task, orphans: [a] }, a, ctx())).orphans).toBeUndefined();
    expect(next(resumed({ ...task, orphans: undefined }, a, ctx())).orphans).toBeUndefined();
  });

  it("without an id gives the task none, and does not say who told it", () => {
    const task = taskIn("SUBMITTING", {
      attempt: 2,
      orphans: [unnamed],
      vendorTaskId: "v2",
      vendorTaskIdFrom: "answer",
    });
    const { vendorTaskId, vendorTaskIdFrom } = next(resumed(task, unnamed, ctx()));
    expect([vendorTaskId, vendorTaskIdFrom]).toEqual([undefined, undefined]);
  });
});

it("a lease holds until its last moment, and not beyond", () => {
  const task = taskIn("SUBMITTING", { leaseUntil: NOW });
  expect([NOW - 1, NOW, NOW + 1].map((now) => leaseHolds(task, ctx(now)))).toEqual([true, false, false]);
  expect(leaseHolds(taskIn("SUBMITTING"), ctx())).toBe(false);
});
