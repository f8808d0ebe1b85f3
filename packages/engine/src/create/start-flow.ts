/**
 * Starts a flow whose request is validated: reserves credit, stores the rows and sends the message. A repeated start
 * has no further effect.
 */
import type { RateState } from "@mjflow/core/credit";
import { type Flow, nextFlowDue } from "@mjflow/core/flow";
import { ROOT_PATH } from "@mjflow/core/id";
import { outgoingWork } from "@mjflow/core/message";
import { planMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import { type AppLimits, confirmAdmission, reserveCredit, undoAdmission } from "../credit/credit.ts";
import { assertTimely } from "../credit/credit-counter.ts";
import type { EngineDeps } from "../deps.ts";

export interface CreatedFlow {
  flow: Flow;
  tasks: Task[];
  /** State of the rate limit; unset if new flows of the app are not limited. */
  rate?: RateState;
}

export type StartFlowDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "timings" | "log"> & AppLimits;

/**
 * Reserves credit for the flow, stores it and sends the message for its root.
 *
 * @param beforeRows stores what must exist before the rows
 * @throws MjflowError the errors of the app's limits; `overloaded`
 */
export async function startFlow(
  deps: StartFlowDeps,
  flow: Flow,
  root: Task,
  { resumed, beforeRows }: { resumed: boolean; beforeRows?: (() => Promise<void>) | undefined },
): Promise<CreatedFlow> {
  const { id, appId, provider, action } = flow;
  const existing = resumed ? await completeEarlierRequest(deps, id, root) : undefined;
  if (existing) return existing;
  const micro = planMicroUsd(root, root.then);
  const admitted = await reserveCredit(deps, appId, { flowId: id, micro, resumed });
  const { credit, rate } = admitted;
  const due = nextFlowDue(flow, [root], deps.clock.now(), deps.timings);
  const stored: Flow = { ...flow, due, ...(credit && { hasCreditHold: true, credit }) };
  await beforeRows?.();
  if (credit) assertTimely(deps, admitted.at);
  if ((await deps.store.createFlow(stored, root)) === "created") await confirmAdmission(deps, appId, admitted);
  else await undoAdmission(deps, stored);
  await sendRoot(deps, root);
  deps.log.info("flow.created", { flow: id, app: appId, provider, action });
  return { flow: stored, tasks: [root], ...(rate && { rate }) };
}

/**
 * Completes what an earlier request has written: the whole flow, or a root alone. Such a root gets the due times of a
 * new root.
 */
async function completeEarlierRequest(
  deps: StartFlowDeps,
  id: string,
  { due, flowDue }: Task,
): Promise<CreatedFlow | undefined> {
  const { flow, tasks } = await deps.store.loadFlow(id);
  const root = tasks.find((task) => task.path === ROOT_PATH);
  if (!flow) {
    if (root) await deps.store.saveTask({ ...root, due, flowDue });
    return undefined;
  }
  if (root?.status === "PENDING") await sendRoot(deps, root);
  return { flow, tasks };
}

async function sendRoot(deps: StartFlowDeps, root: Task): Promise<void> {
  try {
    await deps.queue.send([outgoingWork(root)]);
  } catch (error) {
    // The flow is stored, so the response is still 202. The sweeper sends the message again.
    deps.log.error("flow.message-not-sent", { flow: root.flowId, error: String(error) });
  }
}
