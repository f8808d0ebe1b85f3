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

function throttle(harness: TestHarness, random: Rng): void {
  for (let left = random.int(1, 4); left > 0; left--)
    harness.storeFault.arm(random.pick(VERBS), random.pick(["before", "after"]), random.int(0, 3));
}

/** Everything that goes on in a minute, under faults: the queue, a callback of each running call, a sweep. */
async function minute(harness: TestHarness, random: Rng): Promise<void> {
  await harness.drain();
  for (const call of harness.vendor.calls.filter(({ id }) => !harness.vendor.finished.has(id))) {
    harness.vendor.holds(call, "SUCCESS");
    // Half of the callbacks that could not be stored are not sent again: the sweeper must find what they said.
    const posted = await harness.post(call, "SUCCESS").then(() => true, shrug);
    if (posted || random.chance(0.5)) harness.vendor.finished.add(call.id);
  }
  await harness.drain();
  await harness.sweep().catch(shrug);
  harness.advance(60_000);
}

describe("a table throttled again and again", () => {
  test.each(SEEDS)("seed %i: every flow ends, nothing is paid that is not shown, no state is illegal", async (seed) => {
    const random = createRng(seed);
    const harness = createTestHarness();
    const flows = [await harness.start({ state: "a", then: PLAN }), await harness.start({ state: "ä 🛶", then: PLAN })];
    for (let i = 0; i < 15; i++) {
      throttle(harness, random);
      await minute(harness, random);
    }
    expect(harness.storeFault.fired()).toBeGreaterThan(0);
    const reads = () => Promise.all(flows.map((flow) => harness.read(flow)));
    const goesOn = async () => (await reads()).some(({ status }) => status === "running");
    // From here on nothing is armed anew; what is still armed may fire yet.
    for (let i = 0; i < 120 && (await goesOn()); i++) await minute(harness, random);

    const paid = Map.groupBy(harness.vendor.calls, ({ context }) => context.state.replace(/_\d+$/, ""));
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
