/** Starting mjflow: errors are one line, and nothing is left behind. */
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-e2e-start-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ownVariables = /^(MJFLOW_|SST_|AWS_|VITEST|NODE_OPTIONS)/;
function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !ownVariables.test(name));
  return { ...Object.fromEntries(kept), MJFLOW_PORT: "0", MJFLOW_DATA_DIR: join(folder, "data"), ...extra };
}

/** Runs a script until it exits without a signal. */
function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { env: environment(env), timeout: 15_000, killSignal: "SIGKILL" as const };
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: (stdout + stderr).trim() });
    });
  });
}

test.each([
  [{ MJFLOW_COMETAPI_KEY: "sk-secret" }, "MJFLOW_COMETAPI_KEY is set without MJFLOW_COMETAPI_BASE_URL"],
  [{ MJFLOW_TIMINGS: '{"quitMs":1}' }, 'MJFLOW_TIMINGS: there is no timing "quitMs"'],
])("a configuration error is printed as one line without a stack trace: %j", async (env, line) => {
  expect(await run(["bin/start.mjs"], env)).toEqual({ code: 1, output: line });
});

test("a TCP port in use is reported in one line", async () => {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const { code, output } = await run(["bin/start.mjs"], { MJFLOW_PORT: String(port) });
  server.close();
  expect([code, output]).toEqual([1, `Port ${port} is in use. Set MJFLOW_PORT to another port (0: any free port).`]);
});

test("the demo reports an invalid argument with its usage", async () => {
  for (const args of [["--nope"], ["--provider", "nobody"]]) {
    const { code, output } = await run(["bin/demo.mjs", ...args]);
    expect(code).toBe(1);
    expect(output).toContain("npm run demo -- [--provider");
    expect(output).not.toContain("    at ");
  }
});

test("Ctrl-C in the demo removes its folder", async () => {
  const child = spawn(process.execPath, ["bin/demo.mjs"], { env: environment({ TMPDIR: folder }) });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    await new Promise<void>((started, reject) => {
      child.stdout.on("data", (chunk: Buffer) => chunk.includes("░") && started());
      ended.then((code) => reject(new Error(`the demo ended with ${code} before it started`)));
    });
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a data folder that is damaged, emptied or not writable is refused in one line with a way out", async () => {
  const data = join(folder, "data");
  mkdirSync(data);
  writeFileSync(join(data, "mjflow.db"), Buffer.alloc(50_000, 0x5a));
  const damaged = await run(["bin/start.mjs"]);
  expect([damaged.code, damaged.output]).toEqual([
    1,
    expect.stringMatching(/^mjflow\.db in .* is damaged .*backup.*$/),
  ]);
  writeFileSync(join(data, "mjflow.db"), "");
  writeFileSync(join(data, "hook.key"), "key");
  const emptied = await run(["bin/start.mjs"]);
  expect([emptied.code, emptied.output]).toEqual([
    1,
    expect.stringMatching(/^.* held data .*MJFLOW_ACCEPT_LOSS=all.*$/),
  ]);
  const file = join(folder, "file");
  writeFileSync(file, "");
  const notWritable = await run(["bin/start.mjs"], { MJFLOW_DATA_DIR: join(file, "data") });
  expect([notWritable.code, notWritable.output]).toEqual([
    1,
    expect.stringMatching(/^The data folder .* cannot be used: .*$/),
  ]);
});
