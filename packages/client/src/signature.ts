/**
 * Signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md), by
 * WebCrypto, whose `verify` compares in constant time. Signed is `id.timestamp.body`, the body byte for byte as it came.
 */
import { invalidArgument, MjflowError } from "./error.ts";

export interface Signed {
  id: string;
  timestamp: string;
  body: Uint8Array;
  /** `v1,<base64> v1a,<base64> …`: one for each live secret. */
  signatures: string;
}

type Version = "v1" | "v1a";

interface Verifier {
  version: Version;
  fits(signature: BufferSource, content: BufferSource): Promise<boolean>;
}

/** A sender has two live secrets at most, while one takes the other's place; more are noise. */
const MAX_SIGNATURES = 20;

/**
 * Whether one of the keys made one of the signatures.
 *
 * @param keys `whsec_…` (v1, HMAC-SHA256) or `whpk_…` (v1a, ed25519)
 * @throws MjflowError invalid_argument for a malformed key or none; it never holds the key
 */
export async function isSigned({ id, timestamp, body, signatures }: Signed, keys: readonly string[]): Promise<boolean> {
  if (keys.length === 0) throw invalidArgument("There is no key to verify with.", "key");
  const verifiers = await Promise.all(keys.map(verifierOf));
  const content = contentOf(id, timestamp, body);
  for (const entry of signatures.split(" ").slice(0, MAX_SIGNATURES)) {
    const [version, text = ""] = entry.split(",", 2);
    const signature = decode(text);
    if (!signature) continue;
    for (const verifier of verifiers) {
      // Each version has its own keys: a public key used as an HMAC secret would be a secret that everybody knows.
      if (verifier.version === version && (await verifier.fits(signature, content))) return true;
    }
  }
  return false;
}

async function verifierOf(key: string): Promise<Verifier> {
  const [, prefix, text = ""] = /^(whsec_|whpk_)(.*)$/.exec(key) ?? [];
  const bytes = decode(text);
  if (prefix === "whsec_" && bytes && bytes.length >= 24 && bytes.length <= 64) {
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const secret = await crypto.subtle.importKey("raw", bytes, hmac, false, ["verify"]);
    return { version: "v1", fits: (signature, content) => crypto.subtle.verify("HMAC", secret, signature, content) };
  }
  if (prefix === "whpk_" && bytes?.length === 32) {
    const publicKey = await importEd25519(bytes);
    return {
      version: "v1a",
      fits: (signature, content) => crypto.subtle.verify("Ed25519", publicKey, signature, content),
    };
  }
  throw invalidArgument("A key is whsec_ and 24 to 64 bytes, or whpk_ and 32, in base64.", "key");
}

async function importEd25519(bytes: BufferSource): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
  } catch {
    throw new MjflowError({
      code: "invalid_argument",
      detail: "This platform's WebCrypto does not know ed25519, or the key is no point of its curve.",
      field: "key",
      advice: "Use an endpoint of scheme v1.",
    });
  }
}

function contentOf(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}

/** Undefined for what is not base64, to the last bit: `atob` alone reads around spaces and loose ends. */
function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text === "" || text.length > 200 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    const binary = atob(text);
    return btoa(binary) === text ? Uint8Array.from(binary, (char) => char.charCodeAt(0)) : undefined;
  } catch {
    return undefined;
  }
}
