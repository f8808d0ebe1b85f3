/** What heals a wait list after a lost step. `test/mutation/guard.ts` removes each heal and expects that one of these tests fails. */
import type { OutgoingMessage } from "@mjflow/core/message";
import type { Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { DISPATCH_MS, WAIT_LIST_CHECK_MS, type WaitEntry, type WaitList } from "@mjflow/core/wait-list";
import {
  addToWaitList,
  type DispatchOutcome,
  dispatchWaitList,
  ensureInWaitList,
  sweepWaitList,
  wakeWaitList,
} from "@mjflow/engine/wait-list";
import { createMemoryStore } from "@mjflow/store/memory";
import { createMemoryTable } from "@mjflow/store/memory-table";
import { expect, test } from "vitest";

const REF = { provider: "sim", account: "a" };
const task = (n: number) => ({ ...REF, flowId: `flow_${n}`, path: "0", appId: "app", createdAt: n }) as Task;

function createScene() {
  let now = Date.UTC(2026, 0, 1);
  const sent: OutgoingMessage[] = [];
  const store: Store = createMemoryStore({ table: createMemoryTable() });
  const deps = {
    store,
    queue: {
      send: async (messages: readonly OutgoingMessage[]) => void sent.push(...messages),
      resend: async () => {},
    },
    clock: { now: () => now },
    timings: TIMINGS,
    log: { debug() {}, info() {}, warn() {}, error() {}, count() {} },
  };
  const scene = {
    deps,
    store,
    sent,
    now: () => now,
    advance: (ms: number) => (now += ms),
    list: () => store.waitList(REF.provider, REF.account),
    entries: () => store.listWaiting(REF.provider, REF.account, { limit: 10 }),
    /** Dispatches, and returns the flows that were submitted. */
    async dispatch(
      outcomeOf: (entry: WaitEntry) => DispatchOutcome | Promise<DispatchOutcome> = () => "accepted",
      startedAt = now,
    ) {
      const run: string[] = [];
      await dispatchWaitList(deps, REF, {
        startedAt,
        maxRunning: undefined,
        countFree: async () => 1,
        run: async (entry) => {
          run.push(entry.flowId);
          return outcomeOf(entry);
        },
      });
      return run;
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

test("a list that was closed while a task entered is open afterwards", async () => {
  const scene = createScene();
  const { store } = scene;
  scene.deps.store = {
    ...store,
    async addWaiting(...args) {
      await store.addWaiting(...args);
      const list = (await scene.list())!;
      const { since: _, due: __, ...closed } = list;
      await store.saveWaitList(closed);
    },
  };
  await addToWaitList(scene.deps, task(1));
  expect(await scene.list()).toMatchObject({ since: scene.now(), due: expect.any(Number) });
});

test("a list is open before it has an entry, so an entry whose worker crashed is found", async () => {
  const scene = createScene();
  const { store } = scene;
  scene.deps.store = {
    ...store,
    async addWaiting(...args) {
      await store.addWaiting(...args);
      throw new Error("the process crashes");
    },
  };
  await expect(addToWaitList(scene.deps, task(1))).rejects.toThrow();
  expect(await scene.list()).toMatchObject({ due: expect.any(Number) });
});

test("a look at a waiting task adds its missing entry, and opens a list that has lost its state", async () => {
  const scene = createScene();
  await ensureInWaitList(scene.deps, task(1));
  expect(await scene.entries()).toHaveLength(1);
  const { since: _, due: __, ...closed } = (await scene.list())!;
  await scene.store.saveWaitList(closed);
  await ensureInWaitList(scene.deps, task(1));
  expect(await scene.list()).toMatchObject({ due: expect.any(Number) });
});

test("the sweeper wakes a list whose due time has passed, and closes an empty one", async () => {
  const scene = createScene();
  await addToWaitList(scene.deps, task(1));
  scene.advance(WAIT_LIST_CHECK_MS);
  await sweepWaitList(scene.deps, REF);
  expect(scene.sent).toHaveLength(1);
  expect((await scene.list())!.due).toBeGreaterThan(scene.now());
  const [entry] = await scene.entries();
  await scene.store.removeWaiting(REF.provider, REF.account, entry!);
  await sweepWaitList(scene.deps, REF);
  const { since, due } = (await scene.list())!;
  expect([since, due]).toEqual([undefined, undefined]);
});

test("a task that enters while the sweeper closes the list is found", async () => {
  const scene = createScene();
  await scene.store.saveWaitList({ ...REF, rev: 0, since: 1, due: 1 });
  scene.afterSave(
    ({ due }) => due === undefined,
    () =>
      scene.store.addWaiting(REF.provider, REF.account, { appId: "app", createdAt: 1, flowId: "flow_1", path: "0" }),
  );
  await sweepWaitList(scene.deps, REF);
  expect(await scene.list()).toMatchObject({ due: expect.any(Number) });
});

test("a task that enters while the dispatcher ends is submitted by it", async () => {
  const scene = createScene();
  await addToWaitList(scene.deps, task(1));
  scene.afterSave(
    ({ dispatchUntil, due }) => dispatchUntil === undefined && due === undefined,
    () =>
      scene.store.addWaiting(REF.provider, REF.account, { appId: "app", createdAt: 2, flowId: "flow_2", path: "0" }),
  );
  expect(await scene.dispatch()).toEqual(["flow_1", "flow_2"]);
});

test("a slot that becomes free while the dispatcher ends is used by it", async () => {
  const scene = createScene();
  await addToWaitList(scene.deps, task(1));
  let calls = 0;
  expect(await scene.dispatch(() => (++calls === 1 ? "full" : "accepted"))).toEqual(["flow_1", "flow_1"]);
  expect(await scene.entries()).toEqual([]);
});

test("a dispatcher that died blocks the list only until the end of its lease", async () => {
  const scene = createScene();
  await addToWaitList(scene.deps, task(1));
  await scene.store.saveWaitList({ ...(await scene.list())!, dispatchUntil: scene.now() + 1_000 });
  expect(await scene.dispatch()).toEqual([]);
  await wakeWaitList(scene.deps, REF);
  expect(scene.sent).toEqual([]);
  scene.advance(1_000);
  await wakeWaitList(scene.deps, REF);
  expect(scene.sent).toHaveLength(1);
  expect(await scene.dispatch()).toEqual(["flow_1"]);
});

test("a table that fails while calls are under way does not end the dispatcher before them", async () => {
  const scene = createScene();
  for (const n of [1, 2, 3]) await addToWaitList(scene.deps, task(n));
  const { store } = scene;
  let isFailing = false;
  scene.deps.store = {
    ...store,
    listWaiting: (...args) => (isFailing ? Promise.reject(new Error("throttled")) : store.listWaiting(...args)),
  };
  let end = (_: DispatchOutcome) => {};
  let hasEnded = false;
  const dispatching = scene
    .dispatch(({ flowId }) => {
      // The first success allows two calls at one time. The read for the next one fails while this one is under way.
      if (flowId === "flow_1") return "accepted";
      isFailing = true;
      return new Promise((resolve) => {
        end = resolve;
      });
    })
    .finally(() => {
      hasEnded = true;
    });
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  expect([isFailing, hasEnded]).toEqual([true, false]);
  end("accepted");
  expect(await dispatching).toEqual(["flow_1", "flow_2"]);
  // The list is looked after soon.
  expect((await scene.list())!.due).toBeLessThanOrEqual(scene.now() + WAIT_LIST_CHECK_MS / 4);
});

test("a task whose submission fails brings the sweeper soon", async () => {
  const scene = createScene();
  await addToWaitList(scene.deps, task(1));
  await scene.dispatch(() => Promise.reject(new Error("the table is down")));
  expect((await scene.list())!.dispatchUntil).toBeUndefined();
  expect((await scene.list())!.due).toBeLessThanOrEqual(scene.now() + WAIT_LIST_CHECK_MS / 4);
});

test("an invocation that is too old for another paid call sends a message instead", async () => {
  const scene = createScene();
  await addToWaitList(scene.deps, task(1));
  expect(await scene.dispatch(() => "accepted", scene.now() - DISPATCH_MS)).toEqual([]);
  expect(scene.sent).toHaveLength(1);
});

test("a dispatcher picks no task after its time, and the next message continues", async () => {
  const scene = createScene();
  for (const n of [1, 2]) await addToWaitList(scene.deps, task(n));
  const run = await scene.dispatch(() => {
    scene.advance(DISPATCH_MS);
    return "accepted";
  });
  expect(run).toEqual(["flow_1"]);
  expect(scene.sent).toHaveLength(1);
});
