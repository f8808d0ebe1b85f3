/** What an end leaves to do, which due time covers it, and which slot it releases. */
import { describe, expect, it } from "vitest";
import { accepted, after, callback, claim, ctx, effects, NOW, pending, play, taskIn } from "../../test/sample.ts";
import { EVENT_BITS } from "../event.ts";
import { type Decision, decide, type Signal } from "../state.ts";
import type { PendingEffect, Task } from "../task.ts";
import { TIMINGS } from "../timing.ts";
import { onArchived } from "./app.ts";
import { applyPatch, completeEffect, endTask } from "./transitions.ts";

const LOGGED = EVENT_BITS.ended | EVENT_BITS.log;
/** A running task whose due time is the one of its flow, and whose subscriber receives the event of the end. */
const covered = (more: Partial<Task> = {}) =>
  taskIn("IN_PROGRESS", { submittedAt: NOW, due: NOW + 600_000, flowDue: NOW + 600_000, eventMask: LOGGED, ...more });
const ended = (task: Task) =>
  after(task, endTask(task, "SUCCESS", { result: { imageUrl: "https://a.test/1" } }, ctx(NOW)));

describe("the end of a task with a delivery log", () => {
  it("leaves its notification to the due time of the flow, unless images are archived first", () => {
    expect(ended(covered()).pendingEffects).toBeUndefined();
    expect(ended(covered()).due).toBeUndefined();
    expect(ended(covered({ archive: true })).pendingEffects).toEqual(["archive", "tell"]);
    expect(ended(covered({ flowDue: undefined })).pendingEffects).toEqual(["tell"]);
  });

  it("after the archiving the flow stands for the notification, except of a result that came later", () => {
    const archived = (task: Task) => completeEffect(ended(task), "archive", {}, ctx(NOW + 1));
    const done = archived(covered({ archive: true }));
    expect(effects(done)).toEqual(["tell"]);
    expect(after(covered(), done)).toMatchObject({ pendingEffects: undefined, due: undefined });
    const updated = completeEffect(
      { ...ended(covered({ archive: true })), resultUpdatedAt: NOW },
      "archive",
      {},
      ctx(NOW + 1),
    );
    expect(after(covered(), updated).pendingEffects).toEqual(["tell"]);
    expect(effects(updated)).toEqual(["tell"]);
  });

  it("names the events in the effect, and without a log the worker looks for them", () => {
    const tellOf = (eventMask: number) => {
      const decision = decide(covered({ eventMask }), callback("SUCCESS"), ctx(NOW));
      return decision.kind === "ignore" ? [] : decision.effects.filter(({ kind }) => kind === "tell");
    };
    expect(tellOf(LOGGED)).toEqual([{ kind: "tell", events: ["completed"] }]);
    expect(tellOf(EVENT_BITS.ended)).toEqual([{ kind: "tell" }]);
  });

  it("keeps follow-ups alone under the due time of the flow, if this time is not near", () => {
    const then = [{ press: "U1" }];
    const dueOf = (more: Partial<Task>) => ended(covered({ eventMask: 0, then, ...more })).due;
    const own = NOW + TIMINGS.effectsMs;
    expect(dueOf({})).toBe(NOW + 600_000);
    expect(dueOf({ due: own, flowDue: own })).toBe(own);
    expect(dueOf({ due: own - 1, flowDue: own - 1 })).toBe(own);
    expect(dueOf({ due: NOW + 600_000, flowDue: 0 })).toBe(own);
    expect(dueOf({ due: undefined, flowDue: undefined })).toBe(own);
    expect(ended(covered({ archive: true, eventMask: 0 })).due).toBe(own);
  });
});

describe("effects that are added after the end, or are left when another one is complete", () => {
  const copy = { key: "media/x/0/0", bytes: 1, sha256: "00", contentType: "image/png", source: "https://a.test/1" };

  it("an image that comes later is no pending notification and sets no due time if no endpoint receives the end", () => {
    const empty = taskIn("SUCCESS", { endedAt: NOW, attempt: 1, result: {}, due: undefined, eventMask: 0 });
    const image = callback("SUCCESS", 1, { result: { imageUrl: "https://a.test/1" } });
    const completed = after(empty, decide(empty, image, ctx(NOW + 9)));
    expect(completed.result).toMatchObject({ imageUrl: "https://a.test/1" });
    expect(completed.pendingEffects).toBeUndefined();
    expect(completed.due).toBeUndefined();
  });

  it("a second end of the archiving sends no notification that is pending since the first one", () => {
    const first = completeEffect(ended(covered({ archive: true, flowDue: undefined })), "archive", {}, ctx(NOW + 1));
    const task = after(covered(), first);
    expect(task.pendingEffects).toEqual(["tell"]);
    const second = onArchived(task, [copy], [], ctx(NOW + 2));
    expect(effects(second)).toEqual([]);
    expect(after(task, second)).toMatchObject({ copies: [copy], pendingEffects: ["tell"] });
  });

  it("the follow-ups keep their due time when the archiving is complete, although the flow stands for the notification", () => {
    const task = ended(covered({ archive: true, then: [{ press: "U1" }] }));
    expect(task.pendingEffects).toEqual(["follow", "archive", "tell"]);
    const archived = after(task, completeEffect(task, "archive", {}, ctx(NOW + 1)));
    expect(archived).toMatchObject({ pendingEffects: undefined, due: task.due });
    expect(effects(decide(archived, { kind: "due" }, ctx(task.due!)))).toContain("follow");
  });
});

describe("copies that are sent later", () => {
  const LATER = LOGGED | EVENT_BITS.archived | EVENT_BITS.archiveLater;
  const later = (more: Partial<Task> = {}) => covered({ archive: true, eventMask: LATER, ...more });
  const copy = { key: "media/x/0/0", bytes: 1, sha256: "00", contentType: "image/png", source: "https://a.test/1" };
  const archived: Signal = { kind: "archived", copies: [copy] };
  const succeed = (task: Task) => decide(task, callback("SUCCESS"), ctx(NOW));
  const tells = (decision: Decision) =>
    decision.kind === "ignore" ? [] : decision.effects.filter(({ kind }) => kind === "tell");

  it("the end is sent at once, beside the archiving, and the due time of the flow stands for it", () => {
    const task = later();
    const end = succeed(task);
    expect(effects(end)).toEqual(["settle", "archive", "tell"]);
    expect(tells(end)).toEqual([{ kind: "tell", events: ["completed"] }]);
    expect(after(task, end)).toMatchObject({ pendingEffects: ["archive"], due: NOW + TIMINGS.effectsMs });
  });

  it("the end of the archiving is an event, for which the due time of the flow stands", () => {
    const task = after(later(), succeed(later()));
    const done = decide(task, archived, ctx(NOW + 9));
    expect(after(task, done)).toMatchObject({
      archivedAt: NOW + 9,
      copies: [copy],
      pendingEffects: undefined,
      due: undefined,
    });
    expect(tells(done)).toEqual([{ kind: "tell", events: ["archived"] }]);
  });

  it("without a log or without a flow that stands for them, both events are pending effects of the task", () => {
    for (const more of [{ flowDue: undefined }, { eventMask: LATER & ~EVENT_BITS.log }]) {
      const end = succeed(later(more));
      expect(effects(end)).toEqual(["settle", "archive", "tell"]);
      const task = after(later(more), end);
      expect(task.pendingEffects).toEqual(["archive", "tell"]);
      const told = after(task, decide(task, { kind: "notified", status: "SUCCESS" }, ctx(NOW + 1)));
      expect(told).toMatchObject({ pendingEffects: ["archive"], due: NOW + TIMINGS.effectsMs });
      const done = decide(told, archived, ctx(NOW + 9));
      expect(tells(done)).toHaveLength(1);
      const ended = after(told, done);
      expect(ended).toMatchObject({ pendingEffects: ["tell"], due: NOW + TIMINGS.effectsMs });
      // A worker that has read the task before the archiving has not sent the copies.
      expect(decide(ended, { kind: "notified", status: "SUCCESS" }, ctx(NOW + 10)).kind).toBe("ignore");
      const last = decide(ended, { kind: "notified", status: "SUCCESS", archivedAt: NOW + 9 }, ctx(NOW + 10));
      expect(after(ended, last)).toMatchObject({ pendingEffects: undefined, due: undefined });
    }
  });

  it("after a crash the sweeper starts both, and the copies alone if the end is sent", () => {
    const due = (pendingEffects: PendingEffect[]) =>
      effects(decide(later({ status: "SUCCESS", endedAt: NOW, pendingEffects, due: NOW }), { kind: "due" }, ctx(NOW)));
    expect(due(["archive", "tell"])).toEqual(["settle", "archive", "tell"]);
    expect(due(["archive"])).toEqual(["settle", "archive"]);
    expect(due(["follow", "archive", "tell"])).toEqual(["follow", "archive", "tell"]);
  });

  it("an end that an earlier version has left untold is sent with the copies: the worker looks for both events", () => {
    const left = later({ status: "SUCCESS", endedAt: NOW, pendingEffects: ["archive", "tell"], due: NOW + 5 });
    const done = decide(left, archived, ctx(NOW + 9));
    expect(tells(done)).toEqual([{ kind: "tell" }]);
    expect(after(left, done)).toMatchObject({ archivedAt: NOW + 9, pendingEffects: undefined, due: undefined });
    const quiet = { ...left, eventMask: LATER & ~EVENT_BITS.archived };
    expect(tells(decide(quiet, archived, ctx(NOW + 9)))).toEqual([{ kind: "tell" }]);
  });

  it("a result that came later keeps its own pending notification, because its flow may have ended", () => {
    const updated = later({ status: "SUCCESS", endedAt: NOW, resultUpdatedAt: NOW + 1, pendingEffects: ["archive"] });
    const done = decide({ ...updated, due: NOW + 5 }, archived, ctx(NOW + 9));
    expect(after(updated, done)).toMatchObject({ pendingEffects: ["tell"], due: NOW + 5 });
    expect(tells(done)).toEqual([{ kind: "tell", events: ["archived"] }]);
  });

  it("nothing to copy is no event, a failure is one, and a subscriber of the end alone gets none", () => {
    const task = after(later(), succeed(later()));
    const nothing = decide(task, { kind: "archived", copies: [] }, ctx(NOW + 9));
    expect(after(task, nothing)).not.toHaveProperty("archivedAt");
    expect(effects(nothing)).toEqual([]);
    const failures = [{ source: "https://a.test/1", code: "gone" as const }];
    const failed = decide(task, { kind: "archived", copies: [], failures }, ctx(NOW + 9));
    expect(after(task, failed)).toMatchObject({ archivedAt: NOW + 9, copyFailures: failures });
    const endOnly = { ...task, eventMask: LATER & ~EVENT_BITS.archived };
    const quiet = decide(endOnly, archived, ctx(NOW + 9));
    expect(after(endOnly, quiet)).toMatchObject({ archivedAt: NOW + 9, copies: [copy], due: undefined });
    expect(effects(quiet)).toEqual([]);
  });

  it("a second worker changes neither the copies nor the time, so that all attempts have one body", () => {
    const task = after(later(), succeed(later()));
    const done = after(task, decide(task, archived, ctx(NOW + 9)));
    const failures = [{ source: "https://a.test/1", code: "gone" as const }];
    expect(decide(done, { kind: "archived", copies: [], failures }, ctx(NOW + 20)).kind).toBe("ignore");
    const pending: Task = { ...done, pendingEffects: ["archive"], due: NOW + 30 };
    const again = decide(pending, { kind: "archived", copies: [], failures }, ctx(NOW + 20));
    expect(effects(again)).toEqual([]);
    expect(after(pending, again)).toMatchObject({
      archivedAt: NOW + 9,
      copies: [copy],
      pendingEffects: undefined,
      due: undefined,
    });
    expect(after(pending, again).copyFailures).toBeUndefined();
  });

  it("copies of a task that was not to be archived are ignored, because no event would have them", () => {
    const failed = later({ status: "EXPIRED", endedAt: NOW });
    expect(decide(failed, archived, ctx(NOW + 9))).toEqual({ kind: "ignore", why: "no-news" });
    const unmarked = { ...failed, eventMask: LOGGED };
    expect(after(unmarked, decide(unmarked, archived, ctx(NOW + 9)))).toMatchObject({ copies: [copy] });
  });

  it("an image that comes later is named in its notification, also if the success before it is still pending", () => {
    const empty = later({
      status: "SUCCESS",
      endedAt: NOW,
      attempt: 1,
      result: {},
      pendingEffects: ["tell"],
      due: NOW,
    });
    const image = decide(empty, callback("SUCCESS", 1, { result: { imageUrl: "https://a.test/1" } }), ctx(NOW + 9));
    expect(tells(image)).toEqual([{ kind: "tell", events: ["completed-2"] }]);
    expect(after(empty, image).pendingEffects).toEqual(["tell", "archive"]);
  });

  it("a flow without the mark has no such event", () => {
    const task = covered({ status: "SUCCESS", endedAt: NOW, eventMask: LATER & ~EVENT_BITS.archiveLater });
    const done = decide({ ...task, pendingEffects: ["archive"], due: NOW + 5 }, archived, ctx(NOW + 9));
    expect(after(task, done)).not.toHaveProperty("archivedAt");
    expect(effects(done)).toEqual([]);
  });
});

describe("the slot of a task", () => {
  const slot = { row: 0, name: "s1" } as unknown as NonNullable<Task["slot"]>;

  it("is stored by the claim, with the origin of the vendor", () => {
    const claimed = play(pending(), { ...claim, slot, vendorOrigin: "https://v.test" } as typeof claim).task;
    expect(claimed).toMatchObject({ slot, vendorOrigin: "https://v.test" });
    expect(play(pending(), claim).task).not.toHaveProperty("slot");
    expect(play(pending(), claim).task).not.toHaveProperty("vendorOrigin");
  });

  it("is released by the decision that ends the task, in the row and as an effect", () => {
    const task = covered({ slot, eventMask: 0 });
    const decision = decide(task, callback("SUCCESS"), ctx(NOW));
    expect(after(task, decision)).not.toHaveProperty("slot");
    const { provider, account } = task;
    expect(decision).toMatchObject({
      effects: [{ kind: "settle" }, { kind: "release", from: { provider, account }, slot }],
    });
    expect(after(task, decide(task, callback("IN_PROGRESS", 1, { progress: 50 }), ctx(NOW))).slot).toBe(slot);
  });
});

describe("the time of the first acceptance", () => {
  it("is kept when a later acceptance replaces the time, because events have this time", () => {
    const again = applyPatch(taskIn("PENDING", { submittedAt: NOW }), { submittedAt: NOW + 5 }, ctx(NOW + 5));
    expect(again.firstSubmittedAt).toBe(NOW);
    const third = applyPatch(again, { submittedAt: NOW + 9 }, ctx(NOW + 9));
    expect(third.firstSubmittedAt).toBe(NOW);
    expect(applyPatch(again, { progress: 3 }, ctx(NOW + 6)).firstSubmittedAt).toBe(NOW);
    expect(applyPatch(taskIn("PENDING", { submittedAt: NOW }), { progress: 3 }, ctx(NOW))).not.toHaveProperty(
      "firstSubmittedAt",
    );
    expect(play(pending(), claim, accepted()).task).not.toHaveProperty("firstSubmittedAt");
  });
});

describe("the prompt of an open modal", () => {
  it("is stored by the first report that names it, and no later one changes it", () => {
    const open = taskIn("MODAL", { submittedAt: NOW, vendorTaskId: "v1", vendorTaskIdFrom: "answer" });
    const told = (finalPrompt?: string) =>
      callback("MODAL", 1, { result: finalPrompt === undefined ? {} : { finalPrompt } });
    expect(decide(open, told(), ctx(NOW)).kind).toBe("ignore");
    const named = after(open, decide(open, told("a boat --v 7"), ctx(NOW)));
    expect(named.result).toEqual({ finalPrompt: "a boat --v 7" });
    expect(decide(named, told("another"), ctx(NOW)).kind).toBe("ignore");
    const running = taskIn("IN_PROGRESS", { submittedAt: NOW, vendorTaskId: "v1", vendorTaskIdFrom: "answer" });
    expect(decide(running, told("a boat"), ctx(NOW)).kind).toBe("ignore");
  });
});

describe("the end of the archiving", () => {
  it("stores failures, removes those of an earlier archiving, and writes neither if there was none", () => {
    const failures = [{ source: "imageUrl", code: "gone" }] as unknown as Parameters<typeof onArchived>[2];
    const task = taskIn("SUCCESS", { endedAt: NOW, pendingEffects: ["archive"], due: NOW });
    const failed = after(task, onArchived(task, [], failures, ctx(NOW)));
    expect(failed.copyFailures).toBe(failures);
    expect(after(task, onArchived(task, [], [], ctx(NOW)))).not.toHaveProperty("copyFailures");
    const again = { ...failed, pendingEffects: ["archive" as const] };
    expect(after(again, onArchived(again, [], [], ctx(NOW))).copyFailures).toBeUndefined();
  });
});
