/** Reads of tasks that wait for their account: why they wait, and how many tasks come first. Rule WL5. */
import { newHealth } from "@mjflow/core/account-health";
import { taskIdOf } from "@mjflow/core/id";
import { WAIT_LOOK, type WaitEntry } from "@mjflow/core/wait-list";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW } from "./api-client.ts";

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  api = createApiClient();
  app = await api.join();
});
const call = (...request: [string, string, unknown?, Record<string, string>?]) => api.call(app.key, ...request);
const store = () => api.harness.deps.store;
const reads = () => api.harness.storeFault.calls.filter((verb) => verb === "listWaiting" || verb === "waitList").length;
const account = async () => {
  const { body } = await call("GET", "/v1/providers");
  return body.data.find(({ id }: { id: string }) => id === "fake").accounts[0];
};

/** Makes the account busy, so that new tasks wait. */
async function busyAccount() {
  const health = await store().accountState("fake", "default");
  const now = api.harness.deps.clock.now();
  await store().saveHealth({
    ...(health.health ?? newHealth("fake", "default", now)),
    busyUntil: now + 60_000,
    fault: "busy",
  });
}

/** Creates a flow whose root waits. */
async function waiting() {
  const { body } = await call("POST", "/v1/flows", FLOW);
  await api.harness.drain();
  return body.id as string;
}
const rootOf = (flowId: string) => taskIdOf(flowId, "0");

async function addOthers(appId: string, n: number) {
  const flowId = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
  for (let i = 0; i < n; i++) {
    const entry: WaitEntry = { appId, createdAt: api.harness.deps.clock.now() - 1_000_000 + i, flowId, path: "0" };
    await store().addWaiting("fake", "default", entry);
  }
}

describe("a waiting task", () => {
  beforeEach(busyAccount);

  test("a read of the task and of its flow says why it waits and how many tasks come first", async () => {
    const [first, second] = [await waiting(), await waiting()];
    for (const [flowId, ahead] of [
      [first, 0],
      [second, 1],
    ] as const) {
      const waits = { reason: ahead === 0 ? "busy" : expect.stringMatching(/busy|order/), ahead, atLeast: false };
      expect((await call("GET", `/v1/tasks/${rootOf(flowId)}`)).body).toMatchObject({ status: "PENDING", waits });
      expect((await call("GET", `/v1/flows/${flowId}`)).body.tasks).toMatchObject([{ waits }]);
    }
  });

  test("of an app with many waiting tasks at most one comes first", async () => {
    const id = await waiting();
    await addOthers("app_00000000000000000000000000", 50);
    const { ahead, atLeast } = (await call("GET", `/v1/tasks/${rootOf(id)}`)).body.waits;
    expect([ahead, atLeast]).toEqual([1, false]);
  });

  test("a list that is longer than one look gives a lower bound with three reads", async () => {
    const id = await waiting();
    await addOthers(app.id, WAIT_LOOK + 20);
    const before = reads();
    const { waits } = (await call("GET", `/v1/flows/${id}`)).body.tasks[0];
    expect(waits).toMatchObject({ ahead: WAIT_LOOK, atLeast: true });
    expect(reads() - before).toBe(3);
    expect((await account()).waiting).toMatchObject({ count: WAIT_LOOK, atLeast: true });
  });

  test("the place is no part of the ETag, and a 304 reads no list", async () => {
    const id = await waiting();
    const tag = (await call("GET", `/v1/flows/${id}`)).headers.get("etag")!;
    await addOthers(app.id, 3);
    const before = reads();
    expect((await call("GET", `/v1/flows/${id}`, undefined, { "if-none-match": tag })).status).toBe(304);
    expect(reads()).toBe(before);
  });

  test("if the list cannot be read, the read succeeds with the reason alone", async () => {
    const id = await waiting();
    api.harness.storeFault.arm("listWaiting", "before");
    const { status, body } = await call("GET", `/v1/tasks/${rootOf(id)}`);
    expect([status, body.waits]).toEqual([200, { reason: "busy", ahead: null, atLeast: false }]);
  });

  test("the account says how many tasks wait and since when the oldest exists", async () => {
    const since = new Date(api.harness.deps.clock.now()).toISOString();
    await waiting();
    api.harness.advance(5_000);
    await waiting();
    expect((await account()).waiting).toEqual({ count: 2, atLeast: false, oldestAt: since });
  });

  test("the oldest task is found although its app comes after more tasks than one look counts", async () => {
    await waiting();
    await addOthers("app_00000000000000000000000000", WAIT_LOOK + 1);
    const createdAt = api.harness.deps.clock.now() - 3_000_000;
    const last = { appId: "app_z", createdAt, flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0" };
    await store().addWaiting("fake", "default", last);
    expect((await account()).waiting.oldestAt).toBe(new Date(createdAt).toISOString());
  });
});

test("a task that does not wait has no reason, and its reads read no list", async () => {
  const { body } = await call("POST", "/v1/flows", FLOW);
  await api.harness.drain();
  const before = reads();
  expect((await call("GET", `/v1/tasks/${rootOf(body.id)}`)).body.waits).toBeNull();
  expect((await call("GET", `/v1/flows/${body.id}`)).body.tasks[0].waits).toBeNull();
  expect((await account()).waiting).toEqual({ count: 0, atLeast: false, oldestAt: null });
  expect(reads()).toBe(before);
});
