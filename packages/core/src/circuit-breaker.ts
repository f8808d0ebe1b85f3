/**
 * Circuit breaker of a vendor account: decides whether the account gets new roots, from the outcomes of its submissions.
 * Closed: it gets roots. Open: it gets none for a while. Half-open: it gets one root as a trial. Branches are always
 * submitted, because their buttons work at no other account; their outcomes count like those of roots. All functions are
 * pure. The engine stores the record with the account's health, and only if it changed, so a healthy account costs no write.
 */
import { backoffMs, type Timings } from "./timing.ts";

/**
 * A reason against an account. `full`: our own concurrency limit is reached, which is no fault of the account.
 * `unreachable`: no connection to the vendor could be opened, so nothing was sent.
 */
export const FAULTS = ["busy", "full", "unclear", "unauthorized", "out_of_money", "unreachable"] as const;
export type Fault = (typeof FAULTS)[number];

export type BreakerState = "closed" | "open" | "half-open";

export interface BreakerRecord {
  /** Number of faults of the same kind in a row. */
  faults: number;
  /** Kind of the last fault; unset: none. */
  fault?: Fault;
  /** Time of the last fault, epoch ms; unset: none. */
  faultAt?: number;
  /** Number of times in a row that the breaker opened without a success; each open time is twice the previous one. */
  opens: number;
  /** End of the open time, epoch ms; unset: the breaker is closed. In the past: it is half-open. */
  openUntil?: number;
  /** Vendor task id of a task of this account. A free look-up with it tests the account. Unset: none is known. */
  probeId?: string;
  /** True while the trial root is under way. */
  probing?: boolean;
  /**
   * End of the pause of a busy account, epoch ms, as the vendor reported it. Until then no task is submitted to it. Unset: not
   * busy.
   */
  busyUntil?: number;
  /** Until when the account gets no new roots because our concurrency limit is reached, epoch ms. Unset: not full. */
  fullUntil?: number;
}

/** Number of faults in a row that opens the breaker. A fault that waiting cannot fix opens it at once. */
const FAULTS_TO_OPEN: Readonly<Record<Fault, number>> = {
  unauthorized: 1,
  out_of_money: 1,
  unclear: 3,
  unreachable: 3,
  busy: 5,
  full: Number.POSITIVE_INFINITY,
};

type Pauses = Pick<Timings, "busyMs" | "probeMaxMs" | "openMs" | "openMaxMs">;

export function newBreakerRecord(): BreakerRecord {
  return { faults: 0, opens: 0 };
}

export function breakerStateOf({ openUntil }: BreakerRecord, now: number): BreakerState {
  if (openUntil === undefined) return "closed";
  return openUntil > now ? "open" : "half-open";
}

/** Returns true if waiting cannot fix the fault: the operator must set a new key or add credit at the vendor. */
export function isPermanentFault(fault: Fault | undefined): boolean {
  return fault === "unauthorized" || fault === "out_of_money";
}

/** Returns true if a look-up that works shows that the fault is over: the key is valid and the vendor can be reached. */
export function isProvedByLookup(fault: Fault | undefined): boolean {
  return fault === "unauthorized" || fault === "unreachable";
}

/**
 * Records a fault. Returns undefined if nothing has to be written.
 *
 * @param afterMs the pause that the vendor asked for, in ms
 */
export function recordFault<T extends BreakerRecord>(
  breaker: T,
  fault: Fault,
  now: number,
  timings: Pauses,
  afterMs?: number,
): T | undefined {
  if (fault === "full") {
    const isKnown = (breaker.fullUntil ?? 0) > now || breakerStateOf(breaker, now) === "open";
    return isKnown ? undefined : { ...breaker, fullUntil: now + timings.busyMs };
  }
  const isBusy = fault === "busy" || fault === "unreachable";
  // One busy time costs one write, even if many submissions are rejected within it.
  if (isBusy && (breaker.busyUntil ?? 0) > now) return undefined;
  const state = breakerStateOf(breaker, now);
  const isInRow = breaker.fault === fault && now - (breaker.faultAt ?? 0) < timings.openMaxMs;
  const faults = isInRow ? breaker.faults + 1 : 1;
  // A vendor may name hours. The account is asked again before that, because all its tasks wait meanwhile.
  const pause = Math.min(afterMs ?? backoffMs(timings.busyMs, faults - 1, timings.probeMaxMs), timings.openMaxMs);
  const busyUntil = isBusy ? { busyUntil: now + pause } : {};
  // While the breaker is open, a fault adds nothing but the pause. Most such submissions were sent before it opened.
  if (state === "open" && !breaker.probing) return isBusy ? { ...breaker, ...busyUntil } : undefined;
  const next = { ...breaker, ...busyUntil, faults, fault, faultAt: now, probing: undefined };
  if (state === "closed" && faults < FAULTS_TO_OPEN[fault]) return next;
  const openUntil = now + backoffMs(timings.openMs, breaker.opens, timings.openMaxMs);
  return { ...next, opens: breaker.opens + 1, openUntil };
}

/**
 * Records that the account accepted a submission. It does not clear busy faults while the breaker is closed.
 * An account at its capacity alternates between busy and accepted, and each change would cost a write.
 */
export function recordSuccess<T extends BreakerRecord>(breaker: T): T | undefined {
  if (breaker.openUntil === undefined && (breaker.faults === 0 || breaker.fault === "busy")) return undefined;
  return resetBreaker(breaker);
}

/** Resets the record to that of a new account; also used when the account gets a new key. */
export function resetBreaker<T extends BreakerRecord>(breaker: T): T {
  const nothing = { fault: undefined, faultAt: undefined, openUntil: undefined, probing: undefined };
  return { ...breaker, ...newBreakerRecord(), ...nothing, busyUntil: undefined, fullUntil: undefined };
}

/** Starts the trial of a half-open account: it counts as open for `openMs`, so that no other root is sent meanwhile. */
export function startTrial<T extends BreakerRecord>(breaker: T, now: number, { openMs }: Pauses): T {
  return { ...breaker, probing: true, openUntil: now + openMs };
}
