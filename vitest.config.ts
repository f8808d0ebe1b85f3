import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,functions,infra,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.sst/**"],
    // End-to-end tests await states of real processes, on machines that may be busy. What never comes is told by those
    // tests themselves, in a minute; these are for what hangs.
    testTimeout: 180_000,
    hookTimeout: 90_000,
  },
});
