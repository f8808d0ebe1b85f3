/** What the command line asks of the API, and what it makes of answers that a healthy house does not give. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { run } from "@mjflow/cli/run";
import { flow, task } from "@mjflow/cli/test-task";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const KEY = "mjk_of_this_test_only";

let server: Server;
let url: string;
/** What was asked: `POST /v1/flows`, with its body. */
let asked: { call: string; body: unknown }[];
let answers: Record<string, unknown>;
beforeEach(async () => {
  [asked, answers] = [[], { "GET /healthz": { status: "ok" }, "GET /v1/flows": page() }];
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const call = `${request.method} ${request.url}`;
    asked.push({ call, body: text === "" ? undefined : JSON.parse(text) });
    const answer = answers[call] ?? answers[call.replace(/\?.*/, "")] ?? problem(404, "not_found");
    const { status = 200, ...body } = answer as { status?: number };
    response.writeHead(typeof status === "number" ? status : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(typeof status === "number" ? body : answer));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function page(...data: unknown[]) {
  return { data, nextCursor: null };
}

function problem(status: number, code: string, detail = "No.") {
  return { status, type: "about:blank", title: "No", code, detail, retry: "never", requestId: "1" };
}

async function mjflow(...args: string[]) {
  let [stdout, stderr] = ["", ""];
  const code = await run(args, {
    env: { MJFLOW_URL: url, MJFLOW_API_KEY: KEY },
    cwd: "/",
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    signal: new AbortController().signal,
    now: Date.now,
  });
  expect(stdout + stderr).not.toContain(KEY);
  return { code, stdout, stderr };
}

const { id: FLOW } = flow([]);
const TASK = task("0").id;

describe("asks for what it was told to, once", () => {
  test("cancel", async () => {
    answers[`POST /v1/flows/${FLOW}/cancel`] = flow([task("0", { status: "CANCEL" })], { status: "failed" });
    const { code, stdout } = await mjflow("cancel", FLOW);
    expect([code, asked.length]).toEqual([0, 1]);
    expect(stdout).toContain(`✗ ${TASK}`);
  });

  test("resume", async () => {
    answers[`POST /v1/flows/${FLOW}/resume`] = flow([task("0", { status: "PENDING" })], { status: "running" });
    expect((await mjflow("resume", FLOW, "--no-wait")).code).toBe(0);
    expect(asked.map(({ call }) => call)).toEqual([`POST /v1/flows/${FLOW}/resume`]);
  });

  test("retry; and never a second time by itself, for it is paid for", async () => {
    answers[`POST /v1/tasks/${TASK}/retry`] = task("0", { status: "PENDING" });
    expect((await mjflow("retry", TASK, "--no-wait")).code).toBe(0);
    answers[`POST /v1/tasks/${TASK}/retry`] = problem(503, "overloaded");
    expect((await mjflow("retry", TASK)).code).toBe(1);
    expect(asked).toHaveLength(2);
  });

  test("imagine: every option becomes a field", async () => {
    answers["POST /v1/flows"] = flow([task("0", { status: "PENDING" })], { status: "running" });
    const options = ["--mode", "turbo", "--state", "7", "--archive", "--no-progress", "--provider", "newapi"];
    const more = [
      "--notify-hook",
      "https://app.example/",
      "--events",
      "flow.completed,flow.failed",
      "--image",
      "https://a.example/1.png",
    ];
    const { code } = await mjflow("imagine", "a boat", ...options, ...more, "--then", "V1=at night>U1", "--no-wait");
    expect(code).toBe(0);
    expect(asked).toEqual([
      {
        call: "POST /v1/flows",
        body: {
          provider: "newapi",
          prompt: "a boat",
          mode: "turbo",
          state: "7",
          archive: true,
          progress: false,
          notifyHook: "https://app.example/",
          events: ["flow.completed", "flow.failed"],
          base64Array: ["https://a.example/1.png"],
          then: [{ press: "V1", prompt: "at night", then: [{ press: "U1" }] }],
        },
      },
    ]);
  });

  test("flows: every filter becomes a part of the query", async () => {
    await mjflow(
      "flows",
      "--status",
      "running",
      "--state",
      "a b",
      "--provider",
      "x",
      "--since",
      "2026-11-21",
      "--limit",
      "5",
    );
    const query = new URLSearchParams(asked[0]!.call.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      status: "running",
      state: "a b",
      provider: "x",
      since: "2026-11-21T00:00:00.000Z",
      limit: "5",
    });
  });

  test("letters", async () => {
    const deadLetter = {
      id: "1_a",
      state: "kept",
      body: "\u001b[2Jx",
      why: "no JSON",
      receives: 3,
      createdAt: "2026-11-21T08:00:00Z",
    };
    answers["GET /v1/dead-letters"] = page(deadLetter);
    answers["POST /v1/dead-letters/1_a/redrive"] = { ...deadLetter, state: "redriven" };
    answers["DELETE /v1/dead-letters/1_a"] = { ...deadLetter, state: "dropped" };
    const { stdout } = await mjflow("dead");
    expect(stdout).toMatch(/^1_a +kept .+no JSON +�\[2Jx$/m);
    expect([(await mjflow("redrive", "1_a")).stdout, (await mjflow("drop", "1_a")).stdout]).toEqual([
      "1_a  redriven\n",
      "1_a  dropped\n",
    ]);
  });
});

describe("doctor", () => {
  test("names a silent vendor and the setting to ask for; a warning is not the end", async () => {
    const account = { name: "default", callbacks: "silent", heardAt: null, failures: 0 };
    answers["GET /v1/providers"] = page(
      { id: "newapi", accounts: [account] },
      { id: "simulator", accounts: [{ ...account, callbacks: "calling" }] },
    );
    const { code, stdout } = await mjflow("doctor");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^! newapi +never calls back$/m);
    expect(stdout).toContain("MjNotifyEnabled");
    expect(stdout).toMatch(/^✓ simulator +calls back$/m);
  });

  test("ends with 1 when something is wrong, and still looks at the rest", async () => {
    answers["GET /v1/endpoints"] = page({ id: "ep_1", enabled: false, disabledWhy: "failing", failingSince: null });
    answers["GET /v1/dead-letters"] = page({ id: "1", state: "kept" }, { id: "2", state: "kept" });
    answers["GET /v1/deliveries"] = problem(500, "internal");
    const { code, stdout } = await mjflow("doctor");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ ep_1 +switched off: nothing but failures$/m);
    expect(stdout).toMatch(/^! dead letters +2 to decide on$/m);
    expect(stdout).toMatch(/^✗ deliveries +No\.$/m);
    expect(stdout).toMatch(/^\? vendors +this server does not tell$/m);
  });

  test("the key goes only to the address it is for, and not into the first knock", async () => {
    let authorization: string | undefined;
    server.prependListener("request", ({ url, headers }) => {
      if (url === "/healthz") authorization = headers.authorization;
    });
    await mjflow("doctor");
    expect([asked[0]!.call, authorization]).toEqual(["GET /healthz", undefined]);
  });
});

describe("a server that is no friend", () => {
  test("repeats the key: it is not shown", async () => {
    answers[`GET /v1/flows/${FLOW}`] = problem(400, "invalid_request", `Bearer ${KEY} is odd`);
    expect((await mjflow("flow", FLOW)).stderr).toContain("is odd");
    answers[`GET /v1/flows/${FLOW}`] = flow([task("0", { imageUrl: `https://a.example/?${KEY}` })], { prompt: KEY });
    for (const args of [[], ["--json"]]) expect((await mjflow("flow", FLOW, ...args)).stdout).toContain("[key]");
  });

  test("sends escapes: the terminal stays as it is", async () => {
    const sequence = "\u001b]0;owned\u0007\u001b[2J\u202e";
    const own = task("0", {
      press: sequence,
      failReason: sequence,
      status: "FAILURE",
      provider: sequence,
      finalPrompt: sequence,
    });
    answers[`GET /v1/flows/${FLOW}`] = flow([own], { prompt: sequence, state: sequence, id: sequence as typeof FLOW });
    answers[`GET /v1/tasks/${TASK}`] = own;
    answers["GET /v1/flows"] = page(flow([], { prompt: sequence, provider: sequence }));
    answers["GET /v1/endpoints"] = page({
      id: sequence,
      url: sequence,
      events: [sequence],
      scheme: sequence,
      enabled: true,
    });
    answers["GET /v1/deliveries"] = page({
      id: sequence,
      type: sequence,
      endpoint: sequence,
      status: sequence,
      attempts: [],
    });
    answers["GET /v1/providers"] = page({ id: sequence, accounts: [{ name: sequence, callbacks: "silent" }] });
    answers[`POST /v1/flows/${FLOW}/cancel`] = problem(409, "conflict", sequence);
    for (const args of [
      ["flow", FLOW],
      ["task", TASK],
      ["flows"],
      ["endpoints"],
      ["deliveries"],
      ["doctor"],
      ["cancel", FLOW],
    ]) {
      for (const flag of [[], ["--json"]]) {
        const { stdout, stderr } = await mjflow(...args, ...flag);
        expect((stdout + stderr).replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_C}]/u);
      }
    }
  });

  test("answers what is no answer: 3, and no stack", async () => {
    answers["GET /v1/flows"] = { hello: "world" };
    const { code, stderr } = await mjflow("flows");
    expect(code).toBe(3);
    expect(stderr).toContain("not a list");
    expect(stderr).not.toContain("    at ");
  });
});
