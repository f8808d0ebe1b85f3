/** The submit queue and where its messages go when every try has failed. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";

export const submitDeadLetters = new sst.aws.Queue("SubmitDeadLetters", {
  // It has a consumer of its own, and the same rule as any queue: six times its timeout.
  visibilityTimeout: `${6 * FUNCTION_TIMEOUT_S.deadletter} seconds`,
  transform: { queue: { messageRetentionSeconds: QUEUE.deadLetterRetentionS } },
});

export const submitQueue = new sst.aws.Queue("SubmitQueue", {
  visibilityTimeout: `${QUEUE.submit.visibilityTimeoutS} seconds`,
  dlq: { queue: submitDeadLetters.arn, retry: QUEUE.submit.maxReceiveCount },
});

/** Batches included: SQS has no permission of their own for them. */
export const queueSend = { actions: ["sqs:SendMessage"], resources: [submitQueue.arn] };

/** What Lambda does in the consumer's name. SST grants it only to functions that it makes for the queue itself. */
export function queueConsume(queue: sst.aws.Queue) {
  return { actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], resources: [queue.arn] };
}
