/** Promises of the task's state machine, by the rules they keep (state.ts). Random orders: state.property.test.ts. */
import { describe, expect, it } from "vitest";
import {
  accepted,
  busy,
  callback,
  claim,
  ctx,
  due,
  effects,
  followed,
  hour,
  lookup,
  minute,
  missing,
  NOW,
  pending,
  play,
  report,
  second,
  taskIn,
  unclear,
  windowOf,
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

/** Every kind of signal, as it might still arrive. */
const anything: Signal[] = [
  claim,
  accepted(),
  windowOf(),
  { kind: "refused", attempt: 1, failure: failure("vendor_refused") },
  busy(),
  unclear(),
  missing,
  { kind: "due", canSearch: true },
  followed,
  { kind: "answer", modal: {} },
  { kind: "abandon", failure: failure("dead_letter") },
  ...(["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", undefined] as const).map((s) =>
    callback(s),
  ),
];

describe("T1: an ended task never leaves its state", () => {
  it.each(ended)("%s stays, whatever comes", (status) => {
    for (const signal of anything) {
      const task = taskIn(status, { endedAt: NOW, endedBy: 1, due: NOW - 1 });
      const { task: left } = play(task, signal);
      expect(left, signal.kind).toMatchObject({ status, endedAt: NOW, progress: task.progress });
      expect(left.result, signal.kind).toBe(task.result);
      expect(left.failure, signal.kind).toBe(task.failure);
    }
  });

  it("a repeated end is counted and changes nothing", () => {
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), callback("SUCCESS"));
    expect(last).toMatchObject({ kind: "record", why: "duplicate", effects: [] });
    expect(task).toMatchObject({ status: "SUCCESS", duplicates: 1 });
  });

  it("a flood of duplicates costs a bounded number of writes", () => {
    const flood = Array.from({ length: 500 }, () => callback("SUCCESS"));
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), ...flood);
    expect(task.duplicates).toBe(99);
    expect(last).toEqual({ kind: "ignore", why: "duplicate" });
  });

  it("a late different end is recorded beside the first", () => {
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), 7, callback("FAILURE"));
    expect(last).toMatchObject({ kind: "record", why: "ended" });
    expect(task).toMatchObject({ status: "SUCCESS", late: { status: "FAILURE", at: NOW + 7 } });
    expect(task.failure).toBeUndefined();
  });

  it("a vendor that alternates its late ends is written down a bounded number of times", () => {
    const flips = Array.from({ length: 300 }, (_, i) => callback(i % 2 ? "FAILURE" : "CANCEL"));
    const { task, last } = play(pending(), claim, accepted(), callback("SUCCESS"), ...flips);
    expect(task.duplicates).toBe(99);
    expect(last.kind).toBe("ignore");
  });

  it("the first late end is recorded even from a look-up, which counts no duplicate", () => {
    const { task } = play(pending(), claim, accepted(), callback("FAILURE"), lookup("SUCCESS"), lookup("FAILURE"));
    expect(task).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" }, duplicates: 0 });
  });

  it("a success after our own deadline is seen to have been late", () => {
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

  it("a late picture is kept beside the verdict, whoever had given it up, and no later end pushes it out", () => {
    const result = { imageUrl: "https://x/1.png" };
    const expired: Signal = { kind: "abandon", failure: failure("deadline_passed") };
    for (const verdict of [[DEADLINE_OVER, expired], [callback("FAILURE")]]) {
      const given = play(pending(), claim, accepted(), ...verdict).task;
      const { task } = play(given, callback("SUCCESS", 1, { result }), callback("CANCEL"), callback("FAILURE"));
      expect(task).toMatchObject({ status: given.status, late: { status: "SUCCESS", result } });
    }
  });

  it("progress after the end is old news", () => {
    const { last } = play(pending(), claim, accepted(), callback("SUCCESS"), callback("IN_PROGRESS"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("the answer that arrives after the end still tells the id to press with", () => {
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

describe("T2: status and progress never go back on a report", () => {
  it("a lower progress than the highest seen is ignored", () => {
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

  it("a later status with a lower number, or none, keeps the progress that was reached (T2)", () => {
    const begun = play(pending(), claim, callback("SUBMITTED", 1, { progress: 15 })).task;
    for (const progress of [undefined, 0, 14]) {
      expect(play(begun, callback("IN_PROGRESS", 1, { progress })).task).toMatchObject({
        status: "IN_PROGRESS",
        progress: 15,
      });
    }
  });

  it("submitted after progress is stale, and its higher progress is still kept", () => {
    const start = play(pending(), claim, accepted(), callback("IN_PROGRESS", 1, { progress: 31 })).task;
    expect(play(start, callback("SUBMITTED")).last).toEqual({ kind: "ignore", why: "stale" });
    expect(play(start, callback("SUBMITTED", 1, { progress: 46 })).task).toMatchObject({
      status: "IN_PROGRESS",
      progress: 46,
    });
  });

  it("progress without a status move is recorded with no effect", () => {
    const { last } = play(
      pending(),
      claim,
      accepted(),
      callback("IN_PROGRESS"),
      callback("IN_PROGRESS", 1, { progress: 62 }),
    );
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [], next: { progress: 62, callbacks: 2 } });
  });

  it("a relay that still shows the older row moves nothing back", () => {
    const { last } = play(pending(), claim, accepted(), callback("IN_PROGRESS"), lookup("NOT_START"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("submitted beside an open window is an older post", () => {
    const { task, last } = play(pending(), claim, windowOf(), callback("SUBMITTED"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
    expect(task.status).toBe("MODAL");
  });

  it("an open window seen while the picture is forming is an older post", () => {
    const { last } = play(pending(), claim, accepted(), callback("IN_PROGRESS"), callback("MODAL"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("the window reported twice is one window", () => {
    const { last } = play(pending(), claim, windowOf(), callback("MODAL"));
    expect(last).toEqual({ kind: "ignore", why: "duplicate" });
  });

  it("a failure keeps the progress it had, a success has all of it", () => {
    const start = play(pending(), claim, accepted(), callback("IN_PROGRESS", 1, { progress: 46 })).task;
    expect(play(start, callback("FAILURE", 1, { progress: 100 })).task.progress).toBe(46);
    expect(play(start, callback("SUCCESS")).task.progress).toBe(100);
  });
});

describe("T4: every state that waits has a due time", () => {
  it("is true at each step of a plain run", () => {
    let task = pending({ then: [{ press: "U1" }] });
    for (const signal of [claim, accepted(), callback("IN_PROGRESS"), callback("SUCCESS")]) {
      task = play(task, signal).task;
      expect(task.due, task.status).toBeGreaterThan(NOW);
    }
    task = play(task, followed).task;
    expect(task.due).toBeUndefined();
    expect(play(task, followed).last).toEqual({ kind: "ignore", why: "no-news" });
  });

  it("an end without follow-ups waits for nothing", () => {
    for (const status of ["SUCCESS", "FAILURE", "CANCEL"] as const) {
      const { task, last } = play(pending(), claim, accepted(), callback(status));
      expect(task.due, status).toBeUndefined();
      expect(effects(last)).toEqual(["settle"]);
    }
  });

  it("only a success starts follow-ups, and is looked at again until they are known to be sent", () => {
    const start = play(pending({ then: [{ press: "U1" }] }), claim, accepted()).task;
    const { task, last } = play(start, callback("SUCCESS"));
    expect(effects(last)).toEqual(["follow"]);
    expect(task.due).toBe(NOW + TIMINGS.effectsMs);
    const again = play(task, TIMINGS.effectsMs, due);
    expect(effects(again.last)).toEqual(["follow"]);
    expect(again.task.due).toBe(again.now + TIMINGS.effectsMs);
    expect(effects(play(start, callback("FAILURE")).last)).toEqual(["settle"]);
  });

  it("nothing is done before its time", () => {
    expect(play(pending(), due).last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(play(taskIn("SUCCESS", { due: undefined }), hour, due).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it.each([
    ["calling", TIMINGS.quietMs.fast],
    ["unknown", TIMINGS.unknownMs],
    ["silent", TIMINGS.silentMs],
    ["instant", TIMINGS.instantMs],
  ] as const)("an account known as %s is first looked at when that says", (expected, wait) => {
    const { task } = play(pending(), claim, { ...accepted(), expect: expected });
    expect(task.due).toBe(NOW + wait);
  });

  it("a callback lets the next look wait; a look-up has set its own", () => {
    const start = play(pending(), claim, { ...accepted(), expect: "silent" }).task;
    const heard = play(start, callback("IN_PROGRESS"));
    expect(heard.task.due).toBe(NOW + TIMINGS.quietMs.fast);
    const { task, now } = play(start, TIMINGS.silentMs, due, lookup("IN_PROGRESS"));
    expect(task.due).toBe(now + TIMINGS.lookupMs);
  });
});

describe("P1: a claim is saved, attempt and lease in it, before the vendor is called", () => {
  it("the call is the effect of the very decision that counts the attempt", () => {
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

  it("the lease outlives the slowest answer", () => {
    const { task } = play(pending(), claim, SUBMIT_LEASE_MS - 1, accepted());
    expect(task).toMatchObject({ status: "SUBMITTED", leaseUntil: undefined, busyAnswers: 0 });
  });

  it("a claim on what waits for the vendor does nothing", () => {
    for (const status of ["UNCLEAR", "SUBMITTED", "IN_PROGRESS", "MODAL"] as const) {
      expect(play(taskIn(status), claim).last, status).toEqual({ kind: "ignore", why: "not-waiting" });
    }
    for (const status of ended) expect(play(taskIn(status), claim).last).toEqual({ kind: "ignore", why: "ended" });
  });
});

describe("P2: a vendor answers accepted, refused, busy or unclear", () => {
  it("accepted keeps the ids, those of siblings too", () => {
    const { task } = play(pending(), claim, { ...accepted(1, "a"), siblings: ["b", "c"] });
    expect(task).toMatchObject({
      status: "SUBMITTED",
      vendorTaskId: "a",
      vendorSiblings: ["b", "c"],
      submittedAt: NOW,
    });
  });

  it("refused is the end, and never sent again", () => {
    const why = failure("banned_prompt", { vendor: { bannedWord: "x" } });
    const { task, last } = play(pending(), claim, { kind: "refused", attempt: 1, failure: why });
    expect(task).toMatchObject({ status: "FAILURE", failure: why, attempt: 1 });
    expect(effects(last)).toEqual(["settle"]);
    expect(play(task, claim).last.kind).toBe("ignore");
  });

  it("refused late, in doubt, is the end as well; for a superseded attempt it is not", () => {
    const why = failure("vendor_refused");
    const doubt = play(pending(), claim, unclear()).task;
    expect(play(doubt, { kind: "refused", attempt: 1, failure: why }).task.status).toBe("FAILURE");
    const second = play(doubt, GRACE_OVER, due, claim).task;
    expect(play(second, { kind: "refused", attempt: 1, failure: why }).last).toEqual({
      kind: "ignore",
      why: "superseded",
    });
  });

  it("a callback proves that a refusal was not one", () => {
    const why = failure("vendor_refused");
    const { task } = play(pending(), claim, callback("SUBMITTED"), { kind: "refused", attempt: 1, failure: why });
    expect(task.status).toBe("SUBMITTED");
  });

  it("a busy answer gives the attempt back", () => {
    const { task, last } = play(pending(), claim, busy());
    expect(task).toMatchObject({ status: "PENDING", attempt: 0, busyAnswers: 1, leaseUntil: undefined });
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: TIMINGS.busyMs / 2 }] });
    expect(play(task, claim).task.attempt).toBe(1);
  });

  it("the pause doubles while the vendor stays busy, up to its maximum", () => {
    const pauses: number[] = [];
    let task = pending();
    for (let i = 0; i < 8; i++) {
      const { last, task: next } = play(task, claim, { kind: "busy", attempt: 1, chance: 1 });
      if (last.kind === "move" && last.effects[0]?.kind === "enqueue") pauses.push(last.effects[0].delayMs);
      task = next;
    }
    expect(pauses).toEqual([3, 6, 12, 24, 48, 60, 60, 60].map((s) => s * second));
  });

  it("the vendor's own wish is followed, and the sweeper waits for it", () => {
    const { task, last } = play(pending(), claim, busy(1, 10 * minute));
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: 10 * minute }] });
    expect(task.due).toBe(NOW + 10 * minute + TIMINGS.requeueMs);
  });

  it("Retry-After of a week does not outlast pendingMs", () => {
    const { last } = play(pending(), 50 * minute, claim, busy(1, 7 * 24 * hour));
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: 10 * minute }] });
  });

  it("a vendor busy for longer than pendingMs ends the task as busy", () => {
    const { task } = play(pending(), hour + 1, claim, busy());
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_busy" } });
  });

  it("an answer to a superseded attempt changes nothing", () => {
    const second = play(pending(), claim, unclear(), GRACE_OVER, due, claim).task;
    expect(second).toMatchObject({ status: "SUBMITTING", attempt: 2 });
    expect(play(second, busy(1)).last).toEqual({ kind: "ignore", why: "superseded" });
    expect(play(second, unclear(1)).last).toEqual({ kind: "ignore", why: "superseded" });
  });

  it.each(["busy", "unclear"] as const)("%s after a callback has shown that it was taken is not believed", (kind) => {
    const answer = kind === "busy" ? busy() : unclear();
    const { task, last } = play(pending(), claim, callback("IN_PROGRESS"), answer);
    expect(last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(task.status).toBe("IN_PROGRESS");
    expect(play(task, callback("SUCCESS"), answer).last).toEqual({ kind: "ignore", why: "ended" });
  });

  it("busy, and taken all the same: the attempt that was given back is the task's again", () => {
    const { task } = play(pending(), claim, busy(), callback("IN_PROGRESS", 1, { vendorTaskId: "x" }));
    expect(task).toMatchObject({ status: "IN_PROGRESS", attempt: 1, vendorTaskId: "x" });
    expect(play(task, claim).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("busy, expired, and delivered all the same: the late end is written down", () => {
    const { task } = play(pending(), claim, busy(), 2 * hour, due, callback("SUCCESS", 1));
    expect(task).toMatchObject({ status: "EXPIRED", late: { status: "SUCCESS" } });
  });
});

describe("early callbacks", () => {
  it("a callback that overtakes the submit answer moves the task, and the answer still tells its id", () => {
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

  it("the answer confirms an id that so far only a report had told", () => {
    const { task } = play(pending(), claim, callback("SUBMITTED", 1, { vendorTaskId: "v1" }), accepted(1, "v1"));
    expect(task).toMatchObject({ vendorTaskId: "v1", vendorTaskIdFrom: "answer" });
    expect(play(task, accepted(1, "other")).task.vendorTaskId).toBe("other");
  });

  it("a repeated report without an id costs no write", () => {
    expect(play(pending(), claim, callback("SUBMITTED"), callback("SUBMITTED")).last).toEqual({
      kind: "ignore",
      why: "duplicate",
    });
  });

  it("a report's id never replaces the answer's", () => {
    const { task } = play(pending(), claim, accepted(1, "own"), callback("SUCCESS", 1, { vendorTaskId: "relay" }));
    expect(task.vendorTaskId).toBe("own");
  });

  it("the first report that names the id is written down even when it is no other news", () => {
    const start = play(pending(), claim, callback("SUBMITTED")).task;
    const { task } = play(start, callback("SUBMITTED", 1, { vendorTaskId: "v" }));
    expect(task).toMatchObject({ vendorTaskId: "v", vendorTaskIdFrom: "report" });
  });

  it("a window announced by the answer is not lost behind an early SUBMITTED", () => {
    const { task } = play(pending({ modal: { prompt: "p" } }), claim, callback("SUBMITTED"), windowOf());
    expect(task.status).toBe("MODAL");
  });

  it.each(["SUCCESS", "FAILURE", "CANCEL"] as const)("%s before the submit answer ends the task", (status) => {
    const { task } = play(pending(), claim, callback(status), accepted());
    expect(task).toMatchObject({ status, endedBy: 1, vendorTaskId: "v1" });
  });
});

describe("P3: an unclear submission is sent again only after its grace, and two look-ups where one can look", () => {
  it("waits for its callback first", () => {
    const { task, last } = play(pending(), claim, unclear());
    expect(task).toMatchObject({ status: "UNCLEAR", attempt: 1, due: NOW + TIMINGS.graceMs.fast });
    expect(effects(last)).toEqual([]);
    expect(play(task, TIMINGS.graceMs.fast - 1, due).last.kind).toBe("ignore");
    expect(play(task, claim).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("then it is looked up, where the vendor can be asked without an id", () => {
    const { task, last } = play(pending(), claim, unclear(), GRACE_OVER, { kind: "due", canSearch: true });
    expect(effects(last)).toEqual(["lookup"]);
    expect(task.status).toBe("UNCLEAR");
  });

  it("not found once, it is looked up again before anything is sent: a list of recent tasks may lag", () => {
    const search: Signal = { kind: "due", canSearch: true };
    const { task, last, now } = play(pending(), claim, unclear(), GRACE_OVER, search, missing);
    expect(last).toMatchObject({ kind: "record", effects: [] });
    expect(task).toMatchObject({ status: "UNCLEAR", attempt: 1, lookupMisses: 1 });
    expect(task.due! - now, "when it may show by then").toBeGreaterThan(minute);
    expect(effects(play(task, task.due! - NOW, search).last)).toEqual(["lookup"]);
  });

  it("found at the second look, nothing is sent", () => {
    const { task } = play(pending(), claim, unclear(), GRACE_OVER, missing, lookup("IN_PROGRESS"), missing);
    expect(task).toMatchObject({ status: "IN_PROGRESS", attempt: 1, lookupMisses: 1 });
  });

  it("not found twice, it is sent once more, as attempt 2", () => {
    const { task, last } = play(pending(), claim, unclear(), GRACE_OVER, missing, missing);
    expect(task.lookupMisses, "the next doubt is asked about twice as well").toBe(0);
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "PENDING", attempt: 1, vendorTaskId: undefined });
    expect(play(task, claim).task.attempt).toBe(2);
  });

  it("where nobody can be asked, grace alone must do", () => {
    const { task } = play(pending(), claim, unclear(), GRACE_OVER, due);
    expect(task.status).toBe("PENDING");
  });

  it("found, it goes on as if it had been accepted", () => {
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

  it("in doubt for the last time, it ends and says so", () => {
    const { task } = play(pending(), claim, unclear(), GRACE_OVER, due, claim, unclear(2), GRACE_OVER, due);
    expect(task).toMatchObject({ status: "FAILURE", attempt: 2, failure: { code: "submission_unclear" } });
  });

  it("a vendor that can never be asked does not keep it in doubt for ever", () => {
    const doubt = play(pending(), claim, unclear()).task;
    const late = ctx(NOW + TIMINGS.pendingMs.fast + DEADLINE_OVER);
    expect(isPastDeadline(doubt, ctx(NOW + DEADLINE_OVER))).toBe(false);
    expect(isPastDeadline(doubt, late)).toBe(true);
    expect(decide(doubt, { kind: "abandon", failure: failure("deadline_passed") }, late)).toMatchObject({
      next: { status: "EXPIRED" },
    });
  });

  it("an answer that comes late, in doubt or even queued again, is taken: nothing is sent twice", () => {
    for (const steps of [[], [GRACE_OVER, due]]) {
      const { task } = play(pending(), claim, unclear(), ...steps, accepted());
      expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "v1" });
      expect(play(task, claim).last.kind).toBe("ignore");
    }
  });

  it("an odd word from the vendor proves that it has the task", () => {
    for (const steps of [[unclear()], [unclear(), GRACE_OVER, due], [busy()], []]) {
      const odd = callback(undefined, 1, { unknownStatus: "QUEUEING" });
      const { task } = play(pending(), claim, ...steps, odd);
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

describe("P3: another attempt that turns up", () => {
  const second = () => play(pending(), claim, unclear(), GRACE_OVER, due, claim).task;

  it("an orphan attempt is recorded with what it cost", () => {
    const { task, last } = play(second(), callback("IN_PROGRESS", 1, { vendorTaskId: "first" }));
    expect(last).toMatchObject({ kind: "record", why: "superseded", effects: [] });
    expect(task).toMatchObject({
      status: "SUBMITTING",
      attempt: 2,
      orphans: [{ attempt: 1, vendorTaskId: "first", at: NOW }],
    });
  });

  it("and once, however often it reports; its id is filled in when it is told", () => {
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

  it("no more orphans are listed than submissions may be made", () => {
    const reports = Array.from({ length: 9 }, (_, i) => callback("FAILURE", 1, { vendorTaskId: `x${i}` }));
    expect(play(second(), ...reports).task.orphans).toHaveLength(TIMINGS.attemptLimit);
  });

  it("its failure does not end the newer one", () => {
    expect(play(second(), accepted(2), callback("FAILURE", 1)).task.status).toBe("SUBMITTED");
  });

  it("its success wins, under its own id, and the newer one becomes the orphan", () => {
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

  it("what the newer one started besides is not the winner's", () => {
    const newer = play(second(), { ...accepted(2, "newer"), siblings: ["x"] }).task;
    expect(newer.vendorSiblings).toEqual(["x"]);
    expect(play(newer, callback("SUCCESS", 1, { vendorTaskId: "first" })).task.vendorSiblings).toBeUndefined();
  });

  it("a newer one that is only being sent is no orphan yet", () => {
    expect(play(second(), callback("IN_PROGRESS", 1), callback("SUCCESS", 1)).task.orphans).toBeUndefined();
    const taken = play(second(), callback("SUBMITTED", 2), callback("SUCCESS", 1)).task;
    expect(taken.orphans).toEqual([{ attempt: 2, at: NOW }]);
  });

  it("its success without an id is pressed under the id its answer told, or under none: never the newer's", () => {
    const known = play(second(), accepted(1, "first"), accepted(2, "newer"), callback("SUCCESS", 1)).task;
    expect(known).toMatchObject({ vendorTaskId: "first", orphans: [{ attempt: 2, vendorTaskId: "newer" }] });
    expect(play(second(), accepted(2, "newer"), callback("SUCCESS", 1)).task.vendorTaskId).toBeUndefined();
  });

  it("the newer answer that comes after leaves the winner's id alone", () => {
    const { task } = play(second(), callback("SUCCESS", 1, { vendorTaskId: "first" }), accepted(2, "newer"));
    expect(task).toMatchObject({
      status: "SUCCESS",
      vendorTaskId: "first",
      orphans: [{ attempt: 2, vendorTaskId: "newer" }],
    });
    expect(play(task, accepted(1, "first-own")).task.vendorTaskId).toBe("first-own");
  });

  it("the newer one's end, after that, is recorded beside it", () => {
    const { task } = play(
      second(),
      callback("SUCCESS", 1, { vendorTaskId: "first" }),
      callback("SUCCESS", 2, { vendorTaskId: "newer" }),
    );
    expect(task).toMatchObject({ vendorTaskId: "first", orphans: [{ attempt: 2, vendorTaskId: "newer" }] });
    expect(task.late).toBeUndefined();
  });

  it("attempt 1 arriving while attempt 2 is being sent wins, and the answer to 2 changes nothing", () => {
    const { task } = play(second(), callback("SUCCESS", 1));
    for (const answer of [busy(2), unclear(2), windowOf(2), accepted(2)]) {
      expect(play(task, answer).task, answer.kind).toMatchObject({ status: "SUCCESS", endedBy: 1, attempt: 2 });
    }
  });

  it("an attempt given back that delivers while an older one runs is an orphan, or wins by its success", () => {
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

  it("an older attempt that turned up is not sent again when the newer one was not taken", () => {
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

  it("an older attempt known to run is not given up because the newer one was refused, or stays in doubt", () => {
    for (const steps of [[refused2], [unclear(2), GRACE_OVER, missing, missing], [unclear(2), GRACE_OVER, due]]) {
      const { task, last, now } = play(known(), ...steps);
      expect(task).toMatchObject({ status: "SUBMITTED", attempt: 1, vendorTaskId: "first", orphans: undefined });
      expect(effects(last)).toEqual([]);
      expect(task.due).toBe(now + TIMINGS.unknownMs);
      expect(play(task, callback("SUCCESS", 2, { vendorTaskId: "newer" })).task).toMatchObject({ endedBy: 2 });
    }
  });

  it("nor because the vendor stays busy for longer than pendingMs", () => {
    const late = play(pending(), 55 * minute, claim, unclear(), GRACE_OVER, due, claim, callback("IN_PROGRESS", 1));
    expect(late.now - NOW).toBeGreaterThan(hour);
    expect(decide(late.task, busy(2), ctx(late.now))).toMatchObject({ next: { status: "SUBMITTED", attempt: 1 } });
  });

  it("one that cannot be asked about may have failed long ago, and is not waited for", () => {
    const unnamed = play(second(), callback("FAILURE", 1)).task;
    expect(unnamed.orphans).toEqual([{ attempt: 1, at: expect.any(Number) }]);
    expect(play(unnamed, refused2).task.status).toBe("FAILURE");
    expect(play(unnamed, unclear(2), GRACE_OVER, missing, missing).task.status).toBe("FAILURE");
  });

  it("an attempt that was never made is not believed", () => {
    expect(play(pending(), claim, callback("SUCCESS", 3)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
  });
});

describe("P5: while a lease holds a second claim does nothing", () => {
  it("a redelivered message finds the lease", () => {
    const { task, last } = play(pending(), claim, SUBMIT_LEASE_MS - 1, claim);
    expect(last).toEqual({ kind: "ignore", why: "leased" });
    expect(task.attempt).toBe(1);
  });

  it("the sweeper waits for it, too", () => {
    const start = taskIn("SUBMITTING", { leaseUntil: NOW + 10 * second, due: NOW });
    const { task, last } = play(start, due);
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "SUBMITTING", due: NOW + 11 * second });
  });

  it("a worker that prepared a press gets nothing once the task has come to its window, and the other way round", () => {
    const open = play(pending({ modal: { prompt: "p" } }), claim, windowOf()).task;
    expect(decide(open, { kind: "claim", call: "submit" }, ctx(NOW)).kind).toBe("ignore");
    expect(effects(decide(open, { kind: "claim", call: "modal" }, ctx(NOW)))).toEqual(["call"]);
    expect(decide(pending(), { kind: "claim", call: "modal" }, ctx(NOW)).kind).toBe("ignore");
  });

  const heirs: Signal[] = [claim, due, { kind: "abandon", failure: failure("dead_letter") }];
  it.each(heirs)("a crashed worker's task is in doubt, not sent again ($kind)", (signal) => {
    const { task, last } = play(pending(), claim, 5 * minute, signal);
    expect(LEASE_OVER).toBeLessThan(5 * minute);
    expect(task).toMatchObject({ status: "UNCLEAR", attempt: 1, leaseUntil: undefined });
    expect(effects(last)).toEqual([]);
  });

  it("a clock that jumps back makes the lease longer, never shorter", () => {
    expect(play(pending(), claim, -10 * minute, claim).last).toEqual({ kind: "ignore", why: "leased" });
  });

  it("a clock that jumps ahead puts it in doubt; the worker's answer then settles it", () => {
    expect(play(pending(), claim, 10 * minute, claim, -10 * minute, accepted()).task.status).toBe("SUBMITTED");
  });
});

describe("windows (MODAL)", () => {
  const planned = () => pending({ modal: { prompt: "a cat" } });

  it("with an answer in the plan, it is sent at once", () => {
    const { task, last } = play(planned(), claim, windowOf());
    expect(last).toMatchObject({ kind: "move", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({ status: "MODAL", vendorTaskId: "v1", due: NOW + TIMINGS.requeueMs, attempt: 1 });
  });

  it("without one it waits for the app, and ends when none comes", () => {
    const start = play(pending(), claim, windowOf()).task;
    expect(start.due).toBe(NOW + TIMINGS.modalMs);
    expect(play(start, TIMINGS.modalMs, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "modal_unanswered" },
    });
  });

  it("the app answers it once", () => {
    const { task, last } = play(pending(), claim, windowOf(), { kind: "answer", modal: { prompt: "one" } });
    expect(last).toMatchObject({ kind: "record", effects: [{ kind: "enqueue" }] });
    expect(task.due).toBe(NOW + TIMINGS.requeueMs);
    const twice = play(task, { kind: "answer", modal: { prompt: "two" } });
    expect(twice.last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(twice.task.modal).toEqual({ prompt: "one" });
  });

  it("nothing that runs or has ended can be answered; before its window an answer is kept (state.modal.test.ts)", () => {
    for (const status of ["IN_PROGRESS", ...ENDED] as const) {
      expect(play(taskIn(status), { kind: "answer", modal: {} }).last.kind, status).toBe("ignore");
    }
  });

  it("sending the answer takes no further attempt: it is the same paid task", () => {
    const { task, last } = play(planned(), claim, windowOf(), claim);
    expect(effects(last)).toEqual(["call"]);
    expect(task).toMatchObject({ status: "SUBMITTING", phase: "modal", attempt: 1, modals: 1 });
  });

  it("an answered window is never answered twice", () => {
    const sent = play(planned(), claim, windowOf(), claim).task;
    for (const after of [[], [accepted()], [unclear()], [callback("IN_PROGRESS")]]) {
      for (const again of [callback("MODAL"), windowOf(), claim, { kind: "answer", modal: {} } as const]) {
        const { task, last } = play(sent, ...after, again);
        expect(effects(last)).toEqual([]);
        expect(task.modals).toBe(1);
        expect(task.status).not.toBe("MODAL");
      }
    }
  });

  it("a MODAL callback that overtakes the answer 'window' leads to one answer, not two", () => {
    const { task, last } = play(planned(), claim, callback("MODAL"), claim, windowOf());
    expect(effects(last)).toEqual([]);
    expect(task).toMatchObject({ status: "SUBMITTING", phase: "modal", modals: 1, vendorTaskId: "v1" });
  });

  it("the relay's MODAL lagging behind our accepted answer is old news", () => {
    const { last } = play(planned(), claim, windowOf(), claim, accepted(), lookup("MODAL"));
    expect(last).toEqual({ kind: "ignore", why: "stale" });
  });

  it("a slow answer to the submission is not taken for the answer to our answer", () => {
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

  it("in doubt, only a look-up after the grace proves that the answer was not taken", () => {
    const doubt = play(planned(), claim, windowOf(), claim, unclear()).task;
    expect(play(doubt, callback("MODAL")).last).toEqual({ kind: "ignore", why: "stale" });
    const { task, last } = play(doubt, GRACE_OVER, due, lookup("MODAL"));
    expect(task.status).toBe("MODAL");
    expect(effects(last)).toEqual(["enqueue"]);
  });

  it("in doubt, an older SUBMITTED callback is no proof that it was taken; a look-up's is", () => {
    const doubt = play(planned(), claim, windowOf(), claim, unclear()).task;
    expect(play(doubt, callback("SUBMITTED")).task.status).toBe("UNCLEAR");
    expect(play(doubt, callback("IN_PROGRESS")).task.status).toBe("IN_PROGRESS");
    expect(play(doubt, GRACE_OVER, due, lookup("SUBMITTED")).task.status).toBe("SUBMITTED");
  });

  it("in doubt, an odd word is noted and proves nothing", () => {
    const doubt = play(planned(), claim, windowOf(), claim, unclear()).task;
    const { task } = play(doubt, callback(undefined, 1, { unknownStatus: "WAITING" }));
    expect(task).toMatchObject({ status: "UNCLEAR", unknownStatus: "WAITING" });
  });

  it("a vendor that opens the window again and again is answered at most attemptLimit times", () => {
    let task = play(planned(), claim, windowOf()).task;
    const rounds = [claim, unclear(), GRACE_OVER, due, lookup("MODAL")];
    for (let i = 0; i < 5; i++) task = play(task, ...rounds).task;
    expect(task).toMatchObject({
      status: "FAILURE",
      modals: TIMINGS.attemptLimit,
      failure: { code: "submission_unclear" },
    });
  });

  it("in doubt and not found, it ends: the window may have gone with the task", () => {
    const { task } = play(planned(), claim, windowOf(), claim, unclear(), missing, missing);
    expect(task).toMatchObject({ status: "FAILURE", failure: { code: "submission_unclear" } });
  });

  it("busy leaves the window open and is not counted as an answer", () => {
    const { task, last } = play(planned(), claim, windowOf(), claim, busy());
    expect(task).toMatchObject({ status: "MODAL", phase: "submit", modals: 0, attempt: 1, busyAnswers: 1 });
    expect(effects(last)).toEqual(["enqueue"]);
  });

  it("an answer given at the last moment has a busy vendor's patience of its own", () => {
    const answer: Signal = { kind: "answer", modal: {} };
    const start = play(pending({ pace: "turbo" }), claim, 5 * minute, windowOf(), 29 * minute, answer, claim, busy());
    expect(start.task).toMatchObject({ status: "MODAL", busyAnswers: 1 });
    const limit = TIMINGS.modalMs + 2 * TIMINGS.pendingMs.turbo;
    expect(play(pending({ modal: {}, pace: "turbo" }), limit, claim, windowOf(), claim, busy()).last).toMatchObject({
      next: { status: "MODAL" },
      effects: [{ kind: "enqueue", delayMs: 0 }],
    });
    expect(play(pending({ modal: {}, pace: "turbo" }), limit + 1, claim, windowOf(), claim, busy()).task).toMatchObject(
      {
        status: "EXPIRED",
        failure: { code: "vendor_busy" },
      },
    );
  });

  it("the deadline of the work does not fall on an open window, answered or not", () => {
    const verdict: Signal = { kind: "abandon", failure: failure("deadline_passed") };
    for (const open of [play(planned(), claim, windowOf()).task, play(pending(), claim, windowOf()).task]) {
      expect(isPastDeadline(open, ctx(NOW + 10 * hour))).toBe(false);
      expect(play(open, 10 * hour, verdict).last).toEqual({ kind: "ignore", why: "not-waiting" });
      expect(play(open, 10 * hour, due).task.status).toBe("EXPIRED");
    }
  });

  it("in doubt, a look-up asked before our answer went out proves nothing", () => {
    const doubt = { ...play(planned(), claim, windowOf(), claim, unclear()).task, rev: 5 };
    const asked = (rev: number): Signal => ({
      kind: "report",
      attempt: 1,
      from: "lookup",
      rev,
      report: report("SUBMITTED"),
    });
    expect(play(doubt, asked(3)).last).toEqual({ kind: "ignore", why: "stale" });
    expect(play(doubt, asked(5)).task.status).toBe("SUBMITTED");
    const seen: Signal = { kind: "report", attempt: 1, from: "lookup", rev: 3, report: report("MODAL") };
    expect(play(doubt, seen, { kind: "lookupMiss", rev: 3 }).last).toEqual({ kind: "ignore", why: "superseded" });
    expect(play(doubt, seen).task).toBe(doubt);
  });

  it("a hidden window (code 21 rewritten to 1) is found by report or look-up", () => {
    for (const seen of [callback("MODAL"), lookup("MODAL")]) {
      expect(play(planned(), claim, accepted(), seen)).toMatchObject({
        task: { status: "MODAL" },
        last: { effects: [{ kind: "enqueue", delayMs: 0 }] },
      });
      expect(play(pending(), claim, accepted(), seen).task.due).toBe(NOW + TIMINGS.modalMs);
    }
  });

  it("a window seen before any answer proves the submission was taken", () => {
    for (const steps of [[], [unclear()], [busy()]]) {
      expect(play(pending(), claim, ...steps, callback("MODAL")).task).toMatchObject({ status: "MODAL", attempt: 1 });
    }
  });

  it("submitted while our answer is on its way is from before the window; progress is from after it", () => {
    const sent = play(planned(), claim, windowOf(), claim).task;
    expect(play(sent, callback("SUBMITTED")).last).toEqual({ kind: "ignore", why: "stale" });
    expect(play(sent, callback("IN_PROGRESS")).task).toMatchObject({ status: "IN_PROGRESS", leaseUntil: undefined });
  });

  it("the vendor may go on by itself", () => {
    expect(play(pending(), claim, windowOf(), callback("IN_PROGRESS")).task.status).toBe("IN_PROGRESS");
  });

  it("the time it stood open does not count against the deadline", () => {
    const { task, now } = play(
      pending(),
      claim,
      windowOf(),
      25 * minute,
      { kind: "answer", modal: {} },
      claim,
      callback("IN_PROGRESS"),
    );
    expect(isPastDeadline(task, ctx(now + 20 * minute))).toBe(false);
    expect(isPastDeadline(task, ctx(now + DEADLINE_OVER))).toBe(true);
  });

  it("an answer that no worker picks up is queued again, and not for ever", () => {
    const start = play(planned(), claim, windowOf()).task;
    const again = play(start, TIMINGS.requeueMs, due);
    expect(effects(again.last)).toEqual(["enqueue"]);
    expect(again.task.due).toBe(again.now + TIMINGS.requeueMs);
    expect(play(start, TIMINGS.modalMs + hour + 1, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "deadline_passed" },
    });
    expect(play({ ...start, busyAnswers: 3 }, TIMINGS.modalMs + hour + 1, due).task.failure?.code).toBe("vendor_busy");
  });

  it("a mask that is gone ends it; an unanswered window is left to its due time", () => {
    const gone: Signal = { kind: "abandon", failure: failure("input_missing") };
    expect(play(planned(), claim, windowOf(), gone).task.failure?.code).toBe("input_missing");
    expect(play(pending(), claim, windowOf(), gone).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });
});

describe("the sweeper's look", () => {
  it("a message that got lost is sent again", () => {
    const { task, last, now } = play(pending(), 5 * minute, due);
    expect(effects(last)).toEqual(["enqueue"]);
    expect(task).toMatchObject({ status: "PENDING", due: now + TIMINGS.requeueMs });
  });

  it("what was not started within pendingMs ends, and says whether the vendor was busy", () => {
    expect(play(pending(), hour + 1, due).task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "deadline_passed" },
    });
    expect(play(pending(), claim, busy(), hour + 1, due).task.failure?.code).toBe("vendor_busy");
  });

  it("pushes the next look before it asks, so that two sweepers do not both ask", () => {
    const { task, last, now } = play(pending(), claim, accepted(), 20 * minute, due);
    expect(effects(last)).toEqual(["lookup"]);
    expect(task).toMatchObject({ lookups: 1, due: now + TIMINGS.lookupMaxMs });
    expect(play(task, 20 * minute, due).last).toEqual({ kind: "ignore", why: "not-waiting" });
  });

  it("a vendor in trouble is left alone until it may be asked again, and that costs no look-up", () => {
    const askAt = NOW + 21 * minute;
    const { task, last } = play(pending(), claim, accepted(), 20 * minute, { kind: "due", askAt });
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [] });
    expect(task).toMatchObject({ due: askAt, lookups: 0 });
    expect(effects(play(task, 21 * minute, { kind: "due", askAt }).last)).toEqual(["lookup"]);
  });

  it("a task the vendor no longer knows, four times in a row, is lost", () => {
    const start = play(pending(), claim, accepted()).task;
    const three = play(start, missing, missing, missing);
    expect(three.task).toMatchObject({ status: "SUBMITTED", lookupMisses: 3 });
    expect(play(three.task, missing).task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_lost" } });
  });

  it("found in between, the row begins anew, even when there is no other news", () => {
    const { task } = play(pending(), claim, accepted(), missing, missing, missing, lookup("SUBMITTED"), missing);
    expect(task).toMatchObject({ status: "SUBMITTED", lookupMisses: 1 });
  });

  it("without an id and without a search it waits for callbacks until its deadline", () => {
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

  it("a task that nobody managed to ask about for half a deadline more ends without being asked", () => {
    const running = play(pending(), claim, accepted()).task;
    const deadline = TIMINGS.deadlineMs[running.pace];
    const asked = play(running, deadline + 1, due);
    expect(effects(asked.last)).toEqual(["lookup"]);
    expect(effects(play(asked.task, deadline * 1.5, due).last)).toEqual(["lookup"]);
    const { task } = play(asked.task, deadline * 1.5 + 1, due);
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" }, due: undefined });
  });

  it("a house that was off for a night asks once before it gives up: the picture may be there", () => {
    const night = play(pending(), claim, accepted(), 9 * hour, due);
    expect(effects(night.last)).toEqual(["lookup"]);
    expect(play(night.task, 9 * hour, lookup("SUCCESS")).task.status).toBe("SUCCESS");
    expect(play(night.task, 10 * hour, due).task.status).toBe("EXPIRED");
  });

  it("'not found' about a task that is not waiting for the vendor is ignored", () => {
    for (const status of ["PENDING", "SUBMITTING", "MODAL"] as const) {
      expect(play(taskIn(status), missing).last).toEqual({ kind: "ignore", why: "not-waiting" });
    }
    expect(play(taskIn("SUCCESS"), missing).last).toEqual({ kind: "ignore", why: "ended" });
  });

  it("the deadline ends what was accepted, and only after it has passed", () => {
    const verdict: Signal = { kind: "abandon", failure: failure("deadline_passed") };
    const start = play(pending(), claim, accepted()).task;
    expect(play(start, DEADLINE_OVER - 2, verdict).last).toEqual({ kind: "ignore", why: "not-waiting" });
    expect(play(start, DEADLINE_OVER, verdict).task).toMatchObject({ status: "EXPIRED", failure: verdict.failure });
    expect(isPastDeadline(taskIn("SUCCESS", { submittedAt: 0 }), ctx())).toBe(false);
  });
});

describe("what cannot be submitted", () => {
  const why = failure("press_not_offered", { offered: ["U1"] });

  it("ends with the reason given", () => {
    const { task, last } = play(pending(), { kind: "abandon", failure: why });
    expect(task).toMatchObject({ status: "FAILURE", failure: why, attempt: 0 });
    expect(effects(last)).toEqual(["settle"]);
    expect(play(pending(), { kind: "abandon", failure: failure("deadline_passed") }).task.status).toBe("EXPIRED");
  });

  it("a poisoned message does not end what the vendor may already have", () => {
    for (const status of ["UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(play(taskIn(status), { kind: "abandon", failure: failure("dead_letter") }).last, status).toEqual({
        kind: "ignore",
        why: "not-waiting",
      });
    }
    expect(play(pending(), claim, { kind: "abandon", failure: why }).last).toEqual({ kind: "ignore", why: "leased" });
  });

  it("no verdict falls while a worker is at the vendor, not even the deadline's", () => {
    const { last } = play(pending(), 10 * hour, claim, { kind: "abandon", failure: failure("deadline_passed") });
    expect(last).toEqual({ kind: "ignore", why: "leased" });
  });
});

describe("words outside the protocol (D4)", () => {
  const odd = (word?: string) => callback(undefined, 1, word === undefined ? {} : { unknownStatus: word });

  it("are recorded once, and move nothing that is already under way", () => {
    const start = play(pending(), claim, accepted()).task;
    const { task, last } = play(start, odd("PAUSED"));
    expect(last).toMatchObject({ kind: "record", why: "unknown-status", effects: [] });
    expect(task).toMatchObject({ status: "SUBMITTED", unknownStatus: "PAUSED" });
    expect(play(task, odd("PAUSED")).last).toEqual({ kind: "ignore", why: "unknown-status" });
    expect(play(start, odd(), odd()).task.unknownStatus).toBe("");
  });

  it("are cut, and a long one repeated is still the same word", () => {
    const { task, last } = play(pending(), claim, accepted(), odd("X".repeat(500)), odd("X".repeat(500)));
    expect(task.unknownStatus).toHaveLength(64);
    expect(last.kind).toBe("ignore");
  });
});

describe("why it failed", () => {
  it.each([
    ["FAILURE", "可能包含敏感词", "banned_prompt"],
    ["FAILURE", "Banned prompt detected", "banned_prompt"],
    ["FAILURE", "[Invalid parameter] Unrecognized parameter(s): --foo", "invalid_prompt"],
    ["FAILURE", "参数错误", "invalid_prompt"],
    ["FAILURE", "取消任务", "vendor_cancelled"],
    ["FAILURE", "任务超时", "vendor_failed"],
    ["FAILURE", undefined, "vendor_failed"],
    ["CANCEL", undefined, "vendor_cancelled"],
  ] as const)("%s %s is %s, the vendor's words kept", (status, failReason, code) => {
    const found = failureOf(report(status, failReason ? { failReason } : {}));
    expect(found).toMatchObject({ code, message: FAILURES[code] });
    expect(found.vendor?.description).toBe(failReason);
  });

  it("a novel of a reason is cut", () => {
    expect(failureOf(report("FAILURE", { failReason: "x".repeat(9_999) })).vendor?.description).toHaveLength(500);
  });

  it("the result and the vendor's own word for the work are kept at the end", () => {
    const result = { imageUrl: "https://x/1.png" };
    const { task } = play(pending(), claim, accepted(), callback("SUCCESS", 1, { action: "BLEND", result }));
    expect(task).toMatchObject({ action: "BLEND", result });
    expect(play(pending(), claim, callback("IN_PROGRESS", 1, { action: "BLEND" })).task.action).toBe("BLEND");
  });
});

describe("scenarios.json", () => {
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

  it.each(scenarios)("$name ends as $final, its end told once", ({ deliver, final }) => {
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

describe("the table of moves", () => {
  it("knows every status, and nothing leads out of an end", () => {
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...STATUSES].sort());
    for (const status of ended) expect(TRANSITIONS[status]).toEqual([]);
  });
});
