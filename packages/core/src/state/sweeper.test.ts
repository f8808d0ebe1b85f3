import { describe, expect, it } from "vitest";
import { ctx, due, followUpsStarted, lookupMiss, minute, NOW, play, second, taskIn } from "../../test/sample.ts";
import { EVENT_BITS } from "../event.ts";
import { decide, type Signal } from "../state.ts";
import { lookupPauseMs, TIMINGS } from "../timing.ts";

const notified = (status: Extract<Signal, { kind: "notified" }>["status"]): Signal => ({ kind: "notified", status });

describe("maximum waits", () => {
  it.each([
    ["PENDING", TIMINGS.pendingMs.fast, {}],
    ["MODAL", TIMINGS.modalMs + TIMINGS.pendingMs.fast, { modal: {}, submittedAt: NOW }],
  ] as const)("a task in %s expires after its maximum wait of %i ms, not at it", (status, maxWaitMs, more) => {
    const task = taskIn(status, { ...more, createdAt: NOW, due: NOW });
    expect(play(task, maxWaitMs, due).task.status).toBe(status);
    expect(play(task, maxWaitMs + 1, due).task.status).toBe("EXPIRED");
  });

  it("the maximum wait of an answered modal starts at submittedAt, or at createdAt if that is unset", () => {
    const task = taskIn("MODAL", { modal: {}, due: NOW, submittedAt: NOW + 10 * minute });
    const maxWaitMs = TIMINGS.modalMs + TIMINGS.pendingMs.fast;
    expect(play(task, maxWaitMs + 10 * minute, due).task.status).toBe("MODAL");
    expect(play({ ...task, submittedAt: undefined }, maxWaitMs + 1, due).task.status).toBe("EXPIRED");
  });
});

describe("look-ups of due tasks", () => {
  it.each(["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const)(
    "a due task in %s is looked up, and the look-up is counted",
    (status) => {
      const task = taskIn(status, {
        due: NOW,
        createdAt: NOW - 30 * minute,
        submittedAt: NOW - 8 * minute,
        vendorTaskId: "v",
      });
      const { last, task: next } = play(task, due);
      expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "lookup" }] });
      // The pause depends on the time since the submission, not on the wait before it.
      expect(next).toMatchObject({ lookups: 1, due: NOW + lookupPauseMs(8 * minute, TIMINGS) });
    },
  );

  it("the pause of a task that was never known to be accepted depends on its age", () => {
    const task = taskIn("UNCLEAR", { due: NOW, createdAt: NOW - 8 * minute });
    expect(play(task, { kind: "due", canSearch: true }).task.due).toBe(NOW + lookupPauseMs(8 * minute, TIMINGS));
  });
});

describe("an unclear submission at a vendor that cannot be searched for it", () => {
  const GRACE = TIMINGS.graceMs.fast;
  const endOnly: Signal = { kind: "due", endOnly: true };

  it("is submitted again when it is due, because a vendor with progress would have sent some", () => {
    expect(play(taskIn("UNCLEAR", { due: NOW }), due).task.status).toBe("PENDING");
  });

  it("waits a second grace period if the vendor sends nothing before the end", () => {
    const first = play(taskIn("UNCLEAR", { due: NOW }), endOnly);
    expect(first.task).toMatchObject({ status: "UNCLEAR", unprovenSince: NOW, due: NOW + GRACE });
    expect(play(first.task, GRACE - 1, endOnly).task.status).toBe("UNCLEAR");
    expect(play(first.task, GRACE, endOnly).task.status).toBe("PENDING");
  });
});

describe("a look-up that does not prove the absence of the task", () => {
  const unproven: Signal = { kind: "lookupMiss", unproven: true };
  const GRACE = TIMINGS.graceMs.fast;

  it("leaves an UNCLEAR task as it is for a second grace period, and then counts as a lost submission", () => {
    const first = play(taskIn("UNCLEAR"), unproven);
    expect(first.last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(first.task).toMatchObject({ status: "UNCLEAR", unprovenSince: NOW, lookupMisses: 0 });
    expect(play(first.task, GRACE - 1, unproven).last).toEqual({ kind: "ignore", why: "no-news" });
    const { task, last } = play(first.task, GRACE, unproven);
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "PENDING" });
    // The next unclear submission of the task has its own time.
    expect(task.unprovenSince).toBeUndefined();
  });

  it("does not change the number of proven misses, in whatever order they come", () => {
    const { task } = play(taskIn("UNCLEAR"), lookupMiss, unproven, unproven);
    expect(task).toMatchObject({ status: "UNCLEAR", lookupMisses: 1 });
    expect(play(task, lookupMiss).task.status).toBe("PENDING");
  });

  it("ends the task if its app wants no second submission", () => {
    const { task } = play(taskIn("UNCLEAR", { resubmit: "never" }), unproven, GRACE, unproven);
    expect(task).toMatchObject({ status: "FAILURE", failure: { code: "submission_unclear" } });
  });

  it.each(["PENDING", "SUBMITTING", "SUBMITTED", "IN_PROGRESS", "MODAL"] as const)(
    "is ignored for a task in %s",
    (status) => {
      const { last } = play(taskIn(status), unproven, 10 * GRACE, unproven);
      expect(last).toEqual({ kind: "ignore", why: "not-waiting" });
    },
  );
});

describe("lookupMiss", () => {
  it("a lost submission is sent again, with a due time in case the message is lost", () => {
    const { task, last } = play(
      taskIn("UNCLEAR", { vendorTaskId: "v1", vendorTaskIdFrom: "report" }),
      lookupMiss,
      lookupMiss,
    );
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "PENDING", due: NOW + TIMINGS.requeueMs });
    expect([task.vendorTaskId, task.vendorTaskIdFrom]).toEqual([undefined, undefined]);
  });

  // Seed 1378 of the simulation: a task that waited an hour for its lost submission ended as parent_not_ready.
  it("what a task waited for before a lost submission is not the reason of its later end", () => {
    const waited = taskIn("UNCLEAR", { busyAnswers: 2, busyAbout: "parent" });
    const { task } = play(waited, lookupMiss, lookupMiss);
    expect(task).toMatchObject({ status: "PENDING", busyAnswers: 0 });
    expect(task.busyAbout).toBeUndefined();
    const { task: ended } = play(task, TIMINGS.pendingMs.fast + 1, due);
    expect(ended).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
  });

  it('a lost submission is not sent again if resubmit is "never"', () => {
    const { task } = play(taskIn("UNCLEAR", { resubmit: "never" }), lookupMiss, lookupMiss);
    expect(task).toMatchObject({ status: "FAILURE", attempt: 1, failure: { code: "submission_unclear" } });
  });

  it.each(["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const)(
    "the first miss of a task in %s is counted and does not change the status",
    (status) => {
      const { task, last } = play(taskIn(status), lookupMiss);
      expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
      expect(task).toMatchObject({ status, lookupMisses: 1 });
    },
  );
});

describe("pending notifications", () => {
  const open = taskIn("MODAL", { pendingEffects: ["tell"], due: NOW, eventMask: EVENT_BITS.modal, submittedAt: NOW });

  it("the notification of an open modal is repeated until it is stored", () => {
    const { task, last } = play(open, second, due);
    expect(last).toMatchObject({ kind: "record", effects: [{ kind: "tell" }] });
    expect(task).toMatchObject({ status: "MODAL", due: NOW + second + TIMINGS.effectsMs, pendingEffects: ["tell"] });
  });

  it("a modal expires after modalMs even if its notification cannot be stored", () => {
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

  it("after the notification of a modal the app has the whole modalMs", () => {
    const { task, last } = play(open, second, notified("MODAL"));
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ status: "MODAL", due: NOW + second + TIMINGS.modalMs });
    expect(task.pendingEffects).toBeUndefined();
  });

  it("the stored notification of an end completes the pending effect once", () => {
    const { task } = play(taskIn("SUCCESS", { pendingEffects: ["archive", "tell"], due: NOW }), notified("SUCCESS"));
    expect(task).toMatchObject({ pendingEffects: ["archive"], due: NOW });
    expect(play(task, notified("SUCCESS")).last).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("a notification for an earlier status does not complete the current one", () => {
    const ended = taskIn("SUCCESS", { pendingEffects: ["tell"], due: NOW });
    expect(play(ended, notified("MODAL")).last).toEqual({ kind: "ignore", why: "no-news" });
    expect(play(taskIn("MODAL"), notified("MODAL")).last).toEqual({ kind: "ignore", why: "no-news" });
  });
});

describe("followUpsStarted", () => {
  it("started follow-ups are recorded without effects", () => {
    const task = taskIn("SUCCESS", { then: [{ press: "U1" }], due: NOW });
    const { last } = play(task, followUpsStarted);
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
  });

  it("other pending effects of the task stay", () => {
    const task = taskIn("SUCCESS", { then: [{ press: "U1" }], due: NOW, pendingEffects: ["follow", "tell"] });
    expect(play(task, followUpsStarted).task).toMatchObject({ pendingEffects: ["tell"], due: NOW });
  });

  it("the signal is ignored for a task that has not ended or has no pending effects", () => {
    for (const task of [taskIn("SUBMITTED", { due: NOW }), taskIn("SUCCESS", { due: undefined })]) {
      expect(decide(task, followUpsStarted, ctx())).toEqual({ kind: "ignore", why: "no-news" });
    }
  });
});
