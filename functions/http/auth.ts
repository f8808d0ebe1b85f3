/** Finds the caller of a request by the API key: the operator or an app. */
import { MjflowError } from "@mjflow/core/error";
import type { Caller, Callers } from "@mjflow/engine/app";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

export function authenticate(callers: Callers) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const presented = /^Bearer\s+(\S+)\s*$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const caller = presented && (await callers.authenticate(presented));
    if (!caller) throw new MjflowError("unauthorized");
    limitRate(c, caller);
    await next();
  });
}

/** Stores the caller, its app id and its limits in the request's context, where the routes read them. */
export function limitRate(c: Context<AppEnv>, caller: Caller): void {
  c.set("caller", caller);
  c.set("appId", caller.appId);
  c.set("deps", { ...c.get("deps"), limits: caller.limits });
}

/** Rejects callers other than the operator, for routes that manage apps or affect all apps. */
export const operatorOnly = createMiddleware<AppEnv>(async (c, next) => {
  if (!c.get("caller").operator) throw new MjflowError("forbidden");
  await next();
});
