/** A wait list in memory, and a dispatcher whose submissions a test decides. */
import type { OutgoingMessage } from "@mjflow/core/message";
import type { Store, Vendor } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { MAX_PARALLEL, type WaitEntry, type WaitList } from "@mjflow/core/wait-list";
import type { Chain } from "@mjflow/engine/chain";
import { type Dispatch, type DispatchOutcome, dispatchWaitList } from "@mjflow/engine/wait-list";
import { checkedLog } from "../support/log-line.ts";
import { createMemoryStore } from "../support/memory/store.ts";
import { createMemoryTable } from "../support/memory/table.ts";

export const REF = { provider: "sim", account: "a" };
export const task = (n: number, appId = "app") =>
  ({ ...REF, flowId: `flow_${n}`, path: "0", appId, createdAt: n }) as Task;

export function createScene() {
  let now = Date.UTC(2026, 0, 1);
  const sent: OutgoingMessage[] = [];
  const lines: string[] = [];
  const counted: string[] = [];
  const note = (event: string) => void lines.push(event);
  const store: Store = createMemoryStore({ table: createMemoryTable() });
  const deps = {
    store,
    queue: {
      send: async (messages: readonly OutgoingMessage[]) => void sent.push(...messages),
      resend: async () => {},
    },
    clock: { now: () => now },
    timings: TIMINGS,
    log: checkedLog({ info: note, warn: note, error: note, count: (metric) => void counted.push(metric) }),
    chain: undefined as Chain | undefined,
    providers: {
      ids: () => ["sim"],
      get: () => ({ accounts: () => [{ name: "a" }, { name: "b" }] }) as unknown as Vendor,
    },
  };
  const scene = {
    deps,
    store,
    sent,
    /** Names of the lines of the log. */
    lines,
    counted,
    now: () => now,
    advance: (ms: number) => (now += ms),
    list: () => store.waitList(REF.provider, REF.account),
    entries: () => store.listWaiting(REF.provider, REF.account, { limit: 10 }),
    /** Dispatches, and returns the flows that were submitted. */
    async dispatch(
      outcomeOf: (entry: WaitEntry, how: { hasAccepted: boolean }) => DispatchOutcome | Promise<DispatchOutcome> = () =>
        "accepted",
      startedAt = now,
      options: Partial<Dispatch> = {},
    ) {
      const run: string[] = [];
      await dispatchWaitList(deps, REF, {
        startedAt,
        maxRunning: undefined,
        countFree: async () => 1,
        mostParallel: MAX_PARALLEL,
        hasRoom: () => true,
        run: async (entry, how) => {
          run.push(entry.flowId);
          return outcomeOf(entry, how);
        },
        ...options,
      });
      return run;
    },
    /** Stores the list as closed, whatever it contains. */
    async close() {
      const { since: _, due: __, ...closed } = (await scene.list())!;
      await store.saveWaitList(closed);
    },
    /** Calls `step` right after each new entry. */
    afterEntry(step: () => Promise<void>) {
      deps.store = {
        ...store,
        async addWaiting(...args) {
          await store.addWaiting(...args);
          await step();
        },
      };
    },
    /** Calls `step` once, right after the first write of the list's state that fits. */
    afterSave(fits: (list: WaitList) => boolean, step: () => Promise<void>) {
      let isDone = false;
      deps.store = {
        ...store,
        async saveWaitList(list) {
          const saved = await store.saveWaitList(list);
          if (!isDone && saved.ok && fits(list)) {
            isDone = true;
            await step();
          }
          return saved;
        },
      };
    },
  };
  return scene;
}
