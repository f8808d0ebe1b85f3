/**
 * How long to wait for what. Plain numbers and arithmetic: the clock is always an argument. A stage may bring its own
 * table (the local house uses a faster one); nothing else in the code knows a duration of the domain.
 */
import { SUBMIT_ANSWER_TIMEOUT_MS, SUBMIT_LEASE_MS } from "./limit.ts";

/** What the vendor was paid for decides how long a healthy task takes. Unset modes count as fast. */
export type Pace = "fast" | "turbo" | "relax" | "video";

type ByPace = Record<Pace, number>;

export interface Timings {
  /** How long a worker waits for the vendor's answer, and for how long the task is its own (P5): the lease outlives it. */
  answerMs: number;
  leaseMs: number;
  /** A task on a calling account is left alone for this long after it was created or accepted. */
  quietMs: ByPace;
  /** The same while it is not known whether the account calls back. */
  unknownMs: number;
  /** The same on an account known never to call; also the pause between its look-ups. */
  silentMs: number;
  /** Actions that some servers finish inside the submit answer without a callback (trueai's upscale). */
  instantMs: number;
  /** An unclear submission waits this long for its callback. It outlasts a healthy run, so that a paid task that
   * did start has told us before anything is sent again (P3). */
  graceMs: ByPace;
  /** From acceptance to EXPIRED. Vendors give up after 5 min (novicezk) to 1 h (new-api): ours is later than theirs. */
  deadlineMs: ByPace;
  /** How long a task may wait for a vendor that stays busy. */
  pendingMs: ByPace;
  /** MODAL without an answer. */
  modalMs: number;
  /** A queue message not picked up by then is sent again. */
  requeueMs: number;
  /** Follow-ups not known to be stored and sent by then are started again. */
  effectsMs: number;
  /** The first pause after a busy answer; doubles up to `busyMaxMs`. */
  busyMs: number;
  busyMaxMs: number;
  /** Pause between look-ups of one overdue task: a quarter of its age, within these two. */
  lookupMs: number;
  lookupMaxMs: number;
  /** A vendor that does not know a task this many times in a row has lost it (a relay may lag for a minute). */
  missingLimit: number;
  /** A submission in doubt is lost once this many look-ups in a row have not shown it: a list of recent tasks may lag. */
  absentLimit: number;
  /** Submissions of one task, the unclear ones included. */
  attemptLimit: number;
  /** A container believes for this long what it read of an account's callbacks. Stale belief costs a look-up or a write,
   * never a task. */
  beliefMs: number;
  /** An account that is not trusted gets no new roots for this long; doubles up to `openMaxMs` while it stays so. */
  openMs: number;
  openMaxMs: number;
  /** Between the taking of an account's slot and the claim of its task. */
  slotMs: number;
  /** Added to the deadline for a hook token's life: a late callback is still believed, and recorded as late. */
  hookMs: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

export const TIMINGS: Timings = {
  answerMs: SUBMIT_ANSWER_TIMEOUT_MS,
  leaseMs: SUBMIT_LEASE_MS,
  quietMs: { turbo: 4 * minute, fast: 5 * minute, relax: 20 * minute, video: 15 * minute },
  unknownMs: 90 * second,
  silentMs: 15 * second,
  instantMs: 20 * second,
  graceMs: { turbo: 5 * minute, fast: 6 * minute, relax: 25 * minute, video: 20 * minute },
  deadlineMs: { turbo: 30 * minute, fast: 40 * minute, relax: 90 * minute, video: 75 * minute },
  pendingMs: { turbo: 30 * minute, fast: hour, relax: 6 * hour, video: hour },
  modalMs: 30 * minute,
  requeueMs: minute,
  effectsMs: 30 * second,
  busyMs: 3 * second,
  busyMaxMs: minute,
  lookupMs: 15 * second,
  lookupMaxMs: 5 * minute,
  missingLimit: 4,
  absentLimit: 2,
  attemptLimit: 2,
  beliefMs: 30 * second,
  openMs: 30 * second,
  openMaxMs: 15 * minute,
  slotMs: 15 * second,
  hookMs: 24 * hour,
};

/**
 * The local house's table: its simulator needs seconds, and a person watches. Never for a real vendor, whose picture takes
 * a minute: a grace shorter than that would pay for it twice.
 */
export const LOCAL_TIMINGS: Timings = {
  ...TIMINGS,
  answerMs: 10 * second,
  leaseMs: 12 * second,
  quietMs: { turbo: 25 * second, fast: 25 * second, relax: 25 * second, video: 25 * second },
  unknownMs: 20 * second,
  silentMs: 2 * second,
  instantMs: 10 * second,
  graceMs: { turbo: 15 * second, fast: 15 * second, relax: 15 * second, video: 15 * second },
  requeueMs: 10 * second,
  effectsMs: 5 * second,
  busyMs: second,
  busyMaxMs: 5 * second,
  lookupMs: 3 * second,
  lookupMaxMs: 15 * second,
  beliefMs: second,
  openMs: 5 * second,
  openMaxMs: 30 * second,
};

/**
 * How often a flow is looked at while it runs: its due time stands for those of its plan's tasks (task.ts, flowDue), so it is
 * never later than that of a task created since it was set.
 */
export function flowCheckIntervalMs({ quietMs }: Pick<Timings, "quietMs">, pace: Pace): number {
  return Math.min(quietMs[pace], quietMs.video);
}

/** `base`, doubled `times`, at most `max`. */
export function backoffMs(base: number, times: number, max: number): number {
  return Math.min(max, base * 2 ** Math.min(times, 30));
}

/** A task is found finished at most a quarter of its age late, for a number of look-ups that grows with its logarithm. */
export function lookupPauseMs(ageMs: number, { lookupMs, lookupMaxMs }: Pick<Timings, "lookupMs" | "lookupMaxMs">) {
  return Math.max(lookupMs, Math.min(lookupMaxMs, Math.round(ageMs / 4)));
}

/** Spreads a pause over its upper half, so that tasks refused together do not return together. @param chance 0 to 1 */
export function jitteredMs(pauseMs: number, chance: number): number {
  return Math.round(pauseMs * (0.5 + 0.5 * chance));
}

/**
 * The due time to store, given the one that stands. Moving it rewrites the index (two write units), so a standing due
 * time that is early enough, and not absurdly early, is kept; the sweeper may then look a little too soon, never too late.
 */
export function dueAt(standing: number | undefined, target: number, now: number): number {
  if (standing === undefined) return target;
  const early = now + (target - now) / 2;
  return standing >= early && standing <= target ? standing : target;
}
