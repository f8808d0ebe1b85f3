/** What an app can hear of: the events of webhooks, the bus and the stream, under one set of names. */

export const EVENT_TYPES = [
  "task.submitted",
  "task.progress",
  "task.modal",
  "task.completed",
  "task.failed",
  "flow.completed",
  "flow.failed",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A webhook's body (Standard Webhooks 1.0, "Payload structure"). */
export interface EventBody {
  type: EventType;
  /** When it happened, ISO 8601; the same at every try. */
  timestamp: string;
  data: unknown;
}
