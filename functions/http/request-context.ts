/** The middleware that every request passes first, in the API and in the stream function. */
import { createMiddleware } from "hono/factory";
import { type AppEnv, type RouteDeps, uploadUrlOf } from "./env.ts";

/** Gives the request its dependencies and its id, and the response its default headers. */
export function requestContext(deps: Omit<RouteDeps, "limits" | "imageUrl">) {
  return createMiddleware<AppEnv>(async (c, next) => {
    c.set("deps", { ...deps, limits: undefined, imageUrl: uploadUrlOf(c) });
    c.set("requestId", crypto.randomUUID());
    await next();
    c.header("X-Request-Id", c.get("requestId"));
    if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store");
  });
}
