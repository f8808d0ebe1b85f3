/**
 * Serves an HTTP app behind a Lambda function URL (payload format 2.0). We do not use Hono's adapter: it responds 200 to
 * every request that it cannot convert, and it ignores headers without a value.
 */
import { randomUUID } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { MjflowError } from "@mjflow/core/error";
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { problemBody } from "./problem.ts";

export type Fetch = (request: Request) => Response | Promise<Response>;
type Runtime = typeof awslambda;

/** Methods whose body has no meaning (RFC 9110, 9.3). Some clients send one, for example `null`. It is ignored. */
const BODYLESS: ReadonlySet<string> = new Set(["GET", "HEAD", "TRACE"]);
/** Methods that the constructor of `Request` rejects. The routes respond 405 to them, as to other unknown methods. */
const NOT_CONSTRUCTIBLE: ReadonlySet<string> = new Set(["TRACE", "TRACK", "CONNECT"]);

/** @throws TypeError if the URL or a header of the event is not valid */
export function requestOf({
  body,
  isBase64Encoded,
  headers: sent,
  ...event
}: Pick<
  LambdaFunctionURLEvent,
  "body" | "cookies" | "headers" | "isBase64Encoded" | "rawPath" | "rawQueryString" | "requestContext"
>): Request {
  const { domainName, http } = event.requestContext;
  const query = event.rawQueryString ? `?${event.rawQueryString}` : "";
  const headers = new Headers();
  for (const [name, value] of Object.entries(sent ?? {})) headers.set(name, toAscii(value ?? ""));
  // A function URL takes the cookies out of the headers.
  if (event.cookies?.length) headers.set("cookie", toAscii(event.cookies.join("; ")));
  const method = http.method.toUpperCase();
  const isBodyless = BODYLESS.has(method);
  // A length without the body would be wrong.
  if (isBodyless) headers.delete("content-length");
  const request = new Request(`https://${domainName}${event.rawPath}${query}`, {
    method: NOT_CONSTRUCTIBLE.has(method) ? "POST" : method,
    headers,
    ...(body && !isBodyless && { body: isBase64Encoded ? Buffer.from(body, "base64") : body }),
  });
  return request.method === method ? request : Object.defineProperty(request, "method", { value: method });
}

/** A `Headers` object takes only bytes. Other characters are percent-encoded. */
function toAscii(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  return /^[\x00-\x7f]*$/.test(value) ? value : encodeURIComponent(value.toWellFormed());
}

/**
 * Returns the response of the app. A request that cannot be converted gets a 400. An exception outside the app, for
 * example because a setting is not valid, gets a 500 (D8).
 */
async function respond(fetch: Fetch, event: LambdaFunctionURLEvent): Promise<Response> {
  let request: Request;
  try {
    request = requestOf(event);
  } catch {
    return problemOf(
      event,
      new MjflowError("invalid_request", { detail: "The URL or a header of the request is not valid HTTP." }),
    );
  }
  try {
    return await fetch(request);
  } catch (error) {
    const requestId = randomUUID();
    const { stack } = error as Error;
    console.error(JSON.stringify({ level: "error", event: "api.failed", requestId, error: String(error), stack }));
    return problemOf(event, new MjflowError("internal"), requestId);
  }
}

function problemOf(event: LambdaFunctionURLEvent, error: MjflowError, requestId: string = randomUUID()): Response {
  const apiUrl = `https://${event.requestContext.domainName}`;
  const headers = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
  };
  return new Response(JSON.stringify(problemBody(error, requestId, apiUrl)), { status: error.status, headers });
}

/** A response has one header for each cookie, and an object of headers has only one place for them. */
function headOf({ status, headers }: Response) {
  const { "set-cookie": _, ...others } = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  return { statusCode: status, headers: others, ...(cookies.length > 0 && { cookies }) };
}

/**
 * Creates the handler of a function. The app is built with the first request, so that loading the bundle needs no linked
 * resources.
 */
export function handlerOf<Deps extends { log: { flush(): void } }>(
  compose: () => Deps,
  create: (deps: Deps) => { fetch: Fetch },
) {
  let app: { fetch: Fetch } | undefined;
  async function handle(request: Request): Promise<Response> {
    const deps = compose();
    app ??= create(deps);
    try {
      return await app.fetch(request);
    } finally {
      deps.log.flush();
    }
  }
  // The global of Lambda's Node.js runtime, which has the streaming functions. Outside Lambda it can exist without them,
  // because the AWS SDK creates an empty one for its own use.
  const runtime = (globalThis as { awslambda?: Partial<Runtime> }).awslambda;
  return runtime?.streamifyResponse ? streamingHandler(handle, runtime as Runtime) : bufferedHandler(handle);
}

/** A handler that returns the response as one text. */
export function bufferedHandler(fetch: Fetch) {
  return async (event: LambdaFunctionURLEvent): Promise<Exclude<LambdaFunctionURLResult, string>> => {
    const response = await respond(fetch, event);
    return { ...headOf(response), body: await response.text(), isBase64Encoded: false };
  };
}

/**
 * A handler that streams the response.
 * @throws Error if the body fails after the head was sent; Lambda then cuts the response off
 */
export function streamingHandler(fetch: Fetch, { streamifyResponse, HttpResponseStream }: Runtime) {
  return streamifyResponse(async (event: LambdaFunctionURLEvent, stream) => {
    const response = await respond(fetch, event);
    const out = HttpResponseStream.from(stream, headOf(response));
    if (response.body) return pipeline(response.body, out);
    // Lambda sends the head with the first write, also if the response has no body.
    out.write("");
    out.end();
  });
}
