/**
 * Secrets at rest: an endpoint's signing secret, a vendor's key. Sealed with AES-256-GCM under a key of the stage, so that
 * a table's copy, export or backup tells none of them.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

export interface Vault {
  /** @param context what the secret belongs to: it opens only there */
  seal(secret: string, context: string): string;
  /** @throws VaultError when the key is gone, the text was changed, or it belongs elsewhere */
  open(sealed: string, context: string): string;
  /** Sealed with the newest key: what is not stops opening when the older one is taken away. */
  isCurrent(sealed: string): boolean;
}

export class VaultError extends Error {
  override readonly name = "VaultError";
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param keys newest first: the first seals, each one opens, so that a rotation needs no rewriting at once
 * @throws Error for a missing or short key
 */
export function createVault(keys: readonly string[]): Vault {
  if (keys.length === 0 || keys.some((key) => key.length < 32)) {
    throw new Error("A vault key must have at least 32 characters; set one with `sst secret set VaultKey`");
  }
  const byId = new Map(keys.map((key) => [keyIdOf(key), deriveKey(key)]));
  const [newestId, newest] = byId.entries().next().value!;
  return {
    isCurrent: (sealed) => sealed.split(".")[1] === newestId,
    seal(secret, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", newest, iv).setAAD(Buffer.from(context));
      const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return `1.${newestId}.${Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64url")}`;
    },
    open(sealed, context) {
      const [version, keyId = "", payload = ""] = sealed.split(".");
      const key = byId.get(keyId);
      if (version !== "1" || !key) throw new VaultError("sealed with a key that is no longer here");
      const bytes = Buffer.from(payload, "base64url");
      const iv = bytes.subarray(0, IV_BYTES);
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString();
      } catch {
        throw new VaultError("was changed, or belongs elsewhere");
      }
    },
  };
}

function deriveKey(key: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, "", "mjflow vault", 32));
}

function keyIdOf(key: string): string {
  return createHash("sha256").update(`mjflow vault key id:${key}`).digest("hex").slice(0, 6);
}
