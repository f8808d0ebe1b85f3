/** Faults and limits of a seed: half of the seeds have all faults together, each other seed has one fault alone. */
import type { Limits } from "@mjflow/core/app";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "./fault-profile.ts";

export const FLOWS_PER_SEED = 10;
const FAULTS = Object.keys(NO_FAULTS) as (keyof FaultProfile)[];

/** Limits close to the needs of ten flows, so that some flows are rejected. */
export const LIMITS: Limits = { creditsUsd: 4, runningFlows: 8, flowsPerMinute: 20 };

export interface FaultSetup {
  name: string;
  profile: FaultProfile;
  /** Limits of every app; set for about half of the seeds, independent of their faults. */
  limits: Limits | undefined;
}

export function faultSetupOf(seed: number): FaultSetup {
  const limits = Math.imul(seed, 0x9e3779b1) < 0 ? LIMITS : undefined;
  if (seed % 2 === 0) return { name: "all faults", profile: ALL_FAULTS, limits };
  const fault = FAULTS[Math.floor(seed / 2) % FAULTS.length]!;
  return { name: fault, profile: singleFault(fault, fault === "crash" ? 0.05 : 0.4), limits };
}
