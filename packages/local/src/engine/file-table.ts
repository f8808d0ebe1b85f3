/** The requests of `store/table.ts` on a file of this machine, held to the same conformance suite as DynamoDB's. */

import type { SQLInputValue } from "node:sqlite";
import { deserialize, serialize } from "node:v8";
import { type Item, keyOf, REV_ATTRIBUTE } from "@mjflow/store/codec";
import { ATTRIBUTE, INDEX_KEYS, type Key, keyText } from "@mjflow/store/keys";
import type { ListQuery, PutResult, Table } from "@mjflow/store/table";
import type { DataFile } from "./data-file.ts";

const INSERT =
  "INSERT INTO items (rev, item, dueShard, dueAt, appId, listedAt, expiresAt, pk, sk) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
const UPDATE =
  "UPDATE items SET rev = ?, item = ?, dueShard = ?, dueAt = ?, appId = ?, listedAt = ?, expiresAt = ? WHERE pk = ? AND sk = ? AND rev = ?";

const DELETE_EXPIRED =
  "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expiresAt <= ? LIMIT ?) RETURNING pk, sk";
/** Between two of them others get their turn. */
const DELETE_EXPIRED_BATCH = 200;

/** A few thousand rows: about 20 MB. */
const SELECT_ITEM = 4_096;

interface Row {
  item: Uint8Array;
}

export interface FileTable extends Table {
  /** What DynamoDB's TTL does: rows past their time go, and reading has left them out already. @returns how many */
  deleteExpired(nowMs: number): Promise<number>;
}

export function createFileTable({ sql, write, onUndone }: Pick<DataFile, "sql" | "write" | "onUndone">): FileTable {
  /** Rows as they are: nobody else writes to this file, and nobody changes an item. The one written longest ago goes first. */
  const held = new Map<string, Item>();
  onUndone(() => held.clear());

  function hold(key: Key, item: Item): void {
    const name = keyText(key);
    held.delete(name);
    held.set(name, item);
    if (held.size > SELECT_ITEM) held.delete(held.keys().next().value!);
  }

  function find(key: Key): Item | undefined {
    const known = held.get(keyText(key));
    if (known) return known;
    const row = sql("SELECT item FROM items WHERE pk = ? AND sk = ?").get(key.pk, key.sk) as Row | undefined;
    if (!row) return undefined;
    const item = deserialize(row.item) as Item;
    hold(key, item);
    return item;
  }

  return {
    put(item, rev) {
      const values = [...columnsOf(item), ...(rev === undefined ? [] : [rev])];
      return write((): PutResult => {
        const { changes } = sql(rev === undefined ? INSERT : UPDATE).run(...values);
        if (changes !== 1) return { ok: false, current: find(keyOf(item)) };
        hold(keyOf(item), item);
        return { ok: true };
      });
    },
    async delete({ pk, sk }, rev) {
      await write(() => {
        if (sql("DELETE FROM items WHERE pk = ? AND sk = ? AND rev = ?").run(pk, sk, rev).changes > 0) {
          held.delete(keyText({ pk, sk }));
        }
      });
    },
    get: async (key) => find(key),
    getAll: async (keys) => keys.map(find).filter((item) => item !== undefined),
    async partition(pk) {
      const rows = sql("SELECT pk, sk FROM items WHERE pk = ? ORDER BY sk").all(pk);
      return (rows as unknown as Key[]).map((key) => find(key)!);
    },
    async list(listing) {
      const { text, values } = queryOf(listing);
      const rows = sql(text).all(...values);
      const { index } = listing;
      return index ? rows.map((row) => keysOf(row, index)) : (rows as unknown as Key[]).map((key) => find(key)!);
    },
    async deleteExpired(nowMs) {
      for (let gone = 0; ; ) {
        const rows = await write(() => sql(DELETE_EXPIRED).all(Math.floor(nowMs / 1_000), DELETE_EXPIRED_BATCH));
        for (const key of rows as unknown as Key[]) held.delete(keyText(key));
        gone += rows.length;
        if (rows.length < DELETE_EXPIRED_BATCH) return gone;
      }
    },
  };
}

function columnsOf(item: Item): SQLInputValue[] {
  const { pk, sk } = keyOf(item);
  const text = (name: string) => item[name]?.S ?? null;
  const number = (name: string) => (item[name]?.N === undefined ? null : Number(item[name].N));
  const { dueShard, dueAt, appId, listedAt, expiresAt } = ATTRIBUTE;
  const indexed = [text(dueShard), number(dueAt), text(appId), text(listedAt), number(expiresAt)];
  return [number(REV_ATTRIBUTE), serialize(item), ...indexed, pk, sk];
}

/** By the sort key, then by the table's own: an index may hold several of one sort key. */
function queryOf({ partition, index, from, to, descending = false, limit, after }: ListQuery) {
  const [hash, range] = index ? INDEX_KEYS[index] : ([ATTRIBUTE.pk, ATTRIBUTE.sk] as const);
  const order = index ? [range, ATTRIBUTE.pk, ATTRIBUTE.sk] : [range];
  const conditions = [`${hash} = ?`];
  const values: SQLInputValue[] = [partition];
  if (index) conditions.push(`${range} IS NOT NULL`);
  if (from !== undefined) {
    conditions.push(`${range} >= ?`);
    values.push(from);
  }
  if (to !== undefined) {
    conditions.push(`${range} <= ?`);
    values.push(to);
  }
  if (after) {
    conditions.push(`(${order.join(", ")}) ${descending ? "<" : ">"} (${order.map(() => "?").join(", ")})`);
    values.push(...order.map((name) => sortOf(after, name)));
  }
  const sorted = order.map((name) => `${name} ${descending ? "DESC" : "ASC"}`).join(", ");
  const columns = index ? ["pk", "sk", hash, range].join(", ") : "pk, sk";
  const text = `SELECT ${columns} FROM items WHERE ${conditions.join(" AND ")} ORDER BY ${sorted} LIMIT ?`;
  return { text, values: [...values, limit] };
}

function sortOf(item: Item, name: string): SQLInputValue {
  const value = item[name];
  return value?.N === undefined ? (value?.S ?? null) : Number(value.N);
}

/** An index holds keys only. */
function keysOf(row: Record<string, unknown>, index: keyof typeof INDEX_KEYS): Item {
  const [hash, range] = INDEX_KEYS[index];
  const value = row[range];
  return {
    [ATTRIBUTE.pk]: { S: String(row[ATTRIBUTE.pk]) },
    [ATTRIBUTE.sk]: { S: String(row[ATTRIBUTE.sk]) },
    [hash]: { S: String(row[hash]) },
    [range]: typeof value === "number" ? { N: String(value) } : { S: String(value) },
  };
}
