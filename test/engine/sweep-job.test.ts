/** The sweeper of a deployment: the dispatcher makes jobs, and workers handle them side by side. */
import { newHealth } from "@mjflow/core/account-health";
import { duePartition, sliceOf } from "@mjflow/core/due";
import type { Flow } from "@mjflow/core/flow";
import { flowIdOf } from "@mjflow/core/id";
import type { SweepJobs } from "@mjflow/core/port";
import { parseSweepJob, SWEEP_JOB_LIFE_MS, SWEEP_SLICES, type SweepJob } from "@mjflow/core/sweep-job";
import { TIMINGS } from "@mjflow/core/timing";
import { createFlow } from "@mjflow/engine/create";
import { sweep } from "@mjflow/engine/sweep";
import { dispatchSweep, handleSweepJob } from "@mjflow/engine/sweep-job";
import { createSweepLeases } from "@mjflow/store/sweep-lease";
import { describe, expect, test } from "vitest";
import { createRng } from "../sim/random.ts";
import { dueEntries } from "../support/due.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";
import { createMemoryTable } from "../support/memory/table.ts";

const rng = createRng(20261130);
const QUIET = TIMINGS.quietMs.fast;

function createSweeper(harness: TestHarness) {
  const sent: SweepJob[] = [];
  const sweepJobs: SweepJobs = {
    // A job is a message, so it is copied through JSON.
    send: async (jobs) => void sent.push(...jobs.map((job) => parseSweepJob(JSON.stringify(job))!)),
  };
  // Workers that run at the same time all see the queue as it was before.
  const queueDepths = async () => [];
  const deps = { ...harness.deps, queueDepths, sweepJobs, sweepLeases: createSweepLeases(createMemoryTable()) };
  /** Handles all jobs, as many workers would. @returns all handled jobs */
  async function work(): Promise<SweepJob[]> {
    const done: SweepJob[] = [];
    for (let job = sent.shift(); job; job = sent.shift()) {
      done.push(job);
      await handleSweepJob(deps, job);
    }
    return done;
  }
  return { deps, sent, work, dispatch: () => dispatchSweep(deps) };
}

/** Creates a flow with a random id, so that flows are in all partitions. */
async function start(harness: TestHarness): Promise<Flow> {
  const random = { ...harness.deps.random, bytes: (length: number) => rng.bytes(length) };
  const body = { provider: "fake", prompt: "a paper boat" };
  const options = { storeProgress: false, resubmit: "after-grace" as const, archive: false };
  return (await createFlow({ ...harness.deps, random }, "app_a", body, options)).flow;
}

/** Loses the messages of all flows, so that only the sweeper continues them. */
async function withLostMessages(harness: TestHarness, count: number) {
  const flows = [];
  for (let i = 0; i < count; i++) flows.push(await start(harness));
  for (let records = harness.queue.receive(10); records.length > 0; records = harness.queue.receive(10))
    for (const { receiptHandle } of records) harness.queue.delete(receiptHandle);
  harness.advance(QUIET);
  return flows;
}

const overdue = async (harness: TestHarness) => (await dueEntries(harness.deps.store, harness.deps.clock.now())).length;

describe("jobs of the sweeper", () => {
  test("one job for each partition with something due, and none if nothing is due", async () => {
    const harness = createTestHarness();
    const { dispatch, sent } = createSweeper(harness);
    expect(await dispatch()).toEqual({ jobs: 0 });
    await withLostMessages(harness, 12);
    const { jobs } = await dispatch();
    expect(jobs).toBe(4);
    expect(new Set(sent.map(({ partition }) => duePartition(partition)?.dueClass))).toEqual(new Set(["flow"]));
    expect(harness.metrics.get("Sweeps")).toBe(2);
  });

  test("the dispatcher counts the longest wait for an account, and looks once into each closed list", async () => {
    const harness = createTestHarness();
    const { dispatch } = createSweeper(harness);
    const { store, clock } = harness.deps;
    await dispatch();
    expect(harness.storeFault.calls.filter((verb) => verb === "listWaiting" || verb === "getTasks")).toEqual([
      "listWaiting",
    ]);
    const now = clock.now();
    const busy = { busyUntil: now + 60_000, fault: "busy" as const };
    await store.saveHealth({ ...newHealth("fake", "default", now), ...busy });
    await start(harness);
    await harness.drain();
    harness.advance(31 * 60_000);
    await dispatch();
    const counted = () => [harness.metrics.get("OldestWaitS"), harness.metrics.get("OldestWaitPercent")];
    // In fast mode a task may wait for an hour.
    expect(counted()).toEqual([1_860, 52]);
    harness.metrics.clear();
    harness.storeFault.arm("listWaiting", "before");
    await dispatch();
    expect([counted(), harness.metrics.get("Sweeps")]).toEqual([[undefined, undefined], 1]);
  });

  test("workers handle more pages than one run reads, in slices", async () => {
    const harness = createTestHarness();
    const { dispatch, work } = createSweeper(harness);
    const flows = await withLostMessages(harness, 2_000);
    await dispatch();
    const jobs = await work();
    expect(await overdue(harness)).toBe(0);
    expect(harness.queue.size).toBe(flows.length);
    // Each partition has more than two pages, so its worker gave three slices away.
    expect(jobs.filter(({ slice }) => slice !== undefined)).toHaveLength(4 * (SWEEP_SLICES - 1));
  });

  test("slices have every entry once", () => {
    const ids = Array.from({ length: 400 }, () => flowIdOf(1_764_000_000_000, rng.bytes(10)));
    const counts = Array.from({ length: SWEEP_SLICES }, () => 0);
    for (const flowId of ids) counts[sliceOf({ kind: "flow", flowId }, SWEEP_SLICES)]!++;
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(400);
    for (const count of counts) expect(count).toBeGreaterThan(50);
  });

  test("a second copy of a job does nothing while a worker has the lease, and nothing is left to do after it", async () => {
    const harness = createTestHarness();
    const { deps, dispatch, sent } = createSweeper(harness);
    await withLostMessages(harness, 1);
    await dispatch();
    const [job] = sent;
    const [first, second] = await Promise.all([handleSweepJob(deps, job!), handleSweepJob(deps, job!)]);
    expect([first.overdue, second.overdue].sort()).toEqual([0, 1]);
    expect((await handleSweepJob(deps, job!)).overdue).toBe(0);
    expect(harness.queue.size).toBe(1);
  });

  test("a job that is older than two minutes does nothing", async () => {
    const harness = createTestHarness();
    const { deps, dispatch, sent } = createSweeper(harness);
    await withLostMessages(harness, 1);
    await dispatch();
    harness.advance(SWEEP_JOB_LIFE_MS + 1);
    expect((await handleSweepJob(deps, sent[0]!)).overdue).toBe(0);
    expect(await overdue(harness)).toBe(1);
  });

  test("after a crash the next worker gives slices away, so that other workers handle the rest", async () => {
    const harness = createTestHarness();
    const { deps, dispatch, sent, work } = createSweeper(harness);
    const flows = await withLostMessages(harness, 40);
    const poison = flows[0]!.id;
    await dispatch();
    // The worker ends at its first row and never ends its lease.
    const never = new Promise<never>(() => {});
    const dead = { ...deps, store: { ...deps.store, loadFlow: () => never } };
    for (const job of sent.splice(0)) void handleSweepJob(dead, job);
    harness.advance(60_000);
    const store = {
      ...deps.store,
      loadFlow: (flowId: string) => (flowId === poison ? never : deps.store.loadFlow(flowId)),
    };
    await dispatch();
    const jobs = sent.splice(0);
    const partitions = jobs.length;
    for (const job of jobs) void handleSweepJob({ ...deps, store }, job);
    await expect.poll(() => sent.length).toBe(partitions * (SWEEP_SLICES - 1));
    const slices = sent.splice(0);
    for (const job of slices) void handleSweepJob({ ...deps, store }, job);
    // Every row outside the slice of the poisoned flow is handled.
    const isElsewhere = (flowId: string) =>
      sliceOf({ kind: "flow", flowId }, SWEEP_SLICES) !== sliceOf({ kind: "flow", flowId: poison }, SWEEP_SLICES);
    const untouched = async () => {
      const due = await dueEntries(harness.deps.store, harness.deps.clock.now());
      return due.filter((ref) => ref.kind === "flow" && isElsewhere(ref.flowId)).length;
    };
    await expect.poll(untouched).toBe(0);
    expect(await work()).toEqual([]);
  });

  test("the look-ups of one silent account are batched, also if its flows are in many partitions", async () => {
    const harness = createTestHarness();
    const { dispatch, work } = createSweeper(harness);
    const count = 60;
    for (let i = 0; i < count; i++) await start(harness);
    await harness.drain();
    for (const call of harness.vendor.calls) harness.vendor.holds(call, "SUCCESS");
    harness.advance(TIMINGS.unknownMs);
    await dispatch();
    await work();
    // The first look-ups come from the flows' own partitions. All later ones come from those of the account.
    const before = harness.vendor.lookups.length;
    expect(harness.vendor.lookups.flat().length).toBeGreaterThanOrEqual(count);
    expect(before).toBeLessThanOrEqual(8);
  });
});

test("a job that this version does not know is undefined", () => {
  const job = { v: 1, type: "sweep", partition: "due#repair#31", at: 1 };
  expect(parseSweepJob(JSON.stringify(job))).toEqual(job);
  expect(parseSweepJob(JSON.stringify({ ...job, slice: 3 }))).toEqual({ ...job, slice: 3 });
  for (const other of [{ ...job, v: 2 }, { ...job, partition: "due#repair#32" }, { ...job, slice: 4 }, [], null, 1])
    expect(parseSweepJob(JSON.stringify(other))).toBeUndefined();
  expect(parseSweepJob("{")).toBeUndefined();
});

test("repairs come before flows and deliveries, and each class gets a page", async () => {
  const harness = createTestHarness();
  await withLostMessages(harness, 300);
  const order: string[] = [];
  const store = {
    ...harness.deps.store,
    due: (partition: string, ...rest: [number, number]) => {
      order.push(duePartition(partition)!.dueClass);
      // Each page takes a minute, so no class may begin a second one.
      harness.advance(60_000);
      return harness.deps.store.due(partition, ...rest);
    },
    duePartitions: async () =>
      ["due#repair#0", "due#delivery#0", "due#flow#0", "due#poll#0"].map((name) => duePartition(name)!),
  };
  expect((await sweep({ ...harness.deps, store })).more).toBe(false);
  expect(order).toEqual(["repair", "flow", "poll", "delivery"]);
});

test("while the submit queue is late, the sweeper sends no further messages for waiting tasks", async () => {
  const harness = createTestHarness();
  await withLostMessages(harness, 5);
  const late = {
    ...harness.deps,
    queueDepths: async () => [{ name: "submit" as const, waiting: 101, inFlight: 9, delayed: 0 }],
  };
  await sweep(late);
  expect(harness.queue.size).toBe(0);
  expect(await overdue(harness)).toBe(0);
  harness.advance(10 * TIMINGS.requeueMs);
  await sweep({
    ...harness.deps,
    queueDepths: async () => {
      throw new Error("no answer");
    },
  });
  expect(harness.queue.size).toBe(5);
});
