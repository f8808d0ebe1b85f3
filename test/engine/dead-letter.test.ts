import { submitMessage } from "@mjflow/core/message";
import { discardDeadLetter, redriveDeadLetter, saveDeadLetter } from "@mjflow/engine/dead-letter";
import { consume } from "@mjflow/queue/consume";
import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const deadLetter = (messageId: string, body: string) => ({
  messageId,
  body,
  sentAt: Date.UTC(2026, 10, 21),
  receives: 5,
  why: "not JSON",
});

const SUBMIT = JSON.stringify(submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0"));

describe("dead-letter messages that cannot be parsed", () => {
  test("a message that is saved twice is stored once with its body, and the list is newest first", async () => {
    const { deps } = createTestHarness();
    await saveDeadLetter(deps, deadLetter("a", "{"));
    await saveDeadLetter(deps, deadLetter("a", "{"));
    await saveDeadLetter(deps, { ...deadLetter("b", '{"v":9}'), sentAt: Date.UTC(2026, 10, 22) });
    expect((await deps.store.listDeadLetters(10)).map(({ body }) => body)).toEqual(['{"v":9}', "{"]);
  });

  test("a message of a newer version is processed when it is redriven after the deployment of that version", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    const { deps, queue } = harness;
    while (queue.size > 0) for (const record of queue.receive(10)) queue.delete(record.receiptHandle);
    await saveDeadLetter(deps, deadLetter("a", JSON.stringify({ v: 1, type: "submit", flowId: flow.id, path: "0" })));
    const [kept] = await deps.store.listDeadLetters(10);
    expect(await redriveDeadLetter(deps, kept!.id)).toMatchObject({ state: "redriven" });
    expect(await deps.store.listDeadLetters(10)).toEqual([]);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("a redriven message has the group that it had, so that it does not delay other apps", async () => {
    const { deps, queue } = createTestHarness();
    await saveDeadLetter(deps, { ...deadLetter("a", SUBMIT), group: "app_a" });
    const [kept] = await deps.store.listDeadLetters(10);
    await redriveDeadLetter(deps, kept!.id);
    expect(queue.receive(1)[0]!.attributes).toMatchObject({ MessageGroupId: "app_a" });
  });

  test("a dead-letter message is redriven or discarded only once, and its state stays recorded", async () => {
    const { deps, queue } = createTestHarness();
    await saveDeadLetter(deps, deadLetter("a", "{"));
    const [kept] = await deps.store.listDeadLetters(10);
    expect(await discardDeadLetter(deps, kept!.id)).toMatchObject({ state: "dropped" });
    await expect(redriveDeadLetter(deps, kept!.id)).rejects.toMatchObject({ code: "wrong_state" });
    await expect(discardDeadLetter(deps, "2026_x")).rejects.toMatchObject({ code: "not_found" });
    expect((await deps.store.getDeadLetter(kept!.id))!.state).toBe("dropped");
    expect(queue.size).toBe(0);
  });

  test.each(["{", '{"v":9,"type":"submit"}', '{"v":1,"type":"newer"}'])(
    "a redrive of %s is refused, because this version cannot parse it either, and the message stays in the list",
    async (body) => {
      const { deps, queue } = createTestHarness();
      await saveDeadLetter(deps, deadLetter("a", body));
      const [kept] = await deps.store.listDeadLetters(10);
      await expect(redriveDeadLetter(deps, kept!.id)).rejects.toMatchObject({
        code: "wrong_state",
        message: expect.stringContaining("Deploy a version that can, or discard"),
      });
      expect(queue.size).toBe(0);
      expect(await deps.store.listDeadLetters(10)).toHaveLength(1);
    },
  );

  test("a redrive that crashes after sending leaves the message in the list, so that nothing is lost", async () => {
    const harness = createTestHarness();
    await saveDeadLetter(harness.deps, deadLetter("a", SUBMIT));
    const [kept] = await harness.deps.store.listDeadLetters(10);
    harness.storeFault.arm("saveDeadLetter", "before");
    await expect(redriveDeadLetter(harness.deps, kept!.id)).rejects.toThrow("crash");
    expect(harness.queue.size).toBe(1);
    expect(await harness.deps.store.listDeadLetters(10)).toHaveLength(1);
  });

  test("the submit worker leaves unparsable messages in the queue and processes the rest of the batch", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.queue.resend("{");
    await harness.queue.resend('{"v":2,"type":"submit"}');
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    expect(harness.queue.size).toBe(2);
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
  });
});

test("consume deletes an unparsable record only if onUnreadable has stored it", async () => {
  const { deps } = createTestHarness();
  const event = { Records: [{ messageId: "m1", body: "{", attributes: {} }] } as never;
  const handle = async () => {};
  const kept = await consume(event, handle, { log: deps.log, onUnreadable: async () => "done" as const });
  const lost = await consume(event, handle, {
    log: deps.log,
    onUnreadable: async () => Promise.reject(new Error("no table")),
  });
  expect([kept.batchItemFailures.length, lost.batchItemFailures.length]).toEqual([0, 1]);
});
