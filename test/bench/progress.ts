/**
 * `progress` measures what one dropped step of progress costs each system, over HTTP and with its own connections. A task
 * with many steps differs from a usual one only in such callbacks, so the difference of two runs is their cost. The
 * submission, the check of a token and the stored end are in both runs. All systems are started together and get their
 * flows in turn.
 */
import { missing, SYSTEMS, type SystemName } from "./flows/systems.ts";
import { PROGRESS_STEPS, TASKS } from "./flows/vendor.ts";
import { type Measuring, medianRatio, verify, withSystems } from "./flows.ts";
import { disturbances, type Quiet, watchMachine } from "./quiet.ts";
import { median } from "./stat.ts";
import { usageOf } from "./usage.ts";

export interface ProgressOptions {
  rounds: number;
  warmUpFlows: number;
  flows: number;
  concurrency: number;
  /** Steps of progress of each task in the second run. */
  steps: number;
  systems: readonly SystemName[];
}

export interface ProgressRow {
  system: SystemName;
  title: string;
  /** CPU time of the system with its servers for one dropped callback, µs. */
  cpuUs: number;
  /** Median over the rounds of the ratio to the reference system of the same round. */
  times: number;
  /** CPU time of the vendor for the same callback, µs. */
  vendorUs: number;
}

export interface ProgressFound extends Omit<ProgressOptions, "systems"> {
  rows: ProgressRow[];
  /** Title of the system that the ratios compare with. */
  reference: string;
  disturbed: string[];
}

interface Measured {
  cpuUs: number;
  vendorUs: number;
}

/** System of the ratios, if it was measured: the least that a server on Node's HTTP does. */
const REFERENCE: SystemName = "node-http";

/** @throws Error if a flow does not end */
export async function benchProgress({ systems, ...sizes }: ProgressOptions): Promise<ProgressFound> {
  const available = systems.filter((name) => {
    const { isSynced, storesProgress } = SYSTEMS[name].options;
    return isSynced && !storesProgress && !missing(SYSTEMS[name]);
  });
  const reference = available.includes(REFERENCE) ? REFERENCE : available[0]!;
  const rounds: Map<SystemName, Measured>[] = [];
  const quiet = await withSystems(available, async (opened) => {
    for (const { run, complete } of opened.values()) {
      await run(sizes.warmUpFlows, sizes.concurrency);
      await complete();
    }
    const watched: Quiet[] = [];
    for (let number = 0; number < sizes.rounds; number++) {
      const [round, stopWatch] = [new Map<SystemName, Measured>(), watchMachine()];
      let ownMs = 0;
      // The order changes, so that a speed that rises or falls steadily favors none.
      for (const name of number % 2 === 0 ? available : [...available].reverse()) {
        const { spentMs, ...found } = await measure(SYSTEMS[name].title, opened.get(name)!, sizes);
        round.set(name, found);
        ownMs += spentMs;
      }
      watched.push(stopWatch(ownMs));
      rounds.push(round);
    }
    return watched;
  });
  const medianOf = (name: SystemName, of: (found: Measured) => number) =>
    median(rounds.map((round) => of(round.get(name)!)));
  const rows = available.map((system) => ({
    system,
    title: SYSTEMS[system].title,
    cpuUs: medianOf(system, ({ cpuUs }) => cpuUs),
    times: medianRatio(rounds, system, reference, ({ cpuUs }) => cpuUs),
    vendorUs: medianOf(system, ({ vendorUs }) => vendorUs),
  }));
  for (const { title, cpuUs, times, vendorUs } of rows) {
    const figures = `${cpuUs.toFixed(1)} µs of CPU (${times.toFixed(2)} times ${SYSTEMS[reference].title})`;
    console.log(`${title.padEnd(34)} ${figures}, vendor ${vendorUs.toFixed(1)} µs`);
  }
  const disturbed = disturbances(quiet);
  for (const reason of disturbed) console.log(`The machine was not quiet: ${reason}. Measure again.`);
  return { ...sizes, rows, reference: SYSTEMS[reference].title, disturbed };
}

async function measure(
  title: string,
  { pid, run, complete, setSteps }: Measuring,
  { flows, concurrency, steps }: Pick<ProgressOptions, "flows" | "concurrency" | "steps">,
): Promise<Measured & { spentMs: number }> {
  const ranWith = async (count: number) => {
    await setSteps(count);
    const before = usageOf(pid).cpuMs;
    const ran = await run(flows, concurrency);
    const cpuMs = usageOf(pid).cpuMs - before;
    verify(title, ran);
    await complete();
    return { cpuMs, vendorMs: ran.cpuMs, ownMs: cpuMs + ran.cpuMs + ran.driverCpuMs };
  };
  const usual = await ranWith(PROGRESS_STEPS);
  const long = await ranWith(steps);
  const perCallback = 1_000 / (flows * TASKS * (steps - PROGRESS_STEPS));
  return {
    cpuUs: (long.cpuMs - usual.cpuMs) * perCallback,
    vendorUs: (long.vendorMs - usual.vendorMs) * perCallback,
    spentMs: usual.ownMs + long.ownMs,
  };
}
