/**
 * Reads request bodies within limits. All bodies that are held in memory at one time have a common budget, so many
 * large bodies cannot exhaust the memory of the process. A request that must be rejected whatever its body says is
 * answered without reading the body, see `needsBody`.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { problemType } from "@mjflow/core/error";

/** Largest body, as for a function URL of Lambda. */
export const BODY_BYTES = 6 * 1024 * 1024;
/** Default of the budget of all bodies; the setting is `MJFLOW_BODY_BUDGET_MB`. */
export const BODY_BUDGET_BYTES = 64 * 1024 * 1024;
/** First bytes of each body that need no budget, so that large bodies do not block the usual small ones. */
const FREE_BYTES = 64 * 1024;
/** Longest time without a byte while a body is read, ms. It is noticed at most a quarter later. */
const STALL_MS = 10_000;
const CHECKS_PER_STALL = 4;
/** Pause for clients of a server that has too much to do, s. */
const RETRY_AFTER_S = 2;

export interface BodyReaderOptions {
  /** Largest body. Default: `BODY_BYTES`. */
  maxBytes?: number;
  budgetBytes?: number | undefined;
  stallMs?: number;
}

export interface BodyReader {
  /**
   * Reads the body and calls `use` with it. The budget is held until `use` has ended. If a limit is exceeded, the
   * client gets the response and `use` is not called.
   */
  read(request: IncomingMessage, response: ServerResponse, use: (body: Buffer) => Promise<void>): Promise<void>;
}

/** A body that is being read. */
interface Receiving {
  lastByteAt: number;
  stall(): void;
}

type Received = Buffer | "too long" | "no budget" | "stalled";

export function createBodyReader({
  maxBytes = BODY_BYTES,
  budgetBytes = BODY_BUDGET_BYTES,
  stallMs = STALL_MS,
}: BodyReaderOptions = {}): BodyReader {
  let heldBytes = 0;
  const receiving = new Set<Receiving>();
  let isWatched = false;

  /** One timer for all bodies: nearly all bodies are complete before a timer of their own could expire. */
  function watch(): void {
    if (isWatched) return;
    isWatched = true;
    const check = () => {
      isWatched = false;
      const since = performance.now() - stallMs;
      for (const { lastByteAt, stall } of receiving) if (lastByteAt <= since) stall();
      if (receiving.size > 0) watch();
    };
    setTimeout(check, stallMs / CHECKS_PER_STALL).unref();
  }

  async function receive(request: IncomingMessage, hold: (bytes: number) => boolean): Promise<Received> {
    if (isTooLong(request, maxBytes)) return "too long";
    // Node hands over the head before the body. A body that came in the same packet is here when this function continues.
    await null;
    const whole = arrivedBody(request);
    if (whole) return whole;
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const chunks: Buffer[] = [];
    let size = 0;
    const own: Receiving = { lastByteAt: performance.now(), stall: () => resolve("stalled") };
    receiving.add(own);
    watch();
    const add = (chunk: Buffer) => {
      own.lastByteAt = performance.now();
      size += chunk.length;
      if (size > maxBytes) return resolve("too long");
      if (size > FREE_BYTES && !hold(Math.min(chunk.length, size - FREE_BYTES))) return resolve("no budget");
      chunks.push(chunk);
    };
    request.on("data", add);
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    // The client has closed the connection, so nothing can be sent.
    request.on("error", reject);
    try {
      return await promise;
    } finally {
      receiving.delete(own);
      request.off("data", add);
      chunks.length = 0;
    }
  }

  return {
    async read(request, response, use) {
      if (waiting.delete(request)) response.writeContinue();
      let ownBytes = 0;
      const hold = (bytes: number) => {
        if (heldBytes + bytes > budgetBytes) return false;
        heldBytes += bytes;
        ownBytes += bytes;
        return true;
      };
      try {
        const received = await receive(request, hold);
        if (typeof received !== "string") await use(received);
        else {
          heldBytes -= ownBytes;
          ownBytes = 0;
          refuse(received, request, response);
        }
      } finally {
        heldBytes -= ownBytes;
      }
    },
  };
}

/** Returns the body if all of it has arrived, and if it is small. It then needs no budget, no listeners and no timer. */
function arrivedBody(request: IncomingMessage): Buffer | undefined {
  const length = request.readableLength;
  if (length === 0 || length > FREE_BYTES || length !== Number(request.headers["content-length"])) return undefined;
  return request.read() as Buffer;
}

/** True if the head announces a body above the limit. */
function isTooLong({ headers }: IncomingMessage, maxBytes: number): boolean {
  return Number(headers["content-length"] ?? 0) > maxBytes;
}

/**
 * Leaves the body of a request unread, see `needsBody`.
 *
 * @returns true if the body is above the limit; the client has then got its response
 */
export function skipBody(request: IncomingMessage, response: ServerResponse): boolean {
  if (!isTooLong(request, BODY_BYTES)) {
    discardBody(request, response);
    return false;
  }
  refuse("too long", request, response);
  return true;
}

function refuse(why: Exclude<Received, Buffer>, request: IncomingMessage, response: ServerResponse): void {
  if (why === "stalled") {
    response.writeHead(408, { "content-type": "application/json", connection: "close" });
    response.end('{"message":"Request Timeout"}');
    return;
  }
  if (why === "too long") {
    discardBody(request, response);
    response.writeHead(413, { "content-type": "application/json" }).end('{"message":"Request Too Long"}');
  } else {
    respondOverloaded(request, response, {
      title: "Too many large bodies at once",
      detail: "The local server holds as many request bodies as MJFLOW_BODY_BUDGET_MB allows.",
    });
  }
}

/** Refuses a request whose body is not read, because the server has too much to do. */
export function respondOverloaded(
  request: IncomingMessage,
  response: ServerResponse,
  { title, detail }: { title: string; detail: string },
): void {
  discardBody(request, response);
  const problem = {
    type: problemType(process.env["MJFLOW_API_URL"] ?? `http://${request.headers.host}`, "overloaded"),
    title,
    status: 503,
    code: "overloaded",
    detail,
    advice: "Send the same request again after Retry-After.",
    retry: "later",
  };
  response
    .writeHead(503, { "content-type": "application/problem+json", "retry-after": String(RETRY_AFTER_S) })
    .end(JSON.stringify(problem));
}

/** Number of bodies that are discarded at one time, and the time that all other clients have to read the response, ms. */
const DISCARDS = 4;
const LINGER_MS = 1_000;
let discards = 0;

/**
 * Handles the rest of a body that is not used; it must be called before the response. The rest is read and discarded. A
 * connection that is closed with unread bytes is reset, and a client that is still sending may not see the response.
 * Reading costs memory until the next garbage collection. Therefore only a few bodies are read at one time; the other
 * connections are closed after a pause.
 */
function discardBody(request: IncomingMessage, response: ServerResponse): void {
  const { headers, socket } = request;
  const length = headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : BODY_BYTES;
  if (length <= FREE_BYTES || discards < DISCARDS) {
    if (length > FREE_BYTES) {
      discards++;
      request.once("close", () => discards--);
    }
    request.resume();
    return;
  }
  // A request that is paused by a listener is not discarded by Node when the response is complete.
  request.on("data", () => request.pause());
  request.resume();
  response.shouldKeepAlive = false;
  // Node calls this function after the response.
  socket.destroySoon = () => {
    socket.end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}

/** The parts of a callback token. The callback function checks each part and the signature; here a wrong path is only kept cheap. */
const TOKEN_PATH = /^\/callbacks\/1\.[\w.-]{1,460}\.[\w-]{43}(?:[/?#]|$)/;

/**
 * False for requests that are rejected without a look at their body: a callback without a well-formed token, and an API
 * request without a key. The cookie of a session counts as a key, with the header that only pages of this origin send. The functions get these requests with an empty body and
 * reject them as usual.
 */
export function needsBody(path: string, { headers }: Pick<IncomingMessage, "headers">): boolean {
  if (path.startsWith("/callbacks/")) return TOKEN_PATH.test(path);
  return Boolean(headers.authorization || headers["mj-api-secret"] || hasSession(headers));
}

function hasSession({ cookie, "mjflow-session": marker }: IncomingMessage["headers"]): boolean {
  return marker === "cookie" && cookie !== undefined && cookie.includes("=mjs_");
}

/** Requests whose client waits for "100 Continue" before it sends the body. */
const waiting = new WeakSet<IncomingMessage>();

/** Sends "100 Continue" only when the body is read. Node alone would ask for each body. */
export function continueLate(
  server: Server,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.on("checkContinue", (request, response) => {
    waiting.add(request);
    // A client that gets a response instead of "100 Continue" may leave out the body or send it. Both end here.
    response.shouldKeepAlive = false;
    serve(request, response);
  });
}
