/** Descriptions of the routes under `/v1/replays`. */
import { Replay, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const replays = {
  tag: "Replays",
  description:
    "A replay is a job that sends many deliveries of one endpoint again. Start it with `POST /v1/endpoints/{id}/replay`. mjflow itself starts one for the parked events of an endpoint that works again. It sends the oldest delivery first and at most 40 a second, and it waits while the receiver fails. It is stored for 30 days.",
  routes: {
    "GET /v1/replays": {
      id: "listReplays",
      summary: "List replays",
      responses: { 200: { about: "The newest 100 replays, the newest first.", schema: wholeOf(Replay) } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/replays/:id": {
      id: "getReplay",
      summary: "Get a replay",
      responses: { 200: { about: "The replay with its counts.", schema: Replay } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/replays/:id/cancel": {
      id: "cancelReplay",
      summary: "Cancel a replay",
      description: "Attempts in progress finish. A replay that has ended stays as it is.",
      responses: { 200: { about: "The replay.", schema: Replay } },
      errors: [...AUTH_ERRORS, "not_found", "write_conflict"],
    },
  },
} as const satisfies RouteGroup;
