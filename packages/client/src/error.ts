/** Every way a call can end badly, as one class: read `code` and `retry`, never the message. */

/** What the server answers (problem+json). A newer server may know more. */
export type ServerErrorCode =
  | "invalid_request"
  | "invalid_json"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "idempotency_in_flight"
  | "idempotency_mismatch"
  | "out_of_credit"
  | "rate_limited"
  | "too_many_flows"
  | "too_large"
  | "unsupported_media_type"
  | "press_not_offered"
  | "banned_prompt"
  | "overloaded"
  | "internal";

export type ClientErrorCode =
  /** No answer: refused, cut, or not in time. Whether the server did anything is unknown. */
  | "unreachable"
  /** `wait` gave up; the flow runs on. */
  | "timeout"
  /** Your signal. */
  | "aborted"
  /** An answer that is not mjflow's: a proxy's page, a redirect. */
  | "unexpected_answer"
  /** Refused here, before anything was sent. */
  | "invalid_argument"
  /** Not a webhook to be believed. */
  | "webhook_rejected";

export type ErrorCode = ServerErrorCode | ClientErrorCode | (string & {});

export interface ErrorFields {
  code: ErrorCode;
  /** One sentence for a person. */
  detail: string;
  /** HTTP status; undefined where there was no answer. */
  status?: number;
  /** The field at fault, as a JSON path: `then[1].press`. */
  field?: string;
  /** What can be done about it. */
  advice?: string;
  /** Whether the same call can succeed later. */
  retry?: "never" | "later";
  /** Quote it when asking for help. */
  requestId?: string;
  /** How long the server asks to be left alone. */
  retryAfterMs?: number;
  /** Further members of the problem: `offered`, `errors`. */
  more?: Readonly<Record<string, unknown>>;
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

/** True for an error of this package; with a code, only for that one. */
export function isMjflowError(error: unknown, code?: ErrorCode): error is MjflowError {
  return error instanceof MjflowError && (code === undefined || error.code === code);
}

export function invalidArgument(detail: string, field?: string): MjflowError {
  return new MjflowError({ code: "invalid_argument", detail, field });
}

export function aborted(): MjflowError {
  return new MjflowError({ code: "aborted", detail: "The caller's signal ended the call." });
}

/** An answer that an mjflow server would not give; worth another try only where the fault may pass. */
export function unexpectedAnswer(detail: string, status: number): MjflowError {
  const retry = status >= 500 || status === 429 || status === 408 ? "later" : "never";
  return new MjflowError({ code: "unexpected_answer", detail, status, retry });
}
