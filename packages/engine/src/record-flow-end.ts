/** The end of a flow: recorded once, by whoever ends its last task. Readers do not wait for it (flow.ts, flowStatus). */
import { FLOW_SUBJECT, isSubscribed } from "@mjflow/core/event";
import { type Flow, flowStatus, rootOf } from "@mjflow/core/flow";
import { notifyMessage } from "@mjflow/core/message";
import { mayRestart } from "@mjflow/core/restart";
import { settleCredit } from "./credit.ts";
import type { EngineDeps } from "./deps.ts";

/**
 * Two tasks that end at once each save before they read here, and the read is consistent: at least one sees both ended.
 * Should both die before they get here, the flow's own due time brings the sweeper.
 *
 * @returns true when the flow has ended, now or before
 */
export async function recordFlowEnd(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">,
  flowId: string,
): Promise<boolean> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow) return false;
  const status = flowStatus(tasks);
  // Gone on with by hand: what it costs now is settled when it has ended again.
  if (status === "running") return flow.status !== "running" && !flow.reopened;
  // Before the end is recorded: a crash between comes here again, and finds it settled.
  if (flow.hasCreditHold && !(await settleCredit(deps, flow, tasks))) return false;
  if (flow.status === status) {
    // Looked at no more, unless its end is still to be announced.
    if (flow.reopened)
      await deps.store.saveFlow({ ...flow, reopened: undefined, due: flow.pendingEffects ? flow.due : undefined });
    return true;
  }
  const now = deps.clock.now();
  // Another end than the one on record: a retry whose flow could not be reopened has changed it.
  const ends = flow.status === "running" ? flow.endCount : (flow.endCount ?? 0) + 1;
  const isTold = isSubscribed(flow.eventMask, status === "completed" ? "flow.completed" : "flow.failed");
  const isOwed = mayRestart(flow, status, tasks);
  const owes: NonNullable<Flow["pendingEffects"]> = [
    ...(isOwed ? ["restart" as const] : []),
    ...(isTold ? ["tell" as const] : []),
  ];
  const owed: Partial<Flow> =
    owes.length > 0 ? { pendingEffects: owes, due: now + deps.timings.effectsMs } : { due: undefined };
  // Where its root ended up, should it have moved.
  const root = rootOf(tasks);
  const at = root && { provider: root.provider, account: root.account };
  // Which of a vendor's accounts may take it is that vendor's own affair.
  const filter = at && at.provider !== flow.provider ? { accountFilter: undefined } : {};
  const saved = await deps.store.saveFlow({
    ...flow,
    ...at,
    ...filter,
    status,
    endedAt: now,
    endCount: ends,
    reopened: undefined,
    ...owed,
  });
  if (saved.ok) {
    deps.log.count("FlowsEnded");
    deps.log.info("flow.ended", { flow: flowId, status, tasks: tasks.length });
    // Told once the sweeper has begun what takes its place.
    if (isTold && !isOwed) await deps.queue.send([{ message: notifyMessage(flowId, FLOW_SUBJECT) }]);
  }
  return true;
}

/** The end of a flow that is not known to be announced is announced again. */
export async function resendFlowEndNotification(
  deps: Pick<EngineDeps, "store" | "queue" | "clock" | "timings">,
  flowId: string,
): Promise<void> {
  const { flow } = await deps.store.load(flowId, []);
  if (!flow?.pendingEffects?.includes("tell") || flow.due === undefined) return;
  const saved = await deps.store.saveFlow({ ...flow, due: deps.clock.now() + deps.timings.effectsMs });
  if (saved.ok) await deps.queue.send([{ message: notifyMessage(flowId, FLOW_SUBJECT) }]);
}
