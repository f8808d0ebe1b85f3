/** Finds the caller of a request by the API key, or by a session that stands for it: the operator or an app. */
import type { KeyProblem } from "@mjflow/core/app";
import { MjflowError } from "@mjflow/core/error";
import { isLoopbackUrl } from "@mjflow/core/loopback";
import type { Caller, Callers } from "@mjflow/engine/app";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./env.ts";

export function authenticate(callers: Callers) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const caller = await callers.identify(sessionCookieOf(c) ?? bearerOf(c));
    if (typeof caller === "string") throw unauthorized(caller);
    limitRate(c, caller);
    await next();
  });
}

/** @throws MjflowError `unauthorized` if the request has no text to identify the caller by */
export function bearerOf(c: Context<AppEnv>): string {
  const header = c.req.header("authorization")?.trim() ?? "";
  if (header === "") throw unauthorized("missing");
  const presented = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  if (presented === undefined) throw unauthorized("malformed", "The header must be `Authorization: Bearer <key>`.");
  return presented;
}

/**
 * The cookie of a session. It counts only in a request with `Mjflow-Session: cookie`. A page of another origin cannot send this
 * header together with cookies, because no response here allows credentials (cors.ts). The browser's own word about the
 * origin counts, too: pages of other ports of the same host have the same cookies.
 */
function sessionCookieOf(c: Context<AppEnv>): string | undefined {
  if (c.req.header("mjflow-session") !== "cookie" || c.req.header("authorization")) return undefined;
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") return undefined;
  const cookies = (c.req.header("cookie") ?? "").split(/;\s*/);
  const cookieOf = (name: string) =>
    cookies.find((cookie) => cookie.startsWith(`${name}=mjs_`))?.slice(name.length + 1);
  const isLoopback = isLoopbackUrl(`http://${c.req.header("host")}`);
  return cookieOf(SECURE_COOKIE) ?? (isLoopback ? cookieOf(loopbackCookie(c)) : undefined);
}

/** A browser accepts a cookie of this name only with TLS, and only from the host itself. */
export const SECURE_COOKIE = "__Host-mjflow-session";

/** Name of the cookie on this machine, where TLS is rare. All servers of one host share their cookies, so it has the TCP port. */
export function loopbackCookie(c: Context<AppEnv>): string {
  return `mjflow-session-${/:(\d+)$/.exec(c.req.header("host") ?? "")?.[1] ?? ""}`;
}

const KEY_TEXTS: Record<KeyProblem, string> = {
  missing: "The request has no API key.",
  malformed: "The text after `Bearer` is neither the operator key nor a whole API key (`mjk_…`). Copy the whole key.",
  unknown: "There is no such API key or session. Check that it was copied as a whole and belongs to this deployment.",
  revoked:
    "The API key was revoked, or its app was deleted, or the session was ended. Use another key, or sign in again.",
  expired: "The API key or session has expired. Use the key that replaced it, or sign in again.",
};

export function unauthorized(reason: KeyProblem, detail: string = KEY_TEXTS[reason]): MjflowError {
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
