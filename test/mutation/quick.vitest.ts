/** The promises, in a second. `pure.test.ts` reads sources, and what it would read here is Stryker's copy of them. */
import { defineConfig } from "vitest/config";
import { WALKS } from "./walks.ts";

export default defineConfig({
  test: {
    include: ["packages/core/src/**/*.test.ts"],
    exclude: [...WALKS, "packages/core/src/pure.test.ts"],
    // A worker for each run, not for each file: half the time, and the same verdicts.
    isolate: false,
    // Counting what is reached makes the slowest of them much slower.
    testTimeout: 60_000,
    setupFiles: ["test/mutation/seed.ts"],
  },
});
