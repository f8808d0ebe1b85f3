/** `Idempotency-Key`: the same key returns the same flow or task, even after crashes, and another body is rejected. */
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

describe("a repeated Idempotency-Key", () => {
  test("a repeated key returns the current state of the same flow, and one image is paid", async () => {
    const first = await create();
    expect([first.status, isReplay(first)]).toEqual([202, false]);
    await api.harness.finishAll();
    const again = await create();
    expect([again.status, isReplay(again)]).toEqual([200, true]);
    expect(again.body).toMatchObject({ id: first.body.id, status: "completed" });
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(api.harness.vendor.calls).toHaveLength(1);
  });

  test("a repeated key returns the same flow if the fields have another order or the key is in quotes", async () => {
    const { body } = await create({ provider: "fake", prompt: "a boat", then: [{ press: "V1", prompt: "x" }] });
    const reordered = { then: [{ prompt: "x", press: "V1" }], prompt: "a boat", provider: "fake" };
    expect((await create(reordered, `"${KEY}"`)).body.id).toBe(body.id);
  });

  test("a repeated key with another body or another route returns 422 and creates nothing", async () => {
    const { body } = await create();
    const other = await create({ ...FLOW, prompt: "another boat" });
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_mismatch", retry: "never" } });
    await api.harness.finishAll();
    const task = `${body.id.replace("flow_", "task_")}_0`;
    expect((await post(`/v1/tasks/${task}/actions`, { press: "U1" })).status).toBe(422);
    expect(await flows()).toHaveLength(1);
    expect(api.harness.vendor.calls).toHaveLength(1);
  });

  test("the same key of another app creates another flow", async () => {
    const { body } = await create();
    const other = await api.join("other");
    const theirs = await post("/v1/flows", { ...FLOW, prompt: "another boat" }, KEY, other);
    expect(theirs.status).toBe(202);
    expect(theirs.body.id).not.toBe(body.id);
  });

  test("the same key after 24 hours is a new request", async () => {
    const { body } = await create();
    api.harness.advance(IDEMPOTENCY_TTL_MS - 1);
    expect((await create()).body.id).toBe(body.id);
    api.harness.advance(1);
    const next = await create({ ...FLOW, prompt: "another boat" });
    expect([next.status, isReplay(next)]).toEqual([202, false]);
    expect(next.body.id).not.toBe(body.id);
  });

  test("after a rejected request the key accepts a corrected body", async () => {
    expect((await create({ ...FLOW, provider: "nobody" })).status).toBe(400);
    expect((await create({ ...FLOW, prompt: "" })).status).toBe(400);
    const created = await create();
    expect([created.status, isReplay(created)]).toEqual([202, false]);
  });

  test("a repeated press presses the button once and returns the current child task", async () => {
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

  test("a repeated modal answer is submitted once, and a different answer with another key returns 409", async () => {
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

test("the second of two parallel requests gets 409 and finds the flow when it is repeated", async () => {
  const both = await Promise.all([create(), create()]);
  const [created] = both.filter(({ status }) => status === 202);
  const [early] = both.filter(({ status }) => status === 409);
  expect(early).toMatchObject({ body: { code: "idempotency_in_flight", retry: "later" } });
  expect(Number(early!.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await create()).body.id).toBe(created!.body.id);
  expect(await flows()).toHaveLength(1);
});

test("fifty parallel requests on two containers create one flow and one image", async () => {
  const containers = [api.app, api.container()];
  const send = (i: number) =>
    api.call(app.key, "POST", "/v1/flows", FLOW, { "idempotency-key": KEY }, containers[i % 2]);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => send(i)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
  await api.harness.finishAll();
  expect(await flows()).toHaveLength(1);
  expect(api.harness.vendor.calls).toHaveLength(1);
});

describe("the format of the key", () => {
  const invalid: [string, string][] = [
    ["empty", ""],
    ["of 256 characters", "x".repeat(256)],
    ["with a space", "a b"],
    ["with a tab", "a\tb"],
    ["two in one header", "a, b"],
    ["of other letters", "caf\u00e9"],
    ["quoted and empty", '""'],
  ];
  test.each(invalid)("an invalid key (%s) returns 400 and writes nothing", async (_, key) => {
    const calls = api.harness.storeFault.calls.length;
    expect(await create(FLOW, key)).toMatchObject({ status: 400, body: { field: "Idempotency-Key" } });
    expect(api.harness.storeFault.calls.slice(calls).filter((verb) => /create|save(?!AppKey)/.test(verb))).toEqual([]);
  });

  test.each(["x".repeat(255), "#app_x#key", "../../flow", "%00", '"', "__proto__", "{}", "idem"])(
    "the key %s is accepted",
    async (key) => {
      const { body } = await create(FLOW, key);
      expect((await create(FLOW, key)).body.id).toBe(body.id);
    },
  );
});

/**
 * The first request crashes before or after each write. After the lease is over, the next request with the key gets the
 * one flow, and one image is paid.
 */
describe("recovery of crashed requests", () => {
  const verbs = ["saveIdempotency", "createFlow", "saveIdempotency 2"] as const;
  const points = verbs.flatMap((verb) => (["before", "after"] as const).map((when) => [verb, when] as const));

  test.each(points)(
    "a request that crashes at %s, %s the write, is completed by the next request",
    async (verb, when) => {
      const { harness } = api;
      const [name, second] = verb.split(" ") as ["saveIdempotency" | "createFlow", string?];
      harness.storeFault.arm(name, when, second ? 1 : 0);
      const crashed = await create();
      expect(harness.storeFault.fired()).toBe(1);
      // If the write of the result fails, the response is still 202, because the flow is stored already.
      expect(crashed.status).toBe(second ? 202 : 500);
      harness.advance(IDEMPOTENCY_LEASE_MS);
      const next = await create();
      expect(next.status).toBe(202);
      if (second) expect(next.body.id).toBe(crashed.body.id);
      await harness.finishAll();
      expect(await flows()).toEqual([expect.objectContaining({ id: next.body.id, status: "completed" })]);
      expect(harness.vendor.calls).toHaveLength(1);
      expect((await create()).body.id).toBe(next.body.id);
    },
  );

  test("a failure of the queue before or after the send still returns 202, also when the request is repeated", async () => {
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
    ["an earlier version, whose roots the sweeper deletes", true],
    ["this version", false],
  ])(
    "a request of %s that crashed between root and flow hours ago is completed while the sweeper runs",
    async (_, isEarlier) => {
      const { harness } = api;
      // The state of the table after a crash between the two writes.
      const crashing = api.container({
        async createFlow(_, root) {
          await harness.deps.store.createTask(isEarlier ? { ...root, flowDue: undefined } : root);
          throw new Error("killed");
        },
      });
      const keyed = { "idempotency-key": KEY };
      expect((await api.call(app.key, "POST", "/v1/flows", FLOW, keyed, crashing)).status).toBe(500);
      harness.advance(2 * 3_600_000);
      // The root exists, so it is not written again. If the sweeper deleted it now, the flow would have no root.
      let kept: unknown;
      const sweepingMeanwhile = api.container({
        async createFlow(flow, root) {
          await harness.sweep();
          kept = await harness.deps.store.getTask({ flowId: flow.id, path: root.path });
          return harness.deps.store.createFlow(flow, root);
        },
      });
      const next = await api.call(app.key, "POST", "/v1/flows", FLOW, keyed, sweepingMeanwhile);
      expect(kept).toBeDefined();
      expect(next.status).toBe(202);
      await harness.finishAll();
      expect(await flows()).toEqual([expect.objectContaining({ id: next.body.id, status: "completed" })]);
      expect(harness.vendor.calls).toHaveLength(1);
    },
  );

  test("requests get 409 while the lease of a crashed request is valid", async () => {
    api.harness.storeFault.arm("createFlow", "after");
    // The write of the result fails too, as if the process had crashed.
    api.harness.storeFault.arm("saveIdempotency", "before", 1);
    expect((await create()).status).toBe(500);
    expect((await create()).status).toBe(409);
    api.harness.advance(IDEMPOTENCY_LEASE_MS);
    expect((await create()).status).toBe(202);
    expect(await flows()).toHaveLength(1);
  });

  test("a press that crashed after it was stored is found and not pressed again", async () => {
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

test("a request with a key costs one put and one update more, and its repetition one rejected put", async () => {
  // A process reads keys and the health of an account once in half a minute, not with each request.
  const cached = ["appWithKey", "saveAppKey", "health"];
  const counted = async (run: () => Promise<unknown>) => {
    const before = api.harness.storeFault.calls.length;
    await run();
    return api.harness.storeFault.calls.slice(before).filter((verb) => !cached.includes(verb));
  };
  expect(await counted(() => create())).toEqual(["saveIdempotency", "createFlow", "saveIdempotency"]);
  expect(await counted(() => create())).toEqual(["saveIdempotency", "loadFlow"]);
});
