/** The end of a flow: recorded once, by whoever ends its last task. Readers do not wait for it (flow.ts, flowStatus). */
import { flowStatus } from "@mjflow/core/flow";
import type { Deps } from "./deps.ts";

/**
 * Two tasks that end at once each save before they read here, and the read is consistent: at least one sees both ended.
 * Should both die before they get here, the flow's own due time brings the sweeper.
 *
 * @returns true when the flow has ended, now or before
 */
export async function settle(
  deps: Pick<Deps, "store" | "clock" | "timings" | "log">,
  flowId: string,
): Promise<boolean> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow) return false;
  if (flow.status !== "running") return true;
  const status = flowStatus(tasks);
  if (status === "running") return false;
  const saved = await deps.store.saveFlow({ ...flow, status, endedAt: deps.clock.now(), due: undefined });
  if (saved.ok) {
    deps.log.count("FlowsEnded");
    deps.log.info("flow.ended", { flow: flowId, status, tasks: tasks.length });
  }
  return true;
}
