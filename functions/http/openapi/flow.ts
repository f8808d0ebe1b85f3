/** `/v1/flows`, described. */

import { FlowListQuery, FlowRequest } from "@mjflow/core/request";
import { Flow, FlowSummary, pageOf } from "@mjflow/core/response";
import {
  AUTH_ERRORS,
  BODY_ERRORS,
  ETAG,
  type Header,
  IDEMPOTENCY_ERRORS,
  IDEMPOTENCY_KEY,
  IF_NONE_MATCH,
  LOCATION,
  PREFER,
  PREFERENCE_APPLIED,
  RATE_LIMIT,
  REPLAYED,
  type RouteGroup,
} from "./route-description.ts";

const LAST_EVENT_ID: Header = {
  name: "Last-Event-ID",
  about: "The id of the last event you have; browsers send it by themselves. What happened since is told.",
  schema: { type: "string" },
};

export const flows = {
  tag: "Flows",
  description:
    "A flow is a plan, sent once: a first picture, and what to press on it, to any depth. It runs on the vendor's callbacks; you hear of it by webhook, by stream, or by reading it.",
  routes: {
    "POST /v1/flows": {
      id: "createFlow",
      summary: "Send a plan",
      description:
        "Stored before it is answered: once you have the 202 the flow runs to its end, whatever happens to either side. Send an `Idempotency-Key` if you may have to ask again.",
      headers: [IDEMPOTENCY_KEY, PREFER],
      body: FlowRequest,
      example: {
        provider: "simulator",
        prompt: "a paper boat on calm water",
        state: "order 7",
        then: [{ press: ["U1", "U2"], then: [{ press: "zoom:2" }] }],
      },
      answers: {
        202: {
          about: "The flow as it now stands.",
          schema: Flow,
          headers: [LOCATION, REPLAYED, PREFERENCE_APPLIED, ...RATE_LIMIT],
        },
        200: {
          about: "The flow, ended: within the time you preferred to wait, or before you asked again.",
          schema: Flow,
          headers: [LOCATION, REPLAYED, PREFERENCE_APPLIED, ...RATE_LIMIT],
        },
      },
      errors: [
        ...AUTH_ERRORS,
        ...BODY_ERRORS,
        ...IDEMPOTENCY_ERRORS,
        "banned_prompt",
        "out_of_credit",
        "rate_limited",
        "too_many_flows",
      ],
    },
    "GET /v1/flows": {
      id: "listFlows",
      summary: "List flows",
      description:
        "Newest first, without their tasks. With filters a page may be short, or empty, and still have a `nextCursor`: one call looks at 500 flows and no more.",
      query: FlowListQuery,
      answers: { 200: { about: "A page of flows.", schema: pageOf(FlowSummary) } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
    "GET /v1/flows/:id": {
      id: "getFlow",
      summary: "Read a flow",
      description:
        "With every task of its lineage as far as it is, parents before children. With `Prefer: wait` the answer comes when it differs from what `If-None-Match` names, when the flow has ended, or when the time is over.",
      headers: [IF_NONE_MATCH, PREFER],
      answers: {
        200: { about: "The flow.", schema: Flow, headers: [ETAG, PREFERENCE_APPLIED] },
        304: { about: "What you have is all there is.", headers: [ETAG, PREFERENCE_APPLIED] },
      },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/flows/:id/cancel": {
      id: "cancelFlow",
      summary: "Call a flow off",
      description:
        "Nothing more of it is submitted: what waits ends as `CANCEL`, what would have followed is not begun. What the vendor has runs to its end, is paid for, and is kept. Asked twice it is called off once.",
      headers: [PREFER],
      answers: {
        200: { about: "The flow, ended.", schema: Flow, headers: [LOCATION, PREFERENCE_APPLIED] },
        202: { about: "The flow; something still runs.", schema: Flow, headers: [LOCATION, PREFERENCE_APPLIED] },
      },
      errors: [...AUTH_ERRORS, "not_found", "conflict"],
    },
    "POST /v1/flows/:id/resume": {
      id: "resumeFlow",
      summary: "Go on with a flow",
      description:
        "One that was called off, or had failures: what did not succeed is tried again, each task beside itself (`retryOf`), but for what could only fail again, as a banned prompt or a button that is not there. It is paid for as new work.",
      headers: [PREFER],
      answers: {
        202: { about: "The flow, running again.", schema: Flow, headers: [LOCATION, PREFERENCE_APPLIED] },
        200: { about: "The flow, ended again.", schema: Flow, headers: [LOCATION, PREFERENCE_APPLIED] },
      },
      errors: [...AUTH_ERRORS, "not_found", "conflict", "out_of_credit"],
    },
    "GET /v1/flows/:id/events": {
      id: "streamFlow",
      summary: "Follow a flow as it happens",
      description:
        "Server-sent events. Each has an `id` for `Last-Event-ID`, an `event`, which is the event's type, and as `data` the JSON that a webhook has as its body. Comment lines are signs of life. The stream ends after `flow.completed` or `flow.failed`, and before that whenever the function's time is up: come back with the last `id`. Each event is told at least once.",
      headers: [LAST_EVENT_ID],
      answers: {
        200: {
          about: "What has happened, then what happens, as it does.",
          type: "text/event-stream",
          headers: [{ name: "X-Accel-Buffering", about: "Asks proxies not to gather it.", schema: { const: "no" } }],
          example:
            'retry: 1000\n\nid: evt_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0_completed\nevent: task.completed\ndata: {"type":"task.completed","timestamp":"2026-11-21T10:00:42.000Z","data":{…}}\n\n',
        },
      },
      errors: [...AUTH_ERRORS, "not_found"],
    },
  },
} as const satisfies RouteGroup;
