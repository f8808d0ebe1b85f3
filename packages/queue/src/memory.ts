/**
 * A queue in memory that behaves like SQS. A received message that is not deleted returns after its visibility timeout, and
 * moves to the dead letters once it was received too often. The caller gives the clock, so a simulation can move the time.
 */
import type { Message } from "@mjflow/core/message";
import type { Queue } from "@mjflow/core/port";
import { delaySeconds } from "./delay.ts";
import type { SQSRecord } from "./event.ts";

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
  sentAt: number;
  visibleAt: number;
  receives: number;
  receipt?: string;
}

export function createMemoryQueue({ now, visibilityMs, maxReceiveCount }: MemoryQueueOptions): MemoryQueue {
  let entries: Entry[] = [];
  const deadLetters: Message[] = [];
  let count = 0;

  /** Moves messages that were received too often. SQS moves one only when it would be received again. */
  function moveToDeadLetters(): void {
    const isSpent = (entry: Entry) => entry.receives >= maxReceiveCount && entry.visibleAt <= now();
    deadLetters.push(...entries.filter(isSpent).map((entry) => JSON.parse(entry.body) as Message));
    entries = entries.filter((entry) => !isSpent(entry));
  }

  return {
    async send(messages) {
      for (const { message, delayMs } of messages) {
        const visibleAt = now() + delaySeconds(delayMs) * 1_000;
        const body = JSON.stringify(message);
        entries.push({ id: `message-${++count}`, body, sentAt: now(), visibleAt, receives: 0 });
      }
    },
    async resend(body) {
      entries.push({ id: `message-${++count}`, body, sentAt: now(), visibleAt: now(), receives: 0 });
    },
    receive(max = 10) {
      moveToDeadLetters();
      const ready = entries.filter((entry) => entry.visibleAt <= now()).slice(0, max);
      return ready.map((entry) => {
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

function recordOf({ id, body, sentAt, receives, receipt }: Entry): SQSRecord {
  return {
    messageId: id,
    receiptHandle: receipt!,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      SenderId: "memory",
      ApproximateFirstReceiveTimestamp: String(sentAt),
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:memory",
    awsRegion: "us-east-1",
  };
}
