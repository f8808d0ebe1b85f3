/** zod into JSON Schema, as OpenAPI 3.1 has it: once for all, so that a schema with a name is referred to by it. */
import * as z from "zod/mini";
import type { SchemaDescriptions } from "./descriptions.ts";
import type { Schema } from "./route-description.ts";

export type Json = Record<string, unknown>;

export interface Schemas {
  /** By name. */
  components: Record<string, Json>;
  of(schema: Schema): Json;
}

/**
 * @param io requests are what is sent, answers what has become of it
 * @throws Error for a schema that JSON Schema cannot say, or two of one name
 */
export function schemasOf(
  io: "input" | "output",
  vocabulary: readonly SchemaDescriptions[],
  others: readonly Schema[],
): Schemas {
  const registry = z.registry<{ id: string }>();
  const ids = new Map<Schema, string>();
  const words = new Map(vocabulary.map((entry) => [entry.schema, entry]));
  const register = (schema: Schema, id: string) => {
    if (ids.has(schema)) return;
    ids.set(schema, id);
    registry.add(schema, { id });
  };
  for (const { schema, name, fields } of vocabulary) {
    if (name !== undefined) register(schema, name);
    else if (!others.includes(schema)) throw new Error(`Words for nothing: ${Object.keys(fields).join(", ")}.`);
  }
  const unnamed = new Set(others.filter((schema) => !ids.has(schema)));
  for (const [i, schema] of [...unnamed].entries()) register(schema, `~${i}`);

  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}` });
  const told = new Map([...ids].map(([schema, id]) => [id, tell(plain(schemas[id]! as Json, io), words.get(schema))]));
  const components = [...told].filter(([id]) => !id.startsWith("~")).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    components: Object.fromEntries(components),
    of(schema) {
      const id = ids.get(schema);
      if (id === undefined) throw new Error("A schema that was not announced.");
      return id.startsWith("~") ? told.get(id)! : { $ref: `#/components/schemas/${id}` };
    },
  };
}

/** As a person would write it: nothing that says less than it takes to read. */
function plain(schema: Json, io: "input" | "output"): Json {
  const { $schema: _, $id: __, ...rest } = schema;
  return walk(rest, (node) => {
    const { additionalProperties, pattern, anyOf, maximum, minimum, ...kept } = node;
    return {
      ...(anyOf !== undefined && nullable(anyOf as Json[])),
      ...kept,
      // zod's own, of four lines; the format says it.
      ...(pattern !== undefined && node["format"] === undefined && { pattern }),
      // Every integer's, where nobody has said another.
      ...(maximum !== Number.MAX_SAFE_INTEGER && maximum !== undefined && { maximum }),
      ...(minimum !== Number.MIN_SAFE_INTEGER && minimum !== undefined && { minimum }),
      // Requests are held to what is described; answers may gain members.
      ...(additionalProperties !== undefined &&
        !(io === "output" && additionalProperties === false) && { additionalProperties }),
    };
  });
}

/** `{"type": ["string", "null"]}` instead of two alternatives. */
function nullable(anyOf: Json[]): Json {
  const [other, nothing, ...more] = anyOf;
  const isPlain = more.length === 0 && nothing?.["type"] === "null" && typeof other?.["type"] === "string";
  if (!isPlain) return { anyOf };
  const { type, enum: words, ...rest } = other!;
  return { type: [type, "null"], ...(words !== undefined && { enum: [...(words as unknown[]), null] }), ...rest };
}

/** Every schema within, innermost first; `properties` holds schemas under names that are no keywords. */
function walk(schema: Json, change: (node: Json) => Json): Json {
  const within = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return key === "enum" ? value : value.map((item) => within(item, ""));
    if (typeof value !== "object" || value === null) return value;
    if (key !== "properties") return walk(value as Json, change);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one as Json, change)]));
  };
  return change(Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, within(value, key)])));
}

function tell(schema: Json, words: SchemaDescriptions | undefined): Json {
  if (!words) return schema;
  const { base, about, fields } = words;
  const isOwn = (field: string) => base?.fields[field] === undefined;
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Json>);
  const told = properties
    .filter(([field]) => isOwn(field))
    .map(([field, one]) => [field, { ...one, description: fields[field] }]);
  const required = (schema["required"] as string[] | undefined)?.filter(isOwn) ?? [];
  return {
    ...(about && { description: about }),
    ...(base && { allOf: [{ $ref: `#/components/schemas/${base.name}` }] }),
    ...schema,
    ...(schema["properties"] !== undefined && { properties: Object.fromEntries(told) }),
    ...(schema["required"] !== undefined && { required }),
  };
}
