/**
 * Closes the delivery log of an ended flow, and finds the events of a flow that have no record. It needs no subscriber, so the
 * sweeper loads none of the code that posts.
 */
import { type DeliveryLog, isOverlooked, mergedLog, unrecordedEvents } from "@mjflow/core/delivery-log";
import type { Flow } from "@mjflow/core/flow";
import { outgoingNotification } from "@mjflow/core/message";
import type { Queue, WebhookStore } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";

type LogDeps = Pick<EngineDeps, "store" | "clock" | "timings" | "log"> & {
  webhookStore: Pick<WebhookStore, "deliveryLog">;
};

export async function closeLog(deps: LogDeps, flowId: string): Promise<void> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (flow) await closeIfComplete(deps, flow, tasks, await readLog(deps, flow));
}

/** Reads all rows of the log of a flow. */
export async function readLog(
  { webhookStore }: Pick<LogDeps, "webhookStore">,
  { id, logRows = 1 }: Flow,
): Promise<DeliveryLog> {
  return mergedLog(await Promise.all(Array.from({ length: logRows }, (_, row) => webhookStore.deliveryLog(id, row))));
}

/**
 * Removes the pending notification and the due time of an ended flow if every event has its record.
 * @returns whether nothing is left to do
 */
export async function closeIfComplete(
  deps: LogDeps,
  flow: Flow,
  tasks: readonly Task[],
  log: DeliveryLog,
): Promise<boolean> {
  if (flow.status === "running" || !flow.pendingEffects?.includes("tell")) return true;
  const { events, isWaiting } = unrecordedEvents(flow, tasks, log, deps.clock.now());
  if (events.length > 0 || isWaiting) return false;
  // After a write conflict the flow's due time brings the sweeper here.
  await deps.store.saveFlow({ ...flow, pendingEffects: undefined, due: flow.reopened ? flow.due : undefined });
  return true;
}

/** Handles the log when the flow is due: sends messages for events without a record, or closes the log. */
export async function sweepLog(
  deps: LogDeps & { queue: Pick<Queue, "send"> },
  flow: Flow,
  tasks: readonly Task[],
): Promise<"closed" | "waiting"> {
  const log = await readLog(deps, flow);
  if (await closeIfComplete(deps, flow, tasks, log)) {
    if (flow.status !== "running") {
      deps.log.count("ClosedBySweeper");
      return "closed";
    }
  }
  const now = deps.clock.now();
  const overlooked = unrecordedEvents(flow, tasks, log, now).events.filter(({ event }) => isOverlooked(event, now));
  const subjects = [...new Set(overlooked.map(({ subject }) => subject))];
  if (subjects.length > 0)
    await deps.queue.send(
      subjects.map((subject) => outgoingNotification({ flowId: flow.id, appId: flow.appId }, subject)),
    );
  return "waiting";
}
