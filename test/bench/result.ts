/** What a benchmark found, as it is checked in: test/bench/results/<name>.json. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { rounded } from "./stat.ts";

/** The machine in words; never its name. */
export interface Head {
  date: string;
  cpus: number;
  node: string;
}

export type Result<T> = Head & T;

const RESULTS = new URL("./results/", import.meta.url);

export function writeResult(name: string, found: object): void {
  const head: Head = {
    date: new Date().toISOString().slice(0, 10),
    cpus: availableParallelism(),
    node: process.versions.node,
  };
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
