import { afterEach, expect, test, vi } from "vitest";
import { type MessageSource, type ReceivedMessage, startEventSourceMapping } from "./event-source-mapping.ts";

/** A queue that returns one batch, then nothing, and records the deleted messages. */
function oneBatch(ids: readonly string[]) {
  const waiting = ids.map(
    (id): ReceivedMessage => ({ id, receipt: `receipt-${id}`, body: `{"id":"${id}"}`, attributes: {} }),
  );
  const deleted: string[] = [];
  const idle = Promise.withResolvers<void>();
  const source: MessageSource = {
    async receive(_max, signal) {
      if (waiting.length > 0) return waiting.splice(0);
      // The second call means that the previous batch is handled.
      idle.resolve();
      await new Promise((stopped) => signal.addEventListener("abort", stopped));
      return [];
    },
    async delete(receipts) {
      deleted.push(...receipts);
    },
  };
  return { source, deleted, handled: idle.promise };
}

afterEach(() => void vi.restoreAllMocks());

async function deliver(handler: (event: { Records: { messageId: string; body: string }[] }) => unknown, timeoutS = 5) {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { source, deleted, handled } = oneBatch(["a", "b", "c"]);
  const mapping = startEventSourceMapping({ name: "f", source, handler, timeoutS, batchSize: 10, pollers: 1 });
  await handled;
  await mapping.stop();
  return deleted;
}

test("successful messages are deleted, and messages reported as failed stay on the queue", async () => {
  expect(await deliver(() => ({ batchItemFailures: [{ itemIdentifier: "b" }] }))).toEqual(["receipt-a", "receipt-c"]);
  expect(await deliver(() => ({ batchItemFailures: [] }))).toHaveLength(3);
  expect(await deliver(() => undefined)).toHaveLength(3);
});

test("an exception, a timeout or an unknown id leaves the whole batch on the queue", async () => {
  expect(await deliver(() => Promise.reject(new Error("no")))).toEqual([]);
  expect(await deliver(() => ({ batchItemFailures: [{ itemIdentifier: "x" }] }))).toEqual([]);
  expect(await deliver(() => ({ batchItemFailures: [{}] }))).toEqual([]);
  expect(await deliver(() => new Promise(() => {}), 0.01)).toEqual([]);
});

test("the handler gets a copy of the event, so it cannot change the mapping's state", async () => {
  await deliver((event) => {
    expect(event.Records.map(({ messageId, body }) => [messageId, JSON.parse(body).id])).toEqual([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
    ]);
    event.Records.length = 0;
    return { batchItemFailures: [] };
  });
});
