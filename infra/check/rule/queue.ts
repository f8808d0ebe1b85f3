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

/** Every queue there is, and what `limit.ts` says of it. */
const WORK: Record<string, Expected & { maxReceiveCount: number }> = {
  SubmitQueueQueue: { consumer: "Submit", timeoutS: FUNCTION_TIMEOUT_S.submit, ...QUEUE.submit },
  DeliverQueueQueue: { consumer: "Deliver", timeoutS: FUNCTION_TIMEOUT_S.deliver, ...QUEUE.deliver },
  ArchiveQueueQueue: { consumer: "Archive", timeoutS: FUNCTION_TIMEOUT_S.archive, ...QUEUE.archive },
};
const DEAD_LETTER_QUEUE = "DeadLettersQueue";
const QUEUES: Record<string, Expected> = {
  ...WORK,
  [DEAD_LETTER_QUEUE]: {
    consumer: "Deadletter",
    timeoutS: FUNCTION_TIMEOUT_S.deadletter,
    batchSize: QUEUE.submit.batchSize,
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
      .map((name) => `There is no ${name}`),
    ...have.filter((name) => !QUEUES[name]).map((name) => `${name} is a queue that nobody has looked at here`),
  ];
};

/** Without one a poisonous message comes back until it expires, and is gone without a trace. */
export const workQueuesHaveDeadLetterQueue: Rule = (infra) => {
  const queues = some(infra, "aws:sqs/queue:Queue");
  return queues.flatMap(({ name, inputs }) => {
    // The end of the line: what its consumer cannot bury stays there, and has an alarm.
    if (name === DEAD_LETTER_QUEUE) {
      const { messageRetentionSeconds: kept } = inputs;
      return kept === QUEUE.deadLetterRetentionS ? [] : [`${name} keeps dead letters for ${kept} s`];
    }
    const redrive = redriveOf(inputs.redrivePolicy);
    if (!redrive) return [`${name} has no dead-letter queue`];
    const target = queues.find(({ arn }) => arn === redrive.deadLetterTargetArn)?.name;
    return [
      ...(target === DEAD_LETTER_QUEUE ? [] : [`${name}'s dead letters go to ${target ?? "where no queue is"}`]),
      ...(redrive.maxReceiveCount === WORK[name]?.maxReceiveCount
        ? []
        : [`${name} gives up after ${redrive.maxReceiveCount} tries`]),
    ];
  });
};

/** By one function each: a message that nobody reads is a task that never ends. */
export const queuesAreConsumed: Rule = (infra) => [
  ...consumers(infra)
    .filter(({ queue }) => !queue)
    .map(({ mapping }) => `${mapping.name} consumes a queue that nobody registers`),
  ...Object.entries(QUEUES).flatMap(([name, { consumer }]) => {
    const found = consumers(infra).filter(({ queue }) => queue?.name === name);
    const expected = functionOf(infra, consumer)?.name;
    return found.length === 1 && expected !== undefined && found[0]?.fn?.name === expected
      ? []
      : [`${name} is consumed by ${found.map(({ fn }) => fn?.name).join() || "nobody"}`];
  }),
];

export const consumersReportBatchItemFailures: Rule = (infra) =>
  consumers(infra).flatMap(({ mapping }) =>
    mapping.inputs.functionResponseTypes?.includes("ReportBatchItemFailures")
      ? []
      : [`${mapping.name}: one failed message brings its whole batch back`],
  );

/** AWS's own advice; below it a slow batch is handed to a second worker while the first is still at it. */
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

/** What vendors, receivers and the account's concurrency are asked for at one moment has a bound. */
export const queuesRespectLimits: Rule = (infra) => [
  ...consumers(infra).flatMap(({ mapping, queue }) => {
    const expected = QUEUES[queue?.name ?? ""];
    const isBound = (mapping.inputs.scalingConfig?.maximumConcurrency ?? 0) >= 2;
    return [
      ...(mapping.inputs.batchSize === expected?.batchSize
        ? []
        : [`${mapping.name}: batch ${mapping.inputs.batchSize}`]),
      ...(queue?.name === DEAD_LETTER_QUEUE || isBound ? [] : [`${mapping.name} does not bound its workers`]),
    ];
  }),
  ...some(infra, "aws:sqs/queue:Queue").flatMap(({ name, inputs: { visibilityTimeoutSeconds } }) =>
    visibilityTimeoutSeconds === QUEUES[name]?.visibilityTimeoutS
      ? []
      : [`${name}: visibility ${visibilityTimeoutSeconds} s is not what limit.ts says`],
  ),
];
