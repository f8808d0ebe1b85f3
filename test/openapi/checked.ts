/**
 * The API, every answer of which is held to what its route declares: status, content type, headers, and the body twice,
 * by the strict schema and by the published document. What is not declared is an error that says what is missing.
 */
import { readFileSync } from "node:fs";
import { ERRORS, type ErrorCode } from "@mjflow/core/error";
import { MjAnswer } from "@mjflow/core/mj-response";
import { EndpointEvent, FlowEvent, Problem, TaskEvent } from "@mjflow/core/response";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type * as z from "zod/mini";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/routes.ts";
import type { ResponseDescription } from "../../functions/http/openapi/route-description.ts";
import { type Described, routeOf } from "./routes.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
type Json = any;

const DOCUMENT = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8")) as Json;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(DOCUMENT, "openapi.json");

export class Undeclared extends Error {
  override readonly name = "Undeclared";
}

interface App {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** What was seen, as `GET /v1/flows/:id 404 not_found`. */
export type Seen = Set<string>;

/** @throws Undeclared from `request`, for an answer that is not what the description says */
export function checked<T extends App>(app: T, seen: Seen = new Set()): { request: App["request"]; seen: Seen } {
  return {
    seen,
    async request(path, init = {}) {
      const response = await app.request(path, init);
      const method = init.method ?? "GET";
      const where = `${method} ${new URL(path, "http://localhost").pathname}`;
      const route = routeOf(method, new URL(path, "http://localhost").pathname);
      // One to read, the other for who asked.
      const body = await response.clone().text();
      if (route) seen.add(`${route.name} ${await holdToRoute(route, response, body)}`);
      else holdToNothing(where, response, body);
      return response;
    },
  };
}

/** An address or method that is not described must not be there. */
function holdToNothing(where: string, response: Response, body: string): void {
  if (MJ_PREFIXES.some((prefix) => where.includes(` ${prefix}/`))) {
    const { code } = expectSchema(where, MjAnswer, JSON.parse(body)) as z.infer<typeof MjAnswer>;
    must(
      [401, 403, 404].includes(response.status) && [3, 9].includes(code),
      `${where} is answered, and not described.`,
    );
    return;
  }
  const problem = problemOf(where, response, body);
  // Whoever has no key is not told what there is.
  if (!["not_found", "method_not_allowed", "unauthorized", "forbidden"].includes(problem.code)) {
    throw new Undeclared(`${where} answers ${response.status}, and no route of that name is described.`);
  }
}

/** @returns what was answered: its status, and for a problem its code */
async function holdToRoute(route: Described, response: Response, body: string): Promise<string> {
  const where = `${route.name} ${response.status}`;
  must(response.headers.has("x-request-id"), `${where}: no X-Request-Id.`);
  const answer = (route.answers as Record<number, ResponseDescription>)[response.status];
  if (answer) {
    holdToAnswer(where, route, answer, response, body);
    return String(response.status);
  }
  const statuses = [...new Set(route.errors.map((code: ErrorCode) => ERRORS[code].status))];
  must(
    statuses.includes(response.status as never),
    `${where} is not declared; ${[...Object.keys(route.answers), ...statuses].join(", ")} are. ${body.slice(0, 300)}`,
  );
  const { code } = problemOf(where, response, body);
  must(route.errors.includes(code), `${where}: the code ${code} is not declared; ${route.errors.join(", ")} are.`);
  holdToDocument(where, route, response.status, "application/problem+json", JSON.parse(body));
  if (typeof ERRORS[code].retry === "object") must(response.headers.has("retry-after"), `${where}: no Retry-After.`);
  if (code === "unauthorized") must(response.headers.has("www-authenticate"), `${where}: no WWW-Authenticate.`);
  return `${response.status} ${code}`;
}

function holdToAnswer(
  where: string,
  route: Described,
  answer: ResponseDescription,
  response: Response,
  body: string,
): void {
  const type = response.headers.get("content-type")?.split(";")[0];
  for (const { name, required } of answer.headers ?? []) {
    if (required) must(response.headers.has(name), `${where}: no ${name}, which is declared.`);
  }
  if (answer.schema) {
    must(type === "application/json", `${where} is ${type}, not JSON.`);
    expectSchema(where, answer.schema, JSON.parse(body));
    holdToDocument(where, route, response.status, "application/json", JSON.parse(body));
  } else if (answer.type) {
    must(type === answer.type, `${where} is ${type}, not ${answer.type}.`);
    if (type === "text/event-stream") holdToStream(where, body);
  } else must(body === "", `${where} has a body, and none is declared: ${body.slice(0, 300)}`);
}

function problemOf(where: string, response: Response, body: string): { code: ErrorCode } {
  const type = response.headers.get("content-type");
  must(type === "application/problem+json", `${where} answers ${response.status} as ${type}. ${body.slice(0, 300)}`);
  const problem = expectSchema(where, Problem, JSON.parse(body)) as z.infer<typeof Problem>;
  must(problem.status === response.status, `${where}: the problem says ${problem.status}.`);
  must(ERRORS[problem.code].status === response.status, `${where}: ${problem.code} has another status.`);
  must(response.headers.get("x-request-id") === problem.requestId, `${where}: two request ids.`);
  return problem;
}

/** Strictly: nothing that is not described. */
export function expectSchema(where: string, schema: z.ZodMiniType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  const issues = parsed.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
  must(
    parsed.success,
    `${where} is not as its schema says: ${issues.join("; ")}. ${JSON.stringify(value).slice(0, 2_000)}`,
  );
  return parsed.data;
}

function holdToDocument(
  where: string,
  { path, method }: Described,
  status: number,
  type: string,
  value: unknown,
): void {
  const at = `${pointer("paths", path, method.toLowerCase(), "responses")}/${status}`;
  const response = DOCUMENT.paths[path]?.[method.toLowerCase()]?.responses[status];
  must(response, `${where} is not in docs/openapi.json: npm run openapi.`);
  const place = response.$ref ?? at;
  expectDocumentedRoute(where, `${place}${pointer("content", type, "schema").slice(1)}`, value);
}

/** @param place in the document, as `#/components/schemas/Task` */
export function expectDocumentedRoute(where: string, place: string, value: unknown): void {
  const validate = ajv.getSchema(`openapi.json${place}`);
  if (!validate) throw new Undeclared(`${where}: there is no ${place} in the document.`);
  must(validate(value), `${where} is not as the document says: ${ajv.errorsText(validate.errors)}.`);
}

function pointer(...parts: readonly string[]): string {
  return `#/${parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
}

/** Each event's data is a webhook's body, and its name the event's type. */
function holdToStream(where: string, body: string): void {
  for (const block of body.split("\n\n").filter((text) => text.includes("data:"))) {
    const fields = new Map(block.split("\n").map((line) => [line.split(": ")[0], line.slice(line.indexOf(": ") + 2)]));
    const event = JSON.parse(fields.get("data")!) as { type: string };
    must(event.type === fields.get("event"), `${where}: ${event.type} is called ${fields.get("event")}.`);
    must(fields.get("id"), `${where}: an event without an id.`);
    expectEventSchema(where, event);
  }
}

/** A webhook's body, or a stream's data. */
export function expectEventSchema(where: string, event: { type: string }): void {
  const schema = { task: TaskEvent, flow: FlowEvent, endpoint: EndpointEvent }[event.type.split(".")[0]!];
  if (!schema) throw new Undeclared(`${where}: nobody described ${event.type}.`);
  expectSchema(`${where} ${event.type}`, schema, event);
  const place = pointer("webhooks", event.type, "post", "requestBody", "content", "application/json", "schema");
  expectDocumentedRoute(`${where} ${event.type}`, place, event);
}

function must(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Undeclared(message);
}
