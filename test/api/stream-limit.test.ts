/** The limits of open event streams and long polls, and the stream function (ES1, ES2, ES3). */
import { PassThrough } from "node:stream";
import { STREAMS } from "@mjflow/core/limit";
import type { StreamSlots } from "@mjflow/core/port";
import { createProcessSlots, createStreamLimiter } from "@mjflow/engine/stream-limit";
import { streamSlotsKey } from "@mjflow/store/keys";
import { createStreamSlots } from "@mjflow/store/stream-slots";
import { beforeEach, describe, expect, test } from "vitest";
import { streamingHandler } from "../../functions/http/function-url.ts";
import { createStreamApp } from "../../functions/http/stream-app.ts";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "../app/api-client.ts";
import { createMemoryTable } from "../support/memory/table.ts";

const NOW = Date.UTC(2026, 10, 30);

describe.each([
  ["in the table", () => createStreamSlots(createMemoryTable())],
  ["in one process", createProcessSlots],
])("slots %s", (_, create) => {
  let slots: StreamSlots;
  beforeEach(() => {
    slots = create();
  });
  const acquire = (id: string, { group = "app_a", max = 3, now = NOW } = {}) =>
    slots.acquire(group, id, max, now, now - STREAMS.staleMs);

  test("of 20 streams that are opened at once, as many get a slot as there are", async () => {
    const granted = await Promise.all(Array.from({ length: 20 }, (_each, i) => acquire(`s${i}`)));
    expect(granted.filter(Boolean)).toHaveLength(3);
  });

  test("a released slot is free again, and a slot that is released twice is one slot", async () => {
    for (const id of ["a", "b", "c"]) expect(await acquire(id)).toBe(true);
    expect(await acquire("d")).toBe(false);
    await slots.release("app_a", "a");
    await slots.release("app_a", "a");
    await slots.release("app_a", "unknown");
    expect(await acquire("d")).toBe(true);
    expect(await acquire("e")).toBe(false);
  });

  test("each group has its own slots", async () => {
    for (const id of ["a", "b", "c"]) await acquire(id);
    expect(await acquire("d", { group: "app_b" })).toBe(true);
  });

  test("a slot whose process has ended is free after 40 s, and no younger one", async () => {
    await acquire("a");
    for (const id of ["b", "c"]) await acquire(id, { now: NOW + 20_000 });
    expect(await acquire("d", { now: NOW + STREAMS.staleMs })).toBe(false);
    expect(await acquire("d", { now: NOW + STREAMS.staleMs + 1 })).toBe(true);
    expect(await acquire("e", { now: NOW + STREAMS.staleMs + 2 })).toBe(false);
  });

  test("after a crash of every process, racing streams never hold more slots than there are", async () => {
    for (const id of ["a", "b", "c"]) await acquire(id);
    const later = { now: NOW + 3 * STREAMS.staleMs };
    const granted = await Promise.all(Array.from({ length: 20 }, (_each, i) => acquire(`s${i}`, later)));
    const count = granted.filter(Boolean).length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(3);
  });

  test("a limit of 0 refuses every stream", async () => {
    expect(await acquire("a", { max: 0 })).toBe(false);
  });
});

test("a stream costs two writes for its app and two for the deployment, and the row of an app has a TTL", async () => {
  const table = createMemoryTable();
  let writes = 0;
  const counted = new Proxy(table, {
    get(target, verb: keyof typeof table) {
      if (["put", "update", "delete"].includes(verb)) writes++;
      return target[verb];
    },
  });
  const limiter = createStreamLimiter({
    slots: createStreamSlots(counted),
    clock: { now: () => NOW },
    random: { bytes: (n) => crypto.getRandomValues(new Uint8Array(n)), chance: () => 0 },
    perApp: 10,
    perDeployment: 90,
  });
  const grant = await limiter.acquire("app_a");
  expect([grant.ok, writes]).toEqual([true, 2]);
  if (grant.ok) await grant.release();
  expect(writes).toBe(4);
  const row = await table.get(streamSlotsKey("app_a"));
  expect(row?.["expiresAt"]?.N).toBe(String(NOW / 1_000 + 86_400));
});

describe("the limiter", () => {
  let now = NOW;
  const limiterOf = (slots: StreamSlots, perApp: number, perDeployment: number) =>
    createStreamLimiter({
      slots,
      clock: { now: () => now },
      random: { bytes: (n) => crypto.getRandomValues(new Uint8Array(n)), chance: Math.random },
      perApp,
      perDeployment,
    });

  test("apps together hold at most the slots of the deployment, and at least three quarters of them", async () => {
    const limiter = limiterOf(createStreamSlots(createMemoryTable()), 10, 90);
    let granted = 0;
    for (let i = 0; i < 400; i++) if ((await limiter.acquire(`app_${i % 40}`)).ok) granted++;
    expect(granted).toBeLessThanOrEqual(96);
    expect(granted).toBeGreaterThanOrEqual(68);
  });

  test("a stream that the deployment refuses gives the slot of its app back", async () => {
    const slots = createProcessSlots();
    const limiter = limiterOf(slots, 1, 1);
    const first = await limiter.acquire("app_a");
    expect(await limiter.acquire("app_b")).toEqual({ ok: false, full: "deployment", max: 1 });
    if (first.ok) await first.release();
    expect((await limiter.acquire("app_b")).ok).toBe(true);
  });

  test("after a refusal the table is not asked again for a second, however many streams the app opens", async () => {
    let asked = 0;
    const full: StreamSlots = {
      async acquire() {
        asked++;
        return false;
      },
      async release() {},
    };
    const limiter = limiterOf(full, 10, 90);
    for (let i = 0; i < 100; i++) expect((await limiter.acquire("app_a")).ok).toBe(false);
    expect(asked).toBe(1);
    now += 1_001;
    await limiter.acquire("app_a");
    expect(asked).toBe(2);
  });
});

describe("requests of an app that has as many streams open as it may have", () => {
  let api: ApiClient;
  let app: { id: string; key: string };
  let slots: StreamSlots;
  let held: number;
  beforeEach(async () => {
    slots = createProcessSlots();
    held = 0;
    const limiter = createStreamLimiter({
      slots,
      clock: { now: () => api.harness.deps.clock.now() },
      random: { bytes: (n) => crypto.getRandomValues(new Uint8Array(n)), chance: () => 0 },
      perApp: 1,
      perDeployment: 12,
    });
    api = createApiClient({
      streams: { follow: "read", limiter },
      async sleep(ms) {
        held++;
        api.harness.advance(ms);
      },
    });
    app = await api.join();
  });
  const call = (...request: [string, string, unknown?, Record<string, string>?]) => api.call(app.key, ...request);
  const create = async () => (await call("POST", "/v1/flows", FLOW)).body.id as string;
  const occupy = () => slots.acquire(app.id, "another", 1, api.harness.deps.clock.now(), 0);

  test("a stream gets 429 with Retry-After, a detail that names the limit, and is counted", async () => {
    const id = await create();
    await occupy();
    const refused = await call("GET", `/v1/flows/${id}/events`);
    expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([
      429,
      "too_many_streams",
      "20",
    ]);
    expect(refused.body.detail).toBe("This app has 1 open event streams and long polls, which is the limit.");
    expect(api.harness.metrics.get("StreamsRefused")).toBe(1);
    expect(held).toBe(0);
  });

  test("another app can open a stream meanwhile", async () => {
    await occupy();
    const other = await api.join("other");
    const { body } = await api.call(other.key, "POST", "/v1/flows", FLOW);
    await api.harness.finishAll();
    expect((await api.call(other.key, "GET", `/v1/flows/${body.id}/events`)).status).toBe(200);
  });

  test("a request with Prefer: wait is answered at once with the state, wait=0 and the hint", async () => {
    const id = await create();
    await occupy();
    const prefer = { prefer: "wait=20" };
    for (const response of [
      await call("GET", `/v1/flows/${id}`, undefined, prefer),
      await call("GET", `/v1/tasks/${id.replace("flow_", "task_")}_0`, undefined, prefer),
      await call("POST", "/v1/flows", FLOW, prefer),
    ]) {
      expect(response.status).toBeLessThan(300);
      expect(response.headers.get("preference-applied")).toBe("wait=0");
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(response.body.nextInMs).toBeGreaterThan(0);
    }
    expect(held).toBe(0);
  });

  test("a read that needs no waiting needs no slot", async () => {
    const id = await create();
    await api.harness.finishAll();
    await occupy();
    const read = await call("GET", `/v1/flows/${id}`, undefined, { prefer: "wait=20" });
    expect([read.status, read.headers.get("preference-applied")]).toEqual([200, "wait=20"]);
  });

  test("a stream and a held request release their slots, also if the table fails meanwhile", async () => {
    const id = await create();
    for (let i = 0; i < 3; i++) {
      const waited = await call("GET", `/v1/flows/${id}`, undefined, { prefer: "wait=2" });
      expect(waited.headers.get("preference-applied")).toBe("wait=2");
      expect((await call("GET", `/v1/flows/${id}/events`)).status).toBe(200);
    }
    api.harness.storeFault.arm("loadFlow", "before", 1);
    expect((await call("GET", `/v1/flows/${id}`, undefined, { prefer: "wait=2" })).status).toBe(500);
    expect((await call("GET", `/v1/flows/${id}/events`)).status).toBe(200);
  });
});

test("a stream releases its slots before its invocation ends, because Lambda then freezes the process", async () => {
  let released = 0;
  const limiter = {
    acquire: async () => ({
      ok: true as const,
      async release() {
        // A write to the table takes some turns of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        released++;
      },
    }),
  };
  const api = createApiClient({ streams: { follow: "read", limiter } });
  const { id } = (await api.call(OPERATOR, "POST", "/v1/flows", FLOW)).body;
  await api.harness.finishAll();
  const runtime = {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: { from: (stream: PassThrough) => stream },
  };
  const fetch = (request: Request) => api.app.fetch(request);
  const handler = streamingHandler(fetch, runtime as never) as unknown as (...given: unknown[]) => Promise<void>;
  for (const [i, path] of [`/v1/flows/${id}/events`, `/v1/flows/${id}/events?again`].entries()) {
    const [rawPath, rawQueryString = ""] = path.split("?");
    const headers = { host: "api.test", authorization: `Bearer ${OPERATOR}` };
    const http = { method: "GET", path: rawPath };
    const event = { rawPath, rawQueryString, headers, requestContext: { domainName: "api.test", http } };
    const out = new PassThrough();
    out.resume();
    await handler(event, out, {});
    expect(released).toBe(i + 1);
  }
});

describe("the stream function", () => {
  const API = "https://api-function.test";
  const STREAM = "https://stream-function.test";

  /** The API of a deployment and its stream function, which share table and keys. */
  function deployed(apiUrl?: string) {
    const api = createApiClient({ streams: { follow: "read", url: STREAM }, apiUrl });
    const stream = createStreamApp({ ...api.deps, apiUrlFrom: "query", streams: { follow: "read" } });
    const ask = async (app: { request: typeof stream.request }, url: string, headers: Record<string, string> = {}) => {
      const response = await app.request(url, { headers: { authorization: `Bearer ${OPERATOR}`, ...headers } });
      return { status: response.status, headers: response.headers, text: await response.text() };
    };
    const onApi = (path: string, headers?: Record<string, string>) => ask(api.app, `${API}${path}`, headers);
    const onStream = (url: string, headers?: Record<string, string>) => ask(stream, url, headers);
    return { api, onApi, onStream };
  }

  async function archived(deployment: ReturnType<typeof deployed>) {
    const { harness } = deployment.api;
    const { id } = (await deployment.api.call(OPERATOR, "POST", "/v1/flows", { ...FLOW, archive: true })).body;
    await harness.finishAll();
    return JSON.parse((await deployment.onApi(`/v1/flows/${id}`)).text);
  }

  test("the flow names the stream, which sends its events with links that lead to the API", async () => {
    const deployment = deployed();
    const flow = await archived(deployment);
    expect(flow).toMatchObject({
      follow: "read",
      eventsUrl: expect.stringContaining(`${STREAM}/v1/flows/${flow.id}/events?`),
    });
    const { status, text } = await deployment.onStream(flow.eventsUrl);
    expect(status).toBe(200);
    expect(text).toContain("event: flow.completed");
    const [copy] = flow.tasks[0].copies;
    expect(copy.url).toMatch(new RegExp(`^${API}/media/`));
    expect(text).toContain(copy.url);
    const link = new URL(copy.url);
    expect((await deployment.onApi(`${link.pathname}${link.search}`)).status).toBe(302);
  });

  test("with MJFLOW_API_URL the address needs no query", async () => {
    const deployment = deployed("https://api.example.com");
    const flow = await archived(deployment);
    expect(flow.eventsUrl).toBe(`${STREAM}/v1/flows/${flow.id}/events`);
    const stream = createStreamApp({ ...deployment.api.deps, apiUrlFrom: "query", streams: { follow: "read" } });
    const response = await stream.request(flow.eventsUrl, { headers: { authorization: `Bearer ${OPERATOR}` } });
    expect(await response.text()).toContain("https://api.example.com/media/");
  });

  test("the API holds no request and answers a stream with the address of the stream", async () => {
    const { api, onApi } = deployed();
    const { id } = (await api.call(OPERATOR, "POST", "/v1/flows", FLOW)).body;
    const before = api.harness.deps.clock.now();
    const read = await onApi(`/v1/flows/${id}`, { prefer: "wait=20" });
    expect(read.headers.get("preference-applied")).toBe("wait=0");
    expect(api.harness.deps.clock.now()).toBe(before);
    const stream = await onApi(`/v1/flows/${id}/events`);
    expect(stream.status).toBe(404);
    const problem = JSON.parse(stream.text);
    expect(problem).toMatchObject({ code: "no_stream_here", eventsUrl: JSON.parse(read.text).eventsUrl });
  });

  test("a read at the stream function is held until the flow changes, with the same body as at the API", async () => {
    const deployment = deployed();
    const { api, onApi, onStream } = deployment;
    const { id } = (await api.call(OPERATOR, "POST", "/v1/flows", FLOW)).body;
    const flow = JSON.parse((await onApi(`/v1/flows/${id}`)).text);
    const held = await onStream(flow.eventsUrl.replace("/events", ""), { prefer: "wait=10" });
    expect(held.headers.get("preference-applied")).toBe("wait=10");
    await api.harness.finishAll();
    const [there, here] = [await onStream(flow.eventsUrl.replace("/events", "")), await onApi(`/v1/flows/${id}`)];
    expect(JSON.parse(there.text)).toEqual(JSON.parse(here.text));
    const task = flow.eventsUrl.replace(/flows\/.*\/events/, `tasks/${flow.tasks[0].id}`);
    expect(JSON.parse((await onStream(task)).text).status).toBe("SUCCESS");
  });

  test("an address of the API that is not signed by us is refused, so no caller can redirect the links", async () => {
    const deployment = deployed();
    const { eventsUrl } = await archived(deployment);
    const signature = new URL(eventsUrl).searchParams.get("s");
    for (const query of [
      "",
      "?api=https%3A%2F%2Fevil.test",
      `?api=https%3A%2F%2Fevil.test&s=${signature}`,
      `?s=${signature}`,
    ]) {
      const { status, text } = await deployment.onStream(`${eventsUrl.split("?")[0]}${query}`);
      expect([status, JSON.parse(text).field], query).toEqual([400, "api"]);
    }
  });

  test("without a key, for an unknown flow and for an unknown path it answers as the API does", async () => {
    const deployment = deployed();
    const { eventsUrl } = await archived(deployment);
    const other = eventsUrl.replace(/flow_\w+/, "flow_01AAAAAAAAAAAAAAAAAAAAAAAA");
    const answers = [
      await deployment.onStream(eventsUrl, { authorization: "" }),
      await deployment.onStream(other),
      await deployment.onStream(`${STREAM}/v1/apps`),
    ];
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).code])).toEqual([
      [401, "unauthorized"],
      [404, "not_found"],
      [404, "route_not_found"],
    ]);
  });
});
