/**
 * `npm run clients:check` generates a TypeScript and a Python client from docs/openapi.json, type-checks what can be checked, and
 * runs a flow with each at a local server. The generators come from the npm and Python registries, so the check is optional: it
 * says why it skips a client. With `MJFLOW_TEST_CLIENTS=required` a skipped client is an error.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";

const DOCUMENT = new URL("../../docs/openapi.json", import.meta.url).pathname;
const NPM = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3"];
const PIP = ["openapi-python-client==0.29.1"];

const PROGRAM = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

declare const process: { env: Record<string, string>; exitCode: number };
const client = createClient<paths>({
  baseUrl: process.env["MJFLOW_URL"]!,
  headers: { Authorization: \`Bearer \${process.env["MJFLOW_API_KEY"]}\` },
});

function check(holds: boolean, about: string): asserts holds {
  if (!holds) throw new Error(about);
}

async function ended(id: string): Promise<components["schemas"]["Flow"]> {
  for (let i = 0; i < 600; i++) {
    const { data } = await client.GET("/v1/flows/{id}", { params: { path: { id } } });
    check(data !== undefined, "the flow can be read");
    if (data.status !== "running") return data;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(\`\${id} has not ended\`);
}

const { data: created } = await client.POST("/v1/flows", {
  params: { header: { "Idempotency-Key": "generated-typescript" } },
  body: { provider: "simulator", prompt: "a paper boat", state: "order 7", then: [{ press: "U1" }] },
});
check(created !== undefined && "tasks" in created, "a flow is created");
const done = await ended(created.id);
const endedAt: string | null = done.endedAt;
const hintMs: number | null = done.nextInMs;
check(done.status === "completed" && done.state === "order 7" && done.tasks.length === 2, "the flow completes");
check(endedAt !== null && !Number.isNaN(Date.parse(endedAt)) && hintMs === null, "an ended flow has its time and no hint");
await client.POST("/v1/tasks/{id}/actions", {
  params: { path: { id: done.tasks[0]!.id } },
  body: { press: "upscale:2" },
});
check((await ended(created.id)).tasks.length === 3, "the press makes a task");
const { data: endpoint } = await client.POST("/v1/endpoints", { body: { url: "https://example.com/hook" } });
check(endpoint?.secret?.startsWith("whsec_") === true, "a new endpoint shows its secret");
const unknown = { params: { path: { id: "flow_01AAAAAAAAAAAAAAAAAAAAAAAA" } } };
const { error } = await client.GET("/v1/flows/{id}", unknown);
check(error?.code === "not_found", "an unknown flow is a problem with its code");
console.log("ok");
`;

/** What this machine lacks for a client. */
class Missing extends Error {}

function run(program: string, args: string[], cwd: string, env: Record<string, string> = {}): string {
  return execFileSync(program, args, { cwd, env: { ...process.env, ...env }, encoding: "utf8", stdio: "pipe" });
}

function install(program: string, args: string[], cwd: string): void {
  try {
    run(program, args, cwd);
  } catch (error) {
    const { code, stderr = "" } = error as { code?: string; stderr?: string };
    const last = stderr.trim().split("\n").at(-1);
    throw new Missing(code === "ENOENT" ? `there is no ${program}` : `${program} ${args[0]} failed: ${last}`);
  }
}

function typescript(folder: string, env: Record<string, string>): string {
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
  install("npm", ["install", "--no-audit", "--no-fund", ...NPM], folder);
  run("npx", ["openapi-typescript", DOCUMENT, "--output", "api.ts"], folder);
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  const strict = ["--strict", "--noUncheckedIndexedAccess", "--noEmit", "--allowImportingTsExtensions"];
  run("npx", ["tsc", ...strict, "--skipLibCheck", "--target", "esnext", "--module", "nodenext", "program.ts"], folder);
  return run(process.execPath, ["program.ts"], folder, env);
}

function python(folder: string, env: Record<string, string>): string {
  install(process.env["MJFLOW_PYTHON"] || "python3", ["-m", "venv", "venv"], folder);
  const bin = (name: string) => join(folder, "venv/bin", name);
  install(bin("python"), ["-m", "pip", "install", "--quiet", ...PIP], folder);
  const generate = ["generate", "--path", DOCUMENT, "--output-path", "generated", "--meta", "none"];
  const { status, stdout, stderr } = spawnSync(bin("openapi-python-client"), generate, {
    cwd: folder,
    encoding: "utf8",
  });
  // The generator leaves out what it does not understand, with a warning and exit code 0.
  if (status !== 0 || /Unable to|removal of/i.test(stdout + stderr)) throw new Error(stdout + stderr);
  cpSync(new URL("flow.py", import.meta.url), join(folder, "flow.py"));
  return run(bin("python"), ["flow.py"], folder, env);
}

const server: SpawnedServer = await spawnServer();
const env = { MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY };
try {
  for (const [name, check] of Object.entries({ typescript, python })) {
    const folder = mkdtempSync(join(tmpdir(), `mjflow-client-${name}-`));
    try {
      console.log(`${name}: ${check(folder, env).trim()}`);
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      console.log(`${name}: ${error instanceof Missing ? "skipped" : "failed"}: ${(error as Error).message}`);
      if (!(error instanceof Missing)) console.log(`${stdout}${stderr}`);
      if (!(error instanceof Missing) || process.env["MJFLOW_TEST_CLIENTS"] === "required") process.exitCode = 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
} finally {
  await server.stop();
}
