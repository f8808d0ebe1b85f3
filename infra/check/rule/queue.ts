import { FUNCTION_TIMEOUT_S, QUEUE } from "../../../packages/core/src/limit.ts";
import { all, type Infra, type Rule, some } from "../model.ts";

interface Redrive {
  deadLetterTargetArn: string;
  maxReceiveCount: number;
}

function consumers(infra: Infra) {
  const queues = some(infra, "aws:sqs/queue:Queue");
  const functions = all(infra, "aws:lambda/function:Function");
  return some(infra, "aws:lambda/eventSourceMapping:EventSourceMapping").map((mapping) => ({
    mapping,
    queue: queues.find(({ arn }) => arn === mapping.inputs.eventSourceArn),
    fn: functions.find(({ arn }) => arn === mapping.inputs.functionName),
  }));
}

function redriveOf(redrivePolicy: string | undefined): Redrive | undefined {
  return redrivePolicy === undefined ? undefined : (JSON.parse(redrivePolicy) as Redrive);
}

/** Without one a poisonous message comes back until it expires, and is gone without a trace. */
export const consumedQueuesHaveDeadLetters: Rule = (infra) => {
  const queues = some(infra, "aws:sqs/queue:Queue");
  const targets = new Set(queues.map(({ inputs }) => redriveOf(inputs.redrivePolicy)?.deadLetterTargetArn));
  return consumers(infra).flatMap(({ queue, mapping }) => {
    if (!queue) return [`${mapping.name} consumes a queue that nobody registers`];
    // The end of the line: what its consumer cannot bury stays there, and has an alarm.
    if (targets.has(queue.arn)) return [];
    const redrive = redriveOf(queue.inputs.redrivePolicy);
    if (!redrive) return [`${queue.name} has no dead-letter queue`];
    const target = queues.find(({ arn }) => arn === redrive.deadLetterTargetArn);
    return [
      ...(target ? [] : [`${queue.name}'s dead letters go where no queue is`]),
      ...(target && target.inputs.messageRetentionSeconds !== QUEUE.deadLetterRetentionS
        ? [`${target.name} keeps dead letters for ${target.inputs.messageRetentionSeconds} s`]
        : []),
      ...(redrive.maxReceiveCount === QUEUE.submit.maxReceiveCount
        ? []
        : [`${queue.name} gives up after ${redrive.maxReceiveCount} tries`]),
    ];
  });
};

/** A task in a dead letter that nobody reads never ends. */
export const deadLettersAreConsumed: Rule = (infra) => {
  const consumed = new Set(consumers(infra).map(({ queue }) => queue?.arn));
  return some(infra, "aws:sqs/queue:Queue").flatMap(({ name, inputs }) => {
    const target = redriveOf(inputs.redrivePolicy)?.deadLetterTargetArn;
    return target === undefined || consumed.has(target) ? [] : [`Nobody reads ${name}'s dead letters`];
  });
};

export const consumersAnswerInPart: Rule = (infra) =>
  consumers(infra).flatMap(({ mapping }) =>
    mapping.inputs.functionResponseTypes?.includes("ReportBatchItemFailures")
      ? []
      : [`${mapping.name}: one failed message brings its whole batch back`],
  );

/** AWS's own advice; below it a slow batch is handed to a second worker while the first is still at it. */
export const visibilityOutlastsConsumers: Rule = (infra) =>
  consumers(infra).flatMap(({ queue, fn, mapping }) => {
    if (!queue || !fn) return [`${mapping.name} lacks its queue or its function`];
    const least = 6 * fn.inputs.timeout + (mapping.inputs.maximumBatchingWindowInSeconds ?? 0);
    const { visibilityTimeoutSeconds } = queue.inputs;
    return visibilityTimeoutSeconds >= least ? [] : [`${queue.name}: ${visibilityTimeoutSeconds} s, needs ${least} s`];
  });

export const queuesKeepToLimits: Rule = (infra) => [
  ...consumers(infra).flatMap(({ mapping, queue }) => [
    ...(mapping.inputs.batchSize === QUEUE.submit.batchSize
      ? []
      : [`${mapping.name}: batch ${mapping.inputs.batchSize}`]),
    ...(queue?.name !== "SubmitQueueQueue" || (mapping.inputs.scalingConfig?.maximumConcurrency ?? 0) >= 2
      ? []
      : [`${mapping.name} does not bound its workers`]),
  ]),
  ...some(infra, "aws:sqs/queue:Queue").flatMap(({ name, inputs }) =>
    name !== "SubmitQueueQueue" || inputs.visibilityTimeoutSeconds === QUEUE.submit.visibilityTimeoutS
      ? []
      : [`${name}: visibility ${inputs.visibilityTimeoutSeconds} s is not what limit.ts says`],
  ),
  ...(QUEUE.submit.visibilityTimeoutS >= 6 * FUNCTION_TIMEOUT_S.submit ? [] : ["limit.ts contradicts itself"]),
];
