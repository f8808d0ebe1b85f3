/**
 * Signatures by Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
 *
 * | | secret | signature |
 * | --- | --- | --- |
 * | v1 | `whsec_` + base64 of 24 to 64 random bytes | HMAC-SHA256 |
 * | v1a | `whsk_` + base64 of seed and public key (64 bytes; the seed's 32 alone are read too), `whpk_` + base64 of the public key | ed25519 |
 *
 * What is signed is `id.timestamp.body`.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signEd25519,
  timingSafeEqual,
  verify as verifyEd25519,
} from "node:crypto";

export interface SignedContent {
  /** The message's, the same at every try; letters, digits, `_` and `-`. */
  id: string;
  /** When this try was made, seconds since 1970. */
  timestampS: number;
  body: string;
}

export interface KeyPair {
  /** whsk_…; never shown. */
  privateKey: string;
  /** whpk_…; for the receiver. */
  publicKey: string;
}

const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const SEED = 32;
/** How far a receiver's clock may be from ours; what the official libraries use. */
const TOLERANCE_S = 300;
/** The DER that stands before a seed in PKCS #8, and before a public key in SPKI (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

/**
 * @param random 24 to 64 bytes from a cryptographic source
 * @throws RangeError for any other number
 */
export function newSecret(random: Uint8Array): string {
  if (random.length < MIN_SECRET_BYTES || random.length > MAX_SECRET_BYTES) {
    throw new RangeError(
      `A signing secret has ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes, not ${random.length}.`,
    );
  }
  return `whsec_${Buffer.from(random).toString("base64")}`;
}

/**
 * @param random 32 bytes from a cryptographic source
 * @throws RangeError for any other number
 */
export function newKeyPair(random: Uint8Array): KeyPair {
  if (random.length !== SEED) throw new RangeError(`An ed25519 seed has ${SEED} bytes, not ${random.length}.`);
  const raw = rawPublic(privateKeyOf(Buffer.from(random)));
  return {
    privateKey: `whsk_${Buffer.concat([random, raw]).toString("base64")}`,
    publicKey: `whpk_${raw.toString("base64")}`,
  };
}

/** @param privateKey whsk_… @throws TypeError for a malformed key */
export function publicKeyOf(privateKey: string): string {
  return `whpk_${rawPublic(readPrivate(privateKey)).toString("base64")}`;
}

/**
 * @param secrets every one that is live: one `whsec_` or `whsk_`, more while one takes another's place, newest first
 * @returns the header `webhook-signature`
 * @throws TypeError for a malformed secret, id or time, or no secret at all; never holds a secret
 */
export function sign(message: SignedContent, secrets: readonly string[]): string {
  if (secrets.length === 0) throw new TypeError("There is no secret to sign with.");
  const content = contentOf(message);
  return secrets
    .map((secret) =>
      secret.startsWith("whsk_")
        ? `v1a,${signEd25519(null, content, readPrivate(secret)).toString("base64")}`
        : `v1,${hmac(content, secret).toString("base64")}`,
    )
    .join(" ");
}

/**
 * As a receiver would.
 *
 * @param headers names in lower case
 * @param keys `whsec_`, `whpk_` or `whsk_`: it is enough that one of them made one of the signatures
 * @param now ms since 1970
 * @returns false for a wrong or missing header as well, and for a timestamp more than five minutes off
 * @throws TypeError for a malformed key
 */
export function verify(
  { headers, body }: { headers: Readonly<Record<string, string | undefined>>; body: string },
  keys: readonly string[],
  now: number,
): boolean {
  const { "webhook-id": id = "", "webhook-timestamp": time = "", "webhook-signature": given = "" } = headers;
  const timestampS = /^\d{1,12}$/.test(time) ? Number(time) : Number.NaN;
  if (!isId(id) || !(Math.abs(now / 1_000 - timestampS) <= TOLERANCE_S)) return false;
  const content = contentOf({ id, timestampS, body });
  const fits = keys.map((key) => verifier(key, content));
  return given.split(" ").some((signature) => {
    const [, version, text] = /^(v1a?),([A-Za-z0-9+/]+={0,2})$/.exec(signature) ?? [];
    return version !== undefined && fits.some((fit) => fit(version, Buffer.from(text!, "base64")));
  });
}

function verifier(key: string, content: Buffer): (version: string, signature: Buffer) => boolean {
  if (key.startsWith("whsec_")) {
    const expected = hmac(content, key);
    return (version, signature) =>
      version === "v1" && signature.length === expected.length && timingSafeEqual(signature, expected);
  }
  const publicKey = key.startsWith("whsk_") ? createPublicKey(readPrivate(key)) : readPublic(key);
  return (version, signature) => version === "v1a" && verifyEd25519(null, content, publicKey, signature);
}

/** A full stop in an id would let one message's signature stand for another's. */
function isId(id: string): boolean {
  return /^[\w-]{1,255}$/.test(id);
}

function contentOf({ id, timestampS, body }: SignedContent): Buffer {
  if (!isId(id)) throw new TypeError("A webhook's id has letters, digits, _ and - only.");
  if (!Number.isSafeInteger(timestampS) || timestampS < 0) {
    throw new TypeError("A webhook's timestamp is in whole seconds.");
  }
  return Buffer.from(`${id}.${timestampS}.${body}`);
}

function hmac(content: Buffer, secret: string): Buffer {
  const bytes = decode(secret, "whsec_");
  if (bytes.length < MIN_SECRET_BYTES || bytes.length > MAX_SECRET_BYTES) throw malformed("whsec_");
  return createHmac("sha256", bytes).update(content).digest();
}

function readPrivate(text: string): KeyObject {
  const bytes = decode(text, "whsk_");
  if (bytes.length !== SEED && bytes.length !== 2 * SEED) throw malformed("whsk_");
  const key = privateKeyOf(bytes.subarray(0, SEED));
  if (bytes.length > SEED && !rawPublic(key).equals(bytes.subarray(SEED))) throw malformed("whsk_");
  return key;
}

function readPublic(text: string): KeyObject {
  const bytes = decode(text, "whpk_");
  if (bytes.length !== SEED) throw malformed("whpk_");
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: "der", type: "spki" });
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

function rawPublic(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(SPKI.length);
}

/** Buffer reads around what it does not know; a secret that lost a letter on its way must not pass for another. */
function decode(text: string, prefix: string): Buffer {
  const base64 = text.startsWith(prefix) ? text.slice(prefix.length) : "";
  const bytes = Buffer.from(base64, "base64");
  if (base64 === "" || bytes.toString("base64") !== base64) throw malformed(prefix);
  return bytes;
}

function malformed(prefix: string): TypeError {
  return new TypeError(`A ${prefix}… key is malformed.`);
}
