/**
 * The steps of the compat API: requests of midjourney-proxy clients, executed by the same engine. A compat task id is
 * stored before its task. Therefore every task of the compat API can be read by its client.
 *
 * MC1  The compat task id is written before its flow or child. If the task is never written, the id is not found after
 *      `POINTER_WAIT_MS`.
 * MC2  The same press request within `REPEAT_MS` creates one child only, because clients repeat requests that got no
 *      response.
 * MC3  The compat task id of another app does not exist for the caller, like a task of another app (D6).
 */
import { createHash } from "node:crypto";
import { promptsIn } from "@mjflow/core/banned";
import { needsModal } from "@mjflow/core/button";
import { MjflowError } from "@mjflow/core/error";
import { EVENT_TYPES, eventMaskOf } from "@mjflow/core/event";
import { type Flow, vendorActionOf } from "@mjflow/core/flow";
import { childPath, crockford, flowIdOf, ROOT_PATH, taskIdOf } from "@mjflow/core/id";
import { isMjTaskId, type MjTaskIdStore, type MjTaskPointer, mjTaskIdOf, mjTaskView } from "@mjflow/core/mj-task";
import type { ActionRequest, FlowRequest, ModalInput } from "@mjflow/core/request";
import { isEnded, type Task } from "@mjflow/core/task";
import { checkProvider, findAccountOfTask } from "./account-selection.ts";
import { type CreateFlowDeps, createFlow, type FlowDefaults } from "./create.ts";
import type { MjHookListener } from "./deliver.ts";
import type { EngineDeps } from "./deps.ts";
import { answerModal, createPressedChild, getOwnTask, type PressDeps, resolveButton, startChild } from "./press.ts";

/** Time in which an id without a task is treated as being created, ms. After that the id is not found. */
const POINTER_WAIT_MS = 10_000;
/**
 * Time in which equal press requests count as one, ms. It is longer than a client waits before it repeats a lost
 * request, and shorter than the time after which a person repeats a press on purpose.
 */
const REPEAT_MS = 10_000;
/** Each app has 1,000 ids per millisecond. More misses in a row mean that something else is wrong. */
const MAX_ID_TRIES = 50;

export interface MjCompatDeps {
  mjTaskIds: MjTaskIdStore;
  /** URL that receives the changes of tasks whose request names no `notifyHook`; unset: none. */
  mjNotifyHook?: string;
}

/** Fields of a request that apply to its own task only, whatever the root of its flow has. */
export interface MjRequestFields {
  state?: string;
  notifyHook?: string;
}

export interface FoundMjTask {
  pointer: MjTaskPointer;
  /** Undefined if the id was created a moment ago and the task is not stored yet. */
  task: Task | undefined;
}

// ── create ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws MjflowError `invalid_request` with the field; `overloaded` */
export async function submitMjRoot(
  deps: CreateFlowDeps & MjCompatDeps,
  appId: string,
  request: FlowRequest,
  own: MjRequestFields,
  defaults: FlowDefaults,
): Promise<MjTaskPointer> {
  const action = request.action ?? "imagine";
  // These checks come before the id is allocated, so that a rejected request uses no id.
  await deps.providers.refresh?.();
  checkProvider(deps, request.provider ?? defaults.defaultProvider, action);
  await deps.banned.assertAllowed(promptsIn(request));
  const flowId = flowIdOf(deps.clock.now(), deps.random.bytes(10));
  const pointer = await allocateMjTaskId(deps, {
    appId,
    flowId,
    path: ROOT_PATH,
    action: vendorActionOf(action),
    prompt: request.prompt,
    botType: request.botType,
    ...own,
  });
  // Clients of midjourney-proxy poll the progress or receive it by `notifyHook`, so progress is always stored.
  const flowRequest = { ...request, state: own.state, progress: true };
  await createFlow(deps, appId, flowRequest, defaults, {
    flowId,
    mjTaskId: pointer.id,
    eventMask: ownEventMask(deps, own),
  });
  return pointer;
}

export interface MjPressResult {
  pointer: MjTaskPointer;
  /** The prompt that a modal of this press shows; unset if the press opens none or the prompt is unknown. */
  finalPrompt?: string;
}

/** @throws MjflowError `not_found`; `conflict` while the parent has not succeeded; `press_not_offered` */
export async function pressMjButton(
  deps: PressDeps & MjCompatDeps,
  appId: string,
  taskId: string,
  request: Pick<ActionRequest, "press" | "customId" | "modal">,
  own: MjRequestFields,
): Promise<MjPressResult> {
  const found = await findTask(deps, appId, taskId);
  const parent = found.task;
  if (!parent)
    throw new MjflowError("conflict", {
      detail: "The task was submitted a moment ago and is not stored yet. Send the request again.",
    });
  const button = resolveButton(parent, request);
  await deps.banned.assertAllowed(promptsIn(request));
  // The text result of describe or shorten is no prompt: the modal shows the prompt of the chosen number.
  const finalPrompt = needsModal(button.name) ? parent.result?.finalPrompt : undefined;
  const [segment, previousSegment] = pathSegmentsOf(request, own, deps.clock.now());
  const earlier = await findRepeatedPress(deps, appId, parent, [segment, previousSegment]);
  if (earlier) return { pointer: earlier, finalPrompt };

  let current = segment;
  for (let i = 0; i < MAX_ID_TRIES; i++) {
    const path = childPath(parent.path, current);
    const { label, emoji, customId } = button.button;
    const pointer = await allocateMjTaskId(deps, {
      appId,
      flowId: parent.flowId,
      path,
      action: "ACTION",
      prompt: found.pointer.prompt ?? parent.result?.prompt,
      description: `/up ${found.pointer.id} ${label || emoji || customId}`,
      botType: found.pointer.botType,
      awaitsModalAnswer: (alwaysOpensModal(button.name) && !request.modal) || undefined,
      ...own,
    });
    const mask = ownEventMask(deps, own);
    const child = await createPressedChild(deps, parent, request, button, {
      segment: current,
      mjTaskId: pointer.id,
      eventMask: mask,
    });
    const started = await startChild(deps, child);
    if (started.ok) return { pointer, finalPrompt };
    // The path is taken: by the same request sent a second time, by an earlier child that has failed, or by another
    // press.
    await deps.mjTaskIds.delete(pointer);
    const repeated = await findRepeatedPress(deps, appId, parent, [current]);
    if (repeated) return { pointer: repeated, finalPrompt };
    current = `m${crockford(deps.random.bytes(5))}`;
  }
  throw new MjflowError("overloaded", { detail: "No free path below the task." });
}

/** @throws MjflowError `not_found`; `conflict` if the task cannot have a modal or got a different modal answer */
export async function answerMjModal(
  deps: PressDeps & MjCompatDeps,
  appId: string,
  taskId: string,
  input: ModalInput,
): Promise<MjTaskPointer> {
  const { pointer, task } = await findTask(deps, appId, taskId);
  if (!task)
    throw new MjflowError("conflict", {
      detail: "The task was submitted a moment ago and is not stored yet. Send the request again.",
    });
  await answerModal(deps, appId, taskIdOf(task.flowId, task.path), input);
  return pointer;
}

/**
 * Returns true for presses that open a modal on every account. For other presses it depends on the remix setting of the
 * account (docs/protocol.md 4.4).
 */
function alwaysOpensModal(name: string | undefined): boolean {
  return needsModal(name) || /^(?:describe|shorten):\d$/.test(name ?? "");
}

function ownEventMask({ mjNotifyHook }: MjCompatDeps, { notifyHook }: MjRequestFields): number | undefined {
  return notifyHook === undefined && mjNotifyHook === undefined ? undefined : eventMaskOf(EVENT_TYPES);
}

// ── repeated presses (MC2) ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * Returns the last path segment for this press in the current time span and in the span before it. The segment is a
 * hash of the request, so a repeated request finds the child of the first one. It has five characters, because paths
 * are part of callback tokens and lineages can be deep.
 */
function pathSegmentsOf(request: object, own: MjRequestFields, now: number): [now: string, before: string] {
  const span = Math.floor(now / REPEAT_MS);
  const nameOfSpan = (n: number) => {
    const text = JSON.stringify([request, own.state, own.notifyHook, n]);
    return `m${crockford(createHash("sha256").update(text).digest().subarray(0, 5)).slice(0, 5)}`;
  };
  return [nameOfSpan(span), nameOfSpan(span - 1)];
}

async function findRepeatedPress(
  { store, mjTaskIds, clock }: Pick<EngineDeps, "store" | "clock"> & MjCompatDeps,
  appId: string,
  parent: Task,
  segments: readonly string[],
): Promise<MjTaskPointer | undefined> {
  const paths = segments.map((segment) => childPath(parent.path, segment));
  const { tasks } = await store.load(parent.flowId, paths);
  // A failed child is skipped: a client that presses again wants a new task.
  const recent = tasks.find(
    (task) =>
      task.mjTaskId && clock.now() - task.createdAt < REPEAT_MS && (!isEnded(task) || task.status === "SUCCESS"),
  );
  return recent && (await mjTaskIds.get(appId, recent.mjTaskId!));
}

// ── compat task ids ────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws MjflowError `overloaded` if no id is free or the table is overloaded */
async function allocateMjTaskId(
  { mjTaskIds, clock, random }: Pick<EngineDeps, "clock" | "random"> & MjCompatDeps,
  fields: Omit<MjTaskPointer, "id" | "rev" | "createdAt">,
): Promise<MjTaskPointer> {
  const createdAt = clock.now();
  for (let i = 0; i < MAX_ID_TRIES; i++) {
    const [high, low] = random.bytes(2) as unknown as [number, number];
    const pointer: MjTaskPointer = {
      ...fields,
      id: mjTaskIdOf(createdAt, (high * 256 + low + i) % 1_000),
      rev: 0,
      createdAt,
    };
    if (await mjTaskIds.create(pointer)) return pointer;
  }
  throw new MjflowError("overloaded", { detail: "No free compat task id." });
}

// ── read ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type MjReadDeps = Pick<EngineDeps, "store" | "clock"> & MjCompatDeps;

/**
 * Finds a task by its compat task id or by its id of the native API.
 * @throws MjflowError `not_found`
 */
export async function findTask(deps: MjReadDeps, appId: string, id: string): Promise<FoundMjTask> {
  if (!isMjTaskId(id)) return findNative(deps, appId, id);
  const pointer = await deps.mjTaskIds.get(appId, id);
  const found = pointer && (await resolvePointer(deps, pointer));
  if (!found) throw new MjflowError("not_found");
  return found;
}

/** Returns the tasks that exist, newest first. */
export async function findTasks(deps: MjReadDeps, appId: string, ids: readonly string[]): Promise<FoundMjTask[]> {
  const compatIds = ids.filter(isMjTaskId);
  const others = [...new Set(ids)].filter((id) => !isMjTaskId(id));
  const byCompatId = async () => resolvePointers(deps, await deps.mjTaskIds.getMany(appId, compatIds));
  const byNativeId = () =>
    mapInBatches(others, (id) =>
      findNative(deps, appId, id).catch((error: unknown) => {
        if (error instanceof MjflowError && error.code === "not_found") return undefined;
        throw error;
      }),
    );
  const found = (await Promise.all([byCompatId(), byNativeId()])).flat().filter((task) => task !== undefined);
  return found.sort((a, b) => b.pointer.createdAt - a.pointer.createdAt);
}

/** Returns the newest tasks of the app, newest first. */
export async function latestTasks(deps: MjReadDeps, appId: string, limit: number): Promise<FoundMjTask[]> {
  return resolvePointers(deps, await deps.mjTaskIds.latest(appId, limit));
}

async function resolvePointers(deps: MjReadDeps, pointers: readonly MjTaskPointer[]): Promise<FoundMjTask[]> {
  return (await mapInBatches(pointers, (pointer) => resolvePointer(deps, pointer))).filter(
    (found) => found !== undefined,
  );
}

/** MC1. */
async function resolvePointer({ store, clock }: MjReadDeps, pointer: MjTaskPointer): Promise<FoundMjTask | undefined> {
  const task = await store.getTask(pointer);
  return task || clock.now() - pointer.createdAt < POINTER_WAIT_MS ? { pointer, task } : undefined;
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

/** Returns true for a task that was not submitted yet, as the queue list shows it. */
export function isQueued({ task }: FoundMjTask): boolean {
  return task === undefined || (!isEnded(task) && task.submittedAt === undefined);
}
