/** Called off by its app: what waits ends, what a vendor has or may have does not. */
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
  minute,
  missing,
  pending,
  play,
  unclear,
  windowOf,
} from "../test/sample.ts";
import { decide, type Signal } from "./state.ts";

const cancel: Signal = { kind: "cancel" };

describe("called off", () => {
  it.each<[string, Parameters<typeof play>[1][]]>([
    ["waiting for a worker", []],
    ["sent back by a busy vendor", [claim, busy()]],
    ["about to be sent again after a doubt", [claim, unclear(), hour, missing, missing]],
    ["at an open window", [claim, windowOf()]],
  ])("%s, it ends, typed, and waits for nothing", (_, before) => {
    const { task, last } = play(pending({ then: [{ press: "U1" }] }), ...before, cancel);
    expect(task).toMatchObject({ status: "CANCEL", failure: { code: "canceled" }, endedAt: expect.any(Number) });
    expect([task.due, task.leaseUntil]).toEqual([undefined, undefined]);
    expect(effects(last)).toEqual(["settle"]);
  });

  it.each<[string, Parameters<typeof play>[1][]]>([
    ["while its worker is at the vendor", [claim]],
    ["in doubt", [claim, unclear()]],
    ["taken", [claim, accepted()]],
    ["drawn", [claim, accepted(), callback("IN_PROGRESS")]],
    ["ended", [claim, accepted(), callback("SUCCESS")]],
  ])("%s, it goes on as if nothing had been said", (_, before) => {
    const { task } = play(pending(), ...before);
    expect(decide(task, cancel, ctx()).kind).toBe("ignore");
  });

  it("it is claimed no more, and a picture that comes all the same is kept beside it", () => {
    const { task } = play(pending(), claim, unclear(), hour, missing, missing, cancel);
    expect(decide(task, claim, ctx()).kind).toBe("ignore");
    expect(decide(task, due, ctx()).kind).toBe("ignore");
    const told = decide(
      task,
      callback("SUCCESS", 1, { vendorTaskId: "v1", result: { imageUrl: "https://x/1.png" } }),
      ctx(),
    );
    expect(told).toMatchObject({
      kind: "record",
      next: { status: "CANCEL", late: { status: "SUCCESS", result: { imageUrl: "https://x/1.png" } } },
    });
  });

  it("it is ended once", () => {
    const { task } = play(pending(), cancel);
    expect(play(task, minute, cancel).task).toEqual(task);
  });
});
