/** An account with a cap runs no more than that of ours at a time, and no wrong count blocks it for ever. */
import type { Flow } from "@mjflow/core/flow";
import { TIMINGS } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const capped = (maxRunning = 2) => createTestHarness({ accounts: { fake: { a: { maxRunning } } } });
const MINUTE = 60_000;

async function startMany(world: TestHarness, count: number): Promise<Flow[]> {
  const flows: Flow[] = [];
  for (let i = 0; i < count; i++) flows.push(await world.start());
  await world.drain();
  return flows;
}

/** Time passes; what is due is done. */
async function wait(world: TestHarness, ms: number): Promise<void> {
  for (let waited = 0; waited < ms; waited += MINUTE / 4) {
    world.advance(MINUTE / 4);
    await world.sweep();
    await world.drain();
  }
}

const running = (world: TestHarness) =>
  world.dump().tasks.filter(({ status }) => !["PENDING", "SUCCESS", "FAILURE", "EXPIRED"].includes(status)).length;

describe("a cap", () => {
  test("is never passed; each that ends lets the next one in, until all are done", async () => {
    const world = capped(2);
    const flows = await startMany(world, 7);
    expect(world.vendor.calls).toHaveLength(2);
    for (let i = 0; i < 40 && world.vendor.finished.size < 7; i++) {
      expect(running(world)).toBeLessThanOrEqual(2);
      for (const call of world.vendor.calls.filter(({ id }) => !world.vendor.finished.has(id))) {
        world.vendor.finished.add(call.id);
        await world.post(call, "SUCCESS");
      }
      await wait(world, MINUTE);
    }
    for (const flow of flows) expect((await world.read(flow)).status).toBe("completed");
    expect(world.vendor.calls).toHaveLength(7);
  });

  test("counts branches too, which wait for their own account", async () => {
    const world = capped(2);
    const flow = await world.start({ then: [{ press: ["U1", "U2", "U3"] }] });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    expect(world.vendor.presses()).toHaveLength(2);
    for (let i = 0; i < 10; i++) {
      await world.finishAll();
      await wait(world, MINUTE);
    }
    expect((await world.read(flow)).status).toBe("completed");
    expect(world.vendor.presses()).toHaveLength(3);
  });

  test("asks the vendor nothing while it is full, and burns no attempt", async () => {
    const world = capped(1);
    const [, second] = await startMany(world, 2);
    await wait(world, 3 * MINUTE);
    expect(world.vendor.calls).toHaveLength(1);
    const { tasks } = await world.read(second!);
    expect(tasks.get("0")).toMatchObject({ status: "PENDING", attempt: 0 });
  });

  test("sends a root to another account that has room", async () => {
    const world = createTestHarness({ accounts: { fake: { a: { maxRunning: 1 }, b: {} } } });
    const flows = await startMany(world, 8);
    expect(world.vendor.calls).toHaveLength(8);
    const tasks = await Promise.all(flows.map(async (flow) => (await world.read(flow)).tasks.get("0")!));
    expect(tasks.filter(({ account }) => account === "a").length).toBeLessThanOrEqual(1);
  });
});

describe("a slot cannot be lost", () => {
  test("its worker died before the claim, or after: the tasks say who holds one", async () => {
    for (const [verb, when] of [
      ["saveTask", "before"],
      ["saveTask", "after"],
    ] as const) {
      const world = capped(1);
      const flow = await world.start();
      world.storeFault.arm(verb, when);
      await world.drain();
      const next = await world.start();
      await world.finishAll();
      for (let i = 0; i < 60; i++) {
        await wait(world, MINUTE);
        await world.finishAll();
      }
      for (const each of [flow, next]) expect((await world.read(each)).status, when).toBe("completed");
    }
  });

  test("of a task that is gone, or moved, or long ended: it is given to the next who asks", async () => {
    const world = capped(1);
    const { vendorStore, accounts } = world.deps;
    const stranger = { flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0" };
    expect(await accounts.acquireSlot("fake", "a", stranger, 1)).toBe(true);
    const flow = await world.start();
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
    expect((await vendorStore.slots("fake", "a"))!.held).toMatchObject([{ flowId: flow.id, path: "0" }]);
  });

  test("two workers that ask at once for the last get one between them", async () => {
    const world = capped(1);
    const [one, two] = [await world.start(), await world.start()];
    const container = () => createAccounts({ ...world.deps });
    const asked = [one, two].map((flow) => container().acquireSlot("fake", "a", { flowId: flow.id, path: "0" }, 1));
    expect((await Promise.all(asked)).sort()).toEqual([false, true]);
  });

  test("a slot that was given to another since is taken anew, or not at all", async () => {
    const world = capped(1);
    const { accounts } = world.deps;
    const [one, two] = [await world.start(), await world.start()].map(({ id }) => ({ flowId: id, path: "0" }));
    expect(await accounts.acquireSlot("fake", "a", one!, 1)).toBe(true);
    expect(await accounts.acquireSlot("fake", "a", one!, 1)).toBe(true);
    world.advance(TIMINGS.slotMs + 1);
    expect(await accounts.acquireSlot("fake", "a", two!, 1)).toBe(true);
    expect(await accounts.acquireSlot("fake", "a", one!, 1)).toBe(false);
  });
});
