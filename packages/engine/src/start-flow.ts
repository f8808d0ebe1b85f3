/** What a flow begins with, once all is decided: let in, stored, sent. Twice is once. */
import type { RateState } from "@mjflow/core/credit";
import { type Flow, nextFlowDue } from "@mjflow/core/flow";
import { ROOT_PATH } from "@mjflow/core/id";
import { submitMessage } from "@mjflow/core/message";
import { planMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import { type AppLimits, reserveCredit } from "./credit.ts";
import type { EngineDeps } from "./deps.ts";

export interface CreatedFlow {
  flow: Flow;
  tasks: Task[];
  /** Of an app whose new flows are limited. */
  rate?: RateState;
}

export type StartFlowDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log"> & AppLimits;

/**
 * What was made is let in, stored and sent.
 *
 * @param first what must be stored before the rows are
 * @throws MjflowError what the app's limits say; overloaded
 */
export async function startFlow(
  deps: StartFlowDeps,
  flow: Flow,
  root: Task,
  { resumed, first }: { resumed: boolean; first?: (() => Promise<void>) | undefined },
): Promise<CreatedFlow> {
  const { id, appId, provider, action } = flow;
  const before = resumed ? await completeEarlierTry(deps, id, root) : undefined;
  if (before) return before;
  const micro = planMicroUsd(root, root.then);
  const { held, rate } = await reserveCredit(deps, appId, { flowId: id, micro, resumed });
  const due = nextFlowDue(flow, [root], deps.clock.now(), deps.timings);
  const stored: Flow = { ...flow, due, ...(held && { hasCreditHold: held }) };
  await first?.();
  await deps.store.createFlow(stored, root);
  await sendRoot(deps, id);
  deps.log.info("flow.created", { flow: id, app: appId, provider, action });
  return { flow: stored, tasks: [root], ...(rate && { rate }) };
}

/** What an earlier try made: the flow whole; or a root alone, which then waits as one made now. */
async function completeEarlierTry(
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
  if (root?.status === "PENDING") await sendRoot(deps, id);
  return { flow, tasks };
}

async function sendRoot(deps: StartFlowDeps, flowId: string): Promise<void> {
  try {
    await deps.queue.send([{ message: submitMessage(flowId, ROOT_PATH) }]);
  } catch (error) {
    // The flow is stored, so the answer is still "accepted": the sweeper sends the message again.
    deps.log.error("flow.message-lost", { flow: flowId, error: String(error) });
  }
}
