/** Faults, limits and vendor of a seed: half of the seeds have all faults together, each other seed has one fault alone. */
import type { Limits } from "@mjflow/core/app";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "./fault-profile.ts";
import type { SearchMode } from "./vendor.ts";

export const FLOWS_PER_SEED = 10;
const FAULTS = Object.keys(NO_FAULTS) as (keyof FaultProfile)[];

/** Limits close to the needs of ten flows, so that some flows are rejected. */
export const LIMITS: Limits = { creditsUsd: 4, runningFlows: 8, flowsPerMinute: 20 };

/**
 * What a fault needs to show itself. Look-ups are made only if callbacks are missing.
 */
const COMPANIONS: Partial<Record<keyof FaultProfile, Partial<FaultProfile>>> = {
  junk: { loseCallback: 0.3 },
  frozen: { loseCallback: 0.3 },
  lookupFails: { loseCallback: 0.4 },
  lookupMissing: { loseCallback: 0.4 },
  lookupNoList: { loseCallback: 0.4 },
  lookupRefused: { silent: 1 },
};

/** One fault often, with what it needs to show itself. */
export function faultAlone(fault: keyof FaultProfile): FaultProfile {
  const often = fault === "crash" ? 0.05 : fault === "lookupRefused" ? 0.1 : 0.4;
  return { ...singleFault(fault, often), ...COMPANIONS[fault] };
}

export interface FaultSetup {
  name: string;
  profile: FaultProfile;
  /** How submissions can be searched for at the vendor. */
  searched: SearchMode;
  /** Limits of every app; set for about half of the seeds, independent of their faults. */
  limits: Limits | undefined;
}

/** A third of the vendors cannot be searched, a third searches by the mark, a third shows its newest 300 tasks: five minutes. */
const SEARCHED: readonly SearchMode[] = [false, true, { reachMs: 300_000 }];

export function faultSetupOf(seed: number): FaultSetup {
  const limits = Math.imul(seed, 0x9e3779b1) < 0 ? LIMITS : undefined;
  const searched = SEARCHED[(Math.imul(seed, 0x85ebca6b) >>> 8) % SEARCHED.length]!;
  if (seed % 2 === 0) return { name: "all faults", profile: ALL_FAULTS, searched, limits };
  const fault = FAULTS[Math.floor(seed / 2) % FAULTS.length]!;
  return { name: fault, profile: faultAlone(fault), searched, limits };
}
