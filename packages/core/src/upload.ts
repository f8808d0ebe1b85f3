/**
 * Uploads: images that an app sends to the bucket itself, because they are too large for a request. A request names an upload
 * by its id, wherever it takes an image. No row is stored: the key of the object contains the app, so an upload of another app
 * does not exist.
 */
import { ulidOf } from "./id.ts";

/** Sizes and times of uploads, and of images that mjflow reads itself. */
export const UPLOAD = {
  bytes: 64 * 1024 * 1024,
  /** Time in which the presigned URL accepts the image, s. */
  urlS: 15 * 60,
  /** Time after the upload in which new requests can name it, ms. The bucket keeps it 30 days longer, for their flows. */
  usableMs: 7 * 24 * 3_600_000,
  /**
   * All images of a request that a vendor gets as data URIs. In base64 they are a third larger. A submit worker has memory for one
   * such request (measured: `node test/cost/submit.ts`). Servers of the family attach them to a Discord message, which may have 8 to 10 MB without Nitro.
   */
  dataBytes: 5 * 1024 * 1024,
  /**
   * Limits of the scaled-down copy that a vendor without links gets instead of an upload for which no room is left. Five copies fit into
   * a request, which is the most that a blend takes.
   */
  reducedBytes: 1024 * 1024,
  reducedSidePx: 2_048,
  /** Pixels that an image may have to be scaled down. A camera of 100 megapixels has fewer. */
  pixels: 128_000_000,
  /**
   * What an app may announce in one hour of the clock (UTC). A presigned URL accepts an image without our knowledge, so announced
   * uploads count whether they are sent or not.
   */
  bytesPerHour: 10_000_000_000,
  uploadsPerHour: 1_000,
  hourMs: 3_600_000,
} as const;

const UPLOAD_ID = /^upload_[0-9A-HJKMNP-TV-Z]{26}$/;

/** @param random 10 bytes */
export function uploadIdOf(timeMs: number, random: Uint8Array): string {
  return `upload_${ulidOf(timeMs, random)}`;
}

export function isUploadId(text: string): boolean {
  return UPLOAD_ID.test(text);
}

/** Returns the key of the scaled-down copy. It is deleted with the upload. */
export function reducedKeyOf(key: string): string {
  return `${key}/reduced`;
}

/** Returns the key of the object. An app id contains no "/". */
export function uploadKeyOf(appId: string, id: string): string {
  return `uploads/${appId}/${id}`;
}
