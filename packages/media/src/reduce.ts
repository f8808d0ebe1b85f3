/**
 * Scales an upload down for vendors that take no links. The copy is stored beside the upload, so an upload is decoded once. A result
 * that no repetition can change is stored too: an image that cannot be decoded costs a decoder only once.
 *
 * sharp is 20 MB of native code. Only the functions that have it installed import this file.
 */
import { INPUT_HEAD_BYTES, type InputType, inputTypeOf } from "@mjflow/core/image-type";
import type { ReducedImage, UploadVersion } from "@mjflow/core/port";
import { UPLOAD } from "@mjflow/core/upload";
import type { Metadata } from "sharp";
import { type Bucket, readVersion } from "./bucket.ts";
import { MediaError } from "./error.ts";
import { findReduced, putReduced, putRefusal } from "./reduced.ts";

export interface Reduced extends Omit<ReducedImage, "key" | "bytes"> {
  bytes: Uint8Array;
}

/** Limit of the pixels of an image in memory. A format that is not read line by line is decoded as a whole. */
const MAX_DECODED_BYTES = 512 * 1024 * 1024;
const DECODE_TIMEOUT_S = 15;

/** Largest side and quality of each attempt. The first copy that is small enough is used. */
const ATTEMPTS: readonly (readonly [sidePx: number, quality: number])[] = [
  [UPLOAD.reducedSidePx, 90],
  [UPLOAD.reducedSidePx, 80],
  [1_536, 80],
  [1_024, 75],
  [512, 70],
];

/**
 * Returns the scaled-down copy of an upload, and makes it at the first call with this `etag`. It is always the copy of the bytes that
 * were read last, also if the upload was sent again meanwhile.
 *
 * @throws MediaError `not_media` if the image cannot be decoded; `too_large` if it has too many pixels or bytes; `gone` if it is not in
 *   the bucket; `unavailable`
 */
export async function reduceToBucket({ bucket }: { bucket: Bucket }, upload: UploadVersion): Promise<ReducedImage> {
  const existing = await findReduced(bucket, upload);
  if (existing) return existing;
  const { key } = upload;
  const { bytes, etag } = await readVersion(bucket, key, UPLOAD.bytes);
  try {
    return await putReduced(bucket, { key, etag }, await reduceImage(bytes));
  } catch (error) {
    if (isFinal(error)) await putRefusal(bucket, { key, etag }, error);
    throw error;
  }
}

/**
 * Scales an image down to at most `UPLOAD.reducedBytes` and `UPLOAD.reducedSidePx`. It becomes a JPEG, or a WebP if parts of it are
 * transparent. It has the orientation that a viewer shows, sRGB colors and no metadata. Of an animation it is the first frame.
 *
 * @throws MediaError `not_media`; `too_large` if it has more than `UPLOAD.pixels`, or decoding takes too much memory or time
 */
export async function reduceImage(bytes: Uint8Array): Promise<Reduced> {
  // The check comes before the decoder, because the decoder supports more formats than we want to accept.
  if (inputTypeOf(bytes.subarray(0, INPUT_HEAD_BYTES)) === undefined) throw new MediaError("not_media");
  const { default: sharp } = await import("sharp");
  // The cache is off, because an image is decoded only once.
  sharp.cache(false);
  const image = sharp(bytes, { limitInputPixels: UPLOAD.pixels, failOn: "error", sequentialRead: true }).timeout({
    seconds: DECODE_TIMEOUT_S,
  });
  const metadata = await image.metadata().catch(throwMediaError);
  assertDecodable(metadata);
  const { width: originalWidth, height: originalHeight } = metadata.autoOrient;
  // The image is decoded once. Each attempt begins with these pixels, at most 17 MB.
  const side = { width: UPLOAD.reducedSidePx, height: UPLOAD.reducedSidePx };
  const { data, info } = await image
    .autoOrient()
    .resize({ ...side, fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(throwMediaError);
  const raw = () => sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const isOpaque = info.channels < 4 || (await raw().stats()).isOpaque;
  for (const [sidePx, quality] of ATTEMPTS) {
    const scaled = raw().resize({ width: sidePx, height: sidePx, fit: "inside", withoutEnlargement: true });
    const encoded = isOpaque ? scaled.removeAlpha().jpeg({ quality, mozjpeg: false }) : scaled.webp({ quality });
    const copy = await encoded.toBuffer({ resolveWithObject: true });
    const { width, height } = copy.info;
    const contentType: InputType = isOpaque ? "image/jpeg" : "image/webp";
    if (copy.data.length <= UPLOAD.reducedBytes) {
      return { bytes: copy.data, contentType, width, height, originalWidth, originalHeight };
    }
  }
  throw new MediaError("too_large", "no copy is small enough");
}

/** @throws MediaError `too_large`. A few bytes can stand for billions of pixels, so the header is checked before the decoder starts. */
function assertDecodable({ width, height, format, channels, depth, isProgressive }: Metadata): void {
  if (width * height > UPLOAD.pixels) throw new MediaError("too_large", `${width} by ${height} pixels`);
  // A JPEG is scaled while it is read, and lines of a PNG are read one after another, if they are in order.
  if (format === "jpeg" ? !isProgressive : format === "png" && !isProgressive) return;
  const sample = depth === "ushort" ? 2 : 1;
  const decoded = width * height * channels * sample;
  if (decoded > MAX_DECODED_BYTES) throw new MediaError("too_large", `${decoded} bytes if it is decoded`);
}

/** True if each further attempt would have the same result. */
function isFinal(error: unknown): error is MediaError {
  return error instanceof MediaError && (error.code === "not_media" || error.code === "too_large");
}

function throwMediaError(error: Error): never {
  if (/^timeout/i.test(error.message)) throw new MediaError("unavailable", "decoding took too long", { cause: error });
  const isTooLarge = /pixel limit/i.test(error.message);
  throw new MediaError(isTooLarge ? "too_large" : "not_media", isTooLarge ? "too many pixels" : "broken", {
    cause: error,
  });
}
