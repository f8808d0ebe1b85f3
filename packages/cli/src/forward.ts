/**
 * Posts events to a receiver as webhooks: with the code that mjflow's own deliveries use, and with short pauses between the
 * attempts. A receiver on a developer's machine restarts within seconds, not within hours.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EventBody } from "@mjflow/client";
import { isDelivered } from "@mjflow/core/delivery";
import type { PostOutcome } from "@mjflow/core/port";
import { createOutbound } from "@mjflow/webhooks/outbound";
import { sendWebhook } from "@mjflow/webhooks/send";

/** Pauses before the second and each later attempt, ms: six attempts within a minute. */
export const PAUSES_MS: readonly number[] = [1_000, 2_000, 5_000, 15_000, 30_000];
const RETRY_AFTER_MAX_MS = 60_000;
/** Requests at one time. A development server often handles few. */
const PARALLEL = 8;

export interface OutgoingEvent {
  /** The `webhook-id`. */
  id: string;
  body: EventBody;
}

/** One attempt. `nextInMs`: pause before the next attempt; unset if there is none. */
export interface Attempt {
  event: OutgoingEvent;
  number: number;
  outcome: PostOutcome;
  isDelivered: boolean;
  nextInMs?: number;
}

export interface ForwarderOptions {
  url: URL;
  secret: string;
  onAttempt(attempt: Attempt): void;
  now?: () => number;
  pausesMs?: readonly number[];
}

export class Forwarder {
  readonly #options: Required<ForwarderOptions>;
  readonly #outbound;
  readonly #stopped = new AbortController();
  readonly #waiting: (() => void)[] = [];
  readonly #open = new Set<Promise<void>>();
  #running = 0;
  #undelivered = 0;

  constructor(options: ForwarderOptions) {
    this.#options = { now: Date.now, pausesMs: PAUSES_MS, ...options };
    // The developer chose the receiver, so it may be this machine. Nothing else that is not public can be reached.
    this.#outbound = createOutbound({ allow: [options.url.origin] });
  }

  /** Starts the first attempt as soon as fewer than eight are running. */
  add(event: OutgoingEvent): void {
    const delivery = this.#deliver(event).finally(() => this.#open.delete(delivery));
    this.#open.add(delivery);
  }

  /** Resolves when every event is delivered or has failed. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /**
   * Waits for the requests in progress and starts no others.
   *
   * @returns the number of events that the receiver did not accept
   */
  async stop(): Promise<number> {
    this.#stopped.abort();
    for (const start of this.#waiting.splice(0)) start();
    await this.idle();
    return this.#undelivered;
  }

  async #deliver(event: OutgoingEvent): Promise<void> {
    const { pausesMs, onAttempt } = this.#options;
    for (let number = 1; ; number++) {
      const outcome = await this.#attempt(event);
      if (outcome === undefined) break;
      const delivered = isDelivered(outcome);
      const nextInMs = delivered ? undefined : this.#pauseMs(event, outcome, pausesMs[number - 1]);
      const attempt = { event, number, outcome, isDelivered: delivered };
      onAttempt(nextInMs === undefined ? attempt : { ...attempt, nextInMs });
      if (delivered) return;
      if (nextInMs === undefined) break;
      const { signal } = this.#stopped;
      await sleep(nextInMs, undefined, { signal }).catch(() => {});
    }
    this.#undelivered += 1;
  }

  /** As in mjflow's schedule, progress has one attempt, and 410 ends the deliveries. */
  #pauseMs(event: OutgoingEvent, outcome: PostOutcome, pauseMs: number | undefined): number | undefined {
    if (this.#stopped.signal.aborted || pauseMs === undefined || event.body.type === "task.progress") return undefined;
    if (outcome.kind === "forbidden") return undefined;
    if (outcome.kind !== "answered") return pauseMs;
    if (outcome.status === 410 || outcome.abort) return undefined;
    return Math.max(pauseMs, Math.min(outcome.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS));
  }

  /** @returns undefined if the forwarder was stopped before the request began */
  async #attempt({ id, body }: OutgoingEvent): Promise<PostOutcome | undefined> {
    const { url, secret, now } = this.#options;
    if (this.#running >= PARALLEL) await new Promise<void>((start) => this.#waiting.push(start));
    if (this.#stopped.signal.aborted) return undefined;
    this.#running += 1;
    try {
      return await sendWebhook(this.#outbound, { url: url.href, id, body: bodyText(body), secrets: [secret] }, now());
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** The members in the order of a real webhook. */
function bodyText({ type, timestamp, data }: EventBody): string {
  return JSON.stringify({ type, timestamp, data });
}

/** Describes the result of an attempt: `204 in 12 ms`, or why there was no response. */
export function outcomeText({ outcome, nextInMs }: Attempt): string {
  const result = outcome.kind === "answered" ? `${outcome.status} in ${outcome.tookMs} ms` : outcome.why;
  return nextInMs === undefined ? result : `${result}; next attempt in ${Math.round(nextInMs / 100) / 10} s`;
}
