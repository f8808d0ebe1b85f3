/**
 * The form of a row in the data file. A row without bytes is text: JSON, or JSON with its long texts behind it. A row with bytes, and
 * a row of an earlier version, has V8's binary form.
 */
import { deserialize, serialize } from "node:v8";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item } from "@mjflow/store/codec";

export type StoredItem = string | Uint8Array;

/**
 * Length from which on a text is stored behind the JSON, characters. Such texts are JSON themselves: a result, and in it the body of
 * the vendor. Inside of the JSON each of their quotation marks would be escaped once more.
 */
const LONG = 200;

/** JSON takes a third of the time of V8's form. It has no bytes; only very large values of the file have some (`deflateFrom`). */
export function storedItemOf(item: Item): StoredItem {
  const long: string[] = [];
  for (const name in item) {
    const value = item[name]!;
    if (hasBytes(value)) return serialize(item);
    if (isLong(value.S)) long.push(name);
  }
  return long.length === 0 ? JSON.stringify(item) : withTextsBehind(item, long);
}

export function itemOf(stored: StoredItem): Item {
  if (typeof stored !== "string") return deserialize(stored) as Item;
  return stored.startsWith("{") ? (JSON.parse(stored) as Item) : ofTextsBehind(stored);
}

/** SQLite stores text as UTF-8 and its readers may end it at a NUL. In JSON half a character and a NUL are escaped. */
function isLong(text: string | undefined): boolean {
  return text !== undefined && text.length >= LONG && text.isWellFormed() && !text.includes("\0");
}

/** The length of the JSON, the JSON with the length of each long text in place of its value, and these texts. */
function withTextsBehind(item: Item, long: readonly string[]): string {
  const head: Record<string, AttributeValue | number> = { ...item };
  let texts = "";
  for (const name of long) {
    const text = item[name]!.S!;
    head[name] = text.length;
    texts += text;
  }
  const json = JSON.stringify(head);
  return `${json.length}${json}${texts}`;
}

function ofTextsBehind(stored: string): Item {
  const start = stored.indexOf("{");
  let at = start + Number(stored.slice(0, start));
  const item = JSON.parse(stored.slice(start, at)) as Record<string, AttributeValue | number>;
  for (const name in item) {
    const length = item[name]!;
    if (typeof length !== "number") continue;
    item[name] = { S: stored.slice(at, at + length) };
    at += length;
  }
  return item as Item;
}

function hasBytes({ B, BS, M }: AttributeValue): boolean {
  return B !== undefined || BS !== undefined || (M !== undefined && Object.values(M).some(hasBytes));
}
