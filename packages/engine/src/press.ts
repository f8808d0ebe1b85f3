/** What an app does to a task by hand: press one of its buttons, or answer its open window. */
import { actionOf, resolvePress } from "@mjflow/core/button";
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { childPath, crockford, parseTaskId, taskIdOf } from "@mjflow/core/id";
import { REQUEST } from "@mjflow/core/limit";
import { submitMessage } from "@mjflow/core/message";
import { storedModal, storedPlan } from "@mjflow/core/plan";
import type { ActionRequest, ModalInput } from "@mjflow/core/request";
import { newTask, type Task } from "@mjflow/core/task";
import { apply } from "./apply.ts";
import type { Deps } from "./deps.ts";
import { perform } from "./perform.ts";

type Needs = Pick<Deps, "store" | "queue" | "blobs" | "clock" | "random" | "timings" | "log">;

/**
 * @throws MjflowError not_found; conflict while the task has not succeeded; press_not_offered (422) with `offered`.
 */
export async function pressTask(deps: Needs, appId: string, taskId: string, request: ActionRequest): Promise<Task> {
  const { flow, task: parent } = await ownTask(deps, appId, taskId);
  if (parent.status !== "SUCCESS") {
    throw new MjflowError("conflict", { detail: `The task is ${parent.status}; only a finished one has buttons.` });
  }
  const press = (request.press ?? request.customId)!;
  const resolved = resolvePress(press, parent.result?.buttons ?? []);
  if (!resolved.ok) {
    const field = request.press === undefined ? "customId" : "press";
    throw new MjflowError("press_not_offered", { field, extra: { offered: resolved.offered } });
  }
  const path = childPath(parent.path, `m${crockford(deps.random.bytes(5))}`);
  if (path.length > REQUEST.pathLength) {
    throw new MjflowError("conflict", { detail: "The lineage is too deep; start a new flow from this picture." });
  }
  const { then, modal } = await stored(deps, taskIdOf(flow.id, path), request);
  const now = deps.clock.now();
  const action = actionOf(resolved.name);
  const pace = action === "VIDEO" ? "video" : parent.pace;
  const { provider, account, resubmit } = parent;
  const child = newTask(
    { flowId: flow.id, path, provider, account, resubmit, press, action, pace, modal, then },
    now,
    now + deps.timings.quietMs[pace],
  );
  await deps.store.createTask(child);
  await deps.queue.send([{ message: submitMessage(flow.id, path) }]);
  deps.log.info("task.pressed", { flow: flow.id, path, press });
  return child;
}

/** @throws MjflowError not_found; conflict when the task has no open window, or was answered already. */
export async function answerModal(deps: Needs, appId: string, taskId: string, input: ModalInput): Promise<Task> {
  const { task } = await ownTask(deps, appId, taskId);
  const { modal } = await stored(deps, taskId, { modal: input });
  const applied = await apply(deps, task, { kind: "answer", modal: modal ?? {} });
  if (applied.decision.kind === "ignore") {
    throw new MjflowError("conflict", { detail: `The task is ${applied.task.status} and waits for no answer.` });
  }
  await perform(deps, applied);
  return applied.task;
}

/** Another app's task does not exist, as far as this one can tell (D6). */
export async function ownTask(
  deps: Pick<Deps, "store">,
  appId: string,
  taskId: string,
): Promise<{ flow: Flow; task: Task }> {
  const at = parseTaskId(taskId);
  if (!at) throw new MjflowError("not_found");
  const { flow, tasks } = await deps.store.load(at.flowId, [at.path]);
  if (!flow || flow.appId !== appId || !tasks[0]) throw new MjflowError("not_found");
  return { flow, task: tasks[0] };
}

async function stored(deps: Needs, ref: string, request: Pick<ActionRequest, "prompt" | "modal" | "then">) {
  const masks = { ref, images: [] };
  const modal = storedModal(request, masks);
  const then = storedPlan(request.then ?? [], masks);
  if (masks.images.length > 0) await deps.blobs.putInputs(ref, { masks: masks.images });
  return { modal, then: then.length > 0 ? then : undefined };
}
