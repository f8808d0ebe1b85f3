/**
 * Reads the OpenAPI document into a model for rendering: operations by tag, resolved references and short type names.
 */
import type { Json } from "./schema.ts";

export interface Field {
  name: string;
  type: Type;
  required: boolean;
  about: string;
  /** Limits of the value, for example `1 to 100`; empty if there are none. */
  limits: string;
}

/** The parts of a type's text. `ref` is the name of the schema to which a part links. */
export type Type = readonly { text: string; ref?: string }[];

export interface BodyDescription {
  about: string;
  contentType?: string | undefined;
  type?: Type | undefined;
  fields: readonly Field[];
  example?: unknown;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  about: string;
  key: "app" | "operator" | "mj" | "signIn" | "share" | "none";
  parameters: readonly (Field & { in: string })[];
  body: BodyDescription | undefined;
  responses: readonly (BodyDescription & { status: string; headers: readonly string[] })[];
  /** Error codes of the problem+json responses, by status. */
  problems: readonly { status: string; codes: readonly string[] }[];
}

export interface Tag {
  name: string;
  about: string;
  operations: readonly Operation[];
}

export interface SchemaDescription {
  name: string;
  about: string;
  /** Name of the schema whose fields this schema contains, too; undefined if there is none. */
  base: string | undefined;
  /** Type of a schema that is no object. */
  type: Type;
  fields: readonly Field[];
}

export interface ApiDocument {
  title: string;
  version: string;
  summary: string;
  intro: string;
  tags: readonly Tag[];
  schemas: readonly SchemaDescription[];
}

const METHODS = ["get", "post", "put", "patch", "delete"];

export function readApiDocument(document: Json): ApiDocument {
  const { info, tags, paths, webhooks, components } = document as Record<string, Json>;
  const follow = (node: Json): Json => {
    const ref = node["$ref"];
    if (typeof ref !== "string") return node;
    return ref
      .split("/")
      .slice(1)
      .reduce((target, part) => target[part] as Json, document);
  };
  const pathItems = [...Object.entries(paths as Json), ...Object.entries(webhooks as Json)] as [string, Json][];
  const operations = pathItems.flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => METHODS.includes(key))
      .map((method) => operationOf(method, path, item[method] as Json, follow)),
  );
  return {
    title: info!["title"] as string,
    version: info!["version"] as string,
    summary: info!["summary"] as string,
    intro: info!["description"] as string,
    tags: (tags as unknown as Json[]).map(({ name, description }) => ({
      name: name as string,
      about: description as string,
      operations: operations.filter(({ tag }) => tag === name),
    })),
    schemas: Object.entries(components!["schemas"] as Record<string, Json>).map(([name, schema], _, all) => {
      const base = schema["x-extends"] as string | undefined;
      const inherited = new Set(
        Object.keys((all.find(([other]) => other === base)?.[1]["properties"] as Json | undefined) ?? {}),
      );
      return {
        name,
        about: (schema["description"] as string | undefined) ?? "",
        base,
        type: typeOf(schema),
        fields: fieldsOf(schema).filter((field) => !inherited.has(field.name)),
      };
    }),
  };
}

function operationOf(method: string, path: string, operation: Json, follow: (at: Json) => Json) {
  const responses = Object.entries(operation["responses"] as Record<string, Json>).map(
    ([status, response]) => [status, follow(response)] as const,
  );
  const isProblem = (response: Json) => contentOf(response).type === "application/problem+json";
  return {
    tag: (operation["tags"] as string[])[0],
    id: operation["operationId"] as string,
    method: method.toUpperCase(),
    path,
    summary: operation["summary"] as string,
    about: (operation["description"] as string | undefined) ?? "",
    key: keyOf(operation["security"] as Json[]),
    parameters: ((operation["parameters"] ?? []) as Json[]).map(follow).map((parameter) => ({
      ...fieldOf(parameter["name"] as string, parameter["schema"] as Json, parameter["required"] === true),
      about: (parameter["description"] as string | undefined) ?? "",
      in: parameter["in"] as string,
    })),
    body: operation["requestBody"] ? shownOf(operation["requestBody"] as Json, follow) : undefined,
    responses: responses
      .filter(([, response]) => !isProblem(response))
      .map(([status, response]) => ({
        status,
        headers: Object.keys((response["headers"] ?? {}) as Json).filter((name) => name !== "X-Request-Id"),
        ...shownOf(response, follow),
      })),
    problems: responses
      .filter(([, response]) => isProblem(response))
      .map(([status, response]) => ({ status, codes: codesOf(response) })),
  };
}

function keyOf(security: readonly Json[]): Operation["key"] {
  const [first] = security;
  if (!first) return "none";
  if ("operatorKey" in first) return "operator";
  if ("signInLink" in first) return "signIn";
  if ("shareLink" in first) return "share";
  return "mjApiSecret" in first ? "mj" : "app";
}

function contentOf(at: Json): { type?: string; schema?: Json; example?: unknown } {
  const [entry] = Object.entries((at["content"] ?? {}) as Record<string, Json>);
  if (!entry) return {};
  const [type, { schema, example }] = entry;
  return { type, schema: schema as Json, example };
}

function codesOf(response: Json): string[] {
  const { properties } = contentOf(response).schema as { properties: { code: { enum: string[] } } };
  return properties.code.enum;
}

function shownOf(at: Json, follow: (at: Json) => Json): BodyDescription {
  const { type, schema, example } = contentOf(at);
  return {
    about: (at["description"] as string | undefined) ?? "",
    contentType: type,
    type: schema && type === "application/json" ? typeOf(schema) : undefined,
    fields: schema ? fieldsOf(follow(schema)) : [],
    example,
  };
}

function fieldsOf(schema: Json): Field[] {
  const { properties, required = [] } = schema as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, field]) => fieldOf(name, field, required.includes(name)));
}

function fieldOf(name: string, schema: Json, required: boolean): Field {
  const about = (schema["description"] as string | undefined) ?? "";
  return { name, type: typeOf(schema), required, about, limits: limitsOf(schema) };
}

function typeOf(schema: Json): Type {
  const { $ref, type, anyOf, format } = schema;
  const values = schema["enum"] as unknown[] | undefined;
  if (typeof $ref === "string") {
    const name = $ref.split("/").at(-1)!;
    return [{ text: name, ref: name }];
  }
  if (values) return [{ text: values.map((value) => JSON.stringify(value)).join(" | ") }];
  if ("const" in schema) return [{ text: JSON.stringify(schema["const"]) }];
  if (anyOf) return between(" | ", (anyOf as Json[]).map(typeOf));
  if (Array.isArray(type))
    return between(
      " | ",
      type.map((name) => typeOf({ ...schema, type: name })),
    );
  if (type === "array") return listOf(typeOf(schema["items"] as Json));
  if (type === "object") return objectOf(schema);
  return [{ text: type === "string" && typeof format === "string" ? format : String(type ?? "any") }];
}

function between(separator: string, types: readonly Type[]): Type {
  return types.flatMap((type, i) => (i > 0 ? [{ text: separator }, ...type] : type));
}

function listOf(items: Type): Type {
  const isSingleName = items.length === 1 && !items[0]!.text.includes(" ");
  return isSingleName ? [...items, { text: "[]" }] : [{ text: "(" }, ...items, { text: ")[]" }];
}

/** The type of an object. An object with up to three fields is shown with its fields. */
function objectOf({ properties = {}, required = [] }: Json): Type {
  const fields = Object.entries(properties as Record<string, Json>);
  if (fields.length === 0 || fields.length > 3) return [{ text: "object" }];
  const shown = fields.map(([name, field]) => {
    const mark = (required as string[]).includes(name) ? "" : "?";
    return [{ text: `${name}${mark}: ` }, ...typeOf(field)];
  });
  return [{ text: "{ " }, ...between(", ", shown), { text: " }" }];
}

function limitsOf(schema: Json): string {
  const { minimum, maximum, minItems, maxItems, maxLength } = schema;
  const range = (low: unknown, high: unknown, what: string) => {
    if (low !== undefined && high !== undefined) return `${low} to ${high}${what}`;
    if (high !== undefined) return `at most ${high}${what}`;
    return low !== undefined && low !== 0 && low !== 1 ? `at least ${low}${what}` : "";
  };
  const fallback = schema["default"];
  return [
    range(minimum, maximum, ""),
    range(minItems, maxItems, " items"),
    range(undefined, maxLength, " characters"),
    fallback === undefined ? "" : `default ${JSON.stringify(fallback)}`,
  ]
    .filter((text) => text !== "")
    .join("; ");
}
