/** The HTTP API: middleware, routes and the mapping from errors to responses. It does not depend on Lambda. */
import { MjflowError } from "@mjflow/core/error";
import { createCallers } from "@mjflow/engine/app";
import { Hono } from "hono";
import { apps } from "./apps.ts";
import { authenticate } from "./auth.ts";
import { bannedWords } from "./banned.ts";
import { cors } from "./cors.ts";
import { deadLetters } from "./dead-letter.ts";
import { deliveries } from "./delivery.ts";
import { endpoints } from "./endpoint.ts";
import type { ApiDeps, AppEnv } from "./env.ts";
import { flows } from "./flow.ts";
import { health } from "./health.ts";
import { useIssueTexts } from "./issue-text.ts";
import { media } from "./media.ts";
import { routedPath } from "./mj-compat/path.ts";
import { MJ_PREFIXES, mjCompat } from "./mj-compat/routes.ts";
import { description } from "./openapi.ts";
import { operations } from "./operation.ts";
import { onError } from "./problem.ts";
import { providers } from "./provider.ts";
import { streams } from "./stream.ts";
import { tasks } from "./task.ts";
import { usage } from "./usage.ts";

/** The methods of each path, for the status 405 and its `Allow` header. */
const ALLOWED = {
  "/docs": "GET",
  "/llms.txt": "GET",
  "/openapi.json": "GET",
  "/v1/flows": "GET, POST",
  "/v1/flows/:id": "GET",
  "/v1/flows/:id/cancel": "POST",
  "/v1/flows/:id/events": "GET",
  "/v1/flows/:id/resume": "POST",
  "/v1/tasks/:id": "GET",
  "/v1/tasks/:id/raw": "GET",
  "/v1/tasks/:id/actions": "POST",
  "/v1/tasks/:id/modal": "POST",
  "/v1/tasks/:id/retry": "POST",
  "/v1/apps": "GET, POST",
  "/v1/apps/:id": "DELETE, GET, PATCH",
  "/v1/apps/:id/credits": "POST",
  "/v1/apps/:id/keys": "GET, POST",
  "/v1/apps/:id/keys/:keyId": "DELETE",
  "/v1/apps/:id/keys/:keyId/rotate": "POST",
  "/v1/endpoints": "GET, POST",
  "/v1/endpoints/:id": "DELETE, GET, PATCH",
  "/v1/endpoints/:id/rotate": "POST",
  "/v1/endpoints/:id/replay": "POST",
  "/v1/endpoints/:id/test": "POST",
  "/v1/deliveries": "GET",
  "/v1/deliveries/:id": "GET",
  "/v1/deliveries/:id/replay": "POST",
  "/v1/banned-words": "GET, PUT",
  "/v1/providers": "GET",
  "/v1/providers/:id/accounts/:name": "DELETE, PATCH, POST",
  "/v1/usage": "GET",
  "/v1/queues": "GET",
  "/v1/vault/reseal": "POST",
  "/v1/overdue": "GET",
  "/v1/unclear": "GET",
  "/v1/dead-letters": "GET",
  "/v1/dead-letters/:id": "DELETE",
  "/v1/dead-letters/:id/redrive": "POST",
};

const INDEX = {
  name: "mjflow",
  api: "/v1",
  health: "/healthz",
  docs: "/docs",
  openapi: "/openapi.json",
  llms: "/llms.txt",
};

export function createApp(deps: ApiDeps): Hono<AppEnv> {
  useIssueTexts();
  const app = new Hono<AppEnv>({ getPath: routedPath });
  app.use(async (c, next) => {
    c.set("deps", { ...deps, limits: undefined });
    c.set("requestId", crypto.randomUUID());
    await next();
    c.header("X-Request-Id", c.get("requestId"));
    if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store");
  });
  if (deps.corsOrigins.length > 0) app.use(cors(deps.corsOrigins));
  app.get("/healthz", health);
  app.get("/", (c) => c.json(INDEX));
  app.route("/", description);
  const callers = createCallers(deps, deps.apiKeys);
  // The compat API comes before /v1: it also has paths under /v1, but reads the key and reports errors differently.
  for (const prefix of MJ_PREFIXES) app.all(`${prefix}/*`, mjCompat(prefix, callers));
  app.use("/v1/*", authenticate(callers));
  app.route("/v1/flows", flows);
  app.route("/v1/flows", streams);
  app.route("/v1/tasks", tasks);
  app.route("/v1/apps", apps);
  app.route("/v1/endpoints", endpoints);
  app.route("/v1/deliveries", deliveries);
  app.route("/v1/providers", providers);
  app.route("/v1/banned-words", bannedWords);
  app.route("/v1/usage", usage);
  app.route("/v1/dead-letters", deadLetters);
  app.route("/v1", operations);
  app.route("/media", media);
  for (const [path, methods] of Object.entries(ALLOWED)) {
    app.all(path, (c) => {
      c.header("Allow", methods);
      throw new MjflowError("method_not_allowed");
    });
  }
  app.notFound(() => {
    throw new MjflowError("not_found");
  });
  app.onError(onError);
  return app;
}
