/**
 * Fault 32: the callback token key is changed while callbacks are under way. Each function gets a new deployment at its
 * own time. In a rotation with one step the callback function must be deployed before the workers, as `infra/` does. In
 * a rotation with two steps every order works.
 */

import { describe, expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
import { NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { createRng } from "../sim/random.ts";
import { runSimulation, type SimulationRun, type SimulationVariant } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";

const OLD = "the key of last year, 32 characters and more";
const NEW = "the key of this year, 32 characters and more";
const NEXT = "the key of next year, 32 characters and more";
/** Time between two deployments, ms. Flows start in the first minute and run for a few minutes. */
const STEP_MS = 45_000;
/** Each function gets a deployment at a random time within this time, ms. */
const ROLLOUT_MS = 30_000;

/** A simulation in which each function gets each deployment with its own delay. */
function deploying(steps: readonly (readonly string[])[], seed: number): SimulationVariant {
  const rng = createRng(seed);
  const lags = new Map<string, number[]>();
  return {
    keysOf(process, at) {
      if (!lags.has(process))
        lags.set(
          process,
          steps.map((_, n) => n * STEP_MS + rng.int(0, ROLLOUT_MS)),
        );
      const deployedSteps = lags.get(process)!.filter((from, n) => n === 0 || from <= at).length;
      return steps[deployedSteps - 1]!;
    },
  };
}

async function run(steps: readonly (readonly string[])[], seed: number, profile = NO_FAULTS): Promise<SimulationRun> {
  return runSimulation({ seed, flows: 20, profile, variant: deploying(steps, seed) });
}

describe("a rotation of the callback token key during traffic", () => {
  const ROTATION = [[OLD], [OLD, NEW], [NEW, OLD]];

  test("a rotation in two steps rejects no callback, for every order of the functions", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const simulation = await run(ROTATION, seed);
      const { findings, counts } = checkInvariants(simulation);
      expectNoFindings(findings);
      expect(simulation.ownRefused).toBe(0);
      expect(counts).toMatchObject({ lookups: 0, resubmitted: 0, unfinished: 0 });
      expect(counts.callbacks).toBeGreaterThan(200);
    }
  });

  test("a rotation in two steps accepts no forged callback", async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const simulation = await run(ROTATION, seed, singleFault("forge"));
      expectNoFindings(checkInvariants(simulation).findings);
      expect(simulation.forgedRefused).toBeGreaterThan(50);
      expect(simulation.ownRefused).toBe(0);
    }
  });

  test("a rotation in one step rejects no callback if the callback function is deployed first", async () => {
    const at: Record<string, number> = { callback: 30_000, submit: 32_000 };
    for (let seed = 1; seed <= 4; seed++) {
      const simulationVariant: SimulationVariant = {
        keysOf: (process, now) => (now < (at[process] ?? 0) ? [OLD] : [NEW, OLD]),
      };
      const simulation = await runSimulation({ seed, flows: 20, variant: simulationVariant });
      expectNoFindings(checkInvariants(simulation).findings);
      expect(simulation.ownRefused).toBe(0);
    }
  });

  test("a rotation in one step and in any order rejects callbacks, and look-ups replace them", async () => {
    let refused = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const simulation = await run([[OLD], [NEW, OLD]], seed);
      expectNoFindings(checkInvariants(simulation).findings);
      refused += simulation.ownRefused;
    }
    expect(refused).toBeGreaterThan(0);
  });
});

test("if the callback function has neither key, every flow ends by look-up and is paid once", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    // Workers sign with a key that the callback function never had.
    const simulationVariant: SimulationVariant = {
      keysOf: (process) => (process === "callback" ? [NEXT] : [NEW, OLD]),
    };
    const simulation = await runSimulation({ seed, flows: 10, variant: simulationVariant });
    const { findings, counts } = checkInvariants(simulation);
    expectNoFindings(findings);
    expect(simulation.ownRefused).toBe(counts.callbacks);
    expect(simulation.vendor.accepted.every((task) => task.heardAt === undefined)).toBe(true);
    expect(counts).toMatchObject({ flows: 10, unfinished: 0, resubmitted: 0 });
    expectPaidOnce(simulation);
    expect(counts.lookups).toBeGreaterThan(0);
  }
});
