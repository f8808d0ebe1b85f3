/** Notifications of one invocation: held back, sent together, and never lost when the queue rejects them. */
import { type OutgoingMessage, outgoingNotification, submitMessage } from "@mjflow/core/message";
import { holdNotifications } from "@mjflow/engine/notification-batch";
import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

/** A batch of a stored flow, with the messages that reach the queue. */
async function batchOf(wait?: (ms: number) => Promise<void>) {
  const harness = createTestHarness();
  const { id } = await harness.start({ notifyHook: "https://app.test/hook" });
  const sent: OutgoingMessage[][] = [];
  const queue = {
    rejects: false,
    async send(messages: readonly OutgoingMessage[]) {
      if (this.rejects) throw new Error("rejected");
      sent.push([...messages]);
    },
  };
  const batch = holdNotifications({ ...harness.deps, queue }, wait);
  const notify = (subject: string) =>
    batch.deps.queue.send([outgoingNotification({ flowId: id }, subject, ["submitted"])]);
  return { harness, id, sent, queue, batch, notify };
}

describe("notifications of one invocation", () => {
  test("are sent at its end in one message, and other messages at once", async () => {
    const { sent, batch, notify, id } = await batchOf();
    await notify("0-0");
    await batch.deps.queue.send([{ message: submitMessage(id, "0") }, outgoingNotification({ flowId: id }, "0")]);
    expect(sent.map((messages) => messages.map(({ message }) => message.type))).toEqual([["submit", "tell"]]);
    await notify("0-1");
    await batch.send();
    expect(sent[1]).toMatchObject([{ message: { place: "0-0", also: [{ place: "0-1" }] } }]);
    await batch.send();
    expect(sent).toHaveLength(2);
  });

  test("are sent after a time although the invocation goes on", async () => {
    const waits = Promise.withResolvers<void>();
    const { sent, batch, notify } = await batchOf(() => waits.promise);
    await notify("0-0");
    await notify("0-1");
    expect(sent).toEqual([]);
    waits.resolve();
    await expect.poll(() => sent.length).toBe(1);
    await notify("0-2");
    await batch.send();
    expect(sent.flat()).toMatchObject([
      { message: { place: "0-0", also: [{ place: "0-1" }] } },
      { message: { place: "0-2" } },
    ]);
  });

  test("that the queue rejects fail the invocation, and the flow is due soon", async () => {
    const { harness, batch, notify, queue, id } = await batchOf();
    queue.rejects = true;
    await notify("0");
    await expect(batch.send()).rejects.toThrow("rejected");
    const { flow } = await harness.deps.store.load(id, []);
    expect(flow!.due).toBe(harness.deps.clock.now() + harness.deps.timings.effectsMs);
  });

  test("that the queue rejects while the invocation goes on fail it at its end", async () => {
    const { batch, notify, queue } = await batchOf(async () => {});
    queue.rejects = true;
    await notify("0");
    await expect(batch.send()).rejects.toThrow("rejected");
  });

  test("are held back once, also by steps inside of it", async () => {
    const { sent, batch, notify } = await batchOf();
    const inner = holdNotifications(batch.deps);
    expect(inner.deps).toBe(batch.deps);
    await notify("0");
    await inner.send();
    expect(sent).toEqual([]);
  });
});
