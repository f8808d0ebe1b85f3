/** Errors of storing an image. Code that catches a MediaError uses `code` and `retry`, never the message. */
import type { CopyFailureCode, Retry } from "@mjflow/core/error";

export const MEDIA_ERRORS = {
  /** The first bytes or the decoder show that it is no supported format. The server's content type is ignored. */
  not_media: { retry: "never", message: "the content is not an image or video" },
  /** A PNG or JPEG without its end. The vendor may still be storing it, or its upload broke. */
  incomplete: { retry: "never", message: "the image ends before its end" },
  /** More bytes or pixels than the limits, or decoding took too long. */
  too_large: { retry: "never", message: "the image is larger than allowed" },
  /** The link has expired, or our object does not exist. A retry of the same link fails; a look-up may give a new link. */
  gone: { retry: "never", message: "the image no longer exists" },
  /** The server, the network or the bucket failed. Nothing was stored, and a retry may succeed. */
  unavailable: { retry: "later", message: "the image is temporarily not available" },
  /** The URL guard rejects the address. */
  forbidden: { retry: "never", message: "the address is not allowed" },
  /** An image or video that is not a 2×2 grid. */
  not_a_grid: { retry: "never", message: "the image is not a grid of four" },
} as const satisfies Record<CopyFailureCode, { retry: Retry; message: string }>;

export type MediaErrorCode = keyof typeof MEDIA_ERRORS;

export class MediaError extends Error {
  override readonly name = "MediaError";
  readonly code: MediaErrorCode;
  readonly retry: Retry;

  /** @param detail a short phrase without the URL, because a vendor's links work without a key */
  constructor(code: MediaErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? MEDIA_ERRORS[code].message : `${MEDIA_ERRORS[code].message}: ${detail}`, options);
    this.code = code;
    this.retry = MEDIA_ERRORS[code].retry;
  }
}
