/** Descriptions of the routes under `/v1/apps`. */
import { AppPatch, AppRequest, CreditRequest, KeyRequest, RotateRequest } from "@mjflow/core/app-request";
import { PageQuery } from "@mjflow/core/request";
import { App, AppKey, NewAppKey, pageOf, RotatedAppKey, Usage, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

export const apps = {
  tag: "Apps",
  description:
    "For the operator: apps, their limits and credit, and their API keys. An app sees only its own flows. A change of a key takes effect within 30 seconds.",
  routes: {
    "POST /v1/apps": {
      id: "createApp",
      summary: "Create an app",
      key: "operator",
      body: AppRequest,
      example: { name: "shop", limits: { flowsPerMinute: 60, creditsUsd: 25 } },
      responses: { 201: { about: "The app. It has no API key yet.", schema: App, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
    "GET /v1/apps": {
      id: "listApps",
      summary: "List apps",
      key: "operator",
      query: PageQuery,
      responses: { 200: { about: "A page of apps.", schema: pageOf(App) } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
    "GET /v1/apps/:id": {
      id: "getApp",
      summary: "Get an app",
      key: "operator",
      responses: { 200: { about: "The app.", schema: App } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "PATCH /v1/apps/:id": {
      id: "updateApp",
      summary: "Update an app",
      description:
        "Replaces the fields that are sent. `limits` is replaced as a whole; null removes all limits. The API rejects keys of a disabled app. Its running flows continue.",
      key: "operator",
      body: AppPatch,
      example: { disabled: true },
      responses: { 200: { about: "The app.", schema: App } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found"],
    },
    "DELETE /v1/apps/:id": {
      id: "deleteApp",
      summary: "Delete an app",
      description:
        "The API no longer accepts its keys. Running flows continue to their end, and all flows stay stored.",
      key: "operator",
      responses: { 200: { about: "The deleted app.", schema: App } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/apps/:id/credits": {
      id: "addCredit",
      summary: "Add credit",
      description:
        "Adds credit once per `reference`. The same request sent again adds nothing. The same `reference` with a different amount is rejected.",
      key: "operator",
      body: CreditRequest,
      example: { addUsd: 25, reference: "invoice 4711" },
      responses: { 200: { about: "The app's usage and credit after the change.", schema: Usage } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "idempotency_mismatch"],
    },
    "POST /v1/apps/:id/keys": {
      id: "createAppKey",
      summary: "Create an API key",
      description: "Only this response contains the key. An app can have at most 50 active keys.",
      key: "operator",
      body: KeyRequest,
      example: { expiresInS: 7776000 },
      responses: { 201: { about: "The new key.", schema: NewAppKey } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "limit_reached"],
    },
    "GET /v1/apps/:id/keys": {
      id: "listAppKeys",
      summary: "List an app's keys",
      description: "Returns the active keys and the keys that ended recently, newest first.",
      key: "operator",
      responses: { 200: { about: "All keys, without their secret text.", schema: wholeOf(AppKey) } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/apps/:id/keys/:keyId/rotate": {
      id: "rotateAppKey",
      summary: "Rotate an API key",
      description: "Creates a new key. The previous key stays valid for `overlapS` seconds, one day by default.",
      key: "operator",
      body: RotateRequest,
      example: { overlapS: 3600 },
      responses: { 201: { about: "The new key, and the previous key with its end.", schema: RotatedAppKey } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "wrong_state"],
    },
    "DELETE /v1/apps/:id/keys/:keyId": {
      id: "revokeAppKey",
      summary: "Revoke an API key",
      key: "operator",
      responses: { 200: { about: "The revoked key.", schema: AppKey } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
  },
} as const satisfies RouteGroup;
