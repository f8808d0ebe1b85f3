/** One run of the sweeper: its pages, its order, what it counts and logs, and the look-ups of collected tasks. */
import type { DuePartition } from "@mjflow/core/due";
import { LOOKUP_BATCH } from "@mjflow/core/limit";
import type { Due, DuePage, QueueDepth, SubmitOutcome } from "@mjflow/core/port";
import { LookupError } from "@mjflow/core/port";
import type { ReportStatus } from "@mjflow/core/report";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { SWEEP_PAGE, type SweepDeps, startRun, sweep, sweepPartitions } from "@mjflow/engine/sweep";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const MINUTE = 60_000;
const UNCLEAR: SubmitOutcome = { kind: "unclear", reason: "reset" };

let harness: TestHarness;
beforeEach(() => {
  harness = createTestHarness();
});

const root = async (id: string) => (await harness.deps.store.getTask({ flowId: id, path: "0" }))!;
const count = (name: Parameters<TestHarness["metrics"]["get"]>[0]) => harness.metrics.get(name) ?? 0;
const lines = (event: string) =>
  harness.log.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line["event"] === event);

/** Starts a flow whose root the vendor has accepted. */
async function submitted(): Promise<string> {
  const flow = await harness.start();
  await harness.drain();
  return flow.id;
}

/** Starts a flow whose submission got no clear response, and whose grace period is over. */
async function unclear(): Promise<string> {
  harness.vendor.next(UNCLEAR);
  const id = await submitted();
  harness.advance(TIMINGS.graceMs.fast);
  return id;
}

describe("pages", () => {
  /** A due index of which each partition has some pages. Its entries are deliveries that do not exist. */
  function indexOf(pages: Record<string, string[][]>) {
    const reads: unknown[] = [];
    const handled: string[] = [];
    const due = async (name: string, before: number, limit: number, after?: { sk: string }): Promise<DuePage> => {
      reads.push([name, before - run.startedAt, limit, after?.sk]);
      const at = Number(after?.sk ?? 0);
      const entries = pages[name]![at]!.map((deliveryId) => ({ kind: "delivery", deliveryId, dueAt: 0 }) as Due);
      const isLast = at === pages[name]!.length - 1;
      return { due: entries, ...(!isLast && { next: { pk: name, sk: String(at + 1), dueAt: 0 } as never }) };
    };
    const delivery = async (id: string) => {
      handled.push(id);
      return undefined;
    };
    const deps: SweepDeps = {
      ...harness.deps,
      store: Object.assign(Object.create(harness.deps.store), { due }),
      webhookStore: Object.assign(Object.create(harness.deps.webhookStore), { delivery }),
    };
    const run = startRun(deps);
    const partitions = Object.keys(pages).map((name): DuePartition => ({ name, dueClass: "delivery" }));
    return { deps, run, partitions, reads, handled };
  }

  test("one page of each partition is read at a time, each from the end of the one before", async () => {
    const { deps, run, partitions, reads, handled } = indexOf({ p: [["1"], ["2"], ["3"]], q: [["4"], ["5"]] });
    const full: number[] = [];
    await sweepPartitions(deps, run, partitions, {
      until: run.startedAt + 1,
      onFullPage: async (page) => void full.push(page),
    });
    expect(reads).toEqual([
      ["p", 0, SWEEP_PAGE, undefined],
      ["q", 0, SWEEP_PAGE, undefined],
      ["p", 0, SWEEP_PAGE, "1"],
      ["q", 0, SWEEP_PAGE, "1"],
      ["p", 0, SWEEP_PAGE, "2"],
    ]);
    expect(handled.toSorted()).toEqual(["1", "2", "3", "4", "5"]);
    // The last page of all is not full.
    expect(full).toEqual([0, 1]);
    expect(run.swept).toEqual({ overdue: 5, requests: 0, failed: 0, more: false });
    expect(count("Overdue")).toBe(5);
  });

  test("the first page is read at any time, and no other one after the end of the time", async () => {
    const { deps, run, partitions, handled } = indexOf({ p: [["1"], ["2"]] });
    await sweepPartitions(deps, run, partitions, { until: run.startedAt });
    expect(handled).toEqual(["1"]);
    expect(run.swept.more).toBe(true);
  });

  test("a single page after the end of the time leaves nothing", async () => {
    const { deps, run, partitions } = indexOf({ p: [["1"]] });
    await sweepPartitions(deps, run, partitions, { until: run.startedAt });
    expect(run.swept).toMatchObject({ overdue: 1, more: false });
  });

  test("a slice handles only the entries that it selects", async () => {
    const { deps, run, partitions, handled } = indexOf({ p: [["1", "2", "3"]] });
    const selects = (due: Due) => due.kind === "delivery" && due.deliveryId !== "2";
    await sweepPartitions(deps, run, partitions, { until: run.startedAt, selects });
    expect(handled.toSorted()).toEqual(["1", "3"]);
    expect(run.swept.overdue).toBe(2);
  });

  test("an item that fails is counted and logged, and the others are handled", async () => {
    const { deps, run, partitions, handled } = indexOf({ p: [["1", "2", "3", "4"]] });
    const { delivery } = deps.webhookStore;
    deps.webhookStore.delivery = async (id) => {
      if (id === "2") throw new Error("throttled");
      return delivery(id);
    };
    await sweepPartitions(deps, run, partitions, { until: run.startedAt });
    expect(handled.toSorted()).toEqual(["1", "3", "4"]);
    expect(run.swept.failed).toBe(1);
    expect(lines("sweep.item-failed")).toEqual([{ event: "sweep.item-failed", error: "Error: throttled" }]);
  });

  test("the first item runs alone, and each one that ends allows one more, up to sixteen", async () => {
    const ids = Array.from({ length: 60 }, (_, i) => String(i));
    const { deps, run, partitions } = indexOf({ p: [ids] });
    const running: (() => void)[] = [];
    deps.webhookStore.delivery = () => new Promise((resolve) => running.push(() => resolve(undefined)));
    const swept = sweepPartitions(deps, run, partitions, { until: run.startedAt });
    const settle = async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    };
    await settle();
    const inParallel: number[] = [];
    for (let ended = 0; ended < ids.length; ended++) {
      inParallel.push(running.length);
      running.shift()!();
      await settle();
    }
    await swept;
    expect(inParallel.slice(0, 20)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16]);
    expect(inParallel.at(-1)).toBe(1);
  });

  test("the items of a page are handled in an order of chance", async () => {
    const { deps, run, partitions, handled } = indexOf({ p: [["1", "2", "3"]] });
    await sweepPartitions({ ...deps, random: { ...deps.random, chance: () => 0 } }, run, partitions, {
      until: run.startedAt,
    });
    expect(handled).toEqual(["1", "3", "2"]);
  });
});

describe("a run", () => {
  test("is counted, also if nothing is due, and reads the vendor accounts again only if something is", async () => {
    const refreshed: (string | undefined)[] = [];
    const { refresh } = harness.deps.providers;
    harness.deps.providers.refresh = async (how) => {
      if (how) refreshed.push(how);
      await refresh?.(how);
    };
    expect(await harness.sweep()).toEqual({ overdue: 0, requests: 0, failed: 0, more: false });
    expect([count("Sweeps"), refreshed]).toEqual([1, []]);
    await submitted();
    harness.advance(TIMINGS.unknownMs);
    await harness.sweep();
    expect([count("Sweeps"), refreshed]).toEqual([2, ["force"]]);
  });

  test("does not count a running flow as overdue, and counts its tasks and its missing end", async () => {
    await submitted();
    harness.advance(TIMINGS.unknownMs);
    expect((await harness.sweep()).overdue).toBe(1);
    const id = await submitted();
    harness.storeFault.arm("saveFlow", "before");
    await expect(harness.post(harness.vendor.calls.at(-1)!, "SUCCESS")).rejects.toThrow("crash");
    harness.advance(TIMINGS.quietMs.video);
    expect((await harness.sweep()).overdue).toBeGreaterThanOrEqual(1);
    expect((await harness.deps.store.loadFlow(id)).flow!.status).toBe("completed");
  });
});

describe("a late submit queue", () => {
  const depth = (name: QueueDepth["name"], waiting: number): QueueDepth =>
    ({ name, waiting, inFlight: 0 }) as QueueDepth;
  const late = (depths: SweepDeps["queueDepths"]) => {
    const deps = { ...harness.deps, ...(depths && { queueDepths: depths }) };
    if (!depths) delete (deps as Partial<typeof deps>).queueDepths;
    return startRun(deps).isSubmitLate();
  };

  test.each([
    [[depth("submit", 100)], false],
    [[depth("submit", 101)], true],
    [[depth("deliver", 101), depth("submit", 0)], false],
    [[depth("deliver", 0), depth("submit", 101)], true],
    [[], false],
  ])("%j: %s", async (depths, isLate) => {
    expect(await late(async () => depths)).toBe(isLate);
  });

  test("is asked once in a run, and counts as empty if it cannot be asked or is not known", async () => {
    let asked = 0;
    const run = startRun({
      ...harness.deps,
      queueDepths: async () => {
        asked++;
        return [];
      },
    });
    await Promise.all([run.isSubmitLate(), run.isSubmitLate()]);
    await run.isSubmitLate();
    expect(asked).toBe(1);
    expect(await late(undefined)).toBe(false);
    expect(await late(() => Promise.reject(new Error("throttled")))).toBe(false);
    expect(lines("sweep.depth-unknown")).toEqual([{ event: "sweep.depth-unknown", error: "Error: throttled" }]);
  });
});

describe("a submission that is sent again", () => {
  test("at a vendor that cannot be searched is a warning", async () => {
    const id = await unclear();
    await harness.sweep();
    expect([count("Resubmitted"), count("ResubmittedUnproven")]).toEqual([1, 0]);
    expect(lines("task.resubmitted")).toEqual([
      {
        event: "task.resubmitted",
        ...{ flow: id, path: "0", attempt: 1, provider: "fake", account: "default", why: "not-searchable" },
      },
    ]);
  });

  test.each([
    ["not-searchable", "warn"],
    ["unproven", "warn"],
    ["absent", "info"],
  ] as const)("because it is %s has the level %s", async (why, level) => {
    const levels: string[] = [];
    const { log } = harness.deps;
    const noting = (name: "info" | "warn") => (event: string, fields?: Record<string, unknown>) => {
      if (event === "task.resubmitted") levels.push(`${name} ${String(fields?.["why"])}`);
      log[name](event, fields);
    };
    const { provider } = harness.vendor;
    if (why !== "not-searchable") Object.assign(provider.capabilities, { searchByState: true });
    provider.search = async () => ({ reports: [], requests: 1, ...(why === "absent" && { completeSince: 0 }) });
    await unclear();
    for (let i = 0; i < 8 && count("Resubmitted") === 0; i++) {
      await sweep({ ...harness.deps, log: { ...log, info: noting("info"), warn: noting("warn") } });
      harness.advance(5 * MINUTE);
    }
    expect(levels).toEqual([`${level} ${why}`]);
    expect([count("Resubmitted"), count("ResubmittedUnproven")]).toEqual([1, why === "unproven" ? 1 : 0]);
  });

  test("is not counted for a task that waits, was never unclear, or ends instead", async () => {
    const flow = await harness.start({ resubmit: "never" });
    harness.vendor.next(UNCLEAR);
    await harness.drain();
    harness.advance(TIMINGS.graceMs.fast);
    await harness.sweep();
    expect((await root(flow.id)).status).toBe("FAILURE");
    await harness.start();
    for (const { receiptHandle } of harness.queue.receive(10)) harness.queue.delete(receiptHandle);
    harness.advance(TIMINGS.quietMs.fast);
    await harness.sweep();
    expect(count("Resubmitted")).toBe(0);
    expect(lines("task.resubmitted")).toEqual([]);
  });
});

describe("look-ups", () => {
  /** The account sends no callbacks, so all of its tasks are looked up. */
  async function dueTasks(number: number): Promise<string[]> {
    const ids = [];
    for (let i = 0; i < number; i++) ids.push(await submitted());
    harness.advance(TIMINGS.quietMs.fast);
    return ids;
  }
  const hold = (i: number, status: ReportStatus) => harness.vendor.holds(harness.vendor.calls[i]!, status);

  test("one request is for as many tasks as a look-up can name, and the requests are counted", async () => {
    await dueTasks(LOOKUP_BATCH + 1);
    const { requests } = await harness.sweep();
    expect(harness.vendor.lookups.map((ids) => ids.length)).toEqual([LOOKUP_BATCH, 1]);
    expect([requests, count("Lookups")]).toEqual([2, 2]);
  });

  test.each([
    ["unauthorized", new LookupError("401", { unauthorized: true }), 1],
    ["unreachable", new LookupError("refused", { unreachable: true }), 0],
    ["failed", new LookupError("502"), 0],
  ] as const)(
    "a look-up that is %s is counted, logged and recorded, and the tasks stay",
    async (fault, error, refused) => {
      const [id = ""] = await dueTasks(1);
      harness.vendor.failLookups(error);
      expect(await harness.sweep()).toMatchObject({ failed: 0, requests: 0 });
      expect([count("LookupFailures"), count("LookupsRefused")]).toEqual([1, refused]);
      expect(lines("sweep.lookup-failed")).toEqual([
        { event: "sweep.lookup-failed", provider: "fake", account: "default", fault, error: error.message },
      ]);
      expect(await harness.deps.store.health("fake", "default")).toMatchObject({ failures: 1, lookupFault: fault });
      expect(await root(id)).toMatchObject({ status: "SUBMITTED", lookupMisses: 0 });
    },
  );

  test("a bug in a provider fails its item, and is no fault of the account", async () => {
    await dueTasks(1);
    harness.vendor.failLookups(new TypeError("a bug"));
    expect(await harness.sweep()).toMatchObject({ failed: 1 });
    expect((await harness.deps.store.health("fake", "default"))?.failures ?? 0).toBe(0);
    expect(count("LookupFailures")).toBe(0);
  });

  test("a task that the look-up could not ask for stays as it is, and the look-up counts as working", async () => {
    const [first = "", second = ""] = await dueTasks(2);
    const { lookup } = harness.vendor.provider;
    harness.vendor.failLookups(new LookupError("502"));
    await harness.sweep();
    harness.vendor.failLookups(undefined);
    harness.advance(5 * MINUTE);
    hold(1, "SUCCESS");
    const failed = harness.vendor.calls[0]!.id;
    harness.vendor.provider.lookup = async (ids, config) => ({ ...(await lookup(ids, config)), failed: [failed] });
    await harness.sweep();
    expect(await root(first)).toMatchObject({ status: "SUBMITTED", lookupMisses: 0 });
    expect((await root(second)).status).toBe("SUCCESS");
    expect(await harness.deps.store.health("fake", "default")).toMatchObject({ failures: 0 });
    expect(count("LookupFailures")).toBe(2);
  });

  test("a task that the vendor does not have is a miss, and a look-up of another task is none", async () => {
    const [first = "", second = ""] = await dueTasks(2);
    hold(1, "IN_PROGRESS");
    await harness.sweep();
    expect((await root(first)).lookupMisses).toBe(1);
    expect((await root(second)).lookupMisses).toBe(0);
  });

  test("tasks of a removed account end at their deadline, and are not looked up", async () => {
    const [id = ""] = await dueTasks(1);
    const { get } = harness.deps.providers;
    harness.deps.providers.get = () => undefined;
    const lookups = harness.vendor.lookups.length;
    await harness.sweep();
    expect((await root(id)).status).toBe("SUBMITTED");
    harness.advance(TIMINGS.deadlineMs.fast);
    await harness.sweep();
    expect(await root(id)).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
    expect(harness.vendor.lookups).toHaveLength(lookups);
    harness.deps.providers.get = get;
  });

  test("a running task that a look-up shows ends at its deadline, with no word about the look-ups", async () => {
    const [id = ""] = await dueTasks(1);
    hold(0, "IN_PROGRESS");
    const { submittedAt = 0 } = await root(id);
    harness.advance(submittedAt + TIMINGS.deadlineMs.fast - harness.deps.clock.now());
    await harness.sweep();
    expect((await root(id)).status).toBe("IN_PROGRESS");
    harness.advance(TIMINGS.lookupMaxMs);
    await harness.sweep();
    const { failure, status } = await root(id);
    expect([status, failure?.message]).toEqual(["EXPIRED", expect.not.stringContaining("look-up")]);
  });

  test("the duration of a task that a look-up ended is counted, and one that it did not end is not", async () => {
    await dueTasks(2);
    const counted: string[] = [];
    harness.deps.accounts.recordDuration = async ({ flowId }: Task) => void counted.push(flowId);
    hold(0, "SUCCESS");
    hold(1, "IN_PROGRESS");
    await harness.sweep();
    expect(counted).toEqual([(await root(counted[0]!)).flowId]);
  });

  test("ends without a callback are missed callbacks of their account, since the first of them", async () => {
    const missed: unknown[] = [];
    harness.deps.accounts.recordMissedCallbacks = async (...args) => void missed.push(args);
    const first = await submitted();
    harness.advance(MINUTE);
    const second = await submitted();
    const { submittedAt } = await root(first);
    harness.advance(TIMINGS.quietMs.fast);
    hold(0, "SUCCESS");
    hold(1, "SUCCESS");
    await harness.sweep();
    expect((await root(second)).status).toBe("SUCCESS");
    expect(missed).toEqual([["fake", "default", 2, submittedAt]]);
  });

  test.each([
    [TIMINGS.quietMs.fast / 2 - 1, []],
    [TIMINGS.quietMs.fast / 2, [1]],
  ])(
    "at an account that sends callbacks, an end that is found %i ms after the submission counts %j",
    async (ms, counts) => {
      const missed: unknown[] = [];
      harness.deps.accounts.recordMissedCallbacks = async (_, __, number) => void missed.push(number);
      harness.deps.accounts.callbacks = async () => ({ callbacks: "calling", recentlyCalled: false });
      const id = await submitted();
      const task = await root(id);
      hold(0, "SUCCESS");
      harness.advance(task.submittedAt! + ms - harness.deps.clock.now());
      await harness.deps.store.saveTask({ ...task, due: harness.deps.clock.now() });
      const run = startRun(harness.deps);
      const { flow } = await harness.deps.store.loadFlow(id);
      await harness.deps.store.saveFlow({ ...flow!, due: harness.deps.clock.now() });
      await harness.sweep();
      expect(run.toLookUp).toEqual([]);
      expect((await root(id)).status).toBe("SUCCESS");
      expect(missed).toEqual(counts);
    },
  );
});
