/** `/v1/deliveries`, described. */
import { DeliveryListQuery } from "@mjflow/core/request";
import { Delivery, pageOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const deliveries = {
  tag: "Deliveries",
  description:
    "One event on its way to one listener, try by try: ten tries over three days. For looking up why you were told nothing, and for being told again.",
  routes: {
    "GET /v1/deliveries": {
      id: "listDeliveries",
      summary: "List deliveries",
      description:
        "Newest first. With `flow` all of that flow's at once. Filtered by `status` a page may be short, and more may follow.",
      query: DeliveryListQuery,
      answers: { 200: { about: "A page of deliveries.", schema: pageOf(Delivery) } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
    "GET /v1/deliveries/:id": {
      id: "getDelivery",
      summary: "Read a delivery",
      answers: { 200: { about: "The delivery.", schema: Delivery } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/deliveries/:id/replay": {
      id: "replayDelivery",
      summary: "Send an event once more",
      description: "Under the id it had, from the first try on.",
      answers: { 202: { about: "The delivery.", schema: Delivery } },
      errors: [...AUTH_ERRORS, "not_found", "conflict"],
    },
  },
} as const satisfies RouteGroup;
