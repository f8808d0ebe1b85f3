/**
 * One pass of Stryker over core. It copies core to a sandbox, so that the tree may be edited meanwhile, puts all mutants
 * into the copy at once, and runs for each only the tests that reach it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import type { Mutant } from "./verdict.ts";

export interface Pass {
  /** The vitest configuration: which tests may kill. */
  tests: string;
  /** Stryker's patterns: a file, or `file:line:column-line:column`. */
  mutate: string[];
  /** What earlier passes found is taken over where neither source nor test has changed. */
  memory: string;
  fresh: boolean;
  concurrency: number;
}

/** As Stryker writes it (mutation-testing-report-schema 2): lines and columns from 1, the end exclusive. */
interface Found {
  replacement?: string;
  status: string;
  location: { start: Position; end: Position };
}
interface Report {
  files: Record<string, { source: string; mutants: Found[] }>;
}
interface Position {
  line: number;
  column: number;
}

export interface Located extends Mutant {
  /** As `Pass.mutate` takes it. */
  range: string;
}

type Options = ConstructorParameters<typeof Stryker>[0];

const KILLED = new Set(["Killed", "Timeout", "RuntimeError"]);

export async function runPass(root: string, { tests, mutate, memory, fresh, concurrency }: Pass): Promise<Located[]> {
  const report = `${memory}.report.json`;
  forgetAlive(join(root, `${memory}.json`));
  const stryker = new Stryker({
    testRunner: "vitest",
    plugins: ["@stryker-mutator/vitest-runner"],
    vitest: { configFile: tests, related: true },
    mutate,
    concurrency,
    coverageAnalysis: "perTest",
    incremental: true,
    incrementalFile: `${memory}.json`,
    force: fresh,
    // A busy machine must not pass a survivor off as an endless loop.
    timeoutMS: 20_000,
    // Core imports nothing but itself and zod; what is not needed is not copied.
    ignorePatterns: ["**", "!packages/core/**", "!test/mutation/**", "!package.json"],
    tempDirName: ".tmp/mutation/sandbox",
    // Stryker would rewrite it with TypeScript's old JavaScript API, which TypeScript 7 does not have.
    tsconfigFile: "none",
    reporters: ["progress-append-only", "json"],
    jsonReporter: { fileName: report },
    logLevel: "warn" as NonNullable<Options["logLevel"]>,
    warnings: { slow: false, preprocessorErrors: true, unknownOptions: true, unserializableOptions: true },
    allowConsoleColors: false,
  });
  await stryker.runMutationTest();
  const { files } = JSON.parse(readFileSync(join(root, report), "utf8")) as Report;
  return Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants.filter(({ status }) => status !== "Ignored").map((found) => located(file, source, found)),
  );
}

/**
 * Stryker would believe that what survived survives still, unless a test that reaches it is new; which tests reach what
 * runs while a module loads it does not know.
 */
function forgetAlive(memory: string): void {
  if (!existsSync(memory)) return;
  const kept = JSON.parse(readFileSync(memory, "utf8")) as Report;
  for (const file of Object.values(kept.files)) file.mutants = file.mutants.filter(({ status }) => KILLED.has(status));
  writeFileSync(memory, JSON.stringify(kept));
}

function located(file: string, source: string, { replacement, status, location: { start, end } }: Found): Located {
  const lines = source.split("\n");
  const offset = ({ line, column }: Position) =>
    lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
  return {
    file,
    lineNumber: start.line,
    line: lines[start.line - 1]!.trim(),
    was: oneLine(source.slice(offset(start), offset(end))),
    is: oneLine(replacement ?? ""),
    killed: KILLED.has(status),
    range: `${file}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`,
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
