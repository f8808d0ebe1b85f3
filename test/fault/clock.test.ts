/**
 * Fault 22: no two functions agree what time it is, by up to ten minutes either way, and one of them jumps back. Leases,
 * graces and due times are written by one clock and read by another.
 */
import { TIMINGS } from "@mjflow/core/timing";
import { describe, expect, test } from "vitest";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { createRng } from "../sim/random.ts";
import { runSimulation, type SimulationRun, type SimulationVariant } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";

const MINUTE = 60_000;
const SKEW_MS = 10 * MINUTE;
const FUNCTIONS = ["api", "callback", "forged", "submit", "sweep", "deadletter"];
const SEEDS = 4;

type Offset = () => number;
interface Skew {
  name: string;
  offsets(seed: number): (process: string) => Offset;
}

/** Each function has a clock, wrong by an amount of its own. */
const byFunction: Skew = {
  name: "each function's clock is off by its own amount",
  offsets(seed) {
    const rng = createRng(seed);
    const off = new Map(FUNCTIONS.map((name) => [name, rng.int(-SKEW_MS, SKEW_MS)]));
    return (process) => () => off.get(process)!;
  },
};

/** Every invocation runs on a machine of its own. */
const byProcess: Skew = {
  name: "each invocation's clock is off by its own amount",
  offsets(seed) {
    const rng = createRng(seed);
    return () => {
      const off = rng.int(-SKEW_MS, SKEW_MS);
      return () => off;
    };
  },
};

/** In the middle of an invocation, too: no second reading is later than the first for sure. */
const jumping: Skew = {
  name: "every reading of every clock jumps",
  offsets(seed) {
    const rng = createRng(seed);
    return () => () => rng.int(-SKEW_MS, SKEW_MS);
  },
};

function runSkewed(skew: Skew, seed: number, profile: FaultProfile): Promise<SimulationRun> {
  const offsetOf = skew.offsets(seed);
  const simulationVariant: SimulationVariant = {
    clockOf(process, now) {
      const offset = offsetOf(process);
      return { now: () => now() + offset() };
    },
  };
  return runSimulation({ seed, flows: 10, profile, variant: simulationVariant });
}

/** Weather in which the vendor answers: nothing excuses a second submission. */
const ANSWERED: (keyof FaultProfile)[] = [
  "loseCallback",
  "delayCallback",
  "busy",
  "slowAnswer",
  "modal",
  "lookupMissing",
  "silent",
  "copyMessage",
  "loseMessage",
];

describe.each([byFunction, byProcess, jumping])("$name, up to 10 minutes", (skew) => {
  test("in calm weather every flow completes, and every picture is paid once", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await runSkewed(skew, seed, NO_FAULTS);
      const { findings, counts } = checkInvariants(run);
      expect(findings).toEqual([]);
      expect(counts).toMatchObject({ flows: 10, unfinished: 0, resubmitted: 0 });
      expectPaidOnce(run);
    }
  });

  test.each(ANSWERED)("%s besides: no rule is broken, and nothing is sent again", async (fault) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings, counts } = checkInvariants(await runSkewed(skew, seed, singleFault(fault)));
      expect(findings).toEqual([]);
      expect(counts.resubmitted).toBe(0);
    }
  });

  test("all faults at once: no rule is broken", async () => {
    for (let seed = 1; seed <= 2 * SEEDS; seed++) {
      expect(checkInvariants(await runSkewed(skew, seed, ALL_FAULTS)).findings).toEqual([]);
    }
  });
});

/**
 * The grace is begun by the worker's clock and ended by the sweeper's: it is as much shorter as that one is ahead. What
 * remains at four minutes outlasts a healthy run; at twenty, nothing may.
 */
describe("answers are lost besides", () => {
  const apart = (ms: number): Skew => ({
    name: "",
    offsets: () => (process) => () => (process === "sweep" ? ms / 2 : -ms / 2),
  });
  const graceless = TIMINGS.graceMs.fast;

  async function resubmitted(skewMs: number): Promise<number> {
    let sum = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings, counts } = checkInvariants(await runSkewed(apart(skewMs), seed, singleFault("answerLost")));
      expect(findings).toEqual([]);
      sum += counts.resubmitted;
    }
    return sum;
  }

  test("a sweeper four minutes ahead of the worker still waits for the callback, and nothing is sent again", async () => {
    expect(await resubmitted(4 * MINUTE)).toBe(0);
  });

  test("one that is ahead by more than the grace sends again, as after any grace; nothing that was known", async () => {
    expect(await resubmitted(graceless + MINUTE)).toBeGreaterThan(0);
  });
});
