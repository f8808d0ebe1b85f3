/** Authenticates compat API requests. The key is in one of two headers. Keys and apps are those of the native API. */
import { MjflowError } from "@mjflow/core/error";
import type { Callers } from "@mjflow/engine/app";
import type { Context } from "hono";
import { limitRate } from "../auth.ts";
import type { AppEnv } from "../env.ts";

/** Returns true if the request presents a key, valid or not. */
export function hasKey(c: Context<AppEnv>): boolean {
  return Boolean(c.req.header("authorization") || c.req.header("mj-api-secret"));
}

/** @throws MjflowError `unauthorized` without a valid key; `forbidden` if the app is disabled */
export async function authenticate(c: Context<AppEnv>, callers: Callers): Promise<void> {
  // Clients of trueai-org send the key without "Bearer", those of new-api with it in either header. Other clients send
  // another server's key in `authorization` and ours in `mj-api-secret`.
  const headers = [c.req.header("authorization"), c.req.header("mj-api-secret")];
  const presented = headers.map((header) => header?.trim().replace(/^Bearer\s+/i, ""));
  for (const key of new Set(presented)) {
    const caller = key && (await callers.authenticate(key));
    if (!caller) continue;
    limitRate(c, caller);
    return;
  }
  throw new MjflowError("unauthorized", {
    detail: "Send a valid key in `mj-api-secret` or `Authorization: Bearer <key>`.",
  });
}
