/** Messages out through SQS: ten to a request, and none lost silently. */
import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { MjflowError } from "@mjflow/core/error";
import type { Outgoing, Queue } from "@mjflow/core/port";
import { delaySeconds } from "./delay.ts";

/** SQS's own limit for one request. */
const BATCH = 10;

/**
 * @example
 * const queue = createSqsQueue({ client: new SQSClient({}), queueUrl: Resource.Submit.url });
 */
export function createSqsQueue({ client, queueUrl }: { client: SQSClient; queueUrl: string }): Queue {
  /** @returns the entries SQS did not take: a batch can fail in part, and then answers 200. */
  async function sendBatch(entries: SendMessageBatchRequestEntry[]): Promise<SendMessageBatchRequestEntry[]> {
    const { Successful } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
    const taken = new Set(Successful?.map(({ Id }) => Id));
    return entries.filter(({ Id }) => !taken.has(Id));
  }

  return {
    async send(messages) {
      const batches: Outgoing[][] = [];
      for (let i = 0; i < messages.length; i += BATCH) batches.push(messages.slice(i, i + BATCH));
      await Promise.all(
        batches.map(async (batch) => {
          const refused = await sendBatch(batch.map(entryOf));
          // Once more at once: a refusal in part is throttling or an internal error, as a rule over by then.
          const left = refused.length > 0 ? await sendBatch(refused) : [];
          if (left.length > 0) {
            throw new MjflowError("overloaded", { detail: `The queue did not take ${left.length} messages.` });
          }
        }),
      );
    },
    async resend(body) {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    },
  };
}

function entryOf({ message, delayMs }: Outgoing, index: number): SendMessageBatchRequestEntry {
  const delay = delaySeconds(delayMs);
  return { Id: String(index), MessageBody: JSON.stringify(message), ...(delay > 0 && { DelaySeconds: delay }) };
}
