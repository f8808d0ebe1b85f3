/** Tests of the file queue beyond the common queue tests (test/conformance). */
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
