/** What kept an image from being kept. Whoever catches one reads `code` and `retry`, never the message. */
import type { Retry } from "@mjflow/core/error";

export const MEDIA_ERRORS = {
  /** Its first bytes, or its decoder, say so; whatever the server called it. */
  not_media: { retry: "never", message: "not an image or video" },
  /** More bytes, or more pixels, than are taken. */
  too_large: { retry: "never", message: "larger than is taken" },
  /** The link has expired, or our object is not there. The same link will not work again; a look-up may give a new one. */
  gone: { retry: "never", message: "no longer there" },
  /** The server, the network or the bucket: nothing was kept, and trying again is right. */
  unavailable: { retry: "later", message: "not to be had just now" },
  /** The guard lets nobody fetch from that address. */
  forbidden: { retry: "never", message: "an address that is not fetched from" },
  /** A picture, but none of four in two rows of two. */
  not_a_grid: { retry: "never", message: "not a grid of four" },
} as const satisfies Record<string, { retry: Retry; message: string }>;

export type MediaErrorCode = keyof typeof MEDIA_ERRORS;

export class MediaError extends Error {
  override readonly name = "MediaError";
  readonly code: MediaErrorCode;
  readonly retry: Retry;

  /** @param detail one phrase for a person, with no URL in it: a vendor's links open without a key */
  constructor(code: MediaErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? MEDIA_ERRORS[code].message : `${MEDIA_ERRORS[code].message}: ${detail}`, options);
    this.code = code;
    this.retry = MEDIA_ERRORS[code].retry;
  }
}
