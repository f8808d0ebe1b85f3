/** Descriptions of the routes under `/v1/endpoints`. */
import { EndpointPatch, EndpointRequest, ReplayRequest, RotateRequest } from "@mjflow/core/request";
import { Endpoint, NewEndpoint, Replay, TestEventResult, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

export const endpoints = {
  tag: "Endpoints",
  description:
    "Webhook endpoints: your URLs that receive events. Every webhook is signed as Standard Webhooks defines; Webhooks describes how to verify it. The endpoint `hook` always exists. It signs the webhooks to the `notifyHook` of flows and has no URL of its own.",
  routes: {
    "POST /v1/endpoints": {
      id: "createEndpoint",
      summary: "Create a webhook endpoint",
      description:
        "With scheme `v1` the response contains the signing secret, which is not shown again. An app can have at most 20 endpoints.",
      body: EndpointRequest,
      example: { url: "https://example.com/hooks/mjflow", events: ["task.completed", "flow.completed"] },
      responses: { 201: { about: "The endpoint and its signing secret.", schema: NewEndpoint, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "limit_reached"],
    },
    "GET /v1/endpoints": {
      id: "listEndpoints",
      summary: "List webhook endpoints",
      responses: { 200: { about: "All endpoints.", schema: wholeOf(Endpoint) } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/endpoints/:id": {
      id: "getEndpoint",
      summary: "Get a webhook endpoint",
      responses: { 200: { about: "The endpoint, without its secret.", schema: Endpoint } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "PATCH /v1/endpoints/:id": {
      id: "updateEndpoint",
      summary: "Update a webhook endpoint",
      description:
        "Changes the fields that are sent; null restores the default. `enabled: true` enables a disabled endpoint again, and its earlier failures no longer count.",
      body: EndpointPatch,
      example: { enabled: true },
      responses: { 200: { about: "The endpoint.", schema: Endpoint } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "write_conflict"],
    },
    "DELETE /v1/endpoints/:id": {
      id: "deleteEndpoint",
      summary: "Delete a webhook endpoint",
      responses: { 204: { about: "The endpoint is deleted." } },
      errors: [...AUTH_ERRORS, "not_found", "write_conflict"],
    },
    "POST /v1/endpoints/:id/rotate": {
      id: "rotateEndpointSecret",
      summary: "Rotate the signing secret",
      description:
        "Creates a new signing secret. For `overlapS` seconds webhooks are signed with both the new and the previous secret.",
      body: RotateRequest,
      example: { overlapS: 3600 },
      responses: { 200: { about: "The endpoint and its new signing secret.", schema: NewEndpoint } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "write_conflict"],
    },
    "POST /v1/endpoints/:id/test": {
      id: "testEndpoint",
      summary: "Send a test event",
      description:
        "Sends one signed event of type `endpoint.test`, also to a disabled endpoint. It is not listed as a delivery and not repeated.",
      responses: { 200: { about: "The result of the test event.", schema: TestEventResult } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/endpoints/:id/replay": {
      id: "replayEndpoint",
      summary: "Replay deliveries of an endpoint",
      description:
        "Starts a job that sends the failed deliveries or all deliveries of a time range again, the oldest first, with the same `webhook-id`. `GET /v1/replays/{id}` returns its counts. An app can have five running replays.",
      body: ReplayRequest,
      example: { since: "2026-11-21T00:00:00Z", only: "failed" },
      responses: { 202: { about: "The replay.", schema: Replay, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "wrong_state", "limit_reached"],
    },
  },
} as const satisfies RouteGroup;
