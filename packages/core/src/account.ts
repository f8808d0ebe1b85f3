/**
 * Vendor accounts: one vendor can have several API keys, each with its weight and its concurrency limit. Buttons belong to
 * the account that created them. Therefore a task names its account, and its follow-ups use the same account.
 *
 * Slots that name tasks enforce the concurrency limit. Whether a slot is free is decided by the state of its task. No slot
 * has to be released at the end of a task, so none can leak, and a wrong slot cannot block for longer than its task lives.
 */
import { isEnded, type Task } from "./task.ts";

/** Name of a vendor's only account when its configuration names none. */
export const DEFAULT_ACCOUNT = "default";

/** The settings of an account that account selection uses. */
export interface AccountTraits {
  name: string;
  /** Share of new roots, relative to the other accounts; 0: no new roots, but existing branches continue. */
  weight: number;
  /** Concurrency limit: how many of our tasks the account may run at one time. Unset: no limit on our side. */
  maxRunning?: number;
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

// ── slots ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Slot {
  flowId: string;
  path: string;
  /** Time of acquisition, epoch ms. */
  at: number;
}

/** The slots of an account with a concurrency limit: the tasks that it may be running. */
export interface Slots {
  provider: string;
  account: string;
  rev: number;
  held: Slot[];
}

type TaskKey = Pick<Task, "flowId" | "path">;

export function newSlots(provider: string, account: string): Slots {
  return { provider, account, rev: 0, held: [] };
}

/** @param since Epoch ms. A slot acquired at or before this time does not count: another task may have it by now. */
export function hasSlot({ held }: Slots, task: TaskKey, since: number): boolean {
  return held.some((slot) => isOf(slot, task) && slot.at > since);
}

export function releaseSlot(slots: Slots, task: TaskKey): Slots {
  return { ...slots, held: slots.held.filter((slot) => !isOf(slot, task)) };
}

function isOf(slot: Slot, { flowId, path }: TaskKey): boolean {
  return slot.flowId === flowId && slot.path === path;
}

/** Returns undefined if all slots are held; this function does not check whether their tasks still need them. */
export function acquireSlot(slots: Slots, { flowId, path }: TaskKey, max: number, now: number): Slots | undefined {
  if (slots.held.length >= max) return undefined;
  return { ...slots, held: [...slots.held, { flowId, path, at: now }] };
}

/**
 * Removes the slots that no running task needs.
 *
 * @param tasks the tasks of the slots, as far as they are still stored
 */
export function pruneSlots(slots: Slots, tasks: readonly Task[], graceMs: number, now: number): Slots {
  const byKey = new Map(tasks.map((task) => [`${task.flowId} ${task.path}`, task]));
  const held = slots.held.filter((slot) => {
    const task = byKey.get(`${slot.flowId} ${slot.path}`);
    return task !== undefined && isOccupied(task, slots, slot.at + graceMs > now);
  });
  return { ...slots, held };
}

/**
 * Returns true if the vendor may be working on the task for this account. An open modal uses no capacity of the vendor
 * until it is answered.
 *
 * @param recent true if the slot was acquired a moment ago: the worker is about to claim the task
 */
function isOccupied(task: Task, { provider, account }: Slots, recent: boolean): boolean {
  if (isEnded(task) || task.provider !== provider || task.account !== account) return false;
  return recent || (task.status !== "PENDING" && task.status !== "MODAL");
}
