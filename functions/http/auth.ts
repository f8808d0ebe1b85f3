/** Who is asking: the operator, or the app whose key came with the request. */
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

/** From here on the request is this caller's. */
export function limitRate(c: Context<AppEnv>, caller: Caller): void {
  c.set("caller", caller);
  c.set("appId", caller.appId);
  c.set("deps", { ...c.get("deps"), limits: caller.limits });
}

/** For what no app may do: apps themselves, and what is common to all of them. */
export const operatorOnly = createMiddleware<AppEnv>(async (c, next) => {
  if (!c.get("caller").operator) throw new MjflowError("forbidden");
  await next();
});
