/** Waiting for the end of a flow as a promise, and its events as an iterator. */

import { invalidArgument, isMjflowError, MjflowError } from "./error.ts";
import { applyEvents, type FlowEvent } from "./event-replay.ts";
import { type Follow, follow, type Known } from "./follow.ts";
import { limit } from "./time.ts";
import type { Transport } from "./transport.ts";
import type { Flow } from "./types.ts";

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Time limit, ms. Default: no limit. */
  timeoutMs?: number | undefined;
  /** Callback for the first state of the flow and for each change of its tasks. */
  onUpdate?: ((flow: Flow) => void) | undefined;
  /**
   * How the flow is followed. `read`: by reads at the times that the server hints, at low cost. `stream`: by the event
   * stream, which shows each change at once. Default: auto, as the server prefers; a deployment prefers reads.
   */
  follow?: Follow | undefined;
}

/** The wait has reached `timeoutMs`; `code` is "timeout". The flow is still running and can be waited for again. */
export class WaitTimeoutError extends MjflowError {
  override readonly name = "WaitTimeoutError";
  /** The last known state of the flow; undefined if the flow was not read. */
  readonly flow: Flow | undefined;

  constructor(timeoutMs: number, flow: Flow | undefined) {
    super({
      code: "timeout",
      detail: `The flow did not end within ${timeoutMs} ms. The flow is still running.`,
      retry: "later",
    });
    this.flow = flow;
  }
}

/**
 * Waits until the flow has ended and returns it. A failed or canceled flow is not an error here.
 *
 * @param known the flow as the server has just sent it, which saves the first read
 * @throws MjflowError `timeout` (a WaitTimeoutError), `aborted`, `not_found`, `unauthorized`; `unreachable` if the
 * server stays unreachable
 */
export async function waitFor(
  transport: Transport,
  flowId: string,
  options: WaitOptions = {},
  known?: Known,
): Promise<Flow> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY, onUpdate, follow: how = "auto" } = options;
  if (!(timeoutMs >= 0)) throw invalidArgument("It must be a number, 0 or more.", "timeoutMs");
  const time = limit(signal, timeoutMs);
  let flow: Flow | undefined;
  try {
    const untilMs = transport.now() + timeoutMs;
    const following = { signal: time.signal, untilMs, readFirst: true, follow: how, known };
    for await (const update of follow(transport, flowId, following)) {
      const hasChange = flow === undefined || update.events.length > 0;
      flow = update.flow ?? (flow && applyEvents(flow, update.events));
      if (flow && hasChange) onUpdate?.(flow);
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
  signal?: AbortSignal | undefined;
  /** Id of the last received event; the stream continues after it, also in another process. Unset: from the start. */
  lastEventId?: string | undefined;
  /** As in `WaitOptions`. Default: stream, because only a stream has every event and its id. */
  follow?: Follow | undefined;
}

/**
 * Yields the events of a flow until it ends, each at least once. If the server has no stream, events are derived from
 * reads. Derived events have no id, and intermediate states are missing.
 *
 * @throws the errors of `waitFor` except `timeout`
 */
export async function* eventsOf(
  transport: Transport,
  flowId: string,
  { signal, lastEventId, follow: how = "stream" }: EventsOptions = {},
): AsyncGenerator<FlowEvent, void> {
  const time = limit(signal, undefined);
  try {
    const following = { signal: time.signal, lastEventId, follow: how };
    for await (const { events } of follow(transport, flowId, following)) yield* events;
  } finally {
    time.done();
  }
}
