import { archiveMessage, notifyMessage, workMessage } from "@mjflow/core/message";
import { type Applied, effectsOf } from "./apply.ts";
import type { Deps } from "./deps.ts";
import { follow } from "./follow.ts";
import { settle } from "./settle.ts";

/**
 * Carries out what a decision asks for beyond its own row. State first, message second (Q3): a crash before or within
 * leaves a due time that brings the sweeper back to the same effects. `call` and `lookup` are their doors' own work.
 */
export async function perform(
  deps: Pick<Deps, "store" | "queue" | "clock" | "timings" | "log">,
  { task, decision }: Applied,
): Promise<void> {
  for (const effect of effectsOf(decision)) {
    if (effect.kind === "enqueue") {
      await deps.queue.send([{ message: workMessage(task), delayMs: effect.delayMs }]);
    } else if (effect.kind === "follow") {
      await follow(deps, task);
    } else if (effect.kind === "settle") {
      await settle(deps, task.flowId);
    } else if (effect.kind === "tell") {
      await deps.queue.send([{ message: notifyMessage(task.flowId, task.path) }]);
    } else if (effect.kind === "archive") {
      await deps.queue.send([{ message: archiveMessage(task.flowId, task.path) }]);
    }
  }
}
