/**
 * What a task does next. `decide(task, signal, ctx)` is the only place where a task changes state; it is pure, so every
 * door (submit worker, callback, sweeper, dead letters, API) reaches the same answer, and tests can walk all of it.
 *
 *   T1  An ended task never leaves its state; a late different end is recorded beside it.
 *   T2  Status and progress never go back on a report, whatever order reports come in.
 *   T4  Every state that waits has a due time.
 *   P1  A claim is saved, attempt and lease in it, before the vendor is called.
 *   P3  An unclear submission is never sent again before its grace and one look-up have passed.
 *   P5  While a lease holds, a second claim does nothing.
 */
import { type Failure, failure } from "./error.ts";
import { SUBMIT_LEASE_MS } from "./limit.ts";
import type { ModalAnswer } from "./plan.ts";
import { isFinal, type Report } from "./report.ts";
import { isEnded, type Orphan, type Task, type TaskStatus } from "./task.ts";
import { backoffMs, dueAt, jitteredMs, lookupPauseMs, type Timings } from "./timing.ts";

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

/** Whether callbacks can be expected for an accepted task: how soon the sweeper looks depends on it. */
export type Expect = "calling" | "unknown" | "silent" | "instant";

type Call = Task["phase"];

export type Signal =
  /**
   * A worker has the task's message and would make this call. What it prepared is what it may do: should the task have
   * moved on to its window meanwhile, a claim to submit it gets nothing, or the press would be paid twice.
   */
  | { kind: "claim"; call: Call; customId?: string }
  // The vendor's answers say which call they answer, where that is known: a slow answer to the press must not be taken
  // for the answer to the window that another worker has sent since.
  | { kind: "accepted"; attempt: number; call?: Call; vendorTaskId: string; siblings?: string[]; expect: Expect }
  /** The vendor took it and waits for a prompt or mask. */
  | { kind: "window"; attempt: number; call?: Call; vendorTaskId: string }
  | { kind: "refused"; attempt: number; call?: Call; failure: Failure }
  /** Definitely not taken; `afterMs` where the vendor said when to return. @param chance 0 to 1, for jitter */
  | { kind: "busy"; attempt: number; call?: Call; afterMs?: number; chance: number }
  /** May or may not have been taken. */
  | { kind: "unclear"; attempt: number; call?: Call }
  // A look-up says of which revision it was asked: the task may have been sent again while the vendor was thinking.
  | { kind: "report"; attempt: number; from: "callback" | "lookup"; rev?: number; report: Report }
  /** A look-up found no such task, or there was no way to look. */
  | { kind: "missing"; rev?: number }
  /**
   * The due time has passed. `canSearch`: the vendor can be asked without its task id (trueai-org's list by state).
   * `askAt`: not before then, for its look-ups fail.
   */
  | { kind: "due"; canSearch?: boolean; askAt?: number }
  /** All follow-ups are stored and sent. */
  | { kind: "followed" }
  /** The app answered the window. */
  | { kind: "answer"; modal: ModalAnswer }
  /** It cannot be submitted at all: no such button, parent failed, message poisoned. */
  | { kind: "abandon"; failure: Failure };

export interface Context {
  /** Epoch ms. */
  now: number;
  timings: Timings;
}

export type Effect =
  /** Call the vendor now: the claim is ours. */
  | { kind: "call" }
  /** Put a submit message on the queue. */
  | { kind: "enqueue"; delayMs: number }
  /** Store and send the follow-ups. */
  | { kind: "follow" }
  /** Ask the vendor. */
  | { kind: "lookup" }
  /** See whether the flow has ended. */
  | { kind: "settle" };

export type Reason =
  | "ended"
  | "duplicate"
  | "stale"
  | "leased"
  | "not-waiting"
  | "superseded"
  | "unknown-attempt"
  | "unknown-status"
  | "no-news";

export type Decision =
  /** A new state. */
  | { kind: "move"; next: Task; effects: Effect[] }
  /** The state stays; something is noted on the row (a duplicate counted, an orphan, a late end). */
  | { kind: "record"; next: Task; why: Reason; effects: Effect[] }
  | { kind: "ignore"; why: Reason };

export class IllegalMove extends Error {
  override readonly name = "IllegalMove";
}

/** Beyond this a flood of duplicates is no longer written down: the table must not pay for a vendor's loop. */
const DUPLICATES_COUNTED = 99;

export function decide(task: Task, signal: Signal, ctx: Context): Decision {
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
    case "answer":
      return answered(task, signal.modal, ctx);
    case "abandon":
      return abandoned(task, signal.failure, ctx);
  }
}

// ── the worker's side ──────────────────────────────────────────────────────────────────────────────────────────────

function claim(task: Task, { call: wanted, customId }: Extract<Signal, { kind: "claim" }>, ctx: Context): Decision {
  const leaseUntil = ctx.now + SUBMIT_LEASE_MS;
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

function taken(task: Task, signal: Taken, ctx: Context): Decision {
  // Which submission this task stands for: the one that ended it, else the latest, else the one just given back.
  const own = task.endedBy ?? task.attempt;
  const takenAfterAll = task.status === "PENDING" && signal.attempt === own + 1;
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

/** The window is open. With an answer at hand it is sent at once; without, the app has `modalMs` to give one. */
function opened(task: Task, patch: Partial<Task>, ctx: Context): Decision {
  const wait = task.modal ? ctx.timings.requeueMs : ctx.timings.modalMs;
  const next = { ...patch, phase: "submit" as const, leaseUntil: undefined, due: ctx.now + wait };
  return move(task, "MODAL", next, ctx, task.modal ? [{ kind: "enqueue", delayMs: 0 }] : []);
}

type Answered = { attempt: number; call?: Call };

/** The answer to a call that is no longer the one this task waits for. */
function isOtherCall(task: Task, { call: answered }: Pick<Answered, "call">): boolean {
  return answered !== undefined && answered !== task.phase;
}

function isSuperseded(task: Task, signal: Answered): boolean {
  return signal.attempt !== task.attempt || isOtherCall(task, signal);
}

function refused(task: Task, signal: Extract<Signal, { kind: "refused" }>, ctx: Context): Decision {
  if (isSuperseded(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING" && task.status !== "UNCLEAR") return notWaiting(task);
  return end(task, "FAILURE", { failure: signal.failure }, ctx);
}

function busy(task: Task, signal: Extract<Signal, { kind: "busy" }>, ctx: Context): Decision {
  if (isSuperseded(task, signal)) return { kind: "ignore", why: "superseded" };
  if (task.status !== "SUBMITTING") return notWaiting(task);
  const { busyMs, busyMaxMs, pendingMs, requeueMs } = ctx.timings;
  if (ctx.now - task.createdAt > pendingMs[task.pace]) {
    return end(task, "EXPIRED", { failure: failure("vendor_busy") }, ctx);
  }
  const wish = signal.afterMs ?? jitteredMs(backoffMs(busyMs, task.busy, busyMaxMs), signal.chance);
  // Whatever the vendor wishes, the wait ends within `pendingMs`.
  const pause = Math.max(0, Math.min(wish, task.createdAt + pendingMs[task.pace] - ctx.now));
  const patch = { busy: task.busy + 1, leaseUntil: undefined, due: ctx.now + pause + requeueMs };
  const again: Effect[] = [{ kind: "enqueue", delayMs: pause }];
  if (task.phase === "modal")
    return move(task, "MODAL", { ...patch, phase: "submit", modals: task.modals - 1 }, ctx, again);
  const older = task.orphans?.find((o) => o.attempt === task.attempt - 1);
  if (older) return resumed(task, older, ctx);
  // Not taken, so not paid: the attempt is given back, and its hook token with it.
  return move(task, "PENDING", { ...patch, attempt: task.attempt - 1 }, ctx, again);
}

/** The attempt before, thought lost, has turned up meanwhile: with this one not taken, the task is that one's again. */
function resumed(task: Task, { attempt, vendorTaskId }: Orphan, ctx: Context): Decision {
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const id = { vendorTaskId, vendorTaskIdFrom: vendorTaskId === undefined ? undefined : ("report" as const) };
  const orphans = rest.length > 0 ? rest : undefined;
  const took = { attempt, ...id, orphans, busy: 0, leaseUntil: undefined, submittedAt: ctx.now };
  return move(task, "SUBMITTED", { ...took, due: firstLook(task, "unknown", ctx) }, ctx);
}

function unclear(task: Task, signal: Extract<Signal, { kind: "unclear" }>, ctx: Context): Decision {
  if (isSuperseded(task, signal)) return { kind: "ignore", why: "superseded" };
  // A callback that came first has already made it clear.
  if (task.status !== "SUBMITTING") return notWaiting(task);
  return doubt(task, ctx);
}

function doubt(task: Task, ctx: Context): Decision {
  return move(task, "UNCLEAR", { leaseUntil: undefined, due: ctx.now + ctx.timings.graceMs[task.pace] }, ctx);
}

// ── the vendor's side ──────────────────────────────────────────────────────────────────────────────────────────────

type Reported = Extract<Signal, { kind: "report" }>;

function reported(task: Task, signal: Reported, ctx: Context): Decision {
  const { report, attempt, from } = signal;
  // A vendor that said "busy" and took it all the same: its attempt was given back, and is ours again.
  if (attempt > task.attempt + 1) return { kind: "ignore", why: "unknown-attempt" };
  if (isEnded(task)) return afterEnd(task, signal, ctx);
  const takenAfterAll = task.status === "PENDING" && attempt === task.attempt + 1;
  const other = attempt !== task.attempt && !takenAfterAll;
  // Another attempt that does deliver is as good as the latest: its picture is paid for. The latest becomes the orphan.
  if (other && report.status !== "SUCCESS") {
    return orphan(task, attempt, report.vendorTaskId, counted(task, from), ctx);
  }
  const seen = {
    ...(other ? instead(task, signal, ctx) : learned(task, signal)),
    ...counted(task, from),
    attempt: Math.max(attempt, task.attempt),
    missing: 0,
  };
  if (report.status === undefined) return oddity(task, signal, seen, ctx);
  if (isFinal(report.status)) return concluded(task, report, { ...seen, endedBy: attempt }, ctx);
  // A window seen before our answer was sent proves nothing about the answer.
  if (report.status === "MODAL" && isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
  if (report.status === "MODAL") return windowSeen(task, from, seen, ctx);
  return progressed(task, report, from, seen, ctx);
}

function isOutdated(task: Task, rev: number | undefined): boolean {
  return rev !== undefined && rev !== task.rev;
}

function counted(task: Task, from: Reported["from"]): Partial<Task> {
  return from === "callback" ? { callbacks: task.callbacks + 1 } : {};
}

/** What any report of this attempt teaches, whatever its status. */
function learned(task: Task, { report }: Reported): Partial<Task> {
  if (report.vendorTaskId === undefined || task.vendorTaskIdFrom === "answer") return {};
  return { vendorTaskId: report.vendorTaskId, vendorTaskIdFrom: "report" };
}

/** Another attempt's success takes this task's place: its buttons work only with its own id, never with the latest's. */
function instead(task: Task, { report, attempt }: Reported, ctx: Context): Partial<Task> {
  const own = task.orphans?.find((o) => o.attempt === attempt && o.vendorTaskId !== undefined)?.vendorTaskId;
  const vendorTaskId = report.vendorTaskId ?? own;
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const latest = { attempt: task.attempt, ...(task.vendorTaskId && { vendorTaskId: task.vendorTaskId }), at: ctx.now };
  const orphans = isTaken(task) ? [...rest, latest] : rest;
  return {
    vendorTaskId,
    vendorTaskIdFrom: vendorTaskId === undefined ? undefined : "report",
    vendorSiblings: undefined,
    orphans: orphans.length > 0 ? orphans : undefined,
  };
}

/** Whether the vendor is known to have the latest attempt. */
function isTaken(task: Task): boolean {
  return task.phase === "modal" || task.vendorTaskId !== undefined || rankOf(task, "lookup") > 0;
}

function concluded(task: Task, report: Report, seen: Partial<Task>, ctx: Context): Decision {
  const about = { ...seen, ...(report.action && { action: report.action }), result: report.result };
  if (report.status === "SUCCESS") return end(task, "SUCCESS", { ...about, progress: 100 }, ctx);
  const status = report.status === "CANCEL" ? "CANCEL" : "FAILURE";
  return end(task, status, { ...about, failure: failureOf(report) }, ctx);
}

function windowSeen(task: Task, from: Reported["from"], seen: Partial<Task>, ctx: Context): Decision {
  // Once our answer was sent, a callback of the open window is old news. In doubt, a look-up after the grace is proof
  // that the answer was not taken; it is sent again as seldom as a submission is.
  if (task.phase === "modal") {
    if (task.status !== "UNCLEAR" || from !== "lookup") return nothingNew(task, "stale", seen, ctx);
    if (task.modals >= ctx.timings.attemptLimit) {
      return end(task, "FAILURE", { ...seen, failure: failure("submission_unclear") }, ctx);
    }
  } else if (task.status === "MODAL" || task.status === "IN_PROGRESS") {
    return nothingNew(task, task.status === "MODAL" ? "duplicate" : "stale", seen, ctx);
  }
  return opened(task, { ...seen, submittedAt: task.submittedAt ?? ctx.now }, ctx);
}

/**
 * How far a task is, for comparing with a report. While our answer to a window is on its way, the window is behind us;
 * while it is in doubt, only a look-up's "submitted" is later than the window, a callback's may be from before it.
 */
function rankOf(task: Task, from: Reported["from"]): number {
  if (task.status === "IN_PROGRESS") return 3;
  if (task.status === "MODAL") return 2;
  if (task.status === "SUBMITTED") return 1;
  if (task.phase === "submit") return 0;
  return task.status === "UNCLEAR" && from === "lookup" ? 0 : 2;
}

function progressed(task: Task, report: Report, from: Reported["from"], seen: Partial<Task>, ctx: Context): Decision {
  const rank = rankOf(task, from);
  const reportRank = report.status === "IN_PROGRESS" ? 3 : 1;
  const progress = Math.max(task.progress, report.progress ?? 0);
  const patch = { ...seen, progress, ...(report.action && { action: report.action }) };
  // A task waiting in MODAL goes on only by its answer: "submitted" beside an open window is an older post (T2).
  if (rank < reportRank) return begun(task, reportRank === 3 ? "IN_PROGRESS" : "SUBMITTED", from, patch, ctx);
  if (progress > task.progress) return record(task, patch, "no-news", ctx);
  return nothingNew(task, rank === reportRank ? "duplicate" : "stale", seen, ctx);
}

/** The vendor has it. */
function begun(task: Task, status: TaskStatus, from: Reported["from"], patch: Partial<Task>, ctx: Context): Decision {
  const began = { leaseUntil: undefined, submittedAt: task.submittedAt ?? ctx.now, busy: 0 };
  // A look-up has set its own next time; only a callback says that more callbacks can be waited for.
  const quiet = dueAt(task.due, ctx.now + ctx.timings.quietMs[task.pace], ctx.now);
  return move(task, status, { ...began, ...patch, due: from === "callback" ? quiet : task.due }, ctx);
}

/** Not worth a write, unless it tells the task's id or ends a row of look-ups that found nothing. */
function nothingNew(task: Task, why: Reason, seen: Partial<Task>, ctx: Context): Decision {
  const tells = task.missing > 0 || (task.vendorTaskId === undefined && seen.vendorTaskId !== undefined);
  return tells ? record(task, seen, why, ctx) : { kind: "ignore", why };
}

/** A word outside the protocol. Whatever it means, the vendor has the task, and it must not be sent again (P3). */
function oddity(task: Task, { report, from }: Reported, seen: Partial<Task>, ctx: Context): Decision {
  const word = (report.unknownStatus ?? "").slice(0, 64);
  const noted = { ...seen, oddity: word };
  if (task.phase === "submit" && rankOf(task, from) === 0) return begun(task, "SUBMITTED", from, noted, ctx);
  if (task.oddity === word) return nothingNew(task, "unknown-status", seen, ctx);
  return record(task, noted, "unknown-status", ctx);
}

/** T1: nothing moves any more. A repeated end is counted; a different one, or another attempt's, is written down. */
function afterEnd(task: Task, { report, attempt, from }: Reported, ctx: Context): Decision {
  if (!isFinal(report.status)) return { kind: "ignore", why: "stale" };
  // A second paid submission's end: shown with what it is worth, and never in place of the first.
  if (task.endedBy !== undefined && attempt !== task.endedBy) {
    return orphan(task, attempt, report.vendorTaskId, counted(task, from), ctx);
  }
  const counts = from === "callback" && task.duplicates < DUPLICATES_COUNTED;
  const more = counts ? { duplicates: task.duplicates + 1 } : {};
  if (report.status !== task.status && task.late?.status !== report.status && (counts || !task.late)) {
    // We had given it up, and it is paid: the verdict stands, the picture is kept beside it.
    const picture = report.status === "SUCCESS" && !task.result ? { result: report.result } : {};
    const late = { status: report.status, at: ctx.now, ...picture };
    return record(task, { ...more, late }, "ended", ctx);
  }
  return counts ? record(task, more, "duplicate", ctx) : { kind: "ignore", why: "duplicate" };
}

function orphan(
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

/** Loosely, by the words vendors use (PROTOCOL 6); the vendor's own text is always kept beside the code. */
export function failureOf(report: Report): Failure {
  const description = report.failReason?.slice(0, 500);
  const vendor = description ? { vendor: { description } } : {};
  const text = description ?? "";
  if (report.status === "CANCEL" || /取消|\bcancel/i.test(text)) return failure("vendor_cancelled", vendor);
  if (/敏感词|banned|moderat|sensitive/i.test(text)) return failure("banned_prompt", vendor);
  if (/invalid (?:parameter|link)|unrecognized|参数/i.test(text)) return failure("invalid_prompt", vendor);
  return failure("vendor_failed", vendor);
}

// ── the sweeper's side ─────────────────────────────────────────────────────────────────────────────────────────────

function due(task: Task, { canSearch = false, askAt = 0 }: Extract<Signal, { kind: "due" }>, ctx: Context): Decision {
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
      return end(task, "EXPIRED", { failure: failure("modal_unanswered") }, ctx);
    case "UNCLEAR":
    case "SUBMITTED":
    case "IN_PROGRESS": {
      const pause = lookupPauseMs(now - (task.submittedAt ?? task.createdAt), timings);
      if (task.vendorTaskId === undefined && !canSearch) return unaskable(task, pause, ctx);
      if (askAt > now) return postpone(task, askAt - now, ctx, []);
      // The due time is pushed before the vendor is asked, so that two sweepers do not both ask.
      const asked = { lookups: task.lookups + 1, due: now + pause };
      return { kind: "record", why: "no-news", next: patched(task, asked, ctx), effects: [{ kind: "lookup" }] };
    }
    default:
      return postpone(task, timings.effectsMs, ctx, [
        task.status === "SUCCESS" ? { kind: "follow" } : { kind: "settle" },
      ]);
  }
}

/** No id and no way to ask: in doubt that counts as not found; a task known to be taken can still call back in time. */
function unaskable(task: Task, pauseMs: number, ctx: Context): Decision {
  if (task.status === "UNCLEAR") return missing(task, ctx);
  if (isPastDeadline(task, ctx)) return end(task, "EXPIRED", { failure: failure("deadline_passed") }, ctx);
  return postpone(task, pauseMs, ctx, []);
}

/** The vendor did not know the task, or could not be asked. What that means depends on what we knew. */
function missing(task: Task, ctx: Context): Decision {
  const { timings, now } = ctx;
  if (task.status === "UNCLEAR") {
    // Grace has passed, no callback came, nothing was found: now, and only now, it is sent again.
    // A window's answer is never sent twice on a guess: some servers would draw, and bill, both.
    const isLast = task.resubmit === "never" || task.phase === "modal" || task.attempt >= timings.attemptLimit;
    if (isLast) {
      return end(task, "FAILURE", { failure: failure("submission_unclear") }, ctx);
    }
    const again = { due: now + timings.requeueMs, vendorTaskId: undefined, vendorTaskIdFrom: undefined };
    return move(task, "PENDING", again, ctx, [{ kind: "enqueue", delayMs: 0 }]);
  }
  if (task.status !== "SUBMITTED" && task.status !== "IN_PROGRESS") return notWaiting(task);
  const count = task.missing + 1;
  if (count >= timings.missingLimit)
    return end(task, "EXPIRED", { missing: count, failure: failure("vendor_lost") }, ctx);
  return record(task, { missing: count }, "no-news", ctx);
}

/**
 * After a look-up that brought no end: has the task outlived its deadline? Asked last, so that the end wins. One that
 * was never known to be taken has the time it might wait for a vendor besides: no state outlives every clock.
 */
export function isPastDeadline(task: Task, { now, timings }: Context): boolean {
  if (isEnded(task)) return false;
  const from = task.submittedAt ?? task.createdAt + timings.pendingMs[task.pace];
  return now - from > timings.deadlineMs[task.pace];
}

function postpone(task: Task, byMs: number, ctx: Context, effects: Effect[]): Decision {
  return { kind: "record", why: "no-news", next: patched(task, { due: ctx.now + byMs }, ctx), effects };
}

function followed(task: Task, ctx: Context): Decision {
  if (!isEnded(task) || task.due === undefined) return { kind: "ignore", why: "no-news" };
  return record(task, { due: undefined }, "no-news", ctx);
}

// ── the app's side ─────────────────────────────────────────────────────────────────────────────────────────────────

function answered(task: Task, modal: ModalAnswer, ctx: Context): Decision {
  // One answer only: trueai-org queues the task again for every modal call, and each would be paid.
  if (task.status !== "MODAL" || task.modal) return notWaiting(task);
  const patch = { modal, due: ctx.now + ctx.timings.requeueMs };
  return record(task, patch, "no-news", ctx, [{ kind: "enqueue", delayMs: 0 }]);
}

function abandoned(task: Task, why: Failure, ctx: Context): Decision {
  if (isEnded(task)) return { kind: "ignore", why: "ended" };
  if (task.status === "SUBMITTING" && !leaseHolds(task, ctx)) return doubt(task, ctx);
  if (task.status === "PENDING" || (task.status === "MODAL" && task.modal)) {
    return end(task, why.code === "deadline_passed" ? "EXPIRED" : "FAILURE", { failure: why }, ctx);
  }
  // Its worker is at the vendor just now; whatever comes of that is told soon.
  if (task.status === "SUBMITTING") return { kind: "ignore", why: "leased" };
  if (why.code === "deadline_passed" && isPastDeadline(task, ctx)) return end(task, "EXPIRED", { failure: why }, ctx);
  return { kind: "ignore", why: "not-waiting" };
}

// ── pieces ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function leaseHolds(task: Task, ctx: Context): boolean {
  return (task.leaseUntil ?? 0) > ctx.now;
}

function firstLook(task: Task, expect: Expect, ctx: Context): number {
  const { quietMs, unknownMs, silentMs, instantMs } = ctx.timings;
  const wait = { calling: quietMs[task.pace], unknown: unknownMs, silent: silentMs, instant: instantMs }[expect];
  return dueAt(task.due, ctx.now + wait, ctx.now);
}

/**
 * A success with follow-ups keeps a due time until they are known to be stored and sent: a crash in between is found by
 * the sweeper (Q3). Every other end waits for nothing; its flow has a due time of its own.
 */
function end(task: Task, status: TaskStatus, patch: Partial<Task>, ctx: Context): Decision {
  const follows = status === "SUCCESS" && (task.then?.length ?? 0) > 0;
  const due = follows ? ctx.now + ctx.timings.effectsMs : undefined;
  const ended = { ...patch, leaseUntil: undefined, endedAt: ctx.now, due };
  return move(task, status, ended, ctx, [{ kind: follows ? "follow" : "settle" }]);
}

function move(task: Task, status: TaskStatus, patch: Partial<Task>, ctx: Context, effects: Effect[] = []): Decision {
  if (!TRANSITIONS[task.status].includes(status)) throw new IllegalMove(`${task.status} to ${status}`);
  return { kind: "move", next: { ...patched(task, patch, ctx), status }, effects };
}

function record(task: Task, patch: Partial<Task>, why: Reason, ctx: Context, effects: Effect[] = []): Decision {
  return { kind: "record", next: patched(task, patch, ctx), why, effects };
}

function patched(task: Task, patch: Partial<Task>, ctx: Context): Task {
  return { ...task, ...patch, updatedAt: ctx.now };
}

function notWaiting(task: Task): Decision {
  return { kind: "ignore", why: isEnded(task) ? "ended" : "not-waiting" };
}
