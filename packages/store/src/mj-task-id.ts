/** Compat task ids in the table. Each app has its own partition, so the id of another app is not found (D6). */
import type { MjTaskIdStore, MjTaskPointer } from "@mjflow/core/mj-task";
import { type Fields, fieldsOf, type Item, isExpired, keyOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { ATTRIBUTE, expiresAt, mjTaskIdKey, mjTaskIdPk } from "./keys.ts";
import type { Table } from "./table.ts";

/** `appId` and `id` are in the key. `state` and `prompt` are text and never JSON: they must come back byte for byte (T5). */
const POINTER = {
  rev: [REV_ATTRIBUTE, "number"],
  flowId: ["fl", "text"],
  path: ["pt", "text"],
  action: ["ac", "text"],
  prompt: ["prompt", "text"],
  description: ["de", "text"],
  botType: ["bo", "text"],
  awaitsModalAnswer: ["wi", "flag"],
  state: ["state", "text"],
  notifyHook: ["hook", "text"],
  createdAt: ["cr", "number"],
} as const satisfies Fields<Exclude<keyof MjTaskPointer, "appId" | "id">>;

export interface MjTaskIdStoreOptions {
  /** Clock that decides which rows TTL should have deleted, epoch ms. */
  now?: () => number;
}

export function createMjTaskIdStore(table: Table, { now = Date.now }: MjTaskIdStoreOptions = {}): MjTaskIdStore {
  const live = (items: readonly Item[]) => items.filter((item) => !isExpired(item, now())).map(itemToPointer);
  return {
    async create(pointer) {
      return (await table.put(pointerToItem({ ...pointer, rev: 1 }), undefined)).ok;
    },
    delete: ({ appId, id }) => table.delete(mjTaskIdKey(appId, id), 1),
    async get(appId, id) {
      const item = await table.get(mjTaskIdKey(appId, id));
      return item && live([item])[0];
    },
    async getMany(appId, ids) {
      return live(await table.getAll([...new Set(ids)].map((id) => mjTaskIdKey(appId, id))));
    },
    async latest(appId, limit) {
      const items: Item[] = [];
      // DynamoDB ends a page at 1 MB, which can be before the limit. A short page proves nothing, an empty one is the end.
      for (let page: Item[] = [], after: Item | undefined; items.length < limit; after = keysOf(page.at(-1))) {
        const left = limit - items.length;
        page = await table.list({ partition: mjTaskIdPk(appId), descending: true, limit: left, after });
        if (page.length === 0) break;
        items.push(...page);
      }
      return live(items);
    },
  };
}

/** The attributes that DynamoDB accepts as the start of a page. */
function keysOf(item: Item | undefined): Item | undefined {
  return item && { [ATTRIBUTE.pk]: item[ATTRIBUTE.pk]!, [ATTRIBUTE.sk]: item[ATTRIBUTE.sk]! };
}

function pointerToItem(pointer: MjTaskPointer): Item {
  const item = row(mjTaskIdKey(pointer.appId, pointer.id), POINTER, pointer);
  return { ...item, [ATTRIBUTE.expiresAt]: { N: String(expiresAt(pointer.createdAt)) } };
}

/** @throws ItemError if newer code wrote the row */
function itemToPointer(item: Item): MjTaskPointer {
  const { pk, sk } = keyOf(item);
  return { appId: pk.slice(mjTaskIdPk("").length), id: sk, ...fieldsOf(item, POINTER) } as unknown as MjTaskPointer;
}
