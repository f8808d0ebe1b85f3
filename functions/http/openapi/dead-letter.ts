/** `/v1/dead-letters`, described. */
import { DeadLetter, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const deadLetters = {
  tag: "Dead letters",
  description:
    "For the operator of the stage: queue messages that nobody could read, poisoned or written by newer code. Kept until a person decides.",
  routes: {
    "GET /v1/dead-letters": {
      id: "listDeadLetters",
      summary: "List dead letters",
      description: "At most 100.",
      key: "operator",
      answers: { 200: { about: "Those that are kept.", schema: wholeOf(DeadLetter) } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/dead-letters/:id/redrive": {
      id: "redriveDeadLetter",
      summary: "Send a letter again",
      key: "operator",
      answers: { 200: { about: "The letter.", schema: DeadLetter } },
      errors: [...AUTH_ERRORS, "not_found", "conflict"],
    },
    "DELETE /v1/dead-letters/:id": {
      id: "dropDeadLetter",
      summary: "Let a letter go",
      key: "operator",
      answers: { 200: { about: "The letter, kept as a record.", schema: DeadLetter } },
      errors: [...AUTH_ERRORS, "not_found", "conflict"],
    },
  },
} as const satisfies RouteGroup;
