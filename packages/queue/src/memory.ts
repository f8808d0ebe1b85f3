/**
 * A queue in memory with SQS's manners: what is received and not deleted comes back after its visibility timeout, and
 * becomes a dead letter once it was received too often. Time is the caller's clock, so a simulation moves it by hand.
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
  /** Up to `max` records, in the shape a Lambda gets them: `consume({ Records: queue.receive(10) }, …)`. */
  receive(max?: number): SQSRecord[];
  /** True when the receipt was the newest of its message; an older one deletes nothing. */
  delete(receiptHandle: string): boolean;
  /** As SQS counts them: what was received is in flight until it is deleted or comes back. */
  depth(): { waiting: number; inFlight: number; delayed: number };
  /** Messages not deleted and not dead: waiting, delayed or received. */
  readonly size: number;
  /** What was received too often, oldest first. */
  readonly deadLetters: Message[];
  /** When `receive` next has something; undefined when the queue is empty. Never in the past. */
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
  const dead: Message[] = [];
  let count = 0;

  /** SQS moves a message when it would be received once too often, not when its last try ends. */
  function bury(): void {
    const isSpent = (entry: Entry) => entry.receives >= maxReceiveCount && entry.visibleAt <= now();
    dead.push(...entries.filter(isSpent).map((entry) => JSON.parse(entry.body) as Message));
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
      bury();
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
      bury();
      const isHidden = (entry: Entry) => entry.visibleAt > now();
      const inFlight = entries.filter((entry) => isHidden(entry) && entry.receives > 0).length;
      const delayed = entries.filter((entry) => isHidden(entry) && entry.receives === 0).length;
      return { waiting: entries.length - inFlight - delayed, inFlight, delayed };
    },
    get size() {
      bury();
      return entries.length;
    },
    get deadLetters() {
      bury();
      return [...dead];
    },
    nextVisibleAt() {
      bury();
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
