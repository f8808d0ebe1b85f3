/** Turns an unsuccessful response into an error: problem+json (RFC 9457) as mjflow sends it, or any other response. */
import { type ErrorCode, MjflowError, unexpectedAnswer } from "./error.ts";
import { parseRetryAfter } from "./retry.ts";

/** Error codes for responses that do not come from mjflow, for example from a proxy. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  413: "too_large",
  415: "unsupported_media_type",
  503: "overloaded",
};
const OWN = new Set(["type", "title", "status", "code", "detail", "field", "advice", "retry", "requestId"]);

export function problemOf(response: Response, body: unknown, nowMs: number): MjflowError {
  const { status, headers } = response;
  const problem = isObject(body) && typeof body.code === "string" ? body : undefined;
  const plain = unexpectedAnswer(`The server responded with status ${status}.`, status);
  return new MjflowError({
    code: text(problem?.code) ?? CODES[status] ?? plain.code,
    detail: text(problem?.detail) ?? text(problem?.title) ?? plain.detail,
    status,
    field: text(problem?.field),
    advice: text(problem?.advice),
    retry: problem?.retry === "later" || problem?.retry === "never" ? problem.retry : plain.retry,
    requestId: text(problem?.requestId) ?? headers.get("x-request-id") ?? undefined,
    retryAfterMs: parseRetryAfter(headers.get("retry-after"), nowMs),
    more: Object.fromEntries(Object.entries(problem ?? {}).filter(([name]) => !OWN.has(name))),
  });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
