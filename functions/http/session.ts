/** `/v1/sessions`, `/v1/session`, `/v1/sign-in-links` and `/v1/sign-in`: sessions of the console. */
import type { AccessToken } from "@mjflow/core/access-token";
import { isLoopbackUrl } from "@mjflow/core/loopback";
import { SessionRequest, SignInLinkRequest } from "@mjflow/core/request";
import { isoOf } from "@mjflow/engine/date";
import { type Context, Hono } from "hono";
import { bearerOf, loopbackCookie, SECURE_COOKIE, unauthorized } from "./auth.ts";
import { readBody } from "./body.ts";
import { type AppEnv, linksFor } from "./env.ts";

/** Loaded on demand: few requests are about sessions. */
const engine = () => import("@mjflow/engine/session");

/** The route that needs no API key. */
export const signIn = new Hono<AppEnv>().post("/sign-in", async (c) => {
  const link = bearerOf(c);
  const request = await readBody(c, SessionRequest);
  const deps = c.get("deps");
  const started = await (await engine()).signIn(deps, deps.apiKeys, link, request);
  if (typeof started === "string") throw unauthorized(started, LINK_TEXTS[started]);
  return c.json(newSessionView(c, started, request), 201);
});

const LINK_TEXTS = {
  missing: "The request has no sign-in link.",
  malformed: "The text after `Bearer` is no sign-in link (`mjl_…`). Copy the whole link.",
  unknown: "There is no such sign-in link, or the API key that it stands for was replaced.",
  revoked: "The sign-in link was used already, or it has ended. A link works once. Make another one.",
  expired: "The sign-in link has expired. Make another one.",
};

export const sessions = new Hono<AppEnv>()
  .post("/sessions", async (c) => {
    const request = await readBody(c, SessionRequest);
    return c.json(newSessionView(c, await start(c, "session", request), request), 201);
  })
  .get("/sessions", async (c) => {
    const all = await (await engine()).listSessions(c.get("deps"), c.get("appId"));
    return c.json({ data: all.map((token) => sessionView(c, token)), nextCursor: null });
  })
  .delete("/sessions/:id", async (c) => {
    const own = c.get("caller").session;
    const id = c.req.param("id") === "current" ? (own ?? "") : c.req.param("id");
    await (await engine()).endSession(c.get("deps"), c.get("appId"), id);
    if (id === own) setCookie(c, "", 0);
    return c.body(null, 204);
  })
  .get("/session", async (c) => {
    const [deps, { operator, appId, session }] = [c.get("deps"), c.get("caller")];
    const app = operator ? undefined : await deps.store.app(appId);
    const token = session === undefined ? undefined : await deps.store.accessToken(appId, session);
    return c.json({
      role: operator ? ("operator" as const) : ("app" as const),
      appId,
      appName: app?.name ?? null,
      session: token ? sessionView(c, token) : null,
      canTranslate: deps.translator !== undefined,
    });
  })
  .post("/sign-in-links", async (c) => {
    const { token, text } = await start(c, "link", await readBody(c, SignInLinkRequest));
    const base = linksFor(c).console;
    // The fragment of a URL is sent to no server, so no log has the secret.
    const url = base === undefined ? null : `${base}#/sign-in/${text}`;
    return c.json({ ...sessionView(c, token), token: text, url }, 201);
  });

async function start(c: Context<AppEnv>, kind: "session" | "link", request: { stay?: boolean; label?: string }) {
  const [deps, caller] = [c.get("deps"), c.get("caller")];
  const presented = caller.session === undefined ? bearerOf(c) : "";
  return (await engine()).startSession(deps, presented, caller, kind, request);
}

function sessionView(c: Context<AppEnv>, { id, kind, label, createdAt, expiresAt, usedOn }: AccessToken) {
  return {
    id,
    kind: kind === "link" ? ("link" as const) : ("session" as const),
    label: label ?? null,
    createdAt: isoOf(createdAt),
    expiresAt: isoOf(expiresAt),
    lastUsedOn: usedOn ?? null,
    current: id === c.get("caller")?.session,
  };
}

/** The only response with the secret. A page cannot read a cookie, so with a cookie the body has none. */
function newSessionView(
  c: Context<AppEnv>,
  { token, text }: { token: AccessToken; text: string },
  { as, stay }: SessionRequest,
) {
  if (as === "cookie") setCookie(c, text, stay ? token.expiresAt - token.createdAt : undefined);
  return { ...sessionView(c, token), token: as === "cookie" ? null : text };
}

/** @param lifeMs 0 removes the cookie; undefined: the cookie ends with the browser */
function setCookie(c: Context<AppEnv>, value: string, lifeMs: number | undefined): void {
  // A browser names the origin of its page. Without TLS only a page of this machine may have the cookie.
  const origin = c.req.header("origin") ?? "";
  const isLoopback = origin.startsWith("http:") && isLoopbackUrl(origin);
  const life = lifeMs === undefined ? "" : `; Max-Age=${Math.floor(lifeMs / 1_000)}`;
  const name = isLoopback ? loopbackCookie(c) : SECURE_COOKIE;
  c.header("Set-Cookie", `${name}=${value}; Path=/; HttpOnly; SameSite=Strict${isLoopback ? "" : "; Secure"}${life}`, {
    append: true,
  });
}
