/**
 * The allowed status transitions, and the steps that the handlers of several signals share. Only `changeStatus` changes
 * the status of a task.
 */
import { isEndHeldBack, isNotifiedByFlow } from "../delivery-log.ts";
import { isSubscribed } from "../event.ts";
import { lastPossiblyAcceptedAttempt, markAccepted, relocateTo, restoreLocation } from "../relocation.ts";
import { hasOwnDueEntry, isEnded, type Orphan, type PendingEffect, type Task, type TaskStatus } from "../task.ts";
import { expectedMs } from "../task-duration.ts";
import { dueAt } from "../timing.ts";
import type { AccountRef, CallbackExpectation, Context, Decision, DecisionReason, Effect } from "./signal.ts";

/**
 * All allowed status transitions. `changeStatus` throws for any other; the state exploration test uses this table too.
 */
export const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  PENDING: ["SUBMITTING", "SUBMITTED", "IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUBMITTING: ["PENDING", "UNCLEAR", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  // SUBMITTING: a vendor with idempotency keys gets the same call again.
  UNCLEAR: ["PENDING", "SUBMITTING", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUBMITTED: ["MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  MODAL: ["SUBMITTING", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  IN_PROGRESS: ["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  // An ended task changes its status only if a late success is adopted (T1, docs/decisions/0020).
  SUCCESS: [],
  FAILURE: ["SUCCESS"],
  CANCEL: ["SUCCESS"],
  EXPIRED: ["SUCCESS"],
};

export class IllegalTransition extends Error {
  override readonly name = "IllegalTransition";
}

export function changeStatus(
  task: Task,
  status: TaskStatus,
  patch: Partial<Task>,
  ctx: Context,
  effects: Effect[] = [],
): Decision {
  if (!TRANSITIONS[task.status].includes(status)) throw new IllegalTransition(`${task.status} to ${status}`);
  // The pending notification of an open modal is obsolete when the task leaves MODAL. An end sets its own pending
  // effects. Searches for an unclear submission are counted from its own first one. A new status leaves the wait list.
  const withoutEffects: Partial<Task> = {
    pendingEffects: undefined,
    unprovenSince: undefined,
    waits: undefined,
    unclearSince: status === "SUBMITTING" || status === "UNCLEAR" ? task.unclearSince : undefined,
    ...patch,
  };
  return { kind: "move", next: { ...applyPatch(task, withoutEffects, ctx), status }, effects };
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
 * Applies a patch and stamps the time. Once `due` differs from `flowDue`, the task has its own entry in the due index
 * and must keep it. A later `due` can equal the old `flowDue` by chance, because pauses are round numbers, while the
 * due time of the flow has changed. Therefore `flowDue` becomes 0.
 */
export function applyPatch(task: Task, patch: Partial<Task>, ctx: Context): Task {
  const next = { ...task, ...patch, updatedAt: ctx.now };
  const { submittedAt, firstSubmittedAt } = task;
  if (submittedAt !== undefined && next.submittedAt !== submittedAt) {
    next.firstSubmittedAt = firstSubmittedAt ?? submittedAt;
  }
  return hasOwnDueEntry(next) && next.flowDue !== undefined ? { ...next, flowDue: 0 } : next;
}

export function postponeDue(task: Task, byMs: number, ctx: Context, effects: Effect[]): Decision {
  return { kind: "record", why: "no-news", next: applyPatch(task, { due: ctx.now + byMs }, ctx), effects };
}

/**
 * Ends a task. If the end has pending effects, the task keeps a due time until those effects are stored elsewhere. The
 * sweeper finds the task if a process crashes before that (Q3). Without pending effects the task has no due time: the
 * due time of the flow covers the recording of the flow's end.
 */
export function endTask(task: Task, status: TaskStatus, patch: Partial<Task>, ctx: Context): Decision {
  const pending = effectsDueAtEnd({ ...task, ...patch }, status);
  const due = pending.length > 0 ? effectsDueOf({ ...task, ...patch }, pending, ctx) : undefined;
  const ended = {
    ...patch,
    previewUrl: undefined,
    leaseUntil: undefined,
    endedAt: ctx.now,
    due,
    pendingEffects: toStoredEffects(pending),
  };
  return changeStatus(task, status, ended, ctx, toEffects(pending, task.eventMask));
}

/**
 * Follow-ups alone stay under the due time that the flow covers. An own entry in the due index would cost two write units,
 * and the sweeper reads it only after a crash. If that due time is near, the sweeper could start the follow-ups beside the
 * process that has just started them, so the task gets the usual time.
 */
function effectsDueOf(task: Task, pending: readonly PendingEffect[], { now, timings }: Context): number {
  const due = now + timings.effectsMs;
  const isCovered = task.due !== undefined && !hasOwnDueEntry(task) && task.due >= due;
  return isCovered && pending.length === 1 && pending[0] === "follow" ? task.due! : due;
}

function effectsDueAtEnd(task: Task, status: TaskStatus): PendingEffect[] {
  const pending: PendingEffect[] = [];
  if (status === "SUCCESS" && (task.then?.length ?? 0) > 0) pending.push("follow");
  if (task.archive && status === "SUCCESS") pending.push("archive");
  // The due time of the flow stands for the notification, unless it waits for the copies: then the task has a due time anyway.
  const isHeldBack = isEndHeldBack({ pendingEffects: pending, eventMask: task.eventMask });
  const isCovered = isNotifiedByFlow(task) && !isHeldBack;
  if (isSubscribed(task.eventMask, status === "SUCCESS" ? "task.completed" : "task.failed") && !isCovered)
    pending.push("tell");
  return pending;
}

/**
 * Returns undefined if follow-ups are the only pending effect, which is the most common case. The due time of an ended
 * task with a plan stands for it (`pendingEffectsOf`), so nothing more is stored.
 */
function toStoredEffects(pending: readonly PendingEffect[]): PendingEffect[] | undefined {
  return pending.length === 0 || (pending.length === 1 && pending[0] === "follow") ? undefined : [...pending];
}

/** Returns the pending effects of an ended task, including the follow-ups that only its due time stands for. */
export function pendingEffectsOf(task: Task): readonly PendingEffect[] {
  if (task.pendingEffects) return task.pendingEffects;
  return task.due !== undefined && task.status === "SUCCESS" && (task.then?.length ?? 0) > 0 ? ["follow"] : [];
}

/**
 * Returns the effects that start the pending ones. A task that starts no follow-ups may be the last task of its flow.
 */
export function toEffects(pending: readonly PendingEffect[], eventMask: number | undefined): Effect[] {
  const first: Effect = pending.includes("follow") ? { kind: "follow" } : { kind: "settle" };
  // Subscribers are notified after the archiving, so that the event contains links that do not expire. An app can choose to be
  // notified at once; then both start now.
  const tells = pending.includes("tell") && !isEndHeldBack({ pendingEffects: pending, eventMask });
  // An adopted task reopens its flow before its follow-ups or the end of the flow.
  const adopt: Effect[] = pending.includes("adopt") ? [{ kind: "adopt" }] : [];
  return [
    ...adopt,
    first,
    ...(pending.includes("archive") ? [{ kind: "archive" as const }] : []),
    ...(tells ? [{ kind: "tell" as const }] : []),
  ];
}

/** Returns the patch that adds pending effects to an ended task. A notification without subscribers is left out. */
export function addPendingEffects(task: Task, added: readonly PendingEffect[], ctx: Context): Partial<Task> {
  const type = task.status === "SUCCESS" ? "task.completed" : "task.failed";
  const wanted = added.filter((effect) => effect !== "tell" || isSubscribed(task.eventMask, type));
  const pending = [...new Set([...pendingEffectsOf(task), ...wanted])];
  if (pending.length === 0) return {};
  return { pendingEffects: toStoredEffects(pending), due: ctx.now + ctx.timings.effectsMs };
}

/** Removes one pending effect. The due time is removed with the last pending effect. */
export function completeEffect(task: Task, kind: PendingEffect, patch: Partial<Task>, ctx: Context): Decision {
  const pending = pendingEffectsOf(task);
  const others = pending.filter((other) => other !== kind);
  if (others.length === pending.length && Object.keys(patch).length === 0) return { kind: "ignore", why: "no-news" };
  // The end itself, if it waited for the copies; or the copies as an event of their own.
  const isNews =
    others.includes("tell") || (patch.archivedAt !== undefined && isSubscribed(task.eventMask, "task.archived"));
  const notifies = kind === "archive" && others.length < pending.length && isNews;
  // The flow of a task that ended before it is still open, so its due time stands for the notification from now on.
  const isCovered = notifies && isNotifiedByFlow(task) && task.resultUpdatedAt === undefined;
  const withTell = notifies && !others.includes("tell") ? [...others, "tell" as const] : others;
  const rest = isCovered ? others.filter((other) => other !== "tell") : withTell;
  const due = rest.length > 0 ? task.due : undefined;
  return recordChange(
    task,
    { ...patch, pendingEffects: toStoredEffects(rest), due },
    "no-news",
    ctx,
    notifies ? [{ kind: "tell" }] : [],
  );
}

/**
 * The modal is open. A modal answer that is already stored is sent at once. Otherwise the app has `modalMs` to
 * submit an answer.
 */
export function openModal(task: Task, patch: Partial<Task>, ctx: Context): Decision {
  // An app that is not notified cannot answer the modal. So the notification is a pending effect, as for an end.
  const notifies = !task.modal && isSubscribed(task.eventMask, "task.modal");
  const { requeueMs, modalMs, effectsMs } = ctx.timings;
  const wait = task.modal ? requeueMs : notifies ? effectsMs : modalMs;
  const pendingEffects: PendingEffect[] | undefined = notifies ? ["tell"] : undefined;
  const next = { ...patch, phase: "submit" as const, leaseUntil: undefined, due: ctx.now + wait, pendingEffects };
  return changeStatus(task, "MODAL", next, ctx, task.modal ? [{ kind: "enqueue", delayMs: 0 }] : []);
}

/** The vendor may have accepted the call. The task now waits for a callback until the grace period is over (P3). */
export function markUnclear(task: Task, ctx: Context): Decision {
  return changeStatus(task, "UNCLEAR", { leaseUntil: undefined, due: ctx.now + ctx.timings.graceMs[task.pace] }, ctx);
}

/**
 * The vendor may have accepted the call, and an idempotency key makes it harmless to send it again. After a pause the worker does so
 * with the same attempt number. The due time stands for the message.
 *
 * @param afterMs pause that the vendor requested
 */
export function repeatCall(task: Task, ctx: Context, afterMs = 0): Decision {
  const unclearSince = task.unclearSince ?? ctx.now;
  const pause = Math.max(repeatPauseMs(unclearSince, ctx), Math.min(afterMs, ctx.timings.openMaxMs));
  const due = ctx.now + pause + ctx.timings.requeueMs;
  const effects: Effect[] = [{ kind: "enqueue", delayMs: pause }];
  return changeStatus(task, "UNCLEAR", { leaseUntil: undefined, unclearSince, due }, ctx, effects);
}

/** Returns the pause before an unclear call is sent again, ms. It grows with the time for which the call has been unclear. */
export function repeatPauseMs(unclearSince: number, { now, timings: { busyMs, busyMaxMs } }: Context): number {
  return Math.max(busyMs, Math.min(busyMaxMs, Math.round((now - unclearSince) / 4)));
}

/**
 * Records that the vendor accepted another attempt than the current one. The number of orphans is limited, so that
 * repeated reports with changing ids cannot grow the row. A later report can add the id to an orphan without one.
 */
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
  const withoutId = same.find((o) => o.vendorTaskId === undefined);
  if (withoutId) {
    const completed = orphans.map((o) => (o === withoutId ? { ...found, at: o.at } : o));
    return recordChange(task, { ...patch, ...markAccepted(task, attempt), orphans: completed }, "superseded", ctx);
  }
  if (orphans.length >= ctx.timings.attemptLimit) return { kind: "ignore", why: "superseded" };
  return recordChange(
    task,
    { ...patch, ...markAccepted(task, attempt), orphans: [...orphans, found] },
    "superseded",
    ctx,
  );
}

/**
 * Returns the attempt before the current one if the vendor did accept it after it had been treated as lost. Returns
 * undefined while a modal answer is being sent: by then the vendor has accepted the current attempt.
 */
export function previousAcceptedAttempt(task: Task): Orphan | undefined {
  if (task.phase !== "submit") return undefined;
  const previous = lastPossiblyAcceptedAttempt(task, task.attempt - 1);
  return task.orphans?.find((o) => o.attempt === previous);
}

/** Moves a root that no vendor has accepted to another account. The caller has checked `canRelocate` (R1). */
export function relocateTask(task: Task, to: AccountRef, ctx: Context): Decision {
  const due = ctx.now + ctx.timings.requeueMs;
  const next = { ...relocateTo(task, to), busyAnswers: 0, leaseUntil: undefined, waits: undefined, due };
  const enqueue: Effect[] = [{ kind: "enqueue", delayMs: 0 }];
  return task.status === "PENDING"
    ? recordChange(task, next, "no-news", ctx, enqueue)
    : changeStatus(task, "PENDING", next, ctx, enqueue);
}

/**
 * Makes an older attempt, which the vendor did accept, the current attempt again. The latest attempt was not accepted.
 */
export function resumeAttempt(task: Task, { attempt, vendorTaskId }: Orphan, ctx: Context): Decision {
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const id = { vendorTaskId, vendorTaskIdFrom: vendorTaskId === undefined ? undefined : ("report" as const) };
  const orphans = rest.length > 0 ? rest : undefined;
  const resumed = {
    ...restoreLocation(task, attempt),
    attempt,
    ...id,
    orphans,
    busyAnswers: 0,
    leaseUntil: undefined,
    submittedAt: ctx.now,
    lookupMisses: 0,
  };
  return changeStatus(task, "SUBMITTED", { ...resumed, due: firstLookupAt(task, "unknown", ctx) }, ctx);
}

/** Returns the time of the first look-up of an accepted task, epoch ms. */
export function firstLookupAt(task: Task, expect: CallbackExpectation, ctx: Context): number {
  const { silentMs, instantMs, unknownMs } = ctx.timings;
  const quietMs = ctx.timings.quietMs[task.pace];
  const endMs = Math.max(unknownMs, expectedMs(undefined, task.pace, task.action));
  const wait = {
    calling: quietMs,
    unknown: unknownMs,
    "unknown-until-end": Math.min(quietMs, endMs),
    silent: silentMs,
    instant: instantMs,
  }[expect];
  return dueAt(task.due, ctx.now + wait, ctx.now);
}

export function ignoreNotWaiting(task: Task): Decision {
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

export function leaseHolds(task: Task, ctx: Context): boolean {
  return (task.leaseUntil ?? 0) > ctx.now;
}

/** True if the task was written after the look-up that names `rev` was made. */
export function isOutdated(task: Task, rev: number | undefined): boolean {
  return rev !== undefined && rev !== task.rev;
}
