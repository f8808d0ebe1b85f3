/**
 * Fault 32: the hook key is changed while callbacks are on their way. Each function takes a deployment up at a time of its
 * own: in one step the receiver must be before the workers, as `infra/` has it; in two, any order will do.
 */
import { describe, expect, test } from "vitest";
import { NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { createRng } from "../sim/random.ts";
import { runSimulation, type SimulationRun, type SimulationVariant } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";

const OLD = "the key of last year, 32 characters and more";
const NEW = "the key of this year, 32 characters and more";
const NEXT = "the key of next year, 32 characters and more";
/** Flows begin in the first minute and run for a few. */
const STEP_MS = 45_000;
const TAKEN_UP_MS = 30_000;

/** Each deployment is taken up by each function somewhere within half a minute. */
function deploying(steps: readonly (readonly string[])[], seed: number): SimulationVariant {
  const rng = createRng(seed);
  const lags = new Map<string, number[]>();
  return {
    keysOf(process, at) {
      if (!lags.has(process))
        lags.set(
          process,
          steps.map((_, n) => n * STEP_MS + rng.int(0, TAKEN_UP_MS)),
        );
      const taken = lags.get(process)!.filter((from, n) => n === 0 || from <= at).length;
      return steps[taken - 1]!;
    },
  };
}

async function run(steps: readonly (readonly string[])[], seed: number, profile = NO_FAULTS): Promise<SimulationRun> {
  return runSimulation({ seed, flows: 20, profile, variant: deploying(steps, seed) });
}

describe("a rotation of the hook key in two steps, during traffic", () => {
  const ROTATION = [[OLD], [OLD, NEW], [NEW, OLD]];

  test("refuses no callback, whichever function takes a step up first", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const server = await run(ROTATION, seed);
      const { findings, counts } = checkInvariants(server);
      expect(findings).toEqual([]);
      expect(server.ownRefused).toBe(0);
      expect(counts).toMatchObject({ lookups: 0, resubmitted: 0, unfinished: 0 });
      expect(counts.callbacks).toBeGreaterThan(200);
    }
  });

  test("believes no forgery the more", async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const server = await run(ROTATION, seed, singleFault("forge"));
      expect(checkInvariants(server).findings).toEqual([]);
      expect(server.forgedRefused).toBeGreaterThan(50);
      expect(server.ownRefused).toBe(0);
    }
  });

  test("in one step refuses none either, as long as the receiver takes it up before the workers do", async () => {
    const at: Record<string, number> = { callback: 30_000, submit: 32_000 };
    for (let seed = 1; seed <= 4; seed++) {
      const simulationVariant: SimulationVariant = {
        keysOf: (process, now) => (now < (at[process] ?? 0) ? [OLD] : [NEW, OLD]),
      };
      const server = await runSimulation({ seed, flows: 20, variant: simulationVariant });
      expect(checkInvariants(server).findings).toEqual([]);
      expect(server.ownRefused).toBe(0);
    }
  });

  test("in one step, whichever takes it up first, loses callbacks to a receiver that lags; the sweeper finds what they had to say", async () => {
    let refused = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const server = await run([[OLD], [NEW, OLD]], seed);
      expect(checkInvariants(server).findings).toEqual([]);
      refused += server.ownRefused;
    }
    expect(refused).toBeGreaterThan(0);
  });
});

test("once both keys are gone no callback of theirs is believed, and every flow ends by look-up, paid once", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    // Workers mint with a key that the receiver has never had.
    const simulationVariant: SimulationVariant = {
      keysOf: (process) => (process === "callback" ? [NEXT] : [NEW, OLD]),
    };
    const server = await runSimulation({ seed, flows: 10, variant: simulationVariant });
    const { findings, counts } = checkInvariants(server);
    expect(findings).toEqual([]);
    expect(server.ownRefused).toBe(counts.callbacks);
    expect(server.vendor.accepted.every((task) => task.confirmedAt === undefined)).toBe(true);
    expect(counts).toMatchObject({ flows: 10, unfinished: 0, resubmitted: 0 });
    expectPaidOnce(server);
    expect(counts.lookups).toBeGreaterThan(0);
  }
});
