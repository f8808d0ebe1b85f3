/**
 * Names and descriptions of schemas. They are separate from the schemas, because the API function loads the schemas and
 * needs no descriptions. The compiler checks that every field has a description.
 */
import { EventName } from "@mjflow/core/request";
import type * as z from "zod/mini";
import type { Schema } from "./route-description.ts";

export interface SchemaDescriptions<T extends Schema = Schema> {
  schema: T;
  /** Name of the component in the document. Unset: the schema is no component. */
  name?: string;
  about?: string;
  fields: Readonly<Record<string, string>>;
  /** The component whose fields this component contains; they are described there. */
  base?: SchemaDescriptions;
}

type FieldsOf<T extends z.ZodMiniObject> = { readonly [Field in keyof T["shape"]]-?: string };

/** Describes a component. */
export function describe<T extends z.ZodMiniObject>(
  name: string,
  schema: T,
  about: string,
  fields: FieldsOf<T>,
): SchemaDescriptions<T> {
  return { schema, name, about, fields };
}

/** Describes a component that has all fields of another component and its own fields. */
export function extendDescription<Base extends z.ZodMiniObject, T extends z.ZodMiniObject>(
  base: SchemaDescriptions<Base>,
  name: string,
  schema: T,
  about: string,
  fields: Omit<FieldsOf<T>, keyof Base["shape"]>,
): SchemaDescriptions<T> {
  return { schema, name, about, fields: { ...base.fields, ...fields }, base };
}

/** Describes a schema without a name: a query, or a body that several routes share. */
export function describedSchemas<T extends z.ZodMiniObject>(schema: T, fields: FieldsOf<T>): SchemaDescriptions {
  return { schema, fields };
}

/** The type of an event, in requests and responses. */
export const eventDescriptions: SchemaDescriptions = {
  schema: EventName,
  name: "EventType",
  about: "Type of an event; see Webhooks.",
  fields: {},
};
