/** Conformance suite of queues: sending as in the port `Queue`, and what the workers rely on when they receive. */
import { QUEUE } from "@mjflow/core/limit";
import { type Message, submitMessage } from "@mjflow/core/message";
import type { Queue, QueueDepth } from "@mjflow/core/port";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newFlow } from "./factory.ts";

export interface QueueMaker extends Queue {
  receive(): Promise<{ body: string; receiptHandle: string; receives: number }[]>;
  delete(receiptHandle: string): Promise<void>;
  /** Waits until the visibility timeout of received messages has ended. */
  afterVisibility(): Promise<void>;
  depth(): Promise<Omit<QueueDepth, "name">>;
  deadLetters(): Promise<Message[]>;
  stop(): Promise<void>;
}

/** Number of receives after which a message becomes a dead letter. Each describe block has its own queue. */
export const MAX_RECEIVES = 3;

/** @param isFair false for an engine whose order between groups is not ours */
export function queueCase(title: string, make: () => Promise<QueueMaker>, { isFair = true } = {}): void {
  describe(`queue: ${title}`, () => {
    let queue: QueueMaker;
    const open = async () => {
      queue = await make();
    };
    const close = () => queue.stop();

    describe("messages of the queue", () => {
      beforeAll(open);
      afterAll(close);

      test("all of 25 messages arrive, each once, although one request carries fewer", async () => {
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

      test("messages with a group arrive, also with a delay of zero, and keep their bodies", async () => {
        const messages = ["0", "0-0"].map((path) => submitMessage(newFlow().id, path));
        await queue.send(messages.map((message) => ({ message, group: "cometapi/default", delayMs: 0 })));
        const received = await queue.receive();
        expect(received.map(({ body }) => pathOf(JSON.parse(body))).sort()).toEqual(["0", "0-0"]);
        for (const { receiptHandle } of received) await queue.delete(receiptHandle);
      });

      test.runIf(isFair)("one message of a quiet group comes before the backlog of a busy one", async () => {
        const busy = Array.from({ length: 15 }, (_, i) => ({
          message: submitMessage(newFlow().id, `0-${i}`),
          group: "busy",
        }));
        await queue.send([...busy, { message: submitMessage(newFlow().id, "0-quiet"), group: "quiet" }]);
        const received = await queue.receive();
        const paths = received.map(({ body }) => pathOf(JSON.parse(body)));
        expect(paths).toHaveLength(10);
        expect(paths).toContain("0-quiet");
        const rest = await queue.receive();
        for (const { receiptHandle } of [...received, ...rest]) await queue.delete(receiptHandle);
        expect(rest).toHaveLength(6);
      });

      // fauxqs rejects characters above U+FFFF, which SQS accepts. Our messages contain only ids and no such characters.
      test("a body that is sent again arrives unchanged", async () => {
        for (const body of ["{", '{"v":9,"type":"newer"}', "é\n\t"]) {
          await queue.resend(body);
          const [record] = await queue.receive();
          expect(record!.body).toBe(body);
          await queue.delete(record!.receiptHandle);
        }
      });

      test("the depth counts waiting messages, and received ones as in flight until they are deleted", async () => {
        const messages = ["0", "1", "2"].map((path) => ({ message: submitMessage(newFlow().id, path) }));
        await queue.send(messages);
        expect(await queue.depth()).toEqual({ waiting: 3, inFlight: 0, delayed: 0 });
        const received = await queue.receive();
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 3, delayed: 0 });
        await Promise.all(received.map(({ receiptHandle }) => queue.delete(receiptHandle)));
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
      });

      test("sending no message is no error", async () => {
        await queue.send([]);
        expect(await queue.receive()).toEqual([]);
      });
    });

    describe("messages that are never deleted", () => {
      beforeAll(open);
      afterAll(close);

      test("a message returns after its visibility timeout, and is a dead letter after its last receive", async () => {
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

    describe("delays of messages", () => {
      beforeAll(open);
      afterAll(close);

      test("a delayed message is not received yet, and a delay above the limit of SQS is shortened", async () => {
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
