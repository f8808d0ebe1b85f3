/** Messages out through SQS: ten to a request, and none lost silently. */
import type { SendMessageBatchRequestEntry, SQSClient } from "@aws-sdk/client-sqs";
import { MjflowError } from "@mjflow/core/error";
import { QUEUE_OF, type QueueName } from "@mjflow/core/message";
import type { OutgoingMessage, Queue } from "@mjflow/core/port";
import { delaySeconds } from "./delay.ts";
import { queueOfBody } from "./name.ts";

/** Asked for when a message goes that way: a function need not know of queues it never sends to. */
export type QueueUrls = Record<QueueName, () => string>;

/** SQS's own limit for one request. */
const BATCH = 10;

/**
 * `client` is asked for by the first message, and SQS's code loaded with it: most invocations send none.
 *
 * @example
 * const queue = createSqsQueue({ client: async () => new SQSClient({}), urls: { submit: () => Resource.SubmitQueue.url, … } });
 */
export function createSqsQueue({ client, urls }: { client: () => Promise<SQSClient>; urls: QueueUrls }): Queue {
  /** @returns the entries SQS did not take: a batch can fail in part, and then answers 200. */
  async function sendBatch(
    QueueUrl: string,
    Entries: SendMessageBatchRequestEntry[],
  ): Promise<SendMessageBatchRequestEntry[]> {
    const [sqs, { SendMessageBatchCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
    const { Successful } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const taken = new Set(Successful?.map(({ Id }) => Id));
    return Entries.filter(({ Id }) => !taken.has(Id));
  }

  return {
    async send(messages) {
      await Promise.all(
        batchesOf(messages).map(async ({ name, batch }) => {
          const url = urls[name]();
          const refused = await sendBatch(url, batch.map(entryOf));
          // Once more at once: a refusal in part is throttling or an internal error, as a rule over by then.
          const left = refused.length > 0 ? await sendBatch(url, refused) : [];
          if (left.length > 0) {
            throw new MjflowError("overloaded", { detail: `The queue did not take ${left.length} messages.` });
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

/** Each queue's messages, ten to a request. */
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
