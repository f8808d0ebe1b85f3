/** Tests of the state machine, grouped by its rules (state.ts). Random orders are in state.property.test.ts. */
import { describe, expect, it } from "vitest";
import {
  accepted,
  busy,
  callback,
  claim,
  ctx,
  due,
  effects,
  followUpsStarted,
  hour,
  lookup,
  lookupMiss,
  minute,
  modalOpened,
  NOW,
  pending,
  play,
  report,
  second,
  taskIn,
  unclear,
} from "../test/sample.ts";
import { FAILURES, failure } from "./error.ts";
import { SUBMIT_LEASE_MS } from "./limit.ts";
import type { ReportStatus } from "./report.ts";
import { decide, failureOf, isPastDeadline, type Signal, TRANSITIONS } from "./state.ts";
import { ENDED, isEnded, STATUSES, type Task } from "./task.ts";
import { TIMINGS } from "./timing.ts";

const LEASE_OVER = SUBMIT_LEASE_MS + 1;
const GRACE_OVER = TIMINGS.graceMs.fast + 1;
const DEADLINE_OVER = TIMINGS.deadlineMs.fast + 1;
const ended = [...ENDED];

/** One signal of every kind, as it can still arrive after the end. */
const lateSignals: Signal[] = [
  claim,
  accepted(),
  modalOpened(),
  { kind: "refused", attempt: 1, failure: failure("vendor_refused") },
  busy(),
  unclear(),
  lookupMiss,
  { kind: "due", canSearch: true },
  followUpsStarted,
  { kind: "answer", modal: {} },
  { kind: "abandon", failure: failure("dead_letter") },
  { kind: "adopt" },
  { kind: "adoptionDone" },
  { kind: "retried" },
  ...(["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", undefined] as const).map((s) =>
    callback(s),
  ),
];

describe("T1: an ended task changes its status only if a late success is adopted", () => {
  it.each(ended)("%s stays unchanged for every signal of a vendor, a worker or the app", (status) => {
    for (const signal of lateSignals) {
      const task = taskIn(status, { endedAt: NOW, endedBy: 1, due: NOW - 1 });
      const { task: next } = play(task, signal);
      expect(next, signal.kind).toMatchObject({ status, endedAt: NOW, progress: task.progress });
      expect(next.result, signal.kind).toBe(task.result);
      expect(next.failure, signal.kind).toBe(task.failure);
    }
  });

  it("a repeated end is counted and changes nothing", () => {
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), callback("SUCCESS"));
    expect(last).toMatchObject({ kind: "record", why: "duplicate", effects: [] });
    expect(task).toMatchObject({ status: "SUCCESS", duplicates: 1 });
  });

  it("many duplicates cost a limited number of writes", () => {
    const flood = Array.from({ length: 500 }, () => callback("SUCCESS"));
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), ...flood);
    expect(task.duplicates).toBe(99);
    expect(last).toEqual({ kind: "ignore", why: "duplicate" });
  });

  it("a different end that is reported later is stored as late report", () => {
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), 7, callback("FAILURE"));
    expect(last).toMatchObject({ kind: "record", why: "ended" });
    expect(task).toMatchObject({ status: "SUCCESS", late: { status: "FAILURE", at: NOW + 7 } });
    expect(task.failure).toBeUndefined();
  });

  it("late ends that alternate cost a limited number of writes", () => {
    const flips = Array.from({ length: 300 }, (_, i) => callback(i % 2 ? "FAILURE" : "CANCEL"));
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), ...flips);
    expect(task.duplicates).toBe(99);
    expect(last.kind).toBe("ignore");
  });

  it("the first late end is stored even from a look-up, which counts no duplicate", () => {
    const { task } = play(pending(), claim, accepted(), callback("FAILURE"), lookup("SUCCESS"), lookup("FAILURE"));
    expect(task).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" }, duplicates: 0 });
  });

  it("a success after our own deadline is stored as late report", () => {
    const { task } = play(
      pending(),
      claim,
      accepted(),
      DEADLINE_OVER,
      { kind: "abandon", failure: failure("deadline_passed") },
      callback("SUCCESS"),
    );
    expect(task).toMatchObject({ status: "EXPIRED", late: { status: "SUCCESS" }, duplicates: 1 });
  });

  it("a late image is stored after our deadline or a vendor failure, and no later end replaces it", () => {
    const result = { imageUrl: "https://x/1.png" };
    const deadlinePassed: Signal = { kind: "abandon", failure: failure("deadline_passed") };
    for (const firstEnd of [[DEADLINE_OVER, deadlinePassed], [callback("FAILURE")]]) {
      const endedTask = play(pending(), claim, accepted(), ...firstEnd).task;
      const { task } = play(endedTask, callback("SUCCESS", 1, { result }), callback("CANCEL"), callback("FAILURE"));
      expect(task).toMatchObject({ status: endedTask.status, late: { status: "SUCCESS", result } });
    }
  });

  it("progress after the end is ignored as stale", () => {
    const { last } = play(pending(), claim, accepted(), callback("SUCCESS"), callback("IN_PROGRESS"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("a submit response that arrives after the end still sets the id for presses", () => {
    const { task, last } = play(
      pending(),
      claim,
      callback("SUCCESS", 1, { vendorTaskId: "relay" }),
      accepted(1, "own"),
    );
    expect(last).toMatchObject({ kind: "record", effects: [] });
    expect(task).toMatchObject({ status: "SUCCESS", vendorTaskId: "own", vendorTaskIdFrom: "answer" });
    expect(decide(task, accepted(1, "own"), ctx())).toEqual({ kind: "ignore", why: "ended" });
  });
});

describe("T2: no report sets an earlier status or a lower progress", () => {
  it("a progress below the stored one is ignored", () => {
    const { task, last } = play(
      pending(),
      claim,
      accepted(),
      callback("IN_PROGRESS", 1, { progress: 93 }),
      callback("IN_PROGRESS", 1, { progress: 31 }),
    );
    expect(last).toEqual({ kind: "ignore", why: "duplicate" });
    expect(task.progress).toBe(93);
  });

  it("a later status with a lower progress or none keeps the stored progress", () => {
    const submitted = play(pending(), claim, callback("SUBMITTED", 1, { progress: 15 })).task;
    for (const progress of [undefined, 0, 14]) {
      expect(play(submitted, callback("IN_PROGRESS", 1, { progress })).task).toMatchObject({
        status: "IN_PROGRESS",
        progress: 15,
      });
    }
  });

  it("SUBMITTED after IN_PROGRESS is stale, but a higher progress in it is stored", () => {
    const start = play(pending(), claim, accepted(), callback("IN_PROGRESS", 1, { progress: 31 })).task;
    expect(play(start, callback("SUBMITTED")).last).toEqual({ kind: "ignore", why: "stale" });
    expect(play(start, callback("SUBMITTED", 1, { progress: 46 })).task).toMatchObject({
      status: "IN_PROGRESS",
      progress: 46,
    });
  });

  it("higher progress without a status transition is stored without effects", () => {
    const { last } = play(
      pending(),
      claim,
      accepted(),
      callback("IN_PROGRESS"),
      callback("IN_PROGRESS", 1, { progress: 62 }),
    );
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [], next: { progress: 62, callbacks: 2 } });
  });

  it("an older status from a lagging relay changes nothing", () => {
    const { last } = play(pending(), claim, accepted(), callback("IN_PROGRESS"), lookup("NOT_START"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("SUBMITTED for a task with an open modal is ignored as stale", () => {
    const { task, last } = play(pending(), claim, modalOpened(), callback("SUBMITTED"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
    expect(task.status).toBe("MODAL");
  });

  it("MODAL for a task in progress is ignored as stale", () => {
    const { last } = play(pending(), claim, accepted(), callback("IN_PROGRESS"), callback("MODAL"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("a second report of an open modal is ignored as duplicate", () => {
    const { last } = play(pending(), claim, modalOpened(), callback("MODAL"));
    expect(last).toEqual({ kind: "ignore", why: "duplicate" });
  });

  it("a failure keeps the stored progress, and a success sets 100", () => {
    const start = play(pending(), claim, accepted(), callback("IN_PROGRESS", 1, { progress: 46 })).task;
    expect(play(start, callback("FAILURE", 1, { progress: 100 })).task.progress).toBe(46);
    expect(play(start, callback("SUCCESS")).task.progress).toBe(100);
  });
});

describe("T4: every status that waits has a due time", () => {
  it("a task has a due time at each step of a normal run until its follow-ups are started", () => {
    let task = pending({ then: [{ press: "U1" }] });
    for (const signal of [claim, accepted(), callback("IN_PROGRESS"), callback("SUCCESS")]) {
      task = play(task, signal).task;
      expect(task.due, task.status).toBeGreaterThan(NOW);
    }
    task = play(task, followUpsStarted).task;
    expect(task.due).toBeUndefined();
    expect(play(task, followUpsStarted).last).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("an end without follow-ups has no due time", () => {
    for (const status of ["SUCCESS", "FAILURE", "CANCEL"] as const) {
      const { task, last } = play(pending(), claim, accepted(), callback(status));
      expect(task.due, status).toBeUndefined();
      expect(effects(last)).toEqual(["settle"]);
    }
  });

  it("only a success starts follow-ups, and it stays due until they are known to be sent", () => {
    const start = play(pending({ then: [{ press: "U1" }] }), claim, accepted()).task;
    const { task, last } = play(start, callback("SUCCESS"));
    expect(effects(last)).toEqual(["follow"]);
    expect(task.due).toBe(NOW + TIMINGS.effectsMs);
    const again = play(task, TIMINGS.effectsMs, due);
    expect(effects(again.last)).toEqual(["follow"]);
    expect(again.task.due).toBe(again.now + TIMINGS.effectsMs);
    expect(effects(play(start, callback("FAILURE")).last)).toEqual(["settle"]);
  });

  it("a due signal before the due time, or without one, is ignored", () => {
    expect(play(pending(), due).last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(play(taskIn("SUCCESS", { due: undefined }), hour, due).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it.each([
    ["calling", TIMINGS.quietMs.fast],
    ["unknown", TIMINGS.unknownMs],
    ["silent", TIMINGS.silentMs],
    ["instant", TIMINGS.instantMs],
  ] as const)("the first look-up of a task at an account with '%s' callbacks is after %i ms", (expected, wait) => {
    const { task } = play(pending(), claim, { ...accepted(), expect: expected });
    expect(task.due).toBe(NOW + wait);
  });

  it("a callback postpones the next look-up, and a look-up keeps the due time that the sweeper set", () => {
    const start = play(pending(), claim, { ...accepted(), expect: "silent" }).task;
    const afterCallback = play(start, callback("IN_PROGRESS"));
    expect(afterCallback.task.due).toBe(NOW + TIMINGS.quietMs.fast);
    const { task, now } = play(start, TIMINGS.silentMs, due, lookup("IN_PROGRESS"));
    expect(task.due).toBe(now + TIMINGS.lookupMs);
  });
});

describe("P1: a claim with attempt and lease is saved before the vendor is called", () => {
  it("the call is an effect of the decision that raises the attempt", () => {
    const { task, last } = play(pending(), { kind: "claim", call: "submit", customId: "MJ::JOB::upsample::1::x" });
    expect(effects(last)).toEqual(["call"]);
    expect(task).toMatchObject({
      status: "SUBMITTING",
      attempt: 1,
      phase: "submit",
      leaseUntil: NOW + SUBMIT_LEASE_MS,
      customId: "MJ::JOB::upsample::1::x",
    });
  });

  it("a response at the end of the lease is accepted", () => {
    const { task } = play(pending(), claim, SUBMIT_LEASE_MS - 1, accepted());
    expect(task).toMatchObject({ status: "SUBMITTED", leaseUntil: undefined, busyAnswers: 0 });
  });

  it("a claim of a task that waits for the vendor or has ended is ignored", () => {
    for (const status of ["UNCLEAR", "SUBMITTED", "IN_PROGRESS", "MODAL"] as const) {
      expect(play(taskIn(status), claim).last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
    for (const status of ended) expect(play(taskIn(status), claim).last).toEqual({ kind: "ignore", why: "ended" });
  });
});

describe("a signal of a worker that prepared a call for an account", () => {
  const at = (account: string) => ({ provider: "yunwu", account });
  const prepared = (account: string): Signal[] => [
    { kind: "claim", call: "submit", at: at(account) },
    { kind: "wait", why: "full", at: at(account) },
    { kind: "abandon", failure: failure("provider_missing"), at: at(account) },
  ];

  it("is ignored if the root has moved to another account meanwhile", () => {
    const task = taskIn("PENDING", { ...at("b") });
    for (const signal of prepared("a"))
      expect(play(task, signal).last, signal.kind).toEqual({ kind: "ignore", why: "not-waiting" });
    const elsewhere: Signal = { kind: "claim", call: "submit", at: { provider: "other", account: "b" } };
    expect(play(task, elsewhere).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("counts if the task is still there", () => {
    const task = taskIn("PENDING", { ...at("a") });
    expect(prepared("a").map((signal) => play(task, signal).task)).toMatchObject([
      { status: "SUBMITTING" },
      { status: "PENDING", waits: "full" },
      { status: "FAILURE" },
    ]);
  });
});

describe("P2: the outcome of a call is accepted, refused, busy or unclear", () => {
  it("an accepted task stores the vendor task id and the ids of its siblings", () => {
    const { task } = play(pending(), claim, { ...accepted(1, "a"), siblings: ["b", "c"] });
    expect(task).toMatchObject({
      status: "SUBMITTED",
      vendorTaskId: "a",
      vendorSiblings: ["b", "c"],
      submittedAt: NOW,
    });
  });

  it("a rejected task fails and is never sent again", () => {
    const why = failure("banned_prompt", { vendor: { bannedWord: "x" } });
    const { task, last } = play(pending(), claim, { kind: "refused", attempt: 1, failure: why });
    expect(task).toMatchObject({ status: "FAILURE", failure: why, attempt: 1 });
    expect(effects(last)).toEqual(["settle"]);
    expect(play(task, claim).last.kind).toBe("ignore");
  });

  it("a late rejection ends an unclear task, but a rejection of a superseded attempt does not", () => {
    const why = failure("vendor_refused");
    const unclearTask = play(pending(), claim, unclear()).task;
    expect(play(unclearTask, { kind: "refused", attempt: 1, failure: why }).task.status).toBe("FAILURE");
    const second = play(unclearTask, GRACE_OVER, due, claim).task;
    expect(play(second, { kind: "refused", attempt: 1, failure: why }).last).toEqual({
      kind: "ignore",
      why: "superseded",
    });
  });

  it("a rejection after a callback has shown acceptance is ignored", () => {
    const why = failure("vendor_refused");
    const { task } = play(pending(), claim, callback("SUBMITTED"), { kind: "refused", attempt: 1, failure: why });
    expect(task.status).toBe("SUBMITTED");
  });

  it("a busy response releases the attempt number", () => {
    const { task, last } = play(pending(), claim, busy());
    expect(task).toMatchObject({ status: "PENDING", attempt: 0, busyAnswers: 1, leaseUntil: undefined });
    expect(last).toMatchObject({ effects: [{ kind: "wait" }] });
    expect(task).toMatchObject({ waits: "busy", due: NOW + TIMINGS.pendingMs.fast + 1 });
    expect(play(task, claim).task).toMatchObject({ attempt: 1, waits: undefined });
  });

  it("a press waits for its parent by messages: the pause doubles up to its maximum", () => {
    const pauses: number[] = [];
    let task = pending();
    for (let i = 0; i < 5; i++) {
      const signal: Signal = { kind: "busy", attempt: 1, chance: 1, about: "parent", until: NOW + hour };
      const { last, task: next } = play(task, claim, signal);
      if (last.kind === "move" && last.effects[0]?.kind === "enqueue") pauses.push(last.effects[0].delayMs);
      task = next;
    }
    expect(pauses).toEqual([3, 6, 12, 24, 48].map((s) => s * second));
  });

  it("while a task waits for a busy account, its flow's due time covers the end of its waiting time", () => {
    const covered = { ...pending(), due: NOW + 5 * minute, flowDue: NOW + 5 * minute };
    const end = NOW + TIMINGS.pendingMs.fast + 1;
    const { task } = play(covered, claim, busy());
    expect([task.due, task.flowDue]).toEqual([end, end]);
    // It leaves the list with the due time of a new task, so a crash after the claim is found as soon as for a new task.
    const { task: claimed } = play(task, 20 * minute, claim);
    expect([claimed.due, claimed.flowDue]).toEqual([NOW + 25 * minute, NOW + 25 * minute]);
  });

  it("a task whose waiting time ends before its flow is due gets its own due entry", () => {
    const covered = { ...pending(), due: NOW + hour, flowDue: NOW + hour };
    const { task } = play(covered, 57 * minute, claim, busy());
    expect([task.due, task.flowDue]).toEqual([NOW + TIMINGS.pendingMs.fast + 1, 0]);
  });

  it("a busy response after pendingMs expires the task with vendor_busy", () => {
    const { task } = play(pending(), hour + 1, claim, busy());
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_busy" } });
  });

  it("an outcome of a superseded attempt is ignored", () => {
    const second = play(pending(), claim, unclear(), GRACE_OVER, due, claim).task;
    expect(second).toMatchObject({ status: "SUBMITTING", attempt: 2 });
    expect(play(second, busy(1)).last).toEqual({ kind: "ignore", why: "superseded" });
    expect(play(second, unclear(1)).last).toEqual({ kind: "ignore", why: "superseded" });
  });

  it.each(["busy", "unclear"] as const)("the outcome %s is ignored after a callback has shown acceptance", (kind) => {
    const answer = kind === "busy" ? busy() : unclear();
    const { task, last } = play(pending(), claim, callback("IN_PROGRESS"), answer);
    expect(last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(task.status).toBe("IN_PROGRESS");
    expect(play(task, callback("SUCCESS"), answer).last).toEqual({ kind: "ignore", why: "ended" });
  });

  it("if the vendor answers busy but accepts the task, the released attempt becomes the current one again", () => {
    const { task } = play(pending(), claim, busy(), callback("IN_PROGRESS", 1, { vendorTaskId: "x" }));
    expect(task).toMatchObject({ status: "IN_PROGRESS", attempt: 1, vendorTaskId: "x" });
    expect(play(task, claim).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("a success of a busy attempt after the task expired is stored as late report", () => {
    const { task } = play(pending(), claim, busy(), 2 * hour, due, callback("SUCCESS", 1));
    expect(task).toMatchObject({ status: "EXPIRED", late: { status: "SUCCESS" } });
  });
});

describe("early callbacks", () => {
  it("a callback before the submit response changes the status, and the response still sets the id", () => {
    const { task, last } = play(
      pending(),
      claim,
      callback("IN_PROGRESS", 1, { vendorTaskId: "relay" }),
      accepted(1, "own"),
    );
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ status: "IN_PROGRESS", vendorTaskId: "own", vendorTaskIdFrom: "answer" });
    expect(task.leaseUntil).toBeUndefined();
    expect(decide(task, accepted(1, "own"), ctx())).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("the submit response confirms an id from a report", () => {
    const { task } = play(pending(), claim, callback("SUBMITTED", 1, { vendorTaskId: "v1" }), accepted(1, "v1"));
    expect(task).toMatchObject({ vendorTaskId: "v1", vendorTaskIdFrom: "answer" });
    expect(play(task, accepted(1, "other")).task.vendorTaskId).toBe("other");
  });

  it("a repeated report without an id is ignored", () => {
    expect(play(pending(), claim, callback("SUBMITTED"), callback("SUBMITTED")).last).toEqual({
      kind: "ignore",
      why: "duplicate",
    });
  });

  it("the id of a report never replaces the id of the submit response", () => {
    const { task } = play(pending(), claim, accepted(1, "own"), callback("SUCCESS", 1, { vendorTaskId: "relay" }));
    expect(task.vendorTaskId).toBe("own");
  });

  it("the first report with an id is stored even if it contains nothing else that is new", () => {
    const start = play(pending(), claim, callback("SUBMITTED")).task;
    const { task } = play(start, callback("SUBMITTED", 1, { vendorTaskId: "v" }));
    expect(task).toMatchObject({ vendorTaskId: "v", vendorTaskIdFrom: "report" });
  });

  it("a modal in the submit response opens even after an early SUBMITTED callback", () => {
    const { task } = play(pending({ modal: { prompt: "p" } }), claim, callback("SUBMITTED"), modalOpened());
    expect(task.status).toBe("MODAL");
  });

  it.each(["SUCCESS", "FAILURE", "CANCEL"] as const)(
    "a %s callback before the submit response ends the task",
    (status) => {
      const { task } = play(pending(), claim, callback(status), accepted());
      expect(task).toMatchObject({ status, endedBy: 1, vendorTaskId: "v1" });
    },
  );
});

describe("P3: an unclear submission is sent again only after its grace period and two look-ups, if possible", () => {
  it("an unclear task waits for its callback during the grace period", () => {
    const { task, last } = play(pending(), claim, unclear());
    expect(task).toMatchObject({ status: "UNCLEAR", attempt: 1, due: NOW + TIMINGS.graceMs.fast });
    expect(effects(last)).toEqual([]);
    expect(play(task, TIMINGS.graceMs.fast - 1, due).last.kind).toBe("ignore");
    expect(play(task, claim).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("after the grace period the task is looked up if the vendor can be searched without an id", () => {
    const { task, last } = play(pending(), claim, unclear(), GRACE_OVER, { kind: "due", canSearch: true });
    expect(effects(last)).toEqual(["lookup"]);
    expect(task.status).toBe("UNCLEAR");
  });

  it("after one miss the task is looked up again, because a list of recent tasks may lag", () => {
    const search: Signal = { kind: "due", canSearch: true };
    const { task, last, now } = play(pending(), claim, unclear(), GRACE_OVER, search, lookupMiss);
    expect(last).toMatchObject({ kind: "record", effects: [] });
    expect(task).toMatchObject({ status: "UNCLEAR", attempt: 1, lookupMisses: 1 });
    expect(task.due! - now, "the list may show the task by then").toBeGreaterThan(minute);
    expect(effects(play(task, task.due! - NOW, search).last)).toEqual(["lookup"]);
  });

  it("a task that the second look-up finds is not sent again", () => {
    const { task } = play(pending(), claim, unclear(), GRACE_OVER, lookupMiss, lookup("IN_PROGRESS"), lookupMiss);
    expect(task).toMatchObject({ status: "IN_PROGRESS", attempt: 1, lookupMisses: 1 });
  });

  it("after two misses the task is sent again as attempt 2", () => {
    const { task, last } = play(pending(), claim, unclear(), GRACE_OVER, lookupMiss, lookupMiss);
    expect(task.lookupMisses, "two look-ups are needed after the next unclear submission too").toBe(0);
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "PENDING", attempt: 1, vendorTaskId: undefined });
    expect(play(task, claim).task.attempt).toBe(2);
  });

  it("if no look-up is possible, the task is sent again after the grace period alone", () => {
    const { task } = play(pending(), claim, unclear(), GRACE_OVER, due);
    expect(task.status).toBe("PENDING");
  });

  it("an unclear task that a look-up finds continues as accepted", () => {
    const search: Signal = { kind: "due", canSearch: true };
    const { task } = play(
      pending(),
      claim,
      unclear(),
      GRACE_OVER,
      search,
      lookup("NOT_START", 1, { vendorTaskId: "v" }),
    );
    expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "v" });
  });

  it("after the last unclear attempt the task fails with submission_unclear", () => {
    const { task } = play(pending(), claim, unclear(), GRACE_OVER, due, claim, unclear(2), GRACE_OVER, due);
    expect(task).toMatchObject({ status: "FAILURE", attempt: 2, failure: { code: "submission_unclear" } });
  });

  it("an unclear task expires even if the vendor can never be looked up", () => {
    const unclearTask = play(pending(), claim, unclear()).task;
    const late = ctx(NOW + TIMINGS.pendingMs.fast + DEADLINE_OVER);
    expect(isPastDeadline(unclearTask, ctx(NOW + DEADLINE_OVER))).toBe(false);
    expect(isPastDeadline(unclearTask, late)).toBe(true);
    expect(decide(unclearTask, { kind: "abandon", failure: failure("deadline_passed") }, late)).toMatchObject({
      next: { status: "EXPIRED" },
    });
  });

  it("a late accepted response is used, even if the task waits to be sent again, so nothing is sent twice", () => {
    for (const steps of [[], [GRACE_OVER, due]]) {
      const { task } = play(pending(), claim, unclear(), ...steps, accepted());
      expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "v1" });
      expect(play(task, claim).last.kind).toBe("ignore");
    }
  });

  it("an unknown status word proves that the vendor has the task", () => {
    for (const steps of [[unclear()], [unclear(), GRACE_OVER, due], [busy()], []]) {
      const unknownStatus = callback(undefined, 1, { unknownStatus: "QUEUEING" });
      const { task } = play(pending(), claim, ...steps, unknownStatus);
      expect(task).toMatchObject({
        status: "SUBMITTED",
        attempt: 1,
        unknownStatus: "QUEUEING",
        submittedAt: expect.any(Number),
      });
      expect(play(task, claim).last.kind).toBe("ignore");
    }
  });
});

describe("P3: another attempt that was accepted after all", () => {
  const second = () => play(pending(), claim, unclear(), GRACE_OVER, due, claim).task;

  it("an older attempt that reports progress is recorded as orphan with its vendor task id", () => {
    const { task, last } = play(second(), callback("IN_PROGRESS", 1, { vendorTaskId: "first" }));
    expect(last).toMatchObject({ kind: "record", why: "superseded", effects: [] });
    expect(task).toMatchObject({
      status: "SUBMITTING",
      attempt: 2,
      orphans: [{ attempt: 1, vendorTaskId: "first", at: NOW }],
    });
  });

  it("an older attempt that reports several times is one orphan, and a later report adds its vendor task id", () => {
    const { task, last } = play(
      second(),
      callback("SUBMITTED", 1),
      callback("IN_PROGRESS", 1),
      callback("IN_PROGRESS", 1, { vendorTaskId: "first" }),
      callback("FAILURE", 1, { vendorTaskId: "first" }),
    );
    expect(task.orphans).toEqual([{ attempt: 1, vendorTaskId: "first", at: NOW }]);
    expect(last).toEqual({ kind: "ignore", why: "superseded" });
  });

  it("the number of orphans is limited to attemptLimit", () => {
    const reports = Array.from({ length: 9 }, (_, i) => callback("FAILURE", 1, { vendorTaskId: `x${i}` }));
    expect(play(second(), ...reports).task.orphans).toHaveLength(TIMINGS.attemptLimit);
  });

  it("a failure of an older attempt does not end the newer attempt", () => {
    expect(play(second(), accepted(2), callback("FAILURE", 1)).task.status).toBe("SUBMITTED");
  });

  it("a success of an older attempt wins with its own id, and the newer attempt becomes the orphan", () => {
    const { task } = play(second(), accepted(2, "newer"), callback("SUCCESS", 1, { vendorTaskId: "first" }));
    expect(task).toMatchObject({
      status: "SUCCESS",
      endedBy: 1,
      attempt: 2,
      vendorTaskId: "first",
      vendorTaskIdFrom: "report",
      orphans: [{ attempt: 2, vendorTaskId: "newer" }],
    });
  });

  it("siblings of the newer attempt do not belong to an older attempt that wins", () => {
    const newer = play(second(), { ...accepted(2, "newer"), siblings: ["x"] }).task;
    expect(newer.vendorSiblings).toEqual(["x"]);
    expect(play(newer, callback("SUCCESS", 1, { vendorTaskId: "first" })).task.vendorSiblings).toBeUndefined();
  });

  it("a newer attempt becomes an orphan only if the vendor is known to have accepted it", () => {
    expect(play(second(), callback("IN_PROGRESS", 1), callback("SUCCESS", 1)).task.orphans).toBeUndefined();
    const acceptedTwice = play(second(), callback("SUBMITTED", 2), callback("SUCCESS", 1)).task;
    expect(acceptedTwice.orphans).toEqual([{ attempt: 2, at: NOW }]);
  });

  it("a success without id uses the id of its own submit response or none, never the id of the newer attempt", () => {
    const known = play(second(), accepted(1, "first"), accepted(2, "newer"), callback("SUCCESS", 1)).task;
    expect(known).toMatchObject({ vendorTaskId: "first", orphans: [{ attempt: 2, vendorTaskId: "newer" }] });
    expect(play(second(), accepted(2, "newer"), callback("SUCCESS", 1)).task.vendorTaskId).toBeUndefined();
  });

  it("a later submit response of the newer attempt does not change the id of the attempt that won", () => {
    const { task } = play(second(), callback("SUCCESS", 1, { vendorTaskId: "first" }), accepted(2, "newer"));
    expect(task).toMatchObject({
      status: "SUCCESS",
      vendorTaskId: "first",
      orphans: [{ attempt: 2, vendorTaskId: "newer" }],
    });
    expect(play(task, accepted(1, "first-own")).task.vendorTaskId).toBe("first-own");
  });

  it("a later end of the newer attempt is recorded as orphan and not as late report", () => {
    const { task } = play(
      second(),
      callback("SUCCESS", 1, { vendorTaskId: "first" }),
      callback("SUCCESS", 2, { vendorTaskId: "newer" }),
    );
    expect(task).toMatchObject({ vendorTaskId: "first", orphans: [{ attempt: 2, vendorTaskId: "newer" }] });
    expect(task.late).toBeUndefined();
  });

  it("a success of attempt 1 during the submission of attempt 2 wins, and no outcome of attempt 2 changes it", () => {
    const { task } = play(second(), callback("SUCCESS", 1));
    for (const answer of [busy(2), unclear(2), modalOpened(2), accepted(2)]) {
      expect(play(task, answer).task, answer.kind).toMatchObject({ status: "SUCCESS", endedBy: 1, attempt: 2 });
    }
  });

  it("a released attempt that reports while an older one runs is an orphan, and wins if it succeeds", () => {
    const older = play(second(), busy(2), callback("IN_PROGRESS", 1)).task;
    expect(older).toMatchObject({ status: "IN_PROGRESS", attempt: 1 });
    expect(play(older, callback("IN_PROGRESS", 2, { vendorTaskId: "b" })).task.orphans).toEqual([
      { attempt: 2, vendorTaskId: "b", at: NOW },
    ]);
    expect(play(older, callback("SUCCESS", 2, { vendorTaskId: "b" })).task).toMatchObject({
      status: "SUCCESS",
      endedBy: 2,
      attempt: 2,
      vendorTaskId: "b",
    });
  });

  it("an accepted older attempt becomes the current one again when the vendor answers busy to the newer one", () => {
    const { task, last } = play(second(), callback("IN_PROGRESS", 1, { vendorTaskId: "first" }), busy(2));
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "first", vendorTaskIdFrom: "report" });
    expect(task).toMatchObject({ orphans: undefined, busyAnswers: 0, leaseUntil: undefined });
    expect(play(task, accepted(1, "own")).task).toMatchObject({ vendorTaskId: "own", orphans: undefined });
    expect(play(second(), callback("SUBMITTED", 1), busy(2)).task).toMatchObject({
      status: "SUBMITTED",
      vendorTaskId: undefined,
    });
  });

  const known = () => play(second(), callback("IN_PROGRESS", 1, { vendorTaskId: "first" })).task;
  const refused2: Signal = { kind: "refused", attempt: 2, failure: failure("vendor_refused") };

  it("an older attempt that is known to run continues if the newer one is rejected or stays unclear", () => {
    for (const steps of [[refused2], [unclear(2), GRACE_OVER, lookupMiss, lookupMiss], [unclear(2), GRACE_OVER, due]]) {
      const { task, last, now } = play(known(), ...steps);
      expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "first", orphans: undefined });
      expect(effects(last)).toEqual([]);
      expect(task.due).toBe(now + TIMINGS.unknownMs);
      expect(play(task, callback("SUCCESS", 2, { vendorTaskId: "newer" })).task).toMatchObject({ endedBy: 2 });
    }
  });

  it("an older attempt that is known to run continues if the vendor stays busy for longer than pendingMs", () => {
    const late = play(pending(), 55 * minute, claim, unclear(), GRACE_OVER, due, claim, callback("IN_PROGRESS", 1));
    expect(late.now - NOW).toBeGreaterThan(hour);
    expect(decide(late.task, busy(2), ctx(late.now))).toMatchObject({ next: { status: "SUBMITTED", attempt: 1 } });
  });

  it("an older attempt without a vendor task id may have failed, so the task does not wait for it", () => {
    const withoutId = play(second(), callback("FAILURE", 1)).task;
    expect(withoutId.orphans).toEqual([{ attempt: 1, at: expect.any(Number) }]);
    expect(play(withoutId, refused2).task.status).toBe("FAILURE");
    expect(play(withoutId, unclear(2), GRACE_OVER, lookupMiss, lookupMiss).task.status).toBe("FAILURE");
  });

  it("a report of an attempt that was never made is ignored", () => {
    expect(play(pending(), claim, callback("SUCCESS", 3)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
  });
});

describe("P5: a second claim does nothing while the lease is valid", () => {
  it("a redelivered message is ignored while the lease is valid", () => {
    const { task, last } = play(pending(), claim, SUBMIT_LEASE_MS - 1, claim);
    expect(last).toEqual({ kind: "ignore", why: "leased" });
    expect(task.attempt).toBe(1);
  });

  it("the sweeper postpones a task until the end of the lease", () => {
    const start = taskIn("SUBMITTING", { leaseUntil: NOW + 10 * second, due: NOW });
    const { task, last } = play(start, due);
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "SUBMITTING", due: NOW + 11 * second });
  });

  it("a claim is ignored if the worker prepared a submission but the modal is open, or the reverse", () => {
    const open = play(pending({ modal: { prompt: "p" } }), claim, modalOpened()).task;
    expect(decide(open, { kind: "claim", call: "submit" }, ctx(NOW)).kind).toBe("ignore");
    expect(effects(decide(open, { kind: "claim", call: "modal" }, ctx(NOW)))).toEqual(["call"]);
    expect(decide(pending(), { kind: "claim", call: "modal" }, ctx(NOW)).kind).toBe("ignore");
  });

  const laterSignals: Signal[] = [claim, due, { kind: "abandon", failure: failure("dead_letter") }];
  it.each(laterSignals)("the task of a crashed worker becomes UNCLEAR and is not sent again ($kind)", (signal) => {
    const { task, last } = play(pending(), claim, 5 * minute, signal);
    expect(LEASE_OVER).toBeLessThan(5 * minute);
    expect(task).toMatchObject({ status: "UNCLEAR", attempt: 1, leaseUntil: undefined });
    expect(effects(last)).toEqual([]);
  });

  it("a clock that jumps back makes the lease longer, never shorter", () => {
    expect(play(pending(), claim, -10 * minute, claim).last).toEqual({ kind: "ignore", why: "leased" });
  });

  it("a clock that jumps ahead makes the task UNCLEAR, and the response of the worker then resolves it", () => {
    expect(play(pending(), claim, 10 * minute, claim, -10 * minute, accepted()).task.status).toBe("SUBMITTED");
  });
});

describe("modals (status MODAL)", () => {
  const planned = () => pending({ modal: { prompt: "a cat" } });

  it("a modal answer in the plan is sent at once when the modal opens", () => {
    const { task, last } = play(planned(), claim, modalOpened());
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "MODAL", vendorTaskId: "v1", due: NOW + TIMINGS.requeueMs, attempt: 1 });
  });

  it("a modal without answer waits for the app and expires after modalMs", () => {
    const start = play(pending(), claim, modalOpened()).task;
    expect(start.due).toBe(NOW + TIMINGS.modalMs);
    expect(play(start, TIMINGS.modalMs, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "modal_unanswered" },
    });
  });

  it("the app can answer a modal only once", () => {
    const { task, last } = play(pending(), claim, modalOpened(), { kind: "answer", modal: { prompt: "one" } });
    expect(last).toMatchObject({ kind: "record", effects: [{ kind: "enqueue" }] });
    expect(task.due).toBe(NOW + TIMINGS.requeueMs);
    const twice = play(task, { kind: "answer", modal: { prompt: "two" } });
    expect(twice.last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(twice.task.modal).toEqual({ prompt: "one" });
  });

  it("an answer is ignored for a task that is in progress or has ended", () => {
    for (const status of ["IN_PROGRESS", ...ENDED] as const) {
      expect(play(taskIn(status), { kind: "answer", modal: {} }).last.kind, status).toBe("ignore");
    }
  });

  it("sending the modal answer uses no new attempt, because it is the same paid task", () => {
    const { task, last } = play(planned(), claim, modalOpened(), claim);
    expect(effects(last)).toEqual(["call"]);
    expect(task).toMatchObject({ status: "SUBMITTING", phase: "modal", attempt: 1, modals: 1 });
  });

  it("a modal is never answered twice without proof that the first answer was not accepted", () => {
    const sent = play(planned(), claim, modalOpened(), claim).task;
    for (const after of [[], [accepted()], [unclear()], [callback("IN_PROGRESS")]]) {
      for (const again of [callback("MODAL"), modalOpened(), claim, { kind: "answer", modal: {} } as const]) {
        const { task, last } = play(sent, ...after, again);
        expect(effects(last)).toEqual([]);
        expect(task.modals).toBe(1);
        expect(task.status).not.toBe("MODAL");
      }
    }
  });

  it("a MODAL callback before a submit response with the modal leads to one modal answer", () => {
    const { task, last } = play(planned(), claim, callback("MODAL"), claim, modalOpened());
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "SUBMITTING", phase: "modal", modals: 1, vendorTaskId: "v1" });
  });

  it("MODAL from a lagging relay after our answer was accepted is ignored as stale", () => {
    const { last } = play(planned(), claim, modalOpened(), claim, accepted(), lookup("MODAL"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("a slow response to the submission does not count as the response to the modal answer", () => {
    const sent = play(planned(), claim, callback("MODAL"), claim).task;
    const late: Signal[] = [
      { ...accepted(), call: "submit" },
      { kind: "modalOpened", attempt: 1, call: "submit", vendorTaskId: "v1" },
      { kind: "refused", attempt: 1, call: "submit", failure: failure("vendor_refused") },
      { kind: "busy", attempt: 1, call: "submit", chance: 0 },
      { kind: "unclear", attempt: 1, call: "submit" },
    ];
    for (const answer of late) {
      const { task, last } = play(sent, answer);
      expect(task, answer.kind).toMatchObject({ status: "SUBMITTING", phase: "modal", leaseUntil: sent.leaseUntil });
      expect(effects(last), answer.kind).toEqual([]);
    }
    expect(play(sent, { ...accepted(), call: "modal" }).task.status).toBe("SUBMITTED");
    expect(play(sent, { kind: "unclear", attempt: 1, call: "modal" }).task.status).toBe("UNCLEAR");
  });

  it("only a look-up after the grace period proves that an unclear modal answer was not accepted", () => {
    const unclearAnswer = play(planned(), claim, modalOpened(), claim, unclear()).task;
    expect(play(unclearAnswer, callback("MODAL")).last).toEqual({ kind: "ignore", why: "stale" });
    const { task, last } = play(unclearAnswer, GRACE_OVER, due, lookup("MODAL"));
    expect(task.status).toBe("MODAL");
    expect(effects(last)).toEqual(["enqueue"]);
  });

  it("SUBMITTED from a callback does not prove that an unclear modal answer was accepted, but from a look-up it does", () => {
    const unclearAnswer = play(planned(), claim, modalOpened(), claim, unclear()).task;
    expect(play(unclearAnswer, callback("SUBMITTED")).task.status).toBe("UNCLEAR");
    expect(play(unclearAnswer, callback("IN_PROGRESS")).task.status).toBe("IN_PROGRESS");
    expect(play(unclearAnswer, GRACE_OVER, due, lookup("SUBMITTED")).task.status).toBe("SUBMITTED");
  });

  it("an unknown status word is stored and proves nothing about an unclear modal answer", () => {
    const unclearAnswer = play(planned(), claim, modalOpened(), claim, unclear()).task;
    const { task } = play(unclearAnswer, callback(undefined, 1, { unknownStatus: "WAITING" }));
    expect(task).toMatchObject({ status: "UNCLEAR", unknownStatus: "WAITING" });
  });

  it("a vendor that opens the modal repeatedly gets at most attemptLimit answers", () => {
    let task = play(planned(), claim, modalOpened()).task;
    const rounds = [claim, unclear(), GRACE_OVER, due, lookup("MODAL")];
    for (let i = 0; i < 5; i++) task = play(task, ...rounds).task;
    expect(task).toMatchObject({
      status: "FAILURE",
      modals: TIMINGS.attemptLimit,
      failure: { code: "submission_unclear" },
    });
  });

  it("an unclear modal answer fails the task after two look-up misses, and the answer is not sent again", () => {
    const { task } = play(planned(), claim, modalOpened(), claim, unclear(), lookupMiss, lookupMiss);
    expect(task).toMatchObject({ status: "FAILURE", failure: { code: "submission_unclear" } });
  });

  it("a busy response to a modal answer keeps the modal open and is not counted as answer", () => {
    const { task, last } = play(planned(), claim, modalOpened(), claim, busy());
    expect(task).toMatchObject({ status: "MODAL", phase: "submit", modals: 0, attempt: 1, busyAnswers: 1 });
    expect(effects(last)).toEqual(["wait"]);
  });

  it("a modal answer given at the last moment may still wait for a busy vendor", () => {
    const answer: Signal = { kind: "answer", modal: {} };
    const start = play(
      pending({ pace: "turbo" }),
      claim,
      5 * minute,
      modalOpened(),
      29 * minute,
      answer,
      claim,
      busy(),
    );
    expect(start.task).toMatchObject({ status: "MODAL", busyAnswers: 1 });
    const limit = TIMINGS.modalMs + 2 * TIMINGS.pendingMs.turbo;
    expect(play(pending({ modal: {}, pace: "turbo" }), limit, claim, modalOpened(), claim, busy()).last).toMatchObject({
      next: { status: "MODAL" },
      effects: [{ kind: "wait" }],
    });
    expect(
      play(pending({ modal: {}, pace: "turbo" }), limit + 1, claim, modalOpened(), claim, busy()).task,
    ).toMatchObject({
      status: "EXPIRED",
      failure: { code: "vendor_busy" },
    });
  });

  it("the deadline of the task does not apply to an open modal, answered or not", () => {
    const deadlinePassed: Signal = { kind: "abandon", failure: failure("deadline_passed") };
    for (const open of [play(planned(), claim, modalOpened()).task, play(pending(), claim, modalOpened()).task]) {
      expect(isPastDeadline(open, ctx(NOW + 10 * hour))).toBe(false);
      expect(play(open, 10 * hour, deadlinePassed).last).toEqual({ kind: "ignore", why: "not-waiting" });
      expect(play(open, 10 * hour, due).task.status).toBe("EXPIRED");
    }
  });

  it("a look-up from before our modal answer was sent proves nothing about an unclear answer", () => {
    const unclearAnswer = { ...play(planned(), claim, modalOpened(), claim, unclear()).task, rev: 5 };
    const lookupOf = (rev: number): Signal => ({
      kind: "report",
      attempt: 1,
      from: "lookup",
      rev,
      report: report("SUBMITTED"),
    });
    expect(play(unclearAnswer, lookupOf(3)).last).toEqual({ kind: "ignore", why: "stale" });
    expect(play(unclearAnswer, lookupOf(5)).task.status).toBe("SUBMITTED");
    const seen: Signal = { kind: "report", attempt: 1, from: "lookup", rev: 3, report: report("MODAL") };
    expect(play(unclearAnswer, seen, { kind: "lookupMiss", rev: 3 }).last).toEqual({
      kind: "ignore",
      why: "superseded",
    });
    expect(play(unclearAnswer, seen).task).toBe(unclearAnswer);
  });

  it("a hidden modal (code 21 rewritten to 1) is found by callback or look-up", () => {
    for (const seen of [callback("MODAL"), lookup("MODAL")]) {
      expect(play(planned(), claim, accepted(), seen)).toMatchObject({
        task: { status: "MODAL" },
        last: { effects: [{ kind: "enqueue", delayMs: 0 }] },
      });
      expect(play(pending(), claim, accepted(), seen).task.due).toBe(NOW + TIMINGS.modalMs);
    }
  });

  it("MODAL before any submit response proves that the vendor accepted the submission", () => {
    for (const steps of [[], [unclear()], [busy()]]) {
      expect(play(pending(), claim, ...steps, callback("MODAL")).task).toMatchObject({ status: "MODAL", attempt: 1 });
    }
  });

  it("while our modal answer is being sent, SUBMITTED is stale and IN_PROGRESS is accepted", () => {
    const sent = play(planned(), claim, modalOpened(), claim).task;
    expect(play(sent, callback("SUBMITTED")).last).toEqual({ kind: "ignore", why: "stale" });
    expect(play(sent, callback("IN_PROGRESS")).task).toMatchObject({ status: "IN_PROGRESS", leaseUntil: undefined });
  });

  it("the vendor may continue a task in MODAL without an answer", () => {
    expect(play(pending(), claim, modalOpened(), callback("IN_PROGRESS")).task.status).toBe("IN_PROGRESS");
  });

  it("the time for which the modal was open does not count towards the deadline", () => {
    const { task, now } = play(
      pending(),
      claim,
      modalOpened(),
      25 * minute,
      { kind: "answer", modal: {} },
      claim,
      callback("IN_PROGRESS"),
    );
    expect(isPastDeadline(task, ctx(now + 20 * minute))).toBe(false);
    expect(isPastDeadline(task, ctx(now + DEADLINE_OVER))).toBe(true);
  });

  it("an answer that no worker sends is queued again until the task expires", () => {
    const start = play(planned(), claim, modalOpened()).task;
    const again = play(start, TIMINGS.requeueMs, due);
    expect(effects(again.last)).toEqual(["enqueue"]);
    expect(again.task.due).toBe(again.now + TIMINGS.requeueMs);
    expect(play(start, TIMINGS.modalMs + hour + 1, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "deadline_passed" },
    });
    expect(play({ ...start, busyAnswers: 3 }, TIMINGS.modalMs + hour + 1, due).task.failure?.code).toBe("vendor_busy");
  });

  it("a missing mask fails a task with a modal answer, and a modal without answer waits for its due time", () => {
    const missingInput: Signal = { kind: "abandon", failure: failure("input_missing") };
    expect(play(planned(), claim, modalOpened(), missingInput).task.failure?.code).toBe("input_missing");
    expect(play(pending(), claim, modalOpened(), missingInput).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });
});

describe("sweeper signals", () => {
  it("a lost message of a waiting task is sent again", () => {
    const { task, last, now } = play(pending(), 5 * minute, due);
    expect(effects(last)).toEqual(["enqueue"]);
    expect(task).toMatchObject({ status: "PENDING", due: now + 1.25 * TIMINGS.requeueMs });
  });

  it("the pause before the next message is a quarter of the age, at most five minutes", () => {
    const pause = (ageMs: number) => {
      const { task, now } = play(pending(), ageMs, due);
      return task.due! - now;
    };
    expect([8, 16, 40].map((minutes) => pause(minutes * minute) / minute)).toEqual([2, 4, 5]);
  });

  it("a waiting task gets no further message while the submit queue is late, but stays due", () => {
    const { task, last, now } = play(pending(), 8 * minute, { kind: "due", queueLate: true });
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "PENDING", due: now + 2 * minute });
    expect(play(pending(), hour + 1, { kind: "due", queueLate: true }).task.status).toBe("EXPIRED");
  });

  it("a task not submitted within pendingMs expires with vendor_busy or deadline_passed", () => {
    expect(play(pending(), hour + 1, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "deadline_passed" },
    });
    expect(play(pending(), claim, busy(), hour + 1, due).task.failure?.code).toBe("vendor_busy");
  });

  it("the due time is postponed before a look-up, so that two sweepers do not both look the task up", () => {
    const { task, last, now } = play(pending(), claim, accepted(), 20 * minute, due);
    expect(effects(last)).toEqual(["lookup"]);
    expect(task).toMatchObject({ lookups: 1, due: now + TIMINGS.lookupMaxMs });
    expect(play(task, 20 * minute, due).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("while look-ups at an account fail, the task is postponed to askAt without a look-up", () => {
    const askAt = NOW + 21 * minute;
    const { task, last } = play(pending(), claim, accepted(), 20 * minute, { kind: "due", askAt });
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ due: askAt, lookups: 0 });
    expect(effects(play(task, 21 * minute, { kind: "due", askAt }).last)).toEqual(["lookup"]);
  });

  it("an accepted task expires with vendor_lost after four look-up misses in a row", () => {
    const start = play(pending(), claim, accepted()).task;
    const three = play(start, lookupMiss, lookupMiss, lookupMiss);
    expect(three.task).toMatchObject({ status: "SUBMITTED", lookupMisses: 3 });
    expect(play(three.task, lookupMiss).task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_lost" } });
  });

  it("a look-up that finds the task resets the number of misses, even if it contains nothing else that is new", () => {
    const { task } = play(
      pending(),
      claim,
      accepted(),
      lookupMiss,
      lookupMiss,
      lookupMiss,
      lookup("SUBMITTED"),
      lookupMiss,
    );
    expect(task).toMatchObject({ status: "SUBMITTED", lookupMisses: 1 });
  });

  it("an accepted task without id at a vendor without search waits for callbacks until its deadline", () => {
    const start = play(pending(), claim, callback("SUBMITTED"), unclear()).task;
    expect(start.vendorTaskId).toBeUndefined();
    const { task, last, now } = play(start, 20 * minute, due);
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "SUBMITTED", lookupMisses: 0 });
    expect(task.due).toBeGreaterThan(now);
    expect(play(task, DEADLINE_OVER, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "deadline_passed" },
    });
  });

  it("a task whose look-ups get no response expires without a further one a day after 1.5 times the deadline", () => {
    const running = play(pending(), claim, accepted()).task;
    const { deadlineMs, lookupFailedMs } = TIMINGS;
    const deadline = deadlineMs[running.pace];
    const first = play(running, deadline + 1, due);
    expect(effects(first.last)).toEqual(["lookup"]);
    expect(effects(play(first.task, deadline * 1.5 + lookupFailedMs, due).last)).toEqual(["lookup"]);
    const { task } = play(first.task, deadline * 1.5 + lookupFailedMs + 1, due);
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" }, due: undefined });
  });

  it("after a stop of 30 hours the task is looked up once before it expires, because it may have succeeded", () => {
    const restarted = play(pending(), claim, accepted(), 30 * hour, due);
    expect(effects(restarted.last)).toEqual(["lookup"]);
    expect(play(restarted.task, 30 * hour, lookup("SUCCESS")).task.status).toBe("SUCCESS");
    expect(play(restarted.task, 31 * hour, due).task.status).toBe("EXPIRED");
  });

  it("a look-up miss is ignored for a task that does not wait for the vendor", () => {
    for (const status of ["PENDING", "SUBMITTING", "MODAL"] as const) {
      expect(play(taskIn(status), lookupMiss).last).toEqual({ kind: "ignore", why: "not-waiting" });
    }
    expect(play(taskIn("SUCCESS"), lookupMiss).last).toEqual({ kind: "ignore", why: "ended" });
  });

  it("the deadline expires an accepted task only after it has passed", () => {
    const deadlinePassed: Signal = { kind: "abandon", failure: failure("deadline_passed") };
    const start = play(pending(), claim, accepted()).task;
    expect(play(start, DEADLINE_OVER - 2, deadlinePassed).last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(play(start, DEADLINE_OVER, deadlinePassed).task).toMatchObject({
      status: "EXPIRED",
      failure: deadlinePassed.failure,
    });
    expect(isPastDeadline(taskIn("SUCCESS", { submittedAt: 0 }), ctx())).toBe(false);
  });
});

describe("tasks that cannot be submitted", () => {
  const why = failure("press_not_offered", { offered: ["U1"] });

  it("a waiting task ends with the failure of the signal", () => {
    const { task, last } = play(pending(), { kind: "abandon", failure: why });
    expect(task).toMatchObject({ status: "FAILURE", failure: why, attempt: 0 });
    expect(effects(last)).toEqual(["settle"]);
    expect(play(pending(), { kind: "abandon", failure: failure("deadline_passed") }).task.status).toBe("EXPIRED");
  });

  it("a dead-letter message does not end a task that the vendor may have", () => {
    for (const status of ["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(play(taskIn(status), { kind: "abandon", failure: failure("dead_letter") }).last, status).toEqual({
        kind: "ignore",
        why: "not-waiting",
      });
    }
    expect(play(pending(), claim, { kind: "abandon", failure: why }).last).toEqual({ kind: "ignore", why: "leased" });
  });

  it("a task is not ended while a worker calls the vendor, not even by the deadline", () => {
    const { last } = play(pending(), 10 * hour, claim, { kind: "abandon", failure: failure("deadline_passed") });
    expect(last).toEqual({ kind: "ignore", why: "leased" });
  });
});

describe("status words outside the protocol (D4)", () => {
  const unknownWord = (word?: string) => callback(undefined, 1, word === undefined ? {} : { unknownStatus: word });

  it("an unknown word is stored once and does not change the status of an accepted task", () => {
    const start = play(pending(), claim, accepted()).task;
    const { task, last } = play(start, unknownWord("PAUSED"));
    expect(last).toMatchObject({ kind: "record", why: "unknown-status", effects: [] });
    expect(task).toMatchObject({ status: "SUBMITTED", unknownStatus: "PAUSED" });
    expect(play(task, unknownWord("PAUSED")).last).toEqual({ kind: "ignore", why: "unknown-status" });
    expect(play(start, unknownWord(), unknownWord()).task.unknownStatus).toBe("");
  });

  it("a long word is cut to 64 characters, and its repetition is ignored", () => {
    const { task, last } = play(
      pending(),
      claim,
      accepted(),
      unknownWord("X".repeat(500)),
      unknownWord("X".repeat(500)),
    );
    expect(task.unknownStatus).toHaveLength(64);
    expect(last.kind).toBe("ignore");
  });
});

describe("failureOf", () => {
  it.each([
    ["FAILURE", "可能包含敏感词", "banned_prompt"],
    ["FAILURE", "Banned prompt detected", "banned_prompt"],
    ["FAILURE", "[Invalid parameter] Unrecognized parameter(s): --foo", "invalid_prompt"],
    ["FAILURE", "参数错误", "invalid_prompt"],
    ["FAILURE", "取消任务", "vendor_cancelled"],
    ["FAILURE", "任务超时", "vendor_failed"],
    ["FAILURE", undefined, "vendor_failed"],
    ["CANCEL", undefined, "vendor_cancelled"],
  ] as const)(
    "the report %s with the reason %s gives the code %s and keeps the vendor's text",
    (status, failReason, code) => {
      const found = failureOf(report(status, failReason ? { failReason } : {}));
      expect(found).toMatchObject({ code, message: FAILURES[code] });
      expect(found.vendor?.description).toBe(failReason);
    },
  );

  it("a long reason is cut to 500 characters", () => {
    expect(failureOf(report("FAILURE", { failReason: "x".repeat(9_999) })).vendor?.description).toHaveLength(500);
  });

  it("an end stores the result and the action name of the vendor", () => {
    const result = { imageUrl: "https://x/1.png" };
    const { task } = play(pending(), claim, accepted(), callback("SUCCESS", 1, { action: "BLEND", result }));
    expect(task).toMatchObject({ action: "BLEND", result });
    expect(play(pending(), claim, callback("IN_PROGRESS", 1, { action: "BLEND" })).task.action).toBe("BLEND");
  });
});

describe("callback scenarios", () => {
  interface Scenario {
    name: string;
    deliver: string[];
    final: string;
  }
  const scenarios: Scenario[] = [
    { name: "happy-path", deliver: ["SUBMITTED", "IN_PROGRESS", "IN_PROGRESS", "SUCCESS"], final: "SUCCESS" },
    { name: "coalesced", deliver: ["SUCCESS"], final: "SUCCESS" },
    { name: "out-of-order", deliver: ["IN_PROGRESS", "SUCCESS", "IN_PROGRESS", "SUBMITTED"], final: "SUCCESS" },
    { name: "duplicate-terminal", deliver: ["IN_PROGRESS", "SUCCESS", "SUCCESS"], final: "SUCCESS" },
    { name: "terminal-flip", deliver: ["SUCCESS", "FAILURE"], final: "SUCCESS" },
    { name: "callback-before-submit-response", deliver: ["SUBMITTED", "@accepted", "SUCCESS"], final: "SUCCESS" },
    { name: "no-callback-at-all", deliver: ["@accepted", "@lookup:SUCCESS"], final: "SUCCESS" },
    { name: "instant-success-no-callback", deliver: ["@accepted", "@lookup:SUCCESS"], final: "SUCCESS" },
    { name: "hidden-modal", deliver: ["@accepted", "@lookup:MODAL"], final: "MODAL" },
    { name: "action-too-early-behind-relay", deliver: ["@busy", "@claim", "@accepted"], final: "SUBMITTED" },
  ];
  const signal = (step: string): Signal => {
    if (step === "@accepted") return accepted();
    if (step === "@busy") return busy();
    if (step === "@claim") return claim;
    const [, from, status] = /^(?:@(lookup):)?(.+)$/.exec(step)!;
    return from ? lookup(status as ReportStatus) : callback(status as ReportStatus);
  };

  it.each(scenarios)("the scenario $name leads to $final and at most one end", ({ deliver, final }) => {
    let task: Task = play(pending(), claim).task;
    let ends = 0;
    for (const step of deliver) {
      const before = isEnded(task);
      task = play(task, signal(step)).task;
      if (!before && isEnded(task)) ends++;
    }
    expect(task.status).toBe(final);
    expect(ends).toBe(ENDED.has(task.status) ? 1 : 0);
  });
});

describe("TRANSITIONS", () => {
  it("the table contains every status, and an ended status can only become SUCCESS", () => {
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...STATUSES].sort());
    for (const status of ended) expect(TRANSITIONS[status]).toEqual(status === "SUCCESS" ? [] : ["SUCCESS"]);
  });
});
