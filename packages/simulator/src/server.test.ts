/** Invalid requests, the control API and restarts. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FAULT_KINDS } from "./fault.ts";
import { DIRECTIVES } from "./scenario.ts";
import { type ManualClock, manualClock, PROVIDER_IDS, type Simulator, startSimulator } from "./server.ts";
import { call, imagine, look, submit } from "./test-client.ts";
import { startReceiver } from "./test-receiver.ts";

let clock: ManualClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock });
});
afterEach(() => simulator.stop());

async function control(method: string, path: string, body?: unknown) {
  const response = await fetch(`${simulator.url}/_sim${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

describe("invalid requests", () => {
  test.each([
    "",
    "{",
    "[]",
    "null",
    '"text"',
    '{"__proto__":{"polluted":true},"constructor":1}',
    `[${"[".repeat(50_000)}`,
  ])("the body %.20s gets a response below 500", async (body) => {
    for (const provider of ["simulator", "newapi", "trueai"] as const) {
      expect((await submit(simulator, provider, "imagine", body)).status).toBeLessThan(500);
    }
    expect({}).not.toHaveProperty("polluted");
  });

  test("a body above 20 MB is rejected with 413", async () => {
    const response = await submit(
      simulator,
      "simulator",
      "imagine",
      JSON.stringify({ prompt: "x".repeat(20 * 1024 * 1024) }),
    );
    expect(response.status).toBe(413);
  });

  test.each([
    "/nobody/mj/task/1/fetch",
    "/images/none.png",
    "/simulator/mj/task/%ff/fetch",
    "/__proto__/mj/submit/imagine",
    "//",
  ])("the path %s gets a response below 500", async (path) => {
    expect((await fetch(`${simulator.url}${path}`)).status).toBeLessThan(500);
  });
});

describe("control API", () => {
  test("faults are added, listed with their count and removed", async () => {
    expect(await control("POST", "/faults", { kind: "queue-full", provider: "trueai" })).toMatchObject({
      status: 201,
      json: { id: "fault_1", kind: "queue-full", times: 1, fired: 0 },
    });
    await submit(simulator, "trueai", "imagine", { prompt: "a" });
    expect((await control("GET", "/faults")).json).toMatchObject([{ fired: 1 }]);
    expect((await control("DELETE", "/faults")).json).toEqual([]);
  });

  test.each([
    [{ kind: "no-such" }, /"kind" is one of/],
    [{ kind: "lose-callback", provider: "nobody" }, /"provider"/],
    [{ kind: "lose-callback", times: -1 }, /"times"/],
    [{ kind: "lose-callback", colour: "red" }, /Unknown fault option "colour"/],
    ['{"kind":"lose-callback","__proto__":{}}', /Unknown fault option "__proto__"/],
    ["nonsense", /JSON object/],
  ])("an invalid fault %j gets a response that explains the problem", async (body, message) => {
    const response = await control("POST", "/faults", body);
    expect(response.status).toBe(400);
    expect(response.json.error).toMatch(message);
  });

  test("a scenario is set and read, and an invalid scenario is explained and changes nothing", async () => {
    await control("PUT", "/scenarios/trueai", { remix: true });
    expect((await control("PUT", "/scenarios/trueai", { remix: "yes" })).status).toBe(400);
    expect((await control("GET", "/scenarios/trueai")).json).toEqual({ remix: true });
    expect((await control("GET", "/scenarios/nobody")).status).toBe(404);
  });

  test("a task is returned without its notifyHook URL, and the ledger can be cleared", async () => {
    const id = await imagine(simulator, "simulator", { notifyHook: "http://127.0.0.1:1/secret-token" });
    const shown = await control("GET", `/tasks/${id}`);
    expect(shown.json).toMatchObject({ id, hasHook: true });
    expect(JSON.stringify(shown.json)).not.toContain("secret-token");
    expect((await control("GET", "/ledger")).json.counts.tasks).toBe(1);
    expect((await control("DELETE", "/ledger")).json.counts.tasks).toBe(0);
    expect((await control("GET", "/tasks/none")).status).toBe(404);
  });
});

test("waitFor fails with the counts if its condition is not met in time", async () => {
  await expect(simulator.waitFor(() => false, 1)).rejects.toThrow(/within 1 ms. Counts: /);
});

describe("with a data folder", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "mjflow-simulator-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  test("a restart keeps tasks and ledger, loses callbacks that were due meanwhile and sends later ones", async () => {
    const receiver = await startReceiver();
    const time = manualClock();
    const before = await startSimulator({ clock: time, dataDir });
    const id = await imagine(before, "simulator", { notifyHook: receiver.hook });
    const waiting = await imagine(before, "simulator", { prompt: "b --sim modal" });
    time.advance(300);
    await before.waitFor((ledger) => ledger.counts.callbacks === 1);
    await before.stop();

    time.advance(1_000);
    const after = await startSimulator({ clock: time, dataDir });
    try {
      expect(after.task(id)).toMatchObject({ status: "IN_PROGRESS" });
      expect(after.task(waiting)?.status).toBe("MODAL");
      expect(after.ledger().counts).toMatchObject({ tasks: 2, callbacks: 1 });
      time.advance(10_000);
      await after.waitFor(() => receiver.story().at(-1) === "SUCCESS 100%");
      expect(receiver.story().length).toBeLessThan(10);
      expect((await look(after, "simulator", id)).json.status).toBe("SUCCESS");
    } finally {
      await after.stop();
      await receiver.stop();
    }
  });

  test("a stop during callbacks writes nothing after the stop", async () => {
    const time = manualClock();
    const receiver = await startReceiver();
    const stopping = await startSimulator({ clock: time, dataDir });
    stopping.arm({ kind: "late-callback", delayMs: 10 });
    await imagine(stopping, "simulator", { notifyHook: receiver.hook });
    time.advance(1_000);
    await stopping.stop();
    time.advance(60_000);
    await receiver.stop();
    const { counts } = stopping.ledger();
    expect(counts.callbacks).toBe(counts.callbacksDelivered + counts.callbacksUnreachable);
  });

  test("kill -9 loses no task that got a response", async () => {
    const main = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
      env: { ...process.env, MJFLOW_SIMULATOR_PORT: "0", MJFLOW_SIMULATOR_DATA_DIR: dataDir },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    for await (const chunk of main.stdout) {
      said += String(chunk);
      if (said.includes("/_sim")) break;
    }
    const url = /(http:\S+)\/_sim/u.exec(said)?.[1];
    const response = await fetch(`${url}/simulator/mj/submit/imagine`, { method: "POST", body: '{"prompt":"a boat"}' });
    const { result } = (await response.json()) as { result: string };
    const gone = new Promise((done) => main.once("exit", done));
    main.kill("SIGKILL");
    await gone;

    const later = manualClock(Date.now());
    const after = await startSimulator({ dataDir, clock: later });
    try {
      expect(after.task(result)).toMatchObject({ prompt: "a boat" });
      expect(after.ledger().submissions).toMatchObject([{ taskId: result, code: 1 }]);
      later.advance(60_000);
      expect(after.task(result)?.status).toBe("SUCCESS");
    } finally {
      await after.stop();
    }
  });
});

test("two concurrent submissions never get the same id", async () => {
  const ids = await Promise.all(Array.from({ length: 200 }, () => imagine(simulator, "simulator")));
  expect(new Set(ids).size).toBe(200);
  expect((await call(simulator, "simulator", "GET", "/task/queue")).text.match(/"id"/g)).toHaveLength(200);
});

test.each([...Object.keys(FAULT_KINDS), ...DIRECTIVES.map((word) => `--sim ${word}`), ...PROVIDER_IDS])(
  "the README documents %s",
  (word) => {
    expect(readFileSync(join(import.meta.dirname, "../README.md"), "utf8")).toContain(`\`${word}\``);
  },
);
