/** Apps and their keys, through the API. */
import { KEY_CACHE_TTL_MS } from "@mjflow/core/app";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

let api: ApiClient;
beforeEach(() => {
  api = createApiClient();
});

const operator = (method: string, path: string, body?: unknown) => api.call(OPERATOR, method, path, body);
const tries = async (key: string, on = api.app) => (await api.call(key, "GET", "/v1/flows", undefined, {}, on)).status;
/** Everything that is stored, as text. */
const stored = () => JSON.stringify(api.harness.dump());

describe("an app", () => {
  test("is made, shown, listed, changed and taken away by the operator", async () => {
    const made = await operator("POST", "/v1/apps", { name: "shop", limits: { flowsPerMinute: 5 } });
    expect(made.status).toBe(201);
    expect(made.headers.get("location")).toBe(`/v1/apps/${made.body.id}`);
    expect(made.body).toMatchObject({
      name: "shop",
      limits: { flowsPerMinute: 5, runningFlows: null, creditsUsd: null },
      disabledAt: null,
    });
    const path = `/v1/apps/${made.body.id}`;
    expect((await operator("GET", path)).body).toEqual(made.body);
    expect((await operator("GET", "/v1/apps")).body).toEqual({ data: [made.body], nextCursor: null });
    const changed = await operator("PATCH", path, { name: "studio", limits: { runningFlows: 2 } });
    expect(changed.body).toMatchObject({ name: "studio", limits: { flowsPerMinute: null, runningFlows: 2 } });
    expect((await operator("PATCH", path, { limits: null })).body).toMatchObject({ limits: { runningFlows: null } });
    expect((await operator("DELETE", path)).body).toMatchObject({ deletedAt: expect.any(String) });
    expect((await operator("GET", path)).status).toBe(404);
    expect((await operator("GET", "/v1/apps")).body.data).toEqual([]);
  });

  test("unknown ids, fields and methods are told apart", async () => {
    for (const id of ["app_x", "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "app_default", "%00"]) {
      expect((await operator("GET", `/v1/apps/${id}`)).status, id).toBe(404);
      expect((await operator("POST", `/v1/apps/${id}/keys`, {})).status, id).toBe(404);
    }
    expect((await operator("POST", "/v1/apps", { name: "x", admin: true })).body).toMatchObject({ field: "admin" });
    expect((await operator("PUT", "/v1/apps")).headers.get("allow")).toBe("GET, POST");
  });

  test("two changes at once are both kept", async () => {
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

describe("a key", () => {
  test("is shown once, and stored as a hash alone", async () => {
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

  test("opens its own app's flows, and counts as used once a day", async () => {
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
      await tries(key);
    }
    expect(writes()).toBe(before);
    api.harness.advance(24 * 3_600_000);
    await tries(key);
    expect([writes(), await used()]).toEqual([before + 1, "2026-11-22"]);
  });

  test("is looked up once in 30 seconds; text that no app was given is not looked up at all", async () => {
    const { key } = await api.join();
    const reads = () => api.harness.storeFault.calls.filter((verb) => verb === "appWithKey").length;
    expect(await tries(key)).toBe(200);
    const before = reads();
    for (let i = 0; i < 5; i++) await tries(key);
    for (const text of ["mjk_wrong", `${key}x`, key.toLowerCase(), "Bearer"]) expect(await tries(text)).toBe(401);
    expect(reads()).toBe(before);
  });

  test("with one character changed, or of another app's name, opens nothing", async () => {
    const { key } = await api.join();
    const other = await api.join("other");
    const last = key.at(-1) === "0" ? "1" : "0";
    expect(await tries(key.slice(0, -1) + last)).toBe(401);
    expect(await tries(`mjk_${other.id.slice(4)}_${key.slice(key.indexOf("_", 5) + 1)}`)).toBe(401);
  });

  test("that is revoked opens nothing: at once in a new container, within 30 seconds in one that knew it", async () => {
    const { id, key, keyId } = await api.join();
    expect(await tries(key)).toBe(200);
    const revoked = await operator("DELETE", `/v1/apps/${id}/keys/${keyId}`);
    expect(revoked.body).toMatchObject({ id: keyId, revokedAt: expect.any(String) });
    expect(await tries(key, api.container())).toBe(401);
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await tries(key)).toBe(401);
    expect((await operator("DELETE", `/v1/apps/${id}/keys/${keyId}`)).body).toEqual(revoked.body);
    expect((await operator("POST", `/v1/apps/${id}/keys/${keyId}/rotate`, {})).status).toBe(409);
  });

  test("is not brought back by noting its use at the same moment", async () => {
    const { id, key, keyId } = await api.join();
    await Promise.all([tries(key), operator("DELETE", `/v1/apps/${id}/keys/${keyId}`)]);
    expect(await tries(key, api.container())).toBe(401);
  });

  test("is rotated with an overlap: both open doors until it is over, then the new one alone", async () => {
    const { id, key, keyId } = await api.join();
    const rotated = await operator("POST", `/v1/apps/${id}/keys/${keyId}/rotate`, { overlapS: 3_600 });
    expect(rotated.status).toBe(201);
    expect(rotated.body).toMatchObject({ key: expect.stringMatching(/^mjk_/), previous: { id: keyId } });
    expect(rotated.body.previous.expiresAt).toBe("2026-11-21T01:00:00.000Z");
    expect([await tries(key), await tries(rotated.body.key)]).toEqual([200, 200]);
    api.harness.advance(3_600_000);
    expect([await tries(key), await tries(rotated.body.key)]).toEqual([401, 200]);
  });

  test("made to last a minute lasts a minute", async () => {
    const { id } = await api.join();
    const { body } = await operator("POST", `/v1/apps/${id}/keys`, { expiresInS: 60 });
    api.harness.advance(59_000);
    expect(await tries(body.key)).toBe(200);
    api.harness.advance(1_000);
    expect(await tries(body.key)).toBe(401);
  });

  test("of a disabled app answers 403 until it is enabled again; of a deleted one, 401", async () => {
    const { id, key } = await api.join();
    const path = `/v1/apps/${id}`;
    await operator("PATCH", path, { disabled: true });
    const refused = await api.call(key, "GET", "/v1/flows");
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden", retry: "never" } });
    await operator("PATCH", path, { disabled: false });
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await tries(key)).toBe(200);
    await operator("DELETE", path);
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await tries(key)).toBe(401);
  });

  test("works on where its use cannot be written down", async () => {
    const { key } = await api.join();
    api.harness.storeFault.arm("saveAppKey", "before");
    expect(await tries(key)).toBe(200);
    expect(api.harness.storeFault.fired()).toBe(1);
  });
});

test("an app has at most fifty keys", async () => {
  const { id } = await api.join();
  for (let i = 1; i < 50; i++) expect((await operator("POST", `/v1/apps/${id}/keys`, {})).status).toBe(201);
  expect((await operator("POST", `/v1/apps/${id}/keys`, {})).status).toBe(409);
});
