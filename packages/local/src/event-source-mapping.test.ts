import { afterEach, expect, test, vi } from "vitest";
import {
  type GroupLoad,
  type MessageSource,
  type ReceivedMessage,
  startEventSourceMapping,
} from "./event-source-mapping.ts";

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
  const mapping = startEventSourceMapping({ name: "f", source, handler, timeoutS, batchSize: 10, slots: 1 });
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

/** A queue whose messages the test adds, and a function whose invocations the test ends. */
function openQueue(options: { batchSize: number; slots: number }) {
  const waiting: ReceivedMessage[] = [];
  const deleted: string[] = [];
  const loads: GroupLoad[] = [];
  let wake = () => {};
  const source: MessageSource = {
    async receive(max, signal, load) {
      loads.push(load!);
      while (waiting.length === 0 && !signal.aborted)
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve());
        });
      return waiting.splice(0, max);
    },
    async delete(receipts) {
      deleted.push(...receipts);
    },
  };
  const started: string[][] = [];
  const ends = new Map<string, () => void>();
  const handler = ({ Records }: { Records: { messageId: string }[] }) => {
    const ids = Records.map(({ messageId }) => messageId);
    started.push(ids);
    return new Promise<void>((resolve) => ends.set(ids[0]!, resolve));
  };
  const mapping = startEventSourceMapping({ name: "f", source, handler, timeoutS: 5, ...options });
  return {
    started,
    deleted,
    mapping,
    load: () => loads.at(-1)!,
    add(...ids: string[]) {
      waiting.push(
        ...ids.map((id) => ({ id, receipt: id, body: "{}", attributes: { MessageGroupId: id.replace(/\d+$/, "") } })),
      );
      wake();
    },
    end: (id: string) => ends.get(id)!(),
  };
}

test("a slot takes its next message as soon as it is free, while another invocation hangs", async () => {
  const queue = openQueue({ batchSize: 1, slots: 2 });
  queue.add("hanging1", "quick1", "quick2", "quick3");
  for (const id of ["quick1", "quick2", "quick3"]) {
    await vi.waitFor(() => expect(queue.started.flat()).toContain(id));
    queue.end(id);
  }
  await vi.waitFor(() => expect(queue.deleted).toEqual(["quick1", "quick2", "quick3"]));
  queue.end("hanging1");
  await queue.mapping.stop();
  expect(queue.deleted).toContain("hanging1");
});

test("a batch has at most batchSize messages, and no more invocations than slots run", async () => {
  const queue = openQueue({ batchSize: 2, slots: 2 });
  queue.add("a1", "a2", "a3", "a4", "a5");
  await vi.waitFor(() =>
    expect(queue.started).toEqual([
      ["a1", "a2"],
      ["a3", "a4"],
    ]),
  );
  queue.end("a3");
  await vi.waitFor(() => expect(queue.started).toHaveLength(3));
  for (const id of ["a1", "a5"]) queue.end(id);
  await queue.mapping.stop();
});

test("the load of a receive counts the messages of each group that the function handles, and the free slots", async () => {
  const queue = openQueue({ batchSize: 1, slots: 4 });
  queue.add("a1", "a2", "b1");
  await vi.waitFor(() => expect(queue.started).toHaveLength(3));
  const load = queue.load();
  expect([load.inFlight("a"), load.inFlight("b"), load.inFlight("c"), load.free]).toEqual([2, 1, 0, 1]);
  for (const id of ["a1", "a2", "b1"]) queue.end(id);
  await queue.mapping.stop();
  expect([load.inFlight("a"), load.free]).toEqual([0, 4]);
});
