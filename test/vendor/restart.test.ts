/**
 * Restart: a flow that has an image and loses its vendor is restarted once at another account, if the app requested
 * that.
 */
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
let harness: TestHarness;

const TWO: TestHarnessOptions = { accounts: { fake: { a: {} }, other: { c: {} } } };
beforeEach(() => {
  harness = createTestHarness(TWO);
});

/** Returns a flow with an image, one successful branch and one branch that the vendor rejects permanently. */
async function halfDone(request: Partial<FlowRequest> = {}): Promise<Flow> {
  const flow = await harness.start({ onVendorLoss: "restart", then: PLAN, state: "order 7", ...request });
  await harness.drain();
  await harness.post(harness.vendor.calls[0]!, "SUCCESS");
  harness.vendor.next((call) => ({ kind: "accepted", vendorTaskId: call.id }));
  harness.vendor.next(REFUSED);
  await harness.drain();
  await harness.post(harness.vendor.calls[1]!, "SUCCESS");
  await harness.drain();
  for (const call of harness.vendor.calls) harness.vendor.finished.add(call.id);
  return flow;
}

async function sweep(minutes = 2): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    harness.advance(MINUTE);
    await harness.sweep();
    await harness.drain();
  }
}

/** Sweeps once per minute, at a vendor that finishes all its tasks. */
async function live(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    await sweep(1);
    // A callback that crashes gets 5xx; its report was stored before.
    await harness.finishAll().catch(() => {});
  }
}

const flows = () => harness.dump().flows;
const restartsOf = (old: Flow) => flows().filter(({ restartOf }) => restartOf === old.id);

describe("restart after a vendor loss", () => {
  test("a flow with a lost branch is restarted at another vendor with the same request, both flows are linked, and the old results stay", async () => {
    const old = await halfDone({ prompt: "a paper boat", mode: "fast", archive: true });
    await sweep();
    const before = await harness.read(old);
    expect(before).toMatchObject({ status: "completed", flow: { restartedAs: restartIdOf(old) } });
    expect(before.flow.pendingEffects).toBeUndefined();
    expect(before.flow.due).toBeUndefined();
    expect([...before.tasks.values()].map(({ status }) => status)).toEqual(["SUCCESS", "SUCCESS", "FAILURE"]);
    const [next] = restartsOf(old);
    expect(isFlowId(next!.id)).toBe(true);
    expect(next).toMatchObject({
      provider: "other",
      prompt: "a paper boat",
      state: "order 7",
      mode: "fast",
      archive: true,
    });
    await harness.finishAll();
    const { status, tasks } = await harness.read(next!);
    expect(status).toBe("completed");
    expect([...tasks.values()].map(({ provider }) => provider)).toEqual(["other", "other", "other"]);
    expect(flows()).toHaveLength(2);
  });

  test("a flow is not restarted by default, nor after a failure that another vendor would repeat", async () => {
    await halfDone({ onVendorLoss: "end" });
    const other = await harness.start({ onVendorLoss: "restart", then: [{ press: "U1" }] });
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    harness.vendor.next({ kind: "refused", failure: failure("banned_prompt") });
    await harness.drain();
    await sweep();
    expect((await harness.read(other)).status).toBe("completed");
    expect(flows()).toHaveLength(2);
  });

  test("a restart prefers another account of the same vendor", async () => {
    harness = createTestHarness({ accounts: { fake: { a: {}, b: {} }, other: { c: { weight: 100 } } } });
    const old = await halfDone();
    await sweep();
    expect(restartsOf(old)).toMatchObject([{ provider: "fake", account: old.account === "a" ? "b" : "a" }]);
  });

  test("a flow without another account is not restarted", async () => {
    harness = createTestHarness({ accounts: { fake: { a: {} } } });
    const old = await halfDone();
    await sweep();
    expect((await harness.read(old)).flow).toMatchObject({ status: "completed" });
    expect((await harness.read(old)).flow.pendingEffects).toBeUndefined();
    expect(flows()).toHaveLength(1);
    expect(await harness.sweep()).toMatchObject({ overdue: 0 });
  });

  test("a flow whose vendor was removed is restarted when its open branches have expired", async () => {
    const flow = await harness.start({ onVendorLoss: "restart", then: PLAN });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    const { get } = harness.deps.providers;
    Object.assign(harness.deps, {
      providers: { ids: () => ["other"], get: (id: string) => (id === "fake" ? undefined : get(id)) },
    });
    await sweep(180);
    const { tasks, flow: old } = await harness.read(flow);
    expect(tasks.get("0-0")).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
    expect(restartsOf(old)).toMatchObject([{ provider: "other" }]);
  });

  test("a restarted flow is not restarted again", async () => {
    const old = await halfDone();
    await sweep();
    const [next] = restartsOf(old);
    const root = harness.vendor.calls.at(-1)!;
    harness.vendor.finished.add(root.id);
    await harness.post(root, "SUCCESS");
    for (let i = 0; i < 2; i++) harness.vendor.next(REFUSED);
    await harness.drain();
    await sweep(5);
    expect((await harness.read(next!)).status).toBe("completed");
    expect(flows()).toHaveLength(2);
  });
});

describe("exactly one restart", () => {
  const verbs = ["saveFlow", "createFlow", "loadFlow", "app", "health"] as const;
  const points = verbs.flatMap((verb) =>
    [0, 1].flatMap((skip) => (["before", "after"] as const).map((when) => [verb, when, skip] as const)),
  );

  test.each(points)(
    "a flow is restarted exactly once if %s crashes %s the call, after %i calls",
    async (verb, when, skip) => {
      const old = await halfDone();
      harness.storeFault.arm(verb, when, skip);
      await live(8);
      expect(restartsOf(old)).toHaveLength(1);
      expect((await harness.read(old)).flow).toMatchObject({ restartedAs: restartsOf(old)[0]!.id });
      expect((await harness.read(restartsOf(old)[0]!)).status).toBe("completed");
      expect(harness.vendor.calls.filter(({ kind }) => kind === "submit")).toHaveLength(2);
      expect(harness.dump().tasks).toHaveLength(6);
    },
  );

  test("a restarted flow whose message was lost is submitted when its root is due", async () => {
    const old = await halfDone();
    harness.queueFault.arm("send", "before");
    await live(8);
    expect((await harness.read(restartsOf(old)[0]!)).status).toBe("completed");
  });

  test("two parallel sweepers start one replacement flow", async () => {
    const old = await halfDone();
    harness.advance(MINUTE);
    await Promise.all([harness.sweep(), harness.sweep()]);
    await harness.drain();
    expect(restartsOf(old)).toHaveLength(1);
    expect(harness.vendor.calls.filter(({ kind }) => kind === "submit")).toHaveLength(2);
  });

  test("a restart that is impossible for an hour is abandoned", async () => {
    const old = await halfDone();
    const { app } = harness.deps.store;
    harness.deps.store.app = () => Promise.reject(new Error("throttled"));
    await sweep(61);
    harness.deps.store.app = app;
    await sweep(3);
    expect(restartsOf(old)).toEqual([]);
    expect((await harness.read(old)).flow.pendingEffects).toBeUndefined();
  });
});

test("subscribers receive the flow end once, with restartedAs", async () => {
  await halfDone({ notifyHook: "https://app.test/hook" });
  await sweep();
  const ends = harness.receiver.posts.filter(({ body }) => body.type === "flow.completed");
  expect(ends).toHaveLength(1);
  expect(ends[0]!.body.data.restartedAs).toMatch(/^flow_/);
});

describe("credit of restarts", () => {
  let api: ApiClient;
  const limits = (creditsUsd: number) => ({ creditsUsd, runningFlows: 1, flowsPerMinute: 1 });

  async function lost(creditsUsd: number) {
    api = createApiClient({}, TWO);
    harness = api.harness;
    const { id: appId, key } = await api.join("shop", limits(creditsUsd));
    const { id } = (
      await api.call(key, "POST", "/v1/flows", { ...FLOW, onVendorLoss: "restart", then: [{ press: "U1" }] })
    ).body;
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    harness.vendor.next(REFUSED);
    await harness.drain();
    await sweep();
    const read = (which: string) => api.call(key, "GET", `/v1/flows/${which}`);
    return { appId, key, id, read };
  }

  test("the credit of a restart is held and settled as usual, and flow limits do not apply", async () => {
    const { key, id, read, appId } = await lost(1);
    const { restartedAs } = (await read(id)).body;
    expect((await read(restartedAs)).body).toMatchObject({ restartOf: id, restartedAs: null, provider: "other" });
    expect((await api.call(OPERATOR, "GET", `/v1/usage?app=${appId}`)).body.runningFlows).toBe(1);
    await harness.finishAll();
    const usage = (await api.call(key, "GET", "/v1/usage")).body;
    expect(usage).toMatchObject({ runningFlows: 0, settledUsd: 0.09 });
    const listed = (await api.call(key, "GET", "/v1/flows")).body.data;
    expect(listed.map((flow: Flow) => [flow.restartOf, flow.restartedAs])).toEqual([
      [id, null],
      [null, restartedAs],
    ]);
  });

  test("a flow is not restarted if the app's credit does not cover the restart", async () => {
    const { id, read } = await lost(0.06);
    expect((await read(id)).body).toMatchObject({ status: "completed", restartedAs: null });
    expect(flows()).toHaveLength(1);
  });

  test("a flow of a deleted app is not restarted", async () => {
    api = createApiClient({}, TWO);
    harness = api.harness;
    const { id: appId, key } = await api.join();
    await api.call(key, "POST", "/v1/flows", { ...FLOW, onVendorLoss: "restart", then: [{ press: "U1" }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    harness.vendor.next(REFUSED);
    await harness.drain();
    await api.call(OPERATOR, "DELETE", `/v1/apps/${appId}`);
    await sweep();
    expect(flows()).toHaveLength(1);
  });
});

describe("a root without an image", () => {
  test.each(["provider_missing", "vendor_unauthorized"] as const)(
    "a root without an image continues at another vendor as the same task after %s",
    async (code) => {
      const flow = await harness.start({ onVendorLoss: "restart", then: PLAN });
      if (code === "vendor_unauthorized") harness.vendor.next(REFUSED);
      else {
        const { get } = harness.deps.providers;
        const gone = { ids: () => ["other"], get: (id: string) => (id === "fake" ? undefined : get(id)) };
        Object.assign(harness.deps, { providers: gone });
      }
      await harness.drain();
      for (const call of harness.vendor.calls.slice(0, -1)) harness.vendor.finished.add(call.id);
      await harness.finishAll();
      const { status, tasks } = await harness.read(flow);
      expect(status).toBe("completed");
      for (const task of tasks.values()) expect(task.provider).toBe("other");
      expect(flows()).toHaveLength(1);
    },
  );
});
