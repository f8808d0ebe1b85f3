/** Share links (D15): what a viewer sees, for how long, and what they never show. */
import { SHARE } from "@mjflow/core/access-token";
import { MjflowError } from "@mjflow/core/error";
import { taskIdOf } from "@mjflow/core/id";
import { FLOW_RETENTION_MS } from "@mjflow/core/limit";
import { SharedFlow, SharedTask } from "@mjflow/core/response";
import { beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import { type ApiClient, createApiClient, FLOW, type Json, OPERATOR } from "./api-client.ts";

const HOUR = 3_600_000;

let api: ApiClient;
let shop: Awaited<ReturnType<ApiClient["join"]>>;
beforeEach(async () => {
  api = createApiClient({ consoleUrl: "/console/" });
  shop = await api.join();
});

/** Creates a flow with archived pictures and ends it. */
async function ended(body: object = {}, key = shop.key): Promise<string> {
  const flow = { ...FLOW, archive: true, then: [{ press: "U1" }], ...body };
  const { id } = (await api.call(key, "POST", "/v1/flows", flow)).body;
  await api.harness.finishAll();
  return id;
}

const share = (flow: string, body: object = {}, key = shop.key) =>
  api.call(key, "POST", `/v1/flows/${flow}/shares`, body);
const list = async (flow: string) => (await api.call(shop.key, "GET", `/v1/flows/${flow}/shares`)).body.data as Json[];
const read = (token: string, headers = {}) => api.call(token, "GET", "/v1/shared", undefined, headers);
const revoke = (flow: string, id: string) => api.call(shop.key, "DELETE", `/v1/flows/${flow}/shares/${id}`);
/** Status and code of a read. */
const outcome = async (token: string) => {
  const { status, body } = await read(token);
  return status === 200 ? "shown" : `${status} ${body.code}`;
};
const GONE = "404 share_not_found";

describe("a share link", () => {
  test("is shown once, with its secret in the fragment, and lasts seven days by default", async () => {
    const flow = await ended();
    const { status, body } = await share(flow, { label: "customer" });
    expect(status).toBe(201);
    expect(body.token).toMatch(/^mjv_[0-9A-Z]{26}_[0-9A-Z]{8}_[0-9A-Z]{32}$/);
    expect(body.url).toBe(`http://localhost/console/#/share/${body.token}`);
    expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(7 * 24 * HOUR);
    const { token, url, ...shown } = body;
    expect(await list(flow)).toEqual([shown]);
    expect(shown).toMatchObject({ label: "customer", showsPrompt: true, showsVendorLinks: false });
  });

  test("needs no key, and shows the flow until it expires", async () => {
    const { token } = (await share(await ended(), { expiresInS: 60 })).body;
    api.harness.advance(59_999);
    expect(await outcome(token)).toBe("shown");
    api.harness.advance(1);
    expect(await outcome(token)).toBe(GONE);
  });

  test.each([0, 59, 1.5, "60", 30 * 86_400 + 1])("is refused with the expiry %s", async (expiresInS) => {
    const { body } = await share(await ended(), { expiresInS });
    expect([body.code, body.field]).toEqual(["invalid_request", "expiresInS"]);
  });

  test("ends at the latest when its flow is no longer stored", async () => {
    const flow = await ended();
    api.harness.advance(30 * 24 * HOUR);
    const { body } = await share(flow, { expiresInS: SHARE.maxS });
    const { createdAt } = (await api.call(shop.key, "GET", `/v1/flows/${flow}`)).body;
    expect(Date.parse(body.expiresAt)).toBe(Date.parse(createdAt) + FLOW_RETENTION_MS);
  });

  test("is revoked at once, and the other links of the flow stay", async () => {
    const flow = await ended();
    const [first, second] = [(await share(flow)).body, (await share(flow)).body];
    expect((await revoke(flow, first.id)).status).toBe(204);
    expect([await outcome(first.token), await outcome(second.token)]).toEqual([GONE, "shown"]);
    expect((await revoke(flow, first.id)).body.code).toBe("not_found");
    expect((await list(flow)).map(({ id }) => id)).toEqual([second.id]);
  });

  test("of a deleted flow shows nothing, and its rows are deleted with the flow", async () => {
    const flow = await ended();
    const { token } = (await share(flow, { label: "a name that only the app knows" })).body;
    expect(JSON.stringify(api.harness.dump())).toContain(`tokens#${flow}`);
    api.harness.advance(10 * 60_000);
    await api.harness.sweep();
    await api.harness.drain();
    expect((await api.call(shop.key, "DELETE", `/v1/flows/${flow}`)).status).toBe(204);
    expect(await outcome(token)).toBe(GONE);
    const rows = JSON.stringify(api.harness.dump());
    expect(rows).not.toContain(`tokens#${flow}`);
    expect(rows).not.toContain("a name that only the app knows");
  });

  test("of a flow whose deletion crashed, or was made by an earlier version, shows nothing either", async () => {
    const flow = await ended();
    const { token } = (await share(flow)).body;
    api.harness.advance(10 * 60_000);
    await api.harness.sweep();
    await api.harness.drain();
    const crashing = api.container({ deleteAccessTokens: () => Promise.reject(new MjflowError("overloaded")) });
    const path = `/v1/flows/${flow}`;
    expect((await api.call(shop.key, "DELETE", path, undefined, {}, crashing)).status).toBe(503);
    expect(await outcome(token)).toBe(GONE);
    expect((await api.call(shop.key, "DELETE", path)).status).toBe(204);
    expect(JSON.stringify(api.harness.dump())).not.toContain(`tokens#${flow}`);
  });

  test("shows nothing while its app is disabled, and nothing after the app was deleted", async () => {
    const { token } = (await share(await ended())).body;
    const set = (disabled: boolean) => api.call(OPERATOR, "PATCH", `/v1/apps/${shop.id}`, { disabled });
    await set(true);
    expect(await outcome(token)).toBe(GONE);
    await set(false);
    expect(await outcome(token)).toBe("shown");
    await api.call(OPERATOR, "DELETE", `/v1/apps/${shop.id}`);
    expect(await outcome(token)).toBe(GONE);
  });

  test("of a flow of the operator works, too", async () => {
    const { token } = (await share(await ended({}, OPERATOR), {}, OPERATOR)).body;
    expect(await outcome(token)).toBe("shown");
  });

  test("a flow has at most twenty, and an expired one counts no more", async () => {
    const flow = await ended();
    await share(flow, { expiresInS: 60 });
    for (let i = 1; i < SHARE.perFlow; i++) expect((await share(flow)).status).toBe(201);
    const refused = await share(flow);
    expect([refused.status, refused.body.code]).toEqual([409, "limit_reached"]);
    api.harness.advance(60_000);
    expect(await list(flow)).toHaveLength(SHARE.perFlow - 1);
    expect((await share(flow)).status).toBe(201);
  });
});

describe("a stranger", () => {
  test("gets the same response for each link that does not work", async () => {
    const flow = await ended();
    const [expired, revoked, wrong] = await Promise.all(
      [60, 3_600, 3_600].map(async (expiresInS) => (await share(flow, { expiresInS })).body),
    );
    await revoke(flow, revoked.id);
    api.harness.advance(60_000);
    const tokens = [
      expired.token,
      revoked.token,
      wrong.token.replace(/.$/, (last: string) => (last === "0" ? "1" : "0")),
      `mjv_01AAAAAAAAAAAAAAAAAAAAAAAA_${wrong.id}_${"0".repeat(32)}`,
      `mjv_default_${wrong.id}_${"0".repeat(32)}`,
    ];
    const bodies = await Promise.all(tokens.map(async (token) => ({ ...(await read(token)).body, requestId: "" })));
    expect(bodies[0]).toMatchObject({ status: 404, code: "share_not_found", retry: "never" });
    for (const body of bodies) expect(body).toEqual(bodies[0]);
  });

  test.each(["mjv_", "nothing", OPERATOR])("gets 401 for %s, which is no share link", async (token) => {
    const { status, body } = await read(token);
    expect([status, body.reason]).toEqual([401, "malformed"]);
  });

  test("cannot use a share link as a key, a session or a sign-in link", async () => {
    const flow = await ended();
    const { token, id } = (await share(flow)).body;
    const requests: [string, string, object?][] = [
      ["GET", "/v1/flows"],
      ["GET", `/v1/flows/${flow}`],
      ["GET", `/v1/flows/${flow}/shares`],
      ["DELETE", `/v1/flows/${flow}/shares/${id}`],
      ["POST", "/v1/sessions", {}],
      ["POST", "/v1/sign-in", {}],
      ["POST", `/v1/flows/${flow}/cancel`],
      ["GET", "/mj/task/list"],
    ];
    for (const [method, path, body] of requests) {
      expect((await api.call(token, method, path, body)).status, path).toBe(401);
    }
    const session = (await api.call(shop.key, "POST", "/v1/sessions", {})).body.token;
    expect((await read(session)).status).toBe(401);
    expect(await outcome(token)).toBe("shown");
  });

  test("finds the secret in no row, no list and no log", async () => {
    const flow = await ended();
    const { token } = (await share(flow)).body;
    await read(token);
    const secret = token.slice(token.lastIndexOf("_") + 1);
    expect(JSON.stringify(api.harness.dump())).not.toContain(secret);
    expect(JSON.stringify(await list(flow))).not.toContain(secret);
    expect(api.harness.log.join("\n")).not.toContain(secret);
  });
});

describe("what a viewer sees", () => {
  const SECRETS = {
    state: "the state of a household",
    notifyHook: "https://household.test/hook",
    prompt: "a paper boat https://household.test/secret.png --v 6",
  };

  test("is the prompt without links, the status, and the tree of tasks with press names and pictures", async () => {
    const { token } = (await share(await ended(SECRETS))).body;
    const { body, headers } = await read(token);
    expect(headers.get("cache-control")).toBe("private, no-cache");
    expect(body).toMatchObject({
      status: "completed",
      prompt: "a paper boat [link] --v 6",
      showsPrompt: true,
      plannedTasks: 0,
      nextInMs: null,
    });
    expect(body.tasks.map(({ id, parentId, press, status }: Json) => [id, parentId, press, status])).toEqual([
      ["0", null, null, "SUCCESS"],
      ["0-0", "0", "upscale:1", "SUCCESS"],
    ]);
    for (const { pictures } of body.tasks) {
      expect(pictures).toEqual([{ kind: "image", url: expect.stringContaining("/media/"), contentType: "image/png" }]);
    }
  });

  test("has exactly the allowed fields, and none of what is the app's or the operator's", async () => {
    const flow = await ended(SECRETS);
    const { token } = (await share(flow)).body;
    const { body, text } = await read(token);
    expect(Object.keys(body).sort()).toEqual(Object.keys(SharedFlow.shape).sort());
    for (const task of body.tasks) expect(Object.keys(task).sort()).toEqual(Object.keys(SharedTask.shape).sort());
    const { tasks } = await api.harness.deps.store.loadFlow(flow);
    const internal = tasks.flatMap(({ vendorTaskId, customId, provider }) => [vendorTaskId, customId, provider]);
    const hidden = [SECRETS.state, "household.test", shop.id, shop.keyId, ...internal].filter(
      (one) => one !== undefined,
    );
    expect(hidden.length).toBeGreaterThan(6);
    for (const secret of hidden) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/usd|cost|webhook|hook|state"|account|attempt|source/i);
  });

  test("of a failed task is its status, never the reason", async () => {
    api.harness.vendor.next(({ id }) => {
      api.harness.vendor.finished.add(id);
      return { kind: "refused", failure: { code: "vendor_refused", message: "quota of account seven" } };
    });
    const { id } = (await api.call(shop.key, "POST", "/v1/flows", FLOW)).body;
    await api.harness.drain();
    const { token } = (await share(id)).body;
    const { body, text } = await read(token);
    expect([body.status, body.tasks[0].status, body.tasks[0].pictures]).toEqual(["failed", "FAILURE", []]);
    expect(text).not.toMatch(/quota|refused|reason/);
  });

  test("of an unclear submission is that it was submitted", async () => {
    const { id } = (await api.call(shop.key, "POST", "/v1/flows", FLOW)).body;
    api.harness.vendor.next(() => ({ kind: "unclear", why: "timeout" }) as never);
    await api.harness.drain();
    expect((await api.call(shop.key, "GET", `/v1/flows/${id}`)).body.tasks[0].status).toBe("UNCLEAR");
    const { body } = await read((await share(id)).body.token);
    expect(body.tasks[0].status).toBe("SUBMITTED");
    expect(body.nextInMs).toBeGreaterThan(0);
  });

  test("of a retried task is the retry alone", async () => {
    api.harness.vendor.next(({ id }) => {
      api.harness.vendor.finished.add(id);
      return { kind: "refused", failure: { code: "vendor_refused", message: "no" } };
    });
    const { id } = (await api.call(shop.key, "POST", "/v1/flows", FLOW)).body;
    await api.harness.drain();
    await api.call(shop.key, "POST", `/v1/tasks/${taskIdOf(id, "0")}/retry`);
    await api.harness.finishAll();
    const { body } = await read((await share(id)).body.token);
    expect(body.tasks.map(({ id: at, status }: Json) => [at, status])).toEqual([["0-mr", "SUCCESS"]]);
  });

  test("of a running flow is its progress, with the number of planned tasks and a hint when to read again", async () => {
    const { id } = (await api.call(shop.key, "POST", "/v1/flows", { ...FLOW, then: [{ press: "upscale:all" }] })).body;
    await api.harness.drain();
    const { body, headers } = await read((await share(id)).body.token, { prefer: "wait=20" });
    expect(body).toMatchObject({ status: "running", plannedTasks: 4, endedAt: null });
    expect(headers.get("retry-after")).toMatch(/^\d+$/);
    // A stranger cannot hold a request open.
    expect(headers.get("preference-applied")).toBe(null);
  });

  test("has no prompt and no text result if the link hides the prompt", async () => {
    const flow = await ended(SECRETS);
    const { body, text } = await read((await share(flow, { showsPrompt: false })).body.token);
    expect([body.prompt, body.showsPrompt]).toEqual([null, false]);
    expect(text).not.toContain("paper boat");
  });

  test("is not the vendor's link of a picture, except by choice", async () => {
    const flow = await ended({ archive: false });
    const { imageUrl } = (await api.call(shop.key, "GET", `/v1/flows/${flow}`)).body.tasks[0];
    const [plain, open] = [(await share(flow)).body, (await share(flow, { showsVendorLinks: true })).body];
    const { body, text } = await read(plain.token);
    expect(body.tasks.map(({ pictures, hasUnsharedPictures }: Json) => [pictures, hasUnsharedPictures])).toEqual([
      [[], true],
      [[], true],
    ]);
    expect(text).not.toContain(new URL(imageUrl).host);
    const [root] = (await read(open.token)).body.tasks;
    expect(root).toMatchObject({
      hasUnsharedPictures: false,
      pictures: [{ kind: "image", url: imageUrl, contentType: null }],
    });
  });

  test("cannot be the vendor's links without the prompt, because they can contain words of it", async () => {
    const { status, body } = await share(await ended(), { showsPrompt: false, showsVendorLinks: true });
    expect([status, body.field]).toEqual([400, "showsVendorLinks"]);
  });
});

describe("links to pictures in the view", () => {
  const mediaOf = async (token: string) => new URL((await read(token)).body.tasks[0].pictures[0].url);
  const open = (url: URL) => api.app.request(url.pathname + url.search);

  test("end within an hour, whatever is changed about them", async () => {
    const flow = await ended();
    const { token } = (await share(flow)).body;
    const url = await mediaOf(token);
    expect((await open(url)).status).toBe(302);
    const lasting = new URL((await api.call(shop.key, "GET", `/v1/flows/${flow}`)).body.tasks[0].copies[0].url);
    const later = new URL(url);
    later.searchParams.set("e", String(Number(url.searchParams.get("e")) + 60));
    const endless = new URL(url);
    endless.searchParams.delete("e");
    const borrowed = new URL(lasting);
    borrowed.searchParams.set("e", url.searchParams.get("e")!);
    const odd = new URL(url);
    odd.searchParams.set("e", `${url.searchParams.get("e")}:x`);
    for (const forged of [later, endless, borrowed, odd]) expect((await open(forged)).status).toBe(404);
    api.harness.advance(HOUR / 2 - 1);
    expect((await open(url)).status).toBe(302);
    api.harness.advance(HOUR / 2 + 1);
    expect((await open(url)).status).toBe(404);
    expect((await open(lasting)).status).toBe(302);
    expect((await open(await mediaOf(token))).status).toBe(302);
  });

  test("let no cache keep the redirect for longer than the link works", async () => {
    const url = await mediaOf((await share(await ended())).body.token);
    const left = Number(url.searchParams.get("e")) * 1_000 - api.harness.deps.clock.now();
    api.harness.advance(left - 7_000);
    expect((await open(url)).headers.get("cache-control")).toBe("private, max-age=7");
  });

  test("stay the same for half an hour, so an unchanged flow is 304", async () => {
    const { token } = (await share(await ended())).body;
    const first = await read(token);
    api.harness.advance(60_000);
    expect((await read(token, { "if-none-match": first.headers.get("etag")! })).status).toBe(304);
    api.harness.advance(HOUR / 2);
    expect((await read(token, { "if-none-match": first.headers.get("etag")! })).status).toBe(200);
  });
});

describe("reads", () => {
  test("of one link are limited in a minute, before the table is asked, and those of another link are not", async () => {
    const flow = await ended();
    const [one, other] = [(await share(flow)).body, (await share(flow)).body];
    for (let i = 0; i < SHARE.readsPerMinute; i++) expect((await read(one.token)).status).toBe(200);
    const calls = api.harness.storeFault.calls.length;
    const refused = await read(one.token);
    expect([refused.status, refused.body.code, refused.body.retry]).toEqual([429, "too_many_reads", "later"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(api.harness.storeFault.calls).toHaveLength(calls);
    expect(await outcome(other.token)).toBe("shown");
    api.harness.advance(Number(refused.headers.get("retry-after")) * 1_000);
    expect(await outcome(one.token)).toBe("shown");
  });

  test("with a wrong secret do not lock out who has the link", async () => {
    const { token } = (await share(await ended())).body;
    const wrong = token.replace(/.$/, (last: string) => (last === "0" ? "1" : "0"));
    for (let i = 0; i < SHARE.readsPerMinute; i++) await read(wrong);
    expect((await read(wrong)).status).toBe(429);
    expect(await outcome(token)).toBe("shown");
  });

  test("are counted by each process", async () => {
    const { token } = (await share(await ended())).body;
    for (let i = 0; i < SHARE.readsPerMinute; i++) await read(token);
    const other = createApp({ ...api.deps, store: new Proxy(api.deps.store, {}) });
    expect((await api.call(token, "GET", "/v1/shared", undefined, {}, other)).status).toBe(200);
  });
});

test("another app can neither create nor see nor revoke the share links of a flow", async () => {
  const flow = await ended();
  const { id } = (await share(flow)).body;
  const stranger = await api.join("stranger");
  const path = `/v1/flows/${flow}/shares`;
  for (const [method, at, body] of [
    ["POST", path, {}],
    ["GET", path, undefined],
    ["DELETE", `${path}/${id}`, undefined],
  ] as const) {
    const answer = await api.call(stranger.key, method, at, body);
    expect([answer.status, answer.body.code], method).toEqual([404, "not_found"]);
  }
  expect(await list(flow)).toHaveLength(1);
});
