/**
 * Signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
 *
 * - `v1` is HMAC-SHA256. Its secret is `whsec_` + base64 of 24 to 64 random bytes.
 * - `v1a` is ed25519. Its private key is `whsk_` + base64 of seed and public key (64 bytes).
 *   The 32 bytes of the seed alone are also accepted. Its public key is `whpk_` + base64.
 *
 * The signed content is `id.timestamp.body`.
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
  /** Id of the message, the same for every delivery attempt; letters, digits, `_` and `-`. */
  id: string;
  /** Time of this delivery attempt, epoch seconds. */
  timestampS: number;
  body: string;
}

export interface KeyPair {
  /** Private key `whsk_…`; never shown. */
  privateKey: string;
  /** Public key `whpk_…` for the receiver. */
  publicKey: string;
}

const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const SEED = 32;
/** Allowed difference between our clock and the clock of the receiver, as in the official libraries. */
const TOLERANCE_S = 300;
/** DER prefixes of a seed in PKCS #8 and of a public key in SPKI (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

/**
 * @param random 24 to 64 bytes from a cryptographic source
 * @throws RangeError for any other length
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
 * @throws RangeError for any other length
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
 * @param secrets all valid secrets (`whsec_` or `whsk_`), newest first; more than one during a secret rotation
 * @returns the value of the header `webhook-signature`
 * @throws TypeError for a malformed secret, id or time, or without any secret; the error never contains a secret
 */
export function sign(message: SignedContent, secrets: readonly string[]): string {
  if (secrets.length === 0) throw new TypeError("At least one secret is needed to sign.");
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
 * Verifies a webhook like a receiver.
 *
 * @param headers with names in lower case
 * @param keys `whsec_`, `whpk_` or `whsk_`; one key that matches one signature is enough
 * @param now epoch ms
 * @returns false for a wrong signature, a wrong or missing header, or a timestamp that differs by more than five minutes
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
  const verifiers = keys.map((key) => verifier(key, content));
  return given.split(" ").some((signature) => {
    const [, version, text] = /^(v1a?),([A-Za-z0-9+/]+={0,2})$/.exec(signature) ?? [];
    return version !== undefined && verifiers.some((matches) => matches(version, Buffer.from(text!, "base64")));
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

/** An id must not contain a full stop. Otherwise a signature of one message could match another message. */
function isId(id: string): boolean {
  return /^[\w-]{1,255}$/.test(id);
}

function contentOf({ id, timestampS, body }: SignedContent): Buffer {
  if (!isId(id)) throw new TypeError("A webhook's id may contain only letters, digits, _ and -.");
  if (!Number.isSafeInteger(timestampS) || timestampS < 0) {
    throw new TypeError("A webhook's timestamp must be in whole seconds.");
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

/** Decodes strictly. `Buffer.from` skips invalid characters, so a damaged secret would be used as another secret. */
function decode(text: string, prefix: string): Buffer {
  const base64 = text.startsWith(prefix) ? text.slice(prefix.length) : "";
  const bytes = Buffer.from(base64, "base64");
  if (base64 === "" || bytes.toString("base64") !== base64) throw malformed(prefix);
  return bytes;
}

function malformed(prefix: string): TypeError {
  return new TypeError(`A ${prefix}… key is malformed.`);
}
