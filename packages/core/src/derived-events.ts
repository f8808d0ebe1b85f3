/**
 * Events are not stored: they are read off the rows. Whatever has happened to a task can be told from it at any later
 * time, so that an announcement that was lost is made good by the next one.
 */
import { type DomainEvent, isSubscribed } from "./event.ts";
import type { Flow } from "./flow.ts";
import { isEnded, type Task } from "./task.ts";

/** Everything that has happened to a task by now, in order. Of its progress only the latest. */
export function taskEvents(task: Task): DomainEvent[] {
  const events: DomainEvent[] = [];
  const { submittedAt, progress, status, endedAt } = task;
  if (submittedAt !== undefined) events.push({ name: "submitted", type: "task.submitted", at: submittedAt });
  if (status === "MODAL" && !task.modal)
    events.push({ name: "modal", type: "task.modal", at: submittedAt ?? task.updatedAt });
  if (progress > 0 && !isEnded(task)) {
    events.push({ name: `progress-${progress}`, type: "task.progress", at: task.updatedAt });
  }
  if (endedAt !== undefined && status === "SUCCESS")
    events.push({ name: "completed", type: "task.completed", at: endedAt });
  else if (endedAt !== undefined) events.push({ name: "failed", type: "task.failed", at: endedAt });
  return events;
}

/** The end of a flow; a flow has no other events of its own. */
export function flowEvents({ status, endedAt, endCount }: Flow): DomainEvent[] {
  if (status === "running" || endedAt === undefined) return [];
  const name = status === "completed" ? "completed" : "failed";
  // Each end of a flow that was gone on with is told, and none is taken for another.
  return [{ name: endCount ? `${name}-${endCount + 1}` : name, type: `flow.${name}`, at: endedAt }];
}

/** True when a listener has something new to hear between two states of a task. */
export function hasNewSubscribedEvent(before: Task, next: Task): boolean {
  if (!next.eventMask) return false;
  const old = new Set(taskEvents(before).map((event) => event.name));
  return taskEvents(next).some((event) => !old.has(event.name) && isSubscribed(next.eventMask, event.type));
}
