/** `mjflow dev --tunnel` with a tunnel program of this test: it has a loopback address and passes everything on. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Mjflow } from "@mjflow/client";
import { openTunnelGate } from "@mjflow/local/tunnel-gate";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../support/spawned.ts";
import { type Running, type RunOptions, start } from "./test-mjflow.ts";

let folder: string;
let server: Running | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-tunnel-"));
});
afterEach(() => {
  server?.child.kill("SIGKILL");
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Writes its paths and its environment to the folder. Its output is that of cloudflared, with links to documents. */
const PROGRAM = `#!${process.execPath}
const { createServer, request } = require("node:http");
const { appendFileSync, writeFileSync } = require("node:fs");
const target = process.argv.find((arg) => /^http:/.test(arg)) ?? "http://127.0.0.1:" + process.argv.at(-1);
writeFileSync(__dirname + "/env.json", JSON.stringify({ args: process.argv.slice(2), names: Object.keys(process.env), pid: process.pid }));
const server = createServer((incoming, outgoing) => {
  appendFileSync(__dirname + "/paths", incoming.method + " " + incoming.url + "\\n");
  const passed = request(target + incoming.url, { method: incoming.method, headers: incoming.headers }, (response) => {
    outgoing.writeHead(response.statusCode, response.headers);
    response.pipe(outgoing);
  });
  passed.on("error", () => outgoing.writeHead(502).end());
  incoming.pipe(passed);
});
server.listen(0, "127.0.0.1", () => {
  console.error("INF Thank you for trying Cloudflare Tunnel: https://developers.cloudflare.com/connect-apps");
  console.error("INF |  Your quick Tunnel has been created! Visit it at:                |");
  console.error("INF |  http://127.0.0.1:" + server.address().port + "                  |");
});
`;

function install(name: string, program = PROGRAM): string {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  const path = join(bin, name);
  writeFileSync(path, program);
  chmodSync(path, 0o755);
  // The module type of a file without an ending.
  writeFileSync(join(bin, "package.json"), '{"type":"commonjs"}');
  return path;
}

function dev(args: string[], { env = {} }: RunOptions = {}): Running {
  const path = `${join(folder, "bin")}:${process.env["PATH"]}`;
  const all = { PATH: path, MJFLOW_SIMULATOR_SPEED: "0.3", ...env };
  server = start(undefined, ["dev", "--port", "0", ...args], { cwd: folder, env: all });
  return server;
}

const read = (name: string) => readFileSync(join(folder, "bin", name), "utf8");

describe.skipIf(process.platform === "win32")("mjflow dev --tunnel", () => {
  test("callbacks come through the tunnel, nothing else is reachable there, and it ends with the server", async () => {
    install("cloudflared");
    const running = dev(["--tunnel"]);
    const said = await running.said(/Ctrl-C stops it/);
    const [, url = "", key = ""] = /API\s+(\S+)[\s\S]*key\s+(mjk_\S+)/.exec(said)!;
    const [, publicUrl = ""] = /callbacks\s+(\S+) \(cloudflared; a test callback arrived in \d+ ms;/.exec(said)!;
    expect(said).not.toMatch(/^!/m);
    const { args, names, pid } = JSON.parse(read("env.json"));
    expect(args.slice(0, 3)).toEqual(["tunnel", "--no-autoupdate", "--url"]);
    expect(names.filter((name: string) => name.startsWith("MJFLOW_"))).toEqual([]);

    const at = async (method: string, path: string) => (await fetch(`${publicUrl}${path}`, { method })).status;
    for (const path of [
      "/healthz",
      "/v1/flows",
      "/console/",
      "/docs",
      "/callbacks/a",
      "/backup",
      "/mj/submit/imagine",
    ]) {
      expect([path, await at("GET", path)]).toEqual([path, 404]);
    }
    expect(await at("POST", "/v1/flows")).toBe(404);
    expect(await at("POST", "/callbacks/a/../../v1/flows")).toBe(404);
    expect(await at("POST", "/callbacks/forged")).toBe(401);

    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const body = JSON.stringify({ provider: "simulator", prompt: "a boat", then: [{ press: "V1" }] });
    const created = await fetch(`${url}/v1/flows`, { method: "POST", headers, body });
    const { id } = (await created.json()) as { id: string };
    const flow = await until(
      async () =>
        (await (await fetch(`${url}/v1/flows/${id}`, { headers })).json()) as { status: string; counts: object },
      ({ status }) => status !== "running",
    );
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2, lookups: 0 } });
    const paths = read("paths").trim().split("\n");
    expect(paths[0]).toMatch(/^POST \/callbacks\/tunnel-test-\w+$/);
    expect(paths.filter((path) => /^POST \/callbacks\/[\w.-]{40,}$/.test(path)).length).toBeGreaterThanOrEqual(4);
    // The links to images stay local.
    expect(JSON.stringify(flow)).not.toContain(publicUrl);

    // So do the links to files: the tunnel passes only callbacks on.
    const image = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
    const { id: upload, link } = await new Mjflow({ baseUrl: url, apiKey: key }).uploads.send(image);
    expect(upload).toMatch(/^upload_/);
    expect(Buffer.from(await (await fetch(link)).arrayBuffer())).toEqual(image);

    const doctor = await start({ url }, ["doctor"], { cwd: folder, env: { MJFLOW_API_KEY: "" } }).ended;
    expect(doctor.stdout).toMatch(new RegExp(`✓ callbacks +expected at ${publicUrl}`));

    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(0);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test("ngrok is used if cloudflared is not installed, and its address is read from its log", async () => {
    const printed =
      't=2026-11-30T10:00:00+0000 lvl=info msg="started tunnel" obj=tunnels name=command_line addr=http://127.0.0.1:';
    install(
      "ngrok",
      PROGRAM.replace(/const target = .*\n/, 'const target = "http://" + process.argv[3];\n').replace(
        / {2}console\.error\("INF Thank[\s\S]*?\n\}\);\n$/,
        `  console.log('${printed}' + process.argv[3].split(":")[1] + " url=http://127.0.0.1:" + server.address().port);\n});\n`,
      ),
    );
    const running = dev(["--tunnel"]);
    const said = await running.said(/Ctrl-C stops it/);
    expect(said).toMatch(/callbacks\s+http:\/\/127\.0\.0\.1:\d+ \(ngrok; a test callback arrived/);
    expect(JSON.parse(read("env.json")).args).toEqual([
      "http",
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      "--log",
      "stdout",
      "--log-format",
      "logfmt",
    ]);
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(0);
  });

  test("another tunnel program is used with its command, and its end is reported", async () => {
    // The first link in its output must be the address.
    const path = install("other", PROGRAM.replace(/ {2}console\.error\("INF (Thank|\| {2}Your).*\n/g, ""));
    const vendor = { MJFLOW_COMETAPI_BASE_URL: "https://vendor.example.com", MJFLOW_COMETAPI_KEY: "sk-vendor" };
    const running = dev(["--tunnel-command", `${path} --port {port}`], { env: vendor });
    const said = await running.said(/Ctrl-C stops it/);
    expect(said).toMatch(/callbacks\s+http:\/\/127\.0\.0\.1:\d+ \(\S*other; a test callback arrived/);
    expect(said).not.toContain("cannot reach");
    expect(said).toMatch(/you pay for this flow, about 0\.\d+ USD by mjflow's estimate/);
    process.kill(JSON.parse(read("env.json")).pid, "SIGTERM");
    expect(await running.said(/tunnel program has stopped/)).toContain("it ended with SIGTERM. No callback arrives");
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });

  test.each([
    ["no program", undefined, { PATH: "/nowhere" }, /^No tunnel program is installed\. Install cloudflared/],
    [
      "a program that fails",
      "#!/bin/sh\necho 'ERR no network' >&2\nexit 3\n",
      {},
      /cloudflared gave no address: it ended with 3: ERR no network$/,
    ],
    [
      "a public URL",
      PROGRAM,
      { MJFLOW_PUBLIC_URL: "https://mj.example.com" },
      /^MJFLOW_PUBLIC_URL is set, so callbacks need no tunnel/,
    ],
  ])("with %s the start ends with a message and leaves nothing behind", async (_, program, env, message) => {
    if (program !== undefined) install("cloudflared", program);
    const { code, stderr } = await dev(["--tunnel"], { env }).ended;
    expect([code, stderr.trim()]).toEqual([1, expect.stringMatching(message)]);
  });

  test("a command without {port} is refused", async () => {
    const { code, stderr } = await dev(["--tunnel-command", "bore local 1"]).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining("with {port} in it")]);
  });
});

describe("a test callback", () => {
  test("an address that leads to another server, or nowhere, is not taken for a tunnel", async () => {
    const gate = await openTunnelGate();
    onTestFinished(() => gate.close());
    const other = createServer((_, response) => response.writeHead(200).end("ok"));
    await new Promise<void>((ready) => other.listen(0, "127.0.0.1", ready));
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await gate.test(url, 0)).toEqual({ why: "HTTP 200 came from another server" });
    expect(await gate.test("http://127.0.0.1:9", 0)).toEqual({ why: expect.stringContaining("no connection") });
  });
});
