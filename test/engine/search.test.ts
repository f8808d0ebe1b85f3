/**
 * Search by state: the vendor lists recent tasks with our `state`, and an unclear submission is searched for before it
 * is submitted again.
 */
import { LookupError, type ProviderCapabilities } from "@mjflow/core/port";
import type { ReportStatus } from "@mjflow/core/report";
import { describe, expect, test } from "vitest";
import { type Call, createTestHarness } from "../support/harness.ts";

/**
 * Creates a harness whose vendor supports search by state. `shows` puts a call on the vendor's list; `fail` makes the
 * search fail; `cutAt` sets from which time on the list is complete.
 */
function createSearched() {
  const harness = createTestHarness();
  const list = new Map<string, { call: Call; status: ReportStatus }>();
  const searches: string[][] = [];
  const vendor = { failure: undefined as Error | undefined, completeSince: 0 as number | undefined };
  const { provider } = harness.vendor;
  Object.assign(provider, {
    capabilities: { ...provider.capabilities, searchByState: true } satisfies ProviderCapabilities,
    search: async (states: readonly string[]) => {
      searches.push([...states]);
      if (vendor.failure) throw vendor.failure;
      const found = states.flatMap((state) => list.get(state) ?? []);
      const reports = found.map(({ call, status }) => ({
        vendorTaskId: call.id,
        state: call.context.state,
        status,
        result: status === "SUCCESS" ? { imageUrl: `https://img.test/${call.id}.png`, buttons: [] } : {},
      }));
      const { completeSince } = vendor;
      return { reports, requests: 1, ...(completeSince !== undefined && { completeSince }) };
    },
  });
  const cutAt = (completeSince: number | undefined) => {
    vendor.completeSince = completeSince;
  };
  const unclear = () => harness.vendor.next({ kind: "unclear", reason: "reset" });
  const shows = (call: Call, status: ReportStatus) => void list.set(call.context.state, { call, status });
  const fail = (error?: Error) => {
    vendor.failure = error;
  };
  /** Creates `count` flows with unclear submissions whose grace period is over. */
  async function lose(count: number) {
    const flows = [];
    for (let i = 0; i < count; i++) {
      unclear();
      flows.push(await harness.start());
      await harness.drain();
    }
    harness.advance(harness.deps.timings.graceMs.fast);
    return flows;
  }
  return { ...harness, searches, shows, lose, unclear, fail, cutAt };
}

describe("an unclear submission at a vendor that supports search by state", () => {
  test("an unclear submission is neither searched for nor submitted again within its grace period", async () => {
    const harness = createSearched();
    harness.unclear();
    await harness.start();
    await harness.drain();
    harness.advance(harness.deps.timings.graceMs.fast - 1_000);
    await harness.sweep();
    await harness.drain();
    expect(harness.searches).toEqual([]);
    expect(harness.vendor.calls).toHaveLength(1);
  });

  test("an unclear submission that the search finds gets the vendor's status and is not submitted again", async () => {
    const harness = createSearched();
    const [running, finished] = await harness.lose(2);
    harness.shows(harness.vendor.calls[0]!, "IN_PROGRESS");
    harness.shows(harness.vendor.calls[1]!, "SUCCESS");
    await harness.sweep();
    await harness.drain();
    expect((await harness.read(running!)).tasks.get("0")).toMatchObject({
      status: "IN_PROGRESS",
      attempt: 1,
      vendorTaskId: harness.vendor.calls[0]!.id,
    });
    expect((await harness.read(finished!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    harness.vendor.holds(harness.vendor.calls[0]!, "SUCCESS");
    harness.advance(harness.deps.timings.graceMs.fast);
    await harness.sweep();
    await harness.drain();
    expect((await harness.read(running!)).status).toBe("completed");
    expect(harness.vendor.calls).toHaveLength(2);
  });

  test("an unclear submission that only the second search finds is not submitted again", async () => {
    const harness = createSearched();
    const [flow] = await harness.lose(1);
    await harness.sweep();
    harness.shows(harness.vendor.calls[0]!, "SUCCESS");
    harness.advance(harness.deps.timings.lookupMaxMs);
    await harness.sweep();
    await harness.drain();
    expect(harness.searches).toHaveLength(2);
    expect(harness.vendor.calls).toHaveLength(1);
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
  });

  test("an unclear submission that two searches do not find is submitted again once", async () => {
    const harness = createSearched();
    const [flow] = await harness.lose(1);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    harness.advance(harness.deps.timings.lookupMaxMs);
    await harness.sweep();
    await harness.drain();
    expect(harness.searches).toHaveLength(2);
    expect(harness.vendor.calls).toHaveLength(2);
    await harness.post(harness.vendor.calls[1]!, "SUCCESS");
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 2 });
  });

  test("an unclear submission is not submitted again while the search fails", async () => {
    const harness = createSearched();
    const [flow] = await harness.lose(1);
    harness.fail(new LookupError("502"));
    for (let minute = 0; minute < 20; minute++) {
      await harness.sweep();
      await harness.drain();
      harness.advance(60_000);
    }
    expect(harness.vendor.calls).toHaveLength(1);
    // The pause between failing searches grows, as for every look-up.
    expect(harness.searches.length).toBeGreaterThan(2);
    expect(harness.searches.length).toBeLessThan(10);
    harness.fail(undefined);
    harness.shows(harness.vendor.calls[0]!, "SUCCESS");
    harness.advance(harness.deps.timings.lookupMaxMs);
    await harness.sweep();
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    expect((await harness.deps.store.health("fake", "default"))!.failures).toBe(0);
  });
});

test("all unclear submissions of an account are searched for in one request, and each task gets its own result", async () => {
  const harness = createSearched();
  const flows = await harness.lose(5);
  for (const call of harness.vendor.calls) harness.shows(call, "SUCCESS");
  const swept = await harness.sweep();
  expect(swept).toMatchObject({ requests: 1, failed: 0 });
  expect(harness.searches).toEqual([expect.arrayContaining(harness.vendor.calls.map(({ context }) => context.state))]);
  for (const [i, flow] of flows.entries()) {
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({
      status: "SUCCESS",
      vendorTaskId: harness.vendor.calls[i]!.id,
    });
  }
  expect(harness.vendor.calls).toHaveLength(5);
});

test("tasks with a vendor id are looked up even if the search fails", async () => {
  const harness = createSearched();
  const named = await harness.start();
  await harness.drain();
  harness.vendor.holds(harness.vendor.calls[0]!, "SUCCESS");
  await harness.lose(1);
  harness.fail(new LookupError("timeout"));
  await harness.sweep();
  expect((await harness.read(named)).tasks.get("0")).toMatchObject({ status: "SUCCESS" });
});

test("an accepted task without vendor id does not expire because the vendor's list omits it", async () => {
  const harness = createSearched();
  harness.unclear();
  const flow = await harness.start({ progress: true });
  await harness.drain();
  // A callback without an id: the task is accepted and cannot be looked up by id.
  await harness.post(harness.vendor.calls[0]!, "SUBMITTED", { vendorTaskId: undefined });
  for (let minute = 0; minute < 30; minute++) {
    harness.advance(60_000);
    await harness.sweep();
    await harness.drain();
  }
  expect(harness.searches.length).toBeGreaterThan(4);
  expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUBMITTED", lookupMisses: 0, attempt: 1 });
  await harness.post(harness.vendor.calls[0]!, "SUCCESS", { vendorTaskId: undefined });
  expect((await harness.read(flow)).status).toBe("completed");
});

describe("a list that ends before the unclear submission", () => {
  const minute = 60_000;

  /** Runs the sweeper each minute until `done` returns true. Returns the number of minutes. */
  async function sweepUntil(harness: ReturnType<typeof createSearched>, done: () => boolean, most: number) {
    for (let passed = 0; passed < most; passed++) {
      await harness.sweep();
      await harness.drain();
      if (done()) return passed;
      harness.advance(minute);
    }
    return most;
  }

  test.each<[string, (createdAt: number) => number | undefined]>([
    ["ends 1 ms too late for the clocks", (createdAt) => createdAt - minute + 1],
    ["begins after the submission", (createdAt) => createdAt + minute],
    ["does not say how far it reaches", () => undefined],
  ])("a list that %s is no miss, and the submission is not sent again within a second grace period", async (_, at) => {
    const harness = createSearched();
    const [flow] = await harness.lose(1);
    harness.cutAt(at(flow!.createdAt));
    const { graceMs } = harness.deps.timings;
    const again = () => harness.vendor.calls.length > 1;
    const passed = await sweepUntil(harness, again, graceMs.fast / minute);
    expect(passed).toBe(graceMs.fast / minute);
    expect(harness.searches.length).toBeGreaterThan(2);
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "UNCLEAR", lookupMisses: 0 });
    expect(harness.metrics.get("Resubmitted")).toBeUndefined();
    // Afterwards the vendor counts as one that cannot be searched, and the operator sees what was sent again.
    await sweepUntil(harness, again, 10);
    expect(harness.vendor.calls).toHaveLength(2);
    expect(harness.metrics.get("Resubmitted")).toBe(1);
    expect(harness.metrics.get("ResubmittedUnproven")).toBe(1);
    const lines = harness.log.filter((line) => line.includes('"task.resubmitted"'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        event: "task.resubmitted",
        flow: flow!.id,
        path: "0",
        attempt: 1,
        ...{ provider: "fake", account: "default" },
        why: "unproven",
      },
    ]);
    await harness.post(harness.vendor.calls[1]!, "SUCCESS");
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 2 });
  });

  test("a list that reaches back before the submission is a miss, and two of them send it again", async () => {
    const harness = createSearched();
    const [flow] = await harness.lose(1);
    harness.cutAt(flow!.createdAt - minute);
    await sweepUntil(harness, () => harness.vendor.calls.length > 1, 5);
    expect(harness.searches).toHaveLength(2);
    expect(harness.vendor.calls).toHaveLength(2);
    expect(harness.metrics.get("Resubmitted")).toBe(1);
    expect(harness.metrics.get("ResubmittedUnproven")).toBeUndefined();
  });

  test("a list that reaches far enough later is counted from then on", async () => {
    const harness = createSearched();
    const [flow] = await harness.lose(1);
    harness.cutAt(flow!.createdAt + minute);
    await sweepUntil(harness, () => harness.searches.length === 2, 10);
    harness.cutAt(0);
    harness.advance(harness.deps.timings.lookupMaxMs);
    await harness.sweep();
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "UNCLEAR", lookupMisses: 1 });
    harness.shows(harness.vendor.calls[0]!, "SUCCESS");
    harness.advance(harness.deps.timings.lookupMaxMs);
    await harness.sweep();
    await harness.drain();
    expect((await harness.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    expect(harness.vendor.calls).toHaveLength(1);
  });

  test("a submission of an app that wants no second one fails after the second grace period", async () => {
    const harness = createSearched();
    harness.unclear();
    const flow = await harness.start({ resubmit: "never" });
    await harness.drain();
    harness.cutAt(flow.createdAt + minute);
    harness.advance(harness.deps.timings.graceMs.fast);
    for (let i = 0; i < 20; i++) {
      await harness.sweep();
      harness.advance(minute);
    }
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "FAILURE", failure: { code: "submission_unclear" } });
    expect(task.endedAt! - flow.createdAt).toBeGreaterThanOrEqual(2 * harness.deps.timings.graceMs.fast);
    expect(harness.vendor.calls).toHaveLength(1);
    expect(harness.metrics.get("Resubmitted")).toBeUndefined();
  });
});
