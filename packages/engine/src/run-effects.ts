import { outgoingArchive, outgoingNotification, outgoingWork } from "@mjflow/core/message";
import { type AppliedSignal, effectsOf } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import { startFollowUps } from "./follow-ups.ts";
import { recordFlowEnd } from "./record-flow-end.ts";

/**
 * Runs the effects of a decision after its row was saved. State first, message second (Q3): after a crash before or
 * during this function, the due time brings the sweeper to the same effects. The submit worker itself runs `call`, and
 * the sweeper runs `lookup`.
 */
export async function runEffects(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  { task, decision }: AppliedSignal,
): Promise<void> {
  for (const effect of effectsOf(decision)) {
    if (effect.kind === "enqueue") {
      await deps.queue.send([outgoingWork(task, effect.delayMs)]);
    } else if (effect.kind === "follow") {
      await startFollowUps(deps, task);
    } else if (effect.kind === "settle") {
      await recordFlowEnd(deps, task.flowId);
    } else if (effect.kind === "tell") {
      await deps.queue.send([outgoingNotification(task, task.path)]);
    } else if (effect.kind === "archive") {
      await deps.queue.send([outgoingArchive(task)]);
    } else if (effect.kind === "adopt") {
      // A late success is rare, so its code is not read at every cold start.
      const { adoptLateSuccess } = await import("./adopt.ts");
      await runEffects(deps, await adoptLateSuccess(deps, task));
    }
  }
}
