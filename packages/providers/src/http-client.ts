/**
 * One request to a vendor, told apart by what may have happened at the other end: that is what decides whether it may be
 * sent again (P2, P3). On Node's own client instead of `fetch`: it says when a connection stood, which kept one it took, and
 * needs half the time.
 */
import { Agent, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import { pipeline, type Readable, type Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

export type HttpOutcome =
  | { kind: "answered"; status: number; text: string; cut?: true; retryAfterMs?: number }
  /** It never left this machine, or reached nobody: nothing was taken. */
  | { kind: "unsent"; reason: string }
  /** It was sent and no readable answer came back: taken or not, nobody knows. */
  | { kind: "lost"; reason: string };

export interface VendorHttpRequest {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: unknown;
  /** From the first step to the last byte of the answer. */
  timeoutMs: number;
  /** An answer above the limit is read as far as that, and told to be cut, instead of being lost. */
  partial?: true;
}

/** Never throws. */
export type HttpClient = (request: VendorHttpRequest) => Promise<HttpOutcome>;

/** A list of 50 tasks of trueai-org's 70 fields is about 300 KB; novicezk's list of all tasks has no end. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;
/**
 * A connection that nobody has used for longer is not trusted with a paid call: servers close idle ones, a frozen function
 * does not see it, and a call that finds out is one of which nobody knows whether it was taken. Far below the 5 s after which
 * Node's servers close theirs, the shortest of the usual ones: a server that is busy just then closes it with the call unread.
 * What comes in a burst, as follow-ups do, is still asked over one.
 */
const KEEP_ALIVE_MS = 1_000;

/** Its connections are kept, and shared by all vendors that are asked through it. */
export function createHttpClient({ now = Date.now }: { now?: () => number } = {}): HttpClient {
  const agents = { http: new Agent({ keepAlive: true }), https: new TlsAgent({ keepAlive: true }) };
  const usedAt = new WeakMap<Socket, number>();

  function letGoOfOld(): void {
    const idle = Object.values(agents).flatMap(({ freeSockets }) => Object.values(freeSockets));
    for (const socket of idle.flat()) {
      if (socket && now() - (usedAt.get(socket) ?? 0) > KEEP_ALIVE_MS) socket.destroy();
    }
  }

  return async (request) => {
    letGoOfOld();
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), request.timeoutMs);
    let isSent = false;
    const onSent = () => {
      isSent = true;
    };
    try {
      const answer = await openRequest(request, agents, deadline.signal, onSent);
      const { socket } = answer;
      const read = await answerOf(answer, request.partial);
      usedAt.set(socket, now());
      return read;
    } catch (error) {
      // The code and no more: messages may quote the address, and addresses hold keys at some vendors.
      const reason = deadline.signal.aborted ? "timeout" : codeOf(error);
      return { kind: isSent ? "lost" : "unsent", reason };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Follows no redirect: a redirected POST would be sent again as something else. @throws whatever Node does */
function openRequest(
  { method, url, headers, body }: VendorHttpRequest,
  agents: { http: Agent; https: TlsAgent },
  signal: AbortSignal,
  onSent: () => void,
): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const isTls = url.startsWith("https:");
  const call = (isTls ? requestHttps : requestHttp)(url, {
    method,
    signal,
    agent: isTls ? agents.https : agents.http,
    headers: {
      accept: "application/json",
      "accept-encoding": "gzip, deflate, br",
      "user-agent": "mjflow/1",
      ...(text !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...headers,
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  call.on("socket", (socket) => {
    if (socket.connecting) socket.once(isTls ? "secureConnect" : "connect", onSent);
    else onSent();
  });
  call.on("response", resolve);
  // Without a listener Node closes the connection and tells nobody.
  call.on("upgrade", (_, socket) => {
    socket.destroy();
    reject(Object.assign(new Error("another protocol"), { code: "EPROTO" }));
  });
  call.on("error", reject);
  call.end(text);
  return promise;
}

async function answerOf(answer: IncomingMessage, partial: true | undefined): Promise<HttpOutcome> {
  const { text, cut } = await readBounded(decoded(answer));
  if (cut && !partial) return { kind: "lost", reason: "answer too large" };
  const retryAfterMs = retryAfterOf(answer.headers["retry-after"]);
  const status = answer.statusCode!;
  return { kind: "answered", status, text, ...(cut && { cut }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** What stops too soon is read as far as it goes: nothing at all is packed as nothing by some servers. */
const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = constants;
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ finishFlush: Z_SYNC_FLUSH }),
  "x-gzip": () => createGunzip({ finishFlush: Z_SYNC_FLUSH }),
  deflate: () => createInflate({ finishFlush: Z_SYNC_FLUSH }),
  br: () => createBrotliDecompress({ finishFlush: BROTLI_OPERATION_FLUSH }),
};

function decoded(answer: IncomingMessage): Readable {
  const decoder = DECODERS[answer.headers["content-encoding"]?.toLowerCase() ?? ""]?.();
  // What fails reaches whoever reads; whoever stops reading hangs up.
  return decoder ? pipeline(answer, decoder, () => {}) : answer;
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<{ text: string; cut?: true }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop hangs up: what a vendor would go on sending is not waited for.
    if (size > MAX_RESPONSE_BYTES) return { text: Buffer.concat(chunks).toString("utf8"), cut: true };
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString("utf8") };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

const MAX_RETRY_AFTER_MS = 3_600_000;

/** Seconds or an HTTP date; a vendor cannot make us wait for longer than an hour. */
function retryAfterOf(header: string | undefined): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}
