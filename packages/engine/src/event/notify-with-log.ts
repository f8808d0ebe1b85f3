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
  type DeliveryRecord,
  type FirstOutcome,
  isEndHeldBack,
  isOverlooked,
  logRowOf,
  mergedLog,
  recordedFlowEvents,
  recordedTaskEvents,
  recordKeyOf,
} from "@mjflow/core/delivery-log";
import { taskEvents } from "@mjflow/core/derived-events";
import { isParking } from "@mjflow/core/endpoint";
import { type DomainEvent, FLOW_SUBJECT } from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import { applySignal } from "../step/apply-signal.ts";
import { closeIfComplete, closeLog } from "../sweep/sweep-log.ts";
import { type Attempted, type LoadedSubject, makeAttempt, sendNextAttempt } from "./deliver.ts";
import { sendIfRecovered } from "./parked.ts";
import { type DeliverDeps, type Subscriber, subscribersOf } from "./subscriber.ts";

/** Minimum time between two progress events of one task. The end of a task is always sent. */
export const PROGRESS_MS = 1_000;

/** A subject of the flow with new events. */
export interface NotifiedSubject extends LoadedSubject {
  /** Names of the new events. Unset: all events without a record. */
  named: readonly string[] | undefined;
}

/**
 * Notifies of the new events of a flow's subjects. The records of all of them are one write for each row of the log.
 *
 * @param loaded subjects of one flow
 * @throws if the table fails; the queue then delivers the message again
 */
export async function notifyWithLog(deps: DeliverDeps, flow: Flow, loaded: readonly NotifiedSubject[]): Promise<void> {
  const endpoints = await deps.webhookStore.endpoints(flow.appId);
  const subjects = await Promise.all(
    loaded.map(async (one) => ({
      ...one,
      subject: one.task?.path ?? FLOW_SUBJECT,
      recorded: one.task ? recordedTaskEvents(one.task) : recordedFlowEvents(flow),
      subscribers: await subscribersOf(deps, flow, one.task, endpoints),
    })),
  );
  await Promise.all(subjects.map((subject) => sendNewProgress(deps, subject)));
  const end = subjects.find(({ task }) => !task);
  const isEnd = end !== undefined && flow.status !== "running" && !flow.pendingEffects?.includes("restart");
  const logs: Logs = new Map();
  const posts = await Promise.all(
    subjects.map((one) =>
      one.named
        ? notifyOfEvents(
            deps,
            one,
            one.recorded.filter(({ name }) => one.named!.includes(name)),
            NO_ROWS,
          )
        : notifyOfMissing(deps, one, logs),
    ),
  );
  await saveRecords(deps, flow, posts.flat(), logs, isEnd);
  // Earlier events of these subjects whose message was lost. The log is the result of the write.
  const now = deps.clock.now();
  const isMissing = ({ subject }: Subject, { name }: DomainEvent) =>
    !logs.get(logRowOf(subject, flow))?.records.has(recordKeyOf(subject, name));
  const overlooked = subjects.filter(
    (one) =>
      one.named &&
      logs.has(logRowOf(one.subject, flow)) &&
      one.recorded.some((event) => isMissing(one, event) && isOverlooked(event, now)),
  );
  const missed = await Promise.all(overlooked.map((one) => notifyOfMissing(deps, one, logs)));
  if (overlooked.length > 0) await saveRecords(deps, flow, missed.flat(), logs, false);
  for (const one of subjects) {
    const { task, subject, recorded } = one;
    const log = logs.get(logRowOf(subject, flow));
    if (log) await sendIfRecovered(deps, flow, subject, log);
    // While the end waits for its copies, its event is still to come.
    const isPending = task?.pendingEffects?.includes("tell") && !isEndHeldBack(task);
    if (task && isPending && log && !recorded.some((event) => isMissing(one, event)))
      await applySignal(deps, task, { kind: "notified", status: task.status, archivedAt: task.archivedAt });
  }
  if (end && isEnd) await closeIfComplete(deps, flow, end.tasks, mergedLog([...logs.values()]));
  else if ([...logs.values()].some(({ isFlowEnded }) => isFlowEnded)) await closeLog(deps, flow.id);
}

interface Subject extends NotifiedSubject {
  subject: string;
  /** The events of the subject that get a record. */
  recorded: readonly DomainEvent[];
  subscribers: readonly Subscriber[];
}

/** The newest known state of each row of the log. */
type Logs = Map<number, DeliveryLog>;

const NO_ROWS: ReadonlySet<string> = new Set();

/** Reads the log and notifies of what it misses. A delivery that has a row already is left to that row. */
async function notifyOfMissing(deps: DeliverDeps, one: Subject, logs: Logs): Promise<Notified[]> {
  const { flow, subject, recorded } = one;
  const row = logRowOf(subject, flow);
  const [log, rows] = await Promise.all([
    deps.webhookStore.deliveryLog(flow.id, row),
    deps.webhookStore.deliveriesOf(flow.id, subject),
  ]);
  noteLog(logs, row, log);
  const missing = recorded.filter(({ name }) => !log.records.has(recordKeyOf(subject, name)));
  return notifyOfEvents(deps, one, missing, new Set(rows.map(({ name, listener }) => `${name} ${listener}`)));
}

/** The writes of one row are in order, so the log with more records, or with the mark of the end, is the newer one. */
function noteLog(logs: Logs, row: number, log: DeliveryLog): void {
  const known = logs.get(row);
  const isOlder =
    known !== undefined &&
    (log.records.size < known.records.size ||
      (log.records.size === known.records.size && known.isFlowEnded && !log.isFlowEnded));
  if (!isOlder) logs.set(row, log);
}

/** An event whose first attempts were made. */
interface Notified {
  record: DeliveryRecord;
  /** First attempts that failed. Their rows are stored. */
  failed: readonly Attempted[];
}

function notifyOfEvents(
  deps: DeliverDeps,
  subject: Subject,
  events: readonly DomainEvent[],
  rows: ReadonlySet<string>,
): Promise<Notified[]> {
  return Promise.all(events.map((event) => notifyOfEvent(deps, { ...subject, rows }, event)));
}

/**
 * Posts an event to its subscribers, all at once. Its record is still to be saved.
 * @param notification.rows name and subscriber of the deliveries that have a row already
 */
async function notifyOfEvent(
  deps: DeliverDeps,
  notification: Subject & { rows: ReadonlySet<string> },
  event: DomainEvent,
): Promise<Notified> {
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
      if (isParking(attempted, flow)) {
        deps.log.count("EventsParked");
        return [subscriber.id, "parked"];
      }
      // The row is stored before the record. A row of an earlier worker stays as it is.
      if ((await deps.webhookStore.saveDelivery(attempted.after)).ok) failed.push(attempted);
      return [subscriber.id, "row"];
    }),
  );
  const record = { subject, name, happenedAt, recordedAt: deps.clock.now(), outcomes: new Map(outcomes) };
  return { record, failed };
}

/**
 * Saves the records, in one write for each row of the log. If the flow has ended, all rows are marked. A worker that adds a
 * record afterwards sees the mark and checks whether it was the last one; a record that was added before is in the result. So
 * one of them removes the flow's due time.
 */
async function saveRecords(
  deps: DeliverDeps,
  flow: Flow,
  notified: readonly Notified[],
  logs: Logs,
  isFlowEnded: boolean,
): Promise<void> {
  const byRow = Map.groupBy(notified, ({ record }) => logRowOf(record.subject, flow));
  const rows = isFlowEnded ? Array.from({ length: flow.logRows ?? 1 }, (_, row) => row) : [...byRow.keys()];
  await Promise.all(
    rows.map(async (row) => {
      const records = (byRow.get(row) ?? []).map(({ record }) => record);
      const saved = await deps.webhookStore.saveDeliveryRecords(flow.id, row, {
        records,
        ...(isFlowEnded && { isFlowEnded }),
      });
      noteLog(logs, row, saved.log);
      // Another worker had the same message: the receiver got the event twice, under one id.
      if (!saved.ok) deps.log.count("Reposted");
    }),
  );
  deps.log.count(
    "Told",
    notified.reduce((sum, { record }) => sum + record.outcomes.size, 0),
  );
  const failed = notified.flatMap((one) => one.failed);
  await Promise.all(failed.map(({ after, nextMs }) => sendNextAttempt(deps, after, nextMs)));
}

function deliveryOf(
  { clock }: DeliverDeps,
  { flow, subject }: Pick<Subject, "flow" | "subject">,
  { id }: Subscriber,
  { name, type, at }: DomainEvent,
): Delivery {
  return newDelivery(
    { flowId: flow.id, subject, listener: id, appId: flow.appId, name, type, happenedAt: at },
    clock.now(),
  );
}

async function sendNewProgress(deps: DeliverDeps, subject: Subject): Promise<void> {
  const { task, named } = subject;
  if (!task || !named) return;
  const progress = taskEvents(task).filter(({ name, type }) => type === "task.progress" && named.includes(name));
  await Promise.all(progress.map((event) => sendProgress(deps, subject, event)));
}

/**
 * Sends progress, at most once per second and task. It gets one attempt and no record, because the next progress or the end
 * replaces it.
 */
async function sendProgress(deps: DeliverDeps, notification: Subject, event: DomainEvent): Promise<void> {
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
