/** Worker signals: the claim before the vendor is called (P1), and the outcomes of the call (P2, P3, P5). */
import { failure, isVendorLoss } from "../error.ts";
import { canRelocate, isSameAccount, restoreLocation, restoresAttempt } from "../relocation.ts";
import { modalResult } from "../report.ts";
import { hasOwnDueEntry, isEnded, type Task } from "../task.ts";
import { backoffMs, flowCheckIntervalMs, jitteredMs } from "../timing.ts";
import { isInWaitList, type WaitReason } from "../wait-list.ts";
import type { CallKind, Context, Decision, Effect, Signal } from "./signal.ts";
import { waitFailureOf } from "./sweeper.ts";
import {
  changeStatus,
  endTask,
  firstLookupAt,
  ignoreNotWaiting,
  leaseHolds,
  markUnclear,
  openModal,
  postponeDue,
  previousAcceptedAttempt,
  recordChange,
  recordOrphan,
  relocateTask,
  repeatCall,
  resumeAttempt,
} from "./transitions.ts";

export function onClaim(
  task: Task,
  { call: wanted, at, customId, vendorOrigin, slot, repeat }: Extract<Signal, { kind: "claim" }>,
  ctx: Context,
): Decision {
  if (at && !isSameAccount(task, at)) return ignoreNotWaiting(task);
  const leaseUntil = ctx.now + ctx.timings.leaseMs;
  // A due time that is already set stays. If it passes within the lease, the sweeper finds the lease valid and
  // postpones the task until the end of the lease. So the claim does not move the entry in the due index.
  const due = isInWaitList(task) ? dueAfterWait(task, leaseUntil, ctx) : { due: task.due ?? leaseUntil };
  const origin = vendorOrigin === undefined ? {} : { vendorOrigin };
  const lease = { leaseUntil, submittingAt: ctx.now, ...due, ...origin, ...(slot && { slot }) };
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
    // `submittedAt` starts again, so the time for which the modal was open does not count towards the deadline.
    const answer = { modals: task.modals + 1, phase: "modal" as const, submittedAt: ctx.now };
    return changeStatus(task, "SUBMITTING", { ...lease, ...answer }, ctx, call);
  }
  // The same attempt number gives the same idempotency key, so the vendor answers with the task of the first call, if it has one.
  if (task.status === "UNCLEAR" && repeat && wanted === task.phase)
    return changeStatus(task, "SUBMITTING", { ...lease, unclearSince: task.unclearSince ?? ctx.now }, ctx, call);
  if (task.status === "SUBMITTING") {
    // A worker that crashed after its claim may have called the vendor. The submission is unclear (P3), so it is not
    // sent again.
    return leaseHolds(task, ctx) ? { kind: "ignore", why: "leased" } : markUnclear(task, ctx);
  }
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

const call: Effect[] = [{ kind: "call" }];

type AcceptedSignal = Extract<Signal, { kind: "accepted" | "modalOpened" }>;

export function onAccepted(task: Task, signal: AcceptedSignal, ctx: Context): Decision {
  // The attempt that this task stands for: the one that ended it, otherwise the latest. An attempt number that was just
  // released counts too, if the vendor accepted that attempt after all.
  const own = task.endedBy ?? task.attempt;
  const acceptedAfterAll =
    restoresAttempt(task, signal.attempt) || (task.status === "PENDING" && signal.attempt === own + 1);
  if (signal.attempt !== own && !acceptedAfterAll)
    return recordOrphan(task, signal.attempt, signal.vendorTaskId, {}, ctx);
  const id = { vendorTaskId: signal.vendorTaskId, vendorTaskIdFrom: "answer" as const };
  const siblings = signal.kind === "accepted" && signal.siblings?.length ? { vendorSiblings: signal.siblings } : {};
  const known = task.vendorTaskId === signal.vendorTaskId && task.vendorTaskIdFrom === "answer";
  // PENDING counts too: this response came so late that the task was about to be sent again, which is not needed now.
  const inTime = task.status === "SUBMITTING" || task.status === "UNCLEAR" || task.status === "PENDING";
  const waiting = inTime && !isForOtherCall(task, signal);
  // A report that the modal is open is outdated once we have sent the modal answer. We must not send the answer twice,
  // because the vendor would charge twice.
  const isNew =
    signal.kind === "accepted" ? waiting : task.phase === "submit" && (waiting || task.status === "SUBMITTED");
  // A callback arrived before this response (an early callback). The status stays, but the response still contains the
  // vendor task id that presses need.
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
  if (signal.kind === "modalOpened") return openModal(task, { ...accepted, ...modalResult(signal.finalPrompt) }, ctx);
  return changeStatus(task, "SUBMITTED", { ...accepted, due: firstLookupAt(task, signal.expect, ctx) }, ctx);
}

type CallRef = { attempt: number; call?: CallKind };

/** True if the outcome belongs to another call (submission or modal answer) than the one this task waits for. */
function isForOtherCall(task: Task, { call }: Pick<CallRef, "call">): boolean {
  return call !== undefined && call !== task.phase;
}

function isStaleOutcome(task: Task, signal: CallRef): boolean {
  return signal.attempt !== task.attempt || isForOtherCall(task, signal);
}

export function onRefused(task: Task, signal: Extract<Signal, { kind: "refused" }>, ctx: Context): Decision {
  if (isStaleOutcome(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING" && task.status !== "UNCLEAR") return ignoreNotWaiting(task);
  // A refused key or missing money says nothing about an earlier call with this idempotency key, which may be paid.
  if (task.status === "SUBMITTING" && task.unclearSince !== undefined && isVendorLoss(signal.failure))
    return repeatCall(task, ctx);
  const older = previousAcceptedAttempt(task);
  // The task waits for an older attempt only if it can look it up. That attempt may have failed already, and the vendor
  // would not report the failure again.
  if (older?.vendorTaskId !== undefined) return resumeAttempt(task, older, ctx);
  if (signal.to && canRelocate(task)) return relocateTask(task, signal.to, ctx);
  return endTask(task, "FAILURE", { failure: signal.failure }, ctx);
}

export function onBusy(task: Task, signal: Extract<Signal, { kind: "busy" }>, ctx: Context): Decision {
  if (isStaleOutcome(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING") return ignoreNotWaiting(task);
  // The vendor was busy now. An earlier call with this idempotency key may have been accepted.
  if (task.unclearSince !== undefined) return repeatCall(task, ctx, signal.afterMs);
  // Here an older attempt counts even without a vendor task id: the alternative is another submission, which would
  // be paid too.
  const older = previousAcceptedAttempt(task);
  if (older) return resumeAttempt(task, older, ctx);
  const { about, until = Number.POSITIVE_INFINITY } = signal;
  const waitMs = Math.min(remainingWaitMs(task, task.phase, ctx), until - ctx.now);
  const released = { busyAbout: about };
  if (waitMs < 0 || until <= ctx.now) {
    const why = waitFailureOf({ busyAnswers: task.busyAnswers + 1, busyAbout: about });
    return endTask(task, "EXPIRED", { ...released, failure: why }, ctx);
  }
  if (signal.to && canRelocate(task)) return relocateTask(task, signal.to, ctx);
  const waiting =
    about === "parent" ? scheduleRetry(task, signal, waitMs, ctx) : enterWaitList(task, task.phase, "busy", ctx);
  const { effects } = waiting;
  const patch = { ...waiting.patch, ...released };
  if (task.phase === "modal")
    return changeStatus(task, "MODAL", { ...patch, phase: "submit", modals: task.modals - 1 }, ctx, effects);
  // The vendor did not accept the task, so we do not pay. We release the attempt number. The next claim uses the same
  // number, so a callback of this submission is still matched.
  return changeStatus(task, "PENDING", { ...patch, attempt: task.attempt - 1 }, ctx, effects);
}

/** Waits as for a busy vendor. No call was made, so no attempt number is released. */
export function onWait(task: Task, { why, at, to }: Extract<Signal, { kind: "wait" }>, ctx: Context): Decision {
  if (at && !isSameAccount(task, at)) return ignoreNotWaiting(task);
  const sendsAnswer = task.status === "MODAL" && task.modal !== undefined;
  if (task.status !== "PENDING" && !sendsAnswer) return ignoreNotWaiting(task);
  const call = sendsAnswer ? "modal" : "submit";
  if (remainingWaitMs(task, call, ctx) < 0) return endTask(task, "EXPIRED", { failure: failure("vendor_busy") }, ctx);
  if (to && canRelocate(task)) return relocateTask(task, to, ctx);
  // The task is in the list already, and its place does not change.
  if (isInWaitList(task)) return { kind: "ignore", why: "no-news" };
  const { patch, effects } = enterWaitList(task, call, why, ctx);
  return recordChange(task, { ...patch, busyAbout: undefined }, "no-news", ctx, effects);
}

/**
 * Returns what changes when the task enters the wait list of its account. Its due time is the end of its waiting time. While
 * it waits, its flow's due time covers it, so it has no entry of its own in the due index. Only if the waiting time may end
 * before the flow is due, or if the flow did not cover the task before, the task gets an entry.
 */
function enterWaitList(task: Task, call: CallKind, why: WaitReason, ctx: Context) {
  const due = waitEnd(task, call, ctx);
  const isCovered = isCoveredByFlow(task) && due >= ctx.now + flowCheckIntervalMs(ctx.timings, task.pace);
  const waits = { waits: why, busyAnswers: task.busyAnswers + 1, leaseUntil: undefined, due };
  const patch: Partial<Task> = isCovered ? { ...waits, flowDue: due } : waits;
  const effects: Effect[] = [{ kind: "wait" }];
  return { patch, effects };
}

/** Returns the due time of a task that leaves the wait list. Its flow covers the due time of a task created now. */
function dueAfterWait(task: Task, leaseUntil: number, { now, timings }: Context): Partial<Task> {
  const due = now + flowCheckIntervalMs(timings, task.pace);
  return isCoveredByFlow(task) ? { due, flowDue: due } : { due: leaseUntil };
}

function isCoveredByFlow(task: Task): boolean {
  return task.flowDue !== undefined && !hasOwnDueEntry(task);
}

/** Returns when the sweeper ends a waiting task, epoch ms: just after its waiting time. */
function waitEnd(task: Task, call: CallKind, ctx: Context): number {
  const end = ctx.now + remainingWaitMs(task, call, ctx) + 1;
  if (call === "submit") return end;
  const { modalMs, pendingMs } = ctx.timings;
  return Math.min(end, (task.submittedAt ?? task.createdAt) + modalMs + pendingMs[task.pace] + 1);
}

/** The work of a waiting task cannot start yet. The end of its patience is checked when the sweeper starts it again. */
export function onPostponed(task: Task, byMs: number, ctx: Context): Decision {
  const sendsAnswer = task.status === "MODAL" && task.modal !== undefined;
  return task.status === "PENDING" || sendsAnswer ? postponeDue(task, byMs, ctx, []) : ignoreNotWaiting(task);
}

/** Returns how much longer a task may wait for its vendor, ms. Negative if the time is over. */
function remainingWaitMs(task: Task, call: CallKind, { now, timings: { modalMs, pendingMs } }: Context): number {
  // A modal answer may wait as long as a submission. Its time starts after the longest possible wait of the submission
  // and the longest time for which the modal may be open.
  const until = task.createdAt + pendingMs[task.pace] * (call === "modal" ? 2 : 1);
  return (call === "modal" ? until + modalMs : until) - now;
}

function scheduleRetry(task: Task, signal: { afterMs?: number; chance: number }, waitMs: number, ctx: Context) {
  const { busyMs, busyMaxMs, requeueMs } = ctx.timings;
  const wantedMs = signal.afterMs ?? jitteredMs(backoffMs(busyMs, task.busyAnswers, busyMaxMs), signal.chance);
  // A pause that the vendor requests never exceeds the remaining waiting time.
  const pause = Math.min(wantedMs, waitMs);
  const patch = { busyAnswers: task.busyAnswers + 1, leaseUntil: undefined, due: ctx.now + pause + requeueMs };
  const effects: Effect[] = [{ kind: "enqueue", delayMs: pause }];
  return { patch, effects };
}

export function onUnclear(task: Task, signal: Extract<Signal, { kind: "unclear" }>, ctx: Context): Decision {
  if (isStaleOutcome(task, signal)) return { kind: "ignore", why: "superseded" };
  // A callback has already shown the result of the call.
  if (task.status !== "SUBMITTING") return ignoreNotWaiting(task);
  return signal.canRepeat ? repeatCall(task, ctx) : markUnclear(task, ctx);
}
