/**
 * Handles each message of a Lambda invocation separately, so that only failed messages return to the queue (Q2). The event
 * source mapping must have ReportBatchItemFailures. Without it AWS ignores the return value, and failed messages are lost.
 */
import { type Message, MessageError, parseMessage } from "@mjflow/core/message";
import type { Log } from "@mjflow/core/port";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "./event.ts";

export interface ConsumeOptions {
  log: Pick<Log, "warn" | "error">;
  /**
   * Called for a message that this version cannot parse. The message is deleted only if this returns "done". Otherwise it
   * returns to its queue, so that newer code or the dead-letter queue receives it.
   */
  onUnreadable?: (record: SQSRecord, error: MessageError) => "done" | undefined | Promise<"done" | undefined>;
}

/**
 * Handles all records concurrently and independently of each other. Never throws, because a throw would return the whole
 * batch to the queue.
 *
 * @example
 * export const handler = (event: SQSEvent) => consume(event, (message) => submit(deps, message), { log });
 */
export async function consume(
  event: SQSEvent,
  handle: (message: Message, record: SQSRecord) => Promise<void>,
  { log, onUnreadable }: ConsumeOptions,
): Promise<SQSBatchResponse> {
  const failed = await Promise.all(
    event.Records.map(async (record) => {
      const { messageId } = record;
      const receives = Number(record.attributes?.ApproximateReceiveCount);
      try {
        await handle(parseMessage(record.body), record);
        return false;
      } catch (error) {
        if (!(error instanceof MessageError)) {
          log.warn("queue.message-failed", { messageId, receives, error: String(error) });
          return true;
        }
        // The body is not logged, because its content is unknown.
        log.error("queue.message-unreadable", { messageId, receives, why: error.message });
        return (await runOnUnreadable(onUnreadable, record, error)) !== "done";
      }
    }),
  );
  const batchItemFailures = event.Records.filter((_, i) => failed[i]).map(({ messageId }) => ({
    itemIdentifier: messageId,
  }));
  return { batchItemFailures };
}

async function runOnUnreadable(onUnreadable: ConsumeOptions["onUnreadable"], record: SQSRecord, error: MessageError) {
  try {
    return await onUnreadable?.(record, error);
  } catch {
    return undefined;
  }
}
