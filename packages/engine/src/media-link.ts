/**
 * Links to our own copies: good for as long as the picture is kept, for anyone who was given one, and for nothing else.
 * They lead to our API, which sends on to a link of the bucket's that lives for minutes; so a link in a database of an
 * app's never dies of a credential's age.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export interface MediaLinks {
  url(key: string): string;
  /** Whether the signature is the key's. */
  isOurs(key: string, signature: string): boolean;
}

/** 132 bits: more than a guess will find. */
const SIGNATURE_LENGTH = 22;

/**
 * @param keys newest first: the first signs, each is believed
 * @param baseUrl where the API is reached
 */
export function createMediaLinks({ keys, baseUrl }: { keys: readonly string[]; baseUrl: string }): MediaLinks {
  const base = baseUrl.replace(/\/+$/, "");
  return {
    url: (key) => `${base}/${key}?s=${signatureOf(key, keys[0]!)}`,
    isOurs(key, signature) {
      const given = Buffer.from(signature);
      return keys.some((secret) => {
        const expected = Buffer.from(signatureOf(key, secret));
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
  };
}

function signatureOf(key: string, secret: string): string {
  return createHmac("sha256", secret).update(`mjflow media:${key}`).digest("base64url").slice(0, SIGNATURE_LENGTH);
}
