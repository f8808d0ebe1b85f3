/**
 * The health of vendor accounts: whether an account sends callbacks, and its circuit breaker. The health is read rarely
 * and written only when it changes.
 */
import {
  type AccountHealth,
  type CallbackBehavior,
  claimLookup,
  isRecentlyHeard,
  type LookupFault,
  newHealth,
  nextDurationsAt,
  recordCallback,
  recordDurations,
  recordLookupFailure,
  recordLookupSuccess,
  recordMissedCallbacks,
} from "@mjflow/core/account-health";
import { type AccountHour, hourOf, mergedHours } from "@mjflow/core/account-hours";
import {
  breakerStateOf,
  type Fault,
  recordFault,
  recordSuccess,
  resetBreaker,
  startTrial,
} from "@mjflow/core/circuit-breaker";
import type { Clock, Log, Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { type DurationSample, durationSampleOf } from "@mjflow/core/task-duration";
import type { Timings } from "@mjflow/core/timing";

export interface Accounts {
  callbacks(provider: string, account: string): Promise<{ callbacks: CallbackBehavior; recentlyCalled: boolean }>;
  /** Records a callback whose token did not mark the account as recently calling. */
  recordCallback(provider: string, account: string): Promise<void>;
  /**
   * Records that look-ups found `count` finished tasks without a callback; the earliest was submitted at `since`, epoch
   * ms.
   */
  recordMissedCallbacks(provider: string, account: string, count: number, since: number): Promise<void>;
  /**
   * Counts how long a task took, if it has just succeeded, and in which hour it succeeded or failed. Both are written together, at
   * most once in `durationsMs` (`MJFLOW_TIMINGS`). What a process has counted since then is lost when it ends. A failed write is only
   * logged.
   */
  recordDuration(task: Task): Promise<void>;
  /** Earliest time of the next look-up, epoch ms; undefined if look-ups are allowed now. */
  nextLookupAt(provider: string, account: string): Promise<number | undefined>;
  /**
   * Claims the next look-up of an account whose look-ups fail. An account whose look-ups work needs no claim and no write.
   * @returns false if another worker makes this look-up
   */
  claimLookup(provider: string, account: string): Promise<boolean>;
  /** Records whether a look-up succeeded, or why it failed. */
  recordLookup(provider: string, account: string, result: "worked" | LookupFault): Promise<void>;
  /** The health of the account, at most `beliefMs` old (`MJFLOW_TIMINGS`). */
  health(provider: string, account: string): Promise<AccountHealth>;
  /** Returns the health of many accounts, in the given order. What is not cached is read in one request per 100 accounts. */
  healths(accounts: readonly { provider: string; account: string }[]): Promise<AccountHealth[]>;
  /**
   * Records what the outcome of a submission says about the account; "worked" if the vendor accepted it.
   * @param vendorTaskId id of any task of the account, for a later probe by look-up; undefined: none is known
   * @returns the pause of a busy account; undefined: none, or the health could not be stored
   */
  recordOutcome(
    provider: string,
    account: string,
    outcome: CallOutcome,
    vendorTaskId?: string,
  ): Promise<Pause | undefined>;
  /**
   * Starts the trial of a half-open account.
   * @returns false if another worker has started it or the account is not half-open any more
   */
  tryHalfOpen(provider: string, account: string): Promise<boolean>;
  /** Resets the breaker after the account got a new API key. The faults of the old key do not apply to the new one. */
  resetBreaker(provider: string, account: string): Promise<void>;
}

/**
 * @property until end of the pause, epoch ms
 * @property isNew true if this call has stored it
 */
export interface Pause {
  until: number;
  isNew: boolean;
}

/** @property afterMs wait time that the vendor requested, ms */
export type CallOutcome = "worked" | { fault: Fault; afterMs?: number };

interface AccountsDeps {
  store: Pick<Store, "health" | "healths" | "saveHealth">;
  clock: Clock;
  log: Log;
  timings: Timings;
}

/** What a process has counted of an account since its last write. */
interface Counted {
  samples: DurationSample[];
  hours: AccountHour[];
  /** Time of the next write, epoch ms. */
  nextAt: number;
}

/** Tasks whose durations a process counts between two writes. More tasks would not change the percentile. */
const MAX_SAMPLES = 100;

/** Limit for write conflicts when the pause of a busy account is stored. */
const MAX_PAUSE_RETRIES = 3;

export function createAccounts({ store, clock, log, timings }: AccountsDeps): Accounts {
  const cached = new Map<string, { health: Promise<AccountHealth>; until: number }>();
  const recording = new Map<string, Promise<void>>();
  /** Durations and hours that this process has counted and not stored, and when it tries to store them, by account. */
  const counted = new Map<string, Counted>();
  /** The last known vendor task id of each account. It is stored only with a fault, so that it costs no write. */
  const taskIds = new Map<string, string>();

  /**
   * Returns the cached health or reads it. Parallel callers share one read, so a sweep reads an account once, however
   * many of its tasks are due.
   */
  function read(provider: string, account: string, now: number): Promise<AccountHealth> {
    const key = `${provider}/${account}`;
    const entry = cached.get(key);
    if (entry && entry.until > now) return entry.health;
    const health = store.health(provider, account).then((stored) => stored ?? newHealth(provider, account, now));
    cached.set(key, { health, until: now + timings.beliefMs });
    // A failed read is not cached.
    health.catch(() => cached.delete(key));
    return health;
  }

  /** Reads what is not cached together: with 200 accounts a new container would make 200 requests one by one. */
  function readAll(accounts: readonly { provider: string; account: string }[], now: number): Promise<AccountHealth[]> {
    const keyOf = (ref: { provider: string; account: string }) => `${ref.provider}/${ref.account}`;
    const missing = accounts.filter((ref) => (cached.get(keyOf(ref))?.until ?? 0) <= now);
    if (missing.length > 1) {
      const reading = store.healths(missing).then((found) => new Map(found.map((health) => [keyOf(health), health])));
      for (const ref of missing) {
        const key = keyOf(ref);
        const health = reading.then((found) => found.get(key) ?? newHealth(ref.provider, ref.account, now));
        cached.set(key, { health, until: now + timings.beliefMs });
        health.catch(() => cached.delete(key));
      }
    }
    return Promise.all(accounts.map(({ provider, account }) => read(provider, account, now)));
  }

  async function saveIfChanged(health: AccountHealth, next: AccountHealth | undefined): Promise<boolean> {
    if (!next) return false;
    if (next.callbacks !== health.callbacks) {
      const { provider, account, callbacks } = next;
      const line = { provider, account, callbacks, before: health.callbacks };
      if (callbacks === "silent") log.warn("account.callbacks", line);
      else log.info("account.callbacks", line);
    }
    if (next.lookupFault !== health.lookupFault) {
      const { provider, account, lookupFault } = next;
      if (lookupFault === undefined)
        log.info("account.lookups-work", { provider, account, before: health.lookupFault });
      else log.warn("account.lookups-fail", { provider, account, fault: lookupFault });
    }
    const before = breakerStateOf(health, clock.now());
    const after = breakerStateOf(next, clock.now());
    if (after !== before) {
      const { provider, account, fault, openUntil } = next;
      log.warn("account.breaker", { provider, account, breaker: after, before, fault, openUntil });
    }
    return save(next);
  }

  /** Saves the health and clears the cache. If another writer was first, the next reader gets that writer's version. */
  async function save(health: AccountHealth): Promise<boolean> {
    const saved = await store.saveHealth(health);
    cached.delete(`${health.provider}/${health.account}`);
    return saved;
  }

  async function storeDurations(task: Task, entry: Counted): Promise<void> {
    const now = clock.now();
    // Another process may have stored its durations a moment ago. Then this process waits for its turn.
    const { provider, account } = task;
    const health = (await store.health(provider, account)) ?? newHealth(provider, account, now);
    const [samples, hours] = [entry.samples.splice(0), entry.hours];
    entry.hours = [];
    const next = recordDurations(health, { samples, hours }, now, timings);
    if (next && (await save(next))) return;
    entry.samples.unshift(...samples);
    entry.hours = mergedHours(hours, entry.hours);
    entry.nextAt = Math.max(nextDurationsAt(health, timings.durationsMs), now + timings.beliefMs);
  }

  async function storeCallback(provider: string, account: string): Promise<void> {
    const now = clock.now();
    const health = await read(provider, account, now);
    await saveIfChanged(health, recordCallback(health, now));
  }

  return {
    async callbacks(provider, account) {
      const now = clock.now();
      const health = await read(provider, account, now);
      return { callbacks: health.callbacks, recentlyCalled: isRecentlyHeard(health, now) };
    },
    recordCallback(provider, account) {
      // Parallel callbacks of one account share one write.
      const key = `${provider}/${account}`;
      const pending = recording.get(key) ?? storeCallback(provider, account).finally(() => recording.delete(key));
      recording.set(key, pending);
      return pending;
    },
    async recordMissedCallbacks(provider, account, count, since) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await saveIfChanged(health, recordMissedCallbacks(health, count, since, now));
    },
    async recordDuration(task) {
      const [sample, hour] = [durationSampleOf(task), hourOf(task)];
      if (!sample && !hour) return;
      const now = clock.now();
      const key = `${task.provider}/${task.account}`;
      const entry = counted.get(key) ?? { samples: [], hours: [], nextAt: now + timings.durationsMs };
      counted.set(key, entry);
      if (sample && entry.samples.length < MAX_SAMPLES) entry.samples.push(sample);
      if (hour) entry.hours = mergedHours(entry.hours, [hour]);
      if (entry.nextAt > now) return;
      entry.nextAt = now + timings.durationsMs;
      await storeDurations(task, entry).catch((error: unknown) => {
        log.warn("account.durations-not-saved", { account: key, error: String(error) });
      });
    },
    async nextLookupAt(provider, account) {
      const now = clock.now();
      const { askAt } = await read(provider, account, now);
      return askAt !== undefined && askAt > now ? askAt : undefined;
    },
    async claimLookup(provider, account) {
      const now = clock.now();
      const health = await read(provider, account, now);
      const claimed = claimLookup(health, now, timings);
      return !claimed || save(claimed);
    },
    async recordLookup(provider, account, result) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await saveIfChanged(
        health,
        result === "worked" ? recordLookupSuccess(health) : recordLookupFailure(health, now, timings, result),
      );
    },
    health: (provider, account) => read(provider, account, clock.now()),
    healths: (accounts) => readAll(accounts, clock.now()),
    async recordOutcome(provider, account, outcome, vendorTaskId) {
      const key = `${provider}/${account}`;
      if (vendorTaskId !== undefined) taskIds.set(key, vendorTaskId);
      if (outcome === "worked") {
        const health = await read(provider, account, clock.now());
        await saveIfChanged(health, recordSuccess(health));
        return undefined;
      }
      const isBusy = outcome.fault === "busy" || outcome.fault === "unreachable";
      for (let retry = 0; retry < MAX_PAUSE_RETRIES; retry++) {
        // All workers obey the pause of a busy account, so it is decided on the stored health.
        if (isBusy) cached.delete(key);
        const now = clock.now();
        const health = await read(provider, account, now);
        const next = recordFault(health, outcome.fault, now, timings, outcome.afterMs);
        const saved = await saveIfChanged(health, next && { ...next, probeId: taskIds.get(key) ?? next.probeId });
        if (!isBusy) return undefined;
        const until = (next ?? health).busyUntil;
        if (until !== undefined && (saved || !next)) return { until, isNew: saved };
      }
      return undefined;
    },
    async tryHalfOpen(provider, account) {
      const now = clock.now();
      const health = await read(provider, account, now);
      return breakerStateOf(health, now) === "half-open" && save(startTrial(health, now, timings));
    },
    async resetBreaker(provider, account) {
      const health = await store.health(provider, account);
      // Look-ups that failed with the old key are made again at once. The fault stays until a look-up has worked.
      if (health) await save(resetBreaker({ ...health, askAt: undefined }));
    },
  };
}
