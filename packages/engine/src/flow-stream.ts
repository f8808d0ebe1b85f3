/**
 * A flow as it goes, event by event, for a stream. Events are read off the rows, so that nothing need be kept for a
 * listener who may never come, and one who comes back is told what it missed.
 */

import { flowEvents, taskEvents } from "@mjflow/core/derived-events";
import { type DomainEvent, type EventBody, eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import { type Flow, flowStatus } from "@mjflow/core/flow";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "./deps.ts";
import { eventView, type MediaUrl } from "./view.ts";

export interface FlowStreamDeps extends Pick<EngineDeps, "store" | "clock"> {
  sleep(ms: number): Promise<void>;
}

/** `idle`: nothing new for a while; the connection is worth a sign of life. */
export type FlowStreamItem = { kind: "event"; id: string; body: EventBody } | { kind: "idle" };

export interface FlowStreamOptions {
  /** The id of the last event the listener has; what happened since is told. */
  after?: string | undefined;
  /** The stream ends then, whatever the flow does: the listener comes back with what it has. */
  maxMs: number;
  isClosed(): boolean;
  mediaUrl: MediaUrl;
}

/** Between two readings: short while things happen, longer while they do not. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 2_000;
const IDLE_MS = 10_000;
/** Clocks of two writers differ: what happened this shortly before the last event is told again. */
const SKEW_MS = 5_000;

/** Ends with the flow. Each event at least once; several may be told again after coming back. */
export async function* streamFlowEvents(
  { store, clock, sleep }: FlowStreamDeps,
  flowId: string,
  { after, maxMs, isClosed, mediaUrl }: FlowStreamOptions,
): AsyncGenerator<FlowStreamItem> {
  const until = clock.now() + maxMs;
  const told = new Set<string>();
  let pause = FIRST_PAUSE_MS;
  let spokenAt = clock.now();
  let first = true;
  while (!isClosed()) {
    const { flow, tasks } = await store.loadFlow(flowId);
    if (!flow) return;
    const all = eventsOf(flow, tasks);
    if (first) for (const event of known(all, after)) told.add(event.id);
    first = false;
    const news = all.filter(({ id }) => !told.has(id));
    for (const { id, event, task } of news) {
      told.add(id);
      const { type, at } = event;
      const data = eventView(flow, tasks, task, mediaUrl);
      yield { kind: "event", id, body: { type, timestamp: new Date(at).toISOString(), data } };
    }
    const now = clock.now();
    if (flow.status !== "running" || now >= until) return;
    if (news.length > 0) spokenAt = now;
    if (now - spokenAt >= IDLE_MS) {
      spokenAt = now;
      yield { kind: "idle" };
    }
    pause = news.length > 0 ? FIRST_PAUSE_MS : Math.min(LAST_PAUSE_MS, pause * 1.5);
    await sleep(Math.min(pause, Math.max(0, until - now)));
  }
}

interface OrderedEvent {
  id: string;
  event: DomainEvent;
  task: Task | undefined;
}

/** All that has happened, in order; the flow's end last, and not before it is recorded. */
function eventsOf(flow: Flow, tasks: readonly Task[]): OrderedEvent[] {
  const ofTasks = tasks.flatMap((task) =>
    taskEvents(task).map((event) => ({ id: eventIdOf(flow.id, task.path, event.name), event, task })),
  );
  const ended = flowStatus(tasks) === "running" ? [] : flowEvents(flow);
  const ofFlow = ended.map((event) => ({ id: eventIdOf(flow.id, FLOW_SUBJECT, event.name), event, task: undefined }));
  return [...ofTasks.sort((a, b) => a.event.at - b.event.at), ...ofFlow];
}

/** What a listener with that last event has. One that is not to be found (progress has moved on) proves nothing. */
function known(all: readonly OrderedEvent[], after: string | undefined): readonly OrderedEvent[] {
  const last = all.find(({ id }) => id === after);
  if (!last) return [];
  return all.filter((placed) => placed === last || placed.event.at < last.event.at - SKEW_MS);
}
