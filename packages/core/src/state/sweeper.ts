/** The sweeper's side: a due time has passed, and what the vendor did not say (T4, P3). */
import { failure } from "../error.ts";
import { countSubmissions } from "../relocation.ts";
import { isEnded, type Task, type TaskStatus } from "../task.ts";
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
  resumeAttempt,
  toEffects,
} from "./transitions.ts";

export function onDue(
  task: Task,
  { canSearch = false, askAt = 0 }: Extract<Signal, { kind: "due" }>,
  ctx: Context,
): Decision {
  const { now, timings } = ctx;
  if (task.due === undefined || task.due > now) return { kind: "ignore", why: "not-waiting" };
  switch (task.status) {
    case "PENDING":
      if (now - task.createdAt > timings.pendingMs[task.pace]) {
        return endTask(
          task,
          "EXPIRED",
          { failure: failure(task.busyAnswers > 0 ? "vendor_busy" : "deadline_passed") },
          ctx,
        );
      }
      return postponeDue(task, timings.requeueMs, ctx, [{ kind: "enqueue", delayMs: 0 }]);
    case "SUBMITTING":
      if (leaseHolds(task, ctx)) return postponeDue(task, task.leaseUntil! - now + 1_000, ctx, []);
      return markUnclear(task, ctx);
    case "MODAL":
      if (task.modal && now - (task.submittedAt ?? task.createdAt) > timings.modalMs + timings.pendingMs[task.pace]) {
        return endTask(
          task,
          "EXPIRED",
          { failure: failure(task.busyAnswers > 0 ? "vendor_busy" : "deadline_passed") },
          ctx,
        );
      }
      if (task.modal) return postponeDue(task, timings.requeueMs, ctx, [{ kind: "enqueue", delayMs: 0 }]);
      if (task.pendingEffects && now - (task.submittedAt ?? task.createdAt) <= timings.modalMs) {
        return postponeDue(task, timings.effectsMs, ctx, [{ kind: "tell" }]);
      }
      return endTask(task, "EXPIRED", { failure: failure("modal_unanswered") }, ctx);
    case "UNCLEAR":
    case "SUBMITTED":
    case "IN_PROGRESS": {
      const pause = lookupPauseMs(now - (task.submittedAt ?? task.createdAt), timings);
      // Asked first, ended after (isPastDeadline): unless no asking has come to anything for half as long again. A
      // sweeper that dies each time between the two must not keep a task alive for ever. A house that was off that long
      // has not asked at all: nothing was written since the deadline, and the vendor may have the picture.
      const tried = isPastDeadline(task, { now: task.updatedAt, timings });
      if (tried && isPastDeadline(task, ctx, 1.5))
        return endTask(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
      if (task.vendorTaskId === undefined && !canSearch) return onCannotLookUp(task, pause, ctx);
      if (askAt > now) return postponeDue(task, askAt - now, ctx, []);
      // The due time is pushed before the vendor is asked, so that two sweepers do not both ask.
      const asked = { lookups: task.lookups + 1, due: now + pause };
      return { kind: "record", why: "no-news", next: applyPatch(task, asked, ctx), effects: [{ kind: "lookup" }] };
    }
    default:
      return postponeDue(task, timings.effectsMs, ctx, toEffects(pendingEffectsOf(task)));
  }
}

/** No id and no way to ask: in doubt that counts as not found; a task known to be taken can still call back in time. */
function onCannotLookUp(task: Task, pauseMs: number, ctx: Context): Decision {
  if (task.status === "UNCLEAR") return onSubmissionLost(task, ctx);
  if (isPastDeadline(task, ctx)) return endTask(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
  return postponeDue(task, pauseMs, ctx, []);
}

/** The vendor was asked, and did not show the task. What that means depends on what we knew, and how often it did not. */
export function onLookupMiss(task: Task, ctx: Context): Decision {
  const { missingLimit, absentLimit } = ctx.timings;
  const count = task.lookupMisses + 1;
  switch (task.status) {
    case "UNCLEAR":
      // A list that lags would have a paid submission sent again: it is asked once more first.
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

/** Grace has passed, no callback came, nothing was found where one could look: now, and only now, it is sent again. */
function onSubmissionLost(task: Task, ctx: Context): Decision {
  const { timings, now } = ctx;
  // A window's answer is never sent twice on a guess: some servers would draw, and bill, both.
  const isLast = task.resubmit === "never" || task.phase === "modal" || countSubmissions(task) >= timings.attemptLimit;
  const older = previousAcceptedAttempt(task);
  if (older?.vendorTaskId !== undefined) return resumeAttempt(task, older, ctx);
  if (isLast) return endTask(task, "FAILURE", { failure: failure("submission_unclear") }, ctx);
  const again = { due: now + timings.requeueMs, vendorTaskId: undefined, vendorTaskIdFrom: undefined, lookupMisses: 0 };
  return changeStatus(task, "PENDING", again, ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

/**
 * After a look-up that brought no end: has the task outlived its deadline? Asked last, so that the end wins. One that
 * was never known to be taken has the time it might wait for a vendor besides: no state outlives every clock.
 */
export function isPastDeadline(task: Task, { now, timings }: Context, times = 1): boolean {
  // An open window has clocks of its own, above.
  if (isEnded(task) || task.status === "MODAL") return false;
  const from = task.submittedAt ?? task.createdAt + timings.pendingMs[task.pace];
  return now - from > times * timings.deadlineMs[task.pace];
}

export function onFollowUpsStarted(task: Task, ctx: Context): Decision {
  return completeEffect(task, "follow", {}, ctx);
}

/** What was told of an earlier state pays nothing: an end, or a window, that came since is still owed. */
export function onNotified(task: Task, status: TaskStatus, ctx: Context): Decision {
  if (task.status !== status || !task.pendingEffects?.includes("tell")) return { kind: "ignore", why: "no-news" };
  if (isEnded(task)) return completeEffect(task, "tell", {}, ctx);
  return recordChange(task, { pendingEffects: undefined, due: ctx.now + ctx.timings.modalMs }, "no-news", ctx);
}
