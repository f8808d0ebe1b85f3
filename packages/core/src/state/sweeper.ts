/** The sweeper's side: a due time has passed, and what the vendor did not say (T4, P3). */
import { failure } from "../error.ts";
import { madeOf } from "../place.ts";
import { isEnded, type Task, type TaskStatus } from "../task.ts";
import { lookupPauseMs } from "../timing.ts";
import {
  before,
  doubt,
  effectsOwed,
  end,
  leaseHolds,
  move,
  notWaiting,
  owedOf,
  paid,
  patched,
  postpone,
  record,
  resumed,
} from "./move.ts";
import type { Context, Decision, Signal } from "./signal.ts";

export function due(
  task: Task,
  { canSearch = false, askAt = 0 }: Extract<Signal, { kind: "due" }>,
  ctx: Context,
): Decision {
  const { now, timings } = ctx;
  if (task.due === undefined || task.due > now) return { kind: "ignore", why: "not-waiting" };
  switch (task.status) {
    case "PENDING":
      if (now - task.createdAt > timings.pendingMs[task.pace]) {
        return end(task, "EXPIRED", { failure: failure(task.busy > 0 ? "vendor_busy" : "deadline_passed") }, ctx);
      }
      return postpone(task, timings.requeueMs, ctx, [{ kind: "enqueue", delayMs: 0 }]);
    case "SUBMITTING":
      if (leaseHolds(task, ctx)) return postpone(task, task.leaseUntil! - now + 1_000, ctx, []);
      return doubt(task, ctx);
    case "MODAL":
      if (task.modal && now - (task.submittedAt ?? task.createdAt) > timings.modalMs + timings.pendingMs[task.pace]) {
        return end(task, "EXPIRED", { failure: failure(task.busy > 0 ? "vendor_busy" : "deadline_passed") }, ctx);
      }
      if (task.modal) return postpone(task, timings.requeueMs, ctx, [{ kind: "enqueue", delayMs: 0 }]);
      if (task.owes && now - (task.submittedAt ?? task.createdAt) <= timings.modalMs) {
        return postpone(task, timings.effectsMs, ctx, [{ kind: "tell" }]);
      }
      return end(task, "EXPIRED", { failure: failure("modal_unanswered") }, ctx);
    case "UNCLEAR":
    case "SUBMITTED":
    case "IN_PROGRESS": {
      const pause = lookupPauseMs(now - (task.submittedAt ?? task.createdAt), timings);
      // Asked first, ended after (isPastDeadline): unless no asking has come to anything for half as long again. A
      // sweeper that dies each time between the two must not keep a task alive for ever. A house that was off that long
      // has not asked at all: nothing was written since the deadline, and the vendor may have the picture.
      const tried = isPastDeadline(task, { now: task.updatedAt, timings });
      if (tried && isPastDeadline(task, ctx, 1.5))
        return end(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
      if (task.vendorTaskId === undefined && !canSearch) return unaskable(task, pause, ctx);
      if (askAt > now) return postpone(task, askAt - now, ctx, []);
      // The due time is pushed before the vendor is asked, so that two sweepers do not both ask.
      const asked = { lookups: task.lookups + 1, due: now + pause };
      return { kind: "record", why: "no-news", next: patched(task, asked, ctx), effects: [{ kind: "lookup" }] };
    }
    default:
      return postpone(task, timings.effectsMs, ctx, effectsOwed(owedOf(task)));
  }
}

/** No id and no way to ask: in doubt that counts as not found; a task known to be taken can still call back in time. */
function unaskable(task: Task, pauseMs: number, ctx: Context): Decision {
  if (task.status === "UNCLEAR") return lost(task, ctx);
  if (isPastDeadline(task, ctx)) return end(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
  return postpone(task, pauseMs, ctx, []);
}

/** The vendor was asked, and did not show the task. What that means depends on what we knew, and how often it did not. */
export function missing(task: Task, ctx: Context): Decision {
  const { missingLimit, absentLimit } = ctx.timings;
  const count = task.missing + 1;
  switch (task.status) {
    case "UNCLEAR":
      // A list that lags would have a paid submission sent again: it is asked once more first.
      if (count >= absentLimit) return lost(task, ctx);
      return record(task, { missing: count }, "no-news", ctx);
    case "SUBMITTED":
    case "IN_PROGRESS":
      if (count < missingLimit) return record(task, { missing: count }, "no-news", ctx);
      return end(task, "EXPIRED", { missing: count, failure: failure("vendor_lost") }, ctx);
    default:
      return notWaiting(task);
  }
}

/** Grace has passed, no callback came, nothing was found where one could look: now, and only now, it is sent again. */
function lost(task: Task, ctx: Context): Decision {
  const { timings, now } = ctx;
  // A window's answer is never sent twice on a guess: some servers would draw, and bill, both.
  const isLast = task.resubmit === "never" || task.phase === "modal" || madeOf(task) >= timings.attemptLimit;
  const older = before(task);
  if (older?.vendorTaskId !== undefined) return resumed(task, older, ctx);
  if (isLast) return end(task, "FAILURE", { failure: failure("submission_unclear") }, ctx);
  const again = { due: now + timings.requeueMs, vendorTaskId: undefined, vendorTaskIdFrom: undefined, missing: 0 };
  return move(task, "PENDING", again, ctx, [{ kind: "enqueue", delayMs: 0 }]);
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

export function followed(task: Task, ctx: Context): Decision {
  return paid(task, "follow", {}, ctx);
}

/** What was told of an earlier state pays nothing: an end, or a window, that came since is still owed. */
export function told(task: Task, status: TaskStatus, ctx: Context): Decision {
  if (task.status !== status || !task.owes?.includes("tell")) return { kind: "ignore", why: "no-news" };
  if (isEnded(task)) return paid(task, "tell", {}, ctx);
  return record(task, { owes: undefined, due: ctx.now + ctx.timings.modalMs }, "no-news", ctx);
}
