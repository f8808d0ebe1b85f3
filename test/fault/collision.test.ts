/** Fault 19: the accounts of a vendor count their task ids from the same number, so every id exists in each account. */

import { describe, expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";

const ACCOUNTS = ["a", "b", "c"];

/** @returns the number of ids that several accounts have given to tasks */
async function collide(seed: number, profile: FaultProfile) {
  const run = await runSimulation({ seed, flows: 12, profile, variant: { accounts: ACCOUNTS } });
  const ids = Map.groupBy(run.vendor.accepted, ({ id }) => id);
  const collisions = [...ids.values()].filter((same) => new Set(same.map(({ account }) => account)).size > 1).length;
  return { run, collisions, ...checkInvariants(run) };
}

describe("accounts that issue the same ids", () => {
  test("each task gets its own image, buttons and follow-ups although accounts issue the same ids", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { run, findings, counts, collisions } = await collide(seed, NO_FAULTS);
      expectNoFindings(findings);
      expect(collisions).toBeGreaterThan(3);
      expect(counts).toMatchObject({ flows: 12, unfinished: 0, resubmitted: 0 });
      expectPaidOnce(run);
      // A branch stays at the account of its parent.
      for (const { flow, tasks } of run.flows.values()) {
        expect(new Set(tasks.map(({ account }) => account))).toEqual(new Set([flow.account]));
      }
    }
  });

  // These faults need look-ups, which name a task by its id only.
  test.each(["silent", "loseCallback", "answerLost", "contraryEnd", "modal"] as const)(
    "with the fault %s no task gets the end of another task",
    async (fault) => {
      for (let seed = 1; seed <= 4; seed++) {
        const { findings, collisions } = await collide(seed, singleFault(fault, fault === "silent" ? 1 : 0.4));
        expectNoFindings(findings);
        expect(collisions).toBeGreaterThan(0);
      }
    },
  );

  test("with all faults no rule is broken although accounts issue the same ids", async () => {
    for (let seed = 1; seed <= 12; seed++) expectNoFindings((await collide(seed, ALL_FAULTS)).findings);
  });
});
