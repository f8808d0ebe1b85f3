/**
 * Tasks that ended without a result although the vendor finishes them: a late success is adopted, a missing image is
 * filled in, and nothing is paid again.
 */
import { failure } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { retryPath } from "@mjflow/core/id";
import { LookupError } from "@mjflow/core/port";
import { hasOwnDueEntry } from "@mjflow/core/task";
import { recordFlowEnd } from "@mjflow/engine/record-flow-end";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json } from "../app/api-client.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";
import { createMemoryStore } from "../support/memory/store.ts";
import { createMemoryTable } from "../support/memory/table.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PLAN = [{ press: "U1" }, { press: "V2" }];

/** Ends the root in one of the ways after which its vendor may still finish it. */
const ENDS: [string, (harness: TestHarness) => Promise<unknown>][] = [
  ["a vendor failure", (harness) => harness.post(harness.vendor.calls[0]!, "FAILURE", { failReason: "任务超时" })],
  [
    "vendor_lost",
    async (harness) => {
      for (let i = 0; i < 12; i++) {
        harness.advance(5 * MINUTE);
        await harness.sweep();
      }
    },
  ],
  [
    "deadline_passed",
    async (harness) => {
      harness.vendor.holds(harness.vendor.calls[0]!, "IN_PROGRESS");
      for (let i = 0; i < 45; i++) {
        harness.advance(MINUTE);
        await harness.sweep();
      }
    },
  ],
];

describe.each(ENDS)("a success after %s", (_, end) => {
  test("is adopted: the task succeeds, its follow-ups run, and the flow completes without another submission", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: PLAN });
    await harness.drain();
    await end(harness);
    const before = await harness.read(flow);
    expect(before.status).toBe("failed");
    const earlier = before.tasks.get("0")!;
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.finishAll();
    const { status, tasks, flow: ended } = await harness.read(flow);
    expect(tasks.get("0")).toMatchObject({
      status: "SUCCESS",
      progress: 100,
      endedBy: 1,
      result: { imageUrl: expect.any(String) },
      late: { status: earlier.status, at: earlier.endedAt },
    });
    expect(tasks.get("0")!.failure).toBeUndefined();
    expect([status, ended.status]).toEqual(["completed", "completed"]);
    expect(harness.vendor.calls.map(({ kind }) => kind)).toEqual(["submit", "press", "press"]);
    expect(harness.vendor.presses()[0]).toMatch(/upsample::1/);
  });
});

describe("adoption of a late success", () => {
  let harness: TestHarness;
  beforeEach(() => {
    harness = createTestHarness();
  });
  /** Returns a flow whose root failed at its vendor. */
  async function failedFlow(request: Parameters<TestHarness["start"]>[0] = { then: PLAN }) {
    const flow = await harness.start(request);
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "FAILURE", { failReason: "timeout" });
    await harness.drain();
    return flow;
  }

  test("an app is notified of both ends under different event ids, and of the second end of the flow", async () => {
    await failedFlow({ notifyHook: "https://app.test/hook", then: [{ press: "U1" }] });
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.finishAll();
    const told = harness.receiver.posts
      .filter(({ id }) => /_0_|_flow_/.test(id))
      .map(({ id }) => id.split("_").slice(2).join("_"));
    expect(told).toEqual(expect.arrayContaining(["0_failed", "flow_failed", "0_completed", "flow_completed-2"]));
    expect(new Set(told).size).toBe(told.length);
    const completed = harness.receiver.posts.find(({ id }) => id.endsWith("_0_completed"))!;
    expect(completed.body.data).toMatchObject({ status: "SUCCESS", late: { status: "FAILURE" } });
    expect(completed.body.data.imageUrl).toMatch(/^https/);
  });

  test.each([
    ["saveTask", "after", 0],
    ["loadFlow", "before", 0],
    ["saveTask", "before", 1],
    ["saveTask", "after", 1],
    ["saveFlow", "before", 0],
    ["saveFlow", "after", 0],
    ["createTask", "before", 0],
    ["createTask", "after", 1],
  ] as const)(
    "a crash at %s (%s, call %i) loses nothing: the sweeper completes the adoption",
    async (verb, when, skip) => {
      const flow = await failedFlow();
      harness.storeFault.arm(verb, when, skip);
      await expect(harness.post(harness.vendor.calls[0]!, "SUCCESS")).rejects.toThrow("crash");
      harness.vendor.finished.add(harness.vendor.calls[0]!.id);
      for (let i = 0; i < 8; i++) {
        harness.advance(MINUTE);
        await harness.sweep();
        await harness.finishAll();
      }
      const { status, flow: ended, tasks } = await harness.read(flow);
      expect([status, ended.status]).toEqual(["completed", "completed"]);
      expect([...tasks.values()].map((task) => task.status)).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
      expect(harness.vendor.calls).toHaveLength(3);
      expect([...tasks.values()].every((task) => !hasOwnDueEntry(task) && !task.pendingEffects)).toBe(true);
    },
  );

  // Seeds 404794 and 404994 of the simulation: the flow stayed "failed" above a completed task.
  test.each([
    ["saveTask", "after", 1],
    ["loadFlow", "before", 1],
    ["saveFlow", "before", 0],
    ["saveFlow", "after", 0],
    ["saveTask", "before", 2],
    ["saveTask", "after", 2],
    ["loadFlow", "before", 2],
  ] as const)(
    "a crash at %s (%s, call %i) leaves no flow without follow-ups in its earlier end",
    async (verb, when, skip) => {
      const flow = await failedFlow({});
      harness.storeFault.arm(verb, when, skip);
      await expect(harness.post(harness.vendor.calls[0]!, "SUCCESS")).rejects.toThrow("crash");
      for (let i = 0; i < 8; i++) {
        harness.advance(MINUTE);
        await harness.sweep();
      }
      const { status, flow: ended, tasks } = await harness.read(flow);
      expect([status, ended.status, ended.due, ended.endCount]).toEqual(["completed", "completed", undefined, 1]);
      expect(tasks.get("0")).toMatchObject({ status: "SUCCESS", late: { status: "FAILURE" } });
      expect([tasks.get("0")!.due, tasks.get("0")!.pendingEffects]).toEqual([undefined, undefined]);
    },
  );

  /** Returns an adopted task whose effect `adopt` is pending again, as after a crash, and its flow. */
  async function adoptedTask(changed: Partial<Flow> = {}) {
    const flow = await failedFlow({});
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    const { flow: stored, tasks } = await harness.read(flow);
    const now = harness.deps.clock.now();
    await harness.deps.store.saveTask({ ...tasks.get("0")!, pendingEffects: ["adopt"], due: now, endedAt: now });
    await harness.deps.store.saveFlow({ ...stored, endedAt: now + 1, ...changed });
    harness.advance(MINUTE);
    await harness.sweep();
    return harness.read(flow);
  }

  test("a flow that has ended since the adoption is not reopened again", async () => {
    const { flow, tasks } = await adoptedTask();
    expect([flow.status, flow.endCount]).toEqual(["completed", 1]);
    expect(tasks.get("0")!.pendingEffects).toBeUndefined();
  });

  test("a flow that the app canceled since the adoption stays canceled", async () => {
    const canceledAt = harness.deps.clock.now();
    const { flow, tasks } = await adoptedTask({ endedAt: 1, canceledAt });
    expect([flow.canceledAt, flow.endCount]).toEqual([canceledAt, 1]);
    expect(tasks.get("0")!.pendingEffects).toBeUndefined();
  });

  test("a task that an earlier version retried without a mark adopts nothing", async () => {
    const flow = await failedFlow();
    const { tasks } = await harness.read(flow);
    const { rev: _, ...root } = tasks.get("0")!;
    await harness.deps.store.createTask({ ...root, rev: 0, path: retryPath("0")!, status: "PENDING", attempt: 0 });
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" } });
  });

  test("a success without any result is stored and not adopted, and a later one with an image is", async () => {
    const flow = await failedFlow();
    const [call] = harness.vendor.calls;
    const empty = { vendorTaskId: call!.id, status: "SUCCESS", result: {} };
    await harness.postRaw(call!.context.notifyHook.split("/callbacks/")[1]!, JSON.stringify(empty));
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" } });
    await harness.post(call!, "SUCCESS");
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS" });
  });

  test("a success of an earlier attempt is adopted with the id and the account of that attempt", async () => {
    const flow = await harness.start({ then: [{ press: "U1" }] });
    harness.vendor.next({ kind: "unclear", reason: "reset" });
    await harness.drain();
    harness.advance(harness.deps.timings.graceMs.fast);
    await harness.sweep();
    await harness.drain();
    const [first, second] = harness.vendor.calls;
    await harness.post(second!, "FAILURE", { failReason: "timeout" });
    await harness.post(first!, "SUCCESS");
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({
      status: "SUCCESS",
      endedBy: 1,
      vendorTaskId: first!.id,
      orphans: [{ attempt: 2, vendorTaskId: second!.id }],
    });
    expect(harness.vendor.calls[2]).toMatchObject({ kind: "press", parent: first!.id });
  });

  test("a failed branch that succeeds late continues its part of the plan", async () => {
    const flow = await harness.start({ then: [{ press: "U1", then: [{ press: "zoom:2" }] }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    await harness.post(harness.vendor.calls[1]!, "FAILURE", { failReason: "timeout" });
    expect((await harness.read(flow)).flow.status).toBe("completed");
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    await harness.finishAll();
    const { tasks, flow: ended } = await harness.read(flow);
    expect(tasks.get("0-0-0")).toMatchObject({ status: "SUCCESS" });
    expect(ended).toMatchObject({ status: "completed", endCount: 1 });
  });

  test("a flow that ended more than an hour ago is left alone, and the success stays in late", async () => {
    const flow = await failedFlow();
    harness.advance(HOUR + 1);
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    const { tasks, flow: ended } = await harness.read(flow);
    expect(tasks.get("0")).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" } });
    expect([tasks.get("0")!.due, tasks.get("0")!.pendingEffects, ended.status]).toEqual([
      undefined,
      undefined,
      "failed",
    ]);
    expect((await harness.sweep()).overdue).toBe(0);
  });

  test("a picture after a success without one is filled in, archived and told under its own event id", async () => {
    const flow = await harness.start({ notifyHook: "https://app.test/hook", archive: true });
    await harness.drain();
    const [call] = harness.vendor.calls;
    const empty = { vendorTaskId: call!.id, status: "SUCCESS", result: { buttons: [] } };
    await harness.postRaw(call!.context.notifyHook.split("/callbacks/")[1]!, JSON.stringify(empty));
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0")!.result?.imageUrl).toBeUndefined();
    harness.advance(2_000);
    await harness.post(call!, "SUCCESS");
    await harness.post(call!, "SUCCESS", { result: { imageUrl: "https://img.test/other.png" } });
    await harness.drain();
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task.result).toMatchObject({ imageUrl: `https://img.test/${call!.id}.png` });
    expect(task.result!.buttons!.length).toBeGreaterThan(4);
    expect(task.copies).toHaveLength(1);
    const ids = harness.receiver.posts.map(({ id, body }) => [id.split("_").slice(2).join("_"), body.data.imageUrl]);
    expect(ids).toContainEqual(["0_completed", null]);
    expect(ids).toContainEqual(["0_completed-2", `https://img.test/${call!.id}.png`]);
    expect(ids.filter(([id]) => id === "0_completed-2")).toHaveLength(1);
    expect(task.due).toBeUndefined();
  });
});

describe("resume, retry and credit", () => {
  let api: ApiClient;
  let app: { id: string; key: string };
  beforeEach(async () => {
    api = createApiClient();
    app = await api.join("shop", { creditsUsd: 1 });
  });
  const call = (method: string, path: string, body?: unknown) => api.call(app.key, method, path, body);
  const read = async (id: string) => (await call("GET", `/v1/flows/${id}`)).body;
  const usage = async () => (await call("GET", "/v1/usage")).body;
  const plan = { ...FLOW, then: [{ press: "U1" }] };
  async function failed(): Promise<string> {
    const { id } = (await call("POST", "/v1/flows", plan)).body;
    await api.harness.drain();
    await api.harness.post(api.harness.vendor.calls[0]!, "FAILURE", { failReason: "timeout" });
    return id;
  }
  const lateSuccess = () => api.harness.post(api.harness.vendor.calls[0]!, "SUCCESS");

  test("resume adopts the late success of a flow that ended long ago, and submits only the follow-ups", async () => {
    const id = await failed();
    api.harness.advance(2 * HOUR);
    await lateSuccess();
    expect((await read(id)).tasks[0]).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" } });
    expect((await call("POST", `/v1/flows/${id}/resume`)).status).toBe(202);
    api.harness.vendor.finished.add(api.harness.vendor.calls[0]!.id);
    await api.harness.finishAll();
    const flow = await read(id);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
    expect(flow.tasks.map(({ status }: Json) => status)).toEqual(["SUCCESS", "SUCCESS"]);
    expect(api.harness.vendor.calls.map(({ kind }) => kind)).toEqual(["submit", "press"]);
    expect(await usage()).toMatchObject({ settledUsd: 0.05, reservedUsd: 0, balanceUsd: 0.95 });
  });

  test.each([
    ["adopted by itself", MINUTE],
    ["adopted by resume", 2 * HOUR],
  ])("a success of a task that counted as never accepted is charged once when it is %s", async (_, laterMs) => {
    api.harness.vendor.next({ kind: "unclear", reason: "timeout" });
    const { id } = (await call("POST", "/v1/flows", { ...plan, resubmit: "never" })).body;
    await api.harness.drain();
    api.harness.advance(api.harness.deps.timings.graceMs.fast + MINUTE);
    await api.harness.sweep();
    await api.harness.sweep();
    expect((await read(id)).tasks[0]).toMatchObject({ status: "FAILURE", failure: { code: "submission_unclear" } });
    expect(await usage()).toMatchObject({ settledUsd: 0, reservedUsd: 0, balanceUsd: 1 });
    api.harness.advance(laterMs);
    await lateSuccess();
    if (laterMs > HOUR) {
      // Without an adoption the app gets nothing of it, so nothing is charged.
      expect(await usage()).toMatchObject({ settledUsd: 0, reservedUsd: 0 });
      await call("POST", `/v1/flows/${id}/resume`);
    }
    api.harness.vendor.finished.add(api.harness.vendor.calls[0]!.id);
    await api.harness.finishAll();
    expect(await read(id)).toMatchObject({ status: "completed" });
    expect(await usage()).toMatchObject({ settledUsd: 0.05, reservedUsd: 0, balanceUsd: 0.95 });
  });

  test.each([
    ["one resume", 1],
    ["three resumes at once", 3],
  ])("two late successes of presses that counted as never accepted are charged once each by %s", async (_, times) => {
    const { timings } = api.harness.deps;
    const { id } = (await call("POST", "/v1/flows", { ...plan, then: [{ press: ["U1", "U2"] }], resubmit: "never" }))
      .body;
    await api.harness.drain();
    for (let i = 0; i < 2; i++) api.harness.vendor.next({ kind: "unclear", reason: "timeout" });
    await api.harness.post(api.harness.vendor.calls[0]!, "SUCCESS");
    await api.harness.drain();
    for (let i = 0; i < 3; i++) {
      api.harness.advance(timings.graceMs.fast + MINUTE);
      await api.harness.sweep();
    }
    const lost = { status: "FAILURE", failure: { code: "submission_unclear" } };
    expect((await read(id)).tasks).toMatchObject([{ status: "SUCCESS" }, lost, lost]);
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0, balanceUsd: 0.96 });
    api.harness.advance(2 * HOUR);
    for (const press of api.harness.vendor.calls.slice(1)) await api.harness.post(press, "SUCCESS");
    expect((await read(id)).tasks).toMatchObject([{ status: "SUCCESS" }, lost, lost]);
    await Promise.all(Array.from({ length: times }, () => call("POST", `/v1/flows/${id}/resume`)));
    await api.harness.finishAll();
    for (let i = 0; i < 3; i++) {
      api.harness.advance(timings.graceMs.fast);
      await api.harness.sweep();
      await api.harness.finishAll();
    }
    const flow = await read(id);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 3 } });
    expect(flow.tasks.map(({ status }: Json) => status)).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
    expect(await usage()).toMatchObject({ settledUsd: 0.06, reservedUsd: 0, balanceUsd: 0.94 });
  });

  test("retry of a task with a late success returns the task itself and pays nothing for it", async () => {
    const id = await failed();
    api.harness.advance(2 * HOUR);
    await lateSuccess();
    const task = (await read(id)).tasks[0].id;
    expect(await call("POST", `/v1/tasks/${task}/retry`)).toMatchObject({
      status: 200,
      body: { id: task, status: "SUCCESS" },
    });
    expect((await read(id)).tasks.map(({ retryOf }: Json) => retryOf)).toEqual([null, null]);
  });

  test("a retried task adopts nothing: the plan runs once", async () => {
    const id = await failed();
    const task = (await read(id)).tasks[0].id;
    expect((await call("POST", `/v1/tasks/${task}/retry`)).status).toBe(202);
    await lateSuccess();
    api.harness.vendor.finished.add(api.harness.vendor.calls[0]!.id);
    await api.harness.finishAll();
    const flow = await read(id);
    expect(flow.tasks[0]).toMatchObject({ id: task, status: "FAILURE", late: { status: "SUCCESS" } });
    expect(flow.tasks.map(({ status }: Json) => status)).toEqual(["FAILURE", "SUCCESS", "SUCCESS"]);
    expect(api.harness.vendor.presses()).toHaveLength(1);
  });

  test("a canceled flow adopts nothing by itself; resume adopts the success", async () => {
    const { id } = (await call("POST", "/v1/flows", plan)).body;
    await api.harness.drain();
    await call("POST", `/v1/flows/${id}/cancel`);
    await api.harness.post(api.harness.vendor.calls[0]!, "FAILURE", { failReason: "timeout" });
    await lateSuccess();
    expect((await read(id)).tasks).toMatchObject([{ status: "FAILURE", late: { status: "SUCCESS" } }]);
    await call("POST", `/v1/flows/${id}/resume`);
    api.harness.vendor.finished.add(api.harness.vendor.calls[0]!.id);
    await api.harness.finishAll();
    expect(await read(id)).toMatchObject({ status: "completed", canceledAt: null });
    expect(api.harness.vendor.calls).toHaveLength(2);
  });

  test("an automatic adoption reserves the follow-ups again", async () => {
    const id = await failed();
    expect(await usage()).toMatchObject({ reservedUsd: 0, settledUsd: 0.04 });
    expect((await read(id)).status).toBe("failed");
    await lateSuccess();
    expect(await read(id)).toMatchObject({ status: "running" });
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0.01 });
    api.harness.vendor.finished.add(api.harness.vendor.calls[0]!.id);
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ settledUsd: 0.05, reservedUsd: 0 });
  });

  /** A flow whose root succeeded and whose two presses failed, with all its credit settled. */
  async function withTwoFailedPresses() {
    const { id } = (await call("POST", "/v1/flows", { ...FLOW, then: [{ press: ["U1", "U2"] }] })).body;
    await api.harness.drain();
    await api.harness.post(api.harness.vendor.calls[0]!, "SUCCESS");
    await api.harness.drain();
    const presses = api.harness.vendor.calls.slice(1);
    for (const press of presses) await api.harness.post(press, "FAILURE", { failReason: "timeout" });
    expect(await usage()).toMatchObject({ settledUsd: 0.06, reservedUsd: 0, runningFlows: 0 });
    return { id, presses };
  }
  const creditOf = (id: string) => api.harness.dump().flows.find((flow) => flow.id === id)!;
  const entries = async () => (await api.harness.deps.store.creditCounter(app.id))!.entries;

  // Seed 1016280 of the simulation: the second adoption costs nothing more, and its settlement was never finished.
  test("an adoption that is held while another one is settled gets a settlement of its own, although it costs nothing", async () => {
    const { id, presses } = await withTwoFailedPresses();
    // The first change of the counter holds the adoption, and the process crashes before it changes the counter to settle.
    api.harness.storeFault.arm("changeCredit", "before", 1);
    await expect(api.harness.post(presses[0]!, "SUCCESS")).rejects.toThrow("crash before changeCredit");
    expect(creditOf(id).credit).toMatchObject({ settling: { micro: 0, paths: ["0-0"] } });
    await api.harness.post(presses[1]!, "SUCCESS");
    expect(creditOf(id).credit).toMatchObject({ settling: { paths: ["0-0"] }, awaits: { "0-1": {} } });
    for (let i = 0; i < 2; i++) {
      api.harness.advance(21 * MINUTE);
      await api.harness.sweep();
    }
    const { credit, due, status } = creditOf(id);
    expect([status, due]).toEqual(["completed", undefined]);
    expect(credit).toMatchObject({ held: 0, runs: 0, awaits: {}, settlements: 3 });
    expect(credit!.settling).toBeUndefined();
    expect(await entries()).toEqual({});
    expect(await usage()).toMatchObject({ settledUsd: 0.06, reservedUsd: 0, runningFlows: 0 });
  });

  test("a process that settles the flow between the hold of an adoption and the adoption charges the late success once", async () => {
    const stored = createMemoryStore({ table: createMemoryTable() });
    const { saveTask } = stored;
    api = createApiClient({}, { store: stored });
    app = await api.join("shop", { creditsUsd: 1 });
    api.harness.vendor.next({ kind: "unclear", reason: "timeout" });
    const { id } = (await call("POST", "/v1/flows", { ...FLOW, resubmit: "never" })).body;
    await api.harness.drain();
    api.harness.advance(api.harness.deps.timings.graceMs.fast + MINUTE);
    for (let i = 0; i < 2; i++) await api.harness.sweep();
    expect(await usage()).toMatchObject({ settledUsd: 0, reservedUsd: 0 });
    api.harness.advance(MINUTE);
    // The first write of the task stores the late success, the second one adopts it.
    let writes = 0;
    stored.saveTask = async (task) => {
      writes++;
      if (writes === 2) await recordFlowEnd(api.harness.deps, id);
      return saveTask(task);
    };
    await lateSuccess();
    expect(writes).toBeGreaterThan(1);
    await api.harness.finishAll();
    expect(await read(id)).toMatchObject({ status: "completed" });
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0 });
    expect(creditOf(id).credit!.awaits).toEqual({});
  });

  test.each(["before", "after"] as const)(
    "a settlement of an ended flow is finished by the sweeper if its process crashes %s it",
    async (when) => {
      const { id } = await withTwoFailedPresses();
      const open = { "0-0": { mark: "mark", at: api.harness.deps.clock.now() } };
      const flow = creditOf(id);
      await api.harness.deps.store.saveFlow({ ...flow, credit: { ...flow.credit!, awaits: open } });
      api.harness.storeFault.arm("changeCredit", when);
      await expect(recordFlowEnd(api.harness.deps, id)).rejects.toThrow("crash");
      expect(creditOf(id).credit!.settling).toMatchObject({ micro: 0, paths: ["0-0"] });
      for (let i = 0; i < 2; i++) {
        api.harness.advance(21 * MINUTE);
        await api.harness.sweep();
      }
      const { credit, due, status } = creditOf(id);
      expect([status, due, credit!.settling, credit!.awaits]).toEqual(["completed", undefined, undefined, {}]);
    },
  );

  test("an automatic adoption is declined if the credit does not cover the follow-ups", async () => {
    app = await api.join("poor", { creditsUsd: 0.09 });
    const { id } = (await call("POST", "/v1/flows", { ...FLOW, then: [{ press: ["U1", "U2", "U3", "U4"] }] })).body;
    await api.harness.drain();
    const [root] = api.harness.vendor.calls;
    await api.harness.post(root!, "FAILURE", { failReason: "timeout" });
    expect((await call("POST", "/v1/flows", FLOW)).status).toBe(202);
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0.04, balanceUsd: 0.01 });
    await api.harness.post(root!, "SUCCESS");
    expect(await read(id)).toMatchObject({
      status: "failed",
      tasks: [{ status: "FAILURE", late: { status: "SUCCESS" } }],
    });
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0.04 });
  });
});

describe("buttons that the callback left out", () => {
  /** Returns a flow whose root succeeded by a callback without buttons. */
  async function withoutButtons(harness: TestHarness, then = [{ press: ["U1", "U2", "U3", "U4"] }]) {
    const flow = await harness.start({ then });
    await harness.drain();
    const [root] = harness.vendor.calls;
    harness.vendor.finished.add(root!.id);
    const body = { vendorTaskId: root!.id, status: "SUCCESS", result: { imageUrl: "https://img.test/1.png" } };
    await harness.postRaw(root!.context.notifyHook.split("/callbacks/")[1]!, JSON.stringify(body));
    return { flow, root: root! };
  }

  test("one look-up serves all siblings, and is counted once", async () => {
    const harness = createTestHarness();
    const { flow, root } = await withoutButtons(harness);
    harness.vendor.holds(root, "SUCCESS");
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
    expect(harness.vendor.lookups).toEqual([[root.id]]);
    expect((await harness.read(flow)).tasks.get("0")!.lookups).toBe(1);
    expect(harness.vendor.presses()).toHaveLength(4);
  });

  test.each<[string, (harness: TestHarness) => void]>([
    ["not found", (_: TestHarness) => {}],
    ["not finished", (harness: TestHarness) => harness.vendor.holds(harness.vendor.calls[0]!, "IN_PROGRESS")],
    [
      "older and without buttons",
      (harness: TestHarness) => harness.vendor.holds(harness.vendor.calls[0]!, "IN_PROGRESS", { buttons: [] }),
    ],
    ["refused", (harness: TestHarness) => harness.vendor.failLookups(new LookupError("429"))],
  ])("a look-up that is %s is made again, and nothing is stored as empty", async (_, arrange) => {
    const harness = createTestHarness();
    const { flow, root } = await withoutButtons(harness, [{ press: ["U1"] }]);
    arrange(harness);
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0")!.result!.buttons).toBeUndefined();
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ status: "PENDING", attempt: 0 });
    harness.vendor.failLookups(undefined);
    harness.vendor.holds(root, "SUCCESS");
    harness.advance(harness.deps.timings.lookupMs);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("a vendor that never names the buttons ends the press after three minutes with buttons_unknown", async () => {
    const harness = createTestHarness();
    const { flow } = await withoutButtons(harness, [{ press: ["U1"] }]);
    for (let i = 0; i < 16; i++) {
      await harness.sweep();
      await harness.drain();
      harness.advance(harness.deps.timings.lookupMs);
    }
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({
      status: "FAILURE",
      failure: { code: "buttons_unknown" },
    });
    expect(harness.vendor.presses()).toEqual([]);
  });

  test("a press of a parent without any id waits for the submit response, and gives up only after the lease time", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "U1" }] });
    const { leaseMs, busyMs } = harness.deps.timings;
    harness.vendor.next(async (call) => {
      const { notifyHook } = call.context;
      const body = {
        status: "SUCCESS",
        result: {
          imageUrl: "https://img.test/1.png",
          buttons: [{ customId: "MJ::JOB::upsample::1::x", label: "U1", emoji: "" }],
        },
      };
      await harness.postRaw(notifyHook.split("/callbacks/")[1]!, JSON.stringify(body));
      return { kind: "unclear", reason: "the response is lost" };
    });
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ status: "PENDING" });
    harness.advance(leaseMs);
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ status: "PENDING" });
    harness.advance(busyMs);
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ failure: { code: "parent_unnamed" } });
  });
});

describe("outcomes that are not about the capacity of the account", () => {
  const health = (harness: TestHarness) => harness.deps.store.health("fake", "default");

  test("a parent that the vendor does not show as finished leaves the breaker alone, and the press goes on", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: ["U1", "U2", "U3", "U4"] }] });
    await harness.drain();
    for (let i = 0; i < 8; i++) harness.vendor.next({ kind: "busy", reason: "not-success", about: "parent" });
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    harness.advance(10_000);
    await harness.drain();
    expect(await health(harness)).toMatchObject({ faults: 0 });
    expect((await health(harness))!.busyUntil).toBeUndefined();
    harness.advance(20_000);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("a parent that never gets ready ends the press after minutes with parent_not_ready", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "U1" }] });
    await harness.drain();
    for (let i = 0; i < 20; i++) harness.vendor.next({ kind: "busy", reason: "not-success", about: "parent" });
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    const startedAt = harness.deps.clock.now();
    for (let i = 0; i < 30; i++) {
      await harness.sweep();
      await harness.drain();
      harness.advance(10_000);
    }
    const task = (await harness.read(flow)).tasks.get("0-0")!;
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "parent_not_ready" } });
    expect(task.endedAt! - startedAt).toBeLessThan(harness.deps.timings.parentMs + MINUTE);
  });

  test("an unreachable vendor is shown as unreachable: fault, log line and failure code", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    for (let i = 0; i < 90; i++) harness.vendor.next({ kind: "busy", reason: "ENOTFOUND", about: "connection" });
    await harness.drain();
    expect(await health(harness)).toMatchObject({ fault: "unreachable", faults: 1 });
    expect(harness.log.some((line) => line.includes("submit.unreachable"))).toBe(true);
    expect(harness.metrics.get("Unreachable")).toBeGreaterThan(0);
    for (let i = 0; i < 75; i++) {
      harness.advance(MINUTE + 1);
      await harness.drain();
      await harness.sweep();
    }
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({
      status: "EXPIRED",
      failure: { code: "vendor_unreachable" },
    });
    expect((await health(harness))!.openUntil).toBeDefined();
  });
});

describe("look-ups that cannot show the end", () => {
  const FAILED = [
    ["5xx", new LookupError("502")],
    ["a response that is no list", new LookupError("the response is no list of tasks")],
    ["no connection", new LookupError("ECONNREFUSED", { unreachable: true })],
  ] as const;

  test.each(FAILED)(
    "a task whose look-ups get %s until long after its deadline is not given up, and the first response shows its image",
    async (_, error) => {
      const harness = createTestHarness();
      const flow = await harness.start();
      await harness.drain();
      harness.vendor.failLookups(error);
      for (let i = 0; i < 23 * 60; i++) {
        harness.advance(MINUTE);
        await harness.sweep();
      }
      expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
      harness.vendor.failLookups(undefined);
      harness.vendor.holds(harness.vendor.calls[0]!, "SUCCESS");
      harness.advance(10 * MINUTE);
      await harness.sweep();
      expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUCCESS");
    },
  );

  test("a task that is due while the look-ups of its account are paused is not given up at its deadline", async () => {
    const harness = createTestHarness();
    harness.vendor.failLookups(new LookupError("502"));
    const flows: Flow[] = [];
    for (let minute = 0; minute < 180; minute++) {
      if (minute < 30 && minute % 7 === 0) flows.push(await harness.start());
      await harness.drain();
      harness.advance(MINUTE);
      await harness.sweep();
    }
    for (const flow of flows) expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
  });

  // Seed 1009141 of the simulation: the look-ups of other tasks of the account worked in between.
  test("look-ups of other tasks that work do not end a task whose own look-ups fail", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    const [call] = harness.vendor.calls;
    for (let i = 0; i < 12; i++) {
      harness.vendor.failLookups(new LookupError("502"));
      harness.advance(10 * MINUTE);
      await harness.sweep();
      harness.vendor.failLookups(undefined);
      await harness.deps.accounts.recordLookup("fake", "default", "worked");
    }
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
    harness.vendor.holds(call!, "SUCCESS");
    harness.advance(10 * MINUTE);
    await harness.sweep();
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUCCESS");
  });

  test("after its deadline a task ends with the first response that shows it unfinished", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    harness.vendor.failLookups(new LookupError("502"));
    for (let i = 0; i < 12; i++) {
      harness.advance(10 * MINUTE);
      await harness.sweep();
    }
    harness.vendor.failLookups(undefined);
    harness.vendor.holds(harness.vendor.calls[0]!, "IN_PROGRESS");
    harness.advance(10 * MINUTE);
    await harness.sweep();
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
    expect(task.failure!.message).toBe(failure("deadline_passed").message);
  });

  test("after its deadline a task that one response misses is looked up again, and is lost after four", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    const lookUp = async (times: number) => {
      for (let i = 0; i < times; i++) {
        harness.advance(10 * MINUTE);
        await harness.sweep();
      }
      return (await harness.read(flow)).tasks.get("0")!;
    };
    harness.vendor.failLookups(new LookupError("502"));
    await lookUp(12);
    harness.vendor.failLookups(undefined);
    expect((await lookUp(3)).status).toBe("SUBMITTED");
    expect(await lookUp(1)).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_lost" } });
  });

  test("look-ups refused by the key postpone the deadline by a day, and a new key finds the image", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    const [call] = harness.vendor.calls;
    harness.vendor.failLookups(new LookupError("401", { unauthorized: true }));
    for (let i = 0; i < 24; i++) {
      harness.advance(10 * MINUTE);
      await harness.sweep();
    }
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
    expect(await harness.deps.store.health("fake", "default")).toMatchObject({ lookupFault: "unauthorized" });
    expect(harness.metrics.get("LookupsRefused")).toBe(harness.metrics.get("LookupFailures"));
    expect(harness.log.some((line) => line.includes("account.lookups-fail"))).toBe(true);
    harness.vendor.failLookups(undefined);
    harness.vendor.holds(call!, "SUCCESS");
    await harness.deps.accounts.resetBreaker("fake", "default");
    harness.advance(5 * MINUTE);
    await harness.sweep();
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUCCESS");
    expect((await harness.deps.store.health("fake", "default"))!.lookupFault).toBeUndefined();
  });

  test.each([
    ["refused our key", new LookupError("401", { unauthorized: true })],
    ["answered no look-up", new LookupError("502")],
  ])("after a day the task expires, and the failure says that the vendor %s", async (words, error) => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    harness.vendor.failLookups(error);
    for (let i = 0; i < 160; i++) {
      harness.advance(10 * MINUTE);
      await harness.sweep();
    }
    const { failure: why, endedAt, submittedAt } = (await harness.read(flow)).tasks.get("0")!;
    expect(why).toMatchObject({ code: "deadline_passed", message: expect.stringContaining(words) });
    expect(endedAt! - submittedAt!).toBeGreaterThan(24 * HOUR);
  });

  test("a row that stays at 100 % ends as vendor_stalled after minutes, with the picture of the row in late", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    const [call] = harness.vendor.calls;
    const frozen = {
      vendorTaskId: call!.id,
      status: "IN_PROGRESS" as const,
      progress: 100,
      result: { imageUrl: "https://img.test/frozen.png" },
    };
    harness.vendor.provider.lookup = async () => ({ reports: [frozen], requests: 1 });
    for (let i = 0; i < 15; i++) {
      harness.advance(MINUTE);
      await harness.sweep();
    }
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({
      status: "EXPIRED",
      failure: { code: "vendor_stalled" },
      late: { status: "IN_PROGRESS", result: { imageUrl: "https://img.test/frozen.png" } },
    });
    await harness.post(call!, "SUCCESS");
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({
      status: "SUCCESS",
      result: { imageUrl: `https://img.test/${call!.id}.png` },
    });
  });

  test("a row that passes 100 % in time ends as usual", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    const [call] = harness.vendor.calls;
    const { lookup } = harness.vendor.provider;
    harness.vendor.provider.lookup = async () => ({
      reports: [{ vendorTaskId: call!.id, status: "IN_PROGRESS", progress: 100, result: {} }],
      requests: 1,
    });
    harness.advance(harness.deps.timings.quietMs.fast);
    await harness.sweep();
    harness.vendor.provider.lookup = lookup;
    harness.vendor.holds(call!, "SUCCESS");
    harness.advance(harness.deps.timings.lookupMaxMs);
    await harness.sweep();
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUCCESS");
  });
});

test("a flow restarted after a vendor loss adopts nothing: the new flow has taken its place", async () => {
  const harness = createTestHarness({ accounts: { fake: { a: {} }, other: { c: {} } } });
  const flow = await harness.start({ onVendorLoss: "restart", then: [{ press: "U1" }, { press: "U2" }] });
  await harness.drain();
  harness.vendor.finished.add(harness.vendor.calls[0]!.id);
  await harness.post(harness.vendor.calls[0]!, "SUCCESS");
  harness.vendor.next((call) => ({ kind: "accepted", vendorTaskId: call.id }));
  harness.vendor.next({ kind: "refused", failure: failure("vendor_unauthorized") });
  await harness.drain();
  const branch = harness.vendor.calls[1]!;
  await harness.post(branch, "FAILURE", { failReason: "timeout" });
  harness.vendor.finished.add(branch.id);
  for (let i = 0; i < 2; i++) {
    harness.advance(MINUTE);
    await harness.sweep();
    await harness.drain();
  }
  expect((await harness.read(flow)).flow.restartedAs).toBeDefined();
  await harness.post(branch, "SUCCESS");
  expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ status: "FAILURE", late: { status: "SUCCESS" } });
});
