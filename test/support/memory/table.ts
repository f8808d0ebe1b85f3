/** The requests of `store/table.ts` in memory, for tests and the simulation. It passes the same conformance suite. */
import { type Item, keyOf, REV_ATTRIBUTE } from "@mjflow/store/codec";
import { ATTRIBUTE, INDEX_KEYS } from "@mjflow/store/keys";
import type { ListQuery, Table } from "@mjflow/store/table";
import { changed } from "@mjflow/store/update";

export interface MemoryTable extends Table {
  /** Returns all items without a defined order, for assertions. */
  dump(): Item[];
}

/**
 * Stored items are frozen and returned without a copy, because copying took half the time of a simulation. Only the codecs
 * of the store create items, and they create a new item for each write.
 */
export function createMemoryTable(): MemoryTable {
  /** Items by pk, then by sk. */
  const partitions = new Map<string, Map<string, Item>>();
  /** Index entries by index and partition, then by the key of the table. An item without index attributes is not listed. */
  const indexed = new Map<string, Map<string, Item>>();
  const find = (pk: string, sk: string) => partitions.get(pk)?.get(sk);

  function reindex(before: Item | undefined, after: Item | undefined): void {
    const { pk, sk } = keyOf((after ?? before)!);
    for (const [index, [hash, range]] of Object.entries(INDEX_KEYS)) {
      const partitionOf = (item: Item | undefined) =>
        item?.[hash]?.S !== undefined && item[range] !== undefined ? `${index} ${item[hash].S}` : undefined;
      const [from, to] = [partitionOf(before), partitionOf(after)];
      if (from !== undefined) indexed.get(from)?.delete(`${pk} ${sk}`);
      if (to === undefined) continue;
      if (!indexed.has(to)) indexed.set(to, new Map());
      indexed.get(to)!.set(`${pk} ${sk}`, after!);
    }
  }

  function store(current: Item | undefined, item: Item): void {
    const { pk, sk } = keyOf(item);
    const stored = Object.freeze({ ...item });
    if (!partitions.has(pk)) partitions.set(pk, new Map());
    partitions.get(pk)!.set(sk, stored);
    reindex(current, stored);
  }

  return {
    async put(item, rev) {
      const { pk, sk } = keyOf(item);
      const current = find(pk, sk);
      if (revOf(current) !== rev) return { ok: false, current };
      store(current, item);
      return { ok: true };
    },
    async update(key, update) {
      const current = find(key.pk, key.sk);
      const result = changed(current, key, update);
      if (result.ok) store(current, result.item);
      return result;
    },
    async delete({ pk, sk }, rev) {
      const current = find(pk, sk);
      if (current === undefined || revOf(current) !== rev) return;
      partitions.get(pk)!.delete(sk);
      reindex(current, undefined);
    },
    get: async ({ pk, sk }) => find(pk, sk),
    getAll: async (keys) => keys.map(({ pk, sk }) => find(pk, sk)).filter((item) => item !== undefined),
    async partition(pk) {
      return [...(partitions.get(pk)?.values() ?? [])].sort(bySort(ATTRIBUTE.sk));
    },
    async list(listing) {
      const { index, partition } = listing;
      const items = index ? indexed.get(`${index} ${partition}`) : partitions.get(partition);
      return page(listing, [...(items?.values() ?? [])]);
    },
    dump: () => [...partitions.values()].flatMap((items) => [...items.values()]),
  };
}

function page({ index, from, to, descending, limit, after }: ListQuery, items: Item[]): Item[] {
  const [hash, range] = index ? INDEX_KEYS[index] : ([ATTRIBUTE.pk, ATTRIBUTE.sk] as const);
  const order = bySort(range);
  const sign = descending ? -1 : 1;
  const found = items
    .filter((item) => from === undefined || compare(sortOf(item, range), from) >= 0)
    .filter((item) => to === undefined || compare(sortOf(item, range), to) <= 0)
    .filter((item) => after === undefined || sign * order(item, after) > 0)
    .sort((a, b) => sign * order(a, b))
    .slice(0, limit);
  // An index returns keys only.
  const kept = new Set<string>([ATTRIBUTE.pk, ATTRIBUTE.sk, hash, range]);
  return index
    ? found.map((item) => Object.fromEntries(Object.entries(item).filter(([name]) => kept.has(name))))
    : found;
}

/** Compares by the sort key, then by the key of the table, because an index can have several items with one sort key. */
function bySort(range: string) {
  return (a: Item, b: Item): number => {
    const first = compare(sortOf(a, range), sortOf(b, range));
    if (first !== 0) return first;
    const [x, y] = [keyOf(a), keyOf(b)];
    return compare(`${x.pk} ${x.sk}`, `${y.pk} ${y.sk}`);
  };
}

function sortOf(item: Item, range: string): string | number {
  const value = item[range];
  return value?.N === undefined ? (value?.S ?? "") : Number(value.N);
}

function revOf(item: Item | undefined): number | undefined {
  return item && Number(item[REV_ATTRIBUTE]?.N);
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
