/** Signals of the app and of our own media worker, and the end of tasks that cannot be submitted. */
import { failure } from "../error.ts";
import { archivesLater } from "../event.ts";
import type { ModalAnswer } from "../plan.ts";
import { canRelocate, isSameAccount } from "../relocation.ts";
import type { Result } from "../report.ts";
import { type Copy, type CopyFailure, isEnded, type Task, type TaskStatus } from "../task.ts";
import type { Context, Decision, Signal } from "./signal.ts";
import { isPastDeadline } from "./sweeper.ts";
import {
  completeEffect,
  endTask,
  ignoreNotWaiting,
  leaseHolds,
  markUnclear,
  recordChange,
  relocateTask,
} from "./transitions.ts";

/** Statuses in which the modal can still open, because the vendor has reported no progress and no end. */
const STATUSES_BEFORE_MODAL: ReadonlySet<TaskStatus> = new Set(["PENDING", "SUBMITTING", "UNCLEAR", "SUBMITTED"]);

/**
 * Stores the modal answer of the app. If the modal is not open yet, the answer is stored too and is sent when the modal
 * opens, like an answer in the plan. A client that expects a modal sends its answer within milliseconds, before any
 * vendor call.
 */
export function onModalAnswer(task: Task, modal: ModalAnswer, ctx: Context): Decision {
  // Only one answer is accepted: trueai-org queues the task again for every modal call, and each is charged.
  if (task.modal || task.phase === "modal") return ignoreNotWaiting(task);
  if (STATUSES_BEFORE_MODAL.has(task.status)) return recordChange(task, { modal }, "no-news", ctx);
  if (task.status !== "MODAL") return ignoreNotWaiting(task);
  const patch = { modal, due: ctx.now + ctx.timings.requeueMs };
  return recordChange(task, patch, "no-news", ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

/** The archiving is finished. What has no copy has failed permanently: its reason is stored, and the vendor's link stays. */
export function onArchived(task: Task, copies: Copy[], failures: CopyFailure[], ctx: Context): Decision {
  if (!isEnded(task)) return ignoreNotWaiting(task);
  // The event `task.archived` has one body: what a second worker found changes nothing.
  const isLater = archivesLater(task.eventMask);
  if (isLater && !task.pendingEffects?.includes("archive")) return { kind: "ignore", why: "no-news" };
  if (task.archivedAt !== undefined) return completeEffect(task, "archive", {}, ctx);
  const isEvent = isLater && copies.length + failures.length > 0;
  const changed = failures.length > 0 || task.copyFailures !== undefined;
  const stored = {
    ...(copies.length > 0 && { copies }),
    ...(changed && { copyFailures: failures.length > 0 ? failures : undefined }),
    ...(isEvent && { archivedAt: ctx.now }),
  };
  return completeEffect(task, "archive", stored, ctx);
}

/** Ends a tile with SUCCESS. A tile needs no vendor call, so a task with an attempt is no tile and is ignored. */
export function onTileCut(task: Task, result: Result, copies: Copy[], ctx: Context): Decision {
  if (task.status !== "PENDING" || task.attempt > 0) return ignoreNotWaiting(task);
  return endTask({ ...task, archive: undefined }, "SUCCESS", { result, copies, progress: 100 }, ctx);
}

/**
 * Cancels a task that waits for a worker or for a modal answer; the vendor draws nothing in either case. A task that a
 * vendor has or may have continues to its end, because it is paid and its image is useful.
 */
export function onCancel(task: Task, ctx: Context): Decision {
  if (task.status !== "PENDING" && task.status !== "MODAL") return ignoreNotWaiting(task);
  return endTask(task, "CANCEL", { failure: failure("canceled") }, ctx);
}

export function onAbandon(
  task: Task,
  { failure: why, at, to }: Extract<Signal, { kind: "abandon" }>,
  ctx: Context,
): Decision {
  if (isEnded(task)) return { kind: "ignore", why: "ended" };
  if (at && !isSameAccount(task, at)) return ignoreNotWaiting(task);
  const isDeadline = why.code === "deadline_passed";
  // If the lease has expired, the worker crashed and the task becomes UNCLEAR. The deadline signal does not do this: if
  // the signal were received twice, it would make the task UNCLEAR and then end it. The sweeper makes it UNCLEAR instead.
  if (task.status === "SUBMITTING" && !isDeadline && !leaseHolds(task, ctx)) return markUnclear(task, ctx);
  if (task.status === "PENDING" && to && canRelocate(task)) return relocateTask(task, to, ctx);
  if (task.status === "PENDING") return endTask(task, isDeadline ? "EXPIRED" : "FAILURE", { failure: why }, ctx);
  if (task.status === "MODAL" && task.modal && !isDeadline) return endTask(task, "FAILURE", { failure: why }, ctx);
  // A worker is calling the vendor at this moment. The outcome of that call will follow soon.
  if (task.status === "SUBMITTING") return { kind: "ignore", why: "leased" };
  if (isDeadline && isPastDeadline(task, ctx)) return endTask(task, "EXPIRED", { failure: why }, ctx);
  return { kind: "ignore", why: "not-waiting" };
}
