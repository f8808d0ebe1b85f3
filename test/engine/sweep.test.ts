/** The sweeper, dying: what it cannot get past must not keep it from everything else. */

import { taskIdOf } from "@mjflow/core/id";
import { DUE_SHARDS } from "@mjflow/core/limit";
import type { Store } from "@mjflow/core/port";
import { TIMINGS } from "@mjflow/core/timing";
import { cancelFlow, resumeFlow } from "@mjflow/engine/cancel";
import { pressTask } from "@mjflow/engine/press";
import { sweep } from "@mjflow/engine/sweep";
import { describe, expect, test } from "vitest";
import { createRng } from "../sim/random.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

/** One process's store: reading this flow is its end, and nothing it had begun comes to anything any more. */
function mortal(store: Store, flowId: string) {
  const never = new Promise<never>(() => {});
  const end = Promise.withResolvers<void>();
  let isDead = false;
  const port = new Proxy(store, {
    get(target, verb: keyof Store) {
      return async (...args: unknown[]) => {
        if (args[0] === flowId) {
          isDead = true;
          end.resolve();
        }
        if (isDead) return never;
        const result: unknown = await (target[verb] as (...args: unknown[]) => Promise<unknown>)(...args);
        return isDead ? never : result;
      };
    },
  });
  return { store: port, dead: end.promise };
}

test.each([2, 5, 40])(
  "one flow of %i that kills each sweeper is left, and every other is dealt with",
  async (count) => {
    const world = createTestHarness();
    const flows = [];
    for (let i = 0; i < count; i++) flows.push(await world.start());
    const [poison, ...others] = flows;
    world.advance(world.deps.timings.quietMs.fast);
    const isLeft = async (id: string) => (await world.deps.store.getTask({ flowId: id, path: "0" }))!.rev === 1;
    const rng = createRng(20261121);
    const random = { ...world.deps.random, chance: () => rng.next() };
    let sweepers = 0;
    for (let left = others; left.length > 0; sweepers++) {
      expect(sweepers, `${left.length} of ${others.length} never had their turn`).toBeLessThan(60);
      const { store, dead } = mortal(world.deps.store, poison!.id);
      await Promise.race([sweep({ ...world.deps, store, random }), dead]);
      const still = await Promise.all(left.map(({ id }) => isLeft(id)));
      left = left.filter((_, i) => still[i]);
    }
    expect(await isLeft(poison!.id)).toBe(true);
  },
);

describe("a plan's tasks wait with their flow", () => {
  const QUIET = TIMINGS.quietMs.fast;
  const plan = [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }];

  async function dueNow(world: TestHarness): Promise<string[]> {
    const shards = Array.from({ length: DUE_SHARDS }, (_, i) => world.deps.store.due(i, Number.MAX_SAFE_INTEGER, 100));
    return (await Promise.all(shards)).flat().map((ref) => (ref.kind === "task" ? ref.path : ref.kind));
  }

  function lose(world: TestHarness): void {
    for (const { receiptHandle } of world.queue.receive(10)) world.queue.delete(receiptHandle);
  }

  /** On an account known to call. */
  async function calling(): Promise<TestHarness> {
    const world = createTestHarness();
    await world.start();
    await world.finishAll();
    return world;
  }

  /** With the imagine ended and its follow-ups' messages lost. */
  async function cutShort() {
    const world = await calling();
    const flow = await world.start({ then: plan });
    await world.drain();
    world.queueFault.arm("send", "before");
    await expect(world.post(world.vendor.calls.at(-1)!, "SUCCESS")).rejects.toThrow("crash");
    return { world, flow };
  }

  test("while all goes well the index names the flow alone, and an end that is still to be followed up", async () => {
    const world = await calling();
    expect(await dueNow(world)).toEqual([]);
    const flow = await world.start({ then: plan });
    expect(await dueNow(world)).toEqual(["flow"]);
    await world.drain();
    expect(await dueNow(world)).toEqual(["flow"]);
    await world.post(world.vendor.calls.at(-1)!, "SUCCESS");
    await world.drain();
    expect((await world.read(flow)).tasks.get("0-1")!.status).toBe("SUBMITTED");
    expect(await dueNow(world)).toEqual(["flow"]);
    await world.finishAll();
    expect((await world.read(flow)).flow.status).toBe("completed");
    expect(await dueNow(world)).toEqual([]);
  });

  test("follow-ups whose messages were lost are sent when they are due, though the flow is looked at before", async () => {
    const { world, flow } = await cutShort();
    expect((await dueNow(world)).sort()).toEqual(["0", "flow"]);
    world.advance(TIMINGS.effectsMs);
    await world.sweep();
    await world.drain();
    const calls = world.vendor.calls.length;
    for (const call of world.vendor.calls.slice(-2)) await world.post(call, "SUCCESS");
    lose(world);
    // The zoom's message is lost, too.
    world.advance(QUIET - TIMINGS.effectsMs);
    expect(await world.sweep()).toMatchObject({ overdue: 0 });
    expect((await world.read(flow)).flow.due).toBe((await world.read(flow)).tasks.get("0-1-0")!.due);
    expect(world.vendor.calls).toHaveLength(calls);
    world.advance((await world.read(flow)).flow.due! - world.deps.clock.now());
    await world.sweep();
    await world.finishAll();
    expect((await world.read(flow)).flow.status).toBe("completed");
    expect(world.vendor.calls).toHaveLength(calls + 1);
  });

  test("callbacks that were lost are asked for in one request for all tasks of a flow", async () => {
    const { world, flow } = await cutShort();
    world.advance(TIMINGS.effectsMs);
    await world.sweep();
    await world.drain();
    for (const call of world.vendor.calls.slice(-2)) world.vendor.holds(call, "SUCCESS");
    world.advance(QUIET);
    await world.sweep();
    expect(world.vendor.lookups.at(-1)).toHaveLength(2);
    await world.finishAll();
    expect((await world.read(flow)).flow.status).toBe("completed");
  });

  test("one that the sweeper could not deal with keeps its flow due", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    lose(world);
    const { due } = (await world.read(flow)).flow;
    world.advance(QUIET);
    world.storeFault.arm("saveTask", "before");
    expect(await world.sweep()).toMatchObject({ overdue: 1, failed: 1 });
    expect((await world.read(flow)).flow.due).toBe(due);
    expect(await world.sweep()).toMatchObject({ overdue: 1, failed: 0 });
    await world.finishAll();
    expect((await world.read(flow)).flow.status).toBe("completed");
  });

  test("a press by hand, and what is planned on it, wait for themselves: their flow may have ended", async () => {
    const world = await calling();
    const flow = await world.start();
    await world.finishAll();
    const pressed = await pressTask(world.deps, "app_a", taskIdOf(flow.id, "0"), {
      press: "U1",
      then: [{ press: "zoom:2" }],
    });
    expect(await dueNow(world)).toEqual([pressed.path]);
    await world.drain();
    await world.post(world.vendor.calls.at(-1)!, "SUCCESS");
    expect(await dueNow(world)).toEqual([`${pressed.path}-0`]);
  });

  test("a flow that is gone on with is looked at as soon as the first of its tasks is due", async () => {
    const world = await calling();
    const flow = await world.start();
    await world.drain();
    const { due } = (await world.read(flow)).flow;
    await cancelFlow(world.deps, "app_a", flow.id);
    world.advance(1_000);
    await resumeFlow(world.deps, "app_a", flow.id);
    expect((await world.read(flow)).flow).toMatchObject({ status: "running", due });
  });
});
