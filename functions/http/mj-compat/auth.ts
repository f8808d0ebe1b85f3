/** Authenticates compat API requests. The key is in one of two headers. Keys and apps are those of the native API. */
import { MjflowError } from "@mjflow/core/error";
import type { Callers } from "@mjflow/engine/app";
import type { Context } from "hono";
import { limitRate } from "../auth.ts";
import type { AppEnv } from "../env.ts";

/** @throws MjflowError `unauthorized` without a valid key; `forbidden` if the app is disabled */
export async function authenticate(c: Context<AppEnv>, callers: Callers): Promise<void> {
  // Clients of trueai-org send the key without "Bearer". Other clients send another server's key in `authorization` and
  // ours in `mj-api-secret`.
  const authorization = c.req.header("authorization")?.replace(/^Bearer\s+/i, "");
  const presented = [authorization, c.req.header("mj-api-secret")].map((key) => key?.trim());
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
