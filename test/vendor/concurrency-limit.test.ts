/** The concurrency limit: an account never runs more of our tasks, and no wrong slot blocks it permanently. */
import { slotNameOf } from "@mjflow/core/concurrency-limiter";
import type { Flow } from "@mjflow/core/flow";
import { TIMINGS } from "@mjflow/core/timing";
import { createConcurrencyLimiter } from "@mjflow/engine/concurrency-limiter";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const withLimit = (maxRunning = 2) => createTestHarness({ accounts: { fake: { a: { maxRunning } } } });
const MINUTE = 60_000;
const ACCOUNT = { provider: "fake", account: "a" };
const FLOW_ID = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

/** Names of the slots that tasks hold at the account. */
async function heldNames(harness: TestHarness): Promise<string[]> {
  const { slots } = await harness.deps.store.accountState("fake", "a");
  return slots.flatMap(({ held }) => Object.keys(held));
}

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
    const { limiter } = harness.deps;
    const stranger = { flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0" };
    expect(await limiter.acquire(ACCOUNT, stranger, 1)).toMatchObject({ row: 0 });
    harness.advance(TIMINGS.slotMs);
    const flow = await harness.start();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    expect(await heldNames(harness)).toEqual([slotNameOf({ flowId: flow.id, path: "0" })]);
  });

  test("the four children of a parent get their slots with one write, and each end releases one", async () => {
    const harness = withLimit(12);
    const flow = await harness.start({ then: [{ press: ["U1", "U2", "U3", "U4"] }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    const writes = () =>
      harness.storeFault.calls.filter((name) => /^(?:acquireSlots|releaseSlot|renewSlot)$/.test(name));
    const before = writes().length;
    await harness.drain();
    expect(writes().slice(before)).toEqual(["acquireSlots"]);
    expect(await heldNames(harness)).toHaveLength(4);
    await harness.finishAll();
    expect(writes().slice(before)).toEqual(["acquireSlots", ...Array.from({ length: 4 }, () => "releaseSlot")]);
    expect(await heldNames(harness)).toEqual([]);
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("all 80 tasks of 16 flows find a slot at once while slots are free, and no write is refused in vain", async () => {
    const harness = withLimit(100);
    const flows = await Promise.all(Array.from({ length: 16 }, () => harness.start()));
    // One container for each task: no two requests share a write.
    const slots = await Promise.all(
      flows.flatMap(({ id }) =>
        ["0", "0-0", "0-1", "0-2", "0-3"].map((path) =>
          createConcurrencyLimiter(harness.deps).acquire(ACCOUNT, { flowId: id, path }, 100),
        ),
      ),
    );
    expect(slots.filter((slot) => slot === undefined)).toEqual([]);
    expect(await heldNames(harness)).toHaveLength(80);
  });

  test("an account with a limit of 1,000 gives each task a slot, reads few tasks when it is full, and finds every lost slot", async () => {
    const max = 1_000;
    const harness = withLimit(max);
    const { store } = harness.deps;
    const limiter = createConcurrencyLimiter(harness.deps);
    const taskOf = (i: number) => ({ flowId: `flow_${String(i).padStart(26, "0")}`, path: "0" });
    const slots = await Promise.all(Array.from({ length: max }, (_, i) => limiter.acquire(ACCOUNT, taskOf(i), max)));
    expect(slots.filter((slot) => slot !== undefined)).toHaveLength(max);
    expect(new Set(await heldNames(harness)).size).toBe(max);
    expect(await limiter.acquire(ACCOUNT, taskOf(max), max)).toBeUndefined();
    // All workers have crashed before they claimed their tasks. Each try checks a part of the slots.
    harness.advance(TIMINGS.slotMs);
    const read: number[] = [];
    const getTasks: typeof store.getTasks = (refs) => {
      read.push(refs.length);
      return store.getTasks(refs);
    };
    const counted = createConcurrencyLimiter({ ...harness.deps, store: { ...store, getTasks } });
    for (let tries = 0; tries < 10 && (await heldNames(harness)).length > 0; tries++) {
      await counted.countFree(ACCOUNT, max);
      harness.advance(1_000);
    }
    expect(await heldNames(harness)).toEqual([]);
    expect(Math.max(...read)).toBe(200);
  });

  test("a lowered limit lets no task start before enough tasks have ended", async () => {
    const harness = withLimit(30);
    const { limiter } = harness.deps;
    const tasks = Array.from({ length: 30 }, (_, i) => ({ flowId: FLOW_ID, path: `0-${i}` }));
    for (const task of tasks) expect(await limiter.acquire(ACCOUNT, task, 30)).toBeDefined();
    expect(await limiter.acquire(ACCOUNT, { flowId: FLOW_ID, path: "1" }, 10)).toBeUndefined();
    const rows = (await harness.deps.store.accountState("fake", "a")).slots;
    const held = rows.flatMap(({ row, held }) => Object.entries(held).map(([name, at]) => ({ row, name, at })));
    for (const { row, name, at } of held.slice(0, 20)) {
      await harness.deps.store.releaseSlot({ provider: "fake", account: "a", kind: "tasks", row }, name, at);
      expect(await limiter.acquire(ACCOUNT, { flowId: FLOW_ID, path: "1" }, 10)).toBeUndefined();
    }
  });

  test("the slots of an earlier version count until their tasks have ended, and then their row is empty", async () => {
    const harness = withLimit(2);
    const { vendorStore, limiter } = harness.deps;
    const [running, gone] = [await harness.start(), await harness.start()];
    await harness.drain();
    const held = [running, gone].map(({ id }) => ({ flowId: id, path: "0", at: 0 }));
    for (const { row, held: names } of (await harness.deps.store.accountState("fake", "a")).slots) {
      for (const [name, at] of Object.entries(names))
        await harness.deps.store.releaseSlot({ provider: "fake", account: "a", kind: "tasks", row }, name, at);
    }
    await vendorStore.saveSlots({ provider: "fake", account: "a", rev: 0, held });
    const next = { flowId: FLOW_ID, path: "0" };
    expect(await limiter.acquire(ACCOUNT, next, 2)).toBeUndefined();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    expect(await limiter.acquire(ACCOUNT, next, 2)).toBeDefined();
    expect((await vendorStore.slots("fake", "a"))!.held).toHaveLength(1);
    expect(await limiter.acquire(ACCOUNT, { ...next, path: "1" }, 2)).toBeUndefined();
  });

  test("only one of two workers gets the last slot when both request it at the same time", async () => {
    const harness = withLimit(1);
    const [one, two] = [await harness.start(), await harness.start()];
    const container = () => createConcurrencyLimiter(harness.deps);
    const acquired = [one, two].map((flow) => container().acquire(ACCOUNT, { flowId: flow.id, path: "0" }, 1));
    expect((await Promise.all(acquired)).filter((slot) => slot !== undefined)).toHaveLength(1);
  });

  test("an expired slot that another task got is not returned to the first task", async () => {
    const harness = withLimit(1);
    const { limiter } = harness.deps;
    const [one, two] = [await harness.start(), await harness.start()].map(({ id }) => ({ flowId: id, path: "0" }));
    const slot = await limiter.acquire(ACCOUNT, one!, 1);
    expect(await limiter.acquire(ACCOUNT, one!, 1)).toEqual(slot);
    harness.advance(TIMINGS.slotMs + 1);
    expect(await limiter.acquire(ACCOUNT, two!, 1)).toBeDefined();
    expect(await limiter.acquire(ACCOUNT, one!, 1)).toBeUndefined();
  });

  test("a worker that was suspended for long renews its slot, and a late release of the first one has no effect", async () => {
    const harness = withLimit(1);
    const { limiter, store } = harness.deps;
    const [one, two] = [await harness.start(), await harness.start()].map(({ id }) => ({ flowId: id, path: "0" }));
    const first = (await limiter.acquire(ACCOUNT, one!, 1))!;
    harness.advance(TIMINGS.slotMs / 2 + 1);
    const second = (await limiter.acquire(ACCOUNT, one!, 1))!;
    expect(second.at).toBe(first.at + TIMINGS.slotMs / 2 + 1);
    const ref = { provider: "fake", account: "a", kind: "tasks" as const, row: first.row };
    expect((await store.releaseSlot(ref, slotNameOf(one!), first.at)).ok).toBe(false);
    harness.advance(TIMINGS.slotMs - 1);
    expect(await limiter.acquire(ACCOUNT, two!, 1)).toBeUndefined();
  });
});
