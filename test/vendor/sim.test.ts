/** Several accounts in the simulation: a relocation never causes a second payment, whatever other faults occur. */

import { TILE_ACTION } from "@mjflow/core/button";
import { describe, expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation, type SimulationRun, type SimulationVariant } from "../sim/simulation.ts";

const simulationVariant: SimulationVariant = { accounts: ["a", "b", "c"], routed: true };
const SEEDS = 4;
const FLOWS = 10;

async function runAndCheck(seed: number, profile: FaultProfile, more: Partial<SimulationVariant> = {}) {
  const run = await runSimulation({ seed, flows: FLOWS, profile, variant: { ...simulationVariant, ...more } });
  const roots = [...run.flows.values()].flatMap(({ tasks }) => tasks.filter(({ path }) => path === "0"));
  return { run, roots, ...checkInvariants(run) };
}

describe("relocation in the simulation", () => {
  test("busy roots move, each image is paid once, and every follow-up is pressed at the account of its image", async () => {
    let relocated = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { run, roots, findings, counts } = await runAndCheck(seed, singleFault("busy", 0.4));
      expectNoFindings(findings);
      expect(counts).toMatchObject({ duplicates: 0, resubmitted: 0, unfinished: 0 });
      expect(counts.paid).toBe(countVendorTasks(run));
      relocated += roots.filter(({ previousLocations }) => previousLocations !== undefined).length;
      for (const { tasks } of run.flows.values()) {
        const [{ account } = { account: "" }] = tasks;
        for (const task of tasks) expect(task.account).toBe(account);
      }
    }
    expect(relocated).toBeGreaterThan(SEEDS);
  });

  test.each([
    ["lost responses", { answerLost: 0.3 }],
    ["lost submissions", { dropBefore: 0.3 }],
    ["crashing workers", { crash: 0.04 }],
    ["late and duplicated callbacks", { delayCallback: 0.4, copyCallback: 0.4 }],
    ["table faults", { tableRefuses: 0.05, tableLies: 0.05 }],
    ["lost and duplicated messages", { loseMessage: 0.2, copyMessage: 0.4 }],
  ] as const)("nothing is paid twice at a busy vendor with search by state, with %s", async (_, fault) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings, counts } = await runAndCheck(seed, { ...NO_FAULTS, busy: 0.4, ...fault }, { searched: true });
      expectNoFindings(findings);
      expect(counts).toMatchObject({ duplicates: 0, resubmitted: 0 });
    }
  });

  test("an unclear root waits for its grace period before another account is called", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { run, findings } = await runAndCheck(seed, {
        ...NO_FAULTS,
        busy: 0.3,
        answerLost: 0.4,
        loseCallback: 0.6,
      });
      expectNoFindings(findings);
      const bySubmission = Map.groupBy(run.vendor.accepted, ({ flowPart, path }) => `${flowPart} ${path}`);
      for (const taken of bySubmission.values()) {
        const [first, ...later] = taken.toSorted((a, b) => a.at - b.at);
        for (const again of later) expect(again.at - first!.at).toBeGreaterThan(6 * 60_000);
      }
    }
  });

  test("no invariant is violated under all faults together", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      expectNoFindings((await runAndCheck(seed, { ...ALL_FAULTS, busy: 0.3 })).findings);
    }
  }, 60_000);
});

describe("loss of an account with open branches and onVendorLoss restart", () => {
  const losingAccount: Partial<SimulationVariant> = {
    onVendorLoss: "restart",
    isConfigured: (account, at) => account !== "b" || at < 50_000,
  };

  test.each([
    ["without faults", NO_FAULTS],
    ["with crashing workers", { ...NO_FAULTS, crash: 0.03 }],
    ["with table faults", { ...NO_FAULTS, tableRefuses: 0.05, tableLies: 0.05 }],
    ["with all faults", ALL_FAULTS],
  ] as const)(
    "each flow with lost branches is restarted once at another account, and no other flow, %s",
    async (_, profile) => {
      let restarts = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { run, findings } = await runAndCheck(seed, profile, { accounts: ["a", "b"], ...losingAccount });
        expectNoFindings(findings);
        for (const [id, { flow, tasks }] of run.flows) {
          const seconds = [...run.flows.values()].filter((other) => other.flow.restartOf === id);
          expect(seconds.map((other) => other.flow.id)).toEqual(
            flow.restartedAs === undefined ? [] : [flow.restartedAs],
          );
          if (flow.restartOf !== undefined) expect(run.flows.get(flow.restartOf)?.flow.restartedAs).toBe(id);
          restarts += seconds.length;
          if (profile !== NO_FAULTS) continue;
          const lost = tasks.some(({ failure, account }) => failure !== undefined && account === "b");
          expect(seconds).toHaveLength(lost && flow.status === "completed" ? 1 : 0);
          for (const { tasks: again } of seconds) expect(again.every(({ status }) => status === "SUCCESS")).toBe(true);
        }
      }
      expect(restarts).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe("concurrency limit in the simulation", () => {
  test.each([
    ["without faults", NO_FAULTS],
    ["with crashing workers and duplicated messages", { ...NO_FAULTS, crash: 0.02, copyMessage: 0.3 }],
    ["with all faults", ALL_FAULTS],
  ] as const)(
    "all flows end under a concurrency limit of two, %s",
    async (_, profile) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { run, findings, counts } = await runAndCheck(seed, profile, { accounts: ["a"], maxRunning: 2 });
        expectNoFindings(findings);
        if (profile === NO_FAULTS) {
          expect(counts.paid).toBe(countVendorTasks(run));
          expect(maxConcurrent(run.vendor.accepted)).toBeLessThanOrEqual(2);
        }
      }
    },
    60_000,
  );
});

/** Number of tasks that a vendor executes; tiles are not among them. */
function countVendorTasks(run: SimulationRun): number {
  const tasks = [...run.flows.values()].flatMap((flow) => flow.tasks);
  return tasks.filter(({ action }) => action !== TILE_ACTION).length;
}

/** Maximum number of tasks that ran at one time, by the vendor's records. */
function maxConcurrent(accepted: readonly { at: number; endsAt: number }[]): number {
  return Math.max(
    0,
    ...accepted.map(({ at }) => accepted.filter((other) => other.at <= at && at < other.endsAt).length),
  );
}
