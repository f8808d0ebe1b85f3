/** The requests of `store/table.ts` on a local file, tested with the same conformance tests as DynamoDB. */

import type { SQLInputValue } from "node:sqlite";
import { deserialize, serialize } from "node:v8";
import { type Item, keyOf, REV_ATTRIBUTE } from "@mjflow/store/codec";
import { ATTRIBUTE, INDEX_KEYS, type Key, keyText } from "@mjflow/store/keys";
import type { ListQuery, PutResult, Table } from "@mjflow/store/table";
import { changed } from "@mjflow/store/update";
import type { DataFile } from "./data-file.ts";

const INSERT =
  "INSERT INTO items (rev, item, dueShard, dueAt, appId, listedAt, expiresAt, pk, sk) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
const UPDATE =
  "UPDATE items SET rev = ?, item = ?, dueShard = ?, dueAt = ?, appId = ?, listedAt = ?, expiresAt = ? WHERE pk = ? AND sk = ? AND rev = ?";

const DELETE_EXPIRED =
  "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expiresAt <= ? LIMIT ?) RETURNING pk, sk";
/** Rows per delete statement. Between two statements other work can run. */
const DELETE_EXPIRED_BATCH = 200;

/** Number of cached rows; they take about 20 MB. */
const CACHED_ROWS = 4_096;

interface Row {
  item: Uint8Array;
}

export interface FileTable extends Table {
  /**
   * Deletes expired rows, like DynamoDB's TTL. Reads ignore expired rows already before.
   *
   * @returns the number of deleted rows
   */
  deleteExpired(nowMs: number): Promise<number>;
}

export function createFileTable({ sql, write, onUndone }: Pick<DataFile, "sql" | "write" | "onUndone">): FileTable {
  /**
   * Cache of rows. It is always current, because only this process writes to the file and items are never modified. The
   * row written longest ago is removed first.
   */
  const cache = new Map<string, Item>();
  onUndone(() => cache.clear());

  function addToCache(key: Key, item: Item): void {
    const name = keyText(key);
    cache.delete(name);
    cache.set(name, item);
    if (cache.size > CACHED_ROWS) cache.delete(cache.keys().next().value!);
  }

  function find(key: Key): Item | undefined {
    const known = cache.get(keyText(key));
    if (known) return known;
    const row = sql("SELECT item FROM items WHERE pk = ? AND sk = ?").get(key.pk, key.sk) as Row | undefined;
    if (!row) return undefined;
    const item = deserialize(row.item) as Item;
    addToCache(key, item);
    return item;
  }

  return {
    put(item, rev) {
      const values = [...columnsOf(item), ...(rev === undefined ? [] : [rev])];
      return write((): PutResult => {
        const { changes } = sql(rev === undefined ? INSERT : UPDATE).run(...values);
        if (changes !== 1) return { ok: false, current: find(keyOf(item)) };
        addToCache(keyOf(item), item);
        return { ok: true };
      });
    },
    async update(key, update) {
      // `write` runs immediately, so no other write comes between this read and it. An error is thrown before the write,
      // because an error inside of it would undo the writes that share its transaction.
      const current = find(key);
      const result = changed(current, key, update);
      if (!result.ok) return result;
      await write(() => {
        const values = [...columnsOf(result.item), ...(current ? [Number(current[REV_ATTRIBUTE]?.N)] : [])];
        const { changes } = sql(current ? UPDATE : INSERT).run(...values);
        if (changes !== 1) throw new Error(`the row ${keyText(key)} is not as it was read`);
        addToCache(key, result.item);
      });
      return result;
    },
    async delete({ pk, sk }, rev) {
      await write(() => {
        if (sql("DELETE FROM items WHERE pk = ? AND sk = ? AND rev = ?").run(pk, sk, rev).changes > 0) {
          cache.delete(keyText({ pk, sk }));
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
      for (let deleted = 0; ; ) {
        const rows = await write(() => sql(DELETE_EXPIRED).all(Math.floor(nowMs / 1_000), DELETE_EXPIRED_BATCH));
        for (const key of rows as unknown as Key[]) cache.delete(keyText(key));
        deleted += rows.length;
        if (rows.length < DELETE_EXPIRED_BATCH) return deleted;
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

/** Sorts by the sort key, then by the table's own keys, because an index may contain several rows with one sort key. */
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

/** Returns the row as an index entry, which contains only keys. */
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
