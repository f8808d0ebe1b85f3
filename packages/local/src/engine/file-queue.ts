/**
 * Queues with SQS's manners on a file of this machine: what is received and not deleted comes back after its visibility
 * timeout, and goes to the dead letters once it was received too often. Whoever waits is woken, not asked.
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
/** Moved when it would be received once too often, as SQS does, not when its last try ends. */
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
/** A timer cannot be set for longer. */
const TIMER_MS = 2 ** 31 - 1;

export function createFileQueues(options: FileQueueOptions): FileQueues {
  const { file, visibilityMs, maxReceiveCount, now = Date.now } = options;
  const { sql, write, note } = file;
  /** Those who wait for a message, by queue. */
  const waiting = new Map<string, Set<() => void>>(NAMES.map((name) => [name, new Set()]));
  const wake = (name: string) => {
    for (const go of waiting.get(name)!) go();
  };

  // Whoever was at work on them is gone with the process before; and no delay is longer, whatever the clock was then.
  sql("UPDATE messages SET visibleAt = ?1 WHERE receives > 0 AND visibleAt > ?1").run(now());
  sql("UPDATE messages SET visibleAt = ?1 WHERE visibleAt > ?1").run(now() + LONGEST_DELAY_MS);

  async function send(all: readonly { name: QueueName; body: string; delayMs?: number | undefined }[]): Promise<void> {
    const at = now();
    await write(() => {
      for (const { name, body, delayMs } of all) sql(INSERT).run(name, body, at, at + delaySeconds(delayMs) * 1_000);
    });
    for (const name of new Set(all.map((each) => each.name))) wake(name);
  }

  /** Counted before anyone works on it: a message that kills its process must not be new each time. */
  function take(name: QueueDepth["name"], max: number): Promise<ReceivedMessage[]> {
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
          const received = at !== null && at <= now() ? await take(name, max) : [];
          if (received.length > 0) return received;
          await news(name, at, signal);
        }
        return [];
      },
      async delete(receipts) {
        await note(() => {
          for (const receipt of receipts) {
            const [id, receives] = receipt.split("/").map(Number);
            // An older receipt deletes nothing, nor does one of before it went to the dead letters.
            sql("DELETE FROM messages WHERE id = ? AND receives = ? AND queue = ?").run(id!, receives!, name);
          }
        });
      },
    };
  }

  /** Until a message is sent there, the next one is due, or nobody wants it any more. */
  async function news(name: string, at: number | null, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const go = () => resolve();
    const timer = at === null ? undefined : setTimeout(go, Math.min(TIMER_MS, Math.max(1, at - now())));
    waiting.get(name)!.add(go);
    signal.addEventListener("abort", go);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", go);
    waiting.get(name)!.delete(go);
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
