/** A queue for each kind of work, and one for what failed every time. `packages/core/src/message.ts` says what goes where. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";

export const deadLetters = new sst.aws.Queue("DeadLetters", {
  // It has a consumer of its own, and the same rule as any queue: six times its timeout.
  visibilityTimeout: `${6 * FUNCTION_TIMEOUT_S.deadletter} seconds`,
  transform: { queue: { messageRetentionSeconds: QUEUE.deadLetterRetentionS } },
});

/** Paid work, on its way to vendors. */
export const submitQueue = queueOf("SubmitQueue", QUEUE.submit);

/** News, on their way to apps. */
export const deliverQueue = queueOf("DeliverQueue", QUEUE.deliver);

/** Pictures to be copied, and tiles to be cut. */
export const archiveQueue = queueOf("ArchiveQueue", QUEUE.archive);

function queueOf(
  name: string,
  { visibilityTimeoutS, maxReceiveCount }: { visibilityTimeoutS: number; maxReceiveCount: number },
) {
  return new sst.aws.Queue(name, {
    visibilityTimeout: `${visibilityTimeoutS} seconds`,
    dlq: { queue: deadLetters.arn, retry: maxReceiveCount },
  });
}

/** Batches included: SQS has no permission of their own for them. */
export function queueSend(...queues: sst.aws.Queue[]) {
  return { actions: ["sqs:SendMessage"], resources: queues.map(({ arn }) => arn) };
}

/** How much is in it, and nothing of what. */
export function queueCount(...queues: sst.aws.Queue[]) {
  return { actions: ["sqs:GetQueueAttributes"], resources: queues.map(({ arn }) => arn) };
}

/** What Lambda does in the consumer's name. SST grants it only to functions that it makes for the queue itself. */
export function queueConsume(queue: sst.aws.Queue) {
  return { actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], resources: [queue.arn] };
}

/**
 * Without partial responses one failed message brings its whole batch back, and with it submissions that were paid.
 *
 * @param workers at once
 */
export function consume(queue: sst.aws.Queue, fn: sst.aws.Function, batchSize: number, workers?: number) {
  queue.subscribe(fn.arn, {
    batch: { size: batchSize, partialResponses: true },
    ...(workers && { transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: workers } } } }),
  });
}
