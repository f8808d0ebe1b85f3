/**
 * All waiting times of the domain: plain numbers and arithmetic, with the clock as an argument. A deployment can set
 * its own values (`MJFLOW_TIMINGS`), and the local server uses shorter ones. No other code contains such a duration.
 */
import { SUBMIT_ANSWER_TIMEOUT_MS, SUBMIT_LEASE_MS } from "./limit.ts";

/** The speed class of a task, which determines how long a normal task takes. A flow without mode counts as fast. */
export type Pace = "fast" | "turbo" | "relax" | "video";

type ByPace = Record<Pace, number>;

export interface Timings {
  /** How long a worker waits for the vendor's response. */
  answerMs: number;
  /** Length of the lease of a claim (P5). It must be longer than `answerMs`. */
  leaseMs: number;
  /**
   * Time from creation or acceptance of a task to the first look-up, at an account that sends callbacks (`calling`).
   */
  quietMs: ByPace;
  /** The same while it is unknown whether the account sends callbacks. */
  unknownMs: number;
  /** The same for an account that sends no callbacks. */
  silentMs: number;
  /** The same for actions that some vendors finish in the submit response without a callback (trueai-org's upscale). */
  instantMs: number;
  /**
   * Grace period: how long an unclear submission waits for its callback. It is longer than a normal task takes. So a
   * paid task that did start has sent its callback before anything is sent again (P3).
   */
  graceMs: ByPace;
  /**
   * From acceptance to EXPIRED. Vendors give up after 5 min (novicezk) to 1 h (new-api). A success that arrives after
   * our deadline is stored as a late report.
   */
  deadlineMs: ByPace;
  /** How long a task may wait to be submitted, for example to a vendor that stays busy. */
  pendingMs: ByPace;
  /** How long a modal may stay open without an answer. */
  modalMs: number;
  /** How long a press waits until the vendor shows its parent as finished and names its buttons. Relays lag by 30 s. */
  parentMs: number;
  /** How long look-ups may show a task in progress at 100 % before it counts as stalled. Relays lag by 30 s. */
  stalledMs: number;
  /**
   * Added to `deadlineMs` of a task whose look-ups get no response, so that the vendor or the operator has time to
   * repair them. The image may be paid.
   */
  lookupFailedMs: number;
  /** After this time, a queue message that no worker has handled is sent again. */
  requeueMs: number;
  /** After this time, a pending effect that is not known to be completed is started again. */
  effectsMs: number;
  /** The pause after the first busy response; it doubles up to `busyMaxMs`. */
  busyMs: number;
  busyMaxMs: number;
  /**
   * The longest pause of a busy account, unless the vendor names another one. After each pause one waiting task asks again, so
   * mjflow notices at most this late that the account accepts tasks.
   */
  probeMaxMs: number;
  /** Shortest and longest pause between the look-ups of an overdue task. Between them: a quarter of the task's age. */
  lookupMs: number;
  lookupMaxMs: number;
  /**
   * After this many look-ups in a row that miss an accepted task, the vendor has lost it. A relay may lag for a minute.
   */
  missingLimit: number;
  /** After this many look-ups in a row that miss an unclear submission, it is lost. A list of recent tasks may lag. */
  absentLimit: number;
  /**
   * How far a vendor's clock may be behind ours. A list proves that a submission is absent only if it begins this much
   * earlier.
   */
  clockSkewMs: number;
  /**
   * Maximum number of submissions of one task, including the unclear ones. Also the maximum number of modal answers.
   */
  attemptLimit: number;
  /**
   * Cache time in a process, for example of account health, vendor accounts, banned words and webhook endpoints.
   * Outdated account health costs a look-up or a write, never a task.
   */
  beliefMs: number;
  /**
   * Shortest time between two writes of the durations of an account's tasks. Read hints use these durations; they are the
   * same for hours.
   */
  durationsMs: number;
  /** How long an open circuit breaker stops new roots. It doubles with each opening in a row, up to `openMaxMs`. */
  openMs: number;
  openMaxMs: number;
  /**
   * Timeout of the first attempt of a delivery. It is short, because a receiver that does not answer holds a deliver
   * worker for this time with each new event.
   */
  webhookFirstMs: number;
  /** Timeout of the later attempts of a delivery. Standard Webhooks 1.0 recommends 15 to 30 s. */
  webhookMs: number;
  /** How long a task may hold a slot of its account before it is claimed. */
  slotMs: number;
  /**
   * Added to `deadlineMs` and `modalMs` for the lifetime of a callback token. So a late callback is still accepted and
   * recorded as late report.
   */
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
  parentMs: 3 * minute,
  stalledMs: 5 * minute,
  lookupFailedMs: 24 * hour,
  requeueMs: minute,
  effectsMs: 30 * second,
  busyMs: 3 * second,
  busyMaxMs: minute,
  probeMaxMs: 15 * second,
  lookupMs: 15 * second,
  lookupMaxMs: 5 * minute,
  missingLimit: 4,
  absentLimit: 2,
  clockSkewMs: minute,
  attemptLimit: 2,
  beliefMs: 30 * second,
  durationsMs: 5 * minute,
  openMs: 30 * second,
  openMaxMs: 15 * minute,
  webhookFirstMs: 3 * second,
  webhookMs: 15 * second,
  slotMs: 15 * second,
  hookMs: 24 * hour,
};

/**
 * Timings of the local server: its simulator needs seconds, and a person watches. Do not use them with a real vendor.
 * Its images take a minute, and a shorter grace period would submit and pay them twice.
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
  parentMs: 30 * second,
  stalledMs: 40 * second,
  requeueMs: 10 * second,
  effectsMs: 5 * second,
  busyMs: second,
  busyMaxMs: 5 * second,
  probeMaxMs: 3 * second,
  lookupMs: 3 * second,
  lookupMaxMs: 15 * second,
  clockSkewMs: second,
  beliefMs: second,
  durationsMs: 10 * second,
  openMs: 5 * second,
  openMaxMs: 30 * second,
};

/**
 * Returns how often the sweeper handles a running flow, in ms. The due time of the flow covers those of its plan's
 * tasks (`flowDue` in task.ts). Therefore it must not be later than the due time of a task created since it was set.
 */
export function flowCheckIntervalMs({ quietMs }: Pick<Timings, "quietMs">, pace: Pace): number {
  return Math.min(quietMs[pace], quietMs.video);
}

/** Returns `base`, doubled `times` times, at most `max`. */
export function backoffMs(base: number, times: number, max: number): number {
  return Math.min(max, base * 2 ** Math.min(times, 30));
}

/**
 * Returns the pause before the next look-up. A finished task is found at most a quarter of its age late, and the number
 * of look-ups grows with the logarithm of the age.
 */
export function lookupPauseMs(ageMs: number, { lookupMs, lookupMaxMs }: Pick<Timings, "lookupMs" | "lookupMaxMs">) {
  return Math.max(lookupMs, Math.min(lookupMaxMs, Math.round(ageMs / 4)));
}

/**
 * Spreads a pause over its upper half, so that tasks that were rejected together do not return together.
 *
 * @param chance 0 to 1
 */
export function jitteredMs(pauseMs: number, chance: number): number {
  return Math.round(pauseMs * (0.5 + 0.5 * chance));
}

/**
 * Returns the due time to store. A change of the due time rewrites the index, which costs two write units. Therefore a
 * stored due time in the second half of the wait is kept. The sweeper may then come a little too early, never too late.
 *
 * @param stored the due time on the row; undefined if there is none
 */
export function dueAt(stored: number | undefined, target: number, now: number): number {
  if (stored === undefined) return target;
  const earliest = now + (target - now) / 2;
  return stored >= earliest && stored <= target ? stored : target;
}
