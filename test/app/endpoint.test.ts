/** Changes of endpoints by their app, while workers change the same rows. */
import { MjflowError } from "@mjflow/core/error";
import { expect, test } from "vitest";
import { createApiClient } from "./api-client.ts";

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
