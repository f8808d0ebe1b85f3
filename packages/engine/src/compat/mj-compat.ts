/**
 * The steps of the compat API: requests of midjourney-proxy clients, executed by the same engine. A compat task id is
 * stored before its task. Therefore every task of the compat API can be read by its client.
 *
 * MC1  The compat task id is written before its flow or child. If the task is never written, the id is not found after
 *      `POINTER_WAIT_MS`.
 * MC2  The same press request creates one child only, because clients repeat requests that got no response. A request is a
 *      repetition if it arrives before the child is stored, or within `REPEAT_MS` after that.
 * MC3  The compat task id of another app does not exist for the caller, like a task of another app (D6).
 */
import { createHash } from "node:crypto";
import { promptsIn } from "@mjflow/core/banned";
import { needsModal, resolvePress } from "@mjflow/core/button";
import { MjflowError } from "@mjflow/core/error";
import { COMPAT_EVENTS, eventMaskOf } from "@mjflow/core/event";
import { type Flow, vendorActionOf } from "@mjflow/core/flow";
import { childPath, crockford, ROOT_PATH, taskIdOf } from "@mjflow/core/id";
import { type MjTaskPointer, mjTaskIdOf } from "@mjflow/core/mj-task";
import type { ActionRequest, FlowRequest, ModalInput } from "@mjflow/core/request";
import { isEnded, type Task } from "@mjflow/core/task";
import { checkProvider } from "../account/account-selection.ts";
import {
  answerModal,
  assertNotCanceled,
  createPressedChild,
  type PressDeps,
  resendPending,
  resolveButton,
  startChild,
} from "../change/press.ts";
import {
  type ChosenIds,
  type CreateFlowDeps,
  createFlow,
  type FlowDefaults,
  newFlowId,
  vendorNeedsOf,
} from "../create/create.ts";
import { withMasks } from "../create/input-image.ts";
import type { EngineDeps } from "../deps.ts";
import { type FoundMjTask, findTask, type MjCompatDeps, type MjReadDeps } from "./mj-read.ts";

/**
 * Time in which equal press requests count as one, ms. It is longer than a client waits before it repeats a lost
 * request, and shorter than the time after which a person repeats a press on purpose.
 */
const REPEAT_MS = 10_000;
/** Each app has 1,000 ids per millisecond. More misses in a row mean that something else is wrong. */
const MAX_ID_TRIES = 50;

/** Fields of a request that apply to its own task only, whatever the root of its flow has. */
export interface MjRequestFields {
  state?: string;
  notifyHook?: string;
}

// ── create ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * @param keyed flow id that is stored with the request's Idempotency-Key; unset: the request has no key
 * @throws MjflowError `invalid_request` with the field; `overloaded`
 */
export async function submitMjRoot(
  deps: CreateFlowDeps & MjCompatDeps,
  appId: string,
  request: FlowRequest,
  own: MjRequestFields,
  defaults: FlowDefaults,
  keyed: Required<Pick<ChosenIds, "flowId" | "resumed">> = { flowId: newFlowId(deps), resumed: false },
): Promise<MjTaskPointer> {
  const { flowId, resumed } = keyed;
  const action = request.action ?? "imagine";
  // These checks come before the id is allocated, so that a rejected request uses no id.
  await deps.providers.refresh?.();
  checkProvider(deps, request.provider ?? defaults.defaultProvider, vendorNeedsOf(request));
  await deps.banned.assertAllowed(promptsIn(request));
  const earlier = resumed ? await findRootPointer(deps, appId, flowId) : undefined;
  const pointer =
    earlier ??
    (await allocateMjTaskId(deps, {
      appId,
      flowId,
      path: ROOT_PATH,
      action: vendorActionOf(action),
      prompt: request.prompt,
      botType: request.botType,
      ...own,
    }));
  // Clients of midjourney-proxy poll the progress or receive it by `notifyHook`, so progress is always stored.
  const flowRequest = { ...request, state: own.state, progress: true };
  await deletingUnused(deps, pointer, () =>
    createFlow(deps, appId, flowRequest, defaults, {
      flowId,
      resumed,
      mjTaskId: pointer.id,
      eventMask: ownEventMask(deps, own),
    }),
  );
  return pointer;
}

/**
 * Returns the compat task id of a flow that an earlier request with the same Idempotency-Key created.
 * @throws MjflowError `not_found` also for a flow of another app (D6)
 */
export async function findMjRoot(deps: MjReadDeps, appId: string, flowId: string): Promise<MjTaskPointer> {
  const pointer = await findRootPointer(deps, appId, flowId);
  if (!pointer) throw new MjflowError("not_found");
  return pointer;
}

async function findRootPointer({ store, mjTaskIds }: MjReadDeps, appId: string, flowId: string) {
  const { tasks } = await store.load(flowId, [ROOT_PATH]);
  return tasks[0]?.mjTaskId === undefined ? undefined : mjTaskIds.get(appId, tasks[0].mjTaskId);
}

export interface MjPressResult {
  pointer: MjTaskPointer;
  /** The prompt that a modal of this press shows; unset if the press opens none or the prompt is unknown. */
  finalPrompt?: string;
}

export interface MjPressOptions {
  /** When the request arrived, epoch ms, read once before any other step. */
  arrivedAt: number;
  /** Path segment that is stored with the request's Idempotency-Key. The key then decides what a repetition is. */
  segment?: string | undefined;
}

/**
 * @throws MjflowError `not_found`; `wrong_state` while the parent has not succeeded, or if the flow is canceled;
 *   `press_not_offered`
 */
export async function pressMjButton(
  deps: PressDeps & MjCompatDeps,
  appId: string,
  taskId: string,
  sent: Pick<ActionRequest, "press" | "customId" | "modal">,
  own: MjRequestFields,
  { arrivedAt, segment: keyed }: MjPressOptions,
): Promise<MjPressResult> {
  const found = await findTask(deps, appId, taskId);
  const parent = storedTask(found);
  const button = resolveButton(parent, sent);
  await deps.banned.assertAllowed(promptsIn(sent));
  const request = await withMasks(deps, appId, sent);
  const segmentAt = (n: number) => keyed ?? pressSegment(request, own, n);
  const { flow, last, next } = await findPresses(deps, parent, request, segmentAt, keyed === undefined ? undefined : 1);
  const existingResult = async (child: Task) => {
    await resendPending(deps, child);
    return pressResult(deps, appId, parent, child);
  };
  if (last && (keyed !== undefined || isRepetition(last, arrivedAt))) return existingResult(last);
  // A repetition of an accepted press gets its id even after the cancellation. A new press would never be submitted.
  if (flow) assertNotCanceled(flow);

  const { label, emoji, customId } = button.button;
  for (let n = next; n < next + MAX_ID_TRIES; n++) {
    const segment = segmentAt(n);
    const pointer = await allocateMjTaskId(deps, {
      appId,
      flowId: parent.flowId,
      path: childPath(parent.path, segment),
      action: "ACTION",
      prompt: found.pointer.prompt ?? parent.result?.prompt,
      description: `/up ${found.pointer.id} ${label || emoji || customId}`,
      botType: found.pointer.botType,
      awaitsModalAnswer: (alwaysOpensModal(button.name) && !request.modal) || undefined,
      ...own,
    });
    const mjTaskId = pointer.id;
    const started = await deletingUnused(deps, pointer, async () => {
      const child = await createPressedChild(deps, parent, request, button, {
        segment,
        mjTaskId,
        eventMask: ownEventMask(deps, own),
      });
      return startChild(deps, child, flow);
    });
    if (started.ok) return { pointer, finalPrompt: finalPromptOf(parent, button.name) };
    await deps.mjTaskIds.delete(pointer);
    if (!started.current) throw new MjflowError("overloaded");
    // The child did not exist when this request looked for it. So both requests were on their way at the same time, and
    // the stored child is the one of this press. A slow table or a failure of the child since then changes nothing.
    if (isPressOf(started.current, request)) return existingResult(started.current);
  }
  throw new MjflowError("overloaded", { detail: "No free path below the task." });
}

/**
 * Returns the result of a press that an earlier request with the same Idempotency-Key made.
 * @throws MjflowError `not_found`
 */
export async function findMjPress(
  deps: MjReadDeps,
  appId: string,
  taskId: string,
  segment: string,
): Promise<MjPressResult> {
  const parent = storedTask(await findTask(deps, appId, taskId));
  const { tasks } = await deps.store.load(parent.flowId, [childPath(parent.path, segment)]);
  if (!tasks[0]) throw new MjflowError("not_found");
  return pressResult(deps, appId, parent, tasks[0]);
}

function storedTask({ task }: FoundMjTask): Task {
  if (task) return task;
  throw new MjflowError("overloaded", {
    detail: "The task was submitted a moment ago and is not stored yet. Send the request again.",
  });
}

async function pressResult({ mjTaskIds }: MjCompatDeps, appId: string, parent: Task, child: Task) {
  const { flowId, path, mjTaskId: id = taskIdOf(flowId, path), createdAt } = child;
  const pointer = (await mjTaskIds.get(appId, id)) ?? { appId, id, rev: 0, flowId, path, action: "ACTION", createdAt };
  const resolved = resolvePress(child.press ?? "", parent.result?.buttons ?? []);
  return { pointer, finalPrompt: finalPromptOf(parent, resolved.ok ? resolved.name : undefined) };
}

/**
 * The text result of describe or shorten is no prompt: the modal shows the prompt of the chosen number. Not every server
 * tells the final prompt, and a client needs some prompt for its modal answer.
 */
function finalPromptOf({ result }: Task, buttonName: string | undefined): string | undefined {
  return needsModal(buttonName) ? (result?.finalPrompt ?? result?.promptEn ?? result?.prompt) : undefined;
}

/**
 * Runs the work that stores the task of an id. A rejected request leaves no id behind. After any other error the task may
 * be stored, so the id stays.
 */
async function deletingUnused<T>(
  { mjTaskIds }: MjCompatDeps,
  pointer: MjTaskPointer,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // After a failed translation nothing is stored either.
    const isRejected = error instanceof MjflowError && (error.status < 500 || error.code === "translation_failed");
    if (isRejected) await mjTaskIds.delete(pointer).catch(() => {});
    throw error;
  }
}

/** @throws MjflowError `not_found`; `wrong_state` if the task cannot have a modal or got a different modal answer */
export async function answerMjModal(
  deps: PressDeps & MjCompatDeps,
  appId: string,
  taskId: string,
  input: ModalInput,
): Promise<MjTaskPointer> {
  const found = await findTask(deps, appId, taskId);
  const task = storedTask(found);
  await answerModal(deps, appId, taskIdOf(task.flowId, task.path), input);
  return found.pointer;
}

/**
 * Returns true for presses that open a modal on every account. For other presses it depends on the remix setting of the
 * account (docs/protocol.md 4.4).
 */
function alwaysOpensModal(name: string | undefined): boolean {
  return needsModal(name) || /^(?:describe|shorten):\d$/.test(name ?? "");
}

function ownEventMask({ mjNotifyHook }: MjCompatDeps, { notifyHook }: MjRequestFields): number | undefined {
  return notifyHook === undefined && mjNotifyHook === undefined ? undefined : eventMaskOf(COMPAT_EVENTS);
}

// ── repeated presses (MC2) ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * Returns the last path segment of the `n`-th press with this request, from 0. Every request finds the children of equal
 * requests under these segments, in their order, without a look at the clock. The conditional put of the child decides
 * which of two requests makes the `n`-th press. A segment is a hash of five characters, because paths are part of callback
 * tokens and lineages can be deep.
 */
function pressSegment(request: object, own: MjRequestFields, n: number): string {
  const text = JSON.stringify([request, own.state, own.notifyHook, n]);
  return `m${crockford(createHash("sha256").update(text).digest().subarray(0, 5)).slice(0, 5)}`;
}

/** Number of presses in the first read. Each further read is twice as large, up to the maximum. */
const PRESSES_READ = { first: 2, max: 64 };

/**
 * Reads the children of equal press requests in their order.
 * @param limit number of segments; unset: as many as there are presses
 * @returns `last`: the newest such child; `next`: the number of the first free segment
 */
async function findPresses(
  { store }: Pick<EngineDeps, "store">,
  parent: Task,
  request: PressedButton,
  segmentAt: (n: number) => string,
  limit = Number.POSITIVE_INFINITY,
): Promise<{ flow: Flow | undefined; last: Task | undefined; next: number }> {
  let last: Task | undefined;
  for (let from = 0, size = PRESSES_READ.first; ; from += size, size = Math.min(2 * size, PRESSES_READ.max)) {
    const numbers = Array.from({ length: Math.min(size, limit - from) }, (_, i) => from + i);
    const pathAt = (n: number) => childPath(parent.path, segmentAt(n));
    const { flow, tasks } = await store.load(parent.flowId, numbers.map(pathAt));
    const byPath = new Map(tasks.map((task) => [task.path, task]));
    const free = numbers.find((n) => !byPath.has(pathAt(n)));
    last =
      numbers
        .slice(0, free === undefined ? undefined : free - from)
        .map((n) => byPath.get(pathAt(n))!)
        .findLast((task) => isPressOf(task, request)) ?? last;
    if (free !== undefined || from + size >= limit) return { flow, last, next: free ?? limit };
  }
}

type PressedButton = Pick<ActionRequest, "press" | "customId">;

/** Returns true unless another request has the same hash. */
function isPressOf(child: Task, { press, customId }: PressedButton): boolean {
  return child.mjTaskId !== undefined && child.press === (press ?? customId);
}

/**
 * Returns true if a request that arrived at `arrivedAt` repeats the request that made this child. A client that presses
 * again after it could see a failure wants a new task.
 */
function isRepetition(child: Task, arrivedAt: number): boolean {
  const hadFailed = isEnded(child) && child.status !== "SUCCESS" && (child.endedAt ?? 0) <= arrivedAt;
  return arrivedAt - child.createdAt < REPEAT_MS && !hadFailed;
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
      id: mjTaskIdOf(createdAt, (high * 256 + low + i) % 1_000, mjTaskIds.isSpread),
      rev: 0,
      createdAt,
    };
    if (await mjTaskIds.create(pointer)) return pointer;
  }
  throw new MjflowError("overloaded", { detail: "No free compat task id." });
}
