/**
 * The fast tests of core, which need about a second. `pure.test.ts` is excluded, because it reads source files and
 * would read Stryker's changed copies.
 */
import { defineConfig } from "vitest/config";
import { SLOW_TESTS } from "./slow-tests.ts";

export default defineConfig({
  test: {
    include: ["packages/core/src/**/*.test.ts"],
    exclude: [...SLOW_TESTS, "packages/core/src/pure.test.ts"],
    // One worker per run instead of one per file needs half the time and gives the same result.
    isolate: false,
    // Coverage counting makes the slowest tests much slower.
    testTimeout: 60_000,
    setupFiles: ["test/mutation/seed.ts"],
  },
});
