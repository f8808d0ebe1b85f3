/** Compat task ids in the table. Each app has its own partition, so the id of another app is not found (D6). */
import { DUE_SHARDS } from "@mjflow/core/due";
import { MJ_ID_SHARDS, type MjTaskIdStore, type MjTaskPointer, mjIdOrder } from "@mjflow/core/mj-task";
import { type Item, keyOf } from "./codec.ts";
import { entity, expiring } from "./entity.ts";
import { ATTRIBUTE, appIdOfMjTaskId, mjTaskIdKey, mjTaskIdPk, RETENTION_MS } from "./keys.ts";
import { createRows } from "./rows.ts";
import type { Table } from "./table.ts";

/** `state` and `prompt` are text and never JSON: they must come back byte for byte (T5). */
const POINTER = entity<MjTaskPointer, "appId" | "id">()({
  key: ({ appId, id }) => mjTaskIdKey(appId, id),
  idOf: (key) => ({ appId: appIdOfMjTaskId(key), id: key.sk }),
  attributes: ({ createdAt }) => expiring(createdAt + RETENTION_MS),
  fields: {
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
  },
});

export interface MjTaskIdStoreOptions {
  /** Clock that decides which rows TTL should have deleted, epoch ms. */
  now?: () => number;
  /** Number of shards of each class of due entries; a deployment with fewer than `SPREADS_FROM` does not spread ids. */
  dueShards?: number;
}

/**
 * One key takes 1,000 writes per second, and a flow of the compat API has five ids. A deployment with fewer due shards is
 * small. It writes the key that earlier versions know, and one query lists the ids of an app.
 */
const SPREADS_FROM = 8;

export function spreadsMjIds(dueShards: number): boolean {
  return dueShards >= SPREADS_FROM;
}

/** More ids than the share of a partition that are read at first, because the ids are not spread evenly. */
const PAGE_RESERVE = 8;

export function createMjTaskIdStore(
  table: Table,
  { now = Date.now, dueShards = DUE_SHARDS }: MjTaskIdStoreOptions = {},
): MjTaskIdStore {
  const rows = createRows({ table, now }, POINTER);

  /** Returns the next ids of a partition, newest first. An empty page is the end: a page of DynamoDB can be short before. */
  const pageOf = (partition: string, limit: number, after: Item | undefined) =>
    table.list({ partition, descending: true, limit, after: keysOf(after) });

  return {
    isSpread: spreadsMjIds(dueShards),
    async create(pointer) {
      return (await rows.put({ ...pointer, rev: 0 }, undefined)).ok;
    },
    delete: (pointer) => rows.delete({ ...pointer, rev: 1 }),
    get: (appId, id) => rows.get({ appId, id }),
    getMany: (appId, ids) => rows.getAll([...new Set(ids)].map((id) => ({ appId, id }))),
    async latest(appId, limit) {
      const shards = [undefined, ...Array.from({ length: MJ_ID_SHARDS }, (_, shard) => shard)];
      const lists = shards.map((shard) => ({
        partition: mjTaskIdPk(appId, shard),
        size: shard === undefined ? limit : Math.ceil(limit / MJ_ID_SHARDS) + PAGE_RESERVE,
        items: [] as Item[],
        isAtEnd: false,
      }));
      for (;;) {
        const all = lists.flatMap(({ items }) => items).sort((a, b) => mjIdOrder(keyOf(b).sk) - mjIdOrder(keyOf(a).sk));
        const newest = all.slice(0, limit);
        // A partition may have more of the newest ids if its last one is among them, or if there are too few.
        const last = newest.length < limit ? undefined : new Set(newest);
        const next = lists.filter(({ items, isAtEnd }) => !isAtEnd && (last?.has(items.at(-1)!) ?? true));
        if (next.length === 0) return rows.read(newest);
        await Promise.all(
          next.map(async (list) => {
            const page = await pageOf(list.partition, list.size, list.items.at(-1));
            list.items.push(...page);
            list.isAtEnd = page.length === 0;
          }),
        );
      }
    },
  };
}

/** The attributes that DynamoDB accepts as the start of a page. */
function keysOf(item: Item | undefined): Item | undefined {
  return item && { [ATTRIBUTE.pk]: item[ATTRIBUTE.pk]!, [ATTRIBUTE.sk]: item[ATTRIBUTE.sk]! };
}
