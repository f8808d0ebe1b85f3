/**
 * SQS event-source mapping: what AWS runs between a queue and its function. Batches go in as JSON; what the function
 * reports as failed stays on the queue, and so does a whole batch on a throw, a timeout or an id that is none of its own.
 */
import { type Handler, invoke } from "./lambda.ts";

/** A message as its queue gave it out. */
export interface ReceivedMessage {
  id: string;
  /** Of this receive: what deletes it. */
  receipt: string;
  body: string;
  attributes: Record<string, string>;
}

/** One queue, as whoever works it off sees it. */
export interface MessageSource {
  /** Waits for messages, as long as it likes, and no longer than the signal. */
  receive(max: number, signal: AbortSignal): Promise<readonly ReceivedMessage[]>;
  delete(receipts: readonly string[]): Promise<void>;
}

export interface EventSourceMappingOptions {
  name: string;
  source: MessageSource;
  handler: Handler;
  timeoutS: number;
  batchSize: number;
  /** Batches in work at once. */
  pollers: number;
}

export interface EventSourceMapping {
  /** Takes no more batches, and waits for those in work. */
  stop(): Promise<void>;
}

const AFTER_ERROR_MS = 500;

export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const { name, source, batchSize } = options;
  const stopping = new AbortController();
  const poll = async () => {
    while (!stopping.signal.aborted) {
      try {
        await deliver(options, await source.receive(Math.min(10, batchSize), stopping.signal));
      } catch (error) {
        if (stopping.signal.aborted) return;
        report(name, "mapping.failed", error);
        await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
      }
    }
  };
  const done = Promise.all(Array.from({ length: options.pollers }, poll));
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function deliver(options: EventSourceMappingOptions, messages: readonly ReceivedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const { name, source, handler, timeoutS } = options;
  let done: readonly ReceivedMessage[];
  try {
    const result = await invoke(name, handler, { Records: messages.map(recordOf) }, timeoutS);
    done = succeeded(messages, result);
  } catch (error) {
    // Nothing is deleted: all of it comes back after its visibility timeout.
    return report(name, "lambda.failed", error);
  }
  if (done.length > 0) await source.delete(done.map(({ receipt }) => receipt));
}

/** @throws for a response AWS would take for a failure of the whole batch */
function succeeded(messages: readonly ReceivedMessage[], result: unknown): readonly ReceivedMessage[] {
  const failures =
    (result as { batchItemFailures?: { itemIdentifier?: string }[] } | undefined)?.batchItemFailures ?? [];
  const ids = new Set(messages.map(({ id }) => id));
  const failed = new Set(failures.map((failure) => failure?.itemIdentifier));
  for (const id of failed)
    if (id === undefined || !ids.has(id)) throw new Error("batchItemFailures names a message that is not in the batch");
  return messages.filter(({ id }) => !failed.has(id));
}

function recordOf({ id, receipt, body, attributes }: ReceivedMessage) {
  return {
    messageId: id,
    receiptHandle: receipt,
    body,
    attributes,
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:local",
    awsRegion: "us-east-1",
  };
}

function report(name: string, event: string, error: unknown): void {
  console.error(JSON.stringify({ level: "error", function: name, event, error: String(error) }));
}
