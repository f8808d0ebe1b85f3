/** The tests that notice mutants of the package in `MJFLOW_MUTATED`. In core they need about a second. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { packageOf } from "./packages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const name = process.env["MJFLOW_MUTATED"];
const { tests: all, excluded = [] } = packageOf(name);
const only = process.env["MJFLOW_TESTS"];
const tests = only ? only.split(",").map((path) => `${path}*.test.ts`) : all;

export default defineConfig({
  resolve: {
    alias: ownModules(),
  },
  test: {
    root,
    include: [...tests],
    exclude: ["**/node_modules/**", ...excluded],
    // One worker per run instead of one per file needs half the time and gives the same result.
    isolate: false,
    // Coverage counting makes the slowest tests much slower. Tests of a mutant get less (`sampled-runner.ts`).
    testTimeout: 300_000,
    hookTimeout: 120_000,
    setupFiles: ["test/mutation/seed.ts"],
  },
});

/** The modules of the package. The links in `node_modules` lead to the tree, and not to Stryker's changed copy. */
function ownModules(): { find: RegExp; replacement: string }[] {
  const manifest = `${root}packages/${name}/package.json`;
  if (!existsSync(manifest)) return [];
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as { exports: Record<string, string> };
  return Object.entries(exports).map(([key, file]) => ({
    find: new RegExp(`^@mjflow/${name}/${key.slice(2).replace("*", "(.+)")}$`),
    replacement: `${root}packages/${name}/${file.slice(2).replace("*", "$1")}`,
  }));
}
