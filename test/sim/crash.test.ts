/**
 * The exhaustive crash sweep: one whole flow, with a process killed at every single point there is, and at every pair.
 * Each case must have fired, must end, and may cost at most one picture more for each kill.
 */
import { describe, expect, test } from "vitest";
import { LIMITS } from "./fault-setup.ts";
import { checkInvariants } from "./invariant.ts";
import type { CallOutcome, CrashPoint } from "./process.ts";
import { runSimulation } from "./simulation.ts";

const PLAN = [{ press: "U1", then: [{ press: "reroll" }] }, { press: "V2" }];
const TASKS = 4;
const noFault: CallOutcome = { kind: "go", delayMs: 5 };

/** The same flow each time, but for the kills: nothing is drawn by chance where fates are given. */
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

/** Points of the undisturbed flow; later ones belong to sweeps that find nothing to do. */
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
  // A flow whose creation died before it was stored is not there at all, and cost nothing.
  expect([0, 1]).toContain(run.flows.size);
  if (run.flows.size === 0) expect(counts.paid).toBe(0);
  else expect(counts.paid).toBeGreaterThanOrEqual(TASKS - kills);
  expect(counts.paid).toBeLessThanOrEqual(TASKS + kills);
}

describe("killed at every point of a flow", () => {
  test("once: it ends all the same, and costs at most one picture more", async () => {
    const points = await pointsOfOneFlow();
    expect(points).toBeGreaterThan(80);
    for (let at = 0; at < points; at++) check(await runKilledAt(at), 1);
    console.log(`every one of ${points} points`);
  });

  test("once, in a flow that is listened to and archived: each end is told at least once, each picture kept", async () => {
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
    // Two listeners; three tasks, one of them a tile, and the flow.
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
    console.log(`every one of ${points} points of a flow with listeners`);
  }, 120_000);

  test("twice, at every pair of points", async () => {
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
    console.log(`${pairs} pairs, both kills fired in ${both}`);
  }, 300_000);
});
