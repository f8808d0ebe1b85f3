/** Runs a range of seeds in a worker thread and reports the counts and findings of each. */
import { parentPort, workerData } from "node:worker_threads";
import { type Family, FLOWS_PER_SEED, faultSetupOf } from "./fault-setup.ts";
import { type Counters, checkInvariants } from "./invariant.ts";
import { runSimulation } from "./simulation.ts";

export interface SeedRange {
  from: number;
  step: number;
  /** End of the range, exclusive. */
  to: number;
  /** Unset: each seed chooses the family of its vendor. */
  family: Family | undefined;
}

export interface Progress {
  seeds: number;
  counts: Counters;
  findings: string[];
  failed: number[];
  /** Number of flows by the family of their vendor. */
  families: Partial<Record<Family, number>>;
}

export async function checkSeeds(
  { from, step, to, family: only }: SeedRange,
  report: (progress: Progress) => void,
): Promise<void> {
  for (let seed = from; seed < to; seed += step) {
    const { profile, limits, variant, family } = faultSetupOf(seed, only);
    const run = await runSimulation({ seed, flows: FLOWS_PER_SEED, profile, limits, variant });
    const { findings, counts } = checkInvariants(run);
    const families = { [family]: counts.flows };
    report({ seeds: 1, counts, findings, failed: findings.length > 0 ? [seed] : [], families });
  }
}

if (parentPort) {
  const port = parentPort;
  await checkSeeds(workerData as SeedRange, (progress) => port.postMessage(progress));
}
