/** Batches of `POST /v1/flows`: a result for each flow, one Idempotency-Key, the limits of the app, and what it costs. */
import { MjflowError } from "@mjflow/core/error";
import { IDEMPOTENCY_LEASE_MS } from "@mjflow/core/idempotency";
import { BATCH_TIME_MS } from "@mjflow/core/limit";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json } from "./api-client.ts";

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  api = createApiClient();
  app = await api.join();
});

const KEY = { "idempotency-key": "a-key-of-a-batch" };
const send = (body: unknown, headers: Record<string, string> = {}, on?: ApiClient["app"]) =>
  api.call(app.key, "POST", "/v1/flows", body, headers, on);
const prompts = (count: number) => Array.from({ length: count }, (_, i) => ({ prompt: `boat ${i}` }));
const idsOf = ({ body }: { body: Json }): (string | undefined)[] => body.data.map(({ flow }: Json) => flow?.id);
const listed = async () => (await api.call(app.key, "GET", "/v1/flows?limit=100")).body.data as Json[];

describe("a batch", () => {
  test("100 prompts in one request become 100 flows, in the order of the request", async () => {
    const { status, body } = await send({ provider: "fake", state: "album", batch: prompts(100) });
    expect(status).toBe(207);
    expect(body).toMatchObject({ created: 100, failed: 0, estimatedUsd: 4 });
    expect(body.data.map(({ index, status }: Json) => [index, status])).toEqual(prompts(100).map((_, i) => [i, 202]));
    expect(body.data.map(({ flow }: Json) => flow.prompt)).toEqual(prompts(100).map(({ prompt }) => prompt));
    expect(new Set(idsOf({ body })).size).toBe(100);
    await api.harness.finishAll();
    const flows = await listed();
    // Lists show the newest first.
    expect(flows.map(({ id }) => id)).toEqual(idsOf({ body }).reverse());
    expect(flows.every(({ status, state }) => status === "completed" && state === "album")).toBe(true);
    expect(api.harness.vendor.calls).toHaveLength(100);
  });

  test("an item has its own fields, and the shared ones that it does not set", async () => {
    const shared = { provider: "fake", mode: "relax", then: [{ press: "U1" }] };
    const { body } = await send({ ...shared, batch: [{ prompt: "a" }, { prompt: "b", mode: "turbo", then: [] }] });
    expect(body.data.map(({ estimatedUsd }: Json) => estimatedUsd)).toEqual([0.025, 0.108]);
    expect(body.estimatedUsd).toBeCloseTo(0.133, 9);
  });

  test("an item that cannot be created has its own error, and the others are created", async () => {
    await api.call("mjk_operator_of_the_stage", "PUT", "/v1/banned-words", { words: ["blue movie"] });
    const { status, body } = await send({
      provider: "fake",
      batch: [
        { prompt: "one" },
        { prompt: "" },
        { prompt: "three", nobodyKnows: 1 },
        { prompt: "a blue movie" },
        { prompt: "five", provider: "nobody" },
        { prompt: "six", notifyHook: "http://127.0.0.1/hook" },
        { prompt: "seven", batch: [{ prompt: "eight" }] },
        { prompt: "nine", then: [{ press: "U1" }, { press: "upscale:1" }] },
        { prompt: "ten" },
      ],
    });
    expect(status).toBe(207);
    expect(body).toMatchObject({ created: 2, failed: 7, estimatedUsd: 0.08 });
    const told = body.data.map(({ status, error }: Json) => (error ? [status, error.code, error.field] : status));
    expect(told).toEqual([
      202,
      [400, "invalid_request", "prompt"],
      [400, "invalid_request", "nobodyKnows"],
      [422, "banned_prompt", "prompt"],
      [400, "invalid_request", "provider"],
      [400, "invalid_request", "notifyHook"],
      [400, "invalid_request", "batch"],
      [400, "invalid_request", "then[1].press"],
      202,
    ]);
    await api.harness.finishAll();
    expect((await listed()).map(({ prompt }) => prompt)).toEqual(["ten", "one"]);
  });

  test.each([
    ["no item", { ...FLOW, batch: [] }, "batch"],
    ["101 items", { provider: "fake", batch: prompts(101) }, "batch"],
    ["an item that is no object", { ...FLOW, batch: ["a boat"] }, "batch[0]"],
    ["a wrong shared field", { provider: 1, batch: prompts(1) }, "provider"],
  ])("a batch with %s gets 400", async (_, body, field) => {
    expect((await send(body)).body).toMatchObject({ status: 400, code: "invalid_request", field });
    expect(await listed()).toEqual([]);
  });

  test("a batch whose flows have too many bytes with the shared fields gets 413, and nothing is written", async () => {
    const calls = api.harness.storeFault.calls.length;
    const state = "x".repeat(16_384);
    const prompt = "y".repeat(16_384);
    const batch = Array.from({ length: 100 }, () => ({
      state,
      then: [
        { press: "V1", prompt },
        { press: "V2", prompt },
      ],
    }));
    const { status, body } = await send({ ...FLOW, prompt, batch });
    expect([status, body.code]).toEqual([413, "too_large"]);
    expect(api.harness.storeFault.calls.slice(calls)).not.toContain("createFlow");
  });
});

describe("a repeated batch", () => {
  const batch = { provider: "fake", batch: [{ prompt: "one" }, { prompt: "two" }, { prompt: "three" }] };

  test("the same key returns the same flows, and each image is paid once", async () => {
    const first = await send(batch, KEY);
    await api.harness.finishAll();
    const again = await send(batch, KEY);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([207, "true"]);
    expect(idsOf(again)).toEqual(idsOf(first));
    expect(again.body.data[0].flow.status).toBe("completed");
    expect(again.body.estimatedUsd).toBe(first.body.estimatedUsd);
    expect(api.harness.vendor.calls).toHaveLength(3);
    expect((await send({ ...batch, mode: "relax" }, KEY)).body.code).toBe("idempotency_mismatch");
  });

  test("a flow that was missing is created by the repetition, under the same key", async () => {
    api.harness.storeFault.arm("createFlow", "before", 1);
    const first = await send(batch, KEY);
    expect(first.body).toMatchObject({ created: 2, failed: 1 });
    const again = await send(batch, KEY);
    expect(again.body).toMatchObject({ created: 3, failed: 0 });
    for (const [i, id] of idsOf(first).entries()) if (id !== undefined) expect(idsOf(again)[i]).toBe(id);
    expect(idsOf(await send(batch, KEY))).toEqual(idsOf(again));
    await api.harness.finishAll();
    expect(await listed()).toHaveLength(3);
    expect(api.harness.vendor.calls).toHaveLength(3);
  });

  test.each(["before", "after"] as const)(
    "a request that crashes %s the write of any flow is completed by the next one, and nothing is paid twice",
    async (when) => {
      for (let point = 0; point < 3; point++) {
        const key = { "idempotency-key": `${when}-${point}` };
        api.harness.storeFault.arm("createFlow", when, point);
        // The write of the result fails too, as if the process had crashed.
        api.harness.storeFault.arm("saveIdempotency", "before", 1);
        await send(batch, key);
        expect((await send(batch, key)).body.code).toBe("idempotency_in_flight");
        api.harness.advance(IDEMPOTENCY_LEASE_MS);
        const next = await send(batch, key);
        expect(next.body).toMatchObject({ created: 3, failed: 0 });
        expect(idsOf(await send(batch, key))).toEqual(idsOf(next));
      }
      await api.harness.finishAll();
      expect(await listed()).toHaveLength(9);
      expect(api.harness.vendor.calls).toHaveLength(9);
    },
  );

  test("twenty parallel requests with one key on two containers create each flow once", async () => {
    const containers = [api.app, api.container()];
    const responses = await Promise.all(Array.from({ length: 20 }, (_, i) => send(batch, KEY, containers[i % 2])));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([207, 409]));
    await api.harness.finishAll();
    expect(await listed()).toHaveLength(3);
    expect(api.harness.vendor.calls).toHaveLength(3);
  });

  test("after a batch without any flow the key accepts a corrected body", async () => {
    expect((await send({ ...batch, provider: "nobody" }, KEY)).body).toMatchObject({ created: 0, failed: 3 });
    expect((await send(batch, KEY)).body).toMatchObject({ created: 3, failed: 0 });
  });
});

describe("the limits of the app", () => {
  test("flows above the rate limit get 429 with Retry-After, and the repetition creates them", async () => {
    app = await api.join("limited", { flowsPerMinute: 5 });
    const batch = { provider: "fake", batch: prompts(12) };
    const first = await send(batch, KEY);
    expect(first.body).toMatchObject({ created: 5, failed: 7 });
    expect(first.headers.get("retry-after")).toBeTruthy();
    expect(first.headers.get("ratelimit")).toContain('"flows"');
    expect(first.body.data[11].error).toMatchObject({ code: "rate_limited", status: 429, retry: "later" });
    for (let minute = 0; minute < 2; minute++) {
      api.harness.advance(61_000);
      await send(batch, KEY);
    }
    expect((await send(batch, KEY)).body).toMatchObject({ created: 12, failed: 0 });
    await api.harness.finishAll();
    expect(await listed()).toHaveLength(12);
    expect(api.harness.vendor.calls).toHaveLength(12);
  });

  test("once the rate limit is reached, the flows that are left cost no write", async () => {
    app = await api.join("limited", { flowsPerMinute: 1 });
    await send({ provider: "fake", batch: prompts(1) });
    const before = api.harness.storeFault.calls.length;
    await send({ provider: "fake", batch: prompts(100) });
    const writes = api.harness.storeFault.calls.slice(before).filter((verb) => verb === "changeCredit");
    // Ten flows are created at one time, and each may have asked before the first one was refused.
    expect(writes.length).toBeLessThanOrEqual(10);
  });

  test("credit covers the flows one by one, and each held amount is settled", async () => {
    app = await api.join("poor", { creditsUsd: 0.1 });
    const { body } = await send({ provider: "fake", batch: prompts(4) });
    expect(body).toMatchObject({ created: 2, failed: 2, estimatedUsd: 0.08 });
    const codes = body.data.flatMap(({ error }: Json) => error?.code ?? []);
    expect(codes).toEqual(["out_of_credit", "out_of_credit"]);
    await api.harness.finishAll();
    expect((await api.call(app.key, "GET", "/v1/usage")).body).toMatchObject({ settledUsd: 0.08, reservedUsd: 0 });
  });
});

describe("faults", () => {
  test("a bug in one flow is an internal error of this flow alone", async () => {
    api.harness.storeFault.arm("createFlow", "before", 0);
    const { body } = await send({ provider: "fake", batch: prompts(3) });
    expect(body).toMatchObject({ created: 2, failed: 1 });
    expect(body.data.find(({ error }: Json) => error).error).toMatchObject({ code: "internal", status: 500 });
  });

  test("after its time a batch starts no more flows, and the repetition creates them", async () => {
    const slow = api.container({
      async createFlow(flow, root) {
        api.harness.advance(BATCH_TIME_MS / 5);
        return api.harness.deps.store.createFlow(flow, root);
      },
    });
    const batch = { provider: "fake", batch: prompts(40) };
    const first = await send(batch, KEY, slow);
    expect(first.body.created).toBeLessThan(40);
    expect(first.body.data.at(-1).error).toMatchObject({ code: "overloaded", retry: "later" });
    expect((await send(batch, KEY)).body).toMatchObject({ created: 40, failed: 0 });
  });

  test("a queue that fails delays the flows until the sweeper, and the response still lists them", async () => {
    api.harness.queueFault.arm("send", "before");
    expect((await send({ provider: "fake", batch: prompts(3) })).body).toMatchObject({ created: 3 });
    api.harness.advance(20 * 60_000);
    await api.harness.sweep();
    await api.harness.finishAll();
    expect(api.harness.vendor.calls).toHaveLength(3);
  });

  test("an overloaded table before the first write rejects the whole request", async () => {
    const busy = api.container({ saveIdempotency: async () => Promise.reject(new MjflowError("overloaded")) });
    expect((await send({ provider: "fake", batch: prompts(3) }, KEY, busy)).status).toBe(503);
  });
});

describe("permutations", () => {
  const vendorPrompts = () => api.harness.vendor.calls.flatMap(({ kind, prompt }) => (kind === "submit" ? prompt : []));

  test("with expand, each prompt becomes a flow, and the response has the price of all", async () => {
    const prompt = "a {red, blue} boat --ar {3:2, 1:1}";
    const { status, body } = await send({ ...FLOW, prompt, permutations: "expand", then: [{ press: "U1" }] });
    expect(status).toBe(207);
    expect(body).toMatchObject({ created: 4, failed: 0, estimatedUsd: 0.2 });
    expect(body.data.map(({ index, permutation, flow }: Json) => [index, permutation, flow.prompt])).toEqual([
      [0, 0, "a red boat --ar 3:2"],
      [0, 1, "a red boat --ar 1:1"],
      [0, 2, "a blue boat --ar 3:2"],
      [0, 3, "a blue boat --ar 1:1"],
    ]);
    await api.harness.finishAll();
    expect(new Set(vendorPrompts())).toEqual(new Set(body.data.map(({ flow }: Json) => flow.prompt)));
    expect(await listed()).toHaveLength(4);
  });

  test("without expand, the vendor gets the prompt as it is, in one flow with the price of all", async () => {
    const prompt = "a {red, blue} boat";
    const { status, body } = await send({ ...FLOW, prompt });
    expect([status, body.prompt]).toEqual([202, prompt]);
    await api.harness.finishAll();
    expect(vendorPrompts()).toEqual([prompt]);
  });

  test("the same key returns the same flows of a prompt", async () => {
    const request = { ...FLOW, prompt: "{a, b, c}", permutations: "expand" };
    const first = await send(request, KEY);
    expect(idsOf(await send(request, KEY))).toEqual(idsOf(first));
    await api.harness.finishAll();
    expect(api.harness.vendor.calls).toHaveLength(3);
  });

  test("items of a batch can be expanded, up to 100 flows in all", async () => {
    const five = "{a, b, c, d, e}";
    const batch = [{ prompt: `${five} ${five}` }, { prompt: "plain", permutations: "send" }];
    const { body } = await send({ provider: "fake", permutations: "expand", batch });
    expect(body).toMatchObject({ created: 26, failed: 0 });
    expect(body.data.at(-1)).toMatchObject({ index: 1, permutation: null, status: 202 });
    const four = { provider: "fake", permutations: "expand", batch: Array(5).fill({ prompt: `${five} ${five}` }) };
    expect((await send(four)).body).toMatchObject({ status: 400, field: "batch" });
  });

  test.each([
    ["a {red boat", "without its"],
    ["{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 40"],
  ])("%j cannot be expanded and gets 400, and nothing is created", async (prompt, why) => {
    const { status, body } = await send({ ...FLOW, prompt, permutations: "expand" });
    expect([status, body.code, body.field]).toEqual([400, "invalid_request", "prompt"]);
    expect(body.detail).toContain(why);
    expect(await listed()).toEqual([]);
  });
});

test("a batch costs one write per flow and two for its key, and a message request for ten flows", async () => {
  const cached = ["appWithKey", "saveAppKey", "health"];
  const sent: number[] = [];
  const { queue } = api.harness.deps;
  const original = queue.send;
  queue.send = async (messages) => {
    sent.push(messages.length);
    return original.call(queue, messages);
  };
  const before = api.harness.storeFault.calls.length;
  await send({ provider: "fake", batch: prompts(100) }, KEY);
  const counts = Map.groupBy(
    api.harness.storeFault.calls.slice(before).filter((verb) => !cached.includes(verb)),
    (verb) => verb,
  );
  expect(Object.fromEntries([...counts].map(([verb, calls]) => [verb, calls.length]))).toEqual({
    saveIdempotency: 2,
    createFlow: 100,
  });
  expect(sent.reduce((sum, count) => sum + count, 0)).toBe(100);
  expect(sent.length).toBeLessThanOrEqual(11);
});
