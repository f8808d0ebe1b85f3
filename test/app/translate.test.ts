/** Translation of prompts before a flow is stored, with the real client of the translator and a server that can fail. */
import { TRANSLATION } from "@mjflow/core/limit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import { startTranslator, TRANSLATOR_FAULTS, TRANSLATOR_KEY, type TranslatorServer } from "../support/translator.ts";
import { type ApiClient, createApiClient, type Json, OPERATOR } from "./api-client.ts";

let server: TranslatorServer;
let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  server = await startTranslator();
  api = createApiClient({ translator: server.translator });
  app = await api.join();
});
afterEach(() => server.stop());

const FLOW = { provider: "fake", prompt: "一只纸船 --ar 3:2 --no 树", translate: true };
const create = (body: Json, headers: Record<string, string> = {}) =>
  api.call(app.key, "POST", "/v1/flows", body, headers);
const read = async (id: string): Promise<Json> => (await api.call(app.key, "GET", `/v1/flows/${id}`)).body;
const listed = async (): Promise<Json[]> => (await api.call(app.key, "GET", "/v1/flows")).body.data;
/** The prompts for the vendor's modals, of all tasks of a flow. */
const modalPrompts = async (flowId: string) =>
  (await api.harness.deps.store.loadFlow(flowId)).tasks.flatMap(({ modal }) => modal?.prompt ?? []).sort();
const sentPrompts = () => api.harness.vendor.calls.map(({ prompt }) => prompt);

describe("a translated flow", () => {
  test("vendors get the translation, and the original prompt is shown next to it", async () => {
    const { status, body } = await create(FLOW);
    const prompts = { prompt: "a paper boat --ar 3:2 --no 树", originalPrompt: FLOW.prompt };
    expect([status, body]).toEqual([202, expect.objectContaining(prompts)]);
    expect(body.tasks[0].originalPrompt).toBe(FLOW.prompt);
    await api.harness.finishAll();
    expect(sentPrompts()).toEqual([prompts.prompt]);
    expect(await read(body.id)).toMatchObject({ ...prompts, status: "completed" });
    expect(await listed()).toMatchObject([prompts]);
    expect((await api.call(app.key, "GET", `/v1/tasks/${body.tasks[0].id}`)).body.originalPrompt).toBe(FLOW.prompt);
  });

  test("the prompts of its plan are translated too, and each is asked for once", async () => {
    const then = [
      { press: "V1", prompt: "晚上" },
      { press: "V2", modal: { prompt: "晚上" } },
      { press: "U1", then: [{ press: "V3", prompt: "下雪" }] },
      { press: "V4", prompt: "at sea" },
    ];
    const { body } = await create({ ...FLOW, then });
    expect(body.plan.map(({ prompt, originalPrompt }: Json) => [prompt, originalPrompt])).toEqual([
      ["at night", "晚上"],
      ["at night", "晚上"],
      [null, null],
      ["in the snow", "下雪"],
      ["at sea", null],
    ]);
    expect(server.asked.flat().toSorted()).toEqual(["at sea", "一只纸船", "下雪", "晚上"].toSorted());
    await api.harness.finishAll();
    const { tasks } = await read(body.id);
    expect(tasks.map(({ press, originalPrompt }: Json) => [press, originalPrompt])).toEqual([
      [null, FLOW.prompt],
      ["V1", "晚上"],
      ["V2", "晚上"],
      ["U1", null],
      ["V3", "下雪"],
      ["V4", null],
    ]);
  });

  test("its events have both prompts", async () => {
    await api.call(app.key, "POST", "/v1/endpoints", { url: "https://shop.test/hook" });
    await create({ ...FLOW, then: [{ press: "V1", prompt: "晚上" }] });
    await api.harness.finishAll();
    const events = api.harness.receiver.posts.map(({ body }) => body);
    const originals = events.map(({ type, data }: Json) => [type, data.press ?? null, data.originalPrompt]);
    expect(originals).toContainEqual(["task.completed", null, FLOW.prompt]);
    expect(originals).toContainEqual(["task.completed", "V1", "晚上"]);
    expect(originals).toContainEqual(["flow.completed", null, FLOW.prompt]);
  });

  test("a prompt without words, or with English ones, stays as it is", async () => {
    for (const prompt of ["https://x.test/a.png --ar 3:2", "a boat — {red, blue}::2 --s 50"]) {
      expect((await create({ ...FLOW, prompt })).body).toMatchObject({ prompt, originalPrompt: null });
    }
  });

  test("a retry of its root is not translated again (TR1)", async () => {
    const { body } = await create(FLOW);
    api.harness.vendor.next(() => ({ kind: "refused", failure: { code: "vendor_refused", message: "no" } }));
    await api.harness.drain();
    const retried = await api.call(app.key, "POST", `/v1/tasks/${body.tasks[0].id}/retry`);
    expect(retried.body.originalPrompt).toBe(FLOW.prompt);
    await api.harness.finishAll();
    expect(sentPrompts()).toEqual([body.prompt, body.prompt]);
    expect(server.asked).toHaveLength(1);
  });
});

describe("who is translated", () => {
  test("no request is translated unless it or its app says so", async () => {
    const { translate: _, ...plain } = FLOW;
    expect((await create(plain)).body).toMatchObject({ prompt: FLOW.prompt, originalPrompt: null });
    expect((await create({ ...FLOW, translate: false })).body.originalPrompt).toBeNull();
    expect(server.asked).toEqual([]);
  });

  test("the default of an app applies to its requests, and a request decides for itself", async () => {
    const patched = await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: true });
    expect(patched.body.translate).toBe(true);
    const { translate: _, ...plain } = FLOW;
    // Containers cache keys.
    const fresh = api.container();
    const [on, off] = [plain, { ...plain, translate: false }].map((body) =>
      api.call(app.key, "POST", "/v1/flows", body, {}, fresh),
    );
    expect((await on!).body.originalPrompt).toBe(FLOW.prompt);
    expect((await off!).body.originalPrompt).toBeNull();
    expect((await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: false })).body.translate).toBe(false);
    const other = await api.call(OPERATOR, "POST", "/v1/apps", { name: "other", translate: true });
    expect(other.body.translate).toBe(true);
  });

  test("without a translator, a request that asks for one gets 422 and nothing is stored", async () => {
    api = createApiClient();
    app = await api.join();
    const { status, body } = await create(FLOW);
    expect([status, body.code, body.retry, body.field]).toEqual([422, "translation_unavailable", "never", "translate"]);
    expect(await listed()).toEqual([]);
    // It has nothing to translate.
    expect((await create({ ...FLOW, prompt: "--ar 3:2" })).status).toBe(202);
  });
});

describe("a translator that fails", () => {
  test.each(Object.entries(TRANSLATOR_FAULTS))(
    "that %s is asked twice, then the request is rejected",
    async (name, fault) => {
      server.fail(fault, 2);
      if (/never/.test(name)) server.patienceMs = 500;
      const { status, headers, body } = await create(FLOW);
      server.patienceMs = Number.POSITIVE_INFINITY;
      expect([status, body.code, body.retry, body.field]).toEqual([503, "translation_failed", "later", "prompt"]);
      expect(headers.get("retry-after")).toBe("2");
      expect(server.asked).toHaveLength(2);
      expect(api.harness.metrics.get("TranslationsFailed")).toBe(1);
      // Nothing is stored, paid or shown, and no log has the key or the prompt.
      expect(await listed()).toEqual([]);
      await api.harness.finishAll();
      expect(sentPrompts()).toEqual([]);
      const told = [...api.harness.log, JSON.stringify(body)].join("\n");
      expect(told).not.toContain(TRANSLATOR_KEY);
      expect(told).not.toContain("纸船");
      // The next request succeeds.
      expect((await create(FLOW)).body.prompt).toContain("a paper boat");
    },
  );

  test("once is asked again in the same request", async () => {
    server.fail(TRANSLATOR_FAULTS["responds 500"]!);
    expect((await create(FLOW)).body.originalPrompt).toBe(FLOW.prompt);
    expect(server.asked).toHaveLength(2);
  });

  test("in the plan names the field of the prompt", async () => {
    server.words["晚上"] = "at night --turbo";
    const { body } = await create({ ...FLOW, then: [{ press: "U1", then: [{ press: "V1", prompt: "晚上" }] }] });
    expect([body.code, body.field]).toEqual(["translation_failed", "then[0].then[0].prompt"]);
  });

  test("costs the app no credit", async () => {
    const paying = await api.join("paying", { creditsUsd: 1 });
    server.fail(TRANSLATOR_FAULTS["responds 500"]!, 2);
    expect((await api.call(paying.key, "POST", "/v1/flows", FLOW)).status).toBe(503);
    const { body } = await api.call(paying.key, "GET", "/v1/usage");
    expect(body).toMatchObject({ balanceUsd: 1, reservedUsd: 0, settledUsd: 0, runningFlows: 0 });
  });
});

describe("what a translator returns", () => {
  test("is checked for banned words, and so is the prompt of the app before it is sent anywhere", async () => {
    await api.call(OPERATOR, "PUT", "/v1/banned-words", { words: ["blue movie", "禁"] });
    server.words["一只纸船"] = "a blue movie";
    const translated = await create(FLOW);
    expect([translated.body.code, translated.body.bannedWord]).toEqual(["banned_prompt", "blue movie"]);
    const asked = server.asked.length;
    expect((await create({ ...FLOW, prompt: "禁" })).body.code).toBe("banned_prompt");
    expect(server.asked).toHaveLength(asked);
    expect(await listed()).toEqual([]);
  });

  test("cannot change the mode, the price or the number of tasks (TR2)", async () => {
    const prompt = "https://x.test/船.png 一只 {红, 蓝}船 --turbo --repeat 2";
    const { body } = await create({ ...FLOW, prompt });
    expect(body.prompt).toBe("https://x.test/船.png a {red, blue} boat --turbo --repeat 2");
    expect(server.asked).toEqual([["一只", "红", "蓝", "船"]]);
  });
});

test("the request to the translator has the key, the model and the texts as data, and nothing else of the flow", async () => {
  await create({ ...FLOW, state: "order 7" });
  const [request] = server.requests;
  expect(request).toMatchObject({ authorization: `Bearer ${TRANSLATOR_KEY}`, url: "/v1/chat/completions" });
  const body = JSON.parse(request!.body);
  expect(Object.keys(body)).toEqual(["model", "messages"]);
  expect(body.model).toBe("a-model");
  expect(body.messages.map(({ role }: Json) => role)).toEqual(["system", "user"]);
  expect(body.messages[1].content).toBe('["一只纸船"]');
});

describe("a repeated request", () => {
  const KEY = { "idempotency-key": "a-key-of-a-translation" };

  test("with the same key gives the same flow without a second translation", async () => {
    const first = await create(FLOW, KEY);
    server.words["一只纸船"] = "another translation";
    const again = await create(FLOW, KEY);
    expect([again.body.id, again.body.prompt]).toEqual([first.body.id, first.body.prompt]);
    expect(server.asked).toHaveLength(1);
    expect((await create({ ...FLOW, translate: false }, KEY)).body.code).toBe("idempotency_mismatch");
  });

  test("after a failed translation creates the flow with the same key", async () => {
    server.fail(TRANSLATOR_FAULTS["responds 500"]!, 2);
    expect((await create(FLOW, KEY)).body.code).toBe("translation_failed");
    expect((await create(FLOW, KEY)).body.originalPrompt).toBe(FLOW.prompt);
    expect(await listed()).toHaveLength(1);
  });

  test("of a request that crashed after the flow was stored is not translated again", async () => {
    api.harness.storeFault.arm("saveIdempotency", "before", 1);
    const first = await create(FLOW, KEY);
    api.harness.advance(120_000);
    const again = await create(FLOW, KEY);
    expect(again.body.prompt).toBe("a paper boat --ar 3:2 --no 树");
    expect([first.status, server.asked.length, (await listed()).length]).toEqual([202, 1, 1]);
  });
});

describe("a batch", () => {
  test("translates each prompt once, also if several flows have it", async () => {
    const batch = [
      { prompt: "一只纸船" },
      { prompt: "一只纸船" },
      { prompt: "红" },
      { prompt: "红", translate: false },
    ];
    const { status, body } = await create({
      ...FLOW,
      prompt: undefined,
      then: [{ press: "V1", prompt: "晚上" }],
      batch,
    });
    expect([status, body.created]).toEqual([207, 4]);
    expect(body.data.map(({ flow }: Json) => [flow.prompt, flow.originalPrompt])).toEqual([
      ["a paper boat", "一只纸船"],
      ["a paper boat", "一只纸船"],
      ["red", "红"],
      ["红", null],
    ]);
    expect(server.asked.flat().toSorted()).toEqual(["一只纸船", "晚上", "红"].toSorted());
  });

  test("creates the other flows if one cannot be translated", async () => {
    server.words["红"] = "red --turbo";
    const { body } = await create({ ...FLOW, prompt: undefined, batch: [{ prompt: "红" }, { prompt: "蓝" }] });
    expect(body.data.map(({ status, error }: Json) => error?.code ?? status)).toEqual(["translation_failed", 202]);
  });

  test("of permutations translates the whole prompt once, so that the rest of it is the same in all flows", async () => {
    const { body } = await create({ ...FLOW, prompt: "一只 {红, 蓝} 船", permutations: "expand" });
    expect(body.data.map(({ flow }: Json) => [flow.prompt, flow.originalPrompt])).toEqual([
      ["a red boat", "一只 红 船"],
      ["a blue boat", "一只 蓝 船"],
    ]);
    expect(server.asked).toEqual([["一只", "红", "蓝", "船"]]);
  });

  test("of permutations cannot get past the banned words by their options", async () => {
    await api.call(OPERATOR, "PUT", "/v1/banned-words", { words: ["blue boat"] });
    const { body } = await create({ ...FLOW, prompt: "一只 {红, 蓝} 船", permutations: "expand" });
    expect(body.data.map(({ error, status }: Json) => error?.code ?? status)).toEqual([202, "banned_prompt"]);
  });
});

describe("a rerun", () => {
  const then = [
    { press: "V1", prompt: "晚上" },
    { press: "V2", prompt: "at sea" },
  ];
  const rerun = (id: string, changes: Json = {}) => api.call(app.key, "POST", `/v1/flows/${id}/rerun`, changes);
  const originals = ({ originalPrompt, plan }: Json) => [
    originalPrompt,
    ...plan.map((step: Json) => step.originalPrompt),
  ];

  test("of a translated flow has the same prompts, and the translator is not asked again", async () => {
    const { body } = await create({ ...FLOW, then });
    const asked = server.asked.length;
    api.deps.translator = undefined;
    const again = (await rerun(body.id)).body;
    expect([again.prompt, ...originals(again)]).toEqual([body.prompt, FLOW.prompt, "晚上", null]);
    expect(server.asked).toHaveLength(asked);
  });

  test("translates only the prompts that are new", async () => {
    const { body } = await create({ ...FLOW, then });
    server.asked.length = 0;
    const changed = (await rerun(body.id, { prompt: "红" })).body;
    expect([changed.prompt, ...originals(changed)]).toEqual(["red", "红", "晚上", null]);
    expect(server.asked).toEqual([["红"]]);
    expect(originals((await rerun(body.id, { translate: false })).body)).toEqual([null, null, null]);
  });

  test("of a flow without a translation has none, whatever the app's default is today", async () => {
    const { body } = await create({ ...FLOW, translate: false });
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: true });
    const again = await api.call(app.key, "POST", `/v1/flows/${body.id}/rerun`, {}, {}, api.container());
    expect([again.body.prompt, again.body.originalPrompt]).toEqual([FLOW.prompt, null]);
    const changed = await api.call(
      app.key,
      "POST",
      `/v1/flows/${body.id}/rerun`,
      { prompt: "红" },
      {},
      api.container(),
    );
    expect(changed.body.originalPrompt).toBe("红");
  });
});

test("the plan of a template is translated like that of a request", async () => {
  await api.call(app.key, "PUT", "/v1/templates/night", { then: [{ press: "V1", prompt: "晚上" }] });
  const { body } = await create({ ...FLOW, template: "night" });
  expect(body.plan).toMatchObject([{ prompt: "at night", originalPrompt: "晚上" }]);
});

describe("a press", () => {
  const KEY = { "idempotency-key": "a-key-of-a-press" };
  /** A finished flow, and a function that presses a button of its root. */
  async function pressable() {
    const { body } = await create({ ...FLOW, translate: false });
    await api.harness.finishAll();
    const root = `/v1/tasks/${body.tasks[0].id}`;
    return (press: Json, headers: Record<string, string> = {}) =>
      api.call(app.key, "POST", `${root}/actions`, { press: "V1", ...press }, headers);
  }

  test("with a prompt and a plan has their translations, if it asks for them", async () => {
    const press = await pressable();
    const then = [{ press: "V2", prompt: "下雪" }];
    const { body } = await press({ prompt: "晚上", then, translate: true });
    expect(body.originalPrompt).toBe("晚上");
    await api.harness.finishAll();
    const { tasks } = await read(body.flowId);
    expect(tasks.map(({ originalPrompt }: Json) => originalPrompt)).toEqual([null, "晚上", "下雪"]);
    expect(await modalPrompts(body.flowId)).toEqual(["at night", "in the snow"]);
    expect((await press({ press: "V3", prompt: "晚上" })).body.originalPrompt).toBeNull();
  });

  test("creates no task if the translation fails, and the same key creates it later", async () => {
    const press = await pressable();
    server.fail(TRANSLATOR_FAULTS["responds 500"]!, 2);
    const request = { prompt: "晚上", translate: true };
    expect((await press(request, KEY)).body.code).toBe("translation_failed");
    const first = await press(request, KEY);
    server.words["晚上"] = "another translation";
    const again = await press(request, KEY);
    expect([again.body.id, again.body.originalPrompt]).toEqual([first.body.id, "晚上"]);
    expect(await modalPrompts(first.body.flowId)).toEqual(["at night"]);
  });

  test("that crashed after its task was stored is not translated again", async () => {
    const press = await pressable();
    const request = { prompt: "晚上", translate: true };
    api.harness.storeFault.arm("saveIdempotency", "before", 1);
    const first = await press(request, KEY);
    const asked = server.asked.length;
    api.harness.advance(120_000);
    expect((await press(request, KEY)).body.id).toBe(first.body.id);
    expect(server.asked).toHaveLength(asked);
  });

  test("opens a modal whose answer is translated once, however often it is sent", async () => {
    const press = await pressable();
    api.harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    const { body } = await press({});
    await api.harness.drain();
    const answer = () => api.call(app.key, "POST", `/v1/tasks/${body.id}/modal`, { prompt: "晚上", translate: true });
    expect((await answer()).body.originalPrompt).toBe("晚上");
    server.words["晚上"] = "another translation";
    expect((await answer()).status).toBe(202);
    await api.harness.finishAll();
    expect(sentPrompts().at(-1)).toBe("at night");
    expect((await api.call(app.key, "GET", `/v1/tasks/${body.id}`)).body.originalPrompt).toBe("晚上");
  });
});

describe("the compat API", () => {
  const submit = (prompt: string, on: ApiClient["app"]) =>
    api.call(app.key, "POST", "/mj/submit/imagine", { prompt }, {}, on);
  const fetched = async (id: string): Promise<Json> => (await api.call(app.key, "GET", `/mj/task/${id}/fetch`)).body;

  test("translates by the default of the app, and a task has `prompt` and `promptEn`", async () => {
    expect((await submit("一只纸船", api.app)).body.code).toBe(1);
    expect(server.asked).toEqual([]);
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: true });
    const { body } = await submit("一只纸船 --ar 3:2", api.container());
    await api.harness.finishAll();
    expect(sentPrompts()).toEqual(["一只纸船", "a paper boat --ar 3:2"]);
    expect(await fetched(body.result)).toMatchObject({ prompt: "一只纸船 --ar 3:2", status: "SUCCESS" });
  });

  test("translates the prompt of a press, and a repeated press is one task with one translation", async () => {
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: true });
    const on = api.container();
    const { result } = (await submit("一只纸船", on)).body;
    await api.harness.finishAll();
    const { customId } = (await fetched(result)).buttons.find(({ label }: Json) => label === "V1");
    const press = () =>
      api.call(app.key, "POST", "/mj/submit/action", { taskId: result, customId, prompt: "晚上" }, {}, on);
    const [first, again] = [await press(), await press()];
    expect([first.body.code, again.body.result]).toEqual([1, first.body.result]);
    const flowId = (await listed())[0].id;
    expect(await modalPrompts(flowId)).toEqual(["at night"]);
    expect(await fetched(first.body.result)).toMatchObject({ prompt: "晚上" });
    expect(server.asked).toEqual([["一只纸船"], ["晚上"]]);
  });

  test("responds code 23 if the translation fails, and leaves no id behind", async () => {
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: true });
    server.fail(TRANSLATOR_FAULTS["responds 500"]!, 2);
    const { status, body } = await submit("一只纸船", api.container());
    expect([status, body.code, body.result]).toEqual([200, 23, null]);
    expect((await api.call(app.key, "GET", "/mj/task/list")).body).toEqual([]);
  });

  test("responds code 4 without a translator", async () => {
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { translate: true });
    const { translator: _, ...deps } = api.deps;
    const { body } = await submit("一只纸船", createApp(deps));
    expect(body).toMatchObject({ code: 4, description: expect.stringContaining("cannot translate") });
  });
});

test(`more than ${TRANSLATION.prompts} different prompts are too many to translate`, async () => {
  const then = Array.from({ length: TRANSLATION.prompts }, (_, i) => ({ press: `button ${i}`, prompt: `晚上 ${i}` }));
  const { body } = await create({ ...FLOW, then });
  expect([body.code, body.field]).toEqual(["invalid_request", "translate"]);
  expect(server.asked).toEqual([]);
});
