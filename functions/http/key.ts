/** API keys (D6): each belongs to one app, and is only ever kept as a hash. */
import { createHash, timingSafeEqual } from "node:crypto";

export interface ApiKey {
  appId: string;
  sha256: Buffer;
}

export function apiKeyOf(appId: string, key: string): ApiKey {
  return { appId, sha256: sha256(key) };
}

/** Looks at every key, so that the time taken tells nothing about which one came close. */
export function appOf(keys: readonly ApiKey[], presented: string): string | undefined {
  const hash = sha256(presented);
  let appId: string | undefined;
  for (const key of keys) if (timingSafeEqual(hash, key.sha256)) appId = key.appId;
  return appId;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
