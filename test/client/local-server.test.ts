/** Tests the client with a running local server over HTTP. */
import {
  type App,
  type AppKey,
  type Endpoint,
  isMjflowError,
  Mjflow,
  type MjflowError,
  type PictureQuery,
} from "@mjflow/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";

let server: SpawnedServer;
let mjflow: Mjflow;
beforeAll(async () => {
  server = await spawnServer();
  mjflow = new Mjflow({ baseUrl: server.url, apiKey: API_KEY });
}, 30_000);
afterAll(() => server?.stop());

const caught = (work: Promise<unknown>): Promise<MjflowError> =>
  work.then(
    () => {
      throw new Error("the promise did not reject");
    },
    (error) => error,
  );

describe("flows", () => {
  test("create().wait() returns the ended flow with the tasks of the plan", async () => {
    const plan = { provider: "simulator", prompt: "a boat", state: "order 7", then: [{ press: ["U1", "U2"] }] };
    const flow = await mjflow.flows.create(plan).wait({ timeoutMs: 25_000 });
    expect(flow).toMatchObject({ status: "completed", state: "order 7", counts: { submissions: 3 } });
    expect(flow.tasks.map(({ press, status }) => `${press} ${status}`)).toEqual([
      "null SUCCESS",
      "U1 SUCCESS",
      "U2 SUCCESS",
    ]);
    expect(await mjflow.flows.get(flow.id)).toEqual(flow);
    expect(await mjflow.tasks.get(flow.tasks[1]!.id)).toEqual({ ...flow.tasks[1], nextInMs: null });
  });

  test("createMany() returns a result for each flow, and the same flows for the same key", async () => {
    const inputs = [
      { prompt: "a {red, blue} boat", permutations: "expand" as const },
      { prompt: "" },
      { prompt: "a car" },
    ];
    const options = { shared: { provider: "simulator" }, idempotencyKey: "an-album" };
    const first = await mjflow.flows.createMany(inputs, options);
    expect(first).toMatchObject({ created: 3, failed: 1 });
    expect(first.data.map(({ index, error }) => `${index} ${error?.code ?? "ok"}`)).toEqual([
      "0 ok",
      "0 ok",
      "1 invalid_request",
      "2 ok",
    ]);
    const again = await mjflow.flows.createMany(inputs, options);
    expect(again.data.map(({ flow }) => flow?.id)).toEqual(first.data.map(({ flow }) => flow?.id));
    const ended = await mjflow.flows.wait(first.data[1]!.flow!.id, { timeoutMs: 25_000 });
    expect(ended).toMatchObject({ status: "completed", prompt: "a blue boat" });
    const one = mjflow.flows.create({ prompt: "a {b, c}", permutations: "expand" });
    expect(await caught(one)).toMatchObject({ code: "invalid_argument", field: "permutations" });
  });

  test("a template is stored and used, and rerun() creates the flow again with a change", async () => {
    await mjflow.templates.put("two-steps", { then: [{ press: "U1", then: [{ press: "zoom:2" }] }] });
    expect((await mjflow.templates.list().take(9)).map(({ name }) => name)).toEqual(["two-steps"]);
    const request = { provider: "simulator", prompt: "a boat", template: "two-steps" };
    const flow = await mjflow.flows.create(request).wait({ timeoutMs: 25_000 });
    expect(flow.plan?.map(({ press, status }) => `${press} ${status}`)).toEqual(["U1 done", "zoom:2 done"]);
    expect(flow.urls?.console).toBe(`${server.url}/console#/flows/${flow.id}`);
    await mjflow.templates.delete("two-steps");
    const again = await (await mjflow.flows.rerun(flow.id, { prompt: "a car" })).wait({ timeoutMs: 25_000 });
    expect(again).toMatchObject({ status: "completed", prompt: "a car", rerunOf: flow.id });
    expect(again.tasks).toHaveLength(3);
    const [entry] = await mjflow.flows.list({ details: true }).take(1);
    expect(entry).toMatchObject({ id: again.id, taskCounts: { planned: 0, running: 0, done: 3, failed: 0 } });
  });

  test("pictures.list yields every result over all pages with filters, and a deleted flow has none", async () => {
    const then = [{ press: "U1" }, { press: "U2" }];
    const flow = await mjflow.flows
      .create({ provider: "simulator", prompt: "a boat", then })
      .wait({ timeoutMs: 25_000 });
    const pressesOf = async (query: PictureQuery) => {
      const presses: (string | null)[] = [];
      for await (const { flowId, press, imageUrl } of mjflow.pictures.list(query)) {
        expect([flowId, imageUrl]).toEqual([flow.id, expect.stringMatching(/^http/)]);
        presses.push(press);
      }
      return presses;
    };
    const first = await mjflow.pictures.list({ flow: flow.id, limit: 1 }).page();
    expect([first.data.length, first.nextCursor]).toEqual([1, expect.any(String)]);
    expect((await pressesOf({ flow: flow.id, limit: 1 })).sort()).toEqual(["U1", "U2", null]);
    expect((await pressesOf({ flow: flow.id, limit: 1, action: "upscale" })).sort()).toEqual(["U1", "U2"]);
    expect(await pressesOf({ flow: flow.id, video: true })).toEqual([]);
    expect((await mjflow.pictures.list({ since: flow.createdAt }).take(1))[0]).toMatchObject({ flowId: flow.id });

    await mjflow.flows.delete(flow.id);
    await mjflow.flows.delete(flow.id);
    expect(await caught(mjflow.flows.get(flow.id))).toMatchObject({ code: "not_found", status: 404 });
    for await (const { flowId } of mjflow.pictures.list()) expect(flowId).not.toBe(flow.id);
  });

  test("deleting a running flow rejects with wrong_state", async () => {
    const { id } = await mjflow.flows.create({ provider: "simulator", prompt: "a boat --sim stuck" });
    expect(await caught(mjflow.flows.delete(id))).toMatchObject({ code: "wrong_state", status: 409 });
    await mjflow.flows.cancel(id);
  });

  test("onUpdate receives the flow while it runs", async () => {
    const handle = await mjflow.flows.create({ provider: "simulator", prompt: "a boat", progress: true });
    expect(handle.flow).toMatchObject({ id: handle.id, status: "running" });
    const seen: string[] = [];
    await handle.wait({ timeoutMs: 25_000, onUpdate: ({ tasks }) => void seen.push(tasks[0]!.status) });
    expect(seen.at(-1)).toBe("SUCCESS");
  });

  test("events() yields all events until the flow has ended", async () => {
    const types: string[] = [];
    const handle = await mjflow.flows.create({ provider: "simulator", prompt: "a boat", then: [{ press: "U1" }] });
    for await (const event of handle.events({ signal: AbortSignal.timeout(25_000) })) types.push(event.type);
    expect(types.filter((type) => type === "task.completed")).toHaveLength(2);
    expect(types.at(-1)).toBe("flow.completed");
  });

  test("a press reopens an ended flow, which can be waited for again", async () => {
    const flow = await mjflow.flows.create({ provider: "simulator", prompt: "a boat" }).wait({ timeoutMs: 25_000 });
    const pressed = await mjflow.tasks.press(flow.tasks[0]!.id, { press: "U3", then: [{ press: "zoom:2" }] });
    expect(pressed).toMatchObject({ flowId: flow.id, parentId: flow.tasks[0]!.id, press: "U3" });
    const again = await mjflow.flows.wait(flow.id, { timeoutMs: 25_000 });
    expect(again.tasks.map(({ press }) => press)).toEqual([null, "U3", "zoom:2"]);
    expect(again.status).toBe("completed");
  });

  test("tasks.modal answers the modal of a pressed button", async () => {
    const flow = await mjflow.flows
      .create({ provider: "simulator", prompt: "a boat", then: [{ press: "U1" }] })
      .wait({ timeoutMs: 25_000 });
    const pressed = await mjflow.tasks.press(flow.tasks[1]!.id, "zoom:custom");
    for await (const event of mjflow.flows.events(flow.id, { signal: AbortSignal.timeout(25_000) })) {
      if (event.type === "task.modal" && event.data.id === pressed.id) break;
    }
    await mjflow.tasks.modal(pressed.id, { prompt: "a boat --zoom 1.6" });
    const ended = await mjflow.flows.wait(flow.id, { timeoutMs: 25_000 });
    expect(ended.tasks.at(-1)).toMatchObject({ id: pressed.id, status: "SUCCESS", modals: 1 });
  });

  test("flows.list yields every flow over all pages", async () => {
    const created = new Set<string>();
    for (let i = 0; i < 3; i++)
      created.add((await mjflow.flows.create({ provider: "simulator", prompt: "a boat" })).id);
    const ids: string[] = [];
    for await (const { id } of mjflow.flows.list({ limit: 2 })) ids.push(id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining([...created]));
  });
});

describe("errors", () => {
  test("a wrong key is rejected with unauthorized", async () => {
    const stranger = new Mjflow({ baseUrl: server.url, apiKey: "mjk_wrong" });
    expect(await caught(stranger.flows.get("flow_1"))).toMatchObject({ code: "unauthorized", status: 401 });
  });

  test("an invalid request is rejected with the name of the field", async () => {
    const error = await caught(mjflow.flows.create({ provider: "simulator", then: [{ press: "U1" }] }));
    expect(error).toMatchObject({ code: "invalid_request", status: 400, field: "prompt", retry: "never" });
    expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(error.more.errors).toEqual([{ field: "prompt", message: "is required" }]);
  });

  test("reading or waiting for an unknown flow rejects with not_found", async () => {
    const id = "flow_00000000000000000000000000";
    expect(isMjflowError(await caught(mjflow.flows.get(id)), "not_found")).toBe(true);
    expect(isMjflowError(await caught(mjflow.flows.wait(id)), "not_found")).toBe(true);
  });

  test("pressing a missing button rejects with the offered buttons", async () => {
    const flow = await mjflow.flows.create({ provider: "simulator", prompt: "a boat" }).wait({ timeoutMs: 25_000 });
    const error = await caught(mjflow.tasks.press(flow.tasks[0]!.id, "zoom:2"));
    expect(error).toMatchObject({ code: "press_not_offered", status: 422 });
    expect(error.more.offered).toContain("U1");
  });

  test("waiting for a flow with a failed task does not reject", async () => {
    const flow = await mjflow.flows.create({ provider: "simulator", prompt: "a boat", then: [{ press: "U9" }] }).wait();
    expect(flow.tasks[1]).toMatchObject({ status: "FAILURE", failure: { code: "press_not_offered" } });
  });
});

describe("responses have exactly the members of the types", () => {
  const membersOf = (value: object) => Object.keys(value).sort();
  const of = <T>(members: Record<keyof T, true>) => Object.keys(members).sort();

  test("endpoints and deliveries have the members of their types, and a secret is returned only once", async () => {
    const endpoint = of<Endpoint>({
      id: true,
      url: true,
      events: true,
      scheme: true,
      publicKey: true,
      description: true,
      enabled: true,
      disabledAt: true,
      disabledWhy: true,
      failingSince: true,
      pausedUntil: true,
      parked: true,
      recovery: true,
      earlierSecretsUntil: true,
      createdAt: true,
    });
    const created = await mjflow.endpoints.create({ url: "https://app.example/hook", events: ["flow.completed"] });
    expect(created.secret).toMatch(/^whsec_/);
    const { secret: _, ...shown } = created;
    expect(membersOf(shown)).toEqual(endpoint);
    expect(await mjflow.endpoints.get(created.id)).toEqual(shown);
    const rotated = await mjflow.endpoints.rotate(created.id, { overlapS: 60 });
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(created.secret);
    const patch = { enabled: false, events: null, description: "mine" };
    expect(await mjflow.endpoints.update(created.id, patch)).toMatchObject({ enabled: false, description: "mine" });
    const ids: string[] = [];
    for await (const { id } of mjflow.endpoints.list()) ids.push(id);
    expect(ids).toContain(created.id);
    await mjflow.endpoints.update(created.id, { enabled: true });
    const replay = await mjflow.endpoints.replay(created.id, { since: new Date(0), only: "all" });
    expect(replay).toMatchObject({ endpoint: created.id, only: "all", status: "counting", found: 0, left: 0 });
    expect(await mjflow.replays.get(replay.id)).toMatchObject({ id: replay.id, createdAt: replay.createdAt });
    expect((await mjflow.replays.list().page()).data.map(({ id }) => id)).toContain(replay.id);
    expect(await mjflow.replays.cancel(replay.id)).toMatchObject({
      id: replay.id,
      sent: 0,
      endedAt: expect.any(String),
    });
    await mjflow.endpoints.delete(created.id);
    expect(await caught(mjflow.endpoints.get(created.id))).toMatchObject({ code: "not_found" });
    const keyed = await mjflow.endpoints.create({ url: "https://app.example/hook", scheme: "v1a" });
    expect(keyed.publicKey).toMatch(/^whpk_/);
    expect(keyed).not.toHaveProperty("secret");
    await mjflow.endpoints.delete(keyed.id);
    expect(await mjflow.deliveries.list({ status: "failed", since: new Date() }).page()).toEqual({
      data: [],
      nextCursor: null,
    });
  });

  test("apps and keys have the members of their types, and an app's key reads only the app's flows", async () => {
    const app = await mjflow.apps.create({ name: "a shop", limits: { runningFlows: 5 } });
    expect(membersOf(app)).toEqual(
      of<App>({
        id: true,
        name: true,
        limits: true,
        archive: true,
        translate: true,
        creditCounters: true,
        createdAt: true,
        disabledAt: true,
        deletedAt: true,
      }),
    );
    expect(app.limits).toEqual({ flowsPerMinute: null, runningFlows: 5, creditsUsd: null });
    const { key, ...shown } = await mjflow.apps.keys.create(app.id, { expiresInS: 3_600 });
    const members = of<AppKey>({
      id: true,
      appId: true,
      prefix: true,
      createdAt: true,
      lastUsedOn: true,
      expiresAt: true,
      revokedAt: true,
    });
    expect(membersOf(shown)).toEqual(members);
    const shop = new Mjflow({ baseUrl: server.url, apiKey: key });
    const { id } = await mjflow.flows.create({ provider: "simulator", prompt: "a boat" });
    expect(await caught(shop.flows.get(id))).toMatchObject({ code: "not_found" });
    expect(await caught(shop.apps.get(app.id))).toMatchObject({ code: "forbidden", status: 403 });
    const rotated = await mjflow.apps.keys.rotate(app.id, shown.id, { overlapS: 60 });
    expect(rotated.previous.id).toBe(shown.id);
    await mjflow.apps.keys.revoke(app.id, rotated.id);
    const ids: string[] = [];
    for await (const each of mjflow.apps.keys.list(app.id)) ids.push(each.id);
    expect(ids.sort()).toEqual([shown.id, rotated.id].sort());
    expect(await mjflow.apps.update(app.id, { name: "a shop, closed" })).toMatchObject({ name: "a shop, closed" });
    expect((await mjflow.apps.delete(app.id)).deletedAt).toMatch(/Z$/);
  });
});

test("a healthy local server has no dead-letter messages", async () => {
  expect(await mjflow.deadLetters.list().page()).toEqual({ data: [], nextCursor: null });
});
