/** The requests of `table.ts` in memory, held to the same conformance suite: for tests and simulations. */
import { type Item, keyOf, REV_ATTRIBUTE } from "./codec.ts";
import { ATTRIBUTE, INDEX_KEYS } from "./keys.ts";
import type { Listing, Table } from "./table.ts";

export interface MemoryTable extends Table {
  /** All items, in no order: for assertions. */
  dump(): Item[];
}

export function createMemoryTable(): MemoryTable {
  /** By pk, then sk. */
  const partitions = new Map<string, Map<string, Item>>();
  const find = (pk: string, sk: string) => partitions.get(pk)?.get(sk);
  const all = () => [...partitions.values()].flatMap((items) => [...items.values()]);

  return {
    async put(item, rev) {
      const { pk, sk } = keyOf(item);
      const current = find(pk, sk);
      if (revOf(current) !== rev) return { ok: false, current };
      if (!partitions.has(pk)) partitions.set(pk, new Map());
      partitions.get(pk)!.set(sk, structuredClone(item));
      return { ok: true };
    },
    async delete({ pk, sk }, rev) {
      if (revOf(find(pk, sk)) === rev) partitions.get(pk)?.delete(sk);
    },
    get: async ({ pk, sk }) => structuredClone(find(pk, sk)),
    getAll: async (keys) =>
      structuredClone(keys.map(({ pk, sk }) => find(pk, sk)).filter((item) => item !== undefined)),
    async partition(pk) {
      return structuredClone([...(partitions.get(pk)?.values() ?? [])].sort(bySort(ATTRIBUTE.sk)));
    },
    async list(listing) {
      return structuredClone(
        page(listing, listing.index ? all() : [...(partitions.get(listing.partition)?.values() ?? [])]),
      );
    },
    dump: () => structuredClone(all()),
  };
}

function page({ partition, index, from, to, descending, limit, after }: Listing, items: Item[]): Item[] {
  const [hash, range] = index ? INDEX_KEYS[index] : ([ATTRIBUTE.pk, ATTRIBUTE.sk] as const);
  const order = bySort(range);
  const sign = descending ? -1 : 1;
  const found = items
    .filter((item) => item[hash]?.S === partition && item[range] !== undefined)
    .filter((item) => from === undefined || compare(sortOf(item, range), from) >= 0)
    .filter((item) => to === undefined || compare(sortOf(item, range), to) <= 0)
    .filter((item) => after === undefined || sign * order(item, after) > 0)
    .sort((a, b) => sign * order(a, b))
    .slice(0, limit);
  // An index holds keys only.
  const kept = new Set<string>([ATTRIBUTE.pk, ATTRIBUTE.sk, hash, range]);
  return index
    ? found.map((item) => Object.fromEntries(Object.entries(item).filter(([name]) => kept.has(name))))
    : found;
}

/** By the sort key, then by the table's own: an index may hold several of one sort key. */
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
