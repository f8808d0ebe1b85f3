/**
 * `npm run packages:check [-- --runtimes]`: packs the npm packages, installs the tarballs in empty folders and uses them
 * like a person without a clone. With `--runtimes` the client also runs in Deno and Bun.
 *
 * The check needs the npm registry: it installs the dependencies of the packages, TypeScript, and the versions of Node
 * that this machine lacks.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPackage, PACKAGES } from "./build.ts";
import { interpreter, NPX, npm, plainEnvironment } from "./interpreter.ts";
import { ROOT } from "./manifest.ts";

const CLIENT_NODES = ["20", "22", "24"];
const SERVER_NODES = ["22", "24"];
const TYPESCRIPT = "typescript@5.9.3";
/** Highest size of an installed `mjflow` with its dependencies, MB. */
const INSTALLED_MB = 80;
/** Time until a server has started or a program has ended on a busy machine, ms. */
const TIMEOUT_MS = 60_000;

const work = mkdtempSync(join(tmpdir(), "mjflow-packages-"));
const children = new Set<ChildProcess>();
try {
  await main();
} finally {
  for (const child of children) signal(child, "SIGKILL");
  rmSync(work, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const tarballs: Record<string, string> = {};
  for (const name of PACKAGES) tarballs[name] = pack(await buildPackage(name));
  const newest = interpreter("node", SERVER_NODES.at(-1));

  const clients = project("client", newest, [tarballs["client"]!, TYPESCRIPT, "@types/node@20"]);
  compile(clients, "flow", newest);
  const simulators = project("simulator", newest, [tarballs["simulator"]!, TYPESCRIPT, "@types/node@22"]);
  compile(simulators, "simulator", newest);
  for (const major of SERVER_NODES) {
    const node = interpreter("node", major);
    expectLine(await output(node, ["out/simulator.js"], simulators), { vendors: 12, tasks: 1, ends: 4, fired: 1 });
    done(`@mjflow/simulator runs on Node ${major}`);
  }

  const programs = project("mjflow", newest, [tarballs["mjflow"]!]);
  const sizeMb = Math.round(sizeOf(join(programs, "node_modules")) / 1024 ** 2);
  if (sizeMb > INSTALLED_MB) throw new Error(`mjflow takes ${sizeMb} MB, more than ${INSTALLED_MB} MB.`);
  done(`mjflow takes ${sizeMb} MB with its dependencies`);
  for (const major of SERVER_NODES) await checkServer(programs, clients, major);
  console.log("All packages work from their tarballs.");
}

/** Starts the local server on one Node; runs the client on all of them, and the command line. */
async function checkServer(programs: string, clients: string, major: string): Promise<void> {
  const node = interpreter("node", major);
  const run = (...args: string[]) => output(node, [NPX, "mjflow", ...args], programs, { MJFLOW_PORT: port });
  // A service starts the executable itself: npx would keep SIGTERM for itself.
  const server = start(node, ["node_modules/.bin/mjflow", "dev", "--port", "0"], programs);
  const greeting = await server.said(/Ctrl-C stops it/);
  const url = /API\s+(\S+)/.exec(greeting)![1]!;
  const { port } = new URL(url);
  const env = { MJFLOW_URL: url, MJFLOW_API_KEY: /key\s+(mjk_\S+)/.exec(greeting)![1]! };
  done(`mjflow dev starts on Node ${major}`);

  const runtimes = CLIENT_NODES.map((each) => ({ name: `Node ${each}`, command: [interpreter("node", each)] }));
  if (process.argv.includes("--runtimes") && major === SERVER_NODES.at(-1)) {
    runtimes.push({ name: "Bun", command: [interpreter("bun")] });
    runtimes.push({ name: "Deno", command: [interpreter("deno"), "run", "--allow-all"] });
  }
  for (const { name, command } of runtimes) {
    const [program = "", ...args] = command;
    const expected = { status: "completed", tasks: 3, images: 3, webhook: "flow.completed", refused: 1 };
    expectLine(await output(program, [...args, "out/flow.js"], clients, env), expected);
    done(`@mjflow/client runs a flow and verifies its webhook on ${name}`);
  }

  const shown = await run("imagine", "a paper boat", "--then", "U1");
  if (!/└─ U1 +✓/.test(shown)) throw new Error(`mjflow imagine printed:\n${shown}`);
  const tools = await mcpTools(node, programs, env);
  if (!tools.includes("imagine") || !tools.includes("press")) throw new Error(`mjflow mcp has the tools ${tools}.`);
  const page = await fetch(`${url}/console/`);
  const script = /src="\.\/(assets\/[^"]+)"/.exec(await page.text())?.[1];
  if (!page.ok || script === undefined || !(await fetch(`${url}/console/${script}`)).ok) {
    throw new Error(`The console is incomplete: HTTP ${page.status}, script ${script}.`);
  }
  const guide = await (await fetch(`${url}/docs/errors/not_found`)).text();
  const asset = /href="(\/docs\/assets\/style[^"]+)"/.exec(guide)?.[1];
  if (!guide.includes("not_found") || asset === undefined || !(await fetch(`${url}${asset}`)).ok) {
    throw new Error(`The documentation is incomplete: style ${asset}.`);
  }
  await run("backup", join(programs, `backup-${major}`));
  const code = await server.stop("SIGTERM");
  if (code !== 0) throw new Error(`The server ended with ${code} after SIGTERM.`);
  done(`the commands imagine, mcp and backup, the console, the documentation and a stop work on Node ${major}`);

  const restored = start(node, [NPX, "mjflow", "dev", "--port", "0", "--data", `backup-${major}`], programs);
  const again = /API\s+(\S+)/.exec(await restored.said(/Ctrl-C stops it/))![1]!;
  const flows = await fetch(`${again}/v1/flows`, { headers: { authorization: `Bearer ${env.MJFLOW_API_KEY}` } });
  const { data } = (await flows.json()) as { data: { status: string }[] };
  if (!data.some(({ status }) => status === "completed")) throw new Error("The restored server has no flow.");
  await restored.stop("SIGINT");
  done(`npx mjflow dev starts with a restored backup on Node ${major}`);
  rmSync(join(programs, ".mjflow"), { recursive: true });
}

/** Packs a built package. @returns the path of the tarball. @throws Error if it has files that a user does not need */
function pack(folder: string): string {
  const json = execFileSync("npm", ["pack", "--json", "--pack-destination", work], { cwd: folder, encoding: "utf8" });
  const [{ filename, size, unpackedSize, files }] = JSON.parse(json) as [
    { filename: string; size: number; unpackedSize: number; files: { path: string }[] },
  ];
  const unwanted = files.filter(({ path }) => /\.test\.|(?<!\.d)\.tsx?$|(^|\/)test-/.test(path));
  if (unwanted.length > 0) throw new Error(`${filename} has ${unwanted.map(({ path }) => path).join(", ")}.`);
  for (const wanted of ["LICENSE", "README.md"]) {
    if (!files.some(({ path }) => path === wanted)) throw new Error(`${filename} has no ${wanted}.`);
  }
  done(`${filename}: ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
  return join(work, filename);
}

/** Creates an empty project and installs packages in it. @throws Error if npm prints a warning */
function project(name: string, node: string, packages: readonly string[]): string {
  const folder = join(work, name);
  cpSync(join(ROOT, "release/consumer"), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
  const startedAt = performance.now();
  const printed = npm(node, folder, ["install", ...packages]);
  if (/\bwarn\b|deprecated/i.test(printed)) throw new Error(`The installation of ${name} printed:\n${printed}`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  done(`${name}: ${printed.trim().split("\n")[0]} without a warning (${seconds} s here)`);
  return folder;
}

/** Compiles a program under the strictest settings and both kinds of resolution, with and without the DOM's types. */
function compile(folder: string, program: string, node: string): void {
  for (const [module, moduleResolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    for (const lib of [["ES2022"], ["ES2022", "DOM", "DOM.Iterable"]]) {
      const compilerOptions = {
        module,
        moduleResolution,
        lib,
        target: "ES2022",
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
        noPropertyAccessFromIndexSignature: true,
        skipLibCheck: false,
        outDir: "out",
      };
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions, files: [`${program}.ts`] }, undefined, 2),
      );
      execFileSync(node, [join(folder, "node_modules/typescript/bin/tsc")], { cwd: folder, stdio: "inherit" });
    }
  }
  done(`${program}.ts compiles with nodenext and bundler resolution, strict, skipLibCheck off`);
}

/** Starts `mjflow mcp`, as a client of the Model Context Protocol does. @returns the names of its tools */
async function mcpTools(node: string, folder: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const initialize = {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "check", version: "1" },
  };
  const messages = [
    { jsonrpc: "2.0", id: 1, method: "initialize", params: initialize },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: 2, method: "tools/list" },
  ];
  const child = launch(node, ["node_modules/.bin/mjflow", "mcp"], folder, env, "pipe");
  let text = "";
  const listed = new Promise<string>((resolve) => {
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const line = text.split("\n").find((each) => each.includes('"id":2'));
      if (line !== undefined && text.endsWith("\n")) resolve(line);
    });
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  child.stdin!.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  const { result } = JSON.parse(await inTime(listed, () => `mjflow mcp did not list its tools:\n${text}`)) as {
    result: { tools: { name: string }[] };
  };
  child.stdin!.end();
  const [code] = await inTime(closed, () => "mjflow mcp did not end with its input.");
  children.delete(child);
  if (code !== 0) throw new Error(`mjflow mcp ended with ${code}.`);
  return result.tools.map(({ name }) => name);
}

interface Running {
  /** Resolves with the output as soon as it matches. @throws Error if the process ends before */
  said(pattern: RegExp): Promise<string>;
  /** Sends the signal to the process and to its children, as a terminal does. @returns the exit code */
  stop(name: NodeJS.Signals): Promise<number | string>;
}

function start(program: string, args: readonly string[], folder: string): Running {
  const child = launch(program, args, folder);
  let text = "";
  let check = () => {};
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      check();
    });
  }
  const closed = once(child, "close").then(([code, endedBy]) => {
    children.delete(child);
    return (code ?? endedBy) as number | string;
  });
  return {
    said: (pattern) =>
      inTime(
        new Promise((resolve, reject) => {
          check = () => pattern.test(text) && resolve(text);
          check();
          closed.then((code) => reject(new Error(`It ended with ${code} before it said ${pattern}:\n${text}`)));
        }),
        () => `It did not say ${pattern}:\n${text}`,
      ),
    stop(name) {
      signal(child, name);
      return inTime(closed, () => `It did not end after ${name}:\n${text}`);
    },
  };
}

/** @throws Error with the text if the promise is still pending after the time limit */
function inTime<T>(promise: Promise<T>, textOf: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(textOf())), TIMEOUT_MS);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Signals a process with its children: npx starts the program as a child. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, name);
  } catch (error) {
    // The process has ended.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function output(program: string, args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}) {
  const child = launch(program, args, folder, env);
  let [stdout, stderr] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const closed = once(child, "close") as Promise<[number | null, string | null]>;
  const [code, endedBy] = await inTime(closed, () => `${args.join(" ")} did not end:\n${stdout}${stderr}`);
  children.delete(child);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code ?? endedBy}:\n${stdout}${stderr}`);
  return stdout;
}

function launch(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  stdin: "ignore" | "pipe" = "ignore",
): ChildProcess {
  const child = spawn(program, args, {
    cwd,
    env: { ...plainEnvironment(program), ...env },
    stdio: [stdin, "pipe", "pipe"],
    // A process group of its own: npx starts the program as a child.
    detached: true,
  });
  children.add(child);
  return child;
}

function expectLine(text: string, expected: object): void {
  const line = JSON.stringify(expected);
  if (text.trim() !== line) throw new Error(`It printed ${text.trim()} instead of ${line}.`);
}

function sizeOf(path: string): number {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  // Blocks on the disk, as `du` counts them, are more than the sum of the lengths.
  return entries.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).blocks * 512, 0);
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}

function done(line: string): void {
  console.log(`✓ ${line}`);
}
