/** Follow-ups: a success starts the presses that the plan has for it. A second run starts nothing twice (T3, P4). */
import { actionOfPress } from "@mjflow/core/button";
import { childPath } from "@mjflow/core/id";
import { inheritedByChild } from "@mjflow/core/inherit";
import { outgoingFanOut, workQueueOf } from "@mjflow/core/message";
import { hasOwnDueEntry, newTask, type Task } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import { isChainOver } from "./chain.ts";
import type { EngineDeps } from "./deps.ts";

/**
 * Stores a task for each planned press, sends their messages in one batch, and completes the pending effect of the
 * parent last. After a crash at any earlier point the parent, a child or the flow is still due, and the sweeper runs this
 * function or submits the child. A parent without an own due entry needs no write: its effect is complete when its children
 * exist (`needsFlowDue`).
 */
export async function startFollowUps(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log" | "chain" | "fanOut">,
  parent: Task,
): Promise<void> {
  try {
    const children = await Promise.all(plannedChildren(parent, deps).map((child) => deps.store.createTask(child)));
    const waiting = children
      .map((saved) => (saved.ok ? saved.item : saved.current))
      // Children of an earlier run may have advanced already. A message for them would have no effect.
      .filter((child) => child?.status === "PENDING") as Task[];
    if (waiting.length > 0) await deps.queue.send(outgoingFanOut(waiting, deps.fanOut));
    if (hasOwnDueEntry(parent)) await applySignal(deps, parent, { kind: "followUpsStarted" });
    deps.log.count("FollowUps", waiting.length);
  } catch (error) {
    await hastenFollowUps(deps, parent).catch(() => {});
    throw error;
  }
}

/** The due time of the flow stands for the follow-ups, and it can be minutes ahead. After an error they are due soon. */
async function hastenFollowUps(
  { store, clock, timings }: Pick<EngineDeps, "store" | "clock" | "timings">,
  parent: Task,
): Promise<void> {
  const due = clock.now() + timings.effectsMs;
  // A write conflict is ignored: the earlier due time stays.
  if (parent.due !== undefined && parent.due > due) await store.saveTask({ ...parent, due, flowDue: 0 });
}

function plannedChildren(parent: Task, deps: Pick<EngineDeps, "clock" | "timings" | "chain">): Task[] {
  const { clock, timings } = deps;
  const now = clock.now();
  return (parent.then ?? []).map((node, i) => {
    const action = actionOfPress(node.press);
    const pace = action === "VIDEO" ? "video" : parent.pace;
    const path = childPath(parent.path, i);
    // A child that gets no message is due at once, with its own entry in the due index.
    const chainOver = isChainOver(deps, workQueueOf({ action }));
    const due = chainOver ? now : now + timings.quietMs[pace];
    const flowDue = chainOver || parent.flowDue === undefined ? undefined : due;
    return newTask({ ...inheritedByChild(parent), ...node, path, action, pace, flowDue }, now, due);
  });
}
