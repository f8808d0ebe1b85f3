/**
 * `npm run mutate` changes core's sources one small thing at a time, and expects a test to fall each time.
 * `npm run mutate -- plan state/move` does so for those files only. What earlier runs found is kept in `.tmp/mutation`
 * and taken over where neither source nor test has changed; `--fresh` begins anew. Exits 1 for any mutant that no test
 * kills, unless `equivalent.json` says why none can.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Located, runPass } from "./stryker.ts";
import { type EquivalentMutant, isSame, judge, tableOf } from "./verdict.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SOURCES = "packages/core/src";
/** What answers look like, said as schemas and nothing else: the API's own tests hold every answer to them. */
const DECLARED = ["response.ts", "facade-response.ts"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fresh: { type: "boolean", default: false },
    workers: { type: "string", default: "1" },
  },
});

process.chdir(ROOT);
setPriority(10);
const list = JSON.parse(readFileSync(join(ROOT, "test/mutation/equivalent.json"), "utf8")) as EquivalentMutant[];
const concurrency = Math.min(Number(values.workers), availableParallelism());
const files = positionals.length > 0 ? positionals.map(sourceOf) : sources();
const started = Date.now();

const quick = await pass("quick", files);
const alive = quick.filter(({ killed }) => !killed);
// The walks through every state take seconds: they are asked only about what no promise of the state machine has
// noticed. About what is listed they are not asked, for no test can tell.
const open = alive.filter(
  (mutant) => mutant.file.startsWith(`${SOURCES}/state`) && !list.some((entry) => isSame(entry, mutant)),
);
const slow = open.length > 0 ? await pass("slow", [...new Set(open.map(({ range }) => range))]) : [];
const fallen = new Set(slow.filter(({ killed }) => killed).map(keyOf));
const verdict = judge(
  quick.map((mutant) => ({ ...mutant, killed: mutant.killed || fallen.has(keyOf(mutant)) })),
  list,
);

console.log(`\n${tableOf(verdict.rows)}\n`);
for (const { file, lineNumber, line, was, is } of verdict.survivors) {
  console.log(`survived  ${file}:${lineNumber}  ${line}\n          ${was}  ->  ${is || "(nothing)"}`);
}
for (const { file, line, was, is } of verdict.idle) {
  console.log(
    `idle      ${file}  ${line}\n          ${was}  ->  ${is || "(nothing)"}: killed, or no longer there; strike it off the list`,
  );
}
console.log(`${fallen.size} fell only to the walks; ${Math.round((Date.now() - started) / 1_000)} s`);
process.exit(verdict.survivors.length + verdict.idle.length > 0 ? 1 : 0);

async function pass(name: "quick" | "slow", mutate: string[]): Promise<Located[]> {
  const found = await runPass(ROOT, {
    tests: `test/mutation/${name}.vitest.ts`,
    mutate,
    memory: `.tmp/mutation/${name}`,
    fresh: values.fresh,
    concurrency,
  });
  return found.filter(({ file }) => files.includes(file));
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

/** `plan`, `plan.ts`, `state/move` or the whole path. */
function sourceOf(name: string): string {
  const short = name.replace(`${SOURCES}/`, "").replace(/\.ts$/, "");
  const file = `${SOURCES}/${short}.ts`;
  if (existsSync(join(ROOT, file))) return file;
  console.error(`There is no ${file}.`);
  process.exit(2);
}
