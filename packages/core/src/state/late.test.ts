/** Late successes, results that are completed later, and rows that their vendor no longer updates (T1, decision 20). */
import { describe, expect, it } from "vitest";
import { callback, ctx, effects, lookup, minute, NOW, play, second, taskIn } from "../../test/sample.ts";
import { failure } from "../error.ts";
import { EVENT_BITS } from "../event.ts";
import type { Result } from "../report.ts";
import { decide, hasAdoptableResult, hasMedia, type Signal } from "../state.ts";
import type { Task } from "../task.ts";
import { TIMINGS } from "../timing.ts";

const IMAGE: Result = { imageUrl: "https://x/1.png" };
const BUTTON = { customId: "MJ::1", label: "U1", emoji: "" };
const adopt: Signal = { kind: "adopt" };
const adoptionDone: Signal = { kind: "adoptionDone" };
const retried: Signal = { kind: "retried" };

const failed = (more: Partial<Task> = {}) =>
  taskIn("FAILURE", { endedAt: NOW, endedBy: 1, failure: failure("vendor_failed"), ...more });
const succeeded = (more: Partial<Task> = {}) => taskIn("SUCCESS", { endedAt: NOW, endedBy: 1, progress: 100, ...more });
const success = (result: Result = IMAGE, attempt = 1, vendorTaskId?: string) =>
  callback("SUCCESS", attempt, { result, ...(vendorTaskId && { vendorTaskId }) });
const seen = (result: Result = IMAGE) => lookup("SUCCESS", 1, { result });

describe("what counts as media", () => {
  it.each<[string, Result, boolean]>([
    ["nothing", {}, false],
    ["empty lists", { images: [], videos: [] }, false],
    ["an image link", IMAGE, true],
    ["images", { images: [{ url: "https://x/1.png" }] }, true],
    ["videos", { videos: [{ url: "https://x/1.mp4" }] }, true],
  ])("%s", (_, result, expected) => {
    expect(hasMedia(result)).toBe(expected);
  });
});

describe("a success that can be adopted", () => {
  const late = { status: "SUCCESS", at: NOW, result: IMAGE };

  it.each<[string, Task, boolean]>([
    ["a failed task with an image", failed({ late }), true],
    [
      "an expired task with a video",
      taskIn("EXPIRED", { late: { ...late, result: { videos: [{ url: "x" }] } } }),
      true,
    ],
    ["a task that has not ended", taskIn("SUBMITTED", { late }), false],
    ["a task that has succeeded", succeeded({ late }), false],
    ["a task that the app retried", failed({ late, retried: true }), false],
    ["a task without late report", failed(), false],
    ["a late report without result", failed({ late: { status: "SUCCESS", at: NOW } }), false],
    ["another late report", failed({ late: { ...late, status: "IN_PROGRESS" } }), false],
    ["a result without media", failed({ late: { ...late, result: {} } }), false],
    ["the text of a describe", failed({ action: "DESCRIBE", late: { ...late, result: {} } }), true],
    ["the text of a shorten", failed({ action: "SHORTEN", late: { ...late, result: {} } }), true],
  ])("%s", (_, task, expected) => {
    expect(hasAdoptableResult(task)).toBe(expected);
  });
});

describe("a late success", () => {
  it("is stored with its result, attempt and id, and its adoption is a pending effect with a due time", () => {
    const { task, last } = play(failed(), minute, success(IMAGE, 1, "v1"));
    expect(last).toMatchObject({ kind: "record", why: "ended", effects: [{ kind: "adopt" }] });
    expect(task).toMatchObject({
      status: "FAILURE",
      duplicates: 1,
      late: { status: "SUCCESS", at: NOW + minute, result: IMAGE, attempt: 1, vendorTaskId: "v1" },
      pendingEffects: ["adopt"],
      due: NOW + minute + TIMINGS.effectsMs,
    });
  });

  it("without an id names none", () => {
    expect(play(failed(), success()).task.late).toStrictEqual({
      status: "SUCCESS",
      at: NOW,
      result: IMAGE,
      attempt: 1,
    });
  });

  it.each<[string, Task, Result]>([
    ["has no image", failed(), {}],
    ["is of a canceled task", failed({ failure: failure("canceled") }), IMAGE],
    ["is of a task that the app retried", failed({ retried: true }), IMAGE],
  ])("that %s is only stored", (_, start, result) => {
    const { task, last } = play(start, success(result));
    expect(last).toMatchObject({ kind: "record", why: "ended", effects: [] });
    expect(task.late).toMatchObject({ status: "SUCCESS", result });
    expect([task.pendingEffects, task.due]).toEqual([undefined, start.due]);
  });

  it("stays when others follow: those are counted, and a look-up of them changes nothing", () => {
    const first = play(failed(), success()).task;
    const other = play(first, minute, success({ imageUrl: "https://x/2.png" }));
    expect(other.last).toMatchObject({ kind: "record", why: "duplicate", effects: [] });
    expect(other.task).toMatchObject({ late: first.late, duplicates: 2 });
    expect(play(first, seen({ imageUrl: "https://x/2.png" })).last).toEqual({ kind: "ignore", why: "duplicate" });
    expect(play(first, success({})).task.late).toEqual(first.late);
  });

  it("without image is replaced by one with an image, also from a look-up, and then adopted", () => {
    const empty = play(failed(), success({})).task;
    for (const signal of [success(), seen()]) {
      const { task, last } = play(empty, minute, signal);
      expect(task.late).toMatchObject({ status: "SUCCESS", at: NOW + minute, result: IMAGE });
      expect(effects(last)).toEqual(["adopt"]);
    }
    expect(play(empty, success({ prompt: "x" })).last).toMatchObject({ kind: "record", why: "duplicate" });
  });

  it("from a look-up is stored if no other end was reported, or if the row had stalled", () => {
    expect(play(failed(), seen()).last).toMatchObject({ kind: "record", effects: [{ kind: "adopt" }] });
    expect(play(failed(), seen()).task.duplicates).toBe(0);
    const stalled = failed({ late: { status: "IN_PROGRESS", at: NOW, result: IMAGE } });
    expect(play(stalled, seen()).task.late).toMatchObject({ status: "SUCCESS" });
    const canceled = failed({ late: { status: "CANCEL", at: NOW } });
    expect(play(canceled, seen()).last).toEqual({ kind: "ignore", why: "duplicate" });
    expect(play(canceled, success()).task.late).toMatchObject({ status: "SUCCESS" });
  });
});

describe("the adoption", () => {
  const late = { status: "SUCCESS", at: NOW, result: IMAGE, attempt: 1, vendorTaskId: "v1" };

  it("makes the late success the end, and the end before it the late report", () => {
    const start = failed({ late, flowDue: NOW, then: [{ press: "U1" }], pendingEffects: ["adopt"], due: NOW });
    const { task, last } = play(start, minute, adopt);
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "follow" }] });
    expect(task).toMatchObject({
      status: "SUCCESS",
      progress: 100,
      endedAt: NOW + minute,
      endedBy: 1,
      attempt: 1,
      vendorTaskId: "v1",
      vendorTaskIdFrom: "report",
      result: IMAGE,
      late: { status: "FAILURE", at: NOW },
      pendingEffects: ["follow", "adopt"],
      due: NOW + minute + TIMINGS.effectsMs,
    });
    expect([task.failure, task.flowDue]).toEqual([undefined, undefined]);
  });

  it("of a task without a time of its end uses the time of the adoption", () => {
    expect(play(failed({ late, endedAt: undefined }), minute, adopt).task.late).toEqual({
      status: "FAILURE",
      at: NOW + minute,
    });
  });

  it("is pending until the flow runs again; the sweeper repeats it before the follow-ups or the end of the flow", () => {
    const { task } = play(failed({ late }), adopt);
    expect(task).toMatchObject({ pendingEffects: ["adopt"], due: NOW + TIMINGS.effectsMs });
    const repeated = play(task, TIMINGS.effectsMs, { kind: "due" });
    expect(effects(repeated.last)).toEqual(["adopt", "settle"]);
    const followed = play({ ...task, then: [{ press: "U1" }], pendingEffects: ["follow", "adopt"] }, minute, {
      kind: "due",
    });
    expect(effects(followed.last)).toEqual(["adopt", "follow"]);
    const done = play(task, adoptionDone);
    expect(done.last).toMatchObject({ kind: "record", effects: [] });
    expect([done.task.pendingEffects, done.task.due]).toEqual([undefined, undefined]);
    expect(play(done.task, adoptionDone).last).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("keeps an id from the submit response, and names none if the report named none", () => {
    const answered = failed({ late, vendorTaskId: "own", vendorTaskIdFrom: "answer" });
    expect(play(answered, adopt).task).toMatchObject({ vendorTaskId: "own", vendorTaskIdFrom: "answer" });
    const reported = failed({ late, vendorTaskId: "old", vendorTaskIdFrom: "report" });
    expect(play(reported, adopt).task).toMatchObject({ vendorTaskId: "v1", vendorTaskIdFrom: "report" });
    const unnamed = failed({
      late: { ...late, vendorTaskId: undefined },
      vendorTaskId: "old",
      vendorTaskIdFrom: "report",
    });
    expect(play(unnamed, adopt).task).toMatchObject({ vendorTaskId: "old", vendorTaskIdFrom: "report" });
  });

  it("of an earlier attempt makes the latest one an orphan", () => {
    const start = failed({ late, attempt: 2, endedBy: 2, vendorTaskId: "v2", vendorTaskIdFrom: "answer" });
    expect(play(start, minute, adopt).task).toMatchObject({
      attempt: 2,
      endedBy: 1,
      vendorTaskId: "v1",
      orphans: [{ attempt: 2, vendorTaskId: "v2", at: NOW + minute }],
    });
  });

  it("of an attempt whose number was released takes this number", () => {
    expect(play(failed({ late: { ...late, attempt: 2 }, endedBy: undefined }), adopt).task).toMatchObject({
      attempt: 2,
      endedBy: 2,
    });
  });

  it("of a row of an earlier version uses the attempt that ended the task, or the latest", () => {
    const old = { status: "SUCCESS", at: NOW, result: IMAGE };
    expect(play(failed({ late: old, attempt: 2, endedBy: 1 }), adopt).task.endedBy).toBe(1);
    expect(play(failed({ late: old, attempt: 2, endedBy: undefined }), adopt).task.endedBy).toBe(2);
  });

  it("is ignored without a success that can be adopted", () => {
    expect(play(failed(), adopt).last).toEqual({ kind: "ignore", why: "ended" });
    expect(play(failed({ late, retried: true }), adopt).last).toEqual({ kind: "ignore", why: "ended" });
    expect(play(succeeded(), adopt).last).toEqual({ kind: "ignore", why: "ended" });
    expect(play(taskIn("SUBMITTED"), adopt).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("is declined without a change of the end", () => {
    const start = play(failed(), success()).task;
    const { task, last } = play(start, adoptionDone);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" } });
    expect([task.pendingEffects, task.due]).toEqual([undefined, undefined]);
  });
});

describe("a retry of the app", () => {
  it("marks a failed task once, and a late success is then only stored", () => {
    const { task, last } = play(failed(), retried);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task.retried).toBe(true);
    expect(play(task, retried).last).toEqual({ kind: "ignore", why: "no-news" });
    expect(play(task, success(), adopt).task.status).toBe("FAILURE");
  });

  it("is ignored if a late success has arrived, and for a task that runs or has succeeded", () => {
    expect(play(failed(), success(), retried).last).toEqual({ kind: "ignore", why: "no-news" });
    expect(play(succeeded(), retried).last).toEqual({ kind: "ignore", why: "ended" });
    expect(play(taskIn("SUBMITTED"), retried).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });
});

describe("a success whose result is completed later", () => {
  it("gets its image, which is another event; a look-up is counted as such", () => {
    const start = succeeded({ result: { buttons: [BUTTON] }, eventMask: EVENT_BITS.ended });
    const called = play(start, minute, success());
    expect(called.last).toMatchObject({ kind: "record", why: "ended", effects: [{ kind: "tell" }] });
    expect(called.task).toMatchObject({
      result: { imageUrl: IMAGE.imageUrl, buttons: [BUTTON] },
      resultUpdatedAt: NOW + minute,
      pendingEffects: ["tell"],
      duplicates: 1,
      lookups: 0,
    });
    expect(play(start, seen()).task).toMatchObject({ result: IMAGE, duplicates: 0, lookups: 1 });
  });

  it("archives the image if the app wants that and none was archived", () => {
    const start = succeeded({ result: {}, archive: true, eventMask: EVENT_BITS.ended });
    const { task, last } = play(start, success());
    expect(effects(last)).toEqual(["archive"]);
    expect(task.pendingEffects).toEqual(["archive", "tell"]);
    const copies = [{ key: "k", bytes: 1, sha256: "0", contentType: "image/png", source: "s" }];
    expect(effects(play({ ...start, copies }, success()).last)).toEqual(["tell"]);
    expect(effects(play({ ...start, copies: [] }, success()).last)).toEqual(["archive"]);
    expect(effects(play({ ...start, archive: undefined, eventMask: undefined }, success()).last)).toEqual([]);
  });

  it("gets its buttons without another event, and then the knowledge that there are none", () => {
    const start = succeeded({ result: IMAGE, eventMask: EVENT_BITS.ended });
    const { task, last } = play(start, success({ ...IMAGE, buttons: [BUTTON] }));
    expect(last).toMatchObject({ kind: "record", why: "ended", effects: [] });
    expect(task.result).toEqual({ ...IMAGE, buttons: [BUTTON] });
    expect(task.resultUpdatedAt).toBeUndefined();
    expect(play(start, success({ ...IMAGE, buttons: [] })).task.result).toEqual({ ...IMAGE, buttons: [] });
    const none = succeeded({ result: { ...IMAGE, buttons: [] } });
    expect(play(none, success({ ...IMAGE, buttons: [BUTTON] })).task.result?.buttons).toEqual([BUTTON]);
  });

  it("gets its buttons first and its image afterwards: only the image is an event, and only the image is archived", () => {
    const start = succeeded({ result: {}, archive: true, eventMask: EVENT_BITS.ended });
    const buttons = play(start, success({ buttons: [BUTTON] }));
    expect(buttons.last).toMatchObject({ kind: "record", why: "ended", effects: [] });
    expect(buttons.task).toMatchObject({ result: { buttons: [BUTTON] } });
    expect([buttons.task.resultUpdatedAt, buttons.task.pendingEffects]).toEqual([undefined, undefined]);
    const image = play(buttons.task, minute, success());
    expect(effects(image.last)).toEqual(["archive"]);
    expect(image.task).toMatchObject({ resultUpdatedAt: NOW + minute, result: { ...IMAGE, buttons: [BUTTON] } });
  });

  it("keeps everything that it had, except fields without a value", () => {
    const stored = { imageUrl: undefined, prompt: "first", seed: undefined } as unknown as Result;
    const { task } = play(succeeded({ result: stored }), success({ ...IMAGE, prompt: "second", seed: "7" }));
    expect(task.result).toEqual({ ...IMAGE, prompt: "first", seed: "7" });
    const whole = succeeded({ result: { ...IMAGE, buttons: [BUTTON] } });
    const again = play(whole, success({ imageUrl: "https://x/2.png", buttons: [{ ...BUTTON, label: "U2" }] }));
    expect(again.task.result).toEqual(whole.result);
    expect(again.last).toMatchObject({ kind: "record", why: "duplicate" });
  });

  it("without result gets the whole one", () => {
    expect(play(succeeded({ result: undefined }), success()).task.result).toEqual(IMAGE);
  });

  it.each<[string, Result]>([
    ["nothing", {}],
    ["only words", { prompt: "x" }],
  ])("a success with %s changes no result", (_, result) => {
    const start = succeeded({ result: {} });
    expect(play(start, success(result)).task.result).toEqual({});
    expect(play(start, seen(result)).last).toEqual({ kind: "ignore", why: "duplicate" });
  });

  it("a failure with an image completes nothing", () => {
    const { task } = play(succeeded({ result: {} }), callback("FAILURE", 1, { result: IMAGE }));
    expect([task.result, task.late?.status]).toEqual([{}, "FAILURE"]);
  });
});

describe("a row that stays at 100 %", () => {
  const full = (result: Result = {}) => lookup("IN_PROGRESS", 1, { progress: 100, result });
  const running = () => taskIn("IN_PROGRESS", { vendorTaskId: "v1", progress: 60, due: NOW });

  it("is noted when a look-up shows it first, and ends the task after stalledMs", () => {
    const { task } = play(running(), full());
    expect(task).toMatchObject({ fullProgressAt: NOW, progress: 100 });
    expect(play(task, TIMINGS.stalledMs - 1, full()).task.status).toBe("IN_PROGRESS");
    const { task: ended } = play(task, TIMINGS.stalledMs, full());
    expect(ended).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_stalled" }, progress: 100 });
    expect(ended.late).toBeUndefined();
  });

  it("keeps the time at which it was seen first", () => {
    expect(play(running(), full(), minute, full()).task.fullProgressAt).toBe(NOW);
  });

  it("leaves its picture as late report, which is not adopted", () => {
    const { task } = play(running(), full(), TIMINGS.stalledMs, full(IMAGE));
    expect(task.late).toStrictEqual({ status: "IN_PROGRESS", at: NOW + TIMINGS.stalledMs, result: IMAGE });
    expect(hasAdoptableResult(task)).toBe(false);
    expect(task.pendingEffects).toBeUndefined();
  });

  it("does not end by a callback, by less progress, or at the first look-up", () => {
    const noted = play(running(), full()).task;
    expect(play(noted, TIMINGS.stalledMs, callback("IN_PROGRESS", 1, { progress: 100 })).task.status).toBe(
      "IN_PROGRESS",
    );
    expect(play(noted, TIMINGS.stalledMs, lookup("IN_PROGRESS", 1, { progress: 99 })).task.status).toBe("IN_PROGRESS");
    expect(play(running(), 10 * TIMINGS.stalledMs, full()).task.status).toBe("IN_PROGRESS");
    expect(play(running(), callback("IN_PROGRESS", 1, { progress: 100 })).task.fullProgressAt).toBeUndefined();
  });

  it("the end after it counts as usual", () => {
    const { task } = play(running(), full(), TIMINGS.stalledMs, seen());
    expect(task).toMatchObject({ status: "SUCCESS", result: IMAGE });
    expect(decide(task, full(), ctx(NOW + second))).toEqual({ kind: "ignore", why: "stale" });
  });
});
