/** Fault 19: a vendor's accounts count from the same number, so that every id is everybody's. */
import { describe, expect, test } from "vitest";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";

const ACCOUNTS = ["a", "b", "c"];

/** @returns how many ids stand for tasks of several accounts */
async function collide(seed: number, profile: FaultProfile) {
  const run = await runSimulation({ seed, flows: 12, profile, variant: { accounts: ACCOUNTS } });
  const ids = Map.groupBy(run.vendor.accepted, ({ id }) => id);
  const collisions = [...ids.values()].filter((same) => new Set(same.map(({ account }) => account)).size > 1).length;
  return { run, collisions, ...checkInvariants(run) };
}

describe("accounts that issue the same ids", () => {
  test("give each task its own picture, buttons and follow-ups", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { run, findings, counts, collisions } = await collide(seed, NO_FAULTS);
      expect(findings).toEqual([]);
      expect(collisions).toBeGreaterThan(3);
      expect(counts).toMatchObject({ flows: 12, unfinished: 0, resubmitted: 0 });
      expectPaidOnce(run);
      // A branch stays with the account that has its parent.
      for (const { flow, tasks } of run.flows.values()) {
        expect(new Set(tasks.map(({ account }) => account))).toEqual(new Set([flow.account]));
      }
    }
  });

  // Where ids are all there is: a look-up names nothing else.
  test.each(["silent", "loseCallback", "answerLost", "contraryEnd", "modal"] as const)(
    "%s besides: no task learns of another's end",
    async (fault) => {
      for (let seed = 1; seed <= 4; seed++) {
        const { findings, collisions } = await collide(seed, singleFault(fault, fault === "silent" ? 1 : 0.4));
        expect(findings).toEqual([]);
        expect(collisions).toBeGreaterThan(0);
      }
    },
  );

  test("all faults at once", async () => {
    for (let seed = 1; seed <= 12; seed++) expect((await collide(seed, ALL_FAULTS)).findings).toEqual([]);
  });
});
