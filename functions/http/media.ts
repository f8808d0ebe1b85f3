/** `/media/…`: redirects to an archived image. No API key is needed, because the link itself is signed. */
import { MjflowError } from "@mjflow/core/error";
import { type Context, Hono } from "hono";
import type { AppEnv } from "./env.ts";

/** Cache time of the redirect: shorter than the 7.5 minutes or more for which a signed URL is valid. */
const CACHED_S = 300;

export const media = new Hono<AppEnv>().get("/:key{.+}", (c) => {
  const key = `media/${c.req.param("key")}`;
  const leftS = lifeOf(c, key);
  if (leftS === undefined) throw new MjflowError("not_found");
  return redirectToObject(c, key, leftS);
});

/** Returns for how many seconds a link works from now; undefined if it is not ours or has ended. */
function lifeOf(c: Context<AppEnv>, key: string): number | undefined {
  const { mediaLinks, clock } = c.get("deps");
  const [signature, endsAt] = [c.req.query("s") ?? "", c.req.query("e")];
  if (endsAt === undefined) return mediaLinks("").isOurs(key, signature) ? Number.POSITIVE_INFINITY : undefined;
  // A link with an end has a signature of its own kind: without its end it is no link.
  if (!/^\d{1,12}$/.test(endsAt) || !mediaLinks("").isOursUntil(key, endsAt, signature)) return undefined;
  const leftS = Number(endsAt) - Math.floor(clock.now() / 1_000);
  return leftS > 0 ? leftS : undefined;
}

/** @param leftS seconds for which the link itself works */
export async function redirectToObject(
  c: Context<AppEnv>,
  key: string,
  leftS: number = Number.POSITIVE_INFINITY,
): Promise<Response> {
  const location = await c.get("deps").objectUrl(key);
  c.header("Cache-Control", `private, max-age=${Math.min(CACHED_S, leftS)}`);
  return c.redirect(location, 302);
}
