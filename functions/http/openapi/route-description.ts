/** What a route's description is made of: data, beside the route it speaks of, and in no function's way. */
import type { ErrorCode } from "@mjflow/core/error";
import type * as z from "zod/mini";

export type Schema = z.ZodMiniType;

export interface Header {
  name: string;
  about: string;
  /** JSON Schema. */
  schema: Record<string, unknown>;
  required?: boolean;
}

export interface ResponseDescription {
  about: string;
  /** Of a JSON body. */
  schema?: Schema;
  /** Another content type; the body is then text. */
  type?: string;
  headers?: readonly Header[];
  example?: unknown;
}

export interface RouteDescription {
  /** The operation's name for generated clients. */
  id: string;
  summary: string;
  description?: string;
  /** By key: default the caller's own. */
  key?: "app" | "operator" | "mj" | "none";
  /** Path parameters, where the group does not say. */
  path?: Readonly<Record<string, string>>;
  /** A strict object: its fields are the parameters. */
  query?: z.ZodMiniObject;
  headers?: readonly Header[];
  /** The very schema that the route validates with. */
  body?: Schema;
  /** Members of the body that this route asks for, where its schema is shared by several. */
  requestSchema?: readonly string[];
  /** Those of them that it cannot do without. */
  needs?: readonly string[];
  /** A body that the route takes, for the curl line. */
  example?: unknown;
  answers: Readonly<Record<number, ResponseDescription>>;
  /** Answered as problem+json, each under its own status. */
  errors: readonly ErrorCode[];
}

/** `GET /v1/flows/:id`, the address as the router has it. */
export type RouteName = `${"GET" | "POST" | "PATCH" | "PUT" | "DELETE"} /${string}`;
export type Routes = Readonly<Record<RouteName, RouteDescription>>;

export interface RouteGroup {
  tag: string;
  description: string;
  routes: Routes;
}

/** What any route behind a key may answer. */
export const AUTH_ERRORS = [
  "unauthorized",
  "forbidden",
  "overloaded",
  "internal",
] as const satisfies readonly ErrorCode[];
/** What any route that reads a body may answer. */
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

export const IDEMPOTENCY_KEY: Header = {
  name: "Idempotency-Key",
  about:
    "Your name for this request, in visible ASCII characters. Sent again under the same key within 24 hours it is the same flow or task, never a second one.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
};

export const LOCATION: Header = {
  name: "Location",
  about: "Where what was made is read.",
  schema: { type: "string" },
  required: true,
};

export const REPLAYED: Header = {
  name: "Idempotency-Replayed",
  about: "The request had come before under this key: what it made is shown as it now stands.",
  schema: { type: "string", const: "true" },
};

export const PREFER: Header = {
  name: "Prefer",
  about:
    "`wait=10`: answer when there is something new to say, or after so many seconds, at most 25. Without it the answer comes at once.",
  schema: { type: "string" },
};

export const PREFERENCE_APPLIED: Header = {
  name: "Preference-Applied",
  about: "How long the answer could have waited.",
  schema: { type: "string" },
};

export const IF_NONE_MATCH: Header = {
  name: "If-None-Match",
  about: "The `ETag` of what you have: while that is all there is, the answer is a 304.",
  schema: { type: "string" },
};

export const ETAG: Header = {
  name: "ETag",
  about: "Names what is shown; the same while nothing has changed.",
  schema: { type: "string" },
  required: true,
};

/** draft-ietf-httpapi-ratelimit-headers-10; absent for an app without such a limit. */
export const RATE_LIMIT: readonly Header[] = [
  { name: "RateLimit-Policy", about: 'New flows a minute, as `"flows";q=60;w=60`.', schema: { type: "string" } },
  { name: "RateLimit", about: 'What is left of them, as `"flows";r=59;t=1`.', schema: { type: "string" } },
];
