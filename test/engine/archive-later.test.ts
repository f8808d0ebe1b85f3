/** Flows that archive later: the success is sent at once, and the copies by an event of their own (docs/decisions/0052). */
import { EVENT_BITS } from "@mjflow/core/event";
import { taskIdOf } from "@mjflow/core/id";
import { archiveMessage } from "@mjflow/core/message";
import type { FlowRequest } from "@mjflow/core/request";
import { pressTask } from "@mjflow/engine/press";
import { describe, expect, test } from "vitest";
import { createApiClient, FLOW, OPERATOR } from "../app/api-client.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const HOOK = "https://app.test/hook";

/** Lets time pass, with a sweep and a drain after each step. */
async function pass(harness: TestHarness, ms: number, stepMs = 60_000): Promise<void> {
  for (let rest = ms; rest > 0; rest -= stepMs) {
    harness.advance(Math.min(stepMs, rest));
    await harness.sweep();
    await harness.drain();
  }
}

describe("copies that are sent later", () => {
  const LATER: Partial<FlowRequest> = {
    archive: "later",
    notifyHook: HOOK,
    events: ["task.completed", "task.archived"],
  };
  const told = (harness: TestHarness) =>
    harness.receiver.posts.map(({ id, body: { data } }) => [
      id.split("_").slice(2).join("_"),
      (data.copies?.length ?? 0) + (data.copyFailures?.length ?? 0),
    ]);

  test.each([
    ["with a delivery log", true],
    ["without a delivery log", false],
  ])(
    "a success is delivered at once while its images cannot be copied, and the copies follow, %s",
    async (_, deliveryLog) => {
      const harness = createTestHarness();
      const flow = await harness.start({ ...LATER }, { deliveryLog });
      const { copy } = harness.deps.media;
      harness.deps.media.copy = () => Promise.reject(Object.assign(new Error("away"), { retry: "later" }));
      await harness.finishAll();
      expect(told(harness)).toEqual([["0_completed", 0]]);
      harness.deps.media.copy = copy;
      await pass(harness, 15 * 60_000);
      expect(told(harness)).toEqual([
        ["0_completed", 0],
        ["0_archived", 1],
      ]);
      const { flow: ended, tasks } = await harness.read(flow);
      expect(tasks.get("0")).not.toHaveProperty("pendingEffects");
      expect([ended.due, tasks.get("0")!.due]).toEqual([undefined, undefined]);
      const { timestamp } = harness.receiver.posts.at(-1)!.body;
      expect(timestamp).toBe(new Date(tasks.get("0")!.archivedAt!).toISOString());
    },
  );

  test("an attempt of a success after its images were archived has the body of the first attempt", async () => {
    const harness = createTestHarness();
    harness.receiver.next({ kind: "answered", status: 500, body: "", tookMs: 1 });
    await harness.start({ ...LATER });
    await harness.finishAll();
    await pass(harness, 60_000);
    const completed = harness.receiver.posts.filter(({ id }) => id.endsWith("0_completed"));
    expect(completed).toHaveLength(2);
    expect(completed[1]!.body).toEqual(completed[0]!.body);
    expect(completed[1]!.body.data).toMatchObject({ copies: [], copyFailures: [] });
    expect(told(harness)).toContainEqual(["0_archived", 1]);
  });

  test("a tile has its copy in its own event, and the flow ends without waiting", async () => {
    const harness = createTestHarness();
    await harness.start({ ...LATER, then: [{ press: "tile:2" }] });
    await harness.finishAll();
    const sorted = told(harness).sort();
    expect(sorted).toEqual([
      ["0-0_completed", 1],
      ["0_archived", 1],
      ["0_completed", 0],
    ]);
  });

  test("a lost message of the copies is repaired by the sweeper", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ ...LATER });
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    const { send } = harness.deps.queue;
    harness.deps.queue.send = (messages) =>
      send(messages.filter(({ message }) => !("events" in message && message.events?.includes("archived"))));
    await harness.drain();
    harness.deps.queue.send = send;
    expect(told(harness)).toEqual([["0_completed", 0]]);
    await pass(harness, 15 * 60_000);
    expect(told(harness)).toEqual([
      ["0_completed", 0],
      ["0_archived", 1],
    ]);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
  });

  test("a flow without subscribers has no delivery log and sends nothing", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ archive: "later" });
    expect(flow.eventMask).toBe(EVENT_BITS.archiveLater);
    await harness.finishAll();
    const { flow: ended, tasks } = await harness.read(flow);
    expect(tasks.get("0")!.copies).toHaveLength(1);
    expect([ended.due, ended.pendingEffects, tasks.get("0")!.due]).toEqual([undefined, undefined, undefined]);
    expect((await harness.deps.webhookStore.deliveryLog(flow.id, 0)).records.size).toBe(0);
    expect(harness.metrics.get("Told")).toBeUndefined();
  });

  test("images that were given up are sent as failures", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ ...LATER });
    harness.deps.media.copy = () => Promise.reject(Object.assign(new Error("away"), { retry: "later" }));
    await harness.finishAll();
    await harness.handleDeadLetter(archiveMessage(flow.id, "0"));
    await harness.drain();
    expect(harness.receiver.posts.at(-1)!.body).toMatchObject({
      type: "task.archived",
      data: { copies: [], copyFailures: [{ code: "unavailable" }] },
    });
  });

  test("a press by the app after the end of the flow tells both events, and leaves nothing behind", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ ...LATER });
    await harness.finishAll();
    harness.advance(24 * 3_600_000);
    const { path } = await pressTask(harness.deps, "app_a", taskIdOf(flow.id, "0"), { press: "U1" });
    await harness.finishAll();
    expect(told(harness).slice(2)).toEqual([
      [`${path}_completed`, 0],
      [`${path}_archived`, 1],
    ]);
    const child = (await harness.read(flow)).tasks.get(path)!;
    expect([child.due, child.pendingEffects]).toEqual([undefined, undefined]);
  });
});

describe("who decides", () => {
  /** Returns whether the success and the copies of a new flow are two events. */
  async function isLater(api: ReturnType<typeof createApiClient>, key: string, more: object = {}): Promise<boolean> {
    const before = api.harness.receiver.posts.length;
    await api.call(key, "POST", "/v1/flows", { ...FLOW, notifyHook: HOOK, ...more });
    await api.harness.finishAll();
    const posts = api.harness.receiver.posts.slice(before);
    const [completed] = posts.filter(({ body }) => body.type === "task.completed");
    const archived = posts.filter(({ body }) => body.type === "task.archived");
    expect(completed!.body.data.copies).toHaveLength(archived.length > 0 || more === NO_COPIES ? 0 : 1);
    expect(archived.map(({ body }) => body.data.copies.length)).toEqual(archived.length > 0 ? [1] : []);
    return archived.length > 0;
  }
  const NO_COPIES = { archive: false };

  test("the flow decides before its app, and the app before the deployment", async () => {
    const api = createApiClient({ archive: "later" });
    const { id, key } = await api.join("shop");
    expect(await isLater(api, key)).toBe(true);
    expect(await isLater(api, key, { archive: true })).toBe(false);
    expect(await isLater(api, key, NO_COPIES)).toBe(false);
    const set = async (archive: unknown) =>
      (await api.call(OPERATOR, "PATCH", `/v1/apps/${id}`, { archive })).body.archive;
    const cacheMs = 31_000;
    expect(await set(true)).toBe(true);
    api.harness.advance(cacheMs);
    expect(await isLater(api, key)).toBe(false);
    expect(await isLater(api, key, { archive: "later" })).toBe(true);
    expect(await set("later")).toBe("later");
    api.harness.advance(cacheMs);
    expect(await isLater(api, key)).toBe(true);
    expect(await set(null)).toBe(null);
    expect((await api.call(OPERATOR, "PATCH", `/v1/apps/${id}`, { name: "other" })).body.archive).toBe(null);
  });

  test("an app is created with its default", async () => {
    const api = createApiClient();
    const made = await api.call(OPERATOR, "POST", "/v1/apps", { name: "shop", archive: "later" });
    expect(made.body.archive).toBe("later");
    const { key } = (await api.call(OPERATOR, "POST", `/v1/apps/${made.body.id}/keys`, {})).body;
    expect(await isLater(api, key)).toBe(true);
  });

  test("another word is rejected with the field and the words that are allowed", async () => {
    const api = createApiClient();
    const { key } = await api.join("shop");
    const { status, body } = await api.call(key, "POST", "/v1/flows", { ...FLOW, archive: "soon" });
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ field: "archive", message: 'must be true, false or "later"; received "soon"' }]);
  });
});

test("the hook of the compat API gets a success once, and a read of its task has our link afterwards", async () => {
  const api = createApiClient({ archive: "later" });
  const { key } = await api.join("shop");
  const { result } = (await api.call(key, "POST", "/mj/submit/imagine", { prompt: "a boat", notifyHook: HOOK })).body;
  await api.harness.finishAll();
  await pass(api.harness, 5 * 60_000);
  const successes = api.harness.receiver.posts.filter(({ body }) => body.status === "SUCCESS");
  expect(successes).toHaveLength(1);
  expect((await api.call(key, "GET", `/mj/task/${result}/fetch`)).body.imageUrl).toContain("/media/");
});
