/**
 * `npm run mutate` makes one small change at a time to core's sources and expects that a test fails each time. `npm run
 * mutate -- webhooks` does so for another package of `packages.ts`, `npm run mutate -- webhooks/send plan` for these files only;
 * files without a package are core's. `--sample 100` runs 100 mutants that chance chooses, of every kind; `--seed N` chooses the
 * same again. Results of earlier runs are stored in `.tmp/mutation` and reused if neither source nor test has changed; `--fresh`
 * ignores them. `--since main~20` changes only lines that are newer than this commit. `--tests test/engine/wait-list` runs only
 * these tests, which shows within seconds what the tests of one file do not notice.
 *
 * Each run prints its score: the share of mutants that a test notices, without those for which `equivalent.json` explains why
 * no test can. `--record` adds it to the table in docs/reliability.md. The exit code is 1 if the score is below that of the
 * package. In core no mutant may survive.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";
import { join, matchesGlob } from "node:path";
import { parseArgs } from "node:util";
import { PACKAGES, packageOf } from "./packages.ts";
import { intervalOf, keyOf, mutantsOf, sampleOf } from "./sample.ts";
import { record } from "./scores.ts";
import { type Located, runPass } from "./stryker.ts";
import { type EquivalentMutant, isSame, judge, scoreOf, sumOf, tableOf } from "./verdict.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fresh: { type: "boolean", default: false },
    workers: { type: "string", default: "1" },
    since: { type: "string" },
    sample: { type: "string" },
    seed: { type: "string" },
    record: { type: "boolean", default: false },
    tests: { type: "string" },
  },
});

process.chdir(ROOT);
setPriority(19);
const list = JSON.parse(readFileSync(join(ROOT, "test/mutation/equivalent.json"), "utf8")) as EquivalentMutant[];
const concurrency = Math.min(Number(values.workers), availableParallelism());
const { name, files } = chosen();
const { minScore, files: copied } = packageOf(name);
process.env["MJFLOW_MUTATED"] = name;
process.env["MJFLOW_TESTS"] = values.tests ?? "";
if (values.tests && values.record) fail("A score counts all tests, so --tests has none to record.");
const started = Date.now();
const commit = commitOf();

const { since } = values;
const mutated = since === undefined ? files : files.flatMap((file) => changedRanges(file, since));
if (mutated.length === 0) {
  console.log(`No line of ${name} has changed since ${since}.`);
  process.exit(0);
}
const seed = values.sample === undefined ? undefined : Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const candidates = seed === undefined && !values.record ? [] : await mutantsOf(ROOT, files);
const sample = seed === undefined ? undefined : sampleOf(candidates, Number(values.sample), seed);
if (sample) console.log(`${name}: ${sample.length} of ${candidates.length} mutants, seed ${seed}`);

const quick = await pass(
  "quick",
  sample ? [...new Set(sample.map(({ range }) => range))] : mutated,
  sample?.map(keyOf),
);
if (sample && quick.length < sample.length)
  console.log(
    `${sample.length - quick.length} of the sample were not run: their sources changed while Stryker copied them`,
  );
// A busy machine may have been too slow. What has passed a limit of repetitions is an endless loop for certain.
const slowOnes = quick.filter(({ status, reason }) => status === "Timeout" && !reason.startsWith("Hit limit"));
const again =
  slowOnes.length > 0
    ? await pass(
        "patient",
        rangesOf(slowOnes),
        slowOnes.map(({ key }) => key),
      )
    : [];
const notEndless = new Set(again.filter(({ killed }) => !killed).map(({ key }) => key));
for (const mutant of quick) if (notEndless.has(mutant.key)) mutant.killed = false;
const alive = quick.filter(({ killed }) => !killed);
// The slow tests visit every state and take seconds. They run only for mutants of the state machine that the fast tests
// did not kill. They do not run for listed mutants, because no test can kill these.
const open = alive.filter(
  (mutant) => mutant.file.startsWith("packages/core/src/state") && !list.some((entry) => isSame(entry, mutant)),
);
const slow = open.length > 0 ? await pass("slow", rangesOf(open)) : [];
const killedBySlow = new Set(slow.filter(({ killed }) => killed).map(({ key }) => key));
const verdict = judge(
  quick.map((mutant) => ({ ...mutant, killed: mutant.killed || killedBySlow.has(mutant.key) })),
  list,
);

console.log(`\n${tableOf(verdict.rows)}\n`);
for (const { file, lineNumber, line, was, is } of verdict.survivors) {
  console.log(`survived  ${file}:${lineNumber}  ${line}\n          ${was}  ->  ${is || "(nothing)"}`);
}
for (const { range, status, reason } of quick) {
  if (status === "RuntimeError")
    console.log(`noticed by an error outside of a test  ${range}\n          ${reason.slice(0, 300)}`);
}
// With `--since` or `--sample` most entries are about mutants that were not run.
const idle = since === undefined && seed === undefined ? verdict.idle : [];
for (const { file, line, was, is } of idle) {
  console.log(
    `idle      ${file}  ${line}\n          ${was}  ->  ${is || "(nothing)"}: killed or no longer in the source; remove the entry`,
  );
}
const score = scoreOf(verdict.rows);
const { run, noticed, listed } = sumOf(verdict.rows);
const timeouts = quick.filter(({ status, killed }) => status === "Timeout" && killed).length;
console.log(
  `${timeouts} are endless loops, ${notEndless.size} only needed more time, ${killedBySlow.size} were killed only by the slow tests; ${Math.round((Date.now() - started) / 1_000)} s`,
);
console.log(`${name}: ${score.toFixed(1)} % of the mutants are noticed, at least ${minScore} % must be`);
if (seed !== undefined) {
  const { from, to } = intervalOf(noticed, run - listed);
  console.log(
    `This is a sample of ${run} of ${candidates.length} mutants, --seed ${seed}. Of all mutants ${from.toFixed(1)} to ${to.toFixed(1)} % are noticed (95 of 100 samples).`,
  );
}
if (values.record) {
  const date = new Date().toISOString().slice(0, 10);
  record({ date, commit, package: name, mutants: candidates.length, run, seed, noticed, listed });
}
process.exit(score < minScore || idle.length > 0 ? 1 : 0);

async function pass(kind: "quick" | "patient" | "slow", mutate: string[], keys?: string[]): Promise<Located[]> {
  const isPatient = kind === "patient";
  process.env["MJFLOW_PATIENT"] = isPatient ? "1" : "";
  const found = await runPass(ROOT, {
    tests: `test/mutation/${isPatient ? "quick" : kind}.vitest.ts`,
    mutate,
    copied,
    cache: `.tmp/mutation/${[...(name === "core" ? [] : [name]), kind, ...(values.tests ? ["tests"] : [])].join("-")}`,
    fresh: values.fresh || isPatient,
    concurrency,
    ...(keys && { sample: keys }),
    ...(isPatient && { timeoutMs: 300_000 }),
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

function rangesOf(mutants: readonly Located[]): string[] {
  return [...new Set(mutants.map(({ range }) => range))];
}

/** The commit of the tree, marked if the tree has other changes. */
function commitOf(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  const changes = git("status", "--porcelain", "--", "packages", "functions", "test");
  return `${git("rev-parse", "--short=8", "HEAD")}${changes ? " and changes" : ""}`;
}

/** The package of the arguments, and its files. All arguments name files of one package. */
function chosen(): { name: string; files: string[] } {
  const names = positionals.map((text) => text.replace(/^(?:packages\/)?([a-z-]+)\/src\//, "$1/").replace(/\.ts$/, ""));
  const packages = new Set(
    names.map((text) => (Object.hasOwn(PACKAGES, text.split("/")[0]!) ? text.split("/")[0]! : "core")),
  );
  if (packages.size > 1) fail(`Name files of one package, not of ${[...packages].join(" and ")}.`);
  const [only = "core"] = packages;
  const paths = names.map((text) => (text === only ? "" : text.replace(`${only}/`, ""))).filter((text) => text !== "");
  return { name: only, files: paths.length > 0 ? paths.map((path) => sourceOf(only, path)) : sources(only) };
}

function sources(ofPackage: string): string[] {
  const { sources: folder, declared = [] } = packageOf(ofPackage);
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.(?:test|fixture)\.ts$/.test(file))
    .filter((file) => !declared.some((pattern) => matchesGlob(file, pattern)))
    .map((file) => `${folder}/${file}`)
    .sort();
}

/** Finds a source file by `plan`, `plan.ts`, `state/transitions` or its whole path. */
function sourceOf(ofPackage: string, path: string): string {
  const file = `${packageOf(ofPackage).sources}/${path}.ts`;
  return existsSync(join(ROOT, file)) ? file : fail(`${file} does not exist.`);
}

function fail(text: string): never {
  console.error(text);
  process.exit(2);
}
