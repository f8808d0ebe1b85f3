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

/** What the consumer already works on, for a queue that chooses the next message fairly. */
export interface GroupLoad {
  /** Number of messages of this group that the function is handling. */
  inFlight(group: string): number;
  /** Number of slots without work. */
  free: number;
}

/** A queue as its consumer sees it. */
export interface MessageSource {
  /**
   * Waits for messages until the signal is aborted; may also return an empty batch earlier.
   *
   * @param load the slots of the consumer; a queue that cannot choose ignores it
   */
  receive(max: number, signal: AbortSignal, load?: GroupLoad): Promise<readonly ReceivedMessage[]>;
  delete(receipts: readonly string[]): Promise<void>;
  /** A slot has become free, so the messages of its group may be taken again. */
  slotFreed?(): void;
}

export interface EventSourceMappingOptions {
  name: string;
  source: MessageSource;
  handler: Handler;
  timeoutS: number;
  /** Messages per invocation. */
  batchSize: number;
  /** Number of invocations at the same time. */
  slots: number;
}

export interface EventSourceMapping {
  /** Receives no more messages and waits for the invocations in progress. */
  stop(): Promise<void>;
}

const AFTER_ERROR_MS = 500;
/** SQS's limit of messages per receive. */
const RECEIVE_MAX = 10;

/** Each slot takes its next batch as soon as its invocation has ended. No slot waits for another one. */
export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const { name, source, batchSize } = options;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const groups = new Map<string, number>();
  const load = {
    inFlight: (group: string) => groups.get(group) ?? 0,
    get free() {
      return options.slots - running.size;
    },
  };
  const count = (batch: readonly ReceivedMessage[], by: 1 | -1) => {
    for (const group of batch.map(groupOf).filter((name) => name !== "")) {
      const next = load.inFlight(group) + by;
      if (next > 0) groups.set(group, next);
      else groups.delete(group);
    }
  };
  const start = (batch: readonly ReceivedMessage[]) => {
    count(batch, 1);
    const work = deliver(options, batch)
      .catch((error: unknown) => report(name, "mapping.failed", error))
      .finally(() => {
        running.delete(work);
        count(batch, -1);
        source.slotFreed?.();
      });
    running.add(work);
  };
  const poll = async () => {
    while (!stopping.signal.aborted) {
      if (load.free === 0) {
        await Promise.race(running);
        continue;
      }
      try {
        const max = Math.min(RECEIVE_MAX, load.free * batchSize);
        const messages = await source.receive(max, stopping.signal, load);
        for (let i = 0; i < messages.length; i += batchSize) start(messages.slice(i, i + batchSize));
      } catch (error) {
        if (stopping.signal.aborted) return;
        report(name, "mapping.failed", error);
        await new Promise((resolve) => setTimeout(resolve, AFTER_ERROR_MS));
      }
    }
  };
  const done = poll();
  return {
    async stop() {
      stopping.abort();
      await done;
      await Promise.all(running);
    },
  };
}

function groupOf({ attributes }: ReceivedMessage): string {
  return attributes["MessageGroupId"] ?? "";
}

async function deliver(options: EventSourceMappingOptions, messages: readonly ReceivedMessage[]): Promise<void> {
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
