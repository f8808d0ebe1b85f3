/** Descriptions of the routes under `/v1/flows`. */

import { CreateRequest, FlowListQuery, RerunRequest } from "@mjflow/core/request";
import { Flow, FlowBatch, FlowListEntry, pageOf } from "@mjflow/core/response";
import {
  ACTION_HEADERS,
  AUTH_ERRORS,
  BODY_ERRORS,
  CREATION_HEADERS,
  type Header,
  IDEMPOTENCY_ERRORS,
  IDEMPOTENCY_KEY,
  IF_NONE_MATCH,
  PREFER,
  RATE_LIMIT,
  READ_HEADERS,
  REPLAYED,
  RETRY_AFTER,
  type RouteGroup,
  TRANSLATION_ERRORS,
} from "./route-description.ts";

const LAST_EVENT_ID: Header = {
  name: "Last-Event-ID",
  about:
    "Id of the last event that you received. The stream continues after it. Browsers send this header automatically when they reconnect.",
  schema: { type: "string" },
};

const CREATION_ERRORS = [
  ...AUTH_ERRORS,
  ...BODY_ERRORS,
  ...IDEMPOTENCY_ERRORS,
  ...TRANSLATION_ERRORS,
  "not_found",
  "banned_prompt",
  "image_rejected",
  "press_unsupported",
  "out_of_credit",
  "rate_limited",
  "too_many_flows",
] as const;

export const flows = {
  tag: "Flows",
  description:
    "A flow is one request: a first image, and a plan of the buttons to press on the results, to any depth. The vendor's callbacks drive it. You follow it by webhook, by stream or by reading it.",
  routes: {
    "POST /v1/flows": {
      id: "createFlow",
      summary: "Create a flow",
      description:
        'The flow is stored before the response. After a 202 it runs to its end, even if your app or mjflow is interrupted. Send an `Idempotency-Key` if you may have to repeat the request. With `batch` or `permutations: "expand"` the request creates several flows: see the response 207. A flow of a batch that cannot be created stops no other one. If you repeat a batch with its key, you get the same flows, and mjflow tries again to create the missing ones.',
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: CreateRequest,
      example: {
        provider: "simulator",
        prompt: "a paper boat on calm water",
        state: "order 7",
        then: [{ press: ["U1", "U2"], then: [{ press: "zoom:2" }] }],
      },
      responses: {
        202: { about: "The flow in its current state.", schema: Flow, headers: CREATION_HEADERS },
        200: {
          about: "The flow has ended: within the waiting time of `Prefer`, or before you repeated the request.",
          schema: Flow,
          headers: CREATION_HEADERS,
        },
        207: {
          about: "The result of each flow of a batch, or of each permutation. Some or all can have failed.",
          schema: FlowBatch,
          headers: [REPLAYED, RETRY_AFTER, ...RATE_LIMIT],
        },
      },
      errors: CREATION_ERRORS,
    },
    "GET /v1/flows": {
      id: "listFlows",
      summary: "List flows",
      description:
        "Returns flows without their tasks, newest first. With filters a page can be short or empty and still have a `nextCursor`, because one call checks at most 500 flows.",
      query: FlowListQuery,
      responses: { 200: { about: "A page of flows.", schema: pageOf(FlowListEntry) } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
    "GET /v1/flows/:id": {
      id: "getFlow",
      summary: "Get a flow",
      description:
        "Returns the flow with all its tasks, parents before children. With `Prefer: wait` the response comes when the flow differs from the `ETag` in `If-None-Match`, when the flow has ended, or when the waiting time is over.",
      headers: [IF_NONE_MATCH, PREFER],
      responses: {
        200: { about: "The flow.", schema: Flow, headers: READ_HEADERS },
        304: { about: "The flow has not changed.", headers: READ_HEADERS },
      },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "DELETE /v1/flows/:id": {
      id: "deleteFlow",
      summary: "Delete a flow",
      description:
        "Deletes an ended flow with its tasks, deliveries, input images and archived images. Links to its archived images stop to work. A running flow gets `wrong_state`: cancel it, and delete it when its submitted tasks have ended. What was paid stays in the usage. Events that were not delivered yet are not sent. A second request changes nothing.",
      responses: { 204: { about: "The flow is deleted." } },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state", "write_conflict"],
    },
    "POST /v1/flows/:id/cancel": {
      id: "cancelFlow",
      summary: "Cancel a flow",
      description:
        "mjflow submits no more tasks of the flow. Waiting tasks end as `CANCEL`, and follow-ups are not created. Tasks that the vendor already has finish, are charged and keep their results. A second request changes nothing.",
      headers: [PREFER],
      responses: {
        200: { about: "The flow has ended.", schema: Flow, headers: ACTION_HEADERS },
        202: { about: "The flow is canceled. Some tasks still run.", schema: Flow, headers: ACTION_HEADERS },
      },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state"],
    },
    "POST /v1/flows/:id/resume": {
      id: "resumeFlow",
      summary: "Resume a flow",
      description:
        "Resumes a canceled flow and retries its failed tasks. Each retry is a new task with `retryOf`. Tasks that cannot succeed, for example with a banned prompt or a missing button, are not retried. Retries are charged like new tasks.",
      headers: [PREFER],
      responses: {
        202: { about: "The flow runs again.", schema: Flow, headers: ACTION_HEADERS },
        200: { about: "The flow has ended again.", schema: Flow, headers: ACTION_HEADERS },
      },
      errors: [...AUTH_ERRORS, "not_found", "wrong_state", "out_of_credit", "too_many_presses"],
    },
    "POST /v1/flows/:id/rerun": {
      id: "rerunFlow",
      summary: "Create a flow from the request of another one",
      description:
        "Creates a new flow from the request of this flow, with its images and its plan. The body has the fields of a flow that change; null removes a field. `{}` changes nothing. The new flow is charged like any other and has `rerunOf`. It has the plan that this flow has, also if its template was changed since.",
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: RerunRequest,
      example: { prompt: "the same boat at night", mode: null },
      responses: {
        202: { about: "The new flow in its current state.", schema: Flow, headers: CREATION_HEADERS },
        200: {
          about: "The new flow has ended: within the waiting time of `Prefer`, or before you repeated the request.",
          schema: Flow,
          headers: CREATION_HEADERS,
        },
      },
      errors: [...CREATION_ERRORS, "wrong_state"],
    },
    "GET /v1/flows/:id/events": {
      id: "streamFlow",
      summary: "Stream the events of a flow",
      description:
        "Server-sent events. Open the `eventsUrl` of the flow: a deployment may serve streams at another address, and then this path responds `no_stream_here`. `id` is the value for `Last-Event-ID`, `event` is the type of the event, and `data` is the same JSON as in the body of a webhook. Comment lines keep the connection open. The stream ends after `flow.completed` or `flow.failed`. It also ends when the function's time is over: reconnect with the last `id`. Each event is sent at least once. If the last `id` is that of the flow's end, the response is 204, and an `EventSource` does not reconnect.",
      headers: [LAST_EVENT_ID],
      responses: {
        200: {
          about: "The past events of the flow, then each new event when it happens.",
          type: "text/event-stream",
          headers: [
            { name: "X-Accel-Buffering", about: "Asks proxies not to buffer the stream.", schema: { const: "no" } },
          ],
          example:
            'retry: 1000\n\nid: evt_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0_completed\nevent: task.completed\ndata: {"type":"task.completed","timestamp":"2026-11-21T10:00:42.000Z","data":{…}}\n\n',
        },
        204: { about: "The flow has ended, and `Last-Event-ID` is the id of its end. There are no more events." },
      },
      errors: [...AUTH_ERRORS, "not_found", "no_stream_here", "too_many_streams"],
    },
  },
} as const satisfies RouteGroup;
