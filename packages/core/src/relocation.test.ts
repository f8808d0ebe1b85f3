import { describe, expect, it } from "vitest";
import {
  accepted,
  busy,
  claim,
  ctx,
  effects,
  hour,
  lookup,
  lookupMiss,
  NOW,
  play,
  report,
  taskIn,
  unclear,
} from "../test/sample.ts";
import { failure } from "./error.ts";
import {
  accountOfAttempt,
  adoptAttemptLocation,
  canRelocate,
  countSubmissions,
  isSameAccount,
  markAccepted,
  relocateTo,
  restoreLocation,
  restoresAttempt,
} from "./relocation.ts";
import type { AccountRef, Signal } from "./state.ts";
import { STATUSES, type Task } from "./task.ts";
import { TIMINGS } from "./timing.ts";

const A: AccountRef = { provider: "sim", account: "default" };
const B: AccountRef = { provider: "sim", account: "b" };
const C: AccountRef = { provider: "other", account: "c" };
const start = (more: Partial<Task> = {}) => taskIn("PENDING", { due: NOW, ...more });
/** A busy response, with an account that has a free slot. */
const busyWithFailover = (attempt: number, to: AccountRef): Signal => ({ ...busy(attempt), to }) as Signal;
/** A callback of an attempt that was made at the account `at`. */
const callbackFrom = (
  status: Parameters<typeof report>[0],
  attempt: number,
  at: AccountRef,
  vendorTaskId = `v${attempt}`,
): Signal => {
  return { kind: "report", attempt, from: "callback", at, report: report(status, { vendorTaskId }) };
};
const positionOf = ({ provider, account, attempt, status }: Task) => ({ provider, account, attempt, status });

describe("relocation of a root that was not accepted", () => {
  it("after a busy response the root moves at once, and the rejected attempt is not counted as submission", () => {
    const { task, last } = play(start(), claim, busyWithFailover(1, B));
    expect(positionOf(task)).toEqual({ ...B, attempt: 1, status: "PENDING" });
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({
      busyAnswers: 0,
      due: NOW + TIMINGS.requeueMs,
      previousLocations: [{ ...A, attempt: 1, untaken: true }],
    });
    expect([task.leaseUntil, countSubmissions(task)]).toEqual([undefined, 0]);
    const sent = play(task, claim, accepted(2)).task;
    expect([positionOf(sent), countSubmissions(sent)]).toEqual([{ ...B, attempt: 2, status: "SUBMITTED" }, 1]);
    expect([accountOfAttempt(sent, 1), accountOfAttempt(sent, 2)]).toMatchObject([A, B]);
  });

  it("a root without any call moves without using an attempt number, and the app gets no event", () => {
    const { task, last } = play(start(), { kind: "wait", why: "full", to: B });
    expect(positionOf(task)).toEqual({ ...B, attempt: 0, status: "PENDING" });
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(positionOf(play(task, claim).task)).toMatchObject({ ...B, attempt: 1 });
  });

  it("a number released by a busy response stays with the old account, which has a callback token with it", () => {
    const { task } = play(start(), claim, busy(1), { kind: "wait", why: "full", to: B });
    expect(task).toMatchObject({ ...B, attempt: 1, previousLocations: [{ ...A, attempt: 1, untaken: true }] });
  });

  it("after a vendor loss the root moves to the failover account, or fails if there is none", () => {
    const why = failure("vendor_unauthorized");
    const refused: Signal = { kind: "refused", attempt: 1, failure: why };
    expect(positionOf(play(start(), claim, { ...refused, to: C }).task)).toEqual({
      ...C,
      attempt: 1,
      status: "PENDING",
    });
    expect(play(start(), claim, refused).task).toMatchObject({ ...A, status: "FAILURE", failure: why });
    const gone: Signal = { kind: "abandon", failure: failure("provider_missing") };
    expect(positionOf(play(start(), { ...gone, to: C }).task)).toEqual({ ...C, attempt: 0, status: "PENDING" });
    expect(play(start(), gone).task.status).toBe("FAILURE");
  });

  it("a root moves at most 8 times", () => {
    let task = start();
    let moves = 0;
    for (; moves < 50; moves++) {
      const next = play(task, claim, busyWithFailover(task.attempt + 1, moves % 2 ? A : B)).task;
      if (next.account === task.account) break;
      task = next;
    }
    expect(moves).toBe(8);
    expect([countSubmissions(task), task.status]).toEqual([0, "PENDING"]);
  });

  it("a root that has waited longer than pendingMs expires even if another account has a free slot", () => {
    const { task } = play(start(), claim, 2 * hour, busyWithFailover(1, B));
    expect(task).toMatchObject({ ...A, status: "EXPIRED", failure: { code: "vendor_busy" } });
    expect(play(start(), 2 * hour, { kind: "wait", why: "full", to: B }).task).toMatchObject({
      ...A,
      status: "EXPIRED",
    });
  });
});

describe("tasks that must not move (R1)", () => {
  it("a task that a vendor has or may have does not move on any signal but a clear rejection", () => {
    const signals: Signal[] = [unclear(), accepted(), { kind: "lookupMiss" }, { kind: "due" }, lookup("IN_PROGRESS")];
    for (const signal of signals) expect(play(start(), claim, { ...signal, to: B } as Signal).task).toMatchObject(A);
    for (const status of STATUSES.filter((each) => each !== "PENDING")) {
      const { task } = play(taskIn(status, { modal: {} }), { kind: "wait", why: "full", to: B });
      expect(task, status).toMatchObject(A);
    }
  });

  it("an unclear root does not move before the grace period is over and two look-ups missed it", () => {
    const unclearTask = play(start(), claim, unclear()).task;
    for (const signal of [busyWithFailover(1, B), { kind: "wait", why: "full", to: B } as const, claim]) {
      expect(play(unclearTask, signal).task).toMatchObject({ ...A, status: "UNCLEAR" });
    }
    const { task } = play(unclearTask, 2 * hour, lookupMiss, lookupMiss);
    expect(positionOf(play(task, claim, busyWithFailover(2, B)).task)).toEqual({
      ...B,
      attempt: 2,
      status: "EXPIRED" === task.status ? task.status : "PENDING",
    });
  });

  it("only a root without vendor task id and orphans can move, and only before it is accepted", () => {
    expect(canRelocate(start())).toBe(true);
    expect(canRelocate(start({ path: "0-1" }))).toBe(false);
    expect(canRelocate(start({ vendorTaskId: "v" }))).toBe(false);
    expect(canRelocate(start({ orphans: [{ attempt: 1, at: NOW }] }))).toBe(false);
    expect(canRelocate(taskIn("MODAL", { phase: "modal" }))).toBe(false);
    expect(canRelocate(taskIn("FAILURE"))).toBe(false);
    const branch = play(start({ path: "0-1" }), claim, busyWithFailover(1, B)).task;
    expect(branch).toMatchObject({ ...A, attempt: 0, busyAnswers: 1 });
  });
});

describe("a previous account that accepted the task after all (R2)", () => {
  it("the task returns to that account if nothing else was sent since, so nothing is paid twice", () => {
    for (const status of ["SUBMITTED", "IN_PROGRESS", "SUCCESS"] as const) {
      const { task } = play(start(), claim, busyWithFailover(1, B), callbackFrom(status, 1, A));
      expect(positionOf(task)).toEqual({ ...A, attempt: 1, status });
      // No attempt was made at B, so B has no location.
      expect(task.previousLocations).toEqual([{ ...A, attempt: 1 }]);
      expect([task.vendorTaskId, countSubmissions(task)]).toEqual(["v1", 1]);
      expect(play(task, claim).task.attempt).toBe(1);
    }
    expect(play(start(), claim, busyWithFailover(1, B), { ...accepted(1) }).task).toMatchObject({
      ...A,
      status: "SUBMITTED",
    });
  });

  it("the task returns to that account also after several relocations", () => {
    const moved = play(start(), claim, busyWithFailover(1, B), claim, busyWithFailover(2, C)).task;
    expect(positionOf(moved)).toEqual({ ...C, attempt: 2, status: "PENDING" });
    const { task } = play(moved, callbackFrom("IN_PROGRESS", 1, A));
    expect(positionOf(task)).toEqual({ ...A, attempt: 1, status: "IN_PROGRESS" });
    expect(positionOf(play(moved, callbackFrom("IN_PROGRESS", 2, B)).task)).toEqual({
      ...B,
      attempt: 2,
      status: "IN_PROGRESS",
    });
  });

  it("the task returns to the account of an earlier lost submission", () => {
    const waiting = play(start(), claim, unclear(), 2 * hour, lookupMiss, lookupMiss).task;
    if (waiting.status !== "PENDING") throw new Error(waiting.status);
    const moved = play({ ...waiting, createdAt: NOW + 2 * hour }, claim, busyWithFailover(2, B)).task;
    expect(restoresAttempt(moved, 1)).toBe(true);
    const { task } = play(moved, callbackFrom("IN_PROGRESS", 1, A));
    expect(positionOf(task)).toEqual({ ...A, attempt: 1, status: "IN_PROGRESS" });
  });

  describe("two accounts in turn answer busy, but both accept the task", () => {
    const waiting = play(start(), claim, busyWithFailover(1, B), claim, busy(2)).task;
    const restored = play(waiting, callbackFrom("IN_PROGRESS", 1, A)).task;

    it("the task returns to the first account, and the second task is recorded as a paid orphan", () => {
      expect(positionOf(waiting)).toEqual({ ...B, attempt: 1, status: "PENDING" });
      expect([positionOf(restored), countSubmissions(restored)]).toEqual([
        { ...A, attempt: 1, status: "IN_PROGRESS" },
        1,
      ]);
      const { task } = play(restored, callbackFrom("IN_PROGRESS", 2, B));
      expect(task).toMatchObject({ ...A, status: "IN_PROGRESS", orphans: [{ attempt: 2, vendorTaskId: "v2" }] });
    });

    it("a success at the second account wins with its own id, and the first becomes the orphan", () => {
      const { task } = play(restored, callbackFrom("SUCCESS", 2, B));
      expect(task).toMatchObject({ ...B, status: "SUCCESS", endedBy: 2, vendorTaskId: "v2" });
      expect(task.orphans).toMatchObject([{ attempt: 1, vendorTaskId: "v1" }]);
      expect([accountOfAttempt(task, 1), accountOfAttempt(task, 2)]).toMatchObject([A, B]);
    });

    it("a report after the end of the first is recorded as orphan", () => {
      const ended = play(restored, callbackFrom("SUCCESS", 1, A)).task;
      const { task } = play(ended, callbackFrom("SUCCESS", 2, B));
      expect(task).toMatchObject({ ...A, status: "SUCCESS", endedBy: 1, orphans: [{ attempt: 2 }] });
    });

    it("the rejection of the second account tells nothing new, and a number that no account used is unknown", () => {
      expect(play(restored, callbackFrom("FAILURE", 2, B)).last).toEqual({ kind: "ignore", why: "superseded" });
      expect(play(restored, callbackFrom("SUCCESS", 3, A)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
    });

    it("the report of a third account is recorded too", () => {
      const third = play(start(), claim, busyWithFailover(1, B), claim, busyWithFailover(2, C), claim, busy(3)).task;
      const first = play(third, callbackFrom("IN_PROGRESS", 1, A)).task;
      const { task } = play(first, callbackFrom("IN_PROGRESS", 3, C), callbackFrom("IN_PROGRESS", 2, B));
      expect(task.orphans?.map(({ attempt }) => attempt)).toEqual([3, 2]);
      expect(countSubmissions(task)).toBe(1);
    });
  });

  it("a failure at that account does not change the task, which waits at the new account", () => {
    for (const status of ["FAILURE", "CANCEL"] as const) {
      const { task } = play(start(), claim, busyWithFailover(1, B), callbackFrom(status, 1, A));
      expect(positionOf(task)).toEqual({ ...B, attempt: 1, status: "PENDING" });
    }
  });

  it("after a submission at the new account, progress at the old one is recorded as orphan", () => {
    const { task } = play(
      start(),
      claim,
      busyWithFailover(1, B),
      claim,
      accepted(2),
      callbackFrom("IN_PROGRESS", 1, A),
    );
    expect(positionOf(task)).toEqual({ ...B, attempt: 2, status: "SUBMITTED" });
    expect(task.orphans).toMatchObject([{ attempt: 1, vendorTaskId: "v1" }]);
  });

  it("if the old account succeeds first, the task returns to it and the newer attempt becomes the orphan", () => {
    const { task } = play(start(), claim, busyWithFailover(1, B), claim, accepted(2), callbackFrom("SUCCESS", 1, A));
    expect(positionOf(task)).toEqual({ ...A, attempt: 2, status: "SUCCESS" });
    expect(task).toMatchObject({ vendorTaskId: "v1", endedBy: 1, orphans: [{ attempt: 2, vendorTaskId: "v2" }] });
    expect([accountOfAttempt(task, 1), accountOfAttempt(task, 2), countSubmissions(task)]).toMatchObject([A, B, 2]);
    const late = play(task, callbackFrom("SUCCESS", 2, B)).task;
    expect(positionOf(late)).toEqual(positionOf(task));
  });

  it("the task returns to the old account if the new one answers busy", () => {
    const started = play(start(), claim, busyWithFailover(1, B), claim, callbackFrom("IN_PROGRESS", 1, A)).task;
    const { task, last } = play(started, busyWithFailover(2, C));
    expect(positionOf(task)).toEqual({ ...A, attempt: 1, status: "SUBMITTED" });
    expect([task.vendorTaskId, effects(last)]).toEqual(["v1", []]);
  });
});

it("a callback from an account that does not match its attempt number is ignored", () => {
  const moved = play(start(), claim, busyWithFailover(1, B), claim).task;
  expect(play(moved, callbackFrom("SUCCESS", 2, A)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
  expect(play(moved, callbackFrom("SUCCESS", 1, B)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
  expect(play(moved, callbackFrom("SUCCESS", 2, B)).task).toMatchObject({ ...B, status: "SUCCESS" });
  expect(play(taskIn("SUBMITTED"), callbackFrom("SUCCESS", 1, B)).last.kind).toBe("ignore");
  expect(ctx().now).toBe(NOW);
});

describe("an account that has reached its concurrency limit", () => {
  it("a task waits for a full account as for a busy vendor, without a call and without releasing a number", () => {
    const { task, last } = play(start(), { kind: "wait", why: "full" });
    expect(task).toMatchObject({ ...A, attempt: 0, busyAnswers: 1, waits: "full" });
    expect(last).toMatchObject({ kind: "record", effects: [{ kind: "wait" }] });
  });

  it("a modal answer waits for a full account too", () => {
    const { task, last } = play(taskIn("MODAL", { modal: { prompt: "p" } }), { kind: "wait", why: "full", to: B });
    expect(task).toMatchObject({ ...A, status: "MODAL", busyAnswers: 1, modals: 0, phase: "submit" });
    expect(effects(last)).toEqual(["wait"]);
  });
});

describe("stored locations of attempts", () => {
  const locations: Task["previousLocations"] = [
    { ...A, attempt: 1, untaken: true },
    { ...B, attempt: 2, untaken: true },
    { ...A, attempt: 3 },
  ];
  const moved = taskIn("SUBMITTED", { ...C, attempt: 4, previousLocations: locations });

  it("two accounts are the same only if provider and name are equal", () => {
    expect(isSameAccount(A, { ...A })).toBe(true);
    expect([isSameAccount(A, B), isSameAccount(A, { ...A, provider: "other" })]).toEqual([false, false]);
  });

  it("relocateTo marks the previous attempt as rejected only if a call was made", () => {
    const asked = { ...A, attempt: 1, untaken: true };
    expect(relocateTo(taskIn("PENDING", A), B).previousLocations).toStrictEqual([{ ...A, attempt: 0 }]);
    expect(relocateTo(taskIn("PENDING", { ...A, busyAnswers: 2 }), B).previousLocations).toStrictEqual([asked]);
    expect(relocateTo(taskIn("SUBMITTING", { ...A, attempt: 1 }), B).previousLocations).toStrictEqual([asked]);
  });

  it("markAccepted removes the mark only from the attempt that was accepted after all", () => {
    expect(markAccepted(moved, 2).previousLocations).toStrictEqual([locations[0], { ...B, attempt: 2 }, locations[2]]);
    expect(markAccepted(taskIn("SUBMITTED"), 1)).toEqual({});
  });

  it("restoreLocation returns the task to an earlier account and keeps every other location", () => {
    const latest = { ...C, attempt: 4, untaken: true };
    expect(restoreLocation(moved, 3)).toStrictEqual({ ...A, previousLocations: [...locations, latest] });
    const restored = [{ ...A, attempt: 1 }, locations[1], locations[2], latest];
    expect(restoreLocation(moved, 1)).toStrictEqual({ ...A, previousLocations: restored });
    const unclearTask = { ...moved, status: "UNCLEAR" as const };
    expect(restoreLocation(unclearTask, 3).previousLocations?.at(-1)).toStrictEqual({ ...C, attempt: 4 });
    expect([restoreLocation(moved, 4), restoreLocation(taskIn("SUBMITTED"), 1)]).toEqual([{}, {}]);
  });

  it("adoptAttemptLocation moves the task to the account that succeeded and keeps the latest location", () => {
    expect(adoptAttemptLocation(moved, 2)).toStrictEqual({
      ...B,
      previousLocations: [locations[0], { ...B, attempt: 2 }, locations[2], { ...C, attempt: 4 }],
    });
    expect([adoptAttemptLocation(moved, 4), adoptAttemptLocation(taskIn("SUBMITTED"), 1)]).toEqual([{}, {}]);
  });

  it("a location that already has the number of the latest attempt is not stored twice", () => {
    const known = [...locations, { ...B, attempt: 4 }];
    const task = { ...moved, previousLocations: known };
    expect(restoreLocation(task, 3)).toStrictEqual({ ...A, previousLocations: known });
    expect(adoptAttemptLocation(task, 3)).toStrictEqual({ ...A, previousLocations: known });
  });

  it("only a busy answer to a task that waits has released the number of its attempt", () => {
    const numberOfLatest = (more: Partial<Task>) => restoreLocation({ ...moved, ...more }, 3).previousLocations?.at(-1);
    expect(numberOfLatest({ status: "UNCLEAR", busyAnswers: 2 })).toStrictEqual({ ...C, attempt: 4 });
    expect(numberOfLatest({ status: "PENDING", busyAnswers: 2 })).toStrictEqual({ ...C, attempt: 5, untaken: true });
  });

  it("a rejected attempt or the last possibly accepted one becomes the current attempt of a waiting task again", () => {
    const waiting = { ...moved, status: "PENDING" as const };
    expect([0, 1, 2, 3, 4, 5].map((attempt) => restoresAttempt(waiting, attempt))).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  it("a PENDING, SUBMITTING or UNCLEAR root can move, but not while its modal answer is being sent", () => {
    for (const status of ["PENDING", "SUBMITTING", "UNCLEAR"] as const) {
      expect(canRelocate(taskIn(status)), status).toBe(true);
      expect(canRelocate(taskIn(status, { phase: "modal" })), status).toBe(false);
    }
  });
});
