/** What the mutation tests can change, and which tests must notice it. */
import { SLOW_TESTS } from "./slow-tests.ts";

export interface MutatedPackage {
  /** Folder of the sources, from the root of the repository. */
  sources: string;
  /** Sources without behavior of their own, from `sources`. */
  declared?: readonly string[];
  /** Patterns of the tests. */
  tests: readonly string[];
  excluded?: readonly string[];
  /** Patterns of the files that sources and tests need. */
  files: readonly string[];
  /** Lowest share of mutants that tests must notice, percent. */
  minScore: number;
}

/** Every interleaving of two requests: minutes, and not a place where a mutant first shows. */
const EXPLORATION = "test/mj-compat/paid-once.test.ts";

const ALL = ["packages/**", "functions/**", "test/**", "docs/openapi.json"];

export const PACKAGES: Readonly<Record<string, MutatedPackage>> = {
  // `pure.test.ts` would read Stryker's changed copies.
  core: {
    sources: "packages/core/src",
    // The tests of the API compare every response with these schemas.
    declared: ["response.ts", "mj-response.ts"],
    tests: ["packages/core/src/**/*.test.ts"],
    excluded: [...SLOW_TESTS, "packages/core/src/pure.test.ts"],
    files: ["packages/core/**"],
    minScore: 100,
  },
  engine: {
    sources: "packages/engine/src",
    // The simulations notice a mutant late: they need a minute of their own.
    tests: ["test/{engine,app,vendor,mj-compat}/**/*.test.ts", "test/fault/list.test.ts"],
    excluded: ["test/vendor/sim.test.ts", "test/mj-compat/local-server.test.ts", EXPLORATION],
    files: ALL,
    minScore: 90,
  },
  store: {
    sources: "packages/store/src",
    tests: [
      "packages/store/src/**/*.test.ts",
      "test/conformance/*.{memory,sqlite}.test.ts",
      "test/app/*.test.ts",
      "test/engine/sweep-job.test.ts",
      "test/mj-compat/store.test.ts",
      "test/api/stream-limit.test.ts",
    ],
    // It starts an engine; `import-rows.test.ts` has the rows, and the folder is not in this package.
    excluded: ["test/app/import.test.ts"],
    files: ALL,
    minScore: 90,
  },
  providers: {
    sources: "packages/providers/src",
    tests: ["packages/providers/src/**/*.test.ts", "test/conformance/vendor.test.ts", "test/vendor/*.test.ts"],
    excluded: ["test/vendor/sim.test.ts"],
    files: ALL,
    minScore: 90,
  },
  webhooks: {
    sources: "packages/webhooks/src",
    declared: ["test-certificate.ts", "test-internet.ts"],
    tests: ["packages/webhooks/src/**/*.test.ts"],
    files: ["packages/core/**", "packages/webhooks/**"],
    minScore: 90,
  },
  functions: {
    sources: "functions",
    // The tests of the API reference compare the documents with the routes.
    declared: ["http/openapi/*.ts"],
    tests: ["functions/**/*.test.ts", "test/{api,app,cases,mj-compat,openapi}/**/*.test.ts"],
    excluded: ["test/openapi/bundle.test.ts", "test/mj-compat/local-server.test.ts", EXPLORATION],
    files: ALL,
    minScore: 90,
  },
};

export function packageOf(name: string | undefined): MutatedPackage {
  const found = Object.hasOwn(PACKAGES, name ?? "") ? PACKAGES[name!] : undefined;
  if (!found) throw new Error(`${name} is none of ${Object.keys(PACKAGES).join(", ")}`);
  return found;
}
