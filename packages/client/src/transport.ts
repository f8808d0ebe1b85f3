/** Sends one request and reads its response. The API key enters here and is removed from every result and error. */
import type { Config } from "./config.ts";
import { aborted, invalidArgument, MjflowError, unexpectedAnswer } from "./error.ts";
import { problemOf } from "./problem.ts";
import { type Redact, redactError, redactor } from "./redact.ts";
import { pauseMs } from "./retry.ts";
import { limit, type Sleep } from "./time.ts";

export type Query = Record<string, string | number | boolean | Date | undefined>;

export interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | undefined;
  /** Path starting with `/v1/`; variable parts must be encoded with `segment`. */
  path: string;
  /** Absolute address that the server gave; it replaces base URL, path and query. */
  url?: string | undefined;
  query?: Query | undefined;
  body?: unknown;
  headers?: Record<string, string> | undefined;
  /** Idempotency key; it makes the request safe to repeat. Unset: no key is sent. */
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Time limit of one request, ms. Default: the client's requestTimeoutMs. */
  timeoutMs?: number | undefined;
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  /** Undefined if the response has no body: 204, 304. */
  body: T;
}

export class Transport {
  readonly #config: Config;
  readonly #redact: Redact;
  readonly sleep: Sleep;
  readonly now: () => number;
  readonly random: () => number;

  constructor(config: Config) {
    this.#config = config;
    this.#redact = redactor(config.apiKey);
    this.sleep = config.sleep;
    this.now = config.now;
    this.random = config.random;
  }

  /** Host name of the base URL. */
  get hostname(): string {
    return new URL(this.#config.baseUrl).hostname;
  }

  /** Returns the body of the response. Repeats the request with pauses while that is safe and may help. */
  async send<T>(call: Call): Promise<T> {
    const resendable = call.idempotencyKey !== undefined || /^(GET|PUT|DELETE)$/.test(call.method ?? "GET");
    return this.#retried(resendable, call.signal, async () => (await this.once<T>(call)).body);
  }

  /** Runs `attempt` until it succeeds or its error is final. @param resendable true: an attempt without a response can be repeated */
  async #retried<T>(resendable: boolean, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const { retry } = this.#config;
    for (let retried = 0; ; retried++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof MjflowError)) throw error;
        const ms = pauseMs(error, resendable, retried, retry, this.random());
        if (ms === undefined) throw error;
        await this.sleep(ms, signal);
      }
    }
  }

  /** Sends one request without retries. Status 304 counts as a response. */
  async once<T>(call: Call): Promise<Answer<T>> {
    return this.#within(call, async (signal) => {
      const response = await this.#fetch(call, signal);
      const body = parse(await response.text());
      if (response.status === 304) return { status: 304, headers: response.headers, body: undefined as T };
      if (!response.ok) throw this.#problem(response, body);
      if (body === undefined && response.status !== 204) {
        throw unexpectedAnswer("The server's response is not JSON.", response.status);
      }
      return { status: response.status, headers: response.headers, body: body as T };
    });
  }

  /**
   * Opens a stream with one request and returns an accepted response with an unread body. The time limit applies until
   * the response begins. The body stays open until `signal`, which must not outlive the reading of the body.
   */
  async open(call: Call & { signal: AbortSignal }, wanted: (response: Response) => boolean): Promise<Response> {
    const connection = new AbortController();
    const close = () => connection.abort();
    call.signal.addEventListener("abort", close, { once: true });
    return this.#within(call, async (opening) => {
      opening.addEventListener("abort", close, { once: true });
      const response = await this.#fetch(call, connection.signal);
      if (!wanted(response)) throw this.#problem(response, parse(await response.text()));
      return response;
    });
  }

  /** Sends bytes to an address that the server has signed. The API key is not sent there. */
  async put(
    url: string,
    headers: Record<string, string>,
    body: Blob,
    { timeoutMs, signal }: Pick<Call, "timeoutMs" | "signal">,
  ): Promise<void> {
    const attempt = async (within: AbortSignal) => {
      const response = await this.#config.fetch(url, { method: "PUT", headers, body, signal: within });
      await response.body?.cancel();
      if (response.ok) return;
      const detail = `The image was not accepted by its upload address (HTTP ${response.status}).`;
      const retry = response.status >= 500 ? "later" : "never";
      throw new MjflowError({ code: "upload_failed", detail, retry, status: response.status });
    };
    return this.#retried(true, signal, () => this.#within({ path: "", timeoutMs, signal }, attempt));
  }

  #problem(response: Response, body: unknown): MjflowError {
    return problemOf(response, this.#redact(body), this.now());
  }

  async #within<T>(call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeoutMs = call.timeoutMs ?? this.#config.requestTimeoutMs;
    const time = limit(call.signal, timeoutMs);
    try {
      if (time.signal.aborted) throw aborted();
      return await work(time.signal);
    } catch (error) {
      if (error instanceof MjflowError) throw error;
      if (time.passed()) throw this.#unreachable(`did not respond within ${timeoutMs} ms`);
      if (call.signal?.aborted) throw aborted();
      throw this.#unreachable("could not be reached", error);
    } finally {
      time.done();
    }
  }

  async #fetch(call: Call, signal: AbortSignal): Promise<Response> {
    const { fetch, baseUrl, apiKey } = this.#config;
    const headers: Record<string, string> = {
      accept: "application/json",
      ...(call.body !== undefined && { "content-type": "application/json" }),
      ...(apiKey && { authorization: `Bearer ${apiKey}` }),
      ...(call.idempotencyKey && { "idempotency-key": printable(call.idempotencyKey) }),
      ...call.headers,
    };
    const response = await fetch(call.url ?? `${baseUrl}${call.path}${search(call.query)}`, {
      method: call.method ?? "GET",
      headers,
      signal,
      // Redirects are not followed: a POST would become a GET, and the key might be sent to another server.
      redirect: "manual",
      ...(call.body !== undefined && { body: json(call.body) }),
    });
    const { status } = response;
    if (response.type === "opaqueredirect" || (status >= 300 && status < 400 && status !== 304)) {
      response.body?.cancel().catch(() => {});
      throw unexpectedAnswer("The server redirects. Set baseUrl to the address it redirects to.", status);
    }
    return response;
  }

  #unreachable(how: string, error?: unknown): MjflowError {
    const cause = redactError(error, this.#redact);
    const why = reasonOf(error);
    const detail = `${new URL(this.#config.baseUrl).origin} ${how}${why ? ` (${why})` : ""}.`;
    return new MjflowError({ code: "unreachable", detail, retry: "later", cause });
  }
}

/** Encodes an id as a path segment. Rejects ids that would change the path. */
export function segment(id: string): string {
  if (typeof id !== "string" || id === "" || id === "." || id === "..") {
    throw invalidArgument("It must be a non-empty id.", "id");
  }
  return encodeURIComponent(id);
}

function search(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value instanceof Date ? value.toISOString() : String(value)]],
  );
  return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : "";
}

function printable(key: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw invalidArgument("It must be 1 to 255 characters of printable ASCII.", "idempotencyKey");
  }
  return key;
}

function json(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch {
    throw invalidArgument("It cannot be written as JSON.", "body");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns an error code of the platform such as ECONNREFUSED; such codes contain nothing of the request. */
function reasonOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code;
  }
  return undefined;
}
