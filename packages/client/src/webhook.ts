/** A webhook that arrived: believed only when it was signed, and lately. */
import { invalidArgument, MjflowError } from "./error.ts";
import { parseEvent } from "./event.ts";
import { isSigned } from "./signature.ts";
import type { EventBody } from "./types.ts";

/** `id` is the same at every try: remember it, and an event that comes twice is one. */
export type WebhookEvent = EventBody & { id: string };

export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** How far its time may be from ours, either way. Default 300. */
  toleranceS?: number;
  /** Milliseconds since 1970. Default: the clock. */
  now?: number;
}

/** Why it is not believed. */
export type WebhookFault = "headers_missing" | "timestamp_off" | "signature_wrong" | "body_unknown";

/** `code` is "webhook_rejected". Answer 400 or 401: a body that was not signed is nobody's. */
export class WebhookError extends MjflowError {
  override readonly name = "WebhookError";
  readonly fault: WebhookFault;

  constructor(fault: WebhookFault, detail: string) {
    super({ code: "webhook_rejected", detail });
    this.fault = fault;
  }
}

/**
 * The event, if one of the keys signed it. Narrow it by `type`; types that are not known to you yet deserve a 2xx too.
 *
 * @param body the bytes or the text exactly as they came: parsed and written again they are another body
 * @param headers as they came, in any spelling
 * @param key `whsec_…` (v1) or `whpk_…` (v1a), or several of them while one takes the other's place
 * @throws WebhookError; MjflowError invalid_argument for a malformed key or a parsed body
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
  // A full stop in the id would let one message's signature stand for another's.
  const isFormed = /^[\w-]{1,255}$/.test(id) && /^\d{1,12}$/.test(timestamp);
  const signed = { id, timestamp, body: bytes, signatures };
  if (!(await isSigned(signed, typeof key === "string" ? [key] : key)) || !isFormed) {
    throw new WebhookError("signature_wrong", "None of the keys made one of the signatures.");
  }
  if (!(Math.abs(now / 1_000 - Number(timestamp)) <= toleranceS)) {
    throw new WebhookError("timestamp_off", `Its time is more than ${toleranceS} s off: too old, or a clock is wrong.`);
  }
  const event = parseEvent(textOf(bytes));
  if (!event) throw new WebhookError("body_unknown", "It was signed, but its body is no event.");
  return { ...event, id };
}

function bytesOf(body: unknown): Uint8Array {
  if (typeof body === "string") return new TextEncoder().encode(body);
  // Not by constructor: test runners and frames have arrays of another realm.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body as ArrayBuffer);
  throw invalidArgument("It must be the raw body, text or bytes; a parsed one cannot be verified.", "body");
}

/** The last bytes of a text cut in two are an error, not a question mark. */
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
