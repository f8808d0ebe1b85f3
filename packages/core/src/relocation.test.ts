import { describe, expect, it } from "vitest";
import {
  accepted,
  busy,
  claim,
  ctx,
  effects,
  hour,
  lookup,
  missing,
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
const left = (attempt: number, to: AccountRef): Signal => ({ ...busy(attempt), to }) as Signal;
const heard = (
  status: Parameters<typeof report>[0],
  attempt: number,
  at: AccountRef,
  vendorTaskId = `v${attempt}`,
): Signal => {
  return { kind: "report", attempt, from: "callback", at, report: report(status, { vendorTaskId }) };
};
const where = ({ provider, account, attempt, status }: Task) => ({ provider, account, attempt, status });

describe("a root that was not taken", () => {
  it("moves to where there is room, at once; its number stays behind and is not counted", () => {
    const { task, last } = play(start(), claim, left(1, B));
    expect(where(task)).toEqual({ ...B, attempt: 1, status: "PENDING" });
    expect(last).toMatchObject({ effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(task).toMatchObject({
      busyAnswers: 0,
      due: NOW + TIMINGS.requeueMs,
      previousLocations: [{ ...A, attempt: 1, untaken: true }],
    });
    expect([task.leaseUntil, countSubmissions(task)]).toEqual([undefined, 0]);
    const sent = play(task, claim, accepted(2)).task;
    expect([where(sent), countSubmissions(sent)]).toEqual([{ ...B, attempt: 2, status: "SUBMITTED" }, 1]);
    expect([accountOfAttempt(sent, 1), accountOfAttempt(sent, 2)]).toMatchObject([A, B]);
  });

  it("and was never asked for moves with no number left behind, and that is no news to its app", () => {
    const { task, last } = play(start(), { kind: "accountFull", chance: 0, to: B });
    expect(where(task)).toEqual({ ...B, attempt: 0, status: "PENDING" });
    expect(last).toMatchObject({ kind: "record", why: "no-news", effects: [{ kind: "enqueue", delayMs: 0 }] });
    expect(where(play(task, claim).task)).toMatchObject({ ...B, attempt: 1 });
  });

  it("leaves the number behind that an earlier busy answer gave back: the account has a token with it", () => {
    const { task } = play(start(), claim, busy(1), { kind: "accountFull", chance: 0, to: B });
    expect(task).toMatchObject({ ...B, attempt: 1, previousLocations: [{ ...A, attempt: 1, untaken: true }] });
  });

  it("whose vendor is lost goes on elsewhere, if there is anywhere; else it ends", () => {
    const why = failure("vendor_unauthorized");
    const refused: Signal = { kind: "refused", attempt: 1, failure: why };
    expect(where(play(start(), claim, { ...refused, to: C }).task)).toEqual({ ...C, attempt: 1, status: "PENDING" });
    expect(play(start(), claim, refused).task).toMatchObject({ ...A, status: "FAILURE", failure: why });
    const gone: Signal = { kind: "abandon", failure: failure("provider_missing") };
    expect(where(play(start(), { ...gone, to: C }).task)).toEqual({ ...C, attempt: 0, status: "PENDING" });
    expect(play(start(), gone).task.status).toBe("FAILURE");
  });

  it("does not move for ever", () => {
    let task = start();
    let moves = 0;
    for (; moves < 50; moves++) {
      const next = play(task, claim, left(task.attempt + 1, moves % 2 ? A : B)).task;
      if (next.account === task.account) break;
      task = next;
    }
    expect(moves).toBe(8);
    expect([countSubmissions(task), task.status]).toEqual([0, "PENDING"]);
  });

  it("gives up when it has waited as long as any may, wherever there is room", () => {
    const { task } = play(start(), claim, 2 * hour, left(1, B));
    expect(task).toMatchObject({ ...A, status: "EXPIRED", failure: { code: "vendor_busy" } });
    expect(play(start(), 2 * hour, { kind: "accountFull", chance: 0, to: B }).task).toMatchObject({
      ...A,
      status: "EXPIRED",
    });
  });
});

describe("nothing moves", () => {
  it("that a vendor has, or may have: no answer but a clear no does it", () => {
    const signals: Signal[] = [unclear(), accepted(), { kind: "lookupMiss" }, { kind: "due" }, lookup("IN_PROGRESS")];
    for (const signal of signals) expect(play(start(), claim, { ...signal, to: B } as Signal).task).toMatchObject(A);
    for (const status of STATUSES.filter((each) => each !== "PENDING")) {
      const { task } = play(taskIn(status, { modal: {} }), { kind: "accountFull", chance: 0, to: B });
      expect(task, status).toMatchObject(A);
    }
  });

  it("after doubt, before its grace has passed and nothing was found", () => {
    const doubt = play(start(), claim, unclear()).task;
    for (const signal of [left(1, B), { kind: "accountFull", chance: 0, to: B } as const, claim]) {
      expect(play(doubt, signal).task).toMatchObject({ ...A, status: "UNCLEAR" });
    }
    const { task } = play(doubt, 2 * hour, missing, missing);
    expect(where(play(task, claim, left(2, B)).task)).toEqual({
      ...B,
      attempt: 2,
      status: "EXPIRED" === task.status ? task.status : "PENDING",
    });
  });

  it("but roots that no vendor was ever heard of", () => {
    expect(canRelocate(start())).toBe(true);
    expect(canRelocate(start({ path: "0-1" }))).toBe(false);
    expect(canRelocate(start({ vendorTaskId: "v" }))).toBe(false);
    expect(canRelocate(start({ orphans: [{ attempt: 1, at: NOW }] }))).toBe(false);
    expect(canRelocate(taskIn("MODAL", { phase: "modal" }))).toBe(false);
    expect(canRelocate(taskIn("FAILURE"))).toBe(false);
    const branch = play(start({ path: "0-1" }), claim, left(1, B)).task;
    expect(branch).toMatchObject({ ...A, attempt: 0, busyAnswers: 1 });
  });
});

describe("an account that took it after all", () => {
  it("has it again, as long as nothing else was sent: nothing is paid twice", () => {
    for (const status of ["SUBMITTED", "IN_PROGRESS", "SUCCESS"] as const) {
      const { task } = play(start(), claim, left(1, B), heard(status, 1, A));
      expect(where(task)).toEqual({ ...A, attempt: 1, status });
      expect([task.vendorTaskId, task.previousLocations, countSubmissions(task)]).toEqual(["v1", undefined, 1]);
      expect(play(task, claim).task.attempt).toBe(1);
    }
    expect(play(start(), claim, left(1, B), { ...accepted(1) }).task).toMatchObject({ ...A, status: "SUBMITTED" });
  });

  it("however many it has left since", () => {
    const moved = play(start(), claim, left(1, B), claim, left(2, C)).task;
    expect(where(moved)).toEqual({ ...C, attempt: 2, status: "PENDING" });
    const { task } = play(moved, heard("IN_PROGRESS", 1, A));
    expect(where(task)).toEqual({ ...A, attempt: 1, status: "IN_PROGRESS" });
    expect(where(play(moved, heard("IN_PROGRESS", 2, B)).task)).toEqual({ ...B, attempt: 2, status: "IN_PROGRESS" });
  });

  it("also that of a submission that was lost before", () => {
    const waits = play(start(), claim, unclear(), 2 * hour, missing, missing).task;
    if (waits.status !== "PENDING") throw new Error(waits.status);
    const moved = play({ ...waits, createdAt: NOW + 2 * hour }, claim, left(2, B)).task;
    expect(restoresAttempt(moved, 1)).toBe(true);
    const { task } = play(moved, heard("IN_PROGRESS", 1, A));
    expect(where(task)).toEqual({ ...A, attempt: 1, status: "IN_PROGRESS" });
  });

  it("and failed it says nothing of the one it waits for", () => {
    for (const status of ["FAILURE", "CANCEL"] as const) {
      const { task } = play(start(), claim, left(1, B), heard(status, 1, A));
      expect(where(task)).toEqual({ ...B, attempt: 1, status: "PENDING" });
    }
  });

  it("once it was sent elsewhere is another submission: shown, and not in the way", () => {
    const { task } = play(start(), claim, left(1, B), claim, accepted(2), heard("IN_PROGRESS", 1, A));
    expect(where(task)).toEqual({ ...B, attempt: 2, status: "SUBMITTED" });
    expect(task.orphans).toMatchObject([{ attempt: 1, vendorTaskId: "v1" }]);
  });

  it("and succeeds first, has the task: what follows is pressed there, and the other is the orphan", () => {
    const { task } = play(start(), claim, left(1, B), claim, accepted(2), heard("SUCCESS", 1, A));
    expect(where(task)).toEqual({ ...A, attempt: 2, status: "SUCCESS" });
    expect(task).toMatchObject({ vendorTaskId: "v1", endedBy: 1, orphans: [{ attempt: 2, vendorTaskId: "v2" }] });
    expect([accountOfAttempt(task, 1), accountOfAttempt(task, 2), countSubmissions(task)]).toMatchObject([A, B, 2]);
    const late = play(task, heard("SUCCESS", 2, B)).task;
    expect(where(late)).toEqual(where(task));
  });

  it("is given the task back when the other will not have it", () => {
    const begun = play(start(), claim, left(1, B), claim, heard("IN_PROGRESS", 1, A)).task;
    const { task, last } = play(begun, left(2, C));
    expect(where(task)).toEqual({ ...A, attempt: 1, status: "SUBMITTED" });
    expect([task.vendorTaskId, effects(last)]).toEqual(["v1", []]);
  });
});

it("a token of another account than its number's is not heard", () => {
  const moved = play(start(), claim, left(1, B), claim).task;
  expect(play(moved, heard("SUCCESS", 2, A)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
  expect(play(moved, heard("SUCCESS", 1, B)).last).toEqual({ kind: "ignore", why: "unknown-attempt" });
  expect(play(moved, heard("SUCCESS", 2, B)).task).toMatchObject({ ...B, status: "SUCCESS" });
  expect(play(taskIn("SUBMITTED"), heard("SUCCESS", 1, B)).last.kind).toBe("ignore");
  expect(ctx().now).toBe(NOW);
});

describe("an account with a cap", () => {
  it("that is full is waited for as a busy vendor is, with nothing asked and nothing given back", () => {
    const { task, last } = play(start(), { kind: "accountFull", chance: 1 }, { kind: "accountFull", chance: 1 });
    expect(task).toMatchObject({ ...A, attempt: 0, busyAnswers: 2, due: NOW + 2 * TIMINGS.busyMs + TIMINGS.requeueMs });
    expect(last).toMatchObject({ kind: "record", effects: [{ kind: "enqueue", delayMs: 2 * TIMINGS.busyMs }] });
  });

  it("keeps a window's answer waiting, too", () => {
    const { task, last } = play(taskIn("MODAL", { modal: { prompt: "p" } }), { kind: "accountFull", chance: 1, to: B });
    expect(task).toMatchObject({ ...A, status: "MODAL", busyAnswers: 1, modals: 0, phase: "submit" });
    expect(effects(last)).toEqual(["enqueue"]);
  });
});

describe("where attempts were made", () => {
  const places: Task["previousLocations"] = [
    { ...A, attempt: 1, untaken: true },
    { ...B, attempt: 2, untaken: true },
    { ...A, attempt: 3 },
  ];
  const moved = taskIn("SUBMITTED", { ...C, attempt: 4, previousLocations: places });

  it("is an account of a provider: the same name elsewhere is another", () => {
    expect(isSameAccount(A, { ...A })).toBe(true);
    expect([isSameAccount(A, B), isSameAccount(A, { ...A, provider: "other" })]).toEqual([false, false]);
  });

  it("is kept with what was not taken only where something was asked, and left", () => {
    const asked = { ...A, attempt: 1, untaken: true };
    expect(relocateTo(taskIn("PENDING", A), B).previousLocations).toStrictEqual([{ ...A, attempt: 0 }]);
    expect(relocateTo(taskIn("PENDING", { ...A, busyAnswers: 2 }), B).previousLocations).toStrictEqual([asked]);
    expect(relocateTo(taskIn("SUBMITTING", { ...A, attempt: 1 }), B).previousLocations).toStrictEqual([asked]);
  });

  it("is said of the one that turned up, and of no other", () => {
    expect(markAccepted(moved, 2).previousLocations).toStrictEqual([places[0], { ...B, attempt: 2 }, places[2]]);
    expect(markAccepted(taskIn("SUBMITTED"), 1)).toEqual({});
  });

  it("is where the task is again, should that have it; what came later is forgotten", () => {
    expect(restoreLocation(moved, 3)).toStrictEqual({ ...A, previousLocations: places.slice(0, 2) });
    expect(restoreLocation(moved, 1)).toStrictEqual({ ...A, previousLocations: undefined });
    expect([restoreLocation(moved, 4), restoreLocation(taskIn("SUBMITTED"), 1)]).toEqual([{}, {}]);
  });

  it("is where the task goes on, should that succeed; where the latest was stays known", () => {
    expect(adoptAttemptLocation(moved, 2)).toStrictEqual({
      ...B,
      previousLocations: [places[0], { ...B, attempt: 2 }, places[2], { ...C, attempt: 4 }],
    });
    expect([adoptAttemptLocation(moved, 4), adoptAttemptLocation(taskIn("SUBMITTED"), 1)]).toEqual([{}, {}]);
  });

  it("is where a waiting task may be back: with what was left untaken, or with what was made last", () => {
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

  it("is left only by a root that nobody has or may have: not by one whose window is being answered", () => {
    for (const status of ["PENDING", "SUBMITTING", "UNCLEAR"] as const) {
      expect(canRelocate(taskIn(status)), status).toBe(true);
      expect(canRelocate(taskIn(status, { phase: "modal" })), status).toBe(false);
    }
  });
});
