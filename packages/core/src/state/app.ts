/** The app's side, and the end of what cannot be submitted at all. */
import { failure } from "../error.ts";
import type { ModalAnswer } from "../plan.ts";
import { canRelocate } from "../relocation.ts";
import type { Result } from "../report.ts";
import { type Copy, isEnded, type Task, type TaskStatus } from "../task.ts";
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

/** Where a window may still open: the vendor has not said that there is none. */
const STATUSES_BEFORE_MODAL: ReadonlySet<TaskStatus> = new Set(["PENDING", "SUBMITTING", "UNCLEAR", "SUBMITTED"]);

/**
 * An answer that comes before its window is kept, as a plan's is, and sent the moment the window opens: a client that was
 * told to expect one answers within milliseconds, long before the vendor was even asked.
 */
export function onModalAnswer(task: Task, modal: ModalAnswer, ctx: Context): Decision {
  // One answer only: trueai-org queues the task again for every modal call, and each would be paid.
  if (task.modal || task.phase === "modal") return ignoreNotWaiting(task);
  if (STATUSES_BEFORE_MODAL.has(task.status)) return recordChange(task, { modal }, "no-news", ctx);
  if (task.status !== "MODAL") return ignoreNotWaiting(task);
  const patch = { modal, due: ctx.now + ctx.timings.requeueMs };
  return recordChange(task, patch, "no-news", ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

/** The pictures are in our bucket, or will never be. */
export function onArchived(task: Task, copies: Copy[], ctx: Context): Decision {
  if (!isEnded(task)) return ignoreNotWaiting(task);
  return completeEffect(task, "archive", copies.length > 0 ? { copies } : {}, ctx);
}

/** A task that no vendor was asked for: it was waiting, and now it is done. */
export function onTileCut(task: Task, result: Result, copies: Copy[], ctx: Context): Decision {
  if (task.status !== "PENDING" || task.attempt > 0) return ignoreNotWaiting(task);
  return endTask({ ...task, archive: undefined }, "SUCCESS", { result, copies, progress: 100 }, ctx);
}

/**
 * Ends what waits: for a worker, or with an open window, at which nothing is drawn. What a vendor has, or may have, runs to
 * its end: it is paid, and its picture is worth keeping.
 */
export function onCancel(task: Task, ctx: Context): Decision {
  if (task.status !== "PENDING" && task.status !== "MODAL") return ignoreNotWaiting(task);
  return endTask(task, "CANCEL", { failure: failure("canceled") }, ctx);
}

export function onAbandon(
  task: Task,
  { failure: why, to }: Extract<Signal, { kind: "abandon" }>,
  ctx: Context,
): Decision {
  if (isEnded(task)) return { kind: "ignore", why: "ended" };
  const late = why.code === "deadline_passed";
  // A deadline says nothing of a worker that has died: its lease is the sweeper's own affair, or the same word twice would
  // first be a doubt and then an end.
  if (task.status === "SUBMITTING" && !late && !leaseHolds(task, ctx)) return markUnclear(task, ctx);
  if (task.status === "PENDING" && to && canRelocate(task)) return relocateTask(task, to, ctx);
  if (task.status === "PENDING") return endTask(task, late ? "EXPIRED" : "FAILURE", { failure: why }, ctx);
  if (task.status === "MODAL" && task.modal && !late) return endTask(task, "FAILURE", { failure: why }, ctx);
  // Its worker is at the vendor just now; whatever comes of that is told soon.
  if (task.status === "SUBMITTING") return { kind: "ignore", why: "leased" };
  if (late && isPastDeadline(task, ctx)) return endTask(task, "EXPIRED", { failure: why }, ctx);
  return { kind: "ignore", why: "not-waiting" };
}
