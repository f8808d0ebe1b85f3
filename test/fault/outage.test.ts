/**
 * Fault 4: no callback arrives, and every look-up gets a 5xx response, for an hour or longer. Look-ups become rarer,
 * for any number of open tasks. A task whose vendor answers no look-up waits a day after its deadline, because its image is paid.
 */

import { LookupError } from "@mjflow/core/port";
import { isEnded } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
import { NO_FAULTS } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation } from "../sim/simulation.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Highest number of look-ups of an account in this time: pauses from 15 s, doubled up to 5 min. */
function lookupsWithin(ms: number): number {
  let count = 0;
  for (let at = 0, pause = TIMINGS.lookupMs; at <= ms; at += pause, pause = Math.min(2 * pause, TIMINGS.lookupMaxMs))
    count++;
  return count;
}

test.each([1, 10, 60])(
  "with %i open flows an account gets as many look-ups as with one, and all flows end as deadline_passed",
  async (flows) => {
    const profile = { ...NO_FAULTS, loseCallback: 1, lookupFails: 1 };
    const run = await runSimulation({ seed: flows, flows, profile, plan: [{ press: "U1" }] });
    const { findings, counts } = checkInvariants(run);
    expectNoFindings(findings);
    expect(counts).toMatchObject({ flows, tasks: flows, unfinished: 0, paid: flows, resubmitted: 0, duplicates: 0 });
    for (const { flow, tasks } of run.flows.values()) {
      expect(flow.status).toBe("failed");
      expect(tasks).toMatchObject([{ path: "0", status: "EXPIRED", failure: { code: "deadline_passed" } }]);
    }
    const open = TIMINGS.deadlineMs.fast + TIMINGS.lookupFailedMs + 7 * MINUTE;
    expect(counts.lookups).toBeLessThanOrEqual(lookupsWithin(open));
    expect(run.metrics.get("LookupFailures")).toBe(counts.lookups);
  },
);

test("two accounts with failing look-ups are backed off independently", async () => {
  const profile = { ...NO_FAULTS, loseCallback: 1, lookupFails: 1 };
  const run = await runSimulation({ seed: 3, flows: 20, profile, plan: [], variant: { accounts: ["a", "b"] } });
  const { findings, counts } = checkInvariants(run);
  expectNoFindings(findings);
  expect(counts.lookups).toBeLessThanOrEqual(
    2 * lookupsWithin(TIMINGS.deadlineMs.fast + TIMINGS.lookupFailedMs + 7 * MINUTE),
  );
});

/**
 * Runs the sweeper each minute.
 *
 * @returns the minutes in which a look-up was made
 */
async function sweepFor(harness: TestHarness, ms: number): Promise<number[]> {
  const lookedUp: number[] = [];
  for (let at = 0; at < ms; at += MINUTE) {
    const before = harness.vendor.lookups.length;
    await harness.sweep();
    await harness.drain();
    if (harness.vendor.lookups.length > before) lookedUp.push(at / MINUTE);
    harness.advance(MINUTE);
  }
  return lookedUp;
}

test("after an outage of one hour tasks of every speed end by the first look-up that succeeds", async () => {
  const harness = createTestHarness();
  const fast = await harness.start({ then: [{ press: "U1" }] });
  const slow = await Promise.all([1, 2, 3].map(() => harness.start({ mode: "relax", then: [{ press: "U1" }] })));
  await harness.drain();
  harness.vendor.failLookups(new LookupError("503"));
  const lookedUp = await sweepFor(harness, HOUR);
  expect(lookedUp.length).toBeLessThanOrEqual(lookupsWithin(HOUR));
  for (const flow of [fast, ...slow]) expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");

  harness.vendor.failLookups(undefined);
  for (const call of harness.vendor.calls) harness.vendor.holds(call, "SUCCESS");
  const [first] = await sweepFor(harness, 6 * MINUTE);
  // One request looks up all four, within the longest pause.
  expect(first).toBeLessThanOrEqual(TIMINGS.lookupMaxMs / MINUTE);
  expect(harness.vendor.lookups.at(-1)).toHaveLength(4);
  await harness.finishAll();
  for (const flow of [fast, ...slow]) expect((await harness.read(flow)).status).toBe("completed");
  // Four roots and four follow-ups: no task was paid twice.
  expect(harness.vendor.calls).toHaveLength(8);
  expect((await harness.deps.store.health("fake", "default"))!.failures).toBe(0);
});

test("an unclear submission without callback and look-up is sent again once and then fails as unclear", async () => {
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
