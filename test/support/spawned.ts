/** A local server in its own process. Tests use only its HTTP API, like an app, a vendor or an operator. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
const READY_MS = 60_000;

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
export type Json = any;

export interface SpawnedServer {
  url: string;
  simulatorUrl: string;
  pid: number;
  dataDir: string;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Json; headers: Headers }>;
  /** Creates a flow and returns its id. */
  start(body: Record<string, unknown>): Promise<string>;
  flow(id: string): Promise<Json>;
  /** Waits for the flow to end. */
  ended(id: string, withinMs?: number): Promise<Json>;
  sim(method: string, path: string, body?: unknown): Promise<Json>;
  /** Kills the process like a power cut: it closes and finishes nothing. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface SpawnOptions {
  dataDir?: string;
  port?: number;
  env?: Record<string, string>;
  /** Checkout whose server is started. Unset: this one. */
  root?: string | undefined;
  /** Program in the checkout. Unset: that of `npm start`. */
  program?: string | undefined;
}

export const API_KEY = "mjk_for_e2e_tests_only";

export async function spawnServer({
  dataDir,
  port = 0,
  env = {},
  root = ROOT,
  program = "bin/start.mjs",
}: SpawnOptions = {}): Promise<SpawnedServer> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), "mjflow-e2e-"));
  const child = spawn(process.execPath, [program], {
    cwd: root,
    env: {
      ...cleanEnv(),
      MJFLOW_PORT: String(port),
      MJFLOW_DATA_DIR: folder,
      MJFLOW_API_KEY: API_KEY,
      MJFLOW_SIMULATOR_SPEED: "0.3",
      MJFLOW_SWEEP_MS: "300",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = await greeting(child);
  const url = /API\s+(\S+)/.exec(output)![1]!;
  const simulatorUrl = /simulated \((\S+)\)/.exec(output)![1]!;

  async function request(
    base: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : (JSON.parse(text) as Json),
    };
  }

  const server: SpawnedServer = {
    url,
    simulatorUrl,
    pid: child.pid!,
    dataDir: folder,
    call: (method, path, body, headers) =>
      request(url, method, path, body, { authorization: `Bearer ${API_KEY}`, ...headers }),
    async start(body) {
      const { status, body: flow } = await server.call("POST", "/v1/flows", {
        provider: "simulator",
        prompt: "a boat",
        ...body,
      });
      if (status !== 202) throw new Error(`HTTP ${status}: ${JSON.stringify(flow)}`);
      return flow.id;
    },
    flow: async (id) => (await server.call("GET", `/v1/flows/${id}`)).body,
    ended: (id, withinMs) =>
      until(
        () => server.flow(id),
        (flow) => flow.status !== "running",
        withinMs,
      ),
    sim: async (method, path, body) => (await request(simulatorUrl, method, `/_sim${path}`, body)).body,
    async kill() {
      child.kill("SIGKILL");
      await waitForExit(child);
    },
    async stop() {
      child.kill("SIGTERM");
      await waitForExit(child);
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
  return server;
}

export interface SpawnedVendors {
  url: string;
  sim(method: string, path: string, body?: unknown): Promise<Json>;
  stop(): Promise<void>;
}

/** The simulated vendors in a process of their own, so that they live on while a server is killed. */
export async function spawnVendors(port: number, env: Record<string, string> = {}): Promise<SpawnedVendors> {
  const child = spawn(process.execPath, ["bin/simulator.mjs"], {
    cwd: ROOT,
    env: { ...cleanEnv(), MJFLOW_SIMULATOR_PORT: String(port), MJFLOW_SIMULATOR_SPEED: "0.3", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await greeting(child, "Try it:");
  const url = `http://127.0.0.1:${port}`;
  // Nothing reads the log lines, but an unread pipe would stop the process.
  child.stdout!.resume();
  child.stderr!.resume();
  return {
    url,
    async sim(method, path, body) {
      const response = await fetch(`${url}/_sim${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return response.json();
    },
    async stop() {
      child.kill("SIGTERM");
      await waitForExit(child);
    },
  };
}

/**
 * Reads a value repeatedly until it matches. These tests wait in no other way. The time limit only ends a failed test;
 * it is no guarantee of mjflow.
 */
export async function until<T>(read: () => Promise<T>, matches: (value: T) => boolean, withinMs = 60_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (matches(value)) return value;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(value)?.slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The environment without settings of the developer and of the test runner. */
function cleanEnv(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(MJFLOW_|SST_|AWS_|VITEST|NODE_OPTIONS)/.test(name),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Returns the output until the server is ready. */
function greeting(child: ChildProcess, last = "Ctrl-C stops it"): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`the server was not ready within ${READY_MS} ms:\n${output}`));
    }, READY_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (!output.includes(last)) return;
      clearTimeout(timer);
      resolve(output);
    };
    child.stdout!.on("data", read);
    child.stderr!.on("data", read);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code}:\n${output}`));
    });
  });
}

function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}
