/**
 * Whether a vendor account is trusted with new roots: a circuit breaker, fed by what became of submissions. Closed, its
 * answers are as they should be; open, it gets no new roots for a while; half-open, it gets one, to see. Its branches go
 * on all the same: their buttons work nowhere else, and what becomes of them tells as much. Pure; the engine stores it in
 * the account's health, and only when something has changed: a healthy account costs no write.
 */
import { backoffMs, type Timings } from "./timing.ts";

/** What speaks against an account; `full` is our own cap, and no fault of its. */
export type Fault = "busy" | "full" | "unclear" | "unauthorized" | "out_of_money";

export type BreakerState = "closed" | "open" | "half-open";

export interface BreakerRecord {
  /** Faults of one kind in a row. */
  faults: number;
  fault?: Fault;
  faultAt?: number;
  /** Times it was opened in a row: each pause is twice the one before. */
  opens: number;
  openUntil?: number;
  /** One root was sent there, to see. */
  probing?: boolean;
  /** No room for new roots until then, as it said itself, or as our cap says. */
  busyUntil?: number;
}

/** How many in a row open it. An answer that no waiting will change needs no second. */
const FAULTS_TO_OPEN: Readonly<Record<Fault, number>> = {
  unauthorized: 1,
  out_of_money: 1,
  unclear: 3,
  busy: 5,
  full: Number.POSITIVE_INFINITY,
};

type Pauses = Pick<Timings, "busyMs" | "busyMaxMs" | "openMs" | "openMaxMs">;

export function newBreakerRecord(): BreakerRecord {
  return { faults: 0, opens: 0 };
}

export function breakerStateOf({ openUntil }: BreakerRecord, now: number): BreakerState {
  if (openUntil === undefined) return "closed";
  return openUntil > now ? "open" : "half-open";
}

/** No waiting changes it: somebody has to give the account a new key, or money. */
export function isPermanentFault(fault: Fault | undefined): boolean {
  return fault === "unauthorized" || fault === "out_of_money";
}

/** Undefined: nothing new. @param afterMs when the vendor says it may be asked again */
export function recordFault<T extends BreakerRecord>(
  breaker: T,
  fault: Fault,
  now: number,
  timings: Pauses,
  afterMs?: number,
): T | undefined {
  const crowded = fault === "busy" || fault === "full";
  // One write for each pause, however many were refused within it.
  if (crowded && (breaker.busyUntil ?? 0) > now) return undefined;
  const state = breakerStateOf(breaker, now);
  // Told of before it was opened, and heard after.
  if (state === "open" && !breaker.probing) return undefined;
  const isInRow = breaker.fault === fault && now - (breaker.faultAt ?? 0) < timings.openMaxMs;
  const faults = isInRow ? breaker.faults + 1 : 1;
  const pause = afterMs ?? backoffMs(timings.busyMs, faults - 1, timings.busyMaxMs);
  const busyUntil = crowded ? { busyUntil: now + pause } : {};
  if (fault === "full") return { ...breaker, ...busyUntil };
  const next = { ...breaker, ...busyUntil, faults, fault, faultAt: now, probing: undefined };
  if (state === "closed" && faults < FAULTS_TO_OPEN[fault]) return next;
  const openUntil = now + backoffMs(timings.openMs, breaker.opens, timings.openMaxMs);
  return { ...next, opens: breaker.opens + 1, openUntil };
}

/** It took something. Busy answers are forgotten with time, not by this: an account at its limit alternates between both. */
export function recordSuccess<T extends BreakerRecord>(breaker: T): T | undefined {
  if (breaker.openUntil === undefined && (breaker.faults === 0 || breaker.fault === "busy")) return undefined;
  return resetBreaker(breaker);
}

/** As if nothing had happened: for an account with a new key, too. */
export function resetBreaker<T extends BreakerRecord>(breaker: T): T {
  const nothing = { fault: undefined, faultAt: undefined, openUntil: undefined, probing: undefined };
  return { ...breaker, ...newBreakerRecord(), ...nothing, busyUntil: undefined };
}

/** Half-open, and ours to try: until this is over, nobody else tries. */
export function startTrial<T extends BreakerRecord>(breaker: T, now: number, { openMs }: Pauses): T {
  return { ...breaker, probing: true, openUntil: now + openMs };
}
