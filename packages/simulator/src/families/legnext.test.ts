/** Legnext over HTTP. Every kind of answer has the fields and types of its fixture. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "../json.ts";
import { type FaultSpec, type ManualClock, manualClock, type Simulator, startSimulator } from "../server.ts";
import { type Receiver, startReceiver } from "../test-receiver.ts";
import { type FamilyClient, familyClient } from "./test-family.ts";
import { differences, fixture } from "./test-fixture.ts";

const FAMILY = "legnext";
const PROMPT = "a red fox in snow --ar 16:9";
const TRIANGLE = { areas: [{ width: 512, height: 512, points: [0, 0, 100, 0, 100, 100] }] };

let clock: ManualClock;
let simulator: Simulator;
let receiver: Receiver;
let client: FamilyClient;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
  receiver = await startReceiver();
  client = familyClient(simulator, FAMILY, "x-api-key");
});
afterEach(async () => {
  await simulator.stop();
  await receiver.stop();
});

const submit = (verb: string, body: Fields, headers: Fields = {}) =>
  client.post(`/api/v1/${verb}`, { callback: receiver.hook, ...body }, headers);
const fetched = async (id: string) => (await client.get(`/api/v1/job/${id}`)).json;
const wireBody = (name: string) => fixture(FAMILY, name).body;
const idIn = ({ json }: { json: Fields }) => String(json.job_id);

async function grid(body: Fields = {}): Promise<string> {
  const id = idIn(await submit("diffusion", { text: PROMPT, ...body }));
  clock.advance(60_000);
  return id;
}

describe("answers have the fields and types of the fixtures", () => {
  test("an accepted job is the job itself, with an error object that says nothing", async () => {
    const root = await submit("diffusion", { text: PROMPT });
    expect(root.status).toBe(200);
    expect(differences(root.json, wireBody("submit-ok"))).toEqual([]);
    expect(root.json).toMatchObject({
      status: "pending",
      error: { code: 0 },
      meta: { usage: { frozen: 80, consume: 0 } },
    });
    clock.advance(60_000);
    const upscaled = await submit("upscale", { jobId: idIn(root), imageNo: 1, type: 0 });
    expect(differences(upscaled.json, wireBody("submit-ok-upscale"))).toEqual([]);
    expect((upscaled.json.meta as Fields).started_at).toBe("");
    expect((root.json.meta as Fields).started_at).toBe("0001-01-01T00:00:00Z");
  });

  test("a running and a finished job", async () => {
    const id = idIn(await submit("diffusion", { text: PROMPT }));
    clock.advance(1_300);
    expect(differences(await fetched(id), wireBody("query-running"))).toEqual([]);
    clock.advance(60_000);
    expect(differences(await fetched(id), wireBody("query-success"))).toEqual([]);
  });

  test("callbacks of a grid, of an enlarged picture and of a failure", async () => {
    const root = await grid();
    await submit("upscale", { jobId: root, imageNo: 1, type: 1 });
    await submit("diffusion", { text: `${PROMPT} --sim moderated` });
    clock.advance(60_000);
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 3);
    const [made, ...others] = receiver.bodies;
    const ofType = (type: string, status: string) =>
      others.find(({ data }) => (data as Fields).task_type === type && (data as Fields).status === status);
    expect(differences(made, wireBody("callback-wrapped-success"))).toEqual([]);
    expect(differences(ofType("upscale", "completed"), wireBody("callback-upscale-success"))).toEqual([]);
    expect(differences(ofType("diffusion", "failed"), wireBody("callback-failed"))).toEqual([]);
  });

  test("a callback may be the job itself", async () => {
    simulator.scenario(FAMILY, { callbackForm: "bare" });
    await grid();
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 1);
    expect(differences(receiver.bodies[0], wireBody("callback-flat-success"))).toEqual([]);
  });

  test.each([
    ["submit-401", undefined, { "x-api-key": "wrong-key" }],
    ["submit-402", { kind: "out-of-credit" }, {}],
    ["submit-403", { kind: "account-refused" }, {}],
    ["submit-429", { kind: "answer-429" }, {}],
  ] satisfies [string, FaultSpec | undefined, Fields][])("%s", async (name, fault, headers) => {
    if (fault) simulator.arm(fault);
    const answer = await submit("diffusion", { text: PROMPT }, headers);
    expect(answer.status).toBe(fixture(FAMILY, name).http.status);
    expect(differences(answer.json, wireBody(name))).toEqual([]);
    expect(simulator.ledger().counts.tasks).toBe(0);
  });
});

describe("jobs", () => {
  test("the pictures of a grid are there without a further step, and zoom and vary by number", async () => {
    const id = await grid();
    const { output } = await fetched(id);
    expect((output as Fields).image_urls).toHaveLength(4);
    expect((output as Fields).seed).toMatch(/^\d+$/);
    const zoomed = idIn(await submit("outpaint", { jobId: id, imageNo: 2, scale: 2 }));
    const varied = idIn(await submit("variation", { jobId: id, imageNo: 0, type: 1, remixPrompt: "a blue fox" }));
    expect(simulator.task(zoomed)).toMatchObject({ action: "ZOOM", index: 3, customId: "outpaint:2:2" });
    expect(simulator.task(varied)).toMatchObject({ action: "HIGH_VARIATION", prompt: "a blue fox" });
  });

  test("an enlarged picture offers nothing more", async () => {
    const upscaled = idIn(await submit("upscale", { jobId: await grid(), imageNo: 0, type: 0 }));
    clock.advance(60_000);
    expect((await fetched(upscaled)).output).not.toHaveProperty("available_actions");
    expect((await submit("variation", { jobId: upscaled, imageNo: 0, type: 0 })).status).toBe(400);
  });

  test.each([
    ["upscale", { imageNo: 4, type: 0 }],
    ["upscale", { imageNo: 0, type: 9 }],
    ["outpaint", { imageNo: 0, scale: 2.5 }],
    ["pan", { imageNo: 0, scale: 1.5 }],
    ["inpaint", { imageNo: 0, mask: "iVBORw0KGgo=" }],
    ["inpaint", { imageNo: 0, mask: { areas: [] } }],
    ["inpaint", { imageNo: 0, mask: { areas: [{ width: 512, height: 512, points: [0, 0, 1, 1] }] } }],
    ["remix", { imageNo: 0, mode: 1 }],
  ])("%s with %o is refused and costs nothing", async (verb, body) => {
    const jobId = await grid();
    expect((await submit(verb, { jobId, ...body })).status).toBe(400);
    expect(simulator.ledger().counts.tasks).toBe(1);
  });

  test("a region is polygons", async () => {
    const jobId = await grid();
    const made = idIn(await submit("inpaint", { jobId, imageNo: 1, mask: TRIANGLE, remixPrompt: "a hat" }));
    expect(simulator.task(made)).toMatchObject({ action: "INPAINT", prompt: "a hat", index: 2 });
  });

  test("content and permission have the same status and other words", async () => {
    const banned = await submit("diffusion", { text: "a gory fox" });
    const edit = await submit("edit", { jobId: await grid(), imageNo: 0 });
    expect([banned.status, edit.status]).toEqual([403, 403]);
    expect(banned.json).not.toEqual(edit.json);
  });

  test("turbo costs twice as much, a draft half, and a failure nothing", async () => {
    const usage = async (text: string) => {
      const { meta } = await fetched(await grid({ text }));
      return (meta as { usage: Fields }).usage;
    };
    expect(await usage(`${PROMPT} --turbo`)).toMatchObject({ frozen: 160, consume: 160 });
    expect(await usage(`${PROMPT} --draft`)).toMatchObject({ frozen: 40, consume: 40 });
    expect(await usage(`${PROMPT} --sim fail`)).toMatchObject({ frozen: 80, consume: 0 });
  });

  test("describe and shorten have texts", async () => {
    const described = idIn(await submit("describe", { imgUrl: "https://x.test/a.png" }));
    const shortened = idIn(await submit("shorten", { prompt: "a very long prompt about some foxes" }));
    clock.advance(60_000);
    expect(((await fetched(described)).output as Fields).prompts).toHaveLength(4);
    expect(((await fetched(shortened)).output as Fields).prompts).toHaveLength(2);
  });

  test("running jobs are called back only if the scenario says so", async () => {
    simulator.scenario(FAMILY, { sendsProgress: true });
    await grid();
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 10);
    const words = receiver.bodies.map(({ data }) => (data as Fields).status);
    expect(words).toEqual([...Array(9).fill("processing"), "completed"]);
  });
});
