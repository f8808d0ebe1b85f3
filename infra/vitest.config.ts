import { defineConfig } from "vitest/config";

/** Apart from the other tests, whose pattern does not find these: they need .sst/platform, which takes most of a minute. */
export default defineConfig({
  test: {
    dir: new URL("check", import.meta.url).pathname,
    include: ["**/*.infra.ts"],
    globalSetup: [new URL("check/setup.ts", import.meta.url).pathname],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
