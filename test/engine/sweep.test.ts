/**
 * A row that crashes the sweeper must not block the other rows. The file also tests the due entries of flows and tasks.
 */

import { taskIdOf } from "@mjflow/core/id";
import type { Store } from "@mjflow/core/port";
import { TIMINGS } from "@mjflow/core/timing";
import { cancelFlow, resumeFlow } from "@mjflow/engine/cancel";
import { pressTask } from "@mjflow/engine/press";
import { sweep } from "@mjflow/engine/sweep";
import { describe, expect, test } from "vitest";
import { createRng } from "../sim/random.ts";
import { dueEntries } from "../support/due.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

/** The store of one process. Reading the given flow crashes the process, and none of its later calls has an effect. */
function createCrashingStore(store: Store, flowId: string) {
  const never = new Promise<never>(() => {});
  const end = Promise.withResolvers<void>();
  let hasCrashed = false;
  const port = new Proxy(store, {
    get(target, verb: keyof Store) {
      return async (...args: unknown[]) => {
        if (args[0] === flowId) {
          hasCrashed = true;
          end.resolve();
        }
        if (hasCrashed) return never;
        const result: unknown = await (target[verb] as (...args: unknown[]) => Promise<unknown>)(...args);
        return hasCrashed ? never : result;
      };
    },
  });
  return { store: port, crashed: end.promise };
}

test.each([2, 5, 40])("a flow that crashes every sweeper does not block the other flows (%i flows)", async (count) => {
  const harness = createTestHarness();
  const flows = [];
  for (let i = 0; i < count; i++) flows.push(await harness.start());
  const [poison, ...others] = flows;
  harness.advance(harness.deps.timings.quietMs.fast);
  const isUntouched = async (id: string) => (await harness.deps.store.getTask({ flowId: id, path: "0" }))!.rev === 1;
  const rng = createRng(20261121);
  const random = { ...harness.deps.random, chance: () => rng.next() };
  let sweepers = 0;
  for (let left = others; left.length > 0; sweepers++) {
    expect(sweepers, `${left.length} of ${others.length} were not processed`).toBeLessThan(60);
    const { store, crashed } = createCrashingStore(harness.deps.store, poison!.id);
    await Promise.race([sweep({ ...harness.deps, store, random }), crashed]);
    const still = await Promise.all(left.map(({ id }) => isUntouched(id)));
    left = left.filter((_, i) => still[i]);
  }
  expect(await isUntouched(poison!.id)).toBe(true);
});

describe("due entries of a flow and its tasks", () => {
  const QUIET = TIMINGS.quietMs.fast;
  const plan = [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }];
  /** The imagine and its planned presses. */
  const PLANNED = 4;

  async function dueNow(harness: TestHarness): Promise<string[]> {
    const due = await dueEntries(harness.deps.store, Number.MAX_SAFE_INTEGER);
    return due.map((ref) => (ref.kind === "task" ? ref.path : ref.kind));
  }

  function lose(harness: TestHarness): void {
    for (const { receiptHandle } of harness.queue.receive(10)) harness.queue.delete(receiptHandle);
  }

  /** A harness whose account is `callingHarness`. */
  async function callingHarness(): Promise<TestHarness> {
    const harness = createTestHarness();
    await harness.start();
    await harness.finishAll();
    return harness;
  }

  /** A flow whose imagine has ended and whose follow-up messages were lost. */
  async function withLostFollowUps() {
    const harness = await callingHarness();
    const flow = await harness.start({ then: plan });
    await harness.drain();
    harness.queueFault.arm("send", "before");
    await expect(harness.post(harness.vendor.calls.at(-1)!, "SUCCESS")).rejects.toThrow("crash");
    return { harness, flow };
  }

  test("without faults the due index contains only the entry of the flow", async () => {
    const harness = await callingHarness();
    expect(await dueNow(harness)).toEqual([]);
    const flow = await harness.start({ then: plan });
    expect(await dueNow(harness)).toEqual(["flow"]);
    await harness.drain();
    expect(await dueNow(harness)).toEqual(["flow"]);
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-1")!.status).toBe("SUBMITTED");
    expect(await dueNow(harness)).toEqual(["flow"]);
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
    expect(await dueNow(harness)).toEqual([]);
  });

  test.each([
    ["before the first follow-up is stored", "store"],
    ["before the messages of the follow-ups are sent", "queue"],
  ] as const)("after a crash %s, the due time of the flow starts the follow-ups", async (_, at) => {
    const harness = await callingHarness();
    // Then the follow-ups are stored before their messages are sent.
    if (at === "store") Object.assign(harness.deps, { fanOut: "each" });
    const flow = await harness.start({ then: plan });
    await harness.drain();
    if (at === "store") harness.storeFault.arm("createTask", "before");
    else harness.queueFault.arm("send", "before");
    // The end is saved. The process crashes while it makes the follow-ups due soon.
    harness.storeFault.arm("saveTask", "before", 1);
    await expect(harness.post(harness.vendor.calls.at(-1)!, "SUCCESS")).rejects.toThrow("crash");
    expect(await dueNow(harness)).toEqual(["flow"]);
    harness.advance(TIMINGS.quietMs.fast);
    await harness.sweep();
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
    expect(harness.vendor.calls).toHaveLength(1 + PLANNED);
    expect(await dueNow(harness)).toEqual([]);
  });

  test("a healthy parent keeps the due time that its flow covers, and a sweep of the running flow does not write it", async () => {
    const harness = await callingHarness();
    const flow = await harness.start({ then: plan });
    await harness.drain();
    harness.advance(60_000);
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    await harness.drain();
    const parent = (await harness.read(flow)).tasks.get("0")!;
    expect(parent).toMatchObject({ status: "SUCCESS", due: parent.flowDue });
    // The children are submitted later than the root, so the flow is due before them.
    harness.advance(parent.due! - harness.deps.clock.now());
    await harness.sweep();
    const swept = await harness.read(flow);
    expect(swept.tasks.get("0")!.rev).toBe(parent.rev);
    expect(swept.flow.due).toBeGreaterThan(harness.deps.clock.now());
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
    expect(await dueNow(harness)).toEqual([]);
  });

  test("follow-ups with lost messages are submitted when they are due, also if the flow was swept before", async () => {
    const { harness, flow } = await withLostFollowUps();
    expect((await dueNow(harness)).sort()).toEqual(["0", "flow"]);
    harness.advance(TIMINGS.effectsMs);
    await harness.sweep();
    await harness.drain();
    const calls = harness.vendor.calls.length;
    for (const call of harness.vendor.calls.slice(-2)) await harness.post(call, "SUCCESS");
    lose(harness);
    // The message of the zoom is lost too.
    harness.advance(QUIET - TIMINGS.effectsMs);
    expect(await harness.sweep()).toMatchObject({ overdue: 0 });
    // The zoom has no row yet, so the due time of its parent stands for it.
    const { tasks } = await harness.read(flow);
    expect(tasks.get("0-1-0")).toBeUndefined();
    expect((await harness.read(flow)).flow.due).toBe(tasks.get("0-1")!.due);
    expect(harness.vendor.calls).toHaveLength(calls);
    harness.advance((await harness.read(flow)).flow.due! - harness.deps.clock.now());
    await harness.sweep();
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
    expect(harness.vendor.calls).toHaveLength(calls + 1);
  });

  test("the sweeper looks up all tasks of a flow with lost callbacks in one request", async () => {
    const { harness, flow } = await withLostFollowUps();
    harness.advance(TIMINGS.effectsMs);
    await harness.sweep();
    await harness.drain();
    for (const call of harness.vendor.calls.slice(-2)) harness.vendor.holds(call, "SUCCESS");
    harness.advance(QUIET);
    await harness.sweep();
    expect(harness.vendor.lookups.at(-1)).toHaveLength(2);
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
  });

  test("a task that the sweeper fails to process keeps its flow due", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    lose(harness);
    const { due } = (await harness.read(flow)).flow;
    harness.advance(QUIET);
    harness.storeFault.arm("saveTask", "before");
    expect(await harness.sweep()).toMatchObject({ overdue: 1, failed: 1 });
    expect((await harness.read(flow)).flow.due).toBe(due);
    expect(await harness.sweep()).toMatchObject({ overdue: 1, failed: 0 });
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
  });

  test("a press by the app and its follow-ups have their own due entries, because their flow may have ended", async () => {
    const harness = await callingHarness();
    const flow = await harness.start();
    await harness.finishAll();
    const pressed = await pressTask(harness.deps, "app_a", taskIdOf(flow.id, "0"), {
      press: "U1",
      then: [{ press: "zoom:2" }],
    });
    // The flow is due as well: the press has reopened it.
    expect(await dueNow(harness)).toEqual([pressed.path, "flow"]);
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    expect(await dueNow(harness)).toEqual([`${pressed.path}-0`, "flow"]);
  });

  test("a resumed flow is due when the first of its tasks is due", async () => {
    const harness = await callingHarness();
    const flow = await harness.start();
    await harness.drain();
    const { due } = (await harness.read(flow)).flow;
    await cancelFlow(harness.deps, "app_a", flow.id);
    harness.advance(1_000);
    await resumeFlow(harness.deps, "app_a", flow.id);
    expect((await harness.read(flow)).flow).toMatchObject({ status: "running", due });
  });
});
