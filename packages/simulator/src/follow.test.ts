/** Pressing buttons: children, modal windows, results that are not pictures. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ManualClock, manualClock, type ProviderId, type Simulator, startSimulator } from "./server.ts";
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

const grid = (provider: ProviderId) => done(imagine(simulator, provider));
const pressed = (provider: ProviderId, taskId: string, label: string, more = {}) =>
  done(press(simulator, provider, taskId, label, more).then(idOf));

test("the same button pressed twice makes two tasks, and the ledger counts the duplicate", async () => {
  const id = await grid("simulator");
  const first = await pressed("simulator", id, "U1");
  const second = await pressed("simulator", id, "U1");
  expect(second).not.toBe(first);
  expect(simulator.ledger().counts).toMatchObject({ tasks: 3, duplicatePresses: 1 });
});

test("every result has a new job id, and an upscale shows the tile its grid showed", async () => {
  const id = await grid("simulator");
  const upscale = await pressed("simulator", id, "U3");
  const [parent, child] = [simulator.task(id), simulator.task(upscale)];
  expect(child?.jobId).not.toBe(parent?.jobId);
  expect(child).toMatchObject({ action: "UPSCALE", parentId: id, label: "U3", scene: `${parent?.scene}/3` });
});

test("Vary (Region) and Custom Zoom always wait in MODAL, then go on under the same id", async () => {
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

test("remix opens a window for V, reroll and pan, not for U: by scenario, by enableRemix, by accountFilter", async () => {
  const id = await grid("simulator");
  expect((await press(simulator, "simulator", id, "V1")).json.code).toBe(1);
  expect((await press(simulator, "simulator", id, "V1", { enableRemix: true })).json.code).toBe(21);
  expect((await press(simulator, "simulator", id, "🔄", { accountFilter: { remix: true } })).json.code).toBe(21);
  simulator.scenario("simulator", { remix: true });
  expect((await press(simulator, "simulator", id, "V1")).json.code).toBe(21);
  expect((await press(simulator, "simulator", id, "U1")).json.code).toBe(1);
});

test("trueai says 21 with the prompt and remix, and queues a second modal call for the same id again", async () => {
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

test("new-api hides a remix window behind code 1, never an inpaint, and queued behind 1 with its number", async () => {
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

test("beyond the running slots a task waits with 22 and starts when one is free", async () => {
  simulator.scenario("simulator", { queue: { running: 1, waiting: 1 } });
  await imagine(simulator, "simulator");
  const queued = await submit(simulator, "simulator", "imagine", { prompt: "b" });
  expect(queued.json).toMatchObject({ code: 22, properties: { numberOfQueues: 1 } });
  clock.advance(2_000);
  expect(simulator.task(idOf(queued))?.status).toBe("NOT_START");
  clock.advance(10_000);
  expect(simulator.task(idOf(queued))?.status).toBe("SUCCESS");
});

test("legacy: the same upscale again answers 21 with the old id and its status", async () => {
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

test("instant upscale: SUCCESS before the submit answer", async () => {
  simulator.scenario("trueai", { instantUpscale: true });
  const answer = await press(simulator, "trueai", await grid("trueai"), "U1");
  expect((await look(simulator, "trueai", idOf(answer))).json).toMatchObject({ status: "SUCCESS", startTime: null });
});

test("behind a lagging relay a finished parent is refused until the relay has heard of it", async () => {
  simulator.scenario("newapi", { relayLagMs: 15_000 });
  const id = await imagine(simulator, "newapi");
  clock.advance(5_000);
  const body = { taskId: id, customId: `MJ::JOB::upsample::1::${simulator.task(id)?.jobId}` };
  expect((await submit(simulator, "newapi", "action", body)).json.description).toBe("task_status_not_success ");
  expect((await look(simulator, "newapi", id)).json.status).toBe("");
  clock.advance(15_000);
  expect((await submit(simulator, "newapi", "action", body)).json.code).toBe(1);
});

test("a button the parent does not have is accepted by its form and fails", async () => {
  const taskId = await grid("simulator");
  const customId = "MJ::JOB::upsample::1::00000000-0000-4000-a000-000000000000";
  const child = await done(submit(simulator, "simulator", "action", { taskId, customId }).then(idOf));
  expect(simulator.task(child)).toMatchObject({ status: "FAILURE", failReason: expect.stringContaining("component") });
});

test("describe and shorten answer text, and their lines lead through a window to a picture", async () => {
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

test("Imagine all answers comma-joined ids; each child carries the state with its number", async () => {
  const describe = await submit(simulator, "trueai", "describe", { base64: "data:image/png;base64,AAAA" });
  clock.advance(60_000);
  const all = await press(simulator, "trueai", idOf(describe), "Imagine all", { state: "s" });
  const ids = String(all.json.result).split(",");
  expect(ids).toHaveLength(4);
  expect(ids.map((id) => simulator.task(id)?.state)).toEqual(["s::1", "s::2", "s::3", "s::4"]);
});

test("a video has four films, a chosen one can be extended", async () => {
  const video = await submit(simulator, "simulator", "video", {
    prompt: "waves",
    motion: "low",
    image: "https://x.example/a.png",
  });
  clock.advance(60_000);
  expect((await look(simulator, "simulator", idOf(video))).json.videoUrls).toHaveLength(4);
  const chosen = await pressed("simulator", idOf(video), "U2");
  const extended = await pressed("simulator", chosen, "Extend (High)");
  expect(simulator.task(extended)).toMatchObject({ action: "VIDEO", status: "SUCCESS" });
});

test("cancel: CANCEL at plus, FAILURE at trueai, refused once it is over", async () => {
  const plus = await imagine(simulator, "simulator");
  const trueai = await imagine(simulator, "trueai");
  expect((await call(simulator, "simulator", "POST", `/task/${plus}/cancel`)).json.code).toBe(1);
  await call(simulator, "trueai", "POST", `/task/${trueai}/cancel`);
  expect(simulator.task(plus)?.status).toBe("CANCEL");
  expect(simulator.task(trueai)).toMatchObject({ status: "FAILURE", failReason: "取消任务" });
  expect((await call(simulator, "simulator", "POST", `/task/${plus}/cancel`)).json.code).toBe(4);
});

test("the seed of a finished picture is text of digits", async () => {
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
])("--sim %s ends as %s", async (word, status) => {
  const id = await done(imagine(simulator, "simulator", { prompt: `a boat --sim ${word}` }));
  expect(simulator.task(id)?.status).toBe(status);
});

test("--sim banned and --sim queue-full are refused at once", async () => {
  const refusedBy = async (word: string) =>
    (await submit(simulator, "simulator", "imagine", { prompt: `a boat --sim ${word}` })).json.code;
  expect([await refusedBy("banned"), await refusedBy("queue-full")]).toEqual([24, 23]);
});
