/**
 * Follows a flow until it ends: by reads at the times that the server hints, or by its event stream. The server says which
 * of them is cheap. A server without hints is read with long polls and growing pauses if it has no stream.
 *
 * F1 A flow has ended when a read says so. An event alone does not prove the end, because a press reopens a flow.
 * F2 There is a pause between two rounds, whatever the server does. It is the server's hint, or it grows while nothing new
 *    comes. Only a read that the server itself held is followed immediately by the next read.
 * F3 Events that a stream lost are derived from a read: after a connection without events, and after the last event.
 */

import { MjflowError, unexpectedAnswer } from "./error.ts";
import { isOfFlow, parseEvent } from "./event.ts";
import { EventReplay, type FlowEvent } from "./event-replay.ts";
import { isObject } from "./problem.ts";
import { backoffMs, parseRetryAfter } from "./retry.ts";
import type { Message } from "./sse.ts";
import { type Connection, connect } from "./stream.ts";
import { segment, type Transport } from "./transport.ts";
import type { Flow } from "./types.ts";

/**
 * `WAIT_S`: time the server may hold a read, seconds; the server holds no read longer than 25 s. `READ_TIMEOUT_MS`:
 * time the client waits for such a read.
 */
const WAIT_S = 20;
const READ_TIMEOUT_MS = 45_000;
/** A read that took at least this long was held by the server, so the client adds no pause after it. */
const HELD_READ_MS = 5_000;
const PAUSE = { baseMs: 1_000, capMs: 20_000 };
/** Shortest pauses after a hint, so that wrong hints cannot cause a flood of requests. */
const HINTED_PAUSE = { baseMs: 1_000, capMs: 5_000 };
const HINT_MAX_MS = 300_000;
/** Part of a hint that is added at random, so that many waiting clients do not read at the same time. */
const HINT_JITTER = 0.1;
/**
 * Failures in a row before the error is reported. With these pauses that is about 1.5 minutes: long enough for a
 * deployment, short enough to report a dead server.
 */
const MAX_FAILURES = 10;
/**
 * The client stops using streams after this number of empty streams in a row. A stream is empty if it ended within
 * `EMPTY_STREAM_MS` without an event. Usually a proxy between client and server blocks such streams.
 */
const MAX_EMPTY_STREAMS = 3;
const EMPTY_STREAM_MS = 10_000;
const RETRY_AFTER_MAX_MS = 300_000;
const MAX_REMEMBERED = 10_000;

export interface FollowOptions {
  signal: AbortSignal;
  /** End of the wait on the transport's clock, epoch ms; no pause is longer. Unset: no limit. */
  untilMs?: number | undefined;
  /** Id of the last received event; the stream continues after it. Unset: from the start. */
  lastEventId?: string | undefined;
  /** True reads the flow after each opened stream, so that a view misses no change. */
  readFirst?: boolean | undefined;
  /** `auto`: as the server prefers, which the first read says. Default: a stream if the server has one. */
  follow?: Follow | undefined;
  /** The flow as the server has just sent it. The first round then needs no read. */
  known?: Known | undefined;
}

/** How a flow is followed. `read`: by reads. `stream`: by the event stream. `auto`: as the server prefers. */
export type Follow = "auto" | "read" | "stream";

/** @property atMs when the response arrived, on the transport's clock */
export interface Known {
  flow: Flow;
  atMs: number;
}

export interface Update {
  events: FlowEvent[];
  /** The flow, if this round has read it. */
  flow?: Flow | undefined;
}

/**
 * @throws MjflowError `not_found`, `unauthorized`, …; `unreachable` if the server stays unreachable; `aborted`;
 * `timeout` at `untilMs`
 */
export function follow(transport: Transport, flowId: string, options: FollowOptions): AsyncGenerator<Update, void> {
  return new Follower(transport, flowId, options).updates();
}

class Follower {
  readonly #transport: Transport;
  readonly #id: string;
  readonly #options: FollowOptions;
  readonly #replay: EventReplay;
  readonly #seen = new Set<string>();
  #lastEventId: string | undefined;
  #etag: string | undefined;
  /** Unset until the first read has said which way the server prefers. */
  #streaming: boolean | undefined;
  /** Address of the stream if it is not at the base URL. */
  #eventsUrl: string | undefined;
  #known: Known | undefined;
  /** The hint of the last read, ms; unset if it had none. */
  #hintMs: number | undefined;
  /** True if the current round has asked for the stream. */
  #triedStream = false;
  /** True if the last read asked the server to hold it. */
  #askedToHold = false;
  #ended = false;
  /** True if an event or a changed flow arrived in the current round. */
  #hasChange = false;
  /** True if the stream of the current round sent an event. */
  #hasStreamEvent = false;
  /** True if the last event of the stream was the end of the flow. */
  #streamReachedEnd = false;

  constructor(transport: Transport, flowId: string, options: FollowOptions) {
    this.#transport = transport;
    this.#id = flowId;
    this.#options = options;
    this.#lastEventId = options.lastEventId;
    this.#known = options.known;
    const { follow = "stream" } = options;
    this.#streaming = follow === "auto" ? undefined : follow === "stream";
    this.#replay = new EventReplay(options.lastEventId !== undefined);
  }

  async *updates(): AsyncGenerator<Update, void> {
    let quietRounds = 0;
    let failures = 0;
    let emptyStreams = 0;
    for (;;) {
      const startedMs = this.#transport.now();
      let failure: MjflowError | undefined;
      this.#hasChange = false;
      this.#hasStreamEvent = false;
      this.#streamReachedEnd = false;
      this.#triedStream = false;
      try {
        yield* this.#round();
        if (this.#ended) return;
      } catch (error) {
        if (!(error instanceof MjflowError) || !mayPass(error)) throw error;
        failure = error;
      }
      const streamed = this.#triedStream;
      const tookMs = this.#transport.now() - startedMs;
      failures = failure && !this.#hasChange ? failures + 1 : 0;
      if (failure && failures >= MAX_FAILURES) throw failure;
      const isEmpty = streamed && !this.#hasStreamEvent && tookMs < EMPTY_STREAM_MS && failure?.code !== "unreachable";
      emptyStreams = isEmpty ? emptyStreams + 1 : 0;
      if (emptyStreams >= MAX_EMPTY_STREAMS) this.#streaming = false;
      const held = !failure && this.#askedToHold && tookMs >= HELD_READ_MS;
      quietRounds = this.#hasChange || held ? 0 : quietRounds + 1;
      if (streamed || !held) await this.#pause(quietRounds, failure);
    }
  }

  /**
   * Runs one round: a stream until it ends, if streams work, and then a read. There is no read if the stream sent events,
   * but not the end of the flow.
   */
  async *#round(): AsyncGenerator<Update, void> {
    const { signal } = this.#options;
    const mustDecide = this.#streaming === undefined;
    if (mustDecide) yield* this.#decide();
    if (this.#ended || (mustDecide && !this.#streaming)) return;
    if (this.#streaming) {
      this.#triedStream = true;
      const options = { lastEventId: this.#lastEventId, eventsUrl: this.#eventsUrl, signal };
      const connection = await connect(this.#transport, this.#id, options);
      if (connection === "unsupported") {
        this.#streaming = false;
        if (mustDecide) return;
      } else if (connection !== "nothing") yield* this.#stream(connection, mustDecide);
      if (this.#ended) return;
    }
    if (this.#hasStreamEvent && !this.#streamReachedEnd) return;
    const update = await this.#read(!this.#streaming);
    if (update) yield update;
  }

  /**
   * Decides by the first read how the flow is followed. A server without hints is followed by its stream. The stream sends
   * all events from the start, so none is derived from this read then.
   */
  async *#decide(): AsyncGenerator<Update, void> {
    const flow = this.#takeKnown() ?? (await this.#fetch(false));
    if (flow === undefined) return;
    this.#streaming = flow.follow !== "read";
    if (!this.#streaming) {
      yield this.#derive(flow);
      return;
    }
    if (!this.#options.readFirst) return;
    this.#ended = flow.status !== "running";
    yield { events: [], flow };
  }

  /** Returns the flow that the caller knows, once. A known end is read again, because a press could have reopened it. */
  #takeKnown(): Flow | undefined {
    const known = this.#known;
    this.#known = undefined;
    if (known?.flow.status !== "running" || typeof known.flow.nextInMs !== "number") return undefined;
    this.#hintMs = Math.max(0, known.atMs + known.flow.nextInMs - this.#transport.now());
    return known.flow;
  }

  /** @param hasRead whether the flow was read in this round */
  async *#stream(connection: Connection, hasRead: boolean): AsyncGenerator<Update, void> {
    this.#eventsUrl = connection.eventsUrl;
    try {
      if (this.#options.readFirst && !hasRead) {
        const update = await this.#read(false);
        if (update) yield update;
        if (this.#ended) return;
      }
      for await (const message of connection.messages) {
        const event = this.#eventOf(message);
        if (!event) continue;
        this.#hasChange = true;
        this.#hasStreamEvent = true;
        yield { events: [event] };
        this.#streamReachedEnd = event.type === "flow.completed" || event.type === "flow.failed";
        if (this.#streamReachedEnd) return;
      }
    } finally {
      connection.close();
    }
  }

  async #read(patient: boolean): Promise<Update | undefined> {
    const flow = await this.#fetch(patient);
    return flow && this.#derive(flow);
  }

  /**
   * Reads the flow. Returns undefined if nothing changed since the last read. A server that sends no hints may hold a
   * patient read until something changes. Without an ETag it has nothing to compare with, so the read is not held.
   */
  async #fetch(patient: boolean): Promise<Flow | undefined> {
    const isTagged = patient && this.#etag !== undefined;
    const isHeld = isTagged && this.#hintMs === undefined;
    this.#askedToHold = isHeld;
    const { status, headers, body } = await this.#transport.once<Flow>({
      path: `/v1/flows/${segment(this.#id)}`,
      ...(isTagged && { headers: { ...(isHeld && { prefer: `wait=${WAIT_S}` }), "if-none-match": this.#etag! } }),
      ...(isHeld && { timeoutMs: READ_TIMEOUT_MS }),
      signal: this.#options.signal,
    });
    if (status === 304) {
      this.#hintMs = parseRetryAfter(headers.get("retry-after"), this.#transport.now());
      return undefined;
    }
    if (!isObject(body) || typeof body.status !== "string" || !Array.isArray(body.tasks)) {
      throw unexpectedAnswer("The server's response is not a flow.", status);
    }
    this.#etag = headers.get("etag") ?? undefined;
    this.#hintMs = typeof body.nextInMs === "number" ? body.nextInMs : undefined;
    return body;
  }

  /** Derives the events that the caller has not seen. */
  #derive(body: Flow): Update {
    this.#ended = body.status !== "running";
    // A stream that reached the flow's end has reported all events, to this caller or to an earlier one.
    const missing = this.#replay.missing(body, this.#transport.now());
    const events = this.#streamReachedEnd ? [] : missing;
    if (events.length > 0) this.#hasChange = true;
    return { events, flow: body };
  }

  /**
   * Returns undefined for a message that is not an event of a flow, and for a repeated event. Some servers do not
   * continue after `Last-Event-ID`.
   */
  #eventOf({ id, data }: Message): FlowEvent | undefined {
    const body = parseEvent(data);
    if (id !== undefined) {
      this.#lastEventId = id;
      if (this.#seen.has(id)) return undefined;
      if (this.#seen.size >= MAX_REMEMBERED) this.#seen.delete(this.#seen.values().next().value!);
      this.#seen.add(id);
    }
    if (!body || !isOfFlow(body)) return undefined;
    this.#replay.record(body);
    return { ...body, id: id ?? null };
  }

  async #pause(quietRounds: number, failure: MjflowError | undefined): Promise<void> {
    const { signal, untilMs = Number.POSITIVE_INFINITY } = this.#options;
    const { sleep, now, random } = this.#transport;
    const retryAfterMs = Math.min(failure?.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
    const isHinted = !failure && !this.#streaming && this.#hintMs !== undefined;
    const hintedMs = isHinted ? Math.min(this.#hintMs!, HINT_MAX_MS) * (1 + HINT_JITTER * random()) : 0;
    const least = backoffMs(quietRounds, isHinted ? HINTED_PAUSE : PAUSE, random());
    const ms = Math.round(Math.max(least, hintedMs, retryAfterMs));
    await sleep(Math.max(0, Math.min(ms, untilMs - now())), signal);
    if (now() >= untilMs)
      throw new MjflowError({ code: "timeout", detail: "The flow has not ended yet.", retry: "later" });
  }
}

/** True for errors that can be temporary. A rejection by the server is final. */
function mayPass({ code, status = 0 }: MjflowError): boolean {
  if (code === "unreachable" || status >= 500 || status === 429 || status === 408) return true;
  return code === "unexpected_answer" && status >= 200 && status < 300;
}
