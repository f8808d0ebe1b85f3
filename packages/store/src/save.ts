/** Writes of items with a revision. */
import type { Saved } from "@mjflow/core/port";
import type { Item } from "./codec.ts";
import type { Table } from "./table.ts";

/**
 * Writes a value with its next revision, if the stored item still has the current one. Revision 0 means that no item may exist.
 *
 * @returns after a write conflict the stored value; undefined if the item is gone
 */
export async function save<T extends { rev: number }>(
  table: Pick<Table, "put">,
  value: T,
  toItem: (value: T) => Item,
  ofItem: (item: Item) => T,
): Promise<Saved<T>> {
  const next = { ...value, rev: value.rev + 1 };
  const put = await table.put(toItem(next), value.rev === 0 ? undefined : value.rev);
  return put.ok ? { ok: true, item: next } : { ok: false, current: put.current && ofItem(put.current) };
}
