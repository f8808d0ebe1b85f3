/**
 * Fault 4: no callback arrives, and the vendor answers every look-up with 5xx, for an hour and longer. It is asked less
 * and less, however much is open; what could not be learned by its deadline ends typed.
 */
import { LookupError } from "@mjflow/core/port";
import { isEnded } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { expect, test } from "vitest";
import { NO_FAULTS } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation } from "../sim/simulation.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Pauses of 15 s doubled up to 5 min, then one in 5 min: what an account may be asked in this time. */
function asksWithin(ms: number): number {
  let asks = 0;
  for (let at = 0, pause = TIMINGS.lookupMs; at <= ms; at += pause, pause = Math.min(2 * pause, TIMINGS.lookupMaxMs))
    asks++;
  return asks;
}

test.each([1, 10, 60])(
  "with %i flows open, an account is asked as often as with one, and all end as deadline_passed",
  async (flows) => {
    const profile = { ...NO_FAULTS, loseCallback: 1, lookupFails: 1 };
    const run = await runSimulation({ seed: flows, flows, profile, plan: [{ press: "U1" }] });
    const { findings, counts } = checkInvariants(run);
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({ flows, tasks: flows, unfinished: 0, paid: flows, resubmitted: 0, duplicates: 0 });
    for (const { flow, tasks } of run.flows.values()) {
      expect(flow.status).toBe("failed");
      expect(tasks).toMatchObject([{ path: "0", status: "EXPIRED", failure: { code: "deadline_passed" } }]);
    }
    const open = TIMINGS.deadlineMs.fast + 2 * MINUTE;
    expect(counts.lookups).toBeLessThanOrEqual(asksWithin(open));
    expect(run.metrics.get("LookupFailures")).toBe(counts.lookups);
  },
);

test("two accounts in trouble are backed off each for itself", async () => {
  const profile = { ...NO_FAULTS, loseCallback: 1, lookupFails: 1 };
  const run = await runSimulation({ seed: 3, flows: 20, profile, plan: [], variant: { accounts: ["a", "b"] } });
  const { findings, counts } = checkInvariants(run);
  expect(findings).toEqual([]);
  expect(counts.lookups).toBeLessThanOrEqual(2 * asksWithin(TIMINGS.deadlineMs.fast + 2 * MINUTE));
});

/** Sweeps each minute. @returns the minutes at which the vendor was asked */
async function sweepFor(harness: TestHarness, ms: number): Promise<number[]> {
  const asked: number[] = [];
  for (let at = 0; at < ms; at += MINUTE) {
    const before = harness.vendor.lookups.length;
    await harness.sweep();
    await harness.drain();
    if (harness.vendor.lookups.length > before) asked.push(at / MINUTE);
    harness.advance(MINUTE);
  }
  return asked;
}

test("an hour's outage: slow tasks outlive it and end by the first look-up that works; fast ones have ended typed", async () => {
  const harness = createTestHarness();
  const fast = await harness.start({ then: [{ press: "U1" }] });
  const slow = await Promise.all([1, 2, 3].map(() => harness.start({ mode: "relax", then: [{ press: "U1" }] })));
  await harness.drain();
  harness.vendor.failLookups(new LookupError("503"));
  const asked = await sweepFor(harness, HOUR);
  expect(asked.length).toBeLessThanOrEqual(asksWithin(HOUR));
  expect((await harness.read(fast)).tasks.get("0")).toMatchObject({
    status: "EXPIRED",
    failure: { code: "deadline_passed" },
  });
  for (const flow of slow) expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");

  harness.vendor.failLookups(undefined);
  for (const call of harness.vendor.calls) harness.vendor.holds(call, "SUCCESS");
  const [first] = await sweepFor(harness, 6 * MINUTE);
  // One request for all of them, within the longest pause.
  expect(first).toBeLessThanOrEqual(TIMINGS.lookupMaxMs / MINUTE);
  expect(harness.vendor.lookups.at(-1)).toHaveLength(3);
  await harness.finishAll();
  for (const flow of slow) expect((await harness.read(flow)).status).toBe("completed");
  // Four roots and the slow ones' follow-ups: the hour cost nothing twice.
  expect(harness.vendor.calls).toHaveLength(7);
  expect((await harness.deps.store.health("fake", "default"))!.failures).toBe(0);
});

test("a submission in doubt, no callback, no look-up: sent again once after its grace, then given up as unclear", async () => {
  const harness = createTestHarness();
  const flow = await harness.start();
  for (let i = 0; i < 2; i++) harness.vendor.next({ kind: "unclear", reason: "timeout" });
  await harness.drain();
  harness.vendor.failLookups(new LookupError("503"));
  await sweepFor(harness, HOUR);
  const task = (await harness.read(flow)).tasks.get("0")!;
  expect(isEnded(task)).toBe(true);
  expect(task).toMatchObject({ attempt: 2, failure: { code: "submission_unclear" } });
  expect(harness.vendor.calls).toHaveLength(2);
});
