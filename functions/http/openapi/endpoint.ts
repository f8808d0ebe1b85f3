/** `/v1/endpoints`, described. */
import { EndpointPatch, EndpointRequest, ReplayRequest, RotateRequest } from "@mjflow/core/request";
import { Endpoint, NewEndpoint, Probe, Replayed, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

export const endpoints = {
  tag: "Endpoints",
  description:
    "Addresses of yours that hear of events. Every post is signed by Standard Webhooks; see Webhooks for how to check that. `hook` is always there: it signs the posts to the flows' own `notifyHook`, and has no address.",
  routes: {
    "POST /v1/endpoints": {
      id: "createEndpoint",
      summary: "Register an address",
      description: "The answer is the only one, but for a rotation's, that holds the secret. At most 20 for each app.",
      body: EndpointRequest,
      example: { url: "https://example.com/hooks/mjflow", events: ["task.completed", "flow.completed"] },
      answers: { 201: { about: "The endpoint, and its secret.", schema: NewEndpoint, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "conflict"],
    },
    "GET /v1/endpoints": {
      id: "listEndpoints",
      summary: "List endpoints",
      answers: { 200: { about: "All of them.", schema: wholeOf(Endpoint) } },
      errors: AUTH_ERRORS,
    },
    "GET /v1/endpoints/:id": {
      id: "getEndpoint",
      summary: "Read an endpoint",
      answers: { 200: { about: "The endpoint, without its secret.", schema: Endpoint } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "PATCH /v1/endpoints/:id": {
      id: "updateEndpoint",
      summary: "Change an endpoint",
      description:
        "What is named is changed; null sets back to the default. `enabled: true` lets one that was switched off start afresh.",
      body: EndpointPatch,
      example: { enabled: true },
      answers: { 200: { about: "The endpoint.", schema: Endpoint } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "conflict"],
    },
    "DELETE /v1/endpoints/:id": {
      id: "deleteEndpoint",
      summary: "Remove an endpoint",
      answers: { 204: { about: "It is gone." } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/endpoints/:id/rotate": {
      id: "rotateEndpointSecret",
      summary: "Give an endpoint a new secret",
      description: "The one before goes on signing, beside the new one, for `overlapS` seconds.",
      body: RotateRequest,
      example: { overlapS: 3600 },
      answers: { 200: { about: "The endpoint, and its new secret.", schema: NewEndpoint } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "conflict"],
    },
    "POST /v1/endpoints/:id/test": {
      id: "testEndpoint",
      summary: "Try an endpoint out",
      description:
        "Posts an event of type `endpoint.test`, signed, once. It is no delivery: it is not listed and not tried again.",
      answers: { 200: { about: "What came of it.", schema: Probe } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/endpoints/:id/replay": {
      id: "replayEndpoint",
      summary: "Send an endpoint's events once more",
      description: "Those that failed, or all, within a time, under the ids they had. At most 200 in one call.",
      body: ReplayRequest,
      example: { since: "2026-11-21T00:00:00Z", only: "failed" },
      answers: { 202: { about: "How many are on their way.", schema: Replayed } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found"],
    },
  },
} as const satisfies RouteGroup;
