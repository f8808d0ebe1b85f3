/**
 * `npm run mutate` makes one small change at a time to core's sources and expects that a test fails each time. `npm run
 * mutate -- plan state/transitions` does so for these files only. Results of earlier runs are stored in `.tmp/mutation`
 * and reused if neither source nor test has changed; `--fresh` ignores them. `--since main~20` changes only lines that
 * are newer than this commit. The exit code is 1 if no test kills a mutant, unless `equivalent.json` explains why no test can.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Located, runPass } from "./stryker.ts";
import { type EquivalentMutant, isSame, judge, tableOf } from "./verdict.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SOURCES = "packages/core/src";
/** Files that contain only schemas of responses. The tests of the API compare every response with these schemas. */
const DECLARED = ["response.ts", "mj-response.ts"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fresh: { type: "boolean", default: false },
    workers: { type: "string", default: "1" },
    since: { type: "string" },
  },
});

process.chdir(ROOT);
setPriority(10);
const list = JSON.parse(readFileSync(join(ROOT, "test/mutation/equivalent.json"), "utf8")) as EquivalentMutant[];
const concurrency = Math.min(Number(values.workers), availableParallelism());
const files = positionals.length > 0 ? positionals.map(sourceOf) : sources();
const started = Date.now();

const { since } = values;
const mutated = since === undefined ? files : files.flatMap((file) => changedRanges(file, since));
if (mutated.length === 0) {
  console.log(`No line of core has changed since ${since}.`);
  process.exit(0);
}
const quick = await pass("quick", mutated);
const alive = quick.filter(({ killed }) => !killed);
// The slow tests visit every state and take seconds. They run only for mutants of the state machine that the fast tests
// did not kill. They do not run for listed mutants, because no test can kill these.
const open = alive.filter(
  (mutant) => mutant.file.startsWith(`${SOURCES}/state`) && !list.some((entry) => isSame(entry, mutant)),
);
const slow = open.length > 0 ? await pass("slow", [...new Set(open.map(({ range }) => range))]) : [];
const killedBySlow = new Set(slow.filter(({ killed }) => killed).map(keyOf));
const verdict = judge(
  quick.map((mutant) => ({ ...mutant, killed: mutant.killed || killedBySlow.has(keyOf(mutant)) })),
  list,
);

console.log(`\n${tableOf(verdict.rows)}\n`);
for (const { file, lineNumber, line, was, is } of verdict.survivors) {
  console.log(`survived  ${file}:${lineNumber}  ${line}\n          ${was}  ->  ${is || "(nothing)"}`);
}
// With `--since` most entries are about lines that were not changed.
const idle = since === undefined ? verdict.idle : [];
for (const { file, line, was, is } of idle) {
  console.log(
    `idle      ${file}  ${line}\n          ${was}  ->  ${is || "(nothing)"}: killed or no longer in the source; remove the entry`,
  );
}
console.log(`${killedBySlow.size} were killed only by the slow tests; ${Math.round((Date.now() - started) / 1_000)} s`);
process.exit(verdict.survivors.length + idle.length > 0 ? 1 : 0);

async function pass(name: "quick" | "slow", mutate: string[]): Promise<Located[]> {
  const found = await runPass(ROOT, {
    tests: `test/mutation/${name}.vitest.ts`,
    mutate,
    cache: `.tmp/mutation/${name}`,
    fresh: values.fresh,
    concurrency,
  });
  return found.filter(({ file }) => files.includes(file));
}

/** Returns the lines of a file that are newer than the commit, in Stryker's format. */
function changedRanges(file: string, commit: string): string[] {
  const diff = execFileSync("git", ["diff", "--unified=0", commit, "--", file], { encoding: "utf8" });
  return [...diff.matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm)].flatMap(([, start, count = "1"]) =>
    count === "0" ? [] : [`${file}:${start}-${Number(start) + Number(count) - 1}`],
  );
}

function keyOf({ range, is }: Located): string {
  return `${range} ${is}`;
}

function sources(): string[] {
  return readdirSync(join(ROOT, SOURCES), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !DECLARED.includes(name))
    .map((name) => `${SOURCES}/${name}`)
    .sort();
}

/** Finds a source file by `plan`, `plan.ts`, `state/transitions` or its whole path. */
function sourceOf(name: string): string {
  const short = name.replace(`${SOURCES}/`, "").replace(/\.ts$/, "");
  const file = `${SOURCES}/${short}.ts`;
  if (existsSync(join(ROOT, file))) return file;
  console.error(`${file} does not exist.`);
  process.exit(2);
}
