/** Where scaled-down copies of uploads are stored. Finding one needs no image library. */
import { createHash } from "node:crypto";
import { INPUT_TYPES } from "@mjflow/core/image-type";
import type { ReducedImage, UploadVersion } from "@mjflow/core/port";
import { reducedKeyOf } from "@mjflow/core/upload";
import { type Bucket, readObjectHead, storeObject } from "./bucket.ts";
import { MediaError } from "./error.ts";
import type { Reduced } from "./reduce.ts";

/** The only two results that are stored instead of a copy. */
const REFUSALS = ["not_media", "too_large"] as const;

/**
 * Returns the stored copy; undefined if there is none, or if the upload was sent again since it was made.
 * @throws MediaError the stored reason why there is no copy; `unavailable` if S3 fails
 */
export async function findReduced(bucket: Bucket, upload: UploadVersion): Promise<ReducedImage | undefined> {
  const key = reducedKeyOf(upload.key);
  const head = await readObjectHead(bucket, key);
  // A copy of other bytes would be another image, which the app would pay for.
  if (!head || head.metadata["source"] !== upload.etag) return undefined;
  const { refused, detail, width, height, originalwidth, originalheight } = head.metadata;
  const reason = REFUSALS.find((code) => code === refused);
  if (reason !== undefined) throw new MediaError(reason, detail);
  const contentType = INPUT_TYPES.find((type) => type === head.contentType);
  const sizes = [width, height, originalwidth, originalheight].map(Number);
  if (contentType === undefined || !sizes.every((size) => size > 0)) return undefined;
  const [w = 0, h = 0, originalWidth = 0, originalHeight = 0] = sizes;
  return { key, bytes: head.bytes, contentType, width: w, height: h, originalWidth, originalHeight };
}

/** @throws MediaError `unavailable` if S3 fails */
export async function putReduced(
  bucket: Bucket,
  { key: from, etag }: UploadVersion,
  reduced: Reduced,
): Promise<ReducedImage> {
  const key = reducedKeyOf(from);
  const { bytes, ...sizes } = reduced;
  const { contentType, width, height, originalWidth, originalHeight } = sizes;
  const metadata = { width, height, originalwidth: originalWidth, originalheight: originalHeight };
  await storeObject(bucket, {
    key,
    contentType,
    bytes,
    sha256: digestOf(bytes),
    metadata: { ...texts(metadata), source: etag },
  });
  return { key, bytes: bytes.length, ...sizes };
}

/** Stores why there is no copy, so that the next request does not decode the upload again. */
export async function putRefusal(
  bucket: Bucket,
  { key: from, etag }: UploadVersion,
  { code, message }: MediaError,
): Promise<void> {
  const key = reducedKeyOf(from);
  const bytes = new Uint8Array();
  // Metadata of S3 are ASCII.
  const metadata = { refused: code, detail: message.replace(/[^ -~]/g, "?").slice(0, 200), source: etag };
  await storeObject(bucket, { key, contentType: "text/plain", bytes, sha256: digestOf(bytes), metadata });
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

function texts(values: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
