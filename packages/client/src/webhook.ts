/** Verifies a received webhook: its signature and its time. */
import { invalidArgument, MjflowError } from "./error.ts";
import { parseEvent } from "./event.ts";
import { isSigned } from "./signature.ts";
import type { EventBody } from "./types.ts";

/** A verified event. `id` is the same in every delivery attempt; store it to ignore repeated deliveries. */
export type WebhookEvent = EventBody & { id: string };

export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** Allowed difference between the webhook's time and `now` in both directions, seconds. Default 300. */
  toleranceS?: number | undefined;
  /** Current time, epoch ms. Default: the clock. */
  now?: number | undefined;
}

/** Reason of the rejection. */
export type WebhookFault = "headers_missing" | "timestamp_off" | "signature_wrong" | "body_unknown";

/**
 * The webhook could not be verified; `code` is "webhook_rejected". Respond with 400 or 401, because an unsigned body
 * may come from anyone.
 */
export class WebhookError extends MjflowError {
  override readonly name = "WebhookError";
  readonly fault: WebhookFault;

  constructor(fault: WebhookFault, detail: string) {
    super({ code: "webhook_rejected", detail });
    this.fault = fault;
  }
}

/**
 * Returns the event if one of the keys signed it. Narrow it by `type`; respond with 2xx also to types that you do not
 * know.
 *
 * @param body the exact bytes or text as received; a parsed and re-serialized body does not match the signature
 * @param headers the received headers; names in any case
 * @param key `whsec_…` (v1) or `whpk_…` (v1a), or several of them during a rotation
 * @throws WebhookError if the webhook is rejected; MjflowError `invalid_argument` for a malformed key or a parsed body
 */
export async function verifyWebhook(
  body: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  key: string | readonly string[],
  { toleranceS = 300, now = Date.now() }: VerifyOptions = {},
): Promise<WebhookEvent> {
  if (!(toleranceS >= 0)) throw invalidArgument("It must be a number, 0 or more.", "toleranceS");
  const bytes = bytesOf(body);
  const id = headerOf(headers, "webhook-id");
  const timestamp = headerOf(headers, "webhook-timestamp");
  const signatures = headerOf(headers, "webhook-signature");
  if (!id || !timestamp || !signatures) throw new WebhookError("headers_missing", "A webhook- header is missing.");
  // A full stop in the id would make the signature of one message valid for another.
  const isFormed = /^[\w-]{1,255}$/.test(id) && /^\d{1,12}$/.test(timestamp);
  const signed = { id, timestamp, body: bytes, signatures };
  if (!(await isSigned(signed, typeof key === "string" ? [key] : key)) || !isFormed) {
    throw new WebhookError("signature_wrong", "No signature matches any key.");
  }
  if (!(Math.abs(now / 1_000 - Number(timestamp)) <= toleranceS)) {
    throw new WebhookError(
      "timestamp_off",
      `The time of the webhook differs by more than ${toleranceS} s. It is too old, or a clock is wrong.`,
    );
  }
  const event = parseEvent(textOf(bytes));
  if (!event) throw new WebhookError("body_unknown", "The signature is valid, but the body is not an event.");
  return { ...event, id };
}

/**
 * `webhooks.verify(request, secret)` or `webhooks.verify(body, headers, secret)`: see `verifyWebhook`. The body of a request is
 * read, so it must not have been read before.
 */
export const webhooks: { verify: Verify } = {
  async verify(first: Request | string | Uint8Array | ArrayBuffer, ...rest: unknown[]): Promise<WebhookEvent> {
    if (!isRequest(first)) {
      const [headers, key, options] = rest as [WebhookHeaders, string | readonly string[], VerifyOptions?];
      return verifyWebhook(first, headers, key, options);
    }
    const [key, options] = rest as [string | readonly string[], VerifyOptions?];
    if (first.bodyUsed)
      throw invalidArgument("Its body was read before. Give the raw body and the headers.", "request");
    return verifyWebhook(await first.arrayBuffer(), first.headers, key, options);
  },
};

export interface Verify {
  (request: Request, key: string | readonly string[], options?: VerifyOptions): Promise<WebhookEvent>;
  (
    body: string | Uint8Array | ArrayBuffer,
    headers: WebhookHeaders,
    key: string | readonly string[],
    options?: VerifyOptions,
  ): Promise<WebhookEvent>;
}

/** No `instanceof`: a framework may have a class of its own. */
function isRequest(value: unknown): value is Request {
  return typeof (value as Partial<Request> | undefined)?.arrayBuffer === "function" && "headers" in (value as object);
}

function bytesOf(body: unknown): Uint8Array {
  if (typeof body === "string") return new TextEncoder().encode(body);
  // No `instanceof`, because test runners and frames have arrays of another realm.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body as ArrayBuffer);
  throw invalidArgument("It must be the raw body as text or bytes. A parsed body cannot be verified.", "body");
}

/** Decodes UTF-8. Invalid bytes give an empty text, which is not an event, instead of replacement characters. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}

function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof (headers as Headers).get === "function") return (headers as Headers).get(name) ?? undefined;
  const found = Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  return typeof found === "object" ? found.join(" ") : (found ?? undefined);
}
