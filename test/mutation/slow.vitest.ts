/** The slow tests of core: they visit every state and apply random orders of signals. */
import { defineConfig } from "vitest/config";
import { SLOW_TESTS } from "./slow-tests.ts";

export default defineConfig({
  test: { include: SLOW_TESTS, setupFiles: ["test/mutation/seed.ts"], testTimeout: 60_000 },
});
