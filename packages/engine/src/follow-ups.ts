/** Follow-ups: a success starts what the plan presses on it. Run twice it starts nothing twice (T3, P4). */
import { actionOf, canonicalPress } from "@mjflow/core/button";
import { childPath } from "@mjflow/core/id";
import { workMessage } from "@mjflow/core/message";
import { newTask, type Task } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";

/**
 * Stores a task for each planned press, sends them in one batch, and only then lets go of the parent's due time: a crash
 * at any point before is found by the sweeper, which comes here again.
 */
export async function startFollowUps(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  parent: Task,
): Promise<void> {
  const children = await Promise.all(plannedChildren(parent, deps).map((child) => deps.store.createTask(child)));
  const waiting = children
    .map((saved) => (saved.ok ? saved.item : saved.current))
    // One that was started by an earlier run may be far ahead by now; its message would be a no-op.
    .filter((child) => child?.status === "PENDING")
    .map((child) => ({ message: workMessage(child!) }));
  if (waiting.length > 0) await deps.queue.send(waiting);
  await applySignal(deps, parent, { kind: "followUpsStarted" });
  deps.log.count("FollowUps", waiting.length);
}

function plannedChildren(parent: Task, { clock, timings }: Pick<EngineDeps, "clock" | "timings">): Task[] {
  const now = clock.now();
  return (parent.then ?? []).map((node, i) => {
    const action = actionOf(canonicalPress(node.press));
    const pace = action === "VIDEO" ? "video" : parent.pace;
    const { flowId, provider, account, resubmit, eventMask, archive } = parent;
    const path = childPath(parent.path, i);
    const due = now + timings.quietMs[pace];
    const flowDue = parent.flowDue === undefined ? undefined : due;
    return newTask(
      { flowId, provider, account, resubmit, eventMask, archive, ...node, path, action, pace, flowDue },
      now,
      due,
    );
  });
}
