import { describe, expect, it } from "vitest";
import { ctx, effects, hour, NOW, play, taskIn } from "../../test/sample.ts";
import { failure } from "../error.ts";
import { EVENT_BITS } from "../event.ts";
import { decide, type Signal } from "../state.ts";
import { type Copy, ENDED, STATUSES } from "../task.ts";
import { TIMINGS } from "../timing.ts";

const answer: Signal = { kind: "answer", modal: { prompt: "p" } };
const deadLetter: Signal = { kind: "abandon", failure: failure("dead_letter") };
const copy: Copy = { key: "k", bytes: 9, sha256: "00", contentType: "image/png", source: "https://x/1.png" };

describe("modal answer of the app", () => {
  it("an answer to an open modal is stored and sent at once", () => {
    const { task, last } = play(taskIn("MODAL"), answer);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "MODAL", modal: { prompt: "p" }, due: NOW + TIMINGS.requeueMs });
  });

  it("an answer before the modal opens is only stored", () => {
    expect(play(taskIn("SUBMITTED"), answer).last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
  });

  it("an answer that cannot be sent is ignored with a reason", () => {
    for (const status of ["SUBMITTING", "UNCLEAR"] as const) {
      const sendingAnswer = taskIn(status, { phase: "modal" });
      expect(play(sendingAnswer, answer).last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
    expect(play(taskIn("IN_PROGRESS"), answer).last).toEqual({ kind: "ignore", why: "not-waiting" });
    for (const status of ENDED) expect(play(taskIn(status), answer).last).toEqual({ kind: "ignore", why: "ended" });
  });
});

describe("dead-letter message", () => {
  it.each([...ENDED])("a dead-letter message does not change a task in %s", (status) => {
    expect(play(taskIn(status), deadLetter).last).toEqual({ kind: "ignore", why: "ended" });
  });

  it("a dead-letter message does not end a task that the vendor may have, even with a stored modal answer", () => {
    for (const status of ["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      const { last } = play(taskIn(status, { modal: {} }), deadLetter);
      expect(last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("vendor loss with a failover account", () => {
  const to = { provider: "sim", account: "b" };
  const lost: Signal = { kind: "abandon", failure: failure("provider_missing"), to };

  it("a waiting root moves to the failover account, and a root that the vendor may have does not", () => {
    expect(play(taskIn("PENDING"), lost).task).toMatchObject({ status: "PENDING", ...to });
    const sent = taskIn("SUBMITTING", { leaseUntil: NOW + 1 });
    expect(play(sent, lost).last).toEqual({ kind: "ignore", why: "leased" });
    expect(play(taskIn("UNCLEAR"), lost).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });
});

describe("archived", () => {
  const archived = (copies: Copy[]): Signal => ({ kind: "archived", copies });

  it("the copies are stored, and then the subscribers are notified", () => {
    const success = taskIn("SUCCESS", {
      pendingEffects: ["archive", "tell"],
      due: NOW,
      eventMask: EVENT_BITS.ended,
      endedAt: NOW,
    });
    const { task, last } = play(success, archived([copy]));
    expect(effects(last)).toEqual(["tell"]);
    expect(task).toMatchObject({ copies: [copy], pendingEffects: ["tell"] });
  });

  it("without copies the vendor's links stay and the effect is completed", () => {
    const { task } = play(taskIn("SUCCESS", { pendingEffects: ["archive"], due: NOW }), archived([]));
    expect([task.copies, task.pendingEffects, task.due]).toEqual([undefined, undefined, undefined]);
    expect("copies" in task).toBe(false);
  });

  it("the reasons of failed copies are stored, and a later archiving without failures removes them", () => {
    const failures = [{ source: "https://x.test/a.png", code: "gone" as const }];
    const failed = play(taskIn("SUCCESS", { pendingEffects: ["archive"], due: NOW }), {
      kind: "archived",
      copies: [],
      failures,
    }).task;
    expect(failed).toMatchObject({ copyFailures: failures });
    const again = { ...failed, pendingEffects: ["archive" as const] };
    expect(play(again, archived([copy])).task).toMatchObject({ copies: [copy], copyFailures: undefined });
  });

  it("copies of a task that has not ended are ignored", () => {
    for (const status of STATUSES.filter((each) => !ENDED.has(each))) {
      expect(play(taskIn(status), archived([copy])).last).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("tileCut", () => {
  const tileCut: Signal = { kind: "tileCut", result: { imageUrl: "ours" }, copies: [copy] };

  it("a tile is complete without archiving", () => {
    const { task, last } = play(taskIn("PENDING", { archive: true }), tileCut);
    expect(task).toMatchObject({ status: "SUCCESS", progress: 100, result: { imageUrl: "ours" }, copies: [copy] });
    expect([task.archive, task.pendingEffects, effects(last)]).toEqual([undefined, undefined, ["settle"]]);
  });

  it("only a waiting task without attempts becomes a tile, and only once", () => {
    expect(play(taskIn("PENDING"), tileCut, tileCut).last).toEqual({ kind: "ignore", why: "ended" });
    for (const status of STATUSES.filter((each) => each !== "PENDING")) {
      expect(play(taskIn(status), tileCut).last.kind, status).toBe("ignore");
    }
    expect(decide({ ...taskIn("PENDING"), attempt: 1 }, tileCut, ctx(NOW + hour))).toEqual({
      kind: "ignore",
      why: "not-waiting",
    });
  });
});
