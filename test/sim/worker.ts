/** Judges a range of seeds and reports what it counted. */
import { parentPort, workerData } from "node:worker_threads";
import { runHouse } from "./house.ts";
import { type Counters, judge } from "./invariant.ts";
import { FLOWS_PER_SEED, weatherOf } from "./weather.ts";

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
    const { profile, limits } = weatherOf(seed);
    const { findings, counts } = judge(await runHouse({ seed, flows: FLOWS_PER_SEED, profile, limits }));
    tell({ seeds: 1, counts, findings, failed: findings.length > 0 ? [seed] : [] });
  }
}

if (parentPort) {
  const port = parentPort;
  await work(workerData as Work, (progress) => port.postMessage(progress));
}
