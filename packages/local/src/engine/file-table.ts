/** The requests of `store/table.ts` on a local file, tested with the same conformance tests as DynamoDB. */

import type { SQLInputValue } from "node:sqlite";
import { type Item, keyOf, REV_ATTRIBUTE } from "@mjflow/store/codec";
import { ATTRIBUTE, INDEX_KEYS, type Key, keyText } from "@mjflow/store/keys";
import type { ListQuery, PutResult, Table } from "@mjflow/store/table";
import { changed } from "@mjflow/store/update";
import type { DataFile } from "./data-file.ts";
import { itemOf, type StoredItem, storedItemOf } from "./stored-item.ts";

const INSERT =
  "INSERT INTO items (rev, item, dueShard, dueAt, appId, listedAt, expiresAt, pk, sk) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
/** Most writes change no indexed column. SQLite writes the entries of each index whose columns a statement names. */
const UPDATE = "UPDATE items SET rev = ?, item = ? WHERE rowid = ? AND rev = ?";
const UPDATE_INDEXED =
  "UPDATE items SET rev = ?, item = ?, dueShard = ?, dueAt = ?, appId = ?, listedAt = ?, expiresAt = ? WHERE rowid = ? AND rev = ?";

const DELETE_EXPIRED =
  "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expiresAt <= ? LIMIT ?) RETURNING pk, sk";
/** Rows per delete statement. Between two statements other work can run. */
const DELETE_EXPIRED_BATCH = 200;

/** Number of cached rows; they take about 20 MB. */
const CACHED_ROWS = 4_096;
/** A file bills nothing, and deflating a result takes as long as five writes of its row. Larger JSON would make the file large. */
const DEFLATE_FROM = 32_768;

interface Row {
  rowid: number;
  item: StoredItem;
}

/** A cached row. */
interface Known {
  rowid: number;
  item: Item;
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
  const cache = new Map<string, Known>();
  onUndone(() => cache.clear());

  function addToCache(name: string, known: Known): void {
    cache.delete(name);
    cache.set(name, known);
    if (cache.size > CACHED_ROWS) cache.delete(cache.keys().next().value!);
  }

  function findKnown(key: Key): Known | undefined {
    const name = keyText(key);
    const known = cache.get(name);
    if (known) return known;
    const row = sql("SELECT rowid, item FROM items WHERE pk = ? AND sk = ?").get(key.pk, key.sk) as Row | undefined;
    if (!row) return undefined;
    const found = { rowid: row.rowid, item: itemOf(row.item) };
    addToCache(name, found);
    return found;
  }

  const find = (key: Key) => findKnown(key)?.item;

  /** Must be called in a write. @returns false if a row exists */
  function insert(key: Key, item: Item): boolean {
    const { changes, lastInsertRowid } = sql(INSERT).run(...contentOf(item), ...indexedOf(item), key.pk, key.sk);
    if (changes !== 1) return false;
    addToCache(keyText(key), { rowid: Number(lastInsertRowid), item });
    return true;
  }

  /** Must be called in a write, with the row as it is now. */
  function replace(key: Key, { rowid, item: before }: Known, item: Item): void {
    const place = [rowid, revOf(before)!];
    const { changes } = hasSameIndexed(before, item)
      ? sql(UPDATE).run(...contentOf(item), ...place)
      : sql(UPDATE_INDEXED).run(...contentOf(item), ...indexedOf(item), ...place);
    if (changes !== 1) throw new Error(`the row ${keyText(key)} is not as it was read`);
    addToCache(keyText(key), { rowid, item });
  }

  return {
    deflateFrom: DEFLATE_FROM,
    put(item, rev) {
      const key = keyOf(item);
      return write((): PutResult => {
        if (rev === undefined) return insert(key, item) ? { ok: true } : { ok: false, current: find(key) };
        const current = findKnown(key);
        if (current === undefined || revOf(current.item) !== rev) return { ok: false, current: current?.item };
        replace(key, current, item);
        return { ok: true };
      });
    },
    async update(key, update) {
      // `write` runs immediately, so no other write comes between this read and it. An error is thrown before the write,
      // because an error inside of it would undo the writes that share its transaction.
      const current = findKnown(key);
      const result = changed(current?.item, key, update);
      if (!result.ok) return result;
      await write(() => {
        if (current) replace(key, current, result.item);
        else if (!insert(key, result.item)) throw new Error(`the row ${keyText(key)} is not as it was read`);
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

function textOf(item: Item, name: string): string | null {
  return item[name]?.S ?? null;
}

function numberOf(item: Item, name: string): number | null {
  const value = item[name]?.N;
  return value === undefined ? null : Number(value);
}

function revOf(item: Item): number | null {
  return numberOf(item, REV_ATTRIBUTE);
}

/** The values of the columns that every write changes. */
function contentOf(item: Item): [rev: number | null, item: StoredItem] {
  return [revOf(item), storedItemOf(item)];
}

const { dueShard, dueAt, appId, listedAt, expiresAt } = ATTRIBUTE;

/** The values of the columns that have an index. The due time of a row that is in no partition changes often and is in no index. */
function indexedOf(item: Item): SQLInputValue[] {
  const shard = textOf(item, dueShard);
  const due = shard === null ? null : numberOf(item, dueAt);
  return [shard, due, textOf(item, appId), textOf(item, listedAt), numberOf(item, expiresAt)];
}

function hasSameIndexed(a: Item, b: Item): boolean {
  const isDueAlike = a[dueShard]?.S === b[dueShard]?.S && (a[dueShard] === undefined || a[dueAt]?.N === b[dueAt]?.N);
  const isListedAlike = a[appId]?.S === b[appId]?.S && a[listedAt]?.S === b[listedAt]?.S;
  return isDueAlike && isListedAlike && a[expiresAt]?.N === b[expiresAt]?.N;
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
