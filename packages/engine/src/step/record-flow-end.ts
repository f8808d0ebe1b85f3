/**
 * Records the end of a flow, once. The process that endCount the last task calls it. Readers do not depend on the record:
 * they compute the status from the tasks (`flowStatus` in core/flow.ts).
 */
import { recordedFlowEvents, recordedTaskEvents } from "@mjflow/core/delivery-log";
import { flowEvents } from "@mjflow/core/derived-events";
import { FLOW_SUBJECT, hasDeliveryLog, isSubscribed } from "@mjflow/core/event";
import { type Flow, flowStatus, rootOf } from "@mjflow/core/flow";
import { outgoingNotification } from "@mjflow/core/message";
import type { WebhookStore } from "@mjflow/core/port";
import { mayRestart } from "@mjflow/core/restart";
import type { Task } from "@mjflow/core/task";
import {
  confirmSettlement,
  finishInRunningFlow,
  type OpenSettlement,
  type Settled,
  settleCredit,
} from "../credit/credit-settle.ts";
import type { EngineDeps } from "../deps.ts";
import { sweepLog } from "../sweep/sweep-log.ts";

const MAX_CONFLICT_RETRIES = 5;

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
  let own: OpenSettlement | undefined;
  for (let tries = 0; tries < MAX_CONFLICT_RETRIES; tries++) {
    const { flow, tasks } = await deps.store.loadFlow(flowId);
    if (!flow) return false;
    const status = flowStatus(tasks);
    // A press or a retry reopened the flow. Its new costs are settled when the flow has ended again.
    if (status === "running") {
      if (own) await finishInRunningFlow(deps, flow, own);
      return flow.status !== "running" && !flow.reopened;
    }
    // We settle the credit before we record the end. After a crash between the two steps, the next run finds the amount in
    // the row and the settlement in the app's counter.
    const settled = flow.hasCreditHold ? await settleCredit(deps, flow, tasks, own) : { flow };
    if (settled === "wait") return false;
    if (settled === "conflict") continue;
    const isSaved = await saveEnd(deps, settled, tasks, status);
    if (isSaved) await confirmSettlement(deps, settled);
    // Without a settlement, the process that was first has recorded the end.
    if (isSaved || !settled.open) return true;
    own = settled.open;
  }
  return false;
}

/** @returns true if the end is recorded */
async function saveEnd(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  { flow, open }: Settled,
  tasks: readonly Task[],
  status: Flow["status"],
): Promise<boolean> {
  if (flow.status === status) {
    // The due time is removed, except if the notification of the end is still pending.
    if (!flow.reopened && !open && (flow.due === undefined || flow.pendingEffects)) return true;
    const due = flow.pendingEffects ? flow.due : undefined;
    return (await deps.store.saveFlow({ ...flow, reopened: undefined, due })).ok;
  }
  const now = deps.clock.now();
  // A retry whose flow could not be reopened has changed the recorded end, so this is another end.
  const endCount = flow.status === "running" ? flow.endCount : (flow.endCount ?? 0) + 1;
  const hasLog = hasDeliveryLog(flow.eventMask);
  const hasSubscribers = hasLog
    ? needsRecords({ ...flow, status, endedAt: now }, tasks)
    : isSubscribed(flow.eventMask, status === "completed" ? "flow.completed" : "flow.failed");
  const needsRestart = mayRestart(flow, status, tasks);
  const pendingEffects: NonNullable<Flow["pendingEffects"]> = [
    ...(needsRestart ? ["restart" as const] : []),
    ...(hasSubscribers ? ["tell" as const] : []),
  ];
  // With a delivery log the due time stays as it is: moving it would cost two write units, and it is needed only if a message
  // is lost.
  const effectsDue = now + deps.timings.effectsMs;
  const keepsDue = hasLog && !needsRestart && flow.due !== undefined && flow.due > effectsDue;
  const effectFields: Partial<Flow> =
    pendingEffects.length > 0 ? { pendingEffects, due: keepsDue ? flow.due : effectsDue } : { due: undefined };
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
    deps.log.info("flow.ended", { flow: flow.id, status, tasks: tasks.length });
    // If a restart is pending, the notification is sent after the sweeper has handled the restart.
    if (hasSubscribers && !needsRestart) await sendEnd(deps, saved.item);
  }
  return saved.ok;
}

/** True if an event of the flow or of its tasks gets a record in the delivery log. */
function needsRecords(flow: Flow, tasks: readonly Task[]): boolean {
  return recordedFlowEvents(flow).length > 0 || tasks.some((task) => recordedTaskEvents(task).length > 0);
}

/** If the queue rejects the message, the flow becomes due soon, and the sweeper sends it again. */
async function sendEnd(
  { store, queue, clock, timings }: Pick<EngineDeps, "store" | "queue" | "clock" | "timings">,
  flow: Flow,
): Promise<void> {
  const events = hasDeliveryLog(flow.eventMask) ? flowEvents(flow).map(({ name }) => name) : undefined;
  try {
    await queue.send([outgoingNotification({ flowId: flow.id, appId: flow.appId }, FLOW_SUBJECT, events)]);
  } catch (error) {
    const due = clock.now() + timings.effectsMs;
    if (flow.due !== undefined && flow.due > due) await store.saveFlow({ ...flow, due }).catch(() => {});
    throw error;
  }
}

/** Sends the notification of the flow end again if it is still pending. With a delivery log, also those of its tasks. */
export async function resendFlowEndNotification(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log"> & {
    webhookStore: Pick<WebhookStore, "deliveryLog">;
  },
  flowId: string,
): Promise<void> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow?.pendingEffects?.includes("tell") || flow.due === undefined) return;
  if (hasDeliveryLog(flow.eventMask)) {
    if ((await sweepLog(deps, flow, tasks)) === "closed") return;
    await deps.store.saveFlow({ ...flow, due: deps.clock.now() + deps.timings.effectsMs });
    return;
  }
  const saved = await deps.store.saveFlow({ ...flow, due: deps.clock.now() + deps.timings.effectsMs });
  if (saved.ok) await deps.queue.send([outgoingNotification({ flowId, appId: flow.appId }, FLOW_SUBJECT)]);
}
