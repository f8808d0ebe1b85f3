/** Events that an app can receive from webhooks, the event bus and the stream. All three use the same type names. */
import type { ArchiveMode } from "./archive-mode.ts";

export const EVENT_TYPES = [
  "task.submitted",
  "task.progress",
  "task.modal",
  "task.completed",
  "task.archived",
  "task.failed",
  "flow.completed",
  "flow.failed",
  "endpoint.disabled",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Body of a webhook (Standard Webhooks 1.0, "Payload structure"). */
export interface EventBody {
  type: EventType;
  /** Time of the event, ISO 8601; the same in every delivery attempt. */
  timestamp: string;
  data: unknown;
}

export interface DomainEvent {
  /** Name unique within its task or flow: the second half of the type; for progress with the percentage. */
  name: string;
  type: EventType;
  /** Time of the event, epoch ms. */
  at: number;
}

/**
 * Bits of the event mask. Each row carries the mask, so that a task without subscribers costs no notification. `log` is no
 * event: it marks a flow whose first attempts are recorded in its delivery log (delivery-log.ts). It is a bit of the mask,
 * because follow-ups, presses, retries and restarts copy the mask, in earlier versions too. `archiveLater` is no event either:
 * it marks a flow whose successes are sent before their images are archived (docs/decisions/0052).
 */
export const EVENT_BITS = {
  submitted: 1,
  progress: 2,
  modal: 4,
  ended: 8,
  flow: 16,
  log: 32,
  archived: 64,
  archiveLater: 128,
} as const;

const EVENT_BIT_OF: Readonly<Record<EventType, number>> = {
  "task.submitted": EVENT_BITS.submitted,
  "task.progress": EVENT_BITS.progress,
  "task.modal": EVENT_BITS.modal,
  "task.completed": EVENT_BITS.ended,
  "task.archived": EVENT_BITS.archived,
  "task.failed": EVENT_BITS.ended,
  "flow.completed": EVENT_BITS.flow,
  "flow.failed": EVENT_BITS.flow,
  // An endpoint belongs to no flow. The worker that disables it notifies the app's other endpoints directly.
  "endpoint.disabled": 0,
};

/** Events of an endpoint without a filter: all except progress, which must be selected. */
export const DEFAULT_EVENTS: readonly EventType[] = EVENT_TYPES.filter((type) => type !== "task.progress");

/**
 * Events of the compat API's hook. Its posts have no event type, so a second post of a success would look like a duplicate.
 */
export const COMPAT_EVENTS: readonly EventType[] = EVENT_TYPES.filter((type) => type !== "task.archived");

export function eventMaskOf(events: readonly EventType[]): number {
  return events.reduce((mask, type) => mask | EVENT_BIT_OF[type], 0);
}

export function isSubscribed(eventMask: number | undefined, type: EventType): boolean {
  return ((eventMask ?? 0) & EVENT_BIT_OF[type]) !== 0;
}

/** True if the mask has an event, and not only marks of the flow. */
export function hasSubscribers(eventMask: number): boolean {
  return (eventMask & ~(EVENT_BITS.log | EVENT_BITS.archiveLater)) !== 0;
}

/** True if the flow has a delivery log. False: each event has one delivery row per subscriber, as in earlier versions. */
export function hasDeliveryLog(eventMask: number | undefined): boolean {
  return ((eventMask ?? 0) & EVENT_BITS.log) !== 0;
}

/** True if a success is sent at once with the vendor's links, and the copies are sent by `task.archived`. */
export function archivesLater(eventMask: number | undefined): boolean {
  return ((eventMask ?? 0) & EVENT_BITS.archiveLater) !== 0;
}

/** Returns the event mask of a new flow. Without `later` no event tells the copies, so its subscribers count for nothing. */
export function withArchiveMode(eventMask: number, archive: ArchiveMode): number {
  return archive === "later" ? eventMask | EVENT_BITS.archiveLater : eventMask & ~EVENT_BITS.archived;
}

/** Returns the event of a disabled endpoint. It belongs to the flow whose failed delivery disabled the endpoint. */
export function endpointDisabledEvent(endpointId: string, at: number): DomainEvent {
  return { name: `${DISABLED_PREFIX}${endpointId}`, type: "endpoint.disabled", at };
}

/** Returns the endpoint id in the name of an `endpoint.disabled` event; undefined for other events. */
export function disabledEndpointIdOf(name: string): string | undefined {
  return name.startsWith(DISABLED_PREFIX) ? name.slice(DISABLED_PREFIX.length) : undefined;
}

const DISABLED_PREFIX = "disabled-";

/** What an event is about: a task's path, or `FLOW_SUBJECT` for the flow itself. */
export type EventSubject = string;
export const FLOW_SUBJECT: EventSubject = "flow";

/** The id is the same for every subscriber and every attempt. Receivers use it to recognize duplicates. */
export function eventIdOf(flowId: string, subject: EventSubject, name: string): string {
  return `evt_${flowId.slice("flow_".length)}_${subject}_${name}`;
}
