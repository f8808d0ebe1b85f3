/** The app's side, and the end of what cannot be submitted at all. */
import type { Failure } from "../error.ts";
import type { ModalAnswer } from "../plan.ts";
import { isEnded, type Task } from "../task.ts";
import { doubt, end, leaseHolds, notWaiting, record } from "./move.ts";
import type { Context, Decision } from "./signal.ts";
import { isPastDeadline } from "./sweeper.ts";

export function answered(task: Task, modal: ModalAnswer, ctx: Context): Decision {
  // One answer only: trueai-org queues the task again for every modal call, and each would be paid.
  if (task.status !== "MODAL" || task.modal) return notWaiting(task);
  const patch = { modal, due: ctx.now + ctx.timings.requeueMs };
  return record(task, patch, "no-news", ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

export function abandoned(task: Task, why: Failure, ctx: Context): Decision {
  if (isEnded(task)) return { kind: "ignore", why: "ended" };
  if (task.status === "SUBMITTING" && !leaseHolds(task, ctx)) return doubt(task, ctx);
  const late = why.code === "deadline_passed";
  if (task.status === "PENDING") return end(task, late ? "EXPIRED" : "FAILURE", { failure: why }, ctx);
  if (task.status === "MODAL" && task.modal && !late) return end(task, "FAILURE", { failure: why }, ctx);
  // Its worker is at the vendor just now; whatever comes of that is told soon.
  if (task.status === "SUBMITTING") return { kind: "ignore", why: "leased" };
  if (late && isPastDeadline(task, ctx)) return end(task, "EXPIRED", { failure: why }, ctx);
  return { kind: "ignore", why: "not-waiting" };
}
