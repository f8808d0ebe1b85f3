/** A flow's end as a promise, its events as an iterator. */

import { invalidArgument, isMjflowError, MjflowError } from "./error.ts";
import { applyEvents, type FlowEvent } from "./event-replay.ts";
import { follow } from "./follow.ts";
import { limit } from "./time.ts";
import type { Transport } from "./transport.ts";
import type { Flow } from "./types.ts";

export interface WaitOptions {
  signal?: AbortSignal;
  /** Default: as long as it takes. */
  timeoutMs?: number;
  /** Called with the flow as first seen, and whenever one of its tasks has changed. */
  onUpdate?: (flow: Flow) => void;
}

/** `code` is "timeout". The flow runs on; wait again, or ask later. */
export class WaitTimeoutError extends MjflowError {
  override readonly name = "WaitTimeoutError";
  /** As last seen. */
  readonly flow: Flow | undefined;

  constructor(timeoutMs: number, flow: Flow | undefined) {
    super({ code: "timeout", detail: `The flow did not end within ${timeoutMs} ms; it runs on.`, retry: "later" });
    this.flow = flow;
  }
}

/**
 * The flow, ended: completed or failed, which is not an error here.
 *
 * @throws MjflowError timeout (a WaitTimeoutError), aborted, not_found, unauthorized, unreachable when it stays so
 */
export async function waitFor(transport: Transport, flowId: string, options: WaitOptions = {}): Promise<Flow> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY, onUpdate } = options;
  if (!(timeoutMs >= 0)) throw invalidArgument("It must be a number, 0 or more.", "timeoutMs");
  const time = limit(signal, timeoutMs);
  let flow: Flow | undefined;
  try {
    const untilMs = transport.now() + timeoutMs;
    for await (const update of follow(transport, flowId, { signal: time.signal, untilMs, readFirst: true })) {
      const isNews = flow === undefined || update.events.length > 0;
      flow = update.flow ?? (flow && applyEvents(flow, update.events));
      if (flow && isNews) onUpdate?.(flow);
    }
    return flow!;
  } catch (error) {
    if (time.passed() || isMjflowError(error, "timeout")) throw new WaitTimeoutError(timeoutMs, flow);
    throw error;
  } finally {
    time.done();
  }
}

export interface EventsOptions {
  signal?: AbortSignal;
  /** An event's `id`: go on after it, in another process too. */
  lastEventId?: string;
}

/**
 * A flow's events until it ends. Each at least once; where the server has no stream they are told from reads, without
 * an id and without the steps in between.
 *
 * @throws as `waitFor`, but no timeout
 */
export async function* eventsOf(
  transport: Transport,
  flowId: string,
  { signal, lastEventId }: EventsOptions = {},
): AsyncGenerator<FlowEvent, void> {
  const time = limit(signal, undefined);
  try {
    for await (const { events } of follow(transport, flowId, { signal: time.signal, lastEventId })) yield* events;
  } finally {
    time.done();
  }
}
