/** The form of a row in the data file: JSON text, or V8's binary form for a row with bytes and for a row of an earlier version. */
import { deserialize, serialize } from "node:v8";
import type { Item } from "@mjflow/store/codec";

export type StoredItem = string | Uint8Array;

/** JSON takes a third of the time of V8's form. It has no bytes; only very large values of the file have some (`deflateFrom`). */
export function storedItemOf(item: Item): StoredItem {
  return hasBytes(item) ? serialize(item) : JSON.stringify(item);
}

export function itemOf(stored: StoredItem): Item {
  return (typeof stored === "string" ? JSON.parse(stored) : deserialize(stored)) as Item;
}

function hasBytes(item: Item): boolean {
  for (const name in item) {
    const { B, BS, M } = item[name]!;
    if (B !== undefined || BS !== undefined || (M !== undefined && hasBytes(M))) return true;
  }
  return false;
}
