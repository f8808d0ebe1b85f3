/** What mjflow relies on a queue for, as one suite: sending is the port's, receiving is what its consumers live with. */
import { QUEUE } from "@mjflow/core/limit";
import { type Message, submitMessage } from "@mjflow/core/message";
import type { Queue, QueueDepth } from "@mjflow/core/port";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newFlow } from "./factory.ts";

export interface QueueMaker extends Queue {
  receive(): Promise<{ body: string; receiptHandle: string; receives: number }[]>;
  delete(receiptHandle: string): Promise<void>;
  /** Lets the visibility timeout of what was received pass. */
  afterVisibility(): Promise<void>;
  depth(): Promise<Omit<QueueDepth, "name">>;
  deadLetters(): Promise<Message[]>;
  stop(): Promise<void>;
}

/** Each test gets its own queue, with three receives to a message. */
export const MAX_RECEIVES = 3;

export function queueCase(title: string, make: () => Promise<QueueMaker>): void {
  describe(`queue: ${title}`, () => {
    let queue: QueueMaker;
    const open = async () => {
      queue = await make();
    };
    const close = () => queue.stop();

    describe("messages", () => {
      beforeAll(open);
      afterAll(close);

      test("more than one request carries all arrive, each once", async () => {
        const sent = Array.from({ length: 25 }, (_, i) => submitMessage(newFlow().id, `0-${i}`));
        await queue.send(sent.map((message) => ({ message })));
        const seen: Message[] = [];
        for (let batch = await queue.receive(); batch.length > 0; batch = await queue.receive()) {
          expect(batch.length).toBeLessThanOrEqual(10);
          seen.push(...batch.map(({ body }) => JSON.parse(body) as Message));
          await Promise.all(batch.map(({ receiptHandle }) => queue.delete(receiptHandle)));
        }
        expect(seen.map(pathOf).sort()).toEqual(sent.map(pathOf).sort());
        await queue.afterVisibility();
        expect(await queue.receive()).toEqual([]);
      });

      // fauxqs refuses characters above U+FFFF, which SQS takes; messages of ours are ids and hold none.
      test("a body is sent again as it is", async () => {
        for (const body of ["{", '{"v":9,"type":"newer"}', "é\n\t"]) {
          await queue.resend(body);
          const [record] = await queue.receive();
          expect(record!.body).toBe(body);
          await queue.delete(record!.receiptHandle);
        }
      });

      test("its depth tells what waits, and what is with a worker until it is deleted", async () => {
        const messages = ["0", "1", "2"].map((path) => ({ message: submitMessage(newFlow().id, path) }));
        await queue.send(messages);
        expect(await queue.depth()).toEqual({ waiting: 3, inFlight: 0, delayed: 0 });
        const received = await queue.receive();
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 3, delayed: 0 });
        await Promise.all(received.map(({ receiptHandle }) => queue.delete(receiptHandle)));
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
      });

      test("sending nothing is no error", async () => {
        await queue.send([]);
        expect(await queue.receive()).toEqual([]);
      });
    });

    describe("a message that is never deleted", () => {
      beforeAll(open);
      afterAll(close);

      test("returns after its visibility timeout, and is a dead letter after its last receive", async () => {
        const message = submitMessage(newFlow().id, "0");
        await queue.send([{ message }]);
        for (let receives = 1; receives <= MAX_RECEIVES; receives++) {
          expect(await queue.receive()).toMatchObject([{ receives }]);
          expect(await queue.receive()).toEqual([]);
          await queue.afterVisibility();
        }
        expect(await queue.receive()).toEqual([]);
        expect(await queue.deadLetters()).toEqual([message]);
      });
    });

    describe("a delay", () => {
      beforeAll(open);
      afterAll(close);

      test("holds a message back, and one beyond what SQS allows is cut to that", async () => {
        const message = submitMessage(newFlow().id, "0");
        const tooLong = (QUEUE.submit.maxDelayS + 3_600) * 1_000;
        await queue.send([
          { message, delayMs: 60_000 },
          { message, delayMs: tooLong },
          { message, delayMs: 0 },
        ]);
        expect(await queue.receive()).toHaveLength(1);
        expect(await queue.receive()).toEqual([]);
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 1, delayed: 2 });
      });
    });
  });
}

function pathOf(message: Message): string {
  return "path" in message ? message.path : "";
}
