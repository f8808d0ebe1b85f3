/** Read hints (RH1, RH2): `nextInMs` and `Retry-After` in reads of flows and tasks, and the durations that they are made of. */
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, type ApiResponse, createApiClient, FLOW } from "./api-client.ts";

const S = 1_000;
const MINUTE = 60 * S;

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  api = createApiClient();
  app = await api.join();
});
const call = (...request: [string, string, unknown?, Record<string, string>?]) => api.call(app.key, ...request);
const create = async (more: object = {}) => call("POST", "/v1/flows", { ...FLOW, ...more });
const hints = ({ body, headers }: ApiResponse) => [body.nextInMs, headers.get("retry-after")];
const taskOf = (flowId: string) => `/v1/tasks/${flowId.replace("flow_", "task_")}_0`;
const health = () => api.harness.deps.store.health("fake", "default");
const saves = () => api.harness.storeFault.calls.filter((verb) => verb === "saveHealth").length;

/** A flow whose image takes `s` seconds. */
async function drawn(s: number) {
  const { body } = await create();
  await api.harness.drain();
  api.harness.advance(s * S);
  await api.harness.finishAll();
  return body.id as string;
}

describe("the hint of a response", () => {
  test("a created flow, a read of it and a read of its task have the hint as nextInMs and as Retry-After", async () => {
    const created = await create();
    expect(created.status).toBe(202);
    await api.harness.drain();
    for (const response of [
      created,
      await call("GET", `/v1/flows/${created.body.id}`),
      await call("GET", taskOf(created.body.id)),
    ]) {
      expect(hints(response)).toEqual([15 * S, "15"]);
    }
    api.harness.advance(58_300);
    expect(hints(await call("GET", taskOf(created.body.id)))).toEqual([1_700, "2"]);
  });

  test("an ended flow and an ended task have no hint", async () => {
    const id = await drawn(30);
    for (const path of [`/v1/flows/${id}`, taskOf(id)]) expect(hints(await call("GET", path))).toEqual([null, null]);
  });

  test("the hint changes with time and the ETag does not: a 304 has the hint as Retry-After", async () => {
    const { id } = (await create()).body;
    await api.harness.drain();
    for (const path of [`/v1/flows/${id}`, taskOf(id)]) {
      const tag = (await call("GET", path)).headers.get("etag")!;
      api.harness.advance(25 * S);
      const again = await call("GET", path, undefined, { "if-none-match": tag });
      expect([again.status, again.text, again.headers.get("retry-after")]).toEqual([
        304,
        "",
        expect.stringMatching(/^\d+$/),
      ]);
    }
  });

  test("a press has the hint of the new task, and an ended one has none", async () => {
    const id = await drawn(30);
    const pressed = await call("POST", `${taskOf(id)}/actions`, { press: "U1" });
    expect(hints(pressed)).toEqual([6 * S, "6"]);
    await api.harness.finishAll();
    expect(hints(await call("GET", `/v1/tasks/${pressed.body.id}`))).toEqual([null, null]);
  });

  test("if the health of the account cannot be read, the read succeeds with the default hint", async () => {
    const { id } = (await create()).body;
    await api.harness.drain();
    api.harness.advance(MINUTE);
    api.harness.storeFault.arm("health", "before");
    const read = await call("GET", `/v1/flows/${id}`);
    expect(read.status).toBe(200);
    expect(hints(read)).toEqual([6 * S, "6"]);
  });

  test("the compat API has the hint as Retry-After while the task runs, and its body is unchanged", async () => {
    const { result } = (await call("POST", "/mj/submit/imagine", { prompt: "a paper boat" })).body;
    await api.harness.drain();
    const path = `/mj/task/${result}/fetch`;
    const running = await call("GET", path);
    expect(running.headers.get("retry-after")).toBe("15");
    expect(running.body).not.toHaveProperty("nextInMs");
    await api.harness.finishAll();
    expect((await call("GET", path)).headers.get("retry-after")).toBeNull();
  });
});

describe("the durations of an account", () => {
  test("after six images of 4 s the hint of a new flow is their duration, and no longer the default", async () => {
    for (let i = 0; i < 6; i++) await drawn(4);
    api.harness.advance(5 * MINUTE);
    await drawn(4);
    // The API reads the health again when its cached one is old.
    api.harness.advance(MINUTE);
    const [nextInMs] = hints(await create());
    expect(nextInMs).toBeGreaterThan(4 * S);
    expect(nextInMs).toBeLessThan(6 * S);
  });

  test("however many tasks end, a process writes the durations at most once in five minutes", async () => {
    await drawn(8);
    const before = saves();
    for (let i = 0; i < 60; i++) await drawn(8);
    // 60 images of 8 s took 8 minutes. The other write records that the account still sends callbacks.
    expect(saves() - before).toBe(2);
    expect((await health())?.durations?.counts).toHaveProperty(["fast/IMAGINE"]);
  });

  test("another process that has just stored its durations delays the write of this one, and nothing is lost", async () => {
    await drawn(8);
    api.harness.advance(5 * MINUTE);
    const { store } = api.harness.deps;
    const known = (await health())!;
    const at = api.harness.deps.clock.now();
    await store.saveHealth({ ...known, durations: { at, counts: {} } });
    await drawn(8);
    expect((await health())?.durations?.counts).toEqual({});
    api.harness.advance(5 * MINUTE);
    await drawn(8);
    expect((await health())?.durations?.counts["fast/IMAGINE"]).toContain("3");
  });

  test("a failed write of durations is logged, and the callback is accepted", async () => {
    await drawn(8);
    api.harness.advance(6 * MINUTE);
    const { body } = await create();
    await api.harness.drain();
    api.harness.storeFault.arm("saveHealth", "before", 1);
    await api.harness.finishAll();
    expect((await call("GET", `/v1/flows/${body.id}`)).body.status).toBe("completed");
    expect(api.harness.log.join("\n")).toContain("account.durations-not-saved");
  });
});
