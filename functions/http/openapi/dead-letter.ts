/** Descriptions of the routes under `/v1/dead-letters`. */
import { DeadLetter, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const deadLetters = {
  tag: "Dead letters",
  description:
    "For the operator: queue messages that mjflow could not parse, because they are damaged or were written by a newer version. They are stored until the operator redrives or discards them.",
  routes: {
    "GET /v1/dead-letters": {
      id: "listDeadLetters",
      summary: "List dead letters",
      description: "Returns at most 100 messages.",
      key: "operator",
      responses: { 200: { about: "The messages that wait for a decision.", schema: wholeOf(DeadLetter) } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/dead-letters/:id/redrive": {
      id: "redriveDeadLetter",
      summary: "Redrive a dead-letter message",
      key: "operator",
      responses: { 200: { about: "The message, which was sent to its queue again.", schema: DeadLetter } },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state", "write_conflict"],
    },
    "DELETE /v1/dead-letters/:id": {
      id: "dropDeadLetter",
      summary: "Discard a dead-letter message",
      key: "operator",
      responses: { 200: { about: "The message, which stays stored as a record.", schema: DeadLetter } },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state", "write_conflict"],
    },
  },
} as const satisfies RouteGroup;
