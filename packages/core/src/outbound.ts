/** Outgoing requests to URLs that apps or vendors gave us (D5). One port; its adapter checks each connection when it is made. */

/** Outcome of a POST to a URL of an app. The call never throws. */
export type PostOutcome =
  /** @property retryAfterMs pause from Retry-After (seconds or a date), ms; unset if the header is missing */
  | { kind: "answered"; status: number; retryAfterMs?: number; abort?: boolean; body: string; tookMs: number }
  /** There was no complete response: an error of DNS, connection or TLS, a reset or a timeout. */
  | { kind: "unreachable"; why: string; tookMs: number }
  /** The URL is not allowed: loopback, private or metadata address, unusual port, not https. Nothing was sent. */
  | { kind: "forbidden"; why: string }
  /** No configured vault key can decrypt the signing secret, so nothing was sent. The fault is ours, not the receiver's. */
  | { kind: "unsigned"; why: typeof SECRET_UNREADABLE };

/** Stable reason of delivery attempts whose signing secret cannot be decrypted. */
export const SECRET_UNREADABLE = "secret_unreadable";

export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  /**
   * Bytes of the response body that the caller needs; they may come until the end of `timeoutMs`. Unset: the first 4 KB, for an
   * error message, and only what comes within a second.
   */
  bodyBytes?: number;
}

export interface Fetched {
  status: number;
  /** Content-Type header; unset if it is missing. */
  contentType?: string;
  /** Content-Length header, bytes; unset if it is missing. */
  contentLength?: number;
  body: AsyncIterable<Uint8Array>;
}

/** The only way to send requests to a URL of an app or a vendor. Each connection is checked when it is made. */
export interface Outbound {
  post(post: Post): Promise<PostOutcome>;
  /**
   * Follows at most three redirects and checks each. The caller must read the body to its end or leave the loop.
   * `timeoutMs` covers redirects and body; a body that is late throws while it is read.
   *
   * @throws OutboundError `forbidden` if a URL is not allowed, `unreachable` if there is no complete response
   */
  get(url: string, options: { timeoutMs: number }): Promise<Fetched>;
}

export class OutboundError extends Error {
  override readonly name = "OutboundError";
  readonly kind: "forbidden" | "unreachable";
  constructor(kind: "forbidden" | "unreachable", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
