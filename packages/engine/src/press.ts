/** What an app does to a task by hand: press one of its buttons, or answer its open window. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { promptsIn } from "@mjflow/core/banned";
import { actionOf, type Resolved, resolvePress } from "@mjflow/core/button";
import { usesHolds } from "@mjflow/core/credit";
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { childPath, crockford, parseTaskId, taskIdOf } from "@mjflow/core/id";
import { REQUEST } from "@mjflow/core/limit";
import { workMessage } from "@mjflow/core/message";
import { storedModal, storedPlan } from "@mjflow/core/plan";
import type { Saved } from "@mjflow/core/port";
import { planMicroUsd } from "@mjflow/core/price";
import type { ActionRequest, ModalInput } from "@mjflow/core/request";
import { newTask, type Task } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import type { BannedWordsCheck } from "./banned.ts";
import { type AppLimits, extendHold } from "./credit.ts";
import type { EngineDeps } from "./deps.ts";
import { runEffects } from "./run-effects.ts";

type Offered = Extract<Resolved, { ok: true }>;

export type PressDeps = Pick<EngineDeps, "store" | "queue" | "blobs" | "clock" | "random" | "timings" | "log"> &
  AppLimits & { banned: Pick<BannedWordsCheck, "assertAllowed"> };

/** What is decided before a task is pressed: the facade's number, or an Idempotency-Key, must point to it first. */
export interface ChosenPress {
  /** The last part of its path; drawn where not given. */
  segment?: string;
  mjTaskId?: string;
  /** Who listens to it besides those who listen to its parent, as `HEARS`. */
  eventMask?: number;
}

/**
 * With a segment that was pressed before, answers what came of that.
 *
 * @throws MjflowError not_found; conflict while the task has not succeeded; press_not_offered (422) with `offered`;
 *   banned_prompt.
 */
export async function pressTask(
  deps: PressDeps,
  appId: string,
  taskId: string,
  request: ActionRequest,
  named: ChosenPress = {},
): Promise<Task> {
  const { flow, task: parent } = await getOwnTask(deps, appId, taskId);
  if (flow.canceledAt !== undefined) {
    throw new MjflowError("conflict", { detail: "The flow was canceled: resume it first." });
  }
  await deps.banned.assertAllowed(promptsIn(request));
  const child = await createPressedChild(deps, parent, request, resolveButton(parent, request), named);
  const saved = await startChild(deps, child, flow);
  if (saved.ok) return saved.item;
  const there = saved.current ?? child;
  if (there.status === "PENDING") await sendChild(deps, there);
  return there;
}

/** The last part of a path that no other press has. */
export function newSegment({ random }: Pick<EngineDeps, "random">): string {
  return `m${crockford(random.bytes(5))}`;
}

/** @throws MjflowError conflict while the task has not succeeded; press_not_offered (422) with `offered`. */
export function resolveButton(parent: Task, request: Pick<ActionRequest, "press" | "customId">): Offered {
  if (parent.status !== "SUCCESS") {
    throw new MjflowError("conflict", { detail: `The task is ${parent.status}; only a finished one has buttons.` });
  }
  const resolved = resolvePress((request.press ?? request.customId)!, parent.result?.buttons ?? []);
  if (resolved.ok) return resolved;
  const field = request.press === undefined ? "customId" : "press";
  throw new MjflowError("press_not_offered", { field, extra: { offered: resolved.offered } });
}

/** The task that a press makes, not yet stored; its masks are. @throws MjflowError conflict when it would be too deep */
export async function createPressedChild(
  deps: PressDeps,
  parent: Task,
  request: ActionRequest,
  { name }: Offered,
  named: ChosenPress = {},
): Promise<Task> {
  const path = childPath(parent.path, named.segment ?? newSegment(deps));
  if (path.length > REQUEST.pathLength) {
    throw new MjflowError("conflict", { detail: "The lineage is too deep; start a new flow from this picture." });
  }
  const { then, modal } = await stored(deps, taskIdOf(parent.flowId, path), request);
  const now = deps.clock.now();
  const press = (request.press ?? request.customId)!;
  const action = actionOf(name);
  const pace = action === "VIDEO" ? "video" : parent.pace;
  const { flowId, provider, account, resubmit, archive } = parent;
  const mask = (parent.eventMask ?? 0) | (named.eventMask ?? 0) || undefined;
  return newTask(
    {
      flowId,
      path,
      provider,
      account,
      resubmit,
      eventMask: mask,
      archive,
      press,
      action,
      pace,
      modal,
      then,
      mjTaskId: named.mjTaskId,
    },
    now,
    now + deps.timings.quietMs[pace],
  );
}

/**
 * Not ok: the place is taken, and what stands there is as it was.
 *
 * @throws MjflowError out_of_credit, and nothing is written
 */
export async function startChild(deps: PressDeps, child: Task, flow?: Flow): Promise<Saved<Task>> {
  await reserveCreditForPress(deps, child, flow);
  const saved = await deps.store.createTask(child);
  if (!saved.ok) return saved;
  await sendChild(deps, child);
  deps.log.info("task.pressed", { flow: child.flowId, path: child.path, press: child.press });
  return saved;
}

/** For an app without limits, and a flow that was begun without, there is nothing to do. */
export async function reserveCreditForPress(deps: PressDeps, child: Task, known: Flow | undefined): Promise<void> {
  if (known ? !known.hasCreditHold && !usesHolds(deps.limits) : !usesHolds(deps.limits)) return;
  const flow = known ?? (await deps.store.load(child.flowId, [])).flow;
  if (flow) await extendHold(deps, flow, { path: child.path, micro: planMicroUsd(child, child.then) });
}

async function sendChild(deps: PressDeps, child: Task): Promise<void> {
  await deps.queue.send([{ message: workMessage(child) }]).catch((error: unknown) => {
    // The press is stored, so the answer is still "accepted": a client told otherwise would press, and pay, again.
    deps.log.error("task.message-lost", { flow: child.flowId, path: child.path, error: String(error) });
  });
}

/**
 * Answers a task's window, open or still to open. The same answer given again, by a client that missed ours, is taken
 * once and told so.
 *
 * @throws MjflowError not_found; conflict when the task can have no window, or was answered otherwise; banned_prompt.
 */
export async function answerModal(deps: PressDeps, appId: string, taskId: string, input: ModalInput): Promise<Task> {
  const { task } = await getOwnTask(deps, appId, taskId);
  await deps.banned.assertAllowed(promptsIn(input));
  // Named by its content: an answer that is refused in the end must not stand where the taken one's mask was.
  const { modal = {} } = await stored(deps, `${taskId}_${digest(input.maskBase64 ?? "")}`, { modal: input });
  const applied = await applySignal(deps, task, { kind: "answer", modal });
  if (applied.decision.kind === "ignore") {
    if (isDeepStrictEqual(applied.task.modal, modal)) return applied.task;
    throw new MjflowError("conflict", { detail: `The task is ${applied.task.status} and waits for no answer.` });
  }
  await runEffects(deps, applied);
  return applied.task;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Another app's task does not exist, as far as this one can tell (D6). */
export async function getOwnTask(
  deps: Pick<EngineDeps, "store">,
  appId: string,
  taskId: string,
): Promise<{ flow: Flow; task: Task }> {
  const at = parseTaskId(taskId);
  if (!at) throw new MjflowError("not_found");
  const { flow, tasks } = await deps.store.load(at.flowId, [at.path]);
  if (!flow || flow.appId !== appId || !tasks[0]) throw new MjflowError("not_found");
  return { flow, task: tasks[0] };
}

async function stored(deps: PressDeps, ref: string, request: Pick<ActionRequest, "prompt" | "modal" | "then">) {
  const masks = { ref, images: [] };
  const modal = storedModal(request, masks);
  const then = storedPlan(request.then ?? [], masks);
  if (masks.images.length > 0) await deps.blobs.putInputs(ref, { masks: masks.images });
  return { modal, then: then.length > 0 ? then : undefined };
}
