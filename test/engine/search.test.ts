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
 * search fail.
 */
function createSearched() {
  const harness = createTestHarness();
  const list = new Map<string, { call: Call; status: ReportStatus }>();
  const searches: string[][] = [];
  const vendor = { failure: undefined as Error | undefined };
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
      return { reports, requests: 1 };
    },
  });
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
  return { ...harness, searches, shows, lose, unclear, fail };
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
