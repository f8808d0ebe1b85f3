/** What an app can hear of: the events of webhooks, the bus and the stream, under one set of names. */

export const EVENT_TYPES = [
  "task.submitted",
  "task.progress",
  "task.modal",
  "task.completed",
  "task.failed",
  "flow.completed",
  "flow.failed",
  "endpoint.disabled",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** A webhook's body (Standard Webhooks 1.0, "Payload structure"). */
export interface EventBody {
  type: EventType;
  /** When it happened, ISO 8601; the same at every try. */
  timestamp: string;
  data: unknown;
}

export interface DomainEvent {
  /** Unique within its task or flow: the type's second half, progress with its percentage. */
  name: string;
  type: EventType;
  /** Epoch ms. */
  at: number;
}

/** What somebody listens to, as one number that travels in each row: so that a task nobody listens to costs nothing. */
export const EVENT_BITS = { submitted: 1, progress: 2, modal: 4, ended: 8, flow: 16 } as const;

const EVENT_BIT_OF: Readonly<Record<EventType, number>> = {
  "task.submitted": EVENT_BITS.submitted,
  "task.progress": EVENT_BITS.progress,
  "task.modal": EVENT_BITS.modal,
  "task.completed": EVENT_BITS.ended,
  "task.failed": EVENT_BITS.ended,
  "flow.completed": EVENT_BITS.flow,
  "flow.failed": EVENT_BITS.flow,
  // Of no flow: whoever disables an endpoint tells the others.
  "endpoint.disabled": 0,
};

/** Without a filter: everything but progress, which must be asked for. */
export const DEFAULT_EVENTS: readonly EventType[] = EVENT_TYPES.filter((type) => type !== "task.progress");

export function eventMaskOf(events: readonly EventType[]): number {
  return events.reduce((mask, type) => mask | EVENT_BIT_OF[type], 0);
}

export function isSubscribed(eventMask: number | undefined, type: EventType): boolean {
  return ((eventMask ?? 0) & EVENT_BIT_OF[type]) !== 0;
}

/** Named after the endpoint: told in the flow whose delivery was the last straw. */
export function endpointDisabledEvent(endpointId: string, at: number): DomainEvent {
  return { name: `${DISABLED_PREFIX}${endpointId}`, type: "endpoint.disabled", at };
}

/** Which endpoint such an event speaks of. */
export function disabledEndpointIdOf(name: string): string | undefined {
  return name.startsWith(DISABLED_PREFIX) ? name.slice(DISABLED_PREFIX.length) : undefined;
}

const DISABLED_PREFIX = "disabled-";

/** Where in a flow something happened: a task's path, or the flow itself. */
export type EventSubject = string;
export const FLOW_SUBJECT: EventSubject = "flow";

/** The same for every listener and every try: what receivers deduplicate by. */
export function eventIdOf(flowId: string, place: EventSubject, name: string): string {
  return `evt_${flowId.slice("flow_".length)}_${place}_${name}`;
}
