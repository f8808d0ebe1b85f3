/**
 * Wraps the HTTP app and checks every response against the description of its route: status, content type and headers.
 * The body is checked twice, by the strict schema and by the published document. A response that is not described
 * throws an error that names the missing part.
 */
import { readFileSync } from "node:fs";
import { ERRORS, type ErrorCode } from "@mjflow/core/error";
import { MjAnswer } from "@mjflow/core/mj-response";
import { EndpointEvent, FlowEvent, Problem, TaskEvent } from "@mjflow/core/response";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type * as z from "zod/mini";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/path.ts";
import type { ResponseDescription } from "../../functions/http/openapi/route-description.ts";
import { type Described, routeOf } from "./routes.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
type Json = any;

const DOCUMENT = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8")) as Json;
const ajv = new Ajv2020({ strict: false, allErrors: true, multipleOfPrecision: 9 });
addFormats.default(ajv);
ajv.addSchema(DOCUMENT, "openapi.json");

/**
 * Members of a problem that its advice tells the caller to read. `detail` must then say more than the title, which is the text
 * of a problem without a detail.
 */
const PROMISED: Partial<Record<ErrorCode, readonly string[]>> = {
  invalid_request: ["detail"],
  wrong_state: ["detail"],
  limit_reached: ["detail"],
  already_exists: ["detail"],
  out_of_credit: ["detail"],
  image_rejected: ["detail", "reason", "field"],
  press_not_offered: ["offered"],
  press_unsupported: ["detail", "field", "press", "provider"],
  banned_prompt: ["detail", "bannedWord"],
};

export class Undeclared extends Error {
  override readonly name = "Undeclared";
}

interface App {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** The responses that were seen, for example `GET /v1/flows/:id 404 not_found`. */
export type Seen = Set<string>;

/** The first problem of each code, with its request. */
export const problems = new Map<ErrorCode, { request: string; body: string }>();

/** @throws Undeclared from `request`, if the response differs from the description */
export function checked<T extends App>(app: T, seen: Seen = new Set()): { request: App["request"]; seen: Seen } {
  return {
    seen,
    async request(path, init = {}) {
      const response = await app.request(path, init);
      const method = init.method ?? "GET";
      const where = `${method} ${new URL(path, "http://localhost").pathname}`;
      const route = routeOf(method, new URL(path, "http://localhost").pathname);
      // The check reads a clone, so that the caller can still read the response.
      const body = await response.clone().text();
      if (route) seen.add(`${route.name} ${await expectRoute(route, response, body)}`);
      else expectNoRoute(where, response, body);
      return response;
    },
  };
}

/** Requires that a path or method without description is rejected. */
function expectNoRoute(where: string, response: Response, body: string): void {
  if (MJ_PREFIXES.some((prefix) => where.includes(` ${prefix}/`))) {
    const { code } = expectSchema(where, MjAnswer, JSON.parse(body)) as z.infer<typeof MjAnswer>;
    must(
      [401, 403, 404].includes(response.status) && [3, 9].includes(code),
      `${where} has a handler but no description.`,
    );
    return;
  }
  const problem = problemOf(where, response, body);
  // Without a valid key an unknown path gets 401 or 403, because authentication comes first.
  if (!["route_not_found", "method_not_allowed", "unauthorized", "forbidden"].includes(problem.code)) {
    throw new Undeclared(`${where} responds ${response.status}, but there is no description of this route.`);
  }
}

/** @returns the status of the response, with the error code for a problem */
async function expectRoute(route: Described, response: Response, body: string): Promise<string> {
  const where = `${route.name} ${response.status}`;
  must(response.headers.has("x-request-id"), `${where}: the header X-Request-Id is missing.`);
  const expected = (route.responses as Record<number, ResponseDescription>)[response.status];
  if (expected) {
    expectResponse(where, route, expected, response, body);
    return String(response.status);
  }
  const statuses = [...new Set(route.errors.map((code: ErrorCode) => ERRORS[code].status))];
  must(
    statuses.includes(response.status as never),
    `${where} is not declared. Declared: ${[...Object.keys(route.responses), ...statuses].join(", ")}. ${body.slice(0, 300)}`,
  );
  const { code } = problemOf(where, response, body);
  must(
    route.errors.includes(code),
    `${where}: the code ${code} is not declared. Declared: ${route.errors.join(", ")}.`,
  );
  expectDocument(where, route, response.status, "application/problem+json", JSON.parse(body));
  if (typeof ERRORS[code].retry === "object")
    must(response.headers.has("retry-after"), `${where}: the header Retry-After is missing.`);
  if (code === "unauthorized")
    must(response.headers.has("www-authenticate"), `${where}: the header WWW-Authenticate is missing.`);
  return `${response.status} ${code}`;
}

function expectResponse(
  where: string,
  route: Described,
  expected: ResponseDescription,
  response: Response,
  body: string,
): void {
  const type = response.headers.get("content-type")?.split(";")[0];
  for (const { name, required } of expected.headers ?? []) {
    if (required) must(response.headers.has(name), `${where}: the declared header ${name} is missing.`);
  }
  if (expected.schema) {
    must(type === "application/json", `${where}: the content type is ${type}, not JSON.`);
    expectSchema(where, expected.schema, JSON.parse(body));
    expectDocument(where, route, response.status, "application/json", JSON.parse(body));
  } else if (expected.type) {
    must(type === expected.type, `${where}: the content type is ${type}, not ${expected.type}.`);
    if (type === "text/event-stream") expectStream(where, body);
  } else must(body === "", `${where} has a body, but none is declared: ${body.slice(0, 300)}`);
}

function problemOf(where: string, response: Response, body: string): { code: ErrorCode } {
  const type = response.headers.get("content-type");
  must(type === "application/problem+json", `${where} responds ${response.status} as ${type}. ${body.slice(0, 300)}`);
  const problem = expectSchema(where, Problem, JSON.parse(body)) as z.infer<typeof Problem>;
  if (!problems.has(problem.code)) problems.set(problem.code, { request: where.replace(/ \d{3}$/, ""), body });
  must(problem.status === response.status, `${where}: the problem has the status ${problem.status}.`);
  must(ERRORS[problem.code].status === response.status, `${where}: ${problem.code} has another status.`);
  const { detail, title } = problem;
  must(detail.trim() !== "" && !/\b(?:undefined|NaN)\b|\[object/.test(detail), `${where}: the detail is "${detail}".`);
  for (const member of PROMISED[problem.code] ?? []) {
    const isTold = member === "detail" ? detail !== title : (problem as Json)[member] !== undefined;
    must(isTold, `${where}: the advice of ${problem.code} needs the member ${member}, which says nothing. ${body}`);
  }
  must(
    response.headers.get("x-request-id") === problem.requestId,
    `${where}: the request ids in header and body differ.`,
  );
  return problem;
}

/** Checks a value against a strict schema, which allows no member without description. */
export function expectSchema(where: string, schema: z.ZodMiniType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  const issues = parsed.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
  must(
    parsed.success,
    `${where} does not match its schema: ${issues.join("; ")}. ${JSON.stringify(value).slice(0, 2_000)}`,
  );
  return parsed.data;
}

function expectDocument(
  where: string,
  { path, method }: Described,
  status: number,
  type: string,
  value: unknown,
): void {
  const inPath = `${pointer("paths", path, method.toLowerCase(), "responses")}/${status}`;
  const response = DOCUMENT.paths[path]?.[method.toLowerCase()]?.responses[status];
  must(response, `${where} is not in docs/openapi.json. Run npm run openapi.`);
  const responsePointer = response.$ref ?? inPath;
  expectDocumentedRoute(where, `${responsePointer}${pointer("content", type, "schema").slice(1)}`, value);
}

/** @param schemaPointer JSON pointer of a schema in the document, for example `#/components/schemas/Task` */
export function expectDocumentedRoute(where: string, schemaPointer: string, value: unknown): void {
  const validate = ajv.getSchema(`openapi.json${schemaPointer}`);
  if (!validate) throw new Undeclared(`${where}: the document has no ${schemaPointer}.`);
  must(validate(value), `${where} does not match the document: ${ajv.errorsText(validate.errors)}.`);
}

function pointer(...parts: readonly string[]): string {
  return `#/${parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
}

/** Checks that the data of each event in a stream is the body of a webhook and that its name is the event type. */
function expectStream(where: string, body: string): void {
  for (const block of body.split("\n\n").filter((text) => text.includes("data:"))) {
    const fields = new Map(block.split("\n").map((line) => [line.split(": ")[0], line.slice(line.indexOf(": ") + 2)]));
    const event = JSON.parse(fields.get("data")!) as { type: string };
    must(event.type === fields.get("event"), `${where}: the event ${event.type} has the name ${fields.get("event")}.`);
    must(fields.get("id"), `${where}: an event has no id.`);
    expectEventSchema(where, event);
  }
}

/** Checks the body of a webhook or the data of an event in a stream. */
export function expectEventSchema(where: string, event: { type: string }): void {
  const schema = { task: TaskEvent, flow: FlowEvent, endpoint: EndpointEvent }[event.type.split(".")[0]!];
  if (!schema) throw new Undeclared(`${where}: the event ${event.type} has no description.`);
  expectSchema(`${where} ${event.type}`, schema, event);
  const schemaPointer = pointer("webhooks", event.type, "post", "requestBody", "content", "application/json", "schema");
  expectDocumentedRoute(`${where} ${event.type}`, schemaPointer, event);
}

function must(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Undeclared(message);
}
