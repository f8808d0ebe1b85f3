/**
 * `progress` measures what one dropped step of progress costs each system, over HTTP and with its own connections. A task
 * with many steps differs from a usual one only in such callbacks, so the difference of two runs is their cost. The
 * submission, the check of a token that is remembered, and the stored end are in both runs.
 */
import { missing, SYSTEMS, type SystemName } from "./flows/systems.ts";
import { PROGRESS_STEPS, TASKS } from "./flows/vendor.ts";
import { verify, withSystem } from "./flows.ts";
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
  /** Median over the rounds of the ratio to the last system of the same round. */
  times: number;
  /** CPU time of the vendor for the same callback, µs. */
  vendorUs: number;
}

export interface ProgressFound extends Omit<ProgressOptions, "systems"> {
  rows: ProgressRow[];
  disturbed: string[];
}

interface Measured {
  cpuUs: number;
  vendorUs: number;
  quiet: Quiet;
}

/** @throws Error if a flow does not end, or the machine has no /proc */
export async function benchProgress({ systems, ...sizes }: ProgressOptions): Promise<ProgressFound> {
  const available = systems.filter((name) => !SYSTEMS[name].options.storesProgress && !missing(SYSTEMS[name]));
  const rounds: Map<SystemName, Measured>[] = [];
  for (let round = 0; round < sizes.rounds; round++) {
    const found = new Map<SystemName, Measured>();
    for (const name of available) found.set(name, await measure(name, sizes));
    rounds.push(found);
    for (const [name, { cpuUs, vendorUs }] of found) console.log(lineOf(SYSTEMS[name].title, cpuUs, vendorUs));
  }
  const base = available.at(-1)!;
  const rows = available.map((system) => ({
    system,
    title: SYSTEMS[system].title,
    cpuUs: median(rounds.map((round) => round.get(system)!.cpuUs)),
    times: median(rounds.map((round) => round.get(system)!.cpuUs / round.get(base)!.cpuUs)),
    vendorUs: median(rounds.map((round) => round.get(system)!.vendorUs)),
  }));
  console.log("\nMedians");
  for (const { title, cpuUs, vendorUs, times } of rows)
    console.log(`${lineOf(title, cpuUs, vendorUs)}, ${times.toFixed(2)} times the last`);
  const disturbed = disturbances(rounds.flatMap((round) => [...round.values()].map(({ quiet }) => quiet)));
  for (const reason of disturbed) console.log(`The machine was not quiet: ${reason}. Measure again.`);
  return { ...sizes, rows, disturbed };
}

async function measure(
  name: SystemName,
  { warmUpFlows, flows, concurrency, steps }: Omit<ProgressOptions, "systems" | "rounds">,
): Promise<Measured> {
  return withSystem(SYSTEMS[name], async ({ pid, run, complete, setSteps }) => {
    const spent = async () => {
      const before = usageOf(pid).cpuMs;
      const ran = await run(flows, concurrency);
      const cpuMs = usageOf(pid).cpuMs - before;
      verify(SYSTEMS[name].title, ran);
      await complete();
      return { cpuMs, vendorMs: ran.cpuMs, driverMs: ran.driverCpuMs };
    };
    await run(warmUpFlows, concurrency);
    await complete();
    const stopWatch = watchMachine();
    const usual = await spent();
    await setSteps(steps);
    const long = await spent();
    const quiet = stopWatch(
      [usual, long].reduce((sum, { cpuMs, vendorMs, driverMs }) => sum + cpuMs + vendorMs + driverMs, 0),
    );
    const callbacks = flows * TASKS * (steps - PROGRESS_STEPS);
    const each = (of: (ran: typeof usual) => number) => ((of(long) - of(usual)) * 1_000) / callbacks;
    return { cpuUs: each(({ cpuMs }) => cpuMs), vendorUs: each(({ vendorMs }) => vendorMs), quiet };
  });
}

function lineOf(title: string, cpuUs: number, vendorUs: number): string {
  return `${title.padEnd(34)} ${cpuUs.toFixed(1)} µs of CPU (vendor ${vendorUs.toFixed(1)})`;
}
