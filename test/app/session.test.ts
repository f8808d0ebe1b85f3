/** Sessions of the console and sign-in links: their life, their rights, and the cookie (D14). */
import { SESSION } from "@mjflow/core/access-token";
import { KEY_CACHE_TTL_MS } from "@mjflow/core/app";
import { beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import { apiKeyOf } from "../../functions/http/operator-key.ts";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

const PAGE = "http://127.0.0.1:4600";
const HOST = { host: "127.0.0.1:4600" };

let api: ApiClient;
beforeEach(() => {
  api = createApiClient({ consoleUrl: "/console/" });
});

const start = (key: string, body: object = {}, headers = {}) => api.call(key, "POST", "/v1/sessions", body, headers);
const status = async (key: string, path = "/v1/flows") => (await api.call(key, "GET", path)).status;
const reason = async (key: string) => (await api.call(key, "GET", "/v1/flows")).body.reason;
const link = async (key: string) => (await api.call(key, "POST", "/v1/sign-in-links", {})).body;
/** A request of a page of the console, with its cookie. */
const asPage = (cookie: string, method = "GET", path = "/v1/session", headers: Record<string, string> = {}) =>
  api.app.request(path, { method, headers: { ...HOST, cookie, "mjflow-session": "cookie", ...headers } });

describe("the rights of a session", () => {
  test("a session of an app reads the flows of its app and none of the operator", async () => {
    const { id, key } = await api.join();
    const flow = (await api.call(key, "POST", "/v1/flows", FLOW)).body.id;
    const { body } = await start(key, { label: "laptop" });
    expect(body.token).toMatch(/^mjs_/);
    expect((await api.call(body.token, "GET", "/v1/flows")).body.data).toMatchObject([{ id: flow }]);
    expect(await status(body.token, "/v1/apps")).toBe(403);
    expect((await api.call(body.token, "GET", "/v1/session")).body).toMatchObject({
      role: "app",
      appId: id,
      appName: "shop",
      session: { id: body.id, label: "laptop", current: true, kind: "session" },
    });
  });

  test("a session of the operator has the routes of the operator", async () => {
    const { body } = await start(OPERATOR);
    expect(await status(body.token, "/v1/apps")).toBe(200);
    expect((await api.call(body.token, "GET", "/v1/session")).body).toMatchObject({ role: "operator", appName: null });
    expect((await api.call(OPERATOR, "GET", "/v1/session")).body.session).toBe(null);
  });

  test("the limits of the app count for its sessions", async () => {
    const { key } = await api.join("small", { runningFlows: 1 });
    const { token } = (await start(key)).body;
    expect((await api.call(token, "POST", "/v1/flows", FLOW)).status).toBe(202);
    expect((await api.call(token, "POST", "/v1/flows", FLOW)).status).toBe(429);
  });

  test("a session can start no session and no sign-in link, so its life is bounded", async () => {
    const { token } = (await start(OPERATOR, { stay: true })).body;
    expect((await start(token)).status).toBe(403);
    expect((await api.call(token, "POST", "/v1/sign-in-links", {})).status).toBe(403);
  });

  test("a secret of one kind is none of another kind", async () => {
    const { key } = await api.join();
    const session = (await start(key)).body.token as string;
    const signIn = (await link(key)).token as string;
    for (const wrong of [signIn, signIn.replace("mjl_", "mjs_"), session.replace("mjs_", "mjk_")])
      expect(await status(wrong)).toBe(401);
    for (const wrong of [session, session.replace("mjs_", "mjl_"), key])
      expect((await api.call(wrong, "POST", "/v1/sign-in", {})).status).toBe(401);
  });
});

describe("the end of a session", () => {
  test("a session lasts 12 hours, and 30 days if it stays", async () => {
    const short = (await start(OPERATOR)).body.token;
    const long = (await start(OPERATOR, { stay: true })).body.token;
    api.harness.advance(SESSION.shortMs - 1);
    expect([await status(short), await status(long)]).toEqual([200, 200]);
    api.harness.advance(1);
    expect([await reason(short), await status(long)]).toEqual(["expired", 200]);
    api.harness.advance(SESSION.stayMs - SESSION.shortMs);
    expect(await reason(long)).toBe("expired");
  });

  test("a session that was ended is refused at once in every container", async () => {
    const { key } = await api.join();
    const first = (await start(key)).body;
    const second = (await start(key)).body;
    expect([await status(first.token), await status(second.token)]).toEqual([200, 200]);
    expect((await api.call(second.token, "DELETE", `/v1/sessions/${first.id}`)).status).toBe(204);
    expect([await reason(first.token), await status(second.token)]).toEqual(["revoked", 200]);
    expect((await api.call(second.token, "DELETE", "/v1/sessions/current")).status).toBe(204);
    expect(await status(second.token)).toBe(401);
  });

  test("a session ends with its key: revoked, expired, or of a deleted or disabled app", async () => {
    const [revoked, deleted, disabled] = [await api.join(), await api.join(), await api.join()];
    const [a, b, c] = [revoked, deleted, disabled].map(async ({ key }) => (await start(key)).body.token);
    const expiring = (await api.call(OPERATOR, "POST", `/v1/apps/${revoked.id}/keys`, { expiresInS: 60 })).body.key;
    const d = (await start(expiring)).body.token;
    expect([await status(await a!), await status(await b!), await status(await c!), await status(d)]).toEqual([
      200, 200, 200, 200,
    ]);
    await api.call(OPERATOR, "DELETE", `/v1/apps/${revoked.id}/keys/${revoked.keyId}`);
    await api.call(OPERATOR, "DELETE", `/v1/apps/${deleted.id}`);
    await api.call(OPERATOR, "PATCH", `/v1/apps/${disabled.id}`, { disabled: true });
    api.harness.advance(60_000);
    expect([await status(await a!), await status(await b!), await status(await c!), await status(d)]).toEqual([
      401, 401, 403, 401,
    ]);
  });

  test("a new operator key ends the sessions of the earlier one", async () => {
    const { token } = (await start(OPERATOR)).body;
    const signIn = (await link(OPERATOR)).token;
    const rotated = createApp({ ...api.deps, apiKeys: [apiKeyOf("app_default", "mjk_the_next_operator_key")] });
    expect((await api.call(token, "GET", "/v1/flows", undefined, {}, rotated)).status).toBe(401);
    expect((await api.call(signIn, "POST", "/v1/sign-in", {}, {}, rotated)).status).toBe(401);
  });

  test("an app has at most a hundred sessions, and a new one replaces the oldest", async () => {
    const first = (await start(OPERATOR)).body.token;
    for (let i = 1; i < SESSION.perApp; i++) {
      api.harness.advance(1);
      await start(OPERATOR);
    }
    expect(await status(first)).toBe(200);
    await start(OPERATOR);
    expect(await status(first)).toBe(401);
    expect((await api.call(OPERATOR, "GET", "/v1/sessions")).body.data).toHaveLength(SESSION.perApp);
  });

  test("a session that is ended while its use is recorded stays ended", async () => {
    const { id, token } = (await start(OPERATOR)).body;
    await Promise.all([status(token), api.call(OPERATOR, "DELETE", `/v1/sessions/${id}`)]);
    expect(await status(token)).toBe(401);
  });
});

describe("sign-in links", () => {
  test("a link starts one session, and a second use is refused", async () => {
    const { key } = await api.join();
    const { token, url } = await link(key);
    expect(url).toBe(`http://localhost/console/#/sign-in/${token}`);
    const used = await api.call(token, "POST", "/v1/sign-in", { label: "phone" });
    expect(used).toMatchObject({ status: 201, body: { label: "phone", kind: "session" } });
    expect(await status(used.body.token)).toBe(200);
    const again = await api.call(token, "POST", "/v1/sign-in", {});
    expect([again.status, again.body.reason]).toEqual([401, "revoked"]);
    expect(again.body.detail).toContain("works once");
  });

  test("of two uses at the same time one starts a session", async () => {
    const { token } = await link(OPERATOR);
    const uses = await Promise.all([1, 2, 3].map(() => api.call(token, "POST", "/v1/sign-in", {})));
    expect(uses.map((use) => use.status).sort()).toEqual([201, 401, 401]);
  });

  test("a link works for ten minutes, and not after it was ended", async () => {
    const [early, late, ended] = [await link(OPERATOR), await link(OPERATOR), await link(OPERATOR)];
    await api.call(OPERATOR, "DELETE", `/v1/sessions/${ended.id}`);
    api.harness.advance(SESSION.linkMs - 1);
    expect((await api.call(early.token, "POST", "/v1/sign-in", {})).status).toBe(201);
    api.harness.advance(1);
    for (const { token } of [late, ended]) expect((await api.call(token, "POST", "/v1/sign-in", {})).status).toBe(401);
  });
});

describe("secrets", () => {
  test("no row and no log has the secret of a session or a link, and no list shows it", async () => {
    const secrets = [(await start(OPERATOR)).body.token, (await link(OPERATOR)).token] as string[];
    const listed = (await api.call(OPERATOR, "GET", "/v1/sessions")).text;
    const stored = JSON.stringify(api.harness.dump());
    for (const secret of secrets.map((text) => text.slice(text.lastIndexOf("_") + 1))) {
      expect(stored).not.toContain(secret);
      expect(listed).not.toContain(secret);
      expect(api.harness.log.join("\n")).not.toContain(secret);
    }
  });

  test("a session with one changed character is refused", async () => {
    const { token } = (await start(OPERATOR)).body;
    const last = token.at(-1) === "0" ? "1" : "0";
    expect(await status(token.slice(0, -1) + last)).toBe(401);
  });
});

describe("the cookie", () => {
  const cookieOf = async (origin: string, body: object = {}) => {
    const { headers, body: shown } = await start(OPERATOR, { as: "cookie", ...body }, { ...HOST, origin });
    expect(shown.token).toBe(null);
    return headers.get("set-cookie")!;
  };

  test("a page with TLS gets a Secure cookie of its host, and a page of this machine one with its port", async () => {
    expect(await cookieOf("https://mjflow.test")).toMatch(
      /^__Host-mjflow-session=mjs_\w+; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    expect(await cookieOf(PAGE)).toMatch(/^mjflow-session-4600=mjs_\w+; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await cookieOf("http://192.168.1.5:4600")).toContain("; Secure");
    expect(await cookieOf(PAGE, { stay: true })).toContain("; Max-Age=2592000");
  });

  test("a request with the cookie and the header is accepted, and signing out removes the cookie", async () => {
    const [cookie = ""] = (await cookieOf(PAGE)).split(";");
    expect((await asPage(cookie)).status).toBe(200);
    const out = await asPage(cookie, "DELETE", "/v1/sessions/current", { origin: PAGE });
    expect([out.status, out.headers.get("set-cookie")]).toEqual([
      204,
      "mjflow-session-4600=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
    ]);
    expect((await asPage(cookie)).status).toBe(401);
  });

  test("the cookie alone is no key: no form, no image and no page of another origin can use it", async () => {
    const [cookie = ""] = (await cookieOf(PAGE)).split(";");
    const without = await api.app.request("/v1/flows", { headers: { ...HOST, cookie } });
    expect(without.status).toBe(401);
    for (const site of ["cross-site", "same-site", "none"])
      expect((await asPage(cookie, "GET", "/v1/flows", { "sec-fetch-site": site })).status).toBe(401);
    expect((await asPage(cookie, "GET", "/v1/flows", { "sec-fetch-site": "same-origin" })).status).toBe(200);
  });

  test("a cookie counts neither on the compat API nor as an API key, nor for another port", async () => {
    const [cookie = ""] = (await cookieOf(PAGE)).split(";");
    expect((await asPage(cookie, "GET", "/mj/task/list")).status).toBe(401);
    expect((await asPage(`mjflow-session-4600=${OPERATOR}`)).status).toBe(401);
    expect((await asPage(cookie, "GET", "/v1/flows", { host: "127.0.0.1:4700" })).status).toBe(401);
    expect((await asPage(cookie, "GET", "/v1/flows", { host: "mjflow.test:4600" })).status).toBe(401);
  });

  test("a preflight request never allows cookies, also with every origin allowed", async () => {
    const open = createApp({ ...api.deps, corsOrigins: ["*"] });
    const headers = { origin: "https://evil.test", "access-control-request-headers": "mjflow-session" };
    const preflight = await open.request("/v1/flows", {
      method: "OPTIONS",
      headers: { ...headers, "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-credentials")).toBe(null);
  });

  test("a header with a key comes before the cookie", async () => {
    const [cookie = ""] = (await cookieOf(PAGE)).split(";");
    const { key } = await api.join();
    const response = await asPage(cookie, "GET", "/v1/session", { authorization: `Bearer ${key}` });
    expect(await response.json()).toMatchObject({ role: "app", session: null });
  });
});

test("a session is recorded as used once a day", async () => {
  const { token } = (await start(OPERATOR, { stay: true })).body;
  const writes = () => api.harness.storeFault.calls.filter((verb) => verb === "saveAccessToken").length;
  const before = writes();
  for (let i = 0; i < 3; i++) await status(token);
  expect(writes()).toBe(before + 1);
  api.harness.advance(24 * 3_600_000 + KEY_CACHE_TTL_MS);
  await status(token);
  expect(writes()).toBe(before + 2);
  expect((await api.call(OPERATOR, "GET", "/v1/sessions")).body.data[0].lastUsedOn).toBe("2026-11-22");
});
