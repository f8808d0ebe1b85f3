/** The API's description as OpenAPI 3.1, from the schemas that the routes use. Made by `npm run openapi`, not by a function. */
import { isDeepStrictEqual } from "node:util";
import { ERRORS, type ErrorCode } from "@mjflow/core/error";
import { Problem } from "@mjflow/core/response";
import { type EventDescription, events, SIGNATURE_HEADERS } from "./event.ts";
import { GROUPS } from "./group.ts";
import { INTRO, SUMMARY, TITLE, WEBHOOKS } from "./intro.ts";
import { mjRequestDescriptions, mjResponseDescriptions } from "./mj-descriptions.ts";
import { requestDescriptions } from "./request-descriptions.ts";
import { responseDescriptions } from "./response-descriptions.ts";
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
  none: [],
};

/** What many answers have is written once. */
const REQUEST_ID: Header = {
  name: "X-Request-Id",
  about: "Names this answer in mjflow's log.",
  schema: { type: "string", format: "uuid" },
  required: true,
};

const CHALLENGE: Header = {
  name: "WWW-Authenticate",
  about: "How to show a key.",
  schema: { type: "string" },
  required: true,
};
const RETRY_AFTER: Header = {
  name: "Retry-After",
  about: "Seconds to wait, at least.",
  schema: { type: "integer", minimum: 0 },
};
const SHARED: readonly Header[] = [REQUEST_ID, CHALLENGE, RETRY_AFTER, LOCATION, REPLAYED, ...RATE_LIMIT];

/** What is told comes after what it is told of. */
const TAGS = GROUPS.flatMap((group) =>
  group.tag === "Tasks" ? [group, { tag: "Webhooks", description: WEBHOOKS }] : [group],
);

/** @param version of mjflow */
export function openApi(version: string): Json {
  const described = GROUPS.flatMap(({ routes }) => Object.values(routes));
  const asked = described.flatMap(({ body, query }) => [body, query].filter((schema) => schema !== undefined));
  const answered = described.flatMap(({ answers }) => Object.values(answers).flatMap(({ schema }) => schema ?? []));
  const told = Object.values(events).map(({ body }) => body);
  const requests = schemasOf("input", [...requestDescriptions, ...mjRequestDescriptions], asked);
  const answers = schemasOf("output", [...responseDescriptions, ...mjResponseDescriptions], [...answered, ...told]);
  return {
    openapi: "3.1.1",
    info: { title: TITLE, version, summary: SUMMARY, description: INTRO },
    servers: [{ url: "/", description: "Where this document was read." }],
    tags: TAGS.map(({ tag, description }) => ({ name: tag, description: description })),
    paths: pathsOf(GROUPS, requests, answers),
    webhooks: Object.fromEntries(
      Object.entries(events).map(([type, event]) => [type, { post: webhookOf(type, event, answers) }]),
    ),
    components: {
      schemas: merged(requests.components, answers.components),
      responses: problemsOf(GROUPS, answers),
      parameters: Object.fromEntries(sharedHeaders(GROUPS).map((header) => [header.name, headerParameter(header)])),
      headers: Object.fromEntries(SHARED.map((header) => [header.name, headerOf(header)])),
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An app's key, `mjk_…`, or the operator's." },
        operatorKey: {
          type: "http",
          scheme: "bearer",
          description: "The operator's key of the stage; an app's is a 403.",
        },
        mjApiSecret: {
          type: "apiKey",
          in: "header",
          name: "mj-api-secret",
          description: "An app's key, where clients of the midjourney-proxy family have it.",
        },
      },
    },
  };
}

/** @throws Error for one name that says two things */
function merged(some: Record<string, Json>, others: Record<string, Json>): Record<string, Json> {
  const twice = Object.keys(some).filter((name) => others[name] && !isDeepStrictEqual(some[name], others[name]));
  if (twice.length > 0) throw new Error(`Sent it is one thing and answered another: ${twice.join(", ")}.`);
  return { ...some, ...others };
}

/** `/v1/flows/:id` as OpenAPI has it. */
export function pathOf(route: string): string {
  return route.replace(/^\w+ /, "").replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
}

function pathsOf(groups: readonly RouteGroup[], requests: Schemas, answers: Schemas): Json {
  const paths: Record<string, Json> = {};
  for (const { tag, routes } of groups) {
    for (const [route, description] of Object.entries(routes)) {
      const path = pathOf(route);
      const method = route.split(" ")[0]!.toLowerCase();
      paths[path] = { ...paths[path], [method]: operationOf(tag, path, description, requests, answers) };
    }
  }
  return paths;
}

function operationOf(tag: string, path: string, route: RouteDescription, requests: Schemas, answers: Schemas): Json {
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
      ...Object.entries(route.answers).map(([status, answer]) => [status, responseOf(answer, answers)]),
      ...byStatus(route.errors).map(([status, codes]) => [status, { $ref: `#/components/responses/${nameOf(codes)}` }]),
    ]),
  };
}

// ── what is sent ───────────────────────────────────────────────────────────────────────────────────────────────────

/** What an id is, by whose it is. */
const IDS: Record<string, string> = {
  Flows: "A flow's id, `flow_…`.",
  Tasks: "A task's id, `task_…`.",
  Endpoints: "An endpoint's id, `ep_…`, or `hook`.",
  Deliveries: "A delivery's id, `dlv_…`.",
  Apps: "An app's id, `app_…`.",
  "Dead letters": "A letter's id.",
};

function pathParameter(tag: string, name: string, { path = {} }: RouteDescription): Json {
  const description = path[name] ?? (name === "keyId" ? "A key's id, `key_…`." : IDS[tag]);
  if (description === undefined) throw new Error(`Nothing says what {${name}} is under ${tag}.`);
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

/** @throws Error for two of one name */
function sharedHeaders(groups: readonly RouteGroup[]): Header[] {
  const all = new Set(groups.flatMap(({ routes }) => Object.values(routes).flatMap(({ headers = [] }) => headers)));
  const names = [...all].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`There are two headers ${twice}.`);
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

/** Of a schema that several routes share. @throws Error for a member that it has not */
function narrowed(schema: Json, takes: readonly string[] | undefined, needs: readonly string[] = []): Json {
  const properties = schema["properties"] as Record<string, Json>;
  const kept = (takes ?? Object.keys(properties)).map((name) => {
    if (!properties[name]) throw new Error(`There is no ${name} in this body.`);
    return [name, properties[name]];
  });
  const required = [...((schema["required"] as string[] | undefined) ?? []), ...needs];
  return { ...schema, properties: Object.fromEntries(kept), ...(required.length > 0 && { required }) };
}

// ── what is answered ───────────────────────────────────────────────────────────────────────────────────────────────

function responseOf(
  { about, schema, type = "application/json", headers = [], example }: ResponseDescription,
  answers: Schemas,
): Json {
  const isBodied = schema !== undefined || type !== "application/json" || example !== undefined;
  const shown = { schema: schema ? answers.of(schema) : { type: "string" }, ...(example !== undefined && { example }) };
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

/** Each set of codes that shares a status in some route. */
function problemsOf(groups: readonly RouteGroup[], answers: Schemas): Json {
  const sets = groups.flatMap(({ routes }) => Object.values(routes).flatMap(({ errors }) => byStatus(errors)));
  const named = [...new Map(sets.map(([, codes]) => [nameOf(codes), codes]))].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(named.map(([name, codes]) => [name, problemOf(codes, answers)]));
}

function problemOf(codes: readonly ErrorCode[], answers: Schemas): Json {
  const headers = codes.flatMap(headersOfProblem);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}. ${ERRORS[code].advice}`).join("\n\n"),
    headers: headersOf([...headers, REQUEST_ID]),
    content: {
      "application/problem+json": { schema: { ...answers.of(Problem), properties: { code: { enum: codes } } } },
    },
  };
}

function headersOfProblem(code: ErrorCode): readonly Header[] {
  if (code === "unauthorized") return [CHALLENGE];
  if (code === "rate_limited") return [RETRY_AFTER, ...RATE_LIMIT];
  return typeof ERRORS[code].retry === "object" ? [RETRY_AFTER] : [];
}

// ── what is told ───────────────────────────────────────────────────────────────────────────────────────────────────

function webhookOf(type: string, { summary, about, body, signed }: EventDescription, answers: Schemas): Json {
  const schema = signed ? { ...answers.of(body), properties: { type: { const: type } } } : answers.of(body);
  return {
    operationId: `on-${type.replace(".", "-")}`,
    summary,
    description: about,
    tags: ["Webhooks"],
    security: [],
    ...(signed && { parameters: SIGNATURE_HEADERS.map(headerParameter) }),
    requestBody: { required: true, content: { "application/json": { schema } } },
    responses: {
      "2XX": { description: "Heard; it is not told again." },
      410: { description: "Tell me nothing more, ever: the endpoint is switched off." },
      default: { description: "Not heard: it is tried again, as late as `Retry-After` asks, up to a day." },
    },
  };
}
