/** Sends messages to SQS, ten per request. A message that SQS rejects is an error and never lost silently. */
import type { SendMessageBatchRequestEntry, SQSClient } from "@aws-sdk/client-sqs";
import { MjflowError } from "@mjflow/core/error";
import { QUEUE_OF, type QueueName } from "@mjflow/core/message";
import type { OutgoingMessage, Queue } from "@mjflow/core/port";
import { delaySeconds } from "./delay.ts";
import { queueOfBody } from "./name.ts";

/** URL of each queue, read when a message is sent to it. A function does not need the URLs of queues that it never uses. */
export type QueueUrls = Record<QueueName, () => string>;

/** SQS's limit of messages per request. */
const BATCH = 10;

/**
 * The client and SQS's code are loaded with the first message, because most invocations send none.
 *
 * @example
 * const queue = createSqsQueue({ client: async () => new SQSClient({}), urls: { submit: () => Resource.SubmitQueue.url, … } });
 */
export function createSqsQueue({ client, urls }: { client: () => Promise<SQSClient>; urls: QueueUrls }): Queue {
  /** Returns the entries that SQS rejected: a batch request can fail in part and nevertheless answers 200. */
  async function sendBatch(
    QueueUrl: string,
    Entries: SendMessageBatchRequestEntry[],
  ): Promise<SendMessageBatchRequestEntry[]> {
    const [sqs, { SendMessageBatchCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
    const { Successful } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const accepted = new Set(Successful?.map(({ Id }) => Id));
    return Entries.filter(({ Id }) => !accepted.has(Id));
  }

  return {
    async send(messages) {
      await Promise.all(
        batchesOf(messages).map(async ({ name, batch }) => {
          const url = urls[name]();
          const rejected = await sendBatch(url, batch.map(entryOf));
          // Rejected entries are sent again once. Throttling and internal errors of SQS have usually ended by then.
          const left = rejected.length > 0 ? await sendBatch(url, rejected) : [];
          if (left.length > 0) {
            throw new MjflowError("overloaded", { detail: `The queue rejected ${left.length} messages.` });
          }
        }),
      );
    },
    async resend(body) {
      const QueueUrl = urls[queueOfBody(body)]();
      const [sqs, { SendMessageCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    },
  };
}

/** Groups the messages by queue, with at most ten messages per batch. */
function batchesOf(messages: readonly OutgoingMessage[]): { name: QueueName; batch: OutgoingMessage[] }[] {
  const byQueue = Map.groupBy(messages, ({ message }) => QUEUE_OF[message.type]);
  return [...byQueue].flatMap(([name, all]) => {
    const batches = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) =>
      all.slice(i * BATCH, (i + 1) * BATCH),
    );
    return batches.map((batch) => ({ name, batch }));
  });
}

function entryOf({ message, delayMs }: OutgoingMessage, index: number): SendMessageBatchRequestEntry {
  const delay = delaySeconds(delayMs);
  return { Id: String(index), MessageBody: JSON.stringify(message), ...(delay > 0 && { DelaySeconds: delay }) };
}
