/**
 * Vendors of other protocol families in the simulation: the same faults and rules, with the family's own routes, bodies and means to
 * settle a submission without an answer.
 */
import { describe, expect, test } from "vitest";
import { expectNoFindings } from "./expect-no-findings.ts";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS } from "./fault-profile.ts";
import { ABSENT, faultAlone, LIMITS, WIRES } from "./fault-setup.ts";
import { checkInvariants } from "./invariant.ts";
import { runSimulation } from "./simulation.ts";

const FAULTS = (Object.keys(NO_FAULTS) as (keyof FaultProfile)[]).filter((fault) => !Object.hasOwn(ABSENT, fault));

describe.each(Object.entries(WIRES))("%s", (id, wire) => {
  // The pictures of its grids are looked up, and no task is paid for them.
  const givesPictures = wire.jobIdOf !== undefined;

  // Its callbacks tell only the end, and its look-ups tell the progress that some of the flows want.
  const looksUpProgress = id === "ttapi";

  test("without faults every flow completes, nothing is paid twice, and only wanted progress is looked up", async () => {
    const run = await runSimulation({ seed: 1, flows: 20, hooks: false, variant: { wire } });
    const { findings, counts } = checkInvariants(run);
    expectNoFindings(findings);
    expect(counts).toMatchObject({ flows: 20, unfinished: 0, resubmitted: 0 });
    if (givesPictures) expect(counts.paid).toBeLessThan(counts.tasks);
    else expect([counts.lookups > 0, counts.paid]).toEqual([looksUpProgress, counts.tasks]);
    const wanting = [...run.flows.values()].filter(({ flow }) => flow.progress).flatMap(({ tasks }) => tasks);
    if (looksUpProgress) expect(counts.lookups).toBeLessThanOrEqual(wanting.length);
  });

  test.each(FAULTS)("with the fault %s every flow ends, and no known submission is paid twice", async (fault) => {
    const profile = { ...faultAlone(fault), ...ABSENT };
    const { findings } = checkInvariants(await runSimulation({ seed: 2, flows: 6, profile, variant: { wire } }));
    expectNoFindings(findings);
  });

  test("with all faults together every flow ends, and no known submission is paid twice", async () => {
    const profile = { ...ALL_FAULTS, ...ABSENT };
    for (let seed = 1; seed <= 4; seed++) {
      for (const searched of [false, { reachMs: 300_000 }] as const) {
        const limits = seed % 2 === 0 ? LIMITS : undefined;
        const run = await runSimulation({ seed, flows: 8, profile, limits, variant: { wire, searched } });
        expectNoFindings(checkInvariants(run).findings);
      }
    }
  });

  test("lost answers are settled by callbacks, or by the list if it has our reference", async () => {
    const profile = { ...NO_FAULTS, answerLost: 0.3, loseCallback: 0.6 };
    const sums = { found: 0, blind: 0 };
    for (let seed = 1; seed <= 6; seed++) {
      for (const searched of [{ reachMs: 3_600_000 }, false] as const) {
        const run = await runSimulation({ seed, flows: 8, profile, variant: { wire, searched } });
        const { findings, counts } = checkInvariants(run);
        expectNoFindings(findings);
        expect(counts.duplicates).toBe(0);
        sums[searched ? "found" : "blind"] += counts.resubmitted;
      }
    }
    expect(sums.blind).toBeGreaterThan(0);
    // The list of useapi has only the jobs that run, and Legnext has no list.
    expect(sums.found).toBeLessThanOrEqual(id === "useapi" || id === "legnext" ? sums.blind : 0);
  });
});
