/** Tests the built package: JavaScript and declarations, in Node without TypeScript and on a page without Node. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { FLOW_ID, flow, json, KEY, problem, type Server, serve, task } from "./test-server.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const PACKAGE = join(ROOT, "packages/client");
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const run = promisify(execFile);

let folder: string;
let server: Server | undefined;
beforeAll(async () => {
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  folder = mkdtempSync(join(ROOT, ".tmp/client-build-"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  await run(process.execPath, [TSC, "-p", PACKAGE, "--outDir", join(folder, "dist")]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => server?.close());

const done = flow("completed", [task("0", "SUCCESS", 100)]);
const serveDone = () =>
  serve((response, { path }) => (path.endsWith("/events") ? problem(response, 404, "x") : json(response, 200, done)));

test("the package has no dependencies and imports only its own files", () => {
  const manifest = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"])
    expect(manifest[kind]).toBeUndefined();
  for (const file of readdirSync(join(PACKAGE, "src")).filter((name) => !name.endsWith(".test.ts"))) {
    const source = readFileSync(join(PACKAGE, "src", file), "utf8");
    for (const [, from] of source.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
      expect(from, file).toMatch(/^\.\/[\w-]+\.ts$/);
    }
    expect(source, file).not.toMatch(/\b(?:Buffer|require)\b|\bconsole[.[]\w/);
  }
});

test("the built package runs as plain JavaScript, and its declarations match the sources", async () => {
  server = await serveDone();
  const script = join(folder, "use.js");
  writeFileSync(
    script,
    `import { Mjflow } from "./dist/index.js";
     console.log((await new Mjflow().flows.wait(${JSON.stringify(FLOW_ID)})).status);`,
  );
  const env = { MJFLOW_URL: server.url, MJFLOW_API_KEY: KEY };
  const { stdout } = await run(process.execPath, ["--no-experimental-strip-types", script], { env });
  expect(stdout.trim()).toBe("completed");
  writeFileSync(
    join(folder, "use.ts"),
    `import { Mjflow, type FlowStatus } from "./dist/index.js";
     export const status: FlowStatus = (await new Mjflow().flows.create({ provider: "simulator" }).wait()).status;
     // @ts-expect-error a status is not a number
     export const wrong: number = (await new Mjflow().flows.get("flow_1")).status;`,
  );
  const options = {
    module: "nodenext",
    target: "es2022",
    lib: ["ES2022", "DOM"],
    types: [],
    strict: true,
    noEmit: true,
  };
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
  await run(process.execPath, [TSC, "-p", config]);
}, 60_000);

test("the bundle works on a page with only the globals of a browser", async () => {
  server = await serveDone();
  const { outputFiles } = await build({
    entryPoints: [join(PACKAGE, "src/index.ts")],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "client",
    platform: "browser",
    target: "es2022",
  });
  const { fetch, URL, URLSearchParams, Headers, AbortController, TextEncoder, TextDecoder } = globalThis;
  const web = { fetch, URL, URLSearchParams, Headers, AbortController, TextEncoder, TextDecoder };
  const { crypto, setTimeout, clearTimeout, atob, btoa } = globalThis;
  // A page that was loaded over http has neither `subtle` nor `randomUUID`.
  const { subtle: _, randomUUID: __, ...rest } = { ...crypto, getRandomValues: crypto.getRandomValues.bind(crypto) };
  const location = { href: `${server.url}/draw` };
  const page = createContext({ ...web, crypto: rest, setTimeout, clearTimeout, atob, btoa, location });
  runInContext(outputFiles[0]!.text, page);
  const status = runInContext(
    `(async () => {
      const mjflow = new client.Mjflow({ baseUrl: "/api" });
      return (await mjflow.flows.create({ provider: "simulator", prompt: "a boat" }).wait()).status;
    })()`,
    page,
  );
  expect(await status).toBe("completed");
  expect(server.requests[0]?.path).toBe("/api/v1/flows");
});
