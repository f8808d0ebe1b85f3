/**
 * One request to a vendor, told apart by what may have happened at the other end: that is what decides whether it may be
 * sent again (P2, P3).
 */

export type Answer =
  | { kind: "answered"; status: number; text: string; cut?: true; retryAfterMs?: number }
  /** It never left this machine, or reached nobody: nothing was taken. */
  | { kind: "unsent"; reason: string }
  /** It was sent and no readable answer came back: taken or not, nobody knows. */
  | { kind: "lost"; reason: string };

export interface Request {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: unknown;
  timeoutMs: number;
  /** An answer above the limit is read as far as that, and told to be cut, instead of being lost. */
  partial?: true;
}

/** A list of 50 tasks of trueai-org's 70 fields is about 300 KB; novicezk's list of all tasks has no end. */
const ANSWER_BYTES = 8 * 1024 * 1024;

/** Failures before a connection stood, by the code Node or undici gives: DNS, refused, unreachable, TLS. */
const BEFORE_SENDING =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|ERR_SSL_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/;

export async function ask(fetch: typeof globalThis.fetch, request: Request): Promise<Answer> {
  const { method, url, timeoutMs, body, partial } = request;
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = {
    accept: "application/json",
    ...(json.body && { "content-type": "application/json" }),
    ...request.headers,
  };
  try {
    // A redirected POST would be resent as something else: a vendor that redirects is configured wrongly.
    const response = await fetch(url, {
      method,
      headers,
      ...json,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { text, cut } = await readBounded(response);
    if (cut && !partial) return { kind: "lost", reason: "answer too large" };
    const retryAfterMs = retryAfterOf(response.headers.get("retry-after"));
    const { status } = response;
    return { kind: "answered", status, text, ...(cut && { cut }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  } catch (error) {
    const code = codeOf(error);
    // The code and no more: messages may quote the address, and addresses hold keys at some vendors.
    return BEFORE_SENDING.test(code) ? { kind: "unsent", reason: code } : { kind: "lost", reason: code };
  }
}

async function readBounded(response: Response): Promise<{ text: string; cut?: true }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop hangs up: what a vendor would go on sending is not waited for.
    if (size > ANSWER_BYTES) return { text: Buffer.concat(chunks).toString("utf8"), cut: true };
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString("utf8") };
}

function codeOf(error: unknown): string {
  for (let cause: unknown = error, i = 0; cause instanceof Error && i < 5; cause = cause.cause, i++) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
    if (cause.name === "TimeoutError") return "timeout";
  }
  return error instanceof Error ? error.name : "unknown";
}

const LONGEST_PAUSE_MS = 3_600_000;

/** Seconds or an HTTP date; a vendor cannot make us wait for longer than an hour. */
function retryAfterOf(header: string | null): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LONGEST_PAUSE_MS) : undefined;
}
