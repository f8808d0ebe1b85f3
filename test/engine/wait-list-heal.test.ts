/** What heals a wait list after a lost step. `test/mutation/guard.ts` removes each heal and expects that one of these tests fails. */
import type { SweepJobs } from "@mjflow/core/port";
import type { SweepJob } from "@mjflow/core/sweep-job";
import { DISPATCH_MS, WAIT_LIST_CHECK_MS } from "@mjflow/core/wait-list";
import { cancelFlow } from "@mjflow/engine/cancel";
import { dispatchSweep, handleSweepJob } from "@mjflow/engine/sweep-job";
import {
  addToWaitList,
  type DispatchOutcome,
  ensureInWaitList,
  openUsedLists,
  sweepWaitList,
  wakeWaitList,
} from "@mjflow/engine/wait-list";
import { waitEntryOfTask } from "@mjflow/engine/wait-place";
import { waitListKey } from "@mjflow/store/keys";
import { createSweepLeases } from "@mjflow/store/sweep-lease";
import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";
import { createMemoryTable } from "../support/memory/table.ts";
import { createScene, REF, task } from "./wait-list-scene.ts";

test("a list that was closed while a task entered is open afterwards", async () => {
  const scene = createScene();
  scene.afterEntry(() => scene.close());
  await addToWaitList(scene.deps, task(1));
  expect(await scene.list()).toMatchObject({ since: scene.now(), due: expect.any(Number) });
});

test("a list is open before it has an entry, so an entry whose worker crashed is found", async () => {
  const scene = createScene();
  scene.afterEntry(async () => {
    throw new Error("the process crashes");
  });
  await expect(addToWaitList(scene.deps, task(1))).rejects.toThrow();
  expect(await scene.list()).toMatchObject({ due: expect.any(Number) });
});

test("a look at a waiting task adds its missing entry, and opens a list that has lost its state", async () => {
  const scene = createScene();
  await ensureInWaitList(scene.deps, task(1));
  expect(await scene.entries()).toHaveLength(1);
  await scene.close();
  await ensureInWaitList(scene.deps, task(1));
  expect(await scene.list()).toMatchObject({ due: expect.any(Number) });
});

describe("an entry in a closed list is found by the next run of the sweeper (WL6)", () => {
  /** The next two minutes: the first sweep opens the list, the second one wakes it. The dispatcher follows the message. */
  async function sweepAndDispatch(scene: ReturnType<typeof createScene>, outcome: DispatchOutcome) {
    await openUsedLists(scene.deps);
    expect(await scene.list()).toMatchObject({ since: expect.any(Number), due: expect.any(Number) });
    scene.advance(WAIT_LIST_CHECK_MS);
    await sweepWaitList(scene.deps, REF);
    expect(scene.sent).toHaveLength(1);
    return scene.dispatch(() => outcome);
  }

  test("if the row of the list is lost and its task is canceled, the entry is removed", async () => {
    const scene = createScene();
    await scene.store.addWaiting(REF.provider, REF.account, waitEntryOfTask(task(1)));
    expect(await scene.list()).toBeUndefined();
    expect(await sweepAndDispatch(scene, "other")).toEqual(["flow_1"]);
    expect(await scene.entries()).toEqual([]);
  });

  test("if the list was closed while a task entered, and both workers crashed, the task is submitted", async () => {
    const scene = createScene();
    scene.afterEntry(async () => {
      // The sweeper has read the list before the entry was there. It crashes after it has closed the list.
      await scene.close();
      throw new Error("the worker crashes");
    });
    await expect(addToWaitList(scene.deps, task(1))).rejects.toThrow();
    scene.deps.store = scene.store;
    expect(await sweepAndDispatch(scene, "accepted")).toEqual(["flow_1"]);
    expect(await scene.entries()).toEqual([]);
  });

  test("if the dispatcher crashed after it has closed the list, a task that entered meanwhile is submitted", async () => {
    const scene = createScene();
    await addToWaitList(scene.deps, task(1));
    scene.afterSave(
      ({ dispatchUntil, due }) => dispatchUntil === undefined && due === undefined,
      async () => {
        await scene.store.addWaiting(REF.provider, REF.account, waitEntryOfTask(task(2)));
        throw new Error("the dispatcher crashes");
      },
    );
    await expect(scene.dispatch()).rejects.toThrow();
    scene.deps.store = scene.store;
    expect(await sweepAndDispatch(scene, "accepted")).toEqual(["flow_2"]);
    expect(await scene.entries()).toEqual([]);
  });

  test("a list that cannot be read does not keep the other ones closed, and the sweeper goes on", async () => {
    const scene = createScene();
    await scene.store.addWaiting(REF.provider, "b", waitEntryOfTask(task(1)));
    const { store } = scene;
    scene.deps.store = {
      ...store,
      async listWaiting(provider, account, ...more) {
        if (account === "a") throw new Error("throttled");
        // This read ends later than the one that fails.
        for (let turn = 0; turn < 100; turn++) await Promise.resolve();
        return store.listWaiting(provider, account, ...more);
      },
    };
    await openUsedLists(scene.deps);
    expect(await store.waitList(REF.provider, "b")).toMatchObject({ due: expect.any(Number) });
    scene.deps.store = { ...store, waitLists: () => Promise.reject(new Error("throttled")) };
    await openUsedLists(scene.deps);
  });

  test("a look at lists without entries writes nothing", async () => {
    const scene = createScene();
    await scene.store.saveWaitList({ ...REF, rev: 0 });
    await openUsedLists(scene.deps);
    expect(await scene.list()).toEqual({ ...REF, rev: 1 });
    expect(await scene.store.waitList(REF.provider, "b")).toBeUndefined();
  });
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
  for (const n of [1, 2, 3, 4]) await addToWaitList(scene.deps, task(n));
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
      // The first success allows two calls at one time. The read after the second one fails while the third one is under way.
      if (flowId !== "flow_3") return "accepted";
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
  expect(await dispatching).toEqual(["flow_1", "flow_2", "flow_3"]);
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

test.each(["the local server", "a deployment"])(
  "the sweeper of %s removes the entry of a canceled task whose list has lost its row (WL6)",
  async (where) => {
    const table = createMemoryTable();
    const harness = createTestHarness({ table });
    harness.vendor.next({ kind: "busy", reason: "23", afterMs: 600_000 });
    const { id, appId } = await harness.start();
    await harness.drain();
    const ref = { provider: "fake", account: "default" };
    const entries = () => harness.deps.store.listWaiting(ref.provider, ref.account, { limit: 10 });
    expect(await entries()).toHaveLength(1);
    await cancelFlow(harness.deps, appId, id);
    await table.delete(waitListKey(ref), (await harness.deps.store.waitList(ref.provider, ref.account))!.rev);

    const jobs: SweepJob[] = [];
    const sweepJobs: SweepJobs = { send: async (more) => void jobs.push(...more) };
    const deps = { ...harness.deps, sweepJobs, sweepLeases: createSweepLeases(table) };
    // One minute opens the list, and another one wakes it as soon as the account is not busy any more.
    for (let minute = 0; minute < 12; minute++) {
      harness.advance(60_000);
      if (where === "the local server") await harness.sweep();
      else await dispatchSweep(deps);
      for (const job of jobs.splice(0)) await handleSweepJob(deps, job);
      await harness.drain();
    }
    expect(await entries()).toEqual([]);
    expect(await harness.deps.store.waitList(ref.provider, ref.account)).not.toHaveProperty("due");
    expect(harness.vendor.calls).toHaveLength(1);
  },
);
