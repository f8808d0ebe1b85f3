/**
 * `npm run guards [-- part of a name]`: takes each guard away in a copy of the tree and runs its tests there. Each must
 * fall. Exits 1 when one does not, or when what it takes away is no longer there.
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GUARDS, type Guard } from "./guards.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const wanted = process.argv.slice(2).join(" ").toLowerCase();
const guards = GUARDS.filter((guard) => guard.name.toLowerCase().includes(wanted));

// Without this, a copy in which nothing can run would pass for one in which every guard is missed.
const control = copyOfTree();
const sound = (await vitest(control, [...new Set(guards.flatMap((guard) => guard.tests))])) === 0;
rmSync(control, { recursive: true, force: true });
if (!sound) {
  console.error("The tests fail with every guard in place: mend that first.");
  process.exit(1);
}

const queue = [...guards];
const held: string[] = [];
const holes: string[] = [];
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
console.log(`\n${held.length} guards are missed when they are gone, ${holes.length} are not`);
process.exit(holes.length > 0 ? 1 : 0);

async function worker(): Promise<void> {
  const copy = copyOfTree();
  try {
    for (let guard = queue.shift(); guard; guard = queue.shift()) {
      const fell = await withoutGuard(copy, guard);
      (fell ? held : holes).push(guard.name);
      console.log(`${fell ? "held" : "HOLE"}  ${guard.rule}  ${guard.name}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function withoutGuard(copy: string, { name, file, find, instead, tests }: Guard): Promise<boolean> {
  const source = readFileSync(join(ROOT, file), "utf8");
  if (source.split(find).length !== 2) throw new Error(`"${name}" is not once in ${file}: look for where it went`);
  writeFileSync(
    join(copy, file),
    source.replace(find, () => instead),
  );
  try {
    return (await vitest(copy, tests)) !== 0;
  } finally {
    writeFileSync(join(copy, file), source);
  }
}

function vitest(cwd: string, tests: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "--bail", "1", ...tests], {
    cwd,
    stdio: "ignore",
  });
  return new Promise((resolve) => child.once("exit", resolve));
}

/** The tracked files, and packages that import each other inside the copy, not outside. */
function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "mjflow-guard-"));
  const files = execFileSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  mkdirSync(join(copy, "node_modules/@mjflow"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name !== "@mjflow") symlinkSync(join(ROOT, "node_modules", name), join(copy, "node_modules", name));
  }
  for (const name of readdirSync(join(copy, "packages"))) {
    symlinkSync(join(copy, "packages", name), join(copy, "node_modules/@mjflow", name));
  }
  return copy;
}
