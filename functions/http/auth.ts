/** Finds the caller of a request by the API key: the operator or an app. */
import type { KeyProblem } from "@mjflow/core/app";
import { MjflowError } from "@mjflow/core/error";
import type { Caller, Callers } from "@mjflow/engine/app";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

export function authenticate(callers: Callers) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const header = c.req.header("authorization")?.trim() ?? "";
    if (header === "") throw unauthorized("missing");
    const presented = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
    if (presented === undefined) throw unauthorized("malformed", "The header must be `Authorization: Bearer <key>`.");
    const caller = await callers.identify(presented);
    if (typeof caller === "string") throw unauthorized(caller);
    limitRate(c, caller);
    await next();
  });
}

const KEY_TEXTS: Record<KeyProblem, string> = {
  missing: "The request has no API key.",
  malformed: "The text after `Bearer` is neither the operator key nor a whole API key (`mjk_…`). Copy the whole key.",
  unknown: "There is no such API key. Check that it was copied as a whole and belongs to this deployment.",
  revoked: "The API key was revoked, or its app was deleted. Ask the operator for a new key.",
  expired: "The API key has expired. Use the key that replaced it, or ask the operator for a new key.",
};

function unauthorized(reason: KeyProblem, detail: string = KEY_TEXTS[reason]): MjflowError {
  return new MjflowError("unauthorized", { detail, extra: { reason } });
}

/** Stores the caller, its app id, its limits and the defaults of its flows in the request's context, where the routes read them. */
export function limitRate(c: Context<AppEnv>, caller: Caller): void {
  c.set("caller", caller);
  c.set("appId", caller.appId);
  const { limits, archive = c.get("deps").archive, translate = false } = caller;
  c.set("deps", { ...c.get("deps"), limits, archive, translate });
}

/** Rejects callers other than the operator, for routes that manage apps or affect all apps. */
export const operatorOnly = createMiddleware<AppEnv>(async (c, next) => {
  if (!c.get("caller").operator) throw new MjflowError("forbidden");
  await next();
});
