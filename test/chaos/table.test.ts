/** A table that refuses now and then, before or after it has written, on whatever verb: in memory, so that it is seeded. */
import { STATUSES } from "@mjflow/core/task";
import { describe, expect, test } from "vitest";
import { createRng, type Rng } from "../sim/random.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";
import { PLAN, ROUNDS } from "./site.ts";

const VERBS = [
  "load",
  "getTask",
  "saveTask",
  "createTask",
  "loadFlow",
  "saveFlow",
  "due",
  "health",
  "saveHealth",
] as const;
const FIRST = Number(process.env["MJFLOW_CHAOS_SEED"] ?? 1);
const SEEDS = Array.from({ length: 50 * ROUNDS }, (_, n) => FIRST + n);

/** Once, but for an answer that neither the table would take, nor then its copy from the queue, nor its callback. */
const PAID_AT_MOST = 2;

/** A caller of ours fails, and whoever called it comes again: the vendor once more, the queue, the cron. */
const shrug = () => undefined;

function throttle(world: TestHarness, random: Rng): void {
  for (let left = random.int(1, 4); left > 0; left--)
    world.storeFault.arm(random.pick(VERBS), random.pick(["before", "after"]), random.int(0, 3));
}

/** Everything that goes on in a minute, under faults: the queue, a callback of each running call, a sweep. */
async function minute(world: TestHarness, random: Rng): Promise<void> {
  await world.drain();
  for (const call of world.vendor.calls.filter(({ id }) => !world.vendor.finished.has(id))) {
    world.vendor.holds(call, "SUCCESS");
    // Half of the callbacks that could not be stored are not sent again: the sweeper must find what they said.
    const posted = await world.post(call, "SUCCESS").then(() => true, shrug);
    if (posted || random.chance(0.5)) world.vendor.finished.add(call.id);
  }
  await world.drain();
  await world.sweep().catch(shrug);
  world.advance(60_000);
}

describe("a table throttled again and again", () => {
  test.each(SEEDS)("seed %i: every flow ends, nothing is paid that is not shown, no state is illegal", async (seed) => {
    const random = createRng(seed);
    const world = createTestHarness();
    const flows = [await world.start({ state: "a", then: PLAN }), await world.start({ state: "ä 🛶", then: PLAN })];
    for (let i = 0; i < 15; i++) {
      throttle(world, random);
      await minute(world, random);
    }
    expect(world.storeFault.fired()).toBeGreaterThan(0);
    const reads = () => Promise.all(flows.map((flow) => world.read(flow)));
    const goesOn = async () => (await reads()).some(({ status }) => status === "running");
    // From here on nothing is armed anew; what is still armed may fire yet.
    for (let i = 0; i < 120 && (await goesOn()); i++) await minute(world, random);

    const paid = Map.groupBy(world.vendor.calls, ({ context }) => context.state.replace(/_\d+$/, ""));
    for (const [i, { flow, tasks, status }] of (await reads()).entries()) {
      expect(status).not.toBe("running");
      expect(flow.state).toBe(flows[i]!.state);
      for (const task of tasks.values()) {
        expect(STATUSES).toContain(task.status);
        // A claim that was stored, but whose worker was told it was not, has cost an attempt and no money.
        if (task.status !== "SUCCESS") expect(task.failure?.code).toMatch(/^(submission_unclear|parent_failed)$/);
        const times = paid.get(`${flow.id.slice("flow_".length)}_${task.path}`)?.length ?? 0;
        expect(times, task.path).toBeLessThanOrEqual(PAID_AT_MOST);
        expect(times, task.path).toBeLessThanOrEqual(task.attempt);
      }
    }
  });
});
