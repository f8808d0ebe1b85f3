/** Calls without a clear response at a vendor with idempotency keys (P3). */
import { describe, expect, it } from "vitest";
import { accepted, busy, callback, ctx, due, effects, hour, minute, NOW, play, taskIn } from "../../test/sample.ts";
import { failure } from "../error.ts";
import { decide, type Signal } from "../state.ts";
import { TIMINGS } from "../timing.ts";

const unclear: Signal = { kind: "unclear", attempt: 1, canRepeat: true };
const repeat: Signal = { kind: "claim", call: "submit", repeat: true };
const dueAgain: Signal = { kind: "due", canRepeat: true };
const elsewhere = { to: { provider: "other", account: "a" } };
const SUBMITTING = taskIn("SUBMITTING", { due: NOW + minute, leaseUntil: NOW + minute });

describe("a call without a clear response", () => {
  it("is sent again after a short pause, with the same attempt number", () => {
    const { task, last } = play(SUBMITTING, unclear);
    expect(task).toMatchObject({ status: "UNCLEAR", unclearSince: NOW, attempt: 1 });
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: TIMINGS.busyMs }] });
    // The message may be lost.
    expect(task.due).toBe(NOW + TIMINGS.busyMs + TIMINGS.requeueMs);
    const again = play(task, TIMINGS.busyMs, repeat);
    expect(again.task).toMatchObject({ status: "SUBMITTING", attempt: 1, unclearSince: NOW });
    expect(effects(again.last)).toEqual(["call"]);
    expect(play(again.task, accepted(1, "v1")).task).toMatchObject({ status: "SUBMITTED", vendorTaskId: "v1" });
    expect(play(again.task, accepted(1, "v1")).task.unclearSince).toBeUndefined();
  });

  it("is not claimed without the repetition, nor for another call", () => {
    const { task } = play(SUBMITTING, unclear);
    for (const other of [
      { kind: "claim", call: "submit" },
      { ...repeat, call: "modal" },
    ] as Signal[])
      expect(decide(task, other, ctx()).kind).toBe("ignore");
  });

  it("stays unclear if the repetition finds the vendor busy, because the first call may have been accepted", () => {
    const { task, last } = play(SUBMITTING, unclear, TIMINGS.busyMs, repeat, busy(1, 90_000));
    expect(task).toMatchObject({ status: "UNCLEAR", unclearSince: NOW, attempt: 1 });
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: 90_000 }] });
  });

  it("stays unclear if the repetition finds the money gone, and does not move to another account", () => {
    const { task } = play(SUBMITTING, unclear, repeat, {
      kind: "refused",
      attempt: 1,
      failure: failure("vendor_out_of_money"),
      ...elsewhere,
    });
    expect(task).toMatchObject({ status: "UNCLEAR", provider: "sim", attempt: 1 });
  });

  it("fails if the repetition is refused for its content, because the vendor has no task of this key", () => {
    const { task } = play(SUBMITTING, unclear, repeat, {
      kind: "refused",
      attempt: 1,
      failure: failure("banned_prompt"),
    });
    expect(task).toMatchObject({ status: "FAILURE", failure: { code: "banned_prompt" } });
  });

  it("is settled by a callback, before and during the repetition", () => {
    expect(play(SUBMITTING, unclear, callback("SUCCESS")).task.status).toBe("SUCCESS");
    expect(play(SUBMITTING, unclear, repeat, callback("IN_PROGRESS")).task.status).toBe("IN_PROGRESS");
  });

  it("is sent again by the sweeper if the message was lost, or if a worker crashed after its claim", () => {
    const { task } = play(SUBMITTING, unclear);
    const swept = play(task, 2 * minute, dueAgain);
    expect(effects(swept.last)).toEqual(["enqueue"]);
    expect(swept.task).toMatchObject({ status: "UNCLEAR", unclearSince: NOW });
    const crashed = play({ ...SUBMITTING, due: NOW }, TIMINGS.leaseMs + minute, dueAgain);
    expect(crashed.task).toMatchObject({ status: "UNCLEAR", attempt: 1 });
    expect(effects(crashed.last)).toEqual(["enqueue"]);
  });

  it("fails after the time that a task may wait, and never gets another key", () => {
    const { task } = play(SUBMITTING, unclear);
    expect(play(task, TIMINGS.pendingMs.fast, dueAgain).task.status).toBe("UNCLEAR");
    const ended = play(task, TIMINGS.pendingMs.fast + 1, dueAgain).task;
    expect(ended).toMatchObject({ status: "FAILURE", attempt: 1, failure: { code: "submission_unclear" } });
  });

  it("is not sent again in a canceled flow, and its callback has the grace period", () => {
    const { task } = play(SUBMITTING, unclear);
    const waits = play(task, 2 * minute, due).task;
    expect(waits).toMatchObject({ status: "UNCLEAR", due: NOW + TIMINGS.graceMs.fast });
    // The worker then cancels it.
    expect(play(waits, hour, due).task.status).toBe("PENDING");
  });
});

it("a pause grows with the time for which the call has been unclear", () => {
  const { task } = play(SUBMITTING, unclear);
  const late = play(task, 20 * minute, repeat, unclear);
  expect(late.last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: TIMINGS.busyMaxMs }] });
});
