/** A flow whose vendor is lost after it had drawn is begun once more elsewhere, where its app asked for that: once. */
import { failure } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { isFlowId } from "@mjflow/core/id";
import type { SubmitOutcome } from "@mjflow/core/port";
import type { FlowRequest } from "@mjflow/core/request";
import { restartIdOf } from "@mjflow/engine/restart";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "../app/api-client.ts";
import { createTestHarness, type TestHarness, type TestHarnessOptions } from "../support/harness.ts";

const REFUSED: SubmitOutcome = { kind: "refused", failure: failure("vendor_unauthorized") };
const MINUTE = 60_000;
const PLAN = [{ press: ["U1", "U2"] }];
let world: TestHarness;

const TWO: TestHarnessOptions = { accounts: { fake: { a: {} }, other: { c: {} } } };
beforeEach(() => {
  world = createTestHarness(TWO);
});

/** A picture, one branch of it that is done, and one that the vendor refuses for good. */
async function halfDone(request: Partial<FlowRequest> = {}): Promise<Flow> {
  const flow = await world.start({ onVendorLoss: "restart", then: PLAN, state: "order 7", ...request });
  await world.drain();
  await world.post(world.vendor.calls[0]!, "SUCCESS");
  world.vendor.next((call) => ({ kind: "accepted", vendorTaskId: call.id }));
  world.vendor.next(REFUSED);
  await world.drain();
  await world.post(world.vendor.calls[1]!, "SUCCESS");
  await world.drain();
  for (const call of world.vendor.calls) world.vendor.finished.add(call.id);
  return flow;
}

async function sweep(minutes = 2): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    world.advance(MINUTE);
    await world.sweep();
    await world.drain();
  }
}

/** As a sweep each minute would have it, beside a vendor that finishes what it has. */
async function live(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    await sweep(1);
    // A callback that meets a crash is answered 5xx; what it said was stored before.
    await world.finishAll().catch(() => {});
  }
}

const flows = () => world.dump().flows;
const begun = (old: Flow) => flows().filter(({ restartOf }) => restartOf === old.id);

describe("a flow whose branches cannot go on", () => {
  test("is begun once more at another vendor, from the same request; both are linked, and what it had stays", async () => {
    const old = await halfDone({ prompt: "a paper boat", mode: "fast", archive: true });
    await sweep();
    const before = await world.read(old);
    expect(before).toMatchObject({ status: "completed", flow: { restartedAs: restartIdOf(old) } });
    expect(before.flow.pendingEffects).toBeUndefined();
    expect(before.flow.due).toBeUndefined();
    expect([...before.tasks.values()].map(({ status }) => status)).toEqual(["SUCCESS", "SUCCESS", "FAILURE"]);
    const [next] = begun(old);
    expect(isFlowId(next!.id)).toBe(true);
    expect(next).toMatchObject({
      provider: "other",
      prompt: "a paper boat",
      state: "order 7",
      mode: "fast",
      archive: true,
    });
    await world.finishAll();
    const { status, tasks } = await world.read(next!);
    expect(status).toBe("completed");
    expect([...tasks.values()].map(({ provider }) => provider)).toEqual(["other", "other", "other"]);
    expect(flows()).toHaveLength(2);
  });

  test("is not begun again by default, nor for what another vendor would refuse, too", async () => {
    await halfDone({ onVendorLoss: "end" });
    const other = await world.start({ onVendorLoss: "restart", then: [{ press: "U1" }] });
    await world.drain();
    await world.post(world.vendor.calls.at(-1)!, "SUCCESS");
    world.vendor.next({ kind: "refused", failure: failure("banned_prompt") });
    await world.drain();
    await sweep();
    expect((await world.read(other)).status).toBe("completed");
    expect(flows()).toHaveLength(2);
  });

  test("goes to another account of its vendor before it goes to another vendor", async () => {
    world = createTestHarness({ accounts: { fake: { a: {}, b: {} }, other: { c: { weight: 100 } } } });
    const old = await halfDone();
    await sweep();
    expect(begun(old)).toMatchObject([{ provider: "fake", account: old.account === "a" ? "b" : "a" }]);
  });

  test("stays as it is where there is no other", async () => {
    world = createTestHarness({ accounts: { fake: { a: {} } } });
    const old = await halfDone();
    await sweep();
    expect((await world.read(old)).flow).toMatchObject({ status: "completed" });
    expect((await world.read(old)).flow.pendingEffects).toBeUndefined();
    expect(flows()).toHaveLength(1);
    expect(await world.sweep()).toMatchObject({ overdue: 0 });
  });

  test("whose vendor was removed while it had them is begun again when they have been given up", async () => {
    const flow = await world.start({ onVendorLoss: "restart", then: PLAN });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    const { get } = world.deps.providers;
    Object.assign(world.deps, {
      providers: { ids: () => ["other"], get: (id: string) => (id === "fake" ? undefined : get(id)) },
    });
    await sweep(180);
    const { tasks, flow: old } = await world.read(flow);
    expect(tasks.get("0-0")).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
    expect(begun(old)).toMatchObject([{ provider: "other" }]);
  });

  test("one that is itself a second is not begun a third time", async () => {
    const old = await halfDone();
    await sweep();
    const [next] = begun(old);
    const root = world.vendor.calls.at(-1)!;
    world.vendor.finished.add(root.id);
    await world.post(root, "SUCCESS");
    for (let i = 0; i < 2; i++) world.vendor.next(REFUSED);
    await world.drain();
    await sweep(5);
    expect((await world.read(next!)).status).toBe("completed");
    expect(flows()).toHaveLength(2);
  });
});

describe("exactly once", () => {
  const verbs = ["saveFlow", "createFlow", "loadFlow", "app", "health"] as const;
  const points = verbs.flatMap((verb) =>
    [0, 1].flatMap((skip) => (["before", "after"] as const).map((when) => [verb, when, skip] as const)),
  );

  test.each(points)("whatever crashes: %s, %s, its call number %i", async (verb, when, skip) => {
    const old = await halfDone();
    world.storeFault.arm(verb, when, skip);
    await live(8);
    expect(begun(old)).toHaveLength(1);
    expect((await world.read(old)).flow).toMatchObject({ restartedAs: begun(old)[0]!.id });
    expect((await world.read(begun(old)[0]!)).status).toBe("completed");
    expect(world.vendor.calls.filter(({ kind }) => kind === "submit")).toHaveLength(2);
    expect(world.dump().tasks).toHaveLength(6);
  });

  test("its message lost: the root's due time sends it", async () => {
    const old = await halfDone();
    world.queueFault.arm("send", "before");
    await live(8);
    expect((await world.read(begun(old)[0]!)).status).toBe("completed");
  });

  test("two sweepers at once begin one", async () => {
    const old = await halfDone();
    world.advance(MINUTE);
    await Promise.all([world.sweep(), world.sweep()]);
    await world.drain();
    expect(begun(old)).toHaveLength(1);
    expect(world.vendor.calls.filter(({ kind }) => kind === "submit")).toHaveLength(2);
  });

  test("what cannot be done for an hour is let go", async () => {
    const old = await halfDone();
    const { app } = world.deps.store;
    world.deps.store.app = () => Promise.reject(new Error("throttled"));
    await sweep(61);
    world.deps.store.app = app;
    await sweep(3);
    expect(begun(old)).toEqual([]);
    expect((await world.read(old)).flow.pendingEffects).toBeUndefined();
  });
});

test("who listens is told of the end once, with what takes the flow's place", async () => {
  await halfDone({ notifyHook: "https://app.test/hook" });
  await sweep();
  const ends = world.receiver.posts.filter(({ body }) => body.type === "flow.completed");
  expect(ends).toHaveLength(1);
  expect(ends[0]!.body.data.restartedAs).toMatch(/^flow_/);
});

describe("what it costs", () => {
  let door: ApiClient;
  const limits = (creditsUsd: number) => ({ creditsUsd, runningFlows: 1, flowsPerMinute: 1 });

  async function lost(creditsUsd: number) {
    door = createApiClient({}, TWO);
    world = door.world;
    const { id: appId, key } = await door.join("shop", limits(creditsUsd));
    const { id } = (
      await door.call(key, "POST", "/v1/flows", { ...FLOW, onVendorLoss: "restart", then: [{ press: "U1" }] })
    ).body;
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    world.vendor.finished.add(world.vendor.calls[0]!.id);
    world.vendor.next(REFUSED);
    await world.drain();
    await sweep();
    const read = (which: string) => door.call(key, "GET", `/v1/flows/${which}`);
    return { appId, key, id, read };
  }

  test("is held and settled like any flow's; how often an app may begin one does not count", async () => {
    const { key, id, read, appId } = await lost(1);
    const { restartedAs } = (await read(id)).body;
    expect((await read(restartedAs)).body).toMatchObject({ restartOf: id, restartedAs: null, provider: "other" });
    expect((await door.call(OPERATOR, "GET", `/v1/usage?app=${appId}`)).body.runningFlows).toBe(1);
    await world.finishAll();
    const usage = (await door.call(key, "GET", "/v1/usage")).body;
    expect(usage).toMatchObject({ runningFlows: 0, settledUsd: 0.09 });
    const listed = (await door.call(key, "GET", "/v1/flows")).body.data;
    expect(listed.map((flow: Flow) => [flow.restartOf, flow.restartedAs])).toEqual([
      [id, null],
      [null, restartedAs],
    ]);
  });

  test("beyond its app's credit it is not begun", async () => {
    const { id, read } = await lost(0.06);
    expect((await read(id)).body).toMatchObject({ status: "completed", restartedAs: null });
    expect(flows()).toHaveLength(1);
  });

  test("on behalf of an app that was removed nothing is begun", async () => {
    door = createApiClient({}, TWO);
    world = door.world;
    const { id: appId, key } = await door.join();
    await door.call(key, "POST", "/v1/flows", { ...FLOW, onVendorLoss: "restart", then: [{ press: "U1" }] });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    world.vendor.finished.add(world.vendor.calls[0]!.id);
    world.vendor.next(REFUSED);
    await world.drain();
    await door.call(OPERATOR, "DELETE", `/v1/apps/${appId}`);
    await sweep();
    expect(flows()).toHaveLength(1);
  });
});

describe("a root without a picture moves instead, as the same task", () => {
  test.each(["provider_missing", "vendor_unauthorized"] as const)("%s", async (code) => {
    const flow = await world.start({ onVendorLoss: "restart", then: PLAN });
    if (code === "vendor_unauthorized") world.vendor.next(REFUSED);
    else {
      const { get } = world.deps.providers;
      const gone = { ids: () => ["other"], get: (id: string) => (id === "fake" ? undefined : get(id)) };
      Object.assign(world.deps, { providers: gone });
    }
    await world.drain();
    for (const call of world.vendor.calls.slice(0, -1)) world.vendor.finished.add(call.id);
    await world.finishAll();
    const { status, tasks } = await world.read(flow);
    expect(status).toBe("completed");
    for (const task of tasks.values()) expect(task.provider).toBe("other");
    expect(flows()).toHaveLength(1);
  });
});
