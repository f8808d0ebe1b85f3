/** The moves there are, and the steps that every side takes. Nothing else builds a decision. */
import { isSubscribed } from "../event.ts";
import { lastPossiblyAcceptedAttempt, markAccepted, relocateTo, restoreLocation } from "../relocation.ts";
import { hasOwnDueEntry, isEnded, type Orphan, type PendingEffect, type Task, type TaskStatus } from "../task.ts";
import { dueAt } from "../timing.ts";
import type { AccountRef, CallbackExpectation, Context, Decision, DecisionReason, Effect } from "./signal.ts";

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

export class IllegalTransition extends Error {
  override readonly name = "IllegalMove";
}

export function changeStatus(
  task: Task,
  status: TaskStatus,
  patch: Partial<Task>,
  ctx: Context,
  effects: Effect[] = [],
): Decision {
  if (!TRANSITIONS[task.status].includes(status)) throw new IllegalTransition(`${task.status} to ${status}`);
  // What an open window owed is owed no more once it is left; an end brings its own.
  const left: Partial<Task> = { pendingEffects: undefined, ...patch };
  return { kind: "move", next: { ...applyPatch(task, left, ctx), status }, effects };
}

export function recordChange(
  task: Task,
  patch: Partial<Task>,
  why: DecisionReason,
  ctx: Context,
  effects: Effect[] = [],
): Decision {
  return { kind: "record", next: applyPatch(task, patch, ctx), why, effects };
}

/**
 * A due time that leaves its flow's leaves it for good: pauses are round, so that a later one may well be the same to the
 * millisecond, and the flow's is another by then.
 */
export function applyPatch(task: Task, patch: Partial<Task>, ctx: Context): Task {
  const next = { ...task, ...patch, updatedAt: ctx.now };
  return hasOwnDueEntry(next) && next.flowDue !== undefined ? { ...next, flowDue: 0 } : next;
}

export function postponeDue(task: Task, byMs: number, ctx: Context, effects: Effect[]): Decision {
  return { kind: "record", why: "no-news", next: applyPatch(task, { due: ctx.now + byMs }, ctx), effects };
}

/**
 * An end that obliges us to something keeps a due time until that is known to be durable elsewhere: a crash in between
 * is found by the sweeper (Q3). Every other end waits for nothing; its flow has a due time of its own.
 */
export function endTask(task: Task, status: TaskStatus, patch: Partial<Task>, ctx: Context): Decision {
  const owed = effectsDueAtEnd(task, status);
  const due = owed.length > 0 ? ctx.now + ctx.timings.effectsMs : undefined;
  const ended = { ...patch, leaseUntil: undefined, endedAt: ctx.now, due, pendingEffects: toStoredEffects(owed) };
  return changeStatus(task, status, ended, ctx, toEffects(owed));
}

function effectsDueAtEnd(task: Task, status: TaskStatus): PendingEffect[] {
  const owed: PendingEffect[] = [];
  if (status === "SUCCESS" && (task.then?.length ?? 0) > 0) owed.push("follow");
  if (task.archive && status === "SUCCESS") owed.push("archive");
  if (isSubscribed(task.eventMask, status === "SUCCESS" ? "task.completed" : "task.failed")) owed.push("tell");
  return owed;
}

/** Follow-ups alone are not spelled out: most tasks owe nothing else, and their due time says it. */
function toStoredEffects(owed: readonly PendingEffect[]): PendingEffect[] | undefined {
  return owed.length === 0 || (owed.length === 1 && owed[0] === "follow") ? undefined : [...owed];
}

/** What an ended task still owes, and how that is begun; the flow's end is looked at by those that start nothing. */
export function pendingEffectsOf(task: Task): readonly PendingEffect[] {
  if (task.pendingEffects) return task.pendingEffects;
  return task.due !== undefined && task.status === "SUCCESS" && (task.then?.length ?? 0) > 0 ? ["follow"] : [];
}

export function toEffects(owed: readonly PendingEffect[]): Effect[] {
  const first: Effect = owed.includes("follow") ? { kind: "follow" } : { kind: "settle" };
  // Told once the copies are there, so that what listeners get has links that last.
  const next = owed.includes("archive") ? "archive" : owed.includes("tell") ? "tell" : undefined;
  return next === undefined ? [first] : [first, { kind: next }];
}

/** One obligation met; with the last of them the due time goes. */
export function completeEffect(task: Task, kind: PendingEffect, patch: Partial<Task>, ctx: Context): Decision {
  const owed = pendingEffectsOf(task);
  const rest = owed.filter((other) => other !== kind);
  if (rest.length === owed.length && Object.keys(patch).length === 0) return { kind: "ignore", why: "no-news" };
  const due = rest.length > 0 ? task.due : undefined;
  const tells = kind === "archive" && rest.includes("tell");
  return recordChange(
    task,
    { ...patch, pendingEffects: toStoredEffects(rest), due },
    "no-news",
    ctx,
    tells ? [{ kind: "tell" }] : [],
  );
}

/** The window is open. With an answer at hand it is sent at once; without, the app has `modalMs` to give one. */
export function openModal(task: Task, patch: Partial<Task>, ctx: Context): Decision {
  // Nobody answers a window they have not heard of: its announcement is as safe as an end's.
  const tells = !task.modal && isSubscribed(task.eventMask, "task.modal");
  const { requeueMs, modalMs, effectsMs } = ctx.timings;
  const wait = task.modal ? requeueMs : tells ? effectsMs : modalMs;
  const owes: PendingEffect[] | undefined = tells ? ["tell"] : undefined;
  const next = { ...patch, phase: "submit" as const, leaseUntil: undefined, due: ctx.now + wait, pendingEffects: owes };
  return changeStatus(task, "MODAL", next, ctx, task.modal ? [{ kind: "enqueue", delayMs: 0 }] : []);
}

export function markUnclear(task: Task, ctx: Context): Decision {
  return changeStatus(task, "UNCLEAR", { leaseUntil: undefined, due: ctx.now + ctx.timings.graceMs[task.pace] }, ctx);
}

export function recordOrphan(
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
    return recordChange(task, { ...patch, ...markAccepted(task, attempt), orphans: named }, "superseded", ctx);
  }
  if (orphans.length >= ctx.timings.attemptLimit) return { kind: "ignore", why: "superseded" };
  return recordChange(
    task,
    { ...patch, ...markAccepted(task, attempt), orphans: [...orphans, found] },
    "superseded",
    ctx,
  );
}

/** The attempt before, where it has turned up after it was thought lost. */
export function previousAcceptedAttempt(task: Task): Orphan | undefined {
  if (task.phase !== "submit") return undefined;
  const previous = lastPossiblyAcceptedAttempt(task, task.attempt - 1);
  return task.orphans?.find((o) => o.attempt === previous);
}

/** A root that no vendor has taken goes on at another account. */
export function relocateTask(task: Task, to: AccountRef, ctx: Context): Decision {
  const next = { ...relocateTo(task, to), busyAnswers: 0, leaseUntil: undefined, due: ctx.now + ctx.timings.requeueMs };
  const again: Effect[] = [{ kind: "enqueue", delayMs: 0 }];
  return task.status === "PENDING"
    ? recordChange(task, next, "no-news", ctx, again)
    : changeStatus(task, "PENDING", next, ctx, again);
}

/** With the latest attempt not taken, the task is that one's again. */
export function resumeAttempt(task: Task, { attempt, vendorTaskId }: Orphan, ctx: Context): Decision {
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const id = { vendorTaskId, vendorTaskIdFrom: vendorTaskId === undefined ? undefined : ("report" as const) };
  const orphans = rest.length > 0 ? rest : undefined;
  const took = {
    ...restoreLocation(task, attempt),
    attempt,
    ...id,
    orphans,
    busyAnswers: 0,
    leaseUntil: undefined,
    submittedAt: ctx.now,
    lookupMisses: 0,
  };
  return changeStatus(task, "SUBMITTED", { ...took, due: firstLookupAt(task, "unknown", ctx) }, ctx);
}

/** When an accepted task is looked at first. */
export function firstLookupAt(task: Task, expect: CallbackExpectation, ctx: Context): number {
  const { quietMs, unknownMs, silentMs, instantMs } = ctx.timings;
  const wait = { calling: quietMs[task.pace], unknown: unknownMs, silent: silentMs, instant: instantMs }[expect];
  return dueAt(task.due, ctx.now + wait, ctx.now);
}

export function ignoreNotWaiting(task: Task): Decision {
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

export function leaseHolds(task: Task, ctx: Context): boolean {
  return (task.leaseUntil ?? 0) > ctx.now;
}

export function isOutdated(task: Task, rev: number | undefined): boolean {
  return rev !== undefined && rev !== task.rev;
}
