/** Tests `mjflow dev`, and that the other commands find its key. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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
