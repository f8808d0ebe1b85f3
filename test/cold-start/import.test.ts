/** What the import of each function costs, in counts. `npm run bench -- bundles` measures the time. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodejs } from "../../infra/bundle-option.ts";
import { BUDGET_KB, BUDGET_MODULES } from "../../infra/check/budget.mjs";
import { type Bundle, buildFunction } from "../../infra/check/bundle.mjs";

interface Import {
  /** Modules of Node that the import loaded. */
  builtins: string[];
  /** Number of zod schemas that it built. */
  schemas: number;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SCRIPT = fileURLToPath(new URL("./import.mjs", import.meta.url));
const NAMES = Object.keys(BUDGET_KB);

const built = new Map<string, Bundle & Import>();
let work: string;

beforeAll(async () => {
  // Packages outside of a bundle are found only from a folder of the project.
  await mkdir(join(ROOT, ".sst"), { recursive: true });
  work = await mkdtemp(join(ROOT, ".sst/cold-start-"));
  for (const name of NAMES) built.set(name, await buildAndImport(name));
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function buildAndImport(name: string): Promise<Bundle & Import> {
  const out = join(work, name);
  await mkdir(out);
  const handler = `functions/${name.toLowerCase()}.handler`;
  const bundle = await buildFunction({ root: ROOT, handler, out, runtime: "nodejs24.x", nodejs });
  return { ...bundle, ...(await importOf(bundle.file)) };
}

async function importOf(file: string): Promise<Import> {
  const env = { PATH: process.env["PATH"], AWS_REGION: "eu-west-1" };
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, file], { env });
  return JSON.parse(stdout) as Import;
}

test.each(Object.entries(BUDGET_KB))("the import of %s reads less than %i kB", (name, budget) => {
  expect(built.get(name)!.eagerBytes / 1_000).toBeLessThan(budget);
});

test.each(Object.entries(BUDGET_MODULES))("the import of %s evaluates at most %i modules", (name, budget) => {
  expect(built.get(name)!.eagerModules).toBeLessThanOrEqual(budget);
});

test.each(NAMES)("the import of %s builds no schema", (name) => {
  expect(built.get(name)!.schemas).toBe(0);
});

/**
 * Modules of Node that take a millisecond or more, and that an import statement of `node:http` or `node:util` loads although no code
 * uses them (docs/decisions/0084).
 */
const COSTLY = ["internal/deps/undici/undici", "http2", "worker_threads", "perf_hooks", "dns/promises"];

test.each(NAMES)("the import of %s loads no part of Node that its first event may not need", (name) => {
  const { builtins } = built.get(name)!;
  // Reduce has no table, so its import loads no client.
  if (name !== "Reduce") expect(builtins).toContain("https");
  expect(builtins.filter((module) => COSTLY.includes(module))).toEqual([]);
});

test("the count sees schemas, and an import statement of node:http", async () => {
  const file = join(work, "control.mjs");
  await writeFile(file, `import "node:http"; import * as z from "zod/mini"; export default z.array(z.string());`);
  const { builtins, schemas } = await importOf(file);
  expect(schemas).toBeGreaterThanOrEqual(2);
  expect(builtins).toContain("internal/deps/undici/undici");
});
