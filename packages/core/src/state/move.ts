/** The moves there are, and the steps that every side takes. Nothing else builds a decision. */
import { isHeard } from "../event.ts";
import { backAt, lastMade, movedTo, turnedUp } from "../place.ts";
import { isEnded, isListed, type Orphan, type Owed, type Task, type TaskStatus } from "../task.ts";
import { dueAt } from "../timing.ts";
import type { Account, Context, Decision, Effect, Expect, Reason } from "./signal.ts";

/** Every move there is. `move()` refuses any other, and the state-space test walks this same table. */
export const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  PENDING: ["SUBMITTING", "SUBMITTED", "IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUBMITTING: ["PENDING", "UNCLEAR", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  UNCLEAR: ["PENDING", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUBMITTED: ["MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  MODAL: ["SUBMITTING", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  IN_PROGRESS: ["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUCCESS: [],
  FAILURE: [],
  CANCEL: [],
  EXPIRED: [],
};

export class IllegalMove extends Error {
  override readonly name = "IllegalMove";
}

export function move(
  task: Task,
  status: TaskStatus,
  patch: Partial<Task>,
  ctx: Context,
  effects: Effect[] = [],
): Decision {
  if (!TRANSITIONS[task.status].includes(status)) throw new IllegalMove(`${task.status} to ${status}`);
  // What an open window owed is owed no more once it is left; an end brings its own.
  const left: Partial<Task> = { owes: undefined, ...patch };
  return { kind: "move", next: { ...patched(task, left, ctx), status }, effects };
}

export function record(task: Task, patch: Partial<Task>, why: Reason, ctx: Context, effects: Effect[] = []): Decision {
  return { kind: "record", next: patched(task, patch, ctx), why, effects };
}

/**
 * A due time that leaves its flow's leaves it for good: pauses are round, so that a later one may well be the same to the
 * millisecond, and the flow's is another by then.
 */
export function patched(task: Task, patch: Partial<Task>, ctx: Context): Task {
  const next = { ...task, ...patch, updatedAt: ctx.now };
  return isListed(next) && next.flowDue !== undefined ? { ...next, flowDue: 0 } : next;
}

export function postpone(task: Task, byMs: number, ctx: Context, effects: Effect[]): Decision {
  return { kind: "record", why: "no-news", next: patched(task, { due: ctx.now + byMs }, ctx), effects };
}

/**
 * An end that obliges us to something keeps a due time until that is known to be durable elsewhere: a crash in between
 * is found by the sweeper (Q3). Every other end waits for nothing; its flow has a due time of its own.
 */
export function end(task: Task, status: TaskStatus, patch: Partial<Task>, ctx: Context): Decision {
  const owed = owedAtEnd(task, status);
  const due = owed.length > 0 ? ctx.now + ctx.timings.effectsMs : undefined;
  const ended = { ...patch, leaseUntil: undefined, endedAt: ctx.now, due, owes: storedOwed(owed) };
  return move(task, status, ended, ctx, effectsOwed(owed));
}

function owedAtEnd(task: Task, status: TaskStatus): Owed[] {
  const owed: Owed[] = [];
  if (status === "SUCCESS" && (task.then?.length ?? 0) > 0) owed.push("follow");
  if (task.archive && status === "SUCCESS") owed.push("archive");
  if (isHeard(task.hears, status === "SUCCESS" ? "task.completed" : "task.failed")) owed.push("tell");
  return owed;
}

/** Follow-ups alone are not spelled out: most tasks owe nothing else, and their due time says it. */
function storedOwed(owed: readonly Owed[]): Owed[] | undefined {
  return owed.length === 0 || (owed.length === 1 && owed[0] === "follow") ? undefined : [...owed];
}

/** What an ended task still owes, and how that is begun; the flow's end is looked at by those that start nothing. */
export function owedOf(task: Task): readonly Owed[] {
  if (task.owes) return task.owes;
  return task.due !== undefined && task.status === "SUCCESS" && (task.then?.length ?? 0) > 0 ? ["follow"] : [];
}

export function effectsOwed(owed: readonly Owed[]): Effect[] {
  const first: Effect = owed.includes("follow") ? { kind: "follow" } : { kind: "settle" };
  // Told once the copies are there, so that what listeners get has links that last.
  const next = owed.includes("archive") ? "archive" : owed.includes("tell") ? "tell" : undefined;
  return next === undefined ? [first] : [first, { kind: next }];
}

/** One obligation met; with the last of them the due time goes. */
export function paid(task: Task, kind: Owed, patch: Partial<Task>, ctx: Context): Decision {
  const owed = owedOf(task);
  const rest = owed.filter((other) => other !== kind);
  if (rest.length === owed.length && Object.keys(patch).length === 0) return { kind: "ignore", why: "no-news" };
  const due = rest.length > 0 ? task.due : undefined;
  const tells = kind === "archive" && rest.includes("tell");
  return record(task, { ...patch, owes: storedOwed(rest), due }, "no-news", ctx, tells ? [{ kind: "tell" }] : []);
}

/** The window is open. With an answer at hand it is sent at once; without, the app has `modalMs` to give one. */
export function opened(task: Task, patch: Partial<Task>, ctx: Context): Decision {
  // Nobody answers a window they have not heard of: its announcement is as safe as an end's.
  const tells = !task.modal && isHeard(task.hears, "task.modal");
  const { requeueMs, modalMs, effectsMs } = ctx.timings;
  const wait = task.modal ? requeueMs : tells ? effectsMs : modalMs;
  const owes: Owed[] | undefined = tells ? ["tell"] : undefined;
  const next = { ...patch, phase: "submit" as const, leaseUntil: undefined, due: ctx.now + wait, owes };
  return move(task, "MODAL", next, ctx, task.modal ? [{ kind: "enqueue", delayMs: 0 }] : []);
}

export function doubt(task: Task, ctx: Context): Decision {
  return move(task, "UNCLEAR", { leaseUntil: undefined, due: ctx.now + ctx.timings.graceMs[task.pace] }, ctx);
}

export function orphan(
  task: Task,
  attempt: number,
  vendorTaskId: string | undefined,
  patch: Partial<Task>,
  ctx: Context,
): Decision {
  const orphans = task.orphans ?? [];
  const same = orphans.filter((o) => o.attempt === attempt);
  const known = same.some((o) => o.vendorTaskId === vendorTaskId || vendorTaskId === undefined);
  if (known) return { kind: "ignore", why: "superseded" };
  const found: Orphan = { attempt, ...(vendorTaskId && { vendorTaskId }), at: ctx.now };
  const unnamed = same.find((o) => o.vendorTaskId === undefined);
  if (unnamed) {
    const named = orphans.map((o) => (o === unnamed ? { ...found, at: o.at } : o));
    return record(task, { ...patch, ...turnedUp(task, attempt), orphans: named }, "superseded", ctx);
  }
  if (orphans.length >= ctx.timings.attemptLimit) return { kind: "ignore", why: "superseded" };
  return record(task, { ...patch, ...turnedUp(task, attempt), orphans: [...orphans, found] }, "superseded", ctx);
}

/** The attempt before, where it has turned up after it was thought lost. */
export function before(task: Task): Orphan | undefined {
  if (task.phase !== "submit") return undefined;
  const previous = lastMade(task, task.attempt - 1);
  return task.orphans?.find((o) => o.attempt === previous);
}

/** A root that no vendor has taken goes on at another account. */
export function relocated(task: Task, to: Account, ctx: Context): Decision {
  const next = { ...movedTo(task, to), busy: 0, leaseUntil: undefined, due: ctx.now + ctx.timings.requeueMs };
  const again: Effect[] = [{ kind: "enqueue", delayMs: 0 }];
  return task.status === "PENDING"
    ? record(task, next, "no-news", ctx, again)
    : move(task, "PENDING", next, ctx, again);
}

/** With the latest attempt not taken, the task is that one's again. */
export function resumed(task: Task, { attempt, vendorTaskId }: Orphan, ctx: Context): Decision {
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const id = { vendorTaskId, vendorTaskIdFrom: vendorTaskId === undefined ? undefined : ("report" as const) };
  const orphans = rest.length > 0 ? rest : undefined;
  const took = {
    ...backAt(task, attempt),
    attempt,
    ...id,
    orphans,
    busy: 0,
    leaseUntil: undefined,
    submittedAt: ctx.now,
    missing: 0,
  };
  return move(task, "SUBMITTED", { ...took, due: firstLook(task, "unknown", ctx) }, ctx);
}

/** When an accepted task is looked at first. */
export function firstLook(task: Task, expect: Expect, ctx: Context): number {
  const { quietMs, unknownMs, silentMs, instantMs } = ctx.timings;
  const wait = { calling: quietMs[task.pace], unknown: unknownMs, silent: silentMs, instant: instantMs }[expect];
  return dueAt(task.due, ctx.now + wait, ctx.now);
}

export function notWaiting(task: Task): Decision {
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

export function leaseHolds(task: Task, ctx: Context): boolean {
  return (task.leaseUntil ?? 0) > ctx.now;
}

export function isOutdated(task: Task, rev: number | undefined): boolean {
  return rev !== undefined && rev !== task.rev;
}
