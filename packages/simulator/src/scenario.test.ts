/** Options and faults that repeat what real servers of the family do. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DialectId, type ManualClock, manualClock, type Simulator, startSimulator } from "./server.ts";
import { idOf, imagine, look, submit } from "./test-client.ts";
import { startReceiver } from "./test-receiver.ts";

let clock: ManualClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
});
afterEach(() => simulator.stop());

const IMAGE = "data:image/png;base64,AAAA";
const listOf = async (provider: DialectId, ids: string[]) => {
  const response = await fetch(`${simulator.baseUrl(provider)}/mj/task/list-by-condition`, {
    method: "POST",
    headers: { authorization: "Bearer key", "content-type": "application/json" },
    body: JSON.stringify({ ids }),
  });
  return (await response.json()) as unknown;
};

test("a frozen row stays at 100 % in progress with its picture, and its buttons are refused", async () => {
  simulator.scenario("newapi", { frozenRows: true });
  const id = await imagine(simulator, "newapi");
  clock.advance(24 * 3_600_000);
  expect(simulator.task(id)!.status).toBe("SUCCESS");
  const { json } = await look(simulator, "newapi", id);
  expect(json).toMatchObject({ status: "IN_PROGRESS", progress: "100%", finishTime: 0, buttons: null });
  expect(json.imageUrl).toContain(`/mj/image/${id}`);
  const customId = `MJ::JOB::upsample::1::${simulator.task(id)!.jobId}`;
  const pressed = await submit(simulator, "newapi", "action", { taskId: id, customId });
  expect(pressed.text).toContain("task_status_not_success");
});

test.each([
  ["bom", /^\uFEFF\{"code":1/],
  ["php-notice", /^<br \/>[^{]*\{"code":1/],
  ["jsonp", /^callback\(\{"code":1.*\}\);$/],
  ["two-documents", /^\{"code":1.*\}\n\{"took":3\}$/],
] as const)("the damage %s surrounds the JSON, and the id stays readable", async (damage, shape) => {
  simulator.scenario("cometapi", { damage });
  const response = await fetch(`${simulator.baseUrl("cometapi")}/mj/submit/imagine`, {
    method: "POST",
    headers: { authorization: "Bearer key" },
    body: JSON.stringify({ prompt: "a boat" }),
  });
  const text = Buffer.from(await response.arrayBuffer()).toString("utf8");
  expect(text).toMatch(shape);
  expect(text).toContain(simulator.ledger().submissions[0]!.taskId!);
});

test("an envelope wraps lists and tasks of look-ups", async () => {
  const id = await imagine(simulator, "gitaigc");
  simulator.scenario("gitaigc", { envelope: "result" });
  expect(await listOf("gitaigc", [id])).toMatchObject({ code: 1, result: [{ id }] });
  expect((await look(simulator, "gitaigc", id)).json).toMatchObject({ code: 1, result: { id } });
  simulator.scenario("gitaigc", { envelope: "data.list" });
  expect(await listOf("gitaigc", [id])).toMatchObject({ code: 0, data: { list: [{ id }] } });
});

test("the variant webman says RUNNING, FINISHED and FAILED", async () => {
  simulator.scenario("midjourney-proxy", { variant: "webman" });
  const good = await imagine(simulator, "midjourney-proxy");
  const bad = await imagine(simulator, "midjourney-proxy", { prompt: "a boat --sim fail" });
  const status = async (id: string) => (await look(simulator, "midjourney-proxy", id)).json.status;
  clock.advance(500);
  expect(await status(good)).toBe("RUNNING");
  clock.advance(60_000);
  expect([await status(good), await status(bad)]).toEqual(["FINISHED", "FAILED"]);
});

test.each([
  ["midjourney-proxy", "novicezk", ["prompt", "promptEn", "finalPrompt"]],
  ["trueai", undefined, ["promptEn", "finalPrompt"]],
  ["simulator", undefined, ["finalPrompt"]],
] as const)("%s in the variant %s has the text of a describe in %j", async (provider, variant, fields) => {
  simulator.scenario(provider, variant ? { variant } : {});
  const id = idOf(await submit(simulator, provider, "describe", { base64: IMAGE }));
  clock.advance(60_000);
  const { json } = await look(simulator, provider, id);
  const { finalPrompt } = json.properties as { finalPrompt: string };
  const texts = { prompt: json.prompt, promptEn: json.promptEn, finalPrompt };
  const having = Object.entries(texts).filter(([, text]) => String(text ?? "").includes("small house"));
  expect(having.map(([name]) => name)).toEqual(fields);
});

test("the queue lists what waits or runs, oldest first, and nothing that has ended", async () => {
  simulator.scenario("midjourney-proxy", { queue: { running: 1, waiting: 5 } });
  const ended = await imagine(simulator, "midjourney-proxy");
  clock.advance(60_000);
  const running = await imagine(simulator, "midjourney-proxy");
  const waiting = await imagine(simulator, "midjourney-proxy");
  clock.advance(500);
  const response = await fetch(`${simulator.baseUrl("midjourney-proxy")}/mj/task/queue`, {
    headers: { "mj-api-secret": "key" },
  });
  const queue = (await response.json()) as { id: string; status: string }[];
  expect(queue.map(({ id }) => id)).toEqual([running, waiting]);
  expect(queue.map(({ status }) => status)).toEqual(["IN_PROGRESS", "NOT_START"]);
  expect(queue.some(({ id }) => id === ended)).toBe(false);
});

describe("faults of submissions and look-ups", () => {
  test("an overloaded relay answers 503 with its code and creates no task", async () => {
    simulator.arm({ kind: "answer-overloaded" });
    const response = await submit(simulator, "newapi", "imagine", { prompt: "a boat" });
    expect(response.status).toBe(503);
    expect(response.json.error).toMatchObject({ type: "new_api_error", code: "system_cpu_overloaded" });
    expect(simulator.ledger().counts.tasks).toBe(0);
  });

  test("a firewall answers 403 with a page and creates no task", async () => {
    simulator.arm({ kind: "answer-challenge" });
    const response = await submit(simulator, "cometapi", "imagine", { prompt: "a boat" });
    expect([response.status, response.text.slice(0, 9)]).toEqual([403, "<!DOCTYPE"]);
    expect(simulator.ledger().counts.tasks).toBe(0);
  });

  test("an error in a 200 is the answer to one look-up", async () => {
    const id = await imagine(simulator, "agicto");
    simulator.arm({ kind: "lookup-error-200" });
    expect((await look(simulator, "agicto", id)).json).toMatchObject({ code: 429 });
    expect((await look(simulator, "agicto", id)).json.id).toBe(id);
  });
});

describe("faults of the last callback", () => {
  test.each([
    [
      "failure-before-success",
      [
        ["FAILURE", null],
        ["SUCCESS", expect.stringContaining("/images/")],
      ],
    ],
    [
      "image-after-success",
      [
        ["SUCCESS", ""],
        ["SUCCESS", expect.stringContaining("/images/")],
      ],
    ],
  ] as const)("%s sends two ends in this order", async (kind, ends) => {
    const receiver = await startReceiver();
    try {
      const fault = simulator.arm({ kind });
      await imagine(simulator, "simulator", { notifyHook: receiver.hook });
      clock.advance(60_000);
      await simulator.waitFor(
        ({ callbacks }) => callbacks.filter(({ status }) => status !== "IN_PROGRESS").length >= 3,
      );
      const last = receiver.bodies.slice(-2).map(({ status, imageUrl }) => [status, imageUrl]);
      expect(last).toEqual(ends);
      expect(fault.fired).toBe(1);
    } finally {
      await receiver.stop();
    }
  });
});

test("a body of a GET is ignored, as relays send null with it", async () => {
  const id = await imagine(simulator, "newapi");
  const { port } = new URL(simulator.url);
  const { request } = await import("node:http");
  const text = await new Promise<string>((done, failed) => {
    const path = `/newapi/mj/task/${id}/fetch`;
    const headers = { authorization: "Bearer key", "content-type": "application/json", "content-length": 4 };
    const sent = request({ port, path, method: "GET", headers }, (response) => {
      response.setEncoding("utf8");
      let body = "";
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => done(body));
    });
    sent.once("error", failed);
    sent.end("null");
  });
  expect(JSON.parse(text).id).toBe(id);
});
