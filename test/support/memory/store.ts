/** The store in memory, for tests and the simulation: the store of `dynamo.ts` on the table of `table.ts`. */
import type { AccountHealth } from "@mjflow/core/account-health";
import type { Flow } from "@mjflow/core/flow";
import type { Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { type Item, keyOf } from "@mjflow/store/codec";
import { createStore } from "@mjflow/store/dynamo";
import { FLOW, HEALTH, TASK } from "@mjflow/store/item";
import { isHealth, refOf } from "@mjflow/store/keys";
import { createMemoryTable, type MemoryTable } from "./table.ts";

export interface MemoryStoreOptions {
  /** Clock for leaving out rows older than 35 days, epoch ms. Unset: no row expires. */
  now?: () => number;
  /** Table with the rows of the other stores. */
  table?: MemoryTable;
  /** Number of shards of each class of due entries (core/due.ts). */
  dueShards?: number;
}

export interface MemoryDump {
  flows: Flow[];
  tasks: Task[];
  health: AccountHealth[];
  /** All other rows. */
  items: Item[];
}

export interface MemoryStore extends Store {
  /** Returns everything that is stored, including expired rows, for assertions. */
  dump(): MemoryDump;
}

export function createMemoryStore({
  now = () => Number.NEGATIVE_INFINITY,
  table = createMemoryTable(),
  ...options
}: MemoryStoreOptions = {}): MemoryStore {
  return {
    ...createStore({ table, now, ...options }),
    dump() {
      const kindOf = (item: Item) => (isHealth(keyOf(item)) ? "health" : refOf(keyOf(item))?.kind);
      const rows = Map.groupBy(table.dump(), kindOf);
      const [flows = [], tasks = [], health = []] = (["flow", "task", "health"] as const).map((kind) => rows.get(kind));
      const decoded = new Set([...flows, ...tasks, ...health]);
      return {
        flows: flows.map(FLOW.ofItem),
        tasks: tasks.map(TASK.ofItem),
        health: health.map(HEALTH.ofItem),
        items: table.dump().filter((item) => !decoded.has(item)),
      };
    },
  };
}
