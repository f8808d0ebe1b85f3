import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,functions,infra,release,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.sst/**"],
    // The long tests are those with real processes in them, and they mostly wait: on two cores, two at a time leave both idle.
    maxWorkers: Math.max(5, availableParallelism()),
    // End-to-end tests await states of real processes, on machines that may be busy. What never comes is told by those
    // tests themselves, in a minute; these are for what hangs.
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
