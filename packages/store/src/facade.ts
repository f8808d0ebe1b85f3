/** The facade's numbers on the table: one partition for each app, so that another's number is not found (D6). */
import type { MjTaskIdStore, MjTaskPointer } from "@mjflow/core/mj-task";
import { type Fields, fieldsOf, type Item, isExpired, keyOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { ATTRIBUTE, expiresAt, mjKey, mjPk } from "./keys.ts";
import type { Table } from "./table.ts";

/** `appId` and `id` are in the key. `state` and `prompt` are text, never JSON: they come back byte for byte (T5). */
const POINTER = {
  rev: [REV_ATTRIBUTE, "number"],
  flowId: ["fl", "text"],
  path: ["pt", "text"],
  action: ["ac", "text"],
  prompt: ["prompt", "text"],
  description: ["de", "text"],
  botType: ["bo", "text"],
  window: ["wi", "flag"],
  state: ["state", "text"],
  notifyHook: ["hook", "text"],
  createdAt: ["cr", "number"],
} as const satisfies Fields<Exclude<keyof MjTaskPointer, "appId" | "id">>;

export interface FacadeStoreOptions {
  /** For telling rows that TTL should have deleted. */
  now?: () => number;
}

export function createFacadeStore(table: Table, { now = Date.now }: FacadeStoreOptions = {}): MjTaskIdStore {
  const live = (items: readonly Item[]) => items.filter((item) => !isExpired(item, now())).map(pointerOf);
  return {
    async create(pointer) {
      return (await table.put(pointerItem({ ...pointer, rev: 1 }), undefined)).ok;
    },
    delete: ({ appId, id }) => table.delete(mjKey(appId, id), 1),
    async get(appId, id) {
      const item = await table.get(mjKey(appId, id));
      return item && live([item])[0];
    },
    async getMany(appId, ids) {
      return live(await table.getAll([...new Set(ids)].map((id) => mjKey(appId, id))));
    },
    async latest(appId, limit) {
      return live(await table.list({ partition: mjPk(appId), descending: true, limit }));
    },
  };
}

function pointerItem(pointer: MjTaskPointer): Item {
  const item = row(mjKey(pointer.appId, pointer.id), POINTER, pointer);
  return { ...item, [ATTRIBUTE.expiresAt]: { N: String(expiresAt(pointer.createdAt)) } };
}

/** @throws ItemError for a row of newer code. */
function pointerOf(item: Item): MjTaskPointer {
  const { pk, sk } = keyOf(item);
  return { appId: pk.slice(mjPk("").length), id: sk, ...fieldsOf(item, POINTER) } as unknown as MjTaskPointer;
}
