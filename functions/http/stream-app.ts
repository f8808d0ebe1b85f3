/**
 * The HTTP app of the stream function: event streams, and reads that are held until something changes. It is a part of the
 * API with its own concurrency, so that open streams cannot take the executions of other functions.
 */
import { createCallers } from "@mjflow/engine/app";
import { Hono } from "hono";
import { authenticate } from "./auth.ts";
import { cors } from "./cors.ts";
import type { ApiDeps, AppEnv, RouteDeps } from "./env.ts";
import { onError, problem } from "./problem.ts";
import { readFlow, readTask } from "./read.ts";
import { requestContext } from "./request-context.ts";
import { routeNotFound } from "./routes.ts";
import { streams } from "./stream.ts";

/** What the routes below use. */
export type StreamDeps = Pick<
  ApiDeps,
  | "store"
  | "clock"
  | "random"
  | "log"
  | "sleep"
  | "accounts"
  | "apiKeys"
  | "apiUrl"
  | "apiUrlFrom"
  | "mediaLinks"
  | "streams"
  | "corsOrigins"
>;

export function createStreamApp(deps: StreamDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  // The routes are those of the API, whose context has more. These three read only what StreamDeps has.
  app.use(requestContext(deps as RouteDeps));
  if (deps.corsOrigins.length > 0) app.use(cors(deps.corsOrigins));
  app.use("/v1/*", authenticate(createCallers(deps, deps.apiKeys)));
  app.get("/v1/flows/:id", (c) => readFlow(c, c.req.param("id")));
  app.get("/v1/tasks/:id", (c) => readTask(c, c.req.param("id")));
  app.route("/v1/flows", streams);
  const routes = [...app.routes];
  app.notFound((c) => problem(c, routeNotFound(c, routes)));
  app.onError(onError);
  return app;
}
