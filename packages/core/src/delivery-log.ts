/**
 * The delivery log of a flow: one record per event, with the outcome of its first attempt for each subscriber. A delivery
 * gets a row of its own only after a first attempt that failed (delivery.ts). The log is the proof that subscribers were
 * notified (D10). While an event has no record, the due time of its flow stays, and the sweeper notifies again (T4).
 * All functions are pure.
 */
import type { Delivery } from "./delivery.ts";
import { eventTypeOf, flowEvents, taskEvents } from "./derived-events.ts";
import {
  archivesLater,
  type DomainEvent,
  type EventSubject,
  FLOW_SUBJECT,
  hasDeliveryLog,
  isSubscribed,
} from "./event.ts";
import type { Flow } from "./flow.ts";
import { hashOf } from "./hash.ts";
import type { PendingEffect, Task } from "./task.ts";

/**
 * First outcome of an event for one subscriber: the status of a success, or "row" if a delivery row has the rest. "parked": the
 * endpoint's circuit breaker is open, and the endpoint's row stands for all its parked events (endpoint.ts).
 */
export type FirstOutcome = number | "row" | "parked";

/** Replaces the outcome of one subscriber in a record. */
export interface OutcomeChange {
  subject: EventSubject;
  name: string;
  listener: string;
  from: FirstOutcome;
  to: FirstOutcome;
}

export interface DeliveryRecord {
  subject: EventSubject;
  /** Name of the event, unique within its subject. */
  name: string;
  /** Time of the event, epoch ms. */
  happenedAt: number;
  /** When the first attempts ended, epoch ms. */
  recordedAt: number;
  /** First outcomes by subscriber. Empty if no subscriber was left. */
  outcomes: ReadonlyMap<string, FirstOutcome>;
}

export interface DeliveryLog {
  /** Records by `recordKeyOf`. */
  records: ReadonlyMap<string, DeliveryRecord>;
  /** True if the end of the flow was recorded: then the worker that adds a record checks whether it was the last one. */
  isFlowEnded: boolean;
}

export const EMPTY_LOG: DeliveryLog = { records: new Map(), isFlowEnded: false };

/** Neither subjects nor names contain a dot. */
export function recordKeyOf(subject: EventSubject, name: string): string {
  return `${subject}.${name}`;
}

/** A row of the log has this many tasks, so that it stays below 1 KB with a few subscribers. */
const TASKS_PER_ROW = 8;

/** Returns the number of rows of the log of a flow. It is fixed when the flow is created. */
export function logRowsFor(plannedTasks: number): number {
  return Math.ceil(plannedTasks / TASKS_PER_ROW);
}

/** Returns the row of the log that has the records of a subject. */
export function logRowOf(subject: EventSubject, { logRows = 1 }: Pick<Flow, "logRows">): number {
  if (subject === FLOW_SUBJECT || logRows === 1) return 0;
  return hashOf(subject) % logRows;
}

/** Returns the records of several rows as one log. */
export function mergedLog(logs: readonly DeliveryLog[]): DeliveryLog {
  return {
    records: new Map(logs.flatMap(({ records }) => [...records])),
    isFlowEnded: logs.some(({ isFlowEnded }) => isFlowEnded),
  };
}

/**
 * True if the due time of the flow stands for the notifications of this task: the sweeper finds an event without a record
 * with its flow. A press or retry by the app is not covered, because its flow may have ended.
 */
export function isNotifiedByFlow({ eventMask, flowDue }: Pick<Task, "eventMask" | "flowDue">): boolean {
  return hasDeliveryLog(eventMask) && flowDue !== undefined;
}

export interface SubjectEvent {
  subject: EventSubject;
  event: DomainEvent;
}

/** True while the event of a success waits for the copies of its images. */
export function isEndHeldBack({
  pendingEffects,
  eventMask,
}: Pick<Task, "eventMask"> & { pendingEffects?: readonly PendingEffect[] | undefined }): boolean {
  return (pendingEffects?.includes("archive") ?? false) && !archivesLater(eventMask);
}

/**
 * Returns the events of a task that need a record: every event with a subscriber, except progress, which gets one attempt
 * and no record. While the images are archived, the end is not ready: its event must contain the links of the copies, unless
 * they are sent later.
 */
export function recordedTaskEvents(task: Task): DomainEvent[] {
  const isArchiving = isEndHeldBack(task);
  return taskEvents(task)
    .filter(({ type }) => type !== "task.progress" && isSubscribed(task.eventMask, type))
    .filter(({ type }) => !isArchiving || (type !== "task.completed" && type !== "task.failed"));
}

/** Returns the end event of a flow, if it has a subscriber. A pending restart comes first: the event names the new flow. */
export function recordedFlowEvents(flow: Flow): DomainEvent[] {
  if (flow.pendingEffects?.includes("restart")) return [];
  return flowEvents(flow).filter(({ type }) => isSubscribed(flow.eventMask, type));
}

export interface Unrecorded {
  events: SubjectEvent[];
  /** True if another event will follow soon: images are being archived, or the flow is restarted. */
  isWaiting: boolean;
}

/** Rows of the log expire after 30 days. An older event counts as recorded, so that it is never sent again. */
const FORGOTTEN_AFTER_MS = 25 * 24 * 3_600_000;

/**
 * Returns the events of a flow and its tasks that have no record.
 * @param now epoch ms
 */
export function unrecordedEvents(
  flow: Flow,
  tasks: readonly Task[],
  { records }: DeliveryLog,
  now: number,
): Unrecorded {
  const ofTasks = tasks.flatMap((task) => recordedTaskEvents(task).map((event) => ({ subject: task.path, event })));
  const ofFlow = recordedFlowEvents(flow).map((event) => ({ subject: FLOW_SUBJECT, event }));
  const isArchiving = ({ pendingEffects, eventMask }: Task) =>
    (pendingEffects?.includes("archive") ?? false) &&
    isSubscribed(eventMask, archivesLater(eventMask) ? "task.archived" : "task.completed");
  return {
    events: [...ofTasks, ...ofFlow].filter(
      ({ subject, event }) => !records.has(recordKeyOf(subject, event.name)) && now - event.at < FORGOTTEN_AFTER_MS,
    ),
    isWaiting: (flow.pendingEffects?.includes("restart") ?? false) || tasks.some(isArchiving),
  };
}

/** An event without a record after this time was overlooked: its message was lost, or its worker crashed. */
export const OVERLOOKED_AFTER_MS = 30_000;

export function isOverlooked({ at }: DomainEvent, now: number): boolean {
  return now - at >= OVERLOOKED_AFTER_MS && now - at < FORGOTTEN_AFTER_MS;
}

/** Returns the outcome of a delivery that a record alone stands for; undefined if the delivery has a row. */
export function firstOutcomeOf({
  rev,
  status,
  attempts,
}: Pick<Delivery, "rev" | "status" | "attempts">): FirstOutcome | undefined {
  if (rev > 0) return undefined;
  return status === "parked" ? "parked" : attempts[0]?.status;
}

/** Returns the subscribers for which an event is parked. */
export function parkedListenersOf({ outcomes }: Pick<DeliveryRecord, "outcomes">): string[] {
  return [...outcomes].flatMap(([listener, outcome]) => (outcome === "parked" ? [listener] : []));
}

/** Returns the deliveries that a record alone stands for. Those with a row are left out. */
export function deliveriesOfRecord(flow: Pick<Flow, "id" | "appId">, record: DeliveryRecord): Delivery[] {
  const { subject, name, happenedAt, recordedAt } = record;
  const type = eventTypeOf(subject, name);
  if (type === undefined) return [];
  const common = { flowId: flow.id, appId: flow.appId, subject, name, type, happenedAt, rev: 0, createdAt: recordedAt };
  const parked = { status: "parked" as const, tries: 0, attempts: [] };
  const ended = { status: "delivered" as const, tries: 1, endedAt: recordedAt };
  return [...record.outcomes].flatMap(([listener, outcome]): Delivery[] => {
    if (outcome === "row") return [];
    if (outcome === "parked") return [{ ...common, ...parked, listener }];
    return [{ ...common, ...ended, listener, attempts: [{ at: recordedAt, status: outcome }] }];
  });
}
