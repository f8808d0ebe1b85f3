/** A banned word stops a prompt before anything is written, submitted or paid, at every entry point. */
import { createBannedWordsCheck } from "@mjflow/engine/banned";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "../app/api-client.ts";

let api: ApiClient;
let key: string;

beforeEach(async () => {
  api = createApiClient();
  ({ key } = await api.join());
  await put(["nude", "裸体"]);
});

const put = (words: string[]) => api.call(OPERATOR, "PUT", "/v1/banned-words", { words });
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(key, method, path, body, headers);

/** All rows except those of the calling key, and the number of vendor calls. */
const written = () => {
  const { flows, tasks, items } = api.harness.dump();
  const rows = items.filter((item) => !/^(?:app|idem)#/.test(item["pk"]!.S!));
  return JSON.stringify([flows, tasks, rows, api.harness.vendor.calls.length, api.harness.queue.size]);
};

async function finished(): Promise<string> {
  const { id } = (await call("POST", "/v1/flows", FLOW)).body;
  await api.harness.finishAll();
  return `${id.replace("flow_", "task_")}_0`;
}

describe("a prompt with a banned word", () => {
  test.each([
    ["the root", { prompt: "a NUDE boat" }, "prompt", "nude"],
    ["a press", { then: [{ press: "U1" }, { press: "V1", prompt: "nude" }] }, "then[1].prompt", "nude"],
    [
      "a nested modal",
      { then: [{ press: "U1", then: [{ press: "zoom:custom", modal: { prompt: "一张裸体画" } }] }] },
      "then[0].then[0].modal.prompt",
      "裸体",
    ],
  ])(
    "a banned word in the prompt of %s returns 422 with field and word and writes nothing",
    async (_, more, field, bannedWord) => {
      const before = written();
      const { status, body } = await call("POST", "/v1/flows", { ...FLOW, ...more });
      expect(status).toBe(422);
      expect(body).toMatchObject({ code: "banned_prompt", field, bannedWord, retry: "never" });
      expect(written()).toBe(before);
    },
  );

  test("a banned word in a press or modal answer of the app returns 422 and writes nothing", async () => {
    const root = await finished();
    api.harness.vendor.next((c) => ({ kind: "modal", vendorTaskId: c.id }));
    const open = (await call("POST", `/v1/tasks/${root}/actions`, { press: "V1" })).body.id;
    await api.harness.drain();
    const before = written();
    for (const [path, body, field] of [
      [`/v1/tasks/${root}/actions`, { press: "V2", prompt: "nude" }, "prompt"],
      [`/v1/tasks/${root}/actions`, { press: "V2", then: [{ press: "U1", prompt: "nude" }] }, "then[0].prompt"],
      [`/v1/tasks/${open}/modal`, { prompt: "nude" }, "prompt"],
    ] as const) {
      expect((await call("POST", path, body)).body).toMatchObject({ status: 422, field, bannedWord: "nude" });
    }
    expect(written()).toBe(before);
  });

  test("a banned word in the compat API returns code 24 with the word, and no compat task id is allocated", async () => {
    const root = await finished();
    const before = written();
    const banned = { code: 24, properties: { bannedWord: "nude" } };
    expect((await call("POST", "/mj/submit/imagine", { prompt: "nude" })).body).toMatchObject(banned);
    const customId = (await call("GET", `/v1/tasks/${root}`)).body.buttons[5].customId;
    const action = { taskId: root, customId, prompt: "nude" };
    expect((await call("POST", "/mj/submit/action", action)).body).toMatchObject(banned);
    expect(written()).toBe(before);
  });
});

test("an Idempotency-Key whose prompt was rejected accepts the corrected request", async () => {
  const named = { "idempotency-key": "one" };
  expect((await call("POST", "/v1/flows", { ...FLOW, prompt: "nude" }, named)).status).toBe(422);
  expect((await call("POST", "/v1/flows", FLOW, named)).status).toBe(202);
});

describe("the list of banned words", () => {
  test("the operator reads and replaces the whole list, without duplicate words", async () => {
    await put(["a", "b", "a"]);
    expect((await api.call(OPERATOR, "GET", "/v1/banned-words")).body).toMatchObject({
      words: ["a", "b"],
      configured: [],
    });
    await put([]);
    expect((await call("POST", "/v1/flows", { ...FLOW, prompt: "nude" })).status).toBe(202);
  });

  test.each([
    ["words[0]", { words: [" "] }],
    ["words[1]", { words: ["a", "x".repeat(61)] }],
    ["words", { words: Array.from({ length: 3_001 }, (_, i) => `w${i}`) }],
    ["words", { words: Array.from({ length: 2_000 }, (_, i) => "裸".repeat(55) + i) }],
    ["words", {}],
  ])("an invalid list is rejected with the field %s", async (field, body) => {
    expect((await api.call(OPERATOR, "PUT", "/v1/banned-words", body)).body).toMatchObject({ status: 400, field });
  });

  test("configured and stored words apply together, and another container uses a change after its cache time", async () => {
    const { vendorStore, clock, log } = api.harness.deps;
    const other = createBannedWordsCheck({ configured: ["blue movie"], vendorStore, clock, log, cacheTtlMs: 30_000 });
    const refused = (text: string) =>
      other.assertAllowed([{ field: "prompt", text }]).then(
        () => false,
        () => true,
      );
    expect([await refused("nude"), await refused("a blue movie"), await refused("boat")]).toEqual([true, true, false]);
    await put(["boat"]);
    expect(await refused("boat")).toBe(false);
    api.harness.advance(30_000);
    expect([await refused("boat"), await refused("nude")]).toEqual([true, false]);
  });

  test("a container reads a large list again only after a change, or after 15 minutes", async () => {
    const { vendorStore, clock, log } = api.harness.deps;
    const words = Array.from({ length: 3_000 }, (_, i) => `word${i}`);
    await put(words);
    let reads = 0;
    let revision = vendorStore.bannedRevision;
    const counted = {
      bannedList: () => vendorStore.bannedList().finally(() => reads++),
      bannedRevision: () => revision(),
    };
    const other = createBannedWordsCheck({ configured: [], vendorStore: counted, clock, log, cacheTtlMs: 30_000 });
    const refused = (text: string) =>
      other.assertAllowed([{ field: "prompt", text }]).then(
        () => false,
        () => true,
      );
    expect([await refused("word7"), await refused("boat"), reads]).toEqual([true, false, 1]);
    for (let i = 0; i < 5; i++) {
      api.harness.advance(30_000);
      expect([await refused("word7"), reads]).toEqual([true, 1]);
    }
    await put([...words.slice(1), "boat"]);
    expect(await refused("boat")).toBe(false);
    api.harness.advance(30_000);
    expect([await refused("boat"), await refused("word0"), reads]).toEqual([true, false, 2]);
    // A version that does not know the revision has saved the list: its row has no entry in the index.
    revision = async () => undefined;
    api.harness.advance(30_000);
    expect([await refused("boat"), reads]).toEqual([true, 3]);
    revision = async () => 0;
    api.harness.advance(30_000);
    expect([await refused("boat"), reads]).toEqual([true, 3]);
    api.harness.advance(15 * 60_000);
    expect([await refused("boat"), reads]).toEqual([true, 4]);
  });

  test("a cached list stays in use if the read fails, and without a cached list prompts are rejected", async () => {
    const { vendorStore, clock, log } = api.harness.deps;
    let broken = false;
    const flaky = {
      ...vendorStore,
      bannedList: () => (broken ? Promise.reject(new Error("throttled")) : vendorStore.bannedList()),
    };
    const other = () => createBannedWordsCheck({ configured: [], vendorStore: flaky, clock, log, cacheTtlMs: 1 });
    const known = other();
    const prompt = (text: string) => [{ field: "prompt", text }];
    await known.assertAllowed(prompt("boat"));
    broken = true;
    api.harness.advance(1);
    await expect(known.assertAllowed(prompt("nude"))).rejects.toMatchObject({ code: "banned_prompt" });
    await expect(other().assertAllowed(prompt("boat"))).rejects.toThrow("throttled");
    await other().assertAllowed([]);
  });
});
