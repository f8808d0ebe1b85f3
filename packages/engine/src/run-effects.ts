import { archiveMessage, notifyMessage, workMessage } from "@mjflow/core/message";
import { type AppliedSignal, effectsOf } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import { startFollowUps } from "./follow-ups.ts";
import { recordFlowEnd } from "./record-flow-end.ts";

/**
 * Carries out what a decision asks for beyond its own row. State first, message second (Q3): a crash before or within
 * leaves a due time that brings the sweeper back to the same effects. `call` and `lookup` are their doors' own work.
 */
export async function runEffects(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  { task, decision }: AppliedSignal,
): Promise<void> {
  for (const effect of effectsOf(decision)) {
    if (effect.kind === "enqueue") {
      await deps.queue.send([{ message: workMessage(task), delayMs: effect.delayMs }]);
    } else if (effect.kind === "follow") {
      await startFollowUps(deps, task);
    } else if (effect.kind === "settle") {
      await recordFlowEnd(deps, task.flowId);
    } else if (effect.kind === "tell") {
      await deps.queue.send([{ message: notifyMessage(task.flowId, task.path) }]);
    } else if (effect.kind === "archive") {
      await deps.queue.send([{ message: archiveMessage(task.flowId, task.path) }]);
    }
  }
}
