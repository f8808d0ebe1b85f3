/** One HTTP request and its response within one deadline, and readable texts for network errors. */
import type { Agent as HttpAgent, IncomingMessage } from "node:http";
import { portOf } from "./allow-list.ts";

/** An import statement of `node:http` would load the code of `fetch` and `WebSocket` at every cold start (docs/decisions/0084). */
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

export interface Request {
  url: URL;
  method: "GET" | "POST";
  headers: Readonly<Record<string, string>>;
  body?: string;
  agent: HttpAgent;
}

/** Ends all work that uses `signal`. Name resolution, connection, TLS, headers and body share one time budget. */
export interface Deadline {
  signal: AbortSignal;
  clear(): void;
}

export function createDeadline(timeoutMs: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

/**
 * Sends one request and returns the head of the response. It does not follow redirects.
 *
 * The server may have closed a keep-alive connection unnoticed: a frozen Lambda sees the close only on the next use. Then the
 * request is sent once more on another connection, so the server may receive the request twice.
 *
 * @throws OutboundError `forbidden` from the agent's lookup, and Node's errors, which `networkErrorText` describes
 */
export async function sendRequest(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
  const first = openRequest(request, signal);
  try {
    return await first.response;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const stale = first.call.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
    if (!stale || signal.aborted) throw error;
    return await openRequest(request, signal).response;
  }
}

function openRequest({ url, method, headers, body, agent }: Request, signal: AbortSignal) {
  const call = (url.protocol === "https:" ? https : http).request({
    agent,
    method,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: portOf(url),
    path: url.pathname + url.search,
    headers: { "user-agent": "mjflow/1", ...headers },
  });
  const { promise: response, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  call.on("response", resolve);
  // Without this listener, Node closes the connection and reports no error.
  call.on("upgrade", (_, socket) => {
    socket.destroy();
    reject(Object.assign(new Error("The server switched to another protocol."), { code: "EPROTO" }));
  });
  // The listener stays until the connection ends. The reader of the body gets errors that come after the head.
  call.on("error", reject);
  const stop = () => {
    call.destroy();
    // Reject here, because Node may report a destroyed request late. The caller never waits longer than its timeout.
    reject(new Error("The time budget is used up."));
  };
  signal.addEventListener("abort", stop, { once: true });
  // Node adds the length of a body that comes whole.
  call.end(body);
  return { call, response };
}

/**
 * Returns the first `limit` bytes of a body as text. A character that the limit cuts is omitted. The connection is closed
 * and the rest is not read if the body is longer, or if it is not complete after `timeoutMs`. A body that ends early or
 * takes too long is no error, because the head has arrived: the text is what came of the body.
 */
export async function readResponsePrefix(response: IncomingMessage, limit: number, timeoutMs: number): Promise<string> {
  const decoder = new TextDecoder();
  const timer = setTimeout(() => response.destroy(), timeoutMs);
  let text = "";
  let left = limit;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      text += decoder.decode(piece.subarray(0, left), { stream: true });
      left -= piece.length;
      if (left <= 0) return text;
    }
  } catch {
    return text;
  } finally {
    clearTimeout(timer);
  }
  return text + decoder.decode();
}

const NETWORK_ERROR_TEXTS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name does not exist",
  ENODATA: "the name has no address",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed before the response was complete",
  EPIPE: "the connection was closed before the response was complete",
  EPROTO: "the server uses another protocol",
  ESERVFAIL: "the name servers do not respond",
  ETIMEOUT: "the name servers do not respond",
  CERT_HAS_EXPIRED: "the certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
};

/** @returns a readable reason with the host. It never uses Node's messages, because they may quote the URL. */
export function networkErrorText(error: unknown, host: string, signal: AbortSignal): string {
  if (signal.aborted) return `${host}: no complete response in time`;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "no code";
  return `${host}: ${NETWORK_ERROR_TEXTS[code] ?? `no complete response (${code})`}`;
}
