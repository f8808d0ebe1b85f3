/** What a queue on a file promises beyond the suite of all queues (test/conformance). */
import { submitMessage } from "@mjflow/core/message";
import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { openDataFile } from "./data-file.ts";
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

test("who waits is woken by a message, and one message wakes one of two", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  const leave = new AbortController();
  const waiting = [submit.receive(10, leave.signal), submit.receive(10, leave.signal)];
  await queue.send([{ message }]);
  const first = await Promise.race(waiting);
  expect(first.map(({ body }) => JSON.parse(body))).toEqual([message]);
  leave.abort();
  expect((await Promise.all(waiting)).flat()).toHaveLength(1);
});

test("who is asked to go while waiting goes with nothing, and no message is lost with it", async () => {
  const { queue, submit, close } = open();
  cleanUp.push(close);
  const leave = new AbortController();
  const waiting = submit.receive(10, leave.signal);
  leave.abort();
  expect(await waiting).toEqual([]);
  await queue.send([{ message }]);
  expect(await submit.receive(10, never)).toHaveLength(1);
});

test("a message that killed its process is there again at once, one receive the poorer, until it is a dead letter", async () => {
  const dataDir = createTempFolder();
  for (const receives of ["1", "2"]) {
    const server = open(dataDir);
    if (receives === "1") await server.queue.send([{ message }]);
    const [received] = await server.submit.receive(10, never);
    expect(received!.attributes["ApproximateReceiveCount"]).toBe(receives);
    // As good as killed: nothing is deleted.
    await server.close();
  }
  const { submit, source, close } = open(dataDir);
  cleanUp.push(close);
  const leave = new AbortController();
  const waiting = submit.receive(10, leave.signal);
  expect(await source("dead-letters").receive(10, never)).toMatchObject([{ body: JSON.stringify(message) }]);
  leave.abort();
  expect(await waiting).toEqual([]);
});

test("an old receipt deletes nothing, not even once its message is a dead letter", async () => {
  const { queue, submit, source, depths, close } = open();
  cleanUp.push(close);
  await queue.send([{ message }]);
  const [old] = await submit.receive(1, never);
  now += VISIBILITY_MS;
  await submit.receive(1, never);
  await submit.delete([old!.receipt]);
  now += VISIBILITY_MS;
  const leave = new AbortController();
  const waiting = submit.receive(1, leave.signal);
  const [dead] = await source("dead-letters").receive(1, never);
  leave.abort();
  await waiting;
  expect(dead!.receipt).toBe(old!.receipt);
  await submit.delete([old!.receipt]);
  expect(await depths()).toContainEqual({ name: "dead-letters", waiting: 0, inFlight: 1, delayed: 0 });
});

test("a delay set by a clock that ran ahead is no longer than the longest there is", async () => {
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
