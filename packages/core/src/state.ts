/**
 * The state machine of a task. `decide(task, signal, ctx)` is the only place where a task changes its status. The
 * function is pure, so all entry points (submit worker, callback handler, sweeper, dead-letter handler, API) reach the
 * same decision, and the tests can explore every state.
 *
 *   T1  An ended task changes its status only if a late success is adopted. A different end that is reported later is
 *       stored in `late`.
 *   T2  A report never lowers status or progress, in whatever order the reports arrive.
 *   T4  Every status that waits has a due time, in the due index or covered by the due time of the flow.
 *   P1  A claim with its attempt number and lease is saved before the vendor is called.
 *   P3  An unclear submission is not sent again before its grace period is over. If the task can be looked up at the
 *       vendor, two look-ups in a row must also have missed it. A look-up counts only if it proves the absence. Without
 *       proof a second grace period passes, and then the rule for vendors that cannot be searched applies.
 *   P5  A second claim changes nothing while the lease of the first is valid.
 */

import { occupiesSlot } from "./concurrency-limiter.ts";
import { isEndHeldBack } from "./delivery-log.ts";
import { newSubscribedEvents } from "./derived-events.ts";
import { hasDeliveryLog } from "./event.ts";
import { QUEUE } from "./limit.ts";
import { onAbandon, onArchived, onCancel, onModalAnswer, onTileCut } from "./state/app.ts";
import type { Context, Decision, Effect, Signal } from "./state/signal.ts";
import { onDue, onFollowUpsStarted, onLookupMiss, onNotified } from "./state/sweeper.ts";
import { applyPatch, completeEffect, ignoreNotWaiting, isOutdated, recordChange } from "./state/transitions.ts";
import { hasAdoptableResult, onAdopt, onReport } from "./state/vendor.ts";
import { onAccepted, onBusy, onClaim, onPostponed, onRefused, onUnclear, onWait } from "./state/worker.ts";
import { isEnded, type Task } from "./task.ts";

export type {
  AccountRef,
  CallbackExpectation,
  CallKind,
  Context,
  Decision,
  DecisionReason,
  Effect,
  Signal,
} from "./state/signal.ts";
export { isPastDeadline } from "./state/sweeper.ts";
export { IllegalTransition, TRANSITIONS } from "./state/transitions.ts";
export { failureOf, hasAdoptableResult, hasMedia } from "./state/vendor.ts";

/** Returns the decision of the rules, plus a `tell` effect if a subscriber gets a new event from it. */
export function decide(task: Task, signal: Signal, ctx: Context): Decision {
  const decision = withRelease(task, startByDueTime(applyRules(task, signal, ctx), ctx));
  if (decision.kind === "ignore") return decision;
  const { effects, next } = decision;
  const events = newSubscribedEvents(task, next);
  if (events.length === 0) return decision;
  // While the images are being archived, the notification of the end waits: it must contain the links of the copies.
  if (isEndHeldBack(next)) return decision;
  // With a delivery log, a named event needs no look at the log before its first attempt. If the end is not yet known to be
  // sent when its images are archived, the worker looks for both events.
  const isNamed =
    hasDeliveryLog(next.eventMask) && !(signal.kind === "archived" && task.pendingEffects?.includes("tell"));
  const tell: Effect = isNamed ? { kind: "tell", events } : { kind: "tell" };
  return { ...decision, effects: [...effects.filter(({ kind }) => kind !== "tell"), tell] };
}

/** Releases the slot of a task that the vendor is not working on any more for this account. The row and the effect agree. */
function withRelease(task: Task, decision: Decision): Decision {
  if (decision.kind === "ignore" || !decision.next.slot || occupiesSlot(decision.next, task, false)) return decision;
  const { slot, ...next } = decision.next;
  const { provider, account } = task;
  const release = { kind: "release" as const, from: { provider, account }, slot };
  return { ...decision, next, effects: [...decision.effects, release] };
}

/**
 * Replaces the message for the task's work by a due time in two cases. The chain of its messages is over, or the pause is
 * longer than the queue can delay a message. The sweeper then sends the message, which starts a new chain.
 */
function startByDueTime(decision: Decision, ctx: Context): Decision {
  if (decision.kind === "ignore") return decision;
  const enqueue = decision.effects.find((effect) => effect.kind === "enqueue");
  if (!enqueue || !(ctx.chainOver || enqueue.delayMs > QUEUE.submit.maxDelayS * 1_000)) return decision;
  const next = applyPatch(decision.next, { due: ctx.now + enqueue.delayMs }, ctx);
  return { ...decision, next, effects: decision.effects.filter((effect) => effect !== enqueue) };
}

function applyRules(task: Task, signal: Signal, ctx: Context): Decision {
  switch (signal.kind) {
    case "claim":
      return onClaim(task, signal, ctx);
    case "accepted":
    case "modalOpened":
      return onAccepted(task, signal, ctx);
    case "refused":
      return onRefused(task, signal, ctx);
    case "busy":
      return onBusy(task, signal, ctx);
    case "wait":
      return onWait(task, signal, ctx);
    case "postponed":
      return onPostponed(task, signal.byMs, ctx);
    case "unclear":
      return onUnclear(task, signal, ctx);
    case "report":
      return onReport(task, signal, ctx);
    case "lookupMiss":
      if (isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
      return onLookupMiss(task, ctx, signal.unproven);
    case "due":
      return onDue(task, signal, ctx);
    case "followUpsStarted":
      return onFollowUpsStarted(task, ctx);
    case "notified":
      return onNotified(task, signal, ctx);
    case "archived":
      return onArchived(task, signal.copies, signal.failures ?? [], ctx);
    case "tileCut":
      return onTileCut(task, signal.result, signal.copies, ctx);
    case "answer":
      return onModalAnswer(task, signal.modal, ctx);
    case "adopt":
      return onAdopt(task, ctx);
    case "adoptionDone":
      return completeEffect(task, "adopt", {}, ctx);
    case "retried":
      return onRetried(task, ctx);
    case "cancel":
      return onCancel(task, ctx);
    case "abandon":
      return onAbandon(task, signal, ctx);
  }
}

/** Marks a task that the app retries. After this write a late success is not adopted, so the plan runs once. */
function onRetried(task: Task, ctx: Context): Decision {
  if (!isEnded(task) || task.status === "SUCCESS") return ignoreNotWaiting(task);
  // A late success has arrived, so nothing needs to be paid again.
  if (task.retried || hasAdoptableResult(task)) return { kind: "ignore", why: "no-news" };
  return recordChange(task, { retried: true }, "no-news", ctx);
}
