/** Tasks of a wait list that its dispatcher hands over to other workers (docs/decisions/0070). */
import { outgoingHandOver, parseMessage, type SubmitMessage } from "@mjflow/core/message";
import { TIMINGS } from "@mjflow/core/timing";
import { cancelFlow } from "@mjflow/engine/cancel";
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const REF = { provider: "fake", account: "default" };

/** A flow that waits in the list of its busy account, whose pause has just ended, and the message that hands it over. */
async function handedOver() {
  const harness = createTestHarness();
  harness.vendor.next({ kind: "busy", reason: "23" });
  const flow = await harness.start();
  await harness.drain();
  for (const { receiptHandle } of harness.queue.receive(10)) harness.queue.delete(receiptHandle);
  harness.advance(TIMINGS.busyMaxMs);
  for (const { receiptHandle } of harness.queue.receive(10)) harness.queue.delete(receiptHandle);
  expect(await entriesOf(harness)).toHaveLength(1);
  const [{ message } = expect.fail()] = outgoingHandOver(REF, [{ flowId: flow.id, path: "0" }]);
  return { harness, flow, message: message as SubmitMessage, calls: harness.vendor.calls.length };
}

const entriesOf = ({ deps }: TestHarness) => deps.store.listWaiting(REF.provider, REF.account, { limit: 10 });

test("the message of tasks that are handed over names the account, and is read back as it was sent", () => {
  const entries = ["0-0", "0-1"].map((path) => ({ flowId: "flow_01HZZZZZZZZZZZZZZZZZZZZZZA", path }));
  const sent = outgoingHandOver(REF, entries).map(({ message }) => message);
  expect(sent).toMatchObject([{ path: "0-0", also: ["0-1"], handedOver: REF }]);
  expect(parseMessage(JSON.stringify(sent[0]))).toEqual(sent[0]);
  expect(outgoingHandOver(REF, entries, "each")).toHaveLength(2);
  expect(parseMessage(JSON.stringify({ ...sent[0], handedOver: "all" }))).not.toHaveProperty("handedOver");
});

describe("a worker that gets a task of a wait list", () => {
  test("submits it and removes its entry", async () => {
    const { harness, flow, message, calls } = await handedOver();
    await handleSubmitMessage(harness.deps, message);
    expect(harness.vendor.calls).toHaveLength(calls + 1);
    expect([(await harness.read(flow)).tasks.get("0")!.status, await entriesOf(harness)]).toEqual(["SUBMITTED", []]);
  });

  test("makes one call for two copies of the message", async () => {
    const { harness, message, calls } = await handedOver();
    await Promise.all([handleSubmitMessage(harness.deps, message), handleSubmitMessage(harness.deps, message)]);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(calls + 1);
  });

  test("does not ask an account that has been busy since, and leaves the task in its place", async () => {
    const { harness, message, calls } = await handedOver();
    const before = await entriesOf(harness);
    await harness.deps.accounts.recordOutcome(REF.provider, REF.account, { fault: "busy" }, undefined);
    await handleSubmitMessage(harness.deps, message);
    expect(harness.vendor.calls).toHaveLength(calls);
    expect(await entriesOf(harness)).toEqual(before);
  });

  test("puts a task back in its place if the account is busy", async () => {
    const { harness, flow, message } = await handedOver();
    const before = await entriesOf(harness);
    harness.vendor.next({ kind: "busy", reason: "23" });
    await handleSubmitMessage(harness.deps, message);
    expect(await entriesOf(harness)).toEqual(before);
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "PENDING", waits: "busy" });
    harness.advance(TIMINGS.busyMaxMs);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("submits it when its message comes again after a crash between the removal of the entry and the claim", async () => {
    const { harness, message, calls } = await handedOver();
    harness.storeFault.arm("saveTask", "before");
    await expect(handleSubmitMessage(harness.deps, message)).rejects.toThrow("crash");
    expect([harness.vendor.calls.length, await entriesOf(harness)]).toEqual([calls, []]);
    await handleSubmitMessage(harness.deps, message);
    expect(harness.vendor.calls).toHaveLength(calls + 1);
  });

  test("leaves a task whose message is lost to the next dispatcher", async () => {
    const { harness, flow, calls } = await handedOver();
    harness.advance(60_000);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(calls + 1);
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
  });

  test("submits nothing of a canceled flow, and not again what another worker has submitted", async () => {
    const canceled = await handedOver();
    await cancelFlow(canceled.harness.deps, "app_a", canceled.flow.id);
    await handleSubmitMessage(canceled.harness.deps, canceled.message);
    expect(canceled.harness.vendor.calls).toHaveLength(canceled.calls);
    const { harness, message, calls } = await handedOver();
    await handleSubmitMessage(harness.deps, message);
    await handleSubmitMessage(harness.deps, message);
    expect(harness.vendor.calls).toHaveLength(calls + 1);
  });
});
