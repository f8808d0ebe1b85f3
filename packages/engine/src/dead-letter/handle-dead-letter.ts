/**
 * Handles messages from the dead-letter queue. A message that failed too often ends its task with a typed failure, so
 * that no flow stays unfinished (Q2).
 */
import { failure } from "@mjflow/core/error";
import { parentPath } from "@mjflow/core/id";
import {
  type DeliverMessage,
  type Message,
  type NotifyMessage,
  pathsOf,
  type ReplayMessage,
} from "@mjflow/core/message";
import type { TaskRef } from "@mjflow/core/port";
import { isEnded, type Task } from "@mjflow/core/task";
import { sourcesOf } from "../archive/archive.ts";
import type { EngineDeps } from "../deps.ts";
import { applySignal } from "../step/apply-signal.ts";
import { unstoredFollowUp } from "../step/follow-ups.ts";
import { runEffects } from "../step/run-effects.ts";

type DeadLetterDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "timings" | "log">;

/** @throws if the table fails; the message then stays in the dead-letter queue */
export async function handleDeadLetter(deps: DeadLetterDeps, message: Message): Promise<void> {
  deps.log.count("DeadLetters");
  switch (message.type) {
    case "submit":
      for (const path of pathsOf(message)) await failTask(deps, { flowId: message.flowId, path });
      return;
    case "taken":
      return failTask(deps, message);
    case "archive":
      return skipArchive(deps, message);
    case "tell":
    case "deliver":
    case "replay": {
      // Nothing is lost, only late: the notification, delivery or replay is stored as pending in a row, and its due time
      // sends the message again.
      return deps.log.error("dead-letter.delivery", { at: nameOf(message) });
    }
  }
}

function nameOf(message: NotifyMessage | DeliverMessage | ReplayMessage): string {
  if (message.type === "replay") return message.replayId;
  return message.type === "tell" ? `${message.flowId} ${message.place}` : message.deliveryId;
}

/**
 * Ends the task as failed if nothing else continues it. The message may be an outdated copy: the sweeper sends a new one
 * whenever the task is due. So a task whose due time is ahead, or has just passed, is left to the sweeper. A task that a
 * vendor may already have does not end here either, because it may be paid and its result still counts.
 */
async function failTask(deps: DeadLetterDeps, ref: TaskRef): Promise<void> {
  const task = await taskOrFollowUp(deps, ref);
  if (!task) return deps.log.warn("dead-letter.no-such-task", { flow: ref.flowId, path: ref.path });
  if (isDriven(deps, task)) {
    return deps.log.error("dead-letter.task-continues", { flow: ref.flowId, path: ref.path, status: task.status });
  }
  const applied = await applySignal(deps, task, { kind: "abandon", failure: failure("dead_letter") });
  deps.log.error("dead-letter", { flow: ref.flowId, path: ref.path, status: applied.task.status });
  await runEffects(deps, applied);
}

/** A follow-up without a row is handled as one that waits: the due time of its parent stands for it. */
async function taskOrFollowUp(deps: DeadLetterDeps, { flowId, path }: TaskRef): Promise<Task | undefined> {
  const above = parentPath(path);
  const { tasks } = await deps.store.load(flowId, above === undefined ? [path] : [path, above]);
  const parent = tasks.find((task) => task.path === above);
  const followUp = unstoredFollowUp(deps, parent, path);
  return tasks.find((task) => task.path === path) ?? (followUp && { ...followUp, due: parent?.due });
}

/** True if the sweeper handles the task: its due time is ahead, or passed no longer ago than two runs of the sweeper. */
function isDriven({ clock, timings }: DeadLetterDeps, { due }: Task): boolean {
  return due !== undefined && due + 2 * timings.requeueMs > clock.now();
}

/**
 * Gives up the archiving. Images that could not be copied keep only the vendor's link. A tile that could not be cut
 * fails.
 */
async function skipArchive(deps: DeadLetterDeps, ref: TaskRef): Promise<void> {
  const task = await deps.store.getTask(ref);
  if (!task || !isEnded(task)) return failTask(deps, ref);
  deps.log.error("dead-letter.archive", { flow: ref.flowId, path: ref.path });
  if (!task.pendingEffects?.includes("archive")) return;
  const failures = sourcesOf(task).map((source) => ({ source, code: "unavailable" as const }));
  await runEffects(deps, await applySignal(deps, task, { kind: "archived", copies: [], failures }));
}
