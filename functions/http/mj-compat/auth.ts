/** Whose key it is, in either of the headers the family's clients put it in. The app is the native API's. */
import { MjflowError } from "@mjflow/core/error";
import type { Callers } from "@mjflow/engine/app";
import type { Context } from "hono";
import { limitRate } from "../auth.ts";
import type { AppEnv } from "../env.ts";

/** @throws MjflowError unauthorized; forbidden when the app is disabled */
export async function authenticate(c: Context<AppEnv>, callers: Callers): Promise<void> {
  // Some send the key as it is (trueai-org's), some send another's in the one header and ours in the other.
  const authorization = c.req.header("authorization")?.replace(/^Bearer\s+/i, "");
  const presented = [authorization, c.req.header("mj-api-secret")].map((key) => key?.trim());
  for (const key of new Set(presented)) {
    const caller = key && (await callers.authenticate(key));
    if (!caller) continue;
    limitRate(c, caller);
    return;
  }
  throw new MjflowError("unauthorized", { detail: "Send mj-api-secret, or Authorization: Bearer, with a valid key." });
}
