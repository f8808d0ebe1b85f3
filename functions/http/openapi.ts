/**
 * `/openapi.json`, `/docs/api` and `/llms.txt`: the public API reference. Its code is loaded with the first such request.
 *
 * The local server serves the documentation site at `/docs` and in front of these routes. A deployment has only the
 * reference, so `/docs` is the reference there, and the page of an error is its line in the reference.
 */
import { ERROR_PAGES, ERRORS, MjflowError } from "@mjflow/core/error";
import { type Context, Hono } from "hono";
import type { AppEnv } from "./env.ts";
import { etagMatches } from "./long-poll.ts";
import type { DocumentFormat } from "./openapi/render.ts";

const CACHED_S = 300;

export const description = new Hono<AppEnv>()
  .get("/openapi.json", (c) => respond(c, "json"))
  .get("/docs", (c) => respond(c, "page"))
  .get("/docs/api", (c) => respond(c, "page"))
  .get(`${ERROR_PAGES}:code`, (c) => {
    const code = c.req.param("code");
    if (!Object.hasOwn(ERRORS, code)) throw new MjflowError("not_found", { detail: "There is no such error code." });
    c.header("Cache-Control", `public, max-age=${CACHED_S}`);
    return c.redirect(`../api#error-${code}`);
  })
  .get("/llms.txt", (c) => respond(c, "text"));

async function respond(c: Context<AppEnv>, format: DocumentFormat): Promise<Response> {
  const { renderDocument } = await import("./openapi/render.ts");
  const { body, type, etag, policy } = renderDocument(format);
  c.header("ETag", etag);
  c.header("Cache-Control", `public, max-age=${CACHED_S}`);
  if (etagMatches(etag, c.req.header("if-none-match") ?? "")) return c.body(null, 304);
  c.header("Content-Security-Policy", policy);
  c.header("X-Content-Type-Options", "nosniff");
  c.header("Referrer-Policy", "no-referrer");
  // Tools on other websites read the document. It contains no private data, so any origin may read it.
  if (format === "json") c.header("Access-Control-Allow-Origin", "*");
  return c.body(body, 200, { "Content-Type": type });
}
