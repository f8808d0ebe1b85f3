/**
 * Encrypts stored secrets: the signing secrets of endpoints and the API keys of vendors. It uses AES-256-GCM with a key
 * of the deployment, so a copy, export or backup of the table reveals no secret.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

export interface Vault {
  /** @param context owner of the secret; decryption works only with the same context */
  seal(secret: string, context: string): string;
  /** @throws VaultError if the key is missing, the text was changed or the context differs */
  open(sealed: string, context: string): string;
  /**
   * Returns true if the text is encrypted with the newest key. Other texts cannot be decrypted once their older key is
   * removed.
   */
  isCurrent(sealed: string): boolean;
}

export class VaultError extends Error {
  override readonly name = "VaultError";
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param keys newest first: the first encrypts and each decrypts, so a rotation does not require immediate
 *   re-encryption
 * @throws Error if a key is missing or short
 */
export function createVault(keys: readonly string[]): Vault {
  if (keys.length === 0 || keys.some((key) => key.length < 32)) {
    throw new Error("A vault key must have at least 32 characters. Set one with `sst secret set VaultKey`.");
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
      if (version !== "1" || !key)
        throw new VaultError("The secret is encrypted with a vault key that is not configured");
      const bytes = Buffer.from(payload, "base64url");
      const iv = bytes.subarray(0, IV_BYTES);
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context)).setAuthTag(tag);
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString();
      } catch {
        throw new VaultError("The encrypted secret was changed or belongs to another owner");
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
