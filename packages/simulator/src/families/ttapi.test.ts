/** TTAPI over HTTP. Every kind of answer has the fields and types of its fixture. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "../json.ts";
import { type FaultSpec, type ManualClock, manualClock, type Simulator, startSimulator } from "../server.ts";
import { type Receiver, startReceiver } from "../test-receiver.ts";
import { type FamilyClient, familyClient } from "./test-family.ts";
import { differences, fixture } from "./test-fixture.ts";

const BASE = "/midjourney/v1";
const PROMPT = "a red fox in snow --ar 16:9";
const FOUR = { getUImages: true };

let clock: ManualClock;
let simulator: Simulator;
let receiver: Receiver;
let client: FamilyClient;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
  receiver = await startReceiver();
  client = familyClient(simulator, "ttapi", "tt-api-key");
});
afterEach(async () => {
  await simulator.stop();
  await receiver.stop();
});

const submit = (verb: string, body: Fields) => client.post(`${BASE}/${verb}`, { hookUrl: receiver.hook, ...body });
const dataOf = ({ json }: { json: Fields }) => (json.data ?? {}) as Fields;
const fetched = async (id: string) => (await client.get(`${BASE}/fetch?jobId=${id}`)).json;

/** Starts an imagine. @returns its id */
async function imagine(body: Fields = {}): Promise<string> {
  return String(
    dataOf(await submit("imagine", { prompt: PROMPT, mode: "fast", timeout: 300, ...FOUR, ...body })).jobId,
  );
}

async function press(jobId: string, action: string): Promise<string> {
  return String(dataOf(await submit("action", { jobId, action, timeout: 300 })).job_id);
}

/** Starts an imagine and lets it end. */
async function grid(body: Fields = {}): Promise<string> {
  const id = await imagine(body);
  clock.advance(60_000);
  return id;
}

async function single(): Promise<string> {
  const id = await press(await grid(), "upsample2");
  clock.advance(60_000);
  return id;
}

describe("answers have the fields and types of the fixtures", () => {
  test("an accepted imagine, and an accepted action with its other spelling of the id", async () => {
    const root = await submit("imagine", fixture("ttapi", "submit-ok").http.request!.body!);
    expect(differences(root.json, fixture("ttapi", "submit-ok").body)).toEqual([]);
    clock.advance(60_000);
    const pressed = await submit("action", { jobId: dataOf(root).jobId, action: "upsample2", timeout: 300 });
    expect(differences(pressed.json, fixture("ttapi", "submit-ok-action").body)).toEqual([]);
  });

  test("a running and a finished job, and the list", async () => {
    const id = await imagine();
    clock.advance(1_300);
    expect(differences(await fetched(id), fixture("ttapi", "query-running").body)).toEqual([]);
    expect(await fetched(id)).toMatchObject({ status: "ON_QUEUE", data: { progress: "46" } });
    clock.advance(60_000);
    expect(differences(await fetched(id), fixture("ttapi", "query-success").body)).toEqual([]);
    const { json } = await client.get(`${BASE}/fetch-list?page=1&limit=100&order=desc&status=SUCCESS`);
    expect(differences(json, fixture("ttapi", "list").body)).toEqual([]);
    expect((json.data as Fields[])[0]).toMatchObject({ job_id: id, status: 2, model: "fast" });
  });

  test("callbacks of a grid, of a single picture and of a failure", async () => {
    await single();
    await imagine({ prompt: `${PROMPT} --sim moderated` });
    clock.advance(60_000);
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 3);
    const [root, upscaled, failed] = receiver.bodies;
    expect(differences(root, fixture("ttapi", "callback-imagine-success").body)).toEqual([]);
    expect(differences(upscaled, fixture("ttapi", "callback-upscale-success").body)).toEqual([]);
    expect(differences(failed, fixture("ttapi", "callback-failed").body)).toEqual([]);
    expect(failed?.message).toMatch(/^\[Banned prompt detected\]/);
  });

  test.each([
    ["submit-401-key", undefined, { "tt-api-key": "wrong-key" }, PROMPT],
    ["submit-400-banned", undefined, {}, "a gory fox"],
    ["submit-402-balance", { kind: "out-of-credit" }, {}, PROMPT],
    ["submit-403-blocked", { kind: "account-refused" }, {}, PROMPT],
    ["submit-429-rate", { kind: "answer-429" }, {}, PROMPT],
    ["submit-499-queue", { kind: "queue-full" }, {}, PROMPT],
  ] satisfies [string, FaultSpec | undefined, Fields, string][])("%s", async (name, fault, headers, prompt) => {
    if (fault) simulator.arm(fault);
    const answer = await client.call("POST", `${BASE}/imagine`, { prompt }, headers);
    const { http, body } = fixture("ttapi", name);
    expect(answer.status).toBe(http.status);
    expect(differences(answer.json, body)).toEqual([]);
    expect(simulator.ledger().counts.tasks).toBe(0);
  });
});

describe("jobs", () => {
  test("a grid offers U, V and reroll, and its upscale zooms", async () => {
    const id = await single();
    const parts = ((await fetched(id)).data as Fields).components as string[];
    expect(parts).toEqual(expect.arrayContaining(["zoom_out_2", "high_variation", "pan_left", "make_square"]));
    const zoomed = await press(id, "zoom_out_2");
    clock.advance(60_000);
    expect(await fetched(zoomed)).toMatchObject({
      status: "SUCCESS",
      data: { action: "zoom_out_2", components: expect.arrayContaining(["upsample1", "variation4"]) },
    });
    expect(simulator.task(zoomed)).toMatchObject({ action: "ZOOM", result: "grid", parentId: id });
  });

  test("an action that the parent does not offer, a running parent and an unknown parent are refused", async () => {
    const running = await imagine();
    expect((await submit("action", { jobId: running, action: "upsample1" })).status).toBe(400);
    clock.advance(60_000);
    expect((await submit("action", { jobId: running, action: "zoom_out_2" })).status).toBe(400);
    expect((await submit("action", { jobId: "unknown", action: "upsample1" })).status).toBe(404);
    expect(simulator.ledger().counts.tasks).toBe(1);
  });

  test("the same action twice is charged twice", async () => {
    const id = await grid();
    expect(await press(id, "upsample1")).not.toBe(await press(id, "upsample1"));
    expect(simulator.ledger().counts.duplicatePresses).toBe(1);
  });

  test("an inpaint needs a mask without prefix and a prompt, and works on single pictures only", async () => {
    const id = await single();
    const mask = "iVBORw0KGgo=";
    expect((await submit("inpaint", { jobId: id, prompt: "a hat" })).status).toBe(400);
    expect(
      (await submit("inpaint", { jobId: id, prompt: "a hat", mask: `data:image/png;base64,${mask}` })).status,
    ).toBe(400);
    const made = dataOf(await submit("inpaint", { jobId: id, prompt: "a hat", mask }));
    expect(simulator.task(String(made.job_id))).toMatchObject({ action: "INPAINT", prompt: "a hat" });
  });

  test("a seed is a job of its own", async () => {
    const id = await grid();
    const seed = dataOf(await submit("seed", { jobId: id }));
    clock.advance(60_000);
    expect(await fetched(String(seed.jobId))).toMatchObject({
      status: "SUCCESS",
      data: { seed: expect.stringMatching(/^\d+$/) },
    });
  });

  test("the four pictures come only if they were asked for", async () => {
    const id = await grid({ getUImages: false });
    expect(await fetched(id)).toMatchObject({ data: { images: [] } });
    const asked = ((await fetched(await grid())).data as Fields).images as string[];
    expect(asked).toHaveLength(4);
    const picture = await fetch(asked[2]!);
    expect(picture.headers.get("content-type")).toBe("image/png");
  });

  test("a follow-up has the mode of its parent, and relax needs 600 seconds", async () => {
    expect((await submit("imagine", { prompt: PROMPT, mode: "relax", timeout: 300 })).status).toBe(400);
    expect((await submit("imagine", { prompt: PROMPT, mode: "slow" })).status).toBe(400);
    const id = await grid({ mode: "relax", timeout: 600 });
    expect(simulator.task(await press(id, "upsample1"))?.mode).toBe("RELAX");
  });
});

describe("callbacks", () => {
  test("only the end is reported, with our URL and the client's own id", async () => {
    await grid({ notify_id: "mine" });
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 1);
    clock.advance(60_000);
    expect(receiver.bodies).toHaveLength(1);
    expect(receiver.bodies[0]).toMatchObject({
      status: "SUCCESS",
      data: { hookUrl: receiver.hook, notify_id: "mine" },
    });
  });

  test("running jobs are reported if the scenario says so", async () => {
    simulator.scenario("ttapi", { sendsProgress: true });
    await grid();
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 10);
    expect(receiver.bodies.map(({ status }) => status)).toEqual([...Array(9).fill("ON_QUEUE"), "SUCCESS"]);
  });

  test("a callback that is not answered with 200 is sent three times in all", async () => {
    const refusing = await startReceiver(503);
    await submit("imagine", { prompt: PROMPT, hookUrl: refusing.hook });
    for (const attempts of [1, 2, 3]) {
      clock.advance(60_000);
      await simulator.waitFor(({ counts }) => counts.callbacksRefused === attempts);
    }
    clock.advance(600_000);
    expect(simulator.ledger().counts.callbacks).toBe(3);
    await refusing.stop();
  });
});

describe("a submission without an answer", () => {
  test("is found in the list, and its look-up shows our URL", async () => {
    simulator.arm({ kind: "accept-then-drop" });
    await expect(submit("imagine", { prompt: PROMPT })).rejects.toThrow();
    const { json } = await client.get(`${BASE}/fetch-list?page=1&limit=10&order=desc`);
    const [item] = json.data as Fields[];
    expect(item).not.toHaveProperty("hook_url");
    expect(await fetched(String(item?.job_id))).toMatchObject({ data: { hookUrl: receiver.hook } });
    simulator.scenario("ttapi", { listsHooks: true });
    expect((await client.get(`${BASE}/fetch-list`)).json.data).toMatchObject([{ hook_url: receiver.hook }]);
  });

  test("is hidden by newer jobs of other clients, which never name our URL", async () => {
    const id = await imagine();
    simulator.scenario("ttapi", { newerTasks: 150, listsHooks: true });
    const page = async (n: number) =>
      (await client.get(`${BASE}/fetch-list?page=${n}&limit=100`)).json.data as Fields[];
    expect((await page(1)).some(({ hook_url: url }) => url === receiver.hook)).toBe(false);
    expect((await page(2)).filter(({ hook_url: url }) => url === receiver.hook)).toMatchObject([{ job_id: id }]);
  });
});

test("an account pays for as many jobs as it has credit; refusals cost nothing", async () => {
  simulator.scenario("ttapi", { credit: 1 });
  expect((await client.get(`${BASE}/info`)).json).toMatchObject({ data: { balance: 1 } });
  await submit("imagine", { prompt: "a gory fox" });
  await imagine();
  expect((await submit("imagine", { prompt: PROMPT })).status).toBe(402);
  expect(simulator.ledger().counts).toMatchObject({ tasks: 1, refused: 2 });
});

test("the same seed and the same requests give the same ids", async () => {
  const again = await startSimulator({ clock: manualClock(), seed: 3 });
  const twin = familyClient(again, "ttapi", "tt-api-key");
  const ours = await imagine();
  const theirs = dataOf(await twin.post(`${BASE}/imagine`, { prompt: PROMPT })).jobId;
  await again.stop();
  expect(theirs).toBe(ours);
});

test("the control API shows neither the callback URL nor the request", async () => {
  const id = await imagine();
  const shown = await (await fetch(`${simulator.url}/_sim/tasks/${id}`)).text();
  expect(shown).toContain('"hasHook":true');
  expect(shown).not.toContain(receiver.hook);
});
