/**
 * Selects the vendor account for a new root, by weight and by the state of each circuit breaker. The functions are pure.
 * The same flow and the same candidates give the same account.
 */
import { type BreakerRecord, breakerStateOf, isPermanentFault, isProvedByLookup } from "./circuit-breaker.ts";

/** Value of `provider` in a request that lets mjflow choose any vendor with the needed capability. */
export const ANY_PROVIDER = "auto";

export interface Candidate {
  provider: string;
  account: string;
  weight: number;
  breaker: BreakerRecord;
}

export interface SelectionCriteria {
  /** Number from 0 (included) to 1 (excluded) that decides the weighted choice. */
  chance: number;
  now: number;
  /**
   * True if the root can relocate after a rejection. Only then a half-open account whose last fault was permanent can
   * receive it as trial.
   */
  allowOpenBreaker?: boolean;
  /** True: only accounts that can start the task now. Otherwise accounts where it has to wait are used as a last choice. */
  availableOnly?: boolean;
  /** True if the task's own account is lost: open accounts with a permanent fault are then not even a last choice. */
  excludeLost?: boolean;
}

/** Factor for the weight of a half-open account. */
const TRIAL_SHARE = 0.1;

/**
 * Returns undefined if no candidate fits the criteria. If the result is half-open, the caller must first start the trial
 * (`startTrial`).
 */
export function selectAccount(candidates: readonly Candidate[], criteria: SelectionCriteria): Candidate | undefined {
  const isLost = ({ breaker }: Candidate) =>
    isPermanentFault(breaker.fault) && breakerStateOf(breaker, criteria.now) === "open";
  const eligible = candidates.filter((each) => each.weight > 0 && !(criteria.excludeLost && isLost(each)));
  const available = drawWeighted(eligible, (candidate) => effectiveWeight(candidate, criteria), criteria.chance);
  if (available || criteria.availableOnly) return available;
  const stateOf = ({ breaker }: Candidate) => breakerStateOf(breaker, criteria.now);
  const busy = eligible.filter((candidate) => stateOf(candidate) === "closed");
  const waiting = drawWeighted(busy, ({ weight }) => weight, criteria.chance);
  const halfOpen = eligible.filter((candidate) => stateOf(candidate) === "half-open");
  const selected = waiting ?? drawWeighted(halfOpen, ({ weight }) => weight, criteria.chance);
  return selected ?? eligible.toSorted((a, b) => (a.breaker.openUntil ?? 0) - (b.breaker.openUntil ?? 0))[0];
}

function effectiveWeight({ weight, breaker }: Candidate, { now, allowOpenBreaker }: SelectionCriteria): number {
  if (Math.max(breaker.busyUntil ?? 0, breaker.fullUntil ?? 0) > now) return 0;
  switch (breakerStateOf(breaker, now)) {
    case "open":
      return 0;
    case "half-open":
      // A free look-up comes before the trial, so any root may cause it.
      if (breaker.probeId !== undefined && isProvedByLookup(breaker.fault)) return weight * TRIAL_SHARE;
      return isPermanentFault(breaker.fault) && !allowOpenBreaker ? 0 : weight * TRIAL_SHARE;
    case "closed":
      return weight / (1 + breaker.faults);
  }
}

function drawWeighted(candidates: readonly Candidate[], share: (candidate: Candidate) => number, chance: number) {
  const total = candidates.reduce((sum, candidate) => sum + share(candidate), 0);
  let left = chance * total;
  let last: Candidate | undefined;
  for (const candidate of candidates) {
    const own = share(candidate);
    if (own === 0) continue;
    last = candidate;
    left -= own;
    if (left < 0) break;
  }
  return last;
}

/**
 * Hashes a text to a number from 0 (included) to 1 (excluded), evenly spread: FNV-1a with additional mixing of its bits.
 * The result for a text must never change, because a repeated request must select the same account.
 */
export function hashToUnitInterval(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
