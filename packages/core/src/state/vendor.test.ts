import { describe, expect, it } from "vitest";
import {
  accepted,
  callback,
  claim,
  ctx,
  hour,
  lookup,
  minute,
  NOW,
  pending,
  play,
  taskIn,
  unclear,
  windowOf,
} from "../../test/sample.ts";
import { decide, type Signal } from "../state.ts";
import type { Orphan } from "../task.ts";

const answer: Signal = { kind: "answer", modal: {} };

describe("a callback and a look-up", () => {
  it("teach the same, and only callbacks are counted as such", () => {
    const seen = play(taskIn("SUBMITTED"), lookup("IN_PROGRESS"), lookup("SUCCESS")).task;
    expect(seen).toMatchObject({ status: "SUCCESS", callbacks: 0 });
    expect(play(taskIn("SUBMITTED"), callback("IN_PROGRESS"), callback("SUCCESS")).task.callbacks).toBe(2);
  });

  it("that name no id leave the one that was told", () => {
    const named = play(pending(), claim, callback("SUBMITTED", 1, { vendorTaskId: "relay" })).task;
    expect(play(named, callback("IN_PROGRESS")).task).toMatchObject({
      vendorTaskId: "relay",
      vendorTaskIdFrom: "report",
    });
    expect(play(named, callback("IN_PROGRESS", 1, { vendorTaskId: "newer" })).task.vendorTaskId).toBe("newer");
  });

  it("repeated word for word are not written down again", () => {
    const told = callback("SUBMITTED", 1, { vendorTaskId: "relay" });
    expect(play(pending(), claim, told, told).last).toEqual({ kind: "ignore", why: "duplicate" });
  });
});

describe("another attempt's report", () => {
  const orphans: Orphan[] = [
    { attempt: 3, vendorTaskId: "c", at: NOW },
    { attempt: 1, vendorTaskId: "a", at: NOW },
  ];

  it("while the task waits to be sent once more is no report of the one to come", () => {
    const waiting = taskIn("PENDING", { attempt: 2 });
    const { task } = play(waiting, callback("IN_PROGRESS", 1));
    expect(task).toMatchObject({ status: "PENDING", attempt: 2, orphans: [{ attempt: 1 }] });
  });

  it("wins with its own id, and leaves every other orphan listed", () => {
    const { task } = play(taskIn("SUBMITTED", { attempt: 2, vendorTaskId: "b", orphans }), callback("SUCCESS", 1));
    expect(task).toMatchObject({
      status: "SUCCESS",
      attempt: 2,
      endedBy: 1,
      vendorTaskId: "a",
      vendorTaskIdFrom: "report",
    });
    expect(task.orphans).toEqual([orphans[0], { attempt: 2, vendorTaskId: "b", at: NOW }]);
  });

  it("wins though only others had turned up before", () => {
    const { task } = play(taskIn("SUBMITTED", { attempt: 2, orphans: [orphans[0]!] }), callback("SUCCESS", 1));
    expect(task).toMatchObject({ status: "SUCCESS", endedBy: 1 });
  });

  it("wins under no id where nobody told one, and does not say who did", () => {
    const { task } = play(taskIn("SUBMITTED", { attempt: 2, vendorTaskId: "b" }), callback("SUCCESS", 1));
    expect([task.status, task.vendorTaskId, task.vendorTaskIdFrom]).toEqual(["SUCCESS", undefined, undefined]);
  });

  it.each([
    ["it was accepted", taskIn("SUBMITTED", { attempt: 2 }), 1],
    ["its id was told", taskIn("UNCLEAR", { attempt: 2, vendorTaskId: "b" }), 1],
    ["its window was answered", taskIn("UNCLEAR", { attempt: 2, phase: "modal" }), 1],
    ["it is only being sent", taskIn("SUBMITTING", { attempt: 2 }), 0],
  ] as const)("makes the latest an orphan where that is paid for: %s", (_, task, count) => {
    expect(play(task, callback("SUCCESS", 1)).task.orphans ?? []).toHaveLength(count);
  });
});

describe("an attempt that its vendor said it had not taken", () => {
  const places = [{ attempt: 1, provider: "old", account: "default", untaken: true as const }];
  const moved = taskIn("SUBMITTED", { attempt: 2, vendorTaskId: "b", previousLocations: places });

  it("and says once more that nothing came of it, is no news", () => {
    for (const status of ["FAILURE", "CANCEL"] as const) {
      expect(play(moved, callback(status, 1)).last).toEqual({ kind: "ignore", why: "superseded" });
    }
  });

  it("and runs all the same, is another submission", () => {
    expect(play(moved, callback("IN_PROGRESS", 1)).task.orphans).toMatchObject([{ attempt: 1 }]);
  });
});

describe("a window that is seen", () => {
  it("late leaves the time the task was taken; unannounced, it is that time", () => {
    const start = play(pending(), claim, accepted()).task;
    expect(play(start, minute, callback("MODAL")).task).toMatchObject({ status: "MODAL", submittedAt: NOW });
    expect(play(pending(), claim, minute, callback("MODAL")).task.submittedAt).toBe(NOW + minute);
  });

  it("by a look-up from before our answer went out is old news", () => {
    const sent = { ...play(pending(), claim, windowOf(), answer, claim, unclear()).task, rev: 7 };
    const stale = { ...lookup("MODAL"), rev: 6 } as Signal;
    expect(decide(sent, stale, ctx())).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("a look-up's 'submitted', while our answer is on its way, is from before it too", () => {
    const sent = play(pending(), claim, windowOf(), answer, claim).task;
    expect(sent).toMatchObject({ status: "SUBMITTING", phase: "modal" });
    expect(play(sent, lookup("SUBMITTED")).last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("an odd word about it, from a look-up in doubt, does not say that our answer was taken", () => {
    const doubted = play(pending(), claim, windowOf(), answer, claim, unclear()).task;
    const { task, last } = play(doubted, lookup(undefined, 1, { unknownStatus: "PAUSED" }));
    expect(last).toMatchObject({ kind: "record", why: "unknown-status" });
    expect(task).toMatchObject({ status: "UNCLEAR", unknownStatus: "PAUSED" });
  });
});

describe("a late end", () => {
  const ended = taskIn("SUCCESS", { endedAt: NOW, endedBy: 1 });

  it("repeated is one late end, and stays where it first was", () => {
    const { task } = play(ended, minute, callback("FAILURE"), hour, callback("FAILURE"));
    expect(task.late).toEqual({ status: "FAILURE", at: NOW + minute });
    expect(task.duplicates).toBe(2);
  });

  it("brings a picture only where it is a success", () => {
    const result = { imageUrl: "https://x/1.png" };
    expect(play(ended, callback("FAILURE", 1, { result })).task.late).toStrictEqual({ status: "FAILURE", at: NOW });
    const failed = taskIn("FAILURE", { endedAt: NOW, endedBy: 1 });
    expect(play(failed, callback("SUCCESS", 1, { result })).task.late).toStrictEqual({
      status: "SUCCESS",
      at: NOW,
      result,
    });
  });
});
