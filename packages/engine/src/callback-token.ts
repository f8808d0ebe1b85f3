/**
 * Hook tokens: made for each attempt, checked at the callback's door (D1). The format is core's (`token.ts`); here are
 * the key and the HMAC. Two keys may live during a rotation: the first mints, each one is believed.
 */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { type CallbackClaims, encodeClaims, parseToken } from "@mjflow/core/callback-token";

export type TokenCheck =
  | { ok: true; claims: CallbackClaims }
  | { ok: false; why: "malformed" | "unknown-key" | "forged" | "expired" };

export interface CallbackTokens {
  /** The callback address of one attempt. A secret as a whole: never log, store or show it. */
  url(claims: Omit<CallbackClaims, "keyId">): string;
  read(token: string, now: number): TokenCheck;
}

/**
 * A task's ten callbacks bear one token, and to check it is most of what dropping progress takes. Those that proved true are
 * known again by their whole text, in a megabyte at most; nobody can fill it with others.
 */
const MAX_CACHED_TOKENS = 2_000;

/**
 * @param keys newest first; each at least 32 characters of randomness
 * @param callbackUrl where the receiver is reached, without `/callbacks`
 * @throws Error for a missing or short key: a guessable key would let anyone finish any task
 */
export function createCallbackTokens({
  keys,
  callbackUrl,
}: {
  keys: readonly string[];
  callbackUrl: string;
}): CallbackTokens {
  if (keys.length === 0 || keys.some((key) => key.length < 32)) {
    throw new Error("A hook key must have at least 32 characters; set one with `sst secret set HookKey`");
  }
  const base = callbackUrl.replace(/\/+$/, "");
  // Made into keys once: HMAC with a text makes one each time.
  const byId = new Map(keys.map((key) => [keyIdOf(key), createSecretKey(key, "utf8")]));
  const [mintId, mintKey] = byId.entries().next().value!;
  const known = new Map<string, CallbackClaims>();
  function remember(token: string, claims: CallbackClaims): void {
    // The oldest goes: a map keeps the order in which it was filled.
    if (known.size >= MAX_CACHED_TOKENS) known.delete(known.keys().next().value!);
    known.set(token, Object.freeze(claims));
  }
  return {
    url(claims) {
      const text = encodeClaims({ ...claims, keyId: mintId });
      return `${base}/callbacks/${text}.${macOf(text, mintKey)}`;
    },
    read(token, now) {
      const believed = known.get(token);
      if (believed) return believed.expiresAt > now ? { ok: true, claims: believed } : { ok: false, why: "expired" };
      const parsed = parseToken(token);
      if (!parsed) return { ok: false, why: "malformed" };
      const key = byId.get(parsed.claims.keyId);
      if (!key) return { ok: false, why: "unknown-key" };
      // Both are 43 characters (parseToken saw to it), so the comparison takes the same time wherever they differ.
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

/** Tells keys apart without telling them: tokens minted before a rotation find the key they were minted with. */
function keyIdOf(key: string): string {
  return createHash("sha256").update(`mjflow hook key id:${key}`).digest("hex").slice(0, 6);
}
