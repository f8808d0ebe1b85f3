/**
 * Events are not stored. They are derived from the rows of tasks and flows, so every later notification still contains an
 * event whose own notification was lost.
 */
import { type DomainEvent, EVENT_TYPES, type EventType, FLOW_SUBJECT, isSubscribed } from "./event.ts";
import type { Flow } from "./flow.ts";
import { isEnded, type Task } from "./task.ts";

/** Returns all events of a task so far, in order; of its progress events only the latest. */
export function taskEvents(task: Task): DomainEvent[] {
  const events: DomainEvent[] = [];
  const { submittedAt, firstSubmittedAt, progress, status, endedAt, archivedAt } = task;
  // The time of an event never changes, so that all its attempts have one body.
  if (submittedAt !== undefined)
    events.push({ name: "submitted", type: "task.submitted", at: firstSubmittedAt ?? submittedAt });
  if (status === "MODAL" && !task.modal)
    events.push({ name: "modal", type: "task.modal", at: submittedAt ?? task.updatedAt });
  if (progress > 0 && !isEnded(task)) {
    events.push({ name: `progress-${progress}`, type: "task.progress", at: task.updatedAt });
  }
  // A success that gets its image later is another event. The name differs, so that receivers do not take it for a duplicate.
  const { resultUpdatedAt } = task;
  const name = resultUpdatedAt === undefined ? "completed" : "completed-2";
  if (endedAt !== undefined && status === "SUCCESS")
    events.push({ name, type: "task.completed", at: resultUpdatedAt ?? endedAt });
  else if (endedAt !== undefined) events.push({ name: "failed", type: "task.failed", at: endedAt });
  if (archivedAt !== undefined) events.push({ name: "archived", type: "task.archived", at: archivedAt });
  return events;
}

/** Returns the end event of a flow; empty while the flow is running. */
export function flowEvents({ status, endedAt, endCount }: Flow): DomainEvent[] {
  if (status === "running" || endedAt === undefined) return [];
  const name = status === "completed" ? "completed" : "failed";
  // A reopened flow ends again. Each end has its own name, so that receivers do not take it for a duplicate.
  return [{ name: endCount ? `${name}-${endCount + 1}` : name, type: `flow.${name}`, at: endedAt }];
}

/** Returns the names of the events that the change from `before` to `next` adds and that a subscriber wants. */
export function newSubscribedEvents(before: Task, next: Task): string[] {
  if (!next.eventMask) return [];
  const old = new Set(taskEvents(before).map((event) => event.name));
  return taskEvents(next)
    .filter((event) => !old.has(event.name) && isSubscribed(next.eventMask, event.type))
    .map(({ name }) => name);
}

/** Returns the type of an event by its name. */
export function eventTypeOf(subject: string, name: string): EventType | undefined {
  const [kind = ""] = name.split("-");
  const type = kind === "disabled" ? "endpoint.disabled" : `${subject === FLOW_SUBJECT ? "flow" : "task"}.${kind}`;
  return EVENT_TYPES.find((known) => known === type);
}
