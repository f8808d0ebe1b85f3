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
import { MJ_PREFIXES, MJ_ROUTES, mjCompat } from "./mj-compat/routes.ts";
import { description } from "./openapi.ts";
import { operations } from "./operation.ts";
import { pictures } from "./picture.ts";
import { onError, problem } from "./problem.ts";
import { providers } from "./provider.ts";
import { replays } from "./replay.ts";
import { requestContext } from "./request-context.ts";
import { allowedMethods, type RegisteredRoute, routeNotFound } from "./routes.ts";
import { sessions, signIn } from "./session.ts";
import { streams } from "./stream.ts";
import { tasks } from "./task.ts";
import { templates } from "./template.ts";
import { uploadLinks, uploads } from "./upload.ts";
import { usage } from "./usage.ts";

const INDEX = {
  name: "mjflow",
  api: "/v1",
  health: "/healthz",
  docs: "/docs",
  reference: "/docs/api",
  openapi: "/openapi.json",
  llms: "/llms.txt",
};

/** A route of the compat API in the form of the router. */
function mjRoute(route: string): RegisteredRoute {
  const [method = "", path = ""] = route.split(" ");
  return { method, path: `/mj${path.replace("{id}", ":id")}` };
}

export function createApp(deps: ApiDeps): Hono<AppEnv> {
  useIssueTexts();
  const app = new Hono<AppEnv>({ getPath: routedPath });
  app.use(requestContext(deps));
  if (deps.corsOrigins.length > 0) app.use(cors(deps.corsOrigins));
  app.get("/healthz", health);
  app.get("/", (c) => c.json(INDEX));
  app.route("/", description);
  const callers = createCallers(deps, deps.apiKeys);
  // The compat API comes before /v1: it also has paths under /v1, but reads the key and reports errors differently.
  for (const prefix of MJ_PREFIXES) app.all(`${prefix}/*`, mjCompat(prefix, callers));
  // A sign-in link is no key, so this route identifies its caller itself.
  app.route("/v1", signIn);
  app.use("/v1/*", authenticate(callers));
  app.route("/v1/flows", flows);
  app.route("/v1/flows", streams);
  app.route("/v1/templates", templates);
  app.route("/v1/tasks", tasks);
  app.route("/v1/apps", apps);
  app.route("/v1/endpoints", endpoints);
  app.route("/v1/deliveries", deliveries);
  app.route("/v1/replays", replays);
  app.route("/v1/providers", providers);
  app.route("/v1/banned-words", bannedWords);
  app.route("/v1/usage", usage);
  app.route("/v1/dead-letters", deadLetters);
  app.route("/v1/uploads", uploads);
  app.route("/v1/pictures", pictures);
  app.route("/v1", operations);
  app.route("/v1", sessions);
  app.route("/media", media);
  app.route("/uploads", uploadLinks);
  const routes = [...app.routes];
  for (const [path, methods] of allowedMethods(routes)) {
    app.all(path, (c) => {
      c.header("Allow", methods);
      throw new MjflowError("method_not_allowed", { detail: `${c.req.method} is not allowed here. Use ${methods}.` });
    });
  }
  const named = [...routes, ...MJ_ROUTES.map(mjRoute)];
  // Returned, not thrown: an error that is thrown here would skip the middleware above, which sets the headers.
  app.notFound((c) => problem(c, routeNotFound(c, named)));
  app.onError(onError);
  return app;
}
