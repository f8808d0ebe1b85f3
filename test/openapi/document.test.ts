/** The OpenAPI document is complete, up to date and valid. */
import { readFileSync } from "node:fs";
import { ERRORS } from "@mjflow/core/error";
import { EVENT_TYPES } from "@mjflow/core/event";
import { PRESS_NAMES } from "@mjflow/core/press-name";
import { Problem } from "@mjflow/core/response";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import * as z from "zod/mini";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/path.ts";
import { MJ_ROUTES } from "../../functions/http/mj-compat/routes.ts";
import { events } from "../../functions/http/openapi/event.ts";
import { generate } from "../../functions/http/openapi/generate.ts";
import type { Schema } from "../../functions/http/openapi/route-description.ts";
import { createApiClient } from "../app/api-client.ts";
import { DESCRIBED } from "./routes.ts";

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const written = file("docs/openapi.json");
const document = JSON.parse(written);
const described = new Set(DESCRIBED.map(({ name }) => name));

/** The routes of the router and of the compat API's own table. */
const served = new Set([
  ...createApiClient()
    .app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`),
  ...MJ_ROUTES.map((route) => route.replace(" ", " /mj").replace("{id}", ":id")),
]);

test("every route of the API has a description", () => {
  const missing = [...served].filter((name) => !described.has(name));
  expect(missing, "routes to describe in functions/http/openapi/").toEqual([]);
});

test("every described route exists", () => {
  const gone = [...described].filter((name) => !served.has(name));
  expect(gone, "routes in functions/http/openapi/ that no router has").toEqual([]);
  expect(MJ_PREFIXES).toContain("/mj");
});

test("docs/openapi.json equals the document that the route descriptions generate", () => {
  expect(written === generate(), "run: npm run openapi").toBe(true);
});

test("docs/openapi.json is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

/** Returns the JSON paths of all schemas that a condition holds for. */
function schemasWhere(holds: (schema: Record<string, unknown>) => boolean): string[] {
  const found: string[] = [];
  const visit = (node: unknown, at: string) => {
    if (typeof node !== "object" || node === null) return;
    if (!Array.isArray(node) && holds(node as Record<string, unknown>)) found.push(at);
    for (const [key, value] of Object.entries(node)) visit(value, `${at}/${key}`);
  };
  visit(document, "#");
  return found;
}

test("generators of clients understand every schema: no allOf beside fields, no type that is only null, and a license", () => {
  expect(schemasWhere((schema) => "allOf" in schema && ("properties" in schema || "type" in schema))).toEqual([]);
  // As an alternative `null` is the usual form: the field is nullable.
  expect(schemasWhere(({ type }) => type === "null").filter((path) => !/\/anyOf\/\d+$/.test(path))).toEqual([]);
  const typesOf = (values: readonly unknown[]) => new Set(values.map((value) => value !== null && typeof value));
  const isMixed = (schema: Record<string, unknown>) =>
    Array.isArray(schema["enum"]) && schema["type"] === undefined && typesOf(schema["enum"]).size > 1;
  expect(schemasWhere(isMixed)).toEqual([]);
  expect(document.info.license).toEqual({ name: "MIT", identifier: "MIT" });
  const { Flow, FlowSummary, NewEndpoint, Endpoint } = document.components.schemas;
  expect(Object.keys(Flow.properties)).toEqual(
    expect.arrayContaining(["tasks", ...Object.keys(FlowSummary.properties)]),
  );
  expect(Flow.properties.state.type).toEqual(["string", "null"]);
  expect(Flow.properties.endedAt).toMatchObject({ type: ["string", "null"], format: "date-time" });
  expect(Flow.properties.nextInMs).toMatchObject({ type: ["integer", "null"], minimum: 0 });
  expect(document.components.schemas.Task.properties.failure.anyOf).toEqual([
    { $ref: "#/components/schemas/Failure" },
    { type: "null" },
  ]);
  expect(document.components.schemas.FlowRequest.properties.archive.anyOf).toEqual([
    { type: "boolean" },
    { type: "string", enum: ["later"] },
  ]);
  expect(Object.keys(NewEndpoint.properties)).toEqual(
    expect.arrayContaining(["secret", ...Object.keys(Endpoint.properties)]),
  );
});

test("every reference in the document has a target, and every component is referenced", () => {
  const refs = [...written.matchAll(/"\$ref": "(#[^"]+)"/g)].map(([, ref]) => ref!);
  const at = (ref: string) =>
    ref
      .split("/")
      .slice(1)
      .reduce((node, part) => node?.[part], document);
  expect([...new Set(refs)].filter((ref) => at(ref) === undefined)).toEqual([]);
  const names = Object.entries(document.components as Record<string, object>)
    .filter(([kind]) => kind !== "securitySchemes")
    .flatMap(([kind, all]) => Object.keys(all).map((name) => `#/components/${kind}/${name}`));
  expect(
    names.filter((name) => !refs.includes(name)),
    "components that nothing references",
  ).toEqual([]);
});

test("every error code belongs to a route, every event has a webhook, and operation ids are unique", () => {
  const codes = new Set(DESCRIBED.flatMap(({ errors }) => errors));
  // Every path can return these codes. The introduction describes them, not a route.
  const everywhere = ["method_not_allowed", "route_not_found"];
  expect(Object.keys(ERRORS).filter((code) => !everywhere.includes(code) && !codes.has(code as never))).toEqual([]);
  expect(Object.keys(document.webhooks)).toEqual(expect.arrayContaining([...EVENT_TYPES]));
  const ids = DESCRIBED.map(({ id }) => id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test("every JSON response, error and webhook has an example that its own schema accepts", () => {
  const without: string[] = [];
  const check = (where: string, schema: Schema, content: { example?: unknown; examples?: object } | undefined) => {
    const examples = Object.values<{ value?: unknown }>({ ...content?.examples });
    const values = content?.example === undefined ? examples.map(({ value }) => value) : [content.example];
    if (values.length === 0 || values.includes(undefined)) without.push(where);
    for (const value of values) expect(z.safeParse(schema, value).error, where).toBeUndefined();
  };
  for (const { name, method, path, responses, errors } of DESCRIBED) {
    const operation = document.paths[path][method.toLowerCase()];
    for (const [status, { schema }] of Object.entries(responses)) {
      if (schema) check(`${name} ${status}`, schema, operation.responses[status].content["application/json"]);
    }
    for (const { $ref } of Object.values<{ $ref?: string }>(operation.responses)) {
      if ($ref)
        check(
          $ref,
          Problem,
          document.components.responses[$ref.split("/").at(-1)!].content["application/problem+json"],
        );
    }
    expect(errors.filter((code) => !Object.values(operation.responses).some((one) => namesCode(one, code)))).toEqual(
      [],
    );
  }
  for (const [type, { body }] of Object.entries(events)) {
    check(type, body, document.webhooks[type].post.requestBody.content["application/json"]);
  }
  expect(without).toEqual([]);
});

/** Returns whether the response refers to a component with an example of the code. */
function namesCode(response: unknown, code: string): boolean {
  const name = (response as { $ref?: string }).$ref?.split("/").at(-1) ?? "";
  const examples = document.components.responses[name]?.content["application/problem+json"].examples ?? {};
  return examples[code]?.value.code === code;
}

test("the document names every press name of mjflow", () => {
  const { PlanInput, ActionRequest } = document.components.schemas;
  const names = PRESS_NAMES.flatMap(({ name, last = name, all = name }) => [name, last, all]);
  const texts = [PlanInput, ActionRequest].map(({ properties }) => properties.press.description as string);
  expect(texts.flatMap((text) => names.filter((name) => !text.includes(`\`${name}\``)))).toEqual([]);
});

test("every parameter, field and response of the document has a description", () => {
  const undescribed: string[] = [];
  const look = (where: string, node: { description?: string } | undefined) => {
    if (!node?.description) undescribed.push(where);
  };
  for (const [name, schema] of Object.entries<Record<string, never>>(document.components.schemas)) {
    for (const [field, one] of Object.entries(schema["properties"] ?? {})) look(`${name}.${field}`, one as never);
  }
  for (const [path, item] of Object.entries<object>(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      for (const one of operation.parameters ?? []) if (!one.$ref) look(`${method} ${path} ${one.name}`, one);
      const { properties = {} } = operation.requestBody?.content["application/json"].schema ?? {};
      for (const [field, one] of Object.entries(properties)) look(`${method} ${path} ${field}`, one as never);
      for (const [status, one] of Object.entries<{ $ref?: string }>(operation.responses)) {
        if (!one.$ref) look(`${method} ${path} ${status}`, one as never);
      }
    }
  }
  expect(undescribed).toEqual([]);
});

test("request schemas allow no further properties, response schemas do", () => {
  const { FlowRequest, PlanInput, Flow, Task, Problem } = document.components.schemas;
  expect([FlowRequest, PlanInput].map((schema) => schema.additionalProperties)).toEqual([false, false]);
  expect([Flow, Task, Problem].map((schema) => schema.additionalProperties)).toEqual([undefined, undefined, undefined]);
});
