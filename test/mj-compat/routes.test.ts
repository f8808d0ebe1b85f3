/**
 * The contract of the compat API with midjourney-proxy clients: routes, codes, path prefixes and accepted spellings.
 */

import { deliveryIdOf } from "@mjflow/core/delivery";
import { MjflowError } from "@mjflow/core/error";
import { LookupError } from "@mjflow/core/port";
import { deliveriesOfFlow } from "@mjflow/engine/delivery-list";
import { nextPayloadOf } from "@mjflow/engine/delivery-payload";
import { createMjHookListener } from "@mjflow/engine/mj-read";
import { replayDelivery } from "@mjflow/engine/replay";
import { beforeEach, describe, expect, test } from "vitest";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/path.ts";
import { refusal } from "../../functions/http/mj-compat/response.ts";
import { type Client, createClient, type Json, OTHER_SECRET, SECRET } from "./client.ts";

const IMAGE = "data:image/png;base64,AAAA";
const LINK = "https://pictures.test/boat.png";
const NUMBER = /^\d{16}$/;
let client: Client;

beforeEach(() => {
  client = createClient();
});

describe("submissions", () => {
  test("a submission gets 200, code 1, a 16-digit id below 2^53 as text, and an empty properties object", async () => {
    const { status, body } = await client.post("/mj/submit/imagine", { prompt: "a paper boat" });
    expect(status).toBe(200);
    expect(body).toEqual({
      code: 1,
      description: expect.any(String),
      result: expect.stringMatching(NUMBER),
      properties: {},
    });
    expect(Number.isSafeInteger(Number(body.result))).toBe(true);
    expect(String(Number(body.result))).toBe(body.result);
  });

  test("a submission creates a native flow with its state, and stores its notifyHook only on the compat task id", async () => {
    const hook = "https://app.test/hook";
    const { body } = await client.post("/mj/submit/imagine", { prompt: "a boat", state: "s 1", notifyHook: hook });
    const native = await client.call("GET", "/v1/flows", undefined, { authorization: `Bearer ${SECRET}` });
    expect(native.body.data).toMatchObject([{ prompt: "a boat", state: "s 1", provider: "fake" }]);
    const pointer = await client.harness.deps.mjTaskIds.get("app_a", body.result);
    expect(pointer).toMatchObject({ id: body.result, notifyHook: hook, state: "s 1", flowId: native.body.data[0].id });
    const { tasks } = await client.harness.deps.store.load(pointer!.flowId, ["0"]);
    expect(tasks).toMatchObject([{ mjTaskId: body.result }]);
  });

  test.each(MJ_PREFIXES)("a submission under %s is accepted and uses the mode of the path", async (prefix) => {
    const { body } = await client.post(`${prefix}/submit/imagine`, { prompt: "a boat" });
    expect(body.code).toBe(1);
    await client.harness.drain();
    const mode = /fast|relax|turbo/.exec(prefix)?.[0];
    expect(client.harness.vendor.calls[0]!.context.mode).toBe(mode);
    expect((await client.call("GET", `${prefix}/task/${body.result}/fetch`)).body.id).toBe(body.result);
  });

  test.each<[string, string, object, object]>([
    [
      "the mode in the path, before the modes in the body,",
      "/mj-turbo/mj",
      { mode: "RELAX", accountFilter: { modes: ["FAST"] } },
      { mode: "turbo" },
    ],
    [
      "the field mode, before accountFilter.modes,",
      "/mj",
      { mode: "RELAX", accountFilter: { modes: ["FAST"] } },
      { mode: "relax" },
    ],
    ["a single value in accountFilter.modes", "/mj", { accountFilter: { modes: ["FAST"] } }, { mode: "fast" }],
    [
      "a list of several modes",
      "/mj",
      { accountFilter: { modes: ["FAST", "RELAX"] } },
      { accountFilter: { modes: ["FAST", "RELAX"] } },
    ],
    [
      "the rest of the account filter",
      "/mj",
      { accountFilter: { remix: true, instanceId: "7" } },
      { accountFilter: { remix: true, instanceId: "7" } },
    ],
    ["the short name of a bot", "/mj", { botType: "niji" }, { botType: "NIJI_JOURNEY" }],
  ])("%s reaches the vendor", async (_, prefix, fields, expected) => {
    expect((await client.post(`${prefix}/submit/imagine`, { prompt: "a boat", ...fields })).body.code).toBe(1);
    await client.harness.drain();
    expect(client.harness.vendor.calls[0]!.context).toMatchObject(expected);
  });

  test("null, blank and unknown fields are ignored, and a number is accepted as text", async () => {
    const { body } = await client.post("/mj/submit/imagine", {
      prompt: "a boat",
      state: 17,
      notifyHook: "",
      botType: null,
      base64Array: null,
      accountFilter: { channelId: "", instanceId: null, modes: null, remark: "", unheardOf: 1 },
      noStorage: true,
      mode: "",
    });
    expect(body.code).toBe(1);
    expect((await client.fetchTask(body.result)).state).toBe("17");
  });

  test("a state is returned byte for byte, even a blank one, and never sent to the vendor", async () => {
    for (const state of ['🛶 "x"\n\t', "", "é".repeat(2_000)]) {
      const { body } = await client.post("/mj/submit/imagine", { prompt: "a boat", state });
      expect((await client.fetchTask(body.result)).state).toBe(state);
    }
    await client.harness.drain();
    expect(client.harness.vendor.calls.every((c) => /^[\w-]+$/.test(c.context.state))).toBe(true);
  });

  const rejected: [string, string, unknown, number, RegExp][] = [
    ["an imagine without prompt", "/mj/submit/imagine", {}, 4, /^prompt: is required/],
    ["an imagine with a blank prompt", "/mj/submit/imagine", { prompt: "  " }, 4, /^prompt: /],
    ["a prompt that is no text", "/mj/submit/imagine", { prompt: { a: 1 } }, 4, /^prompt: /],
    [
      "a state above our 16 KB",
      "/mj/submit/imagine",
      { prompt: "x", state: "é".repeat(9_000) },
      4,
      /^state: must be at most 16384 bytes/,
    ],
    [
      "a notifyHook that is no http(s) URL",
      "/mj/submit/imagine",
      { prompt: "x", notifyHook: "ftp://a" },
      4,
      /^notifyHook: /,
    ],
    ["an unknown bot", "/mj/submit/imagine", { prompt: "x", botType: "HAL" }, 4, /^botType: /],
    ["an unknown mode", "/mj/submit/imagine", { prompt: "x", mode: "WARP" }, 4, /^mode: /],
    [
      "an image that is neither a data URI nor a link",
      "/mj/submit/imagine",
      { prompt: "x", base64Array: ["hello"] },
      4,
      /^base64Array\[0\]: /,
    ],
    [
      "an image in the old field base64 that is no image",
      "/mj/submit/imagine",
      { prompt: "x", base64: "hello" },
      4,
      /^base64: /,
    ],
    ["a blend of one image", "/mj/submit/blend", { base64Array: [IMAGE] }, 4, /^base64Array: /],
    [
      "a blend with unknown dimensions",
      "/mj/submit/blend",
      { base64Array: [IMAGE, IMAGE], dimensions: "ROUND" },
      4,
      /^dimensions: /,
    ],
    ["a modal answer without task id", "/mj/submit/modal", { prompt: "x" }, 4, /^taskId: /],
    ["a mask that is no data URI", "/mj/submit/modal", { taskId: "1", maskBase64: "x" }, 4, /^maskBase64: /],
    ["an action without customId", "/mj/submit/action", { taskId: "1" }, 4, /^customId: is required/],
    [
      "an action with a blank customId",
      "/mj/submit/action",
      { taskId: "1", customId: "" },
      4,
      /^customId: is required/,
    ],
    ["a change without index", "/mj/submit/change", { taskId: "1", action: "UPSCALE" }, 4, /^index: /],
    ["a change with an unknown action", "/mj/submit/change", { taskId: "1", action: "PAN" }, 4, /^action: /],
    ["a simple-change with an unknown button", "/mj/submit/simple-change", { content: "1 W2" }, 4, /^content: /],
    ["an upload without images", "/mj/submit/upload-discord-images", { base64Array: [] }, 4, /^base64Array: /],
    ["a list request whose ids are no list", "/mj/task/list-by-condition", { ids: "1" }, 4, /^ids: /],
    ["a shorten that the vendor does not support", "/mj/submit/shorten", { prompt: "x" }, 4, /cannot do "shorten"/],
    [
      "a describe that the vendor does not support",
      "/mj/submit/describe",
      { base64: IMAGE },
      4,
      /cannot do "describe"/,
    ],
    [
      "a swap-face without target image",
      "/mj/insight-face/swap",
      { sourceBase64: IMAGE },
      4,
      /^targetBase64: is required/,
    ],
    ["a swap-face with a wrong link", "/mj/insight-face/swap", { sourceUrl: "x", targetUrl: LINK }, 4, /^sourceUrl: /],
    ["a describe without image", "/mj/submit/describe", {}, 4, /^base64: is required/],
    ["a describe with a wrong link", "/mj/submit/describe", { link: "x" }, 4, /^link: /],
    ["a video without image", "/mj/submit/video", { prompt: "x", motion: "low" }, 4, /^image: is required/],
    ["a video with a wrong image", "/mj/submit/video", { image: "x" }, 4, /^image: /],
    ["a video with an unknown motion", "/mj/submit/video", { image: LINK, motion: "wild" }, 4, /^motion: /],
    ["a video with three films", "/mj/submit/video", { image: LINK, batchSize: 3 }, 4, /^batchSize: must be 1, 2 or 4/],
    ["a video with a loop that is text", "/mj/submit/video", { image: LINK, loop: "yes" }, 4, /^loop: /],
    ["a video in turbo mode", "/mj-turbo/mj/submit/video", { image: LINK }, 4, /^mode: must not be turbo/],
    ["an unknown action of a video", "/mj/submit/video", { action: "cut", taskId: "1" }, 4, /^action: must be extend/],
    ["an extension without task id", "/mj/submit/video", { action: "extend", index: 1 }, 4, /^taskId: is required/],
    ["an extension without index", "/mj/submit/video", { action: "extend", taskId: "1" }, 4, /^index: must be 0/],
    [
      "an extension with a wrong index",
      "/mj/submit/video",
      { action: "extend", taskId: "1", index: 4 },
      4,
      /^index: must be 0/,
    ],
    [
      "an extension with a wrong motion",
      "/mj/submit/video",
      { action: "extend", taskId: "1", index: 0, motion: "x" },
      4,
      /^motion: must be low or high/,
    ],
    [
      "an extension of an unknown task",
      "/mj/submit/video",
      { action: "extend", taskId: "1765432109876123", index: 0 },
      4,
      /^taskId: .*does not exist/,
    ],
    ["an edit without image", "/mj/submit/edits", { prompt: "x" }, 4, /^image: is required/],
    ["an edit without prompt", "/mj/submit/edit", { image: LINK }, 4, /^prompt: is required/],
    ["a retexture without image", "/mj/submit/retexture", { prompt: "x" }, 4, /^image: is required/],
    ["a video that the vendor does not have", "/mj/submit/video", { image: LINK }, 4, /cannot do "video"/],
    ["an edit that the vendor does not have", "/mj/submit/edits", { prompt: "x", image: LINK }, 4, /cannot do "edit"/],
    [
      "a modal answer for an unknown task",
      "/mj/submit/modal",
      { taskId: "1765432109876123", prompt: "x" },
      4,
      /^taskId: .*does not exist/,
    ],
    [
      "a notifyHook that would never be posted to",
      "/mj/submit/imagine",
      { prompt: "x", notifyHook: "http://10.0.0.1/" },
      4,
      /^notifyHook: only https/,
    ],
    [
      "an action on an unknown task",
      "/mj/submit/action",
      { taskId: "1765432109876123", customId: "x" },
      4,
      /^taskId: .*does not exist/,
    ],
    ["a body that is no JSON object", "/mj/submit/imagine", ["x"], 4, /object/],
  ];

  test.each(rejected)("%s gets its code, and nothing is written", async (_, path, body, code, words) => {
    const answered = await client.post(path, body);
    expect(answered.body).toEqual({ code, description: expect.stringMatching(words), result: null, properties: {} });
    expect(answered.status).toBe(path.includes("/task/") ? 400 : 200);
    expect(client.harness.queue.size).toBe(0);
    expect(await client.harness.deps.mjTaskIds.latest("app_a", 10)).toEqual([]);
  });

  test("a submission without any provider gets code 3", async () => {
    for (const defaultProvider of ["nobody", undefined]) {
      const providers = { get: () => undefined, ids: () => [] };
      const bare = createClient({ providers, defaultProvider });
      const { status, body } = await bare.post("/mj/submit/imagine", { prompt: "x" });
      expect([status, body.code]).toEqual([200, 3]);
    }
  });

  test("an overloaded table gives code 23 and a failing table code 9, both with HTTP 200", async () => {
    const { mjTaskIds } = client.harness.deps;
    const { create } = mjTaskIds;
    mjTaskIds.create = () => Promise.reject(new MjflowError("overloaded"));
    const busy = await client.post("/mj/submit/imagine", { prompt: "x" });
    expect([busy.status, busy.body.code, busy.body.result]).toEqual([200, 23, null]);
    mjTaskIds.create = create;
    client.harness.storeFault.arm("createFlow", "before");
    const broken = await client.post("/mj/submit/imagine", { prompt: "x" });
    expect([broken.status, broken.body.code, broken.body.result]).toEqual([200, 9, null]);
    expect(JSON.stringify(broken.body)).not.toContain("crash");
  });

  test("an exceeded limit becomes code 23, a banned word code 24", () => {
    const limited = Object.assign(new MjflowError("wrong_state", { detail: "Ten a minute." }), { status: 429 });
    expect(refusal(limited)).toMatchObject({ code: 23, description: "Ten a minute.", result: null });
    const banned = new MjflowError("invalid_request", { field: "prompt", extra: { bannedWord: "gory" } });
    expect(refusal(banned)).toMatchObject({ code: 24, properties: { bannedWord: "gory" } });
  });
});

describe("fetch of a task", () => {
  test("a new task has every field of the task object", async () => {
    const { body } = await client.post("/mj/submit/imagine", { prompt: "a paper boat", state: "s" });
    expect(await client.fetchTask(body.result)).toEqual({
      id: body.result,
      action: "IMAGINE",
      customId: null,
      botType: "MID_JOURNEY",
      prompt: "a paper boat",
      promptEn: "a paper boat",
      description: "/imagine a paper boat",
      state: "s",
      submitTime: expect.any(Number),
      startTime: null,
      finishTime: null,
      imageUrl: null,
      imageUrls: null,
      videoUrl: null,
      videoUrls: null,
      status: "NOT_START",
      progress: "0%",
      failReason: null,
      buttons: [],
      properties: { finalPrompt: null },
    });
  });

  test("the status goes from NOT_START over SUBMITTED and IN_PROGRESS with progress to SUCCESS", async () => {
    const { body } = await client.post("/mj/submit/imagine", { prompt: "a boat" });
    const seen = async () => {
      const { status, progress } = await client.fetchTask(body.result);
      return [status, progress];
    };
    expect(await seen()).toEqual(["NOT_START", "0%"]);
    await client.harness.drain();
    expect(await seen()).toEqual(["SUBMITTED", "0%"]);
    const call = client.harness.vendor.calls[0]!;
    await client.harness.post(call, "IN_PROGRESS", { progress: 35 });
    expect(await seen()).toEqual(["IN_PROGRESS", "35%"]);
    await client.harness.post(call, "IN_PROGRESS", { progress: 100 });
    // Clients stop polling at 100%, with or without an image.
    expect(await seen()).toEqual(["IN_PROGRESS", "99%"]);
    await client.harness.post(call, "SUCCESS");
    expect(await seen()).toEqual(["SUCCESS", "100%"]);
    const task = await client.fetchTask(body.result);
    expect(task).toMatchObject({ imageUrl: `https://img.test/${call.id}.png`, failReason: null });
    expect(task.finishTime).toBeGreaterThanOrEqual(task.startTime);
    expect(task.buttons).toHaveLength(10);
    expect(task.buttons[0]).toEqual({
      customId: expect.stringMatching(/^MJ::JOB::upsample::1::/),
      label: "U1",
      emoji: "",
      type: 2,
      style: 2,
    });
  });

  test("a failed task has the vendor's reason, and an expired task is shown as FAILURE", async () => {
    const { body: failed } = await client.post("/mj/submit/imagine", { prompt: "a boat" });
    await client.harness.drain();
    await client.harness.post(client.harness.vendor.calls[0]!, "FAILURE", { failReason: "[Invalid parameter] --foo" });
    const task = await client.fetchTask(failed.result);
    expect(task).toMatchObject({ status: "FAILURE", failReason: "[Invalid parameter] --foo", imageUrl: null });
    expect(task.progress).not.toBe("100%");

    const { body: banned } = await client.post("/mj/submit/imagine", { prompt: "gory" });
    const vendor = { code: "24", description: "可能包含敏感词", bannedWord: "gory" };
    client.harness.vendor.next({ kind: "refused", failure: { code: "banned_prompt", message: "no", vendor } });
    await client.harness.drain();
    expect(await client.fetchTask(banned.result)).toMatchObject({
      status: "FAILURE",
      failReason: "可能包含敏感词",
      properties: { bannedWord: "gory" },
    });

    const { body: expired } = await client.post("/mj/submit/imagine", { prompt: "a boat" });
    client.harness.vendor.next({ kind: "busy", reason: "full", afterMs: 1 });
    await client.harness.drain();
    client.harness.advance(7 * 3_600_000);
    await client.harness.sweep();
    const late = await client.fetchTask(expired.result);
    expect(late.status).toBe("FAILURE");
    expect(late.failReason).not.toBe("");
  });

  test("a task that the vendor canceled has the status CANCEL", async () => {
    const { body } = await client.post("/mj/submit/imagine", { prompt: "a boat" });
    await client.harness.drain();
    await client.harness.post(client.harness.vendor.calls[0]!, "CANCEL");
    expect(await client.fetchTask(body.result)).toMatchObject({
      status: "CANCEL",
      failReason: expect.stringMatching(/./),
    });
  });

  test("a task never shows our callback URL, in whichever field the vendor returns it", async () => {
    const { body } = await client.post("/mj/submit/imagine", { prompt: "a boat" });
    await client.harness.drain();
    const call = client.harness.vendor.calls[0]!;
    const hook = call.context.notifyHook;
    await client.harness.post(call, "FAILURE", {
      failReason: `could not post to ${hook} and gave up`,
      result: { finalPrompt: hook, promptEn: `see ${hook}`, raw: JSON.stringify({ hook }) },
    });
    const text = JSON.stringify(await client.fetchTask(body.result));
    expect(text).toContain("could not post to [callback] and gave up");
    expect(text).not.toContain("/callbacks/");
  });

  test("a fetch gets 404 with code 3 for an unknown id, a task of another app and any other text", async () => {
    const id = await client.imagined();
    const { flowId } = (await client.harness.deps.mjTaskIds.get("app_a", id))!;
    const native = `${flowId.replace("flow_", "task_")}_0`;
    const other = { "mj-api-secret": OTHER_SECRET };
    for (const [path, headers] of [
      ["1765432109876123", undefined],
      ["task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0", undefined],
      ["constructor", undefined],
      ["%00", undefined],
      [id, other],
      [native, other],
    ] as const) {
      const { status, body } = await client.call("GET", `/mj/task/${path}/fetch`, undefined, headers);
      expect([status, body.code, body.result], path).toEqual([404, 3, null]);
    }
    expect((await client.fetchTask(native)).id).toBe(native);
  });

  test("a task whose flow was never written gets 404 after 40 seconds", async () => {
    client.harness.storeFault.arm("createFlow", "before");
    await client.post("/mj/submit/imagine", { prompt: "x" });
    const [withoutTask] = await client.harness.deps.mjTaskIds.latest("app_a", 1);
    expect((await client.fetchTask(withoutTask!.id)).status).toBe("NOT_START");
    client.harness.advance(39_999);
    expect((await client.fetchTask(withoutTask!.id)).status).toBe("NOT_START");
    client.harness.advance(2);
    expect((await client.call("GET", `/mj/task/${withoutTask!.id}/fetch`)).status).toBe(404);
    expect((await client.call("GET", "/mj/task/list")).body).toEqual([]);
  });

  test("a task can be fetched with the path of xfusionai, and /mj/image redirects to its image", async () => {
    const id = await client.imagined();
    expect((await client.call("GET", `/mj/query/task/${id}`)).body).toEqual(await client.fetchTask(id));
    const response = await client.app.request(`/mj/image/${id}`, { headers: { "mj-api-secret": SECRET } });
    expect([response.status, response.headers.get("location")]).toEqual([302, (await client.fetchTask(id)).imageUrl]);
    const { body } = await client.post("/mj/submit/imagine", { prompt: "x" });
    expect((await client.call("GET", `/mj/image/${body.result}`)).status).toBe(404);
  });
});

describe("presses", () => {
  test("a press by customId creates a task with its own id, state and description", async () => {
    const id = await client.imagined({ state: "the grid" });
    const customId = await client.customId(id, "U2");
    const { body } = await client.post("/mj/submit/action", { taskId: id, customId, state: "the second" });
    expect(body).toMatchObject({ code: 1, result: expect.stringMatching(NUMBER) });
    expect(body.result).not.toBe(id);
    await client.harness.finishAll();
    const task = await client.fetchTask(body.result);
    expect(task).toMatchObject({
      action: "UPSCALE",
      status: "SUCCESS",
      customId,
      state: "the second",
      prompt: "a paper boat",
      description: `/up ${id} U2`,
    });
    expect(task.buttons.map((b: Json) => b.label)).toContain("Zoom Out 2x");
    expect(client.harness.vendor.presses()).toEqual([customId]);
    expect((await client.fetchTask(id)).state).toBe("the grid");
  });

  test("change and simple-change press the button with the given number", async () => {
    const id = await client.imagined();
    const changed = await client.post("/mj/submit/change", { taskId: id, action: "VARIATION", index: "3" });
    const simple = await client.post("/mj/submit/simple-change", { content: `${id} U4` });
    const again = await client.post("/mj/submit/simple-change", { content: `${id} R` });
    expect([changed, simple, again].map(({ body }) => body.code)).toEqual([1, 1, 1]);
    await client.harness.drain();
    expect(client.harness.vendor.presses().map((p) => p.split("::").slice(2, 4).join(":"))).toEqual([
      "variation:3",
      "upsample:4",
      "reroll:0",
    ]);
    await client.harness.finishAll();
    expect((await client.fetchTask(changed.body.result)).action).toBe("VARIATION");
  });

  test("a press on a native task id works and creates a compat task id", async () => {
    const { id } = await client.harness.start({ state: "native" });
    await client.harness.finishAll();
    const root = `${id.replace("flow_", "task_")}_0`;
    const parent = await client.fetchTask(root);
    expect(parent).toMatchObject({ id: root, state: "native", status: "SUCCESS", prompt: "a paper boat" });
    const pressed = await client.post("/mj/submit/action", { taskId: root, customId: parent.buttons[0].customId });
    expect(pressed.body).toMatchObject({ code: 1, result: expect.stringMatching(NUMBER) });
    await client.harness.finishAll();
    expect(await client.fetchTask(pressed.body.result)).toMatchObject({ status: "SUCCESS", state: null });
  });

  test("a press of a button that the task does not have gets code 4 with the task's buttons", async () => {
    const id = await client.imagined();
    const { body } = await client.post("/mj/submit/action", { taskId: id, customId: "MJ::JOB::upsample::1::made-up" });
    expect(body).toMatchObject({ code: 4, result: null, description: expect.stringMatching(/^customId: .*U1, U2/) });
    expect(client.harness.vendor.presses()).toEqual([]);
  });

  test("a press on an unfinished task gets code 4, and a task of another app does not exist for any request", async () => {
    const { body } = await client.post("/mj/submit/imagine", { prompt: "x" });
    expect((await client.post("/mj/submit/action", { taskId: body.result, customId: "x" })).body.code).toBe(4);
    await client.harness.finishAll();
    const customId = await client.customId(body.result, "U1");
    const headers = { "mj-api-secret": OTHER_SECRET };
    const { flowId } = (await client.harness.deps.mjTaskIds.get("app_a", body.result))!;
    for (const taskId of [body.result, `${flowId.replace("flow_", "task_")}_0`]) {
      for (const [path, fields] of [
        ["action", { customId }],
        ["change", { action: "UPSCALE", index: 1 }],
        ["modal", { prompt: "x" }],
      ] as const) {
        const { status, body } = await client.post(`/mj/submit/${path}`, { taskId, ...fields }, headers);
        // Code 3 on a submission would make new-api disable its channel.
        expect([status, body.code, body.result], path).toEqual([200, 4, null]);
      }
      expect((await client.call("GET", `/mj/task/${taskId}/image-seed`, undefined, headers)).body.code).toBe(3);
      expect((await client.post(`/mj/task/${taskId}/cancel`, {}, headers)).body.code).toBe(3);
      expect((await client.post("/mj/task/list-by-condition", { ids: [taskId] }, headers)).body).toEqual([]);
    }
    expect((await client.call("GET", "/mj/task/list", undefined, headers)).body).toEqual([]);
  });

  test("a task id can be sent as a JSON number", async () => {
    const id = await client.imagined();
    const customId = await client.customId(id, "U1");
    expect((await client.post("/mj/submit/action", { taskId: Number(id), customId })).body.code).toBe(1);
  });
});

describe("repeated presses (MC2)", () => {
  test("the same press sent again within 10 seconds returns the same task, which is submitted once", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "V1"), state: "s" };
    const first = await client.post("/mj/submit/action", press);
    client.harness.advance(4_000);
    const second = await client.post("/mj/submit/action", press);
    await client.harness.finishAll();
    const third = await client.post("/mj/submit/action", press);
    // Code 21 would be wrong for a repetition: clients answer it with a modal.
    expect(first.body).toMatchObject({ code: 1, properties: {} });
    expect([second.body, third.body]).toEqual([first.body, first.body]);
    expect(client.harness.vendor.presses()).toHaveLength(1);
    expect((await client.call("GET", "/mj/task/list")).body).toHaveLength(2);
  });

  test("twenty identical presses at once create one task", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "U1") };
    const all = await Promise.all(Array.from({ length: 20 }, () => client.post("/mj/submit/action", press)));
    expect(new Set(all.map(({ body }) => body.result)).size).toBe(1);
    await client.harness.finishAll();
    expect(client.harness.vendor.presses()).toHaveLength(1);
    expect((await client.call("GET", "/mj/task/list")).body).toHaveLength(2);
  });

  test("two identical presses across the boundary of two 10-second spans return the same task", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "U1") };
    client.harness.advance(10_000 - (client.harness.deps.clock.now() % 10_000) - 1);
    const first = await client.post("/mj/submit/action", press);
    client.harness.advance(2);
    expect((await client.post("/mj/submit/action", press)).body.result).toBe(first.body.result);
  });

  test("a press that failed between id and task creates the task when it is sent again", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "U1") };
    client.harness.storeFault.arm("createTask", "before");
    expect((await client.post("/mj/submit/action", press)).body.code).toBe(9);
    const { body } = await client.post("/mj/submit/action", press);
    expect(body.code).toBe(1);
    await client.harness.finishAll();
    expect((await client.fetchTask(body.result)).status).toBe("SUCCESS");
    expect(client.harness.vendor.presses()).toHaveLength(1);
  });

  test("a press with another state, after 10 seconds or after a failure creates another task", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "🔄") };
    const results = [await client.post("/mj/submit/action", press)];
    results.push(await client.post("/mj/submit/action", { ...press, state: "another" }));
    client.harness.advance(10_001);
    results.push(await client.post("/mj/submit/action", press));
    await client.harness.drain();
    await client.harness.post(client.harness.vendor.calls.at(-1)!, "FAILURE");
    results.push(await client.post("/mj/submit/action", press));
    expect(new Set(results.map(({ body }) => body.result)).size).toBe(4);
    await client.harness.drain();
    expect(client.harness.vendor.presses()).toHaveLength(4);
  });
});

describe("modals", () => {
  async function upscaled(): Promise<string> {
    const id = await client.imagined();
    const { body } = await client.post("/mj/submit/action", { taskId: id, customId: await client.customId(id, "U1") });
    await client.harness.finishAll();
    return body.result;
  }
  const nextCallOpensModal = () => client.harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));

  test("a button that always opens a modal gets code 21 with the new id, and the task has the status MODAL", async () => {
    const id = await upscaled();
    const press = { taskId: id, customId: await client.customId(id, "Custom Zoom") };
    const { status, body } = await client.post("/mj/submit/action", press);
    expect(status).toBe(200);
    expect(body).toMatchObject({ code: 21, result: expect.stringMatching(NUMBER), properties: { remix: true } });
    expect(body.properties.finalPrompt).toBeUndefined();
    // A code 21 with `properties.status` would mean "exists already".
    expect(body.properties).not.toHaveProperty("status");
    expect(body.result).not.toBe(id);
    expect((await client.fetchTask(body.result)).status).toBe("MODAL");
    nextCallOpensModal();
    await client.harness.drain();
    expect((await client.fetchTask(body.result)).status).toBe("MODAL");
  });

  test.each([
    [{ finalPrompt: "a --v 7", promptEn: "b", prompt: "c" }, "a --v 7"],
    [{ promptEn: "b", prompt: "c" }, "b"],
    [{ prompt: "c" }, "c"],
  ])("code 21 names the prompt of the modal if the parent has %o", async (result, finalPrompt) => {
    const first = await client.imagined();
    const press = { taskId: first, customId: await client.customId(first, "U1") };
    const { body } = await client.post("/mj/submit/action", press);
    await client.harness.drain();
    const call = client.harness.vendor.calls.at(-1)!;
    await client.harness.post(call, "SUCCESS", { result });
    client.harness.vendor.finished.add(call.id);
    const customId = await client.customId(body.result, "Custom Zoom");
    const modal = await client.post("/mj/submit/action", { taskId: body.result, customId });
    expect(modal.body).toMatchObject({ code: 21, properties: { finalPrompt, remix: true } });
  });

  test("a modal answer that comes before the modal is sent as soon as the vendor opens the modal", async () => {
    const id = await upscaled();
    const { body } = await client.post("/mj/submit/action", {
      taskId: id,
      customId: await client.customId(id, "Vary (Region)"),
      state: "mine",
    });
    expect(body.code).toBe(21);
    const answer = { taskId: body.result, prompt: "a red sail", maskBase64: IMAGE };
    expect((await client.post("/mj/submit/modal", answer)).body).toMatchObject({ code: 1, result: body.result });
    expect((await client.fetchTask(body.result)).status).toBe("NOT_START");
    nextCallOpensModal();
    await client.harness.finishAll();
    expect(client.harness.vendor.calls.filter((c) => c.kind === "modal")).toMatchObject([
      { prompt: "a red sail", mask: IMAGE },
    ]);
    expect(await client.fetchTask(body.result)).toMatchObject({
      status: "SUCCESS",
      state: "mine",
      prompt: "a red sail",
      action: "INPAINT",
    });
  });

  test("a modal that the vendor opens unexpectedly is shown as MODAL and answered under the same id", async () => {
    const id = await client.imagined();
    nextCallOpensModal();
    const { body } = await client.post("/mj/submit/action", { taskId: id, customId: await client.customId(id, "V1") });
    expect(body.code).toBe(1);
    await client.harness.drain();
    expect((await client.fetchTask(body.result)).status).toBe("MODAL");
    expect((await client.post("/mj/submit/modal", { taskId: body.result, prompt: "" })).body).toMatchObject({
      code: 1,
      result: body.result,
    });
    await client.harness.drain();
    expect((await client.fetchTask(body.result)).status).toBe("SUBMITTED");
  });

  test("a press that contains the modal answer needs no second request", async () => {
    const id = await upscaled();
    nextCallOpensModal();
    const { body } = await client.post("/mj/submit/action", {
      taskId: id,
      customId: await client.customId(id, "Custom Zoom"),
      prompt: "a boat --zoom 1.5",
    });
    expect(body.code).toBe(1);
    await client.harness.finishAll();
    expect(client.harness.vendor.calls.filter((c) => c.kind === "modal")).toMatchObject([
      { prompt: "a boat --zoom 1.5" },
    ]);
  });

  test("an equal second answer gets code 1, a different one code 4, and the vendor gets the first mask only", async () => {
    const id = await upscaled();
    const customId = await client.customId(id, "Vary (Region)");
    const { body } = await client.post("/mj/submit/action", { taskId: id, customId });
    const answer = { taskId: body.result, prompt: "a red sail", maskBase64: IMAGE };
    const other = { ...answer, maskBase64: "data:image/png;base64,BBBB" };
    const codes: number[] = [];
    for (const given of [answer, answer, other]) codes.push((await client.post("/mj/submit/modal", given)).body.code);
    nextCallOpensModal();
    await client.harness.finishAll();
    for (const given of [answer, other]) codes.push((await client.post("/mj/submit/modal", given)).body.code);
    expect(codes).toEqual([1, 1, 4, 1, 4]);
    expect(client.harness.vendor.calls.filter((c) => c.kind === "modal")).toMatchObject([{ mask: IMAGE }]);
  });

  test("a modal answer for a finished task gets code 4", async () => {
    const id = await client.imagined();
    expect((await client.post("/mj/submit/modal", { taskId: id, prompt: "x" })).body.code).toBe(4);
  });
});

describe("lists", () => {
  test("a list by ids is an array of the existing tasks, newest first, for ids as text, number or native id", async () => {
    const first = await client.imagined();
    client.harness.advance(5);
    const second = await client.imagined();
    const { id } = await client.harness.start();
    const native = `${id.replace("flow_", "task_")}_0`;
    for (const path of ["/mj/task/list-by-condition", "/mj/task/list-by-ids"]) {
      const ids = [Number(first), second, second, native, "1765432109876123", "nonsense", "__proto__"];
      const { status, body } = await client.post(path, { ids });
      expect(status).toBe(200);
      expect(body.map((task: Json) => task.id).toSorted()).toEqual([first, native, second].toSorted());
      expect(body.findIndex((t: Json) => t.id === second)).toBeLessThan(body.findIndex((t: Json) => t.id === first));
      expect(body.find((t: Json) => t.id === first)).toEqual(await client.fetchTask(first));
    }
    expect((await client.post("/mj/task/list-by-condition", { ids: null })).body).toEqual([]);
    expect((await client.post("/mj/task/list-by-condition", {})).body).toEqual([]);
  });

  test("the list contains the newest 100 tasks, and the queue all that wait or run, oldest first", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 103; i++) {
      client.harness.advance(1);
      ids.unshift((await client.post("/mj/submit/imagine", { prompt: `${i}` })).body.result);
    }
    const idsOf = async (path: string) => (await client.call("GET", path)).body.map((task: Json) => task.id);
    expect(await idsOf("/mj/task/list")).toEqual(ids.slice(0, 100));
    expect(await idsOf("/mj/task/queue")).toEqual(ids.toReversed());
    await client.harness.drain();
    // The vendor runs them now.
    expect(await idsOf("/mj/task/queue")).toEqual(ids.toReversed());
    const { calls } = client.harness.vendor;
    const [done, failed] = [calls.find(({ prompt }) => prompt === "7")!, calls.find(({ prompt }) => prompt === "9")!];
    await client.harness.post(done, "SUCCESS");
    await client.harness.post(failed, "FAILURE");
    const left = ids.toReversed().filter((_, i) => i !== 7 && i !== 9);
    expect(await idsOf("/mj/task/queue")).toEqual(left);
    await client.harness.finishAll();
    expect(await idsOf("/mj/task/queue")).toEqual([]);
  });

  test("a list by ids reads every one of 2,300 ids, the last ones too", async () => {
    const first = await client.imagined();
    const last = await client.imagined();
    const unknown = Array.from({ length: 2_298 }, (_, i) => String(1_765_432_109_870_000 + i));
    const { body } = await client.post("/mj/task/list-by-condition", { ids: [first, ...unknown, last] });
    expect(body.map((task: Json) => task.id).toSorted()).toEqual([first, last].toSorted());
  });
});

test("the task object is posted to the notifyHook of the request, and without one to that of the operator", async () => {
  const { deps } = client.harness;
  const operators = "https://operator.test/mj";
  const listener = createMjHookListener({ mjTaskIds: deps.mjTaskIds, mjNotifyHook: operators });
  for (const [notifyHook, expected] of [
    ["https://app.test/hook", "https://app.test/hook"],
    [undefined, operators],
  ] as const) {
    const id = await client.imagined(notifyHook && { notifyHook });
    const pointer = (await deps.mjTaskIds.get("app_a", id))!;
    const { flow, tasks } = await deps.store.load(pointer.flowId, ["0"]);
    const post = await listener.hookOf(flow!, tasks[0]!);
    expect(post?.url).toBe(expected);
    expect(JSON.parse(post!.body)).toMatchObject({ id, status: "SUCCESS" });
  }
});

test("the payload of a delivery to the notifyHook of a request is to the byte what a replay posts", async () => {
  const { deps, receiver, drain } = client.harness;
  const id = await client.imagined({ notifyHook: "https://app.test/payload" });
  const { flowId } = (await deps.mjTaskIds.get("app_a", id))!;
  const delivery = (await deliveriesOfFlow(deps, "app_a", flowId)).find(({ listener }) => listener === "mj")!;
  const payload = await nextPayloadOf(deps, delivery);
  await replayDelivery(deps, "app_a", deliveryIdOf(delivery));
  await drain();
  expect(receiver.posts.at(-1)!.url).toBe("https://app.test/payload");
  expect(payload).toBe(JSON.stringify(receiver.posts.at(-1)!.body));
});

describe("seed, cancel and upload", () => {
  test("a seed comes from the vendor as text; before the end it is code 4, without seed 3, after a failed look-up 9", async () => {
    const { body } = await client.post("/mj/submit/imagine", { prompt: "x" });
    const early = await client.call("GET", `/mj/task/${body.result}/image-seed`);
    expect([early.status, early.body.code]).toEqual([400, 4]);
    await client.harness.finishAll();
    const seedOf = () => client.call("GET", `/mj/task/${body.result}/image-seed`);
    expect((await seedOf()).body).toMatchObject({ code: 3, result: null });
    client.harness.vendor.provider.seed = async () => "636646000";
    expect(await seedOf()).toMatchObject({ status: 200, body: { code: 1, result: "636646000" } });
    client.harness.vendor.provider.seed = () => Promise.reject(new LookupError("HTTP 500"));
    expect((await seedOf()).body.code).toBe(9);
  });

  test("a cancel gets code 4, because it is not supported", async () => {
    const id = await client.imagined();
    expect((await client.post(`/mj/task/${id}/cancel`, {})).body).toMatchObject({ code: 4, result: null });
  });

  test("an upload returns the vendor's links, or a code for each kind of failure", async () => {
    const { provider } = client.harness.vendor;
    const send = () => client.post("/mj/submit/upload-discord-images", { base64Array: [IMAGE] });
    provider.upload = async () => ({ kind: "uploaded", urls: [LINK] });
    expect((await send()).body).toEqual({ code: 1, description: expect.any(String), result: [LINK], properties: {} });
    provider.upload = async () => ({ kind: "refused", failure: { code: "unsupported", message: "It cannot." } });
    expect((await send()).body).toMatchObject({ code: 4, description: "It cannot.", result: null });
    provider.upload = async () => ({ kind: "busy", reason: "full" });
    expect((await send()).body.code).toBe(23);
    provider.upload = async () => ({ kind: "unclear", reason: "lost" });
    expect((await send()).body.code).toBe(9);
  });
});

describe("authentication and request parsing", () => {
  test("a valid key in either header, with or without Bearer, is accepted; everything else gets 401", async () => {
    const path = "/mj/task/list";
    for (const headers of [
      { "mj-api-secret": SECRET },
      { "Mj-Api-Secret": ` ${SECRET} ` },
      { authorization: `Bearer ${SECRET}` },
      { authorization: SECRET },
      { "mj-api-secret": `Bearer ${SECRET}` },
      { "mj-api-secret": `bearer  ${SECRET} ` },
      { authorization: "Bearer of-the-proxy-before-us", "mj-api-secret": SECRET },
    ] as Record<string, string>[]) {
      expect((await client.call("GET", path, undefined, headers)).status, JSON.stringify(headers)).toBe(200);
    }
    for (const headers of [
      {},
      { "mj-api-secret": "" },
      { "mj-api-secret": "wrong" },
      { authorization: "Bearer wrong" },
      { authorization: `Basic ${SECRET}` },
    ] as Record<string, string>[]) {
      for (const prefix of MJ_PREFIXES) {
        const { status, body } = await client.call("GET", `${prefix}/task/list`, undefined, headers);
        expect(status, `${prefix} ${JSON.stringify(headers)}`).toBe(401);
        expect(body).toMatchObject({ code: 9, result: null });
      }
    }
    expect((await client.call("GET", `${path}?key=${SECRET}`, undefined, {})).status).toBe(401);
  });

  test("a path that begins with // or ends with / is the same path, and /v1 stays exact", async () => {
    const auth = { "mj-api-secret": SECRET };
    const body = JSON.stringify({ prompt: "a boat" });
    const send = async (method: string, path: string) => {
      const init = { method, headers: auth, ...(method === "POST" && { body }) };
      const response = await client.unchecked.request(new Request(`http://api.test${path}`, init));
      return { status: response.status, body: (await response.json()) as Json };
    };
    for (const prefix of MJ_PREFIXES) {
      for (const path of [`/${prefix}/submit/imagine`, `${prefix}/submit/imagine/`, `//${prefix}//submit/imagine//`]) {
        expect((await send("POST", path)).body.code, path).toBe(1);
      }
    }
    await client.harness.drain();
    expect(client.harness.vendor.calls.filter(({ context }) => context.mode === "fast")).toHaveLength(9);
    const id = await client.imagined();
    expect((await send("GET", `//mj/task/${id}/fetch/`)).body.id).toBe(id);
    for (const path of ["//v1/flows", "/v1/flows/", "//healthz", "/mjx//submit/imagine"]) {
      expect((await send("GET", path)).status, path).not.toBe(200);
    }
  });

  test("the list of accounts is empty, and a single account is null", async () => {
    expect(await client.call("GET", "/mj/account/list")).toMatchObject({ status: 200, body: [] });
    expect(await client.call("GET", "/mj/account/1234567890/fetch")).toMatchObject({ status: 200, body: null });
    expect((await client.call("GET", "/mj/account/list", undefined, {})).status).toBe(401);
  });

  test("an image needs a key, unless the operator has made the images of its app public", async () => {
    const id = await client.imagined();
    const unfinished = (await client.post("/mj/submit/imagine", { prompt: "x" })).body.result;
    const native = await client.harness.start();
    await client.harness.drain();
    const image = (who: Client, path: string, headers: Record<string, string> = {}) =>
      who.unchecked.request(path, { headers });
    expect((await image(client, `/mj/image/${id}`)).status).toBe(401);
    const { deps } = client.harness;
    const open = createClient({ ...deps, mjPublicImages: ["app_other", "app_a"] });
    const shown = await image(open, `/mj/image/${id}`);
    expect([shown.status, shown.headers.get("location")]).toEqual([302, (await client.fetchTask(id)).imageUrl]);
    const task = `${native.id.replace("flow_", "task_")}_0`;
    for (const other of [unfinished, "1765432109876123", task, "nonsense"]) {
      expect((await image(open, `/mj/image/${other}`)).status, other).toBe(404);
    }
    // A wrong key stays wrong, nothing else is public, and another app's images are not.
    expect((await image(open, `/mj/image/${id}`, { "mj-api-secret": "wrong" })).status).toBe(401);
    expect((await image(open, `/mj/task/${id}/fetch`)).status).toBe(401);
    expect((await image(open, `/mj/image/${id}/x`)).status).toBe(401);
    expect((await image(createClient({ ...deps, mjPublicImages: ["app_b"] }), `/mj/image/${id}`)).status).toBe(404);
  });

  test("an unknown path or method gets 404 with code 3 in midjourney-proxy's format", async () => {
    for (const [method, path] of [
      ["POST", "/mj/submit/nothing"],
      ["GET", "/mj/submit/imagine"],
      ["POST", "/v1/mj/tasks"],
      ["DELETE", "/mj-fast/mj/task/list"],
    ] as const) {
      const { status, body } = await client.call(method, path);
      expect([status, body.code], path).toEqual([404, 3]);
      expect(body.description).toBe(`Invalid URL (${method} ${path})`);
    }
  });

  test("the native API does not accept the compat API's key header", async () => {
    const { status, headers, body } = await client.call("GET", "/v1/flows", undefined, { "mj-api-secret": SECRET });
    expect([status, headers.get("content-type"), body.code]).toEqual([401, "application/problem+json", "unauthorized"]);
  });

  test("a body that is no JSON, no UTF-8, too deep or too large gets code 4, and the content type does not matter", async () => {
    const at = "/mj/submit/imagine";
    expect(await client.post(at, "{")).toMatchObject({ status: 400, body: { code: 4 } });
    const deep = `{"prompt":"x","accountFilter":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`;
    expect(await client.post(at, deep)).toMatchObject({ status: 200, body: { code: 4 } });
    expect(await client.post(at, { prompt: "x".repeat(6 * 1024 * 1024) })).toMatchObject({
      status: 413,
      body: { code: 4 },
    });
    const headers = { "mj-api-secret": SECRET, "content-type": "text/plain" };
    expect((await client.post(at, { prompt: "a boat" }, headers)).body.code).toBe(1);
    const latin1 = await client.app.request(at, {
      method: "POST",
      headers: { "mj-api-secret": SECRET },
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    expect(latin1.status).toBe(400);
  });

  test("names such as __proto__ and constructor are treated like any other name", async () => {
    const body = `{"prompt":"x","__proto__":{"isAdmin":true,"state":"p"},"constructor":{"prototype":{"isAdmin":true}},
      "accountFilter":{"__proto__":{"remix":true},"toString":"x"}}`;
    const { body: answer } = await client.post("/mj/submit/imagine", body);
    expect(answer.code).toBe(1);
    expect(({} as Json).isAdmin).toBeUndefined();
    expect((await client.fetchTask(answer.result)).state).toBeNull();
    await client.harness.drain();
    expect(client.harness.vendor.calls[0]!.context.accountFilter).toBeUndefined();
    for (const path of ["/mj/task/__proto__/fetch", "/mj/task/constructor/image-seed", "/mj/image/hasOwnProperty"]) {
      expect((await client.call("GET", path)).status).toBe(404);
    }
  });

  test.each([
    "/mj/submit/imagine",
    "/mj/submit/action",
    "/mj/submit/change",
    "/mj/submit/simple-change",
    "/mj/submit/modal",
    "/mj/submit/blend",
    "/mj/submit/describe",
    "/mj/submit/shorten",
    "/mj/insight-face/swap",
    "/mj/submit/upload-discord-images",
    "/mj/task/list-by-condition",
  ])(
    "%s responds to hostile fields with a code below HTTP 500 and repeats their text only in short quotes",
    async (path) => {
      const values: unknown[] = [
        [],
        {},
        [[]],
        { toString: "x" },
        true,
        -1,
        1e308,
        "\u0000",
        "\ud800",
        "x".repeat(20_000),
        `<script>${"🛶".repeat(50)}`,
        "../../../../etc/passwd",
        "mj#app_b",
        "javascript:alert(1)",
        "http://169.254.169.254/",
      ];
      const names = [
        "prompt",
        "taskId",
        "customId",
        "content",
        "index",
        "action",
        "state",
        "notifyHook",
        "base64Array",
        "base64",
        "ids",
        "maskBase64",
        "accountFilter",
        "botType",
        "dimensions",
        "sourceBase64",
        "link",
      ];
      for (const value of values) {
        for (const sent of [
          ...names.map((name) => ({ [name]: value })),
          Object.fromEntries(names.map((n) => [n, value])),
        ]) {
          const { status, body } = await client.post(path, sent);
          const text = JSON.stringify(sent).slice(0, 120);
          expect(status, text).toBeLessThan(500);
          if (Array.isArray(body)) continue;
          expect([1, 3, 4], text).toContain(body.code);
          expect(body.description.length, text).toBeLessThan(500);
          // A short value is repeated in quotes, with escapes, and shortened (`issue-text.ts`). Nothing else of it is.
          const quotes = body.description.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
          for (const quote of quotes) expect(JSON.parse(quote).length, text).toBeLessThanOrEqual(41);
          const unquoted = quotes.reduce((rest: string, quote: string) => rest.replace(quote, ""), body.description);
          if (typeof value === "string" && value.length > 5) expect(unquoted).not.toContain(value.slice(0, 60));
        }
      }
    },
  );
});
