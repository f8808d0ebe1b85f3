/**
 * One app with all limits at a rate of flows: the engine itself, on a table with DynamoDB's latency and limits, in virtual
 * time. It shows how many starts and ends of flows the rows of one app hold.
 */
import type { Limits } from "@mjflow/core/app";
import { submitMessage } from "@mjflow/core/message";
import { createAccounts } from "@mjflow/engine/account";
import { createFlow } from "@mjflow/engine/create";
import { handleCallback } from "@mjflow/engine/handle-callback";
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { createStore } from "@mjflow/store/dynamo";
import { createRng } from "../sim/random.ts";
import { createScheduler } from "../sim/scheduler.ts";
import { createTestHarness, HARNESS_START, reportOf, tokenOf } from "../support/harness.ts";
import { createMemoryTable } from "../support/memory/table.ts";
import { slowTable } from "./slow-table.ts";

const LIMITS: Limits = { creditsUsd: 1_000_000, runningFlows: 1_000_000, flowsPerMinute: 1_000_000 };
const APP = "app_limited";

export interface ContentionOptions {
  flowsPerS: number;
  /** How long new flows arrive, s. */
  seconds: number;
  /** How long a flow runs at the vendor, s. */
  flowS: number;
  /**
   * Containers that start flows, and containers that end them; each remembers its own changes of the app's credit. Unset: as
   * many as Lambda needs at this rate with 40 ms a start, and half as many ends a second for each callback container.
   */
  containers?: { start: number; end: number };
  /** Credit counters of the app. Unset: 1. */
  counters?: number;
  seed?: number;
}

export interface Contention {
  offered: number;
  /** Requests for a new flow, and ends of flows, that failed. */
  rejected: number;
  lostEnds: number;
  /** Flows whose recorded end and settlement are missing at the end. */
  unfinished: number;
  /** Write units of the app's counters, for each start or end of a flow. */
  unitsPerChange: number;
  /** 99th percentile of the time of a start, ms. */
  startP99Ms: number;
}

export async function contention({
  flowsPerS,
  seconds,
  flowS,
  containers = { start: Math.ceil(flowsPerS * 0.04), end: Math.ceil(flowsPerS / 2) },
  counters = 1,
  seed = 1,
}: ContentionOptions): Promise<Contention> {
  const rng = createRng(seed);
  const scheduler = createScheduler(HARNESS_START);
  const harness = createTestHarness();
  const slow = slowTable(createMemoryTable(), scheduler, rng);
  const clock = { now: scheduler.now };
  const random = { bytes: (length: number) => rng.bytes(length), chance: () => rng.next() };
  /** A container has a store of its own, and one table is behind all of them. */
  function container() {
    const store = createStore({ table: slow.table, now: clock.now });
    const base = { ...harness.deps, store, clock, random, limits: { ...LIMITS, counters } };
    return { ...base, accounts: createAccounts(base) };
  }
  const starting = Array.from({ length: containers.start }, container);
  const ending = Array.from({ length: containers.end }, container);
  const one = <T>(all: readonly T[]) => all[rng.int(0, all.length - 1)]!;
  const { store } = container();

  const startMs: number[] = [];
  const flowIds: string[] = [];
  let rejected = 0;
  let lostEnds = 0;
  let open = 0;

  async function run(): Promise<void> {
    const startedAt = scheduler.now();
    const body = { provider: "fake", prompt: "a paper boat" };
    const options = { storeProgress: false, resubmit: "after-grace" as const, archive: false };
    const created = await createFlow(one(starting), APP, body, options).catch(() => undefined);
    startMs.push(scheduler.now() - startedAt);
    if (!created) {
      rejected++;
      return;
    }
    const flowId = created.flow.id;
    flowIds.push(flowId);
    const calls = harness.vendor.calls.length;
    await handleSubmitMessage(one(ending), submitMessage(flowId, "0"));
    const call =
      harness.vendor.calls.slice(calls).find(({ context }) => context.state.includes(flowId.slice(5))) ??
      harness.vendor.calls.at(-1)!;
    await scheduler.pause(flowS * 1_000);
    await handleCallback(one(ending), tokenOf(call), JSON.stringify(reportOf(call, "SUCCESS"))).catch(() => lostEnds++);
  }

  const offered = flowsPerS * seconds;
  for (let i = 0; i < offered; i++) {
    open++;
    scheduler.at((i / flowsPerS) * 1_000 + rng.next() * 5, () => void run().finally(() => open--));
  }
  await scheduler.run(Number.MAX_SAFE_INTEGER, () => open === 0);

  const plain = await Promise.all(flowIds.map((id) => readLater(store.loadFlow(id))));
  const unfinished = plain.filter(({ flow }) => flow?.status === "running").length;
  const appKeys = [...slow.used].filter(([pk]) => pk.includes(APP));
  const units = appKeys.filter(([pk]) => pk.startsWith("credit#")).reduce((sum, [, each]) => sum + each, 0);
  startMs.sort((a, b) => a - b);
  return {
    offered,
    rejected,
    lostEnds,
    unfinished,
    unitsPerChange: units / (2 * offered),
    startP99Ms: startMs[Math.floor(startMs.length * 0.99)] ?? 0,
  };

  /** Reads wait in virtual time too. */
  async function readLater<T>(reading: Promise<T>): Promise<T> {
    await scheduler.run(Number.MAX_SAFE_INTEGER);
    return reading;
  }
}

/** Returns the highest of the rates at which nothing fails. */
export async function highestRate(
  rates: readonly number[],
  options: Omit<ContentionOptions, "flowsPerS">,
): Promise<number> {
  let highest = 0;
  for (const flowsPerS of rates) {
    const found = await contention({ ...options, flowsPerS });
    if (found.rejected + found.lostEnds + found.unfinished > 0) return highest;
    highest = flowsPerS;
  }
  return highest;
}
