/**
 * Types of the route descriptions, and the headers and error codes that many routes share. No function loads these
 * files.
 */
import type { ErrorCode } from "@mjflow/core/error";
import type * as z from "zod/mini";

export type Schema = z.ZodMiniType;

export interface Header {
  name: string;
  about: string;
  /** JSON Schema of the value. */
  schema: Record<string, unknown>;
  required?: boolean;
}

export interface ResponseDescription {
  about: string;
  /** Schema of the JSON body. */
  schema?: Schema;
  /** Content type of a text body. Unset: JSON, or no body if `schema` is unset, too. */
  type?: string;
  headers?: readonly Header[];
  example?: unknown;
}

export interface RouteDescription {
  /** `operationId`, the method name in generated clients. */
  id: string;
  summary: string;
  description?: string;
  /** Which key the route needs; default `app`. `signIn`, `share`: the secret of such a link. */
  key?: "app" | "operator" | "mj" | "signIn" | "share" | "none";
  /** Descriptions of path parameters that differ from those of the group. */
  path?: Readonly<Record<string, string>>;
  /** A strict object whose fields are the query parameters. */
  query?: z.ZodMiniObject;
  headers?: readonly Header[];
  /** The same schema object with which the route validates the body. */
  body?: Schema;
  /** Members of the body that this route uses, if several routes share the schema. Unset: all members. */
  requestSchema?: readonly string[];
  /** The members that are required in this route. */
  needs?: readonly string[];
  /** A valid body, for the curl command. */
  example?: unknown;
  responses: Readonly<Record<number, ResponseDescription>>;
  /** Error codes that the route can return as problem+json, each with its own status. */
  errors: readonly ErrorCode[];
}

/** Method and path as in the router, for example `GET /v1/flows/:id`. */
export type RouteName = `${"GET" | "POST" | "PATCH" | "PUT" | "DELETE"} /${string}`;
export type Routes = Readonly<Record<RouteName, RouteDescription>>;

export interface RouteGroup {
  tag: string;
  description: string;
  routes: Routes;
}

/** Errors that every route with a key can return. */
export const AUTH_ERRORS = [
  "unauthorized",
  "forbidden",
  "overloaded",
  "internal",
] as const satisfies readonly ErrorCode[];
/** Errors that every route with a request body can return. */
export const BODY_ERRORS = [
  "invalid_json",
  "invalid_request",
  "too_large",
  "unsupported_media_type",
] as const satisfies readonly ErrorCode[];
export const IDEMPOTENCY_ERRORS = [
  "idempotency_in_flight",
  "idempotency_mismatch",
] as const satisfies readonly ErrorCode[];

/** Errors of routes that translate prompts. */
export const TRANSLATION_ERRORS = [
  "translation_failed",
  "translation_unavailable",
] as const satisfies readonly ErrorCode[];

export const IDEMPOTENCY_KEY: Header = {
  name: "Idempotency-Key",
  about:
    "Your own key for this request, in visible ASCII characters. If you repeat the request with the same key within 24 hours, you get the same flow or task and never a second one.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
};

export const LOCATION: Header = {
  name: "Location",
  about: "Path of the created resource.",
  schema: { type: "string" },
  required: true,
};

export const REPLAYED: Header = {
  name: "Idempotency-Replayed",
  about: "A request with this key was handled before. The response shows its flow or task in the current state.",
  schema: { type: "string", const: "true" },
};

export const PREFER: Header = {
  name: "Prefer",
  about:
    "`wait=10`: the response waits for a change, for at most 10 seconds. The maximum is 25. Without this header the response comes at once. It also comes at once, with `Preference-Applied: wait=0`, where too many requests are held, and at the address of the API of a deployment: there use the hint.",
  schema: { type: "string" },
};

export const PREFERENCE_APPLIED: Header = {
  name: "Preference-Applied",
  about: "The waiting time that was applied.",
  schema: { type: "string" },
};

export const RETRY_AFTER: Header = {
  name: "Retry-After",
  about: "Seconds after which the next read is likely to show something new. Absent if nothing more will change.",
  schema: { type: "integer", minimum: 1 },
};

export const IF_NONE_MATCH: Header = {
  name: "If-None-Match",
  about: "The `ETag` that you have. If nothing has changed, the response is 304.",
  schema: { type: "string" },
};

export const ETAG: Header = {
  name: "ETag",
  about: "Identifies this version of the resource. It stays the same while nothing changes.",
  schema: { type: "string" },
  required: true,
};

/** Headers of draft-ietf-httpapi-ratelimit-headers-10. They are absent if the app has no limit of new flows. */
export const RATE_LIMIT: readonly Header[] = [
  {
    name: "RateLimit-Policy",
    about: 'Limit of new flows per minute, for example `"flows";q=60;w=60`.',
    schema: { type: "string" },
  },
  {
    name: "RateLimit",
    about: 'Number of new flows that are left, for example `"flows";r=59;t=1`.',
    schema: { type: "string" },
  },
];

/** Headers of a resource that can be read with a condition and a waiting time. */
export const READ_HEADERS: readonly Header[] = [ETAG, PREFERENCE_APPLIED, RETRY_AFTER];
/** Headers of the response to an action, which can wait for its end. */
export const ACTION_HEADERS: readonly Header[] = [LOCATION, PREFERENCE_APPLIED, RETRY_AFTER];
/** The same if the request can have an idempotency key. */
export const KEYED_HEADERS: readonly Header[] = [LOCATION, REPLAYED, PREFERENCE_APPLIED, RETRY_AFTER];
/** The same if the request counts against the limit of new flows. */
export const CREATION_HEADERS: readonly Header[] = [...KEYED_HEADERS, ...RATE_LIMIT];
