/**
 * Deletes a flow with its pictures. Only an ended flow can be deleted: a vendor may still send a picture that is paid.
 *
 * The order makes a crash harmless. First the flow's row loses the app's data and gets `deletedAt`, in one write. From then on
 * the flow does not exist for its app, and nothing more is submitted for it. Then the objects and the other rows are removed. A
 * repeated request continues there. What a crash leaves is invisible and expires like every flow.
 */
import { MjflowError } from "@mjflow/core/error";
import { type Flow, isEndRecorded } from "@mjflow/core/flow";
import { isFlowId, taskIdOf } from "@mjflow/core/id";
import type { MarkStore } from "@mjflow/core/mark";
import type { MjTaskIdStore } from "@mjflow/core/mj-task";
import type { Store, WebhookStore } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { updateWithRetry } from "../step/update-with-retry.ts";

/** Removes objects of the bucket. */
export interface Objects {
  /** Deletes all objects whose keys begin with this text. A key that does not exist is no error. */
  deleteAll(prefix: string): Promise<void>;
}

export interface DeleteFlowDeps extends Pick<EngineDeps, "clock" | "log"> {
  store: Pick<Store, "loadFlow" | "saveFlow" | "deleteTasks" | "deleteAccessTokens">;
  webhookStore: Pick<WebhookStore, "deleteDeliveries">;
  mjTaskIds: Pick<MjTaskIdStore, "getMany" | "delete">;
  markStore: Pick<MarkStore, "deleteMarksOfFlow">;
  objects: Objects;
}

/** Workers that had read a row before the deletion may still write it once. */
const ROUNDS = 2;

/**
 * A second request has no further effect.
 *
 * @throws MjflowError `not_found`; `wrong_state` while the flow runs, or while its end is being recorded; `write_conflict`
 */
export async function deleteFlow(deps: DeleteFlowDeps, appId: string, id: string): Promise<void> {
  const deleted = await markDeleted(deps, appId, id);
  // A flow that replaces this one after a vendor loss uses the same input images. They expire.
  const inputs = deleted.restartedAs === undefined ? [`inputs/${id}`, `inputs/${taskIdOf(id, "")}`] : [];
  for (const prefix of [`media/${id}/`, ...inputs]) await deps.objects.deleteAll(prefix);
  for (let round = 0; round < ROUNDS; round++) {
    await deps.webhookStore.deleteDeliveries(id);
    await deleteMjTaskIds(deps, appId, id);
    await deps.store.deleteTasks(id);
    await deps.markStore.deleteMarksOfFlow(appId, id);
  }
  await deps.store.deleteAccessTokens(id);
  deps.log.info("flow.deleted", { flow: id, app: appId });
}

/** Rows of compat task ids have the prompt. Only the tasks name them, so they are deleted before the tasks. */
async function deleteMjTaskIds({ store, mjTaskIds }: DeleteFlowDeps, appId: string, id: string): Promise<void> {
  const { tasks } = await store.loadFlow(id);
  const ids = tasks.flatMap(({ mjTaskId }) => mjTaskId ?? []);
  if (ids.length === 0) return;
  for (const pointer of await mjTaskIds.getMany(appId, ids)) await mjTaskIds.delete(pointer);
}

async function markDeleted({ store, clock }: DeleteFlowDeps, appId: string, id: string): Promise<Flow> {
  if (!isFlowId(id)) throw new MjflowError("not_found");
  const { kind, read, row } = await updateWithRetry<{ flow: Flow; tasks: readonly Task[] }, Flow>({
    async read() {
      const { flow, tasks } = await store.loadFlow(id);
      return flow?.appId === appId ? { flow, tasks } : undefined;
    },
    to({ flow, tasks }) {
      if (flow.deletedAt !== undefined) return undefined;
      assertDeletable(flow, tasks);
      return emptied(flow, clock.now());
    },
    save: (flow) => store.saveFlow(flow),
    code: "write_conflict",
    detail: "Other requests change the same flow.",
  });
  if (kind === "missing") throw new MjflowError("not_found");
  return row ?? read!.flow;
}

/** @throws MjflowError `wrong_state` */
function assertDeletable(flow: Flow, tasks: readonly Task[]): void {
  if (!isEndRecorded(flow, tasks)) {
    const detail = "The flow is running. Cancel it, and delete it when its submitted tasks have ended.";
    throw new MjflowError("wrong_state", { detail });
  }
  // Messages about the end are being sent, or its credit is being settled.
  if (flow.pendingEffects || flow.due !== undefined || flow.credit?.settling) {
    const detail = "The end of the flow is still being recorded. Send the request again in a minute.";
    throw new MjflowError("wrong_state", { detail, retry: { afterMs: 60_000 } });
  }
}

/** Keeps what confirms the credit of the flow and who owned it, and nothing that the app sent. */
function emptied(flow: Flow, now: number): Flow {
  const { id, appId, rev, status, action, provider, account, createdAt, endedAt } = flow;
  const { hasCreditHold, credit, restartOf, restartedAs } = flow;
  return {
    ...{ id, appId, rev, status, action, provider, account, createdAt, endedAt },
    ...{ hasCreditHold, credit, restartOf, restartedAs },
    progress: false,
    // A press that was read before the deletion is never submitted.
    canceledAt: flow.canceledAt ?? now,
    deletedAt: now,
  };
}
