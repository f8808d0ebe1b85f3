/** CloudWatch alarms. docs/operations.md explains for each alarm what it means and what to do. */
import { QUEUE } from "../packages/core/src/limit.ts";
import type { Metric } from "../packages/core/src/port.ts";
import { api } from "./api.ts";
import { archive } from "./archive.ts";
import { callback } from "./callback.ts";
import { deadletter } from "./deadletter.ts";
import { deliver } from "./deliver.ts";
import { appMetric, functionMetric, type MetricRef, queueMetric, tableMetric } from "./metric.ts";
import { archiveQueue, deadLetters, deliverQueue, submitQueue } from "./queue.ts";
import { reduce } from "./reduce.ts";
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";
import { stream } from "./stream.ts";
import { submit } from "./submit.ts";
import { sweep } from "./sweep.ts";
import { table } from "./table.ts";

type Alarm = Omit<aws.cloudwatch.MetricAlarmArgs, "name" | "alarmActions" | "okActions">;
type Named = MetricRef<$util.Input<string>>;

const MINUTE_S = 60;

const topic = new aws.sns.Topic("AlarmTopic", { name: `${stage.prefix}-alarms` });

if (setting.alarmEmail) {
  new aws.sns.TopicSubscription("AlarmEmail", { topic: topic.arn, protocol: "email", endpoint: setting.alarmEmail });
}

/** ARNs of all alarms, for the dashboard. */
export const alarms: $util.Output<string>[] = [];

function alarm(name: string, args: Alarm) {
  const actions = { alarmActions: [topic.arn], okActions: [topic.arn] };
  alarms.push(new aws.cloudwatch.MetricAlarm(name, { name: `${stage.prefix}-${name}`, ...actions, ...args }).arn);
}

interface Above {
  threshold?: number;
  /** Length of the period that one value of the statistic covers, minutes. */
  minutes?: number;
  statistic?: string;
  /** Number of breaching periods, and the number of consecutive periods they are counted in. */
  of?: [number, number];
}

/** Missing data means that nothing happened: Lambda, SQS and our own counters send no values while they are idle. */
const NO_DATA_IS_OK = { treatMissingData: "notBreaching", comparisonOperator: "GreaterThanThreshold" };

function alarmAbove(name: string, alarmDescription: string, measure: Named, options: Above = {}) {
  const {
    threshold = 0,
    minutes = 1,
    statistic = "Sum",
    of: [datapointsToAlarm, evaluationPeriods] = [1, 1],
  } = options;
  const window = { period: minutes * MINUTE_S, evaluationPeriods, datapointsToAlarm };
  alarm(name, { alarmDescription, ...measure, statistic, threshold, ...window, ...NO_DATA_IS_OK });
}

interface Expression {
  /** CloudWatch metric math over the ids of `measures`. */
  expression: string;
  measures: Record<string, { measure: Named; statistic: string }>;
  threshold: number;
  minutes: number;
  /** Number of consecutive breaching periods; unset: one. */
  periods?: number;
}

function alarmOnExpression(
  name: string,
  alarmDescription: string,
  { expression, measures, threshold, minutes, periods = 1 }: Expression,
) {
  alarm(name, {
    alarmDescription,
    metricQueries: [
      { id: "result", label: name, expression, returnData: true },
      ...Object.entries(measures).map(([id, { measure, statistic }]) => ({
        id,
        metric: { ...measure, stat: statistic, period: minutes * MINUTE_S },
      })),
    ],
    threshold,
    evaluationPeriods: periods,
    ...NO_DATA_IS_OK,
  });
}

interface Share {
  percent: number;
  /** Smallest count of the part that can raise the alarm; a share of very few events means nothing. */
  atLeast: number;
  minutes: number;
}

function alarmOnShare(
  name: string,
  alarmDescription: string,
  part: Named,
  whole: Named,
  { percent, atLeast, minutes }: Share,
) {
  alarmOnExpression(name, alarmDescription, {
    expression: `IF(FILL(part, 0) >= ${atLeast}, 100 * part / whole, 0)`,
    measures: { part: { measure: part, statistic: "Sum" }, whole: { measure: whole, statistic: "Sum" } },
    threshold: percent,
    minutes,
  });
}

function ownMetric(fn: string, metric: Metric): MetricRef {
  return appMetric(stage.name, fn, metric);
}

// ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────

// The dead-letter queue needs two alarms. Its consumer empties the queue within seconds, between two measurements of
// SQS, so only the invocations of the consumer show that messages arrived. If the consumer itself fails, only the queue
// shows it.
alarmAbove(
  "DeadLettersReceived",
  "A message failed at every attempt. The log of the Deadletter function names its task or delivery.",
  functionMetric(deadletter.name, "Invocations"),
);
alarmAbove(
  "DeadLettersNotProcessed",
  "Dead-letter messages could not be handled, so their flows do not end. See the errors of the Deadletter function.",
  queueMetric(deadLetters.nodes.queue.name, "ApproximateNumberOfMessagesVisible"),
  { statistic: "Maximum" },
);

alarmOnExpression(
  "RecursionStopped",
  "Lambda stopped a function in a chain of its own messages that is longer than mjflow allows. Its tasks continue late.",
  {
    expression: "FILL(submit, 0) + FILL(deliver, 0) + FILL(archive, 0)",
    measures: Object.fromEntries(
      Object.entries({ submit, deliver, archive }).map(([id, fn]) => [
        id,
        { measure: functionMetric(fn.name, "RecursiveInvocationsDropped"), statistic: "Sum" },
      ]),
    ),
    threshold: 0,
    minutes: 5,
  },
);

/** Age above which a message waits for a worker and not for its own delay, provided that all workers are busy. */
const LATE_S = 60;

for (const [name, queue, fn, workers, { maxDelayS, visibilityTimeoutS }, why] of [
  ["Submit", submitQueue, submit, stage.submitConcurrency, QUEUE.submit, "or vendors do not respond"],
  ["Deliver", deliverQueue, deliver, stage.deliverConcurrency, QUEUE.deliver, "or receivers do not respond"],
  ["Archive", archiveQueue, archive, stage.archiveConcurrency, QUEUE.archive, "or images download slowly"],
] as const) {
  const age = queueMetric(queue.nodes.queue.name, "ApproximateAgeOfOldestMessage");
  alarmOnExpression(
    `${name}PoolFull`,
    `All workers are busy and messages wait longer than ${LATE_S} s: too few workers, ${why}.`,
    {
      // Lambda measures at moments, so a pool that is always full is not always measured as full.
      expression: `IF(FILL(busy, 0) >= ${Math.ceil(0.9 * workers)}, age, 0)`,
      measures: {
        busy: { measure: functionMetric(fn.name, "ConcurrentExecutions"), statistic: "Maximum" },
        age: { measure: age, statistic: "Maximum" },
      },
      threshold: LATE_S,
      minutes: 1,
      periods: 3,
    },
  );
  alarmAbove(
    `${name}QueueLate`,
    "Messages wait longer than the longest delay plus two processing attempts: the queue is not consumed.",
    age,
    { statistic: "Maximum", minutes: 5, threshold: maxDelayS + 2 * visibilityTimeoutS },
  );
}

// ── callbacks and requests ─────────────────────────────────────────────────────────────────────────────────────────

alarmAbove(
  "CallbackThrottled",
  "Callbacks were throttled. Most vendors send a callback only once; the sweeper looks these tasks up.",
  functionMetric(callback.name, "Throttles"),
);
alarmAbove(
  "CallbackFailing",
  "Callbacks got a 5xx response in three of five minutes: their reports could not be stored.",
  functionMetric(callback.name, "Url5xxCount"),
  { of: [3, 5] },
);
alarmAbove(
  "CallbacksRefused",
  "Callbacks had invalid tokens: a caller guesses tokens, or a callback token key was removed too early.",
  ownMetric("callback", "CallbacksRefused"),
  { minutes: 5, threshold: 20 },
);
alarmOnShare(
  "ApiFailing",
  "More than 5 % of the API requests got a 5xx response.",
  functionMetric(api.name, "Url5xxCount"),
  functionMetric(api.name, "UrlRequestCount"),
  { percent: 5, atLeast: 5, minutes: 5 },
);

// ── vendors ────────────────────────────────────────────────────────────────────────────────────────────────────────

alarm("SweepNotRunning", {
  alarmDescription: "The sweeper has not run for ten minutes: tasks whose callbacks are missing are not looked up.",
  ...functionMetric(sweep.name, "Invocations"),
  statistic: "Sum",
  // For this alarm missing data is the fault. Two periods must be missing, because a new stage has no data in the first one.
  treatMissingData: "breaching",
  evaluationPeriods: 2,
  datapointsToAlarm: 2,
  comparisonOperator: "LessThanThreshold",
  threshold: 1,
  period: 5 * MINUTE_S,
});
/** Rows that one sweep worker handles in a minute: 40 s at about 20 rows a second. */
const SWEPT_PER_WORKER = 800;

alarmAbove(
  "OverdueRising",
  "More rows are overdue than half of what the sweep workers handle: callbacks are lost, or a vendor sends none.",
  ownMetric("sweep", "Overdue"),
  { threshold: (stage.sweepConcurrency * SWEPT_PER_WORKER) / 2, of: [12, 15] },
);
alarmAbove(
  "WaitingLong",
  "A task has waited for its vendor account for more than half of its waiting time. At the end of this time it expires.",
  ownMetric("sweep", "OldestWaitPercent"),
  { statistic: "Maximum", threshold: 50, of: [3, 5] },
);
alarmAbove("LookupsFailing", "Look-ups of tasks at a vendor failed.", ownMetric("sweep", "LookupFailures"), {
  minutes: 15,
  threshold: 5,
});
alarmAbove(
  "LookupsRefused",
  "A vendor refuses the key of look-ups: finished tasks of the account stay unknown until the key is changed.",
  ownMetric("sweep", "LookupsRefused"),
  { minutes: 15, threshold: 1 },
);
alarmAbove(
  "VendorUnreachable",
  "Submissions could not reach a vendor: its address, certificate or name is wrong, or the vendor is down.",
  ownMetric("submit", "Unreachable"),
  { minutes: 5, threshold: 5 },
);
alarmOnShare(
  "UnclearRising",
  "More than 5 % of the submissions got no clear response. After the grace period each may be sent and paid again.",
  ownMetric("submit", "Unclear"),
  ownMetric("submit", "Submissions"),
  { percent: 5, atLeast: 5, minutes: 15 },
);
alarmOnShare(
  "RefusedRising",
  "Vendors rejected more than half of all submissions: an API key is invalid, or a vendor account has no money.",
  ownMetric("submit", "Refused"),
  ownMetric("submit", "Submissions"),
  { percent: 50, atLeast: 10, minutes: 15 },
);

// ── apps and images ────────────────────────────────────────────────────────────────────────────────────────────────

alarmAbove(
  "SecretsUnreadable",
  "Webhooks cannot be signed: no vault key decrypts the secrets of their endpoints. A vault key was removed too early.",
  ownMetric("deliver", "SecretsUnreadable"),
  { minutes: 5 },
);
alarmAbove(
  "DeliveriesGivenUp",
  "Deliveries of events failed permanently. They are not attempted again, but they can be replayed.",
  ownMetric("deliver", "DeliveriesGivenUp"),
  { minutes: 15, threshold: 10 },
);
alarmAbove(
  "StreamsRefused",
  "Event streams or long polls were refused, because an app or the deployment has as many open as it may have.",
  ownMetric("stream", "StreamsRefused"),
  { minutes: 15, threshold: 100 },
);
alarmAbove(
  "EndpointsDisabled",
  "A webhook endpoint of an app was disabled: its deliveries failed for days, or it responded with 410.",
  ownMetric("deliver", "EndpointsDisabled"),
  {
    minutes: 5,
  },
);
alarmAbove(
  "ArchiveFailing",
  "Images could not be archived and are not attempted again. Only the vendor has them, until the vendor deletes them.",
  ownMetric("archive", "ArchiveFailures"),
  { minutes: 15, threshold: 10 },
);

alarmAbove(
  "CreditRepaired",
  "Credit was held for flows that were never written, and was given back: requests crash, or the table answers late.",
  ownMetric("sweep", "CreditGivenBack"),
  { minutes: 15, threshold: 10 },
);
alarmAbove(
  "CreditOverloaded",
  "Flows of an app with limits were refused: too many changes of its credit counter are not confirmed.",
  ownMetric("api", "CreditOverloaded"),
  { minutes: 5 },
);

// ── money and faults ───────────────────────────────────────────────────────────────────────────────────────────────

alarmAbove(
  "WriteRateHigh",
  "The table had more writes than planned for 15 minutes: a loop, a flood of requests, or a stage that has grown.",
  tableMetric(table.name, "ConsumedWriteCapacityUnits"),
  { minutes: 5, threshold: 5 * MINUTE_S * stage.alarmWriteUnits, of: [3, 3] },
);

for (const [name, fn] of Object.entries({
  Api: api,
  Stream: stream,
  Callback: callback,
  Submit: submit,
  Deliver: deliver,
  Archive: archive,
  Sweep: sweep,
  Deadletter: deadletter,
  Reduce: reduce,
})) {
  alarmAbove(
    `${name}Errors`,
    `The ${name} function failed or timed out in three of five minutes.`,
    functionMetric(fn.name, "Errors"),
    { of: [3, 5] },
  );
}
