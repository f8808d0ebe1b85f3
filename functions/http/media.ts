/** `/media/…`: our copies, for whoever has the link; sent on to where the bytes are. No key: the link is the proof. */
import { MjflowError } from "@mjflow/core/error";
import { Hono } from "hono";
import type { AppEnv } from "./env.ts";

/** Shorter than the bucket's own links live, so that no cache outlives what it points to. */
const CACHED_S = 300;

export const media = new Hono<AppEnv>().get("/:key{.+}", async (c) => {
  const key = `media/${c.req.param("key")}`;
  const { mediaLinks, objectUrl } = c.get("deps");
  if (!mediaLinks("").isOurs(key, c.req.query("s") ?? "")) throw new MjflowError("not_found");
  const location = await objectUrl(key);
  c.header("Cache-Control", `private, max-age=${CACHED_S}`);
  return c.redirect(location, 302);
});
