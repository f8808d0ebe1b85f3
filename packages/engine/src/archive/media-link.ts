/**
 * Links to archived images. A link is valid for its image only, for everyone who has it, as long as the image is
 * stored. The link leads to our API, which redirects to a bucket link that expires after minutes. Therefore a link in
 * an app's database does not expire with a credential.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { withoutEndSlashes } from "@mjflow/core/end-slash";

export interface MediaLinks {
  url(key: string): string;
  /**
   * Link that ends by itself: its end is part of the signed text. Within half of `lifeMs` the link is the same, so that the caches
   * of browsers and our ETags stay valid.
   *
   * @param now epoch ms
   * @param lifeMs longest life; the link is valid for at least half of it
   */
  endingUrl(key: string, now: number, lifeMs: number): string;
  /** Returns true if the signature belongs to the key and this end. @param endsAt epoch s, as in the link */
  isOursUntil(key: string, endsAt: string, signature: string): boolean;
  /** Returns true if the signature belongs to the key. */
  isOurs(key: string, signature: string): boolean;
  /** Link to an upload for vendors. It has no query, and ends like the name of an image: some vendors refuse other links. */
  uploadUrl(key: string, extension: string): string;
  isOurUpload(key: string, signature: string): boolean;
  /** Signature of the base URL, with which another function accepts it as the base of its links. */
  baseSignature: string;
  isOurBase(signature: string): boolean;
}

/** 132 bits, too many to guess. */
const SIGNATURE_LENGTH = 22;

/**
 * @param keys newest first: the first signs, and signatures of each are accepted
 * @param baseUrl base URL of the API
 */
export function createMediaLinks({ keys, baseUrl }: { keys: readonly string[]; baseUrl: string }): MediaLinks {
  const base = withoutEndSlashes(baseUrl);
  const isSigned = (text: string, signature: string) => {
    const given = Buffer.from(signature);
    return keys.some((secret) => {
      const expected = Buffer.from(signatureOf(text, secret));
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  };
  return {
    url: (key) => `${base}/${key}?s=${signatureOf(mediaText(key), keys[0]!)}`,
    endingUrl(key, now, lifeMs) {
      const step = lifeMs / 2;
      const endsAt = String(Math.floor(((Math.floor(now / step) + 2) * step) / 1_000));
      return `${base}/${key}?e=${endsAt}&s=${signatureOf(endingText(key, endsAt), keys[0]!)}`;
    },
    isOursUntil: (key, endsAt, signature) => isSigned(endingText(key, endsAt), signature),
    isOurs: (key, signature) => isSigned(mediaText(key), signature),
    uploadUrl: (key, extension) => `${base}/${key}/${signatureOf(uploadText(key), keys[0]!)}.${extension}`,
    isOurUpload: (key, signature) => isSigned(uploadText(key), signature),
    get baseSignature() {
      return signatureOf(baseText(base), keys[0]!);
    },
    isOurBase: (signature) => isSigned(baseText(base), signature),
  };
}

// Each kind of text has its own beginning, so a signature of one kind is none of the other.
const mediaText = (key: string) => `mjflow media:${key}`;
const endingText = (key: string, endsAt: string) => `mjflow media until:${endsAt}:${key}`;
const uploadText = (key: string) => `mjflow upload:${key}`;
const baseText = (base: string) => `mjflow base:${base}`;

function signatureOf(text: string, secret: string): string {
  return createHmac("sha256", secret).update(text).digest("base64url").slice(0, SIGNATURE_LENGTH);
}
