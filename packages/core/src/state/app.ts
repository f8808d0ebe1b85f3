/** The app's side, and the end of what cannot be submitted at all. */
import { failure } from "../error.ts";
import { isMovable } from "../place.ts";
import type { ModalAnswer } from "../plan.ts";
import type { Result } from "../report.ts";
import { type Copy, isEnded, type Task, type TaskStatus } from "../task.ts";
import { doubt, end, leaseHolds, notWaiting, paid, record, relocated } from "./move.ts";
import type { Context, Decision, Signal } from "./signal.ts";
import { isPastDeadline } from "./sweeper.ts";

/** Where a window may still open: the vendor has not said that there is none. */
const MAY_OPEN: ReadonlySet<TaskStatus> = new Set(["PENDING", "SUBMITTING", "UNCLEAR", "SUBMITTED"]);

/**
 * An answer that comes before its window is kept, as a plan's is, and sent the moment the window opens: a client that was
 * told to expect one answers within milliseconds, long before the vendor was even asked.
 */
export function answered(task: Task, modal: ModalAnswer, ctx: Context): Decision {
  // One answer only: trueai-org queues the task again for every modal call, and each would be paid.
  if (task.modal || task.phase === "modal") return notWaiting(task);
  if (MAY_OPEN.has(task.status)) return record(task, { modal }, "no-news", ctx);
  if (task.status !== "MODAL") return notWaiting(task);
  const patch = { modal, due: ctx.now + ctx.timings.requeueMs };
  return record(task, patch, "no-news", ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

/** The pictures are in our bucket, or will never be. */
export function archived(task: Task, copies: Copy[], ctx: Context): Decision {
  if (!isEnded(task)) return notWaiting(task);
  return paid(task, "archive", copies.length > 0 ? { copies } : {}, ctx);
}

/** A task that no vendor was asked for: it was waiting, and now it is done. */
export function made(task: Task, result: Result, copies: Copy[], ctx: Context): Decision {
  if (task.status !== "PENDING" || task.attempt > 0) return notWaiting(task);
  return end({ ...task, archive: undefined }, "SUCCESS", { result, copies, progress: 100 }, ctx);
}

/**
 * Ends what waits: for a worker, or with an open window, at which nothing is drawn. What a vendor has, or may have, runs to
 * its end: it is paid, and its picture is worth keeping.
 */
export function canceled(task: Task, ctx: Context): Decision {
  if (task.status !== "PENDING" && task.status !== "MODAL") return notWaiting(task);
  return end(task, "CANCEL", { failure: failure("canceled") }, ctx);
}

export function abandoned(
  task: Task,
  { failure: why, to }: Extract<Signal, { kind: "abandon" }>,
  ctx: Context,
): Decision {
  if (isEnded(task)) return { kind: "ignore", why: "ended" };
  const late = why.code === "deadline_passed";
  // A deadline says nothing of a worker that has died: its lease is the sweeper's own affair, or the same word twice would
  // first be a doubt and then an end.
  if (task.status === "SUBMITTING" && !late && !leaseHolds(task, ctx)) return doubt(task, ctx);
  if (task.status === "PENDING" && to && isMovable(task)) return relocated(task, to, ctx);
  if (task.status === "PENDING") return end(task, late ? "EXPIRED" : "FAILURE", { failure: why }, ctx);
  if (task.status === "MODAL" && task.modal && !late) return end(task, "FAILURE", { failure: why }, ctx);
  // Its worker is at the vendor just now; whatever comes of that is told soon.
  if (task.status === "SUBMITTING") return { kind: "ignore", why: "leased" };
  if (late && isPastDeadline(task, ctx)) return end(task, "EXPIRED", { failure: why }, ctx);
  return { kind: "ignore", why: "not-waiting" };
}
