/** Changes of endpoints by their app, while workers change the same rows. */
import { MjflowError } from "@mjflow/core/error";
import { EVENT_BITS, eventMaskOf } from "@mjflow/core/event";
import { createEndpoint } from "@mjflow/engine/endpoint";
import { createSubscriptions } from "@mjflow/engine/subscriptions";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";
import { createApiClient, FLOW } from "./api-client.ts";

test("a rotation whose parked events cannot be counted fails before it changes the secret", async () => {
  const api = createApiClient();
  const { id: appId, key } = await api.join();
  const { body } = await api.call(key, "POST", "/v1/endpoints", { url: "https://app.example/hook" });
  const stored = async () => (await api.deps.webhookStore.endpoint(appId, body.id))!;
  await api.deps.webhookStore.saveEndpoint({ ...(await stored()), parkedFrom: 1 });
  const { secrets } = await stored();
  const throttled = api.container({ listFlows: () => Promise.reject(new MjflowError("overloaded")) });
  const path = `/v1/endpoints/${body.id}/rotate`;
  expect((await api.call(key, "POST", path, {}, {}, throttled)).status).toBe(503);
  expect((await stored()).secrets).toEqual(secrets);
  const rotated = await api.call(key, "POST", path, {});
  expect(rotated.body).toMatchObject({ secret: expect.any(String), parked: { count: 0, whole: true } });
});

test("an endpoint whose row a worker changes at the same moment is deleted nevertheless", async () => {
  const api = createApiClient();
  const { id: appId, key } = await api.join();
  const { body } = await api.call(key, "POST", "/v1/endpoints", { url: "https://app.example/hook" });
  const { deleteEndpoint, saveEndpoint } = api.deps.webhookStore;
  let changes = 2;
  api.deps.webhookStore.deleteEndpoint = async (endpoint) => {
    if (changes-- > 0) await saveEndpoint({ ...endpoint, faults: changes });
    await deleteEndpoint(endpoint);
  };
  expect((await api.call(key, "DELETE", `/v1/endpoints/${body.id}`)).status).toBe(204);
  expect(await api.deps.webhookStore.endpoint(appId, body.id)).toBeUndefined();
  expect((await api.call(key, "DELETE", `/v1/endpoints/${body.id}`)).status).toBe(404);
});

test("a flow that follows the creation or a change of an endpoint sends its events there", async () => {
  const api = createApiClient();
  const { key } = await api.join();
  const maskOfNewFlow = async () => {
    const { status, body } = await api.call(key, "POST", "/v1/flows", FLOW);
    expect(status).toBe(202);
    return ((await api.deps.store.loadFlow(body.id)).flow!.eventMask ?? 0) & ~EVENT_BITS.log;
  };
  expect(await maskOfNewFlow()).toBe(0);
  const first = { url: "https://app.example/hook", events: ["task.completed"] };
  const { body: endpoint } = await api.call(key, "POST", "/v1/endpoints", first);
  expect(await maskOfNewFlow()).toBe(eventMaskOf(["task.completed"]));
  await api.call(key, "POST", "/v1/endpoints", { url: "https://app.example/other", events: ["flow.completed"] });
  expect(await maskOfNewFlow()).toBe(eventMaskOf(["task.completed", "flow.completed"]));
  const path = `/v1/endpoints/${endpoint.id}`;
  await api.call(key, "PATCH", path, { events: ["task.submitted"] });
  expect(await maskOfNewFlow()).toBe(eventMaskOf(["task.submitted", "flow.completed"]));
  await api.call(key, "DELETE", path);
  expect(await maskOfNewFlow()).toBe(eventMaskOf(["flow.completed"]));
});

test("the first endpoint of an app gets the events of the next flow, whichever container creates them", async () => {
  const harness = createTestHarness();
  const { webhookStore, clock } = harness.deps;
  const caches = [1, 2].map(() => createSubscriptions({ webhookStore, clock, cacheTtlMs: 30_000, bus: false }));
  const masks = () => Promise.all(caches.map((cache) => cache.eventMask("app_1", {})));
  expect(await masks()).toEqual([0, 0]);
  await createEndpoint(harness.deps, "app_1", { url: "https://app.example/hook", events: ["task.completed"] });
  expect(await masks()).toEqual([eventMaskOf(["task.completed"]), eventMaskOf(["task.completed"])]);
});
