/**
 * Callback tokens: created for each attempt and checked for each callback (D1). The format is defined in
 * core/callback-token.ts; this file holds the key and the HMAC. During a rotation two keys can exist: the first signs
 * new tokens, and tokens of both are accepted.
 */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { type CallbackClaims, encodeClaims, parseToken } from "@mjflow/core/callback-token";
import { withoutEndSlashes } from "@mjflow/core/end-slash";

export type TokenCheck =
  | { ok: true; claims: CallbackClaims }
  | { ok: false; why: "malformed" | "unknown-key" | "forged" | "expired" };

export interface CallbackTokens {
  /** Returns the callback URL of one attempt. The whole URL is secret: never log, store or show it. */
  url(claims: Omit<CallbackClaims, "keyId">): string;
  read(token: string, now: number): TokenCheck;
}

/**
 * Maximum number of cached tokens. All callbacks of one attempt have the same token, about ten, and the check is most
 * of the cost of a dropped progress callback. Valid tokens are cached by their full text, about 1 MB in total. Invalid
 * tokens are not cached, so an attacker cannot fill the cache.
 */
const MAX_CACHED_TOKENS = 2_000;

/**
 * @param keys newest first; each at least 32 random characters
 * @param callbackUrl base URL of the callback handler, without `/callbacks`
 * @throws Error if a key is missing or short: whoever guesses a key can finish any task
 */
export function createCallbackTokens({
  keys,
  callbackUrl,
  shared,
}: {
  keys: readonly string[];
  callbackUrl: string;
  /**
   * Cache of a process that creates tokens and also gets their callbacks: a token of its own needs no check. Unset: tokens are
   * cached when they were checked.
   */
  shared?: Map<string, CallbackClaims> | undefined;
}): CallbackTokens {
  if (keys.length === 0 || keys.some((key) => key.length < 32)) {
    throw new Error("A callback token key must have at least 32 characters. Set one with `sst secret set HookKey`.");
  }
  const base = withoutEndSlashes(callbackUrl);
  // Key objects are created once, because each HMAC call with a text key would create one.
  const byId = new Map(keys.map((key) => [keyIdOf(key), createSecretKey(key, "utf8")]));
  const [signingKeyId, signingKey] = byId.entries().next().value!;
  const cache = shared ?? new Map<string, CallbackClaims>();
  function remember(token: string, claims: CallbackClaims): void {
    // Removes the oldest entry: a Map keeps the insertion order.
    if (cache.size >= MAX_CACHED_TOKENS) cache.delete(cache.keys().next().value!);
    cache.set(token, Object.freeze(claims));
  }
  return {
    url(claims) {
      const text = encodeClaims({ ...claims, keyId: signingKeyId });
      const token = `${text}.${macOf(text, signingKey)}`;
      const own = shared && parseToken(token);
      if (own) remember(token, own.claims);
      return `${base}/callbacks/${token}`;
    },
    read(token, now) {
      const cached = cache.get(token);
      if (cached) return cached.expiresAt > now ? { ok: true, claims: cached } : { ok: false, why: "expired" };
      const parsed = parseToken(token);
      if (!parsed) return { ok: false, why: "malformed" };
      const key = byId.get(parsed.claims.keyId);
      if (!key) return { ok: false, why: "unknown-key" };
      // `parseToken` guarantees 43 characters, and the comparison takes the same time wherever the texts differ.
      const given = Buffer.from(parsed.mac);
      if (!timingSafeEqual(given, Buffer.from(macOf(parsed.text, key)))) return { ok: false, why: "forged" };
      if (parsed.claims.expiresAt <= now) return { ok: false, why: "expired" };
      remember(token, parsed.claims);
      return { ok: true, claims: parsed.claims };
    },
  };
}

function macOf(text: string, key: KeyObject): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

/**
 * Returns an id of the key that does not reveal the key. The id in a token names the key that signed the token, also
 * after a rotation.
 */
function keyIdOf(key: string): string {
  return createHash("sha256").update(`mjflow hook key id:${key}`).digest("hex").slice(0, 6);
}
