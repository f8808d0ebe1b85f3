/**
 * Errors by consequence. Whoever catches one reads `code` and `retry`, never the message: HTTP turns it into
 * problem+json, queues into "try again" or "done". Anything thrown that is not an MjflowError is a bug: 500 outside,
 * full detail in the log.
 */

export type Retry = "never" | "later" | { afterMs: number };

interface Kind {
  status: number;
  title: string;
  retry: Retry;
  /** What the caller can do about it. */
  advice: string;
}

/** Every error an app can meet, in one place. Codes are stable: clients branch on them. */
export const ERRORS = {
  invalid_request: {
    status: 400,
    title: "The request is not valid",
    retry: "never",
    advice: "Correct the named field and send it again.",
  },
  invalid_json: {
    status: 400,
    title: "The body is not valid JSON",
    retry: "never",
    advice: "Send a JSON object, UTF-8 encoded.",
  },
  unauthorized: {
    status: 401,
    title: "No valid API key",
    retry: "never",
    advice: "Send the header `Authorization: Bearer <key>`.",
  },
  forbidden: {
    status: 403,
    title: "This key may not do that",
    retry: "never",
    advice: "Use the operator's key of the stage, or ask its operator.",
  },
  not_found: {
    status: 404,
    title: "There is no such thing here",
    retry: "never",
    advice: "Check the id; another app's flows cannot be seen.",
  },
  method_not_allowed: {
    status: 405,
    title: "That method does not fit this address",
    retry: "never",
    advice: "Use one of the methods in the Allow header.",
  },
  conflict: {
    status: 409,
    title: "The task is not in a state for this",
    retry: "later",
    advice: "Read the task and try when it has got there.",
  },
  out_of_credit: {
    status: 402,
    title: "The app's credit does not cover this",
    retry: "never",
    advice: "Ask the stage's operator for credit, or press less.",
  },
  idempotency_in_flight: {
    status: 409,
    title: "A request with this Idempotency-Key is being carried out",
    retry: { afterMs: 1_000 },
    advice: "Send the same request again after Retry-After.",
  },
  too_large: {
    status: 413,
    title: "The body is too large",
    retry: "never",
    advice: "Stay under 6 MB; send links instead of images.",
  },
  unsupported_media_type: {
    status: 415,
    title: "The body is not JSON",
    retry: "never",
    advice: "Send `Content-Type: application/json`.",
  },
  press_not_offered: {
    status: 422,
    title: "The task offers no such button",
    retry: "never",
    advice: "Press one of the buttons in `offered`.",
  },
  idempotency_mismatch: {
    status: 422,
    title: "This Idempotency-Key belongs to another request",
    retry: "never",
    advice: "Send the same body under the same key, or take a new key.",
  },
  rate_limited: {
    status: 429,
    title: "Too many new flows a minute",
    retry: { afterMs: 1_000 },
    advice: "Send the same request again after Retry-After.",
  },
  too_many_flows: {
    status: 429,
    title: "Too many flows are running",
    retry: { afterMs: 10_000 },
    advice: "Send the same request again when one of them has ended.",
  },
  banned_prompt: {
    status: 422,
    title: "A prompt holds a banned word",
    retry: "never",
    advice: "Say it without `bannedWord`; nothing was sent or paid.",
  },
  overloaded: {
    status: 503,
    title: "Storage is busy",
    retry: { afterMs: 1_000 },
    advice: "Send the same request again after Retry-After.",
  },
  internal: {
    status: 500,
    title: "Something went wrong on our side",
    retry: "later",
    advice: "Send it again; quote the request id if it stays.",
  },
} as const satisfies Record<string, Kind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetail {
  /** One sentence for a person; must hold no secret and no untrusted URL. */
  detail?: string;
  /** The field at fault, as a JSON path: `then[1].press`. */
  field?: string;
  /** More members for the problem+json body. */
  extra?: Record<string, unknown>;
  /** Where it is known better than by the code. */
  retry?: Retry;
  cause?: unknown;
}

export class MjflowError extends Error {
  override readonly name = "MjflowError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly retry: Retry;
  readonly field: string | undefined;
  readonly extra: Record<string, unknown>;

  constructor(code: ErrorCode, { detail, field, extra, retry, cause }: ErrorDetail = {}) {
    super(detail ?? ERRORS[code].title, { cause });
    this.code = code;
    this.status = ERRORS[code].status;
    this.retry = retry ?? ERRORS[code].retry;
    this.field = field;
    this.extra = extra ?? {};
  }
}

/** Why a task ended without a picture, or never ran. Stable codes; `message` is for people and may be the vendor's. */
export const FAILURES = {
  vendor_refused: "The vendor refused the submission.",
  vendor_failed: "The vendor accepted the task and could not finish it.",
  vendor_cancelled: "The task was cancelled at the vendor.",
  vendor_unauthorized: "The vendor refused our key.",
  vendor_out_of_money: "The account at the vendor has no money left.",
  vendor_busy: "The vendor stayed too busy to take the task.",
  vendor_lost: "The vendor no longer knows the task.",
  banned_prompt: "The prompt was refused by moderation.",
  invalid_prompt: "Midjourney does not understand the prompt's parameters.",
  deadline_passed: "The vendor did not finish the task in time.",
  submission_unclear: "The vendor may or may not have taken the task; it was not sent again.",
  canceled: "The app canceled its flow.",
  modal_unanswered: "The task waited for a prompt or a mask that never came.",
  press_not_offered: "The parent offers no such button.",
  press_ambiguous: "The press fits more than one of the parent's buttons.",
  press_doubled: "The plan presses the same button of this task twice.",
  parent_unnamed: "The vendor never told the id of the task it follows, so its button cannot be pressed.",
  parent_failed: "The task it follows did not succeed.",
  input_missing: "An image or mask of this task is no longer stored.",
  provider_missing: "No such provider is configured any more.",
  unsupported: "This vendor cannot do that.",
  tile_not_cut: "The tile could not be cut from its parent's picture.",
  dead_letter: "The submission failed too often inside mjflow.",
} as const;

export type FailureCode = keyof typeof FAILURES;

const VENDOR_LOSS_CODES: ReadonlySet<string> = new Set<FailureCode>([
  "provider_missing",
  "vendor_unauthorized",
  "vendor_out_of_money",
]);

/** The vendor, or our account there, is lost: it would refuse the next as well. */
export function isVendorLoss({ code }: Pick<Failure, "code">): boolean {
  return VENDOR_LOSS_CODES.has(code);
}

export interface Failure {
  code: FailureCode;
  message: string;
  /** The vendor's own words, cleaned. */
  vendor?: { code?: string; description?: string; bannedWord?: string };
  /** What could have been pressed instead. */
  offered?: string[];
}

export function failure(code: FailureCode, more: Omit<Partial<Failure>, "code"> = {}): Failure {
  return { code, ...more, message: more.message || FAILURES[code] };
}
