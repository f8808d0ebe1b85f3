/**
 * SQS event-source mapping: what AWS runs between a queue and its function. Batches go in as JSON; what the function
 * reports as failed stays on the queue, and so does a whole batch on a throw, a timeout or an id that is none of its own.
 */
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { type Handler, invoke } from "./lambda.ts";

export interface MappingOptions {
  name: string;
  client: SQSClient;
  queueUrl: string;
  handler: Handler;
  timeoutS: number;
  batchSize: number;
  /** Batches in work at once. */
  pollers: number;
}

export interface Mapping {
  /** Takes no more batches, and waits for those in work. */
  stop(): Promise<void>;
}

/** Short: a poll that is cut off would swallow the next message until its visibility ends (fauxqs). */
const WAIT_S = 1;
const AFTER_ERROR_MS = 500;

export function startMapping(options: MappingOptions): Mapping {
  let stopping = false;
  const poll = async () => {
    while (!stopping) {
      try {
        await deliver(options, await receive(options));
      } catch (error) {
        if (stopping) return;
        report(options.name, "mapping.failed", error);
        await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
      }
    }
  };
  const done = Promise.all(Array.from({ length: options.pollers }, poll));
  return {
    async stop() {
      stopping = true;
      await done;
    },
  };
}

async function receive({ client, queueUrl, batchSize }: MappingOptions): Promise<Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(10, batchSize),
      WaitTimeSeconds: WAIT_S,
      MessageSystemAttributeNames: ["All"],
    }),
  );
  return Messages;
}

async function deliver(options: MappingOptions, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  const { name, client, queueUrl, handler, timeoutS } = options;
  let done: readonly Message[];
  try {
    const result = await invoke(name, handler, { Records: messages.map(recordOf) }, timeoutS);
    done = succeeded(messages, result);
  } catch (error) {
    // Nothing is deleted: all of it comes back after its visibility timeout.
    return report(name, "lambda.failed", error);
  }
  if (done.length === 0) return;
  const Entries = done.map((message, i) => ({ Id: String(i), ReceiptHandle: message.ReceiptHandle }));
  await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
}

/** @throws for a response AWS would take for a failure of the whole batch */
function succeeded(messages: readonly Message[], result: unknown): readonly Message[] {
  const failures =
    (result as { batchItemFailures?: { itemIdentifier?: string }[] } | undefined)?.batchItemFailures ?? [];
  const ids = new Set(messages.map((message) => message.MessageId));
  const failed = new Set(failures.map((failure) => failure?.itemIdentifier));
  for (const id of failed)
    if (!ids.has(id)) throw new Error("batchItemFailures names a message that is not in the batch");
  return messages.filter((message) => !failed.has(message.MessageId));
}

function recordOf(message: Message) {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: {},
    md5OfBody: message.MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:local",
    awsRegion: "us-east-1",
  };
}

function report(name: string, event: string, error: unknown): void {
  console.error(JSON.stringify({ level: "error", function: name, event, error: String(error) }));
}
