/**
 * One HTTP request to a vendor. Its outcome says what the vendor may have received, which decides whether the request may
 * be sent again (P2, P3). It uses Node's HTTP client instead of `fetch`: that client reports when a connection is
 * established and which keep-alive connection it uses, and it needs half the time.
 */

import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import type { Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import { retryAfterMs } from "@mjflow/core/retry-after";
import { readBody } from "./http-body.ts";

export type HttpOutcome =
  | {
      kind: "answered";
      status: number;
      text: string;
      cut?: true;
      retryAfterMs?: number;
      /** Headers that tell which server responded (`TOLD_HEADERS`), in lower case; unset: none of them. */
      headers?: Readonly<Partial<Record<ToldHeader, string>>>;
    }
  /** The request was not sent, so the vendor has no task of it. */
  | { kind: "unsent"; reason: string }
  /**
   * The request was sent, but no complete response came: the vendor may or may not have accepted it. `text` is the part of
   * the body that did come; unset: none.
   */
  | { kind: "lost"; reason: string; text?: string };

/** An import statement of `node:http` would load the code of `fetch` and `WebSocket` at every cold start (docs/decisions/0084). */
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

/** Headers that a reader of the response needs: the target of a redirect, and the marks of a CDN in front of the vendor. */
const TOLD_HEADERS = ["location", "server", "cf-ray", "cf-mitigated", "x-vercel-error"] as const;
export type ToldHeader = (typeof TOLD_HEADERS)[number];

export interface VendorHttpRequest {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: unknown;
  /** Time limit in ms, from the start to the last byte of the response. */
  timeoutMs: number;
  /** Accept a response above the size limit as cut text (`cut`). Unset: such a response is `lost`. */
  partial?: true;
}

/** Sends one request; never throws. */
export type HttpClient = (request: VendorHttpRequest) => Promise<HttpOutcome>;

/** Limit of a response. 50 tasks with the 70 fields of trueai-org are about 300 KB; novicezk's list has no limit. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;
/**
 * Maximum idle time of a connection for a paid call. Servers close idle connections, a frozen function does not notice the
 * close, and a call on such a connection would be unclear. The limit is far below 5 s, the shortest usual limit (Node's
 * servers), because a busy server may close the connection with the call unread. Calls in a burst, such as follow-ups,
 * still share a connection.
 */
const KEEP_ALIVE_MS = 1_000;

/** Creates a client. It keeps connections and is shared by all vendors. */
export function createHttpClient({ now = Date.now }: { now?: () => number } = {}): HttpClient {
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  const usedAt = new WeakMap<Socket, number>();

  function closeIdleSockets(): void {
    const idle = Object.values(agents).flatMap(({ freeSockets }) => Object.values(freeSockets));
    for (const socket of idle.flat()) {
      if (socket && now() - (usedAt.get(socket) ?? 0) > KEEP_ALIVE_MS) socket.destroy();
    }
  }

  return async (request) => {
    closeIdleSockets();
    let isSent = false;
    let isLate = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const call = openRequest(request, agents);
      // A signal of an AbortController would do the same, with ten more objects for each request.
      timer = setTimeout(() => {
        isLate = true;
        call.destroy(new Error("timeout"));
      }, request.timeoutMs);
      const response = await responseOf(call, () => {
        isSent = true;
      });
      const { socket } = response;
      const outcome = await outcomeOf(response, request.partial);
      if (outcome.kind === "lost" && isLate) return { ...outcome, reason: "timeout" };
      usedAt.set(socket, now());
      return outcome;
    } catch (error) {
      // Only the code: messages may quote the URL, and the URLs of some vendors contain keys.
      const reason = isLate ? "timeout" : codeOf(error);
      return { kind: isSent ? "lost" : "unsent", reason };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Opens the request. It follows no redirect, because a redirected POST would change. @throws Node's errors for an invalid URL or header */
function openRequest(
  { method, url, headers, body }: VendorHttpRequest,
  agents: { http: Agent; https: TlsAgent },
): ClientRequest {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const isTls = url.startsWith("https:");
  const call = (isTls ? https : http).request(url, {
    method,
    agent: isTls ? agents.https : agents.http,
    headers: {
      accept: "application/json",
      // Without deflate: some servers send it without its zlib header.
      "accept-encoding": "gzip, br",
      "user-agent": "mjflow/1",
      ...(text !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...headers,
    },
  });
  call.end(text);
  return call;
}

/** @param onSent called when the request may have reached the vendor. @throws Node's errors */
function responseOf(call: ClientRequest, onSent: () => void): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  call.on("socket", (socket) => {
    if (socket.connecting) socket.once(call.protocol === "https:" ? "secureConnect" : "connect", onSent);
    else onSent();
  });
  call.on("response", resolve);
  // Without this listener, Node closes the connection and reports no error.
  call.on("upgrade", (_, socket) => {
    socket.destroy();
    reject(Object.assign(new Error("the server switched to another protocol"), { code: "EPROTO" }));
  });
  call.on("error", reject);
  return promise;
}

async function outcomeOf(response: IncomingMessage, partial: true | undefined): Promise<HttpOutcome> {
  const { text, cut, error } = await readBody(response, response.headers, MAX_RESPONSE_BYTES);
  if (error !== undefined) return { kind: "lost", reason: codeOf(error), ...(text && { text }) };
  if (cut && !partial) return { kind: "lost", reason: "response too large" };
  const afterMs = retryAfterMs(response.headers["retry-after"], Date.now(), Date.parse);
  const told = TOLD_HEADERS.flatMap((name) => {
    const value = response.headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return {
    kind: "answered",
    status: response.statusCode!,
    text,
    ...(cut && { cut }),
    ...(afterMs && { retryAfterMs: Math.min(afterMs, MAX_RETRY_AFTER_MS) }),
    ...(told.length > 0 && { headers: Object.fromEntries(told) }),
  };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** A vendor may ask for any time. A longer pause would look like a broken account. */
const MAX_RETRY_AFTER_MS = 3_600_000;
