/**
 * Cancel, resume and retry. After a cancellation nothing more is submitted; tasks that a vendor has run to their end
 * and are recorded. A resume or retry submits failed and canceled tasks again.
 *
 * The flow row is changed first, and the submit worker reads it before each claim. Therefore no later task is
 * submitted, for example a follow-up of a success or a retry after a busy outcome. If the process crashes after that
 * write, only waiting tasks remain, and the submit worker ends each of them when it processes their message.
 */
import { MjflowError } from "@mjflow/core/error";
import { flowStatus, isSuperseded } from "@mjflow/core/flow";
import { parentPath, retryPath } from "@mjflow/core/id";
import { inheritedByRetry } from "@mjflow/core/inherit";
import { REQUEST } from "@mjflow/core/limit";
import { outgoingFanOut } from "@mjflow/core/message";
import { hasAdoptableResult } from "@mjflow/core/state";
import { isEnded, newTask, type Task } from "@mjflow/core/task";
import { adopt, reopenedFlow } from "../callback/adopt.ts";
import type { EngineDeps } from "../deps.ts";
import { getOwnFlow, getOwnTask } from "../read/own.ts";
import { applySignal } from "../step/apply-signal.ts";
import { unstoredFollowUps } from "../step/follow-ups.ts";
import { runEffects } from "../step/run-effects.ts";
import { type FlowWithTasks, updateFlow } from "../step/update-flow.ts";
import { type PressDeps, reserveCreditForPress } from "./press.ts";

// ── cancel ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Cancels a flow. A second call has no effect.
 * @throws MjflowError `not_found`; `wrong_state` if the flow has ended
 */
export async function cancelFlow(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "timings" | "log">,
  appId: string,
  id: string,
): Promise<FlowWithTasks> {
  const canceled = await updateFlow(
    deps.store,
    () => getOwnFlow(deps, appId, id),
    ({ flow, tasks }) => {
      if (flow.canceledAt !== undefined) return undefined;
      if (flowStatus(tasks) !== "running") {
        throw new MjflowError("wrong_state", { detail: "The flow has ended, so it cannot be canceled." });
      }
      return { ...flow, canceledAt: deps.clock.now() };
    },
  );
  // A follow-up without a row would only end when its message comes.
  const open = [...canceled.tasks.filter((each) => !isEnded(each)), ...unstoredFollowUps(deps, canceled.tasks)];
  for (const task of open) {
    await runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
  }
  deps.log.info("flow.canceled", { flow: id, app: appId });
  return getOwnFlow(deps, appId, id);
}

// ── resume and retry ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Failures that would occur again. A resume skips them, because it is meant for the other tasks. A single retry may
 * name any failed task.
 */
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
 * Undoes the cancellation of a flow and retries its tasks that did not succeed. A task with a stored late success adopts
 * it and is not paid again.
 *
 * @throws MjflowError `not_found`; `wrong_state` if there is nothing to resume; `out_of_credit`
 */
export async function resumeFlow(deps: PressDeps, appId: string, id: string): Promise<FlowWithTasks> {
  const before = await getOwnFlow(deps, appId, id);
  const wasCanceled = before.flow.canceledAt !== undefined;
  const adoptable = before.tasks.filter((task) => hasAdoptableResult(task) && !isSuperseded(task, before.tasks));
  const retryable = before.tasks.filter(
    (task) => !adoptable.includes(task) && canRetryAutomatically(task, before.tasks),
  );
  if (!wasCanceled && retryable.length === 0 && adoptable.length === 0) {
    throw new MjflowError("wrong_state", { detail: "The flow has no failed task that a retry could fix." });
  }
  for (const task of adoptable) await runEffects(deps, await adopt(deps, deps.limits, before.flow, task));
  if (wasCanceled || retryable.length > 0) await retryAll(deps, before, retryable);
  deps.log.info("flow.resumed", { flow: id, app: appId, tasks: retryable.length, adopted: adoptable.length });
  return getOwnFlow(deps, appId, id);
}

/**
 * Creates a sibling task with the same press, prompt and plan. `retryOf` of the new task names the failed task, which
 * does not change. A second call for the same task returns the first retry. If a late success of the task is stored, the
 * task adopts it instead, nothing is paid again, and the task itself is returned.
 *
 * @throws MjflowError `not_found`; `wrong_state` if the task has not ended or has succeeded; `limit_reached`; `out_of_credit`
 */
export async function retryTask(deps: PressDeps, appId: string, taskId: string): Promise<Task> {
  const { flow, task } = await getOwnTask(deps, appId, taskId);
  if (!isEnded(task) || task.status === "SUCCESS") {
    throw new MjflowError("wrong_state", { detail: `The task is ${task.status}; only a failed task can be retried.` });
  }
  if (flow.canceledAt !== undefined) {
    throw new MjflowError("wrong_state", { detail: "The flow is canceled. To retry the task, resume the flow first." });
  }
  const { tasks } = await deps.store.loadFlow(flow.id);
  if (hasAdoptableResult(task) && !isSuperseded(task, tasks)) {
    const adopted = await adopt(deps, deps.limits, flow, task);
    await runEffects(deps, adopted);
    return adopted.task;
  }
  const [retry] = await retryAll(deps, { flow, tasks }, [task]);
  deps.log.info("task.retried", { flow: flow.id, path: task.path });
  return retry!;
}

function canRetryAutomatically(task: Task, tasks: readonly Task[]): boolean {
  if (!isEnded(task) || task.status === "SUCCESS" || isSuperseded(task, tasks)) return false;
  return !CODES_NOT_WORTH_RETRY.has(task.failure?.code ?? "") && pathOfRetry(task) !== undefined;
}

/**
 * Writes the task rows first, then the flow, then sends the messages. As soon as a retry is stored, every reader sees
 * the flow as running, whatever status is recorded. The reopened flow gets a due time, so the sweeper records its
 * second end if necessary.
 */
async function retryAll(deps: PressDeps, { flow, tasks }: FlowWithTasks, failed: readonly Task[]): Promise<Task[]> {
  const retries: Task[] = [];
  for (const task of failed) {
    const pathOfParent = parentPath(task.path);
    const parent = tasks.find(({ path }) => path === pathOfParent);
    if (pathOfParent !== undefined && parent?.status !== "SUCCESS") {
      throw new MjflowError("wrong_state", { detail: "The parent task did not succeed. Retry the parent." });
    }
    const child = retryOf(deps, task);
    await reserveCreditForPress(deps, child, flow);
    // A late success can arrive at the same moment. Whichever write is first decides whether the retry is submitted.
    const { task: current } = await applySignal(deps, task, { kind: "retried" });
    if (current.status === "SUCCESS" || hasAdoptableResult(current)) {
      throw new MjflowError("write_conflict", {
        detail:
          "The vendor has reported a late success of the task meanwhile. Send the request again to use its result.",
      });
    }
    const saved = await deps.store.createTask(child);
    retries.push(saved.ok ? saved.item : (saved.current ?? child));
  }
  await updateFlow(
    deps.store,
    () => getOwnFlow(deps, flow.appId, flow.id),
    (whole) => reopenedFlow(deps, whole),
  );
  const waiting = retries.filter((retry) => retry.status === "PENDING");
  if (waiting.length > 0) {
    await deps.queue.send(outgoingFanOut(waiting, deps.fanOut)).catch((error: unknown) => {
      // The tasks are stored, so the response is still 202. When they are due, the sweeper sends the messages again.
      deps.log.error("flow.messages-not-sent", { flow: flow.id, error: String(error) });
    });
  }
  return retries;
}

/** Returns the path of the retry; undefined if the task was retried too often. */
function pathOfRetry({ path }: Task): string | undefined {
  const next = retryPath(path);
  return next !== undefined && next.length <= REQUEST.pathLength ? next : undefined;
}

/** @throws MjflowError `limit_reached` if the task was retried too often */
function retryOf({ clock, timings }: PressDeps, task: Task): Task {
  const path = pathOfRetry(task);
  if (path === undefined) {
    throw new MjflowError("limit_reached", { detail: "The task was retried too often. Start a new flow." });
  }
  return newTask({ ...inheritedByRetry(task), path }, clock.now(), clock.now() + timings.quietMs[task.pace]);
}
