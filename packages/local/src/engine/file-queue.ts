/**
 * Queues with the behavior of SQS in a local file. A message that is received and not deleted becomes visible again
 * after its visibility timeout. After too many receives it is moved to the dead-letter queue. Waiting receivers are
 * woken and do not poll.
 */
import { QUEUE } from "@mjflow/core/limit";
import { QUEUE_OF, type QueueName } from "@mjflow/core/message";
import type { Queue, QueueDepth, QueueDepths } from "@mjflow/core/port";
import { delaySeconds } from "@mjflow/queue/delay";
import { queueOfBody } from "@mjflow/queue/name";
import type { MessageSource, ReceivedMessage } from "../event-source-mapping.ts";
import type { DataFile } from "./data-file.ts";

export interface FileQueueOptions {
  file: Pick<DataFile, "sql" | "write" | "note">;
  visibilityMs: number;
  maxReceiveCount(name: QueueName): number;
  now?: () => number;
}

export interface FileQueues {
  queue: Queue;
  depths: QueueDepths;
  source(name: QueueDepth["name"]): MessageSource;
}

const NAMES = ["submit", "deliver", "archive", "dead-letters"] as const satisfies readonly QueueDepth["name"][];
const INSERT = "INSERT INTO messages (queue, body, sentAt, visibleAt) VALUES (?, ?, ?, ?)";
/** A message is moved at the receive that would exceed the limit, like in SQS, not when its last attempt ends. */
const MOVE_TO_DEAD_LETTERS =
  "UPDATE messages SET queue = 'dead-letters', receives = 0 WHERE queue = ? AND visibleAt <= ? AND receives >= ?";
const RECEIVE = `UPDATE messages SET receives = receives + 1, visibleAt = ?
  WHERE id IN (SELECT id FROM messages WHERE queue = ? AND visibleAt <= ? ORDER BY visibleAt, id LIMIT ?)
  RETURNING id, body, sentAt, receives`;
const NEXT = "SELECT min(visibleAt) AS at FROM messages WHERE queue = ?";
const DEPTH = `SELECT count(*) FILTER (WHERE visibleAt <= ?1) AS waiting,
  count(*) FILTER (WHERE visibleAt > ?1 AND receives > 0) AS inFlight,
  count(*) FILTER (WHERE visibleAt > ?1 AND receives = 0) AS delayed FROM messages WHERE queue = ?2`;

interface Row {
  id: number;
  body: string;
  sentAt: number;
  receives: number;
}

const LONGEST_DELAY_MS = QUEUE.submit.maxDelayS * 1_000;
/** Longest delay of a timer, ms. */
const TIMER_MS = 2 ** 31 - 1;

export function createFileQueues(options: FileQueueOptions): FileQueues {
  const { file, visibilityMs, maxReceiveCount, now = Date.now } = options;
  const { sql, write, note } = file;
  /** Wake functions of the waiting receivers, by queue. */
  const waiting = new Map<string, Set<() => void>>(NAMES.map((name) => [name, new Set()]));
  const wake = (name: string) => {
    for (const wakeOne of waiting.get(name)!) wakeOne();
  };

  // At the start no consumer holds a message, so received messages become visible. A delay is limited, because the
  // clock may have been wrong.
  sql("UPDATE messages SET visibleAt = ?1 WHERE receives > 0 AND visibleAt > ?1").run(now());
  sql("UPDATE messages SET visibleAt = ?1 WHERE visibleAt > ?1").run(now() + LONGEST_DELAY_MS);

  async function send(all: readonly { name: QueueName; body: string; delayMs?: number | undefined }[]): Promise<void> {
    const at = now();
    await write(() => {
      for (const { name, body, delayMs } of all) sql(INSERT).run(name, body, at, at + delaySeconds(delayMs) * 1_000);
    });
    for (const name of new Set(all.map((each) => each.name))) wake(name);
  }

  /**
   * Receives messages. The receive is counted before the message is handled, so that a message that kills its process
   * reaches the limit.
   */
  function receiveNow(name: QueueDepth["name"], max: number): Promise<ReceivedMessage[]> {
    const at = now();
    return note(() => {
      if (name !== "dead-letters" && sql(MOVE_TO_DEAD_LETTERS).run(name, at, maxReceiveCount(name)).changes > 0)
        wake("dead-letters");
      const rows = sql(RECEIVE).all(at + visibilityMs, name, at, max) as unknown as Row[];
      return rows.sort((a, b) => a.id - b.id).map(receivedOf);
    });
  }

  function source(name: QueueDepth["name"]): MessageSource {
    return {
      async receive(max, signal) {
        while (!signal.aborted) {
          const { at } = sql(NEXT).get(name) as { at: number | null };
          const received = at !== null && at <= now() ? await receiveNow(name, max) : [];
          if (received.length > 0) return received;
          await nextMessage(name, at, signal);
        }
        return [];
      },
      async delete(receipts) {
        await note(() => {
          for (const receipt of receipts) {
            const [id, receives] = receipt.split("/").map(Number);
            // An older receipt deletes nothing. The same holds for a receipt from before the move to the dead-letter
            // queue.
            sql("DELETE FROM messages WHERE id = ? AND receives = ? AND queue = ?").run(id!, receives!, name);
          }
        });
      },
    };
  }

  /** Waits until a message is sent to the queue, the next message becomes visible, or the signal is aborted. */
  async function nextMessage(name: string, at: number | null, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wakeUp = () => resolve();
    const timer = at === null ? undefined : setTimeout(wakeUp, Math.min(TIMER_MS, Math.max(1, at - now())));
    waiting.get(name)!.add(wakeUp);
    signal.addEventListener("abort", wakeUp);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wakeUp);
    waiting.get(name)!.delete(wakeUp);
  }

  return {
    queue: {
      send: (messages) =>
        send(
          messages.map(({ message, delayMs }) => ({
            name: QUEUE_OF[message.type],
            body: JSON.stringify(message),
            delayMs,
          })),
        ),
      resend: (body) => send([{ name: queueOfBody(body), body }]),
    },
    async depths() {
      return NAMES.map((name) => ({ name, ...(sql(DEPTH).get(now(), name) as unknown as Omit<QueueDepth, "name">) }));
    },
    source,
  };
}

function receivedOf({ id, body, sentAt, receives }: Row): ReceivedMessage {
  return {
    id: String(id),
    receipt: `${id}/${receives}`,
    body,
    attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(sentAt) },
  };
}
