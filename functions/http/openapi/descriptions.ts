/**
 * Names and descriptions of request schemas. They are separate from the schemas, because the API function loads the schemas
 * and needs no descriptions. The compiler checks that every field has a description.
 */
import type { SchemaDescriptions } from "@mjflow/core/component";
import { EventName } from "@mjflow/core/request";
import type * as z from "zod/mini";

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
