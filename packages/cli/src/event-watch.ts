/**
 * Reports the events of all flows of an app from now on. The API has one event stream per flow, so new flows are found by
 * reading the newest flows, and each running flow is followed by its stream.
 *
 * A stream reads its flow less often while nothing happens. So we also read the flow. If the flow has changed and its stream
 * has sent nothing, we open the stream again after the last event. The server then sends the missing events at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Flow, type FlowEvent, isMjflowError, type Mjflow, type MjflowError } from "@mjflow/client";
import { eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import type { OutgoingEvent } from "./forward.ts";

/** Entries of a read of the newest flows. */
const PAGE = 20;
/** Running flows that are also read beside their stream. The others are reported a second later. */
const READ_FLOWS = 20;
/** Flows that have ended and are read in turn, because a press reopens a flow, and no list shows that. */
const READ_ENDED = 20;
/** Reads of ended flows in a round. */
const READ_ENDED_PER_ROUND = 4;
const FAILURE_PAUSES_MS = { first: 1_000, longest: 15_000 };
/** Flows and event ids that are remembered, so that no event is reported twice. */
const REMEMBERED = 50_000;

export interface WatchOptions {
  signal: AbortSignal;
  /** A callback for the moment from which events are reported. */
  onReady(): void;
  onEvent(event: OutgoingEvent): void;
  /** The server does not respond; undefined when it responds again. */
  onOutage(error: MjflowError | undefined): void;
  /** Only this flow. Unset: all flows of the app. */
  flowId?: string | undefined;
  /** Pause between two reads, ms. */
  intervalMs: number;
  now(): number;
}

/**
 * Resolves when `signal` is aborted; with `flowId` also when this flow has ended.
 *
 * @throws MjflowError of the first read, and a rejection such as `unauthorized` of any read
 */
export async function watchEvents(mjflow: Mjflow, options: WatchOptions): Promise<void> {
  await new EventWatch(mjflow, options).run();
}

class EventWatch {
  readonly #mjflow: Mjflow;
  readonly #options: WatchOptions;
  readonly #startedMs: number;
  /** Ends all streams, also if a read is rejected. */
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, true>();
  /** The state in which an ended flow was last read, by id; the flow that was read last is the last one. */
  readonly #ended = new Map<string, string>();
  /** When the newest flow was created that existed at the start. The server's clock: ours may differ. */
  #newestAt = "";
  readonly #followed = new Map<string, Promise<void>>();
  readonly #lastEventIds = new Map<string, string>();
  /** Times of the reported events by id. */
  readonly #reported = new Map<string, string>();
  #isOut = false;
  #rejection: MjflowError | undefined;

  constructor(mjflow: Mjflow, options: WatchOptions) {
    this.#mjflow = mjflow;
    this.#options = options;
    this.#startedMs = options.now();
    this.#signal = AbortSignal.any([options.signal, this.#end.signal]);
  }

  async run(): Promise<void> {
    const { flowId } = this.#options;
    try {
      if (flowId === undefined) await this.#watchAll();
      else {
        await this.#mjflow.flows.get(flowId, { signal: this.#signal });
        this.#options.onReady();
        this.#follow(flowId);
        await this.#followed.get(flowId);
      }
    } catch (error) {
      if (!isMjflowError(error, "aborted")) throw error;
    } finally {
      this.#end.abort();
      await Promise.all(this.#followed.values());
    }
    if (this.#rejection) throw this.#rejection;
  }

  async #watchAll(): Promise<void> {
    const signal = this.#signal;
    const newest = await this.#mjflow.flows.list({ limit: 100 }, { signal }).page();
    for (const { id } of newest.data) this.#known.set(id, true);
    this.#newestAt = newest.data[0]?.createdAt ?? "";
    await this.#findRunning();
    const ended = newest.data.filter(({ id }) => !this.#followed.has(id)).slice(0, READ_ENDED);
    await Promise.all(ended.map(({ id }) => this.#readEnded(id)));
    this.#options.onReady();
    while (!signal.aborted) {
      await pause(this.#options.intervalMs, signal);
      if (signal.aborted) return;
      await this.#patiently(async () => {
        await this.#findNew();
        await this.#findRunning();
        const oldest = [...this.#ended.keys()].slice(0, READ_ENDED_PER_ROUND);
        await Promise.all(oldest.map((id) => this.#readEnded(id)));
      });
    }
  }

  async #findNew(): Promise<void> {
    for await (const { data } of this.#mjflow.flows.list({ limit: PAGE }, { signal: this.#signal }).pages()) {
      const fresh = data.filter(({ id }) => !this.#known.has(id));
      for (const { id } of fresh) this.#follow(id);
      for (const { id } of data) remember(this.#known, id, true);
      if (fresh.length < data.length) return;
    }
  }

  /** Follows the running flows, also those that ran before the start. */
  async #findRunning(): Promise<void> {
    const running = this.#mjflow.flows.list({ status: "running", limit: 100 }, { signal: this.#signal });
    const { data } = await running.page();
    for (const { id, createdAt } of data) this.#follow(id, createdAt > this.#newestAt ? 0 : this.#startedMs);
  }

  /** Follows an ended flow again if it has changed since it was last read. */
  async #readEnded(id: string): Promise<void> {
    const flow = await this.#mjflow.flows.get(id, { signal: this.#signal }).catch((error: unknown) => {
      if (isMjflowError(error, "not_found")) return undefined;
      throw error;
    });
    const before = this.#ended.get(id);
    this.#ended.delete(id);
    if (flow === undefined) return;
    if (flow.status === "running" || (before !== undefined && before !== stateOf(flow))) {
      this.#follow(id, this.#startedMs);
      return;
    }
    this.#ended.set(id, stateOf(flow));
    // Ids of newer flows are greater.
    if (this.#ended.size > READ_ENDED) this.#ended.delete([...this.#ended.keys()].sort()[0]!);
  }

  /** @param sinceMs events before this time are not reported */
  #follow(id: string, sinceMs = 0): void {
    if (this.#followed.has(id)) return;
    this.#ended.delete(id);
    const following = this.#stream(id, sinceMs)
      .catch((error: MjflowError) => {
        // A flow that was deleted meanwhile has no more events.
        if (!isMjflowError(error, "aborted") && !isMjflowError(error, "not_found")) this.#reject(error);
      })
      .then(() => {
        this.#followed.delete(id);
        // An error is reported by the next round.
        if (this.#options.flowId === undefined) this.#readEnded(id).catch(() => {});
      });
    this.#followed.set(id, following);
  }

  #reject(error: MjflowError): void {
    this.#rejection ??= error;
    this.#end.abort();
  }

  async #stream(id: string, sinceMs: number): Promise<void> {
    const isRead = this.#followed.size < READ_FLOWS;
    let hasEnded = false;
    while (!this.#signal.aborted && !hasEnded) {
      const connection = new AbortController();
      const changes = new Changes();
      if (isRead) this.#wake(id, changes, connection);
      try {
        await this.#patiently(() => this.#connect(id, sinceMs, changes, connection.signal));
        hasEnded = true;
      } catch (error) {
        // The connection was ended because its stream was late. The next one continues after the last event.
        if (!connection.signal.aborted || this.#signal.aborted) throw error;
      } finally {
        connection.abort();
      }
    }
  }

  async #connect(id: string, sinceMs: number, changes: Changes, connection: AbortSignal): Promise<void> {
    const events = this.#mjflow.flows.events(id, {
      signal: AbortSignal.any([this.#signal, connection]),
      lastEventId: this.#lastEventIds.get(id),
      follow: "stream",
    });
    for await (const event of events) {
      changes.onEvent();
      this.#report(id, event, sinceMs);
    }
  }

  #report(flowId: string, { id, ...body }: FlowEvent, sinceMs: number): void {
    const eventId = id ?? this.#derivedId(flowId, body);
    // After its end the server sends nothing, so the next connection to a reopened flow begins at the start.
    if (body.type.startsWith("flow.")) this.#lastEventIds.delete(flowId);
    else if (id !== null) this.#lastEventIds.set(flowId, id);
    if (this.#reported.has(eventId)) return;
    remember(this.#reported, eventId, body.timestamp);
    if (Date.parse(body.timestamp) >= sinceMs) this.#options.onEvent({ id: eventId, body });
  }

  /**
   * Returns the id of an event that the client has derived from a read, because the server has no stream. A second end of
   * a flow has a number, as the server's id has.
   */
  #derivedId(flowId: string, { type, timestamp, data }: Omit<FlowEvent, "id">): string {
    const [kind, end] = type.split(".") as [string, string];
    const subject = kind === "flow" ? FLOW_SUBJECT : data.id.slice(data.id.lastIndexOf("_") + 1);
    const name = "progress" in data && end === "progress" ? `progress-${data.progress}` : end;
    const first = eventIdOf(flowId, subject, name);
    for (let n = 1; ; n++) {
      const id = n === 1 ? first : `${first}-${n}`;
      const reported = this.#reported.get(id);
      if (reported === undefined || reported === timestamp) return id;
    }
  }

  /** Ends the connection if the flow has changed and the stream has sent nothing since. */
  async #wake(id: string, changes: Changes, connection: AbortController): Promise<void> {
    const signal = AbortSignal.any([this.#signal, connection.signal]);
    for (;;) {
      await pause(this.#options.intervalMs, signal);
      if (signal.aborted) return;
      // The stream itself reports an outage.
      const flow = await this.#mjflow.flows.get(id, { signal }).catch(() => undefined);
      if (flow && changes.isLate(flow)) return connection.abort();
    }
  }

  /** Repeats what fails for a while. @throws MjflowError of a rejection */
  async #patiently(work: () => Promise<void>): Promise<void> {
    for (let pauseMs = FAILURE_PAUSES_MS.first; ; pauseMs = Math.min(pauseMs * 2, FAILURE_PAUSES_MS.longest)) {
      try {
        await work();
        this.#tellOutage(undefined);
        return;
      } catch (error) {
        if (!isMjflowError(error) || error.code === "aborted" || error.retry === "never") throw error;
        this.#tellOutage(error);
        await pause(Math.max(pauseMs, error.retryAfterMs ?? 0), this.#signal);
      }
    }
  }

  #tellOutage(error: MjflowError | undefined): void {
    if (this.#isOut === (error !== undefined)) return;
    this.#isOut = error !== undefined;
    this.#options.onOutage(error);
  }
}

/** Compares what a stream has sent with what reads show. */
class Changes {
  #seen: string | undefined;
  #hasEvent = false;

  onEvent(): void {
    this.#hasEvent = true;
  }

  /** True if the flow has changed since the last read, and the stream has sent no event since then. */
  isLate(flow: Flow): boolean {
    const state = stateOf(flow);
    const isChanged = this.#seen !== undefined && this.#seen !== state;
    const isLate = isChanged && !this.#hasEvent;
    this.#seen = state;
    this.#hasEvent = false;
    return isLate;
  }
}

/** A text that differs if the flow has a new event. */
function stateOf({ status, tasks }: Flow): string {
  return JSON.stringify([
    status,
    tasks.map((task) => [task.id, task.status, task.progress, task.copies.length, task.imageUrl]),
  ]);
}

/** Returns early, without an error, if the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  if (map.size >= REMEMBERED) map.delete(map.keys().next().value!);
  map.set(key, value);
}
