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
  firstLookupAt,
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

describe("changeStatus", () => {
  it("a transition outside the table throws an error that names it", () => {
    expect(() => changeStatus(taskIn("SUCCESS"), "PENDING", {}, ctx())).toThrow(
      new IllegalTransition("SUCCESS to PENDING"),
    );
    expect(new IllegalTransition("x").name).toBe("IllegalTransition");
  });

  it.each(STATUSES.filter((status) => !ENDED.has(status)))("%s can change to every ended status", (status) => {
    for (const last of ENDED) expect(next(changeStatus(taskIn(status), last, {}, ctx())).status).toBe(last);
  });

  it("a transition sets updatedAt and removes the pending notification of an open modal", () => {
    const changed = next(
      changeStatus(taskIn("MODAL", { pendingEffects: ["tell"] }), "IN_PROGRESS", { progress: 5 }, ctx(NOW + 7)),
    );
    expect(changed).toMatchObject({ status: "IN_PROGRESS", progress: 5, updatedAt: NOW + 7 });
    expect(changed.pendingEffects).toBeUndefined();
  });
});

describe("the first look-up of an accepted task", () => {
  it.each([
    ["calling", "fast", TIMINGS.quietMs.fast],
    ["unknown", "relax", TIMINGS.unknownMs],
    // A task in relax mode takes ten minutes, and the vendor sends nothing before.
    ["unknown-until-end", "relax", 600_000],
    ["unknown-until-end", "fast", TIMINGS.unknownMs],
    ["silent", "relax", TIMINGS.silentMs],
  ] as const)("at an account that is %s, in %s mode, it is after %i ms", (expect_, pace, ms) => {
    const task = taskIn("SUBMITTING", { pace, due: undefined });
    expect(firstLookupAt(task, expect_, ctx())).toBe(NOW + ms);
  });
});

describe("a due time that the flow covers", () => {
  const covered = taskIn("SUBMITTING", { due: NOW + 60_000, flowDue: NOW + 60_000 });

  it("the due time stays covered while it does not change", () => {
    const kept = next(changeStatus(covered, "SUBMITTED", { due: NOW + 60_000 }, ctx()));
    expect([kept.due, kept.flowDue]).toEqual([NOW + 60_000, NOW + 60_000]);
    expect(hasOwnDueEntry(kept)).toBe(false);
  });

  it("after a change the task has its own index entry, even if the due time later equals the old one", () => {
    const moved = next(postponeDue(covered, 30_000, ctx(), []));
    expect([moved.due, hasOwnDueEntry(moved)]).toEqual([NOW + 30_000, true]);
    const again = next(postponeDue(moved, 60_000, ctx(), []));
    expect([again.due, hasOwnDueEntry(again)]).toEqual([NOW + 60_000, true]);
  });

  it("an end without pending effects has no due time, and pending follow-ups stay covered", () => {
    expect(next(endTask(covered, "FAILURE", {}, ctx())).due).toBeUndefined();
    const parent = next(endTask({ ...covered, then: [{ press: "U1" }] }, "SUCCESS", {}, ctx()));
    expect([hasOwnDueEntry(parent), parent.due, parent.flowDue]).toEqual([false, covered.due, covered.due]);
    expect(next(completeEffect(parent, "follow", {}, ctx())).due).toBeUndefined();
  });

  it.each([
    ["the covered due time is near", { due: NOW + TIMINGS.effectsMs - 1, flowDue: NOW + TIMINGS.effectsMs - 1 }, {}],
    ["the task has its own entry", { due: NOW + hour, flowDue: 0 }, {}],
    ["there are other pending effects", { due: NOW + hour, flowDue: NOW + hour }, { archive: true }],
    ["a late success is adopted", { due: NOW + hour, flowDue: NOW + hour }, { flowDue: undefined }],
  ] as [string, Partial<Task>, Partial<Task>][])("follow-ups get their own entry if %s", (_, due, patch) => {
    const parent = next(endTask({ ...covered, ...due, then: [{ press: "U1" }] }, "SUCCESS", patch, ctx()));
    expect([hasOwnDueEntry(parent), parent.due]).toEqual([true, NOW + TIMINGS.effectsMs]);
  });

  it("a task without flowDue does not get one", () => {
    expect(next(postponeDue(taskIn("SUBMITTED"), 30_000, ctx(), []))).not.toHaveProperty("flowDue");
  });
});

describe("pending effects of an end", () => {
  const plan = { then: [{ press: "U1" }] };
  const subscribed = { eventMask: EVENT_BITS.ended };
  const all = { ...plan, ...subscribed, archive: true };

  it.each([
    ["no pending effect", {}, "SUCCESS", undefined, ["settle"]],
    ["follow-ups, which only the due time stands for,", plan, "SUCCESS", undefined, ["follow"]],
    ["no pending effect for an empty plan", { then: [] }, "SUCCESS", undefined, ["settle"]],
    ["archiving", { archive: true }, "SUCCESS", ["archive"], ["settle", "archive"]],
    ["a notification", subscribed, "SUCCESS", ["tell"], ["settle", "tell"]],
    ["follow-ups and a notification", { ...plan, ...subscribed }, "SUCCESS", ["follow", "tell"], ["follow", "tell"]],
    [
      "all three, with the notification after the archiving,",
      all,
      "SUCCESS",
      ["follow", "archive", "tell"],
      ["follow", "archive"],
    ],
    ["only the notification after a failure", all, "FAILURE", ["tell"], ["settle", "tell"]],
    [
      "no pending effect if other events have subscribers",
      { eventMask: EVENT_BITS.flow | EVENT_BITS.modal },
      "SUCCESS",
      undefined,
      ["settle"],
    ],
  ] as const)("the end has %s: %j, %s", (_, more, status, stored, started) => {
    const decision = endTask(taskIn("IN_PROGRESS", more as Partial<Task>), status, {}, ctx());
    expect(next(decision).pendingEffects).toEqual(stored);
    expect(next(decision).due).toBe(started[0] === "follow" || stored ? NOW + TIMINGS.effectsMs : undefined);
    expect(effects(decision)).toEqual(started);
  });

  it("effects are completed one by one, and the due time is removed with the last", () => {
    const ended = taskIn("SUCCESS", { ...all, due: NOW + hour, pendingEffects: ["follow", "archive", "tell"] });
    const followed = completeEffect(ended, "follow", {}, ctx());
    expect(next(followed)).toMatchObject({ pendingEffects: ["archive", "tell"], due: NOW + hour });
    expect(effects(followed)).toEqual([]);
    const archived = completeEffect(next(followed), "archive", { copies: [] }, ctx());
    expect(next(archived)).toMatchObject({ pendingEffects: ["tell"], due: NOW + hour, copies: [] });
    expect(effects(archived)).toEqual(["tell"]);
    const notified = completeEffect(next(archived), "tell", {}, ctx());
    expect(notified).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect([next(notified).pendingEffects, next(notified).due]).toEqual([undefined, undefined]);
  });

  it("completing an effect that is not pending is ignored, unless it brings new fields", () => {
    const ended = taskIn("SUCCESS", { due: NOW, pendingEffects: ["tell"] });
    expect(completeEffect(ended, "archive", {}, ctx())).toEqual({ kind: "ignore", why: "no-news" });
    expect(next(completeEffect(ended, "archive", { copies: [] }, ctx()))).toMatchObject({
      pendingEffects: ["tell"],
      copies: [],
    });
  });

  it("pending follow-ups alone follow from the due time", () => {
    const ended = taskIn("SUCCESS", plan);
    expect(pendingEffectsOf({ ...ended, due: NOW })).toEqual(["follow"]);
    expect(pendingEffectsOf({ ...ended, due: undefined })).toEqual([]);
    expect(pendingEffectsOf({ ...ended, due: NOW, status: "FAILURE" })).toEqual([]);
    for (const then of [[], undefined]) expect(pendingEffectsOf({ ...ended, due: NOW, then })).toEqual([]);
    expect(pendingEffectsOf({ ...ended, due: NOW, pendingEffects: ["tell"] })).toEqual(["tell"]);
  });

  it("without pending effects, the end of the flow is checked", () => {
    expect(toEffects([], undefined)).toEqual([{ kind: "settle" }]);
  });

  it("a task whose follow-ups are started and whose notification is pending does not start them again", () => {
    const ended = taskIn("SUCCESS", { ...plan, due: NOW, pendingEffects: ["tell"] });
    expect(toEffects(pendingEffectsOf(ended), ended.eventMask)).toEqual([{ kind: "settle" }, { kind: "tell" }]);
  });
});

describe("openModal", () => {
  it("a modal without answer waits for the app, without effects", () => {
    const decision = openModal(taskIn("SUBMITTED"), {}, ctx());
    expect(next(decision)).toMatchObject({ status: "MODAL", phase: "submit", due: NOW + TIMINGS.modalMs });
    expect([next(decision).pendingEffects, effects(decision)]).toEqual([undefined, []]);
  });

  it("a modal with subscribers has a pending notification", () => {
    const decision = openModal(taskIn("SUBMITTED", { eventMask: EVENT_BITS.modal }), {}, ctx());
    expect(next(decision)).toMatchObject({ pendingEffects: ["tell"], due: NOW + TIMINGS.effectsMs });
    expect(
      next(openModal(taskIn("SUBMITTED", { eventMask: EVENT_BITS.ended }), {}, ctx())).pendingEffects,
    ).toBeUndefined();
  });

  it("a modal with a stored answer is answered without a notification", () => {
    const decision = openModal(taskIn("SUBMITTED", { eventMask: EVENT_BITS.modal, modal: {} }), {}, ctx());
    expect(next(decision).due).toBe(NOW + TIMINGS.requeueMs);
    expect(next(decision).pendingEffects).toBeUndefined();
    expect(effects(decision)).toEqual(["enqueue"]);
  });
});

describe("orphans", () => {
  const a: Orphan = { attempt: 1, vendorTaskId: "a", at: NOW };
  const withoutId: Orphan = { attempt: 1, at: NOW };
  const other: Orphan = { attempt: 3, vendorTaskId: "c", at: NOW };
  const recordInto = (orphans: Orphan[] | undefined, attempt: number, id?: string) =>
    recordOrphan(taskIn("SUBMITTED", { attempt: 2, orphans }), attempt, id, { callbacks: 9 }, ctx(NOW + 5));

  it("an orphan is listed once per attempt", () => {
    const found = recordInto(undefined, 1, "a");
    expect(found).toMatchObject({ kind: "record", why: "superseded", effects: [] });
    expect(next(found)).toMatchObject({ orphans: [{ ...a, at: NOW + 5 }], callbacks: 9 });
    expect(recordInto([a], 1, "a")).toEqual({ kind: "ignore", why: "superseded" });
    expect(recordInto([a], 1, undefined)).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("an orphan has no id if the report has none", () => {
    expect(next(recordInto(undefined, 1)).orphans).toStrictEqual([{ attempt: 1, at: NOW + 5 }]);
  });

  it("each attempt has its own orphan", () => {
    expect(next(recordInto([a], 3)).orphans).toHaveLength(2);
    expect(next(recordInto([a], 3, "a")).orphans).toHaveLength(2);
  });

  it("an orphan without id gets the id of a later report and keeps its time", () => {
    const completed = recordInto([withoutId, other], 1, "a");
    expect(completed).toMatchObject({ kind: "record", why: "superseded" });
    expect(next(completed)).toMatchObject({ orphans: [a, other], callbacks: 9 });
  });

  it("an orphan above attemptLimit is not recorded", () => {
    expect(recordInto([a, other], 4, "d")).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("previousAcceptedAttempt returns only the attempt before the current one, and none in the modal phase", () => {
    const task = taskIn("SUBMITTING", { attempt: 2, orphans: [other, a] });
    expect(previousAcceptedAttempt(task)).toBe(a);
    expect(previousAcceptedAttempt({ ...task, orphans: [other] })).toBeUndefined();
    expect(previousAcceptedAttempt({ ...task, orphans: undefined })).toBeUndefined();
    expect(previousAcceptedAttempt({ ...task, phase: "modal" })).toBeUndefined();
  });

  it("resumeAttempt removes the resumed attempt from the orphans and keeps the others", () => {
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

  it("resumeAttempt without an id removes the id of the task and its source", () => {
    const task = taskIn("SUBMITTING", {
      attempt: 2,
      orphans: [withoutId],
      vendorTaskId: "v2",
      vendorTaskIdFrom: "answer",
    });
    const { vendorTaskId, vendorTaskIdFrom } = next(resumeAttempt(task, withoutId, ctx()));
    expect([vendorTaskId, vendorTaskIdFrom]).toEqual([undefined, undefined]);
  });
});

it("a lease is valid before leaseUntil and not at that time", () => {
  const task = taskIn("SUBMITTING", { leaseUntil: NOW });
  expect([NOW - 1, NOW, NOW + 1].map((now) => leaseHolds(task, ctx(now)))).toEqual([true, false, false]);
  expect(leaseHolds(taskIn("SUBMITTING"), ctx())).toBe(false);
});
