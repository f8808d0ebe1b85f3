/**
 * What apps and the operator see of the wait lists (core/wait-list.ts). Each look reads a limited part of a list, and only
 * lists in which a task waits. It is information and no promise: if a list cannot be read, the numbers are left out.
 */
import { taskIdOf } from "@mjflow/core/id";
import type { Providers, Store } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import {
  afterApp,
  entryOf,
  isInWaitList,
  WAIT_LOOK,
  type WaitEntry,
  type WaitPlace,
  waitedPercent,
  waitKeyOf,
  waitLook,
  waitPlace,
} from "@mjflow/core/wait-list";
import type { EngineDeps } from "../deps.ts";
import type { TaskView } from "../read/view.ts";

type PlaceDeps = Pick<EngineDeps, "log"> & { store: Pick<Store, "waitList" | "listWaiting"> };

/** Returns the views with the number of tasks that come before each waiting task. Without a waiting task it reads nothing. */
export async function withWaitPlaces<View extends TaskView>(
  deps: PlaceDeps,
  tasks: readonly Task[],
  views: readonly View[],
): Promise<View[]> {
  const waiting = tasks.filter(isInWaitList);
  if (waiting.length === 0) return [...views];
  // The tasks of a flow are nearly always at one account.
  const groups = Map.groupBy(waiting, ({ provider, account }) => `${provider}/${account}`);
  const places = new Map<string, WaitPlace>();
  await Promise.all(
    [...groups.values()].map((group) =>
      addPlaces(deps, group, places).catch((error: unknown) =>
        deps.log.warn("wait-list.not-read", { flow: group[0]!.flowId, error: String(error) }),
      ),
    ),
  );
  return views.map((view) => {
    const place = places.get(view.id);
    return place && view.waits ? { ...view, waits: { ...view.waits, ...place } } : view;
  });
}

/** Adds the places of tasks of one flow at one account, by task id. */
async function addPlaces({ store }: PlaceDeps, tasks: readonly Task[], places: Map<string, WaitPlace>): Promise<void> {
  const { provider, account } = tasks[0]!;
  const limit = WAIT_LOOK + 1;
  const [list, read] = await Promise.all([
    store.waitList(provider, account),
    store.listWaiting(provider, account, { limit }),
  ]);
  const all = waitLook(read);
  for (const task of tasks) {
    const entry = waitEntryOfTask(task);
    const key = waitKeyOf(entry);
    const isSeen = all.isWhole || key <= waitKeyOf(all.entries.at(-1)!);
    const from = `${entry.appId}#`;
    const own = isSeen
      ? { ...all, isWhole: true }
      : waitLook(await store.listWaiting(provider, account, { from, to: key, limit }));
    places.set(taskIdOf(task.flowId, task.path), waitPlace(entry, all, own, list?.turn));
  }
}

/** The fairness bucket is the app. A row of an earlier version does not name it: then the flow. */
export function waitEntryOfTask(task: Task): WaitEntry {
  return entryOf(task, task.appId ?? task.flowId);
}

/** Returns all accounts of the configured vendors. */
export function accountRefs(providers: Pick<Providers, "ids" | "get">): AccountRef[] {
  return providers.ids().flatMap((provider) =>
    providers
      .get(provider)!
      .accounts()
      .map(({ name }) => ({ provider, account: name })),
  );
}

/** Maximum number of apps after the first entries whose oldest task is looked at. */
const MORE_APPS = 10;

/** @property oldestAt when the oldest task seen was created, epoch ms; undefined if the list is empty */
export interface WaitListLength {
  count: number;
  /** True if more tasks may wait than were counted. */
  atLeast: boolean;
  oldestAt: number | undefined;
}

/** Counts the entries of a list, and finds the oldest one. The oldest entry of each app is its first one. */
export async function lengthOfWaitList(
  store: Pick<Store, "listWaiting">,
  { provider, account }: AccountRef,
): Promise<WaitListLength> {
  const { counted, atLeast, seen } = await seeWaitList(store, { provider, account });
  const oldestAt = seen.length === 0 ? undefined : Math.min(...seen.map(({ createdAt }) => createdAt));
  return { count: counted, atLeast, oldestAt };
}

/** @returns `seen`: the first entries of the list, and the first ones of some more apps */
async function seeWaitList(store: Pick<Store, "listWaiting">, { provider, account }: AccountRef) {
  const { entries, isWhole } = waitLook(await store.listWaiting(provider, account, { limit: WAIT_LOOK + 1 }));
  const seen = [...entries];
  for (let more = 0; !isWhole && more < MORE_APPS; more++) {
    const [first] = await store.listWaiting(provider, account, { from: afterApp(seen.at(-1)!.appId), limit: 1 });
    if (!first) break;
    seen.push(first);
  }
  return { counted: entries.length, atLeast: !isWhole, seen };
}

// ── for the alarm ──────────────────────────────────────────────────────────────────────────────────────────────────

export type WaitMeterDeps = Pick<EngineDeps, "log" | "clock" | "timings" | "providers"> & {
  store: Pick<Store, "waitLists" | "listWaiting" | "getTasks">;
};

/** Number of the oldest entries of a list whose rows are read. The rows know how long a task may wait. */
const OLDEST_READ = 25;

/**
 * Counts the longest wait of all accounts, in seconds and in percent of the time that the task may wait. Without waiting
 * tasks it counts nothing. The sweeper calls it once a minute. A failure is only logged: the sweeper has more to do.
 */
export async function measureOldestWait(deps: WaitMeterDeps): Promise<void> {
  try {
    await countOldestWait(deps);
  } catch (error) {
    deps.log.warn("wait-list.not-measured", { error: String(error) });
  }
}

async function countOldestWait({ store, log, clock, timings, providers }: WaitMeterDeps): Promise<void> {
  await providers.refresh?.();
  const used = (await store.waitLists(accountRefs(providers))).filter(({ since }) => since !== undefined);
  if (used.length === 0) return;
  const lists = await Promise.all(used.map((list) => seeWaitList(store, list)));
  const oldest = lists.flatMap(({ seen }) => seen.toSorted((a, b) => a.createdAt - b.createdAt).slice(0, OLDEST_READ));
  const tasks = (await store.getTasks(oldest)).filter(isInWaitList);
  if (tasks.length === 0) return;
  const now = clock.now();
  log.count("OldestWaitS", Math.max(...tasks.map(({ createdAt }) => Math.round((now - createdAt) / 1_000))));
  log.count("OldestWaitPercent", Math.max(...tasks.map((task) => waitedPercent(task, timings, now))));
}
