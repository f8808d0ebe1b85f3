import { afterEach, expect, test, vi } from "vitest";
import { type MessageSource, type ReceivedMessage, startEventSourceMapping } from "./event-source-mapping.ts";

/** A queue that gives one batch, then nothing, and remembers what was deleted. */
function oneBatch(ids: readonly string[]) {
  const waiting = ids.map(
    (id): ReceivedMessage => ({ id, receipt: `receipt-${id}`, body: `{"id":"${id}"}`, attributes: {} }),
  );
  const deleted: string[] = [];
  const idle = Promise.withResolvers<void>();
  const source: MessageSource = {
    async receive(_max, signal) {
      if (waiting.length > 0) return waiting.splice(0);
      // Asked again means that the batch before is dealt with.
      idle.resolve();
      await new Promise((stopped) => signal.addEventListener("abort", stopped));
      return [];
    },
    async delete(receipts) {
      deleted.push(...receipts);
    },
  };
  return { source, deleted, dealtWith: idle.promise };
}

afterEach(() => void vi.restoreAllMocks());

async function deliver(handler: (event: { Records: { messageId: string; body: string }[] }) => unknown, timeoutS = 5) {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { source, deleted, dealtWith } = oneBatch(["a", "b", "c"]);
  const mapping = startEventSourceMapping({ name: "f", source, handler, timeoutS, batchSize: 10, pollers: 1 });
  await dealtWith;
  await mapping.stop();
  return deleted;
}

test("what succeeded is deleted; what is reported as failed stays", async () => {
  expect(await deliver(() => ({ batchItemFailures: [{ itemIdentifier: "b" }] }))).toEqual(["receipt-a", "receipt-c"]);
  expect(await deliver(() => ({ batchItemFailures: [] }))).toHaveLength(3);
  expect(await deliver(() => undefined)).toHaveLength(3);
});

test("a throw, a timeout or an id that is none of the batch's leaves all of it", async () => {
  expect(await deliver(() => Promise.reject(new Error("no")))).toEqual([]);
  expect(await deliver(() => ({ batchItemFailures: [{ itemIdentifier: "x" }] }))).toEqual([]);
  expect(await deliver(() => ({ batchItemFailures: [{}] }))).toEqual([]);
  expect(await deliver(() => new Promise(() => {}), 0.01)).toEqual([]);
});

test("events cross a JSON boundary: a handler cannot reach into the mapping", async () => {
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
