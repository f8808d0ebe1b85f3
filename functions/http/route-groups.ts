/** The groups of routes of the API, each with its path, its routes and its code, which is loaded on demand. */
import type { Hono } from "hono";
import type { AppEnv } from "./env.ts";

export interface RouteGroup {
  /** Path in front of the routes. */
  base: string;
  routes: readonly string[];
  /** True: only the operator may use any path under `base`. */
  isForOperator?: true;
  load(): Promise<Hono<AppEnv>>;
}

/** The routes that need no API key: the secret of a link takes its place. */
export const LINK_ROUTES: readonly RouteGroup[] = [
  { base: "/v1", routes: ["POST /sign-in"], load: async () => (await import("./other-routes.ts")).signIn },
  { base: "/v1", routes: ["GET /shared"], load: async () => (await import("./other-routes.ts")).shared },
];

/** The routes that need an API key, and links with a signature. */
export const ROUTE_GROUPS: readonly RouteGroup[] = [
  {
    base: "/v1/flows",
    routes: ["POST /", "GET /", "GET /:id", "DELETE /:id", "POST /:id/cancel", "POST /:id/rerun", "POST /:id/resume"],
    load: async () => (await import("./flow-routes.ts")).flows,
  },
  { base: "/v1/flows", routes: ["GET /:id/events"], load: async () => (await import("./flow-routes.ts")).streams },
  {
    base: "/v1/flows",
    routes: ["POST /:id/shares", "GET /:id/shares", "DELETE /:id/shares/:shareId"],
    load: async () => (await import("./other-routes.ts")).shares,
  },
  {
    base: "/v1/templates",
    routes: ["GET /", "GET /:name", "PUT /:name", "DELETE /:name"],
    load: async () => (await import("./other-routes.ts")).templates,
  },
  {
    base: "/v1/tasks",
    routes: ["GET /:id", "GET /:id/raw", "POST /:id/actions", "POST /:id/modal", "POST /:id/retry"],
    load: async () => (await import("./flow-routes.ts")).tasks,
  },
  {
    base: "/v1/apps",
    routes: [
      "POST /",
      "GET /",
      "GET /:id",
      "PATCH /:id",
      "DELETE /:id",
      "POST /:id/credits",
      "POST /:id/keys",
      "GET /:id/keys",
      "POST /:id/keys/:keyId/rotate",
      "DELETE /:id/keys/:keyId",
    ],
    isForOperator: true,
    load: async () => (await import("./other-routes.ts")).apps,
  },
  {
    base: "/v1/endpoints",
    routes: [
      "POST /",
      "GET /",
      "GET /:id",
      "PATCH /:id",
      "DELETE /:id",
      "POST /:id/rotate",
      "POST /:id/test",
      "POST /:id/replay",
    ],
    load: async () => (await import("./other-routes.ts")).endpoints,
  },
  {
    base: "/v1/deliveries",
    routes: ["GET /", "GET /:id", "POST /:id/replay"],
    load: async () => (await import("./other-routes.ts")).deliveries,
  },
  {
    base: "/v1/replays",
    routes: ["GET /", "GET /:id", "POST /:id/cancel"],
    load: async () => (await import("./other-routes.ts")).replays,
  },
  {
    base: "/v1/providers",
    routes: [
      "GET /",
      "POST /:id/accounts/:name",
      "PATCH /:id/accounts/:name",
      "DELETE /:id/accounts/:name",
      "POST /:id/accounts/:name/test",
    ],
    load: async () => (await import("./other-routes.ts")).providers,
  },
  {
    base: "/v1/banned-words",
    routes: ["GET /", "PUT /"],
    isForOperator: true,
    load: async () => (await import("./other-routes.ts")).bannedWords,
  },
  { base: "/v1/usage", routes: ["GET /"], load: async () => (await import("./other-routes.ts")).usage },
  {
    base: "/v1/dead-letters",
    routes: ["GET /", "POST /:id/redrive", "DELETE /:id"],
    isForOperator: true,
    load: async () => (await import("./other-routes.ts")).deadLetters,
  },
  { base: "/v1/uploads", routes: ["POST /"], load: async () => (await import("./other-routes.ts")).uploads },
  {
    base: "/v1/pictures",
    routes: ["GET /", "PATCH /", "PUT /:id/favorite", "DELETE /:id/favorite"],
    load: async () => (await import("./other-routes.ts")).pictures,
  },
  {
    base: "/v1/folders",
    routes: ["GET /", "POST /", "PATCH /:id", "DELETE /:id"],
    load: async () => (await import("./other-routes.ts")).folders,
  },
  {
    base: "/v1",
    routes: ["GET /queues", "GET /overdue", "GET /unclear", "POST /vault/reseal"],
    load: async () => (await import("./other-routes.ts")).operations,
  },
  {
    base: "/v1",
    routes: ["POST /sessions", "GET /sessions", "DELETE /sessions/:id", "GET /session", "POST /sign-in-links"],
    load: async () => (await import("./other-routes.ts")).sessions,
  },
  { base: "/media", routes: ["GET /:key{.+}"], load: async () => (await import("./other-routes.ts")).media },
  {
    base: "/uploads",
    routes: ["GET /:app/:id/:file"],
    load: async () => (await import("./other-routes.ts")).uploadLinks,
  },
];
