/**
 * A flow's news until it ends: by its stream, and where there is none by asking with patience.
 *
 * F1 A flow has ended when a read says so; an event alone does not prove it, for a button pressed by hand wakes a flow.
 * F2 Whatever the server does, between two rounds there is a pause, and it grows while nothing new comes. Only a read
 *    that the server itself held back is followed at once by the next.
 * F3 What a stream lost is told from a read: after a connection that brought nothing, and after the last event.
 */

import { MjflowError, unexpectedAnswer } from "./error.ts";
import { isOfFlow, parseEvent } from "./event.ts";
import { EventReplay, type FlowEvent } from "./event-replay.ts";
import { isObject } from "./problem.ts";
import { backoffMs } from "./retry.ts";
import type { Message } from "./sse.ts";
import { type Connection, connect } from "./stream.ts";
import { segment, type Transport } from "./transport.ts";
import type { Flow } from "./types.ts";

/** How long the server may hold a read, in seconds (it holds none longer than 25), and how long we wait for it. */
const WAIT_S = 20;
const READ_TIMEOUT_MS = 45_000;
/** An answer that took so long was held by the server: it paces us, no pause of ours is needed. */
const HELD_MS = 5_000;
const PAUSE = { baseMs: 1_000, capMs: 20_000 };
/** With these pauses a minute and a half: a deployment passes unseen, a dead server is reported. */
const MAX_FAILURES = 10;
/** Streams in a row that ended soon and brought nothing (something between refuses them) before they are given up. */
const MAX_EMPTY_STREAMS = 3;
const EMPTY_STREAM_MS = 10_000;
const RETRY_AFTER_MAX_MS = 300_000;
const MAX_REMEMBERED = 10_000;

export interface FollowOptions {
  signal: AbortSignal;
  /** On the transport's clock: no pause goes beyond. */
  untilMs?: number | undefined;
  /** Go on after this event. */
  lastEventId?: string | undefined;
  /** Read the flow whenever a stream has been opened: for a view that misses nothing. */
  readFirst?: boolean;
}

export interface Update {
  events: FlowEvent[];
  /** Where the flow was read. */
  flow?: Flow;
}

/** @throws MjflowError not_found, unauthorized, …; unreachable when it stays so; aborted; timeout at `untilMs` */
export function follow(transport: Transport, flowId: string, options: FollowOptions): AsyncGenerator<Update, void> {
  return new Follower(transport, flowId, options).updates();
}

class Follower {
  readonly #transport: Transport;
  readonly #id: string;
  readonly #options: FollowOptions;
  readonly #told: EventReplay;
  readonly #seen = new Set<string>();
  #lastEventId: string | undefined;
  #etag: string | undefined;
  #streaming = true;
  #ended = false;
  /** Of this round: whether there was news, whether the stream brought some, whether its last word was the flow's end. */
  #news = false;
  #heard = false;
  #isOver = false;

  constructor(transport: Transport, flowId: string, options: FollowOptions) {
    this.#transport = transport;
    this.#id = flowId;
    this.#options = options;
    this.#lastEventId = options.lastEventId;
    this.#told = new EventReplay(options.lastEventId !== undefined);
  }

  async *updates(): AsyncGenerator<Update, void> {
    let quiet = 0;
    let failures = 0;
    let barren = 0;
    for (;;) {
      const startedMs = this.#transport.now();
      const streamed = this.#streaming;
      let failure: MjflowError | undefined;
      this.#news = false;
      this.#heard = false;
      this.#isOver = false;
      try {
        yield* this.#round();
        if (this.#ended) return;
      } catch (error) {
        if (!(error instanceof MjflowError) || !mayPass(error)) throw error;
        failure = error;
      }
      const tookMs = this.#transport.now() - startedMs;
      failures = failure && !this.#news ? failures + 1 : 0;
      if (failure && failures >= MAX_FAILURES) throw failure;
      const isBarren = streamed && !this.#heard && tookMs < EMPTY_STREAM_MS && failure?.code !== "unreachable";
      barren = isBarren ? barren + 1 : 0;
      if (barren >= MAX_EMPTY_STREAMS) this.#streaming = false;
      const held = !failure && tookMs >= HELD_MS;
      quiet = this.#news || held ? 0 : quiet + 1;
      if (streamed || !held) await this.#pause(quiet, failure);
    }
  }

  /** A connection as long as it lasts, or one read. */
  async *#round(): AsyncGenerator<Update, void> {
    const { signal } = this.#options;
    if (this.#streaming) {
      const connection = await connect(this.#transport, this.#id, { lastEventId: this.#lastEventId, signal });
      if (connection === "unsupported") this.#streaming = false;
      else if (connection !== "nothing") yield* this.#stream(connection);
      if (this.#ended) return;
    }
    if (this.#heard && !this.#isOver) return;
    const update = await this.#read(!this.#streaming);
    if (update) yield update;
  }

  async *#stream(connection: Connection): AsyncGenerator<Update, void> {
    try {
      if (this.#options.readFirst) {
        const update = await this.#read(false);
        if (update) yield update;
        if (this.#ended) return;
      }
      for await (const message of connection.messages) {
        const event = this.#eventOf(message);
        if (!event) continue;
        this.#news = true;
        this.#heard = true;
        yield { events: [event] };
        this.#isOver = event.type === "flow.completed" || event.type === "flow.failed";
        if (this.#isOver) return;
      }
    } finally {
      connection.close();
    }
  }

  /**
   * Undefined where nothing changed since the last read. A patient one may be held by the server until something does;
   * without an ETag to compare with there is nothing to hold it for.
   */
  async #read(patient: boolean): Promise<Update | undefined> {
    const held = patient && this.#etag !== undefined;
    const { status, headers, body } = await this.#transport.once<Flow>({
      path: `/v1/flows/${segment(this.#id)}`,
      ...(held && { headers: { prefer: `wait=${WAIT_S}`, "if-none-match": this.#etag! }, timeoutMs: READ_TIMEOUT_MS }),
      signal: this.#options.signal,
    });
    if (status === 304) return undefined;
    if (!isObject(body) || typeof body.status !== "string" || !Array.isArray(body.tasks)) {
      throw unexpectedAnswer("The server's answer is not a flow.", status);
    }
    this.#etag = headers.get("etag") ?? undefined;
    this.#ended = body.status !== "running";
    // A stream that came to the flow's end has told the rest, here or to whoever listened before.
    const rest = this.#told.rest(body, this.#transport.now());
    const events = this.#isOver ? [] : rest;
    if (events.length > 0) this.#news = true;
    return { events, flow: body };
  }

  /** Undefined for what is no event of ours, and for what came before: not every server goes on where it was asked to. */
  #eventOf({ id, data }: Message): FlowEvent | undefined {
    const body = parseEvent(data);
    if (id !== undefined) {
      this.#lastEventId = id;
      if (this.#seen.has(id)) return undefined;
      if (this.#seen.size >= MAX_REMEMBERED) this.#seen.delete(this.#seen.values().next().value!);
      this.#seen.add(id);
    }
    if (!body || !isOfFlow(body)) return undefined;
    this.#told.heard(body);
    return { ...body, id: id ?? null };
  }

  async #pause(quiet: number, failure: MjflowError | undefined): Promise<void> {
    const { signal, untilMs = Number.POSITIVE_INFINITY } = this.#options;
    const { sleep, now, random } = this.#transport;
    const asked = Math.min(failure?.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
    const ms = Math.max(backoffMs(quiet, PAUSE, random()), asked);
    await sleep(Math.max(0, Math.min(ms, untilMs - now())), signal);
    if (now() >= untilMs)
      throw new MjflowError({ code: "timeout", detail: "The flow has not ended yet.", retry: "later" });
  }
}

/** What a read may meet and survive. A refusal stays one. */
function mayPass({ code, status = 0 }: MjflowError): boolean {
  if (code === "unreachable" || status >= 500 || status === 429 || status === 408) return true;
  return code === "unexpected_answer" && status >= 200 && status < 300;
}
