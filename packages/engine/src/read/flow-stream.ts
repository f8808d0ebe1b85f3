/**
 * Streams the events of a flow. Events are derived from the rows. Therefore nothing is stored for clients that never
 * connect, and a client that reconnects receives what it missed.
 */

import { flowEvents, taskEvents } from "@mjflow/core/derived-events";
import { type DomainEvent, type EventBody, eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import { type Flow, flowStatus, isEndRecorded } from "@mjflow/core/flow";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { eventView, type Links } from "./view.ts";

export interface FlowStreamDeps extends Pick<EngineDeps, "store" | "clock"> {
  sleep(ms: number): Promise<void>;
}

/** `idle`: no event for a while; the caller should send a keep-alive. */
export type FlowStreamItem = { kind: "event"; id: string; body: EventBody } | { kind: "idle" };

export interface FlowStreamOptions {
  /** Id of the last event that the client has; the stream sends the events after it. */
  after?: string | undefined;
  /** Maximum duration of the stream, ms. After that the client reconnects with its last event id. */
  maxMs: number;
  isClosed(): boolean;
  links: Links;
}

/** Pauses between two reads: short after an event, longer while nothing happens. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 2_000;
const IDLE_MS = 10_000;
/** Clocks of two writers can differ, so events up to this long before the client's last event are sent again, ms. */
const SKEW_MS = 5_000;

/**
 * Returns true if a client with this last event id has all events and the flow has ended. Browsers reconnect after every
 * end of a response except 204, so they must get a 204 then.
 *
 * @param after id of the last event that the client has; any text
 */
export async function hasWholeStream(
  { store }: Pick<EngineDeps, "store">,
  flow: Flow,
  after: string | undefined,
): Promise<boolean> {
  if (after === undefined || after !== endIdOf(flow)) return false;
  // The tasks show whether the flow was reopened by a press or a retry.
  const current = await store.loadFlow(flow.id);
  return current.flow !== undefined && after === endIdOf(current.flow) && isEndRecorded(current.flow, current.tasks);
}

/**
 * Streams until the end of the flow is recorded. The event of the end is always the last one. Each event is sent at least
 * once; after a reconnect some events may be sent again, but none after the end of the flow.
 */
export async function* streamFlowEvents(
  { store, clock, sleep }: FlowStreamDeps,
  flowId: string,
  { after, maxMs, isClosed, links }: FlowStreamOptions,
): AsyncGenerator<FlowStreamItem> {
  const until = clock.now() + maxMs;
  const sent = new Set<string>();
  let pause = FIRST_PAUSE_MS;
  let lastSentAt = clock.now();
  let first = true;
  while (!isClosed()) {
    const { flow, tasks } = await store.loadFlow(flowId);
    if (!flow || flow.deletedAt !== undefined) return;
    const all = eventsOf(flow, tasks);
    if (first) for (const event of alreadySent({ flow, tasks, all }, after)) sent.add(event.id);
    first = false;
    const unsent = all.filter(({ id }) => !sent.has(id));
    for (const { id, event, task } of unsent) {
      sent.add(id);
      const { type, at } = event;
      const data = eventView(flow, tasks, task, type, links);
      yield { kind: "event", id, body: { type, timestamp: new Date(at).toISOString(), data } };
    }
    const now = clock.now();
    if (isEndRecorded(flow, tasks) || now >= until) return;
    if (unsent.length > 0) lastSentAt = now;
    if (now - lastSentAt >= IDLE_MS) {
      lastSentAt = now;
      yield { kind: "idle" };
    }
    pause = unsent.length > 0 ? FIRST_PAUSE_MS : Math.min(LAST_PAUSE_MS, pause * 1.5);
    await sleep(Math.min(pause, Math.max(0, until - now)));
  }
}

interface OrderedEvent {
  id: string;
  event: DomainEvent;
  task: Task | undefined;
}

/** All events so far, in order. The end of the flow is last, and only after it is recorded. */
function eventsOf(flow: Flow, tasks: readonly Task[]): OrderedEvent[] {
  const ofTasks = tasks.flatMap((task) =>
    taskEvents(task).map((event) => ({ id: eventIdOf(flow.id, task.path, event.name), event, task })),
  );
  const ended = flowStatus(tasks) === "running" ? [] : flowEvents(flow);
  const ofFlow = ended.map((event) => ({ id: eventIdOf(flow.id, FLOW_SUBJECT, event.name), event, task: undefined }));
  return [...ofTasks.sort((a, b) => a.event.at - b.event.at), ...ofFlow];
}

/** Id of the event of the recorded end; undefined while none is recorded. */
function endIdOf(flow: Flow): string | undefined {
  const [end] = flowEvents(flow);
  return end && eventIdOf(flow.id, FLOW_SUBJECT, end.name);
}

/**
 * The events that a client with this last event id already has. If the id is not found, for example because progress
 * has advanced or because it is not ours, nothing is assumed.
 */
function alreadySent(
  { flow, tasks, all }: { flow: Flow; tasks: readonly Task[]; all: readonly OrderedEvent[] },
  after: string | undefined,
): readonly OrderedEvent[] {
  if (after !== undefined && after === endIdOf(flow)) {
    if (isEndRecorded(flow, tasks)) return all;
    // A press has reopened the flow. The tasks that existed at its end were sent before it.
    const { endedAt = 0 } = flow;
    return all.filter(({ task }) => task !== undefined && task.createdAt <= endedAt);
  }
  const last = all.find(({ id }) => id === after);
  if (!last) return [];
  return all.filter((each) => each === last || each.event.at < last.event.at - SKEW_MS);
}
