/** `/v1/usage`, described. */
import { UsageQuery } from "@mjflow/core/app";
import { Usage } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const usage = {
  tag: "Usage",
  description:
    "What an app has spent, holds and has left, by mjflow's estimate of the vendors' prices. A flow's whole plan is held when it begins, and settled when it has ended.",
  routes: {
    "GET /v1/usage": {
      id: "getUsage",
      summary: "Read what an app has spent",
      query: UsageQuery,
      answers: { 200: { about: "Its usage.", schema: Usage } },
      errors: [...AUTH_ERRORS, "invalid_request", "not_found"],
    },
  },
} as const satisfies RouteGroup;
