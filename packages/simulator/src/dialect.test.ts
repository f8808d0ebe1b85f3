/** Responses of each vendor over HTTP. The expected values follow docs/protocol.md 2 and the wire fixtures. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOOKUP_VERBS, SUBMIT_VERBS } from "./dialect.ts";
import { DIALECTS } from "./dialects/registry.ts";
import {
  DIALECT_IDS,
  type DialectId,
  type ManualClock,
  manualClock,
  type Simulator,
  startSimulator,
} from "./server.ts";
import { call, idOf, imagine, look, PREFIX, press, submit } from "./test-client.ts";

let clock: ManualClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
});
afterEach(() => simulator.stop());

/** Creates a finished grid. @returns its id */
async function grid(provider: DialectId): Promise<string> {
  const id = await imagine(simulator, provider);
  clock.advance(60_000);
  return id;
}

describe("accepted submissions", () => {
  test.each([
    ["cometapi", "imagine", /^\{"code":1,"description":"Submission successful","result":"\d{16}","properties":\{/],
    ["cometapi", "blend", /^\{"code":1,.*"result":\d{16},/],
    ["gitaigc", "imagine", /^\{"code":1,"description":"提交成功","result":"\d{16}","properties":\{\}\}$/],
    ["xfusionai", "imagine", /^\{"code":"1",.*"result":"\d{16}","properties":"\{.*\}"\}$/],
    ["agicto", "imagine", /^\{"code":1,.*"result":\d{16},"properties":\{\}\}$/],
    ["midjourney-proxy", "imagine", /^\{"code":1,.*"result":"\d{16}","properties":\{"discordInstanceId":"\d{19}"\}\}$/],
    ["trueai", "imagine", /"properties":\{"discordInstanceId":"\d{19}","discordChannelId":"\d{19}"\}\}$/],
    ["newapi", "imagine", /^\{"code":1,.*"result":"\d{17}",/],
    ["simulator", "imagine", /^\{"code":1,.*"result":"\d{16}",/],
  ] satisfies [DialectId, string, RegExp][])(
    "an accepted submission at %s with the verb %s has the expected body",
    async (provider, verb, shape) => {
      const image = "data:image/png;base64,AAAA";
      const response = await submit(simulator, provider, verb, { prompt: "a boat", base64Array: [image, image] });
      expect(response.text).toMatch(shape);
      expect([200, 201]).toContain(response.status);
    },
  );

  test("gitaigc returns the result of an action as an integer with all 17 digits", async () => {
    simulator.scenario("gitaigc", { idDigits: 17 });
    const response = await press(simulator, "gitaigc", await grid("gitaigc"), "U1");
    expect(response.text).toMatch(/"result":\d{17},/);
    expect((await look(simulator, "gitaigc", idOf(response))).json.id).toBe(idOf(response));
  });

  test("gitaigc sometimes returns 201, and the same seed gives the same responses", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 16; i++) statuses.push((await submit(simulator, "gitaigc", "imagine", { prompt: "a" })).status);
    expect(new Set(statuses)).toEqual(new Set([200, 201]));
  });

  test("new-api sends responses as text/plain and its own errors as JSON", async () => {
    expect((await submit(simulator, "newapi", "imagine", { prompt: "a" })).contentType).toContain("text/plain");
    expect((await look(simulator, "newapi", "1")).contentType).toContain("application/json");
  });

  test.each(["simulator", "xfusionai", "newapi"] satisfies DialectId[])(
    "an upload at %s returns addresses and creates no task",
    async (provider) => {
      const response = await submit(simulator, provider, "upload-discord-images", {
        base64Array: ["data:image/png;base64,AAAA"],
      });
      expect(response.json.result).toEqual([expect.stringMatching(/\/images\/upload-\d+\.png$/)]);
      expect((await fetch((response.json.result as string[])[0]!)).headers.get("content-type")).toBe("image/png");
      expect(simulator.ledger().counts.tasks).toBe(0);
    },
  );
});

describe("keys", () => {
  test.each([
    ["cometapi", 401, /"code":"invalid_api_key"/],
    ["gitaigc", 401, /^$/],
    ["agicto", 401, /"type":"new_api_error"/],
    ["midjourney-proxy", 401, /^$/],
    ["trueai", 401, /^未登录$/],
    ["newapi", 401, /"message":"无效的令牌 \(request id: /],
    ["xfusionai", 401, /^$/],
  ] satisfies [DialectId, number, RegExp][])(
    "%s rejects a wrong key in its own format",
    async (provider, status, body) => {
      const headers = { authorization: "Bearer wrong-key", "mj-api-secret": "wrong-key" };
      const response = await call(simulator, provider, "POST", "/submit/imagine", { prompt: "a" }, headers);
      expect(response.status).toBe(status);
      expect(response.text).toMatch(body);
      expect(simulator.ledger().submissions).toEqual([]);
    },
  );

  test.each(DIALECT_IDS)(
    "a request without a key is accepted at %s only if its dialect allows it",
    async (provider) => {
      const response = await call(simulator, provider, "POST", "/submit/imagine", { prompt: "a" }, {});
      expect(response.status < 300).toBe(DIALECTS[provider].auth.optional);
    },
  );
});

describe("unknown ids", () => {
  test.each([
    ["midjourney-proxy", 200, ""],
    ["simulator", 200, ""],
    ["xfusionai", 200, ""],
    ["gitaigc", 404, ""],
    ["trueai", 204, ""],
    ["newapi", 400, '{"description":"task_no_found ","type":"upstream_error","code":4}'],
    ["cometapi", 400, '{"description":"task_no_found ","type":"upstream_error","code":4}'],
    ["agicto", 400, '{"description":"task_no_found ","type":"upstream_error","code":4}'],
  ] satisfies [DialectId, number, string][])(
    "fetch of an unknown id at %s returns %i with the body %s",
    async (provider, status, body) => {
      expect(await look(simulator, provider, "1")).toMatchObject({ status, text: body });
    },
  );

  test("an unknown id is omitted from a list, and an id of another vendor is unknown", async () => {
    const mine = await imagine(simulator, "simulator");
    const theirs = await imagine(simulator, "trueai");
    const list = await call(simulator, "simulator", "POST", "/task/list-by-condition", { ids: ["1", theirs, mine] });
    expect(JSON.parse(list.text)).toEqual([expect.objectContaining({ id: mine })]);
  });
});

describe("rejections", () => {
  test.each([
    ["simulator", 200, { code: 3, result: null }],
    ["trueai", 404, { code: 3, result: null, description: "关联任务不存在或已失效", properties: {} }],
    ["newapi", 400, { code: 4, description: "task_not_found ", type: "upstream_error" }],
  ] satisfies [DialectId, number, object][])(
    "a press on an unknown parent is rejected at %s",
    async (provider, status, body) => {
      const customId = "MJ::JOB::upsample::1::7c1f0b52-3d84-4e19-9a6d-51b0e2f7c8a3";
      const response = await submit(simulator, provider, "action", { taskId: "1", customId });
      expect(response).toMatchObject({ status, json: body });
    },
  );

  test.each([
    ["simulator", 200, { code: 4, description: "关联任务状态错误" }],
    ["newapi", 400, { code: 4, description: "task_status_not_success ", type: "upstream_error" }],
  ] satisfies [DialectId, number, object][])(
    "a press on an unfinished parent is rejected at %s",
    async (provider, status, body) => {
      const taskId = await imagine(simulator, provider);
      const customId = "MJ::JOB::upsample::1::7c1f0b52-3d84-4e19-9a6d-51b0e2f7c8a3";
      expect(await submit(simulator, provider, "action", { taskId, customId })).toMatchObject({ status, json: body });
    },
  );

  test("an unknown customId gives code 4, at new-api unknown_action, and without `::` a crash of new-api", async () => {
    const id = await grid("simulator");
    expect((await submit(simulator, "simulator", "action", { taskId: id, customId: "MJ::x" })).json.code).toBe(4);
    const relay = await submit(simulator, "newapi", "action", { taskId: "1", customId: "MJ::Job::PicReader::1" });
    expect(relay.json).toEqual({
      description: "unknown_action:MJ::Job::PicReader::1 ",
      type: "upstream_error",
      code: 4,
    });
    expect((await submit(simulator, "newapi", "action", { taskId: "1", customId: "x" })).status).toBe(500);
  });

  test.each([
    ["imagine", { prompt: "  " }],
    ["imagine", { prompt: "a", base64Array: ["not base64"] }],
    ["blend", { base64Array: ["data:image/png;base64,AAAA"] }],
    ["blend", { base64Array: Array(6).fill("data:image/png;base64,AAAA") }],
    ["describe", {}],
    ["shorten", {}],
    ["action", { taskId: "1" }],
    ["change", { taskId: "1", action: "UPSCALE", index: 5 }],
    ["simple-change", { content: "1 X2" }],
    ["video", { prompt: "a", motion: "wild" }],
  ])("%s with the body %j gives code 4 and creates no task", async (verb, body) => {
    expect((await submit(simulator, "simulator", verb, body)).json).toMatchObject({ code: 4, result: null });
    expect(simulator.ledger().counts).toMatchObject({ tasks: 0, refused: 1 });
  });

  test("trueai rejects a long state through its exception filter, on imagine with code 4, and other vendors accept it", async () => {
    const state = "s".repeat(256);
    const filtered = await submit(simulator, "trueai", "shorten", { prompt: "a", state });
    expect(filtered.status).toBe(200);
    expect(filtered.json).toEqual({
      success: false,
      code: -1,
      message: "State参数过长，最大255字符",
      timestamp: expect.stringMatching(/^\d{18}$/),
    });
    expect((await submit(simulator, "trueai", "imagine", { prompt: "a", state })).json.code).toBe(4);
    expect((await submit(simulator, "simulator", "imagine", { prompt: "a", state })).json.code).toBe(1);
  });

  test("trueai rejects a long notifyHook", async () => {
    const notifyHook = `http://127.0.0.1:9/${"h".repeat(2_000)}`;
    expect((await submit(simulator, "trueai", "imagine", { prompt: "a", notifyHook })).json.code).toBe(4);
  });

  test("a banned word gives code 24, but at trueai an accepted task that fails", async () => {
    const body = { prompt: "a gory scene" };
    expect((await submit(simulator, "simulator", "imagine", body)).json).toEqual({
      code: 24,
      description: "可能包含敏感词",
      result: null,
      properties: { promptEn: "a gory scene", bannedWord: "gory" },
    });
    const accepted = await submit(simulator, "trueai", "imagine", body);
    expect(accepted.json.code).toBe(1);
    clock.advance(10_000);
    const task = (await look(simulator, "trueai", idOf(accepted))).json;
    expect(task).toMatchObject({ status: "FAILURE", failReason: "可能包含敏感词", properties: { bannedWord: "gory" } });
  });

  test("only new-api rejects a taskId that is a JSON number", async () => {
    const customId = "MJ::JOB::upsample::1::7c1f0b52-3d84-4e19-9a6d-51b0e2f7c8a3";
    const response = await submit(simulator, "newapi", "action", { taskId: 1, customId });
    expect(response.json.description).toBe("bind_request_body_failed ");
    const own = Number(await grid("simulator"));
    expect((await submit(simulator, "simulator", "action", { taskId: own, customId })).json.code).toBe(1);
  });

  test.each([
    ["simulator", { code: 23, result: null }],
    ["trueai", { code: 9, result: null, description: "提交失败，队列已满，请稍后重试" }],
  ] satisfies [DialectId, object][])("a full queue is reported by %s with its code", async (provider, body) => {
    simulator.scenario(provider, { queue: { running: 1, waiting: 0 } });
    await imagine(simulator, provider);
    expect((await submit(simulator, provider, "imagine", { prompt: "b" })).json).toMatchObject(body);
    expect(simulator.ledger().counts).toMatchObject({ tasks: 1, busy: 1 });
  });
});

describe("routes", () => {
  test.each(DIALECT_IDS)("%s supports exactly the verbs of its dialect", async (provider) => {
    const paths: Record<string, string> = {
      "swap-face": "/insight-face/swap",
      upload: "/submit/upload-discord-images",
      fetch: "/task/1/fetch",
      "image-seed": "/task/1/image-seed",
      image: "/image/1",
    };
    for (const verb of [...SUBMIT_VERBS, ...LOOKUP_VERBS]) {
      const submits = SUBMIT_VERBS.some((known) => known === verb);
      const posts = submits || verb.startsWith("list-by") || verb === "query";
      const path = paths[verb] ?? (submits ? `/submit/${verb}` : `/task/${verb}`);
      const response = await call(simulator, provider, posts ? "POST" : "GET", path, posts ? {} : undefined);
      const { errors } = DIALECTS[provider];
      const missing =
        errors === "relay" || errors === "comet"
          ? response.text.includes("Invalid URL")
          : errors === "trueai"
            ? response.status === 404 && response.text === ""
            : response.text.includes('"error":"Not Found"');
      expect(missing, `${verb}: ${response.status} ${response.text}`).toBe(!DIALECTS[provider].verbs.has(verb));
    }
  });

  test("new-api refuses links in a face swap", async () => {
    const link = "https://x.test/1.png";
    const response = await call(simulator, "newapi", "POST", "/insight-face/swap", {
      sourceUrl: link,
      targetUrl: link,
    });
    expect(response.json).toMatchObject({ code: 4, description: "sour_base64_and_target_base64_is_required " });
  });

  test("a path prefix selects the mode, except behind new-api, which removes it", async () => {
    await submit(simulator, "xfusionai", "imagine", { prompt: "a" });
    expect(simulator.ledger().submissions[0]?.mode).toBe("RELAX");
    const byPath = { method: "POST", headers: { authorization: "k", "content-type": "application/json" } };
    const url = `${simulator.baseUrl("newapi")}/mj-relax/mj/submit/imagine`;
    expect((await fetch(url, { ...byPath, body: '{"prompt":"a"}' })).status).toBe(200);
    expect(simulator.ledger().submissions.map(({ mode }) => mode)).toEqual(["RELAX", null]);
    const fetched = await call(
      simulator,
      "xfusionai",
      "GET",
      `/query/task/${simulator.ledger().submissions[0]?.taskId}`,
    );
    expect(fetched.json.status).toBe("NOT_START");
    const odd = await fetch(`${simulator.baseUrl("newapi")}/anything/mj/task/1/fetch`, {
      headers: { authorization: "k" },
    });
    expect(odd.status).toBe(400);
    expect((await fetch(`${simulator.baseUrl("agicto")}/mj/task/1/fetch`)).status).toBe(404);
    expect(PREFIX.agicto).toBe("/v1/mj");
  });
});

describe("task objects", () => {
  test("the task object of new-api is empty at first and has zeros and empty strings instead of null", async () => {
    const id = await imagine(simulator, "newapi", { state: "s1" });
    expect((await look(simulator, "newapi", id)).json).toEqual({
      id,
      action: "IMAGINE",
      customId: "",
      botType: "",
      prompt: "a paper boat",
      promptEn: "",
      description: "Submit success",
      state: "",
      submitTime: expect.any(Number),
      startTime: 0,
      finishTime: 0,
      imageUrl: "",
      videoUrl: "",
      videoUrls: null,
      status: "",
      progress: "0%",
      failReason: "",
      buttons: null,
      maskBase64: "",
      properties: null,
    });
    clock.advance(60_000);
    expect((await look(simulator, "newapi", id)).json).toMatchObject({
      status: "SUCCESS",
      state: "s1",
      imageUrl: `${simulator.baseUrl("newapi")}/mj/image/${id}`,
      properties: { finalPrompt: "a paper boat --v 7.0", finalZhPrompt: "" },
    });
  });

  test("the task object of trueai has 59 keys, four single images and the notifyHook", async () => {
    const id = await imagine(simulator, "trueai", { notifyHook: "http://127.0.0.1:9/hook" });
    clock.advance(60_000);
    const task = (await look(simulator, "trueai", id)).json;
    expect(Object.keys(task)).toHaveLength(59);
    expect(task.imageUrls).toHaveLength(4);
    expect(task.properties).toMatchObject({ notifyHook: "http://127.0.0.1:9/hook" });
  });

  test("the task object of plus has the fields of its samples, cometapi has button style 1 and agicto no state", async () => {
    const plus = (await look(simulator, "midjourney-proxy", await grid("midjourney-proxy"))).json;
    expect(Object.keys(plus).toSorted()).toEqual(
      "action buttons description failReason finishTime id imageUrl progress prompt promptEn properties startTime state status submitTime".split(
        " ",
      ),
    );
    const comet = (await look(simulator, "cometapi", await grid("cometapi"))).json;
    expect(comet.buttons).toContainEqual(expect.objectContaining({ label: "U1", style: 1 }));
    expect(comet).not.toHaveProperty("videoUrls");
    const agicto = await imagine(simulator, "agicto", { state: "s" });
    expect((await look(simulator, "agicto", agicto)).json.state).toBe("");
  });

  test("the task object of novicezk has no buttons, and change and simple-change press it", async () => {
    simulator.scenario("midjourney-proxy", { variant: "novicezk" });
    const id = await grid("midjourney-proxy");
    const task = (await look(simulator, "midjourney-proxy", id)).json;
    expect(task).not.toHaveProperty("buttons");
    expect((await submit(simulator, "midjourney-proxy", "action", {})).status).toBe(404);
    const change = await submit(simulator, "midjourney-proxy", "change", { taskId: id, action: "UPSCALE", index: 2 });
    const simple = await submit(simulator, "midjourney-proxy", "simple-change", { content: `${id} V3` });
    clock.advance(60_000);
    expect((await look(simulator, "midjourney-proxy", idOf(change))).json).toMatchObject({
      action: "UPSCALE",
      status: "SUCCESS",
    });
    expect((await look(simulator, "midjourney-proxy", idOf(simple))).json).toMatchObject({ action: "VARIATION" });
    const again = await submit(simulator, "midjourney-proxy", "simple-change", { content: `${idOf(change)} V3` });
    expect(again.json.code).toBe(4);
  });

  test.each(DIALECT_IDS)("the task object of %s has an image address that can be fetched", async (provider) => {
    const task = (await look(simulator, provider, await grid(provider))).json;
    const image = await fetch(String(task.imageUrl));
    expect(image.status).toBe(200);
    expect(new Uint8Array(await image.arrayBuffer()).subarray(1, 4)).toEqual(new TextEncoder().encode("PNG"));
  });
});
