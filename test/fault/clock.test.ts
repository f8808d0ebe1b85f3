/**
 * Fault 22: the clocks of functions differ by up to ten minutes in either direction, and a clock jumps back. Leases,
 * grace periods and due times are written by one clock and read by another.
 */

import { TIMINGS } from "@mjflow/core/timing";
import { describe, expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
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

/** Each function has its own clock with its own offset. */
const byFunction: Skew = {
  name: "each function's clock is off by its own amount",
  offsets(seed) {
    const rng = createRng(seed);
    const off = new Map(FUNCTIONS.map((name) => [name, rng.int(-SKEW_MS, SKEW_MS)]));
    return (process) => () => off.get(process)!;
  },
};

/** Each invocation runs on a machine with its own clock. */
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

/** The clock also jumps during an invocation: a second reading can be earlier than the first. */
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

/** Faults in which the vendor's response arrives, so a second submission is never allowed. */
const RESPONSE_ARRIVES: (keyof FaultProfile)[] = [
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
  test("without other faults every flow completes and every image is paid once", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await runSkewed(skew, seed, NO_FAULTS);
      const { findings, counts } = checkInvariants(run);
      expectNoFindings(findings);
      expect(counts).toMatchObject({ flows: 10, unfinished: 0, resubmitted: 0 });
      expectPaidOnce(run);
    }
  });

  test.each(RESPONSE_ARRIVES)("with the fault %s no rule is broken and no task is submitted again", async (fault) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings, counts } = checkInvariants(await runSkewed(skew, seed, singleFault(fault)));
      expectNoFindings(findings);
      expect(counts.resubmitted).toBe(0);
    }
  });

  test("with all faults no rule is broken", async () => {
    for (let seed = 1; seed <= 2 * SEEDS; seed++) {
      expectNoFindings(checkInvariants(await runSkewed(skew, seed, ALL_FAULTS)).findings);
    }
  });
});

/**
 * The grace period starts by the worker's clock and ends by the sweeper's, so it is shorter if the sweeper's clock is
 * ahead. If that clock is four minutes ahead, the rest is long enough for a healthy run. If it is ahead by more than
 * the grace period, nothing is left.
 */
describe("lost responses while the sweeper's clock is ahead", () => {
  const apart = (ms: number): Skew => ({
    name: "",
    offsets: () => (process) => () => (process === "sweep" ? ms / 2 : -ms / 2),
  });
  const graceMs = TIMINGS.graceMs.fast;

  async function resubmitted(skewMs: number): Promise<number> {
    let sum = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings, counts } = checkInvariants(await runSkewed(apart(skewMs), seed, singleFault("answerLost")));
      expectNoFindings(findings);
      sum += counts.resubmitted;
    }
    return sum;
  }

  test("a sweeper four minutes ahead of the worker waits for the callback and submits nothing again", async () => {
    expect(await resubmitted(4 * MINUTE)).toBe(0);
  });

  test("a sweeper ahead by more than the grace period submits unclear tasks again, but no accepted task", async () => {
    expect(await resubmitted(graceMs + MINUTE)).toBeGreaterThan(0);
  });
});
