/**
 * Vendor accounts: one vendor can have several API keys, each with its weight and its concurrency limit
 * (concurrency-limiter.ts). Buttons belong to the account that created them. Therefore a task names its account, and its
 * follow-ups use the same account.
 */
import { occupiesSlot } from "./concurrency-limiter.ts";
import type { Task } from "./task.ts";

/** Name of a vendor's only account when its configuration names none. */
export const DEFAULT_ACCOUNT = "default";

/** The settings of an account that account selection uses. */
export interface AccountTraits {
  name: string;
  /** Share of new roots, relative to the other accounts; 0: no new roots, but existing branches continue. */
  weight: number;
  /** Concurrency limit: how many of our tasks the account may run at one time. Unset: no limit on our side. */
  maxRunning?: number;
  /** Set if the account is one of the vendor simulator of the local server. Unset: the vendor is real. */
  simulated?: true;
}

/**
 * An account that was stored through the API. It overrides the configured account of the same name, or is an account of
 * its own.
 */
export interface StoredAccount {
  provider: string;
  name: string;
  /** Revision for the optimistic lock; the store increments it at each write. */
  rev: number;
  baseUrl?: string;
  /** The vendor API key, encrypted for this account; unset: the configured key is used. */
  sealed?: string;
  weight?: number;
  maxRunning?: number;
  createdAt: number;
  updatedAt: number;
}

export const ACCOUNTS_PER_STAGE = 200;

/** Account names are part of callback tokens and row keys, so they contain only characters that are valid there. */
const NAME = /^[A-Za-z0-9_-]{1,40}$/;

export function isAccountName(name: string): boolean {
  return NAME.test(name);
}

// ── slots of an earlier version ────────────────────────────────────────────────────────────────────────────────────

export interface EarlierSlot {
  flowId: string;
  path: string;
  /** Time of acquisition, epoch ms. */
  at: number;
}

/**
 * The slots of an account as an earlier version stored them: all in one row (decision 29). They are read and removed, and
 * none is added.
 */
export interface EarlierSlots {
  provider: string;
  account: string;
  rev: number;
  held: EarlierSlot[];
}

/**
 * Removes the slots that no running task needs.
 *
 * @param tasks the tasks of the slots, as far as they are still stored
 */
export function pruneSlots(slots: EarlierSlots, tasks: readonly Task[], graceMs: number, now: number): EarlierSlots {
  const byKey = new Map(tasks.map((task) => [`${task.flowId} ${task.path}`, task]));
  const held = slots.held.filter((slot) => {
    const task = byKey.get(`${slot.flowId} ${slot.path}`);
    return task !== undefined && occupiesSlot(task, slots, slot.at + graceMs > now);
  });
  return { ...slots, held };
}
