/** The concurrency limit: an account never runs more of our tasks, and no wrong slot blocks it permanently. */
import type { Flow } from "@mjflow/core/flow";
import { TIMINGS } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const withLimit = (maxRunning = 2) => createTestHarness({ accounts: { fake: { a: { maxRunning } } } });
const MINUTE = 60_000;

async function startMany(harness: TestHarness, count: number): Promise<Flow[]> {
  const flows: Flow[] = [];
  for (let i = 0; i < count; i++) flows.push(await harness.start());
  await harness.drain();
  return flows;
}

/** Lets time pass and processes what is due. */
async function wait(harness: TestHarness, ms: number): Promise<void> {
  for (let waited = 0; waited < ms; waited += MINUTE / 4) {
    harness.advance(MINUTE / 4);
    await harness.sweep();
    await harness.drain();
  }
}

const running = (harness: TestHarness) =>
  harness.dump().tasks.filter(({ status }) => !["PENDING", "SUCCESS", "FAILURE", "EXPIRED"].includes(status)).length;

describe("concurrency limit", () => {
  test("the limit is never exceeded, and each ended task makes room for the next one until all are done", async () => {
    const harness = withLimit(2);
    const flows = await startMany(harness, 7);
    expect(harness.vendor.calls).toHaveLength(2);
    for (let i = 0; i < 40 && harness.vendor.finished.size < 7; i++) {
      expect(running(harness)).toBeLessThanOrEqual(2);
      for (const call of harness.vendor.calls.filter(({ id }) => !harness.vendor.finished.has(id))) {
        harness.vendor.finished.add(call.id);
        await harness.post(call, "SUCCESS");
      }
      await wait(harness, MINUTE);
    }
    for (const flow of flows) expect((await harness.read(flow)).status).toBe("completed");
    expect(harness.vendor.calls).toHaveLength(7);
  });

  test("presses of a branch count towards the concurrency limit and wait for a slot of their own account", async () => {
    const harness = withLimit(2);
    const flow = await harness.start({ then: [{ press: ["U1", "U2", "U3"] }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    expect(harness.vendor.presses()).toHaveLength(2);
    for (let i = 0; i < 10; i++) {
      await harness.finishAll();
      await wait(harness, MINUTE);
    }
    expect((await harness.read(flow)).status).toBe("completed");
    expect(harness.vendor.presses()).toHaveLength(3);
  });

  test("a full account causes no vendor call and uses no attempt", async () => {
    const harness = withLimit(1);
    const [, second] = await startMany(harness, 2);
    await wait(harness, 3 * MINUTE);
    expect(harness.vendor.calls).toHaveLength(1);
    const { tasks } = await harness.read(second!);
    expect(tasks.get("0")).toMatchObject({ status: "PENDING", attempt: 0 });
  });

  test("a root moves to another account with free slots", async () => {
    const harness = createTestHarness({ accounts: { fake: { a: { maxRunning: 1 }, b: {} } } });
    const flows = await startMany(harness, 8);
    expect(harness.vendor.calls).toHaveLength(8);
    const tasks = await Promise.all(flows.map(async (flow) => (await harness.read(flow)).tasks.get("0")!));
    expect(tasks.filter(({ account }) => account === "a").length).toBeLessThanOrEqual(1);
  });
});

describe("slots", () => {
  test("a slot is released after its worker crashed before or after the claim", async () => {
    for (const [verb, when] of [
      ["saveTask", "before"],
      ["saveTask", "after"],
    ] as const) {
      const harness = withLimit(1);
      const flow = await harness.start();
      harness.storeFault.arm(verb, when);
      await harness.drain();
      const next = await harness.start();
      await harness.finishAll();
      for (let i = 0; i < 60; i++) {
        await wait(harness, MINUTE);
        await harness.finishAll();
      }
      for (const each of [flow, next]) expect((await harness.read(each)).status, when).toBe("completed");
    }
  });

  test("the slot of a task that does not exist is given to the next task", async () => {
    const harness = withLimit(1);
    const { vendorStore, accounts } = harness.deps;
    const stranger = { flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0" };
    expect(await accounts.acquireSlot("fake", "a", stranger, 1)).toBe(true);
    const flow = await harness.start();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    expect((await vendorStore.slots("fake", "a"))!.held).toMatchObject([{ flowId: flow.id, path: "0" }]);
  });

  test("only one of two workers gets the last slot when both request it at the same time", async () => {
    const harness = withLimit(1);
    const [one, two] = [await harness.start(), await harness.start()];
    const container = () => createAccounts({ ...harness.deps });
    const acquired = [one, two].map((flow) => container().acquireSlot("fake", "a", { flowId: flow.id, path: "0" }, 1));
    expect((await Promise.all(acquired)).sort()).toEqual([false, true]);
  });

  test("an expired slot that another task got is not returned to the first task", async () => {
    const harness = withLimit(1);
    const { accounts } = harness.deps;
    const [one, two] = [await harness.start(), await harness.start()].map(({ id }) => ({ flowId: id, path: "0" }));
    expect(await accounts.acquireSlot("fake", "a", one!, 1)).toBe(true);
    expect(await accounts.acquireSlot("fake", "a", one!, 1)).toBe(true);
    harness.advance(TIMINGS.slotMs + 1);
    expect(await accounts.acquireSlot("fake", "a", two!, 1)).toBe(true);
    expect(await accounts.acquireSlot("fake", "a", one!, 1)).toBe(false);
  });
});
