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
    const harness = createTestHarness();
    const flows = [];
    for (let i = 0; i < count; i++) flows.push(await harness.start());
    const [poison, ...others] = flows;
    harness.advance(harness.deps.timings.quietMs.fast);
    const isLeft = async (id: string) => (await harness.deps.store.getTask({ flowId: id, path: "0" }))!.rev === 1;
    const rng = createRng(20261121);
    const random = { ...harness.deps.random, chance: () => rng.next() };
    let sweepers = 0;
    for (let left = others; left.length > 0; sweepers++) {
      expect(sweepers, `${left.length} of ${others.length} never had their turn`).toBeLessThan(60);
      const { store, dead } = mortal(harness.deps.store, poison!.id);
      await Promise.race([sweep({ ...harness.deps, store, random }), dead]);
      const still = await Promise.all(left.map(({ id }) => isLeft(id)));
      left = left.filter((_, i) => still[i]);
    }
    expect(await isLeft(poison!.id)).toBe(true);
  },
);

describe("a plan's tasks wait with their flow", () => {
  const QUIET = TIMINGS.quietMs.fast;
  const plan = [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }];

  async function dueNow(harness: TestHarness): Promise<string[]> {
    const shards = Array.from({ length: DUE_SHARDS }, (_, i) =>
      harness.deps.store.due(i, Number.MAX_SAFE_INTEGER, 100),
    );
    return (await Promise.all(shards)).flat().map((ref) => (ref.kind === "task" ? ref.path : ref.kind));
  }

  function lose(harness: TestHarness): void {
    for (const { receiptHandle } of harness.queue.receive(10)) harness.queue.delete(receiptHandle);
  }

  /** On an account known to call. */
  async function calling(): Promise<TestHarness> {
    const harness = createTestHarness();
    await harness.start();
    await harness.finishAll();
    return harness;
  }

  /** With the imagine ended and its follow-ups' messages lost. */
  async function cutShort() {
    const harness = await calling();
    const flow = await harness.start({ then: plan });
    await harness.drain();
    harness.queueFault.arm("send", "before");
    await expect(harness.post(harness.vendor.calls.at(-1)!, "SUCCESS")).rejects.toThrow("crash");
    return { harness, flow };
  }

  test("while all goes well the index names the flow alone, and an end that is still to be followed up", async () => {
    const harness = await calling();
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

  test("follow-ups whose messages were lost are sent when they are due, though the flow is looked at before", async () => {
    const { harness, flow } = await cutShort();
    expect((await dueNow(harness)).sort()).toEqual(["0", "flow"]);
    harness.advance(TIMINGS.effectsMs);
    await harness.sweep();
    await harness.drain();
    const calls = harness.vendor.calls.length;
    for (const call of harness.vendor.calls.slice(-2)) await harness.post(call, "SUCCESS");
    lose(harness);
    // The zoom's message is lost, too.
    harness.advance(QUIET - TIMINGS.effectsMs);
    expect(await harness.sweep()).toMatchObject({ overdue: 0 });
    expect((await harness.read(flow)).flow.due).toBe((await harness.read(flow)).tasks.get("0-1-0")!.due);
    expect(harness.vendor.calls).toHaveLength(calls);
    harness.advance((await harness.read(flow)).flow.due! - harness.deps.clock.now());
    await harness.sweep();
    await harness.finishAll();
    expect((await harness.read(flow)).flow.status).toBe("completed");
    expect(harness.vendor.calls).toHaveLength(calls + 1);
  });

  test("callbacks that were lost are asked for in one request for all tasks of a flow", async () => {
    const { harness, flow } = await cutShort();
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

  test("one that the sweeper could not deal with keeps its flow due", async () => {
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

  test("a press by hand, and what is planned on it, wait for themselves: their flow may have ended", async () => {
    const harness = await calling();
    const flow = await harness.start();
    await harness.finishAll();
    const pressed = await pressTask(harness.deps, "app_a", taskIdOf(flow.id, "0"), {
      press: "U1",
      then: [{ press: "zoom:2" }],
    });
    expect(await dueNow(harness)).toEqual([pressed.path]);
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    expect(await dueNow(harness)).toEqual([`${pressed.path}-0`]);
  });

  test("a flow that is gone on with is looked at as soon as the first of its tasks is due", async () => {
    const harness = await calling();
    const flow = await harness.start();
    await harness.drain();
    const { due } = (await harness.read(flow)).flow;
    await cancelFlow(harness.deps, "app_a", flow.id);
    harness.advance(1_000);
    await resumeFlow(harness.deps, "app_a", flow.id);
    expect((await harness.read(flow)).flow).toMatchObject({ status: "running", due });
  });
});
