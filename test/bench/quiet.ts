/**
 * Checks that nothing else used the machine during a measurement: the CPU time of other processes, and the speed of a
 * fixed piece of work before and after. A host that gives its CPUs to others makes that work slower.
 */
import { createHash } from "node:crypto";
import { machineCpuMs } from "./usage.ts";

/** CPUs that other processes may use on average. */
export const OTHERS_LIMIT = 0.1;
/** Ratio of the slowest to the fastest calibration. */
export const SPEED_LIMIT = 1.15;

export interface Quiet {
  /** CPUs that other processes used on average. */
  othersCpus: number;
  /** Duration of the calibration before and after, ms. */
  calibrationMs: number[];
}

const HASHES = 20_000;
const TIMES = 5;

/** Returns the shortest duration of the fixed work, ms. An interruption makes one run longer, but hardly all of them. */
export function calibrate(): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TIMES; i++) {
    const startedAt = performance.now();
    for (let n = 0; n < HASHES; n++) createHash("sha256").update(`block ${n}`).digest();
    fastest = Math.min(fastest, performance.now() - startedAt);
  }
  return fastest;
}

/** @returns function that ends the watch; it takes the CPU time of our own processes during the watch */
export function watchMachine(): (ownCpuMs: number) => Quiet {
  const before = calibrate();
  const own = process.cpuUsage();
  const [cpuMs, startedAt] = [machineCpuMs(), performance.now()];
  return (ownCpuMs) => {
    const [spentMs, elapsedMs] = [machineCpuMs() - cpuMs, performance.now() - startedAt];
    const { user, system } = process.cpuUsage(own);
    const othersMs = Math.max(0, spentMs - ownCpuMs - (user + system) / 1_000);
    return { othersCpus: othersMs / elapsedMs, calibrationMs: [before, calibrate()] };
  };
}

/** Reasons why the measurements are disturbed; none on a quiet machine. */
export function disturbances(all: readonly Quiet[]): string[] {
  const found: string[] = [];
  const others = Math.max(...all.map(({ othersCpus }) => othersCpus));
  if (others > OTHERS_LIMIT) found.push(`other processes used ${others.toFixed(2)} CPUs`);
  const times = all.flatMap(({ calibrationMs }) => calibrationMs);
  const ratio = Math.max(...times) / Math.min(...times);
  if (ratio > SPEED_LIMIT) found.push(`the speed of the CPU changed by a factor of ${ratio.toFixed(2)}`);
  return found;
}
