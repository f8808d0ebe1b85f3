/**
 * Builds the OpenAPI 3.1 document from the schemas that the routes use. `npm run openapi` calls it; no function loads
 * it.
 */
import { isDeepStrictEqual } from "node:util";
import { componentDescriptions } from "@mjflow/core/component";
import { ERRORS, type ErrorCode } from "@mjflow/core/error";
import { Problem } from "@mjflow/core/response";
import { eventDescriptions } from "./descriptions.ts";
import { type EventDescription, events, SIGNATURE_HEADERS } from "./event.ts";
import { GROUPS } from "./group.ts";
import { INTRO, SUMMARY, TITLE, WEBHOOKS } from "./intro.ts";
import { mjRequestDescriptions } from "./mj-descriptions.ts";
import { requestDescriptions } from "./request-descriptions.ts";
import {
  type Header,
  LOCATION,
  RATE_LIMIT,
  REPLAYED,
  type ResponseDescription,
  type RouteDescription,
  type RouteGroup,
  type Schema,
} from "./route-description.ts";
import { type Json, type Schemas, schemasOf } from "./schema.ts";

const SECURITY = {
  app: [{ key: [] }],
  operator: [{ operatorKey: [] }],
  mj: [{ mjApiSecret: [] }, { key: [] }],
  signIn: [{ signInLink: [] }],
  share: [{ shareLink: [] }],
  none: [],
};

// ── headers that many responses share ──────────────────────────────────────────────────────────────────────────────

const REQUEST_ID: Header = {
  name: "X-Request-Id",
  about: "Id of the request, also in mjflow's log.",
  schema: { type: "string", format: "uuid" },
  required: true,
};

const CHALLENGE: Header = {
  name: "WWW-Authenticate",
  about: "The authentication scheme: Bearer.",
  schema: { type: "string" },
  required: true,
};
const RETRY_AFTER: Header = {
  name: "Retry-After",
  about: "Minimum number of seconds to wait.",
  schema: { type: "integer", minimum: 0 },
};
const SHARED: readonly Header[] = [REQUEST_ID, CHALLENGE, RETRY_AFTER, LOCATION, REPLAYED, ...RATE_LIMIT];

/** The tags in the order of the reference. Webhooks come after tasks, because events are about flows and tasks. */
const TAGS = GROUPS.flatMap((group) =>
  group.tag === "Tasks" ? [group, { tag: "Webhooks", description: WEBHOOKS }] : [group],
);

/** Responses, errors and webhooks that the tests have recorded (`npm run docs:examples`). */
export interface Examples {
  /** By `operationId`, or by `operationId` and status, for example `createFlow 207`. */
  responses: Readonly<Record<string, { status: number; body: unknown }>>;
  errors: Readonly<Record<string, { body: unknown }>>;
  events: Readonly<Record<string, unknown>>;
}

/** @param version version of mjflow */
export function openApi(version: string, examples: Examples): Json {
  const described = GROUPS.flatMap(({ routes }) => Object.values(routes));
  const requestSchemas = described.flatMap(({ body, query }) => [body, query].filter((schema) => schema !== undefined));
  const responseSchemas = described.flatMap(({ responses }) =>
    Object.values(responses).flatMap(({ schema }) => schema ?? []),
  );
  const eventSchemas = Object.values(events).map(({ body }) => body);
  const requests = schemasOf("input", [...requestDescriptions, ...mjRequestDescriptions], requestSchemas);
  const responses = schemasOf(
    "output",
    [eventDescriptions, ...componentDescriptions()],
    [...responseSchemas, ...eventSchemas],
  );
  return {
    openapi: "3.1.1",
    info: {
      title: TITLE,
      version,
      summary: SUMMARY,
      description: INTRO,
      contact: { name: "The operator of this server" },
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The server that returned this document." }],
    tags: TAGS.map(({ tag, description }) => ({ name: tag, description: description })),
    paths: pathsOf(GROUPS, requests, responses, examples),
    webhooks: Object.fromEntries(
      Object.entries(events).map(([type, event]) => [
        type,
        { post: webhookOf(type, event, responses, examples.events[type]) },
      ]),
    ),
    components: {
      schemas: merged(requests.components, responses.components),
      responses: problemsOf(GROUPS, responses, examples),
      parameters: Object.fromEntries(sharedHeaders(GROUPS).map((header) => [header.name, headerParameter(header)])),
      headers: Object.fromEntries(SHARED.map((header) => [header.name, headerOf(header)])),
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An API key of an app, `mjk_…`, or the operator key." },
        operatorKey: {
          type: "http",
          scheme: "bearer",
          description: "The operator key. A key of an app gets 403.",
        },
        signInLink: { type: "http", scheme: "bearer", description: "The secret of a sign-in link, `mjl_…`." },
        shareLink: { type: "http", scheme: "bearer", description: "The secret of a share link, `mjv_…`." },
        mjApiSecret: {
          type: "apiKey",
          in: "header",
          name: "mj-api-secret",
          description: "An API key of an app, in the header that midjourney-proxy clients use.",
        },
      },
    },
  };
}

/** @throws Error if a component has different schemas in requests and responses */
function merged(some: Record<string, Json>, others: Record<string, Json>): Record<string, Json> {
  const twice = Object.keys(some).filter((name) => others[name] && !isDeepStrictEqual(some[name], others[name]));
  if (twice.length > 0) throw new Error(`Different schemas in requests and responses: ${twice.join(", ")}.`);
  return { ...some, ...others };
}

/** Converts `GET /v1/flows/:id` to OpenAPI's `/v1/flows/{id}`. */
export function pathOf(route: string): string {
  return route.replace(/^\w+ /, "").replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
}

function pathsOf(groups: readonly RouteGroup[], requests: Schemas, responses: Schemas, examples: Examples): Json {
  const paths: Record<string, Json> = {};
  for (const { tag, routes } of groups) {
    for (const [route, description] of Object.entries(routes)) {
      const path = pathOf(route);
      const method = route.split(" ")[0]!.toLowerCase();
      paths[path] = { ...paths[path], [method]: operationOf(tag, path, description, requests, responses, examples) };
    }
  }
  return paths;
}

function operationOf(
  tag: string,
  path: string,
  route: RouteDescription,
  requests: Schemas,
  responses: Schemas,
  examples: Examples,
): Json {
  const { id, summary, description, key = "app" } = route;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => pathParameter(tag, name!, route)),
    ...(route.query ? queryParameters(requests.of(route.query)) : []),
    ...(route.headers ?? []).map(({ name }) => ({ $ref: `#/components/parameters/${name}` })),
  ];
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description: description }),
    tags: [tag],
    security: SECURITY[key],
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && { requestBody: bodyOf(route.body, route, requests) }),
    responses: Object.fromEntries([
      ...Object.entries(route.responses).map(([status, response]) => [
        status,
        responseOf({ example: exampleOf(route, Number(status), examples), ...response }, responses),
      ]),
      ...byStatus(route.errors).map(([status, codes]) => [status, { $ref: `#/components/responses/${nameOf(codes)}` }]),
    ]),
  };
}

// ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Descriptions of the path parameter `id`, by tag. */
const IDS: Record<string, string> = {
  Flows: "Id of a flow, `flow_…`.",
  Tasks: "Id of a task, `task_…`.",
  Endpoints: "Id of a webhook endpoint, `ep_…`, or `hook`.",
  Deliveries: "Id of a delivery, `dlv_…`.",
  Replays: "Id of a replay, `rpl_…`.",
  Apps: "Id of an app, `app_…`.",
  "Dead letters": "Id of a dead-letter message.",
};

function pathParameter(tag: string, name: string, { path = {} }: RouteDescription): Json {
  const description = path[name] ?? (name === "keyId" ? "Id of an API key, `key_…`." : IDS[tag]);
  if (description === undefined) throw new Error(`The path parameter {${name}} of the tag ${tag} has no description.`);
  return { name, in: "path", required: true, description, schema: { type: "string" } };
}

function queryParameters({ properties, required = [] }: Json): Json[] {
  return Object.entries(properties as Record<string, Json>).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: (required as string[]).includes(name),
    ...(description !== undefined && { description }),
    schema,
  }));
}

/** @throws Error if two different headers have the same name */
function sharedHeaders(groups: readonly RouteGroup[]): Header[] {
  const all = new Set(groups.flatMap(({ routes }) => Object.values(routes).flatMap(({ headers = [] }) => headers)));
  const names = [...all].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`Two different headers have the name ${twice}.`);
  return [...all];
}

function headerParameter({ name, about, schema, required = false }: Header): Json {
  return { name, in: "header", required, description: about, schema };
}

function bodyOf(body: Schema, { requestSchema, needs, example }: RouteDescription, requests: Schemas): Json {
  const whole = requests.of(body);
  const schema = requestSchema || needs ? narrowed(whole, requestSchema, needs) : whole;
  return {
    required: true,
    content: { "application/json": { schema, ...(example !== undefined && { example }) } },
  };
}

/** The part of a shared schema that one route uses. @throws Error if the schema has no such member */
function narrowed(schema: Json, used: readonly string[] | undefined, needs: readonly string[] = []): Json {
  const properties = schema["properties"] as Record<string, Json>;
  const kept = (used ?? Object.keys(properties)).map((name) => {
    if (!properties[name]) throw new Error(`The body has no member ${name}.`);
    return [name, properties[name]];
  });
  const required = [...((schema["required"] as string[] | undefined) ?? []), ...needs];
  return { ...schema, properties: Object.fromEntries(kept), ...(required.length > 0 && { required }) };
}

// ── responses ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A response that was recorded with this status, or with another status of the route and the same schema. */
function exampleOf({ id, responses }: RouteDescription, status: number, examples: Examples): unknown {
  const schema = responses[status]?.schema;
  const recorded = examples.responses[`${id} ${status}`] ?? examples.responses[id];
  return schema && recorded && responses[recorded.status]?.schema === schema ? recorded.body : undefined;
}

function responseOf(
  { about, schema, type = "application/json", headers = [], example }: ResponseDescription,
  responses: Schemas,
): Json {
  const isBodied = schema !== undefined || type !== "application/json" || example !== undefined;
  const shown = {
    schema: schema ? responses.of(schema) : { type: "string" },
    ...(example !== undefined && { example }),
  };
  return {
    description: about,
    headers: headersOf([...headers, REQUEST_ID]),
    ...(isBodied && { content: { [type]: shown } }),
  };
}

function headersOf(headers: readonly Header[]): Json {
  return Object.fromEntries(
    headers.map((header) => [
      header.name,
      SHARED.includes(header) ? { $ref: `#/components/headers/${header.name}` } : headerOf(header),
    ]),
  );
}

function headerOf({ about, schema, required }: Header): Json {
  return { description: about, ...(required && { required }), schema };
}

function byStatus(codes: readonly ErrorCode[]): [string, ErrorCode[]][] {
  const grouped = Map.groupBy([...new Set(codes)].sort(), (code) => String(ERRORS[code].status));
  return [...grouped].sort(([a], [b]) => (a < b ? -1 : 1));
}

function nameOf(codes: readonly ErrorCode[]): string {
  return codes.join("-or-");
}

/** One response component for each set of codes that share a status in some route. */
function problemsOf(groups: readonly RouteGroup[], responses: Schemas, examples: Examples): Json {
  const sets = groups.flatMap(({ routes }) => Object.values(routes).flatMap(({ errors }) => byStatus(errors)));
  const named = [...new Map(sets.map(([, codes]) => [nameOf(codes), codes]))].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(named.map(([name, codes]) => [name, problemOf(codes, responses, examples)]));
}

function problemOf(codes: readonly ErrorCode[], responses: Schemas, { errors }: Examples): Json {
  const headers = codes.flatMap(headersOfProblem);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}. ${ERRORS[code].advice}`).join("\n\n"),
    headers: headersOf([...headers, REQUEST_ID]),
    content: {
      "application/problem+json": {
        schema: { ...responses.of(Problem), properties: { code: { enum: codes } } },
        examples: Object.fromEntries(codes.map((code) => [code, { value: errors[code]?.body }])),
      },
    },
  };
}

function headersOfProblem(code: ErrorCode): readonly Header[] {
  if (code === "unauthorized") return [CHALLENGE];
  if (code === "rate_limited") return [RETRY_AFTER, ...RATE_LIMIT];
  return typeof ERRORS[code].retry === "object" ? [RETRY_AFTER] : [];
}

// ── webhooks ───────────────────────────────────────────────────────────────────────────────────────────────────────

function webhookOf(
  type: string,
  { summary, about, body, signed }: EventDescription,
  responses: Schemas,
  example: unknown,
): Json {
  const schema = signed ? { ...responses.of(body), properties: { type: { const: type } } } : responses.of(body);
  return {
    operationId: `on-${type.replace(".", "-")}`,
    summary,
    description: about,
    tags: ["Webhooks"],
    security: [],
    ...(signed && { parameters: SIGNATURE_HEADERS.map(headerParameter) }),
    requestBody: { required: true, content: { "application/json": { schema, example } } },
    responses: {
      "2XX": { description: "Received. The event is not sent again." },
      410: { description: "The endpoint wants no more events. mjflow disables it." },
      default: {
        description:
          "Not received. mjflow sends the event again, after the time in `Retry-After` if it is set, at most a day later.",
      },
    },
  };
}
