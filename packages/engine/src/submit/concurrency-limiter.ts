/**
 * Acquires slots of vendor accounts (core/concurrency-limiter.ts). Requests of one process for one account share their
 * writes: the children of a parent are submitted together, and one write gives all of them their slots.
 */
import { type EarlierSlots, pruneSlots } from "@mjflow/core/account";
import { hashToUnitInterval } from "@mjflow/core/account-selection";
import {
  freeSlots,
  type HeldSlots,
  heldCount,
  isSlotAged,
  outdatedTaskSlots,
  preferredRows,
  rowLimits,
  type Slot,
  type SlotRow,
  slotNameOf,
  taskOfSlot,
} from "@mjflow/core/concurrency-limiter";
import type { AccountState, Clock, Log, SlotRowRef, Store, TaskRef, VendorStore } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
import type { Timings } from "@mjflow/core/timing";

export interface LimiterDeps {
  store: Pick<Store, "accountState" | "acquireSlots" | "releaseSlot" | "renewSlot" | "getTasks">;
  /** Required only to remove the slots of an earlier version. */
  vendorStore?: Pick<VendorStore, "saveSlots">;
  clock: Clock;
  log: Log;
  timings: Timings;
}

export interface ConcurrencyLimiter {
  /**
   * Acquires a slot for the task at an account with the concurrency limit `max`. The worker calls this before it claims the
   * task. A task that has a slot gets the same one.
   *
   * @param state what the worker has just read of the account; unset: it is read. The account never counts as full by it.
   * @returns undefined if tasks that the vendor may be working on hold all slots
   */
  acquire(account: AccountRef, task: TaskRef, max: number, state?: SlotState): Promise<Slot | undefined>;
  /** Removes the slots that no task needs, and returns the number of free ones. */
  countFree(account: AccountRef, max: number): Promise<number>;
}

type SlotState = Pick<AccountState, "slots" | "earlierSlots">;

interface Request {
  task: TaskRef;
  max: number;
  state: SlotState | undefined;
  resolve(slot: Slot | undefined): void;
  reject(error: unknown): void;
}

export function createConcurrencyLimiter(deps: LimiterDeps): ConcurrencyLimiter {
  /** Requests that wait for the next write, by account. An account is in the map while requests of it are handled. */
  const waiting = new Map<string, Request[]>();

  async function handle(account: AccountRef, key: string): Promise<void> {
    for (;;) {
      // Requests of the same turn of the event loop, and those that came during the last write, share the next one.
      await Promise.resolve();
      const requests = waiting.get(key)!.splice(0);
      if (requests.length === 0) break;
      // A limit that was changed meanwhile is known to the newest request.
      const { max, state } = requests.at(-1)!;
      try {
        const names = [...new Set(requests.map(({ task }) => slotNameOf(task)))];
        const slots = await acquireSlots(deps, account, names, max, state);
        for (const { task, resolve } of requests) resolve(slots.get(slotNameOf(task)));
      } catch (error) {
        for (const { reject } of requests) reject(error);
      }
    }
    waiting.delete(key);
  }

  return {
    acquire({ provider, account }, task, max, state) {
      const key = `${provider}/${account}`;
      return new Promise((resolve, reject) => {
        const request = { task, max, state, resolve, reject };
        const pending = waiting.get(key);
        if (pending) return void pending.push(request);
        waiting.set(key, [request]);
        void handle({ provider, account }, key);
      });
    },
    async countFree(account, max) {
      const { rows, earlier } = await readSlots(deps, account);
      await removeOutdatedSlots(deps, account, rows);
      return freeSlots("tasks", max, rowsOf(rows), earlier);
    },
  };
}

/** @returns the slots of the tasks that got one */
async function acquireSlots(
  deps: LimiterDeps,
  account: AccountRef,
  names: readonly string[],
  max: number,
  state: SlotState | undefined,
): Promise<Map<string, Slot>> {
  const acquired = new Map<string, Slot>();
  const missing = () => names.filter((name) => !acquired.has(name));
  /** @returns true if all tasks have a slot */
  async function tryIn(known: Known): Promise<boolean> {
    const left = await keepSlots(deps, account, missing(), known.rows, acquired);
    await addSlots(deps, account, left, { max, ...known }, acquired);
    return missing().length === 0;
  }
  if (state && (await tryIn(await countSlots(deps, state)))) return acquired;
  const known = await readSlots(deps, account);
  if (await tryIn(known)) return acquired;
  // Only here an account may count as full: every row was read, or has refused a write (SL3).
  const freed = await removeOutdatedSlots(deps, account, known.rows);
  if (freed > 0) await addSlots(deps, account, missing(), { max, ...known }, acquired);
  return acquired;
}

type Rows = Map<number, HeldSlots>;
/** What was read of an account. */
type Known = Pick<Limit, "rows" | "earlier">;

async function readSlots(deps: LimiterDeps, account: AccountRef): Promise<Known> {
  return countSlots(deps, await deps.store.accountState(account.provider, account.account));
}

/** Returns the slots of tasks, and counts those that an earlier version has given. */
async function countSlots(deps: LimiterDeps, { slots, earlierSlots }: SlotState): Promise<Known> {
  const rows: Rows = new Map(slots.filter(({ kind }) => kind === "tasks").map(({ row, held }) => [row, held]));
  return { rows, earlier: earlierSlots ? await countEarlierSlots(deps, earlierSlots, rows) : 0 };
}

const rowsOf = (rows: Rows): SlotRow[] => [...rows].map(([row, held]) => ({ kind: "tasks", row, held }));

/**
 * Keeps the slots that the tasks have already. An aged one is renewed, or else another task may get it.
 * @returns the names of the other tasks
 */
async function keepSlots(
  { store, clock, timings }: LimiterDeps,
  account: AccountRef,
  names: readonly string[],
  rows: Rows,
  kept: Map<string, Slot>,
): Promise<string[]> {
  for (const [row, held] of rows) {
    for (const name of names.filter((each) => held[each] !== undefined)) {
      const slot = { row, at: held[name]! };
      const now = clock.now();
      if (!isSlotAged(slot, timings, now)) {
        kept.set(name, slot);
        continue;
      }
      const renewed = await store.renewSlot({ ...account, kind: "tasks", row }, name, slot.at, now);
      rows.set(row, renewed.held);
      if (renewed.ok) kept.set(name, { row, at: now });
    }
  }
  return names.filter((name) => !kept.has(name));
}

interface Limit {
  max: number;
  /** The rows as they were read, or as the last write has returned them. */
  rows: Rows;
  /** Number of slots that an earlier version has given. */
  earlier: number;
}

/** Adds slots for the names while a row has room. Several names get their slots in one write. */
async function addSlots(
  { store, clock }: LimiterDeps,
  account: AccountRef,
  names: readonly string[],
  { max, rows, earlier }: Limit,
  acquired: Map<string, Slot>,
): Promise<void> {
  const limits = rowLimits("tasks", max, rowsOf(rows), earlier);
  const left = [...names];
  const free = (row: number) => (limits[row] ?? 0) - heldCount({ held: rows.get(row) ?? {} });
  while (left.length > 0) {
    const row = rowWithRoom(limits.length, left[0]!, free);
    if (row === undefined) return;
    const some = left.slice(0, free(row));
    const ref: SlotRowRef = { ...account, kind: "tasks", row };
    const at = clock.now();
    const { ok, held } = await store.acquireSlots(ref, some, limits[row]!, at);
    rows.set(row, held);
    if (!ok) {
      // Other workers have filled the row, or have acquired the slot of the same task.
      const [first] = some;
      if (held[first!] !== undefined) acquired.set(left.shift()!, { row, at: held[first!]! });
      continue;
    }
    for (const name of left.splice(0, some.length)) acquired.set(name, { row, at });
  }
}

/** Returns one of the two preferred rows, the emptier one, or else any row with room. */
function rowWithRoom(rows: number, name: string, free: (row: number) => number): number | undefined {
  const preferred = preferredRows(rows, hashToUnitInterval(flowOf(name))).toSorted((a, b) => free(b) - free(a));
  const all = Array.from({ length: rows }, (_, row) => row);
  return [...preferred, ...all].find((row) => free(row) > 0);
}

/** The tasks of one flow prefer the same row, so that one write can give all of them their slots. */
function flowOf(name: string): string {
  return name.slice(0, name.indexOf("."));
}

/** Slots whose tasks are read in one try. Each costs a read unit, and a full account with a high limit has many. */
const SLOTS_CHECKED = 200;

/**
 * Removes slots whose tasks do not need them any more. Their own rows decide (SL2). Of many slots a part is checked, another one
 * in each second.
 */
async function removeOutdatedSlots(
  { store, clock, log, timings }: LimiterDeps,
  account: AccountRef,
  rows: Rows,
): Promise<number> {
  const now = clock.now();
  const old = [...rows].flatMap(([row, held]) =>
    Object.entries(held).flatMap(([name, at]) => (at + timings.slotMs <= now ? [{ row, name, at }] : [])),
  );
  if (old.length === 0) return 0;
  const parts = Math.ceil(old.length / SLOTS_CHECKED);
  const start = (Math.floor(now / 1_000) % parts) * SLOTS_CHECKED;
  const checked = old.slice(start, start + SLOTS_CHECKED);
  const tasks = await store.getTasks(checked.map(({ name }) => taskOfSlot(name)));
  const held = Object.fromEntries(checked.map(({ name, at }) => [name, at]));
  const outdated = outdatedTaskSlots({ held }, account, tasks, timings, now);
  let removed = 0;
  for (const { row, name, at } of checked.filter((slot) => outdated[slot.name] !== undefined)) {
    const released = await store.releaseSlot({ ...account, kind: "tasks", row }, name, at);
    rows.set(row, released.held);
    if (released.ok) removed++;
  }
  if (removed > 0) log.info("slot.outdated", { ...account, removed });
  return removed;
}

/**
 * Counts the slots of an earlier version, as far as their tasks still need them. That version stored all slots of an account
 * in one row. Nothing is added there any more, and outdated ones are removed, so the row is empty soon.
 */
async function countEarlierSlots(
  { store, vendorStore, clock, timings }: LimiterDeps,
  earlier: EarlierSlots,
  rows: Rows,
): Promise<number> {
  if (earlier.held.length === 0) return 0;
  const pruned = pruneSlots(earlier, await store.getTasks(earlier.held), timings.slotMs, clock.now());
  // A task that has a slot of this version too is counted once.
  const held = pruned.held.filter((slot) => ![...rows.values()].some((row) => row[slotNameOf(slot)] !== undefined));
  if (held.length < earlier.held.length) await vendorStore?.saveSlots({ ...earlier, held });
  return held.length;
}
