/** The tests that notice mutants of the package in `MJFLOW_MUTATED`. In core they need about a second. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { packageOf } from "./packages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const name = process.env["MJFLOW_MUTATED"];
const { tests, excluded = [] } = packageOf(name);

export default defineConfig({
  resolve: {
    // The links in `node_modules` lead to the tree, and not to Stryker's changed copy of the package.
    alias: [{ find: new RegExp(`^@mjflow/${name}/(.+)$`), replacement: `${root}packages/${name}/src/$1.ts` }],
  },
  test: {
    root,
    include: [...tests],
    exclude: ["**/node_modules/**", ...excluded],
    // One worker per run instead of one per file needs half the time and gives the same result.
    isolate: false,
    // Coverage counting makes the slowest tests much slower.
    testTimeout: 60_000,
    setupFiles: ["test/mutation/seed.ts"],
  },
});
