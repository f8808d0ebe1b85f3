/**
 * Encodes single fields of rows. Attribute names are short, and zeros and unset fields are not stored. Longer JSON is deflated
 * with a dictionary of what results have in common. All of this saves money, because DynamoDB bills by the kilobyte. The file of
 * the local server bills nothing, so it deflates only what is really large. Every reader reads both forms.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { DICTIONARIES, DICTIONARY } from "./dictionary.ts";
import { ATTRIBUTE, type Key } from "./keys.ts";

export type Item = Record<string, AttributeValue>;

/**
 * Schema version of a row. Increase it when a row is stored in a way that older code would misread. Older code then rejects
 * the row with an error and leaves it to newer code. A new attribute that older code can ignore needs no new version,
 * because older code writes it back unchanged.
 */
export const VERSION = 1;
export const VERSION_ATTRIBUTE = "v";
/** Attribute with a random value per write, by which a repeated request recognizes its own write (table.ts). */
export const NONCE_ATTRIBUTE = "w";
export const REV_ATTRIBUTE = "rev";

/**
 * How a field is stored. `count` is a number that is not stored while it is 0. `flag` is a boolean. `json` is stored as text
 * while it is shorter than the table's limit (`DEFLATE_FROM`) and deflated otherwise.
 */
export type Kind = "text" | "number" | "count" | "flag" | "json";

export class ItemError extends Error {
  override readonly name = "ItemError";
}

export function keyOf(item: Item): Key {
  return { pk: item[ATTRIBUTE.pk]?.S ?? "", sk: item[ATTRIBUTE.sk]?.S ?? "" };
}

/** TTL deletes rows hours or days late. Until then readers must leave out expired rows. */
export function isExpired(item: Item, now: number): boolean {
  const at = item[ATTRIBUTE.expiresAt]?.N;
  return at !== undefined && Number(at) * 1_000 <= now;
}

/** Estimates the size that DynamoDB bills: names and values in UTF-8, and about one byte for two digits of a number. */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.replace(/\D/g, "").length / 2) + 1;
  if (value.SS !== undefined) return value.SS.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  // A map takes 3 bytes, and 1 more for each entry.
  if (value.M !== undefined) return itemBytes(value.M) + Object.keys(value.M).length + 3;
  return value.B === undefined ? 1 : value.B.length;
}

/** @throws ItemError if newer code wrote the row (W4). A row without a schema version is readable here. */
export function assertReadable(item: Item | undefined): void {
  const version = Number(item?.[VERSION_ATTRIBUTE]?.N ?? 0);
  if (version > VERSION) throw newerRowError(item!, version);
}

export function newerRowError(item: Item, version: number): ItemError {
  const { pk, sk } = keyOf(item);
  return new ItemError(`${pk} ${sk} has schema version ${version}; this code knows versions up to ${VERSION}`);
}

/** @param deflateFrom length of JSON from which on it is deflated, characters */
export function encode(kind: Kind, value: unknown, deflateFrom: number = DEFLATE_FROM): AttributeValue | undefined {
  if (value === undefined || (kind === "count" && value === 0)) return undefined;
  switch (kind) {
    case "text":
      return { S: value as string };
    case "flag":
      return { BOOL: value as boolean };
    case "json":
      return encodeJson(value, deflateFrom);
    case "number":
    case "count":
      return { N: String(value) };
  }
}

export function decode(kind: Kind, value: AttributeValue | undefined): unknown {
  if (value === undefined) return kind === "count" ? 0 : undefined;
  switch (kind) {
    case "text":
      return value.S;
    case "flag":
      return value.BOOL;
    case "json":
      return decodeJson(value);
    case "number":
    case "count":
      return Number(value.N);
  }
}

/** Length of JSON from which on a table that bills by size stores it deflated, characters. Shorter texts save too little. */
export const DEFLATE_FROM = 160;
/** Half the usual window size contains the dictionary and most stored values. It takes two thirds of the time to set up. */
const DEFLATE = { level: 9, windowBits: 14 };
/** Maximum inflated size, bytes. A row has at most 400 KB, and nothing that we store inflates to more than this. */
const INFLATED_BYTES = 32 * 1024 * 1024;

/**
 * The stored form of each value that was decoded here. Most values of a row are written as they were read, and deflating is
 * most of the time of a write. Decoded values are frozen, so the same object still has the same stored form.
 */
const asRead = new WeakMap<object, AttributeValue>();

function encodeJson(value: unknown, deflateFrom: number): AttributeValue {
  const known = asRead.get(value as object);
  // A longer text is of a row that comes from a local server.
  if (known && (known.S === undefined || known.S.length < deflateFrom)) return known;
  const json = known?.S ?? JSON.stringify(value);
  return json.length < deflateFrom ? { S: json } : { B: deflate(json) };
}

/** Returns a stored value of the kind `json` as a table that bills by size stores it. */
export function compactJson(value: AttributeValue): AttributeValue {
  return value.S === undefined || value.S.length < DEFLATE_FROM ? value : { B: deflate(value.S) };
}

function deflate(json: string): Uint8Array {
  const deflated = deflateRawSync(json, { ...DEFLATE, dictionary: DICTIONARIES[DICTIONARY] });
  // An array of its own. `Buffer` cuts small buffers out of a pool of 64 KB, which would stay in memory as long as the item does.
  const stored = new Uint8Array(1 + deflated.length);
  stored[0] = DICTIONARY;
  stored.set(deflated, 1);
  return stored;
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
