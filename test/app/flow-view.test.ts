/** What reads of flows say in addition to the tasks: the steps of the plan, URLs, and the details of lists. */
import { describe, expect, test } from "vitest";
import { createApiClient, FLOW, type Json, OPERATOR } from "./api-client.ts";

const PLAN = [
  { press: ["U1", "U2"], then: [{ press: "zoom:2" }] },
  { press: "V3", prompt: "at night" },
];

describe("the plan of a flow", () => {
  test("a new flow lists all its steps as planned, and their tasks get these ids later", async () => {
    const api = createApiClient();
    const { key } = await api.join();
    const { body } = await api.call(key, "POST", "/v1/flows", { ...FLOW, then: PLAN });
    expect(body.plan.map(({ press, status }: Json) => `${press} ${status}`)).toEqual([
      "U1 planned",
      "zoom:2 planned",
      "U2 planned",
      "zoom:2 planned",
      "V3 planned",
    ]);
    expect(body.plan[0]).toMatchObject({ parentId: body.tasks[0].id, prompt: null, hasMask: false });
    expect(body.plan[1].parentId).toBe(body.plan[0].taskId);
    expect(body.plan[4].prompt).toBe("at night");
    await api.harness.finishAll();
    const read = (await api.call(key, "GET", `/v1/flows/${body.id}`)).body;
    const ids = new Set(read.tasks.map(({ id }: Json) => id));
    expect(read.plan.every(({ taskId }: Json) => ids.has(taskId))).toBe(true);
    expect(read.plan.map(({ taskId }: Json) => taskId)).toEqual(body.plan.map(({ taskId }: Json) => taskId));
    expect(new Set(read.plan.map(({ status }: Json) => status))).toEqual(new Set(["done"]));
  });

  test("a canceled flow shows the steps that will not be submitted", async () => {
    const api = createApiClient();
    const { key } = await api.join();
    const { body } = await api.call(key, "POST", "/v1/flows", { ...FLOW, then: PLAN });
    const canceled = await api.call(key, "POST", `/v1/flows/${body.id}/cancel`);
    expect(new Set(canceled.body.plan.map(({ status }: Json) => status))).toEqual(new Set(["skipped"]));
  });
});

describe("urls", () => {
  test("flow, tasks, lists and batches have URLs that lead to what they name", async () => {
    const api = createApiClient({ apiUrl: "https://mjflow.test/api/", consoleUrl: "https://console.test" });
    const { key } = await api.join();
    const { body } = await api.call(key, "POST", "/v1/flows", FLOW);
    const get = `https://mjflow.test/api/v1/flows/${body.id}`;
    const urls = { get, cancel: `${get}/cancel`, console: `https://console.test/#/flows/${body.id}` };
    expect(body.urls).toEqual({ ...urls, events: body.eventsUrl });
    const [task] = body.tasks;
    expect(task.urls).toEqual({
      get: `https://mjflow.test/api/v1/tasks/${task.id}`,
      actions: `https://mjflow.test/api/v1/tasks/${task.id}/actions`,
      flow: get,
      console: `https://console.test/#/flows/${body.id}/${task.id}`,
    });
    const [listed] = (await api.call(key, "GET", "/v1/flows")).body.data;
    expect(listed.urls).toEqual(body.urls);
    const batch = (await api.call(key, "POST", "/v1/flows", { ...FLOW, batch: [{}] })).body;
    expect(batch.data[0].flow.urls.get).toContain(batch.data[0].flow.id);
    expect((await api.call(key, "GET", `/v1/tasks/${task.id}`)).body.urls).toEqual(task.urls);
  });

  test("without a configured URL they lead to the origin of the request, and there is no console", async () => {
    const api = createApiClient({ streams: undefined });
    const { key } = await api.join();
    const { body } = await api.call(key, "POST", "/v1/flows", FLOW);
    expect(body.urls).toMatchObject({ get: `http://localhost/v1/flows/${body.id}`, events: null, console: null });
    const own = createApiClient({ consoleUrl: "/console" });
    const other = await own.join();
    const created = (await own.call(other.key, "POST", "/v1/flows", FLOW)).body;
    expect(created.urls.console).toBe(`http://localhost/console#/flows/${created.id}`);
  });

  test("the URLs in webhooks lead to the configured API", async () => {
    const api = createApiClient();
    const { key } = await api.join();
    await api.call(key, "POST", "/v1/endpoints", { url: "https://shop.test/hook" });
    const { id } = (await api.call(key, "POST", "/v1/flows", FLOW)).body;
    await api.harness.finishAll();
    const bodies = api.harness.receiver.posts.map(({ body }) => body as Json);
    const ended = bodies.find(({ type }) => type === "flow.completed");
    const get = `https://api.test/v1/flows/${id}`;
    expect(ended.data.urls).toEqual({ get, cancel: `${get}/cancel`, events: null, console: null });
    expect(bodies.find(({ type }) => type === "task.completed").data.urls.flow).toBe(get);
  });
});

describe("the details of a list", () => {
  test("each entry has the counts of its tasks, its cost and a picture, only if they are asked for", async () => {
    const api = createApiClient();
    const { key } = await api.join();
    const ended = (await api.call(key, "POST", "/v1/flows", { ...FLOW, then: [{ press: "U1" }] })).body.id;
    await api.harness.finishAll();
    const running = (await api.call(key, "POST", "/v1/flows", { ...FLOW, then: PLAN })).body.id;
    const { data } = (await api.call(key, "GET", "/v1/flows?details=true")).body;
    expect(data.map(({ id }: Json) => id)).toEqual([running, ended]);
    expect(data[0]).toMatchObject({
      taskCounts: { planned: 5, running: 1, done: 0, failed: 0 },
      estimatedUsd: 0.18,
      costUsd: 0,
      previewUrl: null,
    });
    const { imageUrl } = (await api.call(key, "GET", `/v1/tasks/${ended.replace("flow_", "task_")}_0`)).body;
    expect(imageUrl).toBeTruthy();
    expect(data[1]).toMatchObject({
      taskCounts: { planned: 0, running: 0, done: 2, failed: 0 },
      estimatedUsd: 0.05,
      costUsd: 0.05,
      previewUrl: imageUrl,
    });
    for (const path of ["/v1/flows", "/v1/flows?details=false"]) {
      const [entry] = (await api.call(key, "GET", path)).body.data;
      expect(entry).toMatchObject({ taskCounts: null, estimatedUsd: null, costUsd: null, previewUrl: null });
    }
  });

  test("the picture of an archived flow is our copy", async () => {
    const api = createApiClient({ archive: true });
    const { key } = await api.join();
    const { id } = (await api.call(key, "POST", "/v1/flows", FLOW)).body;
    await api.harness.finishAll();
    const [copy] = (await api.call(key, "GET", `/v1/flows/${id}`)).body.tasks[0].copies;
    const [entry] = (await api.call(key, "GET", "/v1/flows?details=true")).body.data;
    expect(entry.previewUrl).toBe(copy.url);
  });

  test("a list with details costs a query for each flow of the page, and a list without details none", async () => {
    const api = createApiClient();
    const { key } = await api.join();
    await api.call(key, "POST", "/v1/flows", { provider: "fake", batch: Array(45).fill({ prompt: "a boat" }) });
    const queries = async (path: string) => {
      const before = api.harness.storeFault.calls.length;
      await api.call(key, "GET", path);
      return api.harness.storeFault.calls.slice(before).filter((verb) => verb === "loadFlow").length;
    };
    expect(await queries("/v1/flows?limit=42&details=true")).toBe(42);
    expect(await queries("/v1/flows?limit=42")).toBe(0);
  });

  test("another app sees nothing of them", async () => {
    const api = createApiClient();
    const { key } = await api.join();
    await api.call(key, "POST", "/v1/flows", FLOW);
    const stranger = await api.join("stranger");
    expect((await api.call(stranger.key, "GET", "/v1/flows?details=true")).body.data).toEqual([]);
    expect((await api.call(OPERATOR, "GET", "/v1/flows?details=true")).body.data).toEqual([]);
  });
});

describe("the status of a flow in the list after a press", () => {
  async function pressed(limits: object | undefined) {
    const api = createApiClient();
    const { id, key } = await api.join();
    if (limits) await api.call(OPERATOR, "PATCH", `/v1/apps/${id}`, { limits });
    api.harness.advance(60_000);
    const flow = (await api.call(key, "POST", "/v1/flows", FLOW)).body;
    await api.harness.finishAll();
    await api.call(key, "POST", `/v1/tasks/${flow.tasks[0].id}/actions`, { press: "U2" });
    const listed = async (status: string) =>
      (await api.call(key, "GET", `/v1/flows?status=${status}`)).body.data.map(
        (each: Json) => `${each.id} ${each.status}`,
      );
    return { api, id: flow.id as string, key, listed };
  }

  test.each([
    ["a credit limit", { creditsUsd: 5 }],
    ["no limits", undefined],
  ])("is running until the pressed task has ended, if the app has %s", async (_, limits) => {
    const { api, id, key, listed } = await pressed(limits);
    expect((await api.call(key, "GET", `/v1/flows/${id}`)).body.status).toBe("running");
    expect([await listed("running"), await listed("completed")]).toEqual([[`${id} running`], []]);
    await api.harness.finishAll();
    expect([await listed("running"), await listed("completed")]).toEqual([[], [`${id} completed`]]);
  });
});
