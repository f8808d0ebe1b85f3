/** CORS: which web pages may call the API, as a browser decides it (WHATWG Fetch, 3.3 and 4.8). */
import { describe, expect, test } from "vitest";
import { createApiClient, FLOW, OPERATOR } from "../app/api-client.ts";

const SHOP = "https://shop.test";
const OTHER = "https://other.test";

function client(...corsOrigins: string[]) {
  const api = createApiClient({ corsOrigins, sleep: async (ms) => void api.harness.advance(ms) });
  const request = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    api.app.request(path, { method, headers, ...(body !== undefined && { body }) });
  const preflight = (path: string, origin: string, method = "POST", names = "authorization,content-type") =>
    request("OPTIONS", path, {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": names,
    });
  return { ...api, request, preflight };
}

const corsHeadersOf = ({ headers }: Response) =>
  [...headers.keys()].filter((name) => name.startsWith("access-control-"));
const listOf = (response: Response, name: string) =>
  (response.headers.get(name) ?? "")
    .toLowerCase()
    .split(",")
    .map((item) => item.trim());

const PATHS = [
  "/v1/flows",
  "/v1/flows/flow_1/events",
  "/v1/banned-words",
  "/mj/submit/imagine",
  "/mj-fast/mj/task/1/fetch",
  "/healthz",
  "/v1/nothing",
];

describe.each([
  ["one origin", [SHOP], SHOP, SHOP],
  ["several origins", [OTHER, SHOP], SHOP, SHOP],
  ["*", ["*"], SHOP, "*"],
])("with %s in MJFLOW_CORS_ORIGINS", (_, origins, origin, allowed) => {
  test.each(PATHS)("the preflight request to %s is answered without a key", async (path) => {
    const response = await client(...origins).preflight(path, origin);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
    expect(listOf(response, "access-control-allow-methods")).toEqual(
      expect.arrayContaining(["get", "post", "put", "patch", "delete"]),
    );
    expect(listOf(response, "access-control-allow-headers")).toEqual(
      expect.arrayContaining([
        "authorization",
        "mj-api-secret",
        "content-type",
        "idempotency-key",
        "prefer",
        "if-none-match",
        "last-event-id",
      ]),
    );
    expect(response.headers.get("x-request-id")).toBeTruthy();
    expect(Number(response.headers.get("access-control-max-age"))).toBeGreaterThan(0);
  });

  test("responses to requests with and without a valid key have CORS headers, errors included", async () => {
    const { request, harness } = client(...origins);
    const key = { origin, authorization: `Bearer ${OPERATOR}`, "content-type": "application/json" };
    const created = await request("POST", "/v1/flows", key, JSON.stringify(FLOW));
    const { id } = (await created.clone().json()) as { id: string };
    await harness.finishAll();
    const responses = [
      created,
      await request("GET", `/v1/flows/${id}/events`, key),
      await request("GET", "/v1/flows", { origin }),
      await request("GET", "/v1/nothing", key),
      await request("GET", "/nothing", key),
      await request("DELETE", "/v1/flows", key),
      await request("POST", "/v1/flows", key, "{"),
      await request("GET", "/mj/task/list", { origin, "mj-api-secret": OPERATOR }),
      await request("GET", "/mj/task/list", { origin }),
      await request("GET", "/openapi.json", { origin }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([202, 200, 401, 404, 404, 405, 400, 200, 401, 200]);
    for (const response of responses) {
      expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
      expect(listOf(response, "access-control-expose-headers")).toEqual(
        expect.arrayContaining(["location", "etag", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id"]),
      );
      expect(response.headers.has("access-control-allow-credentials")).toBe(false);
      await response.body?.cancel();
    }
  });
});

describe("with a list of origins", () => {
  test("a page of another origin gets no CORS headers, and Vary names Origin for caches", async () => {
    const { request, preflight } = client(SHOP);
    for (const origin of [OTHER, "null", `${SHOP}.evil.test`, "https://shop.test:444", "http://shop.test", ""]) {
      const preflighted = await preflight("/v1/flows", origin);
      expect([preflighted.status, corsHeadersOf(preflighted)]).toEqual([401, []]);
      const response = await request("GET", "/v1/flows", { origin, authorization: `Bearer ${OPERATOR}` });
      expect([response.status, corsHeadersOf(response)]).toEqual([200, []]);
      expect(response.headers.get("vary")).toBe("Origin");
    }
  });

  test("a request without Origin gets no CORS headers", async () => {
    const response = await client(SHOP).request("GET", "/v1/flows", { authorization: `Bearer ${OPERATOR}` });
    expect([response.status, corsHeadersOf(response)]).toEqual([200, []]);
  });

  test("an OPTIONS request that is no preflight request gets 405", async () => {
    const headers = { origin: SHOP, authorization: `Bearer ${OPERATOR}` };
    const response = await client(SHOP).request("OPTIONS", "/v1/flows", headers);
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([405, SHOP]);
  });
});

test("without the setting no response has CORS headers, except the public API document", async () => {
  const { request, preflight } = client();
  for (const path of PATHS) {
    expect(corsHeadersOf(await preflight(path, SHOP))).toEqual([]);
    const response = await request("GET", path, { origin: SHOP, authorization: `Bearer ${OPERATOR}` });
    expect([corsHeadersOf(response), response.headers.get("vary")]).toEqual([[], null]);
  }
  const document = await request("GET", "/openapi.json", { origin: SHOP });
  expect(document.headers.get("access-control-allow-origin")).toBe("*");
});
