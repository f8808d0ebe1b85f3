import { describe, expect, it } from "vitest";
import { ctx, due, followed, minute, missing, NOW, play, second, taskIn } from "../../test/sample.ts";
import { EVENT_BITS } from "../event.ts";
import { decide, type Signal } from "../state.ts";
import { lookupPauseMs, TIMINGS } from "../timing.ts";

const told = (status: Extract<Signal, { kind: "notified" }>["status"]): Signal => ({ kind: "notified", status });

describe("a clock runs out after its last moment, not in it", () => {
  it.each([
    ["PENDING", TIMINGS.pendingMs.fast, {}],
    ["MODAL", TIMINGS.modalMs + TIMINGS.pendingMs.fast, { modal: {}, submittedAt: NOW }],
  ] as const)("%s", (status, patience, more) => {
    const task = taskIn(status, { ...more, createdAt: NOW, due: NOW });
    expect(play(task, patience, due).task.status).toBe(status);
    expect(play(task, patience + 1, due).task.status).toBe("EXPIRED");
  });

  it("an answered window's runs from when it was taken, not from when it was asked for", () => {
    const task = taskIn("MODAL", { modal: {}, due: NOW, submittedAt: NOW + 10 * minute });
    const patience = TIMINGS.modalMs + TIMINGS.pendingMs.fast;
    expect(play(task, patience + 10 * minute, due).task.status).toBe("MODAL");
    expect(play({ ...task, submittedAt: undefined }, patience + 1, due).task.status).toBe("EXPIRED");
  });
});

describe("a look at what is due", () => {
  it.each(["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const)(
    "asks the vendor about %s, and notes that it did",
    (status) => {
      const task = taskIn(status, {
        due: NOW,
        createdAt: NOW - 30 * minute,
        submittedAt: NOW - 8 * minute,
        vendorTaskId: "v",
      });
      const { last, task: left } = play(task, due);
      expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "lookup" }] });
      // By the age of the paid work, not of the wait before it.
      expect(left).toMatchObject({ lookups: 1, due: NOW + lookupPauseMs(8 * minute, TIMINGS) });
    },
  );

  it("of one never known to be taken is paced by its own age", () => {
    const task = taskIn("UNCLEAR", { due: NOW, createdAt: NOW - 8 * minute });
    expect(play(task, { kind: "due", canSearch: true }).task.due).toBe(NOW + lookupPauseMs(8 * minute, TIMINGS));
  });
});

describe("what was not found", () => {
  it("is sent again soon, and looked at should that get lost", () => {
    const { task, last } = play(
      taskIn("UNCLEAR", { vendorTaskId: "v1", vendorTaskIdFrom: "report" }),
      missing,
      missing,
    );
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "PENDING", due: NOW + TIMINGS.requeueMs });
    expect([task.vendorTaskId, task.vendorTaskIdFrom]).toEqual([undefined, undefined]);
  });

  it("is never sent again where the app forbade it", () => {
    const { task } = play(taskIn("UNCLEAR", { resubmit: "never" }), missing, missing);
    expect(task).toMatchObject({ status: "FAILURE", attempt: 1, failure: { code: "submission_unclear" } });
  });

  it.each(["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const)("of %s is counted, and moves nothing", (status) => {
    const { task, last } = play(taskIn(status), missing);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ status, lookupMisses: 1 });
  });
});

describe("an announcement", () => {
  const open = taskIn("MODAL", { pendingEffects: ["tell"], due: NOW, eventMask: EVENT_BITS.modal, submittedAt: NOW });

  it("of an open window is made again until somebody has kept it", () => {
    const { task, last } = play(open, second, due);
    expect(last).toMatchObject({ kind: "record", effects: [{ kind: "tell" }] });
    expect(task).toMatchObject({ status: "MODAL", due: NOW + second + TIMINGS.effectsMs, pendingEffects: ["tell"] });
  });

  it("that cannot be made does not keep a window open for ever", () => {
    expect(play(open, TIMINGS.modalMs, due).task.status).toBe("MODAL");
    expect(play(open, TIMINGS.modalMs + 1, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "modal_unanswered" },
    });
    const early = { ...open, submittedAt: NOW + minute };
    expect(play(early, TIMINGS.modalMs + minute, due).task.status).toBe("MODAL");
    const never = { ...open, submittedAt: undefined };
    expect(play(never, TIMINGS.modalMs + 1, due).task.status).toBe("EXPIRED");
  });

  it("kept, leaves the window its whole time", () => {
    const { task, last } = play(open, second, told("MODAL"));
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ status: "MODAL", due: NOW + second + TIMINGS.modalMs });
    expect(task.pendingEffects).toBeUndefined();
  });

  it("of an end, kept, is owed no more", () => {
    const { task } = play(taskIn("SUCCESS", { pendingEffects: ["archive", "tell"], due: NOW }), told("SUCCESS"));
    expect(task).toMatchObject({ pendingEffects: ["archive"], due: NOW });
    expect(play(task, told("SUCCESS")).last).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("of an earlier state pays nothing that came since", () => {
    const ended = taskIn("SUCCESS", { pendingEffects: ["tell"], due: NOW });
    expect(play(ended, told("MODAL")).last).toEqual({ kind: "ignore", why: "no-news" });
    expect(play(taskIn("MODAL"), told("MODAL")).last).toEqual({ kind: "ignore", why: "no-news" });
  });
});

describe("follow-ups known to be sent", () => {
  it("are noted, and nothing is started again", () => {
    const task = taskIn("SUCCESS", { then: [{ press: "U1" }], due: NOW });
    const { last } = play(task, followed);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
  });

  it("of a task that owes more leave the rest owed", () => {
    const task = taskIn("SUCCESS", { then: [{ press: "U1" }], due: NOW, pendingEffects: ["follow", "tell"] });
    expect(play(task, followed).task).toMatchObject({ pendingEffects: ["tell"], due: NOW });
  });

  it("of what has not ended, or owes nothing, are no news", () => {
    for (const task of [taskIn("SUBMITTED", { due: NOW }), taskIn("SUCCESS", { due: undefined })]) {
      expect(decide(task, followed, ctx())).toEqual({ kind: "ignore", why: "no-news" });
    }
  });
});
