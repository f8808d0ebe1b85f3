/** Results of a benchmark, stored in the repository as test/bench/results/<name>.json. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { rounded } from "./stat.ts";

/** Description of the machine, without its name. */
export interface Head {
  date: string;
  /** Commit of the measured code, with "+" if files differ from it; unset in old results without a known commit. */
  commit?: string;
  cpus: number;
  /** Unset in old results. */
  cpuModel?: string;
  node: string;
  /**
   * Load average of the minute before the benchmark. A high value means that other processes disturbed the measurement.
   */
  load: number;
}

export type Result<T> = Head & T;

const RESULTS = new URL("./results/", import.meta.url);

/** Must be called before the benchmark starts, because the benchmark itself raises the load. */
export function headNow(): Head {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitNow(),
    cpus: availableParallelism(),
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    node: process.versions.node,
    load: loadavg()[0]!,
  };
}

function commitNow(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8", cwd: import.meta.dirname }).trim();
  const isChanged = git("status", "--porcelain", "--untracked-files=no") !== "";
  return git("rev-parse", "--short=7", "HEAD") + (isChanged ? "+" : "");
}

export function writeResult(name: string, head: Head, found: object): void {
  const text = JSON.stringify(
    { ...head, ...found },
    (_, value) => (typeof value === "number" ? short(value) : value),
    2,
  );
  const file = fileURLToPath(new URL(`${name}.json`, RESULTS));
  writeFileSync(file, `${text}\n`);
  // Short lists take one line, as the linter wants it.
  execFileSync("npx", ["biome", "format", "--write", file], { stdio: "ignore" });
}

/** Returns undefined if the benchmark has no stored result. */
export function readResult<T>(name: string): Result<T> | undefined {
  const file = new URL(`${name}.json`, RESULTS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Result<T>) : undefined;
}

function short(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return Number.isInteger(value) ? value : rounded(value);
}
