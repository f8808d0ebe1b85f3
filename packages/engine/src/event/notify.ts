/**
 * Notifies subscribers: a `tell` message names a task or flow on which something happened. The events are derived from its
 * row. Therefore a lost message is repaired by the next message or by the sweeper.
 */
import { type Delivery, deliveryIdOf, newDelivery } from "@mjflow/core/delivery";
import { flowEvents, taskEvents } from "@mjflow/core/derived-events";
import { type DomainEvent, FLOW_SUBJECT, hasDeliveryLog } from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import type { NotifyMessage } from "@mjflow/core/message";
import type { Task } from "@mjflow/core/task";
import { applySignal } from "../step/apply-signal.ts";
import { attempt, type LoadedSubject, loadSubjects } from "./deliver.ts";
import { notifyWithLog, PROGRESS_MS } from "./notify-with-log.ts";
import { type DeliverDeps, subscribersOf } from "./subscriber.ts";

/**
 * Notifies the subscribers of the events of a task or flow.
 *
 * @param receives how often the queue has delivered the message. After the first time an earlier worker may have posted the
 *   named events, so the delivery log is read first.
 * @throws if the table fails; the queue then delivers the message again
 */
export async function notifySubscribers(
  deps: DeliverDeps,
  { flowId, place, events, also = [] }: Pick<NotifyMessage, "flowId" | "place" | "events" | "also">,
  receives = 1,
): Promise<void> {
  const named = new Map([[place, events], ...also.map((more) => [more.place, more.events] as const)]);
  const loaded = await loadSubjects(deps, flowId, [...named.keys()]);
  const hasLog = ({ flow, task }: LoadedSubject) => hasDeliveryLog((task ?? flow).eventMask);
  const withLog = loaded.filter(hasLog).map((one) => ({
    ...one,
    named: receives > 1 ? undefined : named.get(one.task?.path ?? FLOW_SUBJECT),
  }));
  await Promise.all([
    withLog.length > 0 && notifyWithLog(deps, withLog[0]!.flow, withLog),
    ...loaded.filter((one) => !hasLog(one)).map((one) => notifyWithRows(deps, one)),
  ]);
}

/**
 * Notifies the subscribers of a flow without a delivery log: creates the missing deliveries, each with its own row, and makes
 * their first attempts.
 */
async function notifyWithRows(deps: DeliverDeps, { flow, task, tasks }: LoadedSubject): Promise<void> {
  const flowId = flow.id;
  const subject = task?.path ?? FLOW_SUBJECT;
  const events = task ? taskEvents(task) : flowEvents(flow);
  const [subscribers, before] = await Promise.all([
    subscribersOf(deps, flow, task),
    deps.webhookStore.deliveriesOf(flowId, subject),
  ]);
  const known = new Set(before.map(deliveryIdOf));
  const now = deps.clock.now();
  const hasRecentProgress = (listener: string) =>
    before.some((d) => d.listener === listener && d.type === "task.progress" && d.createdAt + PROGRESS_MS > now);
  const wanted = subscribers.flatMap((subscriber) =>
    events
      .filter((event) => subscriber.eventMask.includes(event.type))
      .filter((event) => event.type !== "task.progress" || !hasRecentProgress(subscriber.id))
      .map((event) =>
        newDelivery({ flowId, subject, listener: subscriber.id, appId: flow.appId, ...keyOf(event) }, now),
      )
      .filter((delivery) => !known.has(deliveryIdOf(delivery))),
  );
  const saved = await Promise.all(wanted.map((delivery) => deps.webhookStore.saveDelivery(delivery)));
  // All deliveries are stored, so the pending notification is complete. The attempts come afterwards, so that a slow
  // receiver does not delay this write.
  await clearPendingNotification(deps, flow, task);
  deps.log.count("Told", saved.filter((s) => s.ok).length);
  await Promise.all(saved.map((s) => s.ok && attempt(deps, s.item, { flow, tasks, task, subscribers })));
}

function keyOf({ name, type, at }: DomainEvent): Pick<Delivery, "name" | "type" | "happenedAt"> {
  return { name, type, happenedAt: at };
}

async function clearPendingNotification(deps: DeliverDeps, flow: Flow, task: Task | undefined): Promise<void> {
  if (task) {
    if (task.pendingEffects?.includes("tell")) {
      const { status, archivedAt } = task;
      await applySignal(deps, task, { kind: "notified", status, archivedAt });
    }
    return;
  }
  if (!flow.pendingEffects?.includes("tell")) return;
  const remaining = flow.pendingEffects.filter((effect) => effect !== "tell");
  const due = flow.reopened || remaining.length > 0 ? flow.due : undefined;
  // A write conflict is ignored. If the notification is still pending, the flow's due time repeats it.
  await deps.store.saveFlow({ ...flow, pendingEffects: remaining.length > 0 ? remaining : undefined, due });
}
