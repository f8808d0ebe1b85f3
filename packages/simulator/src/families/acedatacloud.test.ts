/** AceDataCloud over HTTP. Every kind of answer has the fields and types of its fixture. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "../json.ts";
import { type FaultSpec, type ManualClock, manualClock, type Simulator, startSimulator } from "../server.ts";
import { type Receiver, startReceiver } from "../test-receiver.ts";
import { type FamilyClient, familyClient } from "./test-family.ts";
import { differences, fixture } from "./test-fixture.ts";

const FAMILY = "acedatacloud";
const PROMPT = "a red fox in snow --ar 16:9";
const NDJSON = { accept: "application/x-ndjson" };

let clock: ManualClock;
let simulator: Simulator;
let receiver: Receiver;
let client: FamilyClient;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
  receiver = await startReceiver();
  client = familyClient(simulator, FAMILY, "authorization");
});
afterEach(async () => {
  await simulator.stop();
  await receiver.stop();
});

const submit = (body: Fields, headers: Fields = {}, verb = "imagine") =>
  client.post(`/midjourney/${verb}`, { callback_url: receiver.hook, mode: "fast", ...body }, headers);
const tasks = async (body: Fields) => (await client.post("/midjourney/tasks", body)).json;
const item = (id: string) => tasks({ action: "retrieve", id });
const wireBody = (name: string) => fixture(FAMILY, name).body;

async function imagine(body: Fields = {}, headers: Fields = {}): Promise<string> {
  return String((await submit({ action: "generate", prompt: PROMPT, ...body }, headers)).json.task_id);
}

/** Starts an imagine and lets it end. */
async function grid(body: Fields = {}): Promise<string> {
  const id = await imagine(body);
  clock.advance(60_000);
  return id;
}

const imageOf = async (id: string) => String((await item(id)).image_id);

async function press(id: string, action: string, body: Fields = {}): Promise<string> {
  return String((await submit({ action, image_id: await imageOf(id), ...body })).json.task_id);
}

async function single(): Promise<string> {
  const id = await press(await grid(), "upscale2");
  clock.advance(60_000);
  return id;
}

describe("answers have the fields and types of the fixtures", () => {
  test("an accepted imagine and an accepted follow-up", async () => {
    const root = await submit({ action: "generate", prompt: PROMPT });
    expect(differences(root.json, wireBody("submit-ok"))).toEqual([]);
    clock.advance(60_000);
    const image_id = await imageOf(String(root.json.task_id));
    expect(differences((await submit({ action: "upscale2", image_id })).json, wireBody("submit-ok-action"))).toEqual(
      [],
    );
  });

  test("a running task, a finished task and a batch", async () => {
    const id = await imagine();
    clock.advance(1_300);
    expect(differences(await item(id), wireBody("query-running"))).toEqual([]);
    clock.advance(60_000);
    const second = await grid();
    expect(differences(await item(id), wireBody("query-success"))).toEqual([]);
    const batch = await tasks({ action: "retrieve_batch", ids: [id, second, "unknown"] });
    expect(differences(batch, wireBody("query-batch"))).toEqual([]);
    expect(batch).toMatchObject({ count: 2, items: [{ id }, { id: second }] });
  });

  test("callbacks of a grid, of split images, of a single picture and of a failure", async () => {
    await single();
    await grid({ split_images: true });
    await imagine({ prompt: `${PROMPT} --sim fail` });
    clock.advance(60_000);
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 4);
    const [root, upscaled, split, failed] = receiver.bodies;
    expect(differences(root, wireBody("callback-imagine-success"))).toEqual([]);
    expect(differences(upscaled, wireBody("callback-upscale-success"))).toEqual([]);
    expect(differences(split, wireBody("callback-imagine-split"))).toEqual([]);
    expect(differences(failed, wireBody("callback-failed"))).toEqual([]);
    expect(failed).toMatchObject({ error: { code: "bad_request" } });
  });

  test.each([
    ["submit-400-bad", undefined, {}, ""],
    ["submit-401-key", undefined, { authorization: "Bearer wrong-key" }, PROMPT],
    ["submit-403-moderation", undefined, {}, "a gory fox"],
    ["submit-429-rate", { kind: "answer-429" }, {}, PROMPT],
    ["submit-500", { kind: "answer-5xx" }, {}, PROMPT],
  ] satisfies [string, FaultSpec | undefined, Fields, string][])("%s", async (name, fault, headers, prompt) => {
    if (fault) simulator.arm(fault);
    const answer = await submit({ action: "generate", prompt }, headers);
    expect(answer.status).toBe(fixture(FAMILY, name).http.status);
    expect(differences(answer.json, wireBody(name))).toEqual([]);
    expect(simulator.ledger().counts.tasks).toBe(0);
  });
});

describe("progress", () => {
  test("claims success with another image id, and even 100 % without actions is not the end", async () => {
    const id = await imagine({}, NDJSON);
    clock.advance(60_000);
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 8);
    const reports = receiver.bodies;
    expect(differences(reports[0], wireBody("callback-progress"))).toEqual([]);
    expect(reports.every(({ success }) => success === true)).toBe(true);
    expect(reports.map(({ progress }) => progress)).toEqual([15, 31, 46, 62, 78, 93, 100, 100]);
    const full = reports.map(({ actions }) => (actions as string[]).length);
    expect(full).toEqual([0, 0, 0, 0, 0, 0, 0, 9]);
    const final = await imageOf(id);
    expect(reports.map(({ image_id }) => image_id === final)).toEqual([...Array(7).fill(false), true]);
  });

  test("comes only if the request asks for it", async () => {
    await grid();
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 1);
    clock.advance(60_000);
    expect(receiver.bodies).toHaveLength(1);
  });
});

describe("a call without callback_url", () => {
  test("is answered at the end with the result", async () => {
    const answer = client.post("/midjourney/imagine", { action: "generate", prompt: PROMPT });
    await simulator.waitFor(({ counts }) => counts.tasks === 1);
    clock.advance(60_000);
    const { status, json } = await answer;
    expect(status).toBe(200);
    expect(differences(json, wireBody("callback-imagine-success"))).toEqual([]);
  });

  test("is answered with the error of a task that fails, and with a timeout after 480 seconds", async () => {
    const moderated = client.post("/midjourney/imagine", { prompt: `${PROMPT} --sim moderated` });
    const stuck = client.post("/midjourney/imagine", { prompt: `${PROMPT} --sim stuck` });
    await simulator.waitFor(({ counts }) => counts.tasks === 2);
    clock.advance(480_000);
    expect(await moderated).toMatchObject({ status: 403, json: { error: { code: "forbidden" } } });
    expect(await stuck).toMatchObject({ status: 504, json: { error: { code: "timeout" } } });
  });

  test("is answered at once with `async`", async () => {
    const { json } = await client.post("/midjourney/imagine", { prompt: PROMPT, async: true });
    expect(differences(json, wireBody("submit-ok"))).toEqual([]);
  });
});

describe("tasks", () => {
  test("follow-ups name an image id, not a task id", async () => {
    const id = await grid();
    expect((await submit({ action: "upscale1", image_id: id })).status).toBe(400);
    expect((await submit({ action: "zoom_out_2x", image_id: await imageOf(id) })).status).toBe(400);
    const upscaled = await press(id, "upscale1");
    clock.advance(60_000);
    const zoomed = await press(upscaled, "zoom_out_2x", { mode: "relax" });
    expect(simulator.task(zoomed)).toMatchObject({ action: "ZOOM", parentId: upscaled, mode: "RELAX" });
  });

  test("a changed region needs a mask and a prompt", async () => {
    const id = await single();
    const image_id = await imageOf(id);
    expect((await submit({ action: "variation_region", image_id, prompt: "a hat" })).status).toBe(400);
    const made = await press(id, "variation_region", { prompt: "a hat", mask: "iVBORw0KGgo=" });
    expect(simulator.task(made)).toMatchObject({ action: "INPAINT", prompt: "a hat" });
  });

  test("a seed is answered at once", async () => {
    const image_id = await imageOf(await grid());
    expect((await client.post("/midjourney/seed", { image_id })).json.seed).toMatch(/^\d+$/);
  });

  test("a describe has four texts, and videos can be extended", async () => {
    const described = await submit({ image_url: "https://x.test/a.png" }, {}, "describe");
    const video = await submit({ action: "generate", image_url: "https://x.test/a.png" }, {}, "videos");
    clock.advance(60_000);
    const { response } = await item(String(described.json.task_id));
    expect((response as Fields).descriptions).toHaveLength(4);
    const made = (await item(String(video.json.task_id))).response as Fields;
    expect(made.video_urls).toHaveLength(4);
    const extended = await submit({ action: "extend", video_id: made.video_id, video_index: 3 }, {}, "videos");
    expect(simulator.task(String(extended.json.task_id))).toMatchObject({ action: "VIDEO", customId: "extend:3" });
  });

  test("a lost submission is in the list of recent tasks, with our URL in its request", async () => {
    simulator.arm({ kind: "accept-then-drop" });
    await expect(imagine()).rejects.toThrow();
    await grid({ callback_url: `${receiver.hook}2` });
    const { items } = await tasks({ action: "retrieve_batch" });
    const urls = (items as Fields[]).map(({ request }) => (request as Fields).callback_url);
    expect(urls).toEqual([`${receiver.hook}2`, receiver.hook]);
  });

  test("a batch has at most 12 tasks unless the request says more", async () => {
    const ids = [];
    for (let i = 0; i < 14; i++) ids.push(await imagine());
    expect((await tasks({ action: "retrieve_batch", ids })).count).toBe(12);
    expect((await tasks({ action: "retrieve_batch", ids, limit: 50 })).count).toBe(14);
    expect((await tasks({ action: "retrieve_batch", offset: 10, limit: 50 })).count).toBe(4);
  });

  test("an account without credit is refused with the status of a banned prompt and another code", async () => {
    simulator.scenario(FAMILY, { credit: 0 });
    expect(await submit({ action: "generate", prompt: PROMPT })).toMatchObject({
      status: 403,
      json: { error: { code: "used_up" } },
    });
  });
});
