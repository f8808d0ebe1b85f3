/** Which faults a seed meets: half of them all at once, the others one alone, in turn. A seed says all there is to say. */
import type { Limits } from "@mjflow/core/app";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "./fault-profile.ts";

export const FLOWS_PER_SEED = 10;
const FAULTS = Object.keys(NO_FAULTS) as (keyof FaultProfile)[];

/** About what ten flows cost: now and then one is not let in. */
export const LIMITS: Limits = { creditsUsd: 4, runningFlows: 8, flowsPerMinute: 20 };

export interface FaultSetup {
  name: string;
  profile: FaultProfile;
  /** In half of all seeds, storms and single faults alike. */
  limits: Limits | undefined;
}

export function faultSetupOf(seed: number): FaultSetup {
  const limits = Math.imul(seed, 0x9e3779b1) < 0 ? LIMITS : undefined;
  if (seed % 2 === 0) return { name: "storm", profile: ALL_FAULTS, limits };
  const fault = FAULTS[Math.floor(seed / 2) % FAULTS.length]!;
  return { name: fault, profile: singleFault(fault, fault === "crash" ? 0.05 : 0.4), limits };
}
