import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { SLOW_TESTS } from "./test/mutation/slow-tests.ts";

const TESTS = "{packages,functions,infra,release,test}/**/*.test.ts";
const NO_TESTS = ["**/node_modules/**", "**/.sst/**"];

/** Tests of the unit folders that take seconds: connections that wait, large images and texts, thousands of signatures, whole simulations. */
const SLOW = [
  ...SLOW_TESTS,
  "packages/core/src/data-uri.test.ts",
  "packages/core/src/message.test.ts",
  "packages/media/src/tile.test.ts",
  "packages/providers/src/account-test/account-test.test.ts",
  "packages/providers/src/long-text.test.ts",
  "packages/webhooks/src/outbound.test.ts",
  "packages/webhooks/src/sign.test.ts",
  "test/app/import.test.ts",
  "test/app/quota.test.ts",
  "test/app/translate.test.ts",
  "test/app/upload.test.ts",
  "test/engine/parked.test.ts",
  "test/engine/replay.test.ts",
  "test/vendor/account-test.test.ts",
  "test/vendor/sim.test.ts",
];

/** Tests in one process, without servers, browsers or other programs. They share their modules, so a worker loads each once. */
const UNIT = globSync(
  [
    "packages/{cli,client,console,core,engine,media,providers,queue,store,webhooks}/src/**/*.test.ts",
    "functions/**/*.test.ts",
    "test/{app,bench/flows,engine,vendor}/**/*.test.ts",
    "test/bench/quiet.test.ts",
  ],
  { cwd: import.meta.dirname },
)
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => !SLOW.includes(file));

export default defineConfig({
  test: {
    // The long tests are those with real processes in them, and they mostly wait: on two cores, two at a time leave both idle.
    maxWorkers: Math.max(5, availableParallelism()),
    // End-to-end tests await states of real processes, on machines that may be busy. What never comes is told by those
    // tests themselves, in a minute; these are for what hangs.
    testTimeout: 180_000,
    hookTimeout: 90_000,
    projects: [
      {
        extends: true,
        // `npm run test:unit` has 10 s. In the whole run other tests use the processors, too.
        test: { name: "unit", include: UNIT, exclude: NO_TESTS, isolate: false, testTimeout: 60_000 },
      },
      { extends: true, test: { name: "whole", include: [TESTS], exclude: [...NO_TESTS, ...UNIT] } },
    ],
  },
});
