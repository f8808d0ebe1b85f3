/** One queue message for the presses of one image: each press is submitted, also if another one of the message fails. */
import { submitMessage } from "@mjflow/core/message";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const THEN = [{ press: "U1" }, { press: "U2" }, { press: "U3" }];

/** Ends the root with SUCCESS, so that its presses wait in the queue. */
async function pressed(harness: TestHarness, then: object[] = THEN) {
  const flow = await harness.start({ then } as never);
  await harness.drain();
  harness.vendor.finished.add(harness.vendor.calls[0]!.id);
  await harness.post(harness.vendor.calls[0]!, "SUCCESS");
  return flow;
}

const statuses = async (harness: TestHarness, flow: Awaited<ReturnType<typeof pressed>>) =>
  Object.fromEntries([...(await harness.read(flow)).tasks].map(([path, { status }]) => [path, status]));

describe("a message for several tasks", () => {
  test("submits all presses of an image with one message and one look at each row", async () => {
    const harness = createTestHarness();
    const flow = await pressed(harness);
    expect(harness.queue.depth().waiting).toBe(1);
    await harness.drain();
    expect(await statuses(harness, flow)).toEqual({
      "0": "SUCCESS",
      "0-0": "SUBMITTED",
      "0-1": "SUBMITTED",
      "0-2": "SUBMITTED",
    });
    expect(harness.queue.size).toBe(0);
  });

  test("submits the others if one of them fails, and then only the one that failed", async () => {
    const harness = createTestHarness();
    const flow = await pressed(harness);
    // The second save is the claim of the second press.
    harness.storeFault.arm("saveTask", "before", 1);
    await harness.drain();
    const before = harness.vendor.calls.length;
    expect(before).toBe(1 + 2);
    expect(harness.queue.size).toBe(1);
    harness.advance(600_001);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(before + 1);
    expect(Object.values(await statuses(harness, flow)).slice(1)).toEqual(["SUBMITTED", "SUBMITTED", "SUBMITTED"]);
  });

  test("a press that its vendor answers with busy comes again alone", async () => {
    const harness = createTestHarness();
    await pressed(harness);
    harness.vendor.next({ kind: "busy", reason: "23" });
    await harness.drain();
    harness.advance(harness.deps.timings.busyMs);
    const [record] = harness.queue.receive(10);
    const body = JSON.parse(record!.body);
    expect(body).toMatchObject({ ...submitMessage(harness.dump().flows[0]!.id, "0-0"), hops: 2 });
    expect(body).not.toHaveProperty("also");
  });

  test("a dead letter ends each of its tasks that nothing else continues", async () => {
    const harness = createTestHarness();
    const flow = await pressed(harness);
    const [record] = harness.queue.receive(10);
    harness.queue.delete(record!.receiptHandle);
    harness.advance(24 * 3_600_000);
    await harness.handleDeadLetter(JSON.parse(record!.body));
    expect(await statuses(harness, flow)).toEqual({
      "0": "SUCCESS",
      "0-0": "FAILURE",
      "0-1": "FAILURE",
      "0-2": "FAILURE",
    });
  });

  test("is sent unless a running version needs a message for each task", async () => {
    const harness = createTestHarness();
    const each = createTestHarness();
    Object.assign(each.deps, { fanOut: "each" });
    await pressed(each);
    expect(each.queue.depth().waiting).toBe(3);
    await pressed(harness);
    expect(harness.queue.depth().waiting).toBe(1);
  });
});
