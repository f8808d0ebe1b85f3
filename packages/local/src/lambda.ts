/**
 * Replaces Lambda on one machine. Events and results are JSON, a function that takes too long is abandoned, and a
 * function URL uses payload format 2.0 with its limit of 6 MB.
 */
import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from "node:http";
import { type BodyReader, createBodyReader, skipBody } from "./body-budget.ts";
import { isStreaming, streamResponse } from "./stream.ts";
import { createTimeLimit, type TimeLimit } from "./time-limit.ts";

export interface LambdaContext {
  functionName: string;
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
  callbackWaitsForEmptyEventLoop: boolean;
}

/** A handler as Lambda sees it: whatever types it declares, its event and its result are JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the boundary is JSON, as on Lambda
export type Handler = (event: any, context: any) => unknown;

export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** The time limits of all invocations, by seconds. */
const limits = new Map<number, TimeLimit>();

function limitOf(timeoutS: number): TimeLimit {
  let limit = limits.get(timeoutS);
  if (!limit) {
    limit = createTimeLimit(timeoutS * 1_000);
    limits.set(timeoutS, limit);
  }
  return limit;
}

/** A class, because an object with functions of its own would cost more than a short invocation. */
class InvocationContext implements LambdaContext {
  readonly functionName: string;
  readonly callbackWaitsForEmptyEventLoop = false;
  readonly #endsAt: number;
  #requestId: string | undefined;

  constructor(name: string, timeoutS: number) {
    this.functionName = name;
    this.#endsAt = Date.now() + timeoutS * 1_000;
  }

  get awsRequestId(): string {
    this.#requestId ??= randomUUID();
    return this.#requestId;
  }

  getRemainingTimeInMillis(): number {
    return Math.max(0, this.#endsAt - Date.now());
  }
}

/**
 * @param event plain JSON created for this call; the handler may keep or change it
 * @throws TimedOut, or the exception of the handler. Like Lambda, it cannot stop a handler that continues after the
 * timeout.
 */
export function invoke(name: string, handler: Handler, event: unknown, timeoutS: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const result = Promise.resolve(handler(event, new InvocationContext(name, timeoutS)));
    const end = limitOf(timeoutS).start(() => reject(new TimedOut(`${name} took over ${timeoutS} s`)));
    const settle = (value: unknown) => {
      end();
      resolve(copyOf(value));
    };
    const fail = (error: unknown) => {
      end();
      reject(error);
    };
    result.then(settle).catch(fail);
  });
}

/**
 * The result is copied through JSON, as on Lambda. Otherwise a handler that returns a Date or a Map would work here and fail on
 * Lambda.
 */
function copyOf(result: unknown): unknown {
  return result === undefined || isPrepared(result) || isFlatJson(result) ? result : JSON.parse(JSON.stringify(result));
}

/** True for an object of texts, booleans, finite numbers and such objects: a copy through JSON would be equal to it. */
function isFlatJson(value: unknown, depth = 1): boolean {
  if (typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return depth >= 0 && !("toJSON" in value) && Object.values(value).every((field) => isFlatJson(field, depth - 1));
}

/**
 * Valid Host headers. On AWS a function receives only its own domain; another value could not even be parsed as part of
 * a URL.
 */
export const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

const NO_HOST = "localhost";

/** Counts in the raw list of names and values: `headersDistinct` would build a second object of all headers per request. */
function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === "host") count++;
  }
  return count;
}

export interface ServeOptions {
  bodies: BodyReader;
  /** False: the function gets an empty body, because it rejects the request by its head. */
  needsBody: boolean;
}

const NO_BODY = Buffer.alloc(0);

/** Handles one HTTP request with a function behind a function URL. */
export async function serveFunctionUrl(
  name: string,
  handler: Handler,
  timeoutS: number,
  request: IncomingMessage,
  response: ServerResponse,
  { bodies, needsBody }: ServeOptions = { bodies: createBodyReader(), needsBody: true },
): Promise<void> {
  // HTTP/1.0 has no Host header. Node itself rejects an HTTP/1.1 request without it, and takes the first of several. A proxy
  // in front may take another one, so several are refused (RFC 9112, 3.2).
  const { host = NO_HOST } = request.headers;
  if (!HOST.test(host) || countHosts(request) > 1) {
    response.writeHead(400, { "content-type": "application/json" }).end('{"message":"Bad Request"}');
    return;
  }
  async function call(body: Buffer): Promise<void> {
    try {
      const event = functionUrlEvent(request, body);
      if (isStreaming(handler)) {
        const stream = streamResponse(response);
        await invoke(name, (given, context) => handler(given, stream, context), event, timeoutS);
      } else send(response, await invoke(name, handler, event, timeoutS));
    } catch (error) {
      // Lambda's response to a failed function. The reason is only logged.
      console.error(JSON.stringify({ level: "error", function: name, event: "lambda.failed", error: String(error) }));
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { "content-type": "application/json" }).end('{"message":"Internal Server Error"}');
    }
  }
  if (needsBody) return bodies.read(request, response, call);
  if (!skipBody(request, response)) await call(NO_BODY);
}

const TEXT = /^(?:text\/|application\/(?:json|javascript|xml|x-www-form-urlencoded))/i;

/**
 * Returns the request target without scheme and host, which a proxy may send (RFC 9112, 3.2.2). The target is cut, not
 * parsed. A parser would take the first part of `//a/b` as a host and would resolve dots.
 */
export function originForm(url = "/"): string {
  if (url.startsWith("/")) return url;
  return url.replace(/^https?:\/\/[^/?]*/i, "") || "/";
}

/** The event of a function URL in payload format 2.0 (AWS Lambda, function URL request payload). */
interface FunctionUrlEvent {
  version: "2.0";
  routeKey: string;
  rawPath: string;
  rawQueryString: string;
  headers: Record<string, string>;
  cookies?: string[];
  queryStringParameters?: Record<string, string>;
  requestContext: object;
  body?: string;
  isBase64Encoded: boolean;
}

export function functionUrlEvent(request: IncomingMessage, body: Buffer): FunctionUrlEvent {
  const host = request.headers.host ?? NO_HOST;
  const target = originForm(request.url);
  const queryAt = target.indexOf("?");
  const rawPath = queryAt < 0 ? target : target.slice(0, queryAt) || "/";
  const rawQueryString = queryAt < 0 ? "" : target.slice(queryAt + 1);
  const { cookie } = request.headers;
  const headers = headersOf(request, host);
  // AWS also passes bytes that are not UTF-8 as base64, whatever the content type is.
  const isText = TEXT.test(headers["content-type"] ?? "") && isUtf8(body);
  const now = Date.now();
  const event: FunctionUrlEvent = {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers,
    requestContext: {
      accountId: "anonymous",
      apiId: "local",
      domainName: host,
      domainPrefix: "local",
      http: {
        method: request.method ?? "GET",
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "127.0.0.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: requestIdOf(),
      routeKey: "$default",
      stage: "$default",
      time: timeText(now),
      timeEpoch: now,
    },
    isBase64Encoded: body.length > 0 && !isText,
  };
  // Conditional spreads would cost more than the rest of the event.
  if (cookie !== undefined) event.cookies = cookie.split(/;\s*/);
  if (rawQueryString !== "") event.queryStringParameters = parametersOf(rawQueryString);
  if (body.length > 0) event.body = body.toString(isText ? "utf8" : "base64");
  return event;
}

/** Start of the ids of all requests of this process. */
const ID_START = randomUUID().slice(0, 24);
const ID_DIGITS = 12;
let requests = 0;

/** Has the form of a UUID. A number of its own for each request is enough here, and costs less than random bytes. */
function requestIdOf(): string {
  return ID_START + (++requests).toString(16).padStart(ID_DIGITS, "0");
}

let lastTime = { at: 0, text: "" };

/** The time as text. Requests of one millisecond share it. */
function timeText(now: number): string {
  if (now !== lastTime.at) lastTime = { at: now, text: new Date(now).toISOString() };
  return lastTime.text;
}

/**
 * Returns the headers without cookies. Node builds the object of headers for this request alone, so it becomes part of the
 * event without a copy. Only a request without a Host, or with a header that is no single text, needs another object.
 */
function headersOf({ headers }: IncomingMessage, host: string): Record<string, string> {
  if (headers.host === host && headers.cookie === undefined && headers["set-cookie"] === undefined)
    return headers as Record<string, string>;
  const kept = Object.entries(headers).filter(([name]) => name !== "cookie");
  return { host, ...Object.fromEntries(kept.map(([name, value]) => [name, String(value)])) };
}

function parametersOf(rawQueryString: string): Record<string, string> {
  const query = new URLSearchParams(rawQueryString);
  return Object.fromEntries([...new Set(query.keys())].map((key) => [key, query.getAll(key).join(",")]));
}

interface FunctionUrlResult {
  statusCode?: number;
  headers?: Record<string, string | number | boolean>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

/** Statuses whose responses have no body (RFC 9110, 8.6). */
const NO_LENGTH: ReadonlySet<number> = new Set([204, 304]);

interface Answer {
  statusCode: number;
  head: OutgoingHttpHeaders;
  content: string | Buffer;
}

/**
 * The answers to results that are frozen. A function returns such a result for most of its requests, for example for dropped
 * progress. Its head and its text are prepared once.
 */
const prepared = new WeakMap<object, Answer>();

/** Only a result that can never change: the object and its headers are frozen. It was copied through JSON when its answer was prepared. */
function isPrepared(result: unknown): result is object {
  return typeof result === "object" && result !== null && prepared.has(result);
}

/** Sends the result of the function. */
function send(response: ServerResponse, result: unknown): void {
  const { statusCode, head, content } = isPrepared(result) ? prepared.get(result)! : answerOf(result);
  response.writeHead(statusCode, head).end(content);
}

/**
 * Returns a function that returns the bytes of the response to this result, as Node sends it on a connection that stays open for
 * `keepAliveMs`. They are prepared once in each second, because they have the time.
 */
export function responseBytesOf(result: unknown, keepAliveMs: number): () => Buffer {
  const { statusCode, head, content } = answerOf(result);
  const fields = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  const start = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n${fields.join("")}Date: `;
  const end = `\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1_000)}\r\n\r\n`;
  let bytes: Buffer;
  let preparedAt = Number.NaN;
  return () => {
    const second = Math.floor(Date.now() / 1_000);
    if (second !== preparedAt) {
      preparedAt = second;
      bytes = Buffer.concat([
        Buffer.from(start + new Date(second * 1_000).toUTCString() + end),
        content instanceof Buffer ? content : Buffer.from(content),
      ]);
    }
    return bytes;
  };
}

/** Any result without `statusCode` becomes the body of a 200, as on Lambda. */
function answerOf(result: unknown): Answer {
  const isResult = typeof result === "object" && result !== null && "statusCode" in result;
  const {
    statusCode = 200,
    headers,
    cookies,
    body = "",
    isBase64Encoded,
  }: FunctionUrlResult = isResult
    ? (result as FunctionUrlResult)
    : {
        headers: { "content-type": "application/json" },
        body: typeof result === "string" ? result : JSON.stringify(result),
      };
  const head: OutgoingHttpHeaders = {};
  for (const name in headers) head[name] = String(headers[name]);
  if (cookies) head["set-cookie"] = cookies;
  const content = isBase64Encoded ? Buffer.from(body, "base64") : body;
  // With a content length Node sends head and text in one write instead of in chunks.
  if (!NO_LENGTH.has(statusCode)) head["content-length"] = Buffer.byteLength(content);
  const answer = { statusCode, head, content };
  if (isResult && cookies === undefined && Object.isFrozen(result) && Object.isFrozen(headers))
    prepared.set(result, answer);
  return answer;
}
