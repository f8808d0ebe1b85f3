/**
 * Verifies signatures of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks,
 * spec/standard-webhooks.md) with WebCrypto, whose `verify` compares in constant time. The signed content is
 * `id.timestamp.body`, with the body byte for byte as received.
 */
import { invalidArgument, MjflowError } from "./error.ts";

export interface Signed {
  id: string;
  timestamp: string;
  body: Uint8Array;
  /** `v1,<base64> v1a,<base64> …`: one signature for each active secret. */
  signatures: string;
}

type Version = "v1" | "v1a";

interface Verifier {
  version: Version;
  matches(signature: BufferSource, content: BufferSource): Promise<boolean>;
}

/**
 * Maximum number of checked signatures. A sender has at most two active secrets, during a rotation; more signatures are
 * not legitimate.
 */
const MAX_SIGNATURES = 20;

/**
 * Returns true if one of the signatures was made with one of the keys.
 *
 * @param keys `whsec_…` (v1, HMAC-SHA256) or `whpk_…` (v1a, ed25519)
 * @throws MjflowError `invalid_argument` if there is no key or a key is malformed; the error never contains the key
 */
export async function isSigned({ id, timestamp, body, signatures }: Signed, keys: readonly string[]): Promise<boolean> {
  if (keys.length === 0) throw invalidArgument("At least one key is required.", "key");
  const verifiers = await Promise.all(keys.map(verifierOf));
  const content = contentOf(id, timestamp, body);
  for (const entry of signatures.split(" ").slice(0, MAX_SIGNATURES)) {
    const [version, text = ""] = entry.split(",", 2);
    const signature = decode(text);
    if (!signature) continue;
    for (const verifier of verifiers) {
      // A key is used only for its own version. If a public key were used as an HMAC secret, anyone could forge
      // signatures with it.
      if (verifier.version === version && (await verifier.matches(signature, content))) return true;
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
    return { version: "v1", matches: (signature, content) => crypto.subtle.verify("HMAC", secret, signature, content) };
  }
  if (prefix === "whpk_" && bytes?.length === 32) {
    const publicKey = await importEd25519(bytes);
    return {
      version: "v1a",
      matches: (signature, content) => crypto.subtle.verify("Ed25519", publicKey, signature, content),
    };
  }
  throw invalidArgument("A key must be whsec_ with 24 to 64 bytes or whpk_ with 32 bytes, in base64.", "key");
}

async function importEd25519(bytes: BufferSource): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
  } catch {
    throw new MjflowError({
      code: "invalid_argument",
      detail: "This platform's WebCrypto does not support ed25519, or the key is not a valid ed25519 key.",
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

/**
 * Decodes base64. Returns undefined unless the text is exactly canonical base64; `atob` alone ignores spaces and
 * surplus bits.
 */
function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text === "" || text.length > 200 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    const binary = atob(text);
    return btoa(binary) === text ? Uint8Array.from(binary, (char) => char.charCodeAt(0)) : undefined;
  } catch {
    return undefined;
  }
}
