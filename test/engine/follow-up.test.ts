/** Follow-ups without a row: the submit worker stores each of them together with its claim (docs/decisions/0069). */
import type { Message } from "@mjflow/core/message";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { cancelFlow } from "@mjflow/engine/cancel";
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const THEN = [{ press: "U1" }, { press: "U2" }];

/** A flow whose imagine has ended, at an account that is known to send callbacks. Its follow-ups wait in one message. */
async function withFollowUps(then: object[] = THEN, options: Parameters<typeof createTestHarness>[0] = {}) {
  const harness = createTestHarness(options);
  await harness.start();
  await harness.finishAll();
  const flow = await harness.start({ then } as never);
  await harness.drain();
  await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
  const submitted = harness.vendor.calls.length;
  return { harness, flow, submitted, message: messageIn(harness) };
}

/** Takes the only message out of the queue and puts it back. */
function messageIn(harness: TestHarness): Message {
  const [record, ...more] = harness.queue.receive(10);
  expect(more).toEqual([]);
  harness.queue.delete(record!.receiptHandle);
  const message = JSON.parse(record!.body) as Message;
  harness.queue.send([{ message }]);
  return message;
}

function lose(harness: TestHarness): void {
  for (const { receiptHandle } of harness.queue.receive(10)) harness.queue.delete(receiptHandle);
}

async function tasksOf(harness: TestHarness, flow: { id: string }): Promise<Task[]> {
  return (await harness.deps.store.loadFlow(flow.id)).tasks.filter(({ path }) => path !== "0");
}

const statuses = async (harness: TestHarness, flow: { id: string }) =>
  (await tasksOf(harness, flow)).map(({ path, status }) => `${path} ${status}`);

describe("a follow-up of a task that its flow covers", () => {
  test("has no row until a worker claims it, and the claim is its first write", async () => {
    const { harness, flow } = await withFollowUps();
    expect(await tasksOf(harness, flow)).toEqual([]);
    const parentEndedAt = harness.deps.clock.now();
    harness.advance(20_000);
    await harness.drain();
    const tasks = await tasksOf(harness, flow);
    // The claim and the acceptance.
    for (const task of tasks) expect(task).toMatchObject({ status: "SUBMITTED", rev: 2, createdAt: parentEndedAt });
    expect(tasks).toHaveLength(2);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("is shown as a planned step, and its flow runs", async () => {
    const { harness, flow } = await withFollowUps();
    const { status, flow: row } = await harness.read(flow);
    expect([status, row.status]).toEqual(["running", "running"]);
  });

  test("is submitted once by two workers that get copies of its message at the same time", async () => {
    const { harness, flow, submitted, message } = await withFollowUps();
    await Promise.all([handleSubmitMessage(harness.deps, message), handleSubmitMessage(harness.deps, message)]);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(submitted + 2);
    expect(await statuses(harness, flow)).toEqual(["0-0 SUBMITTED", "0-1 SUBMITTED"]);
  });

  test("is submitted by the sweeper if its message is lost", async () => {
    const { harness, flow, submitted } = await withFollowUps();
    lose(harness);
    harness.advance((await harness.read(flow)).flow.due! - harness.deps.clock.now());
    await harness.sweep();
    await harness.finishAll();
    expect(harness.vendor.calls).toHaveLength(submitted + 2);
    expect((await harness.read(flow)).flow.status).toBe("completed");
  });

  test("is not sent a second time by the sweeper while the submit queue is late", async () => {
    const { harness, flow, submitted, message } = await withFollowUps();
    const { queueDepths } = harness.deps;
    const late = async () => [{ name: "submit" as const, waiting: 1_000, inFlight: 0, delayed: 0 }];
    Object.assign(harness.deps, { queueDepths: late });
    harness.advance((await harness.read(flow)).flow.due! - harness.deps.clock.now());
    await harness.sweep();
    expect([harness.queue.depth().waiting, await tasksOf(harness, flow)]).toEqual([1, []]);
    lose(harness);
    // A message that is older than a task may wait is lost.
    harness.advance(TIMINGS.pendingMs.fast);
    await harness.sweep();
    expect(harness.queue.depth().waiting).toBe(1);
    Object.assign(harness.deps, { queueDepths });
    await handleSubmitMessage(harness.deps, message);
    await harness.finishAll();
    expect(harness.vendor.calls).toHaveLength(submitted + 2);
    expect((await harness.read(flow)).flow.status).toBe("completed");
  });

  test("ends when its flow is canceled, and its message submits nothing", async () => {
    const { harness, flow, submitted } = await withFollowUps();
    await cancelFlow(harness.deps, "app_a", flow.id);
    expect(await statuses(harness, flow)).toEqual(["0-0 CANCEL", "0-1 CANCEL"]);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(submitted);
    expect((await harness.read(flow)).flow.status).toBe("canceled");
  });

  test("ends by its message if the process that canceled its flow crashed before", async () => {
    const { harness, flow, submitted } = await withFollowUps();
    harness.storeFault.arm("createTask", "before");
    await expect(cancelFlow(harness.deps, "app_a", flow.id)).rejects.toThrow("crash");
    expect(await tasksOf(harness, flow)).toEqual([]);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(submitted);
    expect((await harness.read(flow)).status).toBe("canceled");
  });

  test("enters the wait list of a busy account by its first write", async () => {
    const { harness, flow } = await withFollowUps([{ press: "U1" }]);
    harness.vendor.next({ kind: "busy", reason: "23" });
    await harness.start();
    await harness.drain();
    const [task] = await tasksOf(harness, flow);
    expect(task).toMatchObject({ status: "PENDING", waits: "busy" });
    harness.advance(TIMINGS.busyMaxMs);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("is stored by the claim of the second worker if the first one could not store it", async () => {
    const { harness, flow, submitted } = await withFollowUps();
    harness.storeFault.arm("createTask", "before", 1);
    await harness.drain();
    expect(await statuses(harness, flow)).toEqual(["0-0 SUBMITTED"]);
    harness.advance(600_001);
    await harness.drain();
    expect(await statuses(harness, flow)).toEqual(["0-0 SUBMITTED", "0-1 SUBMITTED"]);
    expect(harness.vendor.calls).toHaveLength(submitted + 2);
  });

  test("is left to the sweeper by the dead-letter handler while its flow is due later", async () => {
    const { harness, flow, submitted, message } = await withFollowUps();
    lose(harness);
    await harness.handleDeadLetter(message);
    expect(await tasksOf(harness, flow)).toEqual([]);
    expect(harness.log.filter((line) => line.includes("dead-letter.task-continues"))).toHaveLength(2);
    harness.advance((await harness.read(flow)).flow.due! - harness.deps.clock.now());
    await harness.sweep();
    await harness.finishAll();
    expect(harness.vendor.calls).toHaveLength(submitted + 2);
  });

  test("does not wait longer for the buttons of its parent because its message comes again", async () => {
    const { harness, flow, submitted } = await withFollowUps([{ press: "U1" }]);
    const parent = (await harness.read(flow)).tasks.get("0")!;
    const { buttons: _, ...result } = parent.result!;
    await harness.deps.store.saveTask({ ...parent, result });
    await harness.drain();
    // It is stored when it has to wait.
    expect(await statuses(harness, flow)).toEqual(["0-0 PENDING"]);
    for (let i = 0; i < 60 && (await harness.read(flow)).status === "running"; i++) {
      await harness.drain();
      await harness.sweep();
      harness.advance(30_000);
    }
    const [task] = await tasksOf(harness, flow);
    expect(task).toMatchObject({ status: "FAILURE", failure: { code: "buttons_unknown" } });
    expect(task!.endedAt! - parent.endedAt!).toBeLessThan(TIMINGS.parentMs + 60_000);
    expect(harness.vendor.calls).toHaveLength(submitted);
  });
});

describe("a follow-up is stored before its message", () => {
  test("if a version may run beside that does not know follow-ups without a row", async () => {
    const harness = createTestHarness();
    Object.assign(harness.deps, { fanOut: "each" });
    await harness.start();
    await harness.finishAll();
    const flow = await harness.start({ then: THEN } as never);
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    expect(await statuses(harness, flow)).toEqual(["0-0 PENDING", "0-1 PENDING"]);
  });

  test("if the due time of the flow does not cover its parent, because its account may send no callbacks", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: THEN } as never);
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    expect(await statuses(harness, flow)).toEqual(["0-0 PENDING", "0-1 PENDING"]);
  });

  test("a message for a path that the plan does not have submits nothing", async () => {
    const { harness, submitted, message } = await withFollowUps();
    lose(harness);
    await handleSubmitMessage(harness.deps, { ...message, path: "0-7", also: undefined } as never);
    await handleSubmitMessage(harness.deps, { ...message, path: "0-0-0", also: undefined } as never);
    expect(harness.vendor.calls).toHaveLength(submitted);
    expect(harness.log.filter((line) => line.includes("submit.no-such-task"))).toHaveLength(2);
  });
});
