/** Cancellation by the app: a waiting task ends, and a task that a vendor has or may have continues. */
import { describe, expect, it } from "vitest";
import {
  accepted,
  busy,
  callback,
  claim,
  ctx,
  due,
  effects,
  hour,
  lookupMiss,
  minute,
  modalOpened,
  pending,
  play,
  unclear,
} from "../test/sample.ts";
import { decide, type Signal } from "./state.ts";

const cancel: Signal = { kind: "cancel" };

describe("cancellation", () => {
  it.each<[string, Parameters<typeof play>[1][]]>([
    ["that waits for a worker", []],
    ["that the vendor answered with busy", [claim, busy()]],
    ["that is about to be sent again after an unclear submission", [claim, unclear(), hour, lookupMiss, lookupMiss]],
    ["with an open modal", [claim, modalOpened()]],
  ])("a task %s ends with the failure code canceled and no due time", (_, before) => {
    const { task, last } = play(pending({ then: [{ press: "U1" }] }), ...before, cancel);
    expect(task).toMatchObject({ status: "CANCEL", failure: { code: "canceled" }, endedAt: expect.any(Number) });
    expect([task.due, task.leaseUntil]).toEqual([undefined, undefined]);
    expect(effects(last)).toEqual(["settle"]);
  });

  it.each<[string, Parameters<typeof play>[1][]]>([
    ["that a worker is submitting", [claim]],
    ["whose submission is unclear", [claim, unclear()]],
    ["that the vendor accepted", [claim, accepted()]],
    ["that is in progress", [claim, accepted(), callback("IN_PROGRESS")]],
    ["that has ended", [claim, accepted(), callback("SUCCESS")]],
  ])("a task %s ignores the cancellation", (_, before) => {
    const { task } = play(pending(), ...before);
    expect(decide(task, cancel, ctx()).kind).toBe("ignore");
  });

  it("a canceled task cannot be claimed, and an image that arrives later is stored as late report", () => {
    const { task } = play(pending(), claim, unclear(), hour, lookupMiss, lookupMiss, cancel);
    expect(decide(task, claim, ctx()).kind).toBe("ignore");
    expect(decide(task, due, ctx()).kind).toBe("ignore");
    const decision = decide(
      task,
      callback("SUCCESS", 1, { vendorTaskId: "v1", result: { imageUrl: "https://x/1.png" } }),
      ctx(),
    );
    expect(decision).toMatchObject({
      kind: "record",
      next: { status: "CANCEL", late: { status: "SUCCESS", result: { imageUrl: "https://x/1.png" } } },
    });
  });

  it("a second cancellation changes nothing", () => {
    const { task } = play(pending(), cancel);
    expect(play(task, minute, cancel).task).toEqual(task);
  });
});
