/** Which faults a seed meets: half of them all at once, the others one alone, in turn. A seed says all there is to say. */
import { CALM, only, type Profile, STORM } from "./profile.ts";

export const FLOWS_PER_SEED = 10;
const FAULTS = Object.keys(CALM) as (keyof Profile)[];

export function weatherOf(seed: number): { name: string; profile: Profile } {
  if (seed % 2 === 0) return { name: "storm", profile: STORM };
  const fault = FAULTS[Math.floor(seed / 2) % FAULTS.length]!;
  return { name: fault, profile: only(fault, fault === "crash" ? 0.05 : 0.4) };
}
