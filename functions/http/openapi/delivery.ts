/** Descriptions of the routes under `/v1/deliveries`. */
import { DeliveryListQuery } from "@mjflow/core/request";
import { Delivery, DeliveryDetail, pageOf } from "@mjflow/core/response";
import { AUTH_ERRORS, type RouteGroup } from "./route-description.ts";

export const deliveries = {
  tag: "Deliveries",
  description:
    "A delivery is one event for one subscriber, with all its delivery attempts: at most ten in three days. Use it to find out why a webhook did not arrive, and to send it again.",
  routes: {
    "GET /v1/deliveries": {
      id: "listDeliveries",
      summary: "List deliveries",
      description:
        "Returns deliveries by their flows, the newest flow first, and within a flow the newest delivery first. With status `failed` or `pending` it returns the newest delivery first. With `flow` it returns all deliveries of that flow in one page. A page can be short although more pages follow. Progress events are not listed.",
      query: DeliveryListQuery,
      responses: { 200: { about: "A page of deliveries.", schema: pageOf(Delivery) } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
    "GET /v1/deliveries/:id": {
      id: "getDelivery",
      summary: "Get a delivery",
      description:
        "Returns the delivery with the payload that its next attempt would post, for example after a replay.",
      responses: { 200: { about: "The delivery with its payload.", schema: DeliveryDetail } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/deliveries/:id/replay": {
      id: "replayDelivery",
      summary: "Replay a delivery",
      description:
        "Sends the event again with the same `webhook-id`. The delivery attempts start from the first again.",
      responses: { 202: { about: "The delivery.", schema: Delivery } },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state"],
    },
  },
} as const satisfies RouteGroup;
