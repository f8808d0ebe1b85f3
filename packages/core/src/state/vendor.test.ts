import { describe, expect, it } from "vitest";
import {
  accepted,
  callback,
  claim,
  ctx,
  hour,
  lookup,
  minute,
  modalOpened,
  NOW,
  pending,
  play,
  taskIn,
  unclear,
} from "../../test/sample.ts";
import { decide, type Signal } from "../state.ts";
import type { Orphan } from "../task.ts";

const answer: Signal = { kind: "answer", modal: {} };

describe("reports from callbacks and look-ups", () => {
  it("callbacks and look-ups have the same effect, and only callbacks are counted as callbacks", () => {
    const seen = play(taskIn("SUBMITTED"), lookup("IN_PROGRESS"), lookup("SUCCESS")).task;
    expect(seen).toMatchObject({ status: "SUCCESS", callbacks: 0 });
    expect(play(taskIn("SUBMITTED"), callback("IN_PROGRESS"), callback("SUCCESS")).task.callbacks).toBe(2);
  });

  it("a report without id keeps the stored id, and a report with a new id replaces an id from a report", () => {
    const withId = play(pending(), claim, callback("SUBMITTED", 1, { vendorTaskId: "relay" })).task;
    expect(play(withId, callback("IN_PROGRESS")).task).toMatchObject({
      vendorTaskId: "relay",
      vendorTaskIdFrom: "report",
    });
    expect(play(withId, callback("IN_PROGRESS", 1, { vendorTaskId: "newer" })).task.vendorTaskId).toBe("newer");
  });

  it("an identical report is ignored as duplicate", () => {
    const submitted = callback("SUBMITTED", 1, { vendorTaskId: "relay" });
    expect(play(pending(), claim, submitted, submitted).last).toEqual({ kind: "ignore", why: "duplicate" });
  });
});

describe("the picture of a running task", () => {
  const drawn = (progress: number, previewUrl?: string) =>
    callback("IN_PROGRESS", 1, { progress, ...(previewUrl !== undefined && { previewUrl }) });

  it("is the one of the report that raised the progress, and gone after every end", () => {
    const started = play(taskIn("SUBMITTED"), drawn(15, "https://x.test/15")).task;
    expect(started.previewUrl).toBe("https://x.test/15");
    const later = play(started, drawn(62, "https://x.test/62")).task;
    expect(later.previewUrl).toBe("https://x.test/62");
    expect(play(later, drawn(78)).task).toMatchObject({ progress: 78, previewUrl: "https://x.test/62" });
    expect(play(later, callback("SUCCESS")).task.previewUrl).toBeUndefined();
    expect(play(later, callback("FAILURE")).task.previewUrl).toBeUndefined();
  });

  it("costs no write of its own, and a late report shows no older one", () => {
    const started = play(taskIn("SUBMITTED"), drawn(46, "https://x.test/46")).task;
    expect(play(started, drawn(46, "https://x.test/other")).last).toEqual({ kind: "ignore", why: "duplicate" });
    expect(play(started, drawn(31, "https://x.test/31")).last).toEqual({ kind: "ignore", why: "duplicate" });
    const full = play(started, lookup("IN_PROGRESS", 1, { progress: 100, previewUrl: "https://x.test/100" })).task;
    const again = { ...full, fullProgressAt: undefined, previewUrl: "https://x.test/kept" };
    const stalled = lookup("IN_PROGRESS", 1, { progress: 100, previewUrl: "https://x.test/again" });
    expect(play(again, stalled).task.previewUrl).toBe("https://x.test/kept");
  });

  it("of a later callback about SUBMITTED is not stored without progress", () => {
    const submitted = callback("SUBMITTED", 1, { previewUrl: "https://x.test/a" });
    expect(play(taskIn("SUBMITTED"), submitted).task.previewUrl).toBeUndefined();
  });
});

describe("report of another attempt", () => {
  const orphans: Orphan[] = [
    { attempt: 3, vendorTaskId: "c", at: NOW },
    { attempt: 1, vendorTaskId: "a", at: NOW },
  ];

  it("a report of an old attempt becomes an orphan if the task waits to be sent again after a newer attempt", () => {
    const waiting = taskIn("PENDING", { attempt: 2 });
    const { task } = play(waiting, callback("IN_PROGRESS", 1));
    expect(task).toMatchObject({ status: "PENDING", attempt: 2, orphans: [{ attempt: 1 }] });
  });

  it("a success wins with its own id, and all other orphans stay listed", () => {
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

  it("a success wins even if the attempt was not listed as orphan before", () => {
    const { task } = play(taskIn("SUBMITTED", { attempt: 2, orphans: [orphans[0]!] }), callback("SUCCESS", 1));
    expect(task).toMatchObject({ status: "SUCCESS", endedBy: 1 });
  });

  it("a success without any known id leaves the task without id and without source of the id", () => {
    const { task } = play(taskIn("SUBMITTED", { attempt: 2, vendorTaskId: "b" }), callback("SUCCESS", 1));
    expect([task.status, task.vendorTaskId, task.vendorTaskIdFrom]).toEqual(["SUCCESS", undefined, undefined]);
  });

  it.each([
    ["the vendor accepted it", taskIn("SUBMITTED", { attempt: 2 }), 1],
    ["its vendor task id is known", taskIn("UNCLEAR", { attempt: 2, vendorTaskId: "b" }), 1],
    ["its modal was answered", taskIn("UNCLEAR", { attempt: 2, phase: "modal" }), 1],
    ["its call is still running", taskIn("SUBMITTING", { attempt: 2 }), 0],
  ] as const)("the latest attempt becomes an orphan only if it is known to be paid: %s", (_, task, count) => {
    expect(play(task, callback("SUCCESS", 1)).task.orphans ?? []).toHaveLength(count);
  });
});

describe("report of an attempt that its vendor rejected before the root moved", () => {
  const locations = [{ attempt: 1, provider: "old", account: "default", untaken: true as const }];
  const moved = taskIn("SUBMITTED", { attempt: 2, vendorTaskId: "b", previousLocations: locations });

  it("a failure of that attempt is ignored", () => {
    for (const status of ["FAILURE", "CANCEL"] as const) {
      expect(play(moved, callback(status, 1)).last).toEqual({ kind: "ignore", why: "superseded" });
    }
  });

  it("progress of that attempt is recorded as orphan", () => {
    expect(play(moved, callback("IN_PROGRESS", 1)).task.orphans).toMatchObject([{ attempt: 1 }]);
  });
});

describe("report of a modal", () => {
  it("a late MODAL report keeps submittedAt, and the first report of a task sets it", () => {
    const start = play(pending(), claim, accepted()).task;
    expect(play(start, minute, callback("MODAL")).task).toMatchObject({ status: "MODAL", submittedAt: NOW });
    expect(play(pending(), claim, minute, callback("MODAL")).task.submittedAt).toBe(NOW + minute);
  });

  it("MODAL from a look-up before our modal answer was sent is ignored", () => {
    const sent = { ...play(pending(), claim, modalOpened(), answer, claim, unclear()).task, rev: 7 };
    const stale = { ...lookup("MODAL"), rev: 6 } as Signal;
    expect(decide(sent, stale, ctx())).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("SUBMITTED from a look-up while our modal answer is being sent is ignored as stale", () => {
    const sent = play(pending(), claim, modalOpened(), answer, claim).task;
    expect(sent).toMatchObject({ status: "SUBMITTING", phase: "modal" });
    expect(play(sent, lookup("SUBMITTED")).last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("an unknown status word from a look-up does not prove that an unclear modal answer was accepted", () => {
    const unclearAnswer = play(pending(), claim, modalOpened(), answer, claim, unclear()).task;
    const { task, last } = play(unclearAnswer, lookup(undefined, 1, { unknownStatus: "PAUSED" }));
    expect(last).toMatchObject({ kind: "record", why: "unknown-status" });
    expect(task).toMatchObject({ status: "UNCLEAR", unknownStatus: "PAUSED" });
  });
});

describe("late report", () => {
  const ended = taskIn("SUCCESS", { endedAt: NOW, endedBy: 1 });

  it("a late report that arrives twice is stored once, with the time of its first arrival", () => {
    const { task } = play(ended, minute, callback("FAILURE"), hour, callback("FAILURE"));
    expect(task.late).toEqual({ status: "FAILURE", at: NOW + minute });
    expect(task.duplicates).toBe(2);
  });

  it("a late report has a result only if it is a success", () => {
    const result = { imageUrl: "https://x/1.png" };
    expect(play(ended, callback("FAILURE", 1, { result })).task.late).toStrictEqual({ status: "FAILURE", at: NOW });
    const failed = taskIn("FAILURE", { endedAt: NOW, endedBy: 1 });
    expect(play(failed, callback("SUCCESS", 1, { result })).task.late).toStrictEqual({
      status: "SUCCESS",
      at: NOW,
      result,
      attempt: 1,
    });
  });
});
