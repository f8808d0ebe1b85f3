/**
 * A queue in memory that behaves like SQS, with fair order between message groups. A received message that is not deleted returns after its visibility timeout, and
 * moves to the dead letters once it was received too often. The caller gives the clock, so a simulation can move the time.
 */
import type { Message } from "@mjflow/core/message";
import type { Queue } from "@mjflow/core/port";
import { delaySeconds } from "@mjflow/queue/delay";
import type { SQSRecord } from "@mjflow/queue/event";
import { nextGroup } from "@mjflow/queue/fair";

export interface MemoryQueueOptions {
  now: () => number;
  visibilityMs: number;
  maxReceiveCount: number;
}

export interface MemoryQueue extends Queue {
  /** Receives up to `max` records in the shape of a Lambda event: `consume({ Records: queue.receive(10) }, …)`. */
  receive(max?: number): SQSRecord[];
  /** Deletes a message and returns true if the receipt is its newest. An older receipt deletes nothing. */
  delete(receiptHandle: string): boolean;
  /** Counts as SQS does: a received message is in flight until it is deleted or its visibility timeout ends. */
  depth(): { waiting: number; inFlight: number; delayed: number };
  /** Number of messages in the queue, whether waiting, delayed or received; dead letters do not count. */
  readonly size: number;
  /** Messages that were received too often, oldest first. */
  readonly deadLetters: Message[];
  /** Time at which `receive` next returns a message, never in the past; undefined if the queue is empty. */
  nextVisibleAt(): number | undefined;
}

interface Entry {
  id: string;
  body: string;
  group: string;
  /** Number of the message, in the order of sending. */
  order: number;
  sentAt: number;
  visibleAt: number;
  receives: number;
  receipt?: string;
}

export function createMemoryQueue({ now, visibilityMs, maxReceiveCount }: MemoryQueueOptions): MemoryQueue {
  let entries: Entry[] = [];
  const deadLetters: Message[] = [];
  let sent = 0;

  /** Moves messages that were received too often. SQS moves one only when it would be received again. */
  function moveToDeadLetters(): void {
    const isSpent = (entry: Entry) => entry.receives >= maxReceiveCount && entry.visibleAt <= now();
    deadLetters.push(...entries.filter(isSpent).map((entry) => JSON.parse(entry.body) as Message));
    entries = entries.filter((entry) => !isSpent(entry));
  }

  function add(body: string, group = "", visibleAt: number): void {
    const order = ++sent;
    entries.push({ id: `message-${order}`, body, group, order, sentAt: now(), visibleAt, receives: 0 });
  }

  /** Chooses up to `max` visible messages in fair order; within a group, in the order in which they were sent. */
  function takeReady(max: number): Entry[] {
    const visible = entries.filter((entry) => entry.visibleAt <= now());
    const ready = Map.groupBy(visible, ({ group }) => group);
    const inFlight = new Map<string, number>();
    const count = (group: string) => inFlight.get(group) ?? 0;
    for (const { group, visibleAt, receives } of entries)
      if (receives > 0 && visibleAt > now()) inFlight.set(group, count(group) + 1);
    const taken: Entry[] = [];
    while (taken.length < max) {
      const heads = [...ready.values()].flatMap(([first]) => first ?? []);
      const next = nextGroup(heads, count);
      if (!next) break;
      taken.push(ready.get(next.group)!.shift()!);
      inFlight.set(next.group, count(next.group) + 1);
    }
    return taken;
  }

  return {
    async send(messages) {
      for (const { message, delayMs, group } of messages) {
        const visibleAt = now() + delaySeconds(delayMs) * 1_000;
        add(JSON.stringify(message), group, visibleAt);
      }
    },
    async resend(body, group) {
      add(body, group, now());
    },
    receive(max = 10) {
      moveToDeadLetters();
      return takeReady(max).map((entry) => {
        entry.receives++;
        entry.visibleAt = now() + visibilityMs;
        entry.receipt = `${entry.id}/${entry.receives}`;
        return recordOf(entry);
      });
    },
    delete(receiptHandle) {
      const before = entries.length;
      entries = entries.filter((entry) => entry.receipt !== receiptHandle);
      return entries.length < before;
    },
    depth() {
      moveToDeadLetters();
      const isHidden = (entry: Entry) => entry.visibleAt > now();
      const inFlight = entries.filter((entry) => isHidden(entry) && entry.receives > 0).length;
      const delayed = entries.filter((entry) => isHidden(entry) && entry.receives === 0).length;
      return { waiting: entries.length - inFlight - delayed, inFlight, delayed };
    },
    get size() {
      moveToDeadLetters();
      return entries.length;
    },
    get deadLetters() {
      moveToDeadLetters();
      return [...deadLetters];
    },
    nextVisibleAt() {
      moveToDeadLetters();
      if (entries.length === 0) return undefined;
      return Math.max(now(), Math.min(...entries.map((entry) => entry.visibleAt)));
    },
  };
}

function recordOf({ id, body, group, sentAt, receives, receipt }: Entry): SQSRecord {
  return {
    messageId: id,
    receiptHandle: receipt!,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      SenderId: "memory",
      ApproximateFirstReceiveTimestamp: String(sentAt),
      ...(group !== "" && { MessageGroupId: group }),
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:memory",
    awsRegion: "us-east-1",
  };
}
