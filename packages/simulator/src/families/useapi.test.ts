/** useapi.net v3 over HTTP. Every kind of answer has the fields and types of its fixture. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "../json.ts";
import { type FaultSpec, type ManualClock, manualClock, type Simulator, startSimulator } from "../server.ts";
import { type Receiver, startReceiver } from "../test-receiver.ts";
import { type FamilyClient, familyClient } from "./test-family.ts";
import { differences, fixture } from "./test-fixture.ts";

const FAMILY = "useapi";
const JOBS = "/v3/midjourney/jobs";
const PROMPT = "a red fox in snow --ar 16:9";
/** First bytes of a WebP image. */
const WEBP = "UklGRiIAAABXRUJQ";

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

const submit = (verb: string, body: Fields, headers: Fields = {}) =>
  client.post(`${JOBS}/${verb}`, { stream: false, replyUrl: receiver.hook, replyRef: "mjf_0001", ...body }, headers);
const fetched = async (id: string) => (await client.get(`${JOBS}/${encodeURIComponent(id)}`)).json;
const wireBody = (name: string) => fixture(FAMILY, name).body;
const imagine = async (body: Fields = {}) => String((await submit("imagine", { prompt: PROMPT, ...body })).json.jobid);
const press = async (jobId: string, button: string, body: Fields = {}) =>
  String((await submit("button", { jobId, button, ...body })).json.jobid);

async function grid(): Promise<string> {
  const id = await imagine();
  clock.advance(60_000);
  return id;
}

async function single(): Promise<string> {
  const id = await press(await grid(), "U2");
  clock.advance(60_000);
  return id;
}

/** Reports of one job in order. */
const reports = (id: string) => receiver.bodies.filter(({ jobid }) => jobid === id);

describe("answers have the fields and types of the fixtures", () => {
  test("an accepted imagine, an accepted button, and the button that was pressed before", async () => {
    const root = await submit("imagine", { prompt: PROMPT });
    expect(differences(root.json, wireBody("submit-ok"))).toEqual([]);
    clock.advance(60_000);
    const jobId = root.json.jobid;
    expect(differences((await submit("button", { jobId, button: "U2" })).json, wireBody("submit-ok-button"))).toEqual(
      [],
    );
    const plain = { jobId, button: "U3", stream: false };
    await client.post(`${JOBS}/button`, plain);
    clock.advance(60_000);
    const existing = await client.post(`${JOBS}/button`, plain);
    expect(differences(existing.json, wireBody("submit-ok-button-existing"))).toEqual([]);
    expect(simulator.ledger().counts).toMatchObject({ tasks: 3, duplicatePresses: 0 });
  });

  test("a finished job and an unknown job", async () => {
    const id = await grid();
    expect(differences(await fetched(id), wireBody("query-success"))).toEqual([]);
    const unknown = await client.get(`${JOBS}/j1-bot:midjourney`);
    expect(unknown.status).toBe(404);
    expect(differences(unknown.json, wireBody("query-404"))).toEqual([]);
  });

  test("callbacks of progress, of a grid, of a single picture and of failures", async () => {
    const root = await grid();
    const upscaled = await press(root, "U2");
    const failed = await imagine({ prompt: `${PROMPT} --sim timeout` });
    const moderated = await imagine({ prompt: `${PROMPT} --sim moderated` });
    clock.advance(60_000);
    await simulator.waitFor(() =>
      [root, upscaled, failed, moderated].every((id) =>
        /completed|failed|moderated/u.test(String(reports(id).at(-1)?.status)),
      ),
    );
    const progress = reports(root).find(({ response }) => (response as Fields | undefined)?.progress_percent === 46);
    expect(differences(progress, wireBody("callback-progress"))).toEqual([]);
    expect(differences(reports(root).at(-1), wireBody("callback-imagine-success"))).toEqual([]);
    expect(differences(reports(failed).at(-1), wireBody("callback-failed"))).toEqual([]);
    expect(differences(reports(moderated).at(-1), wireBody("callback-moderated"))).toEqual([]);
    // The fixture leaves our own fields out of the request.
    const { request, ...end } = reports(upscaled).at(-1)!;
    const { replyUrl: _, replyRef: __, ...rest } = request as Fields;
    expect(differences({ ...end, request: rest }, wireBody("callback-upscale-success"))).toEqual([]);
  });

  test.each([
    ["submit-401-key", undefined, { authorization: "Bearer wrong-key" }, PROMPT],
    ["submit-402-subscription", { kind: "out-of-credit" }, {}, PROMPT],
    ["submit-412-account", { kind: "account-refused" }, {}, PROMPT],
    ["submit-422-moderated", undefined, {}, "a gory fox"],
    ["submit-429-full", { kind: "queue-full" }, {}, PROMPT],
  ] satisfies [string, FaultSpec | undefined, Fields, string][])("%s", async (name, fault, headers, prompt) => {
    if (fault) simulator.arm(fault);
    const answer = await submit("imagine", { prompt }, headers);
    expect(answer.status).toBe(fixture(FAMILY, name).http.status);
    expect(differences(answer.json, wireBody(name))).toEqual([]);
    expect(simulator.ledger().counts.tasks).toBe(0);
  });
});

describe("jobs", () => {
  test("an id has a colon, and a look-up takes it encoded and plain", async () => {
    const id = await imagine();
    expect(id).toMatch(/^j\d{19}i-u\d+-c\d+-bot:midjourney$/);
    expect(await fetched(id)).toMatchObject({ jobid: id, status: "created" });
    expect((await client.get(`${JOBS}/${id}`)).json).toMatchObject({ jobid: id });
  });

  test("a refused prompt leaves a job that is moderated and was not drawn", async () => {
    const { jobid } = (await submit("imagine", { prompt: "a gory fox" })).json;
    expect(await fetched(String(jobid))).toMatchObject({ status: "moderated" });
    expect(simulator.ledger().submissions[0]).toMatchObject({ outcome: "refused", taskId: null, httpStatus: 422 });
  });

  test("U1 works once and V1 twice", async () => {
    const id = await grid();
    expect(await press(id, "U1")).toBe(await press(id, "U1"));
    expect(await press(id, "V1")).not.toBe(await press(id, "V1"));
    expect(simulator.ledger().counts).toMatchObject({ tasks: 4, duplicatePresses: 1 });
  });

  test("labels of other results are refused; a region needs a WebP mask and Custom Zoom a prompt", async () => {
    const id = await single();
    const statusOf = async (button: string, body: Fields = {}) =>
      (await submit("button", { jobId: id, button, ...body })).status;
    expect(await statusOf("U1")).toBe(400);
    expect(await statusOf("Vary (Region)", { prompt: "a hat", mask: "iVBORw0KGgo=" })).toBe(400);
    expect(await statusOf("Vary (Region)", { prompt: "a hat", mask: WEBP })).toBe(200);
    expect(await statusOf("Custom Zoom")).toBe(400);
    expect(await statusOf("Custom Zoom", { prompt: `${PROMPT} --zoom 1.5` })).toBe(200);
    const zoomed = await press(id, "Zoom Out 2x");
    expect(simulator.task(zoomed)).toMatchObject({ action: "ZOOM", result: "grid", parentId: id });
  });

  test("a describe has four texts, and its buttons draw them", async () => {
    const id = String((await submit("describe", { imageUrl: "https://x.test/a.png" })).json.jobid);
    clock.advance(60_000);
    const { embeds, buttons } = (await fetched(id)).response as { embeds: Fields[]; buttons: string[] };
    expect(String(embeds[0]?.description)).toContain("2️⃣ a painted shore");
    const drawn = await press(id, buttons[1]!);
    expect(simulator.task(drawn)?.prompt).toMatch(/^a painted shore/);
  });

  test("the modes are flags of the prompt", async () => {
    expect(simulator.task(await imagine({ prompt: `${PROMPT} --relax` }))?.mode).toBe("RELAX");
  });

  test("a job can be cancelled while it runs", async () => {
    const id = await imagine();
    expect((await client.call("DELETE", `${JOBS}/${id}`)).json).toMatchObject({ jobid: id, status: "cancelled" });
    expect((await client.call("DELETE", `${JOBS}/${id}`)).status).toBe(400);
  });

  test("a full account refuses and says which jobs run", async () => {
    simulator.scenario(FAMILY, { queue: { running: 1, waiting: 0 } });
    const id = await imagine();
    expect(await submit("imagine", { prompt: PROMPT })).toMatchObject({ status: 429, json: { executingJobs: [id] } });
  });
});

describe("callbacks", () => {
  test("every event is reported with our reference", async () => {
    await grid();
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 10);
    const words = ["started", ...Array(8).fill("progress"), "completed"];
    expect(receiver.bodies.map(({ status }) => status)).toEqual(words);
    expect(receiver.bodies.every(({ replyRef }) => replyRef === "mjf_0001")).toBe(true);
  });

  test("may have an object around them", async () => {
    simulator.scenario(FAMILY, { callbackForm: "wrapped" });
    const id = await grid();
    await simulator.waitFor(({ counts }) => counts.callbacksDelivered === 10);
    expect(receiver.bodies.at(-1)).toMatchObject({
      event: "midjourney_completed",
      data: { jobid: id, response: { replyRef: "mjf_0001" } },
    });
  });
});

describe("a lost submission", () => {
  test("is in the list while it runs, and its job has our reference", async () => {
    simulator.arm({ kind: "accept-then-drop" });
    await expect(submit("imagine", { prompt: PROMPT })).rejects.toThrow();
    const { text } = await client.get(JOBS);
    const [id] = JSON.parse(text) as string[];
    expect(await fetched(id!)).toMatchObject({ request: { replyRef: "mjf_0001", replyUrl: receiver.hook } });
    clock.advance(60_000);
    expect((await client.get(JOBS)).text).toBe("[]");
  });
});

test("a call that does not say `stream: false` is an event stream at the end of the job", async () => {
  const answer = client.post(`${JOBS}/imagine`, { prompt: PROMPT });
  await simulator.waitFor(({ counts }) => counts.tasks === 1);
  clock.advance(60_000);
  const { contentType, text } = await answer;
  expect(contentType).toBe("text/event-stream");
  expect(text).toMatch(/^event: midjourney_completed\ndata: \{"jobid":/);
});
