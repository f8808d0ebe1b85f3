/**
 * Serves the wait lists of vendor accounts (core/wait-list.ts). A worker that finds an account busy or full stores its task in
 * the list. One dispatcher at a time takes tasks out of it. Any worker can be the dispatcher.
 *
 *   WL1  A waiting task is in the list of its account, and its due time is the end of its waiting time or earlier.
 *   WL2  A list with tasks has a due time. So a lost wake-up costs a minute, not a flow.
 *   WL3  At most one dispatcher takes tasks out of a list.
 *   WL4  Nothing is lost between "no room" and "room again". Who enters writes and then reads whether there is room. Who makes
 *        room writes and then reads whether a task waits. All these reads are strongly consistent.
 *   WL6  A closed list that has an entry is opened by the next run of the sweeper, whatever closed it. So no crash hides a waiting
 *        task, and an entry whose task has ended or gone on is removed within minutes.
 */
import { freeSlots } from "@mjflow/core/concurrency-limiter";
import { MAX_HOPS, outgoingHandOver, outgoingWake } from "@mjflow/core/message";
import type { AccountState, Store } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import {
  afterApp,
  beforeApp,
  DISPATCH_MS,
  endDispatch,
  firstParallel,
  HAND_OVER_MAX,
  isDispatched,
  listWithTask,
  MAX_PARALLEL,
  newWaitList,
  nextParallel,
  ownParallel,
  pauseEnd,
  startDispatch,
  WAIT_LIST_CHECK_MS,
  type WaitEntry,
  type WaitList,
  waitKeyOf,
} from "@mjflow/core/wait-list";
import type { EngineDeps } from "../deps.ts";
import { isChainOver } from "../step/chain.ts";
import { updateWithRetry } from "../step/update-with-retry.ts";
import { accountRefs, waitEntryOfTask } from "./wait-place.ts";

type WaitListDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log" | "chain" | "fanOut">;

/** Changes the state of a list under its revision. @returns the stored list; undefined if `to` returned nothing to write */
async function updateWaitList(
  { store }: Pick<WaitListDeps, "store">,
  { provider, account }: AccountRef,
  to: (list: WaitList) => WaitList | undefined,
): Promise<WaitList | undefined> {
  const { row } = await updateWithRetry({
    read: async (conflict) =>
      (conflict ? conflict.current : await store.waitList(provider, account)) ?? newWaitList(provider, account),
    to,
    save: (list) => store.saveWaitList(list),
    detail: "Other workers changed the wait list at the same time.",
  });
  return row;
}

// ── entering ───────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Adds a task to the list of its account. Its row already says that it waits. After a crash its message comes again, or the
 * sweeper finds it with its flow. The list is open before it has the entry: an entry in a closed list would stay if its task
 * then went on by its message.
 */
export async function addToWaitList(deps: WaitListDeps, task: Task): Promise<void> {
  const { provider, account } = task;
  await openWaitList(deps, task);
  await deps.store.addWaiting(provider, account, waitEntryOfTask(task));
  // The list may have been closed as empty meanwhile (WL4).
  await openWaitList(deps, task);
}

/** Gives the list a due time, if it has none. */
async function openWaitList(deps: WaitListDeps, ref: AccountRef): Promise<void> {
  await updateWaitList(deps, ref, (list) => {
    const now = deps.clock.now();
    return listWithTask(list, now + WAIT_LIST_CHECK_MS / 4, now);
  });
}

/** Adds a task whose row says that it waits, if its entry is missing. */
export async function ensureInWaitList(deps: WaitListDeps, task: Task): Promise<void> {
  const { provider, account } = task;
  const isThere = await deps.store.isWaiting(provider, account, waitEntryOfTask(task));
  const list = isThere ? await deps.store.waitList(provider, account) : undefined;
  if (list?.since === undefined || list.due === undefined) await addToWaitList(deps, task);
}

// ── waking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Sends the message that dispatches the list, if a task waits and no dispatcher is running. */
export async function wakeWaitList(deps: WaitListDeps, { provider, account }: AccountRef): Promise<void> {
  const list = await deps.store.waitList(provider, account);
  // A running dispatcher looks again after its end.
  if (list?.since === undefined || isDispatched(list, deps.clock.now())) return;
  const [first] = await deps.store.listWaiting(provider, account, { limit: 1 });
  if (first) await deps.queue.send([outgoingWake({ provider, account }, first)]);
}

/** The sweeper looks after a list whose due time has passed: it wakes it, or records that it is empty. */
export async function sweepWaitList(deps: WaitListDeps, ref: AccountRef): Promise<void> {
  const { provider, account } = ref;
  const [first] = await deps.store.listWaiting(provider, account, { limit: 1 });
  const now = deps.clock.now();
  if (!first) return closeIfEmpty(deps, ref);
  const changed = await updateWaitList(deps, ref, (list) => {
    if (list.due === undefined || list.due > now) return undefined;
    return { ...list, since: list.since ?? now, due: now + WAIT_LIST_CHECK_MS };
  });
  if (!changed) return;
  deps.log.count("WaitListsChecked");
  await deps.queue.send([outgoingWake(ref, first)]);
}

/** Records that the list is empty. A task that enters at this moment is found by the second look (WL4). */
async function closeIfEmpty(deps: WaitListDeps, ref: AccountRef): Promise<void> {
  await updateWaitList(deps, ref, (list) => {
    if (list.since === undefined && list.due === undefined) return undefined;
    return { ...list, since: undefined, due: undefined };
  });
  await reopenIfUsed(deps, ref);
}

/**
 * Opens each closed list that has an entry (WL6). The sweeper calls it in every run. The list may have been closed between two
 * steps of a worker that crashed, or its row may be lost. A task that has ended or gone on does not look after its entry any more,
 * so nothing else would open the list. It costs one read for each closed list. A failure is only logged: the next run looks again.
 */
export async function openUsedLists(deps: WaitListDeps & Pick<EngineDeps, "providers">): Promise<void> {
  try {
    await deps.providers.refresh?.();
    const accounts = accountRefs(deps.providers);
    const nameOf = ({ provider, account }: AccountRef) => `${provider}/${account}`;
    const isOpen = ({ since, due }: WaitList) => since !== undefined && due !== undefined;
    const open = new Set((await deps.store.waitLists(accounts)).filter(isOpen).map(nameOf));
    await Promise.all(accounts.filter((ref) => !open.has(nameOf(ref))).map((ref) => openIfUsed(deps, ref)));
  } catch (error) {
    deps.log.warn("wait-list.not-read", { error: String(error) });
  }
}

async function openIfUsed(deps: WaitListDeps, ref: AccountRef): Promise<void> {
  try {
    if (await reopenIfUsed(deps, ref)) deps.log.info("wait-list.opened", { ...ref });
  } catch (error) {
    deps.log.warn("wait-list.not-read", { ...ref, error: String(error) });
  }
}

/** @returns true if a task has entered meanwhile; the list is then open again */
async function reopenIfUsed(deps: WaitListDeps, ref: AccountRef): Promise<boolean> {
  const [first] = await deps.store.listWaiting(ref.provider, ref.account, { limit: 1 });
  if (!first) return false;
  await openWaitList(deps, ref);
  return true;
}

// ── dispatching ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The result for a task that was taken out of the list. `busy`, `full` and `later` leave it there: the vendor was busy, the
 * account has no slot, or the task cannot start yet for a reason of its own. `other`: it left the list without being accepted.
 */
export type DispatchOutcome = "accepted" | "busy" | "full" | "later" | "other";

export interface Dispatch {
  /** When the invocation began, epoch ms. Calls that begin `DISPATCH_MS` later might end after the timeout of the function. */
  startedAt: number;
  /** The concurrency limit of the account; undefined: none. */
  maxRunning: number | undefined;
  /** Submits a waiting task. */
  run(entry: WaitEntry, how: { hasAccepted: boolean }): Promise<DispatchOutcome>;
  /** Removes the slots that no task needs, and returns the number of free ones. */
  countFree(): Promise<number>;
  /** Number of tasks that may be in flight at one time (`mostParallel`). Above `MAX_PARALLEL` other workers get tasks. */
  mostParallel: number;
  /** Returns true if another worker may wait for the account. */
  hasRoom(state: AccountState): boolean;
}

/** Rounds of one dispatcher. Another round follows only if a task has entered or a slot became free at the last moment. */
const MAX_ROUNDS = 3;

/**
 * Dispatches the wait list of an account until the account is busy or full, the list is empty or the time is over. It does
 * nothing if another dispatcher is running. If the time is over already, a message makes another worker do it.
 */
export async function dispatchWaitList(deps: WaitListDeps, ref: AccountRef, dispatch: Dispatch): Promise<void> {
  const until = dispatch.startedAt + DISPATCH_MS;
  if (deps.clock.now() >= until) return wakeWaitList(deps, ref);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const state = await deps.store.accountState(ref.provider, ref.account);
    const free = await freeToDispatch(deps, state, dispatch);
    if (free === 0) return;
    const list = await updateWaitList(deps, ref, (stored) =>
      stored.since === undefined ? undefined : startDispatch(stored, deps.timings, deps.clock.now()),
    );
    if (!list) return;
    const served = await serve(deps, ref, { list, dispatch, until, free });
    await finish(deps, ref, served);
    if (served.stop !== "empty" && served.stop !== "full") return;
    if (served.stop === "empty" && !(await reopenIfUsed(deps, ref))) return;
  }
}

/** @returns the number of tasks for which the account has room now; 0 if another dispatcher is running */
async function freeToDispatch({ clock }: WaitListDeps, state: AccountState, dispatch: Dispatch): Promise<number> {
  const { waitList, health, slots } = state;
  const now = clock.now();
  if (waitList?.since === undefined || isDispatched(waitList, now) || pauseEnd(health, now) !== undefined) return 0;
  if (dispatch.maxRunning === undefined) return Number.POSITIVE_INFINITY;
  return freeSlots("tasks", dispatch.maxRunning, slots) || dispatch.countFree();
}

interface Served {
  /** Why no more tasks were taken. `empty`: no more tasks wait. `failed`: a step threw, for example because of the table. */
  stop: "empty" | "busy" | "full" | "later" | "time" | "failed";
  turn: string | undefined;
  parallel: number;
}

/** Takes tasks out of the list, and keeps up to `parallel` of them in flight: its own calls, and tasks of other workers. */
async function serve(
  deps: WaitListDeps,
  ref: AccountRef,
  { list, dispatch, until, free }: { list: WaitList; dispatch: Dispatch; until: number; free: number },
): Promise<Served> {
  const { store, clock, log } = deps;
  let { turn } = list;
  let parallel = firstParallel(list, clock.now());
  let stop: Served["stop"] | undefined;
  let hasAccepted = false;
  let room = free;
  const mayHandOver = dispatch.mostParallel > MAX_PARALLEL && !isChainOver(deps, "submit");
  const ownCalls = () => Math.min(MAX_PARALLEL, mayHandOver ? ownParallel(parallel) : parallel);
  /** How long the latest accepted task took, ms. A task of another worker counts as in flight for so long. */
  let tookMs = 0;
  let handed: { at: number; count: number }[] = [];
  const left = new Set<string>();
  const lanes = new Map<string, Promise<void>>();
  /** The last task of each app that was handed over. */
  const passed = new Map<string, string>();

  async function runOne(entry: WaitEntry): Promise<void> {
    const startedAt = clock.now();
    const outcome = await dispatch.run(entry, { hasAccepted });
    hasAccepted ||= outcome === "accepted";
    if (outcome === "accepted") tookMs = Math.max(1, clock.now() - startedAt);
    if (outcome === "accepted" || outcome === "busy") parallel = nextParallel(parallel, outcome, dispatch.mostParallel);
    // A task that used no slot leaves it to the next one.
    if (outcome !== "accepted") room++;
    if (outcome === "later") left.add(waitKeyOf(entry));
    else if (outcome === "busy" || outcome === "full") stop ??= outcome;
    else await store.removeWaiting(ref.provider, ref.account, entry);
  }

  function start(entry: WaitEntry): void {
    if (!stop && room === 0) stop = "full";
    if (stop) return;
    room--;
    turn = entry.appId;
    const key = waitKeyOf(entry);
    const lane = runOne(entry)
      .catch((error: unknown) => {
        stop ??= "failed";
        log.warn("wait-list.task-failed", { ...ref, flow: entry.flowId, path: entry.path, error: String(error) });
      })
      .finally(() => lanes.delete(key));
    lanes.set(key, lane);
  }

  const pick = (count: number) =>
    nextEntries(store, ref, { turn, passed, taken: new Set([...lanes.keys(), ...left]) }, count);

  /** Hands tasks over to other workers while the account accepts. The entries stay until their workers remove them. */
  async function handOver(): Promise<void> {
    const now = clock.now();
    handed = handed.filter(({ at }) => at > now - tookMs);
    const inFlight = lanes.size + handed.reduce((sum, { count }) => sum + count, 0);
    const count = Math.min(parallel - inFlight, room, HAND_OVER_MAX);
    if (tookMs === 0 || parallel <= MAX_PARALLEL || count < 1 || now >= until) return;
    const state = await store.accountState(ref.provider, ref.account);
    if (pauseEnd(state.health, now) !== undefined) {
      // A task of another worker was answered busy. From now on one task asks.
      parallel = 1;
      stop ??= "busy";
      return;
    }
    const entries = dispatch.hasRoom(state) ? await pick(count) : [];
    if (entries.length === 0 || stop) return;
    await deps.queue.send(outgoingHandOver(ref, entries, deps.fanOut));
    for (const entry of entries) passed.set(entry.appId, waitKeyOf(entry));
    turn = entries.at(-1)!.appId;
    room -= entries.length;
    handed.push({ at: now, count: entries.length });
  }

  for (;;) {
    if (!stop && mayHandOver)
      await handOver().catch((error: unknown) => {
        stop ??= "failed";
        log.warn("wait-list.not-handed-over", { ...ref, error: String(error) });
      });
    while (!stop && lanes.size < ownCalls()) {
      if (clock.now() >= until) {
        stop = "time";
        break;
      }
      // A failure must not leave calls behind that are under way: the function would be frozen with them.
      const entries = await pick(ownCalls() - lanes.size).catch((error: unknown) => {
        stop ??= "failed";
        log.warn("wait-list.not-read", { ...ref, error: String(error) });
      });
      if (!entries || entries.length === 0) break;
      for (const entry of entries) start(entry);
    }
    if (lanes.size === 0) break;
    await Promise.race(lanes.values());
  }
  return { stop: stop ?? (left.size > 0 ? "later" : "empty"), turn, parallel };
}

/** Where a dispatcher is in the list. */
interface ListPosition {
  /** App that was served last; undefined: none. */
  turn: string | undefined;
  /** Last key of each app that was handed over. */
  passed: ReadonlyMap<string, string>;
  /** Keys of entries that are left out. */
  taken: ReadonlySet<string>;
}

/**
 * Returns the next entries: one of the app after `turn`, one of the app after that, and so on. After the last app comes the first one
 * again. The entries of an app are in the order of their creation. If only one app has entries, they are read at once.
 */
async function nextEntries(
  store: Pick<Store, "listWaiting">,
  ref: AccountRef,
  { turn, passed, taken }: ListPosition,
  count: number,
): Promise<WaitEntry[]> {
  const picked = new Map<string, WaitEntry>();
  const last = new Map(passed);
  const withoutEntry = new Set<string>();
  let at = turn;
  while (picked.size < count) {
    const app = await nextApp(store, ref, at);
    if (app === undefined || withoutEntry.has(app)) break;
    at = app;
    const isOnly = picked.size + 1 < count && (await nextApp(store, ref, app)) === app;
    const wanted = isOnly ? count - picked.size : 1;
    const [from, to] = [last.get(app) ?? beforeApp(app), afterApp(app)];
    // Among so many entries at least one is not taken.
    const limit = taken.size + wanted + 1;
    const entries = await store.listWaiting(ref.provider, ref.account, { from, to, limit });
    const free = entries.filter((entry) => waitKeyOf(entry) !== last.get(app) && !taken.has(waitKeyOf(entry)));
    for (const entry of free.slice(0, wanted)) picked.set(waitKeyOf(entry), entry);
    if (free.length > 0) last.set(app, waitKeyOf(free.slice(0, wanted).at(-1)!));
    if (free.length < wanted) withoutEntry.add(app);
  }
  return [...picked.values()];
}

/** Returns the app of the first entry after those of an app; after the last app, the first one again. */
async function nextApp(
  store: Pick<Store, "listWaiting">,
  { provider, account }: AccountRef,
  app: string | undefined,
): Promise<string | undefined> {
  const after = app === undefined ? [] : await store.listWaiting(provider, account, { from: afterApp(app), limit: 1 });
  const [first] = after.length > 0 ? after : await store.listWaiting(provider, account, { limit: 1 });
  return first?.appId;
}

/** Ends the lease of the dispatcher, and arranges what wakes the list next. */
async function finish(deps: WaitListDeps, ref: AccountRef, { stop, turn, parallel }: Served): Promise<void> {
  const { store, queue, clock, timings } = deps;
  const now = clock.now();
  const health = stop === "busy" ? await store.health(ref.provider, ref.account) : undefined;
  const pause = pauseEnd(health, now) ?? now;
  // Near the end of a chain of messages the sweeper is asked to begin a new one before the last message is used up.
  const lateMs = (deps.chain?.hops ?? 1) > MAX_HOPS / 2 ? 0 : WAIT_LIST_CHECK_MS / 4;
  const due = {
    empty: undefined,
    // The worker that has stored the pause has sent a delayed message.
    busy: pause + lateMs,
    // The process that releases a slot sends a message.
    full: now + WAIT_LIST_CHECK_MS,
    later: now + timings.busyMs + lateMs,
    time: now + lateMs,
    failed: now + WAIT_LIST_CHECK_MS / 4,
  }[stop];
  await updateWaitList(deps, ref, (list) => endDispatch(list, { turn, parallel, due }, clock.now()));
  if (stop !== "time" && stop !== "later") return;
  const [first] = await store.listWaiting(ref.provider, ref.account, { limit: 1 });
  if (first) await queue.send([outgoingWake(ref, first, stop === "time" ? 0 : timings.busyMs)]);
}
