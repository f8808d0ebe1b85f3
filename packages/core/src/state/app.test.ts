import { describe, expect, it } from "vitest";
import { ctx, effects, hour, NOW, play, taskIn } from "../../test/sample.ts";
import { failure } from "../error.ts";
import { EVENT_BITS } from "../event.ts";
import { decide, type Signal } from "../state.ts";
import { type Copy, ENDED, STATUSES } from "../task.ts";
import { TIMINGS } from "../timing.ts";

const answer: Signal = { kind: "answer", modal: { prompt: "p" } };
const poisoned: Signal = { kind: "abandon", failure: failure("dead_letter") };
const copy: Copy = { key: "k", bytes: 9, sha256: "00", contentType: "image/png", source: "https://x/1.png" };

describe("an answer to an open window", () => {
  it("is kept, and sent at once", () => {
    const { task, last } = play(taskIn("MODAL"), answer);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "MODAL", modal: { prompt: "p" }, due: NOW + TIMINGS.requeueMs });
  });

  it("before its window is only kept", () => {
    expect(play(taskIn("SUBMITTED"), answer).last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
  });

  it("that comes when it cannot be sent says why", () => {
    for (const status of ["SUBMITTING", "UNCLEAR"] as const) {
      const answering = taskIn(status, { phase: "modal" });
      expect(play(answering, answer).last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
    expect(play(taskIn("IN_PROGRESS"), answer).last).toEqual({ kind: "ignore", why: "not-waiting" });
    for (const status of ENDED) expect(play(taskIn(status), answer).last).toEqual({ kind: "ignore", why: "ended" });
  });
});

describe("a poisoned message", () => {
  it.each([...ENDED])("changes nothing about %s", (status) => {
    expect(play(taskIn(status), poisoned).last).toEqual({ kind: "ignore", why: "ended" });
  });

  it("does not end what the vendor may have, though an answer lies ready for its window", () => {
    for (const status of ["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      const { last } = play(taskIn(status, { modal: {} }), poisoned);
      expect(last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("another account", () => {
  const to = { provider: "sim", account: "b" };
  const lost: Signal = { kind: "abandon", failure: failure("provider_missing"), to };

  it("takes a root that waits, and none that the vendor may have", () => {
    expect(play(taskIn("PENDING"), lost).task).toMatchObject({ status: "PENDING", ...to });
    const sent = taskIn("SUBMITTING", { leaseUntil: NOW + 1 });
    expect(play(sent, lost).last).toEqual({ kind: "ignore", why: "leased" });
    expect(play(taskIn("UNCLEAR"), lost).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });
});

describe("copies", () => {
  const archived = (copies: Copy[]): Signal => ({ kind: "archived", copies });

  it("are noted at the end, and then those who listen are told", () => {
    const done = taskIn("SUCCESS", {
      pendingEffects: ["archive", "tell"],
      due: NOW,
      eventMask: EVENT_BITS.ended,
      endedAt: NOW,
    });
    const { task, last } = play(done, archived([copy]));
    expect(effects(last)).toEqual(["tell"]);
    expect(task).toMatchObject({ copies: [copy], pendingEffects: ["tell"] });
  });

  it("that cannot be made leave the vendor's links, and hold up nothing", () => {
    const { task } = play(taskIn("SUCCESS", { pendingEffects: ["archive"], due: NOW }), archived([]));
    expect([task.copies, task.pendingEffects, task.due]).toEqual([undefined, undefined, undefined]);
    expect("copies" in task).toBe(false);
  });

  it("of what has not ended are not noted", () => {
    for (const status of STATUSES.filter((each) => !ENDED.has(each))) {
      expect(play(taskIn(status), archived([copy])).last).toEqual({ kind: "ignore", why: "not-waiting" });
    }
  });
});

describe("a task no vendor was asked for", () => {
  const made: Signal = { kind: "tileCut", result: { imageUrl: "ours" }, copies: [copy] };

  it("is done when it is made: nothing of it is left to copy", () => {
    const { task, last } = play(taskIn("PENDING", { archive: true }), made);
    expect(task).toMatchObject({ status: "SUCCESS", progress: 100, result: { imageUrl: "ours" }, copies: [copy] });
    expect([task.archive, task.pendingEffects, effects(last)]).toEqual([undefined, undefined, ["settle"]]);
  });

  it("is made once, and never in place of a vendor's", () => {
    expect(play(taskIn("PENDING"), made, made).last).toEqual({ kind: "ignore", why: "ended" });
    for (const status of STATUSES.filter((each) => each !== "PENDING")) {
      expect(play(taskIn(status), made).last.kind, status).toBe("ignore");
    }
    expect(decide({ ...taskIn("PENDING"), attempt: 1 }, made, ctx(NOW + hour))).toEqual({
      kind: "ignore",
      why: "not-waiting",
    });
  });
});
