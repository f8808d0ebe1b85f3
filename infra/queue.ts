/**
 * One queue for each kind of work, and the dead-letter queue. `packages/core/src/message.ts` assigns messages to
 * queues.
 */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { setting } from "./setting.ts";

export const deadLetters = new sst.aws.Queue("DeadLetters", {
  // The dead-letter queue has its own consumer. Like every queue it needs six times the timeout of its consumer.
  visibilityTimeout: `${6 * FUNCTION_TIMEOUT_S.deadletter} seconds`,
  transform: { queue: { messageRetentionSeconds: QUEUE.deadLetters.retentionS } },
});

/** Submissions to vendors, which are paid. */
export const submitQueue = queueOf("SubmitQueue", QUEUE.submit);

/** Notifications and webhook deliveries to apps. */
export const deliverQueue = queueOf("DeliverQueue", QUEUE.deliver);

/** Images to archive, and tiles to cut. */
export const archiveQueue = queueOf("ArchiveQueue", QUEUE.archive);

/**
 * Jobs of the sweep workers. A job that fails or expires is made again by the dispatcher of the next minute. So these
 * queues have no dead letters, and a message lives for two minutes. Repairs have their own queue, so they never wait behind
 * look-ups and deliveries.
 */
export const sweepQueue = jobQueueOf("SweepQueue");
export const repairQueue = jobQueueOf("RepairQueue");

function jobQueueOf(name: string) {
  return new sst.aws.Queue(name, {
    visibilityTimeout: `${QUEUE.sweep.visibilityTimeoutS} seconds`,
    transform: { queue: { messageRetentionSeconds: QUEUE.sweep.retentionS } },
  });
}

function queueOf(
  name: string,
  { visibilityTimeoutS, maxReceiveCount }: { visibilityTimeoutS: number; maxReceiveCount: number },
) {
  return new sst.aws.Queue(name, {
    visibilityTimeout: `${visibilityTimeoutS} seconds`,
    dlq: { queue: deadLetters.arn, retry: maxReceiveCount },
  });
}

/** Allows sending messages, one by one and in batches. SQS has no separate permission for batches. */
export function queueSend(...queues: sst.aws.Queue[]) {
  return { actions: ["sqs:SendMessage"], resources: queues.map(({ arn }) => arn) };
}

/** Allows reading the depth of the queues, not their messages. */
export function queueCount(...queues: sst.aws.Queue[]) {
  return { actions: ["sqs:GetQueueAttributes"], resources: queues.map(({ arn }) => arn) };
}

/** Allows what Lambda does on behalf of a consumer. SST grants this only to functions that it creates for the queue. */
export function queueConsume(queue: sst.aws.Queue) {
  return { actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], resources: [queue.arn] };
}

/**
 * Sets what Lambda does with a function that its own messages invoke again and again. After about 16 invocations of one
 * chain it drops the next one. mjflow's chains end before that (docs/decisions/0028), so only a fault of ours is stopped.
 */
export function limitRecursion(name: string, fn: sst.aws.Function) {
  new aws.lambda.FunctionRecursionConfig(`${name}Recursion`, {
    functionName: fn.name,
    recursiveLoop: setting.recursiveLoop,
  });
}

/**
 * Subscribes a function to a queue, with partial batch responses. Without them one failed message would return its
 * whole batch to the queue, including submissions that were already paid.
 *
 * @param workers highest number of concurrent workers. Without it, a queue could take the whole account.
 */
export function consume(queue: sst.aws.Queue, fn: sst.aws.Function, batchSize: number, workers: number) {
  queue.subscribe(fn.arn, {
    batch: { size: batchSize, partialResponses: true },
    transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: workers } } },
  });
}
