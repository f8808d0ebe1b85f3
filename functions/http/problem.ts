/** Errors as HTTP responses: problem+json (RFC 9457) with `code`, `advice` and `retry`. */
import type { RateState } from "@mjflow/core/credit";
import { ERRORS, MjflowError, problemType, type Retry } from "@mjflow/core/error";
import { fieldOf } from "@mjflow/core/request-body";
import type { Context, ErrorHandler } from "hono";
import { type AppEnv, problemBaseOf } from "./env.ts";

/** Separates the texts of several unknown fields in one issue. */
export const LINE_BREAK = "\n";

interface Issue {
  path: readonly PropertyKey[];
  message: string;
  code?: string;
  keys?: readonly string[];
}

/**
 * An `invalid_request` from the issues of a schema. `field` names the first issue. `errors` lists up to 20 fields, each
 * with its first issue.
 */
export function invalid(issues: readonly Issue[]): MjflowError {
  const errors = new Map<string, string>();
  for (const { path, message, code, keys } of issues) {
    // For unknown keys zod reports the path of the parent, and one text with a line for each key. We report each key.
    const isUnknown = code === "unrecognized_keys" && keys !== undefined;
    const found = isUnknown
      ? message.split(LINE_BREAK).map((line, i) => [fieldOf([...path, keys[i] ?? ""]), line] as const)
      : [[fieldOf(path), message] as const];
    for (const [field, text] of found) if (!errors.has(field) && errors.size < 20) errors.set(field, text);
  }
  const list = [...errors].map(([field, message]) => ({ field, message }));
  const [first] = list;
  const detail = first && `${first.field || "body"}: ${first.message}`;
  return new MjflowError("invalid_request", { field: first?.field || undefined, detail, extra: { errors: list } });
}

export function problem(c: Context<AppEnv>, error: MjflowError): Response {
  const after = afterSeconds(error.retry);
  if (after !== undefined) c.header("Retry-After", String(after));
  const { rateLimit } = error.extra;
  if (rateLimit) rateHeaders(c, rateLimit as RateState);
  if (error.code === "unauthorized") {
    // RFC 6750, 3.1: without a key the challenge has no error.
    const fault = error.extra["reason"] === "missing" ? "" : ', error="invalid_token"';
    c.header("WWW-Authenticate", `Bearer realm="mjflow"${fault}`);
  }
  const body = JSON.stringify(problemBody(error, c.get("requestId"), problemBaseOf(c)));
  return c.body(body, error.status as 400, { "Content-Type": "application/problem+json" });
}

/** @param apiUrl base URL of the API */
export function problemBody(error: MjflowError, requestId: string, apiUrl: string): Record<string, unknown> {
  const { title, advice } = ERRORS[error.code];
  return {
    type: problemType(apiUrl, error.code),
    title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.field !== undefined && { field: error.field }),
    advice,
    retry: error.retry === "never" ? "never" : "later",
    requestId,
    ...error.extra,
  };
}

/** Sets the rate limit headers of draft-ietf-httpapi-ratelimit-headers-10: the limit and what is left of it. */
export function rateHeaders(c: Context<AppEnv>, { quota, remaining, resetS }: RateState): void {
  c.header("RateLimit-Policy", `"flows";q=${quota};w=60`);
  c.header("RateLimit", `"flows";r=${remaining};t=${resetS}`);
}

/**
 * The only place where an error becomes a response. An error that is no `MjflowError` is a bug. The caller gets no
 * details of a bug; the log gets the message and the stack.
 */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof MjflowError) return problem(c, error);
  c.get("deps").log.error("api.bug", { requestId: c.get("requestId"), error: String(error), stack: error.stack });
  return problem(c, new MjflowError("internal"));
};

/** Returns the pause of `Retry-After`; undefined if the error names none. */
export function afterSeconds(retry: Retry): number | undefined {
  return typeof retry === "object" ? Math.ceil(retry.afterMs / 1_000) : undefined;
}
