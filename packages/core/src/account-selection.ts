/** Which account takes a new root: by weight and by how far each is trusted. Pure, and the same draw for the same flow. */
import { type BreakerRecord, breakerStateOf, isPermanentFault } from "./circuit-breaker.ts";

/** Instead of a vendor's id: whichever can. */
export const ANY_PROVIDER = "auto";

export interface Candidate {
  provider: string;
  account: string;
  weight: number;
  breaker: BreakerRecord;
}

export interface SelectionCriteria {
  /** 0 to 1. */
  chance: number;
  now: number;
  /** It may move on should it be refused: so it may go where the last one was refused for good, to see. */
  allowOpenBreaker?: boolean;
  /** Only where there is room now; else also where it would have to wait. */
  availableOnly?: boolean;
  /** Where it was is lost: so it does not go where others were refused for good, not even for want of anything better. */
  excludeLost?: boolean;
}

/** A half-open account's share of what it would have. */
const TRIAL_SHARE = 0.1;

/** Undefined: nowhere, as wished. One that is half-open must be asked for first (`probing`). */
export function selectAccount(candidates: readonly Candidate[], criteria: SelectionCriteria): Candidate | undefined {
  const isLost = ({ breaker }: Candidate) =>
    isPermanentFault(breaker.fault) && breakerStateOf(breaker, criteria.now) === "open";
  const open = candidates.filter((each) => each.weight > 0 && !(criteria.excludeLost && isLost(each)));
  const now = drawWeighted(open, (candidate) => effectiveWeight(candidate, criteria), criteria.chance);
  if (now || criteria.availableOnly) return now;
  const stateOf = ({ breaker }: Candidate) => breakerStateOf(breaker, criteria.now);
  const crowded = open.filter((candidate) => stateOf(candidate) === "closed");
  const waiting = drawWeighted(crowded, ({ weight }) => weight, criteria.chance);
  const dubious = open.filter((candidate) => stateOf(candidate) === "half-open");
  const bold = waiting ?? drawWeighted(dubious, ({ weight }) => weight, criteria.chance);
  return bold ?? open.toSorted((a, b) => (a.breaker.openUntil ?? 0) - (b.breaker.openUntil ?? 0))[0];
}

function effectiveWeight({ weight, breaker }: Candidate, { now, allowOpenBreaker }: SelectionCriteria): number {
  if ((breaker.busyUntil ?? 0) > now) return 0;
  switch (breakerStateOf(breaker, now)) {
    case "open":
      return 0;
    case "half-open":
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

/** A draw that is the same whenever it is made again: 0 to 1, spread evenly. FNV-1a, its bits mixed once more. */
export function hashToUnitInterval(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
