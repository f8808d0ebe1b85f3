/** The worker's side: a claim before the vendor is called (P1), and what its answer means (P2, P3, P5). */
import { failure } from "../error.ts";
import { canRelocate, restoreLocation, restoresAttempt } from "../relocation.ts";
import type { Task } from "../task.ts";
import { isEnded } from "../task.ts";
import { backoffMs, jitteredMs } from "../timing.ts";
import type { CallKind, Context, Decision, Effect, Signal } from "./signal.ts";
import {
  changeStatus,
  endTask,
  firstLookupAt,
  ignoreNotWaiting,
  leaseHolds,
  markUnclear,
  openModal,
  previousAcceptedAttempt,
  recordChange,
  recordOrphan,
  relocateTask,
  resumeAttempt,
} from "./transitions.ts";

export function onClaim(
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
    return changeStatus(
      task,
      "SUBMITTING",
      { ...lease, ...pressed, attempt: task.attempt + 1, phase: "submit" },
      ctx,
      call,
    );
  }
  if (task.status === "MODAL" && task.modal && wanted === "modal") {
    // How long the window stood open does not count against the deadline of the work.
    const answer = { modals: task.modals + 1, phase: "modal" as const, submittedAt: ctx.now };
    return changeStatus(task, "SUBMITTING", { ...lease, ...answer }, ctx, call);
  }
  if (task.status === "SUBMITTING") {
    // A worker that died in the middle may have reached the vendor: that is P3's case, not a reason to send again.
    return leaseHolds(task, ctx) ? { kind: "ignore", why: "leased" } : markUnclear(task, ctx);
  }
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

const call: Effect[] = [{ kind: "call" }];

type AcceptedSignal = Extract<Signal, { kind: "accepted" | "modalOpened" }>;

export function onAccepted(task: Task, signal: AcceptedSignal, ctx: Context): Decision {
  // Which submission this task stands for: the one that ended it, else the latest, else the one just given back.
  const own = task.endedBy ?? task.attempt;
  const takenAfterAll =
    restoresAttempt(task, signal.attempt) || (task.status === "PENDING" && signal.attempt === own + 1);
  if (signal.attempt !== own && !takenAfterAll) return recordOrphan(task, signal.attempt, signal.vendorTaskId, {}, ctx);
  const id = { vendorTaskId: signal.vendorTaskId, vendorTaskIdFrom: "answer" as const };
  const siblings = signal.kind === "accepted" && signal.siblings?.length ? { vendorSiblings: signal.siblings } : {};
  const known = task.vendorTaskId === signal.vendorTaskId && task.vendorTaskIdFrom === "answer";
  // PENDING too: an answer so late that the task was about to be sent again. It need not be.
  const inTime = task.status === "SUBMITTING" || task.status === "UNCLEAR" || task.status === "PENDING";
  const waiting = inTime && !isForOtherCall(task, signal);
  // Once the window was answered, that it is open is old news: an answer sent twice would be paid twice.
  const isNew =
    signal.kind === "accepted" ? waiting : task.phase === "submit" && (waiting || task.status === "SUBMITTED");
  // A callback overtook the answer (an early callback): the state stands, the answer still tells the id to press with.
  if (!isNew) {
    if (known) return { kind: "ignore", why: isEnded(task) ? "ended" : "no-news" };
    return recordChange(task, { ...id, ...siblings }, "no-news", ctx);
  }
  const accepted = {
    ...restoreLocation(task, signal.attempt),
    ...id,
    ...siblings,
    attempt: signal.attempt,
    busyAnswers: 0,
    leaseUntil: undefined,
    submittedAt: ctx.now,
  };
  if (signal.kind === "modalOpened") return openModal(task, accepted, ctx);
  return changeStatus(task, "SUBMITTED", { ...accepted, due: firstLookupAt(task, signal.expect, ctx) }, ctx);
}

type AnsweredCall = { attempt: number; call?: CallKind };

/** The answer to a call that is no longer the one this task waits for. */
function isForOtherCall(task: Task, { call: answered }: Pick<AnsweredCall, "call">): boolean {
  return answered !== undefined && answered !== task.phase;
}

function isStaleAnswer(task: Task, signal: AnsweredCall): boolean {
  return signal.attempt !== task.attempt || isForOtherCall(task, signal);
}

export function onRefused(task: Task, signal: Extract<Signal, { kind: "refused" }>, ctx: Context): Decision {
  if (isStaleAnswer(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING" && task.status !== "UNCLEAR") return ignoreNotWaiting(task);
  const older = previousAcceptedAttempt(task);
  // Only one that can be asked about: it may have failed already, and nobody would say so again.
  if (older?.vendorTaskId !== undefined) return resumeAttempt(task, older, ctx);
  if (signal.to && canRelocate(task)) return relocateTask(task, signal.to, ctx);
  return endTask(task, "FAILURE", { failure: signal.failure }, ctx);
}

export function onBusy(task: Task, signal: Extract<Signal, { kind: "busy" }>, ctx: Context): Decision {
  if (isStaleAnswer(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING") return ignoreNotWaiting(task);
  const older = previousAcceptedAttempt(task);
  if (older) return resumeAttempt(task, older, ctx);
  const patience = remainingWaitMs(task, task.phase, ctx);
  if (patience < 0) return endTask(task, "EXPIRED", { failure: failure("vendor_busy") }, ctx);
  if (signal.to && canRelocate(task)) return relocateTask(task, signal.to, ctx);
  const { patch, again } = scheduleRetry(task, signal, patience, ctx);
  if (task.phase === "modal")
    return changeStatus(task, "MODAL", { ...patch, phase: "submit", modals: task.modals - 1 }, ctx, again);
  // Not taken, so not paid: the attempt is given back, and its hook token with it.
  return changeStatus(task, "PENDING", { ...patch, attempt: task.attempt - 1 }, ctx, again);
}

/** Nothing was asked of the vendor, so there is nothing to give back. */
export function onAccountFull(task: Task, signal: Extract<Signal, { kind: "accountFull" }>, ctx: Context): Decision {
  const answers = task.status === "MODAL" && task.modal !== undefined;
  if (task.status !== "PENDING" && !answers) return ignoreNotWaiting(task);
  const patience = remainingWaitMs(task, answers ? "modal" : "submit", ctx);
  if (patience < 0) return endTask(task, "EXPIRED", { failure: failure("vendor_busy") }, ctx);
  if (signal.to && canRelocate(task)) return relocateTask(task, signal.to, ctx);
  const { patch, again } = scheduleRetry(task, signal, patience, ctx);
  return recordChange(task, patch, "no-news", ctx, again);
}

/** How much longer a task may wait for its vendor, ms. */
function remainingWaitMs(task: Task, call: CallKind, { now, timings: { modalMs, pendingMs } }: Context): number {
  // An answer has as long as a submission has, after all the time its task may have waited and its window stood open.
  const until = task.createdAt + pendingMs[task.pace] * (call === "modal" ? 2 : 1);
  return (call === "modal" ? until + modalMs : until) - now;
}

function scheduleRetry(task: Task, signal: { afterMs?: number; chance: number }, patienceMs: number, ctx: Context) {
  const { busyMs, busyMaxMs, requeueMs } = ctx.timings;
  const criteria = signal.afterMs ?? jitteredMs(backoffMs(busyMs, task.busyAnswers, busyMaxMs), signal.chance);
  // Whatever the vendor wishes, the wait ends within that.
  const pause = Math.min(criteria, patienceMs);
  const patch = { busyAnswers: task.busyAnswers + 1, leaseUntil: undefined, due: ctx.now + pause + requeueMs };
  const again: Effect[] = [{ kind: "enqueue", delayMs: pause }];
  return { patch, again };
}

export function onUnclear(task: Task, signal: Extract<Signal, { kind: "unclear" }>, ctx: Context): Decision {
  if (isStaleAnswer(task, signal)) return { kind: "ignore", why: "superseded" };
  // A callback that came first has already made it clear.
  if (task.status !== "SUBMITTING") return ignoreNotWaiting(task);
  return markUnclear(task, ctx);
}
