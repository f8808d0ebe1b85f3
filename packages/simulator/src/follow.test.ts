/** Presses: children, modals, and results that are not images. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DialectId, type ManualClock, manualClock, type Simulator, startSimulator } from "./server.ts";
import { call, idOf, imagine, look, press, submit } from "./test-client.ts";

let clock: ManualClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock });
});
afterEach(() => simulator.stop());

async function done(id: Promise<string>): Promise<string> {
  const finished = await id;
  clock.advance(60_000);
  return finished;
}

const grid = (provider: DialectId) => done(imagine(simulator, provider));
const pressed = (provider: DialectId, taskId: string, label: string, more = {}) =>
  done(press(simulator, provider, taskId, label, more).then(idOf));

test("a button that is pressed twice creates two tasks, and the ledger counts the duplicate", async () => {
  const id = await grid("simulator");
  const first = await pressed("simulator", id, "U1");
  const second = await pressed("simulator", id, "U1");
  expect(second).not.toBe(first);
  expect(simulator.ledger().counts).toMatchObject({ tasks: 3, duplicatePresses: 1 });
});

test("every result has a new job id, and an upscale shows the same tile as its grid", async () => {
  const id = await grid("simulator");
  const upscale = await pressed("simulator", id, "U3");
  const [parent, child] = [simulator.task(id), simulator.task(upscale)];
  expect(child?.jobId).not.toBe(parent?.jobId);
  expect(child).toMatchObject({ action: "UPSCALE", parentId: id, label: "U3", scene: `${parent?.scene}/3` });
});

test("Vary (Region) and Custom Zoom always wait in MODAL and continue under the same id", async () => {
  const single = await pressed("simulator", await grid("simulator"), "U1");
  const opened = await press(simulator, "simulator", single, "Vary (Region)");
  expect(opened.json).toEqual({ code: 21, description: "窗口等待", result: idOf(opened) });
  expect((await look(simulator, "simulator", idOf(opened))).json).toMatchObject({ status: "MODAL", buttons: [] });
  const modal = await submit(simulator, "simulator", "modal", { taskId: idOf(opened), prompt: "a red boat" });
  expect(modal.json).toMatchObject({ code: 1, result: idOf(opened) });
  clock.advance(60_000);
  expect((await look(simulator, "simulator", idOf(opened))).json).toMatchObject({
    status: "SUCCESS",
    prompt: "a red boat",
  });
  expect((await submit(simulator, "simulator", "modal", { taskId: idOf(opened) })).json.code).toBe(4);
});

test("Custom Zoom without a zoom between 1 and 2 fails", async () => {
  const single = await pressed("simulator", await grid("simulator"), "U1");
  const opened = idOf(await press(simulator, "simulator", single, "Custom Zoom"));
  await submit(simulator, "simulator", "modal", { taskId: opened, prompt: "a boat --zoom 3" });
  clock.advance(60_000);
  expect(simulator.task(opened)?.status).toBe("FAILURE");
});

test("remix by scenario, enableRemix or accountFilter opens a modal for V, reroll and pan, but not for U", async () => {
  const id = await grid("simulator");
  expect((await press(simulator, "simulator", id, "V1")).json.code).toBe(1);
  expect((await press(simulator, "simulator", id, "V1", { enableRemix: true })).json.code).toBe(21);
  expect((await press(simulator, "simulator", id, "🔄", { accountFilter: { remix: true } })).json.code).toBe(21);
  simulator.scenario("simulator", { remix: true });
  expect((await press(simulator, "simulator", id, "V1")).json.code).toBe(21);
  expect((await press(simulator, "simulator", id, "U1")).json.code).toBe(1);
});

test("trueai returns 21 with prompt and remix, and queues a second modal answer for the same id again", async () => {
  simulator.scenario("trueai", { remix: true });
  const opened = await press(simulator, "trueai", await grid("trueai"), "V2");
  expect(opened.json).toEqual({
    code: 21,
    description: "Waiting for window confirm",
    result: idOf(opened),
    properties: { finalPrompt: "a paper boat --v 7.0", remix: true },
  });
  const modal = { taskId: idOf(opened), prompt: "b" };
  expect((await submit(simulator, "trueai", "modal", modal)).json.result).toBe(idOf(opened));
  clock.advance(60_000);
  expect((await submit(simulator, "trueai", "modal", modal)).json.code).toBe(1);
});

test("new-api returns code 1 for a remix modal and for a queued task, but not for an inpaint", async () => {
  simulator.scenario("newapi", { remix: true, queue: { running: 1, waiting: 1 } });
  const id = await grid("newapi");
  const hidden = await press(simulator, "newapi", id, "V1");
  expect(hidden.json.code).toBe(1);
  clock.advance(60_000);
  expect((await look(simulator, "newapi", idOf(hidden))).json.status).toBe("MODAL");
  const single = await pressed("newapi", id, "U1");
  expect((await press(simulator, "newapi", single, "Vary (Region)")).json.code).toBe(21);
  await imagine(simulator, "newapi");
  const queued = await submit(simulator, "newapi", "imagine", { prompt: "b" });
  expect(queued.json).toMatchObject({ code: 1, properties: { numberOfQueues: 1 } });
});

test("a task without a free slot waits with code 22 and starts when a slot is free", async () => {
  simulator.scenario("simulator", { queue: { running: 1, waiting: 1 } });
  await imagine(simulator, "simulator");
  const queued = await submit(simulator, "simulator", "imagine", { prompt: "b" });
  expect(queued.json).toMatchObject({ code: 22, properties: { numberOfQueues: 1 } });
  clock.advance(2_000);
  expect(simulator.task(idOf(queued))?.status).toBe("NOT_START");
  clock.advance(10_000);
  expect(simulator.task(idOf(queued))?.status).toBe("SUCCESS");
});

test("legacyExisting returns 21 with the old id and status for a repeated upscale", async () => {
  simulator.scenario("midjourney-proxy", { variant: "novicezk", legacyExisting: true });
  const id = await grid("midjourney-proxy");
  const change = { taskId: id, action: "UPSCALE", index: 1 };
  const first = idOf(await submit(simulator, "midjourney-proxy", "change", change));
  clock.advance(60_000);
  expect((await submit(simulator, "midjourney-proxy", "change", change)).json).toEqual({
    code: 21,
    description: "任务已存在",
    result: first,
    properties: { status: "SUCCESS", imageUrl: `${simulator.url}/images/${first}.png` },
  });
  expect(simulator.ledger().counts.tasks).toBe(2);
});

test("instantUpscale ends an upscale with SUCCESS before the submit response", async () => {
  simulator.scenario("trueai", { instantUpscale: true });
  const response = await press(simulator, "trueai", await grid("trueai"), "U1");
  expect((await look(simulator, "trueai", idOf(response))).json).toMatchObject({ status: "SUCCESS", startTime: null });
});

test("a lagging relay rejects a finished parent until the relay sees its end", async () => {
  simulator.scenario("newapi", { relayLagMs: 15_000 });
  const id = await imagine(simulator, "newapi");
  clock.advance(5_000);
  const body = { taskId: id, customId: `MJ::JOB::upsample::1::${simulator.task(id)?.jobId}` };
  expect((await submit(simulator, "newapi", "action", body)).json.description).toBe("task_status_not_success ");
  expect((await look(simulator, "newapi", id)).json.status).toBe("");
  clock.advance(15_000);
  expect((await submit(simulator, "newapi", "action", body)).json.code).toBe(1);
});

test("a press of a valid customId that the parent does not have is accepted and fails", async () => {
  const taskId = await grid("simulator");
  const customId = "MJ::JOB::upsample::1::00000000-0000-4000-a000-000000000000";
  const child = await done(submit(simulator, "simulator", "action", { taskId, customId }).then(idOf));
  expect(simulator.task(child)).toMatchObject({ status: "FAILURE", failReason: expect.stringContaining("component") });
});

test("describe and shorten return text, and their lines lead through a modal to an image", async () => {
  const describe = await submit(simulator, "simulator", "describe", { base64: "data:image/png;base64,AAAA" });
  clock.advance(60_000);
  const described = (await look(simulator, "simulator", idOf(describe))).json;
  expect(described).toMatchObject({
    status: "SUCCESS",
    prompt: null,
    properties: { finalPrompt: expect.stringContaining("4️⃣") },
  });
  expect(described.buttons).toHaveLength(6);
  expect((await press(simulator, "simulator", idOf(describe), "2️⃣")).json.code).toBe(21);

  const shorten = await submit(simulator, "simulator", "shorten", { prompt: "a paper boat on calm water" });
  clock.advance(60_000);
  expect((await look(simulator, "simulator", idOf(shorten))).json).toMatchObject({ status: "SUCCESS", imageUrl: null });
  expect((await press(simulator, "simulator", idOf(shorten), "1️⃣")).json.code).toBe(21);
});

test("Imagine all returns comma-joined ids, and the state of each child ends with its number", async () => {
  const describe = await submit(simulator, "trueai", "describe", { base64: "data:image/png;base64,AAAA" });
  clock.advance(60_000);
  const all = await press(simulator, "trueai", idOf(describe), "Imagine all", { state: "s" });
  const ids = String(all.json.result).split(",");
  expect(ids).toHaveLength(4);
  expect(ids.map((id) => simulator.task(id)?.state)).toEqual(["s::1", "s::2", "s::3", "s::4"]);
});

test("a video task has four videos, and a chosen video can be extended", async () => {
  const video = await submit(simulator, "simulator", "video", {
    prompt: "waves",
    motion: "low",
    image: "https://x.example/a.png",
  });
  clock.advance(60_000);
  expect((await look(simulator, "simulator", idOf(video))).json.videoUrls).toHaveLength(4);
  const chosen = await pressed("simulator", idOf(video), "U2");
  const extended = await pressed("simulator", chosen, "Extend (High motion)");
  expect(simulator.task(extended)).toMatchObject({ action: "VIDEO", status: "SUCCESS" });
});

test("a canceled task gets CANCEL at plus and FAILURE at trueai, and an ended task cannot be canceled", async () => {
  const plus = await imagine(simulator, "simulator");
  const trueai = await imagine(simulator, "trueai");
  expect((await call(simulator, "simulator", "POST", `/task/${plus}/cancel`)).json.code).toBe(1);
  await call(simulator, "trueai", "POST", `/task/${trueai}/cancel`);
  expect(simulator.task(plus)?.status).toBe("CANCEL");
  expect(simulator.task(trueai)).toMatchObject({ status: "FAILURE", failReason: "取消任务" });
  expect((await call(simulator, "simulator", "POST", `/task/${plus}/cancel`)).json.code).toBe(4);
});

test("the seed of a finished image is a text of digits", async () => {
  const id = await grid("simulator");
  expect((await call(simulator, "simulator", "GET", `/task/${id}/image-seed`)).json).toEqual({
    code: 1,
    description: "成功",
    result: expect.stringMatching(/^\d{9}$/),
  });
  expect((await call(simulator, "trueai", "GET", "/task/1/image-seed")).status).toBe(404);
});

test.each([
  ["fail", "FAILURE"],
  ["timeout", "FAILURE"],
  ["cancel", "CANCEL"],
  ["stuck", "IN_PROGRESS"],
  ["modal", "MODAL"],
  ["slow", "SUCCESS"],
])("a task with --sim %s gets the status %s", async (word, status) => {
  const id = await done(imagine(simulator, "simulator", { prompt: `a boat --sim ${word}` }));
  expect(simulator.task(id)?.status).toBe(status);
});

test("prompts with --sim banned and --sim queue-full are rejected", async () => {
  const refusedBy = async (word: string) =>
    (await submit(simulator, "simulator", "imagine", { prompt: `a boat --sim ${word}` })).json.code;
  expect([await refusedBy("banned"), await refusedBy("queue-full")]).toEqual([24, 23]);
});
