/** Who is asking (D6): a key belongs to one app, and is only ever kept as a hash. */
import { createHash, timingSafeEqual } from "node:crypto";
import { MjflowError } from "@mjflow/core/error";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./app.ts";

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

export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const presented = /^Bearer\s+(\S+)\s*$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const appId = presented && appOf(c.get("deps").apiKeys, presented);
  if (!appId) throw new MjflowError("unauthorized");
  c.set("appId", appId);
  await next();
});

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
