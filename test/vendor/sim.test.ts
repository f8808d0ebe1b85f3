/** Several accounts in the simulation: what moves is never paid twice by moving, whatever else goes wrong. */

import { TILE_ACTION } from "@mjflow/core/button";
import { describe, expect, test } from "vitest";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation, type SimulationRun, type SimulationVariant } from "../sim/simulation.ts";

const simulationVariant: SimulationVariant = { accounts: ["a", "b", "c"], routed: true };
const SEEDS = 4;
const FLOWS = 10;

async function judged(seed: number, profile: FaultProfile, more: Partial<SimulationVariant> = {}) {
  const run = await runSimulation({ seed, flows: FLOWS, profile, variant: { ...simulationVariant, ...more } });
  const roots = [...run.flows.values()].flatMap(({ tasks }) => tasks.filter(({ path }) => path === "0"));
  return { run, roots, ...checkInvariants(run) };
}

describe("roots that move between accounts", () => {
  test("busy often: they do move, each picture is paid once, and every follow-up is pressed at its picture's account", async () => {
    let moved = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { run, roots, findings, counts } = await judged(seed, singleFault("busy", 0.4));
      expect(findings).toEqual([]);
      expect(counts).toMatchObject({ duplicates: 0, resubmitted: 0, unfinished: 0 });
      expect(counts.paid).toBe(sold(run));
      moved += roots.filter(({ previousLocations }) => previousLocations !== undefined).length;
      for (const { tasks } of run.flows.values()) {
        const [{ account } = { account: "" }] = tasks;
        for (const task of tasks) expect(task.account).toBe(account);
      }
    }
    expect(moved).toBeGreaterThan(SEEDS);
  });

  test.each([
    ["answers lost", { answerLost: 0.3 }],
    ["submissions lost", { dropBefore: 0.3 }],
    ["workers that die", { crash: 0.04 }],
    ["callbacks late and copied", { delayCallback: 0.4, copyCallback: 0.4 }],
    ["a table that lies", { tableRefuses: 0.05, tableLies: 0.05 }],
    ["messages lost and copied", { loseMessage: 0.2, copyMessage: 0.4 }],
  ] as const)("busy besides %s, at a vendor that lists what it took: nothing is ever paid twice", async (_, fault) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings, counts } = await judged(seed, { ...NO_FAULTS, busy: 0.4, ...fault }, { searched: true });
      expect(findings).toEqual([]);
      expect(counts).toMatchObject({ duplicates: 0, resubmitted: 0 });
    }
  });

  test("after doubt a root has waited out its grace before any other account is asked", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { run, findings } = await judged(seed, { ...NO_FAULTS, busy: 0.3, answerLost: 0.4, loseCallback: 0.6 });
      expect(findings).toEqual([]);
      const bySubmission = Map.groupBy(run.vendor.accepted, ({ flowPart, path }) => `${flowPart} ${path}`);
      for (const taken of bySubmission.values()) {
        const [first, ...later] = taken.toSorted((a, b) => a.at - b.at);
        for (const again of later) expect(again.at - first!.at).toBeGreaterThan(6 * 60_000);
      }
    }
  });

  test("everything at once: no rule is broken", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      expect((await judged(seed, { ...ALL_FAULTS, busy: 0.3 })).findings).toEqual([]);
    }
  }, 60_000);
});

describe("an account that is lost with open branches, where apps want to begin anew", () => {
  const gone: Partial<SimulationVariant> = {
    onVendorLoss: "restart",
    isConfigured: (account, at) => account !== "b" || at < 50_000,
  };

  test.each([
    ["in calm weather", NO_FAULTS],
    ["with workers that die", { ...NO_FAULTS, crash: 0.03 }],
    ["with a table that lies", { ...NO_FAULTS, tableRefuses: 0.05, tableLies: 0.05 }],
    ["in a storm", ALL_FAULTS],
  ] as const)(
    "%s: each flow that lost branches is begun once more, elsewhere, and no other is",
    async (_, profile) => {
      let begun = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { run, findings } = await judged(seed, profile, { accounts: ["a", "b"], ...gone });
        expect(findings).toEqual([]);
        for (const [id, { flow, tasks }] of run.flows) {
          const seconds = [...run.flows.values()].filter((other) => other.flow.restartOf === id);
          expect(seconds.map((other) => other.flow.id)).toEqual(
            flow.restartedAs === undefined ? [] : [flow.restartedAs],
          );
          if (flow.restartOf !== undefined) expect(run.flows.get(flow.restartOf)?.flow.restartedAs).toBe(id);
          begun += seconds.length;
          if (profile !== NO_FAULTS) continue;
          const lost = tasks.some(({ failure, account }) => failure !== undefined && account === "b");
          expect(seconds).toHaveLength(lost && flow.status === "completed" ? 1 : 0);
          for (const { tasks: again } of seconds) expect(again.every(({ status }) => status === "SUCCESS")).toBe(true);
        }
      }
      expect(begun).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe("an account with a cap", () => {
  test.each([
    ["in calm weather", NO_FAULTS],
    ["with workers that die, and messages copied", { ...NO_FAULTS, crash: 0.02, copyMessage: 0.3 }],
    ["in a storm", ALL_FAULTS],
  ] as const)(
    "%s: all flows end, however few it may run",
    async (_, profile) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { run, findings, counts } = await judged(seed, profile, { accounts: ["a"], maxRunning: 2 });
        expect(findings).toEqual([]);
        if (profile === NO_FAULTS) {
          expect(counts.paid).toBe(sold(run));
          expect(mostAtOnce(run.vendor.accepted)).toBeLessThanOrEqual(2);
        }
      }
    },
    60_000,
  );
});

/** Tasks that are a vendor's to do. */
function sold(run: SimulationRun): number {
  const tasks = [...run.flows.values()].flatMap((flow) => flow.tasks);
  return tasks.filter(({ action }) => action !== TILE_ACTION).length;
}

/** Of the vendor's own ledger. */
function mostAtOnce(taken: readonly { at: number; endsAt: number }[]): number {
  return Math.max(0, ...taken.map(({ at }) => taken.filter((other) => other.at <= at && at < other.endsAt).length));
}
