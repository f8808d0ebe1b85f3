/**
 * Circuit breaker of a webhook endpoint. Closed: events are posted. Open: nothing is posted for a while, because the
 * receiver hangs or fails (D9). Half-open: one event is posted as a trial. The record is a part of the endpoint's row. A healthy
 * endpoint costs no write. All functions are pure.
 */
import { type BreakerState, breakerStateOf } from "./circuit-breaker.ts";
import type { PostOutcome } from "./outbound.ts";
import { backoffMs } from "./timing.ts";

export interface EndpointBreaker {
  /** Number of faults since the last success. Unset: none. */
  faults?: number;
  /** Number of times in a row that the breaker opened without a success. Unset: none. */
  opens?: number;
  /** End of the open time, epoch ms. Unset: closed. In the past: half-open. */
  openUntil?: number;
  /** True while a trial is under way; `openUntil` is then the end of its time. */
  trial?: boolean;
}

/** Number of faults in a row that opens the breaker. */
export const FAULTS_TO_OPEN = 5;
/** First open time. It doubles with each opening in a row, up to the maximum. */
const OPEN_MS = 30_000;
const OPEN_MAX_MS = 10 * 60_000;
/** Time for the trial: one attempt with its whole timeout, and storing the result. After a crash another trial begins. */
const TRIAL_MS = 45_000;

export const CLOSED_BREAKER = {
  faults: undefined,
  opens: undefined,
  openUntil: undefined,
  trial: undefined,
} as const satisfies Record<keyof EndpointBreaker, undefined>;

export function endpointBreakerState({ openUntil }: EndpointBreaker, now: number): BreakerState {
  return breakerStateOf({ faults: 0, opens: 0, ...(openUntil !== undefined && { openUntil }) }, now);
}

/** Statuses below 500 that say that the receiver has no capacity now. */
const OVERLOADED: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * True if the outcome says that the receiver is down or overloaded. Every other 4xx is the prompt answer of a working
 * receiver about one event, so it stops no other event.
 */
export function isReceiverFault(outcome: PostOutcome): boolean {
  if (outcome.kind === "answered") return outcome.status >= 500 || OVERLOADED.has(outcome.status);
  return outcome.kind === "unreachable";
}

/** Records a fault. Returns undefined if nothing has to be written. */
export function recordReceiverFault<T extends EndpointBreaker>(breaker: T, now: number): T | undefined {
  const state = endpointBreakerState(breaker, now);
  // The event was posted before the breaker opened. Its fault adds nothing.
  if (state === "open" && !breaker.trial) return undefined;
  const faults = (breaker.faults ?? 0) + 1;
  if (state === "closed" && faults < FAULTS_TO_OPEN) return { ...breaker, faults };
  const opens = breaker.opens ?? 0;
  return {
    ...breaker,
    faults,
    opens: opens + 1,
    openUntil: now + backoffMs(OPEN_MS, opens, OPEN_MAX_MS),
    trial: undefined,
  };
}

/** Closes the breaker. Returns undefined if nothing has to be written. */
export function recordReceiverSuccess<T extends EndpointBreaker>(breaker: T): T | undefined {
  return breaker.faults === undefined && breaker.openUntil === undefined
    ? undefined
    : { ...breaker, ...CLOSED_BREAKER };
}

/** Starts the trial of a half-open breaker: for everybody else it counts as open until the end of the trial. */
export function startEndpointTrial<T extends EndpointBreaker>(breaker: T, now: number): T {
  return { ...breaker, trial: true, openUntil: now + TRIAL_MS };
}
