/**
 * Notifies the subscribers of a flow with a delivery log (docs/decisions/0032). Each event is posted to its subscribers, and
 * one write records the outcomes for all of them. Only a first attempt that failed gets a delivery row.
 *
 * The order of the writes makes sure that no event is lost: first the posts, then the rows of failed attempts, then the
 * record. After a crash before the record, the event has none, and it is posted again under the same id. The end of the flow
 * keeps the flow's due time until every event has its record. The worker that writes the last record removes it.
 */
import { type Delivery, newDelivery } from "@mjflow/core/delivery";
import {
  type DeliveryLog,
  type FirstOutcome,
  isOverlooked,
  logRowOf,
  mergedLog,
  recordedFlowEvents,
  recordedTaskEvents,
  recordKeyOf,
} from "@mjflow/core/delivery-log";
import { taskEvents } from "@mjflow/core/derived-events";
import { type DomainEvent, FLOW_SUBJECT } from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import { applySignal } from "./apply-signal.ts";
import { type Attempted, type LoadedSubject, makeAttempt, sendNextAttempt } from "./deliver.ts";
import { type DeliverDeps, type Subscriber, subscribersOf } from "./subscriber.ts";
import { closeIfComplete, closeLog } from "./sweep-log.ts";

/** Minimum time between two progress events of one task. */
const PROGRESS_MS = 1_000;

/**
 * @param named names of the new events; unset: all events without a record
 * @throws if the table fails; the queue then delivers the message again
 */
export async function notifyWithLog(
  deps: DeliverDeps,
  loaded: LoadedSubject,
  named: readonly string[] | undefined,
): Promise<void> {
  const { flow, task } = loaded;
  const subject = task?.path ?? FLOW_SUBJECT;
  const recorded = task ? recordedTaskEvents(task) : recordedFlowEvents(flow);
  const subscribers = await subscribersOf(deps, flow, task);
  const notify = (events: readonly DomainEvent[], rows: ReadonlySet<string>) =>
    Promise.all(events.map((event) => notifyOfEvent(deps, { ...loaded, subscribers, subject, rows }, event)));

  const progress = task && named ? taskEvents(task).filter(isNamedProgress(named)) : [];
  await Promise.all(progress.map((event) => sendProgress(deps, { ...loaded, subscribers, subject }, event)));
  let log: DeliveryLog | undefined;
  if (named)
    log = newestOf(
      await notify(
        recorded.filter(({ name }) => named.includes(name)),
        new Set(),
      ),
    );
  // Earlier events of this subject whose message was lost. With named events the log is the result of their own writes.
  const now = deps.clock.now();
  const isMissing = ({ name }: DomainEvent) => !log?.records.has(recordKeyOf(subject, name));
  const mayMiss =
    !named || (log !== undefined && recorded.some((event) => isMissing(event) && isOverlooked(event, now)));
  if (mayMiss) log = await notifyOfMissing(deps, flow, subject, recorded, notify);
  // While the images are archived, the end event is still to come.
  const isPending = task?.pendingEffects?.includes("tell") && !task.pendingEffects.includes("archive");
  if (task && log && isPending && !recorded.some(isMissing))
    await applySignal(deps, task, { kind: "notified", status: task.status });
  if (!task) await endLog(deps, loaded);
  else if (log?.isFlowEnded) await closeLog(deps, flow.id);
}

const isNamedProgress =
  (named: readonly string[]) =>
  ({ name, type }: DomainEvent) =>
    type === "task.progress" && named.includes(name);

/** The writes of one row are in order, so the log with the most records is the newest. */
function newestOf(logs: readonly DeliveryLog[]): DeliveryLog | undefined {
  return logs.toSorted((a, b) => b.records.size - a.records.size)[0];
}

/** Reads the log and notifies of what it misses. A delivery that has a row already is left to that row. */
async function notifyOfMissing(
  deps: DeliverDeps,
  flow: Flow,
  subject: string,
  recorded: readonly DomainEvent[],
  notify: (events: readonly DomainEvent[], rows: ReadonlySet<string>) => Promise<DeliveryLog[]>,
): Promise<DeliveryLog> {
  const [log, rows] = await Promise.all([
    deps.webhookStore.deliveryLog(flow.id, logRowOf(subject, flow)),
    deps.webhookStore.deliveriesOf(flow.id, subject),
  ]);
  const missing = recorded.filter(({ name }) => !log.records.has(recordKeyOf(subject, name)));
  const known = new Set(rows.map(({ name, listener }) => `${name} ${listener}`));
  return newestOf(await notify(missing, known)) ?? log;
}

interface Notification extends LoadedSubject {
  subscribers: readonly Subscriber[];
  subject: string;
}

/**
 * Posts an event to its subscribers, all at once, and records the outcomes.
 * @returns the log after the write
 */
async function notifyOfEvent(
  deps: DeliverDeps,
  notification: Notification & { rows: ReadonlySet<string> },
  event: DomainEvent,
): Promise<DeliveryLog> {
  const { flow, subject, subscribers, rows } = notification;
  const { name, at: happenedAt } = event;
  const listening = subscribers.filter(({ eventMask }) => eventMask.includes(event.type));
  const failed: Attempted[] = [];
  const outcomes = await Promise.all(
    listening.map(async (subscriber): Promise<[string, FirstOutcome]> => {
      if (rows.has(`${name} ${subscriber.id}`)) return [subscriber.id, "row"];
      const attempted = await makeAttempt(
        deps,
        deliveryOf(deps, notification, subscriber, event),
        subscriber,
        notification,
      );
      const status = attempted.after.attempts.at(-1)?.status;
      if (attempted.after.status === "delivered" && status !== undefined) return [subscriber.id, status];
      // The row is stored before the record. A row of an earlier worker stays as it is.
      if ((await deps.webhookStore.saveDelivery(attempted.after)).ok) failed.push(attempted);
      return [subscriber.id, "row"];
    }),
  );
  const record = { subject, name, happenedAt, recordedAt: deps.clock.now(), outcomes: new Map(outcomes) };
  const saved = await deps.webhookStore.saveDeliveryRecord(flow.id, logRowOf(subject, flow), { record });
  deps.log.count("Told", listening.length);
  // Another worker had the same message: the receiver got the event twice, under one id.
  if (!saved.ok) deps.log.count("Reposted");
  await Promise.all(failed.map(({ after, nextMs }) => sendNextAttempt(deps, after, nextMs)));
  return saved.log;
}

function deliveryOf(
  { clock }: DeliverDeps,
  { flow, subject }: Notification,
  { id }: Subscriber,
  { name, type, at }: DomainEvent,
): Delivery {
  return newDelivery(
    { flowId: flow.id, subject, listener: id, appId: flow.appId, name, type, happenedAt: at },
    clock.now(),
  );
}

/**
 * Sends progress, at most once per second and task. It gets one attempt and no record, because the next progress or the end
 * replaces it.
 */
async function sendProgress(deps: DeliverDeps, notification: Notification, event: DomainEvent): Promise<void> {
  const { flow, subject, subscribers } = notification;
  const listening = subscribers.filter(({ eventMask }) => eventMask.includes(event.type));
  if (listening.length === 0) return;
  const row = logRowOf(subject, flow);
  if (!(await deps.webhookStore.claimProgress(flow.id, row, subject, deps.clock.now(), PROGRESS_MS))) return;
  await Promise.all(
    listening.map((subscriber) =>
      makeAttempt(deps, deliveryOf(deps, notification, subscriber, event), subscriber, notification),
    ),
  );
}

// ── the end of the flow ────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Marks the log when the flow has ended. A worker that adds a record afterwards sees the mark and checks whether it was the
 * last one; a record that was added before is seen here. So one of them removes the flow's due time.
 */
async function endLog(deps: DeliverDeps, { flow, tasks }: LoadedSubject): Promise<void> {
  if (flow.status === "running" || flow.pendingEffects?.includes("restart")) return;
  const rows = Array.from({ length: flow.logRows ?? 1 }, (_, row) =>
    deps.webhookStore.saveDeliveryRecord(flow.id, row, { isFlowEnded: true }),
  );
  const logs = (await Promise.all(rows)).map(({ log }) => log);
  await closeIfComplete(deps, flow, tasks, mergedLog(logs));
}
