/**
 * The facade's steps: what a midjourney-proxy client asks for, done by the same engine. A number is drawn and points to
 * its task before the task is made, so that none is ever made that its client cannot ask for.
 *
 *   F1  A number is written before its flow or child is; one whose task never came is not found after `POINTER_WAIT_MS`.
 *   F2  The same press by the same words within `REPEAT_MS` is one press: clients retry what they got no answer to.
 *   F3  Another app's number, like another app's task, does not exist (D6).
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

/** A number whose task is not there yet is one that is being made; after this, one that was never made. */
const POINTER_WAIT_MS = 10_000;
/** Longer than a client waits before it sends a lost request again, shorter than a person means the same press twice. */
const REPEAT_MS = 10_000;
/** A thousand numbers for each millisecond and app: more misses than this in a row mean that something else is wrong. */
const MAX_ID_TRIES = 50;

export interface MjCompatDeps {
  mjTaskIds: MjTaskIdStore;
  /** The stage has a hook of its own for tasks that name none. */
  mjNotifyHook?: string;
}

/** What a request says of its own task, whatever its flow's root said. */
export interface MjRequestFields {
  state?: string;
  notifyHook?: string;
}

export interface FoundMjTask {
  pointer: MjTaskPointer;
  /** Undefined: drawn a moment ago, and not stored yet. */
  task: Task | undefined;
}

// ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws MjflowError invalid_request naming the field; overloaded */
export async function submitMjRoot(
  deps: CreateFlowDeps & MjCompatDeps,
  appId: string,
  request: FlowRequest,
  own: MjRequestFields,
  defaults: FlowDefaults,
): Promise<MjTaskPointer> {
  const action = request.action ?? "imagine";
  // Before a number is given away for nothing.
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
  // Its client asks for the progress, or is posted it: both are what these servers do.
  const asked = { ...request, state: own.state, progress: true };
  await createFlow(deps, appId, asked, defaults, { flowId, mjTaskId: pointer.id, eventMask: ownEventMask(deps, own) });
  return pointer;
}

export interface MjPressResult {
  pointer: MjTaskPointer;
  /** What a window opened by this press would hold. */
  finalPrompt?: string;
}

/**
 * @throws MjflowError not_found, conflict while the parent has not succeeded, press_not_offered
 */
export async function pressMjButton(
  deps: PressDeps & MjCompatDeps,
  appId: string,
  taskId: string,
  request: Pick<ActionRequest, "press" | "customId" | "modal">,
  own: MjRequestFields,
): Promise<MjPressResult> {
  const found = await findTask(deps, appId, taskId);
  const parent = found.task;
  if (!parent) throw new MjflowError("conflict", { detail: "The task has only just been submitted." });
  const button = resolveButton(parent, request);
  await deps.banned.assertAllowed(promptsIn(request));
  // The text of a describe or shorten is no prompt: its window holds the one of the number pressed.
  const finalPrompt = needsModal(button.name) ? parent.result?.finalPrompt : undefined;
  const [segment, before] = pathSegmentsOf(request, own, deps.clock.now());
  const earlier = await findRepeatedPress(deps, appId, parent, [segment, before]);
  if (earlier) return { pointer: earlier, finalPrompt };

  let place = segment;
  for (let i = 0; i < MAX_ID_TRIES; i++) {
    const path = childPath(parent.path, place);
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
      segment: place,
      mjTaskId: pointer.id,
      eventMask: mask,
    });
    const started = await startChild(deps, child);
    if (started.ok) return { pointer, finalPrompt };
    // A twin of this request was first; or one that has failed already, or another press, stands there.
    await deps.mjTaskIds.delete(pointer);
    const twin = await findRepeatedPress(deps, appId, parent, [place]);
    if (twin) return { pointer: twin, finalPrompt };
    place = `m${crockford(deps.random.bytes(5))}`;
  }
  throw new MjflowError("overloaded", { detail: "No free place below the task." });
}

/** @throws MjflowError not_found; conflict when the task can have no window, or was answered otherwise */
export async function answerMjModal(
  deps: PressDeps & MjCompatDeps,
  appId: string,
  taskId: string,
  input: ModalInput,
): Promise<MjTaskPointer> {
  const { pointer, task } = await findTask(deps, appId, taskId);
  if (!task) throw new MjflowError("conflict", { detail: "The task has only just been submitted." });
  await answerModal(deps, appId, taskIdOf(task.flowId, task.path), input);
  return pointer;
}

/** Always, that is: whether others do depends on the account's remix (docs/protocol.md 4.4). */
function alwaysOpensModal(name: string | undefined): boolean {
  return needsModal(name) || /^(?:describe|shorten):\d$/.test(name ?? "");
}

function ownEventMask({ mjNotifyHook }: MjCompatDeps, { notifyHook }: MjRequestFields): number | undefined {
  return notifyHook === undefined && mjNotifyHook === undefined ? undefined : eventMaskOf(EVENT_TYPES);
}

// ── the same press again (F2) ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Where this press stands below its parent, now, and where it stood in the span of time before: named by what was asked,
 * so that asking it twice meets itself. Five characters: paths travel in hook tokens, and a lineage may be long.
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
  // One that has failed is not what a client that presses again wants to be told of.
  const recent = tasks.find(
    (task) =>
      task.mjTaskId && clock.now() - task.createdAt < REPEAT_MS && (!isEnded(task) || task.status === "SUCCESS"),
  );
  return recent && (await mjTaskIds.get(appId, recent.mjTaskId!));
}

// ── numbers ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @throws MjflowError overloaded when no number is free, or the table is */
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
  throw new MjflowError("overloaded", { detail: "No free task number." });
}

// ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

type MjReadDeps = Pick<EngineDeps, "store" | "clock"> & MjCompatDeps;

/** By its number, or by the id it has in the native API. @throws MjflowError not_found */
export async function findTask(deps: MjReadDeps, appId: string, id: string): Promise<FoundMjTask> {
  if (!isMjTaskId(id)) return findNative(deps, appId, id);
  const pointer = await deps.mjTaskIds.get(appId, id);
  const found = pointer && (await resolvePointer(deps, pointer));
  if (!found) throw new MjflowError("not_found");
  return found;
}

/** Those that exist, newest first. */
export async function findTasks(deps: MjReadDeps, appId: string, ids: readonly string[]): Promise<FoundMjTask[]> {
  const numbers = ids.filter(isMjTaskId);
  const others = [...new Set(ids)].filter((id) => !isMjTaskId(id));
  const pointed = async () => resolvePointers(deps, await deps.mjTaskIds.getMany(appId, numbers));
  const native = () =>
    mapInBatches(others, (id) =>
      findNative(deps, appId, id).catch((error: unknown) => {
        if (error instanceof MjflowError && error.code === "not_found") return undefined;
        throw error;
      }),
    );
  const found = (await Promise.all([pointed(), native()])).flat().filter((one) => one !== undefined);
  return found.sort((a, b) => b.pointer.createdAt - a.pointer.createdAt);
}

/** The app's newest, newest first. */
export async function latestTasks(deps: MjReadDeps, appId: string, limit: number): Promise<FoundMjTask[]> {
  return resolvePointers(deps, await deps.mjTaskIds.latest(appId, limit));
}

async function resolvePointers(deps: MjReadDeps, pointers: readonly MjTaskPointer[]): Promise<FoundMjTask[]> {
  return (await mapInBatches(pointers, (pointer) => resolvePointer(deps, pointer))).filter(
    (found) => found !== undefined,
  );
}

/** F1. */
async function resolvePointer({ store, clock }: MjReadDeps, pointer: MjTaskPointer): Promise<FoundMjTask | undefined> {
  const task = await store.getTask(pointer);
  return task || clock.now() - pointer.createdAt < POINTER_WAIT_MS ? { pointer, task } : undefined;
}

/** Shown under the id that was asked for: a client that asked for it looks for it in the answer. */
async function findNative(deps: MjReadDeps, appId: string, id: string): Promise<FoundMjTask> {
  const { flow, task } = await getOwnTask(deps, appId, id);
  const drawn = task.mjTaskId === undefined ? undefined : await deps.mjTaskIds.get(appId, task.mjTaskId);
  return { pointer: { ...(drawn ?? plainPointer(flow, task)), id }, task };
}

/** For a task that no facade request made. */
function plainPointer(flow: Flow, task: Task): Omit<MjTaskPointer, "id"> {
  const { flowId, path, action, createdAt, press } = task;
  const { appId, prompt, botType, state } = flow;
  const description = press === undefined ? undefined : `/up ${press}`;
  return { appId, rev: 0, flowId, path, action, prompt, description, botType, state, createdAt };
}

const BATCH_SIZE = 25;

/** In order, some at once: a table has its limits too. */
async function mapInBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let i = 0; i < items.length; i += BATCH_SIZE) {
    done.push(...(await Promise.all(items.slice(i, i + BATCH_SIZE).map(work))));
  }
  return done;
}

/**
 * The picture's seed, asked of the vendor where the task has not told it. Undefined: the vendor has no such thing.
 * @throws MjflowError not_found, invalid_request before the end; LookupError
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
  const at = await findAccountOfTask(deps.providers, task);
  if (!at || task.vendorTaskId === undefined) return undefined;
  return at.provider.seed(task.vendorTaskId, at.config);
}

// ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where the task object is posted: to the address the request named, else to the stage's own. */
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

/** True for a task that is waiting for its turn, as a queue's list shows them. */
export function isQueued({ task }: FoundMjTask): boolean {
  return task === undefined || (!isEnded(task) && task.submittedAt === undefined);
}
