/** The vendor's side: what a callback or a look-up says, held against what is known (T1, T2). */
import { type Failure, failure } from "../error.ts";
import {
  accountOfAttempt,
  adoptAttemptLocation,
  isSameAccount,
  restoreLocation,
  restoresAttempt,
  wasRejected,
} from "../relocation.ts";
import { isFinal, type Report } from "../report.ts";
import { isEnded, type Task, type TaskStatus } from "../task.ts";
import { dueAt } from "../timing.ts";
import type { Context, Decision, DecisionReason, Signal } from "./signal.ts";
import { changeStatus, endTask, isOutdated, openModal, recordChange, recordOrphan } from "./transitions.ts";

/** Beyond this a flood of duplicates is no longer written down: the table must not pay for a vendor's loop. */
const MAX_COUNTED_DUPLICATES = 99;

type ReportSignal = Extract<Signal, { kind: "report" }>;

export function onReport(task: Task, signal: ReportSignal, ctx: Context): Decision {
  const { report, attempt, from } = signal;
  // A vendor that said "busy" and took it all the same: its attempt was given back, and is ours again.
  if (attempt > task.attempt + 1) return { kind: "ignore", why: "unknown-attempt" };
  // Numbers are never used for two accounts, unless two vendors in turn say "busy" and take it: one of them is not heard.
  if (signal.at && !isSameAccount(accountOfAttempt(task, attempt), signal.at))
    return { kind: "ignore", why: "unknown-attempt" };
  if (isEnded(task)) return onReportAfterEnd(task, signal, ctx);
  // It said "busy", and says once more that nothing came of it.
  const failed = report.status === "FAILURE" || report.status === "CANCEL";
  if (failed && wasRejected(task, attempt)) return { kind: "ignore", why: "superseded" };
  const back = !failed && restoresAttempt(task, attempt);
  const takenAfterAll = back || (task.status === "PENDING" && attempt === task.attempt + 1);
  const other = !takenAfterAll && (attempt !== task.attempt || wasRejected(task, attempt));
  // Another attempt that does deliver is as good as the latest: its picture is paid for. The latest becomes the orphan.
  if (other && report.status !== "SUCCESS") {
    return recordOrphan(task, attempt, report.vendorTaskId, callbackCount(task, from), ctx);
  }
  const seen = {
    ...(other
      ? adoptOtherAttempt(task, signal, ctx)
      : { ...vendorIdFrom(task, signal), ...restoreLocation(task, attempt) }),
    ...callbackCount(task, from),
    attempt: back ? attempt : Math.max(attempt, task.attempt),
    lookupMisses: 0,
  };
  if (report.status === undefined) return onUnknownStatus(task, signal, seen, ctx);
  if (isFinal(report.status)) return onFinalReport(task, report, { ...seen, endedBy: attempt }, ctx);
  // A window seen before our answer was sent proves nothing about the answer.
  if (report.status === "MODAL" && isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
  if (report.status === "MODAL") return onModalReport(task, from, seen, ctx);
  return onProgressReport(task, signal, seen, ctx);
}

function callbackCount(task: Task, from: ReportSignal["from"]): Partial<Task> {
  return from === "callback" ? { callbacks: task.callbacks + 1 } : {};
}

/** What any report of this attempt teaches, whatever its status. */
function vendorIdFrom(task: Task, { report }: ReportSignal): Partial<Task> {
  if (report.vendorTaskId === undefined || task.vendorTaskIdFrom === "answer") return {};
  return { vendorTaskId: report.vendorTaskId, vendorTaskIdFrom: "report" };
}

/** Another attempt's success takes this task's place: its buttons work only with its own id, never with the latest's. */
function adoptOtherAttempt(task: Task, { report, attempt }: ReportSignal, ctx: Context): Partial<Task> {
  const own = task.orphans?.find((o) => o.attempt === attempt)?.vendorTaskId;
  const vendorTaskId = report.vendorTaskId ?? own;
  const rest = (task.orphans ?? []).filter((o) => o.attempt !== attempt);
  const latest = { attempt: task.attempt, ...(task.vendorTaskId && { vendorTaskId: task.vendorTaskId }), at: ctx.now };
  const orphans = isKnownAccepted(task) ? [...rest, latest] : rest;
  return {
    ...adoptAttemptLocation(task, attempt),
    vendorTaskId,
    vendorTaskIdFrom: vendorTaskId === undefined ? undefined : "report",
    vendorSiblings: undefined,
    orphans: orphans.length > 0 ? orphans : undefined,
  };
}

/** Whether the vendor is known to have the latest attempt. */
function isKnownAccepted(task: Task): boolean {
  return task.phase === "modal" || task.vendorTaskId !== undefined || rankOf(task, "lookup") > 0;
}

function onFinalReport(task: Task, report: Report, seen: Partial<Task>, ctx: Context): Decision {
  const about = { ...seen, ...(report.action && { action: report.action }), result: report.result };
  if (report.status === "SUCCESS") return endTask(task, "SUCCESS", { ...about, progress: 100 }, ctx);
  const status = report.status === "CANCEL" ? "CANCEL" : "FAILURE";
  return endTask(task, status, { ...about, failure: failureOf(report) }, ctx);
}

function onModalReport(task: Task, from: ReportSignal["from"], seen: Partial<Task>, ctx: Context): Decision {
  // Once our answer was sent, a callback of the open window is old news. In doubt, a look-up after the grace is proof
  // that the answer was not taken; it is sent again as seldom as a submission is.
  if (task.phase === "modal") {
    if (task.status !== "UNCLEAR" || from !== "lookup") return ignoreUnlessUseful(task, "stale", seen, ctx);
    if (task.modals >= ctx.timings.attemptLimit) {
      return endTask(task, "FAILURE", { ...seen, failure: failure("submission_unclear") }, ctx);
    }
  } else if (task.status === "MODAL" || task.status === "IN_PROGRESS") {
    return ignoreUnlessUseful(task, task.status === "MODAL" ? "duplicate" : "stale", seen, ctx);
  }
  return openModal(task, { ...seen, submittedAt: task.submittedAt ?? ctx.now }, ctx);
}

/**
 * How far a task is, for comparing with a report. While our answer to a window is on its way, the window is behind us;
 * while it is in doubt, only a look-up's "submitted" is later than the window, a callback's may be from before it.
 */
function rankOf(task: Task, from: ReportSignal["from"]): number {
  if (task.status === "IN_PROGRESS") return 3;
  if (task.status === "MODAL") return 2;
  if (task.status === "SUBMITTED") return 1;
  if (task.phase === "submit") return 0;
  return task.status === "UNCLEAR" && from === "lookup" ? 0 : 2;
}

function onProgressReport(
  task: Task,
  { report, from, rev }: ReportSignal,
  seen: Partial<Task>,
  ctx: Context,
): Decision {
  // A look-up that was asked before our answer went out is worth no more than a callback.
  const rank = rankOf(task, isOutdated(task, rev) ? "callback" : from);
  const reportRank = report.status === "IN_PROGRESS" ? 3 : 1;
  const progress = Math.max(task.progress, report.progress ?? 0);
  const patch = { ...seen, progress, ...(report.action && { action: report.action }) };
  // A task waiting in MODAL goes on only by its answer: "submitted" beside an open window is an older post (T2).
  if (rank < reportRank)
    return markAcceptedByVendor(task, reportRank === 3 ? "IN_PROGRESS" : "SUBMITTED", from, patch, ctx);
  if (progress > task.progress) return recordChange(task, patch, "no-news", ctx);
  return ignoreUnlessUseful(task, rank === reportRank ? "duplicate" : "stale", seen, ctx);
}

/** The vendor has it. */
function markAcceptedByVendor(
  task: Task,
  status: TaskStatus,
  from: ReportSignal["from"],
  patch: Partial<Task>,
  ctx: Context,
): Decision {
  const began = { leaseUntil: undefined, submittedAt: task.submittedAt ?? ctx.now, busyAnswers: 0 };
  // A look-up has set its own next time; only a callback says that more callbacks can be waited for.
  const quiet = dueAt(task.due, ctx.now + ctx.timings.quietMs[task.pace], ctx.now);
  return changeStatus(task, status, { ...began, ...patch, due: from === "callback" ? quiet : task.due }, ctx);
}

/** Not worth a write, unless it tells the task's id or ends a row of look-ups that found nothing. */
function ignoreUnlessUseful(task: Task, why: DecisionReason, seen: Partial<Task>, ctx: Context): Decision {
  const tells = task.lookupMisses > 0 || (task.vendorTaskId === undefined && seen.vendorTaskId !== undefined);
  return tells ? recordChange(task, seen, why, ctx) : { kind: "ignore", why };
}

/** A word outside the protocol. Whatever it means, the vendor has the task, and it must not be sent again (P3). */
function onUnknownStatus(task: Task, { report, from }: ReportSignal, seen: Partial<Task>, ctx: Context): Decision {
  const word = (report.unknownStatus ?? "").slice(0, 64);
  const noted = { ...seen, unknownStatus: word };
  if (task.phase === "submit" && rankOf(task, from) === 0)
    return markAcceptedByVendor(task, "SUBMITTED", from, noted, ctx);
  if (task.unknownStatus === word) return ignoreUnlessUseful(task, "unknown-status", seen, ctx);
  return recordChange(task, noted, "unknown-status", ctx);
}

/** T1: nothing moves any more. A repeated end is counted; a different one, or another attempt's, is written down. */
function onReportAfterEnd(task: Task, { report, attempt, from }: ReportSignal, ctx: Context): Decision {
  if (!isFinal(report.status)) return { kind: "ignore", why: "stale" };
  // A second paid submission's end: shown with what it is worth, and never in place of the first.
  if (task.endedBy !== undefined && attempt !== task.endedBy) {
    return recordOrphan(task, attempt, report.vendorTaskId, callbackCount(task, from), ctx);
  }
  const counts = from === "callback" && task.duplicates < MAX_COUNTED_DUPLICATES;
  const more = counts ? { duplicates: task.duplicates + 1 } : {};
  // A late success is the one worth knowing: a vendor that then alternates does not push its picture out again.
  const told = task.late?.status === report.status || task.late?.status === "SUCCESS";
  if (report.status !== task.status && !told && (counts || !task.late)) {
    // It was given up, by us or by the vendor, and it is paid: the verdict stands, the picture is kept beside it.
    const picture = report.status === "SUCCESS" ? { result: report.result } : {};
    const late = { status: report.status, at: ctx.now, ...picture };
    return recordChange(task, { ...more, late }, "ended", ctx);
  }
  return counts ? recordChange(task, more, "duplicate", ctx) : { kind: "ignore", why: "duplicate" };
}

/** Loosely, by the words vendors use (docs/protocol.md 6); the vendor's own text is always kept beside the code. */
export function failureOf(report: Report): Failure {
  const description = report.failReason?.slice(0, 500);
  const vendor = description ? { vendor: { description } } : {};
  const text = description ?? "";
  if (report.status === "CANCEL" || /取消|\bcancel/i.test(text)) return failure("vendor_cancelled", vendor);
  if (/敏感词|banned|moderat|sensitive/i.test(text)) return failure("banned_prompt", vendor);
  if (/invalid (?:parameter|link)|unrecognized|参数/i.test(text)) return failure("invalid_prompt", vendor);
  return failure("vendor_failed", vendor);
}
