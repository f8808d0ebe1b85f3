/** Deletion of a flow (D13): only an ended one, with everything that belongs to it, once, and safe against crashes and presses. */

import { MjflowError } from "@mjflow/core/error";
import { taskIdOf } from "@mjflow/core/id";
import { describe, expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

const SECRET = "a prompt that only the app knows";

/** Creates a flow with an upscale, an endpoint that hears it, and archived copies, and ends it. */
async function ended(client: ApiClient, key: string, body: object = {}): Promise<string> {
  const flow = { ...FLOW, prompt: SECRET, state: SECRET, archive: true, then: [{ press: "U1" }], ...body };
  const { id } = (await client.call(key, "POST", "/v1/flows", flow)).body;
  await client.harness.finishAll();
  client.harness.advance(10 * 60_000);
  await client.harness.sweep();
  await client.harness.drain();
  return id;
}

const remove = (client: ApiClient, key: string, id: string) => client.call(key, "DELETE", `/v1/flows/${id}`);

describe("an ended flow", () => {
  test("is deleted with its tasks, deliveries and objects, and nothing of the app's data stays", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    await client.call(key, "POST", "/v1/endpoints", { url: "https://shop.test/hook" });
    client.harness.receiver.next({ kind: "answered", status: 500, body: "", tookMs: 1 });
    const id = await ended(client, key);
    expect((await client.call(key, "GET", "/v1/deliveries")).body.data.length).toBeGreaterThan(0);
    expect((await remove(client, key, id)).status).toBe(204);
    const root = taskIdOf(id, "0");
    for (const path of [`/v1/flows/${id}`, `/v1/tasks/${root}`, `/v1/tasks/${root}/raw`, `/v1/pictures?flow=${id}`]) {
      expect((await client.call(key, "GET", path)).status, path).toBe(404);
    }
    for (const list of ["/v1/flows", "/v1/pictures", `/v1/deliveries?flow=${id}`]) {
      expect((await client.call(key, "GET", list)).body.data, list).toEqual([]);
    }
    expect(client.harness.deletedPrefixes).toEqual([`media/${id}/`, `inputs/${id}`, `inputs/${taskIdOf(id, "")}`]);
    const { tasks, items } = client.harness.dump();
    expect(tasks.filter(({ flowId }) => flowId === id)).toEqual([]);
    expect(JSON.stringify(client.harness.dump())).not.toContain(SECRET);
    expect(items.filter((item) => JSON.stringify(item).includes(`deliveries#${id}`))).toEqual([]);
  });

  test("is deleted once: a second request changes nothing and succeeds", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const id = await ended(client, key);
    await remove(client, key, id);
    const before = JSON.stringify(client.harness.dump());
    expect((await remove(client, key, id)).status).toBe(204);
    expect(JSON.stringify(client.harness.dump())).toBe(before);
  });

  test("takes no press, no retry, no resume and no cancellation any more", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const id = await ended(client, key);
    await remove(client, key, id);
    const calls = client.harness.vendor.calls.length;
    const root = taskIdOf(id, "0");
    const requests: [string, object?][] = [
      [`/v1/tasks/${root}/actions`, { press: "U2" }],
      [`/v1/tasks/${root}/retry`],
      [`/v1/flows/${id}/resume`],
      [`/v1/flows/${id}/cancel`],
    ];
    for (const [path, body] of requests) expect((await client.call(key, "POST", path, body)).status, path).toBe(404);
    await client.harness.finishAll();
    expect(client.harness.vendor.calls).toHaveLength(calls);
  });

  test("stays in the usage of the app, and its credit is settled once", async () => {
    const client = createApiClient();
    const { key, id: app } = await client.join("shop", { creditsUsd: 5 });
    const id = await ended(client, key);
    const usage = async () => (await client.call(OPERATOR, "GET", `/v1/usage?app=${app}`)).body;
    const before = await usage();
    await remove(client, key, id);
    client.harness.advance(24 * 3_600_000);
    await client.harness.sweep();
    expect(await usage()).toEqual(before);
  });

  test("keeps the input images of the flow that replaced it", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const id = await ended(client, key);
    const { flow } = await client.harness.deps.store.loadFlow(id);
    await client.harness.deps.store.saveFlow({ ...flow!, restartedAs: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD" });
    await remove(client, key, id);
    expect(client.harness.deletedPrefixes).toEqual([`media/${id}/`]);
  });

  test("of a repeated request with the same Idempotency-Key is not created again", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const create = () => client.call(key, "POST", "/v1/flows", FLOW, { "idempotency-key": "k1" });
    const { id } = (await create()).body;
    await client.harness.finishAll();
    client.harness.advance(10 * 60_000);
    await client.harness.sweep();
    expect((await remove(client, key, id)).status).toBe(204);
    const calls = client.harness.vendor.calls.length;
    expect((await create()).status).toBe(404);
    await client.harness.finishAll();
    expect(client.harness.vendor.calls).toHaveLength(calls);
  });

  test("is missing in the response of a repeated batch", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const batch = { ...FLOW, batch: [{ prompt: "one" }, { prompt: "two" }] };
    const create = async () =>
      (await client.call(key, "POST", "/v1/flows", batch, { "idempotency-key": "b1" })).body.data;
    const [first] = await create();
    await client.harness.finishAll();
    client.harness.advance(10 * 60_000);
    await client.harness.sweep();
    expect((await remove(client, key, first.flow.id)).status).toBe(204);
    expect(await create()).toMatchObject([{ error: { code: "not_found" } }, { flow: { prompt: "two" } }]);
  });

  test("of the compat API leaves no row of its ids, which have the prompt", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const { body } = await client.call(key, "POST", "/mj/submit/imagine", { prompt: SECRET });
    await client.harness.finishAll();
    client.harness.advance(10 * 60_000);
    await client.harness.sweep();
    const [{ id }] = (await client.call(key, "GET", "/v1/flows")).body.data;
    expect(JSON.stringify(client.harness.dump())).toContain(SECRET);
    expect((await remove(client, key, id)).status).toBe(204);
    expect(JSON.stringify(client.harness.dump())).not.toContain(SECRET);
    expect((await client.call(key, "GET", `/mj/task/${body.result}/fetch`)).body).not.toHaveProperty("prompt", SECRET);
  });
});

describe("what cannot be deleted", () => {
  test("a running flow gets 409, until its submitted tasks have ended after a cancellation", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const { id } = (await client.call(key, "POST", "/v1/flows", FLOW)).body;
    await client.harness.drain();
    expect((await remove(client, key, id)).body).toMatchObject({ code: "wrong_state", retry: "never" });
    await client.call(key, "POST", `/v1/flows/${id}/cancel`);
    expect((await remove(client, key, id)).status).toBe(409);
    await client.harness.finishAll();
    client.harness.advance(10 * 60_000);
    await client.harness.sweep();
    expect((await remove(client, key, id)).status).toBe(204);
  });

  test("a flow whose end is not told yet gets 409 with Retry-After", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const id = await ended(client, key);
    const { flow } = await client.harness.deps.store.loadFlow(id);
    await client.harness.deps.store.saveFlow({ ...flow!, pendingEffects: ["tell"] });
    const { status, body, headers } = await remove(client, key, id);
    expect([status, body.code, body.retry]).toEqual([409, "wrong_state", "later"]);
    expect(headers.get("retry-after")).toBe("60");
  });

  test("the flow of another app and an unknown flow get 404, and nothing changes", async () => {
    const client = createApiClient();
    const [owner, stranger] = [await client.join("owner"), await client.join("stranger")];
    const id = await ended(client, owner.key);
    expect((await remove(client, stranger.key, id)).status).toBe(404);
    expect((await remove(client, stranger.key, "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD")).status).toBe(404);
    expect((await client.call(owner.key, "GET", `/v1/flows/${id}`)).status).toBe(200);
    await remove(client, owner.key, id);
    expect((await remove(client, stranger.key, id)).status).toBe(404);
  });
});

describe("a crash at any step", () => {
  const STEPS = ["objects", "deliveries", "tasks"] as const;

  test.each(STEPS)("before %s leaves a flow that no request sees, and the next request finishes", async (step) => {
    const client = createApiClient();
    const { key } = await client.join();
    const id = await ended(client, key);
    const crash = async () => {
      throw new MjflowError("overloaded");
    };
    const { deps } = client;
    const broken = {
      ...deps,
      ...(step === "objects" && { objects: { deleteAll: crash } }),
      ...(step === "deliveries" && { webhookStore: { ...deps.webhookStore, deleteDeliveries: crash } }),
      ...(step === "tasks" && {
        store: new Proxy(deps.store, { get: (s, k) => (k === "deleteTasks" ? crash : s[k as keyof typeof s]) }),
      }),
    };
    const app = createApp(broken);
    const answer = await client.call(key, "DELETE", `/v1/flows/${id}`, undefined, {}, app);
    expect(answer.status).toBe(503);
    expect((await client.call(key, "GET", `/v1/flows/${id}`)).status).toBe(404);
    expect((await client.call(key, "GET", "/v1/flows")).body.data).toEqual([]);
    expect((await client.call(key, "GET", "/v1/pictures")).body.data).toEqual([]);
    expect((await remove(client, key, id)).status).toBe(204);
    expect(client.harness.dump().tasks.filter(({ flowId }) => flowId === id)).toEqual([]);
  });

  test("a press that read the flow before its deletion is never submitted", async () => {
    const client = createApiClient();
    const { key } = await client.join("shop", { creditsUsd: 5 });
    const id = await ended(client, key);
    const { store } = client.deps;
    const stale = await store.load(id, ["0"]);
    await remove(client, key, id);
    const calls = client.harness.vendor.calls.length;
    // The press of another container has its first read behind it.
    let reads = 0;
    const other = client.container({ load: async (...args) => (reads++ === 0 ? stale : store.load(...args)) });
    const press = { press: "U3" };
    const answer = await client.call(key, "POST", `/v1/tasks/${taskIdOf(id, "0")}/actions`, press, {}, other);
    expect(answer.status).toBe(404);
    await client.harness.finishAll();
    expect(client.harness.vendor.calls).toHaveLength(calls);
  });

  test("nor without a limit of credit, where the press is stored", async () => {
    const client = createApiClient();
    const { key } = await client.join();
    const id = await ended(client, key);
    const { store } = client.deps;
    const stale = await store.load(id, ["0"]);
    await remove(client, key, id);
    const calls = client.harness.vendor.calls.length;
    let reads = 0;
    const other = client.container({ load: async (...args) => (reads++ === 0 ? stale : store.load(...args)) });
    await client.call(key, "POST", `/v1/tasks/${taskIdOf(id, "0")}/actions`, { press: "U3" }, {}, other);
    await client.harness.finishAll();
    expect(client.harness.vendor.calls).toHaveLength(calls);
  });
});
