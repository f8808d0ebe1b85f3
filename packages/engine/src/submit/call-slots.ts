/**
 * Limits how many submit workers wait for one vendor account (a bulkhead). A paid call cannot be canceled, so a vendor that
 * does not respond holds each of these workers until the timeout. Without a limit it would hold all of them, and no other
 * vendor would get a submission. A deployment with one account has no limit.
 *
 * A worker takes one slot for its whole invocation, whether it submits one task, the children of a parent or a part of the wait
 * list. The local server needs no such slots: its queue gives one account a quarter of its workers.
 *
 *   CS1  At every moment at most as many workers wait for an account as its limit says.
 *   CS2  A row never counts as full only because of finished calls.
 *   CS3  A full row has an entry whose release wakes the wait list.
 *
 * While a row has few entries, the entry of a finished call stays there. For a short time the next call of the same process uses
 * it again, without a write. Later the next write of the process to this row removes it. An entry may stay if the row had at most
 * `keep` entries when it was added. So there are never more than `keep` such entries, and a full row always has others, which
 * are released at once (CS2, CS3).
 */

import {
  type CallAccount,
  type CallRow,
  callLimit,
  callRows,
  heldCount,
  outdatedCallSlots,
} from "@mjflow/core/concurrency-limiter";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import type { AccountState, Providers, SlotRowRef } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
import type { Accounts } from "../account/account.ts";
import type { EngineDeps } from "../deps.ts";
import { newShortId } from "../short-id.ts";
import { wakeWaitList } from "./wait-list.ts";

type CallSlotDeps = Pick<
  EngineDeps,
  "store" | "queue" | "clock" | "timings" | "log" | "random" | "chain" | "providers"
> & {
  accounts: Pick<Accounts, "health">;
};

/** What a process knows about slots of calls. A deployed function keeps it between its invocations. */
export interface CallLimit {
  /** Number of submit workers of the deployment. */
  workers: number;
  /** Entries of finished calls that are still in their rows, by row. */
  finished: Map<string, CallSlot[]>;
}

/** @param workers number of submit workers of the deployment */
export function createCallLimit(workers: number): CallLimit {
  return { workers, finished: new Map() };
}

export interface CallSlots {
  /**
   * @param state what the worker has just read of the account; unset: nothing. A row that is full in it is not tried.
   * @returns false if too many other workers wait for the account
   */
  acquire(account: AccountRef, state?: CallState): Promise<boolean>;
  /** Returns true if a worker could get a slot, by what was just read of the account. */
  hasRoom(account: AccountRef, state: CallState): boolean;
  /** Returns true if another invocation could get a slot, by what was just read of the account. */
  hasAnotherRoom(account: AccountRef, state: CallState): boolean;
  /** Returns how many workers may wait for the account at one time. */
  workersOf(account: AccountRef): number;
  /** Releases all slots of this invocation, and wakes the tasks that wait for one. */
  release(): Promise<void>;
}

type CallState = Pick<AccountState, "health" | "slots">;

interface CallSlot {
  ref: SlotRowRef;
  name: string;
  at: number;
  /** True if the entry may stay in its row after the call. */
  mayStay: boolean;
  /** Limit of the row when the slot was acquired. */
  limit: number;
}

/** For so long after it was added, an entry that stayed can serve the next call of its process, ms. */
const REUSE_MS = 30_000;
/** After this time no invocation that uses the entry can be running, ms. The clocks of two functions may differ by 10 s. */
const CALL_SLOT_MS = REUSE_MS + (FUNCTION_TIMEOUT_S.submit + 10) * 1_000;

/** Creates the slots of one invocation. */
export function createCallSlots(deps: CallSlotDeps, limit: CallLimit): CallSlots {
  const held = new Map<string, Promise<CallSlot | undefined>>();

  function hasAnotherRoom({ provider, account }: AccountRef, state: CallState): boolean {
    const max = callLimit(limit.workers, callAccounts(deps.providers), { provider, account });
    if (max === undefined) return true;
    const now = deps.clock.now();
    const isRowFull = ({ row, limit: most }: CallRow) =>
      isFull(state, { provider, account, kind: "calls", row }, most, limit, now);
    return !callRows(max, state.health, now, 0).every(isRowFull);
  }

  return {
    async acquire({ provider, account }, state) {
      const max = callLimit(limit.workers, callAccounts(deps.providers), { provider, account });
      if (max === undefined) return true;
      const key = `${provider}/${account}`;
      const pending = held.get(key) ?? acquireCallSlot(deps, { provider, account }, { limit, max, state });
      held.set(key, pending);
      const slot = await pending;
      // A later request of this invocation may find a free slot.
      if (!slot) held.delete(key);
      return slot !== undefined;
    },
    hasRoom: (ref, state) => held.has(`${ref.provider}/${ref.account}`) || hasAnotherRoom(ref, state),
    hasAnotherRoom,
    workersOf: (account) => callLimit(limit.workers, callAccounts(deps.providers), account) ?? limit.workers,
    async release() {
      const slots = await Promise.allSettled(held.values());
      held.clear();
      for (const slot of slots) if (slot.status === "fulfilled" && slot.value) await endCall(deps, limit, slot.value);
    },
  };
}

/** Returns all accounts of the deployment. The caller has refreshed them for its task. */
function callAccounts(providers: Providers): CallAccount[] {
  return providers.ids().flatMap((provider) => {
    const vendor = providers.get(provider);
    return (vendor?.accounts() ?? []).map(({ name, weight }) => {
      const host = URL.parse(vendor!.account(name)?.baseUrl ?? "")?.host ?? "";
      return { provider, account: name, host, weight };
    });
  });
}

async function acquireCallSlot(
  deps: CallSlotDeps,
  account: AccountRef,
  { limit, max, state }: { limit: CallLimit; max: number; state: CallState | undefined },
): Promise<CallSlot | undefined> {
  const { clock, random, accounts } = deps;
  const health = state ? state.health : await accounts.health(account.provider, account.account);
  const name = newShortId(deps, 6);
  const rows = callRows(max, health, clock.now(), random.chance());
  for (const { row } of rows) {
    const slot = reuseFinished(limit.finished, { ...account, kind: "calls", row }, clock.now());
    if (slot) return slot;
  }
  for (const row of rows) {
    const ref: SlotRowRef = { ...account, kind: "calls", row: row.row };
    if (isFull(state, ref, row.limit, limit, clock.now())) continue;
    const slot = await acquireIn(deps, ref, row, name, limit);
    if (slot) return slot;
  }
  return undefined;
}

/** True if a write would be refused and there is nothing to remove. A refused write costs as much as another one. */
function isFull(
  state: CallState | undefined,
  ref: SlotRowRef,
  max: number,
  { finished }: CallLimit,
  now: number,
): boolean {
  const held = state?.slots.find(({ kind, row }) => kind === "calls" && row === ref.row)?.held;
  if (!held || heldCount({ held }) < max || finished.get(keyOf(ref))?.length) return false;
  return Object.keys(outdatedCallSlots({ held }, CALL_SLOT_MS, now)).length === 0;
}

/** Acquires a slot in a row. If the row is full, its outdated entries and the finished ones of this process are removed. */
async function acquireIn(
  { store, clock }: CallSlotDeps,
  ref: SlotRowRef,
  { limit, keep }: CallRow,
  name: string,
  { finished }: CallLimit,
): Promise<CallSlot | undefined> {
  for (let tries = 0; tries < 2; tries++) {
    const at = clock.now();
    const own = takeFinished(finished, ref);
    const names = own.map((slot) => slot.name);
    const slot: CallSlot = { ref, name, at, mayStay: false, limit };
    try {
      const { ok, held } = await store.acquireSlots(ref, [name], limit, at, names);
      if (ok) return { ...slot, mayStay: heldCount({ held }) <= keep };
      const outdated = Object.entries(outdatedCallSlots({ held }, CALL_SLOT_MS, at));
      const removed = [...own.map((each) => [each.name, each.at] as const), ...outdated];
      if (removed.length === 0) return undefined;
      for (const [old, since] of removed) await store.releaseSlot(ref, old, since);
    } catch (error) {
      // The write may have been made. Then its entry is in the row, and the finished ones are not. So none may serve a call.
      for (const each of [...own, slot]) addFinished(finished, { ...each, mayStay: false });
      throw error;
    }
  }
  return undefined;
}

/**
 * Releases a slot, or leaves its entry to the next write. A task that found no slot has entered the wait list, so the list is woken
 * if the row was full (WL4). The first row is the only one in trouble, so each release there may be waited for.
 */
async function endCall(deps: CallSlotDeps, { finished }: CallLimit, slot: CallSlot): Promise<void> {
  if (slot.mayStay) return addFinished(finished, slot);
  const { ref, name, at, limit } = slot;
  try {
    const { held } = await deps.store.releaseSlot(ref, name, at);
    if (ref.row === 0 || heldCount({ held }) + 1 >= limit) await wakeWaitList(deps, ref);
  } catch (error) {
    const { provider, account } = ref;
    deps.log.warn("slot.not-released", { provider, account, error: String(error) });
  }
}

// ── finished calls ─────────────────────────────────────────────────────────────────────────────────────────────────

const keyOf = ({ provider, account, row }: SlotRowRef) => `${provider}/${account}/${row}`;

function addFinished(finished: CallLimit["finished"], slot: CallSlot): void {
  const key = keyOf(slot.ref);
  finished.set(key, [...(finished.get(key) ?? []), slot]);
}

function takeFinished(finished: CallLimit["finished"], ref: SlotRowRef): CallSlot[] {
  const slots = finished.get(keyOf(ref)) ?? [];
  finished.delete(keyOf(ref));
  return slots;
}

/** Takes an entry that may still be used. No process removes it before the invocation has ended. */
function reuseFinished(finished: CallLimit["finished"], ref: SlotRowRef, now: number): CallSlot | undefined {
  const slots = finished.get(keyOf(ref)) ?? [];
  const slot = slots.find(({ mayStay, at }) => mayStay && now < at + REUSE_MS);
  if (slot)
    finished.set(
      keyOf(ref),
      slots.filter((each) => each !== slot),
    );
  return slot;
}
