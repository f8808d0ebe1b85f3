/**
 * Sends messages to SQS, ten per request. A message that SQS rejects is an error and never lost silently.
 *
 * The queues are standard queues. There `MessageGroupId` asks for fair order only (SQS fair queues). Messages of a noisy
 * group come after those of quiet groups. A group is noisy with more than 10 % of the messages in flight and 30 of its own,
 * or with more than 10 % of the recent processing time. The order within a group stays free, and a delay stays possible.
 */
import type { SendMessageBatchRequestEntry, SQSClient } from "@aws-sdk/client-sqs";
import { MjflowError } from "@mjflow/core/error";
import { type OutgoingMessage, QUEUE_OF, type QueueName } from "@mjflow/core/message";
import type { Queue } from "@mjflow/core/port";
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
    async resend(body, group) {
      const QueueUrl = urls[queueOfBody(body)]();
      const [sqs, { SendMessageCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, ...groupIdOf(group) }));
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

function entryOf({ message, delayMs, group }: OutgoingMessage, index: number): SendMessageBatchRequestEntry {
  const delay = delaySeconds(delayMs);
  const MessageBody = JSON.stringify(message);
  return { Id: String(index), MessageBody, ...groupIdOf(group), ...(delay > 0 && { DelaySeconds: delay }) };
}

function groupIdOf(group: string | undefined): { MessageGroupId?: string } {
  return group === undefined ? {} : { MessageGroupId: group };
}
