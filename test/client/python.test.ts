/**
 * The Python client of the examples: its programs against a running local server, and its requests to a server that sends the
 * given responses. Skipped without python3.
 */
import { execFile, spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { API_KEY, spawnServer } from "../support/spawned.ts";
import { flow, json, KEY, problem, type Server, serve, task } from "./test-server.ts";

const FOLDER = new URL("../../examples/python/", import.meta.url).pathname;
const found = spawnSync("python3", ["-c", "import sys; print(sys.version_info >= (3, 9))"], { encoding: "utf8" });
const hasPython = found.stdout?.trim() === "True";
const reason = hasPython ? "" : " (skipped: this machine has no python3 of version 3.9 or newer)";
const run = promisify(execFile);

async function python(args: string[], env: Record<string, string> = {}): Promise<string[]> {
  const { stdout } = await run("python3", ["-B", ...args], {
    cwd: FOLDER,
    env: { PATH: process.env["PATH"]!, ...env },
    timeout: 60_000,
  });
  return stdout.trim().split("\n");
}

/** Runs a piece of Python; each argument is given as JSON in `args`. The pauses of the client take no time. */
async function snippet(code: string, url: string, ...args: unknown[]): Promise<unknown> {
  const head = `
import json, sys
from mjflow import *
args = [json.loads(text) for text in sys.argv[1:]]
sleeps = []
client = Mjflow(sleep=sleeps.append)
def caught(call, *given, **named):
    try:
        return call(*given, **named)
    except MjflowError as error:
        return {"class": type(error).__name__, "code": error.code, "retry": error.retry, "text": repr(error)}
`;
  const env = { MJFLOW_URL: url, MJFLOW_API_KEY: KEY };
  const lines = await python(["-c", head + code, ...args.map((arg) => JSON.stringify(arg))], env);
  const text = lines.join("\n");
  expect(text).not.toContain(KEY);
  return JSON.parse(text);
}

let server: Server | undefined;
afterEach(() => server?.close());

describe.skipIf(!hasPython)(`the Python client${reason}`, () => {
  test("quickstart.py and receive.py print what their README shows", async () => {
    const local = await spawnServer();
    try {
      const env = { MJFLOW_URL: local.url, MJFLOW_API_KEY: API_KEY };
      const shown = (lines: string[]) =>
        lines.map((line) => line.replace(/http:\S+\.png$/, "http://127.0.0.1:4601/images/….png"));
      const lines = [...shown(await python(["quickstart.py"], env)), ...(await python(["receive.py"], env))];
      const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
      const printed = /```sh\n([\s\S]*?)```/
        .exec(readme)![1]!
        .split("\n")
        .flatMap((line) => /^# (.*)/.exec(line)?.[1] ?? []);
      expect(lines).toEqual(printed);
    } finally {
      await local.stop();
    }
  });

  test("run sends the plan under one idempotency key, also when the request is repeated", async () => {
    server = await serve((response, { method }, n) => {
      if (method === "GET") return json(response, 200, ended);
      return n === 0 ? problem(response, 503, "overloaded", { retry: "later" }) : json(response, 202, ended);
    });
    const FIELDS = { videos: [], images: [], copies: [], failure: null, failReason: null, retryOf: null };
    const ended = flow("completed", [{ ...task("0", "SUCCESS", 100), ...FIELDS, imageUrl: "https://v.example/1.png" }]);
    const code = `print(json.dumps([client.run("a boat", then=["U1", {"press": "U2"}], mode="fast"), len(sleeps)]))`;
    const [pictures, pauses] = (await snippet(code, server.url)) as [{ url: string; kind: string }[], number];
    expect(pictures).toMatchObject([{ kind: "image", url: "https://v.example/1.png" }]);
    expect(pauses).toBe(1);
    const [first, second] = server.requests;
    expect(JSON.parse(first!.body)).toEqual({
      prompt: "a boat",
      mode: "fast",
      then: [{ press: "U1" }, { press: "U2" }],
    });
    expect(second!.headers["idempotency-key"]).toBe(first!.headers["idempotency-key"]);
    expect(first!.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test("a failed branch raises FlowFailed, and partial returns what was finished", async () => {
    const FIELDS = { videos: [], images: [], copies: [], failReason: null, retryOf: null };
    const failure = { code: "press_not_offered", message: "No such button." };
    const tasks = [
      { ...task("0", "SUCCESS", 100), ...FIELDS, failure: null, imageUrl: "https://v.example/1.png" },
      { ...task("0-0", "FAILURE"), ...FIELDS, failure, press: "U9" },
    ];
    server = await serve((response, { method }) =>
      json(response, method === "POST" ? 202 : 200, flow("completed", tasks)),
    );
    const code = `print(json.dumps([caught(client.run, "a boat"), len(client.run("a boat", partial=True))]))`;
    expect(await snippet(code, server.url)).toEqual([
      {
        class: "FlowFailed",
        code: "flow_failed",
        retry: "never",
        text: expect.stringContaining("U9: press_not_offered"),
      },
      1,
    ]);
  });

  test("wait follows the hint, repeats failed reads, and raises WaitTimeout", async () => {
    server = await serve((response, _, n) => {
      if (n === 1) return problem(response, 429, "rate_limited", { retry: "later", headers: { "retry-after": "7" } });
      json(response, 200, n < 3 ? { ...flow("running", []), nextInMs: 5_000, follow: "read" } : flow("completed", []));
    });
    const code = `
flow = client.wait("flow_1")
print(json.dumps([flow["status"], sleeps, caught(client.wait, "flow_1", timeout_s=0)["class"] if args[0] else None]))`;
    const [status, sleeps] = (await snippet(code, server.url, false)) as [string, number[]];
    expect(status).toBe("completed");
    expect(sleeps).toHaveLength(3);
    expect(sleeps[0]).toBeGreaterThanOrEqual(5);
    expect(sleeps[1]).toBeGreaterThanOrEqual(7);
    await server.close();
    server = await serve((response) => json(response, 200, flow("running", [])));
    const late = `print(json.dumps(caught(client.wait, "flow_1", timeout_s=0)))`;
    expect(await snippet(late, server.url)).toMatchObject({ class: "WaitTimeout", code: "timeout", retry: "later" });
  });

  test("lists go over all pages, and errors carry the code of the server", async () => {
    server = await serve((response, { path, method }) => {
      if (path.includes("/cancel")) return problem(response, 409, "wrong_state");
      if (method === "POST") return response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
      const cursor = new URL(path, "http://x").searchParams.get("cursor");
      json(response, 200, {
        data: [{ id: cursor ?? "0" }],
        nextCursor: cursor === "2" ? null : String(Number(cursor) + 1),
      });
    });
    const code = `print(json.dumps([
      [flow["id"] for flow in client.list_flows(status="running")],
      caught(client.cancel_flow, "flow_1"),
      caught(client.create_flow, "a boat"),
      caught(client.get_flow, ".."),
    ]))`;
    expect(await snippet(code, server.url)).toEqual([
      ["0", "1", "2"],
      expect.objectContaining({ code: "wrong_state", retry: "never" }),
      expect.objectContaining({ code: "unexpected_answer" }),
      expect.objectContaining({ code: "invalid_argument" }),
    ]);
    expect(server.requests[0]!.path).toBe("/v1/flows?status=running");
    expect(server.requests.filter(({ path }) => path.includes("/cancel"))).toHaveLength(1);
  });

  test("uploads, batches, templates, reruns, pictures and deletions work at a local server", async () => {
    const local = await spawnServer();
    try {
      const code = `
import base64, pathlib, tempfile
client = Mjflow(api_key="${API_KEY}")
png = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
file = pathlib.Path(tempfile.mkdtemp()) / "reference.png"
file.write_bytes(png)
client.put_template("pair", ["upscale:1", {"press": "U2", "then": "zoom:2"}], description="two of them")
batch = client.create_flows(
    ["a boat", {"prompt": "a barn", "base64Array": [file, png]}], provider="simulator", template="pair")
flows = [client.wait(each["flow"]["id"]) for each in batch["data"]]
again = client.wait(client.rerun(flows[1]["id"], prompt="a bridge", then=None)["id"])
pictures = [picture["flowId"] for picture in client.list_pictures(limit=2)]
client.delete_flow(again["id"])
described = client.get_template("pair")["description"]
client.delete_template("pair")
print(json.dumps({
    "counts": [batch["created"], batch["failed"]],
    "tasks": [[task["press"] for task in flow["tasks"]] for flow in flows],
    "again": [again["prompt"], len(again["tasks"]), again["rerunOf"] == flows[1]["id"]],
    "pictures": len(pictures), "newest": pictures[0] == again["id"],
    "after": [caught(client.get_flow, again["id"])["code"], caught(client.get_template, "pair")["code"]],
    "description": described, "templates": list(client.list_templates()),
}))`;
      const result = await snippet(code, local.url);
      expect(result).toEqual({
        counts: [2, 0],
        tasks: Array.from({ length: 2 }, () => [null, "upscale:1", "U2", "zoom:2"]),
        again: ["a bridge", 1, true],
        // The grid of the rerun, and three results of each of the others.
        pictures: expect.any(Number),
        newest: true,
        after: ["not_found", "not_found"],
        description: "two of them",
        templates: [],
      });
      expect((result as { pictures: number }).pictures).toBeGreaterThanOrEqual(7);
      const { submissions } = (await local.sim("GET", "/ledger")) as { submissions: { images: string[] }[] };
      const images = submissions.map((submission) => submission.images).filter((each) => each.length > 0);
      // The barn and its rerun. The path and the bytes are two uploads.
      expect(images.map((each) => each.length)).toEqual([2, 2]);
      expect(images.flat()).toEqual(expect.arrayContaining([expect.stringMatching(/\/uploads\/app_\w+\/upload_\w+/)]));
    } finally {
      await local.stop();
    }
  });

  test("an upload is sent without the key, is repeated after 503, and its refusal is upload_failed", async () => {
    let refused = 503;
    server = await serve((response, { method, path }) => {
      if (method === "PUT") {
        const status = path.includes("twice") && refused === 503 ? 503 : path.includes("never") ? 403 : 200;
        refused = 0;
        response.writeHead(status).end();
        return;
      }
      const name = server!.requests.filter((request) => request.method === "POST").length === 1 ? "twice" : "never";
      json(response, 201, {
        id: "upload_1",
        url: `${server!.url}/bucket/${name}?s=x`,
        headers: { "Content-Type": "image/gif" },
      });
    });
    const code = `print(json.dumps([
      client.upload(b"GIF89a....")["id"], len(sleeps),
      caught(client.upload, b"GIF89a...."), caught(client.upload, b"%PDF"), caught(client.upload, "/no/such/file"),
    ]))`;
    expect(await snippet(code, server.url)).toEqual([
      "upload_1",
      1,
      expect.objectContaining({ code: "upload_failed", retry: "never" }),
      expect.objectContaining({ code: "invalid_argument" }),
      expect.objectContaining({ code: "invalid_argument" }),
    ]);
    const puts = server.requests.filter(({ method }) => method === "PUT");
    expect(puts.map(({ body }) => body)).toEqual(Array.from({ length: 3 }, () => "GIF89a...."));
    for (const { headers } of puts) {
      expect(headers.authorization).toBeUndefined();
      expect(headers["content-type"]).toBe("image/gif");
    }
  });

  test("no response is `unreachable`, after the reads were repeated", async () => {
    const code = `print(json.dumps([caught(client.get_flow, "flow_1"), len(sleeps)]))`;
    expect(await snippet(code, "http://127.0.0.1:9")).toEqual([
      expect.objectContaining({ code: "unreachable", retry: "later" }),
      3,
    ]);
  });

  test("verify_webhook accepts what mjflow signs, and nothing else", async () => {
    const [secret, other] = [0, 1].map(() => `whsec_${randomBytes(32).toString("base64")}`);
    const body = JSON.stringify({ type: "flow.completed", timestamp: "2026-11-21T08:00:00Z", data: { state: "é" } });
    const sign = (id: string, at: number, key = secret!) => ({
      "webhook-id": id,
      "webhook-timestamp": String(at),
      "webhook-signature": `v1a,AAAA v1,${createHmac("sha256", Buffer.from(key.slice(6), "base64"))
        .update(`${id}.${at}.${body}`)
        .digest("base64")}`,
    });
    const cases = [
      [body, sign("evt_1", 1_000), secret],
      [
        body,
        Object.fromEntries(Object.entries(sign("evt_1", 1_000)).map(([k, v]) => [k.toUpperCase(), v])),
        [other, secret],
      ],
      [`${body} `, sign("evt_1", 1_000), secret],
      [body, sign("evt_1", 1_000, other), secret],
      [body, sign("evt_1", 1_000), []],
      [body, { ...sign("evt_1", 1_000), "webhook-id": "evt_2" }, secret],
      [body, sign("evt.1", 1_000), secret],
      [body, sign("evt_1", 600), secret],
      [body, { "webhook-id": "evt_1" }, secret],
      [body, sign("evt_1", 1_000), "secret"],
    ];
    const code = `
results = []
for body, headers, secret in args[0]:
    result = caught(verify_webhook, body.encode(), headers, secret, now=1100)
    results.append(result["id"] if "id" in result else result["code"])
print(json.dumps(results))`;
    const rejected = Array.from({ length: 7 }, () => "webhook_rejected");
    expect(await snippet(code, "http://127.0.0.1:9", cases)).toEqual([
      "evt_1",
      "evt_1",
      ...rejected,
      "invalid_argument",
    ]);
  });
});
