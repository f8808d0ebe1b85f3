/** What a benchmark found, as it is checked in: test/bench/results/<name>.json. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { rounded } from "./stat.ts";

/** The machine in words; never its name. */
export interface Head {
  date: string;
  cpus: number;
  node: string;
  /** Processes that wanted a CPU in the minute before: what was measured beside others is not to be believed too much. */
  load: number;
}

export type Result<T> = Head & T;

const RESULTS = new URL("./results/", import.meta.url);

/** Before the benchmark begins, which is a load itself. */
export function headNow(): Head {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpus: availableParallelism(),
    node: process.versions.node,
    load: loadavg()[0]!,
  };
}

export function writeResult(name: string, head: Head, found: object): void {
  const text = JSON.stringify(
    { ...head, ...found },
    (_, value) => (typeof value === "number" ? short(value) : value),
    2,
  );
  writeFileSync(new URL(`${name}.json`, RESULTS), `${text}\n`);
}

/** Undefined: never measured here. */
export function readResult<T>(name: string): Result<T> | undefined {
  const file = new URL(`${name}.json`, RESULTS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Result<T>) : undefined;
}

function short(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return Number.isInteger(value) ? value : rounded(value);
}
