/** What someone has to be told of. docs/operations.md says what each alarm means, and what to do. */
import { QUEUE } from "../packages/core/src/limit.ts";
import type { Metric } from "../packages/core/src/port.ts";
import { api } from "./api.ts";
import { archive } from "./archive.ts";
import { callback } from "./callback.ts";
import { deadletter } from "./deadletter.ts";
import { deliver } from "./deliver.ts";
import { appMetric, functionMetric, type MetricRef, queueMetric, tableMetric } from "./metric.ts";
import { archiveQueue, deadLetters, deliverQueue, submitQueue } from "./queue.ts";
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";
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

/** For the dashboard. */
export const alarms: $util.Output<string>[] = [];

function alarm(name: string, args: Alarm) {
  const actions = { alarmActions: [topic.arn], okActions: [topic.arn] };
  alarms.push(new aws.cloudwatch.MetricAlarm(name, { name: `${stage.prefix}-${name}`, ...actions, ...args }).arn);
}

interface Above {
  threshold?: number;
  /** Of the sums, or other statistics, that are compared. */
  minutes?: number;
  statistic?: string;
  /** So many of so many in a row. */
  of?: [number, number];
}

/** No data means that nothing happened: Lambda, SQS and our own counters keep silent about what is idle. */
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

interface Share {
  percent: number;
  /** Of the part: a few of a few say nothing. */
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
  const query = (id: string, measure: Named) => ({
    id,
    metric: { ...measure, stat: "Sum", period: minutes * MINUTE_S },
  });
  alarm(name, {
    alarmDescription,
    metricQueries: [
      {
        id: "share",
        label: `${name}, percent`,
        expression: `IF(FILL(part, 0) >= ${atLeast}, 100 * part / whole, 0)`,
        returnData: true,
      },
      query("part", part),
      query("whole", whole),
    ],
    threshold: percent,
    evaluationPeriods: 1,
    ...NO_DATA_IS_OK,
  });
}

function ownMetric(fn: string, metric: Metric): MetricRef {
  return appMetric(stage.name, fn, metric);
}

// ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────

// Two for the dead letters: their consumer empties the queue within seconds, between two of SQS's measurements, so that
// only its invocations tell of them; and when it fails itself, only the queue does.
alarmAbove(
  "DeadLettersBuried",
  "A message failed each time and was given up. The Deadletter function's log names its task or delivery.",
  functionMetric(deadletter.name, "Invocations"),
);
alarmAbove(
  "DeadLettersLeft",
  "Dead letters that could not be buried: their flows hang. See the Deadletter function's errors.",
  queueMetric(deadLetters.nodes.queue.name, "ApproximateNumberOfMessagesVisible"),
  { statistic: "Maximum" },
);

for (const [name, queue, { maxDelayS, visibilityTimeoutS }, why] of [
  ["SubmitQueueLate", submitQueue, QUEUE.submit, "too few workers, or vendors hang"],
  ["DeliverQueueLate", deliverQueue, QUEUE.deliver, "too few workers, or receivers hang"],
  ["ArchiveQueueLate", archiveQueue, QUEUE.archive, "too few workers, or pictures come slowly"],
] as const) {
  alarmAbove(
    name,
    `Messages wait longer than the longest delay and two tries take: ${why}.`,
    queueMetric(queue.nodes.queue.name, "ApproximateAgeOfOldestMessage"),
    { statistic: "Maximum", minutes: 5, threshold: maxDelayS + 2 * visibilityTimeoutS },
  );
}

// ── callbacks and requests ─────────────────────────────────────────────────────────────────────────────────────────

alarmAbove(
  "CallbackThrottled",
  "Callbacks were refused for want of concurrency. Most vendors call once; the sweeper asks for these.",
  functionMetric(callback.name, "Throttles"),
);
alarmAbove(
  "CallbackFailing",
  "Callbacks were answered 5xx, for three minutes of five: what they said could not be stored.",
  functionMetric(callback.name, "Url5xxCount"),
  { of: [3, 5] },
);
alarmAbove(
  "CallbacksRefused",
  "Callbacks with tokens that are not believed: somebody guesses, or a hook key was taken away too early.",
  ownMetric("callback", "CallbacksRefused"),
  { minutes: 5, threshold: 20 },
);
alarmOnShare(
  "ApiFailing",
  "One request of twenty was answered 5xx.",
  functionMetric(api.name, "Url5xxCount"),
  functionMetric(api.name, "UrlRequestCount"),
  { percent: 5, atLeast: 5, minutes: 5 },
);

// ── vendors ────────────────────────────────────────────────────────────────────────────────────────────────────────

alarm("SweepSilent", {
  alarmDescription: "The sweeper has not run for five minutes: what never called back is not found.",
  ...functionMetric(sweep.name, "Invocations"),
  statistic: "Sum",
  // Here silence is the fault.
  treatMissingData: "breaching",
  evaluationPeriods: 1,
  comparisonOperator: "LessThanThreshold",
  threshold: 1,
  period: 5 * MINUTE_S,
});
alarmAbove(
  "OverdueRising",
  "The sweeper finds more overdue than half of what one run takes: callbacks are lost, or a vendor has fallen silent.",
  ownMetric("sweep", "Overdue"),
  { threshold: 400, of: [12, 15] },
);
alarmAbove(
  "LookupsFailing",
  "A vendor could not be asked what became of its tasks.",
  ownMetric("sweep", "LookupFailures"),
  {
    minutes: 15,
    threshold: 5,
  },
);
alarmOnShare(
  "UnclearRising",
  "Of twenty submissions one was left without a clear answer: each waits out its grace, and may be paid twice after it.",
  ownMetric("submit", "Unclear"),
  ownMetric("submit", "Submissions"),
  { percent: 5, atLeast: 5, minutes: 15 },
);
alarmOnShare(
  "RefusedRising",
  "Half of all submissions were refused: a vendor's key has ended, or its account is empty.",
  ownMetric("submit", "Refused"),
  ownMetric("submit", "Submissions"),
  { percent: 50, atLeast: 10, minutes: 15 },
);

// ── apps and pictures ──────────────────────────────────────────────────────────────────────────────────────────────

alarmAbove(
  "DeliveriesGivenUp",
  "Events that will not be tried again. They can be replayed.",
  ownMetric("deliver", "DeliveriesGivenUp"),
  { minutes: 15, threshold: 10 },
);
alarmAbove(
  "EndpointsDisabled",
  "An app's endpoint has failed for days, or is gone, and was switched off.",
  ownMetric("deliver", "EndpointsDisabled"),
  {
    minutes: 5,
  },
);
alarmAbove(
  "ArchiveFailing",
  "Pictures could not be copied, for good: only the vendor has them, for as long as it keeps them.",
  ownMetric("archive", "ArchiveFailures"),
  { minutes: 15, threshold: 10 },
);

// ── money and faults ───────────────────────────────────────────────────────────────────────────────────────────────

alarmAbove(
  "WritesRunaway",
  "The table is written faster than anyone meant, for fifteen minutes: a loop, a flood, or a stage that has grown.",
  tableMetric(table.name, "ConsumedWriteCapacityUnits"),
  { minutes: 5, threshold: stage.writeUnitsIn5Min, of: [3, 3] },
);

for (const [name, fn] of Object.entries({
  Api: api,
  Callback: callback,
  Submit: submit,
  Deliver: deliver,
  Archive: archive,
  Sweep: sweep,
  Deadletter: deadletter,
})) {
  alarmAbove(
    `${name}Errors`,
    `The ${name} function failed or ran out of time, for three minutes of five.`,
    functionMetric(fn.name, "Errors"),
    { of: [3, 5] },
  );
}
