/**
 * Queues with the behavior of SQS in a local file, with fair order between message groups (`@mjflow/queue/fair`). A message that is received and not deleted becomes visible again
 * after its visibility timeout. After too many receives it is moved to the dead-letter queue. Waiting receivers are
 * woken and do not poll.
 */
import { QUEUE } from "@mjflow/core/limit";
import { QUEUE_OF, type QueueName } from "@mjflow/core/message";
import type { Queue, QueueDepth, QueueDepths } from "@mjflow/core/port";
import { delaySeconds } from "@mjflow/queue/delay";
import { groupLimit, nextGroup } from "@mjflow/queue/fair";
import { queueOfBody } from "@mjflow/queue/name";
import type { GroupLoad, MessageSource, ReceivedMessage } from "../event-source-mapping.ts";
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
const INSERT = "INSERT INTO messages (queue, groupId, body, sentAt, visibleAt, receives) VALUES (?, ?, ?, ?, ?, ?)";
/**
 * A message is moved at the receive that would exceed the limit, like in SQS, not when its last attempt ends. Only the message
 * that comes next is looked at: a look at all of them would take longer with each message that waits.
 */
const MOVE_TO_DEAD_LETTERS = "UPDATE messages SET queue = 'dead-letters', receives = 0 WHERE id = ?";
/** The oldest message of one group, if it is visible. */
const HEAD = `SELECT id, groupId, visibleAt, receives FROM messages
  WHERE queue = ? AND groupId = ? AND visibleAt <= ? ORDER BY visibleAt, id LIMIT 1`;
/** The same for each group. The recursion jumps from group to group in the index and reads no other message. */
const HEADS = `WITH RECURSIVE groups (groupId) AS (
    SELECT min(groupId) FROM messages WHERE queue = ?1
    UNION ALL
    SELECT (SELECT min(groupId) FROM messages WHERE queue = ?1 AND groupId > groups.groupId)
      FROM groups WHERE groups.groupId IS NOT NULL
  )
  SELECT id, groupId, visibleAt, receives FROM messages WHERE visibleAt <= ?2 AND id IN (
    SELECT (SELECT id FROM messages WHERE queue = ?1 AND groupId = groups.groupId ORDER BY visibleAt, id LIMIT 1)
      FROM groups WHERE groups.groupId IS NOT NULL
  ) ORDER BY visibleAt, id`;
const RECEIVE = `UPDATE messages SET receives = receives + 1, visibleAt = ? WHERE id = ?
  RETURNING id, groupId, body, sentAt, receives`;
const NEXT = "SELECT min(visibleAt) AS at FROM messages WHERE queue = ?";
const NEXT_AFTER = "SELECT min(visibleAt) AS at FROM messages WHERE queue = ? AND visibleAt > ?";
/** Counts in the index alone. The sweeper asks for depths while many messages wait. */
const WAITING = "SELECT count(*) AS waiting FROM messages WHERE queue = ? AND visibleAt <= ?";
const INVISIBLE = `SELECT count(*) FILTER (WHERE receives > 0) AS inFlight, count(*) FILTER (WHERE receives = 0) AS delayed
  FROM messages WHERE queue = ? AND visibleAt > ?`;

interface Head {
  id: number;
  groupId: string;
  visibleAt: number;
  receives: number;
}

interface Row {
  id: number;
  groupId: string;
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
  const handOvers = new Map<string, HandOver>(NAMES.map((name) => [name, createHandOver()]));

  // At the start no consumer holds a message, so received messages become visible. A delay is limited, because the
  // clock may have been wrong.
  sql("UPDATE messages SET visibleAt = ?1 WHERE receives > 0 AND visibleAt > ?1").run(now());
  sql("UPDATE messages SET visibleAt = ?1 WHERE visibleAt > ?1").run(now() + LONGEST_DELAY_MS);

  async function send(
    all: readonly { name: QueueName; body: string; group?: string | undefined; delayMs?: number | undefined }[],
  ): Promise<void> {
    const at = now();
    const received: { handOver: HandOver; message: ReceivedMessage }[] = [];
    const insert = ({ name, body, group = "", delayMs }: (typeof all)[number]) => {
      const delay = delaySeconds(delayMs) * 1_000;
      const handOver = handOvers.get(name)!;
      const isHandedOver = delay === 0 && handOver.reserve(group);
      const [visibleAt, receives] = isHandedOver ? [at + visibilityMs, 1] : [at + delay, 0];
      const { lastInsertRowid } = sql(INSERT).run(name, group, body, at, visibleAt, receives);
      if (!isHandedOver) return;
      const message = receivedOf({ id: Number(lastInsertRowid), groupId: group, body, sentAt: at, receives });
      received.push({ handOver, message });
    };
    try {
      await write(() => all.forEach(insert));
    } catch (error) {
      for (const { handOver, message } of received) handOver.release(message);
      throw error;
    }
    // The commit of the sender comes first: it was planned with its first write. Its sync then runs beside the work of the receivers, and an
    // acknowledgement that waits for this sync does not wait for them.
    setImmediate(() => {
      for (const { handOver, message } of received) handOver.add(message);
      for (const name of new Set(all.map((each) => each.name))) wake(name);
    });
  }

  /**
   * Receives messages. The receive is counted before the message is handled, so that a message that kills its process
   * reaches the limit.
   */
  function receiveNow(name: QueueDepth["name"], max: number, load: GroupLoad): Promise<ReceivedMessage[]> {
    const at = now();
    const limit = name === "dead-letters" ? Number.POSITIVE_INFINITY : maxReceiveCount(name);
    return note(() => {
      const rows: Row[] = [];
      const taken = new Map<string, number>();
      const inFlight = (group: string) => (group === "" ? 0 : load.inFlight(group) + (taken.get(group) ?? 0));
      const heads = sql(HEADS).all(name, at) as unknown as Head[];
      while (rows.length < max) {
        const isBelowLimit = ({ group }: { group: string }) => inFlight(group) < groupLimit(load.free - rows.length);
        const next = nextGroup(heads.map(groupHeadOf).filter(isBelowLimit), inFlight);
        if (!next) break;
        if (heads[next.index]!.receives >= limit) {
          sql(MOVE_TO_DEAD_LETTERS).run(next.id);
          wake("dead-letters");
        } else {
          rows.push(sql(RECEIVE).get(at + visibilityMs, next.id) as unknown as Row);
          taken.set(next.group, (taken.get(next.group) ?? 0) + 1);
        }
        const following = sql(HEAD).get(name, next.group, at) as unknown as Head | undefined;
        heads.splice(next.index, 1, ...(following ? [following] : []));
      }
      return rows.map(receivedOf);
    });
  }

  function source(name: QueueDepth["name"]): MessageSource {
    const handOver = handOvers.get(name)!;
    return {
      async receive(max, signal, load = NO_LOAD) {
        while (!signal.aborted) {
          // The receiver waits from here on, so that it misses no message and no slot while it looks at the queue.
          const next = waitFor(name, signal);
          try {
            const handedOver = handOver.take(max);
            if (handedOver.length > 0) return handedOver;
            const seenAt = now();
            const { at } = sql(NEXT).get(name) as { at: number | null };
            const isVisible = at !== null && at <= seenAt;
            const received = isVisible ? await receiveNow(name, max, load) : [];
            if (received.length > 0) return received;
            if (!isVisible) handOver.idle.add(load);
            // A visible message whose group is at its limit waits for `slotFreed`.
            await next.until(isVisible ? (sql(NEXT_AFTER).get(name, seenAt) as { at: number | null }).at : at);
          } finally {
            handOver.idle.delete(load);
            next.stop();
          }
        }
        return [];
      },
      slotFreed() {
        // A receiver that has seen no visible message needs no slot.
        if (waiting.get(name)!.size > handOver.idle.size) wake(name);
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

  /** Starts to wait until a message is sent to the queue, a slot is free or the signal is aborted. */
  function waitFor(name: string, signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wakeUp = () => resolve();
    let timer: NodeJS.Timeout | undefined;
    waiting.get(name)!.add(wakeUp);
    signal.addEventListener("abort", wakeUp);
    return {
      /** @param at time at which the next message becomes visible, epoch ms; null if there is none */
      until(at: number | null): Promise<void> {
        if (at !== null) timer = setTimeout(wakeUp, Math.min(TIMER_MS, Math.max(1, at - now())));
        return promise;
      },
      stop() {
        clearTimeout(timer);
        signal.removeEventListener("abort", wakeUp);
        waiting.get(name)!.delete(wakeUp);
      },
    };
  }

  return {
    queue: {
      send: (messages) =>
        send(
          messages.map(({ message, group, delayMs }) => ({
            name: QUEUE_OF[message.type],
            body: JSON.stringify(message),
            group,
            delayMs,
          })),
        ),
      resend: (body, group) => send([{ name: queueOfBody(body), body, group }]),
    },
    async depths() {
      const at = now();
      const count = <T>(statement: string, name: string) => sql(statement).get(name, at) as unknown as T;
      return NAMES.map((name) => ({
        name,
        ...count<Pick<QueueDepth, "waiting">>(WAITING, name),
        ...count<Pick<QueueDepth, "inFlight" | "delayed">>(INVISIBLE, name),
      }));
    },
    source,
  };
}

/** A reader without slots takes what it asks for. */
const NO_LOAD: GroupLoad = { inFlight: () => 0, free: Number.POSITIVE_INFINITY };

/**
 * New messages of one queue that go to a waiting receiver without another look at the file. They are stored as received, so the
 * receive is counted and durable before any work starts. This is fair only if no other message is visible: the receiver says so.
 */
interface HandOver {
  /** Slots of the receivers that wait and have seen no visible message. */
  idle: Set<GroupLoad>;
  /** Reserves a slot for a message of this group. @returns false if no receiver waits, or if the group may not have one more */
  reserve(group: string): boolean;
  /** Gives the slot of a message back that was not stored. */
  release(message: ReceivedMessage): void;
  /** Adds a message that is stored. */
  add(message: ReceivedMessage): void;
  take(max: number): ReceivedMessage[];
}

function createHandOver(): HandOver {
  const idle = new Set<GroupLoad>();
  const messages: ReceivedMessage[] = [];
  /** Number of reserved slots by group. */
  const reserved = new Map<string, number>();
  let all = 0;

  function count(group: string, by: 1 | -1): void {
    all += by;
    const next = (reserved.get(group) ?? 0) + by;
    if (next > 0) reserved.set(group, next);
    else reserved.delete(group);
  }

  const release = ({ attributes }: ReceivedMessage) => count(attributes["MessageGroupId"] ?? "", -1);

  return {
    idle,
    reserve(group) {
      const [load] = idle;
      const free = (load?.free ?? 0) - all;
      if (load === undefined || free <= 0) return false;
      if (group !== "" && load.inFlight(group) + (reserved.get(group) ?? 0) >= groupLimit(free)) return false;
      count(group, 1);
      return true;
    },
    release,
    add: (message) => void messages.push(message),
    take(max) {
      const taken = messages.splice(0, max);
      for (const message of taken) release(message);
      return taken;
    },
  };
}

function groupHeadOf({ id, groupId, visibleAt }: Head, index: number) {
  return { id, index, group: groupId, order: visibleAt };
}

function receivedOf({ id, groupId, body, sentAt, receives }: Row): ReceivedMessage {
  return {
    id: String(id),
    receipt: `${id}/${receives}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      ...(groupId !== "" && { MessageGroupId: groupId }),
    },
  };
}
