/**
 * The errors and task failures of mjflow, each with a stable code. Code that catches an error reads `code` and `retry`,
 * never the message. The HTTP layer turns an error into problem+json. A queue worker turns it into "receive the message
 * again" or "done". Any thrown value that is not an MjflowError is a bug: the caller gets a 500, the log gets the
 * details.
 */
import { withoutEndSlashes } from "./end-slash.ts";

/** Whether the same request can succeed later. `afterMs` is the minimum pause in milliseconds. */
export type Retry = "never" | "later" | { afterMs: number };

interface Kind {
  status: number;
  title: string;
  retry: Retry;
  /** What the caller can do about the error, as an imperative. */
  advice: string;
}

/** Every error that the API can return. Codes are stable, because clients branch on them. */
export const ERRORS = {
  invalid_request: {
    status: 400,
    title: "The request is not valid",
    retry: "never",
    advice: "Correct the field named in `field`.",
  },
  invalid_json: {
    status: 400,
    title: "The body is not valid JSON",
    retry: "never",
    advice: "Send a JSON object, UTF-8 encoded.",
  },
  unauthorized: {
    status: 401,
    title: "The API key is missing or not valid",
    retry: "never",
    advice: "Send `Authorization: Bearer <key>` with an active key.",
  },
  forbidden: {
    status: 403,
    title: "This key is not allowed to do this",
    retry: "never",
    advice: "Use the operator key, or ask the operator.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    retry: "never",
    advice: "Check the id. An app sees only its own flows.",
  },
  route_not_found: {
    status: 404,
    title: "There is no such route",
    retry: "never",
    advice: "Check method and path. `/openapi.json` lists all routes.",
  },
  share_not_found: {
    status: 404,
    title: "The share link does not work any more",
    retry: "never",
    advice: "Ask the person who sent you the link for a new one.",
  },
  no_stream_here: {
    status: 404,
    title: "There is no event stream at this address",
    retry: "never",
    advice: "Open the URL in `eventsUrl`. If it is null, read the flow after `nextInMs`.",
  },
  method_not_allowed: {
    status: 405,
    title: "This method is not allowed here",
    retry: "never",
    advice: "Use one of the methods in the Allow header.",
  },
  wrong_state: {
    status: 409,
    title: "The resource is not in a state that allows this",
    retry: "never",
    advice: "Read it again; `detail` names the state.",
  },
  limit_reached: {
    status: 409,
    title: "A limit is reached",
    retry: "never",
    advice: "Read the limit in `detail`. Delete one, or ask the operator.",
  },
  already_exists: {
    status: 409,
    title: "It exists already",
    retry: "never",
    advice: "Change the existing one.",
  },
  write_conflict: {
    status: 409,
    title: "Another request changed it at the same time",
    retry: "later",
    advice: "Read it again and repeat the request.",
  },
  out_of_credit: {
    status: 402,
    title: "The app has not enough credit",
    retry: "never",
    advice: "Ask the operator for credit, or send a smaller plan.",
  },
  idempotency_in_flight: {
    status: 409,
    title: "A request with this Idempotency-Key is still running",
    retry: { afterMs: 1_000 },
    advice: "Send the same request again after Retry-After.",
  },
  too_large: {
    status: 413,
    title: "The body is too large",
    retry: "never",
    advice: "Send at most 6 MB. Upload large images with `POST /v1/uploads`, or send links.",
  },
  unsupported_media_type: {
    status: 415,
    title: "The body is not JSON",
    retry: "never",
    advice: "Send `Content-Type: application/json`.",
  },
  image_rejected: {
    status: 422,
    title: "An image cannot be used",
    retry: "never",
    advice: "Read `reason` and `field`, and send another image. Nothing was submitted or charged.",
  },
  press_not_offered: {
    status: 422,
    title: "The task has no such button",
    retry: "never",
    advice: "Press one of the buttons in `offered`.",
  },
  press_unsupported: {
    status: 422,
    title: "The vendor can never make this press",
    retry: "never",
    advice: "Leave the press out, or choose a provider that can make it. Nothing was submitted or charged.",
  },
  idempotency_mismatch: {
    status: 422,
    title: "This Idempotency-Key was used for a different request",
    retry: "never",
    advice: "Send the same body, or use a new key.",
  },
  rate_limited: {
    status: 429,
    title: "Too many new flows per minute",
    retry: { afterMs: 1_000 },
    advice: "Send the same request again after Retry-After.",
  },
  too_many_presses: {
    status: 429,
    title: "Too many presses of the app are not settled yet",
    retry: { afterMs: 10_000 },
    advice: "Send the same request again after Retry-After. A press is settled when its flow has ended.",
  },
  too_many_flows: {
    status: 429,
    title: "Too many flows are running",
    retry: { afterMs: 10_000 },
    advice: "Wait until a running flow has ended, then send the request again.",
  },
  too_many_uploads: {
    status: 429,
    title: "Too many uploads in this hour",
    retry: { afterMs: 60_000 },
    advice: "Send the same request again after Retry-After. Use an upload that you have sent in several requests.",
  },
  too_many_streams: {
    status: 429,
    title: "Too many event streams and long polls are open",
    retry: { afterMs: 20_000 },
    advice: "Read the flow after `nextInMs` instead, or close another stream.",
  },
  too_many_reads: {
    status: 429,
    title: "The share link is read too often",
    retry: { afterMs: 10_000 },
    advice: "Read it again after Retry-After.",
  },
  banned_prompt: {
    status: 422,
    title: "The prompt contains a banned word",
    retry: "never",
    advice: "Remove the word in `bannedWord`. Nothing was submitted or charged.",
  },
  translation_unavailable: {
    status: 422,
    title: "This deployment cannot translate prompts",
    retry: "never",
    advice: "Send `translate: false` or ask the operator for a translator. Nothing was submitted or charged.",
  },
  translation_failed: {
    status: 503,
    title: "The prompt could not be translated",
    retry: { afterMs: 2_000 },
    advice:
      "Send the same request again after Retry-After, or with `translate: false`. Nothing was stored, submitted or charged.",
  },
  overloaded: {
    status: 503,
    title: "Storage is busy",
    retry: { afterMs: 1_000 },
    advice: "Send the same request again after Retry-After.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    retry: "later",
    advice: "Send the request again. If it fails again, report the request id.",
  },
} as const satisfies Record<string, Kind>;

export type ErrorCode = keyof typeof ERRORS;

/** Path of the pages about errors, one for each code. Every server of the API has them. */
export const ERROR_PAGES = "/docs/errors/";

/** Returns the `type` of a problem: the URL of the page about its code. @param apiUrl base URL of the API */
export function problemType(apiUrl: string, code: ErrorCode): string {
  return `${withoutEndSlashes(apiUrl)}${ERROR_PAGES}${code}`;
}

/** Why `image_rejected`: the member `reason`. Codes are stable. */
export const IMAGE_REASONS = [
  "not_sent",
  "expired",
  "wrong_type",
  "too_large",
  "broken",
  "gone",
  "forbidden",
  "unavailable",
] as const;
export type ImageReason = (typeof IMAGE_REASONS)[number];

export interface ErrorDetail {
  /** One sentence for a person. Must contain no secret and no untrusted URL. Unset: the code's title. */
  detail?: string;
  /** JSON path of the wrong field, for example `then[1].press`. */
  field?: string;
  /** Further members of the problem+json body. */
  extra?: Record<string, unknown>;
  /** Overrides the retry rule of the code. */
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

/**
 * Why a task ended without an image, or was never submitted. Codes are stable. The texts are the default of
 * `Failure.message`, which people read and which may be the vendor's text.
 */
export const FAILURES = {
  vendor_refused: "The vendor rejected the submission.",
  vendor_failed: "The vendor accepted the task but could not finish it.",
  vendor_cancelled: "The task was canceled at the vendor.",
  vendor_unauthorized: "The vendor rejected our API key.",
  vendor_out_of_money: "The vendor account has no credit left.",
  vendor_busy: "The vendor stayed busy until the waiting time was over.",
  vendor_unreachable: "The vendor could not be reached until the waiting time was over.",
  vendor_lost: "The vendor no longer has the task.",
  vendor_stalled:
    "The vendor has shown the task at 100 % for minutes without ending it. `late` has its picture if the vendor showed one.",
  banned_prompt: "The vendor's moderation rejected the prompt.",
  invalid_prompt: "Midjourney does not understand the prompt's parameters.",
  deadline_passed: "The vendor did not finish the task in time.",
  submission_unclear: "The vendor may or may not have accepted the task. It was not submitted again.",
  canceled: "The app canceled its flow.",
  modal_unanswered: "No modal answer was sent in time.",
  press_not_offered: "The parent task has no such button.",
  press_ambiguous: "The press matches more than one button of the parent task.",
  press_doubled: "The plan presses the same button of one task twice.",
  parent_unnamed: "The vendor never reported the parent task's id, so its button cannot be pressed.",
  parent_failed: "The parent task did not succeed.",
  parent_not_ready: "The vendor did not show the parent task as finished in time. Retry the task later.",
  buttons_unknown: "The vendor did not say in time which buttons the parent task has. Retry the task later.",
  input_missing: "An image or mask of this task is no longer stored.",
  provider_missing: "The provider is no longer configured.",
  unsupported: "The vendor does not support this.",
  tile_not_cut: "The tile could not be cut from the parent task's image.",
  dead_letter: "After several attempts mjflow could not process the submission.",
} as const;

export type FailureCode = keyof typeof FAILURES;

const VENDOR_LOSS_CODES: ReadonlySet<string> = new Set<FailureCode>([
  "provider_missing",
  "vendor_unauthorized",
  "vendor_out_of_money",
]);

/** True for a vendor loss: the vendor or the vendor account would reject the next submission, too. */
export function isVendorLoss({ code }: Pick<Failure, "code">): boolean {
  return VENDOR_LOSS_CODES.has(code);
}

/** Why an image could not be copied to our bucket, or a tile could not be cut. Codes are stable. */
export const COPY_FAILURES = {
  gone: "The link has expired, or the image was removed.",
  not_media: "The content is not an image or video of a supported format.",
  incomplete: "The image ends before its end.",
  too_large: "The image is larger than the limit.",
  forbidden: "The address of the link is not allowed.",
  not_a_grid: "The image is not a grid of four.",
  unavailable: "The server of the image failed at every attempt.",
} as const;

export type CopyFailureCode = keyof typeof COPY_FAILURES;

export interface Failure {
  code: FailureCode;
  /** With `tile_not_cut`: why. Unset if it is not known. */
  reason?: CopyFailureCode;
  message: string;
  /** The vendor's own texts, without secrets and callback URLs. */
  vendor?: { code?: string; description?: string; bannedWord?: string };
  /** Labels of the buttons that the parent task has. */
  offered?: string[];
}

export function failure(code: FailureCode, more: Omit<Partial<Failure>, "code"> = {}): Failure {
  return { code, ...more, message: more.message || FAILURES[code] };
}
