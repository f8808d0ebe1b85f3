/** Runs a range of seeds in a worker thread and reports the counts and findings of each. */
import { parentPort, workerData } from "node:worker_threads";
import { FLOWS_PER_SEED, faultSetupOf } from "./fault-setup.ts";
import { type Counters, checkInvariants } from "./invariant.ts";
import { runSimulation } from "./simulation.ts";

export interface SeedRange {
  from: number;
  step: number;
  /** End of the range, exclusive. */
  to: number;
}

export interface Progress {
  seeds: number;
  counts: Counters;
  findings: string[];
  failed: number[];
}

export async function checkSeeds({ from, step, to }: SeedRange, report: (progress: Progress) => void): Promise<void> {
  for (let seed = from; seed < to; seed += step) {
    const { profile, limits, variant } = faultSetupOf(seed);
    const run = await runSimulation({ seed, flows: FLOWS_PER_SEED, profile, limits, variant });
    const { findings, counts } = checkInvariants(run);
    report({ seeds: 1, counts, findings, failed: findings.length > 0 ? [seed] : [] });
  }
}

if (parentPort) {
  const port = parentPort;
  await checkSeeds(workerData as SeedRange, (progress) => port.postMessage(progress));
}
