import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,functions,infra,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.sst/**"],
    // End-to-end tests await states of real processes, on machines that may be busy.
    testTimeout: 30_000,
  },
});
