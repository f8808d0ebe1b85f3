/** One request and its answer, within one deadline; and what to call it when there is none. */
import { type Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { portOf } from "./allow-list.ts";

export interface Request {
  url: URL;
  method: "GET" | "POST";
  headers: Readonly<Record<string, string>>;
  body?: string;
  agent: HttpAgent;
}

/** Ends everything begun under `signal`: name, connection, TLS, headers and body share one budget. */
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
 * Sends one request and answers with the head of whatever comes back, redirects included.
 *
 * A kept connection may have been closed by the other side while nobody looked (a frozen Lambda sees it only when it
 * uses it): that is asked once more, on another one. The other side may then see a request twice.
 *
 * @throws OutboundError forbidden, from the agent's lookup; and whatever Node throws, which `reasonOf` puts into words
 */
export async function sendRequest(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
  const first = openRequest(request, signal);
  try {
    return await first.answer;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const stale = first.call.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
    if (!stale || signal.aborted) throw error;
    return await openRequest(request, signal).answer;
  }
}

function openRequest({ url, method, headers, body, agent }: Request, signal: AbortSignal) {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const call = request({
    agent,
    method,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: portOf(url),
    path: url.pathname + url.search,
    headers: {
      "user-agent": "mjflow/1",
      ...headers,
      ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
    },
  });
  const { promise: answer, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  call.on("response", resolve);
  // Without a listener Node closes the connection and tells nobody.
  call.on("upgrade", (_, socket) => {
    socket.destroy();
    reject(Object.assign(new Error("Another protocol."), { code: "EPROTO" }));
  });
  // Stays for the life of the connection: an error after the answer's head reaches whoever reads the body.
  call.on("error", reject);
  const stop = () => {
    call.destroy();
    // Whatever Node tells of a destroyed request, and when: a caller never waits longer than it said.
    reject(new Error("Out of time."));
  };
  signal.addEventListener("abort", stop, { once: true });
  call.end(body);
  return { call, answer };
}

/**
 * The first `limit` bytes of a body as text, without the piece of a character that a cut may leave. Whatever follows
 * closes the connection unread.
 *
 * @throws when the connection ended before the body, and before the limit
 */
export async function readResponsePrefix(answer: IncomingMessage, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let left = limit;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    text += decoder.decode(piece.subarray(0, left), { stream: true });
    left -= piece.length;
    if (left <= 0) return text;
  }
  return text + decoder.decode();
}

const NETWORK_ERROR_TEXTS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name does not exist",
  ENODATA: "the name has no address",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed before the whole answer had come",
  EPIPE: "the connection was closed before the whole answer had come",
  EPROTO: "what answers there speaks another protocol",
  ESERVFAIL: "the name servers do not answer",
  ETIMEOUT: "the name servers do not answer",
  CERT_HAS_EXPIRED: "the certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is signed by itself",
};

/** @returns why there is no answer, for a person: the host and our own words, since Node's messages may quote a URL */
export function networkErrorText(error: unknown, host: string, signal: AbortSignal): string {
  if (signal.aborted) return `${host}: no whole answer in time`;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "no code";
  return `${host}: ${NETWORK_ERROR_TEXTS[code] ?? `no whole answer (${code})`}`;
}
