/**
 * What is known of a vendor account: whether it calls back, and whether it is trusted with new roots. Read rarely, written
 * when something is learned (ARCHITECTURE 6). And its slots, where it has a cap.
 */
import { acquireSlot, hasSlot, newSlots, pruneSlots, releaseSlot, type Slots } from "@mjflow/core/account";
import {
  type AccountHealth,
  type CallbackBehavior,
  isRecentlyHeard,
  newHealth,
  recordCallback,
  recordLookupFailure,
  recordLookupSuccess,
  recordMissedCallbacks,
} from "@mjflow/core/account-health";
import {
  breakerStateOf,
  type Fault,
  recordFault,
  recordSuccess,
  resetBreaker,
  startTrial,
} from "@mjflow/core/circuit-breaker";
import type { Clock, Log, Store, TaskRef, VendorStore } from "@mjflow/core/port";
import type { Timings } from "@mjflow/core/timing";

export interface Accounts {
  callbacks(provider: string, account: string): Promise<{ callbacks: CallbackBehavior; fresh: boolean }>;
  /** A callback arrived whose token did not already know the account to be calling. */
  recordCallback(provider: string, account: string): Promise<void>;
  /** Look-ups found `count` finished tasks that nobody had told of, the first submitted at `since`. */
  recordMissedCallbacks(provider: string, account: string, count: number, since: number): Promise<void>;
  /** When the account may be looked up again; undefined for now. */
  nextLookupAt(provider: string, account: string): Promise<number | undefined>;
  /** How its look-up went. */
  recordLookup(provider: string, account: string, worked: boolean): Promise<void>;
  /** All that is known, as far as it was read lately. */
  health(provider: string, account: string): Promise<AccountHealth>;
  /** What a submission's answer says of the account; "worked" when it took it. */
  recordOutcome(provider: string, account: string, verdict: CallOutcome): Promise<void>;
  /** A half-open account is to be tried. @returns false: somebody else does, or it is not half-open any more */
  tryHalfOpen(provider: string, account: string): Promise<boolean>;
  /** It has a new key: what was held against the old one is forgotten. */
  resetBreaker(provider: string, account: string): Promise<void>;
  /**
   * A slot for this task, of an account that runs at most `max` at a time. Asked before the task is claimed.
   * @returns false: all are held by tasks that have not ended
   */
  acquireSlot(provider: string, account: string, task: TaskRef, max: number): Promise<boolean>;
}

/** @property afterMs when the vendor says it may be asked again */
export type CallOutcome = "worked" | { fault: Fault; afterMs?: number };

interface AccountsDeps {
  store: Pick<Store, "health" | "saveHealth" | "getTask">;
  /** Only where work is sent to accounts with caps. */
  vendorStore?: Pick<VendorStore, "slots" | "saveSlots">;
  clock: Clock;
  log: Log;
  timings: Timings;
}

/** Writers that meet on one account's slots; more lost races in a row are as good as a full account. */
const MAX_CONFLICT_RETRIES = 5;

export function createAccounts({ store, vendorStore, clock, log, timings }: AccountsDeps): Accounts {
  const believed = new Map<string, { health: Promise<AccountHealth>; until: number }>();
  const hearing = new Map<string, Promise<void>>();
  const fullUntil = new Map<string, number>();

  /** Shared while it is under way, too: a sweep asks for one account once, however many of its tasks are due. */
  function read(provider: string, account: string, now: number): Promise<AccountHealth> {
    const key = `${provider}/${account}`;
    const known = believed.get(key);
    if (known && known.until > now) return known.health;
    const health = store.health(provider, account).then((stored) => stored ?? newHealth(provider, account, now));
    believed.set(key, { health, until: now + timings.beliefMs });
    // A failure is nobody's belief.
    health.catch(() => believed.delete(key));
    return health;
  }

  async function learn(health: AccountHealth, next: AccountHealth | undefined): Promise<void> {
    if (!next) return;
    if (next.callbacks !== health.callbacks) {
      const { provider, account, callbacks } = next;
      const line = { provider, account, callbacks, before: health.callbacks };
      if (callbacks === "silent") log.warn("account.callbacks", line);
      else log.info("account.callbacks", line);
    }
    const before = breakerStateOf(health, clock.now());
    const after = breakerStateOf(next, clock.now());
    if (after !== before) {
      const { provider, account, fault, openUntil } = next;
      log.warn("account.breaker", { provider, account, breaker: after, before, fault, openUntil });
    }
    await save(next);
  }

  /** Whoever was first has learned something too: the next reader reads it. */
  async function save(health: AccountHealth): Promise<boolean> {
    const saved = await store.saveHealth(health);
    believed.delete(`${health.provider}/${health.account}`);
    return saved;
  }

  /** Undefined: all slots are held by tasks that the vendor may be at work on. */
  async function slotIn(slots: Slots, task: TaskRef, max: number): Promise<Slots | undefined> {
    const now = clock.now();
    const added = acquireSlot(slots, task, max, now);
    if (added) return added;
    const tasks = await Promise.all(slots.held.map((slot) => store.getTask(slot)));
    const found = tasks.filter((each) => each !== undefined);
    return acquireSlot(pruneSlots(slots, found, timings.slotMs, now), task, max, now);
  }

  async function hear(provider: string, account: string): Promise<void> {
    const now = clock.now();
    const health = await read(provider, account, now);
    await learn(health, recordCallback(health, now));
  }

  return {
    async callbacks(provider, account) {
      const now = clock.now();
      const health = await read(provider, account, now);
      return { callbacks: health.callbacks, fresh: isRecentlyHeard(health, now) };
    },
    recordCallback(provider, account) {
      // A thousand callbacks at once teach what one does.
      const key = `${provider}/${account}`;
      const heard = hearing.get(key) ?? hear(provider, account).finally(() => hearing.delete(key));
      hearing.set(key, heard);
      return heard;
    },
    async recordMissedCallbacks(provider, account, count, since) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await learn(health, recordMissedCallbacks(health, count, since, now));
    },
    async nextLookupAt(provider, account) {
      const now = clock.now();
      const { askAt } = await read(provider, account, now);
      return askAt !== undefined && askAt > now ? askAt : undefined;
    },
    async recordLookup(provider, account, isWorking) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await learn(health, isWorking ? recordLookupSuccess(health) : recordLookupFailure(health, now, timings));
    },
    health: (provider, account) => read(provider, account, clock.now()),
    async recordOutcome(provider, account, verdict) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await learn(
        health,
        verdict === "worked"
          ? recordSuccess(health)
          : recordFault(health, verdict.fault, now, timings, verdict.afterMs),
      );
    },
    async tryHalfOpen(provider, account) {
      const now = clock.now();
      const health = await read(provider, account, now);
      return breakerStateOf(health, now) === "half-open" && save(startTrial(health, now, timings));
    },
    async resetBreaker(provider, account) {
      const health = await store.health(provider, account);
      if (health) await save(resetBreaker(health));
    },
    async acquireSlot(provider, account, task, max) {
      if (!vendorStore) throw new Error("an account has a cap, and nobody keeps its slots");
      const key = `${provider}/${account}`;
      const now = clock.now();
      if ((fullUntil.get(key) ?? 0) > now) return false;
      for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
        const slots = (await vendorStore.slots(provider, account)) ?? newSlots(provider, account);
        if (hasSlot(slots, task, now - timings.slotMs)) return true;
        const next = await slotIn(releaseSlot(slots, task), task, max);
        if (!next) {
          // Who asks next within this would only find the same.
          fullUntil.set(key, now + timings.busyMs);
          return false;
        }
        if ((await vendorStore.saveSlots(next)).ok) return true;
      }
      return false;
    },
  };
}
