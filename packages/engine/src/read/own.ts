/** Reads of an app: the flows and tasks of another app do not exist for it (D6). */
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { isFlowId, parseTaskId } from "@mjflow/core/id";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import type { FlowWithTasks } from "../step/update-flow.ts";

/** @throws MjflowError `not_found` if the flow does not exist, was deleted or belongs to another app */
export async function getOwnFlow(deps: Pick<EngineDeps, "store">, appId: string, id: string): Promise<FlowWithTasks> {
  if (!isFlowId(id)) throw new MjflowError("not_found");
  const { flow, tasks } = await deps.store.loadFlow(id);
  if (!flow || flow.appId !== appId || flow.deletedAt !== undefined) throw new MjflowError("not_found");
  return { flow, tasks };
}

/**
 * Loads a task of the app.
 * @throws MjflowError `not_found` also for a task of another app (D6)
 */
export async function getOwnTask(
  deps: Pick<EngineDeps, "store">,
  appId: string,
  taskId: string,
): Promise<{ flow: Flow; task: Task }> {
  const ref = parseTaskId(taskId);
  if (!ref) throw new MjflowError("not_found");
  const { flow, tasks } = await deps.store.load(ref.flowId, [ref.path]);
  const isOwn = flow !== undefined && flow.appId === appId && flow.deletedAt === undefined;
  if (!isOwn || !tasks[0]) throw new MjflowError("not_found");
  return { flow, task: tasks[0] };
}
