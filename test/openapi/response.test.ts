/**
 * Every route responds as its description says, in success and error cases. Each request here goes through `checked`,
 * which compares the response with its description. At the end, `afterAll` requires that every declared response was
 * seen.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { SHARE } from "@mjflow/core/access-token";
import { pressHold } from "@mjflow/core/credit";
import { ERRORS, MjflowError } from "@mjflow/core/error";
import { Problem } from "@mjflow/core/response";
import { UPLOAD } from "@mjflow/core/upload";
import { MAX_PRESS_ENTRIES } from "@mjflow/engine/credit-counter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import type { RouteName } from "../../functions/http/openapi/route-description.ts";
import { FLOW, OPERATOR } from "../app/api-client.ts";
import { expectSchema, problems, type Seen } from "./checked.ts";
import {
  createOpenApiHarness,
  IMAGE,
  type Json,
  keyFor,
  type OpenApiHarness,
  REQUESTS,
  SEED_REQUESTS,
  unknown,
} from "./harness.ts";
import { isRecording, shownJson } from "./record.ts";
import { DESCRIBED, type Described, declaredBy } from "./routes.ts";

const seen: Seen = new Set();
/** A harness for requests that change nothing. All tests share it. */
let shared: OpenApiHarness;
beforeAll(async () => {
  shared = await createOpenApiHarness(seen);
});

const keyed = DESCRIBED.filter(({ key }) => key !== "none");
/** The reader of a share link does not learn that an app is disabled. */
const withApp = keyed.filter(({ key }) => key !== "share");
const named = (routes: readonly Described[]) => routes.map((route) => [route.name, route] as const);
const declares = (code: string) =>
  named(DESCRIBED.filter((route) => declaredBy(route).some((declared) => declared.endsWith(` ${code}`))));

function requestOf(route: Described, harness: OpenApiHarness) {
  const request = REQUESTS[route.name as RouteName];
  if (!request) throw new Error(`Add a request for ${route.name} to test/openapi/harness.ts.`);
  return request(harness);
}

test.each(named(DESCRIBED))("%s succeeds with a valid request", async (name, route) => {
  const harness = await createOpenApiHarness(seen);
  await SEED_REQUESTS[name as RouteName]?.(harness);
  const { status } = await harness.ask(keyFor(route, harness), route.method, requestOf(route, harness));
  expect(status).toBeLessThan(400);
  // The webhooks of the result are sent and checked, too.
  await harness.harness.finishAll();
});

describe("authentication and authorization", () => {
  test.each(named(keyed))("%s responds 401 without a key and with a wrong key", async (_, route) => {
    const harness = shared;
    for (const key of [undefined, "wrong"]) {
      expect((await harness.ask(key, route.method, requestOf(route, harness))).status).toBe(401);
    }
  });

  test.each(named(withApp))(
    "%s responds 403 with the key of a disabled app, or without the operator key",
    async (_, route) => {
      const harness = shared;
      const key = route.key === "operator" ? harness.key : await harness.disabled(route.key);
      expect((await harness.ask(key, route.method, requestOf(route, harness))).status).toBe(403);
    },
  );
});

/** `POST /v1/flows` names no id. It responds 404 only to a repeated request whose flow was deleted. */
const withIds = declares("not_found").filter(([name]) => name !== "POST /v1/flows");

test.each(withIds)("%s responds 404 for unknown ids", async (_, route) => {
  const harness = shared;
  const request = unknown(requestOf(route, harness));
  const path = route.path === "/v1/usage" ? "/v1/usage?app=app_01AAAAAAAAAAAAAAAAAAAAAAAA" : request.path;
  expect((await harness.ask(keyFor(route, harness), route.method, { ...request, path })).status).toBe(404);
});

describe("requests that cannot be parsed", () => {
  const bodied = named(DESCRIBED.filter(({ body, key }) => body !== undefined && key !== "mj"));

  test.each(bodied)("%s responds with the code of the problem in the body", async (_, route) => {
    const harness = shared;
    const { path } = requestOf(route, harness);
    const send = (body: unknown, headers?: Record<string, string>) =>
      harness.ask(keyFor(route, harness), route.method, { path, body, headers });
    expect((await send("{")).body.code).toBe("invalid_json");
    expect((await send({ nobodyKnowsThis: 1 })).body.code).toBe("invalid_request");
    expect((await send({}, { "content-type": "text/plain" })).status).toBe(415);
    expect((await send("x".repeat(6 * 1024 * 1024 + 1))).status).toBe(413);
  });

  const queried = named(DESCRIBED.filter(({ query, key }) => query !== undefined && key !== "none"));
  test.each(queried)("%s responds 400 for an unknown query parameter", async (_, route) => {
    const harness = shared;
    const { status, body } = await harness.ask(keyFor(route, harness), route.method, {
      path: `${route.path}?nobody=1`,
    });
    expect([status, body.code, body.field]).toEqual([400, "invalid_request", "nobody"]);
  });
});

describe("internal faults", () => {
  const failing = (harness: OpenApiHarness, error: () => Error) => {
    const broken = new Proxy({}, { get: () => async () => Promise.reject(error()) });
    const stores = { store: broken, webhookStore: broken, mjTaskIds: broken, markStore: broken, vendorStore: broken };
    const reject = async () => Promise.reject(error());
    return createApp({
      ...harness.api.deps,
      ...stores,
      objectUrl: reject,
      images: broken,
      objects: broken,
      accountTester: { test: reject },
      checkStorage: reject,
      queueDepths: reject,
    } as unknown as Parameters<typeof createApp>[0]);
  };
  const canFail = named(DESCRIBED.filter((route) => declaredBy(route).some((declared) => /^50[03]/.test(declared))));

  test.each(canFail)("%s responds 503 if the table is overloaded and 500 after a bug", async (_, route) => {
    const harness = shared;
    const request = requestOf(route, harness);
    // The rights of the operator key are known without the table.
    const isOfLink = route.key === "signIn" || route.key === "share" || route.path === "/v1/session";
    const as = isOfLink ? keyFor(route, harness) : route.key === "none" ? undefined : OPERATOR;
    const busy = failing(harness, () => new MjflowError("overloaded"));
    if (route.key !== "none" || route.errors.includes("overloaded"))
      expect((await harness.ask(as, route.method, request, busy)).status).toBe(503);
    const buggy = failing(harness, () => new Error("a bug"));
    expect((await harness.ask(as, route.method, request, buggy)).status).toBe(500);
  });
});

describe("conflicts, limits and wrong values", () => {
  let harness: OpenApiHarness;
  const ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    harness.ask(harness.key, method, { path, body, headers });
  const operate = (method: string, path: string, body?: unknown) => harness.ask(OPERATOR, method, { path, body });
  const codeOf = async (response: Promise<{ body: { code: string } }>) => (await response).body.code;
  /** An HTTP app in which every write of the given store methods loses against another writer. */
  const withWriteConflicts = (...methods: string[]) => {
    const { webhookStore } = harness.api.deps;
    const conflicting = new Proxy(webhookStore, {
      get(target, method: string & keyof typeof webhookStore) {
        // The other write of a replay is a page, so it still runs.
        const current = (item: object) => (method === "saveReplay" ? { ...item, status: "sending" } : item);
        if (methods.includes(method)) return async (item: object) => ({ ok: false, current: current(item) });
        return target[method];
      },
    });
    return createApp({ ...harness.api.deps, webhookStore: conflicting });
  };

  test("a press on a running task and a modal answer for a finished task get wrong_state", async () => {
    harness = await createOpenApiHarness(seen);
    const { id } = (await ask("POST", "/v1/flows", FLOW)).body;
    const root = `${id.replace("flow_", "task_")}_0`;
    expect(await codeOf(ask("POST", `/v1/tasks/${root}/actions`, { press: "U1" }))).toBe("wrong_state");
    expect(await codeOf(ask("POST", `/v1/tasks/${harness.root}/modal`, { prompt: "x" }))).toBe("wrong_state");
    expect(await codeOf(ask("POST", `/v1/tasks/${harness.root}/actions`, { press: "zoom:2" }))).toBe(
      "press_not_offered",
    );
  });

  test("a stream that is elsewhere gets no_stream_here, and one too many gets too_many_streams", async () => {
    harness = await createOpenApiHarness(seen);
    const limiter = { acquire: async () => ({ ok: false, full: "app", max: 10 }) as const };
    for (const [streams, code] of [
      [{ follow: "read", url: "https://streams.test" }, "no_stream_here"],
      [undefined, "no_stream_here"],
      [{ follow: "read", limiter }, "too_many_streams"],
    ] as const) {
      const app = createApp({ ...harness.api.deps, streams });
      const path = `/v1/flows/${harness.flow}/events`;
      expect((await harness.ask(harness.key, "GET", { path }, app)).body.code).toBe(code);
    }
  });

  test("an Idempotency-Key is rejected for a different request and while the first request runs", async () => {
    harness = await createOpenApiHarness(seen);
    const { root, open } = harness;
    const routes = [
      ["/v1/flows", FLOW, { ...FLOW, prompt: "another" }],
      [`/v1/flows/${harness.flow}/rerun`, { prompt: "one" }, { prompt: "other" }],
      [`/v1/tasks/${root}/actions`, { press: "U1" }, { press: "U2" }],
      [`/v1/tasks/${open}/modal`, { prompt: "one" }, { prompt: "other" }],
    ] as const;
    for (const [path, body, other] of routes) {
      const key = { "idempotency-key": `key of ${path}`.replaceAll(" ", "-") };
      const both = await Promise.all([ask("POST", path, body, key), ask("POST", path, body, key)]);
      expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
      expect(both.find(({ status }) => status === 409)!.body.code).toBe("idempotency_in_flight");
      expect((await ask("POST", path, body, key)).headers.get("idempotency-replayed")).toBe("true");
      expect(await codeOf(ask("POST", path, other, key))).toBe("idempotency_mismatch");
    }
    const credits = `/v1/apps/${harness.appId}/credits`;
    await operate("POST", credits, { addUsd: 1, reference: "r" });
    expect(await codeOf(operate("POST", credits, { addUsd: 2, reference: "r" }))).toBe("idempotency_mismatch");
  });

  test("a batch and expanded permutations get 207 with a result for each flow", async () => {
    harness = await createOpenApiHarness(seen);
    const batch = [{ prompt: "one" }, { prompt: "" }];
    expect((await ask("POST", "/v1/flows", { provider: "fake", batch })).body).toMatchObject({ created: 1, failed: 1 });
    const expanded = { ...FLOW, prompt: "a {red, blue} boat", permutations: "expand" };
    expect((await ask("POST", "/v1/flows", expanded)).body).toMatchObject({ created: 2, failed: 0 });
  });

  test("a press that the vendor can never make gets press_unsupported in the plan of a flow and of a press", async () => {
    harness = await createOpenApiHarness(seen);
    const { root } = harness;
    const { capabilities } = harness.harness.vendor.provider;
    Object.assign(capabilities, { unsupportedPresses: ["animate"] });
    const then = [{ press: "animate:high" }];
    expect((await ask("POST", "/v1/flows", { ...FLOW, then })).body).toMatchObject({
      code: "press_unsupported",
      field: "then[0].press",
      press: "animate:high",
    });
    expect(await codeOf(ask("POST", `/v1/tasks/${root}/actions`, { press: "U1", then }))).toBe("press_unsupported");
    expect(await codeOf(ask("POST", `/v1/flows/${harness.flow}/rerun`, { then }))).toBe("press_unsupported");
  });

  test("a banned word in the prompt of a flow, a press or a modal answer gets banned_prompt", async () => {
    harness = await createOpenApiHarness(seen);
    await operate("PUT", "/v1/banned-words", { words: ["blue movie"] });
    const prompt = "a Blue  Movie";
    expect((await ask("POST", "/v1/flows", { ...FLOW, prompt })).body).toMatchObject({ bannedWord: "blue movie" });
    const { root, open } = harness;
    expect(await codeOf(ask("POST", `/v1/flows/${harness.flow}/rerun`, { prompt }))).toBe("banned_prompt");
    expect(await codeOf(ask("POST", `/v1/tasks/${root}/actions`, { press: "V1", prompt }))).toBe("banned_prompt");
    expect(await codeOf(ask("POST", `/v1/tasks/${open}/modal`, { prompt }))).toBe("banned_prompt");
  });

  test("a prompt that cannot be translated gets translation_unavailable, or translation_failed with a pause", async () => {
    harness = await createOpenApiHarness(seen);
    const { deps, container } = harness.api;
    const body = { ...FLOW, translate: true };
    const rerun = `/v1/flows/${harness.flow}/rerun`;
    expect(await codeOf(ask("POST", "/v1/flows", body))).toBe("translation_unavailable");
    expect(await codeOf(ask("POST", rerun, { prompt: "a lake", translate: true }))).toBe("translation_unavailable");
    deps.translator = { translate: async () => [] };
    const broken = container();
    const failed = await harness.ask(harness.key, "POST", { path: "/v1/flows", body }, broken);
    expect([failed.status, failed.body.code, failed.headers.get("retry-after")]).toEqual([
      503,
      "translation_failed",
      "2",
    ]);
    const prompt = { prompt: "a lake", translate: true };
    const modal = `/v1/tasks/${harness.open}/modal`;
    const actions = `/v1/tasks/${harness.root}/actions`;
    for (const [path, body] of [
      [rerun, prompt],
      [modal, prompt],
      [actions, { press: "V1", ...prompt }],
    ] as const) {
      expect((await harness.ask(harness.key, "POST", { path, body }, broken)).body.code).toBe("translation_failed");
      if (path !== rerun) expect(await codeOf(ask("POST", path, body))).toBe("translation_unavailable");
    }
  });

  test("a flow that was deleted is not created again by a repeated request, and a running flow is not deleted", async () => {
    harness = await createOpenApiHarness(seen);
    const key = { "idempotency-key": "deleted" };
    const { id } = (await ask("POST", "/v1/flows", FLOW, key)).body;
    expect(await codeOf(ask("DELETE", `/v1/flows/${id}`))).toBe("wrong_state");
    await harness.harness.finishAll();
    harness.harness.advance(600_000);
    await harness.harness.sweep();
    const { store } = harness.api.deps;
    const losing = createApp({
      ...harness.api.deps,
      store: new Proxy(store, {
        get: (target, name: keyof typeof store) =>
          name === "saveFlow" ? async () => ({ ok: false, current: undefined }) : target[name],
      }),
    });
    const lost = await harness.ask(harness.key, "DELETE", { path: `/v1/flows/${id}` }, losing);
    expect([lost.status, lost.body.code]).toEqual([409, "write_conflict"]);
    expect((await ask("DELETE", `/v1/flows/${id}`)).status).toBe(204);
    expect(await codeOf(ask("POST", "/v1/flows", FLOW, key))).toBe("not_found");
  });

  test("an upload that was never sent, in a flow, a press or a modal answer, gets image_rejected", async () => {
    harness = await createOpenApiHarness(seen);
    const { id } = (await ask("POST", "/v1/uploads", { contentType: "image/png", bytes: 9 })).body;
    expect((await ask("POST", "/v1/flows", { ...FLOW, base64Array: [id] })).body).toMatchObject({ reason: "not_sent" });
    const { root, open } = harness;
    const modal = { maskBase64: id };
    expect(await codeOf(ask("POST", `/v1/tasks/${root}/actions`, { press: "V1", modal }))).toBe("image_rejected");
    expect(await codeOf(ask("POST", `/v1/tasks/${open}/modal`, modal))).toBe("image_rejected");
  });

  test("more uploads in an hour than an app may announce get too_many_uploads", async () => {
    harness = await createOpenApiHarness(seen);
    const body = { contentType: "image/png", bytes: UPLOAD.bytes };
    const fits = Math.floor(UPLOAD.bytesPerHour / UPLOAD.bytes);
    for (let n = 0; n < fits; n++) await ask("POST", "/v1/uploads", body);
    expect(await codeOf(ask("POST", "/v1/uploads", body))).toBe("too_many_uploads");
  });

  test("each exceeded limit of an app gets its own error code", async () => {
    harness = await createOpenApiHarness(seen);
    const limited = async (limits: object) => {
      await operate("PATCH", `/v1/apps/${harness.appId}`, { limits });
      harness.harness.advance(60_000);
    };
    await limited({ flowsPerMinute: 1 });
    expect((await ask("POST", "/v1/flows", FLOW)).headers.get("ratelimit")).toBeTruthy();
    expect(await codeOf(ask("POST", "/v1/flows", FLOW))).toBe("rate_limited");
    const rerun = () => codeOf(ask("POST", `/v1/flows/${harness.flow}/rerun`, {}));
    expect(await rerun()).toBe("rate_limited");
    await limited({ runningFlows: 1 });
    await ask("POST", "/v1/flows", FLOW);
    expect(await codeOf(ask("POST", "/v1/flows", FLOW))).toBe("too_many_flows");
    expect(await rerun()).toBe("too_many_flows");
    await limited({ creditsUsd: 0 });
    expect(await codeOf(ask("POST", "/v1/flows", FLOW))).toBe("out_of_credit");
    expect(await rerun()).toBe("out_of_credit");
    expect(await codeOf(ask("POST", `/v1/tasks/${harness.root}/actions`, { press: "V2" }))).toBe("out_of_credit");
    expect((await ask("GET", "/v1/usage")).body.counted).toBe(true);
  });

  test("with too many unsettled presses a press, a retry and a resume get too_many_presses", async () => {
    harness = await createOpenApiHarness(seen);
    await operate("PATCH", `/v1/apps/${harness.appId}`, { limits: { creditsUsd: 100 } });
    harness.harness.advance(60_000);
    await ask("POST", "/v1/flows", FLOW);
    const { store, clock } = harness.harness.deps;
    for (let i = 0; i < MAX_PRESS_ENTRIES; i++) {
      const press = { flowId: `flow_${i}`, path: "0-1", micro: 1, mark: "m", runs: false };
      await store.changeCredit(harness.appId, pressHold({}, press, clock.now()));
    }
    await ask("POST", "/v1/flows", FLOW);
    expect(await codeOf(ask("POST", `/v1/tasks/${harness.root}/actions`, { press: "V2" }))).toBe("too_many_presses");
    expect(await codeOf(ask("POST", `/v1/flows/${harness.failed}/resume`))).toBe("too_many_presses");
    const failed = `${harness.failed.replace("flow_", "task_")}_0`;
    expect(await codeOf(ask("POST", `/v1/tasks/${failed}/retry`))).toBe("too_many_presses");
  });

  test("cancel of an ended flow, resume without failures and retry of a success get wrong_state", async () => {
    harness = await createOpenApiHarness(seen);
    const { id } = (await ask("POST", "/v1/flows", FLOW)).body;
    await harness.harness.finishAll();
    expect(await codeOf(ask("POST", `/v1/flows/${id}/cancel`))).toBe("wrong_state");
    expect(await codeOf(ask("POST", `/v1/flows/${id}/resume`))).toBe("wrong_state");
    expect(await codeOf(ask("POST", `/v1/tasks/${harness.root}/retry`))).toBe("wrong_state");
    await operate("PATCH", `/v1/apps/${harness.appId}`, { limits: { creditsUsd: 0 } });
    harness.harness.advance(60_000);
    expect(await codeOf(ask("POST", `/v1/flows/${harness.failed}/resume`))).toBe("out_of_credit");
    const task = `${harness.failed.replace("flow_", "task_")}_0`;
    expect(await codeOf(ask("POST", `/v1/tasks/${task}/retry`))).toBe("out_of_credit");
  });

  test("an unknown provider gets 400; an action that the provider may not support gets 202 or 400", async () => {
    harness = await createOpenApiHarness(seen);
    const { body } = await ask("POST", "/v1/flows", { ...FLOW, provider: "nobody" });
    expect(body).toMatchObject({ code: "invalid_request", field: "provider" });
    const lacks = await ask("POST", "/v1/flows", { provider: "fake", action: "shorten", prompt: "x" });
    expect([202, 400]).toContain(lacks.status);
  });

  test("a new template gets 201 and too many get limit_reached; lost writes get write_conflict", async () => {
    harness = await createOpenApiHarness(seen);
    const body = { then: [{ press: "U1" }] };
    expect((await ask("PUT", "/v1/templates/t1", body)).status).toBe(201);
    const { store } = harness.api.deps;
    const losing = new Proxy(store, {
      get(target, method: string & keyof typeof store) {
        if (method === "saveTemplate") return async () => ({ ok: false, current: undefined });
        if (method === "deleteTemplate") return async () => {};
        return target[method];
      },
    });
    const conflicting = createApp({ ...harness.api.deps, store: losing });
    const put = { path: "/v1/templates/t1", body };
    expect(await codeOf(harness.ask(harness.key, "PUT", put, conflicting))).toBe("write_conflict");
    const deletion = { path: "/v1/templates/t1" };
    expect(await codeOf(harness.ask(harness.key, "DELETE", deletion, conflicting))).toBe("write_conflict");
    for (let i = 2; i < 100; i++) await harness.api.call(harness.key, "PUT", `/v1/templates/t${i}`, body);
    expect(await codeOf(ask("PUT", "/v1/templates/one-more", body))).toBe("limit_reached");
    expect((await ask("PUT", "/v1/templates/t1", body)).status).toBe(200);
  });

  test("a known folder gets 200 and too many get limit_reached; another one of the name and lost writes get 409", async () => {
    harness = await createOpenApiHarness(seen);
    const { folder, root } = harness;
    expect((await ask("POST", "/v1/folders", { name: "Posters" })).status).toBe(200);
    const { markStore } = harness.api.deps;
    const losing = new Proxy(markStore, {
      get(target, method: string & keyof typeof markStore) {
        if (method === "saveFolder") return async (row: object) => ({ ok: false, current: row });
        if (method === "deleteFolder") return async () => {};
        return target[method];
      },
    });
    const conflicting = createApp({ ...harness.api.deps, markStore: losing });
    const lost = (method: string, path: string, body?: object) =>
      codeOf(harness.ask(harness.key, method, { path, ...(body && { body }) }, conflicting));
    expect(await lost("POST", "/v1/folders", { name: "Cards" })).toBe("write_conflict");
    expect(await lost("PATCH", `/v1/folders/${folder}`, { name: "Cards" })).toBe("write_conflict");
    expect(await lost("DELETE", `/v1/folders/${folder}`)).toBe("write_conflict");
    const ids: string[] = [];
    for (let i = 1; i < 100; i++)
      ids.push((await harness.api.call(harness.key, "POST", "/v1/folders", { name: `f${i}` })).body.id);
    expect(await codeOf(ask("POST", "/v1/folders", { name: "one more" }))).toBe("limit_reached");
    expect(await codeOf(ask("PATCH", `/v1/folders/${folder}`, { name: "f1" }))).toBe("already_exists");
    for (const id of ids.slice(0, 9)) await ask("PATCH", "/v1/pictures", { pictures: [`${root}.3`], addToFolder: id });
    const full = { pictures: [`${root}.3`], addToFolder: ids[20] };
    expect(await codeOf(ask("PATCH", "/v1/pictures", full))).toBe("limit_reached");
  });

  test("the end of a session gets write_conflict if other requests change the session each time", async () => {
    harness = await createOpenApiHarness(seen);
    const { store: working } = harness.api.deps;
    const store = new Proxy(working, {
      get(target, method: string & keyof typeof working) {
        return method === "deleteAccessToken" ? async () => {} : target[method];
      },
    });
    const busy = createApp({ ...harness.api.deps, store });
    const request = { path: `/v1/sessions/${harness.session}` };
    expect((await harness.ask(harness.key, "DELETE", request, busy)).body.code).toBe("write_conflict");
  });

  test("a share link beyond the limit gets limit_reached, and its end write_conflict if the link changes each time", async () => {
    harness = await createOpenApiHarness(seen);
    const path = `/v1/flows/${harness.flow}/shares`;
    for (let i = 1; i < SHARE.perFlow; i++) expect((await ask("POST", path, {})).status).toBe(201);
    expect(await codeOf(ask("POST", path, {}))).toBe("limit_reached");
    const { store: working } = harness.api.deps;
    const store = new Proxy(working, {
      get: (target, method: string & keyof typeof working) =>
        method === "deleteAccessToken" ? async () => {} : target[method],
    });
    const busy = createApp({ ...harness.api.deps, store });
    const revoke = { path: `${path}/${harness.share}` };
    expect(await codeOf(harness.ask(harness.key, "DELETE", revoke, busy))).toBe("write_conflict");
  });

  test("a shared flow that is unchanged gets 304, one that is read too often 429, and a revoked one 404", async () => {
    harness = await createOpenApiHarness(seen);
    const { links, flow, share } = harness;
    const read = (headers = {}) => harness.ask(links.share, "GET", { path: "/v1/shared", headers });
    const etag = (await read()).headers.get("etag")!;
    expect((await read({ "if-none-match": etag })).status).toBe(304);
    for (let i = 2; i < SHARE.readsPerMinute; i++) await read();
    expect(await codeOf(read())).toBe("too_many_reads");
    harness.harness.advance(60_000);
    await ask("DELETE", `/v1/flows/${flow}/shares/${share}`);
    expect(await codeOf(read())).toBe("share_not_found");
  });

  test("a rerun without its images gets wrong_state, and with an image of a wrong type image_rejected", async () => {
    harness = await createOpenApiHarness(seen);
    const { id } = (await ask("POST", "/v1/flows", { ...FLOW, base64Array: [IMAGE] })).body;
    const blobs = { ...harness.api.deps.blobs, getInputs: async () => undefined };
    const path = `/v1/flows/${id}/rerun`;
    const emptied = createApp({ ...harness.api.deps, blobs });
    expect(await codeOf(harness.ask(harness.key, "POST", { path, body: {} }, emptied))).toBe("wrong_state");
    const heic = `data:image/heic;base64,${Buffer.from("\0\0\0\x18ftypheic\0\0\0\0heicmif1").toString("base64")}`;
    expect(await codeOf(ask("POST", path, { base64Array: [heic] }))).toBe("image_rejected");
  });

  test("too many endpoints get limit_reached, and lost writes get write_conflict", async () => {
    harness = await createOpenApiHarness(seen);
    const url = "https://shop.test/one-more";
    for (let i = 1; i < 20; i++) await harness.api.call(harness.key, "POST", "/v1/endpoints", { url });
    expect(await codeOf(ask("POST", "/v1/endpoints", { url }))).toBe("limit_reached");
    const at = `/v1/endpoints/${harness.endpoint}`;
    const conflicting = withWriteConflicts("saveEndpoint", "deleteEndpoint", "saveDelivery", "saveReplay");
    const askConflicting = (method: string, path: string, body?: unknown) =>
      harness.ask(harness.key, method, { path, ...(body !== undefined && { body }) }, conflicting);
    expect(await codeOf(askConflicting("PATCH", at, { enabled: true }))).toBe("write_conflict");
    expect(await codeOf(askConflicting("POST", `${at}/rotate`, {}))).toBe("write_conflict");
    expect(await codeOf(askConflicting("DELETE", at))).toBe("write_conflict");
    expect(await codeOf(askConflicting("POST", `/v1/deliveries/${harness.delivery}/replay`))).toBe("wrong_state");
    expect(await codeOf(askConflicting("POST", `/v1/replays/${harness.replay}/cancel`))).toBe("write_conflict");
  });

  test("a replay of a disabled endpoint gets wrong_state, and the sixth running replay limit_reached", async () => {
    harness = await createOpenApiHarness(seen);
    const at = `/v1/endpoints/${harness.endpoint}`;
    for (let i = 1; i < 5; i++) await harness.api.call(harness.key, "POST", `${at}/replay`, {});
    expect(await codeOf(ask("POST", `${at}/replay`, {}))).toBe("limit_reached");
    await harness.api.call(harness.key, "PATCH", at, { enabled: false });
    expect(await codeOf(ask("POST", `${at}/replay`, {}))).toBe("wrong_state");
  });

  test("too many keys, a revoked key, a decided dead-letter message and an existing or configured account get their codes", async () => {
    harness = await createOpenApiHarness(seen);
    const keys = `/v1/apps/${harness.appId}/keys`;
    for (let i = 1; i < 50; i++) await harness.api.call(OPERATOR, "POST", keys, {});
    expect(await codeOf(operate("POST", keys, {}))).toBe("limit_reached");
    await operate("DELETE", `${keys}/${harness.keyId}`);
    expect(await codeOf(operate("POST", `${keys}/${harness.keyId}/rotate`, {}))).toBe("wrong_state");

    const { store } = harness.api.deps;
    const losing = new Proxy(store, {
      get: (target, method: keyof typeof store) =>
        method === "saveDeadLetter" ? async () => ({ ok: false }) : target[method],
    });
    const other = createApp({ ...harness.api.deps, store: losing });
    for (const [method, path] of [
      ["DELETE", "/v1/dead-letters/000001_letter"],
      ["POST", "/v1/dead-letters/000001_letter/redrive"],
    ] as const) {
      expect(await codeOf(harness.ask(OPERATOR, method, { path }, other))).toBe("write_conflict");
    }
    await operate("DELETE", "/v1/dead-letters/000001_letter");
    expect(await codeOf(operate("DELETE", "/v1/dead-letters/000001_letter"))).toBe("wrong_state");
    expect(await codeOf(operate("POST", "/v1/dead-letters/000001_letter/redrive"))).toBe("wrong_state");

    const account = "/v1/providers/fake/accounts/default";
    expect(await codeOf(operate("DELETE", account))).toBe("wrong_state");
    const second = { baseUrl: "https://vendor.test", apiKey: "sk-of-a-test" };
    await operate("POST", "/v1/providers/fake/accounts/second", second);
    expect(await codeOf(operate("POST", "/v1/providers/fake/accounts/second", second))).toBe("already_exists");
    // A key that was encrypted for another account cannot be decrypted.
    const { vendorStore } = harness.api.deps;
    const stored = (await vendorStore.storedAccount("fake", "second"))!;
    await vendorStore.saveStoredAccount({ ...stored, name: "moved", rev: 0 });
    expect(await codeOf(operate("POST", "/v1/providers/fake/accounts/moved/test"))).toBe("wrong_state");
    for (let i = 2; i < 200; i++) await operate("POST", `/v1/providers/fake/accounts/a${i}`, second);
    expect(await codeOf(operate("POST", "/v1/providers/fake/accounts/more", second))).toBe("limit_reached");
  });

  test("a press below too many tasks and a task that was retried too often get limit_reached", async () => {
    harness = await createOpenApiHarness(seen);
    const { store } = harness.api.deps;
    const { tasks } = await store.loadFlow(harness.flow);
    const root = tasks.find(({ path }) => path === "0")!;
    const deep = `0${"-m12345678".repeat(15)}`;
    const tired = `0-${"mr".repeat(16)}1`;
    await store.createTask({ ...root, path: deep });
    await store.createTask({ ...root, path: tired, status: "FAILURE" });
    const at = (path: string) => `/v1/tasks/${harness.flow.replace("flow_", "task_")}_${path}`;
    expect(await codeOf(ask("POST", `${at(deep)}/actions`, { press: "U1" }))).toBe("limit_reached");
    expect(await codeOf(ask("POST", `${at(tired)}/retry`))).toBe("limit_reached");
  });

  test("the stream of an ended flow gets 204 if the last id is that of its end", async () => {
    harness = await createOpenApiHarness(seen);
    const { id } = (await ask("POST", "/v1/flows", FLOW)).body;
    await harness.harness.finishAll();
    const path = `/v1/flows/${id}/events`;
    const { text } = await ask("GET", path);
    const end = [...text.matchAll(/^id: (.*)$/gm)].at(-1)![1]!;
    expect((await ask("GET", path, undefined, { "last-event-id": end })).status).toBe(204);
  });

  test("an unknown path gets route_not_found, a wrong method gets 405 with Allow", async () => {
    harness = await createOpenApiHarness(seen);
    expect(await codeOf(ask("GET", "/v1/nothing"))).toBe("route_not_found");
    const { status, headers } = await ask("DELETE", "/v1/flows");
    expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  });
});

describe("Prefer: wait and If-None-Match", () => {
  const prefer = { prefer: "wait=1" };
  let harness: OpenApiHarness;
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = prefer) =>
    harness.ask(harness.key, method, { path, body, headers });
  /** Sends requests to an HTTP app in which every task ends while a request waits. */
  const finishingWhileWaiting = async () => {
    harness = await createOpenApiHarness(seen);
    const { api, harness: engine } = harness;
    const app = createApp({ ...api.deps, sleep: () => engine.finishAll() });
    return (method: string, path: string, body?: unknown, headers: Record<string, string> = prefer) =>
      harness.ask(harness.key, method, { path, body, headers }, app);
  };

  test("a waiting request gets 200 if the task or flow ends in time", async () => {
    const wait = await finishingWhileWaiting();
    const { root, open, failed, waiting } = harness;
    expect((await wait("POST", `/v1/tasks/${open}/modal`, { prompt: "x" })).status).toBe(200);
    expect((await wait("POST", "/v1/flows", FLOW)).status).toBe(200);
    expect((await wait("POST", `/v1/flows/${failed}/rerun`, {})).status).toBe(200);
    expect((await wait("POST", `/v1/tasks/${root}/actions`, { press: "U3" })).status).toBe(200);
    expect((await wait("POST", `/v1/tasks/${failed.replace("flow_", "task_")}_0/retry`)).status).toBe(200);
    expect((await wait("POST", `/v1/flows/${waiting}/cancel`)).status).toBe(409);
  });

  test("a waiting request gets 202 if the waiting time ends first", async () => {
    harness = await createOpenApiHarness(seen);
    const { failed, waiting } = harness;
    await harness.harness.drain();
    expect((await ask("POST", `/v1/flows/${waiting}/cancel`)).status).toBe(202);
    expect((await ask("POST", `/v1/flows/${failed}/resume`)).status).toBe(202);
    const wait = await finishingWhileWaiting();
    expect((await wait("POST", `/v1/flows/${harness.failed}/resume`)).status).toBe(200);
  });

  test("a read with the current ETag gets 304", async () => {
    harness = await createOpenApiHarness(seen);
    for (const path of [`/v1/flows/${harness.flow}`, `/v1/tasks/${harness.root}`]) {
      const { headers } = await ask("GET", path);
      const again = await ask("GET", path, undefined, { ...prefer, "if-none-match": headers.get("etag")! });
      expect(again.status).toBe(304);
    }
  });
});

describe("compat API", () => {
  const bodied = named(DESCRIBED.filter(({ key, body }) => key === "mj" && body !== undefined));
  test.each(bodied)("%s responds 400 to a body that is no JSON and 413 to one that is too large", async (_, route) => {
    const harness = shared;
    const send = (body: unknown) => harness.ask(harness.key, route.method, { path: route.path, body });
    expect([(await send("{")).status, (await send("x".repeat(6 * 1024 * 1024 + 1))).status]).toEqual([400, 413]);
  });

  const reading = named(DESCRIBED.filter((route) => route.key === "mj" && 404 in route.responses));
  test.each(reading)("%s responds 404 with code 3 for an unknown task", async (_, route) => {
    const harness = shared;
    const { status, body } = await harness.ask(harness.key, route.method, unknown(requestOf(route, harness)));
    expect([status, body.code]).toEqual([404, 3]);
  });

  test("the task object matches its schema in every status, and a seed before the end gets 400", async () => {
    const harness = await createOpenApiHarness(seen);
    const read = (id: string) => harness.ask(harness.key, "GET", { path: `/mj/task/${id}/fetch` });
    const { result } = (await harness.ask(harness.key, "POST", { path: "/mj/submit/imagine", body: { prompt: "x" } }))
      .body;
    expect((await read(result)).body.status).toBe("NOT_START");
    expect((await harness.ask(harness.key, "GET", { path: `/mj/task/${result}/image-seed` })).status).toBe(400);
    expect((await harness.ask(harness.key, "GET", { path: `/mj/image/${result}` })).status).toBe(404);
    await harness.harness.drain();
    expect((await read(result)).body.status).toBe("SUBMITTED");
    await harness.harness.post(harness.harness.vendor.calls.at(-1)!, "IN_PROGRESS", { progress: 40 });
    expect((await read(result)).body).toMatchObject({ status: "IN_PROGRESS", progress: "40%" });
    await harness.harness.post(harness.harness.vendor.calls.at(-1)!, "FAILURE", { failReason: "banned" });
    expect((await read(result)).body).toMatchObject({ status: "FAILURE" });
    expect((await read(harness.open)).body.status).toBe("MODAL");
  });
});

test.each(["/openapi.json", "/docs", "/docs/api", "/llms.txt"])("%s gets 304 with the current ETag", async (path) => {
  const harness = await createOpenApiHarness(seen);
  const { headers } = await harness.ask(undefined, "GET", { path });
  const again = { "if-none-match": `W/${headers.get("etag")}, "other"` };
  expect((await harness.ask(undefined, "GET", { path, headers: again })).status).toBe(304);
});

const EXAMPLES = new URL("../../packages/docs/examples/errors.json", import.meta.url);

test.skipIf(isRecording).each(Object.keys(ERRORS))("the documentation shows a response with the code %s", (code) => {
  const examples = existsSync(EXAMPLES) ? (JSON.parse(readFileSync(EXAMPLES, "utf8")) as Json) : {};
  expect(examples[code], "run `npm run docs:examples`").toBeDefined();
  expectSchema(code, Problem, examples[code].body);
});

afterAll(() => {
  if (isRecording) {
    const shown = [...problems]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, { request, body }]) => [code, { request, body: shownJson(body) }]);
    writeFileSync(EXAMPLES, `${JSON.stringify(Object.fromEntries(shown), null, 1)}\n`);
  }
  const declared = DESCRIBED.flatMap((route) => declaredBy(route).map((response) => `${route.name} ${response}`));
  const missing = declared.filter((response) => !seen.has(response));
  expect(missing, "declared responses that no request in this file got").toEqual([]);
});
