/** Where scaled-down copies of uploads are stored. Finding one needs no image library. */
import { createHash } from "node:crypto";
import { INPUT_TYPES } from "@mjflow/core/image-type";
import type { ReducedImage } from "@mjflow/core/port";
import { type Bucket, readObjectHead, storeObject } from "./bucket.ts";
import { MediaError } from "./error.ts";
import type { Reduced } from "./reduce.ts";

/** The only two results that are stored instead of a copy. */
const REFUSALS = ["not_media", "too_large"] as const;

/**
 * Returns the stored copy; undefined if there is none.
 * @throws MediaError the stored reason why there is no copy; `unavailable` if S3 fails
 */
export async function findReduced(bucket: Bucket, key: string): Promise<ReducedImage | undefined> {
  const head = await readObjectHead(bucket, key);
  if (!head) return undefined;
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
export async function putReduced(bucket: Bucket, key: string, reduced: Reduced): Promise<ReducedImage> {
  const { bytes, ...sizes } = reduced;
  const { contentType, width, height, originalWidth, originalHeight } = sizes;
  const metadata = { width, height, originalwidth: originalWidth, originalheight: originalHeight };
  await storeObject(bucket, { key, contentType, bytes, sha256: digestOf(bytes), metadata: texts(metadata) });
  return { key, bytes: bytes.length, ...sizes };
}

/** Stores why there is no copy, so that the next request does not decode the upload again. */
export async function putRefusal(bucket: Bucket, key: string, { code, message }: MediaError): Promise<void> {
  const bytes = new Uint8Array();
  // Metadata of S3 are ASCII.
  const metadata = { refused: code, detail: message.replace(/[^ -~]/g, "?").slice(0, 200) };
  await storeObject(bucket, { key, contentType: "text/plain", bytes, sha256: digestOf(bytes), metadata });
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

function texts(values: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
