import { type Slot, slotNameOf } from "@mjflow/core/concurrency-limiter";
import { isNotifiedByFlow } from "@mjflow/core/delivery-log";
import { outgoingArchive, outgoingNotification, outgoingWork } from "@mjflow/core/message";
import type { TaskRef } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { hastenFlow, holdNotifications } from "../event/notification-batch.ts";
import { addToWaitList, wakeWaitList } from "../submit/wait-list.ts";
import { type AppliedSignal, effectsOf } from "./apply-signal.ts";
import { startFollowUps } from "./follow-ups.ts";
import { recordFlowEnd } from "./record-flow-end.ts";

/**
 * Runs the effects of a decision after its row was saved. State first, message second (Q3): after a crash before or
 * during this function, the due time brings the sweeper to the same effects. The submit worker itself runs `call`, and
 * the sweeper runs `lookup`.
 */
export async function runEffects(deps: EffectDeps, applied: AppliedSignal): Promise<void> {
  if (effectsOf(applied.decision).length === 0) return;
  const batch = holdNotifications(deps);
  try {
    await runEach(batch.deps, applied);
  } finally {
    await batch.send();
  }
}

type EffectDeps = Pick<
  EngineDeps,
  "store" | "queue" | "clock" | "random" | "timings" | "log" | "chain" | "fanOut" | "holdsNotifications"
>;

async function runEach(deps: EffectDeps, { task, decision }: AppliedSignal): Promise<void> {
  for (const effect of effectsOf(decision)) {
    switch (effect.kind) {
      case "enqueue":
        await deps.queue.send([outgoingWork(task, effect.delayMs)]);
        break;
      case "follow":
        await startFollowUps(deps, task);
        break;
      case "settle":
        await recordFlowEnd(deps, task.flowId);
        break;
      case "tell":
        await sendNotification(deps, task, effect.events);
        break;
      case "archive":
        await deps.queue.send([outgoingArchive(task)]);
        break;
      case "adopt": {
        // A late success is rare, so its code is not read at every cold start.
        const { adoptLateSuccess } = await import("../callback/adopt.ts");
        await runEffects(deps, await adoptLateSuccess(deps, task));
        break;
      }
      case "release":
        await releaseSlot(deps, effect.from, task, effect.slot);
        break;
      case "wait":
        await addToWaitList(deps, task);
        break;
      case "call":
      case "lookup":
        // The submit worker and the sweeper read these from the decision: only they have the parts for it.
        break;
      default:
        effect satisfies never;
    }
  }
}

/**
 * Releases the slot of a task, and wakes the tasks that wait for one. If this fails, the slot counts as used until a task
 * finds the account full. Then the row of its task shows that it is not needed.
 */
export async function releaseSlot(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log" | "chain">,
  { provider, account }: AccountRef,
  task: TaskRef,
  { row, at }: Slot,
): Promise<void> {
  const ref = { provider, account, kind: "tasks" as const, row };
  try {
    await deps.store.releaseSlot(ref, slotNameOf(task), at);
    await wakeWaitList(deps, ref);
  } catch (error) {
    const at = { provider, account, flow: task.flowId, path: task.path };
    deps.log.warn("slot.not-released", { ...at, error: String(error) });
  }
}

/**
 * With a delivery log the flow's due time stands for the notification, and it can be minutes ahead. If the queue rejects the
 * message, the flow becomes due soon instead.
 */
async function sendNotification(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  task: Task,
  events: readonly string[] | undefined,
): Promise<void> {
  try {
    await deps.queue.send([outgoingNotification(task, task.path, events)]);
  } catch (error) {
    if (isNotifiedByFlow(task)) await hastenFlow(deps, task.flowId).catch(() => {});
    throw error;
  }
}
