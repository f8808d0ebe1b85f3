/** `Idempotency-Key`: the same key is the same flow or task, whatever happens to a try, and another body is told so. */
import { IDEMPOTENCY_LEASE_MS, IDEMPOTENCY_TTL_MS } from "@mjflow/core/idempotency";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, type ApiResponse, createApiClient, FLOW } from "./api-client.ts";

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  api = createApiClient();
  app = await api.join();
});

const KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324";
const post = (path: string, body: unknown, key: string = KEY, by = app) =>
  api.call(by.key, "POST", path, body, { "idempotency-key": key });
const create = (body: unknown = FLOW, key?: string) => post("/v1/flows", body, key);
const flows = async () => (await api.call(app.key, "GET", "/v1/flows")).body.data as { id: string }[];
const isReplay = ({ headers }: ApiResponse) => headers.get("idempotency-replayed") === "true";

describe("the same key again", () => {
  test("is the same flow, as it stands now; one picture is paid", async () => {
    const first = await create();
    expect([first.status, isReplay(first)]).toEqual([202, false]);
    await api.harness.finishAll();
    const again = await create();
    expect([again.status, isReplay(again)]).toEqual([200, true]);
    expect(again.body).toMatchObject({ id: first.body.id, status: "completed" });
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(api.harness.vendor.calls).toHaveLength(1);
  });

  test("is the same whatever the order of its fields, quoted or bare", async () => {
    const { body } = await create({ provider: "fake", prompt: "a boat", then: [{ press: "U1", prompt: "x" }] });
    const turned = { then: [{ prompt: "x", press: "U1" }], prompt: "a boat", provider: "fake" };
    expect((await create(turned, `"${KEY}"`)).body.id).toBe(body.id);
  });

  test("with another body, or at another address, is a 422; nothing is made", async () => {
    const { body } = await create();
    const other = await create({ ...FLOW, prompt: "another boat" });
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_mismatch", retry: "never" } });
    await api.harness.finishAll();
    const task = `${body.id.replace("flow_", "task_")}_0`;
    expect((await post(`/v1/tasks/${task}/actions`, { press: "U1" })).status).toBe(422);
    expect(await flows()).toHaveLength(1);
    expect(api.harness.vendor.calls).toHaveLength(1);
  });

  test("of another app is another flow", async () => {
    const { body } = await create();
    const other = await api.join("other");
    const theirs = await post("/v1/flows", { ...FLOW, prompt: "another boat" }, KEY, other);
    expect(theirs.status).toBe(202);
    expect(theirs.body.id).not.toBe(body.id);
  });

  test("a day later is a new request", async () => {
    const { body } = await create();
    api.harness.advance(IDEMPOTENCY_TTL_MS - 1);
    expect((await create()).body.id).toBe(body.id);
    api.harness.advance(1);
    const next = await create({ ...FLOW, prompt: "another boat" });
    expect([next.status, isReplay(next)]).toEqual([202, false]);
    expect(next.body.id).not.toBe(body.id);
  });

  test("after a refusal may come with a corrected body", async () => {
    expect((await create({ ...FLOW, provider: "nobody" })).status).toBe(400);
    expect((await create({ ...FLOW, prompt: "" })).status).toBe(400);
    const made = await create();
    expect([made.status, isReplay(made)]).toEqual([202, false]);
  });

  test("presses a button once, and answers with what came of it", async () => {
    const { body } = await create(FLOW, "flow");
    await api.harness.finishAll();
    const path = `/v1/tasks/${body.id.replace("flow_", "task_")}_0/actions`;
    const first = await post(path, { press: "U1" });
    const again = await post(path, { press: "U1" });
    expect([first.status, again.status, isReplay(again)]).toEqual([202, 202, true]);
    expect(again.body.id).toBe(first.body.id);
    await api.harness.finishAll();
    expect((await post(path, { press: "U1" })).body).toMatchObject({ id: first.body.id, status: "SUCCESS" });
    expect(api.harness.vendor.presses()).toHaveLength(1);
    expect((await post(path, { press: "U1" }, "another")).body.id).not.toBe(first.body.id);
  });

  test("answers a window once, and says so; another answer under another key is a 409", async () => {
    api.harness.vendor.next((c) => ({ kind: "modal", vendorTaskId: c.id }));
    const { body } = await create(FLOW, "flow");
    await api.harness.drain();
    const path = `/v1/tasks/${body.id.replace("flow_", "task_")}_0/modal`;
    expect((await post(path, { prompt: "at night" })).status).toBe(202);
    await api.harness.finishAll();
    const again = await post(path, { prompt: "at night" });
    expect([again.status, isReplay(again), again.body.status]).toEqual([200, true, "SUCCESS"]);
    expect((await post(path, { prompt: "by day" })).status).toBe(422);
    expect((await post(path, { prompt: "by day" }, "another")).status).toBe(409);
    expect(api.harness.vendor.calls.filter((call) => call.kind === "modal")).toHaveLength(1);
  });
});

test("two requests at once: one makes the flow, the other is told to come again, and then finds it", async () => {
  const both = await Promise.all([create(), create()]);
  const [made] = both.filter(({ status }) => status === 202);
  const [early] = both.filter(({ status }) => status === 409);
  expect(early).toMatchObject({ body: { code: "idempotency_in_flight", retry: "later" } });
  expect(Number(early!.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await create()).body.id).toBe(made!.body.id);
  expect(await flows()).toHaveLength(1);
});

test("fifty at once, on two containers: one flow, one picture", async () => {
  const containers = [api.app, api.container()];
  const send = (i: number) =>
    api.call(app.key, "POST", "/v1/flows", FLOW, { "idempotency-key": KEY }, containers[i % 2]);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => send(i)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
  await api.harness.finishAll();
  expect(await flows()).toHaveLength(1);
  expect(api.harness.vendor.calls).toHaveLength(1);
});

describe("a key that is none is a 400, and nothing is written", () => {
  const hostile: [string, string][] = [
    ["empty", ""],
    ["of 256 characters", "x".repeat(256)],
    ["with a space", "a b"],
    ["with a tab", "a\tb"],
    ["two in one header", "a, b"],
    ["of other letters", "caf\u00e9"],
    ["quoted and empty", '""'],
  ];
  test.each(hostile)("%s", async (_, key) => {
    const calls = api.harness.storeFault.calls.length;
    expect(await create(FLOW, key)).toMatchObject({ status: 400, body: { field: "Idempotency-Key" } });
    expect(api.harness.storeFault.calls.slice(calls).filter((verb) => /create|save(?!AppKey)/.test(verb))).toEqual([]);
  });

  test.each(["x".repeat(255), "#app_x#key", "../../flow", "%00", '"', "__proto__", "{}", "idem"])(
    "but this is one, as strange as it looks: %s",
    async (key) => {
      const { body } = await create(FLOW, key);
      expect((await create(FLOW, key)).body.id).toBe(body.id);
    },
  );
});

/**
 * The first try dies before or after each write there is. Whoever comes next with the key, once the lease of the dead is
 * over, gets the one flow there is, and the vendor is paid for one picture.
 */
describe("a try that dies is finished by the next one with the key", () => {
  const verbs = ["saveIdempotency", "createFlow", "saveIdempotency 2"] as const;
  const points = verbs.flatMap((verb) => (["before", "after"] as const).map((when) => [verb, when] as const));

  test.each(points)("at %s, %s it happened", async (verb, when) => {
    const { harness } = api;
    const [name, second] = verb.split(" ") as ["saveIdempotency" | "createFlow", string?];
    harness.storeFault.arm(name, when, second ? 1 : 0);
    const died = await create();
    expect(harness.storeFault.fired()).toBe(1);
    // The end of the row is a hint: the flow is there, and the app is told so.
    expect(died.status).toBe(second ? 202 : 500);
    harness.advance(IDEMPOTENCY_LEASE_MS);
    const next = await create();
    expect(next.status).toBe(202);
    if (second) expect(next.body.id).toBe(died.body.id);
    await harness.finishAll();
    expect(await flows()).toEqual([expect.objectContaining({ id: next.body.id, status: "completed" })]);
    expect(harness.vendor.calls).toHaveLength(1);
    expect((await create()).body.id).toBe(next.body.id);
  });

  test("at the queue, before and after: the answer was 202, and it still is", async () => {
    for (const when of ["before", "after"] as const) {
      api.harness.queueFault.arm("send", when);
      const { body, status } = await create(FLOW, when);
      expect(status).toBe(202);
      expect((await create(FLOW, when)).body.id).toBe(body.id);
    }
    api.harness.advance(20 * 60_000);
    await api.harness.sweep();
    await api.harness.finishAll();
    expect(api.harness.vendor.calls).toHaveLength(2);
  });

  test.each([
    ["by an earlier version, whose roots the sweeper removes", true],
    ["by this one", false],
  ])(
    "between the root and the flow, hours ago, %s: the sweeper and the next try meet, and the flow is whole",
    async (_, isEarlier) => {
      const { harness } = api;
      // As the table has it after a try that died between its two writes.
      const half = api.container({
        async createFlow(_, root) {
          await harness.deps.store.createTask(isEarlier ? { ...root, flowDue: undefined } : root);
          throw new Error("killed");
        },
      });
      const keyed = { "idempotency-key": KEY };
      expect((await api.call(app.key, "POST", "/v1/flows", FLOW, keyed, half)).status).toBe(500);
      harness.advance(2 * 3_600_000);
      // The table has the root already, so it is not written again: were it swept away now, the flow would have none.
      let kept: unknown;
      const meeting = api.container({
        async createFlow(flow, root) {
          await harness.sweep();
          kept = await harness.deps.store.getTask({ flowId: flow.id, path: root.path });
          return harness.deps.store.createFlow(flow, root);
        },
      });
      const next = await api.call(app.key, "POST", "/v1/flows", FLOW, keyed, meeting);
      expect(kept).toBeDefined();
      expect(next.status).toBe(202);
      await harness.finishAll();
      expect(await flows()).toEqual([expect.objectContaining({ id: next.body.id, status: "completed" })]);
      expect(harness.vendor.calls).toHaveLength(1);
    },
  );

  test("while the lease of a try that died holds, the others are told to come again", async () => {
    api.harness.storeFault.arm("createFlow", "after");
    // Its end cannot be written either, as when the process is gone.
    api.harness.storeFault.arm("saveIdempotency", "before", 1);
    expect((await create()).status).toBe(500);
    expect((await create()).status).toBe(409);
    api.harness.advance(IDEMPOTENCY_LEASE_MS);
    expect((await create()).status).toBe(202);
    expect(await flows()).toHaveLength(1);
  });

  test("a press that died after it was stored is found, not pressed again", async () => {
    const { harness } = api;
    const { body } = await create(FLOW, "flow");
    await harness.finishAll();
    const path = `/v1/tasks/${body.id.replace("flow_", "task_")}_0/actions`;
    for (const when of ["before", "after"] as const) {
      harness.storeFault.arm("createTask", when);
      expect((await post(path, { press: "U1" }, when)).status).toBe(500);
      harness.advance(IDEMPOTENCY_LEASE_MS);
      expect((await post(path, { press: "U1" }, when)).status).toBe(202);
      await harness.finishAll();
    }
    expect(harness.vendor.presses()).toHaveLength(2);
  });
});

test("it costs one put and one update, and a replay one refused put", async () => {
  const counted = async (run: () => Promise<unknown>) => {
    const before = api.harness.storeFault.calls.length;
    await run();
    return api.harness.storeFault.calls.slice(before).filter((verb) => verb !== "appWithKey" && verb !== "saveAppKey");
  };
  expect(await counted(() => create())).toEqual(["saveIdempotency", "createFlow", "saveIdempotency"]);
  expect(await counted(() => create())).toEqual(["saveIdempotency", "loadFlow"]);
});
