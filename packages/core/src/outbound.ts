/** What we fetch and post to on someone's word (D5): one port, whose adapter checks each connection when it is made. */

/** What became of a post to an app's address. Never throws: every outcome is an answer. */
export type PostOutcome =
  /** @property retryAfterMs from Retry-After, seconds or a date; undefined where there is none */
  | { kind: "answered"; status: number; retryAfterMs?: number; abort?: boolean; body: string; tookMs: number }
  /** No whole answer: DNS, connection, TLS, reset, or out of time. */
  | { kind: "unreachable"; why: string; tookMs: number }
  /** The address is none we post to: loopback, private, metadata, odd port, not https … Nothing was sent. */
  | { kind: "forbidden"; why: string };

export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
}

export interface Fetched {
  status: number;
  contentType?: string;
  /** Bytes, where the server says. */
  contentLength?: number;
  body: AsyncIterable<Uint8Array>;
}

/** The only way to an address that an app or a vendor named; each connection is checked when it is made. */
export interface Outbound {
  post(post: Post): Promise<PostOutcome>;
  /**
   * Follows at most three redirects, each checked anew. The caller must read the body to its end or leave the loop.
   * `timeoutMs` is for all of it, redirects and body included: a body that is late throws as it is read.
   * @throws OutboundError forbidden, unreachable
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
