/** What is known of a vendor account's callbacks: read rarely, written when something is learned (ARCHITECTURE 6). */
import {
  type AccountHealth,
  type Callbacks,
  heard,
  isFresh,
  lookupFailed,
  lookupWorked,
  missed,
  newHealth,
} from "@mjflow/core/health";
import type { Clock, Log, Store } from "@mjflow/core/port";
import type { Timings } from "@mjflow/core/timing";

export interface Accounts {
  callbacks(provider: string, account: string): Promise<{ callbacks: Callbacks; fresh: boolean }>;
  /** A callback arrived whose token did not already know the account to be calling. */
  heard(provider: string, account: string): Promise<void>;
  /** Look-ups found `count` finished tasks that nobody had told of, the first submitted at `since`. */
  missed(provider: string, account: string, count: number, since: number): Promise<void>;
  /** When the account may be looked up again; undefined for now. */
  askAt(provider: string, account: string): Promise<number | undefined>;
  /** How its look-up went. */
  asked(provider: string, account: string, worked: boolean): Promise<void>;
}

interface AccountsDeps {
  store: Store;
  clock: Clock;
  log: Log;
  timings: Timings;
}

export function createAccounts({ store, clock, log, timings }: AccountsDeps): Accounts {
  const believed = new Map<string, { health: Promise<AccountHealth>; until: number }>();
  const hearing = new Map<string, Promise<void>>();

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
    await store.saveHealth(next);
    believed.delete(`${next.provider}/${next.account}`);
  }

  async function hear(provider: string, account: string): Promise<void> {
    const now = clock.now();
    const health = await read(provider, account, now);
    await learn(health, heard(health, now));
  }

  return {
    async callbacks(provider, account) {
      const now = clock.now();
      const health = await read(provider, account, now);
      return { callbacks: health.callbacks, fresh: isFresh(health, now) };
    },
    heard(provider, account) {
      // A thousand callbacks at once teach what one does.
      const key = `${provider}/${account}`;
      const heard = hearing.get(key) ?? hear(provider, account).finally(() => hearing.delete(key));
      hearing.set(key, heard);
      return heard;
    },
    async missed(provider, account, count, since) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await learn(health, missed(health, count, since, now));
    },
    async askAt(provider, account) {
      const now = clock.now();
      const { askAt } = await read(provider, account, now);
      return askAt !== undefined && askAt > now ? askAt : undefined;
    },
    async asked(provider, account, worked) {
      const now = clock.now();
      const health = await read(provider, account, now);
      await learn(health, worked ? lookupWorked(health) : lookupFailed(health, now, timings));
    },
  };
}
