/**
 * The lines that mjflow logs. Operators search for their names and fields, so each is written down here: its levels and its
 * fields, `?` for one that is not always there. A test whose log has another line, level, field or metric fails.
 */
import type { Log, Metric } from "@mjflow/core/port";

const LINES: Readonly<Record<string, string>> = {
  "account-selection.failed": "warn flow error",
  "account.breaker": "warn provider account before breaker fault openUntil",
  "account.callbacks": "warn|info provider account callbacks before",
  "account.durations-not-saved": "warn account error",
  "account.health-not-saved": "warn provider account error",
  "account.lookups-fail": "warn provider account fault",
  "account.lookups-work": "info provider account before",
  "api.bug": "error requestId stack error",
  "api.slot-not-acquired": "warn error",
  "api.slot-not-released": "warn error",
  "api.stream-failed": "error flow requestId error",
  "app.added": "info app",
  "app.credit-added": "info app micro reference",
  "app.key-added": "info app key",
  "app.key-revoked": "info app key",
  "app.key-use-unnoted": "warn app key error",
  "app.removed": "info app",
  "archive.failed": "warn flow path code",
  "archive.no-such-task": "warn flow path",
  "banned.saved": "info words",
  "banned.unread": "warn error",
  "batch.bug": "error error stack?",
  "batch.messages-not-sent": "error messages error",
  callback: "info flow provider path attempt outcome status",
  "callback.failed": "error error",
  "callback.unreadable": "warn flow provider path bytes",
  "credit.entry-not-removed": "warn app error",
  "credit.given-back": "warn flow app kind",
  "credit.moved": "info app running",
  "dead-letter": "error flow path status",
  "dead-letter.archive": "error flow path",
  "dead-letter.delivery": "error at",
  "dead-letter.dropped": "info letter",
  "dead-letter.kept": "error bytes letter receives why",
  "dead-letter.no-such-task": "warn flow path",
  "dead-letter.redriven": "info letter",
  "dead-letter.task-continues": "error flow path status",
  "deliver.no-such-delivery": "warn delivery",
  "delivery.failed": "warn flow delivery failure listener tries why",
  "delivery.secret-unreadable": "error app endpoint",
  "endpoint.breaker-open": "warn app endpoint faults opens",
  "endpoint.created": "info app endpoint",
  "endpoint.deleted": "info app endpoint",
  "endpoint.disabled": "error app endpoint why",
  "endpoint.health-not-stored": "warn flow listener error",
  "endpoint.recovery": "info app endpoint from replay",
  "endpoint.rotated": "info app endpoint",
  "flow.canceled": "info flow app",
  "flow.created": "info flow app provider action",
  "flow.deleted": "info flow app",
  "flow.ended": "info flow status tasks",
  "flow.message-not-sent": "error flow error",
  "flow.messages-not-sent": "error flow error",
  "flow.not-marked": "error flow path error",
  "flow.not-restarted": "warn flow lost",
  "flow.restarted": "info flow provider as",
  "flow.resumed": "info flow app adopted tasks",
  "folder.created": "info app folder",
  "folder.deleted": "info app folder",
  "health.not-writable": "warn error",
  "idempotency.end-unwritten": "warn app target error",
  "mj-compat.bug": "error requestId stack error",
  "notify.not-found": "warn flow place",
  "queue.message-failed": "warn messageId receives error",
  "queue.message-unreadable": "error messageId receives why",
  "replay.canceled": "info app replay",
  "replay.ended": "info app failed found replay sent skipped status",
  "replay.no-such-replay": "warn app replay",
  "replay.started": "info app endpoint only replay",
  "session.ended": "info app session",
  "session.signed-in": "info app session",
  "session.started": "info app kind session",
  "session.use-unnoted": "warn app session error",
  "share.created": "info app flow share",
  "share.revoked": "info app flow share",
  "slot.not-released": "warn provider account flow? path? error",
  "slot.outdated": "info provider account removed",
  "submit.answer": "info flow path provider attempt phase answer why?",
  "submit.answer-not-saved": "error flow path vendorTaskId error",
  "submit.buttons-unread": "warn flow error",
  "submit.no-such-task": "warn flow path",
  "submit.unreachable": "warn flow path provider attempt phase answer why?",
  "sweep.depth-unknown": "warn error",
  "sweep.item-failed": "error error",
  "sweep.lookup-failed": "warn provider account fault error",
  swept: "info partition? overdue requests failed more",
  "task.late-success-adopted": "info flow path before",
  "task.late-success-kept": "info flow path why",
  "task.message-not-sent": "error flow path error",
  "task.pressed": "info flow path press",
  "task.resubmitted": "info|warn flow path attempt provider account why",
  "task.retried": "info flow path",
  "template.deleted": "info app template",
  "template.saved": "info app template",
  "translation.failed": "warn tried error",
  "translation.unusable": "warn tried",
  "upload.not-reduced": "info code key error",
  "vault.lost": "warn app? endpoint? provider? account? error",
  "vault.resealed": "info looked lost resealed",
  "vendor.account-added": "info provider account",
  "vendor.account-changed": "info provider account",
  "vendor.account-removed": "info provider account",
  "vendor.account-tested": "info provider account code latencyMs status reason",
  "vendor.key-unopened": "error provider account error",
  "vendor.unread": "warn error",
  "wait-list.not-handed-over": "warn provider account error",
  "wait-list.not-measured": "warn error",
  "wait-list.not-read": "warn provider? account? flow? error",
  "wait-list.not-woken": "warn provider account error",
  "wait-list.opened": "info provider account",
  "wait-list.task-failed": "warn provider account flow path error",
};

const METRICS: ReadonlySet<string> = new Set<Metric>([
  "Callbacks",
  "CallbacksDropped",
  "CallbacksRefused",
  "Duplicates",
  "Early",
  "Late",
  "UnknownStatus",
  "Submissions",
  "Busy",
  "Unclear",
  "Unreachable",
  "Resubmitted",
  "ResubmittedUnproven",
  "Refused",
  "FollowUps",
  "Sweeps",
  "OldestWaitPercent",
  "OldestWaitS",
  "Overdue",
  "Lookups",
  "LookupFailures",
  "LookupsRefused",
  "FlowsEnded",
  "TranslationsFailed",
  "Told",
  "Reposted",
  "ClosedBySweeper",
  "Deliveries",
  "DeliveryFailures",
  "DeliveriesGivenUp",
  "DeliveriesPostponed",
  "EventsParked",
  "BreakersOpened",
  "EndpointsDisabled",
  "SecretsUnreadable",
  "Archived",
  "ArchiveFailures",
  "CreditRefused",
  "CreditOverloaded",
  "CreditRecognized",
  "CreditGivenBack",
  "WaitListsChecked",
  "DeadLetters",
  "StreamsRefused",
]);

/** A log that refuses every line and metric that is not written down here. */
export function checkedLog(log: Log): Log {
  const check =
    (level: "info" | "warn" | "error") =>
    (event: string, fields: Record<string, unknown> = {}) => {
      const wrong = wrongLine(level, event, fields);
      if (wrong) throw new Error(wrong);
      log[level](event, fields);
    };
  return {
    info: check("info"),
    warn: check("warn"),
    error: check("error"),
    count: (metric, by) => {
      if (!METRICS.has(metric)) throw new Error(`No metric has the name "${metric}".`);
      log.count(metric, by);
    },
  };
}

/** Says what is wrong with a line, or nothing. */
export function wrongLine(level: string, event: string, fields: Readonly<Record<string, unknown>>): string | undefined {
  const [levels, ...names] = (Object.hasOwn(LINES, event) ? LINES[event]! : "").split(" ");
  if (!levels) return `No line of the log has the name "${event}".`;
  if (!levels.split("|").includes(level)) return `${event} has the level ${levels}, not ${level}.`;
  const given = Object.keys(fields);
  const missing = names.filter((name) => !name.endsWith("?") && !given.includes(name));
  const unknown = given.filter((name) => !names.includes(name) && !names.includes(`${name}?`));
  if (missing.length + unknown.length === 0) return undefined;
  return `${event} has the fields ${names.join(" ")}; missing: ${missing.join(" ")}; unknown: ${unknown.join(" ")}.`;
}
