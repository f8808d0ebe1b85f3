/** Wait lists in the simulation: a busy account is asked by one task, order and turns hold, and no wake-up is needed to finish. */

import { describe, expect, test } from "vitest";
import { expectNoFindings } from "./expect-no-findings.ts";
import { ALL_FAULTS, NO_FAULTS } from "./fault-profile.ts";
import { faultSetupOf, LIMITS } from "./fault-setup.ts";
import { checkInvariants } from "./invariant.ts";
import { runSimulation, type SimulationRun, type SimulationVariant, START } from "./simulation.ts";

const MINUTE = 60_000;
const SECOND = 1_000;

async function run(flows: number, variant: SimulationVariant, more: Partial<Parameters<typeof runSimulation>[0]> = {}) {
  const result = await runSimulation({ seed: 1, flows, plan: [], hooks: false, variant, ...more });
  const { findings, counts } = checkInvariants(result);
  expectNoFindings(findings);
  expect(counts).toMatchObject({ duplicates: 0, unfinished: 0, stateMismatches: 0, unauthenticated: 0 });
  return result;
}

/** Submissions within a time, ms since the start. */
const submissionsIn = ({ vendor }: SimulationRun, from: number, to: number) =>
  vendor.submissions.filter(({ at }) => at - START >= from && at - START < to);

/** Apps of the accepted tasks in the order of their acceptance. */
const appsInTurn = ({ vendor, flows }: SimulationRun) =>
  vendor.submissions
    .filter(({ isAccepted }) => isAccepted)
    .map(({ flowPart }) => flows.get(`flow_${flowPart}`)!.flow.appId);

describe.each([
  ["one dispatcher", 0, 20],
  ["a dispatcher that hands tasks over to 200 workers", 200, 170],
])("1,000 flows wait at a vendor that answers 429, with %s", (_, submitWorkers, inFlight) => {
  const recoversAt = 30 * MINUTE;
  const busyVendor: SimulationVariant = { isBusy: (_, at) => at < recoversAt, answerMs: () => 500, submitWorkers };

  test("at most one submission a second is made, and all are accepted within a minute after it recovers", async () => {
    const result = await run(1_000, { ...busyVendor, createdWithinMs: 10 * SECOND });
    // At the start, some submissions are on their way when the first is rejected.
    const waiting = submissionsIn(result, 15 * SECOND, recoversAt);
    for (const [i, { at }] of waiting.slice(1).entries()) expect(at - waiting[i]!.at).toBeGreaterThanOrEqual(SECOND);
    const probes = waiting.length / (recoversAt / MINUTE);
    const last = Math.max(...result.vendor.accepted.map(({ at }) => at)) - START - recoversAt;
    console.log(`${probes.toFixed(1)} submissions a minute while busy; drained ${(last / SECOND).toFixed(1)} s after`);
    expect(result.vendor.accepted).toHaveLength(1_000);
    expect(result.handedOver > 0).toBe(submitWorkers > 0);
    expect(result.longestChain).toBeLessThanOrEqual(8);
    expect(last).toBeLessThan(MINUTE);
  }, 120_000);

  test("within an app the first flow is accepted first, and an app with one flow waits for one turn of the others", async () => {
    // 990 flows of one app, and one flow of each of ten others, which come last.
    const apps = (n: number) => (n < 990 ? "app_noisy" : `app_${n}`);
    const result = await run(1_000, { ...busyVendor, appOf: apps, createdWithinMs: 10 * SECOND });
    const turns = appsInTurn(result).slice(accepted(result, recoversAt));
    for (const n of Array.from({ length: 10 }, (_, i) => 990 + i)) {
      const before = turns.indexOf(`app_${n}`);
      // So many tasks are in flight at one time, and each of the ten apps has one turn.
      expect(before, `app_${n}`).toBeLessThan(11 + inFlight);
    }
    const noisy = result.vendor.submissions.filter(
      ({ flowPart, isAccepted, at }) =>
        isAccepted && at - START >= recoversAt && result.flows.get(`flow_${flowPart}`)!.flow.appId === "app_noisy",
    );
    // Tasks that are in flight together may overtake each other by as many places.
    const createdAt = noisy.map(({ flowPart }) => result.flows.get(`flow_${flowPart}`)!.flow.createdAt);
    const sorted = createdAt.toSorted((a, b) => a - b);
    for (const [i, at] of createdAt.entries())
      expect(Math.abs(sorted.indexOf(at) - i)).toBeLessThanOrEqual(2 * inFlight);
  }, 120_000);
});

/** Number of tasks that were accepted before a time, ms since the start. */
function accepted({ vendor }: SimulationRun, at: number): number {
  return vendor.submissions.filter((each) => each.isAccepted && each.at - START < at).length;
}

const PLAN = [{ press: "U1", then: [{ press: "reroll" }] }, { press: "V2" }];

describe("wait lists under faults", () => {
  let tried = 0;
  const busyUntil = 5 * MINUTE;
  const waits: SimulationVariant = { isBusy: (_, at) => at < busyUntil, answerMs: () => 200, accounts: ["a"] };

  test.each([
    ["a Retry-After of two minutes", { isBusy: (_: string, at: number) => at < busyUntil && 2 * MINUTE }],
    ["four of five wake-ups lost", { loseWake: 0.8 }],
    ["doubled wake-ups", { copyWake: 1 }],
    ["an index that shows rows ten seconds late", { indexLagMs: 10 * SECOND }],
    ["a vendor that accepts one of five", { isBusy: () => tried++ % 5 !== 0 }],
    ["a concurrency limit of two", { maxRunning: 2 }],
    ["a concurrency limit of six and every second wake-up lost", { maxRunning: 6, loseWake: 0.5 }],
  ] satisfies [string, SimulationVariant][])(
    "with %s all flows end, nothing is paid twice, and no task is left in a list",
    async (_, fault) => {
      for (let seed = 1; seed <= 3; seed++) {
        const { vendor, flows } = await run(20, { ...waits, ...fault }, { seed, plan: PLAN });
        expect([...flows.values()].every(({ status }) => status === "completed")).toBe(true);
        expect(vendor.accepted).toHaveLength(80);
      }
    },
    60_000,
  );

  test.each([
    ["crashing processes", { ...NO_FAULTS, crash: 0.03 }],
    ["table faults", { ...NO_FAULTS, tableRefuses: 0.05, tableLies: 0.05 }],
    ["lost and doubled messages", { ...NO_FAULTS, loseMessage: 0.2, copyMessage: 0.4 }],
    ["all faults", ALL_FAULTS],
  ] as const)(
    "with %s at a busy account with a concurrency limit all flows end, and no known submission is paid twice",
    async (_, profile) => {
      for (let seed = 1; seed <= 4; seed++) {
        await run(10, { ...waits, maxRunning: 2 }, { seed, plan: PLAN, profile });
      }
    },
    60_000,
  );

  test.each([
    ["no faults", NO_FAULTS],
    ["crashing processes", { ...NO_FAULTS, crash: 0.01 }],
    ["table faults", { ...NO_FAULTS, tableRefuses: 0.03, tableLies: 0.03 }],
    ["lost and doubled messages", { ...NO_FAULTS, loseMessage: 0.2, copyMessage: 0.4 }],
  ] as const)(
    "with %s, a dispatcher that hands tasks over to other workers loses none and pays none twice",
    async (_, profile) => {
      const isBusy = (_: string, at: number) => at < busyUntil || (at > busyUntil + 20 * SECOND && at < 7 * MINUTE);
      let handedOver = 0;
      for (let seed = 1; seed <= 2; seed++) {
        const result = await run(120, { ...waits, isBusy, submitWorkers: 40 }, { seed, profile });
        handedOver += result.handedOver;
        expect(result.longestChain).toBeLessThanOrEqual(8);
      }
      expect(handedOver).toBeGreaterThan(0);
    },
    120_000,
  );

  // Each of these seeds left an entry while the sweeper did not look for closed lists with entries (WL6).
  test.each([500_125, 500_325])(
    "with lost rows of lists, dying dispatchers and canceled flows no entry is left in a list, seed %i",
    async (seed) => {
      const faults = { listLost: 0.9, dispatcherDies: 0.08, listRefuses: 0.08, busySpell: 0.9, loseWake: 0.4 };
      const profile = { ...(seed % 3 === 0 ? ALL_FAULTS : NO_FAULTS), ...faults, crash: seed % 2 === 0 ? 0 : 0.03 };
      const { variant } = faultSetupOf(seed, "mjproxy");
      // With limits the apps also press and cancel.
      const result = await runSimulation({ seed, flows: 10, profile, limits: LIMITS, variant });
      expectNoFindings(checkInvariants(result).findings);
    },
    60_000,
  );

  test("the tasks of an account that is removed while they wait fail, and the list is empty", async () => {
    const removed: SimulationVariant = { ...waits, isBusy: () => true, isConfigured: (_, at) => at < 2 * MINUTE };
    const { flows } = await run(20, removed);
    const codes = [...flows.values()].flatMap(({ tasks }) => tasks.map(({ failure }) => failure?.code));
    expect(new Set(codes)).toEqual(new Set(["provider_missing"]));
  });

  test("tasks that wait for longer than their waiting time expire with vendor_busy, and the list is empty", async () => {
    const { flows } = await run(20, { ...waits, isBusy: () => true });
    const ends = [...flows.values()].flatMap(({ tasks }) => tasks);
    expect(new Set(ends.map(({ failure }) => failure?.code))).toEqual(new Set(["vendor_busy"]));
    for (const { createdAt, endedAt } of ends) {
      expect(endedAt! - createdAt).toBeGreaterThan(60 * MINUTE);
      expect(endedAt! - createdAt).toBeLessThan(66 * MINUTE);
    }
  });
});

describe("a vendor account that never responds", () => {
  const hanging: SimulationVariant = {
    accounts: ["hangs", "works"],
    hostOf: (account) => account,
    submitWorkers: 10,
    createdWithinMs: 10 * SECOND,
    answerMs: (account, at) => (account === "hangs" && at < 5 * MINUTE ? Number.POSITIVE_INFINITY : 200),
  };

  const callsAt = ({ vendor }: SimulationRun, name: string) =>
    vendor.submissions.filter(({ account, isAccepted }) => account === name && !isAccepted);

  /** Highest number of calls that were in flight at one moment, from a time on. */
  function mostInFlight(calls: ReturnType<typeof callsAt>, from = 0): number {
    const counts = calls.map(({ at }) => {
      const inFlight = calls.filter((other) => other.at <= at && at < other.at + 75 * SECOND);
      return at - START >= from ? inFlight.length : 0;
    });
    return Math.max(...counts);
  }

  test("its host holds half of the workers, and the other roots are accepted at the other account at once or with the next sweep", async () => {
    const result = await run(80, hanging);
    expect(mostInFlight(callsAt(result, "hangs"))).toBe(5);
    const others = result.vendor.accepted.filter(({ account }) => account === "works").map(({ at }) => at - START);
    // A root that found both accounts full is moved by the next sweep. The five of the calls without response come later.
    expect(others.filter((at) => at < 11 * SECOND).length).toBeGreaterThanOrEqual(73);
    expect(others.filter((at) => at < 75 * SECOND)).toHaveLength(75);
  });

  test("three accounts of a host that hangs hold half of the workers together, and two calls each after their timeouts", async () => {
    const accounts = ["hangs-1", "hangs-2", "hangs-3", "works"];
    const hangs = (account: string) => account.startsWith("hangs");
    const result = await run(80, {
      ...hanging,
      accounts,
      hostOf: (account) => (hangs(account) ? "hangs" : "works"),
      submitWorkers: 20,
      answerMs: (account, at) => (hangs(account) && at < 5 * MINUTE ? Number.POSITIVE_INFINITY : 200),
    });
    const calls = accounts.filter(hangs).map((account) => callsAt(result, account));
    expect(mostInFlight(calls.flat())).toBe(9);
    // The first calls of an account end within some seconds. The third timeout opens its circuit breaker.
    for (const own of calls) expect(mostInFlight(own, 100 * SECOND)).toBeLessThanOrEqual(2);
  });

  test("a deployment with one account has no limit, because no other account needs a worker", async () => {
    expect(mostInFlight(callsAt(await run(40, { ...hanging, accounts: ["hangs"] }), "hangs"))).toBe(40);
  });

  test("one lost response among many calls stops no healthy account", async () => {
    let calls = 0;
    const accounts = ["a", "b"];
    const lossy: SimulationVariant = {
      ...hanging,
      accounts,
      submitWorkers: 40,
      answerMs: () => (++calls === 20 ? Number.POSITIVE_INFINITY : 1_500),
    };
    const result = await run(300, { ...lossy, createdWithinMs: 5 * MINUTE });
    const waited = result.vendor.accepted
      .map(({ at, flowPart }) => at - result.flows.get(`flow_${flowPart}`)!.flow.createdAt)
      .toSorted((a, b) => a - b);
    // All but the lost one.
    expect(waited.at(-2)).toBeLessThan(5 * SECOND);
  });

  test.each([
    ["crashing processes", { ...NO_FAULTS, crash: 0.03 }],
    ["all faults", ALL_FAULTS],
  ] as const)(
    "with %s all flows end, and no known submission is paid twice",
    async (_, profile) => {
      for (let seed = 1; seed <= 2; seed++)
        await run(10, { ...hanging, submitWorkers: 2 }, { seed, plan: PLAN, profile });
    },
    60_000,
  );
});
