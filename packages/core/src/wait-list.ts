/**
 * Wait list of a vendor account: the tasks that wait because the account is busy or has no free slot. A task in it costs no
 * write, message or call until a dispatcher picks it. One dispatcher at a time serves the list. It takes the apps in turn and
 * the tasks of an app in the order of their creation. A busy account is asked by one task at a time (a probe); after each
 * accepted task twice as many may be asked. A dispatcher makes 20 calls itself at most, and hands more tasks over to other workers.
 *
 * All functions are pure.
 */
import { type BreakerRecord, isPermanentFault } from "./circuit-breaker.ts";
import type { Task } from "./task.ts";
import { dueAt, type Timings } from "./timing.ts";

/**
 * Why a task waits. `busy`: the account is busy or cannot be reached. `full`: our tasks use all its slots. `calls`: too many
 * workers wait for its responses. `order`: other tasks wait and were there first.
 */
export const WAIT_REASONS = ["busy", "full", "calls", "order"] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** The state of a wait list. The waiting tasks are entries of their own. */
export interface WaitList {
  provider: string;
  account: string;
  /** Revision for the optimistic lock; 0: not stored. */
  rev: number;
  /** Since when tasks may be waiting, epoch ms; unset: the list is empty. New tasks then ask the account directly. */
  since?: number;
  /** When the sweeper must look after the list, epoch ms; unset: the list is empty. */
  due?: number;
  /** End of the lease of the dispatcher, epoch ms; unset: none is running. */
  dispatchUntil?: number;
  /** App that was served last; unset: none. */
  turn?: string;
  /** Number of tasks that may be asked for at one time, at `parallelAt`. Unset: one. */
  parallel?: number;
  parallelAt?: number;
}

/** An entry of a wait list. */
export interface WaitEntry {
  /** The fairness bucket: apps are served in turn. */
  appId: string;
  createdAt: number;
  flowId: string;
  path: string;
}

/** The sweeper looks after a list at least this often, ms. */
export const WAIT_LIST_CHECK_MS = 60_000;
/**
 * For so long after the start of its invocation a dispatcher picks tasks, ms. A call that begins then ends before the timeout of
 * the function.
 */
export const DISPATCH_MS = 15_000;
/** Maximum number of calls that one dispatcher makes itself at one time. More tasks are handed over to other workers. */
export const MAX_PARALLEL = 20;
/** Number of calls that a dispatcher makes itself while it hands tasks over. Its processor time goes into the hand-over. */
export const HANDING_PARALLEL = 5;
/** Maximum number of tasks that are handed over at one time. */
export const HAND_OVER_MAX = 100;
/** Part of the workers that may wait for the account. The others keep room for messages that call no vendor. */
const HANDED_SHARE = 0.75;
/** A stored number counts only for the next dispatcher, which follows at once. */
const PARALLEL_MS = 60_000;

export function newWaitList(provider: string, account: string): WaitList {
  return { provider, account, rev: 0 };
}

type Breaker = Pick<BreakerRecord, "busyUntil" | "fault">;

/** Returns the end of the pause of a busy account, epoch ms; undefined if it is not busy. */
export function pauseEnd(breaker: Breaker | undefined, now: number): number | undefined {
  const until = breaker?.busyUntil;
  // A permanent fault has no pause: waiting does not help, and the response says so at once.
  return until !== undefined && until > now && !isPermanentFault(breaker?.fault) ? until : undefined;
}

/** Returns why a task that is not in the list must wait; undefined: the worker may ask for a slot. */
export function admission(
  list: Pick<WaitList, "since"> | undefined,
  breaker: Breaker | undefined,
  now: number,
): WaitReason | undefined {
  if (pauseEnd(breaker, now) !== undefined) return "busy";
  return list?.since === undefined ? undefined : "order";
}

// ── changes of the list ────────────────────────────────────────────────────────────────────────────────────────────

/** A task has entered. Returns undefined if nothing has to be written. */
export function listWithTask(list: WaitList, dueAt: number, now: number): WaitList | undefined {
  if (list.since !== undefined && list.due !== undefined && list.due <= now + 2 * WAIT_LIST_CHECK_MS) return undefined;
  return { ...list, since: list.since ?? now, due: Math.min(list.due ?? dueAt, dueAt) };
}

/** Returns the list with a running dispatcher; undefined if one is running already. */
export function startDispatch(
  list: WaitList,
  { answerMs }: Pick<Timings, "answerMs">,
  now: number,
): WaitList | undefined {
  if (isDispatched(list, now)) return undefined;
  // A dispatcher that crashes leaves the list asleep until its lease ends. Its last call may take until then.
  return { ...list, due: list.due ?? now + WAIT_LIST_CHECK_MS, dispatchUntil: now + DISPATCH_MS + answerMs };
}

export function isDispatched({ dispatchUntil = 0 }: WaitList, now: number): boolean {
  return dispatchUntil > now;
}

/** @property due when the sweeper must look after the list, epoch ms; undefined: the list is empty */
export interface DispatchEnd {
  turn: string | undefined;
  parallel: number;
  due: number | undefined;
}

export function endDispatch(list: WaitList, { turn, parallel, due }: DispatchEnd, now: number): WaitList {
  const since = due === undefined ? undefined : (list.since ?? now);
  // A stored due time that fits stays, because a change of the due index costs two writes.
  const next = due === undefined ? undefined : dueAt(list.due, due, now);
  return { ...list, since, due: next, dispatchUntil: undefined, turn, parallel, parallelAt: now };
}

/** Returns the number of tasks that a new dispatcher may ask for at one time. */
export function firstParallel({ parallel = 1, parallelAt = 0 }: WaitList, now: number): number {
  return now - parallelAt < PARALLEL_MS ? Math.max(1, parallel) : 1;
}

/**
 * Returns the number after an outcome. It doubles while the account accepts, and a busy account is asked by one task. Above
 * `MAX_PARALLEL` it grows by a twentieth, because other workers call for the dispatcher then.
 *
 * @param most highest number (`mostParallel`)
 */
export function nextParallel(parallel: number, outcome: "accepted" | "busy", most: number = MAX_PARALLEL): number {
  if (outcome === "busy") return 1;
  if (parallel < MAX_PARALLEL) return Math.min(MAX_PARALLEL, parallel * 2);
  return Math.min(most, parallel + Math.ceil(parallel / MAX_PARALLEL));
}

/**
 * Returns how many tasks of a list may be in flight at one time.
 *
 * @param workers number of submit workers that may wait for the account; undefined: not known, so none gets tasks
 */
export function mostParallel(workers: number | undefined): number {
  return MAX_PARALLEL + Math.floor((workers ?? 0) * HANDED_SHARE);
}

/** Returns how many calls the dispatcher makes itself at one time. */
export function ownParallel(parallel: number): number {
  return parallel > MAX_PARALLEL ? HANDING_PARALLEL : parallel;
}

// ── order ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Sort key of an entry: by app, then by creation. The time has a fixed length, so texts sort as numbers. */
export function waitKeyOf({ appId, createdAt, flowId, path }: WaitEntry): string {
  return `${appId}#${String(createdAt).padStart(13, "0")}#${flowId}#${path}`;
}

export function waitEntryOf(key: string): WaitEntry | undefined {
  const [appId, createdAt, flowId, path, ...more] = key.split("#");
  if (!appId || !createdAt || !flowId || !path || more.length > 0) return undefined;
  return { appId, createdAt: Number(createdAt), flowId, path };
}

/** Returns a text that sorts before all keys of the app and after those of the previous app. */
export function beforeApp(appId: string): string {
  return `${appId}#`;
}

/** Returns a text that sorts after all keys of the app and before those of the next app. */
export function afterApp(appId: string): string {
  return `${appId}$`;
}

/** Returns the entry of a task that waits. */
export function entryOf({ flowId, path, createdAt }: Task, appId: string): WaitEntry {
  return { appId, createdAt, flowId, path };
}

// ── the waiting task ───────────────────────────────────────────────────────────────────────────────────────────────

/** True if the task waits in the list of its account. An earlier version may have left the mark in another status. */
export function isInWaitList({ waits, status, modal }: Pick<Task, "waits" | "status" | "modal">): boolean {
  return waits !== undefined && (status === "PENDING" || (status === "MODAL" && modal !== undefined));
}

// ── what apps and the operator can see ─────────────────────────────────────────────────────────────────────────────

/** Maximum number of entries that one look at a list counts. */
export const WAIT_LOOK = 100;

/** The first entries of a list or of one app, by their keys. */
export interface WaitLook {
  entries: readonly WaitEntry[];
  /** False if there may be more entries. */
  isWhole: boolean;
}

/** @property atLeast true if more than `ahead` tasks may come first, because the look was cut */
export interface WaitPlace {
  ahead: number;
  atLeast: boolean;
}

/** Returns what a read with the limit `WAIT_LOOK + 1` has found. */
export function waitLook(read: readonly WaitEntry[]): WaitLook {
  return { entries: read.slice(0, WAIT_LOOK), isWhole: read.length <= WAIT_LOOK };
}

/**
 * Returns how many tasks the dispatcher takes before this one. It takes the apps in turn. So before the third task of an app
 * come its own first two, and two of every other app. A third one comes first if the turn of its app does.
 *
 * @param all the first entries of the list
 * @param own the entries of the task's app; may have others
 * @param turn app that was served last; undefined: none
 */
export function waitPlace(task: WaitEntry, all: WaitLook, own: WaitLook, turn: string | undefined): WaitPlace {
  const key = waitKeyOf(task);
  const before = own.entries.filter((entry) => entry.appId === task.appId && waitKeyOf(entry) < key).length;
  const others = Map.groupBy(
    all.entries.filter(({ appId }) => appId !== task.appId),
    ({ appId }) => appId,
  );
  let ahead = before;
  for (const [appId, { length }] of others) {
    ahead += Math.min(length, before + (isServedBefore(appId, task.appId, turn) ? 1 : 0));
  }
  return { ahead, atLeast: !(all.isWhole && own.isWhole) };
}

/** The apps after the last one in the order of their ids come first, then the others from the beginning. */
function isServedBefore(appId: string, other: string, turn = ""): boolean {
  const [isNext, isOtherNext] = [appId > turn, other > turn];
  return isNext === isOtherNext ? appId < other : isNext;
}

/**
 * Returns how much of its waiting time a task has used, percent. At 100 the task expires. The end is the same as in
 * state/sweeper.ts: a modal answer has its own time.
 */
export function waitedPercent(
  { createdAt, submittedAt, pace, modal }: Pick<Task, "createdAt" | "submittedAt" | "pace" | "modal">,
  { pendingMs, modalMs }: Pick<Timings, "pendingMs" | "modalMs">,
  now: number,
): number {
  const [from, wholeMs] = modal ? [submittedAt ?? createdAt, modalMs + pendingMs[pace]] : [createdAt, pendingMs[pace]];
  return Math.max(0, Math.round((100 * (now - from)) / wholeMs));
}
