/** The vendor's side: what a callback or a look-up says, held against what is known (T1, T2). */
import { type Failure, failure } from "../error.ts";
import { backAt, isAt, isBack, placeOf, wasUntaken, yieldedTo } from "../place.ts";
import { isFinal, type Report } from "../report.ts";
import { isEnded, type Task, type TaskStatus } from "../task.ts";
import { dueAt } from "../timing.ts";
import { end, isOutdated, move, opened, orphan, record } from "./move.ts";
import type { Context, Decision, Reason, Signal } from "./signal.ts";

/** Beyond this a flood of duplicates is no longer written down: the table must not pay for a vendor's loop. */
const DUPLICATES_COUNTED = 99;

type Reported = Extract<Signal, { kind: "report" }>;

export function reported(task: Task, signal: Reported, ctx: Context): Decision {
  const { report, attempt, from } = signal;
  // A vendor that said "busy" and took it all the same: its attempt was given back, and is ours again.
  if (attempt > task.attempt + 1) return { kind: "ignore", why: "unknown-attempt" };
  // Numbers are never used for two accounts, unless two vendors in turn say "busy" and take it: one of them is not heard.
  if (signal.at && !isAt(placeOf(task, attempt), signal.at)) return { kind: "ignore", why: "unknown-attempt" };
  if (isEnded(task)) return afterEnd(task, signal, ctx);
  // It said "busy", and says once more that nothing came of it.
  const failed = report.status === "FAILURE" || report.status === "CANCEL";
  if (failed && wasUntaken(task, attempt)) return { kind: "ignore", why: "superseded" };
  const back = !failed && isBack(task, attempt);
  const takenAfterAll = back || (task.status === "PENDING" && attempt === task.attempt + 1);
  const other = !takenAfterAll && (attempt !== task.attempt || wasUntaken(task, attempt));
  // Another attempt that does deliver is as good as the latest: its picture is paid for. The latest becomes the orphan.
  if (other && report.status !== "SUCCESS") {
    return orphan(task, attempt, report.vendorTaskId, counted(task, from), ctx);
  }
  const seen = {
    ...(other ? instead(task, signal, ctx) : { ...learned(task, signal), ...backAt(task, attempt) }),
    ...counted(task, from),
    attempt: back ? attempt : Math.max(attempt, task.attempt),
    missing: 0,
  };
  if (report.status === undefined) return oddity(task, signal, seen, ctx);
  if (isFinal(report.status)) return concluded(task, report, { ...seen, endedBy: attempt }, ctx);
  // A window seen before our answer was sent proves nothing about the answer.
  if (report.status === "MODAL" && isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
  if (report.status === "MODAL") return windowSeen(task, from, seen, ctx);
  return progressed(task, signal, seen, ctx);
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
  const own = task.orphans?.find((o) => o.attempt === attempt)?.vendorTaskId;
  const vendorTaskId = report.vendorTaskId ?? own;
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const latest = { attempt: task.attempt, ...(task.vendorTaskId && { vendorTaskId: task.vendorTaskId }), at: ctx.now };
  const orphans = isTaken(task) ? [...rest, latest] : rest;
  return {
    ...yieldedTo(task, attempt),
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

function progressed(task: Task, { report, from, rev }: Reported, seen: Partial<Task>, ctx: Context): Decision {
  // A look-up that was asked before our answer went out is worth no more than a callback.
  const rank = rankOf(task, isOutdated(task, rev) ? "callback" : from);
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
  // A late success is the one worth knowing: a vendor that then alternates does not push its picture out again.
  const told = task.late?.status === report.status || task.late?.status === "SUCCESS";
  if (report.status !== task.status && !told && (counts || !task.late)) {
    // It was given up, by us or by the vendor, and it is paid: the verdict stands, the picture is kept beside it.
    const picture = report.status === "SUCCESS" ? { result: report.result } : {};
    const late = { status: report.status, at: ctx.now, ...picture };
    return record(task, { ...more, late }, "ended", ctx);
  }
  return counts ? record(task, more, "duplicate", ctx) : { kind: "ignore", why: "duplicate" };
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
