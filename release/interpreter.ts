/** Finds the JavaScript runtimes with which packages are checked: on this machine, or as packages of npm. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ROOT } from "./manifest.ts";

const FOLDER = join(ROOT, ".tmp/interpreters");

/** Packages with the binary of a runtime, and its path in the package. */
const PACKAGES = {
  node: { name: `node-${process.platform}-${process.arch}`, binary: "bin/node" },
  bun: { name: `@oven/bun-${process.platform}-${process.arch}`, binary: "bin/bun" },
  deno: { name: `@deno/${process.platform}-${process.arch}-glibc`, binary: "deno" },
};

export type Runtime = keyof typeof PACKAGES;

/**
 * Returns the path of a runtime.
 *
 * @param major for Node: the wanted major version
 * @throws Error if it is neither on this machine nor on npm for this platform
 */
export function interpreter(runtime: Runtime, major = ""): string {
  const { name, binary } = PACKAGES[runtime];
  const folder = join(FOLDER, `${runtime}${major}`);
  const installed = join(folder, "node_modules", name, binary);
  const candidates = runtime === "node" ? [process.execPath, ...onPath("node"), installed] : [installed];
  const found = candidates.find((path) => isVersion(path, major));
  if (found !== undefined) return found;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const range = major === "" ? name : `${name}@${major}`;
  npm(process.execPath, folder, ["install", "--no-save", "--force", range]);
  if (!isVersion(installed, major)) throw new Error(`${range} has no runtime for this machine.`);
  return installed;
}

/** Runs npm with a Node, as a person would who has only this Node. @returns what npm printed to both outputs */
export function npm(node: string, folder: string, args: readonly string[]): string {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier"];
  return execFileSync("/bin/sh", ["-c", '"$@" 2>&1', "sh", node, NPM, ...args, ...quiet], {
    cwd: folder,
    env: plainEnvironment(node),
    encoding: "utf8",
  });
}

/** The environment of a person without a clone: its own Node first, nothing of npm's scripts and no settings. */
export function plainEnvironment(node: string): NodeJS.ProcessEnv {
  const env = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|MJFLOW_|NODE_OPTIONS$|NODE_ENV$|INIT_CWD$)/i.test(name),
  );
  const paths = (process.env["PATH"] ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  return { ...Object.fromEntries(env), PATH: [dirname(node), ...paths].join(delimiter) };
}

const NPM = process.env["npm_execpath"] ?? join(dirname(realpathSync(onPath("npm")[0]!)), "npm-cli.js");
export const NPX = join(dirname(NPM), "npx-cli.js");

function onPath(name: string): string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

function isVersion(path: string, major: string): boolean {
  if (!existsSync(path)) return false;
  const version = execFileSync(path, ["--version"], { encoding: "utf8" });
  return major === "" || version.startsWith(`v${major}.`);
}
