/**
 * Crashes a process at every possible point of one flow, and at every pair of points. Every crash must occur, every flow
 * must end, and each crash may cost at most one additional image.
 */

import { describe, expect, test } from "vitest";
import { expectNoFindings } from "./expect-no-findings.ts";
import { LIMITS } from "./fault-setup.ts";
import { checkInvariants } from "./invariant.ts";
import type { CallOutcome, CrashPoint } from "./process.ts";
import { runSimulation, type SimulationOptions } from "./simulation.ts";

const PLAN = [{ press: "U1", then: [{ press: "reroll" }] }, { press: "V2" }];
const TASKS = 4;

/**
 * Runs one flow and kills a process at each of the calls `kills`. Nothing is random, because every other call works.
 *
 * @returns `fired`: kills that occurred; `counters`: credit counters that were created; `points`: calls of the flow. Later calls belong to sweeps that find nothing to do.
 */
async function runKilledAt(options: Partial<SimulationOptions>, ...kills: number[]) {
  let fired = 0;
  let points = 0;
  let counters = 0;
  const outcomeAt = ({ index, process, call, when }: CrashPoint): CallOutcome => {
    if (call === "store.createCreditCounter" && when === "before") counters++;
    if (process !== "sweep") points = Math.max(points, index + 1);
    if (!kills.includes(index)) return { kind: "go", delayMs: 5 };
    fired++;
    return { kind: "die" };
  };
  const run = await runSimulation({ seed: 1, flows: 1, plan: PLAN, ...options, outcomeAt });
  return { ...checkInvariants(run), run, fired, points, counters };
}

/** Counts the points of a flow without crashes. */
async function pointsOf(options: Partial<SimulationOptions>): Promise<number> {
  const { findings, points } = await runKilledAt(options);
  expectNoFindings(findings);
  return points;
}

function check({ run, findings, counts, fired }: Awaited<ReturnType<typeof runKilledAt>>, kills: number): void {
  expectNoFindings(findings);
  expect(fired).toBe(kills);
  // If the creation crashed before the flow was stored, the flow does not exist and cost nothing.
  expect([0, 1]).toContain(run.flows.size);
  if (run.flows.size === 0) expect(counts.paid).toBe(0);
  else expect(counts.paid).toBeGreaterThanOrEqual(TASKS - kills);
  expect(counts.paid).toBeLessThanOrEqual(TASKS + kills);
}

describe("crashes at every point of a flow", () => {
  test.each([
    ["one credit counter", LIMITS, 1, 1],
    ["three credit counters", { ...LIMITS, counters: 3 }, 1, 1],
    // One counter has the only flow that may run. With this seed the process asks the other one first.
    ["two credit counters, of which the first refuses", { ...LIMITS, runningFlows: 1, counters: 2 }, 2, 2],
  ])(
    "after one crash at any point the flow ends and costs at most one additional image, with %s",
    async (_, limits, seed, asked) => {
      const { findings, points, counters, run } = await runKilledAt({ limits, seed });
      expectNoFindings(findings);
      // The reroll of the upscale. The account is known to send callbacks by then, so the flow covers its parent.
      expect(run.storedByClaim).toBe(1);
      expect(points).toBeGreaterThan(80);
      expect(counters).toBe(asked);
      for (let at = 0; at < points; at++) check(await runKilledAt({ limits, seed }, at), 1);
      console.log(`one crash at each of ${points} points`);
    },
  );

  test.each([
    // Two subscribers, and four ends: three tasks, one of them a tile, and the flow.
    ["with the success", true, 8],
    // Also the copies of the two tasks that are no tile.
    ["later", "later", 12],
  ] as const)(
    "after one crash at any point each end is notified and each image is archived, if copies are sent %s",
    async (_, archive, notified) => {
      const options = { plan: [{ press: "U1" }], limits: LIMITS, hooks: "always" as const, variant: { archive } };
      const { points, findings, counts } = await runKilledAt(options);
      expectNoFindings(findings);
      expect(counts.notified).toBe(notified);
      for (let at = 0; at < points; at++) {
        const killed = await runKilledAt(options, at);
        expectNoFindings(killed.findings);
        expect(killed.fired).toBe(1);
        if (killed.run.flows.size === 0) continue;
        for (const { tasks } of killed.run.flows.values()) {
          for (const task of tasks) expect(task.status === "SUCCESS" ? task.copies?.length : 1).toBe(1);
        }
      }
      console.log(`one crash at each of ${points} points of a flow with subscribers`);
    },
    120_000,
  );

  test.each([
    ["at a busy account with one slot", { accounts: ["a"], maxRunning: 1 }],
    ["at busy accounts that one worker each may call", { accounts: ["a", "b"], submitWorkers: 2 }],
  ])(
    "after one crash at any point %s, nothing is left in a wait list",
    async (_, limits) => {
      const isBusy = (_: string, at: number) => at < 70_000 || (at > 150_000 && at < 170_000);
      const options = { variant: { ...limits, isBusy } };
      const points = await pointsOf(options);
      for (let at = 0; at < points; at++) {
        const killed = await runKilledAt(options, at);
        expectNoFindings(killed.findings);
        expect(killed.fired).toBe(1);
        if (killed.run.flows.size > 0) expect(killed.counts.paid).toBeLessThanOrEqual(TASKS + 1);
      }
      console.log(`one crash at each of ${points} points of a flow that waits`);
    },
    120_000,
  );

  test("after two crashes at any pair of points the flow ends and costs at most two additional images", async () => {
    const points = await pointsOf({ limits: LIMITS });
    let pairs = 0;
    let both = 0;
    for (let first = 0; first < points; first++) {
      for (let second = first + 1; second < points; second++) {
        const outcome = await runKilledAt({ limits: LIMITS }, first, second);
        expectNoFindings(outcome.findings);
        expect(outcome.counts.paid).toBeLessThanOrEqual(TASKS + 2);
        pairs++;
        if (outcome.fired === 2) both++;
      }
    }
    expect(both).toBeGreaterThan(pairs / 2);
    console.log(`${pairs} pairs of crashes; both occurred in ${both} of them`);
  }, 300_000);
});
