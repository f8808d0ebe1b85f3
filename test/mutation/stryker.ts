/**
 * One pass of Stryker over a package. Stryker copies the files of the package and its tests to a sandbox. The other packages are
 * read from the tree, so a long run needs a worktree of its own: a rebase meanwhile mixes two versions. All mutants are in the
 * copy at once, and for each mutant only the tests that reach it run.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import { keyOf } from "./sample.ts";
import type { Mutant } from "./verdict.ts";

export interface Pass {
  /** Path of the vitest configuration with the tests to run. */
  tests: string;
  /** Stryker's patterns: a file, or `file:line:column-line:column`. */
  mutate: string[];
  /** Patterns of the files that sources and tests need. */
  copied: readonly string[];
  /** Path prefix of stored results, which are reused if neither source nor test has changed. */
  cache: string;
  fresh: boolean;
  concurrency: number;
  /** Keys of the mutants to run; unset runs all of `mutate`. */
  sample?: readonly string[];
  /** What a test may need beyond one and a half times its usual time before the mutant counts as an endless loop. */
  timeoutMs?: number;
}

/** Stryker's report (mutation-testing-report-schema 2): lines and columns start at 1, the end is exclusive. */
interface Found {
  mutatorName: string;
  replacement?: string;
  status: string;
  statusReason?: string;
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
  /** Location in the format of `Pass.mutate`. */
  range: string;
  mutator: string;
  /** Names the mutant in `Pass.sample`. */
  key: string;
  /** Stryker's word for the result, and its reason. */
  status: string;
  reason: string;
}

type Options = ConstructorParameters<typeof Stryker>[0];

const KILLED = new Set(["Killed", "Timeout", "RuntimeError"]);

export async function runPass(
  root: string,
  { tests, mutate, copied, cache, fresh, concurrency, sample, timeoutMs = 60_000 }: Pass,
): Promise<Located[]> {
  const report = `${cache}.report.json`;
  removeSurvivors(join(root, `${cache}.json`));
  Object.assign(process.env, {
    MJFLOW_ROOT: root,
    MJFLOW_RESULTS: join(root, `${cache}.log`),
    MJFLOW_SAMPLE: sample ? join(root, `${cache}.sample.json`) : "",
  });
  mkdirSync(dirname(join(root, cache)), { recursive: true });
  writeFileSync(join(root, `${cache}.log`), "");
  rmSync(join(root, `${cache}.log.times.json`), { force: true });
  if (sample) writeFileSync(join(root, `${cache}.sample.json`), JSON.stringify(sample));
  const stryker = new Stryker({
    testRunner: "sampled-vitest",
    plugins: ["@stryker-mutator/vitest-runner", join(root, "test/mutation/sampled-runner.ts")],
    vitest: { configFile: tests, related: true },
    mutate,
    concurrency,
    coverageAnalysis: "perTest",
    incremental: true,
    incrementalFile: `${cache}.json`,
    force: fresh,
    // The time is long, so that a busy machine seldom takes a survivor for an endless loop; `run.ts` repeats what was too slow.
    timeoutMS: timeoutMs,
    // All tests of a package that is tested by the tests of the engine, on a busy machine.
    dryRunTimeoutMinutes: 60,
    ignorePatterns: ["**", ...copied.map((pattern) => `!${pattern}`), "!test/mutation/**", "!package.json"],
    tempDirName: ".tmp/mutation/sandbox",
    // Stryker would rewrite the tsconfig with TypeScript's old JavaScript API, which TypeScript 7 does not have.
    tsconfigFile: "none",
    reporters: ["progress-append-only", "json"],
    jsonReporter: { fileName: report },
    logLevel: "warn" as NonNullable<Options["logLevel"]>,
    warnings: { slow: false, preprocessorErrors: true, unknownOptions: true, unserializableOptions: true },
    allowConsoleColors: false,
  });
  await stryker.runMutationTest();
  const { files } = JSON.parse(readFileSync(join(root, report), "utf8")) as Report;
  const chosen = sample && new Set(sample);
  return Object.entries(files)
    .flatMap(([file, { source, mutants }]) =>
      mutants.filter(({ status }) => status !== "Ignored").map((found) => located(file, source, found)),
    )
    .filter((mutant) => !chosen || chosen.has(mutant.key));
}

/**
 * Removes surviving mutants from the stored results, so that they are tested again. Stryker would reuse a survivor
 * unless a test that reaches it is new. For code that runs while a module loads, Stryker does not know which tests
 * reach it.
 */
function removeSurvivors(cache: string): void {
  if (!existsSync(cache)) return;
  const report = JSON.parse(readFileSync(cache, "utf8")) as Report;
  for (const file of Object.values(report.files))
    file.mutants = file.mutants.filter(({ status }) => KILLED.has(status));
  writeFileSync(cache, JSON.stringify(report));
}

function located(file: string, source: string, found: Found): Located {
  const { mutatorName, replacement = "", status, statusReason = "", location } = found;
  const { start, end } = location;
  const lines = source.split("\n");
  const offset = ({ line, column }: Position) =>
    lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
  const range = `${file}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`;
  return {
    file,
    lineNumber: start.line,
    line: lines[start.line - 1]!.trim(),
    was: oneLine(source.slice(offset(start), offset(end))),
    is: oneLine(replacement),
    killed: KILLED.has(status),
    range,
    mutator: mutatorName,
    key: keyOf({ range, mutator: mutatorName, is: replacement }),
    status,
    reason: oneLine(statusReason),
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
