/** Reading: lists with filters, ETags, and `Prefer: wait`. */
import { beforeEach, describe, expect, test } from "vitest";
import { MAX_FLOWS_READ } from "../../packages/store/src/listing.ts";
import { type ApiClient, type ApiResponse, createApiClient, FLOW } from "./api-client.ts";

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  api = createApiClient();
  app = await api.join();
});

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(app.key, method, path, body, headers);
const create = async (more: object = {}) => (await call("POST", "/v1/flows", { ...FLOW, ...more })).body.id as string;
const tagOf = ({ headers }: ApiResponse) => headers.get("etag")!;

describe("GET /v1/flows", () => {
  const list = async (query: string) => {
    const { body } = await call("GET", `/v1/flows?${query}`);
    return body.data?.map((flow: { id: string }) => flow.id) ?? body;
  };

  test("the list filters by status, provider and state, alone and together", async () => {
    const done = await create({ state: "order 7" });
    await api.harness.finishAll();
    api.harness.advance(1_000);
    const running = await create({ state: "order 7" });
    api.harness.advance(1_000);
    const other = await create({ state: "order 7 " });
    expect(await list("status=completed")).toEqual([done]);
    expect(await list("status=running")).toEqual([other, running]);
    expect(await list("status=failed")).toEqual([]);
    expect(await list("state=order%207")).toEqual([running, done]);
    expect(await list("state=order%207%20")).toEqual([other]);
    expect(await list("state=order%207&status=running")).toEqual([running]);
    expect(await list("provider=fake&limit=1")).toEqual([other]);
    expect(await list("provider=another")).toEqual([]);
    for (const bad of ["status=done", "status=", "since=yesterday", "until=1", "page=2"]) {
      expect(await list(bad), bad).toMatchObject({ code: "invalid_request" });
    }
  });

  test("a flow that a press reopened is listed as running until the press has ended, for an app without limits", async () => {
    const id = await create();
    await api.harness.finishAll();
    expect(await list("status=completed")).toEqual([id]);
    const [root] = (await call("GET", `/v1/flows/${id}`)).body.tasks;
    expect((await call("POST", `/v1/tasks/${root.id}/actions`, { press: "U1" })).status).toBe(202);
    expect(await list("status=running")).toEqual([id]);
    expect(await list("status=completed")).toEqual([]);
    await api.harness.finishAll();
    expect(await list("status=running")).toEqual([]);
    expect(await list("status=completed")).toEqual([id]);
    expect((await api.deps.store.loadFlow(id)).flow!.due).toBeUndefined();
  });

  test("the sweeper ends the listing as running if the message of the press and the record of its end are lost", async () => {
    const id = await create();
    await api.harness.finishAll();
    const [root] = (await call("GET", `/v1/flows/${id}`)).body.tasks;
    await call("POST", `/v1/tasks/${root.id}/actions`, { press: "U1" });
    const child = async () => (await api.deps.store.loadFlow(id)).tasks[1]!;
    await api.harness.drain();
    // The end of the press is stored, and the process crashes before it records the end of the flow.
    const { failure: _, ...ended } = { ...(await child()), status: "SUCCESS" as const, due: undefined };
    expect((await api.deps.store.saveTask(ended)).ok).toBe(true);
    expect(await list("status=running")).toEqual([id]);
    api.harness.advance((await api.deps.store.loadFlow(id)).flow!.due! - api.deps.clock.now() + 1);
    await api.harness.sweep();
    expect(await list("status=running")).toEqual([]);
    expect(await list("status=completed")).toEqual([id]);
  });

  test("a press while the flow runs writes nothing to its row", async () => {
    const id = await create({ then: [{ press: "U1" }] });
    await api.harness.drain();
    await api.harness.post(api.harness.vendor.calls[0]!, "SUCCESS");
    await api.harness.drain();
    const before = (await api.deps.store.loadFlow(id)).flow!.rev;
    const [root] = (await call("GET", `/v1/flows/${id}`)).body.tasks;
    expect((await call("POST", `/v1/tasks/${root.id}/actions`, { press: "U2" })).status).toBe(202);
    expect((await api.deps.store.loadFlow(id)).flow!.rev).toBe(before);
  });

  test("the list filters by creation time with both ends included, in any time zone", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.unshift(await create());
      api.harness.advance(60_000);
    }
    const [last, third, second, first] = ids;
    expect(await list("since=2026-11-21T00:01:00Z")).toEqual([last, third, second]);
    expect(await list("until=2026-11-21T00:01:00Z")).toEqual([second, first]);
    expect(await list("since=2026-11-21T01:01:00%2B01:00&until=2026-11-21T00:02:00.000Z")).toEqual([third, second]);
    expect(await list("since=2026-11-22T00:00:00Z")).toEqual([]);
    expect(await list("since=2026-11-21T00:02:00Z&until=2026-11-21T00:01:00Z")).toEqual([]);
  });

  test("the pages of every query contain each flow exactly once", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      // Three flows at the same time.
      if (i % 3 === 0) api.harness.advance(1_000);
      ids.push(await create({ state: i % 2 === 0 ? "even" : "odd" }));
    }
    for (const [query, wanted] of [
      ["", ids],
      ["state=even", ids.filter((_, i) => i % 2 === 0)],
      ["since=2026-11-21T00:00:02Z&until=2026-11-21T00:00:03Z", ids.slice(3, 9)],
    ] as const) {
      for (const limit of [1, 2, 5]) {
        const seen: string[] = [];
        for (let cursor: string | null = ""; cursor !== null; ) {
          const next = cursor === "" ? "" : `&cursor=${cursor}`;
          const { body }: ApiResponse = await call("GET", `/v1/flows?${query}&limit=${limit}${next}`);
          seen.push(...body.data.map((flow: { id: string }) => flow.id));
          expect(body.data.length).toBeLessThanOrEqual(limit);
          cursor = body.nextCursor;
        }
        expect(seen.toSorted(), `${query} ${limit}`).toEqual([...wanted].toSorted());
      }
    }
  });

  test("one call reads a bounded number of flows and returns a cursor for the rest", async () => {
    const wanted = await create({ state: "the first of all" });
    const { flows } = api.harness.dump();
    const [stored, root] = [flows[0]!, api.harness.dump().tasks[0]!];
    for (let i = 0; i < MAX_FLOWS_READ; i++) {
      const id = `flow_01K9ZC7T3R8M2V5X0Q4B6${String(i).padStart(5, "0")}`;
      const createdAt = stored.createdAt + 1_000 + i;
      await api.harness.deps.store.createFlow(
        { ...stored, id, rev: 0, createdAt, state: "x" },
        { ...root, flowId: id, rev: 0 },
      );
    }
    const query = "/v1/flows?state=the%20first%20of%20all";
    const first = await call("GET", query);
    expect(first.body).toMatchObject({ data: [], nextCursor: expect.any(String) });
    const next = await call("GET", `${query}&cursor=${first.body.nextCursor}`);
    expect(next.body).toMatchObject({ data: [{ id: wanted }], nextCursor: null });
  });
});

describe("ETag", () => {
  test("the ETag of a flow or task stays the same while nothing changes, and a matching request gets 304 without body", async () => {
    const id = await create();
    for (const path of [`/v1/flows/${id}`, `/v1/tasks/${id.replace("flow_", "task_")}_0`]) {
      const first = await call("GET", path);
      const tag = tagOf(first);
      expect(tag).toMatch(/^W\/"[\w-]{22}"$/);
      expect(first.headers.get("cache-control")).toBe("private, no-cache");
      for (const known of [tag, tag.replace("W/", ""), `"other", ${tag}`, "*"]) {
        const again = await call("GET", path, undefined, { "if-none-match": known });
        expect([again.status, again.text, tagOf(again)], known).toEqual([304, "", tag]);
      }
      expect((await call("GET", path, undefined, { "if-none-match": '"other"' })).status).toBe(200);
    }
    const before = tagOf(await call("GET", `/v1/flows/${id}`));
    await api.harness.finishAll();
    const after = await call("GET", `/v1/flows/${id}`, undefined, { "if-none-match": before });
    expect([after.status, after.body.status]).toEqual([200, "completed"]);
    expect(tagOf(after)).not.toBe(before);
  });
});

describe("Prefer: wait", () => {
  const prefer = (wait: number | string, more: Record<string, string> = {}) => ({ prefer: `wait=${wait}`, ...more });
  /** What happens at the n-th pause of a waiting request. */
  let during: (pause: number) => Promise<void>;
  let pauses: number[];
  beforeEach(async () => {
    pauses = [];
    during = async () => {};
    api = createApiClient({
      async sleep(ms) {
        pauses.push(ms);
        api.harness.advance(ms);
        await during(pauses.length);
      },
    });
    app = await api.join();
  });

  test("a new flow returns 200 if it ends within the wait time, otherwise 202 after the wait time", async () => {
    during = async (pause) => (pause === 3 ? api.harness.finishAll() : undefined);
    const ended = await call("POST", "/v1/flows", FLOW, prefer(10));
    expect([ended.status, ended.body.status]).toEqual([200, "completed"]);
    expect(ended.headers.get("preference-applied")).toBe("wait=10");
    expect(pauses).toEqual([250, 375, 562.5]);

    const startedAt = api.harness.deps.clock.now();
    const running = await call("POST", "/v1/flows", FLOW, prefer(3));
    expect([running.status, running.body.status]).toEqual([202, "running"]);
    expect(api.harness.deps.clock.now() - startedAt).toBe(3_000);
  });

  test("a request waits at most 25 seconds, with pauses that grow to two seconds", async () => {
    const startedAt = api.harness.deps.clock.now();
    const { headers } = await call("POST", "/v1/flows", FLOW, prefer(600));
    expect(headers.get("preference-applied")).toBe("wait=25");
    expect(api.harness.deps.clock.now() - startedAt).toBe(25_000);
    expect(pauses.length).toBeLessThan(20);
    expect(Math.max(...pauses)).toBe(2_000);
  });

  test("a read with an ETag returns when the flow differs from the client's version", async () => {
    const id = await create();
    const path = `/v1/flows/${id}`;
    const tag = tagOf(await call("GET", path));
    during = async (pause) => (pause === 2 ? api.harness.drain() : undefined);
    const changed = await call("GET", path, undefined, prefer(10, { "if-none-match": tag }));
    expect([changed.status, changed.body.tasks[0].status, pauses.length]).toEqual([200, "SUBMITTED", 2]);

    pauses = [];
    const same = await call("GET", path, undefined, prefer(2, { "if-none-match": tagOf(changed) }));
    expect([same.status, same.text]).toEqual([304, ""]);
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(2_000);
  });

  test("a read without an ETag returns when the task has ended, and at once if it has ended already", async () => {
    const id = await create();
    const task = `/v1/tasks/${id.replace("flow_", "task_")}_0`;
    during = async (pause) => (pause === 4 ? api.harness.finishAll() : undefined);
    const read = await call("GET", task, undefined, prefer(20));
    expect([read.status, read.body.status, pauses.length]).toEqual([200, "SUCCESS", 4]);
    pauses = [];
    const tag = tagOf(read);
    expect((await call("GET", task, undefined, prefer(20, { "if-none-match": tag }))).status).toBe(304);
    expect((await call("GET", `/v1/flows/${id}`, undefined, prefer(20))).status).toBe(200);
    expect(pauses).toEqual([]);
  });

  test("a waiting read returns only after the flow end is recorded, so that a following list contains it", async () => {
    const id = await create();
    const path = `/v1/flows/${id}`;
    const known = { "if-none-match": tagOf(await call("GET", path)) };
    await api.harness.finishAll();
    const { store } = api.deps;
    for (const more of [{}, known]) {
      pauses = [];
      // The last task is saved, but its flow end is not recorded yet.
      const early = api.container({
        async loadFlow(of) {
          const { flow, tasks } = await store.loadFlow(of);
          return { flow: pauses.length < 3 ? { ...flow!, status: "running", endedAt: undefined } : flow, tasks };
        },
      });
      const { body } = await api.call(app.key, "GET", path, undefined, prefer(20, more), early);
      expect(body).toMatchObject({ status: "completed", endedAt: expect.any(String) });
      expect(pauses).toHaveLength(3);
    }
  });

  test("a press with wait returns 200 when the child has ended", async () => {
    const id = await create();
    await api.harness.finishAll();
    during = () => api.harness.finishAll();
    const path = `/v1/tasks/${id.replace("flow_", "task_")}_0/actions`;
    const pressed = await call("POST", path, { press: "U1" }, prefer(5));
    expect([pressed.status, pressed.body.status]).toEqual([200, "SUCCESS"]);
  });

  test.each(["wait", "wait=", "wait=-1", "wait=soon", "respond-async", "wait=1.5", "handling=lenient"])(
    "the preference %s is ignored without an error",
    async (value) => {
      const id = await create();
      const read = await call("GET", `/v1/flows/${id}`, undefined, { prefer: value });
      expect([read.status, read.headers.get("preference-applied")]).toEqual([200, null]);
      expect(pauses).toEqual([]);
    },
  );

  test.each(["respond-async, wait=1", 'wait="1"', "WAIT = 1", "wait=1; foo"])(
    "the preference %s waits one second",
    async (value) => {
      const id = await create();
      const read = await call("GET", `/v1/flows/${id}`, undefined, { prefer: value });
      expect(read.headers.get("preference-applied")).toBe("wait=1");
    },
  );
});

test("providers are listed with capabilities and account health, and without API keys", async () => {
  const providers = await call("GET", "/v1/providers");
  expect(providers.body).toEqual({
    data: [
      {
        id: "fake",
        title: "Fake",
        actions: ["imagine", "blend"],
        modes: ["fast", "relax", "turbo"],
        abilities: {
          notifyHook: "documented",
          listByCondition: true,
          searchByState: false,
          seed: false,
          imageLinks: true,
          swapLinks: true,
          optionalFields: [],
          promptActions: [],
          modals: true,
          modalPresses: null,
          unsupportedPresses: [],
          dataOnly: [],
          linksOnly: [],
          endOnly: false,
          lookupProgress: false,
          separateImages: false,
          idempotencyKey: false,
          masks: "image",
        },
        accounts: [
          {
            name: "default",
            weight: 1,
            maxRunning: null,
            simulated: false,
            waiting: { count: 0, atLeast: false, oldestAt: null },
            callbacks: "unknown",
            heardAt: null,
            hours: [],
            lookupFault: null,
            failures: 0,
            askAt: null,
            circuit: "closed",
            openUntil: null,
            fault: null,
            busyUntil: null,
          },
        ],
      },
    ],
    nextCursor: null,
  });
  expect(providers.text).not.toContain("secret-key");
  expect(providers.text).not.toContain("vendor.test");
  await create();
  await api.harness.finishAll();
  expect((await call("GET", "/v1/providers")).body.data[0].accounts[0]).toMatchObject({
    callbacks: "calling",
    heardAt: expect.any(String),
  });
});

describe("GET /v1/tasks/{id}/raw", () => {
  test("the raw vendor response is returned as stored, and null before the first response", async () => {
    const id = await create();
    const path = `/v1/tasks/${id.replace("flow_", "task_")}_0/raw`;
    const { harness } = api;
    await harness.drain();
    expect((await call("GET", path)).body.body).toBeNull();
    const raw = `{"id":"1","status":"SUCCESS","odd":"<script>\\u2028"}`;
    await harness.post(harness.vendor.calls[0]!, "SUCCESS", { result: { raw } });
    expect((await call("GET", path)).body.body).toBe(raw);
  });
});
