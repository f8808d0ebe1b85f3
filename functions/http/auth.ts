/** Who is asking: the app whose key came with the request. */
import { MjflowError } from "@mjflow/core/error";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";
import { appOf } from "./key.ts";

export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const presented = /^Bearer\s+(\S+)\s*$/i.exec(c.req.header("authorization") ?? "")?.[1];
  const appId = presented && appOf(c.get("deps").apiKeys, presented);
  if (!appId) throw new MjflowError("unauthorized");
  c.set("appId", appId);
  await next();
});
