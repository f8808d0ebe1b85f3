/** One connection to a flow's event stream: it is opened, read until it ends, and always closed. */
import { aborted, unexpectedAnswer } from "./error.ts";
import { isObject } from "./problem.ts";
import { createParser, type Message } from "./sse.ts";
import { limit } from "./time.ts";
import { segment, type Transport } from "./transport.ts";

/** Time without data after which a connection counts as dead. The server sends keep-alives more often. */
export const IDLE_MS = 45_000;
/**
 * Lifetime of a connection, ms. Then the flow is read again, so a lost event is noticed after this time at the latest.
 */
export const RENEW_MS = 300_000;

/**
 * Statuses of a server or proxy that has no stream for us at this address: it has none, or too many are open (429). The
 * flow is then followed by reads.
 */
const UNSUPPORTED: ReadonlySet<number> = new Set([404, 405, 406, 410, 429, 501]);
export interface Connection {
  /** Address of the stream if it is not at the base URL. */
  eventsUrl: string | undefined;
  messages: AsyncGenerator<Message, void>;
  close(): void;
}

/**
 * Opens the event stream of a flow. Returns `unsupported` if the server has no such stream, `nothing` (204) if no more
 * events will come.
 *
 * @throws MjflowError for any other response, and if there is no response
 */
export async function connect(
  transport: Transport,
  flowId: string,
  {
    lastEventId,
    eventsUrl,
    signal,
  }: { lastEventId?: string | undefined; eventsUrl?: string | undefined; signal: AbortSignal },
): Promise<Connection | "unsupported" | "nothing"> {
  const life = limit(signal, RENEW_MS);
  try {
    const call = {
      path: `/v1/flows/${segment(flowId)}/events`,
      ...(eventsUrl !== undefined && { url: eventsUrl }),
      headers: { accept: "text/event-stream", ...(sendable(lastEventId) && { "last-event-id": lastEventId }) },
      signal: life.signal,
    };
    const response = await transport.open(call, ({ ok, status }) => ok || UNSUPPORTED.has(status));
    const { body, status, headers } = response;
    const close = () => {
      life.done();
      // `cancel` rejects while the body is being read. Then the reader closes the body.
      body?.cancel().catch(() => {});
    };
    if (status === 404 && eventsUrl === undefined) {
      const elsewhere = await addressOf(response, transport);
      life.done();
      if (elsewhere === undefined) return "unsupported";
      return connect(transport, flowId, { lastEventId, eventsUrl: elsewhere, signal });
    }
    if (status === 200 && body && /^text\/event-stream\b/i.test(headers.get("content-type") ?? "")) {
      return { eventsUrl, messages: read(body, life.signal, signal), close };
    }
    close();
    return status === 204 ? "nothing" : "unsupported";
  } catch (error) {
    life.done();
    throw error;
  }
}

/**
 * Returns the address of the stream that a problem names, because streams have a server of their own. The key is sent there, so it must be encrypted, or on the host of
 * the base URL.
 */
async function addressOf(response: Response, transport: Transport): Promise<string | undefined> {
  const problem: unknown = await response.json().catch(() => undefined);
  const named = isObject(problem) ? problem["eventsUrl"] : undefined;
  if (typeof named !== "string" || !URL.canParse(named)) return undefined;
  const { protocol, hostname } = new URL(named);
  return protocol === "https:" || (protocol === "http:" && hostname === transport.hostname) ? named : undefined;
}

/** Yields messages until the connection ends. Only an abort by the caller and a malformed stream are errors. */
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
    // The connection was cut. The next connection gets the missed events by `Last-Event-ID`.
  } finally {
    life.removeEventListener("abort", close);
    close();
  }
  if (outer.aborted) throw aborted();
}

/** True if the id can be sent as a header value. */
function sendable(id: string | undefined): id is string {
  return id !== undefined && /^[\x20-\x7e]{1,1000}$/.test(id);
}
