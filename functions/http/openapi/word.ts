/**
 * Names and prose for schemas. Apart from the schemas, because the API's function carries those, and the compiler sees to
 * it that no field is without a word.
 */
import type * as z from "zod/mini";
import type { Schema } from "./description.ts";

export interface Words {
  schema: Schema;
  /** Where it has one, it is a component of the document. */
  name?: string;
  about?: string;
  fields: Readonly<Record<string, string>>;
}

type FieldsOf<T extends z.ZodMiniObject> = { readonly [Field in keyof T["shape"]]-?: string };

/** A component. */
export function named<T extends z.ZodMiniObject>(name: string, schema: T, about: string, fields: FieldsOf<T>): Words {
  return { schema, name, about, fields };
}

/** A schema without a name: a query, or what only one answer holds. */
export function words<T extends z.ZodMiniObject>(schema: T, fields: FieldsOf<T>): Words {
  return { schema, fields };
}
