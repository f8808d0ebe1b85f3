/**
 * Converts zod schemas to JSON Schema for OpenAPI 3.1. All schemas are converted together, so that a schema with a name
 * is referenced by its name.
 */
import type { SchemaDescriptions } from "@mjflow/core/component";
import * as z from "zod/mini";
import { KEYWORDS } from "./keywords.ts";
import type { Schema } from "./route-description.ts";

export type Json = Record<string, unknown>;

export interface Schemas {
  /** The schemas that have a name, by name. */
  components: Record<string, Json>;
  of(schema: Schema): Json;
}

/**
 * @param io "input" for request schemas, "output" for response schemas
 * @throws Error if JSON Schema cannot express a schema, if two schemas have the same name, or if a description is
 *   unused
 */
export function schemasOf(
  io: "input" | "output",
  described: readonly SchemaDescriptions[],
  others: readonly Schema[],
): Schemas {
  const registry = z.registry<{ id: string }>();
  const ids = new Map<Schema, string>();
  const descriptions = new Map(described.map((entry) => [entry.schema, entry]));
  const register = (schema: Schema, id: string) => {
    if (ids.has(schema)) return;
    ids.set(schema, id);
    registry.add(schema, { id });
  };
  for (const { schema, name, fields } of described) {
    if (name !== undefined) register(schema, name);
    else if (!others.includes(schema))
      throw new Error(`No route uses the described fields ${Object.keys(fields).join(", ")}.`);
  }
  const unnamed = new Set(others.filter((schema) => !ids.has(schema)));
  for (const [i, schema] of [...unnamed].entries()) register(schema, `~${i}`);

  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ zodSchema, jsonSchema }) =>
      void Object.assign(jsonSchema, KEYWORDS.get(zodSchema as unknown as Schema)),
  });
  const byId = new Map(
    [...ids].map(([schema, id]) => [id, addDescriptions(simplify(schemas[id]! as Json, io), descriptions.get(schema))]),
  );
  const components = [...byId].filter(([id]) => !id.startsWith("~")).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    components: Object.fromEntries(components),
    of(schema) {
      const id = ids.get(schema);
      if (id === undefined) throw new Error("This schema was not passed to schemasOf.");
      return id.startsWith("~") ? byId.get(id)! : { $ref: `#/components/schemas/${id}` };
    },
  };
}

/** Removes the parts of the generated schema that give a reader no information. */
function simplify(schema: Json, io: "input" | "output"): Json {
  const { $schema: _, $id: __, ...rest } = schema;
  return walk(rest, (node, keyword) => {
    const { additionalProperties, pattern, anyOf, enum: values, maximum, minimum, ...kept } = node;
    return {
      ...(anyOf !== undefined && nullable(anyOf as Json[])),
      ...kept,
      ...(values !== undefined && enumOf(values as unknown[], kept)),
      // Generators of clients have no type for a field that is always null, such as the cursor of a list in one page.
      ...(node["type"] === "null" && keyword !== "anyOf" && { type: ["string", "null"] }),
      // A pattern of zod's own, four lines long. `format` says the same.
      ...(pattern !== undefined && node["format"] === undefined && { pattern }),
      // zod sets these limits for every integer. They are kept only if our schema sets other ones.
      ...(maximum !== Number.MAX_SAFE_INTEGER && maximum !== undefined && { maximum }),
      ...(minimum !== Number.MIN_SAFE_INTEGER && minimum !== undefined && { minimum }),
      // Requests must have only described members. Responses may get new members later.
      ...(additionalProperties !== undefined &&
        !(io === "output" && additionalProperties === false) && { additionalProperties }),
    };
  });
}

/** Writes `{"type": ["string", "null"]}` instead of two alternatives. */
function nullable(anyOf: Json[]): Json {
  const [other, nullSchema, ...more] = anyOf;
  const isPlain = more.length === 0 && nullSchema?.["type"] === "null" && typeof other?.["type"] === "string";
  if (!isPlain) return { anyOf };
  const { type, enum: values, ...rest } = other!;
  return { type: [type, "null"], ...(values !== undefined && { enum: [...(values as unknown[]), null] }), ...rest };
}

/** A choice between values of several types as alternatives: generators of clients drop a schema with such a list. */
function enumOf(values: readonly unknown[], { type }: Json): Json {
  const types = Map.groupBy(values, (value) => (value === null ? "null" : typeof value));
  if (type !== undefined || types.size === 1) return { enum: values };
  const alternatives = [...types].map(([name, ofType]) => {
    const isComplete = name === "null" || (name === "boolean" && ofType.length === 2);
    return isComplete ? { type: name } : { type: name, enum: ofType };
  });
  return { anyOf: alternatives };
}

/**
 * Changes every schema in a schema, the innermost first. The keys of `properties` are field names and no keywords.
 *
 * @param change gets the keyword that contains the schema, for example `anyOf`; empty for the whole schema
 */
function walk(schema: Json, change: (node: Json, keyword: string) => Json, keyword = ""): Json {
  const within = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return key === "enum" ? value : value.map((item) => within(item, key));
    if (typeof value !== "object" || value === null) return value;
    if (key !== "properties") return walk(value as Json, change, key);
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, walk(field as Json, change, key)]));
  };
  return change(Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, within(value, key)])), keyword);
}

/**
 * Adds the descriptions of a schema and its fields. A schema with a base has all fields of the base itself. Generators of
 * clients take an `allOf` beside `properties` for an alias, and lose the fields or their nullability. `x-extends` names the
 * base for our own page.
 */
function addDescriptions(schema: Json, described: SchemaDescriptions | undefined): Json {
  if (!described) return schema;
  const { base, about, fields } = described;
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Json>).map(([field, type]) => {
    return [field, { ...type, description: base?.fields[field] ?? fields[field] }];
  });
  return {
    ...(about && { description: about }),
    ...(base && { "x-extends": base.name }),
    ...schema,
    ...(schema["properties"] !== undefined && { properties: Object.fromEntries(properties) }),
  };
}
