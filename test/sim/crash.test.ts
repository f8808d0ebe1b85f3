/**
 * Crashes a process at every possible point of one flow, and at every pair of points. Every crash must occur, every flow
 * must end, and each crash may cost at most one additional image.
 */
import { describe, expect, test } from "vitest";
import { LIMITS } from "./fault-setup.ts";
import { checkInvariants } from "./invariant.ts";
import type { CallOutcome, CrashPoint } from "./process.ts";
import { runSimulation } from "./simulation.ts";

const PLAN = [{ press: "U1", then: [{ press: "reroll" }] }, { press: "V2" }];
const TASKS = 4;
const noFault: CallOutcome = { kind: "go", delayMs: 5 };

/** Runs the same flow each time, except for the crashes. Nothing is random, because `outcomeAt` decides every call. */
function runKilledAt(...kills: number[]) {
  let fired = 0;
  const outcomeAt = ({ index }: CrashPoint): CallOutcome => {
    if (!kills.includes(index)) return noFault;
    fired++;
    return { kind: "die" };
  };
  return runSimulation({ seed: 1, flows: 1, outcomeAt, plan: PLAN, limits: LIMITS }).then((run) => ({
    run,
    fired,
    ...checkInvariants(run),
  }));
}

/** Counts the points of the flow without crashes. Later points belong to sweeps that find nothing to do. */
async function pointsOfOneFlow(): Promise<number> {
  let last = 0;
  const outcomeAt = ({ index, process }: CrashPoint): CallOutcome => {
    if (process !== "sweep") last = Math.max(last, index);
    return noFault;
  };
  const { findings } = checkInvariants(
    await runSimulation({ seed: 1, flows: 1, outcomeAt, plan: PLAN, limits: LIMITS }),
  );
  expect(findings).toEqual([]);
  return last + 1;
}

function check({ run, findings, counts, fired }: Awaited<ReturnType<typeof runKilledAt>>, kills: number): void {
  expect(findings).toEqual([]);
  expect(fired).toBe(kills);
  // If the creation crashed before the flow was stored, the flow does not exist and cost nothing.
  expect([0, 1]).toContain(run.flows.size);
  if (run.flows.size === 0) expect(counts.paid).toBe(0);
  else expect(counts.paid).toBeGreaterThanOrEqual(TASKS - kills);
  expect(counts.paid).toBeLessThanOrEqual(TASKS + kills);
}

describe("crashes at every point of a flow", () => {
  test("after one crash at any point the flow ends and costs at most one additional image", async () => {
    const points = await pointsOfOneFlow();
    expect(points).toBeGreaterThan(80);
    for (let at = 0; at < points; at++) check(await runKilledAt(at), 1);
    console.log(`one crash at each of ${points} points`);
  });

  test("after one crash at any point each end is notified and each image of the flow is archived", async () => {
    const run = (kill: number | undefined) => {
      let fired = 0;
      let last = 0;
      const outcomeAt = ({ index, process }: CrashPoint): CallOutcome => {
        if (process !== "sweep") last = Math.max(last, index);
        if (index !== kill) return noFault;
        fired++;
        return { kind: "die" };
      };
      const options = {
        seed: 1,
        flows: 1,
        outcomeAt,
        plan: [{ press: "U1" }],
        limits: LIMITS,
        hooks: "always" as const,
      };
      return runSimulation(options).then((server) => ({
        ...checkInvariants(server),
        run: server,
        fired,
        points: last + 1,
      }));
    };
    const { points, findings, counts } = await run(undefined);
    expect(findings).toEqual([]);
    // Two subscribers, and four ends: three tasks, one of them a tile, and the flow.
    expect(counts.notified).toBe(8);
    for (let at = 0; at < points; at++) {
      const killed = await run(at);
      expect(killed.findings).toEqual([]);
      expect(killed.fired).toBe(1);
      if (killed.run.flows.size === 0) continue;
      for (const { tasks } of killed.run.flows.values()) {
        for (const task of tasks) expect(task.status === "SUCCESS" ? task.copies?.length : 1).toBe(1);
      }
    }
    console.log(`one crash at each of ${points} points of a flow with subscribers`);
  }, 120_000);

  test("after one crash at any point at a busy account with one slot, nothing is left in its wait list", async () => {
    const run = (kill: number | undefined) => {
      let fired = 0;
      let last = 0;
      const outcomeAt = ({ index, process }: CrashPoint): CallOutcome => {
        if (process !== "sweep") last = Math.max(last, index);
        if (index !== kill) return noFault;
        fired++;
        return { kind: "die" };
      };
      const isBusy = (_: string, at: number) => at < 70_000 || (at > 150_000 && at < 170_000);
      const variant = { accounts: ["a"], maxRunning: 1, isBusy };
      return runSimulation({ seed: 1, flows: 1, outcomeAt, plan: PLAN, variant }).then((each) => ({
        ...checkInvariants(each),
        run: each,
        fired,
        points: last + 1,
      }));
    };
    const { points, findings } = await run(undefined);
    expect(findings).toEqual([]);
    for (let at = 0; at < points; at++) {
      const killed = await run(at);
      expect(killed.findings).toEqual([]);
      expect(killed.fired).toBe(1);
      if (killed.run.flows.size > 0) expect(killed.counts.paid).toBeLessThanOrEqual(TASKS + 1);
    }
    console.log(`one crash at each of ${points} points of a flow that waits`);
  }, 120_000);

  test("after two crashes at any pair of points the flow ends and costs at most two additional images", async () => {
    const points = await pointsOfOneFlow();
    let pairs = 0;
    let both = 0;
    for (let first = 0; first < points; first++) {
      for (let second = first + 1; second < points; second++) {
        const outcome = await runKilledAt(first, second);
        expect(outcome.findings).toEqual([]);
        expect(outcome.counts.paid).toBeLessThanOrEqual(TASKS + 2);
        pairs++;
        if (outcome.fired === 2) both++;
      }
    }
    expect(both).toBeGreaterThan(pairs / 2);
    console.log(`${pairs} pairs of crashes; both occurred in ${both} of them`);
  }, 300_000);
});
