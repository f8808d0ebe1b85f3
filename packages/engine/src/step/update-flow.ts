/** Changes a flow's row under its revision. */
import type { Flow } from "@mjflow/core/flow";
import type { Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { updateWithRetry } from "./update-with-retry.ts";

/** Every press and every end of a task can write to the flow at one time. */
export const MANY_WRITERS_OF_FLOW = {
  maxRetries: 20,
  detail: "Other requests changed the flow at the same time.",
};

export interface FlowWithTasks {
  flow: Flow;
  tasks: Task[];
}

/**
 * Saves a change of the flow. After a write conflict the change is computed again from the stored rows.
 *
 * @param read returns the stored rows; undefined: there is no such flow, and nothing changes
 * @param to returns the new flow; undefined: nothing changes
 * @returns the flow after the change, or what `read` returned
 * @throws MjflowError `overloaded` after too many write conflicts
 */
export async function updateFlow<Read extends FlowWithTasks | undefined>(
  store: Pick<Store, "saveFlow">,
  read: () => Promise<Read>,
  to: (whole: FlowWithTasks) => Flow | undefined,
): Promise<Read> {
  const updated = await updateWithRetry<NonNullable<Read>, Flow>({
    read,
    to,
    save: (flow) => store.saveFlow(flow),
    ...MANY_WRITERS_OF_FLOW,
  });
  if (updated.kind === "missing") return undefined as Read;
  return updated.row ? { ...updated.read, flow: updated.row } : (updated.read as Read);
}
