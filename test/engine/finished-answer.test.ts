/** A response to a submission that shows the end of the task already. */
import type { SubmitOutcome } from "@mjflow/core/port";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const DONE: SubmitOutcome = {
  kind: "accepted",
  vendorTaskId: "picture-1",
  existing: true,
  report: { status: "SUCCESS", result: { imageUrl: "https://img.test/1.png", buttons: [] } },
};

test("the task ends with the response, without a look-up, and its plan goes on", async () => {
  const harness = createTestHarness();
  harness.vendor.next({ ...DONE, report: { ...DONE.report!, result: { imageUrl: "https://img.test/1.png" } } });
  const flow = await harness.start({ then: [{ press: "tile:1" }] });
  await harness.drain();
  const { tasks, status } = await harness.read(flow);
  expect(tasks.get("0")).toMatchObject({ status: "SUCCESS", vendorTaskId: "picture-1", attempt: 1 });
  expect([status, harness.vendor.lookups]).toEqual(["completed", []]);
});

test("a response that shows a running task is an acceptance", async () => {
  const harness = createTestHarness();
  harness.vendor.next({ ...DONE, report: { status: "IN_PROGRESS", result: {} } });
  const flow = await harness.start();
  await harness.drain();
  expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUBMITTED", vendorTaskId: "picture-1" });
});

test("if the table refuses the end, the queue keeps the vendor's id and a look-up finds the end", async () => {
  const harness = createTestHarness();
  harness.vendor.next((call) => {
    harness.storeFault.arm("saveTask", "before");
    return { ...DONE, vendorTaskId: call.id };
  });
  const flow = await harness.start();
  await harness.drain();
  expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ vendorTaskId: harness.vendor.calls[0]!.id });
  harness.vendor.holds(harness.vendor.calls[0]!, "SUCCESS");
  harness.advance(harness.deps.timings.quietMs.fast);
  await harness.sweep();
  await harness.drain();
  expect((await harness.read(flow)).status).toBe("completed");
  expect(harness.vendor.calls).toHaveLength(1);
});

test("a callback during the call and another one later change nothing: one end, one event of each kind", async () => {
  const harness = createTestHarness();
  const body = JSON.stringify({ vendorTaskId: DONE.vendorTaskId, status: "SUCCESS", result: DONE.report!.result });
  const callBack = () => {
    const [call] = harness.vendor.calls;
    return harness.postRaw(call!.context.notifyHook.split("/callbacks/")[1]!, body);
  };
  harness.vendor.next(async () => {
    await callBack();
    return DONE;
  });
  const flow = await harness.start({ notifyHook: "https://app.test/hook" });
  await harness.drain();
  await callBack();
  await harness.drain();
  const types = harness.receiver.posts.map((post) => post.body.type).sort();
  expect(types).toEqual(["flow.completed", "task.completed"]);
  expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS", endedBy: 1 });
  expect(harness.vendor.calls).toHaveLength(1);
});
