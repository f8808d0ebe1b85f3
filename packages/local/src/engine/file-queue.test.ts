/** Tests of the file queue beyond the common queue tests (test/conformance). */
import { submitMessage } from "@mjflow/core/message";
import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { type FileOptions, openDataFile } from "./data-file.ts";
import { createFileQueues } from "./file-queue.ts";

const VISIBILITY_MS = 30_000;
const message = submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0");
const never = new AbortController().signal;

let now = Date.UTC(2026, 10, 21);
function open(dataDir?: string) {
  const file = openDataFile({ dataDir });
  const queues = createFileQueues({ file, visibilityMs: VISIBILITY_MS, maxReceiveCount: () => 2, now: () => now });
  return { ...queues, submit: queues.source("submit"), close: () => file.close() };
}

test("a message wakes the waiting receivers, and only one of two receivers gets it", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  const stop = new AbortController();
  const waiting = [submit.receive(10, stop.signal), submit.receive(10, stop.signal)];
  await queue.send([{ message }]);
  const first = await Promise.race(waiting);
  expect(first.map(({ body }) => JSON.parse(body))).toEqual([message]);
  stop.abort();
  expect((await Promise.all(waiting)).flat()).toHaveLength(1);
});

test("an aborted receive returns nothing and loses no message", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  const stop = new AbortController();
  const waiting = submit.receive(10, stop.signal);
  stop.abort();
  expect(await waiting).toEqual([]);
  await queue.send([{ message }]);
  expect(await submit.receive(10, never)).toHaveLength(1);
});

test("a message of a killed process is visible again immediately, its receive counts, and it ends in the dead-letter queue", async () => {
  const dataDir = createTempFolder();
  for (const receives of ["1", "2"]) {
    const server = open(dataDir);
    if (receives === "1") await server.queue.send([{ message }]);
    const [received] = await server.submit.receive(10, never);
    expect(received!.attributes["ApproximateReceiveCount"]).toBe(receives);
    // The process is simulated as killed: nothing is deleted.
    await server.close();
  }
  const { submit, source, close } = open(dataDir);
  cleanUp.push(close);
  const stop = new AbortController();
  const waiting = submit.receive(10, stop.signal);
  expect(await source("dead-letters").receive(10, never)).toMatchObject([{ body: JSON.stringify(message) }]);
  stop.abort();
  expect(await waiting).toEqual([]);
});

test("an old receipt deletes nothing, even after its message was moved to the dead-letter queue", async () => {
  const { queue, submit, source, depths, close } = open();
  cleanUp.push(close);
  await queue.send([{ message }]);
  const [old] = await submit.receive(1, never);
  now += VISIBILITY_MS;
  await submit.receive(1, never);
  await submit.delete([old!.receipt]);
  now += VISIBILITY_MS;
  const stop = new AbortController();
  const waiting = submit.receive(1, stop.signal);
  const [dead] = await source("dead-letters").receive(1, never);
  stop.abort();
  await waiting;
  expect(dead!.receipt).toBe(old!.receipt);
  await submit.delete([old!.receipt]);
  expect(await depths()).toContainEqual({ name: "dead-letters", waiting: 0, inFlight: 1, delayed: 0 });
});

const of = (group: string, path: string) => ({ message: submitMessage(message.flowId, path), group });
const pathsOf = (received: readonly { body: string }[]) => received.map(({ body }) => JSON.parse(body).path);

test("the group with the fewest messages in the consumer's slots comes first, then the oldest message", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  await queue.send([of("slow", "0-1"), of("slow", "0-2"), of("quiet", "0-3"), of("other", "0-4")]);
  const inFlight = (group: string) => ({ slow: 2, quiet: 1 })[group] ?? 0;
  expect(pathsOf(await submit.receive(10, never, { inFlight, free: 100 }))).toEqual(["0-4", "0-3", "0-1", "0-2"]);
});

test("a group at its limit waits until a slot is free, and other groups do not wait", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  await queue.send([of("slow", "0-1"), of("slow", "0-2")]);
  const load = { inFlight: (group: string) => (group === "slow" ? slow : 0), free: 6 };
  let slow = 2;
  const waiting = submit.receive(10, never, load);
  await queue.send([of("quiet", "0-3")]);
  expect(pathsOf(await waiting)).toEqual(["0-3"]);
  const next = submit.receive(10, never, load);
  slow = 1;
  submit.slotFreed!();
  expect(pathsOf(await next)).toEqual(["0-1"]);
});

test("a slot that becomes free while the receiver looks at the queue is not missed", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  await queue.send([of("slow", "0-1")]);
  let slow = 2;
  let looks = 0;
  const load = {
    inFlight: (group: string) => {
      looks++;
      return group === "slow" ? slow : 0;
    },
    free: 6,
  };
  const waiting = submit.receive(10, never, load);
  // The receiver has looked, and waits for its transaction. The slot becomes free before it waits for the next message.
  expect(looks).toBeGreaterThan(0);
  slow = 0;
  submit.slotFreed!();
  expect(pathsOf(await waiting)).toEqual(["0-1"]);
});

/** Lets a receiver look at the queue and wait. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a message for a waiting receiver is stored as received before the receiver gets it, without another look at the file", async () => {
  const dataDir = createTempFolder();
  const first = open(dataDir);
  const waiting = first.submit.receive(10, never, { inFlight: () => 0, free: 100 });
  await settled();
  await first.queue.send([of("app", "0-1")]);
  expect(await first.depths()).toContainEqual({ name: "submit", waiting: 0, inFlight: 1, delayed: 0 });
  const [received] = await waiting;
  expect(received).toMatchObject({ attributes: { ApproximateReceiveCount: "1", MessageGroupId: "app" } });
  // The process is simulated as killed: nothing is deleted.
  await first.close();
  const { submit, depths, close } = open(dataDir);
  cleanUp.push(close);
  const [again] = await submit.receive(10, never);
  expect(again!.attributes["ApproximateReceiveCount"]).toBe("2");
  await submit.delete([received!.receipt]);
  expect(await depths(), "the first receipt is outdated").toContainEqual(
    expect.objectContaining({ name: "submit", inFlight: 1 }),
  );
  await submit.delete([again!.receipt]);
  expect(await depths()).toContainEqual({ name: "submit", waiting: 0, inFlight: 0, delayed: 0 });
});

test("a waiting receiver gets a message when the sync of its sender has started, and does not wait for its end", async () => {
  const order: string[] = [];
  let end = () => {};
  const sync = ((_, done: (error: Error | null) => void) => {
    order.push("sync");
    end = () => done(null);
  }) as NonNullable<FileOptions["sync"]>;
  const file = openDataFile({ dataDir: createTempFolder(), sync });
  const queues = createFileQueues({ file, visibilityMs: VISIBILITY_MS, maxReceiveCount: () => 2, now: () => now });
  const received = queues.source("submit").receive(10, never);
  const acknowledged = file.together(() => queues.queue.send([{ message }])).then(() => order.push("acknowledged"));
  expect(await received).toHaveLength(1);
  order.push("received");
  end();
  await acknowledged;
  expect(order).toEqual(["sync", "received", "acknowledged"]);
  await file.close();
});

test("a waiting receiver gets no more messages of a group than its limit, and the others wait in the file", async () => {
  const { queue, submit, depths, close } = open();
  cleanUp.push(close);
  const load = { inFlight: (group: string) => (group === "slow" ? 1 : 0), free: 6 };
  const waiting = submit.receive(10, never, load);
  await settled();
  await queue.send([
    of("slow", "0-1"),
    of("slow", "0-2"),
    of("quiet", "0-3"),
    { ...of("later", "0-4"), delayMs: 1_000 },
  ]);
  expect(pathsOf(await waiting)).toEqual(["0-1", "0-3"]);
  expect(await depths()).toContainEqual({ name: "submit", waiting: 1, inFlight: 2, delayed: 1 });
});

test("messages that are handed over take no slot if they are not stored", async () => {
  const file = openDataFile();
  cleanUp.push(() => file.close());
  const { queue, source } = createFileQueues({
    file,
    visibilityMs: VISIBILITY_MS,
    maxReceiveCount: () => 2,
    now: () => now,
  });
  const stop = new AbortController();
  const waiting = source("submit").receive(1, stop.signal, { inFlight: () => 0, free: 1 });
  await settled();
  const undone = queue.send([of("app", "0-1")]);
  await expect(file.write(() => file.sql("INSERT INTO items (pk) VALUES ('no sort key')").run())).rejects.toThrow();
  await expect(undone).rejects.toThrow();
  await queue.send([of("app", "0-2")]);
  expect(pathsOf(await waiting)).toEqual(["0-2"]);
});

test("a message whose receiver was aborted after the send goes to the next receiver", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  const stop = new AbortController();
  const waiting = submit.receive(1, stop.signal);
  await settled();
  const sent = queue.send([of("app", "0-1")]);
  stop.abort();
  expect(await waiting).toEqual([]);
  await sent;
  expect(pathsOf(await submit.receive(1, never))).toEqual(["0-1"]);
});

test("messages without a group, as an earlier version sends them, are received in the order of sending", async () => {
  const dataDir = createTempFolder();
  const before = openDataFile({ dataDir });
  await before.write(() => {
    before.sql("DROP INDEX fair").run();
    before.sql("ALTER TABLE messages DROP COLUMN groupId").run();
    const insert = "INSERT INTO messages (queue, body, sentAt, visibleAt) VALUES ('submit', ?, ?, ?)";
    for (const path of ["0-1", "0-2"]) before.sql(insert).run(JSON.stringify({ ...message, path }), now, now);
  });
  await before.close();
  const { queue, submit, close } = open(dataDir);
  cleanUp.push(close);
  await queue.send([of("app", "0-3")]);
  const received = await submit.receive(10, never, { inFlight: () => 0, free: 100 });
  expect(pathsOf(received)).toEqual(["0-1", "0-2", "0-3"]);
  expect(received.map(({ attributes }) => attributes["MessageGroupId"])).toEqual([undefined, undefined, "app"]);
});

test("a delay set by a clock that was ahead is limited to the longest delay", async () => {
  const dataDir = createTempFolder();
  const [right, wrong] = [now, now + 24 * 3_600_000];
  now = wrong;
  const before = open(dataDir);
  await before.queue.send([{ message, delayMs: 60_000 }]);
  await before.close();
  now = right;
  const { submit, close } = open(dataDir);
  cleanUp.push(close);
  now += 900_000;
  expect(await submit.receive(1, never)).toHaveLength(1);
});

test("no statement of a receive reads a range of the queue, which would take longer with each message that waits", async () => {
  const file = openDataFile();
  cleanUp.push(() => file.close());
  const used = new Set<string>();
  const sql = (text: string) => {
    used.add(text);
    return file.sql(text);
  };
  const { queue, source } = createFileQueues({
    file: { ...file, sql },
    visibilityMs: VISIBILITY_MS,
    maxReceiveCount: () => 2,
    now: () => now,
  });
  await queue.send([
    { message, group: "a" },
    { message, group: "b" },
  ]);
  used.clear();
  const submit = source("submit");
  for (let receive = 0; receive < 2; receive++) {
    expect(await submit.receive(10, never)).toHaveLength(2);
    now += VISIBILITY_MS;
  }
  // The third receive moves both messages, and waits for others.
  const stop = new AbortController();
  const waiting = submit.receive(10, stop.signal);
  expect(await source("dead-letters").receive(10, never)).toHaveLength(2);
  stop.abort();
  await waiting;
  expect([...used].some((text) => text.startsWith("UPDATE messages SET queue = 'dead-letters'"))).toBe(true);

  const readsRange = (text: string) => {
    const plan = file.sql(`EXPLAIN QUERY PLAN ${text}`).all() as unknown as { detail: string }[];
    const isBounded = /\bmin\(|\bLIMIT 1\b/.test(text);
    return plan.some(({ detail }) => /SCAN messages|messages USING .*[<>]/.test(detail)) && !isBounded;
  };
  expect([...used].filter(readsRange)).toEqual([]);
  const all = "UPDATE messages SET receives = 0 WHERE queue = ? AND visibleAt <= ? AND receives >= ?";
  expect(readsRange(all)).toBe(true);
});
