/**
 * The store in memory, for tests and the simulation. It passes the same conformance suite as `dynamo.ts`. Stored values are
 * copied and frozen, so returned values need no copy and callers cannot share state by accident. A simulation reads far more
 * than it writes, so it takes half the time.
 */

import type { AccountHealth } from "@mjflow/core/account-health";
import type { DeadLetter } from "@mjflow/core/dead-letter";
import { DUE_PARTITIONS, DUE_SHARDS, duePartitionOf } from "@mjflow/core/due";
import type { Flow } from "@mjflow/core/flow";
import type { Due, DueRef, Saved, Store } from "@mjflow/core/port";
import { hasOwnDueEntry, type Task } from "@mjflow/core/task";
import { createAccountStore } from "./account.ts";
import { createAppStore } from "./app.ts";
import { type Item, keyOf as keyOfItem } from "./codec.ts";
import { dueOf } from "./item.ts";
import { expiresAt, flowKey, healthKey, type Key, keyText, listedAt, taskKey } from "./keys.ts";
import { listFlows, listingBounds } from "./listing.ts";
import type { MemoryTable } from "./memory-table.ts";
import { createMemoryTable } from "./memory-table.ts";

export interface MemoryStoreOptions {
  /** Clock for leaving out rows older than 35 days, epoch ms. Unset: no row expires. */
  now?: () => number;
  /** Table with the rows of the other stores. Its due entries are listed together with those of this store. */
  table?: MemoryTable;
  /** Number of shards of each class of due entries (core/due.ts). */
  dueShards?: number;
}

export interface MemoryDump {
  flows: Flow[];
  tasks: Task[];
  health: AccountHealth[];
  /** Items of the table: rows of apps and of the other stores. */
  items: Item[];
}

export interface MemoryStore extends Store {
  /** Returns everything that is stored, including expired rows, for assertions. */
  dump(): MemoryDump;
}

/** An entry of the due index with the key of its row. */
interface Entry {
  key: Key;
  due: Due | undefined;
  dueAt: number;
}

type Row = { kind: "flow"; item: Flow } | { kind: "task"; item: Task };

export function createMemoryStore({
  now = () => Number.NEGATIVE_INFINITY,
  table = createMemoryTable(),
  dueShards = DUE_SHARDS,
}: MemoryStoreOptions = {}): MemoryStore {
  /** Rows by pk, then by sk, so that the rows of a flow are found without a scan. */
  const flows = new Map<string, Map<string, Row>>();
  const accounts = new Map<string, AccountHealth>();
  const deadLetters = new Map<string, DeadLetter>();
  /** The due index: one map per partition, which contains only rows with a due time. */
  const dueIndex = new Map<string, Map<string, Entry>>();
  /** The partition of each entry, because a row can change its class. */
  const partitionOf = new Map<string, string>();

  const keyOf = (row: Row) => (row.kind === "flow" ? flowKey(row.item.id) : taskKey(row.item.flowId, row.item.path));

  function find(pk: string, sk: string): Row | undefined {
    const row = flows.get(pk)?.get(sk);
    return row && isLive(row.item, now()) ? row : undefined;
  }

  /** Stores a copy with the next revision and updates the due index. */
  function write<R extends Row>(row: R): R["item"] {
    const { pk, sk } = keyOf(row);
    const stored = { ...row, item: frozen({ ...row.item, rev: row.item.rev + 1 }) };
    if (!flows.has(pk)) flows.set(pk, new Map());
    flows.get(pk)!.set(sk, stored);
    index(stored);
    return stored.item;
  }

  function index(row: Row): void {
    const rowKey = keyOf(row);
    const key = keyText(rowKey);
    dueIndex.get(partitionOf.get(key) ?? "")?.delete(key);
    if (!hasOwnDueEntry(row.item)) return;
    const ref: DueRef =
      row.kind === "flow"
        ? { kind: "flow", flowId: row.item.id }
        : { kind: "task", flowId: row.item.flowId, path: row.item.path };
    const partition = duePartitionOf(
      row.kind === "flow" ? { kind: "flow", flow: row.item } : { kind: "task", task: row.item },
      dueShards,
    );
    partitionOf.set(key, partition);
    if (!dueIndex.has(partition)) dueIndex.set(partition, new Map());
    const dueAt = row.item.due!;
    dueIndex.get(partition)!.set(key, { key: rowKey, due: { ...ref, dueAt }, dueAt });
  }

  /** Entries of a partition that are due, earliest first, from this store and from the table. */
  async function dueIn(partition: string, before: number): Promise<Entry[]> {
    const others = await table.list({ index: "due", partition, to: before, limit: Number.MAX_SAFE_INTEGER });
    const entries = others.map((item) => ({ key: keyOfItem(item), due: dueOf(item), dueAt: Number(item["dueAt"]?.N) }));
    return [...(dueIndex.get(partition)?.values() ?? []), ...entries]
      .filter(({ dueAt }) => dueAt <= before)
      .sort(byDue);
  }

  /** The conditional write. `rev` undefined means that no row may exist. */
  function put<R extends Row>(row: R, rev: number | undefined): Saved<R["item"]> {
    const { pk, sk } = keyOf(row);
    const current = flows.get(pk)?.get(sk)?.item as R["item"] | undefined;
    if (current?.rev !== rev) return { ok: false, current };
    return { ok: true, item: write(row) };
  }

  const taskAt = (flowId: string, path: string) => {
    const { pk, sk } = taskKey(flowId, path);
    return find(pk, sk)?.item as Task | undefined;
  };
  const flowAt = (flowId: string) => {
    const { pk, sk } = flowKey(flowId);
    return find(pk, sk)?.item as Flow | undefined;
  };
  const rowsOf = (flowId: string) => [...(flows.get(flowKey(flowId).pk)?.values() ?? [])];

  const accountStore = createAccountStore(table, dueShards);

  return {
    ...createAppStore({ table, now, dueShards }),
    ...accountStore,
    async accountState(provider, account) {
      const health = accounts.get(healthKey(provider, account).pk);
      return { ...(await accountStore.accountState(provider, account)), ...(health && { health }) };
    },
    async createFlow(flow, root) {
      put({ kind: "task", item: root }, undefined);
      return put({ kind: "flow", item: flow }, undefined).ok ? "created" : "exists";
    },
    async createTask(task) {
      return put({ kind: "task", item: task }, undefined);
    },
    async saveTask(task) {
      return put({ kind: "task", item: task }, task.rev);
    },
    async saveFlow(flow) {
      return put({ kind: "flow", item: flow }, flow.rev);
    },
    async deleteTask(task) {
      const { pk, sk } = taskKey(task.flowId, task.path);
      const row = flows.get(pk)?.get(sk);
      if (row?.item.rev !== task.rev) return;
      index({ kind: "task", item: { ...task, due: undefined } });
      flows.get(pk)!.delete(sk);
    },
    async deleteTasks(flowId) {
      const tasks = rowsOf(flowId).filter((row) => row.kind === "task");
      for (const { item: task } of tasks) {
        index({ kind: "task", item: { ...task, due: undefined } });
        flows.get(flowKey(flowId).pk)!.delete(taskKey(flowId, task.path).sk);
      }
    },
    async load(flowId, paths) {
      const tasks = [...new Set(paths)].map((path) => taskAt(flowId, path)).filter((task) => task !== undefined);
      return { flow: flowAt(flowId), tasks };
    },
    async getTask({ flowId, path }) {
      return taskAt(flowId, path);
    },
    async getTasks(refs) {
      return refs.flatMap(({ flowId, path }) => taskAt(flowId, path) ?? []);
    },
    async loadFlow(flowId) {
      const tasks = rowsOf(flowId)
        .filter((row) => row.kind === "task")
        .map((row) => row.item)
        .filter((task) => isLive(task, now()))
        .sort((a, b) => compare(a.path, b.path));
      return { flow: flowAt(flowId), tasks };
    },
    listFlows: (appId, limit, cursor, filter = {}) =>
      listFlows(appId, limit, cursor, filter, async (after, n) => {
        const { from = "", to } = listingBounds(filter, after);
        return [...flows.values()]
          .flatMap((rows) => [...rows.values()])
          .filter((row) => row.kind === "flow")
          .map((row) => row.item)
          .filter((flow) => flow.appId === appId && flow.deletedAt === undefined && isLive(flow, now()))
          .map((flow) => ({ flow, at: listedAt(flow.createdAt, flow.id) }))
          .filter(({ at }) => at >= from && (to === undefined || at <= to) && at !== after)
          .sort((a, b) => (filter.oldestFirst ? compare(a.at, b.at) : compare(b.at, a.at)))
          .slice(0, n);
      }),
    async duePartitions(before) {
      const due = await Promise.all(DUE_PARTITIONS.map(async ({ name }) => (await dueIn(name, before)).length > 0));
      return DUE_PARTITIONS.filter((_, i) => due[i]);
    },
    async due(partition, before, limit, after) {
      const isLater = (entry: Entry) => !after || byDue(entry, { key: after, due: undefined, dueAt: after.dueAt }) > 0;
      const page = (await dueIn(partition, before)).filter(isLater).slice(0, limit);
      const last = page.length < limit ? undefined : page.at(-1);
      return {
        due: page.flatMap(({ due }) => (due ? [{ ...due }] : [])),
        ...(last && { next: { ...last.key, dueAt: last.dueAt } }),
      };
    },
    async health(provider, account) {
      return accounts.get(healthKey(provider, account).pk);
    },
    async healths(refs) {
      return refs.flatMap(({ provider, account }) => accounts.get(healthKey(provider, account).pk) ?? []);
    },
    async saveHealth(health) {
      const { pk } = healthKey(health.provider, health.account);
      if ((accounts.get(pk)?.rev ?? 0) !== health.rev) return false;
      accounts.set(pk, frozen({ ...health, rev: health.rev + 1 }));
      return true;
    },
    async saveNewDeadLetter(deadLetter) {
      if (!deadLetters.has(deadLetter.id)) deadLetters.set(deadLetter.id, frozen({ ...deadLetter, rev: 1 }));
    },
    async listDeadLetters(limit) {
      const open = [...deadLetters.values()].filter(
        (deadLetter) => deadLetter.state === "kept" && isLive(deadLetter, now()),
      );
      return open.sort((a, b) => compare(b.id, a.id)).slice(0, limit);
    },
    async getDeadLetter(id) {
      const deadLetter = deadLetters.get(id);
      return deadLetter && isLive(deadLetter, now()) ? deadLetter : undefined;
    },
    async saveDeadLetter(deadLetter) {
      const current = deadLetters.get(deadLetter.id);
      if (current?.rev !== deadLetter.rev) return { ok: false, current };
      const item = frozen({ ...deadLetter, rev: deadLetter.rev + 1 });
      deadLetters.set(deadLetter.id, item);
      return { ok: true, item };
    },
    dump() {
      const rows = [...flows.values()].flatMap((partition) => [...partition.values()]);
      return {
        flows: rows.filter((row) => row.kind === "flow").map((row) => row.item),
        tasks: rows.filter((row) => row.kind === "task").map((row) => row.item),
        health: [...accounts.values()],
        items: table.dump(),
      };
    },
  };
}

/** Objects that this store has frozen. The next row mostly consists of them, and they need no second copy. */
const FROZEN = new WeakSet<object>();

/** Returns a frozen copy without undefined fields, as the codec of the table makes it. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || FROZEN.has(value)) return value;
  const copy = Array.isArray(value) ? value.map(frozen) : Object.fromEntries(fieldsOf(value));
  FROZEN.add(Object.freeze(copy));
  return copy as T;
}

function fieldsOf(value: object): [string, unknown][] {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  for (const field of fields) field[1] = frozen(field[1]);
  return fields;
}

/** The order of the due index: by time, then by key. */
function byDue(a: Entry, b: Entry): number {
  return a.dueAt - b.dueAt || compare(keyText(a.key), keyText(b.key));
}

function isLive({ createdAt }: { createdAt: number }, now: number): boolean {
  return expiresAt(createdAt) * 1_000 > now;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
