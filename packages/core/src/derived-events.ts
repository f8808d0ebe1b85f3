/**
 * Events are not stored. They are derived from the rows of tasks and flows, so every later notification still contains an
 * event whose own notification was lost.
 */
import { type DomainEvent, isSubscribed } from "./event.ts";
import type { Flow } from "./flow.ts";
import { isEnded, type Task } from "./task.ts";

/** Returns all events of a task so far, in order; of its progress events only the latest. */
export function taskEvents(task: Task): DomainEvent[] {
  const events: DomainEvent[] = [];
  const { submittedAt, progress, status, endedAt } = task;
  if (submittedAt !== undefined) events.push({ name: "submitted", type: "task.submitted", at: submittedAt });
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
  return events;
}

/** Returns the end event of a flow; empty while the flow is running. */
export function flowEvents({ status, endedAt, endCount }: Flow): DomainEvent[] {
  if (status === "running" || endedAt === undefined) return [];
  const name = status === "completed" ? "completed" : "failed";
  // A reopened flow ends again. Each end has its own name, so that receivers do not take it for a duplicate.
  return [{ name: endCount ? `${name}-${endCount + 1}` : name, type: `flow.${name}`, at: endedAt }];
}

/** Returns true if the change from `before` to `next` adds an event that a subscriber wants. */
export function hasNewSubscribedEvent(before: Task, next: Task): boolean {
  if (!next.eventMask) return false;
  const old = new Set(taskEvents(before).map((event) => event.name));
  return taskEvents(next).some((event) => !old.has(event.name) && isSubscribed(next.eventMask, event.type));
}
