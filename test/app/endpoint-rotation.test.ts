/** The rotation of an endpoint's secret, whose response is the only one with the new secret. */
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
