/** Apps and their keys, through the API. */
import { KEY_CACHE_TTL_MS } from "@mjflow/core/app";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

let api: ApiClient;
beforeEach(() => {
  api = createApiClient();
});

const operator = (method: string, path: string, body?: unknown) => api.call(OPERATOR, method, path, body);
const statusWith = async (key: string, on = api.app) =>
  (await api.call(key, "GET", "/v1/flows", undefined, {}, on)).status;
/** All stored rows as text. */
const stored = () => JSON.stringify(api.harness.dump());

describe("apps", () => {
  test("the operator creates, reads, lists, updates and deletes an app", async () => {
    const created = await operator("POST", "/v1/apps", { name: "shop", limits: { flowsPerMinute: 5 } });
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe(`/v1/apps/${created.body.id}`);
    expect(created.body).toMatchObject({
      name: "shop",
      limits: { flowsPerMinute: 5, runningFlows: null, creditsUsd: null },
      disabledAt: null,
    });
    const path = `/v1/apps/${created.body.id}`;
    expect((await operator("GET", path)).body).toEqual(created.body);
    expect((await operator("GET", "/v1/apps")).body).toEqual({ data: [created.body], nextCursor: null });
    const changed = await operator("PATCH", path, { name: "studio", limits: { runningFlows: 2 } });
    expect(changed.body).toMatchObject({ name: "studio", limits: { flowsPerMinute: null, runningFlows: 2 } });
    expect((await operator("PATCH", path, { limits: null })).body).toMatchObject({ limits: { runningFlows: null } });
    expect((await operator("DELETE", path)).body).toMatchObject({ deletedAt: expect.any(String) });
    expect((await operator("GET", path)).status).toBe(404);
    expect((await operator("GET", "/v1/apps")).body.data).toEqual([]);
  });

  test("unknown ids, fields and methods are rejected with different errors", async () => {
    for (const id of ["app_x", "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "app_default", "%00"]) {
      expect((await operator("GET", `/v1/apps/${id}`)).status, id).toBe(404);
      expect((await operator("POST", `/v1/apps/${id}/keys`, {})).status, id).toBe(404);
    }
    expect((await operator("POST", "/v1/apps", { name: "x", admin: true })).body).toMatchObject({ field: "admin" });
    expect((await operator("PUT", "/v1/apps")).headers.get("allow")).toBe("GET, HEAD, POST");
  });

  test("two parallel updates are both stored", async () => {
    const { id } = await api.join();
    await Promise.all([
      operator("PATCH", `/v1/apps/${id}`, { name: "studio" }),
      operator("PATCH", `/v1/apps/${id}`, { limits: { runningFlows: 2 } }),
    ]);
    expect((await operator("GET", `/v1/apps/${id}`)).body).toMatchObject({
      name: "studio",
      limits: { runningFlows: 2 },
    });
  });
});

describe("API keys", () => {
  test("a key is shown once and stored only as a hash", async () => {
    const { id, key, keyId } = await api.join();
    const listed = await operator("GET", `/v1/apps/${id}/keys`);
    expect(listed.body.data).toEqual([
      {
        id: keyId,
        appId: id,
        prefix: key.slice(0, key.lastIndexOf("_")),
        createdAt: expect.any(String),
        lastUsedOn: null,
        expiresAt: null,
        revokedAt: null,
      },
    ]);
    const secret = key.slice(key.lastIndexOf("_") + 1);
    expect(stored()).not.toContain(secret);
    expect(api.harness.log.join("\n")).not.toContain(secret);
  });

  test("a key gives access to its own app's flows, and its use is recorded once a day", async () => {
    const { id, key } = await api.join();
    const { body } = await api.call(key, "POST", "/v1/flows", FLOW);
    expect((await api.call(key, "GET", "/v1/flows")).body.data).toMatchObject([{ id: body.id }]);
    expect((await operator("GET", "/v1/flows")).body.data).toEqual([]);
    const used = async () => (await operator("GET", `/v1/apps/${id}/keys`)).body.data[0].lastUsedOn;
    expect(await used()).toBe("2026-11-21");
    const writes = () => api.harness.storeFault.calls.filter((verb) => verb === "saveAppKey").length;
    const before = writes();
    for (const ms of [KEY_CACHE_TTL_MS + 1, KEY_CACHE_TTL_MS + 1]) {
      api.harness.advance(ms);
      await statusWith(key);
    }
    expect(writes()).toBe(before);
    api.harness.advance(24 * 3_600_000);
    await statusWith(key);
    expect([writes(), await used()]).toEqual([before + 1, "2026-11-22"]);
  });

  test("a key is read from the table once in 30 seconds, and a text without key format is never looked up", async () => {
    const { key } = await api.join();
    const reads = () => api.harness.storeFault.calls.filter((verb) => verb === "appWithKey").length;
    expect(await statusWith(key)).toBe(200);
    const before = reads();
    for (let i = 0; i < 5; i++) await statusWith(key);
    for (const text of ["mjk_wrong", `${key}x`, key.toLowerCase(), "Bearer"]) expect(await statusWith(text)).toBe(401);
    expect(reads()).toBe(before);
  });

  test("a key with one changed character or with the id of another app is rejected", async () => {
    const { key } = await api.join();
    const other = await api.join("other");
    const last = key.at(-1) === "0" ? "1" : "0";
    expect(await statusWith(key.slice(0, -1) + last)).toBe(401);
    expect(await statusWith(`mjk_${other.id.slice(4)}_${key.slice(key.indexOf("_", 5) + 1)}`)).toBe(401);
  });

  test("a revoked key is rejected at once in a new container, and within 30 seconds in a container that cached it", async () => {
    const { id, key, keyId } = await api.join();
    expect(await statusWith(key)).toBe(200);
    const revoked = await operator("DELETE", `/v1/apps/${id}/keys/${keyId}`);
    expect(revoked.body).toMatchObject({ id: keyId, revokedAt: expect.any(String) });
    expect(await statusWith(key, api.container())).toBe(401);
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await statusWith(key)).toBe(401);
    expect((await operator("DELETE", `/v1/apps/${id}/keys/${keyId}`)).body).toEqual(revoked.body);
    expect((await operator("POST", `/v1/apps/${id}/keys/${keyId}/rotate`, {})).status).toBe(409);
  });

  test("a key that is revoked while its use is recorded stays revoked", async () => {
    const { id, key, keyId } = await api.join();
    await Promise.all([statusWith(key), operator("DELETE", `/v1/apps/${id}/keys/${keyId}`)]);
    expect(await statusWith(key, api.container())).toBe(401);
  });

  test("both keys of a rotation work until the overlap is over, then only the new one", async () => {
    const { id, key, keyId } = await api.join();
    const rotated = await operator("POST", `/v1/apps/${id}/keys/${keyId}/rotate`, { overlapS: 3_600 });
    expect(rotated.status).toBe(201);
    expect(rotated.body).toMatchObject({ key: expect.stringMatching(/^mjk_/), previous: { id: keyId } });
    expect(rotated.body.previous.expiresAt).toBe("2026-11-21T01:00:00.000Z");
    expect([await statusWith(key), await statusWith(rotated.body.key)]).toEqual([200, 200]);
    api.harness.advance(3_600_000);
    expect([await statusWith(key), await statusWith(rotated.body.key)]).toEqual([401, 200]);
  });

  test("a key with an expiry of one minute works for one minute", async () => {
    const { id } = await api.join();
    const { body } = await operator("POST", `/v1/apps/${id}/keys`, { expiresInS: 60 });
    api.harness.advance(59_000);
    expect(await statusWith(body.key)).toBe(200);
    api.harness.advance(1_000);
    expect(await statusWith(body.key)).toBe(401);
  });

  test("the key of a disabled app gets 403 until the app is enabled, and the key of a deleted app gets 401", async () => {
    const { id, key } = await api.join();
    const path = `/v1/apps/${id}`;
    await operator("PATCH", path, { disabled: true });
    const refused = await api.call(key, "GET", "/v1/flows");
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden", retry: "never" } });
    await operator("PATCH", path, { disabled: false });
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await statusWith(key)).toBe(200);
    await operator("DELETE", path);
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await statusWith(key)).toBe(401);
  });

  test("a key works even if its use cannot be recorded", async () => {
    const { key } = await api.join();
    api.harness.storeFault.arm("saveAppKey", "before");
    expect(await statusWith(key)).toBe(200);
    expect(api.harness.storeFault.fired()).toBe(1);
  });
});

test("an app has at most fifty active keys", async () => {
  const { id } = await api.join();
  for (let i = 1; i < 50; i++) expect((await operator("POST", `/v1/apps/${id}/keys`, {})).status).toBe(201);
  expect((await operator("POST", `/v1/apps/${id}/keys`, {})).status).toBe(409);
});
