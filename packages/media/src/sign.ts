/** Links to stored images for clients without access to the bucket. */
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import type { Bucket } from "./bucket.ts";

/** Limit of S3: one week. */
const MAX_EXPIRES_S = 7 * 24 * 3_600;

/**
 * Returns a link to a stored image.
 *
 * - With a CDN, the link is the CDN's address and the key. It never expires.
 * - Without a CDN, the link is signed and valid for at least half of `expiresS`, at most for all of it. Within each half
 *   the same link is returned, so that browser caches and our ETags stay valid.
 *
 * A signed link also expires with the credentials that signed it; the credentials of a Lambda function last for hours.
 * Therefore sign when a link is read, not when the image is stored. Signing sends no request to S3, so a link to a
 * missing object can be signed.
 *
 * @param now returns the current time, epoch ms
 * @throws RangeError if `expiresS` is not an integer from 2 to one week
 */
export async function signedUrl(
  { bucket, cdnBaseUrl, now = Date.now }: { bucket: Bucket; cdnBaseUrl?: string | undefined; now?: () => number },
  { key, expiresS }: { key: string; expiresS: number },
): Promise<string> {
  if (!Number.isInteger(expiresS) || expiresS < 2 || expiresS > MAX_EXPIRES_S) throw new RangeError("expiresS");
  if (cdnBaseUrl) return `${withoutEndSlashes(cdnBaseUrl)}/${key.split("/").map(encodeURIComponent).join("/")}`;
  const [client, { GetObjectCommand }, { getSignedUrl }] = await Promise.all([
    bucket.client(),
    import("@aws-sdk/client-s3"),
    import("@aws-sdk/s3-request-presigner"),
  ]);
  const stepMs = Math.floor(expiresS / 2) * 1_000;
  return getSignedUrl(client, new GetObjectCommand({ Bucket: bucket.name, Key: key }), {
    expiresIn: expiresS,
    signingDate: new Date(Math.floor(now() / stepMs) * stepMs),
  });
}

/**
 * Returns a URL that accepts one PUT of an object with exactly this type and size. Both headers are part of the signature, so S3
 * rejects any other body. Signing sends no request to S3.
 *
 * @param bucket its client needs `requestChecksumCalculation: "WHEN_REQUIRED"`. Otherwise the URL has the checksum of an empty body
 */
export async function presignedPut(
  { bucket }: { bucket: Bucket },
  { key, contentType, bytes, expiresS }: { key: string; contentType: string; bytes: number; expiresS: number },
): Promise<string> {
  const [client, { PutObjectCommand }, { getSignedUrl }] = await Promise.all([
    bucket.client(),
    import("@aws-sdk/client-s3"),
    import("@aws-sdk/s3-request-presigner"),
  ]);
  const object = { Bucket: bucket.name, Key: key, ContentType: contentType, ContentLength: bytes };
  return getSignedUrl(client, new PutObjectCommand(object), {
    expiresIn: expiresS,
    // Without this list the SDK leaves out the type, and S3 would accept any.
    signableHeaders: new Set(["host", "content-type", "content-length"]),
  });
}
