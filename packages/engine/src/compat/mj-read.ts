/**
 * Reads of the compat API: tasks by their compat task ids, and the task object that is posted to `notifyHook`. The rules MC1
 * to MC3 are in mj-compat.ts.
 */
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { isMjTaskId, type MjTaskIdStore, type MjTaskPointer, mjTaskView } from "@mjflow/core/mj-task";
import type { TaskRef } from "@mjflow/core/port";
import { isEnded, type Task } from "@mjflow/core/task";
import { findAccountOfTask } from "../account/account-selection.ts";
import type { EngineDeps } from "../deps.ts";
import type { MjHookListener } from "../event/deliver.ts";
import { getOwnTask } from "../read/own.ts";

/**
 * Time in which an id without a task is treated as being created, ms. After that the id is not found. It is longer than
 * the function may run, so that a slow table cannot hide a task that is still being written.
 */
export const POINTER_WAIT_MS = (FUNCTION_TIMEOUT_S.api + 10) * 1_000;
export interface MjCompatDeps {
  mjTaskIds: MjTaskIdStore;
  /** URL that receives the changes of tasks whose request names no `notifyHook`; unset: none. */
  mjNotifyHook?: string;
  /** Ids of the apps whose images `/mj/image/{id}` shows without a key; unset: none. */
  mjPublicImages?: readonly string[];
}

export interface FoundMjTask {
  pointer: MjTaskPointer;
  /** Undefined if the id was created a moment ago and the task is not stored yet. */
  task: Task | undefined;
}

export type MjReadDeps = Pick<EngineDeps, "store" | "clock"> & MjCompatDeps;

/**
 * Finds a task by its compat task id or by its id of the native API.
 * @throws MjflowError `not_found`
 */
export async function findTask(deps: MjReadDeps, appId: string, id: string): Promise<FoundMjTask> {
  if (!isMjTaskId(id)) return findNative(deps, appId, id);
  const now = deps.clock.now();
  const pointer = await deps.mjTaskIds.get(appId, id);
  const found = pointer && (await resolvePointer(deps, pointer, now));
  if (!found) throw new MjflowError("not_found");
  return found;
}

/** Number of ids that one round of a list reads. */
const IDS_PER_ROUND = 1_000;

/** Returns the tasks that exist, newest first. The ids are read in rounds. */
export async function findTasks(deps: MjReadDeps, appId: string, ids: readonly string[]): Promise<FoundMjTask[]> {
  const found: FoundMjTask[] = [];
  const wanted = [...new Set(ids)];
  while (wanted.length > 0) found.push(...(await findRound(deps, appId, wanted.splice(0, IDS_PER_ROUND))));
  return found.sort((a, b) => b.pointer.createdAt - a.pointer.createdAt);
}

async function findRound(deps: MjReadDeps, appId: string, ids: readonly string[]): Promise<FoundMjTask[]> {
  const now = deps.clock.now();
  const compatIds = ids.filter(isMjTaskId);
  const others = ids.filter((id) => !isMjTaskId(id));
  const byCompatId = async () => resolvePointers(deps, await deps.mjTaskIds.getMany(appId, compatIds), now);
  const byNativeId = () =>
    mapInBatches(others, (id) =>
      findNative(deps, appId, id).catch((error: unknown) => {
        if (error instanceof MjflowError && error.code === "not_found") return undefined;
        throw error;
      }),
    );
  return (await Promise.all([byCompatId(), byNativeId()])).flat().filter((task) => task !== undefined);
}

/** Returns the newest tasks of the app, newest first. */
export async function latestTasks(deps: MjReadDeps, appId: string, limit: number): Promise<FoundMjTask[]> {
  const now = deps.clock.now();
  return resolvePointers(deps, await deps.mjTaskIds.latest(appId, limit), now);
}

/** Number of the app's newest tasks among which the queue list searches. */
const QUEUE_SEARCHED = 1_000;

/** Returns the tasks that wait or run, oldest first, as novicezk's server does. */
export async function queuedTasks(deps: MjReadDeps, appId: string): Promise<FoundMjTask[]> {
  const latest = await latestTasks(deps, appId, QUEUE_SEARCHED);
  return latest.filter(({ task }) => task === undefined || !isEnded(task)).reverse();
}

async function resolvePointer(deps: MjReadDeps, pointer: MjTaskPointer, now: number): Promise<FoundMjTask | undefined> {
  return (await resolvePointers(deps, [pointer], now))[0];
}

/**
 * MC1. An id whose task names another id has no task. A request that lost against an equal press has not yet deleted this
 * id, or it crashed before that.
 *
 * @param now time before the first read, epoch ms. A slow table must not make an id look older than it was then.
 */
async function resolvePointers(
  { store }: MjReadDeps,
  pointers: readonly MjTaskPointer[],
  now: number,
): Promise<FoundMjTask[]> {
  const keyOf = ({ flowId, path }: TaskRef) => `${flowId} ${path}`;
  const tasks = new Map((await store.getTasks(pointers)).map((task) => [keyOf(task), task]));
  return pointers.flatMap((pointer): FoundMjTask[] => {
    const task = tasks.get(keyOf(pointer));
    if (task) return task.mjTaskId === pointer.id ? [{ pointer, task }] : [];
    return now - pointer.createdAt < POINTER_WAIT_MS ? [{ pointer, task }] : [];
  });
}

/**
 * Finds a task by its native id. The result carries the requested id, because the client looks for that id in the
 * response.
 */
async function findNative(deps: MjReadDeps, appId: string, id: string): Promise<FoundMjTask> {
  const { flow, task } = await getOwnTask(deps, appId, id);
  const stored = task.mjTaskId === undefined ? undefined : await deps.mjTaskIds.get(appId, task.mjTaskId);
  return { pointer: { ...(stored ?? plainPointer(flow, task)), id }, task };
}

/** Builds a pointer for a task that was not created through the compat API. */
function plainPointer(flow: Flow, task: Task): Omit<MjTaskPointer, "id"> {
  const { flowId, path, action, createdAt, press } = task;
  const { appId, prompt, botType, state } = flow;
  const description = press === undefined ? undefined : `/up ${press}`;
  return { appId, rev: 0, flowId, path, action, prompt, description, botType, state, createdAt };
}

const BATCH_SIZE = 25;

/** Keeps the order and processes a limited number in parallel, so that the table is not overloaded. */
async function mapInBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let i = 0; i < items.length; i += BATCH_SIZE) {
    done.push(...(await Promise.all(items.slice(i, i + BATCH_SIZE).map(work))));
  }
  return done;
}

/**
 * Returns the seed of the image: from the task, or else from the vendor. Undefined: the vendor provides no seed.
 * @throws MjflowError `not_found`; `invalid_request` before the task has succeeded; LookupError
 */
export async function seedOf(
  deps: MjReadDeps & Pick<EngineDeps, "providers">,
  appId: string,
  id: string,
): Promise<string | undefined> {
  const { task } = await findTask(deps, appId, id);
  if (task?.status !== "SUCCESS") {
    throw new MjflowError("invalid_request", { detail: "Only a finished task has a seed." });
  }
  if (task.result?.seed !== undefined) return task.result.seed;
  const handle = await findAccountOfTask(deps.providers, task);
  if (!handle || task.vendorTaskId === undefined) return undefined;
  return handle.provider.seed(task.vendorTaskId, handle.config);
}

// ── notify ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Selects the URL that receives the task object: the `notifyHook` of the request, or else the URL of the deployment.
 */
export function createMjHookListener(
  { mjTaskIds, mjNotifyHook }: MjCompatDeps,
  mediaUrl?: (key: string) => string,
): MjHookListener {
  return {
    async hookOf(flow, task) {
      if (task.mjTaskId === undefined) return undefined;
      const pointer = await mjTaskIds.get(flow.appId, task.mjTaskId);
      const url = pointer?.notifyHook ?? mjNotifyHook;
      return pointer && url !== undefined
        ? { url, body: JSON.stringify(mjTaskView(pointer, task, mediaUrl)) }
        : undefined;
    },
  };
}
