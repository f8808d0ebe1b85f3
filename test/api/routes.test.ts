/** Mistyped routes, methods that a path does not have, and keys that are not accepted. */
import { KEY_CACHE_TTL_MS } from "@mjflow/core/app";
import { beforeEach, describe, expect, test } from "vitest";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/path.ts";
import { type ApiClient, createApiClient, type Json, OPERATOR } from "../app/api-client.ts";

let api: ApiClient;
beforeEach(() => {
  api = createApiClient();
});

describe("a route that does not exist", () => {
  test.each([
    ["GET", "/v1/flow", "GET /v1/flows"],
    ["POST", "/v1/flow", "POST /v1/flows"],
    ["GET", "/v1/flows/", "GET /v1/flows"],
    ["GET", "//v1//flows", "GET /v1/flows"],
    ["GET", "/V1/Flows", "GET /v1/flows"],
    ["GET", "/flows", "GET /v1/flows"],
    ["POST", "/api/v1/flows", "POST /v1/flows"],
    ["GET", "/v1/flows/flow_1/event", "GET /v1/flows/{id}/events"],
    ["POST", "/v1/flows/flow_1/cancle", "POST /v1/flows/{id}/cancel"],
    ["POST", "/v1/task/task_1/actions", "POST /v1/tasks/{id}/actions"],
    ["POST", "/v1/tasks/task_1/action", "POST /v1/tasks/{id}/actions"],
    ["GET", "/v1/bannedwords", "GET /v1/banned-words"],
    ["PUT", "/v1/banned_words", "PUT /v1/banned-words"],
    ["GET", "/health", "GET /healthz"],
    ["GET", "/openapi.jsn", "GET /openapi.json"],
    ["POST", "/submit/imagine", "POST /mj/submit/imagine"],
    ["POST", "/mjj/submit/imagine", "POST /mj/submit/imagine"],
    ["GET", "/v1/nothing", undefined],
    ["GET", "/", undefined],
    ["GET", `/v1/${"x".repeat(300)}`, undefined],
  ])("%s %s gets 404 route_not_found with the nearest route", async (method, path, meant) => {
    const { status, body } = await api.call(OPERATOR, method, path);
    if (path === "/") return expect(status).toBe(200);
    expect([status, body.code, body.retry]).toEqual([404, "route_not_found", "never"]);
    expect(body.detail).toMatch(new RegExp(`^There is no route ${method} `));
    if (meant === undefined) expect(body.detail).not.toContain("Did you mean");
    else expect(body.detail).toContain(`Did you mean ${meant}?`);
    expect(body.detail.length).toBeLessThan(400);
  });

  test("is not named before the key is checked, and an unknown id of a known route stays not_found", async () => {
    expect((await api.call("", "GET", "/v1/flow", undefined, { authorization: "" })).body.code).toBe("unauthorized");
    expect((await api.call(OPERATOR, "GET", "/v1/flows/flow_1")).body.code).toBe("not_found");
  });
});

describe("a method that a path does not have", () => {
  const paths = () => {
    const routes = api.app.routes.filter(({ method, path }) => method !== "ALL" && !path.startsWith("/mj"));
    return [...new Set(routes.map(({ path }) => path))].map((path) => ({
      path: path.replace(/:\w+(\{[^}]*\})?/g, "x"),
      methods: [...new Set(routes.filter((route) => route.path === path).map(({ method }) => method))],
    }));
  };

  test("gets 405 as problem+json with Allow on every path", async () => {
    expect(paths().length).toBeGreaterThan(35);
    for (const { path, methods } of paths()) {
      const all = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].sort();
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
        if (all.includes(method)) continue;
        const { status, headers, body } = await api.call(OPERATOR, method, path);
        expect([status, body.code, headers.get("allow")], `${method} ${path}`).toEqual([
          405,
          "method_not_allowed",
          all.join(", "),
        ]);
        expect(body.detail).toContain(all.join(", "));
      }
    }
  });
});

describe("a key that is not accepted", () => {
  const reasonOf = async (authorization: string, on = api.app): Promise<Json> => {
    const { status, headers, body } = await api.call("", "GET", "/v1/flows", undefined, { authorization }, on);
    expect([status, body.code, body.retry]).toEqual([401, "unauthorized", "never"]);
    const challenge = headers.get("www-authenticate");
    expect(challenge).toBe(`Bearer realm="mjflow"${body.reason === "missing" ? "" : ', error="invalid_token"'}`);
    // The response repeats no part of the key.
    for (const part of authorization.split(/[\s_]+/).filter((text) => text.length > 8)) {
      expect(body.detail).not.toContain(part);
    }
    return body.reason;
  };

  test.each([
    ["", "missing"],
    ["   ", "missing"],
    ["Bearer", "malformed"],
    ["Bearer ", "malformed"],
    ["Basic bWpmbG93OnNlY3JldA==", "malformed"],
    ["mjk_without_the_word", "malformed"],
    ["Bearer two words", "malformed"],
    ["Bearer mjk_cut", "malformed"],
    [`Bearer ${OPERATOR}x`, "malformed"],
    [`Bearer mjk_01AAAAAAAAAAAAAAAAAAAAAAAA_AAAAAAAA_${"A".repeat(32)}`, "unknown"],
  ])("the header %j is %s", async (authorization, reason) => {
    expect(await reasonOf(authorization)).toBe(reason);
  });

  test("is revoked or expired only for who has the whole key; with a wrong secret part it is unknown", async () => {
    const { id, key, keyId } = await api.join();
    const wrong = `${key.slice(0, -1)}${key.at(-1) === "0" ? "1" : "0"}`;
    expect(await reasonOf(`Bearer ${wrong}`)).toBe("unknown");

    const rotated = await api.call(OPERATOR, "POST", `/v1/apps/${id}/keys/${keyId}/rotate`, { overlapS: 0 });
    expect(await reasonOf(`Bearer ${key}`)).toBe("expired");
    expect(await reasonOf(`Bearer ${wrong}`)).toBe("unknown");

    await api.call(OPERATOR, "DELETE", `/v1/apps/${id}/keys/${keyId}`);
    expect(await reasonOf(`Bearer ${key}`, api.container())).toBe("revoked");
    expect(await reasonOf(`Bearer ${wrong}`, api.container())).toBe("unknown");

    const second = rotated.body.key as string;
    expect((await api.call(second, "GET", "/v1/flows")).status).toBe(200);
    await api.call(OPERATOR, "DELETE", `/v1/apps/${id}`);
    expect(await reasonOf(`Bearer ${second}`, api.container())).toBe("revoked");
    api.harness.advance(KEY_CACHE_TTL_MS);
    expect(await reasonOf(`Bearer ${second}`)).toBe("revoked");
  });

  test("costs one read for a revoked key, so that telling its state costs no more than a valid key", async () => {
    const { id, key, keyId } = await api.join();
    await api.call(OPERATOR, "DELETE", `/v1/apps/${id}/keys/${keyId}`);
    const reads = () => api.harness.storeFault.calls.filter((verb) => verb === "appWithKey").length;
    const before = reads();
    const container = api.container();
    for (let i = 0; i < 5; i++) expect(await reasonOf(`Bearer ${key}`, container)).toBe("revoked");
    expect(reads()).toBe(before + 1);
  });
});

test("a GET under each prefix of the compat API needs a key before its route is looked for", async () => {
  for (const prefix of MJ_PREFIXES) {
    expect((await api.call("", "GET", `${prefix}/nothing`, undefined, { authorization: "" })).status).toBe(401);
  }
});
