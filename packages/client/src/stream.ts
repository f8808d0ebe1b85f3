/** One connection to a flow's events: opened, read until it ends, closed whatever happens. */
import { aborted, unexpectedAnswer } from "./error.ts";
import { createParser, type Message } from "./sse.ts";
import { limit } from "./time.ts";
import { segment, type Transport } from "./transport.ts";

/** Heartbeats come more often: a connection silent for so long is dead, and nobody said so. */
export const IDLE_MS = 45_000;
/** A connection is renewed this often, and the flow read: an event lost on the way delays its news by no more. */
export const RENEW_MS = 300_000;

/** What a server answers, or something in between, that has no stream at this address. */
const UNSUPPORTED: ReadonlySet<number> = new Set([404, 405, 406, 410, 501]);

export interface Connection {
  messages: AsyncGenerator<Message, void>;
  close(): void;
}

/**
 * `unsupported`: this server has no such stream. `nothing` (204): there is no more to come.
 *
 * @throws MjflowError for any other answer, and for none
 */
export async function connect(
  transport: Transport,
  flowId: string,
  { lastEventId, signal }: { lastEventId?: string; signal: AbortSignal },
): Promise<Connection | "unsupported" | "nothing"> {
  const life = limit(signal, RENEW_MS);
  try {
    const call = {
      path: `/v1/flows/${segment(flowId)}/events`,
      headers: { accept: "text/event-stream", ...(sendable(lastEventId) && { "last-event-id": lastEventId }) },
      signal: life.signal,
    };
    const response = await transport.open(call, ({ ok, status }) => ok || UNSUPPORTED.has(status));
    const { body, status, headers } = response;
    const close = () => {
      life.done();
      // Refused while it is being read: then the reading closes it.
      body?.cancel().catch(() => {});
    };
    if (status === 200 && body && /^text\/event-stream\b/i.test(headers.get("content-type") ?? "")) {
      return { messages: read(body, life.signal, signal), close };
    }
    close();
    return status === 204 ? "nothing" : "unsupported";
  } catch (error) {
    life.done();
    throw error;
  }
}

/** Ends when the connection does, however it does; only the caller's signal and a malformed stream are errors. */
async function* read(
  body: ReadableStream<Uint8Array>,
  life: AbortSignal,
  outer: AbortSignal,
): AsyncGenerator<Message, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parse = createParser();
  const close = () => void reader.cancel().catch(() => {});
  life.addEventListener("abort", close, { once: true });
  try {
    while (!life.aborted) {
      const idle = setTimeout(close, IDLE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(idle));
      if (done) break;
      yield* parse(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    if (error instanceof RangeError) throw unexpectedAnswer(error.message, 200);
    // Cut: what was missed comes again after the last event's id.
  } finally {
    life.removeEventListener("abort", close);
    close();
  }
  if (outer.aborted) throw aborted();
}

/** A header carries no more than that. */
function sendable(id: string | undefined): id is string {
  return id !== undefined && /^[\x20-\x7e]{1,1000}$/.test(id);
}
