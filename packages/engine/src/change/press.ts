/** Presses and modal answers that an app sends itself, in addition to its plans. */
import { createHash } from "node:crypto";
import { promptsIn } from "@mjflow/core/banned";
import { actionOf, modalKindOf, type Resolved, resolvePress } from "@mjflow/core/button";
import { usesHolds } from "@mjflow/core/credit";
import { MjflowError } from "@mjflow/core/error";
import { type Flow, flowStatus, nextFlowDue } from "@mjflow/core/flow";
import { childPath, crockford, taskIdOf } from "@mjflow/core/id";
import { inheritedByChild } from "@mjflow/core/inherit";
import { REQUEST } from "@mjflow/core/limit";
import { outgoingWork } from "@mjflow/core/message";
import { fieldOfModal, promptNotTaken, storedModal, storedPlan } from "@mjflow/core/plan";
import type { Saved } from "@mjflow/core/port";
import { planMicroUsd } from "@mjflow/core/price";
import type { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { newTask, type Task } from "@mjflow/core/task";
import { findUnsupportedPress } from "@mjflow/core/vendor-needs";
import type { BannedWordsCheck } from "../create/banned.ts";
import { type InputImageDeps, withMasks } from "../create/input-image.ts";
import type { TranslateDeps, TranslatePress } from "../create/translate.ts";
import { type AppLimits, extendHold } from "../credit/credit.ts";
import type { EngineDeps } from "../deps.ts";
import { getOwnTask } from "../read/own.ts";
import { applySignal } from "../step/apply-signal.ts";
import { runEffects } from "../step/run-effects.ts";
import { updateFlow } from "../step/update-flow.ts";

type ResolvedButton = Extract<Resolved, { ok: true }>;

export type PressDeps = Pick<
  EngineDeps,
  "store" | "queue" | "blobs" | "providers" | "clock" | "random" | "timings" | "log" | "fanOut"
> &
  AppLimits &
  InputImageDeps &
  Pick<TranslateDeps, "translator"> & {
    banned: Pick<BannedWordsCheck, "assertAllowed">;
    /** The default of the app. Unset: prompts are not translated. */
    translate?: boolean;
  };

/**
 * Values that are chosen before the child is created, because a compat task id or an Idempotency-Key must point to the
 * child first.
 */
export interface ChosenPress {
  /** Last segment of the child's path; unset: random. */
  segment?: string;
  /** An earlier request may have stored the child. */
  resumed?: boolean;
  mjTaskId?: string;
  /** Event mask of subscribers in addition to those of the parent; unset: none. */
  eventMask?: number;
}

/**
 * Presses a button. If a child with the chosen segment exists, that child is returned.
 *
 * @throws MjflowError `not_found`; `wrong_state` while the task has not succeeded; `press_not_offered` (422) with
 *   `offered`; `invalid_request` for a prompt that the button never takes; `image_rejected` for a mask; `press_unsupported` with the field in `then`; `limit_reached`; `banned_prompt`; the errors of a translation (translate.ts)
 */
export async function pressTask(
  deps: PressDeps,
  appId: string,
  taskId: string,
  sent: ActionRequest,
  chosen: ChosenPress = {},
): Promise<Task> {
  const { flow, task: parent } = await getOwnTask(deps, appId, taskId);
  assertNotCanceled(flow);
  await deps.banned.assertAllowed(promptsIn(sent));
  const button = resolveButton(parent, sent);
  const stored = chosen.resumed ? await storedChild(deps, parent, chosen) : undefined;
  if (stored) {
    await resendPending(deps, stored);
    return stored;
  }
  const request = await withMasks(deps, appId, sent);
  const hasModal = request.prompt !== undefined || request.modal !== undefined;
  if (hasModal && modalKindOf(button.name) === "never") {
    throw promptNotTaken(fieldOfModal(request), (request.press ?? request.customId)!);
  }
  await assertPlanSupported(deps, parent, button, request);
  const child = await createPressedChild(deps, parent, request, button, chosen);
  const saved = await startChild(deps, child, flow);
  if (saved.ok) return saved.item;
  const existing = saved.current ?? child;
  await resendPending(deps, existing);
  return existing;
}

/** The child that an earlier request stored. It is not translated again. */
async function storedChild({ store }: PressDeps, parent: Task, { segment }: ChosenPress): Promise<Task | undefined> {
  if (segment === undefined) return undefined;
  return (await store.load(parent.flowId, [childPath(parent.path, segment)])).tasks[0];
}

/** Loads the code with the first translation: most presses have none. */
async function translatorOfPress(
  deps: PressDeps,
  { translate = deps.translate ?? false, ...request }: Pick<ActionRequest, "prompt" | "modal" | "then" | "translate">,
  earlier?: ReadonlyMap<string, string>,
): Promise<TranslatePress> {
  if (!translate) return (stored) => stored;
  const { translatePress } = await import("../create/translate.ts");
  return translatePress(deps, request, earlier);
}

/** Sends the message of an existing child again. The request that stored the child may have crashed before it sent it. */
export async function resendPending(deps: Pick<PressDeps, "queue" | "log">, child: Task): Promise<void> {
  if (child.status === "PENDING") await sendChild(deps, child);
}

/** @throws MjflowError `wrong_state` if the flow is canceled: a press on it would never be submitted */
export function assertNotCanceled(flow: Flow): void {
  if (flow.canceledAt === undefined) return;
  throw new MjflowError("wrong_state", { detail: "The flow is canceled. To press a button, resume the flow first." });
}

/** Returns a new path segment that no other press has. */
export function newSegment({ random }: Pick<EngineDeps, "random">): string {
  return `m${crockford(random.bytes(5))}`;
}

/** @throws MjflowError `wrong_state` while the task has not succeeded; `press_not_offered` (422) with `offered` */
export function resolveButton(parent: Task, request: Pick<ActionRequest, "press" | "customId">): ResolvedButton {
  if (parent.status !== "SUCCESS") {
    throw new MjflowError("wrong_state", {
      detail: `The task is ${parent.status}; only a successful task has buttons.`,
    });
  }
  const resolved = resolvePress((request.press ?? request.customId)!, parent.result?.buttons ?? []);
  if (resolved.ok) return resolved;
  const field = request.press === undefined ? "customId" : "press";
  throw new MjflowError("press_not_offered", { field, extra: { offered: resolved.offered } });
}

/**
 * Rejects a plan below a press that the vendor of the task can never carry out. An unknown vendor rejects nothing here.
 * @throws MjflowError `press_unsupported` with the field in the plan
 */
async function assertPlanSupported(
  { providers }: PressDeps,
  { provider }: Task,
  { name }: ResolvedButton,
  { then = [] }: ActionRequest,
): Promise<void> {
  if (then.length === 0) return;
  await providers.refresh?.();
  const vendor = providers.get(provider);
  const unsupported = vendor && findUnsupportedPress(then, vendor.provider.capabilities, name);
  if (!unsupported) return;
  const { field, press } = unsupported;
  const detail = `${field}: ${provider} can never press "${press}".`;
  throw new MjflowError("press_unsupported", { field, detail, extra: { press, provider } });
}

/**
 * Builds the child task of a press. Its masks are stored here, the task is not.
 * @throws MjflowError `limit_reached` if the path would be too long
 */
export async function createPressedChild(
  deps: PressDeps,
  parent: Task,
  request: ActionRequest,
  { name }: ResolvedButton,
  chosen: ChosenPress = {},
): Promise<Task> {
  const path = childPath(parent.path, chosen.segment ?? newSegment(deps));
  if (path.length > REQUEST.pathLength) {
    throw new MjflowError("limit_reached", { detail: "The lineage is too deep. Start a new flow from this image." });
  }
  const translated = await translatorOfPress(deps, request);
  const { then, modal } = translated(await storeMasks(deps, taskIdOf(parent.flowId, path), request));
  const now = deps.clock.now();
  const press = (request.press ?? request.customId)!;
  const action = actionOf(name);
  const pace = action === "VIDEO" ? "video" : parent.pace;
  const eventMask = (parent.eventMask ?? 0) | (chosen.eventMask ?? 0) || undefined;
  const own = { path, press, action, pace, modal, then, eventMask, mjTaskId: chosen.mjTaskId };
  return newTask({ ...inheritedByChild(parent), ...own }, now, now + deps.timings.quietMs[pace]);
}

/**
 * Stores the child and sends its message. If the path is taken, the result is not ok and the existing task does not
 * change.
 *
 * @throws MjflowError `out_of_credit`; nothing is written in this case
 */
export async function startChild(deps: PressDeps, child: Task, flow?: Flow): Promise<Saved<Task>> {
  await reserveCreditForPress(deps, child, flow);
  const saved = await deps.store.createTask(child);
  if (!saved.ok) return saved;
  // A credit hold has marked the flow already.
  if (!usesHolds(deps.limits)) await markReopened(deps, child, flow);
  await sendChild(deps, child);
  deps.log.info("task.pressed", { flow: child.flowId, path: child.path, press: child.press });
  return saved;
}

/**
 * Records that a press reopened an ended flow, because lists read no tasks. The flow gets a due time, so that the sweeper records
 * the second end if necessary. A running flow is read again after the press is stored, because its end is often recorded while an app
 * reacts to a webhook. If an end is recorded at the moment of the press, the flow is listed with its earlier status: no rule depends on it.
 */
async function markReopened(deps: PressDeps, { flowId, path }: Task, known?: Flow): Promise<void> {
  const { store, clock, timings, log } = deps;
  try {
    const hadEnded = known !== undefined && known.status !== "running";
    const flow = hadEnded ? known : (await store.load(flowId, [])).flow;
    if (flow === undefined || flow.status === "running" || flow.reopened) return;
    const read = async () => {
      const { flow: stored, tasks } = await store.loadFlow(flowId);
      return stored && { flow: stored, tasks };
    };
    await updateFlow(store, read, ({ flow: stored, tasks }) => {
      if (stored.status === "running" || stored.reopened || flowStatus(tasks) !== "running") return undefined;
      return { ...stored, reopened: true, due: stored.due ?? nextFlowDue(stored, tasks, clock.now(), timings) };
    });
  } catch (error) {
    // The press is stored and runs. Only lists are wrong until it has ended.
    log.error("flow.not-marked", { flow: flowId, path, error: String(error) });
  }
}

/** Extends the credit hold for a child. Does nothing for an app without limits if the flow has no hold. */
export async function reserveCreditForPress(deps: PressDeps, child: Task, known: Flow | undefined): Promise<void> {
  if (known ? !known.hasCreditHold && !usesHolds(deps.limits) : !usesHolds(deps.limits)) return;
  const flow = known ?? (await deps.store.load(child.flowId, [])).flow;
  if (flow) await extendHold(deps, flow, { path: child.path, micro: planMicroUsd(child, child.then) });
}

async function sendChild(deps: Pick<PressDeps, "queue" | "log">, child: Task): Promise<void> {
  await deps.queue.send([outgoingWork(child)]).catch((error: unknown) => {
    // The press is stored, so the response is still 202. After an error the client would press again and pay again.
    deps.log.error("task.message-not-sent", { flow: child.flowId, path: child.path, error: String(error) });
  });
}

/**
 * Gives the modal answer for a task whose modal is open or may still open. If a client repeats the same answer because
 * it missed our response, the answer is applied once and the task is returned.
 *
 * @throws MjflowError `not_found`; `wrong_state` if the task cannot have a modal or got a different answer;
 *   `banned_prompt`; the errors of a translation (translate.ts)
 */
export async function answerModal(deps: PressDeps, appId: string, taskId: string, sent: ModalRequest): Promise<Task> {
  const { task } = await getOwnTask(deps, appId, taskId);
  await deps.banned.assertAllowed(promptsIn(sent));
  const input = await withMasks(deps, appId, sent);
  const { translate, ...answer } = input;
  // A repetition of the answer has the same translation.
  const { prompt, originalPrompt } = task.modal ?? {};
  const earlier =
    prompt !== undefined && originalPrompt !== undefined ? new Map([[originalPrompt, prompt]]) : undefined;
  const translated = await translatorOfPress(deps, { ...answer, translate }, earlier);
  // The stored mask is named by its content. A rejected answer must not overwrite the mask of an accepted one.
  const ref = `${taskId}_${digest(input.maskBase64 ?? "")}`;
  const { modal = {} } = translated(await storeMasks(deps, ref, { modal: answer }));
  const applied = await applySignal(deps, task, { kind: "answer", modal });
  if (applied.decision.kind === "ignore") {
    if (process.getBuiltinModule("node:util").isDeepStrictEqual(applied.task.modal, modal)) return applied.task;
    throw new MjflowError("wrong_state", {
      detail: `The task is ${applied.task.status} and is not waiting for a modal answer.`,
    });
  }
  await runEffects(deps, applied);
  return applied.task;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

async function storeMasks(deps: PressDeps, ref: string, request: Pick<ActionRequest, "prompt" | "modal" | "then">) {
  const masks = { ref, images: [] };
  const modal = storedModal(request, masks);
  const then = storedPlan(request.then ?? [], masks);
  if (masks.images.length > 0) await deps.blobs.putInputs(ref, { masks: masks.images });
  return { modal, then: then.length > 0 ? then : undefined };
}
