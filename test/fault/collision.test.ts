/** Fault 19: a vendor's accounts count from the same number, so that every id is everybody's. */
import { describe, expect, test } from "vitest";
import { runHouse } from "../sim/house.ts";
import { judge } from "../sim/invariant.ts";
import { CALM, only, type Profile, STORM } from "../sim/profile.ts";
import { expectPaidOnce } from "./paid.ts";

const ACCOUNTS = ["a", "b", "c"];

/** @returns how many ids stand for tasks of several accounts */
async function collide(seed: number, profile: Profile) {
  const run = await runHouse({ seed, flows: 12, profile, scene: { accounts: ACCOUNTS } });
  const ids = Map.groupBy(run.vendor.taken, ({ id }) => id);
  const collisions = [...ids.values()].filter((same) => new Set(same.map(({ account }) => account)).size > 1).length;
  return { run, collisions, ...judge(run) };
}

describe("accounts that issue the same ids", () => {
  test("give each task its own picture, buttons and follow-ups", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { run, findings, counts, collisions } = await collide(seed, CALM);
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
  test.each(["silent", "loseCallback", "answerLost", "contraryEnd", "window"] as const)(
    "%s besides: no task learns of another's end",
    async (fault) => {
      for (let seed = 1; seed <= 4; seed++) {
        const { findings, collisions } = await collide(seed, only(fault, fault === "silent" ? 1 : 0.4));
        expect(findings).toEqual([]);
        expect(collisions).toBeGreaterThan(0);
      }
    },
  );

  test("all faults at once", async () => {
    for (let seed = 1; seed <= 12; seed++) expect((await collide(seed, STORM)).findings).toEqual([]);
  });
});
