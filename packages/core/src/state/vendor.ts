/** Vendor reports: compares the report of a callback or look-up with the stored task (T1, T2). */
import { type Failure, failure } from "../error.ts";
import {
  accountOfAttempt,
  adoptAttemptLocation,
  isSameAccount,
  lastUsedAttempt,
  restoreLocation,
  restoresAttempt,
  wasRejected,
} from "../relocation.ts";
import { failureCodeOf, isFinal, modalResult, type Report, type Result, withoutQuotes } from "../report.ts";
import { isEnded, type LateReport, type Task, type TaskStatus } from "../task.ts";
import { dueAt } from "../timing.ts";
import type { Context, Decision, DecisionReason, Signal } from "./signal.ts";
import {
  addPendingEffects,
  changeStatus,
  endTask,
  ignoreNotWaiting,
  isOutdated,
  openModal,
  recordChange,
  recordOrphan,
} from "./transitions.ts";

/** Duplicates above this number are not stored. A vendor that repeats a callback in a loop must not cost us writes. */
const MAX_COUNTED_DUPLICATES = 99;

type ReportSignal = Extract<Signal, { kind: "report" }>;

export function onReport(task: Task, signal: ReportSignal, ctx: Context): Decision {
  const { report, attempt, from } = signal;
  // A number above the current one is valid if an account answered busy, which released that number, but accepted the
  // task nevertheless. Still higher numbers were never used.
  if (attempt > lastUsedAttempt(task)) return { kind: "ignore", why: "unknown-attempt" };
  // Every attempt number belongs to one account, so a report from a different account is ignored.
  if (signal.at && !isSameAccount(accountOfAttempt(task, attempt), signal.at))
    return { kind: "ignore", why: "unknown-attempt" };
  if (isEnded(task)) return onReportAfterEnd(task, signal, ctx);
  // The vendor clearly rejected this attempt before the root moved. A report of its failure tells us nothing new.
  const failed = report.status === "FAILURE" || report.status === "CANCEL";
  if (failed && wasRejected(task, attempt)) return { kind: "ignore", why: "superseded" };
  const restored = !failed && restoresAttempt(task, attempt);
  // This report makes an earlier attempt the current one again in two cases. The vendor answered busy, which released
  // the number, but accepted the task nevertheless. Or the root has moved, and this attempt was accepted after all
  // (R2).
  const acceptedAfterAll = restored || (task.status === "PENDING" && attempt === task.attempt + 1);
  const other = !acceptedAfterAll && (attempt !== task.attempt || wasRejected(task, attempt));
  // A success of another attempt counts like a success of the latest: its image is paid. The latest becomes the orphan.
  if (other && report.status !== "SUCCESS") {
    return recordOrphan(task, attempt, report.vendorTaskId, callbackCount(task, from), ctx);
  }
  const seen = {
    ...(other
      ? adoptOtherAttempt(task, { vendorTaskId: report.vendorTaskId, attempt }, ctx)
      : { ...vendorIdFrom(task, signal), ...restoreLocation(task, attempt) }),
    ...callbackCount(task, from),
    attempt: restored ? attempt : Math.max(attempt, task.attempt),
    lookupMisses: 0,
  };
  if (report.status === undefined) return onUnknownStatus(task, signal, seen, ctx);
  if (isFinal(report.status)) return onFinalReport(task, report, { ...seen, endedBy: attempt }, ctx);
  // A look-up from before our modal answer was sent does not show whether the vendor accepted the answer.
  if (report.status === "MODAL" && isOutdated(task, signal.rev)) return { kind: "ignore", why: "superseded" };
  if (report.status === "MODAL")
    return onModalReport(task, from, { ...seen, ...modalResult(report.result.finalPrompt) }, ctx);
  return onProgressReport(task, signal, seen, ctx);
}

function callbackCount(task: Task, from: ReportSignal["from"]): Partial<Task> {
  return from === "callback" ? { callbacks: task.callbacks + 1 } : {};
}

/**
 * Returns the vendor's task id from a report of the current attempt. It never replaces an id from the submit response.
 */
function vendorIdFrom(task: Task, { report }: ReportSignal): Partial<Task> {
  if (report.vendorTaskId === undefined || task.vendorTaskIdFrom === "answer") return {};
  return { vendorTaskId: report.vendorTaskId, vendorTaskIdFrom: "report" };
}

/**
 * Makes another attempt, which succeeded, the result of this task. The buttons of its result work only with the vendor
 * task id of that attempt, never with the id of the latest attempt.
 */
function adoptOtherAttempt(
  task: Task,
  { vendorTaskId: named, attempt }: { vendorTaskId: string | undefined; attempt: number },
  ctx: Context,
): Partial<Task> {
  const own = task.orphans?.find((o) => o.attempt === attempt)?.vendorTaskId;
  const vendorTaskId = named ?? own;
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

/** True if the vendor is known to have accepted the latest attempt. Then it is paid and becomes an orphan. */
function isKnownAccepted(task: Task): boolean {
  return task.phase === "modal" || task.vendorTaskId !== undefined || rankOf(task, "lookup") > 0;
}

function onFinalReport(task: Task, report: Report, seen: Partial<Task>, ctx: Context): Decision {
  const patch = { ...seen, ...(report.action && { action: report.action }), result: report.result };
  if (report.status === "SUCCESS") return endTask(task, "SUCCESS", { ...patch, progress: 100 }, ctx);
  const status = report.status === "CANCEL" ? "CANCEL" : "FAILURE";
  return endTask(task, status, { ...patch, failure: failureOf(report) }, ctx);
}

function onModalReport(task: Task, from: ReportSignal["from"], seen: Partial<Task>, ctx: Context): Decision {
  // After our modal answer was sent, a callback about the open modal is outdated. If the answer is unclear, a look-up
  // after the grace period that still shows the modal proves that the vendor did not accept the answer. The answer is
  // then sent again, at most `attemptLimit` times in total, like a submission.
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
 * Returns how far a task is, for the comparison with a report. While our modal answer is being sent, a task counts as
 * past SUBMITTED. While the answer is unclear, only a look-up with SUBMITTED is later than the modal. A callback with
 * SUBMITTED may be from before the modal.
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
  // A look-up from before our modal answer was sent proves no more than a callback.
  const rank = rankOf(task, isOutdated(task, rev) ? "callback" : from);
  const reportRank = report.status === "IN_PROGRESS" ? 3 : 1;
  const progress = Math.max(task.progress, report.progress ?? 0);
  const isFull = from === "lookup" && report.status === "IN_PROGRESS" && report.progress === 100;
  if (isFull && isStalled(task, ctx)) return onStalled(task, report, seen, ctx);
  const full = isFull && task.fullProgressAt === undefined ? { fullProgressAt: ctx.now } : {};
  // The preview is stored only with a change of the progress. So it costs no write, and a late report shows no older picture.
  const isNews = rank < reportRank || progress > task.progress;
  const preview = isNews && report.previewUrl !== undefined ? { previewUrl: report.previewUrl } : {};
  const patch = { ...seen, ...full, ...preview, progress, ...(report.action && { action: report.action }) };
  // A task in MODAL leaves it only with an answer, with progress or with an end. A SUBMITTED report is older than the
  // modal and is ignored (T2).
  if (rank < reportRank)
    return markAcceptedByVendor(task, reportRank === 3 ? "IN_PROGRESS" : "SUBMITTED", from, patch, ctx);
  if (progress > task.progress || "fullProgressAt" in full) return recordChange(task, patch, "no-news", ctx);
  return ignoreUnlessUseful(task, rank === reportRank ? "duplicate" : "stale", seen, ctx);
}

/**
 * True if look-ups have shown the task in progress at 100 % for `stalledMs`. A relay such as new-api no longer updates a
 * row at 100 %, so the row would never show the end (docs/vendors.md).
 */
function isStalled({ fullProgressAt }: Task, { now, timings }: Context): boolean {
  return fullProgressAt !== undefined && now - fullProgressAt >= timings.stalledMs;
}

/** Ends a stalled task with its own failure code. A picture that the row shows is stored as late report. */
function onStalled(task: Task, { result }: Report, seen: Partial<Task>, ctx: Context): Decision {
  const late = hasMedia(result) ? { late: { status: "IN_PROGRESS", at: ctx.now, result } } : {};
  return endTask(task, "EXPIRED", { ...seen, ...late, failure: failure("vendor_stalled") }, ctx);
}

/** The vendor has accepted the task. */
function markAcceptedByVendor(
  task: Task,
  status: TaskStatus,
  from: ReportSignal["from"],
  patch: Partial<Task>,
  ctx: Context,
): Decision {
  const accepted = { leaseUntil: undefined, submittedAt: task.submittedAt ?? ctx.now, busyAnswers: 0 };
  // Before a look-up the sweeper has already set the next due time. Only a callback shows that further callbacks can be
  // expected, so only a callback postpones the next look-up.
  const quiet = dueAt(task.due, ctx.now + ctx.timings.quietMs[task.pace], ctx.now);
  return changeStatus(task, status, { ...accepted, ...patch, due: from === "callback" ? quiet : task.due }, ctx);
}

/**
 * Ignores a report that is not worth a write. Exceptions: it is the first with the vendor's task id or with the prompt of
 * an open modal, or it ends a series of look-up misses.
 */
function ignoreUnlessUseful(task: Task, why: DecisionReason, seen: Partial<Task>, ctx: Context): Decision {
  const isFirstFinalPrompt = task.status === "MODAL" && task.result === undefined && seen.result !== undefined;
  const isFirstId = task.vendorTaskId === undefined && seen.vendorTaskId !== undefined;
  const isUseful = task.lookupMisses > 0 || isFirstId || isFirstFinalPrompt;
  return isUseful ? recordChange(task, seen, why, ctx) : { kind: "ignore", why };
}

/**
 * Handles a status word outside the protocol. Whatever the word means, the vendor has the task, so the task must not be
 * sent again (P3).
 */
function onUnknownStatus(task: Task, { report, from }: ReportSignal, seen: Partial<Task>, ctx: Context): Decision {
  const word = (report.unknownStatus ?? "").slice(0, 64);
  const patch = { ...seen, unknownStatus: word };
  if (task.phase === "submit" && rankOf(task, from) === 0)
    return markAcceptedByVendor(task, "SUBMITTED", from, patch, ctx);
  if (task.unknownStatus === word) return ignoreUnlessUseful(task, "unknown-status", seen, ctx);
  return recordChange(task, patch, "unknown-status", ctx);
}

/**
 * T1: a report alone does not change the status any more. A repeated end is counted, a different end is stored as late
 * report, and the end of another attempt as orphan. A success with a result after an end without one is paid, so it
 * is stored with its result. The effect `adopt` decides whether the task becomes SUCCESS (docs/decisions/0020).
 */
function onReportAfterEnd(task: Task, { report, attempt, from }: ReportSignal, ctx: Context): Decision {
  if (!isFinal(report.status)) return { kind: "ignore", why: "stale" };
  const isLateSuccess = report.status === "SUCCESS" && task.status !== "SUCCESS";
  // The end of a second paid submission. It is listed as an orphan, because it is paid, and never replaces the first
  // success.
  if (!isLateSuccess && task.endedBy !== undefined && attempt !== task.endedBy) {
    return recordOrphan(task, attempt, report.vendorTaskId, callbackCount(task, from), ctx);
  }
  const counts = from === "callback" && task.duplicates < MAX_COUNTED_DUPLICATES;
  const more = counts ? { duplicates: task.duplicates + 1 } : {};
  if (isLateSuccess) return onLateSuccess(task, { report, attempt }, { counts, more }, ctx);
  if (report.status === "SUCCESS") {
    const completed = completeResult(task.result, report.result);
    if (completed) return onCompletedResult(task, completed, { ...more, ...lookupCount(task, from) }, ctx);
  }
  const isStored = task.late?.status === report.status || task.late?.status === "SUCCESS";
  if (report.status !== task.status && !isStored && (counts || !task.late)) {
    return recordChange(task, { ...more, late: { status: report.status, at: ctx.now } }, "ended", ctx);
  }
  return counts ? recordChange(task, more, "duplicate", ctx) : { kind: "ignore", why: "duplicate" };
}

function lookupCount(task: Task, from: ReportSignal["from"]): Partial<Task> {
  return from === "lookup" ? { lookups: task.lookups + 1 } : {};
}

/** True if the result contains an image or a video. */
export function hasMedia({ imageUrl, images, videos }: Result): boolean {
  return imageUrl !== undefined || (images?.length ?? 0) > 0 || (videos?.length ?? 0) > 0;
}

/** Actions whose result is a text. */
const TEXT_ACTIONS: ReadonlySet<string> = new Set(["DESCRIBE", "SHORTEN"]);

/** True if the task ended without success and a late success with a result is stored, so that it can be adopted. */
export function hasAdoptableResult(task: Task): boolean {
  const { late, status, action, retried } = task;
  if (!isEnded(task) || status === "SUCCESS" || retried || late?.status !== "SUCCESS" || !late.result) return false;
  return hasMedia(late.result) || TEXT_ACTIONS.has(action);
}

/**
 * Stores a success that is reported after an end without success. The first one with a result stays: later reports must
 * not replace it, for example those of a vendor whose reports alternate.
 */
function onLateSuccess(
  task: Task,
  { report, attempt }: Pick<ReportSignal, "report" | "attempt">,
  { counts, more }: { counts: boolean; more: Partial<Task> },
  ctx: Context,
): Decision {
  const isImproved = task.late?.status === "SUCCESS" && !hasAdoptableResult(task) && hasMedia(report.result);
  if (task.late?.status === "SUCCESS" && !isImproved) {
    return counts ? recordChange(task, more, "duplicate", ctx) : { kind: "ignore", why: "duplicate" };
  }
  if (!counts && task.late && !isImproved && task.late.status !== "IN_PROGRESS") {
    return { kind: "ignore", why: "duplicate" };
  }
  const id = report.vendorTaskId === undefined ? {} : { vendorTaskId: report.vendorTaskId };
  const late: LateReport = { status: "SUCCESS", at: ctx.now, result: report.result, attempt, ...id };
  const stored = { ...task, late };
  // The app canceled the flow, so nothing of it goes on by itself.
  const adopts = hasAdoptableResult(stored) && task.failure?.code !== "canceled";
  if (!adopts) return recordChange(task, { ...more, late }, "ended", ctx);
  return recordChange(task, { ...more, late, ...addPendingEffects(task, ["adopt"], ctx) }, "ended", ctx, [
    { kind: "adopt" },
  ]);
}

/**
 * Makes the stored late success the end of the task. The end before it is then the late report, so the app sees both. The
 * effect `adopt` stays pending until the flow is reopened.
 */
export function onAdopt(task: Task, ctx: Context): Decision {
  const { late } = task;
  if (!hasAdoptableResult(task) || !late?.result) return ignoreNotWaiting(task);
  const attempt = late.attempt ?? task.endedBy ?? task.attempt;
  const named =
    late.vendorTaskId === undefined || task.vendorTaskIdFrom === "answer"
      ? {}
      : { vendorTaskId: late.vendorTaskId, vendorTaskIdFrom: "report" as const };
  const source =
    attempt === task.attempt ? named : adoptOtherAttempt(task, { vendorTaskId: late.vendorTaskId, attempt }, ctx);
  const patch: Partial<Task> = {
    ...source,
    attempt: Math.max(attempt, task.attempt),
    endedBy: attempt,
    result: late.result,
    progress: 100,
    failure: undefined,
    late: { status: task.status, at: task.endedAt ?? ctx.now },
    // The due time of the flow may no longer cover follow-ups, so they get their own entries in the due index.
    flowDue: undefined,
  };
  const ended = endTask(task, "SUCCESS", patch, ctx);
  if (ended.kind !== "move") return ended;
  return { ...ended, next: { ...ended.next, ...addPendingEffects(ended.next, ["adopt"], ctx) } };
}

/**
 * Returns the stored result with the media and buttons that only the newer report has; undefined if it has no more.
 * Nothing that is stored is replaced.
 */
function completeResult(stored: Result = {}, newer: Result): Result | undefined {
  const hasNewMedia = !hasMedia(stored) && hasMedia(newer);
  const hasNewButtons = !stored.buttons?.length && (newer.buttons?.length ?? 0) > 0;
  const knowsButtons = stored.buttons === undefined && newer.buttons !== undefined;
  if (!hasNewMedia && !hasNewButtons && !knowsButtons) return undefined;
  const defined = Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== undefined));
  return { ...newer, ...defined, ...(hasNewButtons && { buttons: newer.buttons }) };
}

/**
 * The vendor reported the success first and the image or the buttons later. A result that gets its image is another
 * event for the app, and the image is archived if the app wants that. Buttons alone are no event: with one, the image
 * after them would be sent under the same event id with another time.
 */
function onCompletedResult(task: Task, result: Result, more: Partial<Task>, ctx: Context): Decision {
  const isFirstMedia = hasMedia(result) && !hasMedia(task.result ?? {});
  if (!isFirstMedia) return recordChange(task, { ...more, result }, "ended", ctx);
  const archives = task.archive === true && !task.copies?.length;
  const added = addPendingEffects(task, archives ? ["archive", "tell"] : ["tell"], ctx);
  const patch = { ...more, result, ...added, resultUpdatedAt: ctx.now };
  return recordChange(task, patch, "ended", ctx, archives ? [{ kind: "archive" }] : []);
}

/**
 * Derives the failure code from words that vendors use (docs/protocol.md 6). The match is approximate, so the vendor's
 * own text is always stored with the code.
 */
export function failureOf(report: Report): Failure {
  const description = report.failReason?.slice(0, 500);
  const vendor = description ? { vendor: { description } } : {};
  // The words of the user in a quoted prompt decide nothing.
  const { prompt, promptEn, finalPrompt } = report.result;
  const said = failureCodeOf(withoutQuotes(description ?? "", [finalPrompt, promptEn, prompt]));
  const code = report.failureCode ?? said;
  if (report.status === "CANCEL") return failure("vendor_cancelled", vendor);
  if (code !== undefined) return failure(code, vendor);
  return failure("vendor_failed", vendor);
}
