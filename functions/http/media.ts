/** `/media/…`: redirects to an archived image. No API key is needed, because the link itself is signed. */
import { MjflowError } from "@mjflow/core/error";
import { type Context, Hono } from "hono";
import type { AppEnv } from "./env.ts";

/** Cache time of the redirect: shorter than the 7.5 minutes or more for which a signed URL is valid. */
const CACHED_S = 300;

export const media = new Hono<AppEnv>().get("/:key{.+}", (c) => {
  const key = `media/${c.req.param("key")}`;
  const { mediaLinks } = c.get("deps");
  if (!mediaLinks("").isOurs(key, c.req.query("s") ?? "")) throw new MjflowError("not_found");
  return redirectToObject(c, key);
});

export async function redirectToObject(c: Context<AppEnv>, key: string): Promise<Response> {
  const location = await c.get("deps").objectUrl(key);
  c.header("Cache-Control", `private, max-age=${CACHED_S}`);
  return c.redirect(location, 302);
}
