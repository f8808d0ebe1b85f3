/**
 * Makes the schemas of responses together with their descriptions, so that a field has both in one place. No deployed function
 * imports this file or a schema that it has made.
 */
import * as z from "zod/mini";

export interface SchemaDescriptions<T extends z.ZodMiniType = z.ZodMiniType> {
  schema: T;
  /** Name of the component in the document. Unset: the schema is no component. */
  name?: string;
  about?: string;
  fields: Readonly<Record<string, string>>;
  /** The component whose fields this component contains; they are described there. */
  base?: SchemaDescriptions;
}

type Shape = Readonly<Record<string, z.ZodMiniType>>;
type Described<Fields extends Shape> = {
  readonly [Field in keyof Fields]: readonly [schema: Fields[Field], about: string];
};

const made = new Map<z.ZodMiniType, SchemaDescriptions>();

/** Descriptions of all components that the imported files have made. */
export function componentDescriptions(): readonly SchemaDescriptions[] {
  return [...made.values()];
}

/** A strict object that the API document describes as `name`. */
export function component<Fields extends Shape>(name: string, about: string, fields: Described<Fields>) {
  const schema = z.strictObject(schemasOf(fields));
  made.set(schema, { schema, name, about, fields: textsOf(fields) });
  return schema;
}

/** A component that has all fields of another component and its own fields. @throws Error if `base` is no component */
export function extend<Base extends z.ZodMiniObject, Fields extends Shape>(
  base: Base,
  name: string,
  about: string,
  fields: Described<Fields>,
) {
  const described = made.get(base);
  if (!described) throw new Error(`The base of ${name} is no component.`);
  const schema = z.extend(base, schemasOf(fields));
  made.set(schema, { schema, name, about, fields: { ...described.fields, ...textsOf(fields) }, base: described });
  return schema;
}

function schemasOf<Fields extends Shape>(fields: Described<Fields>): Fields {
  return Object.fromEntries(
    Object.entries<Described<Shape>[string]>(fields).map(([name, [schema]]) => [name, schema]),
  ) as Fields;
}

function textsOf(fields: Described<Shape>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, [, about]]) => [name, about]));
}
