import { type AlarmInputs, all, type Infra, type Rule, some } from "../model.ts";
import { type Watched, wrongNames } from "../watched.ts";

/** The metrics of an alarm: its one metric, or all metrics of its expression. */
export function metricsOfAlarm({ metricQueries, namespace, metricName, dimensions }: AlarmInputs): Watched[] {
  if (metricQueries) return metricQueries.flatMap(({ metric }) => (metric ? [metric] : []));
  return [{ namespace: namespace ?? "", metricName: metricName ?? "", dimensions: dimensions ?? {} }];
}

/** An alarm on a metric that does not exist never fires. */
export const alarmMetricsExist: Rule = (infra) =>
  some(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ name, inputs }) => {
    const metrics = metricsOfAlarm(inputs);
    return [
      ...(metrics.length > 0 ? [] : [`${name} has no metric`]),
      ...metrics.flatMap((metric) => wrongNames(infra, metric).map((why) => `${name} uses ${why}`)),
    ];
  });

/**
 * An expression has exactly one result and uses only given metrics. Otherwise CloudWatch rejects the alarm or it never
 * fires.
 */
export const alarmExpressionsEvaluate: Rule = (infra) =>
  some(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ name, inputs: { metricQueries = [] } }) => {
    if (metricQueries.length === 0) return [];
    const results = metricQueries.filter(({ returnData }) => returnData);
    const ids = new Set(metricQueries.filter(({ metric }) => metric).map(({ id }) => id));
    const used = results.flatMap(({ expression = "" }) => expression.match(/\b[a-z]\w*\b/g) ?? []);
    const periods = new Set(metricQueries.flatMap(({ metric }) => (metric ? [metric.period] : [])));
    return [
      ...(results.length === 1 ? [] : [`${name} has ${results.length} results`]),
      ...used.filter((id) => !ids.has(id)).map((id) => `${name} uses the undefined metric ${id}`),
      ...[...ids].filter((id) => !used.includes(id)).map((id) => `${name} does not use ${id}`),
      ...(periods.size === 1 ? [] : [`${name} compares different periods`]),
    ];
  });

/** An alarm without an action notifies no one. */
export const alarmsHaveSubscribers: Rule = (infra) => {
  const topics = new Set(all(infra, "aws:sns/topic:Topic").map(({ arn }) => arn));
  return some(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ name, inputs }) => [
    ...(inputs.alarmActions?.length && inputs.alarmActions.every((arn) => topics.has(arn))
      ? []
      : [`${name} has no subscriber`]),
    ...((inputs.alarmDescription?.length ?? 0) > 20 ? [] : [`${name} has no description`]),
  ]);
};

interface Fault {
  /** Name of a resource, or the name under which our function logs. */
  at: string;
  metric: string;
  operator?: string;
  missing?: string;
}

function faults(infra: Infra): Fault[] {
  const errors = some(infra, "aws:lambda/function:Function").map(({ name }) => ({ at: name, metric: "Errors" }));
  const late = some(infra, "aws:sqs/queue:Queue")
    // Sweep jobs expire, and the alarm on overdue rows shows that they are not handled.
    .filter(({ name }) => !["DeadLettersQueue", "SweepQueueQueue", "RepairQueueQueue"].includes(name))
    .map(({ name }) => ({ at: name, metric: "ApproximateAgeOfOldestMessage" }));
  const full = ["Submit", "Deliver", "Archive"].map((name) => ({
    at: `${name}Function`,
    metric: "ConcurrentExecutions",
  }));
  const recursion = ["Submit", "Deliver", "Archive"].map((name) => ({
    at: `${name}Function`,
    metric: "RecursiveInvocationsDropped",
  }));
  return [
    ...recursion,
    { at: "DeadLettersQueue", metric: "ApproximateNumberOfMessagesVisible" },
    { at: "DeadletterFunction", metric: "Invocations" },
    { at: "SweepFunction", metric: "Invocations", operator: "LessThanThreshold", missing: "breaching" },
    { at: "CallbackFunction", metric: "Throttles" },
    { at: "CallbackFunction", metric: "Url5xxCount" },
    { at: "ApiFunction", metric: "Url5xxCount" },
    { at: "TableTable", metric: "ConsumedWriteCapacityUnits" },
    { at: "callback", metric: "CallbacksRefused" },
    { at: "submit", metric: "Unclear" },
    { at: "submit", metric: "Refused" },
    { at: "submit", metric: "Unreachable" },
    { at: "sweep", metric: "Overdue" },
    { at: "sweep", metric: "OldestWaitPercent" },
    { at: "sweep", metric: "LookupFailures" },
    { at: "sweep", metric: "LookupsRefused" },
    { at: "deliver", metric: "DeliveriesGivenUp" },
    { at: "deliver", metric: "EndpointsDisabled" },
    { at: "deliver", metric: "SecretsUnreadable" },
    { at: "archive", metric: "ArchiveFailures" },
    { at: "sweep", metric: "CreditGivenBack" },
    { at: "api", metric: "CreditOverloaded" },
    { at: "stream", metric: "StreamsRefused" },
    ...errors,
    ...late,
    ...full,
  ];
}

export const everyFaultHasAnAlarm: Rule = (infra) => {
  const alarms = some(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs);
  const nameOf = (at: string) =>
    (infra.resources.find(({ name }) => name === at)?.inputs as { name?: string } | undefined)?.name ?? at;
  return faults(infra)
    .filter(
      ({ at, metric, operator = "GreaterThanThreshold", missing = "notBreaching" }) =>
        !alarms.some(
          (inputs) =>
            inputs.comparisonOperator === operator &&
            inputs.treatMissingData === missing &&
            metricsOfAlarm(inputs).some(
              ({ metricName, dimensions }) => metricName === metric && Object.values(dimensions).includes(nameOf(at)),
            ),
        ),
    )
    .map(({ at, metric }) => `No alarm for ${at} ${metric}`);
};
