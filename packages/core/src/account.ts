/**
 * A vendor's accounts: several keys at one vendor, each with its share of the new work and a cap. Buttons belong to the
 * account that made them, so a task names its account, and its follow-ups stay there.
 *
 * A cap is kept by slots that name tasks, and whether a slot is free is asked of the task itself: no slot is ever given
 * back, so none can be lost, and a wrong count cannot block for longer than a task lives.
 */
import { isEnded, type Task } from "./task.ts";

/** The name of a vendor's one account, where its configuration names none. */
export const DEFAULT_ACCOUNT = "default";

/** What a router knows of an account. */
export interface AccountTraits {
  name: string;
  /** Its share of new roots beside the others of its vendor; 0: none, while its branches go on. */
  weight: number;
  /** Tasks of ours that it runs at a time; unset: as many as the vendor takes. */
  maxRunning?: number;
}

/** An account stored through the API: adds to what the stage's configuration says under that name, or stands alone. */
export interface StoredAccount {
  provider: string;
  name: string;
  /** Optimistic lock; the store raises it at each write. */
  rev: number;
  baseUrl?: string;
  /** Its key, sealed for this account. */
  sealed?: string;
  weight?: number;
  maxRunning?: number;
  createdAt: number;
  updatedAt: number;
}

export const ACCOUNTS_PER_STAGE = 200;

/** As it travels in hook tokens and keys of rows. */
const NAME = /^[A-Za-z0-9_-]{1,40}$/;

export function isAccountName(name: string): boolean {
  return NAME.test(name);
}

// ── slots ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Slot {
  flowId: string;
  path: string;
  /** Since when, epoch ms. */
  at: number;
}

/** The tasks that a capped account may be running. */
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

/** @param since a slot from before may have been given to another by now: it must be taken anew */
export function hasSlot({ held }: Slots, task: TaskKey, since: number): boolean {
  return held.some((slot) => isOf(slot, task) && slot.at > since);
}

export function releaseSlot(slots: Slots, task: TaskKey): Slots {
  return { ...slots, held: slots.held.filter((slot) => !isOf(slot, task)) };
}

function isOf(slot: Slot, { flowId, path }: TaskKey): boolean {
  return slot.flowId === flowId && slot.path === path;
}

/** Undefined: full, as far as can be told without asking the tasks that are named. */
export function acquireSlot(slots: Slots, { flowId, path }: TaskKey, max: number, now: number): Slots | undefined {
  if (slots.held.length >= max) return undefined;
  return { ...slots, held: [...slots.held, { flowId, path, at: now }] };
}

/** @param tasks those of the slots that are still stored */
export function pruneSlots(slots: Slots, tasks: readonly Task[], graceMs: number, now: number): Slots {
  const byPlace = new Map(tasks.map((task) => [`${task.flowId} ${task.path}`, task]));
  const held = slots.held.filter((slot) => {
    const task = byPlace.get(`${slot.flowId} ${slot.path}`);
    return task !== undefined && isOccupied(task, slots, slot.at + graceMs > now);
  });
  return { ...slots, held };
}

/**
 * Whether the vendor may be at work on it for this account. An open window costs it nothing until it is answered.
 *
 * @param recent the slot was taken just now: its worker is about to claim the task
 */
function isOccupied(task: Task, { provider, account }: Slots, recent: boolean): boolean {
  if (isEnded(task) || task.provider !== provider || task.account !== account) return false;
  return recent || (task.status !== "PENDING" && task.status !== "MODAL");
}
