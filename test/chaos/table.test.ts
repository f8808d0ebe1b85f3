/**
 * A table that sometimes rejects a call, before or after the write, for every kind of call. The table is in memory, so
 * that a seed determines the run.
 */
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

/**
 * A task is paid once. It is paid twice only if the table rejected the acceptance, its fallback queue message and the
 * callback.
 */
const PAID_AT_MOST = 2;

/** Ignores an error, because the caller repeats the call: the vendor, the queue or the schedule. */
const ignore = () => undefined;

function throttle(harness: TestHarness, random: Rng): void {
  for (let left = random.int(1, 4); left > 0; left--)
    harness.storeFault.arm(random.pick(VERBS), random.pick(["before", "after"]), random.int(0, 3));
}

/** Runs one minute under faults: the queue, a callback of each running call, a sweep. */
async function minute(harness: TestHarness, random: Rng): Promise<void> {
  await harness.drain();
  for (const call of harness.vendor.calls.filter(({ id }) => !harness.vendor.finished.has(id))) {
    harness.vendor.holds(call, "SUCCESS");
    // Half of the callbacks that could not be stored are not sent again; the sweeper must find their results by
    // look-up.
    const posted = await harness.post(call, "SUCCESS").then(() => true, ignore);
    if (posted || random.chance(0.5)) harness.vendor.finished.add(call.id);
  }
  await harness.drain();
  await harness.sweep().catch(ignore);
  harness.advance(60_000);
}

describe("a table that is throttled repeatedly", () => {
  test.each(SEEDS)("with table faults of seed %i every flow ends, and each payment is an attempt", async (seed) => {
    const random = createRng(seed);
    const harness = createTestHarness();
    const flows = [await harness.start({ state: "a", then: PLAN }), await harness.start({ state: "ä 🛶", then: PLAN })];
    for (let i = 0; i < 15; i++) {
      throttle(harness, random);
      await minute(harness, random);
    }
    expect(harness.storeFault.fired()).toBeGreaterThan(0);
    const reads = () => Promise.all(flows.map((flow) => harness.read(flow)));
    const isRunning = async () => (await reads()).some(({ status }) => status === "running");
    // From here on no new faults are armed. Faults that are still armed may fire.
    for (let i = 0; i < 120 && (await isRunning()); i++) await minute(harness, random);

    const paid = Map.groupBy(harness.vendor.calls, ({ context }) => context.state.replace(/_\d+$/, ""));
    for (const [i, { flow, tasks, status }] of (await reads()).entries()) {
      expect(status).not.toBe("running");
      expect(flow.state).toBe(flows[i]!.state);
      for (const task of tasks.values()) {
        expect(STATUSES).toContain(task.status);
        // If a claim was stored but its worker got an error, the claim used up an attempt without a payment.
        if (task.status !== "SUCCESS") expect(task.failure?.code).toMatch(/^(submission_unclear|parent_failed)$/);
        const times = paid.get(`${flow.id.slice("flow_".length)}_${task.path}`)?.length ?? 0;
        expect(times, task.path).toBeLessThanOrEqual(PAID_AT_MOST);
        expect(times, task.path).toBeLessThanOrEqual(task.attempt);
      }
    }
  });
});
