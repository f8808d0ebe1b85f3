/** Reads and writes the rows of one entity. */
import type { Saved } from "@mjflow/core/port";
import { type Item, isExpired } from "./codec.ts";
import type { Entity } from "./entity.ts";
import type { Key } from "./keys.ts";
import type { ListQuery, PutResult, Table } from "./table.ts";

export interface RowsDeps {
  table: Table;
  /** Clock that decides which rows TTL should have deleted, epoch ms. */
  now?: () => number;
  /** Number of shards of each class of due entries that are written (core/due.ts). */
  dueShards?: number;
}

/** Every read is strongly consistent and leaves out expired rows. */
export interface Rows<T, Id> {
  get(id: Id): Promise<T | undefined>;
  /** Reads rows in the order of `ids`; missing ones are left out. */
  getAll(ids: readonly Id[]): Promise<T[]>;
  /** Reads the rows of keys that an index has listed. */
  getKeys(keys: readonly Key[]): Promise<T[]>;
  /** Decodes items that were read together with others. */
  read(items: readonly Item[]): T[];
  partition(pk: string): Promise<T[]>;
  list(query: Omit<ListQuery, "index">): Promise<T[]>;
  /** Writes a value with its next revision, if the row still has revision `rev`; undefined: if there is no row. */
  put(value: T, rev: number | undefined): Promise<PutResult>;
  /**
   * As `put`, with the value that was written, or after a write conflict the current value; undefined if the row is gone.
   *
   * @param rev default: the revision of the value, where 0 means that no row may exist
   */
  save(value: T, rev?: number | "none"): Promise<Saved<T>>;
  /** Deletes the row if it has the revision of the value; otherwise nothing happens. */
  delete(value: T): Promise<void>;
}

export function createRows<T extends { rev: number } & Id, Id>(
  { table, now = Date.now, dueShards }: RowsDeps,
  { key, toItem, ofItem }: Entity<T, Id>,
): Rows<T, Id> {
  const form = { dueShards, deflateFrom: table.deflateFrom };
  const read = (items: readonly Item[]) => items.filter((item) => !isExpired(item, now())).map(ofItem);
  const next = (value: T): T => ({ ...value, rev: value.rev + 1 });

  return {
    read,
    async get(id) {
      const item = await table.get(key(id));
      return item && read([item])[0];
    },
    getAll: async (ids) => read(await table.getAll(ids.map(key))),
    getKeys: async (keys) => read(await table.getAll(keys)),
    partition: async (pk) => read(await table.partition(pk)),
    list: async (query) => read(await table.list(query)),
    put: (value, rev) => table.put(toItem(next(value), form), rev),
    async save(value, rev = value.rev === 0 ? "none" : value.rev) {
      const item = next(value);
      const put = await table.put(toItem(item, form), rev === "none" ? undefined : rev);
      return put.ok ? { ok: true, item } : { ok: false, current: put.current && ofItem(put.current) };
    },
    delete: (value) => table.delete(key(value), value.rev),
  };
}
