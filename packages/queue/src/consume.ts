/**
 * One delivery of a queue, message by message: what fails returns alone (Q2). The event-source mapping must have
 * ReportBatchItemFailures set; without it this return value is ignored, and failures are lost.
 */
import { type Message, MessageError, parseMessage } from "@mjflow/core/message";
import type { Log } from "@mjflow/core/port";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "./event.ts";

export interface ConsumeOptions {
  log: Pick<Log, "warn" | "error">;
  /**
   * A message this code cannot read. It returns to its queue, so that newer code or the dead letters get it, unless
   * this answers "done": then, and only then, it is let go.
   */
  onUnreadable?: (record: SQSRecord, error: MessageError) => "done" | undefined | Promise<"done" | undefined>;
}

/**
 * All records at once, each on its own: none waits for, or fails with, another. Never throws, because a throw would
 * bring back the whole batch.
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
        // The body is not logged: nobody knows what is in it.
        log.error("queue.message-unreadable", { messageId, receives, why: error.message });
        return (await deleteHandled(onUnreadable, record, error)) !== "done";
      }
    }),
  );
  const batchItemFailures = event.Records.filter((_, i) => failed[i]).map(({ messageId }) => ({
    itemIdentifier: messageId,
  }));
  return { batchItemFailures };
}

async function deleteHandled(onPoison: ConsumeOptions["onUnreadable"], record: SQSRecord, error: MessageError) {
  try {
    return await onPoison?.(record, error);
  } catch {
    return undefined;
  }
}
