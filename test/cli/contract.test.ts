/**
 * Tests the requests of the command line, and its output for responses that a healthy server does not send. The server
 * is a stub.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "@mjflow/cli/run";
import { flow, task } from "@mjflow/cli/test-task";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const KEY = "mjk_of_this_test_only";

let server: Server;
let url: string;
/** Received requests: `POST /v1/flows`, with the body. */
let requests: { call: string; body: unknown }[];
let responses: Record<string, unknown>;
beforeEach(async () => {
  [requests, responses] = [[], { "GET /healthz": { status: "ok" }, "GET /v1/flows": page() }];
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const call = `${request.method} ${request.url}`;
    const isJson = request.headers["content-type"] === "application/json";
    requests.push({ call, body: text === "" || !isJson ? undefined : JSON.parse(text) });
    const canned = responses[call] ?? responses[call.replace(/\?.*/, "")] ?? problem(404, "not_found");
    const { status = 200, ...body } = canned as { status?: number };
    response.writeHead(typeof status === "number" ? status : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(typeof status === "number" ? body : canned));
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

describe("requests", () => {
  test("cancel sends one request and prints the flow", async () => {
    responses[`POST /v1/flows/${FLOW}/cancel`] = flow([task("0", { status: "CANCEL" })], { status: "failed" });
    const { code, stdout } = await mjflow("cancel", FLOW);
    expect([code, requests.length]).toEqual([0, 1]);
    expect(stdout).toContain(`✗ ${TASK}`);
  });

  test("resume --no-wait sends one request", async () => {
    responses[`POST /v1/flows/${FLOW}/resume`] = flow([task("0", { status: "PENDING" })], { status: "running" });
    expect((await mjflow("resume", FLOW, "--no-wait")).code).toBe(0);
    expect(requests.map(({ call }) => call)).toEqual([`POST /v1/flows/${FLOW}/resume`]);
  });

  test("retry is not repeated after an error, because the vendor may charge again", async () => {
    responses[`POST /v1/tasks/${TASK}/retry`] = task("0", { status: "PENDING" });
    expect((await mjflow("retry", TASK, "--no-wait")).code).toBe(0);
    responses[`POST /v1/tasks/${TASK}/retry`] = problem(503, "overloaded");
    expect((await mjflow("retry", TASK)).code).toBe(1);
    expect(requests).toHaveLength(2);
  });

  test("--archive-later asks for the copies in an event of their own", async () => {
    responses["POST /v1/flows"] = flow([task("0", { status: "PENDING" })], { status: "running" });
    expect((await mjflow("imagine", "a boat", "--archive-later", "--no-wait")).code).toBe(0);
    expect(requests).toMatchObject([{ body: { archive: "later" } }]);
  });

  test.each([
    [["imagine", "一只纸船", "--translate"], "POST /v1/flows", true],
    [["imagine", "a boat", "--no-translate"], "POST /v1/flows", false],
    [["press", TASK, "V1", "--prompt", "晚上", "--translate"], `POST /v1/tasks/${TASK}/actions`, true],
    [["modal", TASK, "--prompt", "晚上", "--translate"], `POST /v1/tasks/${TASK}/modal`, true],
  ])("%j asks for a translation, or for none", async (args, call, translate) => {
    responses["POST /v1/flows"] = flow([task("0", { status: "PENDING" })], { status: "running" });
    for (const path of ["actions", "modal"]) responses[`POST /v1/tasks/${TASK}/${path}`] = task("0-0");
    expect((await mjflow(...args, "--no-wait")).code).toBe(0);
    expect(requests).toMatchObject([{ call, body: { translate } }]);
  });

  test("every option of imagine becomes a field of the request", async () => {
    responses["POST /v1/flows"] = flow([task("0", { status: "PENDING" })], { status: "running" });
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
    expect(requests).toEqual([
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

  test("every filter of flows becomes a query parameter", async () => {
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
    const query = new URLSearchParams(requests[0]!.call.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      status: "running",
      state: "a b",
      provider: "x",
      since: "2026-11-21T00:00:00.000Z",
      limit: "5",
    });
  });

  test("every filter of pictures becomes a query parameter", async () => {
    responses["GET /v1/pictures"] = page();
    await mjflow(
      "pictures",
      "--flow",
      FLOW,
      "--action",
      "upscale",
      "--no-video",
      "--until",
      "2026-11-21",
      "--limit",
      "5",
    );
    const query = new URLSearchParams(requests[0]!.call.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      flow: FLOW,
      action: "upscale",
      video: "false",
      until: "2026-11-21T00:00:00.000Z",
      limit: "5",
    });
  });

  test("rerun sends only what changes, and null for what is removed", async () => {
    responses[`POST /v1/flows/${FLOW}/rerun`] = flow([task("0", { status: "PENDING" })], { status: "running" });
    const options = [
      "--without",
      "then",
      "--without",
      "state",
      "--image",
      "https://a.example/1.png",
      "--mode",
      "relax",
    ];
    expect((await mjflow("rerun", FLOW, ...options, "--no-wait")).code).toBe(0);
    const body = { then: null, state: null, base64Array: ["https://a.example/1.png"], mode: "relax" };
    expect(requests).toEqual([{ call: `POST /v1/flows/${FLOW}/rerun`, body }]);
    await mjflow("rerun", FLOW, "--no-wait");
    expect(requests[1]!.body).toEqual({});
  });

  test("templates save sends the plan of --then, and needs a plan", async () => {
    responses["PUT /v1/templates/all"] = { name: "all", then: [] };
    expect((await mjflow("templates", "save", "all", "--then", "U1,U2>zoom:2", "--then", "V1=at night")).code).toBe(0);
    const zoom = [{ press: "zoom:2" }];
    const steps = [
      { press: "U1", then: zoom },
      { press: "U2", then: zoom },
    ];
    const then = [...steps, { press: "V1", prompt: "at night" }];
    expect(requests[0]!.body).toEqual({ then });
    expect((await mjflow("templates", "save", "all")).code).toBe(2);
    expect(requests).toHaveLength(1);
  });

  test("accounts test shows the result, and its exit code says whether a flow would fail", async () => {
    const result = {
      provider: "cometapi",
      account: "second",
      ok: false,
      code: "unreachable",
      reachable: false,
      key: "unknown",
      latencyMs: 212,
      status: null,
      reason: "ENOTFOUND",
      vendorText: "bad\u001b[31m host",
      advice: "Check the base URL.",
      testedAt: "2026-11-21T00:00:00.000Z",
    };
    const path = "POST /v1/providers/cometapi/accounts/second/test";
    responses[path] = result;
    const refused = await mjflow("accounts", "test", "cometapi/second");
    expect(refused.code).toBe(1);
    expect(refused.stdout.split("\n")).toEqual([
      "✗ unreachable  cometapi/second",
      "  connection  not opened",
      "  response    ENOTFOUND after 212 ms",
      "  key         not known",
      "  the vendor  bad\ufffd[31m host",
      "  Check the base URL.",
      "",
    ]);
    responses[path] = {
      ...result,
      ok: null,
      code: "a_code_of_later",
      vendorText: null,
      status: null,
      reason: "timeout",
    };
    const unknown = await mjflow("accounts", "test", "cometapi/second");
    expect(unknown.code).toBe(0);
    expect(unknown.stdout).toContain(
      "? a_code_of_later  cometapi/second\n  connection  not opened\n  response    timeout after",
    );
    expect(JSON.parse((await mjflow("accounts", "test", "cometapi/second", "--json")).stdout).code).toBe(
      "a_code_of_later",
    );
  });

  test("accounts test without an account tests the only one, and rejects another form", async () => {
    responses["POST /v1/providers/cometapi/accounts/default/test"] = problem(404, "not_found");
    expect((await mjflow("accounts", "test", "cometapi")).code).toBe(1);
    expect(requests.map(({ call }) => call)).toEqual(["POST /v1/providers/cometapi/accounts/default/test"]);
    for (const address of ["/second", "cometapi/", "a/b/c"]) {
      const { code, stderr } = await mjflow("accounts", "test", address);
      expect([code, stderr.includes("<provider>/<account>")], address).toEqual([2, true]);
    }
  });

  test("dead-letters, redrive and discard call the API and print the new state", async () => {
    const deadLetter = {
      id: "1_a",
      state: "kept",
      body: "\u001b[2Jx",
      why: "no JSON",
      receives: 3,
      createdAt: "2026-11-21T08:00:00Z",
    };
    responses["GET /v1/dead-letters"] = page(deadLetter);
    responses["POST /v1/dead-letters/1_a/redrive"] = { ...deadLetter, state: "redriven" };
    responses["DELETE /v1/dead-letters/1_a"] = { ...deadLetter, state: "dropped" };
    const { stdout } = await mjflow("dead-letters");
    expect(stdout).toMatch(/^1_a +kept .+no JSON +�\[2Jx$/m);
    expect([(await mjflow("redrive", "1_a")).stdout, (await mjflow("discard", "1_a")).stdout]).toEqual([
      "1_a  redriven\n",
      "1_a  dropped\n",
    ]);
  });
});

describe("former command names", () => {
  test("the former command names dead and drop still work", async () => {
    const deadLetter = { id: "1_a", state: "kept", body: "x", why: "no JSON", receives: 3, createdAt: "" };
    responses["GET /v1/dead-letters"] = page(deadLetter);
    responses["DELETE /v1/dead-letters/1_a"] = { ...deadLetter, state: "dropped" };
    expect((await mjflow("dead", "--json")).stdout).toBe((await mjflow("dead-letters", "--json")).stdout);
    expect((await mjflow("drop", "1_a")).stdout).toBe("1_a  dropped\n");
    expect((await mjflow("help", "drop")).stdout).toBe((await mjflow("help", "discard")).stdout);
    expect((await mjflow("help")).stdout).not.toMatch(/^ {2}(dead|drop) /m);
  });
});

describe("mjflow doctor", () => {
  test("doctor names a vendor without callbacks as a warning and exits with 0", async () => {
    const account = { name: "default", callbacks: "silent", heardAt: null, failures: 0 };
    responses["GET /v1/providers"] = page(
      { id: "newapi", accounts: [account] },
      { id: "simulator", accounts: [{ ...account, callbacks: "calling" }] },
    );
    const { code, stdout } = await mjflow("doctor");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^! newapi +sends no callbacks$/m);
    expect(stdout).toContain("MjNotifyEnabled");
    expect(stdout).toMatch(/^✓ simulator +sends callbacks$/m);
  });

  test("doctor exits with 1 if a check finds an error, and still runs the other checks", async () => {
    responses["GET /v1/endpoints"] = page({ id: "ep_1", enabled: false, disabledWhy: "failing", failingSince: null });
    responses["GET /v1/dead-letters"] = page({ id: "1", state: "kept" }, { id: "2", state: "kept" });
    responses["GET /v1/deliveries"] = problem(500, "internal");
    const { code, stdout } = await mjflow("doctor");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ ep_1 +disabled: every delivery failed$/m);
    expect(stdout).toMatch(/^! dead letters +2 waiting for a decision$/m);
    expect(stdout).toMatch(/^✗ deliveries +No\.$/m);
    expect(stdout).toMatch(/^\? vendors +not available on this server$/m);
  });

  test("doctor --json keeps the names that scripts parse", async () => {
    responses["GET /v1/unclear"] = { data: [], looked: 0, whole: true };
    const { findings } = JSON.parse((await mjflow("doctor", "--json")).stdout);
    expect(findings).toContainEqual({ level: "ok", about: "key", what: "accepted, from MJFLOW_API_KEY" });
    expect(findings).toContainEqual({ level: "ok", about: "in doubt", what: "none" }); // plain-words: ok
  });

  test("the health check of doctor is sent without the key", async () => {
    let authorization: string | undefined;
    server.prependListener("request", ({ url, headers }) => {
      if (url === "/healthz") authorization = headers.authorization;
    });
    await mjflow("doctor");
    expect([requests[0]!.call, authorization]).toEqual(["GET /healthz", undefined]);
  });
});

describe("a hostile server", () => {
  test("the key is not printed if the server repeats it", async () => {
    responses[`GET /v1/flows/${FLOW}`] = problem(400, "invalid_request", `Bearer ${KEY} is odd`);
    expect((await mjflow("flow", FLOW)).stderr).toContain("is odd");
    responses[`GET /v1/flows/${FLOW}`] = flow([task("0", { imageUrl: `https://a.example/?${KEY}` })], { prompt: KEY });
    for (const args of [[], ["--json"]]) expect((await mjflow("flow", FLOW, ...args)).stdout).toContain("[key]");
  });

  test("escape sequences of the server are not printed", async () => {
    const sequence = "\u001b]0;owned\u0007\u001b[2J\u202e";
    const own = task("0", {
      press: sequence,
      failReason: sequence,
      status: "FAILURE",
      provider: sequence,
      finalPrompt: sequence,
    });
    responses[`GET /v1/flows/${FLOW}`] = flow([own], {
      prompt: sequence,
      state: sequence,
      id: sequence as typeof FLOW,
    });
    responses[`GET /v1/tasks/${TASK}`] = own;
    responses["GET /v1/flows"] = page(flow([], { prompt: sequence, provider: sequence }));
    responses["GET /v1/endpoints"] = page({
      id: sequence,
      url: sequence,
      events: [sequence],
      scheme: sequence,
      enabled: true,
    });
    responses["GET /v1/templates"] = page({ name: sequence, then: [{ press: sequence }], description: sequence });
    responses["GET /v1/folders"] = page({ id: "folder_1", name: sequence });
    responses["GET /v1/pictures"] = page({
      taskId: sequence,
      press: sequence,
      copies: [],
      videos: [],
      imageUrl: sequence,
    });
    responses["GET /v1/deliveries"] = page({
      id: sequence,
      type: sequence,
      endpoint: sequence,
      status: sequence,
      attempts: [],
    });
    responses["GET /v1/providers"] = page({ id: sequence, accounts: [{ name: sequence, callbacks: "silent" }] });
    responses[`POST /v1/flows/${FLOW}/cancel`] = problem(409, "wrong_state", sequence);
    for (const args of [
      ["flow", FLOW],
      ["task", TASK],
      ["flows"],
      ["templates"],
      ["folders"],
      ["pictures"],
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

  test("a response that is not a list ends the command with 3 and without a stack trace", async () => {
    responses["GET /v1/flows"] = { hello: "world" };
    const { code, stderr } = await mjflow("flows");
    expect(code).toBe(3);
    expect(stderr).toContain("not a list");
    expect(stderr).not.toContain("    at ");
  });
});

test("upload announces the file, sends it to the presigned URL and prints the id", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mjflow-cli-"));
  const file = join(folder, "reference.png");
  writeFileSync(file, Buffer.from("89504e470d0a1a0a", "hex"));
  const upload = {
    id: "upload_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
    url: `${url}/bucket`,
    headers: { "Content-Type": "image/png" },
  };
  responses["POST /v1/uploads"] = upload;
  responses["PUT /bucket"] = {};
  expect((await mjflow("upload", file)).code).toBe(0);
  expect(requests.map(({ call }) => call)).toEqual(["POST /v1/uploads", "PUT /bucket"]);
  writeFileSync(file, Buffer.from("\0\0\0\x18ftypheic", "latin1"));
  const { code, stderr } = await mjflow("upload", file);
  expect(code).toBe(2);
  expect(stderr).toContain("HEIC");
  rmSync(folder, { recursive: true });
});
