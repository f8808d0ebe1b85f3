/** The HTTP API: middleware, routes and the mapping from errors to responses. It does not depend on Lambda. */
import { MjflowError } from "@mjflow/core/error";
import { createCallers } from "@mjflow/engine/app";
import { Hono } from "hono";
import { authenticate, operatorOnly } from "./auth.ts";
import { cors } from "./cors.ts";
import type { ApiDeps, AppEnv } from "./env.ts";
import { health } from "./health.ts";
import { lazyRoutes } from "./lazy-routes.ts";
import { MJ_PREFIXES, routedPath } from "./mj-compat/path.ts";
import { description } from "./openapi.ts";
import { onError, problem } from "./problem.ts";
import { requestContext } from "./request-context.ts";
import { LINK_ROUTES, ROUTE_GROUPS } from "./route-groups.ts";
import { allowedMethods, type RegisteredRoute, routeNotFound } from "./routes.ts";

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
  const app = new Hono<AppEnv>({ getPath: routedPath });
  app.use(requestContext(deps));
  if (deps.corsOrigins.length > 0) app.use(cors(deps.corsOrigins));
  app.get("/healthz", health);
  app.get("/", (c) => c.json(INDEX));
  app.route("/", description);
  const callers = createCallers(deps, deps.apiKeys);
  // The compat API comes before /v1: it also has paths under /v1, but reads the key and reports errors differently.
  for (const prefix of MJ_PREFIXES) {
    app.all(`${prefix}/*`, async (c) => {
      const arrivedAt = deps.clock.now();
      const { mjCompat } = await import("./mj-compat/routes.ts");
      return mjCompat(c, { prefix, callers, arrivedAt });
    });
  }
  // The secret of a link is no key, so these routes identify their callers themselves.
  for (const { base, routes, load } of LINK_ROUTES) app.route(base, lazyRoutes(load, routes));
  app.use("/v1/*", authenticate(callers));
  for (const { base, routes, isForOperator, load } of ROUTE_GROUPS) {
    if (isForOperator) app.use(`${base}/*`, operatorOnly);
    app.route(base, lazyRoutes(load, routes));
  }
  const routes = [...app.routes];
  for (const [path, methods] of allowedMethods(routes)) {
    app.all(path, (c) => {
      c.header("Allow", methods);
      throw new MjflowError("method_not_allowed", { detail: `${c.req.method} is not allowed here. Use ${methods}.` });
    });
  }
  app.notFound(async (c) => {
    const { MJ_ROUTES } = await import("./mj-compat/routes.ts");
    // Returned, not thrown: an error that is thrown here would skip the middleware above, which sets the headers.
    return problem(c, routeNotFound(c, [...routes, ...MJ_ROUTES.map(mjRoute)]));
  });
  app.onError(onError);
  return app;
}
