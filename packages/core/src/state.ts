/**
 * What a task does next. `decide(task, signal, ctx)` is the only place where a task changes state; it is pure, so every
 * door (submit worker, callback, sweeper, dead letters, API) reaches the same answer, and tests can walk all of it.
 *
 *   T1  An ended task never leaves its state; a late different end is recorded beside it.
 *   T2  Status and progress never go back on a report, whatever order reports come in.
 *   T4  Every state that waits has a due time, in the index or under its flow's.
 *   P1  A claim is saved, attempt and lease in it, before the vendor is called.
 *   P3  An unclear submission is never sent again before its grace has passed and, where the vendor can be asked,
 *       two look-ups have not shown it.
 *   P5  While a lease holds, a second claim does nothing.
 */

import { hasNewSubscribedEvent } from "./derived-events.ts";
import { onAbandon, onArchived, onCancel, onModalAnswer, onTileCut } from "./state/app.ts";
import type { Context, Decision, Signal } from "./state/signal.ts";
import { onDue, onFollowUpsStarted, onLookupMiss, onNotified } from "./state/sweeper.ts";
import { isOutdated } from "./state/transitions.ts";
import { onReport } from "./state/vendor.ts";
import { onAccepted, onAccountFull, onBusy, onClaim, onRefused, onUnclear } from "./state/worker.ts";
import type { Task } from "./task.ts";

export type {
  AccountRef,
  CallbackExpectation,
  Context,
  Decision,
  DecisionReason,
  Effect,
  Signal,
} from "./state/signal.ts";
export { isPastDeadline } from "./state/sweeper.ts";
export { IllegalTransition, TRANSITIONS } from "./state/transitions.ts";
export { failureOf } from "./state/vendor.ts";

export function decide(task: Task, signal: Signal, ctx: Context): Decision {
  const decision = decided(task, signal, ctx);
  if (decision.kind === "ignore" || !hasNewSubscribedEvent(task, decision.next)) return decision;
  const { effects, next } = decision;
  const isTold = next.pendingEffects?.includes("archive") || effects.some(({ kind }) => kind === "tell");
  return isTold ? decision : { ...decision, effects: [...decision.effects, { kind: "tell" }] };
}

function decided(task: Task, signal: Signal, ctx: Context): Decision {
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
    case "accountFull":
      return onAccountFull(task, signal, ctx);
    case "unclear":
      return onUnclear(task, signal, ctx);
    case "report":
      return onReport(task, signal, ctx);
    case "lookupMiss":
      if (isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
      return onLookupMiss(task, ctx);
    case "due":
      return onDue(task, signal, ctx);
    case "followUpsStarted":
      return onFollowUpsStarted(task, ctx);
    case "notified":
      return onNotified(task, signal.status, ctx);
    case "archived":
      return onArchived(task, signal.copies, ctx);
    case "tileCut":
      return onTileCut(task, signal.result, signal.copies, ctx);
    case "answer":
      return onModalAnswer(task, signal.modal, ctx);
    case "cancel":
      return onCancel(task, ctx);
    case "abandon":
      return onAbandon(task, signal, ctx);
  }
}
