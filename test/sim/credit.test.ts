/** The credit of apps with limits under the faults of the counter. The auditor (ledger.ts) checks each write. */

import type { Limits } from "@mjflow/core/app";
import { describe, expect, test } from "vitest";
import { expectNoFindings } from "./expect-no-findings.ts";
import { ALL_FAULTS, NO_FAULTS } from "./fault-profile.ts";
import { faultAlone, LIMITS } from "./fault-setup.ts";
import { checkInvariants } from "./invariant.ts";
import { createRng } from "./random.ts";
import { runSimulation, type SimulationOptions, START } from "./simulation.ts";

/** Runs some seeds and expects that no rule is broken. @returns the runs */
async function runSeeds(seeds: number, options: Omit<SimulationOptions, "seed">) {
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const run = await runSimulation({ seed, hooks: false, ...options });
    expectNoFindings(checkInvariants(run).findings);
    runs.push(run);
  }
  return runs;
}

test.each(["lateCredit", "copyCredit", "crash", "tableLies", "tableRefuses", "copyMessage"] as const)(
  "with the fault %s alone no amount is lost or counted twice",
  async (fault) => {
    await runSeeds(6, { flows: 10, profile: faultAlone(fault), limits: LIMITS });
  },
);

test.each(["lateCredit", "copyCredit", "crash", "tableLies", "copyMessage"] as const)(
  "with three counters and the fault %s alone no amount is lost or counted twice",
  async (fault) => {
    const runs = await runSeeds(4, { flows: 12, profile: faultAlone(fault), limits: { ...LIMITS, counters: 3 } });
    const used = new Set(runs.flatMap(({ credits }) => credits.map(({ appId }) => appId)));
    expect(used.size).toBeGreaterThan(2);
  },
);

describe("a busy app whose flows end in many containers, which remove each other's finished entries", () => {
  test.each([{ copyCredit: 0.3 }, { copyCredit: 0.2, lateCredit: 0.02, crash: 0.005 }])(
    "with the faults %o no settlement is counted twice",
    async (faults) => {
      let reads = 0;
      await runSeeds(6, {
        ...{ flows: 80, plan: [], profile: { ...NO_FAULTS, ...faults }, limits: { creditsUsd: 1_000 } },
        variant: { containers: 30, createdWithinMs: 4_000 },
        outcomeAt({ process, call, when }) {
          if (process === "callback" && call === "store.creditCounter" && when === "before") reads++;
          return undefined;
        },
      });
      // A callback reads the counter only to remove entries of other containers.
      expect(reads).toBeGreaterThan(50);
    },
  );
});

describe("limits and clocks", () => {
  test("processes whose clocks differ by up to 5 s break no limit and lose no amount", async () => {
    for (const profile of [NO_FAULTS, ALL_FAULTS]) {
      for (let seed = 1; seed <= 4; seed++) {
        const rng = createRng(seed);
        const clockOf = (_: string, now: () => number) => {
          const offset = rng.int(-5_000, 5_000);
          return { now: () => now() + offset };
        };
        const run = await runSimulation({
          seed,
          flows: 10,
          hooks: false,
          profile,
          limits: LIMITS,
          variant: { clockOf },
        });
        expectNoFindings(checkInvariants(run).findings);
      }
    }
  });

  test.each([
    ["raised", { creditsUsd: 20, runningFlows: 30, flowsPerMinute: 60 }],
    ["lowered", { creditsUsd: 0.5, runningFlows: 2, flowsPerMinute: 3 }],
    ["removed", {}],
  ] as [string, Limits][])("limits that are %s while flows run break no sum", async (_, later) => {
    const variant = { limitsAt: (at: number) => (at < 30_000 ? LIMITS : later) };
    for (const profile of [NO_FAULTS, ALL_FAULTS]) await runSeeds(4, { flows: 12, profile, limits: LIMITS, variant });
  });
});

test("while the counter is throttled for a minute no flow starts, and every flow that runs is settled later", async () => {
  const from = 20_000;
  for (const profile of [NO_FAULTS, ALL_FAULTS]) {
    const runs = await runSeeds(4, {
      ...{ flows: 20, profile, limits: { creditsUsd: 1_000 } },
      variant: { isCreditThrottled: (at) => at >= from && at < from + 60_000 },
    });
    for (const { accepted, virtualMs } of runs) {
      expect(virtualMs).toBeGreaterThan(from + 60_000);
      // A request that got its hold before the fault may be accepted shortly after its start.
      expect(accepted.filter(({ at }) => at > START + from + 5_000)).toEqual([]);
      expect(accepted.length).toBeGreaterThan(0);
    }
  }
});
