/**
 * Stryker's runner of vitest, which runs only the mutants that `MJFLOW_SAMPLE` names. Stryker can be given places but not
 * mutants: a place also has the mutants of all expressions in it. The file in `MJFLOW_RESULTS` gets a line for each result.
 *
 * The runner is faster than Stryker's: its process outlives a mutant (`warm-worker.ts`), and the test files that need the least
 * time run first. Most mutants are noticed by one of these.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Mutant } from "@stryker-mutator/api/core";
import type { DryRunResult, MutantRunOptions, MutantRunResult, TestRunner } from "@stryker-mutator/api/test-runner";
import { strykerPlugins as vitestPlugins } from "@stryker-mutator/vitest-runner";
import { BaseSequencer, type TestSpecification, type Vitest } from "vitest/node";
import { keyOf, rangeOf } from "./sample.ts";
import { createWarmWorker, endWarmWorker, isWarm, killWarmWorker, POOL } from "./warm-worker.ts";

const ROOT = process.env["MJFLOW_ROOT"]!;
const results = process.env["MJFLOW_RESULTS"]!;
const sample = process.env["MJFLOW_SAMPLE"];
const chosen = sample ? new Set(JSON.parse(readFileSync(sample, "utf8")) as string[]) : undefined;
/** A process that replaces one that hung reads here what its predecessor measured. */
const timesFile = `${results}.times.json`;

/** The longest time of a test on an idle machine is 5 s, without counting coverage. */
const TEST_TIMEOUT_MS = process.env["MJFLOW_PATIENT"] ? 90_000 : 20_000;
/** The tests of a mutant may need this time, and a multiple of the time that they need without it. A loop may let no test time out. */
const LIMIT = process.env["MJFLOW_PATIENT"] ? { ms: 100_000, factor: 6 } : { ms: 25_000, factor: 3 };

// Runs that were left out count as survivors, which Stryker does not reuse (`removeSurvivors`).
const LEFT_OUT = { status: "survived", nrOfTests: 0 } as MutantRunResult;
const NO_MUTANT = "none";

/** What this runner uses of Stryker's. */
interface VitestRunner extends TestRunner {
  ctx: Vitest;
  options: { vitest: { related: boolean } };
  readHitCount(): number;
}

const [{ factory }] = vitestPlugins as unknown as [{ factory: (injector: unknown) => VitestRunner }];

function sampledRunner(injector: unknown): TestRunner {
  const runner = factory(injector);
  const init = runner.init!.bind(runner);
  const dryRun = runner.dryRun.bind(runner);
  const run = runner.mutantRun.bind(runner);
  const dispose = runner.dispose!.bind(runner);
  let times: TestTimes = {};
  let fileCosts = new Map<string, number>();

  class CheapestFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const costOf = ({ moduleId }: TestSpecification) => fileCosts.get(relative(process.cwd(), moduleId)) ?? 0;
      return files.toSorted((a, b) => costOf(a) - costOf(b));
    }
  }

  runner.init = async () => {
    await init();
    for (const { config } of runner.ctx.projects) Object.assign(config, { pool: POOL, poolRunner: WARM_POOL });
    runner.ctx.config.sequence.sequencer = CheapestFirst;
    if (existsSync(timesFile)) prepareMutants(JSON.parse(readFileSync(timesFile, "utf8")) as TestTimes);
  };

  runner.dryRun = async (options) => {
    const result = await dryRun(options);
    await endWarmWorker();
    writeFileSync(timesFile, JSON.stringify(timesOf(result)));
    prepareMutants(timesOf(result));
    return result;
  };

  runner.mutantRun = async (options) => {
    const key = nameOf(options.activeMutant);
    if (chosen && !chosen.has(key)) return LEFT_OUT;
    const started = Date.now();
    fileCosts = costsOf(times, options.testFilter);
    const limitMs = LIMIT.ms + LIMIT.factor * fileCosts.values().reduce((sum, ms) => sum + ms, 0);
    const result = withRealFailure(await withLimit(runWarm(options), limitMs));
    if (result.status === "timeout") await endWarmWorker();
    appendFileSync(results, `${result.status.padEnd(8)} ${Date.now() - started} ms  ${key}\n`);
    return result;
  };

  runner.dispose = async () => {
    await endWarmWorker();
    await dispose();
  };

  return runner;

  /** Mutants need neither the places of tests nor a look at what each test file imports: the dry run told which tests reach them. */
  function prepareMutants(measured: TestTimes): void {
    times = measured;
    runner.options.vitest.related = false;
    runner.ctx.config.includeTaskLocation = false;
    for (const { config } of runner.ctx.projects)
      Object.assign(config, { includeTaskLocation: false, testTimeout: TEST_TIMEOUT_MS });
  }

  /** An earlier mutant may have left something in a warm process. A result that could come from it is made again without it. */
  async function runWarm(options: MutantRunOptions): Promise<MutantRunResult> {
    // A mutant of code that runs while its module loads needs modules that are not loaded.
    const isStatic = options.mutantActivation === "static" || options.reloadEnvironment;
    if (isStatic) await endWarmWorker();
    const wasWarm = isWarm();
    const result = await run(options);
    if (isStatic) await endWarmWorker();
    if (!wasWarm || (await isOwn(result, options))) return result;
    await endWarmWorker();
    return run(options);
  }

  async function isOwn(result: MutantRunResult, options: MutantRunOptions): Promise<boolean> {
    if (result.status === "survived") return runner.readHitCount() > 0;
    if (result.status !== "killed") return false;
    const testFilter = [result.killedBy].flat();
    const activeMutant = { ...options.activeMutant, id: NO_MUTANT };
    const { status } = await run({ ...options, testFilter, activeMutant });
    return status === "survived";
  }
}
sampledRunner.inject = ["$injector"] as const;

/** Kills the process if its tests do not end within the time. */
async function withLimit(run: Promise<MutantRunResult>, limitMs: number): Promise<MutantRunResult> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), limitMs);
  const first = await Promise.race([run, late.promise]);
  clearTimeout(timer);
  if (first !== "late") return first;
  await killWarmWorker();
  await run.catch(() => {});
  return { status: "timeout", reason: `The tests did not end within ${limitMs} ms.` } as MutantRunResult;
}

const WARM_POOL = { name: POOL, createPoolWorker: createWarmWorker };

/** Milliseconds of each test, by its id. */
type TestTimes = Record<string, number>;

function timesOf(result: DryRunResult): TestTimes {
  return "tests" in result ? Object.fromEntries(result.tests.map(({ id, timeSpentMs }) => [id, timeSpentMs])) : {};
}

/** Time of the tests of each file that run, milliseconds. Without a filter all tests run. */
function costsOf(times: TestTimes, testFilter?: readonly string[]): Map<string, number> {
  const costs = new Map<string, number>();
  for (const id of testFilter ?? Object.keys(times)) {
    const file = id.slice(0, id.indexOf("#"));
    costs.set(file, (costs.get(file) ?? 0) + (times[id] ?? 0));
  }
  return costs;
}

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
