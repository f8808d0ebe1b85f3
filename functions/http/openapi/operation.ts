/** `/v1/queues`, `/v1/overdue`, `/v1/unclear` and `/v1/vault/reseal`, described. */
import { PageQuery } from "@mjflow/core/request";
import { Overdue, QueueDepth, Resealed, Unclear, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const operations = {
  tag: "Operations",
  description:
    "For the operator of the stage: what waits, and where. Each answer is a bounded read, whatever the stage holds: ask every half minute if you like.",
  routes: {
    "GET /v1/queues": {
      id: "listQueues",
      summary: "Count what is in the queues",
      description: "About, as the queues count themselves; a minute may pass before a change shows.",
      key: "operator",
      answers: { 200: { about: "All of them, the dead letters last.", schema: wholeOf(QueueDepth) } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/overdue": {
      id: "getOverdue",
      summary: "Count what is overdue",
      description:
        "Tasks whose callback has not come in time, flows and deliveries whose next step is missing. The sweeper takes them up each minute: what is older than that is more than it can do.",
      key: "operator",
      answers: { 200: { about: "How much, and the oldest.", schema: Overdue } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/unclear": {
      id: "listUnclear",
      summary: "List tasks in doubt",
      description:
        "Their submission was left without a clear answer: the vendor may or may not have them. Of all apps, at most 50, those first that are settled first.",
      key: "operator",
      answers: { 200: { about: "Those that were found.", schema: Unclear } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/vault/reseal": {
      id: "resealVault",
      summary: "Seal everything with the vault's newest key",
      description:
        "After a rotation: endpoints' secrets and vendors' keys that were sealed with the previous key are sealed anew, so that it can be taken away. Nobody who verifies webhooks notices. `limit` apps at a time: call again with `nextCursor` until there is none. What is done already is left alone.",
      key: "operator",
      query: PageQuery,
      answers: { 200: { about: "How far it is.", schema: Resealed } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
  },
} as const satisfies RouteGroup;
