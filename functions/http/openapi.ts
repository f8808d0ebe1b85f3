/** `/openapi.json`, `/docs` and `/llms.txt`: the API's description, for anyone. It weighs nothing until somebody asks. */
import { type Context, Hono } from "hono";
import type { AppEnv } from "./env.ts";
import { etagMatches } from "./long-poll.ts";
import type { DocumentFormat } from "./openapi/render.ts";

const CACHED_S = 300;

export const description = new Hono<AppEnv>()
  .get("/openapi.json", (c) => answer(c, "json"))
  .get("/docs", (c) => answer(c, "page"))
  .get("/llms.txt", (c) => answer(c, "text"));

async function answer(c: Context<AppEnv>, form: DocumentFormat): Promise<Response> {
  const { renderDocument: show } = await import("./openapi/render.ts");
  const { body, type, etag, policy } = show(form);
  c.header("ETag", etag);
  c.header("Cache-Control", `public, max-age=${CACHED_S}`);
  if (etagMatches(etag, c.req.header("if-none-match") ?? "")) return c.body(null, 304);
  c.header("Content-Security-Policy", policy);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  // Read by tools on other pages; it holds nothing that is anybody's.
  if (form === "json") c.header("Access-Control-Allow-Origin", "*");
  return c.body(body, 200, { "Content-Type": type });
}
