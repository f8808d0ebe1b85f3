/**
 * Names and prose for schemas. Apart from the schemas, because the API's function carries those, and the compiler sees to
 * it that no field is without a word.
 */
import { EventName } from "@mjflow/core/request";
import type * as z from "zod/mini";
import type { Schema } from "./route-description.ts";

export interface SchemaDescriptions<T extends Schema = Schema> {
  schema: T;
  /** Where it has one, it is a component of the document. */
  name?: string;
  about?: string;
  fields: Readonly<Record<string, string>>;
  /** All of another component's fields, which says them. */
  base?: SchemaDescriptions;
}

type FieldsOf<T extends z.ZodMiniObject> = { readonly [Field in keyof T["shape"]]-?: string };

/** A component. */
export function describe<T extends z.ZodMiniObject>(
  name: string,
  schema: T,
  about: string,
  fields: FieldsOf<T>,
): SchemaDescriptions<T> {
  return { schema, name, about, fields };
}

/** A component that has all the fields of another, and some of its own. */
export function extendDescription<Base extends z.ZodMiniObject, T extends z.ZodMiniObject>(
  base: SchemaDescriptions<Base>,
  name: string,
  schema: T,
  about: string,
  fields: Omit<FieldsOf<T>, keyof Base["shape"]>,
): SchemaDescriptions<T> {
  return { schema, name, about, fields: { ...base.fields, ...fields }, base };
}

/** A schema without a name: a query, or a body that several routes take parts of. */
export function describedSchemas<T extends z.ZodMiniObject>(schema: T, fields: FieldsOf<T>): SchemaDescriptions {
  return { schema, fields };
}

/** What an app can hear of: in requests and in answers. */
export const eventDescriptions: SchemaDescriptions = {
  schema: EventName,
  name: "EventType",
  about: "What an app can hear of; see Webhooks.",
  fields: {},
};
