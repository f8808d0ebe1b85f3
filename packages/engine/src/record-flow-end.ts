/**
 * Records the end of a flow, once. The process that endCount the last task calls it. Readers do not depend on the record:
 * they compute the status from the tasks (`flowStatus` in core/flow.ts).
 */
import { FLOW_SUBJECT, isSubscribed } from "@mjflow/core/event";
import { type Flow, flowStatus, rootOf } from "@mjflow/core/flow";
import { outgoingNotification } from "@mjflow/core/message";
import { mayRestart } from "@mjflow/core/restart";
import { settleCredit } from "./credit.ts";
import type { EngineDeps } from "./deps.ts";

/**
 * Two tasks can end at the same time. Each process saves its task before it reads here, and the read is consistent, so
 * at least one of them sees both tasks ended. If both processes crash before this read, the sweeper records the end
 * when the flow's due time has passed.
 *
 * @returns true if the flow has ended, now or earlier
 */
export async function recordFlowEnd(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  flowId: string,
): Promise<boolean> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow) return false;
  const status = flowStatus(tasks);
  // A press or a retry reopened the flow. Its new costs are settled when the flow has ended again.
  if (status === "running") return flow.status !== "running" && !flow.reopened;
  // We settle the credit before we record the end. After a crash between the two steps, the next run finds the hold
  // already settled.
  if (flow.hasCreditHold && !(await settleCredit(deps, flow, tasks))) return false;
  if (flow.status === status) {
    // The due time is removed, except if the notification of the end is still pending.
    if (flow.reopened)
      await deps.store.saveFlow({ ...flow, reopened: undefined, due: flow.pendingEffects ? flow.due : undefined });
    return true;
  }
  const now = deps.clock.now();
  // A retry whose flow could not be reopened has changed the recorded end, so this is another end.
  const endCount = flow.status === "running" ? flow.endCount : (flow.endCount ?? 0) + 1;
  const hasSubscribers = isSubscribed(flow.eventMask, status === "completed" ? "flow.completed" : "flow.failed");
  const needsRestart = mayRestart(flow, status, tasks);
  const pendingEffects: NonNullable<Flow["pendingEffects"]> = [
    ...(needsRestart ? ["restart" as const] : []),
    ...(hasSubscribers ? ["tell" as const] : []),
  ];
  const effectFields: Partial<Flow> =
    pendingEffects.length > 0 ? { pendingEffects, due: now + deps.timings.effectsMs } : { due: undefined };
  // The root may have changed its account. The flow takes over the account of the root.
  const root = rootOf(tasks);
  const location = root && { provider: root.provider, account: root.account };
  // `accountFilter` names accounts inside one vendor. It is removed when the flow changes its vendor.
  const filter = location && location.provider !== flow.provider ? { accountFilter: undefined } : {};
  const saved = await deps.store.saveFlow({
    ...flow,
    ...location,
    ...filter,
    status,
    endedAt: now,
    endCount,
    reopened: undefined,
    ...effectFields,
  });
  if (saved.ok) {
    deps.log.count("FlowsEnded");
    deps.log.info("flow.ended", { flow: flowId, status, tasks: tasks.length });
    // If a restart is pending, the notification is sent after the sweeper has handled the restart.
    if (hasSubscribers && !needsRestart)
      await deps.queue.send([outgoingNotification({ flowId, appId: flow.appId }, FLOW_SUBJECT)]);
  }
  return true;
}

/** Sends the notification of the flow end again if it is still pending. */
export async function resendFlowEndNotification(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings">,
  flowId: string,
): Promise<void> {
  const { flow } = await deps.store.load(flowId, []);
  if (!flow?.pendingEffects?.includes("tell") || flow.due === undefined) return;
  const saved = await deps.store.saveFlow({ ...flow, due: deps.clock.now() + deps.timings.effectsMs });
  if (saved.ok) await deps.queue.send([outgoingNotification({ flowId, appId: flow.appId }, FLOW_SUBJECT)]);
}
