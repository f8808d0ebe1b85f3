/**
 * A flow called off, and gone on with. Called off: nothing more is submitted, what a vendor has runs to its end and is
 * recorded. Gone on with: what failed, or was called off, is tried again.
 *
 * The flow's row says so first, and the submit worker reads it before each claim: so nothing that comes later, a follow-up
 * of a success or a busy vendor's second try, slips through, and a crash after that write leaves nothing undone but tasks
 * that the worker will end when it meets them.
 */
import { MjflowError } from "@mjflow/core/error";
import { type Flow, flowStatus, isSuperseded, nextFlowDue } from "@mjflow/core/flow";
import { isFlowId, parentPath, retryPath } from "@mjflow/core/id";
import { REQUEST } from "@mjflow/core/limit";
import { workMessage } from "@mjflow/core/message";
import { isEnded, newTask, type Task } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import { getOwnTask, type PressDeps, reserveCreditForPress } from "./press.ts";
import { runEffects } from "./run-effects.ts";

export interface FlowWithTasks {
  flow: Flow;
  tasks: Task[];
}

const MAX_CONFLICT_RETRIES = 20;

/** @throws MjflowError not_found, also for another app's flow: for this one it does not exist */
export async function getOwnFlow(deps: Pick<EngineDeps, "store">, appId: string, id: string): Promise<FlowWithTasks> {
  if (!isFlowId(id)) throw new MjflowError("not_found");
  const { flow, tasks } = await deps.store.loadFlow(id);
  if (!flow || flow.appId !== appId) throw new MjflowError("not_found");
  return { flow, tasks };
}

// ── calling off ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Done twice it is done once. @throws MjflowError not_found; conflict when it has ended */
export async function cancelFlow(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  appId: string,
  id: string,
): Promise<FlowWithTasks> {
  const canceled = await updateFlowWithRetry(deps, appId, id, ({ flow, tasks }) => {
    if (flow.canceledAt !== undefined) return undefined;
    if (flowStatus(tasks) !== "running") {
      throw new MjflowError("conflict", { detail: "The flow has ended; there is nothing to cancel." });
    }
    return { ...flow, canceledAt: deps.clock.now() };
  });
  for (const task of canceled.tasks.filter((one) => !isEnded(one))) {
    await runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
  }
  deps.log.info("flow.canceled", { flow: id, app: appId });
  return getOwnFlow(deps, appId, id);
}

// ── going on ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Failures that would only come again: a flow is gone on with for the sake of the others. By hand each can be retried. */
const CODES_NOT_WORTH_RETRY: ReadonlySet<string> = new Set([
  "banned_prompt",
  "invalid_prompt",
  "press_not_offered",
  "press_ambiguous",
  "press_doubled",
  "parent_failed",
  "unsupported",
]);

/**
 * Takes back that it was called off, and retries what did not succeed.
 *
 * @throws MjflowError not_found; conflict when there is nothing to go on with; out_of_credit
 */
export async function resumeFlow(deps: PressDeps, appId: string, id: string): Promise<FlowWithTasks> {
  const before = await getOwnFlow(deps, appId, id);
  const wasCanceled = before.flow.canceledAt !== undefined;
  const again = before.tasks.filter((task) => canRetryAutomatically(task, before.tasks));
  if (!wasCanceled && again.length === 0) {
    throw new MjflowError("conflict", { detail: "Nothing in the flow has failed that could succeed if tried again." });
  }
  await retryAll(deps, before, again);
  deps.log.info("flow.resumed", { flow: id, app: appId, tasks: again.length });
  return getOwnFlow(deps, appId, id);
}

/**
 * The task once more, with the same press, prompt and plan, as a sibling of its own: `retryOf` names the one that failed,
 * which stays as it is. Asked twice it is retried once.
 *
 * @throws MjflowError not_found; conflict unless it has ended without success; out_of_credit
 */
export async function retryTask(deps: PressDeps, appId: string, taskId: string): Promise<Task> {
  const { flow, task } = await getOwnTask(deps, appId, taskId);
  if (!isEnded(task) || task.status === "SUCCESS") {
    throw new MjflowError("conflict", { detail: `The task is ${task.status}; only one that failed is tried again.` });
  }
  if (flow.canceledAt !== undefined) {
    throw new MjflowError("conflict", { detail: "The flow was canceled: resume it." });
  }
  const { tasks } = await deps.store.loadFlow(flow.id);
  const [retry] = await retryAll(deps, { flow, tasks }, [task]);
  deps.log.info("task.retried", { flow: flow.id, path: task.path });
  return retry!;
}

function canRetryAutomatically(task: Task, tasks: readonly Task[]): boolean {
  if (!isEnded(task) || task.status === "SUCCESS" || isSuperseded(task, tasks)) return false;
  return !CODES_NOT_WORTH_RETRY.has(task.failure?.code ?? "") && retryPath(task.path) !== undefined;
}

/**
 * Rows first, then the flow, then the messages: while a retry stands there the flow is running for every reader, whatever
 * is recorded; and the flow's due time, set with its reopening, sees to its second end.
 */
async function retryAll(deps: PressDeps, { flow, tasks }: FlowWithTasks, again: readonly Task[]): Promise<Task[]> {
  const retries: Task[] = [];
  for (const task of again) {
    const parentAt = parentPath(task.path);
    const parent = tasks.find(({ path }) => path === parentAt);
    if (parentAt !== undefined && parent?.status !== "SUCCESS") {
      throw new MjflowError("conflict", { detail: "The task it follows did not succeed: retry that one." });
    }
    const child = retryOf(deps, task);
    await reserveCreditForPress(deps, child, flow);
    const saved = await deps.store.createTask(child);
    retries.push(saved.ok ? saved.item : (saved.current ?? child));
  }
  await updateFlowWithRetry(deps, flow.appId, flow.id, (whole) => reopenFlow(deps, whole));
  const waiting = retries.filter((retry) => retry.status === "PENDING");
  if (waiting.length > 0) {
    await deps.queue.send(waiting.map((retry) => ({ message: workMessage(retry) }))).catch((error: unknown) => {
      // Stored, so the answer is still "accepted": their due times bring the sweeper.
      deps.log.error("flow.messages-lost", { flow: flow.id, error: String(error) });
    });
  }
  return retries;
}

/** @throws MjflowError conflict when it was retried too often for its place to have a name */
function retryOf({ clock, timings }: PressDeps, task: Task): Task {
  const path = retryPath(task.path);
  if (path === undefined || path.length > REQUEST.pathLength) {
    throw new MjflowError("conflict", { detail: "It was tried too often; start a new flow." });
  }
  const { flowId, action, provider, account, pace, press, inputsRef, modal, then, resubmit, eventMask, archive } = task;
  const same = { flowId, action, provider, account, pace, press, inputsRef, modal, then, resubmit, eventMask, archive };
  return newTask({ ...same, path }, clock.now(), clock.now() + timings.quietMs[pace]);
}

function reopenFlow({ clock, timings }: PressDeps, { flow, tasks }: FlowWithTasks): Flow | undefined {
  if (flow.status === "running" && flow.canceledAt === undefined) return undefined;
  const ends = flow.status === "running" ? flow.endCount : (flow.endCount ?? 0) + 1;
  const running = { status: "running" as const, endedAt: undefined, canceledAt: undefined };
  const settled = { pendingEffects: undefined, reopened: undefined };
  return { ...flow, ...running, ...settled, endCount: ends, due: nextFlowDue(flow, tasks, clock.now(), timings) };
}

/** Under the flow's revision; asked anew when another writer was first. @returns the flow as it is then */
async function updateFlowWithRetry(
  deps: Pick<EngineDeps, "store">,
  appId: string,
  id: string,
  to: (whole: FlowWithTasks) => Flow | undefined,
): Promise<FlowWithTasks> {
  for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
    const whole = await getOwnFlow(deps, appId, id);
    const next = to(whole);
    if (!next) return whole;
    const saved = await deps.store.saveFlow(next);
    if (saved.ok) return { ...whole, flow: saved.item };
  }
  throw new MjflowError("overloaded", { detail: "Too many writers on one flow." });
}
