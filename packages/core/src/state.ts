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

import { isNewlyHeard } from "./happened.ts";
import { abandoned, answered, archived, canceled, made } from "./state/app.ts";
import { isOutdated } from "./state/move.ts";
import type { Context, Decision, Signal } from "./state/signal.ts";
import { due, followed, missing, told } from "./state/sweeper.ts";
import { reported } from "./state/vendor.ts";
import { busy, claim, full, refused, taken, unclear } from "./state/worker.ts";
import type { Task } from "./task.ts";

export { IllegalMove, TRANSITIONS } from "./state/move.ts";
export type { Account, Context, Decision, Effect, Expect, Reason, Signal } from "./state/signal.ts";
export { isPastDeadline } from "./state/sweeper.ts";
export { failureOf } from "./state/vendor.ts";

export function decide(task: Task, signal: Signal, ctx: Context): Decision {
  const decision = decided(task, signal, ctx);
  if (decision.kind === "ignore" || !isNewlyHeard(task, decision.next)) return decision;
  const { effects, next } = decision;
  const isTold = next.owes?.includes("archive") || effects.some(({ kind }) => kind === "tell");
  return isTold ? decision : { ...decision, effects: [...decision.effects, { kind: "tell" }] };
}

function decided(task: Task, signal: Signal, ctx: Context): Decision {
  switch (signal.kind) {
    case "claim":
      return claim(task, signal, ctx);
    case "accepted":
    case "window":
      return taken(task, signal, ctx);
    case "refused":
      return refused(task, signal, ctx);
    case "busy":
      return busy(task, signal, ctx);
    case "full":
      return full(task, signal, ctx);
    case "unclear":
      return unclear(task, signal, ctx);
    case "report":
      return reported(task, signal, ctx);
    case "missing":
      if (isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
      return missing(task, ctx);
    case "due":
      return due(task, signal, ctx);
    case "followed":
      return followed(task, ctx);
    case "told":
      return told(task, signal.status, ctx);
    case "archived":
      return archived(task, signal.copies, ctx);
    case "made":
      return made(task, signal.result, signal.copies, ctx);
    case "answer":
      return answered(task, signal.modal, ctx);
    case "cancel":
      return canceled(task, ctx);
    case "abandon":
      return abandoned(task, signal, ctx);
  }
}
