/**
 * The store on DynamoDB and on compatible engines. This file defines which writes exist and their order. `table.ts` makes a
 * single write safe, `keys.ts` defines the keys and `item.ts` the rows.
 */
import { DUE_PARTITIONS, DUE_SHARDS, type DuePartition } from "@mjflow/core/due";
import type { Flow } from "@mjflow/core/flow";
import type { DueCursor, DueRef, Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { createAccountStore } from "./account.ts";
import { createAppStore } from "./app.ts";
import { type Item, keyOf } from "./codec.ts";
import { DEAD_LETTER, dueOf, FLOW, HEALTH, TASK } from "./item.ts";
import { ATTRIBUTE, DEAD_LETTERS_PK, flowKey, flowPk, type Key, refOf, taskKey } from "./keys.ts";
import { listFlows, listingBounds } from "./listing.ts";
import { createRows } from "./rows.ts";
import { createTable, deleteItems, type Table, type TableDeps } from "./table.ts";

export interface StoreDeps {
  table: Table;
  /** Clock that decides which rows TTL should have deleted, epoch ms. */
  now?: () => number;
  /** Number of shards of each class of due entries that are written (core/due.ts). */
  dueShards?: number;
}

export interface DynamoStoreDeps extends TableDeps, Omit<StoreDeps, "table"> {}

/** Number of dead-letter messages that are read; usually there are few, and the operator needs the newest. */
const MAX_DEAD_LETTERS_READ = 500;

/**
 * @example
 * const store = createDynamoStore({ client: new DynamoDBClient({}), table: Resource.Table.name });
 */
export function createDynamoStore({ now, dueShards, ...deps }: DynamoStoreDeps): Store {
  return createStore({ table: createTable(deps), ...(now && { now }), ...(dueShards !== undefined && { dueShards }) });
}

/** A range of a flow's rows has at most so many rows for each row that is wanted. More would cost more than reads by key. */
const RANGE_ROWS_PER_KEY = 4;

/** Creates the store on any table: DynamoDB's or that of the local server. */
export function createStore({ table, now = Date.now, dueShards = DUE_SHARDS }: StoreDeps): Store {
  const deps = { table, now, dueShards };
  const flows = createRows(deps, FLOW);
  const tasks = createRows(deps, TASK);
  const healths = createRows(deps, HEALTH);
  const deadLetters = createRows(deps, DEAD_LETTER);

  /** Splits the rows of one partition into the flow, if there is one, and its tasks. */
  function split(items: readonly Item[]): { flow: Flow | undefined; tasks: Task[] } {
    const ofKind = (kind: DueRef["kind"]) => items.filter((item) => refOf(keyOf(item))?.kind === kind);
    return { flow: flows.read(ofKind("flow"))[0], tasks: tasks.read(ofKind("task")) };
  }

  /**
   * Reads rows of one flow as one range. DynamoDB rounds each row of a batch up to 4 KB, and the sum of a range only once. The
   * range may also have the delivery log and other tasks; if they are many, the rest is read by keys.
   */
  async function loadRange(keys: readonly Key[]): Promise<Item[]> {
    if (keys.length === 1) return table.getAll(keys);
    const sorted = keys.map(({ sk }) => sk).sort();
    const limit = RANGE_ROWS_PER_KEY * keys.length;
    const rows = await table.list({ partition: keys[0]!.pk, from: sorted[0]!, to: sorted.at(-1)!, limit });
    const found = new Set(rows.map((item) => keyOf(item).sk));
    const missing = rows.length < limit ? [] : keys.filter(({ sk }) => !found.has(sk));
    return missing.length > 0 ? [...rows, ...(await table.getAll(missing))] : rows;
  }

  return {
    ...createAppStore({ table, now, dueShards }),
    ...createAccountStore(table, dueShards),
    async createFlow(flow, root) {
      // If the root exists already, an earlier try crashed before its second write. This try completes it.
      await tasks.put(root, undefined);
      return (await flows.put(flow, undefined)).ok ? "created" : "exists";
    },
    createTask: (task) => tasks.save(task, "none"),
    saveTask: (task) => tasks.save(task, task.rev),
    saveFlow: (flow) => flows.save(flow, flow.rev),
    deleteTask: (task) => tasks.delete(task),
    async deleteTasks(flowId) {
      const items = await table.partition(flowPk(flowId));
      const tasks = items.filter((item) => refOf(keyOf(item))?.kind === "task");
      await deleteItems(table, tasks);
    },
    async load(flowId, paths) {
      const keys = [flowKey(flowId), ...[...new Set(paths)].map((path) => taskKey(flowId, path))];
      const bySk = new Map((await loadRange(keys)).map((item) => [keyOf(item).sk, item]));
      return split(keys.map(({ sk }) => bySk.get(sk)).filter((item) => item !== undefined));
    },
    getTask: ({ flowId, path }) => tasks.get({ flowId, path }),
    getTasks: (refs) => tasks.getAll(refs),
    async loadFlow(flowId) {
      return split(await table.partition(flowPk(flowId)));
    },
    listFlows: (appId, limit, cursor, filter = {}) =>
      listFlows(appId, limit, cursor, filter, async (after, n) => {
        // One more than needed: the row that the previous page ended with is within the bounds and is removed below.
        const items = await table.list({
          index: "app",
          partition: appId,
          descending: !filter.oldestFirst,
          ...listingBounds(filter, after),
          limit: n + 1,
        });
        const listed = items.map((item) => ({ key: keyOf(item), at: item[ATTRIBUTE.listedAt]?.S ?? "" }));
        const page = listed.filter(({ at }) => at !== after).slice(0, n);
        const read = await flows.getKeys(page.map(({ key }) => key));
        const byKey = new Map(read.map((flow) => [flowKey(flow.id).pk, flow]));
        return page.map(({ key, at }) => ({ at, flow: byKey.get(key.pk) }));
      }),
    async duePartitions(before) {
      const isDue = async ({ name }: DuePartition) => {
        const [first] = await table.list({ index: "due", partition: name, to: before, limit: 1 });
        return first !== undefined;
      };
      const due = await Promise.all(DUE_PARTITIONS.map(isDue));
      return DUE_PARTITIONS.filter((_, i) => due[i]);
    },
    async due(partition, before, limit, after) {
      const from = after && { after: indexKeyOf(partition, after) };
      const items = await table.list({ index: "due", partition, to: before, limit, ...from });
      const due = items.flatMap((item) => dueOf(item) ?? []);
      const last = items.length < limit ? undefined : items.at(-1);
      return { due, ...(last && { next: { ...keyOf(last), dueAt: Number(last[ATTRIBUTE.dueAt]!.N) } }) };
    },
    health: (provider, account) => healths.get({ provider, account }),
    healths: (accounts) => healths.getAll(accounts),
    // Revision 0 means that the row was never stored (account-health.ts, newHealth).
    saveHealth: async (health) => (await healths.put(health, health.rev === 0 ? undefined : health.rev)).ok,
    async saveNewDeadLetter(deadLetter) {
      await deadLetters.put({ ...deadLetter, rev: 0 }, undefined);
    },
    async listDeadLetters(limit) {
      const read = { partition: DEAD_LETTERS_PK, descending: true, limit: MAX_DEAD_LETTERS_READ };
      return (await deadLetters.list(read)).filter((deadLetter) => deadLetter.state === "kept").slice(0, limit);
    },
    getDeadLetter: (id) => deadLetters.get({ id }),
    saveDeadLetter: (deadLetter) => deadLetters.save(deadLetter, deadLetter.rev),
  };
}

/** The keys of an entry in the due index, in the form in which DynamoDB continues a listing after it. */
function indexKeyOf(partition: string, { pk, sk, dueAt }: DueCursor): Item {
  return {
    [ATTRIBUTE.pk]: { S: pk },
    [ATTRIBUTE.sk]: { S: sk },
    [ATTRIBUTE.dueShard]: { S: partition },
    [ATTRIBUTE.dueAt]: { N: String(dueAt) },
  };
}
