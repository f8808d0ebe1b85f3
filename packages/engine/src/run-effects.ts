import { type Slot, slotNameOf } from "@mjflow/core/concurrency-limiter";
import { outgoingArchive, outgoingNotification, outgoingWork } from "@mjflow/core/message";
import type { TaskRef } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
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
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log" | "chain">,
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
    } else if (effect.kind === "release") {
      await releaseSlot(deps, effect.from, task, effect.slot);
    }
  }
}

/**
 * Releases the slot of a task. If this fails, the slot counts as used until a task finds the account full: then the row of its
 * task shows that it is not needed.
 */
export async function releaseSlot(
  { store, log }: Pick<EngineDeps, "store" | "log">,
  { provider, account }: AccountRef,
  task: TaskRef,
  { row, at }: Slot,
): Promise<void> {
  const ref = { provider, account, kind: "tasks" as const, row };
  await store.releaseSlot(ref, slotNameOf(task), at).catch((error: unknown) => {
    log.warn("slot.not-released", { provider, account, flow: task.flowId, path: task.path, error: String(error) });
  });
}
