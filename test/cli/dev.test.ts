/** Tests `mjflow dev`, and that the other commands find its key. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mjflow/local/engine/port";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../support/spawned.ts";
import { type Running, start } from "./test-mjflow.ts";

let folder: string;
let server: Running;
let url: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-cli-dev-"));
  mkdirSync(join(folder, "deep"));
  server = start(undefined, ["dev", "--port", "0"], { cwd: folder });
  url = /API\s+(\S+)/.exec(await server.said(/Ctrl-C stops it/))![1]!;
}, 60_000);
afterAll(() => {
  server?.child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("dev starts a local server, the other commands find its key without options, and Ctrl-C stops it", async () => {
  const [, key] = /key\s+(mjk_\S+)/.exec(await server.said(/key/))!;
  const env = { MJFLOW_PORT: new URL(url).port };
  const imagine = start(undefined, ["imagine", "a paper boat", "--then", "U1"], { cwd: join(folder, "deep"), env });
  const { code, stdout, stderr } = await imagine.ended;
  expect(stderr).toMatch(/^flow_\w+\n$/);
  expect(code).toBe(0);
  expect(stdout).toMatch(/└─ U1 +✓/);
  const config = await start(undefined, ["config"], { cwd: join(folder, "deep"), env }).ended;
  expect(config.stdout).toContain(join(folder, ".mjflow/api.key"));
  expect(stdout + stderr + config.stdout).not.toContain(key);
  server.child.kill("SIGINT");
  expect((await server.ended).code).toBe(0);
}, 60_000);

describe("a server for other machines", () => {
  let open: Running;
  afterEach(() => open?.child.kill("SIGKILL"));

  test.skipIf(process.platform !== "linux")(
    "MJFLOW_HOST opens other addresses, a vendor that cannot call back is named, and SIGTERM ends an open stream",
    async () => {
      const cwd = mkdtempSync(join(tmpdir(), "mjflow-cli-host-"));
      onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
      const vendor = { MJFLOW_COMETAPI_BASE_URL: "https://vendor.example.com", MJFLOW_COMETAPI_KEY: "sk-vendor" };
      open = start(undefined, ["dev", "--port", "0"], { cwd, env: { ...vendor, MJFLOW_HOST: "0.0.0.0" } });
      const said = await open.said(/Ctrl-C stops it/);
      expect(said).toContain("cometapi cannot reach http://127.0.0.1:");
      expect(said).toContain('"provider":"cometapi"');
      expect(said).toContain("you pay for this flow");
      const [, url = "", key = ""] = /API\s+(\S+)[\s\S]*key\s+(mjk_\S+)/.exec(said)!;
      const other = url.replace("127.0.0.1", "127.0.0.2");
      expect((await fetch(`${other}/healthz`)).status).toBe(200);
      // The address of the other server answers only on loopback.
      const loopbackOnly = (await server.said(/API/)).match(/http:\/\/127\.0\.0\.1:\d+/)![0];
      await expect(fetch(`${loopbackOnly.replace("127.0.0.1", "127.0.0.2")}/healthz`)).rejects.toThrow();

      const doctor = await start(undefined, ["doctor"], { cwd, env: { MJFLOW_PORT: new URL(url).port } }).ended;
      expect(doctor.stdout).toMatch(/! callbacks +cometapi cannot reach/);

      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const body = JSON.stringify({ provider: "simulator", prompt: "a boat --sim stuck" });
      const created = await fetch(`${url}/v1/flows`, { method: "POST", headers, body });
      const { id } = (await created.json()) as { id: string };
      const stream = await fetch(`${url}/v1/flows/${id}/events`, { headers });
      expect(stream.status).toBe(200);
      open.child.kill("SIGTERM");
      expect((await open.ended).code).toBe(0);
      await stream.text().catch(() => {});
    },
    90_000,
  );

  test.each([
    ["no server is there", "no connection (ECONNREFUSED)"],
    ["another server is there", "HTTP 204 came from another server"],
  ])(
    "a public address that does not lead to this server is named after the start if %s, and by doctor",
    async (_, why) => {
      const cwd = mkdtempSync(join(tmpdir(), "mjflow-cli-public-"));
      onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
      const other = createServer((_, response) => response.writeHead(204).end());
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const publicUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      onTestFinished(() => void other.close());
      if (why.startsWith("no connection")) await new Promise((resolve) => other.close(resolve));
      const vendor = { MJFLOW_TRUEAI_BASE_URL: "http://127.0.0.1:9/trueai", MJFLOW_TRUEAI_KEY: "sk-vendor" };
      open = start(undefined, ["dev", "--port", "0"], { cwd, env: { ...vendor, MJFLOW_PUBLIC_URL: publicUrl } });
      const said = await open.said(/A test callback to/);
      expect(said).toContain(`! A test callback to ${publicUrl} did not arrive here: ${why}.`);
      const port = new URL(/API\s+(\S+)/.exec(said)![1]!).port;
      const doctor = await start(undefined, ["doctor"], { cwd, env: { MJFLOW_PORT: port } }).ended;
      expect(doctor.stdout).toMatch(/! callbacks +A test callback to/);
      open.child.kill("SIGTERM");
      expect((await open.ended).code).toBe(0);
    },
    90_000,
  );

  test("a public address that leads to this server gets one test callback, and no warning is printed", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "mjflow-cli-public-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const seen: string[] = [];
    let port = 0;
    const proxy = createServer((incoming, outgoing) => {
      seen.push(incoming.url!);
      const passed = request(
        { host: "127.0.0.1", port, path: incoming.url, method: incoming.method, headers: incoming.headers },
        (response) => {
          outgoing.writeHead(response.statusCode!, response.headers);
          response.pipe(outgoing);
        },
      );
      // The server does not listen yet: the request is repeated.
      passed.on("error", () => outgoing.writeHead(502).end());
      incoming.pipe(passed);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void proxy.close());
    const publicUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    port = await freePort();
    const vendor = { MJFLOW_TRUEAI_BASE_URL: "http://127.0.0.1:9/trueai", MJFLOW_TRUEAI_KEY: "sk-vendor" };
    open = start(undefined, ["dev", "--port", String(port)], { cwd, env: { ...vendor, MJFLOW_PUBLIC_URL: publicUrl } });
    await open.said(/Ctrl-C stops it/);
    await until(
      async () => seen.length,
      (count) => count > 0,
    );
    open.child.kill("SIGTERM");
    const { code, stdout, stderr } = await open.ended;
    expect([code, stdout + stderr]).toEqual([0, expect.not.stringContaining("!")]);
    expect(seen).toEqual([expect.stringMatching(/^\/callbacks\/tunnel-test-\w+$/)]);
  }, 90_000);

  test("an unknown setting stops the start and names the nearest one", async () => {
    open = start(undefined, ["dev"], { cwd: folder, env: { MJFLOW_COMETAPI_URL: "https://x.example.com" } });
    const { code, stderr } = await open.ended;
    expect(code).toBe(1);
    expect(stderr).toBe(
      "There is no setting MJFLOW_COMETAPI_URL. Do you mean MJFLOW_COMETAPI_BASE_URL or MJFLOW_COMETAPI_KEY? Otherwise remove it. docs/local-server.md lists all settings.\n",
    );
  });
});
