/**
 * Requests of web pages on other origins (WHATWG Fetch, 3.3). The origins are a setting; without it no response has CORS
 * headers. A key is always in a header that the page sets, so cookies and other credentials are never allowed.
 */
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** The headers that clients send. `*` covers headers of compat API clients, but never `Authorization`. */
const REQUEST_HEADERS =
  "Authorization, mj-api-secret, Content-Type, Idempotency-Key, Prefer, If-None-Match, Last-Event-ID, *";
const RESPONSE_HEADERS =
  "Location, ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, Preference-Applied, Allow, WWW-Authenticate";
/** How long a browser may use the result of a preflight request. Chromium uses it for at most two hours. */
const PREFLIGHT_S = 7_200;

/** @param origins exact origins; `*` allows every origin */
export function cors(origins: readonly string[]) {
  const isAny = origins.includes("*");
  return createMiddleware<AppEnv>(async (c, next) => {
    const origin = c.req.header("origin");
    const isAllowed = origin !== undefined && (isAny || origins.includes(origin));
    // A browser sends a preflight request without the key, so it is answered before the key is read.
    const isPreflight = c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
    if (isAllowed && isPreflight) {
      c.res = new Response(null, {
        status: 204,
        headers: {
          "Access-Control-Allow-Methods": METHODS,
          "Access-Control-Allow-Headers": REQUEST_HEADERS,
          "Access-Control-Max-Age": String(PREFLIGHT_S),
        },
      });
    } else await next();
    // A cache must not send the response for one origin to another.
    if (!isAny) c.header("Vary", "Origin", { append: true });
    if (!isAllowed) return;
    c.header("Access-Control-Allow-Origin", isAny ? "*" : origin);
    c.header("Access-Control-Expose-Headers", RESPONSE_HEADERS);
  });
}
