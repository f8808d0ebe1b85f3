import { defineConfig } from "vitest/config";

/**
 * These checks are separate from the other tests, because they need .sst/platform. Creating it takes most of a minute.
 */
export default defineConfig({
  test: {
    dir: new URL("check", import.meta.url).pathname,
    include: ["**/*.infra.ts"],
    globalSetup: [new URL("check/setup.ts", import.meta.url).pathname],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
