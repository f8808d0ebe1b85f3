/** Every failed call throws one class of errors. Programs must read its `code` and `retry`, not its message. */

/** Error codes of the server (problem+json). A newer server may have more. */
export type ServerErrorCode =
  | "invalid_request"
  | "invalid_json"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "route_not_found"
  | "method_not_allowed"
  | "wrong_state"
  | "limit_reached"
  | "already_exists"
  | "write_conflict"
  | "idempotency_in_flight"
  | "idempotency_mismatch"
  | "out_of_credit"
  | "rate_limited"
  | "too_many_flows"
  | "too_many_presses"
  | "too_many_uploads"
  | "too_many_streams"
  | "no_stream_here"
  | "share_not_found"
  | "too_many_reads"
  | "too_large"
  | "unsupported_media_type"
  | "image_rejected"
  | "press_not_offered"
  | "press_unsupported"
  | "banned_prompt"
  | "translation_failed"
  | "translation_unavailable"
  | "overloaded"
  | "internal";

export type ClientErrorCode =
  /** No response: refused, cut off, or not in time. Whether the server processed the request is unknown. */
  | "unreachable"
  /** `wait` has reached its time limit; the flow is still running. */
  | "timeout"
  /** `run` was rejected because the flow or a branch failed; see FlowFailedError. */
  | "flow_failed"
  /** The caller's AbortSignal was aborted. */
  | "aborted"
  /** The response is not from mjflow: for example a proxy's page or a redirect. */
  | "unexpected_answer"
  /** The client rejected an argument before it sent a request. */
  | "invalid_argument"
  /** The bucket did not accept an image. */
  | "upload_failed"
  /** The webhook could not be verified. */
  | "webhook_rejected";

export type ErrorCode = ServerErrorCode | ClientErrorCode | (string & {});

export interface ErrorFields {
  code: ErrorCode;
  /** Description of the problem for a person. */
  detail: string;
  /** HTTP status; undefined if there was no response. */
  status?: number | undefined;
  /** JSON path of the invalid field: `then[1].press`; undefined if no single field is invalid. */
  field?: string | undefined;
  /** What the caller can do; undefined if the server sent no advice. */
  advice?: string | undefined;
  /** Whether the same call can succeed later. Default: never. */
  retry?: "never" | "later" | undefined;
  /** Id of the request, for support; undefined if there was no response. */
  requestId?: string | undefined;
  /** Pause that the server asks for (Retry-After), ms; undefined if the server asked for none. */
  retryAfterMs?: number | undefined;
  /** Other members of the problem document: `offered`, `errors`. */
  more?: Readonly<Record<string, unknown>> | undefined;
  cause?: unknown;
}

export class MjflowError extends Error implements ErrorFields {
  override readonly name: string = "MjflowError";
  readonly code: ErrorCode;
  readonly detail: string;
  readonly status: number | undefined;
  readonly field: string | undefined;
  readonly advice: string | undefined;
  readonly retry: "never" | "later";
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly more: Readonly<Record<string, unknown>>;

  constructor(fields: ErrorFields) {
    super(`${fields.code}: ${fields.detail}`, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.detail = fields.detail;
    this.status = fields.status;
    this.field = fields.field;
    this.advice = fields.advice;
    this.retry = fields.retry ?? "never";
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
    this.more = fields.more ?? {};
  }
}

/** Returns true for an error of this package; with `code` only for that code. */
export function isMjflowError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is MjflowError & { readonly code: Code } {
  return error instanceof MjflowError && (code === undefined || error.code === code);
}

export function invalidArgument(detail: string, field?: string): MjflowError {
  return new MjflowError({ code: "invalid_argument", detail, field });
}

export function aborted(): MjflowError {
  return new MjflowError({ code: "aborted", detail: "The caller's signal ended the call." });
}

/**
 * Error for a response that an mjflow server would not send. `retry` is `later` only if the status can be temporary.
 */
export function unexpectedAnswer(detail: string, status: number): MjflowError {
  const retry = status >= 500 || status === 429 || status === 408 ? "later" : "never";
  return new MjflowError({ code: "unexpected_answer", detail, status, retry });
}
