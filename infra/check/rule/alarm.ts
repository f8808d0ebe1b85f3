import { all, type Rule, some } from "../model.ts";

/** An alarm on a name that does not exist never rings. */
export const alarmsWatchWhatThereIs: Rule = (infra) => {
  const names: Record<string, Set<string>> = {
    FunctionName: new Set(all(infra, "aws:lambda/function:Function").map(({ inputs }) => inputs.name)),
    QueueName: new Set(all(infra, "aws:sqs/queue:Queue").map(({ inputs }) => inputs.name)),
  };
  const topics = new Set(all(infra, "aws:sns/topic:Topic").map(({ arn }) => arn));
  return some(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ name, inputs }) => [
    ...(Object.keys(inputs.dimensions).length === 1 ? [] : [`${name} watches all or nothing`]),
    ...Object.entries(inputs.dimensions)
      .filter(([dimension, value]) => !names[dimension]?.has(value))
      .map(([dimension, value]) => `${name} watches ${dimension} ${value}, which is not registered`),
    ...(inputs.alarmActions?.length && inputs.alarmActions.every((arn) => topics.has(arn))
      ? []
      : [`${name} tells nobody`]),
  ]);
};

export const everyFaultHasItsAlarm: Rule = (infra) => {
  const nameOf = (resource: string) =>
    (infra.resources.find(({ name }) => name === resource)?.inputs as { name?: string } | undefined)?.name;
  const alarms = some(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs);
  const isWatched = (resource: string, metric: string, operator: string, missing: string) =>
    alarms.some(
      ({ metricName, comparisonOperator, treatMissingData, dimensions }) =>
        metricName === metric &&
        comparisonOperator === operator &&
        treatMissingData === missing &&
        Object.values(dimensions).includes(nameOf(resource) ?? ""),
    );
  const above = (resource: string, metric: string) =>
    isWatched(resource, metric, "GreaterThanThreshold", "notBreaching") ? [] : [`No alarm for ${resource} ${metric}`];
  return [
    ...above("SubmitDeadLettersQueue", "ApproximateNumberOfMessagesVisible"),
    ...above("DeadletterFunction", "Invocations"),
    ...above("SubmitQueueQueue", "ApproximateAgeOfOldestMessage"),
    ...above("CallbackFunction", "Throttles"),
    ...some(infra, "aws:lambda/function:Function").flatMap(({ name }) => above(name, "Errors")),
    ...(isWatched("SweepFunction", "Invocations", "LessThanThreshold", "breaching")
      ? []
      : ["No alarm for a silent sweeper"]),
  ];
};
