/** Description of `/v1/usage`. */
import { UsageQuery } from "@mjflow/core/app-request";
import { Usage } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const usage = {
  tag: "Usage",
  description:
    "The usage and credit of an app, by mjflow's estimate of the vendors' prices. When a flow starts, mjflow holds credit for its whole plan. When the flow has ended, it settles the hold: the cost is spent and the rest is refunded.",
  routes: {
    "GET /v1/usage": {
      id: "getUsage",
      summary: "Get the usage of an app",
      query: UsageQuery,
      responses: { 200: { about: "Usage and credit of the app.", schema: Usage } },
      errors: [...AUTH_ERRORS, "invalid_request", "not_found"],
    },
  },
} as const satisfies RouteGroup;
