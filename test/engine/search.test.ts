/** A vendor that lists its recent tasks by our mark: what is in doubt is searched for before it is sent again. */
import { LookupError, type ProviderCapabilities } from "@mjflow/core/port";
import type { ReportStatus } from "@mjflow/core/report";
import { describe, expect, test } from "vitest";
import { type Call, createTestHarness } from "../support/harness.ts";

/** A world whose vendor can be searched. `shows` puts a call on the vendor's list; `fail` breaks the list. */
function createSearched() {
  const world = createTestHarness();
  const list = new Map<string, { call: Call; status: ReportStatus }>();
  const searches: string[][] = [];
  const vendor = { failure: undefined as Error | undefined };
  const { provider } = world.vendor;
  Object.assign(provider, {
    abilities: { ...provider.capabilities, searchByState: true } satisfies ProviderCapabilities,
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
  const unclear = () => world.vendor.next({ kind: "unclear", reason: "reset" });
  const shows = (call: Call, status: ReportStatus) => void list.set(call.context.state, { call, status });
  const fail = (error?: Error) => {
    vendor.failure = error;
  };
  /** `count` flows whose answers were lost, their grace over. */
  async function lose(count: number) {
    const flows = [];
    for (let i = 0; i < count; i++) {
      unclear();
      flows.push(await world.start());
      await world.drain();
    }
    world.advance(world.deps.timings.graceMs.fast);
    return flows;
  }
  return { ...world, searches, shows, lose, unclear, fail };
}

describe("a submission whose answer was lost", () => {
  test("is not searched for, nor sent again, before its grace has passed", async () => {
    const world = createSearched();
    world.unclear();
    await world.start();
    await world.drain();
    world.advance(world.deps.timings.graceMs.fast - 1_000);
    await world.sweep();
    await world.drain();
    expect(world.searches).toEqual([]);
    expect(world.vendor.calls).toHaveLength(1);
  });

  test("is found, ends as the vendor says, and is never sent again", async () => {
    const world = createSearched();
    const [running, finished] = await world.lose(2);
    world.shows(world.vendor.calls[0]!, "IN_PROGRESS");
    world.shows(world.vendor.calls[1]!, "SUCCESS");
    await world.sweep();
    await world.drain();
    expect((await world.read(running!)).tasks.get("0")).toMatchObject({
      status: "IN_PROGRESS",
      attempt: 1,
      vendorTaskId: world.vendor.calls[0]!.id,
    });
    expect((await world.read(finished!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    world.vendor.holds(world.vendor.calls[0]!, "SUCCESS");
    world.advance(world.deps.timings.graceMs.fast);
    await world.sweep();
    await world.drain();
    expect((await world.read(running!)).status).toBe("completed");
    expect(world.vendor.calls).toHaveLength(2);
  });

  test("that a lagging list shows only at the second look is not sent again", async () => {
    const world = createSearched();
    const [flow] = await world.lose(1);
    await world.sweep();
    world.shows(world.vendor.calls[0]!, "SUCCESS");
    world.advance(world.deps.timings.lookupMaxMs);
    await world.sweep();
    await world.drain();
    expect(world.searches).toHaveLength(2);
    expect(world.vendor.calls).toHaveLength(1);
    expect((await world.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
  });

  test("that the list shows neither time is sent again, once, as if there were no list", async () => {
    const world = createSearched();
    const [flow] = await world.lose(1);
    await world.sweep();
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
    world.advance(world.deps.timings.lookupMaxMs);
    await world.sweep();
    await world.drain();
    expect(world.searches).toHaveLength(2);
    expect(world.vendor.calls).toHaveLength(2);
    await world.post(world.vendor.calls[1]!, "SUCCESS");
    expect((await world.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 2 });
  });

  test("of which nothing can be learned, the vendor being in trouble, is not sent again meanwhile", async () => {
    const world = createSearched();
    const [flow] = await world.lose(1);
    world.fail(new LookupError("502"));
    for (let minute = 0; minute < 20; minute++) {
      await world.sweep();
      await world.drain();
      world.advance(60_000);
    }
    expect(world.vendor.calls).toHaveLength(1);
    // Asked less and less often, as any look-up that fails.
    expect(world.searches.length).toBeGreaterThan(2);
    expect(world.searches.length).toBeLessThan(10);
    world.fail(undefined);
    world.shows(world.vendor.calls[0]!, "SUCCESS");
    world.advance(world.deps.timings.lookupMaxMs);
    await world.sweep();
    expect((await world.read(flow!)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    expect((await world.deps.store.health("fake", "default"))!.failures).toBe(0);
  });
});

test("all that an account has in doubt is searched for in one request, each task getting its own", async () => {
  const world = createSearched();
  const flows = await world.lose(5);
  for (const call of world.vendor.calls) world.shows(call, "SUCCESS");
  const swept = await world.sweep();
  expect(swept).toMatchObject({ requests: 1, failed: 0 });
  expect(world.searches).toEqual([expect.arrayContaining(world.vendor.calls.map(({ context }) => context.state))]);
  for (const [i, flow] of flows.entries()) {
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({
      status: "SUCCESS",
      vendorTaskId: world.vendor.calls[i]!.id,
    });
  }
  expect(world.vendor.calls).toHaveLength(5);
});

test("tasks whose id is known are looked up all the same when the list fails", async () => {
  const world = createSearched();
  const named = await world.start();
  await world.drain();
  world.vendor.holds(world.vendor.calls[0]!, "SUCCESS");
  await world.lose(1);
  world.fail(new LookupError("timeout"));
  await world.sweep();
  expect((await world.read(named)).tasks.get("0")).toMatchObject({ status: "SUCCESS" });
});

test("a task known to be taken is not given up because a list, cut where the vendor cuts it, does not show it", async () => {
  const world = createSearched();
  world.unclear();
  const flow = await world.start({ progress: true });
  await world.drain();
  // A callback without an id: taken, and never to be looked up by id.
  await world.post(world.vendor.calls[0]!, "SUBMITTED", { vendorTaskId: undefined });
  for (let minute = 0; minute < 30; minute++) {
    world.advance(60_000);
    await world.sweep();
    await world.drain();
  }
  expect(world.searches.length).toBeGreaterThan(4);
  expect((await world.read(flow)).tasks.get("0")).toMatchObject({ status: "SUBMITTED", lookupMisses: 0, attempt: 1 });
  await world.post(world.vendor.calls[0]!, "SUCCESS", { vendorTaskId: undefined });
  expect((await world.read(flow)).status).toBe("completed");
});
