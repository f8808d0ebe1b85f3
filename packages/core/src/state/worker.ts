/** The worker's side: a claim before the vendor is called (P1), and what its answer means (P2, P3, P5). */
import { failure } from "../error.ts";
import { backAt, isBack, isMovable } from "../place.ts";
import type { Task } from "../task.ts";
import { isEnded } from "../task.ts";
import { backoffMs, jitteredMs } from "../timing.ts";
import {
  before,
  doubt,
  end,
  firstLook,
  leaseHolds,
  move,
  notWaiting,
  opened,
  orphan,
  record,
  relocated,
  resumed,
} from "./move.ts";
import type { Call, Context, Decision, Effect, Signal } from "./signal.ts";

export function claim(
  task: Task,
  { call: wanted, customId }: Extract<Signal, { kind: "claim" }>,
  ctx: Context,
): Decision {
  const leaseUntil = ctx.now + ctx.timings.leaseMs;
  // Whoever looks before the lease is over finds it held and waits for it: no need to move the due time now.
  const due = task.due ?? leaseUntil;
  const lease = { leaseUntil, due };
  if (task.status === "PENDING" && wanted === "submit") {
    const pressed = customId === undefined ? {} : { customId };
    return move(task, "SUBMITTING", { ...lease, ...pressed, attempt: task.attempt + 1, phase: "submit" }, ctx, call);
  }
  if (task.status === "MODAL" && task.modal && wanted === "modal") {
    // How long the window stood open does not count against the deadline of the work.
    const answer = { modals: task.modals + 1, phase: "modal" as const, submittedAt: ctx.now };
    return move(task, "SUBMITTING", { ...lease, ...answer }, ctx, call);
  }
  if (task.status === "SUBMITTING") {
    // A worker that died in the middle may have reached the vendor: that is P3's case, not a reason to send again.
    return leaseHolds(task, ctx) ? { kind: "ignore", why: "leased" } : doubt(task, ctx);
  }
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

const call: Effect[] = [{ kind: "call" }];

type Taken = Extract<Signal, { kind: "accepted" | "window" }>;

export function taken(task: Task, signal: Taken, ctx: Context): Decision {
  // Which submission this task stands for: the one that ended it, else the latest, else the one just given back.
  const own = task.endedBy ?? task.attempt;
  const takenAfterAll = isBack(task, signal.attempt) || (task.status === "PENDING" && signal.attempt === own + 1);
  if (signal.attempt !== own && !takenAfterAll) return orphan(task, signal.attempt, signal.vendorTaskId, {}, ctx);
  const id = { vendorTaskId: signal.vendorTaskId, vendorTaskIdFrom: "answer" as const };
  const siblings = signal.kind === "accepted" && signal.siblings?.length ? { vendorSiblings: signal.siblings } : {};
  const known = task.vendorTaskId === signal.vendorTaskId && task.vendorTaskIdFrom === "answer";
  // PENDING too: an answer so late that the task was about to be sent again. It need not be.
  const inTime = task.status === "SUBMITTING" || task.status === "UNCLEAR" || task.status === "PENDING";
  const waiting = inTime && !isOtherCall(task, signal);
  // Once the window was answered, that it is open is old news: an answer sent twice would be paid twice.
  const isNew =
    signal.kind === "accepted" ? waiting : task.phase === "submit" && (waiting || task.status === "SUBMITTED");
  // A callback overtook the answer (an early callback): the state stands, the answer still tells the id to press with.
  if (!isNew) {
    if (known) return { kind: "ignore", why: isEnded(task) ? "ended" : "no-news" };
    return record(task, { ...id, ...siblings }, "no-news", ctx);
  }
  const accepted = {
    ...backAt(task, signal.attempt),
    ...id,
    ...siblings,
    attempt: signal.attempt,
    busy: 0,
    leaseUntil: undefined,
    submittedAt: ctx.now,
  };
  if (signal.kind === "window") return opened(task, accepted, ctx);
  return move(task, "SUBMITTED", { ...accepted, due: firstLook(task, signal.expect, ctx) }, ctx);
}

type Answered = { attempt: number; call?: Call };

/** The answer to a call that is no longer the one this task waits for. */
function isOtherCall(task: Task, { call: answered }: Pick<Answered, "call">): boolean {
  return answered !== undefined && answered !== task.phase;
}

function isSuperseded(task: Task, signal: Answered): boolean {
  return signal.attempt !== task.attempt || isOtherCall(task, signal);
}

export function refused(task: Task, signal: Extract<Signal, { kind: "refused" }>, ctx: Context): Decision {
  if (isSuperseded(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING" && task.status !== "UNCLEAR") return notWaiting(task);
  const older = before(task);
  // Only one that can be asked about: it may have failed already, and nobody would say so again.
  if (older?.vendorTaskId !== undefined) return resumed(task, older, ctx);
  if (signal.to && isMovable(task)) return relocated(task, signal.to, ctx);
  return end(task, "FAILURE", { failure: signal.failure }, ctx);
}

export function busy(task: Task, signal: Extract<Signal, { kind: "busy" }>, ctx: Context): Decision {
  if (isSuperseded(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING") return notWaiting(task);
  const older = before(task);
  if (older) return resumed(task, older, ctx);
  const patience = patienceOf(task, task.phase, ctx);
  if (patience < 0) return end(task, "EXPIRED", { failure: failure("vendor_busy") }, ctx);
  if (signal.to && isMovable(task)) return relocated(task, signal.to, ctx);
  const { patch, again } = waiting(task, signal, patience, ctx);
  if (task.phase === "modal")
    return move(task, "MODAL", { ...patch, phase: "submit", modals: task.modals - 1 }, ctx, again);
  // Not taken, so not paid: the attempt is given back, and its hook token with it.
  return move(task, "PENDING", { ...patch, attempt: task.attempt - 1 }, ctx, again);
}

/** Nothing was asked of the vendor, so there is nothing to give back. */
export function full(task: Task, signal: Extract<Signal, { kind: "full" }>, ctx: Context): Decision {
  const answers = task.status === "MODAL" && task.modal !== undefined;
  if (task.status !== "PENDING" && !answers) return notWaiting(task);
  const patience = patienceOf(task, answers ? "modal" : "submit", ctx);
  if (patience < 0) return end(task, "EXPIRED", { failure: failure("vendor_busy") }, ctx);
  if (signal.to && isMovable(task)) return relocated(task, signal.to, ctx);
  const { patch, again } = waiting(task, signal, patience, ctx);
  return record(task, patch, "no-news", ctx, again);
}

/** How much longer a task may wait for its vendor, ms. */
function patienceOf(task: Task, call: Call, { now, timings: { modalMs, pendingMs } }: Context): number {
  // An answer has as long as a submission has, after all the time its task may have waited and its window stood open.
  const until = task.createdAt + pendingMs[task.pace] * (call === "modal" ? 2 : 1);
  return (call === "modal" ? until + modalMs : until) - now;
}

function waiting(task: Task, signal: { afterMs?: number; chance: number }, patienceMs: number, ctx: Context) {
  const { busyMs, busyMaxMs, requeueMs } = ctx.timings;
  const wish = signal.afterMs ?? jitteredMs(backoffMs(busyMs, task.busy, busyMaxMs), signal.chance);
  // Whatever the vendor wishes, the wait ends within that.
  const pause = Math.min(wish, patienceMs);
  const patch = { busy: task.busy + 1, leaseUntil: undefined, due: ctx.now + pause + requeueMs };
  const again: Effect[] = [{ kind: "enqueue", delayMs: pause }];
  return { patch, again };
}

export function unclear(task: Task, signal: Extract<Signal, { kind: "unclear" }>, ctx: Context): Decision {
  if (isSuperseded(task, signal)) return { kind: "ignore", why: "superseded" };
  // A callback that came first has already made it clear.
  if (task.status !== "SUBMITTING") return notWaiting(task);
  return doubt(task, ctx);
}
