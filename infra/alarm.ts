/** What someone has to be told of. Each alarm stands on a metric that AWS keeps anyway, for a resource of this stage. */
import { QUEUE } from "../packages/core/src/limit.ts";
import { api } from "./api.ts";
import { callback } from "./callback.ts";
import { deadletter } from "./deadletter.ts";
import { submitDeadLetters, submitQueue } from "./queue.ts";
import { stage } from "./stage.ts";
import { submit } from "./submit.ts";
import { sweep } from "./sweep.ts";

type Alarm = Omit<aws.cloudwatch.MetricAlarmArgs, "name" | "alarmActions" | "okActions">;

const prefix = `${$app.name}-${$app.stage}`;
const topic = new aws.sns.Topic("AlarmTopic", { name: `${prefix}-alarms` });

if (stage.alarmEmail) {
  new aws.sns.TopicSubscription("AlarmEmail", { topic: topic.arn, protocol: "email", endpoint: stage.alarmEmail });
}

function alarm(name: string, args: Alarm) {
  new aws.cloudwatch.MetricAlarm(name, {
    name: `${prefix}-${name}`,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
    ...args,
  });
}

/** No data means that nothing happened: Lambda and SQS keep silent about what is idle. */
const quiet = { evaluationPeriods: 1, treatMissingData: "notBreaching" };

function queueMetric(queue: sst.aws.Queue, metricName: string) {
  return { namespace: "AWS/SQS", metricName, statistic: "Maximum", dimensions: { QueueName: queue.nodes.queue.name } };
}

function functionMetric(fn: sst.aws.Function, metricName: string) {
  return { namespace: "AWS/Lambda", metricName, statistic: "Sum", dimensions: { FunctionName: fn.name } };
}

// Two for the dead letters: their consumer empties the queue within seconds, between two of SQS's measurements, so that
// only its invocations tell of them; and when it fails itself, only the queue does.
alarm("DeadLettersBuried", {
  alarmDescription: "A task ended because each try to submit it failed. The Deadletter function's log names it.",
  ...functionMetric(deadletter, "Invocations"),
  ...quiet,
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  period: 60,
});

alarm("DeadLettersLeft", {
  alarmDescription: "Dead letters that could not be buried: their flows hang. See the Deadletter function's errors.",
  ...queueMetric(submitDeadLetters, "ApproximateNumberOfMessagesVisible"),
  ...quiet,
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  period: 60,
});

alarm("SubmitQueueLate", {
  alarmDescription: "Messages wait longer than the longest delay and two tries take: too few workers, or vendors hang.",
  ...queueMetric(submitQueue, "ApproximateAgeOfOldestMessage"),
  ...quiet,
  comparisonOperator: "GreaterThanThreshold",
  threshold: QUEUE.submit.maxDelayS + 2 * QUEUE.submit.visibilityTimeoutS,
  period: 300,
});

alarm("SweepSilent", {
  alarmDescription: "The sweeper has not run for five minutes: what never called back is not found.",
  ...functionMetric(sweep, "Invocations"),
  // Here silence is the fault.
  treatMissingData: "breaching",
  evaluationPeriods: 1,
  comparisonOperator: "LessThanThreshold",
  threshold: 1,
  period: 300,
});

alarm("CallbackThrottled", {
  alarmDescription:
    "Callbacks were refused for want of concurrency. Most vendors call once; the sweeper asks for these.",
  ...functionMetric(callback, "Throttles"),
  ...quiet,
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  period: 60,
});

for (const [name, fn] of Object.entries({
  Api: api,
  Callback: callback,
  Submit: submit,
  Sweep: sweep,
  Deadletter: deadletter,
})) {
  alarm(`${name}Errors`, {
    alarmDescription: `The ${name} function failed or ran out of time, for three minutes of five.`,
    ...functionMetric(fn, "Errors"),
    treatMissingData: "notBreaching",
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    period: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
  });
}
