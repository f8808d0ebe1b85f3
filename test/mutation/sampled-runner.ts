/**
 * Stryker's runner of vitest, which runs only the mutants that `MJFLOW_SAMPLE` names. Stryker can be given places but not
 * mutants: a place also has the mutants of all expressions in it. The file in `MJFLOW_RESULTS` gets a line for each result.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import type { Mutant } from "@stryker-mutator/api/core";
import type { MutantRunResult, TestRunner } from "@stryker-mutator/api/test-runner";
import { strykerPlugins as vitestPlugins } from "@stryker-mutator/vitest-runner";
import { keyOf, rangeOf } from "./sample.ts";

const ROOT = process.env["MJFLOW_ROOT"]!;
const results = process.env["MJFLOW_RESULTS"]!;
const sample = process.env["MJFLOW_SAMPLE"];
const chosen = sample ? new Set(JSON.parse(readFileSync(sample, "utf8")) as string[]) : undefined;

// Runs that were left out count as survivors, which Stryker does not reuse (`removeSurvivors`).
const LEFT_OUT = { status: "survived", nrOfTests: 0 } as MutantRunResult;

const [{ factory }] = vitestPlugins as unknown as [{ factory: (injector: unknown) => TestRunner }];

function sampledRunner(injector: unknown): TestRunner {
  const runner = factory(injector);
  const run = runner.mutantRun.bind(runner);
  runner.mutantRun = async (options) => {
    const key = nameOf(options.activeMutant);
    if (chosen && !chosen.has(key)) return LEFT_OUT;
    const started = Date.now();
    const result = withRealFailure(await run(options));
    appendFileSync(results, `${result.status.padEnd(8)} ${Date.now() - started} ms  ${key}\n`);
    return result;
  };
  return runner;
}
sampledRunner.inject = ["$injector"] as const;

/** A test that ran out of time may only have been slow, like a mutant that did. `run.ts` repeats both. */
function withRealFailure(result: MutantRunResult): MutantRunResult {
  const failure =
    "failureMessage" in result ? result.failureMessage : "errorMessage" in result ? result.errorMessage : "";
  return /\b(?:Test|Hook) timed out in /.test(failure)
    ? ({ status: "timeout", reason: failure } as MutantRunResult)
    : result;
}

function nameOf({ fileName, location, mutatorName, replacement }: Mutant): string {
  return keyOf({ range: rangeOf(relative(ROOT, fileName), location), mutator: mutatorName, is: replacement });
}

export const strykerPlugins = [{ kind: "TestRunner", name: "sampled-vitest", factory: sampledRunner }];
