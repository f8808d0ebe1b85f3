/** Links to what is stored, for whoever has no key to the bucket. */
import type { Bucket } from "./bucket.ts";

/** S3's own limit, a week. */
const MAX_EXPIRES_S = 7 * 24 * 3_600;

/**
 * With a CDN's address, that and the key: it never expires. Else a signed link, good for at least half of `expiresS` and
 * at most all of it: within each half the same link is answered, so that browsers' caches and our ETags hold.
 *
 * A signed link also dies with the credentials that signed it; a Lambda's live for some hours. Sign when a link is read,
 * not when the image is stored. Nothing is asked of S3: a link to what is absent can be signed.
 *
 * @param now epoch ms
 * @throws RangeError expiresS that is no whole number from 2 to a week
 */
export async function signedUrl(
  { bucket, cdnBaseUrl, now = Date.now }: { bucket: Bucket; cdnBaseUrl?: string | undefined; now?: () => number },
  { key, expiresS }: { key: string; expiresS: number },
): Promise<string> {
  if (!Number.isInteger(expiresS) || expiresS < 2 || expiresS > MAX_EXPIRES_S) throw new RangeError("expiresS");
  if (cdnBaseUrl) return `${cdnBaseUrl.replace(/\/+$/, "")}/${key.split("/").map(encodeURIComponent).join("/")}`;
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
