import { FUNCTION_TIMEOUT_S, QUEUE } from "../../../packages/core/src/limit.ts";
import { all, functionOf, type Infra, type Rule, some } from "../model.ts";

interface Redrive {
  deadLetterTargetArn: string;
  maxReceiveCount: number;
}

interface Expected {
  consumer: string;
  timeoutS: number;
  batchSize: number;
  visibilityTimeoutS: number;
}

/** All work queues with their settings from `limit.ts`. */
const WORK: Record<string, Expected & { maxReceiveCount: number }> = {
  SubmitQueueQueue: { consumer: "Submit", timeoutS: FUNCTION_TIMEOUT_S.submit, ...QUEUE.submit },
  DeliverQueueQueue: { consumer: "Deliver", timeoutS: FUNCTION_TIMEOUT_S.deliver, ...QUEUE.deliver },
  ArchiveQueueQueue: { consumer: "Archive", timeoutS: FUNCTION_TIMEOUT_S.archive, ...QUEUE.archive },
};
/** Queues of sweep jobs, which expire and are made again. */
const JOBS: Record<string, Expected> = {
  SweepQueueQueue: { consumer: "Sweep", timeoutS: FUNCTION_TIMEOUT_S.sweep, ...QUEUE.sweep },
  RepairQueueQueue: { consumer: "Sweep", timeoutS: FUNCTION_TIMEOUT_S.sweep, ...QUEUE.sweep },
};
const DEAD_LETTER_QUEUE = "DeadLettersQueue";
const QUEUES: Record<string, Expected> = {
  ...WORK,
  ...JOBS,
  [DEAD_LETTER_QUEUE]: {
    consumer: "Deadletter",
    timeoutS: FUNCTION_TIMEOUT_S.deadletter,
    batchSize: QUEUE.deadLetters.batchSize,
    visibilityTimeoutS: 6 * FUNCTION_TIMEOUT_S.deadletter,
  },
};

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

export const queuesAreAsExpected: Rule = (infra) => {
  const have = some(infra, "aws:sqs/queue:Queue").map(({ name }) => name);
  return [
    ...Object.keys(QUEUES)
      .filter((name) => !have.includes(name))
      .map((name) => `The queue ${name} is missing`),
    ...have.filter((name) => !QUEUES[name]).map((name) => `The queue ${name} is not in this check`),
  ];
};

/**
 * Without a dead-letter queue a message that always fails is received until it expires, and then lost without a trace.
 */
export const workQueuesHaveDeadLetterQueue: Rule = (infra) => {
  const queues = some(infra, "aws:sqs/queue:Queue");
  return queues.flatMap(({ name, inputs }) => {
    // The dead-letter queue has no further queue. A message that its consumer cannot handle stays in it and has an
    // alarm.
    if (name === DEAD_LETTER_QUEUE) {
      const { messageRetentionSeconds: retention } = inputs;
      return retention === QUEUE.deadLetters.retentionS ? [] : [`${name} stores messages for ${retention} s`];
    }
    if (JOBS[name]) {
      const { messageRetentionSeconds: retention } = inputs;
      return retention === QUEUE.sweep.retentionS ? [] : [`${name} stores jobs for ${retention} s`];
    }
    const redrive = redriveOf(inputs.redrivePolicy);
    if (!redrive) return [`${name} has no dead-letter queue`];
    const target = queues.find(({ arn }) => arn === redrive.deadLetterTargetArn)?.name;
    return [
      ...(target === DEAD_LETTER_QUEUE ? [] : [`${name} has the dead-letter queue ${target ?? "undefined"}`]),
      ...(redrive.maxReceiveCount === WORK[name]?.maxReceiveCount
        ? []
        : [`${name} moves a message after ${redrive.maxReceiveCount} receives`]),
    ];
  });
};

/** Each queue has exactly one consumer. Without a consumer the tasks of its messages would never end. */
export const queuesAreConsumed: Rule = (infra) => [
  ...consumers(infra)
    .filter(({ queue }) => !queue)
    .map(({ mapping }) => `${mapping.name} consumes a queue that is not registered`),
  ...Object.entries(QUEUES).flatMap(([name, { consumer }]) => {
    const found = consumers(infra).filter(({ queue }) => queue?.name === name);
    const expected = functionOf(infra, consumer)?.name;
    return found.length === 1 && expected !== undefined && found[0]?.fn?.name === expected
      ? []
      : [`${name} is consumed by ${found.map(({ fn }) => fn?.name).join() || "no function"}`];
  }),
];

export const consumersReportBatchItemFailures: Rule = (infra) =>
  consumers(infra).flatMap(({ mapping }) =>
    mapping.inputs.functionResponseTypes?.includes("ReportBatchItemFailures")
      ? []
      : [`${mapping.name} does not report partial failures, so one failed message returns its whole batch`],
  );

/**
 * AWS recommends six times the timeout of the consumer. With less, SQS gives a slow batch to a second worker while the
 * first still handles it.
 */
export const visibilityOutlastsConsumers: Rule = (infra) => [
  ...consumers(infra).flatMap(({ queue, fn, mapping }) => {
    if (!queue || !fn) return [`${mapping.name} lacks its queue or its function`];
    const least = 6 * fn.inputs.timeout + (mapping.inputs.maximumBatchingWindowInSeconds ?? 0);
    const { visibilityTimeoutSeconds } = queue.inputs;
    return visibilityTimeoutSeconds >= least ? [] : [`${queue.name}: ${visibilityTimeoutSeconds} s, needs ${least} s`];
  }),
  ...Object.entries(QUEUES)
    .filter(([, { visibilityTimeoutS, timeoutS }]) => visibilityTimeoutS < 6 * timeoutS)
    .map(([name]) => `limit.ts contradicts itself on ${name}`),
];

/** Limits concurrent requests to vendors and webhook receivers, and the concurrency of the AWS account in use. */
export const queuesRespectLimits: Rule = (infra) => [
  ...consumers(infra).flatMap(({ mapping, queue }) => {
    const expected = QUEUES[queue?.name ?? ""];
    const isBound = (mapping.inputs.scalingConfig?.maximumConcurrency ?? 0) >= 2;
    return [
      ...(mapping.inputs.batchSize === expected?.batchSize
        ? []
        : [`${mapping.name}: batch ${mapping.inputs.batchSize}`]),
      ...(isBound ? [] : [`${mapping.name} does not limit its workers`]),
    ];
  }),
  ...some(infra, "aws:sqs/queue:Queue").flatMap(({ name, inputs: { visibilityTimeoutSeconds } }) =>
    visibilityTimeoutSeconds === QUEUES[name]?.visibilityTimeoutS
      ? []
      : [`${name}: visibility ${visibilityTimeoutSeconds} s differs from limit.ts`],
  ),
];

/** Lambda stops a chain of messages of these functions, because they send messages to their own queues. */
export const recursionIsLimited: Rule = (infra) =>
  ["Submit", "Deliver", "Archive"].flatMap((name) => {
    const configs = some(infra, "aws:lambda/functionRecursionConfig:FunctionRecursionConfig").filter(
      ({ inputs }) => inputs.functionName === functionOf(infra, name)?.inputs.name,
    );
    const [config] = configs;
    return configs.length === 1 && config?.inputs.recursiveLoop === "Terminate"
      ? []
      : [`${name} is not stopped in a recursive loop`];
  });
