/** Changes a flow's row under its revision. */
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import type { Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";

export interface FlowWithTasks {
  flow: Flow;
  tasks: Task[];
}

const MAX_CONFLICT_RETRIES = 20;

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
  for (let retry = 0; retry < MAX_CONFLICT_RETRIES; retry++) {
    const whole = await read();
    const next = whole && to(whole);
    if (!next) return whole;
    const saved = await store.saveFlow(next);
    if (saved.ok) return { ...whole, flow: saved.item };
  }
  throw new MjflowError("overloaded", { detail: "Other requests changed the flow at the same time." });
}
