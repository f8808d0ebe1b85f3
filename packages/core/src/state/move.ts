/** The moves there are, and the steps that every side takes. Nothing else builds a decision. */
import { isEnded, type Orphan, type Task, type TaskStatus } from "../task.ts";
import { dueAt } from "../timing.ts";
import type { Context, Decision, Effect, Expect, Reason } from "./signal.ts";

/** Every move there is. `move()` refuses any other, and the state-space test walks this same table. */
export const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  PENDING: ["SUBMITTING", "SUBMITTED", "IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUBMITTING: ["PENDING", "UNCLEAR", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  UNCLEAR: ["PENDING", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUBMITTED: ["MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  MODAL: ["SUBMITTING", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  IN_PROGRESS: ["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"],
  SUCCESS: [],
  FAILURE: [],
  CANCEL: [],
  EXPIRED: [],
};

export class IllegalMove extends Error {
  override readonly name = "IllegalMove";
}

export function move(
  task: Task,
  status: TaskStatus,
  patch: Partial<Task>,
  ctx: Context,
  effects: Effect[] = [],
): Decision {
  if (!TRANSITIONS[task.status].includes(status)) throw new IllegalMove(`${task.status} to ${status}`);
  return { kind: "move", next: { ...patched(task, patch, ctx), status }, effects };
}

export function record(task: Task, patch: Partial<Task>, why: Reason, ctx: Context, effects: Effect[] = []): Decision {
  return { kind: "record", next: patched(task, patch, ctx), why, effects };
}

export function patched(task: Task, patch: Partial<Task>, ctx: Context): Task {
  return { ...task, ...patch, updatedAt: ctx.now };
}

export function postpone(task: Task, byMs: number, ctx: Context, effects: Effect[]): Decision {
  return { kind: "record", why: "no-news", next: patched(task, { due: ctx.now + byMs }, ctx), effects };
}

/**
 * A success with follow-ups keeps a due time until they are known to be stored and sent: a crash in between is found by
 * the sweeper (Q3). Every other end waits for nothing; its flow has a due time of its own.
 */
export function end(task: Task, status: TaskStatus, patch: Partial<Task>, ctx: Context): Decision {
  const follows = status === "SUCCESS" && (task.then?.length ?? 0) > 0;
  const due = follows ? ctx.now + ctx.timings.effectsMs : undefined;
  const ended = { ...patch, leaseUntil: undefined, endedAt: ctx.now, due };
  return move(task, status, ended, ctx, [{ kind: follows ? "follow" : "settle" }]);
}

/** The window is open. With an answer at hand it is sent at once; without, the app has `modalMs` to give one. */
export function opened(task: Task, patch: Partial<Task>, ctx: Context): Decision {
  const wait = task.modal ? ctx.timings.requeueMs : ctx.timings.modalMs;
  const next = { ...patch, phase: "submit" as const, leaseUntil: undefined, due: ctx.now + wait };
  return move(task, "MODAL", next, ctx, task.modal ? [{ kind: "enqueue", delayMs: 0 }] : []);
}

export function doubt(task: Task, ctx: Context): Decision {
  return move(task, "UNCLEAR", { leaseUntil: undefined, due: ctx.now + ctx.timings.graceMs[task.pace] }, ctx);
}

export function orphan(
  task: Task,
  attempt: number,
  vendorTaskId: string | undefined,
  patch: Partial<Task>,
  ctx: Context,
): Decision {
  const orphans = task.orphans ?? [];
  const same = orphans.filter((o) => o.attempt === attempt);
  const known = same.some((o) => o.vendorTaskId === vendorTaskId || vendorTaskId === undefined);
  if (known) return { kind: "ignore", why: "superseded" };
  const found: Orphan = { attempt, ...(vendorTaskId && { vendorTaskId }), at: ctx.now };
  const unnamed = same.find((o) => o.vendorTaskId === undefined);
  if (unnamed) {
    const named = orphans.map((o) => (o === unnamed ? { ...found, at: o.at } : o));
    return record(task, { ...patch, orphans: named }, "superseded", ctx);
  }
  if (orphans.length >= ctx.timings.attemptLimit) return { kind: "ignore", why: "superseded" };
  return record(task, { ...patch, orphans: [...orphans, found] }, "superseded", ctx);
}

/** The attempt before, where it has turned up after it was thought lost. */
export function before(task: Task): Orphan | undefined {
  return task.phase === "submit" ? task.orphans?.find((o) => o.attempt === task.attempt - 1) : undefined;
}

/** With the latest attempt not taken, the task is that one's again. */
export function resumed(task: Task, { attempt, vendorTaskId }: Orphan, ctx: Context): Decision {
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const id = { vendorTaskId, vendorTaskIdFrom: vendorTaskId === undefined ? undefined : ("report" as const) };
  const orphans = rest.length > 0 ? rest : undefined;
  const took = { attempt, ...id, orphans, busy: 0, leaseUntil: undefined, submittedAt: ctx.now };
  return move(task, "SUBMITTED", { ...took, due: firstLook(task, "unknown", ctx) }, ctx);
}

/** When an accepted task is looked at first. */
export function firstLook(task: Task, expect: Expect, ctx: Context): number {
  const { quietMs, unknownMs, silentMs, instantMs } = ctx.timings;
  const wait = { calling: quietMs[task.pace], unknown: unknownMs, silent: silentMs, instant: instantMs }[expect];
  return dueAt(task.due, ctx.now + wait, ctx.now);
}

export function notWaiting(task: Task): Decision {
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}

export function leaseHolds(task: Task, ctx: Context): boolean {
  return (task.leaseUntil ?? 0) > ctx.now;
}

export function isOutdated(task: Task, rev: number | undefined): boolean {
  return rev !== undefined && rev !== task.rev;
}
