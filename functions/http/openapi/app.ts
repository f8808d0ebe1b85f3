/** `/v1/apps`, described. */
import { AppPatch, AppRequest, CreditRequest, KeyRequest, RotateRequest } from "@mjflow/core/app";
import { PageQuery } from "@mjflow/core/request";
import { App, AppKey, NewAppKey, pageOf, RotatedAppKey, Usage, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, LOCATION, type RouteGroup } from "./route-description.ts";

export const apps = {
  tag: "Apps",
  description:
    "For the operator of the stage: apps, what they may spend, and their keys. An app sees its own flows and nothing of another's. A change of a key takes effect within 30 seconds.",
  routes: {
    "POST /v1/apps": {
      id: "createApp",
      summary: "Add an app",
      key: "operator",
      body: AppRequest,
      example: { name: "shop", limits: { flowsPerMinute: 60, creditsUsd: 25 } },
      answers: { 201: { about: "The app; it has no key yet.", schema: App, headers: [LOCATION] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
    "GET /v1/apps": {
      id: "listApps",
      summary: "List apps",
      key: "operator",
      query: PageQuery,
      answers: { 200: { about: "A page of apps.", schema: pageOf(App) } },
      errors: [...AUTH_ERRORS, "invalid_request"],
    },
    "GET /v1/apps/:id": {
      id: "getApp",
      summary: "Read an app",
      key: "operator",
      answers: { 200: { about: "The app.", schema: App } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "PATCH /v1/apps/:id": {
      id: "updateApp",
      summary: "Change an app",
      description:
        "What is named is replaced, `limits` as a whole; null lifts them all. A disabled app's keys open nothing; its flows run on.",
      key: "operator",
      body: AppPatch,
      example: { disabled: true },
      answers: { 200: { about: "The app.", schema: App } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found"],
    },
    "DELETE /v1/apps/:id": {
      id: "deleteApp",
      summary: "Remove an app",
      description: "Its keys open nothing any more; what it has running runs to its end, and its flows are kept.",
      key: "operator",
      answers: { 200: { about: "The app as it was removed.", schema: App } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/apps/:id/credits": {
      id: "addCredit",
      summary: "Give an app credit",
      description: "Once for each `reference`: sent again it is taken once, with another amount it is refused.",
      key: "operator",
      body: CreditRequest,
      example: { addUsd: 25, reference: "invoice 4711" },
      answers: { 200: { about: "What it has now.", schema: Usage } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "idempotency_mismatch"],
    },
    "POST /v1/apps/:id/keys": {
      id: "createAppKey",
      summary: "Make a key",
      description: "The answer is the only one that ever holds it. At most 50 live keys for each app.",
      key: "operator",
      body: KeyRequest,
      example: { expiresInS: 7776000 },
      answers: { 201: { about: "The key.", schema: NewAppKey } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "conflict"],
    },
    "GET /v1/apps/:id/keys": {
      id: "listAppKeys",
      summary: "List an app's keys",
      description: "Those that open doors, and those that ended lately; newest first.",
      key: "operator",
      answers: { 200: { about: "All of them, without what is secret.", schema: wholeOf(AppKey) } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
    "POST /v1/apps/:id/keys/:keyId/rotate": {
      id: "rotateAppKey",
      summary: "Replace a key",
      description: "The one before stays valid for `overlapS` seconds, a day unless you say otherwise.",
      key: "operator",
      body: RotateRequest,
      example: { overlapS: 3600 },
      answers: { 201: { about: "The new key, and when the one before ends.", schema: RotatedAppKey } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS, "not_found", "conflict"],
    },
    "DELETE /v1/apps/:id/keys/:keyId": {
      id: "revokeAppKey",
      summary: "Revoke a key",
      key: "operator",
      answers: { 200: { about: "The key as it was revoked.", schema: AppKey } },
      errors: [...AUTH_ERRORS, "not_found"],
    },
  },
} as const satisfies RouteGroup;
