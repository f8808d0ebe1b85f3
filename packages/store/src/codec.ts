/**
 * Rows and the values they hold, field by field: short names, zeros and absent fields not stored, longer JSON deflated
 * with a dictionary of what results share, for DynamoDB bills by the kilobyte. What a row means is its owner's affair.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { DICTIONARIES, DICTIONARY } from "./dictionary.ts";
import { ATTRIBUTE, type Key } from "./keys.ts";

export type Item = Record<string, AttributeValue>;

/**
 * Raised when a row is stored in a way that older code would misread: it then refuses the row in words, and leaves it to
 * newer code. An attribute it can do without does not count: older code does not see it, and gives it back as it was.
 */
const VERSION = 1;
const VERSION_ATTRIBUTE = "v";
/** Names one write, so that a repeated request recognises its own (dynamo.ts). */
export const NONCE_ATTRIBUTE = "w";
export const REV_ATTRIBUTE = "rev";

/**
 * A newer version's attributes, on what was read from their row. Every write puts a whole row: without them, a process of
 * the older version, still running beside the newer one or back again after it, would wipe out what the newer one stored.
 * A symbol goes wherever the object is spread to, and into no JSON.
 */
const UNKNOWN = Symbol("attributes of newer code");

/**
 * How a field is stored: text, number, number that is not stored while 0, boolean, or JSON (as text while short, else
 * deflated).
 */
export type Kind = "text" | "number" | "count" | "flag" | "json";
export type Fields<T extends string> = Record<T, readonly [attribute: string, kind: Kind]>;

/** No two fields in one attribute: what is stored of one would be read as the other, and nothing else would notice. */
type Distinct<T extends Fields<string>> = {
  [name in keyof T]: T[name][0] extends T[Exclude<keyof T, name>][0]
    ? "shares its attribute with another field"
    : T[name];
};

export class ItemError extends Error {
  override readonly name = "ItemError";
}

export function keyOf(item: Item): Key {
  return { pk: item[ATTRIBUTE.pk]?.S ?? "", sk: item[ATTRIBUTE.sk]?.S ?? "" };
}

/** TTL deletes days late; until then the row is there, and shown to nobody. */
export function isExpired(item: Item, now: number): boolean {
  const at = item[ATTRIBUTE.expiresAt]?.N;
  return at !== undefined && Number(at) * 1_000 <= now;
}

/** As DynamoDB counts it for billing: names and values in UTF-8, about a byte for two digits of a number. */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.replace(/\D/g, "").length / 2) + 1;
  return value.B === undefined ? 1 : value.B.length;
}

export function row<T extends Fields<string>>(
  { pk, sk }: Key,
  fields: T & Distinct<T>,
  value: { [name in NoInfer<keyof T>]?: unknown } & { [UNKNOWN]?: Item },
): Item {
  const item: Item = {
    ...value[UNKNOWN],
    [ATTRIBUTE.pk]: { S: pk },
    [ATTRIBUTE.sk]: { S: sk },
    [VERSION_ATTRIBUTE]: { N: String(VERSION) },
  };
  for (const [name, [attribute, kind]] of entriesOf(fields)) {
    const stored = encode(kind, (value as Record<string, unknown>)[name]);
    if (stored) item[attribute] = stored;
  }
  return item;
}

/**
 * The fields, and out of sight what else is in the row: a change of what is returned must be a spread of it.
 *
 * @throws ItemError for a row of newer code.
 */
export function fieldsOf<F extends string>(item: Item, fields: Fields<F>): Record<string, unknown> {
  const version = Number(item[VERSION_ATTRIBUTE]?.N);
  if (!(version <= VERSION)) {
    const { pk, sk } = keyOf(item);
    throw new ItemError(`${pk} ${sk} has schema version ${version}; this code knows versions up to ${VERSION}`);
  }
  const value: Record<string | symbol, unknown> = {};
  for (const [name, [attribute, kind]] of entriesOf(fields)) {
    const field = decode(kind, item[attribute]);
    if (field !== undefined) value[name] = field;
  }
  const ours = knownOf(fields);
  const unknown = Object.entries(item).filter(([attribute]) => !ours.has(attribute));
  if (unknown.length > 0) value[UNKNOWN] = Object.fromEntries(unknown);
  return value;
}

const known = new WeakMap<Fields<string>, ReadonlySet<string>>();

/** All attributes that this code knows in such a row; a table of fields is read at every row, and never changes. */
function knownOf(fields: Fields<string>): ReadonlySet<string> {
  const ready = known.get(fields);
  if (ready) return ready;
  const attributes = new Set([...OURS, ...Object.values(fields).map(([attribute]) => attribute)]);
  known.set(fields, attributes);
  return attributes;
}

/** In every kind of row; each is made anew at each write, or left out of it. */
const OURS: readonly string[] = [...Object.values(ATTRIBUTE), VERSION_ATTRIBUTE, NONCE_ATTRIBUTE];

function entriesOf<F extends string>(fields: Fields<F>) {
  return Object.entries(fields) as [F, readonly [string, Kind]][];
}

function encode(kind: Kind, value: unknown): AttributeValue | undefined {
  if (value === undefined || (kind === "count" && value === 0)) return undefined;
  if (kind === "text") return { S: value as string };
  if (kind === "flag") return { BOOL: value as boolean };
  return kind === "json" ? encodeJson(value) : { N: String(value) };
}

function decode(kind: Kind, value: AttributeValue | undefined): unknown {
  if (value === undefined) return kind === "count" ? 0 : undefined;
  if (kind === "text") return value.S;
  if (kind === "flag") return value.BOOL;
  return kind === "json" ? decodeJson(value) : Number(value.N);
}

/** Below this, deflating saves nothing worth its time. */
const DEFLATE_FROM_BYTES = 160;
/** Half the usual window holds the dictionary and most of what is stored, and takes two thirds of the time to set up. */
const DEFLATE = { level: 9, windowBits: 14 };
/** A row is 400 KB at most; nothing we stored inflates to more than this. */
const INFLATED_BYTES = 32 * 1024 * 1024;

/**
 * How a value was stored that was read here: most of a row is written as it was read, and deflating is most of what a
 * write takes. What is read is frozen, so that the same object is still the same text.
 */
const asRead = new WeakMap<object, AttributeValue>();

function encodeJson(value: unknown): AttributeValue {
  const known = asRead.get(value as object);
  if (known) return known;
  const json = JSON.stringify(value);
  if (json.length < DEFLATE_FROM_BYTES) return { S: json };
  const deflated = deflateRawSync(json, { ...DEFLATE, dictionary: DICTIONARIES[DICTIONARY] });
  return { B: Buffer.concat([Uint8Array.of(DICTIONARY), deflated]) };
}

function decodeJson(value: AttributeValue): unknown {
  const json = value.B ? inflate(value.B) : value.S;
  if (json === undefined) return undefined;
  const read = frozen(JSON.parse(json));
  if (typeof read === "object" && read !== null) asRead.set(read, value);
  return read;
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const field of Object.values(value)) frozen(field);
  return Object.freeze(value);
}

function inflate(bytes: Uint8Array): string {
  const dictionary = DICTIONARIES[bytes[0] ?? 0];
  if (!dictionary)
    throw new ItemError(`a value was deflated with dictionary ${bytes[0]}, which this code does not have`);
  return inflateRawSync(bytes.subarray(1), { dictionary, maxOutputLength: INFLATED_BYTES }).toString();
}
