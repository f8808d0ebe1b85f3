/** Judges a range of seeds and reports what it counted. */
import { parentPort, workerData } from "node:worker_threads";
import { FLOWS_PER_SEED, faultSetupOf } from "./fault-setup.ts";
import { type Counters, checkInvariants } from "./invariant.ts";
import { runSimulation } from "./simulation.ts";

export interface Work {
  from: number;
  step: number;
  /** Exclusive. */
  to: number;
}

export interface Progress {
  seeds: number;
  counts: Counters;
  findings: string[];
  failed: number[];
}

export async function work({ from, step, to }: Work, tell: (progress: Progress) => void): Promise<void> {
  for (let seed = from; seed < to; seed += step) {
    const { profile, limits } = faultSetupOf(seed);
    const { findings, counts } = checkInvariants(await runSimulation({ seed, flows: FLOWS_PER_SEED, profile, limits }));
    tell({ seeds: 1, counts, findings, failed: findings.length > 0 ? [seed] : [] });
  }
}

if (parentPort) {
  const port = parentPort;
  await work(workerData as Work, (progress) => port.postMessage(progress));
}
