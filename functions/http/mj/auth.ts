/** Whose key it is, in either of the headers the family's clients put it in. The app is the native API's. */
import { MjflowError } from "@mjflow/core/error";
import type { Callers } from "@mjflow/engine/app";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../env.ts";

export function authenticateFacade(callers: Callers) {
  return createMiddleware<AppEnv>(async (c, next) => {
    // Some send the key as it is (trueai-org's), some send another's in the one header and ours in the other.
    const authorization = c.req.header("authorization")?.replace(/^Bearer\s+/i, "");
    const presented = [authorization, c.req.header("mj-api-secret")].map((key) => key?.trim());
    for (const key of new Set(presented)) {
      const caller = key && (await callers.of(key));
      if (!caller) continue;
      c.set("caller", caller);
      c.set("appId", caller.appId);
      return next();
    }
    throw new MjflowError("unauthorized", {
      detail: "Send mj-api-secret, or Authorization: Bearer, with a valid key.",
    });
  });
}
