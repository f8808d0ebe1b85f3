/**
 * Concurrency limiter of a vendor account. It limits how many of our tasks the account may run (`maxRunning`), and how many
 * submit workers may wait for its responses at one time. A slot is an entry with a name in a small row. One conditional write adds
 * entries only below the limit of the row, so no writer has to read first and no writer loses against another one.
 *
 *   SL1  A slot is added only while the account has fewer than its limit.
 *   SL2  No slot is taken away while the vendor may be working on its task.
 *   SL3  An account counts as full only after all its rows were read or have refused a write.
 *
 * A limit above the size of a row is divided over several rows. All functions are pure.
 */
import type { BreakerRecord } from "./circuit-breaker.ts";
import { breakerStateOf } from "./circuit-breaker.ts";
import { isEnded, type Task } from "./task.ts";
import type { Timings } from "./timing.ts";

/**
 * What a slot limits. `tasks`: tasks that the vendor may be working on, at an account with `maxRunning`. `calls`: submit
 * workers that wait for a response of the account.
 */
export type SlotKind = "tasks" | "calls";

/**
 * Entries of one row. A row of 1 KB costs one write unit. An entry of a task has a name of about 40 bytes and a time of 7; an
 * entry of a call has a name of 8.
 */
export const SLOTS_PER_ROW: Readonly<Record<SlotKind, number>> = { tasks: 12, calls: 40 };

/** Name of a slot, and when it was acquired, epoch ms. */
export type HeldSlots = Readonly<Record<string, number>>;

export interface SlotRow {
  kind: SlotKind;
  /** Number of the row, from 0. */
  row: number;
  held: HeldSlots;
}

/** An acquired slot. `at` identifies the acquisition: a later one of the same name is not released by an earlier holder. */
export interface Slot {
  row: number;
  at: number;
}

export function rowCount(kind: SlotKind, max: number): number {
  return Math.ceil(max / SLOTS_PER_ROW[kind]);
}

/** Returns the limit of one row. The limits of all rows together are `max`; rows above it have the limit 0. */
export function rowLimit(kind: SlotKind, max: number, row: number): number {
  const rows = rowCount(kind, max);
  if (row >= rows) return 0;
  return Math.floor(max / rows) + (row < max % rows ? 1 : 0);
}

/**
 * Returns the rows that are tried first: the emptier of two random rows is rarely full while another row has room.
 *
 * @param chance number from 0 (included) to 1 (excluded), the same for the same flow
 */
export function preferredRows(rows: number, chance: number): number[] {
  const first = Math.floor(chance * rows);
  if (rows < 2) return [first];
  // The fraction that chose the first row chooses the second one among the others.
  const second = Math.floor((chance * rows - first) * (rows - 1));
  return [first, second < first ? second : second + 1];
}

/**
 * Returns how many entries each row may have, by its number. Usually this is `rowLimit`. After the limit was lowered, rows may
 * have more entries than they should, or there may be rows too many. The limits of the other rows are then lower, so that no
 * entry is added while the account has `max` of them.
 *
 * @param earlier number of slots that an earlier version has given
 */
export function rowLimits(kind: SlotKind, max: number, rows: readonly SlotRow[], earlier = 0): number[] {
  const held = new Map(rows.filter((each) => each.kind === kind).map((each) => [each.row, heldCount(each)]));
  const limits = Array.from({ length: rowCount(kind, max) }, (_, row) => rowLimit(kind, max, row));
  let excess = earlier;
  for (const [row, count] of held) excess += Math.max(0, count - (limits[row] ?? 0));
  return limits.map((limit, row) => {
    const taken = Math.min(excess, Math.max(0, limit - (held.get(row) ?? 0)));
    excess -= taken;
    return limit - taken;
  });
}

/** Returns the number of free slots in the rows of a limit. */
export function freeSlots(kind: SlotKind, max: number, rows: readonly SlotRow[], earlier = 0): number {
  const held = new Map(rows.filter((each) => each.kind === kind).map((each) => [each.row, heldCount(each)]));
  const free = rowLimits(kind, max, rows, earlier).map((limit, row) => Math.max(0, limit - (held.get(row) ?? 0)));
  return free.reduce((sum, each) => sum + each, 0);
}

export function heldCount({ held }: Pick<SlotRow, "held">): number {
  return Object.keys(held).length;
}

// ── names of slots ─────────────────────────────────────────────────────────────────────────────────────────────────

type TaskKey = Pick<Task, "flowId" | "path">;

const FLOW_PREFIX = "flow_";

export function slotNameOf({ flowId, path }: TaskKey): string {
  return `${flowId.slice(FLOW_PREFIX.length)}.${path}`;
}

/** Returns the task that a slot of the kind `tasks` names. */
export function taskOfSlot(name: string): TaskKey {
  const dot = name.indexOf(".");
  return { flowId: `${FLOW_PREFIX}${name.slice(0, dot)}`, path: name.slice(dot + 1) };
}

// ── outdated slots ─────────────────────────────────────────────────────────────────────────────────────────────────

type Account = Pick<Task, "provider" | "account">;

/**
 * Returns true if the vendor may be working on the task for this account. An open modal uses no capacity of the vendor
 * until it is answered.
 *
 * @param isRecent true if the slot was acquired a moment ago: the worker is about to claim the task
 */
export function occupiesSlot(task: Task, { provider, account }: Account, isRecent: boolean): boolean {
  if (isEnded(task) || task.provider !== provider || task.account !== account) return false;
  return isRecent || (task.status !== "PENDING" && task.status !== "MODAL");
}

/**
 * Returns the slots of tasks whose task does not need them: its worker crashed before the claim, or the release was lost.
 * Nothing is freed while the vendor may be working.
 *
 * @param tasks the tasks of the slots, as far as they are still stored
 */
export function outdatedTaskSlots(
  { held }: Pick<SlotRow, "held">,
  account: Account,
  tasks: readonly Task[],
  { slotMs }: Pick<Timings, "slotMs">,
  now: number,
): HeldSlots {
  const byName = new Map(tasks.map((task) => [slotNameOf(task), task]));
  const isOutdated = ([name, at]: [string, number]) => {
    if (at + slotMs > now) return false;
    const task = byName.get(name);
    return task === undefined || !occupiesSlot(task, account, false);
  };
  return Object.fromEntries(Object.entries(held).filter(isOutdated));
}

/** Returns the slots of calls whose function can no longer be running. */
export function outdatedCallSlots({ held }: Pick<SlotRow, "held">, callSlotMs: number, now: number): HeldSlots {
  return Object.fromEntries(Object.entries(held).filter(([, at]) => at + callSlotMs <= now));
}

/**
 * True if a worker must acquire its slot again before it claims the task. After `slotMs` another task may get the slot. The
 * claim has to be stored before that.
 */
export function isSlotAged({ at }: Slot, { slotMs }: Pick<Timings, "slotMs">, now: number): boolean {
  return now - at > slotMs / 2;
}

// ── limit of calls ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Limits of an account whose circuit breaker is half-open, and of one whose circuit breaker is open. */
const HALF_OPEN_LIMIT = 2;
const OPEN_LIMIT = 1;

/** An account of the deployment, as far as it decides how many workers may wait for it. */
export interface CallAccount extends Account {
  /** Host of its URL. */
  host: string;
  weight: number;
}

/**
 * Returns how many of the workers may wait for an account. A paid call cannot be canceled, so a vendor that does not respond
 * holds each worker until the timeout. The accounts of one host often hang together, so they share half of the workers by
 * their weights. If all accounts have one host, they share all workers.
 *
 * @param workers number of submit workers of the deployment
 * @returns undefined: no limit, because no other account needs a worker
 */
export function callLimit(
  workers: number,
  accounts: readonly CallAccount[],
  { provider, account }: Account,
): number | undefined {
  if (accounts.length < 2) return undefined;
  const own = accounts.find((each) => each.provider === provider && each.account === account);
  if (!own) return 1;
  const neighbors = accounts.filter(({ host }) => host === own.host);
  const ofHost = neighbors.length < accounts.length ? workers / 2 : workers;
  const weights = neighbors.reduce((sum, { weight }) => sum + weight, 0);
  // The tasks of an account follow its weight. Without weights nothing is known about them.
  const part = weights > 0 ? own.weight / weights : 1 / neighbors.length;
  return Math.max(1, Math.floor(ofHost * part));
}

/** A row of `calls` that a worker may try. */
export interface CallRow {
  row: number;
  limit: number;
  /**
   * Highest number of entries that may stay in the row after their calls. So a row never counts as full only because of
   * finished calls.
   */
  keep: number;
}

/**
 * Returns the rows in which a worker may acquire a slot for a call, in the order to try. Their limits together are `max`.
 *
 * The first row keeps no finished calls. While the circuit breaker is not closed, it is the only row. Finished calls of the
 * other rows then take no room from the few calls that are allowed. One unclear response changes nothing: among many calls
 * some response gets lost, and a limit of two would then stop a healthy account.
 *
 * @param max number of workers that may wait for the account (`callLimit`)
 * @param chance number from 0 (included) to 1 (excluded) that spreads the workers over the rows
 */
export function callRows(
  max: number,
  breaker: BreakerRecord | undefined,
  now: number,
  chance: number,
): readonly CallRow[] {
  const first = { row: 0, limit: Math.min(max, HALF_OPEN_LIMIT), keep: 0 };
  const state = breaker ? breakerStateOf(breaker, now) : "closed";
  if (state === "open") return [{ ...first, limit: OPEN_LIMIT }];
  if (state === "half-open") return [first];
  const others = max - first.limit;
  const rows = rowCount("calls", others);
  const preferred = rows === 0 ? [] : preferredRows(rows, chance);
  const order = new Set([...preferred, ...Array.from({ length: rows }, (_, row) => row)]);
  const calm = [...order].map((row) => {
    const limit = rowLimit("calls", others, row);
    return { row: row + 1, limit, keep: Math.floor(limit / 2) };
  });
  return [...calm, first];
}
