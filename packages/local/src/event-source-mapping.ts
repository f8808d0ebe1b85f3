/**
 * SQS event-source mapping: what AWS runs between a queue and its function. It passes batches as JSON. Messages that
 * the function reports as failed stay on the queue. After an exception, a timeout or an id that is not in the batch,
 * the whole batch stays on the queue.
 */
import { type Handler, invoke } from "./lambda.ts";

/** A received message. */
export interface ReceivedMessage {
  id: string;
  /** Receipt of this receive; it is needed to delete the message. */
  receipt: string;
  body: string;
  attributes: Record<string, string>;
}

/** A queue as its consumer sees it. */
export interface MessageSource {
  /** Waits for messages until the signal is aborted; may also return an empty batch earlier. */
  receive(max: number, signal: AbortSignal): Promise<readonly ReceivedMessage[]>;
  delete(receipts: readonly string[]): Promise<void>;
}

export interface EventSourceMappingOptions {
  name: string;
  source: MessageSource;
  handler: Handler;
  timeoutS: number;
  batchSize: number;
  /** Number of batches that are handled at the same time. */
  pollers: number;
}

export interface EventSourceMapping {
  /** Receives no more batches and waits for the batches in progress. */
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
    // No message is deleted. The whole batch becomes visible again after its visibility timeout.
    return report(name, "lambda.failed", error);
  }
  if (done.length > 0) await source.delete(done.map(({ receipt }) => receipt));
}

/** @throws Error for a response that AWS treats as a failure of the whole batch */
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
