/** Sweeper signals: passed due times, look-ups that missed the task, and completed effects (T4, P3). */
import { type Failure, failure } from "../error.ts";
import { countSubmissions } from "../relocation.ts";
import { isEnded, type Task } from "../task.ts";
import { lookupPauseMs } from "../timing.ts";
import type { Context, Decision, Signal } from "./signal.ts";
import {
  applyPatch,
  changeStatus,
  completeEffect,
  endTask,
  ignoreNotWaiting,
  leaseHolds,
  markUnclear,
  pendingEffectsOf,
  postponeDue,
  previousAcceptedAttempt,
  recordChange,
  repeatCall,
  repeatPauseMs,
  resumeAttempt,
  toEffects,
} from "./transitions.ts";

export function onDue(
  task: Task,
  {
    canSearch = false,
    canRepeat = false,
    endOnly = false,
    askAt = 0,
    queueLate = false,
  }: Extract<Signal, { kind: "due" }>,
  ctx: Context,
): Decision {
  const { now, timings } = ctx;
  if (task.due === undefined || task.due > now) return { kind: "ignore", why: "not-waiting" };
  switch (task.status) {
    case "PENDING":
      if (now - task.createdAt > timings.pendingMs[task.pace]) {
        return endTask(task, "EXPIRED", { failure: waitFailureOf(task) }, ctx);
      }
      return postponeDue(
        task,
        requeuePauseMs(task.createdAt, ctx),
        ctx,
        queueLate ? [] : [{ kind: "enqueue", delayMs: 0 }],
      );
    case "SUBMITTING":
      if (leaseHolds(task, ctx)) return postponeDue(task, task.leaseUntil! - now + 1_000, ctx, []);
      return canRepeat ? repeatCall(task, ctx) : markUnclear(task, ctx);
    case "MODAL":
      if (task.modal && now - (task.submittedAt ?? task.createdAt) > timings.modalMs + timings.pendingMs[task.pace]) {
        return endTask(task, "EXPIRED", { failure: waitFailureOf(task) }, ctx);
      }
      if (task.modal) return postponeDue(task, timings.requeueMs, ctx, [{ kind: "enqueue", delayMs: 0 }]);
      if (task.pendingEffects && now - (task.submittedAt ?? task.createdAt) <= timings.modalMs) {
        return postponeDue(task, timings.effectsMs, ctx, [{ kind: "tell" }]);
      }
      return endTask(task, "EXPIRED", { failure: failure("modal_unanswered") }, ctx);
    case "UNCLEAR":
    case "SUBMITTED":
    case "IN_PROGRESS": {
      const repeated = task.status === "UNCLEAR" ? onRepeatDue(task, { canRepeat, queueLate }, ctx) : undefined;
      if (repeated) return repeated;
      const pause = lookupPauseMs(now - (task.submittedAt ?? task.createdAt), timings);
      // After the deadline the sweeper first looks the task up and expires it afterwards. A task that is still here has
      // had no look-up with a response since, so its image may be paid. It expires without a look-up only a day later, and
      // only if the row was written after the deadline. The first condition ends tasks whose look-up crashes every time.
      // The second protects tasks of a deployment that was stopped meanwhile: no look-up was made.
      const writtenAfterDeadline = isPastDeadline(task, { now: task.updatedAt, timings });
      if (writtenAfterDeadline && isPastDeadline(task, ctx, 1.5, timings.lookupFailedMs))
        return endTask(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
      if (task.vendorTaskId === undefined && !canSearch) return onCannotLookUp(task, pause, ctx, endOnly);
      if (askAt > now) return postponeDue(task, askAt - now, ctx, []);
      // The due time is postponed before the look-up, so that two sweepers do not both look the task up.
      const patch = { lookups: task.lookups + 1, due: now + pause };
      return { kind: "record", why: "no-news", next: applyPatch(task, patch, ctx), effects: [{ kind: "lookup" }] };
    }
    default:
      if (queueLate && areFollowUpsQueued(task, ctx))
        return postponeDue(task, requeuePauseMs(task.endedAt!, ctx), ctx, []);
      return postponeDue(task, timings.effectsMs, ctx, toEffects(pendingEffectsOf(task), task.eventMask));
  }
}

/**
 * True if the message of the follow-ups may still be in a late queue. Then the due time of the flow stood for them, and they have not
 * waited longer than a task may wait.
 */
function areFollowUpsQueued(task: Task, { now, timings }: Context): boolean {
  const pending = pendingEffectsOf(task);
  const isTooOld = now - (task.endedAt ?? 0) > timings.pendingMs[task.pace];
  return task.flowDue !== undefined && pending.length === 1 && pending[0] === "follow" && !isTooOld;
}

/**
 * Returns the time until a waiting task gets another message. Like that of look-ups it grows with the age, because each
 * message that comes too early makes a late queue later, and costs a write.
 */
function requeuePauseMs(since: number, { now, timings }: Context): number {
  return Math.max(timings.requeueMs, Math.min(timings.lookupMaxMs, Math.round((now - since) / 4)));
}

/**
 * An unclear call at a vendor with idempotency keys is due: its message was lost, or the vendor gives no clear response for long. It is
 * sent again as long as a task may wait, and never with another key.
 *
 * @returns undefined if the task is like any other unclear one
 */
function onRepeatDue(
  task: Task,
  { canRepeat, queueLate }: { canRepeat: boolean; queueLate: boolean },
  ctx: Context,
): Decision | undefined {
  const { now, timings } = ctx;
  if (canRepeat) {
    const unclearSince = task.unclearSince ?? task.updatedAt;
    if (now - unclearSince > timings.pendingMs[task.pace])
      return endTask(task, "FAILURE", { failure: failure("submission_unclear") }, ctx);
    const due = now + repeatPauseMs(unclearSince, ctx) + timings.requeueMs;
    return recordChange(
      task,
      { unclearSince, due },
      "no-news",
      ctx,
      queueLate ? [] : [{ kind: "enqueue", delayMs: 0 }],
    );
  }
  // The flow was canceled. The callback of an earlier call still has its grace period.
  const graceEnd = (task.unclearSince ?? 0) + timings.graceMs[task.pace];
  return graceEnd > now ? postponeDue(task, graceEnd - now, ctx, []) : undefined;
}

/** Returns the failure of a task that waited too long to be submitted: what it waited for, as far as it is known. */
export function waitFailureOf({ busyAnswers, busyAbout }: Pick<Task, "busyAnswers" | "busyAbout">): Failure {
  if (busyAnswers === 0) return failure("deadline_passed");
  if (busyAbout === "parent") return failure("parent_not_ready");
  return failure(busyAbout === "connection" ? "vendor_unreachable" : "vendor_busy");
}

/**
 * Called for a task without vendor task id at a vendor that cannot be searched. An UNCLEAR submission then
 * counts as lost, at a vendor without any callback before the end after a second grace period. For an accepted task a callback can
 * still arrive until its deadline.
 */
function onCannotLookUp(task: Task, pauseMs: number, ctx: Context, endOnly: boolean): Decision {
  if (task.status === "UNCLEAR") {
    if (!endOnly || task.unprovenSince !== undefined) return onSubmissionLost(task, ctx);
    const secondMs = ctx.timings.graceMs[task.pace];
    return recordChange(task, { unprovenSince: ctx.now, due: ctx.now + secondMs }, "no-news", ctx);
  }
  if (isPastDeadline(task, ctx)) return endTask(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
  return postponeDue(task, pauseMs, ctx, []);
}

/**
 * A look-up did not find the task. The consequence depends on the status and on the number of misses in a row.
 *
 * @param unproven true if the look-up does not prove that the vendor has no such task
 */
export function onLookupMiss(task: Task, ctx: Context, unproven = false): Decision {
  if (unproven) return onUnprovenMiss(task, ctx);
  const { missingLimit, absentLimit } = ctx.timings;
  const count = task.lookupMisses + 1;
  switch (task.status) {
    case "UNCLEAR":
      // The vendor's task list may lag. We need `absentLimit` look-ups in a row without the task before we send the
      // paid submission again.
      if (count >= absentLimit) return onSubmissionLost(task, ctx);
      return recordChange(task, { lookupMisses: count }, "no-news", ctx);
    case "SUBMITTED":
    case "IN_PROGRESS":
      if (count < missingLimit) return recordChange(task, { lookupMisses: count }, "no-news", ctx);
      return endTask(task, "EXPIRED", { lookupMisses: count, failure: failure("vendor_lost") }, ctx);
    default:
      return ignoreNotWaiting(task);
  }
}

/**
 * A search did not find an UNCLEAR submission, but the vendor's list may have ended before it. The task waits for a search
 * that reaches far enough. After a second grace period the vendor is treated like one that cannot be searched
 * (docs/decisions/0019).
 */
function onUnprovenMiss(task: Task, ctx: Context): Decision {
  if (task.status !== "UNCLEAR") return ignoreNotWaiting(task);
  if (task.unprovenSince === undefined) return recordChange(task, { unprovenSince: ctx.now }, "no-news", ctx);
  const isOver = ctx.now - task.unprovenSince >= ctx.timings.graceMs[task.pace];
  return isOver ? onSubmissionLost(task, ctx) : { kind: "ignore", why: "no-news" };
}

/**
 * Handles a lost submission: the grace period is over, no callback came and the look-ups did not find the task. Only
 * then the submission is sent again, if attempts are left and the app allows it.
 */
function onSubmissionLost(task: Task, ctx: Context): Decision {
  const { timings, now } = ctx;
  // A modal answer is never sent again without proof that it was not accepted: some vendors would execute and charge
  // both.
  const isLast = task.resubmit === "never" || task.phase === "modal" || countSubmissions(task) >= timings.attemptLimit;
  const older = previousAcceptedAttempt(task);
  if (older?.vendorTaskId !== undefined) return resumeAttempt(task, older, ctx);
  if (isLast) return endTask(task, "FAILURE", { failure: failure("submission_unclear") }, ctx);
  const unnamed = { vendorTaskId: undefined, vendorTaskIdFrom: undefined };
  // Busy responses before this submission are no reason why the next one waits.
  const waited = { lookupMisses: 0, busyAnswers: 0, busyAbout: undefined };
  const again = { ...unnamed, ...waited, due: now + timings.requeueMs };
  return changeStatus(task, "PENDING", again, ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

/**
 * True if the task has passed its deadline. The sweeper checks it after the look-up, so that an end found by the
 * look-up wins. A task that was never known to be accepted gets `pendingMs` in addition. So every status has a time
 * limit.
 *
 * @param times factor for the deadline
 * @param extraMs time by which the deadline is postponed, ms
 */
export function isPastDeadline(task: Task, { now, timings }: Context, times = 1, extraMs = 0): boolean {
  // MODAL has its own time limits, see `onDue`.
  if (isEnded(task) || task.status === "MODAL") return false;
  const from = task.submittedAt ?? task.createdAt + timings.pendingMs[task.pace];
  return now - from > times * timings.deadlineMs[task.pace] + extraMs;
}

export function onFollowUpsStarted(task: Task, ctx: Context): Decision {
  return completeEffect(task, "follow", {}, ctx);
}

/**
 * The subscribers were notified of everything up to `status`. A notification for an earlier status does not complete
 * the pending notification of the current status, nor does one from before the archiving complete that of the copies. After the notification of a modal, the app has `modalMs` to answer
 * it.
 */
export function onNotified(
  task: Task,
  { status, archivedAt }: Pick<Extract<Signal, { kind: "notified" }>, "status" | "archivedAt">,
  ctx: Context,
): Decision {
  const isCurrent = task.status === status && task.archivedAt === archivedAt;
  if (!isCurrent || !task.pendingEffects?.includes("tell")) return { kind: "ignore", why: "no-news" };
  if (isEnded(task)) return completeEffect(task, "tell", {}, ctx);
  return recordChange(task, { pendingEffects: undefined, due: ctx.now + ctx.timings.modalMs }, "no-news", ctx);
}
