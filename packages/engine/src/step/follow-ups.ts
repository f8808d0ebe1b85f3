/** Follow-ups: a success starts the presses that the plan has for it. A second run starts nothing twice (T3, P4). */
import { actionOfPress } from "@mjflow/core/button";
import { childPath } from "@mjflow/core/id";
import { inheritedByChild } from "@mjflow/core/inherit";
import { outgoingFanOut, workQueueOf } from "@mjflow/core/message";
import type { Press } from "@mjflow/core/plan";
import { hasOwnDueEntry, newTask, type Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { applySignal } from "./apply-signal.ts";
import { isChainOver } from "./chain.ts";

/**
 * Starts each planned press, with one batch of messages. While the due time of the flow covers the parent, the row of the
 * parent is the record of its follow-ups. The submit worker stores each of them together with its claim (`unstoredFollowUp`), which
 * saves a write. If the message is lost, the sweeper finds the parent with its flow (`needsFlowDue`).
 *
 * Otherwise each follow-up is stored before its message, and the pending effect of the parent is completed last. After a crash at
 * any point the parent, a child or the flow is still due, and the sweeper runs this function or submits the child.
 */
export async function startFollowUps(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log" | "chain" | "fanOut">,
  parent: Task,
): Promise<void> {
  try {
    const planned = plannedChildren(parent, deps);
    const unstored = planned.filter((child) => isStoredByWorker(deps, parent, child));
    const stored = await Promise.all(
      planned.filter((child) => !unstored.includes(child)).map((child) => deps.store.createTask(child)),
    );
    const waiting = stored
      .map((saved) => (saved.ok ? saved.item : saved.current))
      // Children of an earlier run may have advanced already. A message for them would have no effect.
      .filter((child) => child?.status === "PENDING") as Task[];
    const started = [...unstored, ...waiting];
    if (started.length > 0) await deps.queue.send(outgoingFanOut(started, deps.fanOut));
    if (hasOwnDueEntry(parent)) await applySignal(deps, parent, { kind: "followUpsStarted" });
    deps.log.count("FollowUps", started.length);
  } catch (error) {
    await hastenFollowUps(deps, parent).catch(() => {});
    throw error;
  }
}

/**
 * True if the row of the parent is enough until the submit worker claims the follow-up. A version that sends a message for each
 * press may run beside one that does not know follow-ups without a row.
 */
function isStoredByWorker(deps: Pick<EngineDeps, "chain" | "fanOut">, parent: Task, child: Task): boolean {
  const isCovered = parent.due !== undefined && !hasOwnDueEntry(parent);
  return isCovered && deps.fanOut !== "each" && workQueueOf(child) === "submit" && !isChainOver(deps, "submit");
}

/**
 * Returns the follow-up at the path if its parent has succeeded and plans it. It has no row yet, so its first change stores it
 * (`applySignal`). It was created when its parent ended: that is the same for every worker, and its waiting time counts from there.
 */
export function unstoredFollowUp(
  { clock, timings }: Pick<EngineDeps, "clock" | "timings">,
  parent: Task | undefined,
  path: string,
): Task | undefined {
  if (parent?.status !== "SUCCESS") return undefined;
  const { then = [], endedAt } = parent;
  const index = then.findIndex((_, i) => childPath(parent.path, i) === path);
  const press = then[index];
  // The caller handles the message of the follow-up, so it needs no other one, even at the end of a chain.
  return press && { ...plannedChild({ clock, timings }, parent, press, index), ...(endedAt && { createdAt: endedAt }) };
}

/** Returns the follow-ups of the successes among the tasks that have no row yet. */
export function unstoredFollowUps(deps: Pick<EngineDeps, "clock" | "timings">, tasks: readonly Task[]): Task[] {
  const paths = new Set(tasks.map(({ path }) => path));
  return tasks.flatMap((parent) => {
    const planned = (parent.then ?? []).map((_, i) => childPath(parent.path, i)).filter((path) => !paths.has(path));
    return planned.flatMap((path) => unstoredFollowUp(deps, parent, path) ?? []);
  });
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
  return (parent.then ?? []).map((node, i) => plannedChild(deps, parent, node, i));
}

function plannedChild(
  deps: Pick<EngineDeps, "clock" | "timings" | "chain">,
  parent: Task,
  node: Press,
  index: number,
): Task {
  const now = deps.clock.now();
  const action = actionOfPress(node.press);
  const pace = action === "VIDEO" ? "video" : parent.pace;
  const path = childPath(parent.path, index);
  // A child that gets no message is due at once, with its own entry in the due index.
  const chainOver = isChainOver(deps, workQueueOf({ action }));
  const due = chainOver ? now : now + deps.timings.quietMs[pace];
  const flowDue = chainOver || parent.flowDue === undefined ? undefined : due;
  return newTask({ ...inheritedByChild(parent), ...node, path, action, pace, flowDue }, now, due);
}
