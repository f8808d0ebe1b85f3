/** How a dispatcher serves the wait list of an account: the order, how many tasks at one time, and what wakes the list next. */
import { newHealth } from "@mjflow/core/account-health";
import { MAX_HOPS } from "@mjflow/core/message";
import { TIMINGS } from "@mjflow/core/timing";
import { DISPATCH_MS, HANDING_PARALLEL, MAX_PARALLEL, WAIT_LIST_CHECK_MS, type WaitList } from "@mjflow/core/wait-list";
import {
  addToWaitList,
  type DispatchOutcome,
  type dispatchWaitList,
  ensureInWaitList,
  openUsedLists,
  sweepWaitList,
  wakeWaitList,
} from "@mjflow/engine/wait-list";
import { waitEntryOfTask } from "@mjflow/engine/wait-place";
import { beforeEach, describe, expect, test } from "vitest";
import { createScene, REF, task } from "./wait-list-scene.ts";

let scene: ReturnType<typeof createScene>;
beforeEach(() => {
  scene = createScene();
});

/** Adds tasks of an app to the list. */
async function enter(numbers: readonly number[], app = "app"): Promise<void> {
  for (const n of numbers) await addToWaitList(scene.deps, task(n, app));
}

/** Changes the stored state of the list. */
async function change(fields: Partial<WaitList>): Promise<void> {
  await scene.store.saveWaitList({ ...(await scene.list())!, ...fields });
}

/** The account is busy until `ms` from now. */
async function pause(ms: number): Promise<void> {
  const { provider, account } = REF;
  const known = (await scene.store.health(provider, account)) ?? newHealth(provider, account, scene.now());
  await scene.store.saveHealth({ ...known, busyUntil: scene.now() + ms });
}

const flows = async () => (await scene.entries()).map(({ flowId }) => flowId);
const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, i) => i + from);
const flowIds = (numbers: readonly number[]) => numbers.map((n) => `flow_${n}`);
/** Lets everything run that waits for no test. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) await Promise.resolve();
}

/** Submissions whose end a test decides. */
function heldRuns() {
  const ends = new Map<string, (outcome: DispatchOutcome) => void>();
  return {
    run: ({ flowId }: { flowId: string }) =>
      new Promise<DispatchOutcome>((resolve) => {
        ends.set(flowId, resolve);
      }),
    inFlight: () => [...ends.keys()],
    async end(outcome: DispatchOutcome, flowId = [...ends.keys()][0]!) {
      ends.get(flowId)!(outcome);
      ends.delete(flowId);
      await settle();
    },
  };
}

describe("what wakes the list after a dispatcher", () => {
  const BUSY_MS = 7_000;
  const SOON_MS = WAIT_LIST_CHECK_MS / 4;
  const CASES = [
    ["empty", "accepted", undefined, []],
    ["busy", "busy", BUSY_MS + SOON_MS, []],
    ["full", "full", WAIT_LIST_CHECK_MS, []],
    ["later", "later", TIMINGS.busyMs + SOON_MS, [TIMINGS.busyMs]],
    ["time", "time", SOON_MS, [0]],
    ["failed", "failed", SOON_MS, []],
  ] as const;

  /** Dispatches a list of which the sweeper thinks nothing yet, until the dispatcher stops for the reason. */
  async function stopFor(outcome: (typeof CASES)[number][1]): Promise<void> {
    await enter([1, 2]);
    await change({ due: scene.now() - 1 });
    await scene.dispatch(async () => {
      if (outcome === "busy") await pause(BUSY_MS);
      if (outcome === "time") scene.advance(DISPATCH_MS);
      if (outcome === "failed") throw new Error("the table is down");
      return outcome === "time" ? "accepted" : outcome;
    });
  }

  test.each(CASES)(
    "after %s (%s) it is due in %s ms and gets messages with the delays %j",
    async (_, outcome, due, sent) => {
      await stopFor(outcome);
      const list = (await scene.list())!;
      expect(list.due).toBe(due && scene.now() + due);
      expect(typeof list.since).toBe(typeof due);
      expect(list.dispatchUntil).toBeUndefined();
      expect(scene.sent.map(({ delayMs }) => delayMs)).toEqual(sent);
      const [first] = await flows();
      for (const { message } of scene.sent) expect(message).toMatchObject({ flowId: first, wake: REF });
      expect(scene.lines).toEqual(outcome === "failed" ? ["wait-list.task-failed"] : []);
    },
  );

  test.each([
    ["busy", BUSY_MS],
    ["full", WAIT_LIST_CHECK_MS],
    ["later", TIMINGS.busyMs],
    ["time", 0],
    ["failed", SOON_MS],
  ] as const)(
    "after %s late in a chain of messages the sweeper comes in %i ms, before the chain ends",
    async (outcome, due) => {
      scene.deps.chain = { queue: "submit", hops: MAX_HOPS / 2 + 1 };
      await stopFor(outcome);
      expect((await scene.list())!.due).toBe(scene.now() + due);
    },
  );

  test("in the first half of a chain the sweeper comes later than the message", async () => {
    scene.deps.chain = { queue: "submit", hops: MAX_HOPS / 2 };
    await stopFor("time");
    expect((await scene.list())!.due).toBe(scene.now() + SOON_MS);
  });

  test("no message is sent for a list that became empty at the end of the time", async () => {
    await enter([1]);
    await scene.dispatch(() => {
      scene.advance(DISPATCH_MS);
      return "accepted";
    });
    expect(scene.sent).toEqual([]);
  });

  test("a task that starts later is passed by the others, and one dispatcher tries it once", async () => {
    await enter([1, 2]);
    const run = await scene.dispatch(({ flowId }) => (flowId === "flow_1" ? "later" : "accepted"));
    expect(run).toEqual(["flow_1", "flow_2"]);
    expect(await flows()).toEqual(["flow_1"]);
  });
});

describe("which tasks leave the list", () => {
  test.each([
    ["accepted", true],
    ["other", true],
    ["busy", false],
    ["full", false],
    ["later", false],
  ] as const)("%s: %s", async (outcome, isGone) => {
    await enter([1]);
    await scene.dispatch(() => outcome);
    expect(await flows()).toEqual(isGone ? [] : ["flow_1"]);
  });

  test("nothing is submitted while the list is closed, the account pauses or another dispatcher runs", async () => {
    await enter([1]);
    const { since } = (await scene.list())!;
    await scene.close();
    expect(await scene.dispatch()).toEqual([]);
    await change({ since, due: scene.now() });
    await pause(1);
    expect(await scene.dispatch()).toEqual([]);
    scene.advance(1);
    await change({ dispatchUntil: scene.now() + 1 });
    expect(await scene.dispatch()).toEqual([]);
    scene.advance(1);
    expect(await scene.dispatch()).toEqual(["flow_1"]);
  });

  test("of two dispatchers that start together one serves the list", async () => {
    await enter([1]);
    const [first, second] = await Promise.all([scene.dispatch(), scene.dispatch()]);
    expect([...first, ...second]).toEqual(["flow_1"]);
  });

  test("a running dispatcher has the list until its last call may have ended", async () => {
    await enter([1]);
    const startedAt = scene.now();
    await scene.dispatch(async (): Promise<DispatchOutcome> => {
      expect((await scene.list())!.dispatchUntil).toBe(startedAt + DISPATCH_MS + TIMINGS.answerMs);
      return "accepted";
    });
  });
});

describe("the order", () => {
  test("the apps are served in turn after the last one, and the tasks of an app in the order of their creation", async () => {
    await enter([1, 2], "app_a");
    await enter([3, 4, 5], "app_b");
    await enter([6], "app_c");
    await change({ turn: "app_a" });
    expect(await scene.dispatch()).toEqual(flowIds([3, 6, 1, 4, 2, 5]));
  });

  test("the app that was served last is stored, so the next dispatcher continues after it", async () => {
    await enter([1, 2], "app_a");
    await enter([3, 4], "app_b");
    let calls = 0;
    await scene.dispatch(() => (++calls === 2 ? "busy" : "other"));
    expect((await scene.list())!.turn).toBe("app_b");
    expect(await scene.dispatch()).toEqual(["flow_2", "flow_3", "flow_4"]);
  });

  test("several tasks that start together are of several apps, and the rest of them of the only one left", async () => {
    await enter([1, 2, 3, 4], "app_a");
    await enter([5], "app_b");
    await change({ parallel: 4, parallelAt: scene.now() });
    const runs = heldRuns();
    const dispatching = scene.dispatch(runs.run);
    await settle();
    expect(runs.inFlight()).toEqual(flowIds([1, 5, 2, 3]));
    await runs.end("accepted");
    expect(runs.inFlight()).toEqual(flowIds([5, 2, 3, 4]));
    for (let i = 0; i < 4; i++) await runs.end("accepted");
    expect(await dispatching).toEqual(flowIds([1, 5, 2, 3, 4]));
  });
});

describe("how many tasks are in flight", () => {
  test("the number doubles with each accepted task up to the most, and a busy response stops the dispatcher", async () => {
    await enter(upTo(40));
    const runs = heldRuns();
    const dispatching = scene.dispatch(runs.run);
    await settle();
    for (const count of [1, 2, 4, 8, 16, MAX_PARALLEL, MAX_PARALLEL]) {
      expect(runs.inFlight()).toHaveLength(count);
      await runs.end("accepted");
    }
    await runs.end("busy");
    expect(runs.inFlight()).toHaveLength(MAX_PARALLEL - 1);
    while (runs.inFlight().length > 0) await runs.end("other");
    await dispatching;
    expect(await scene.list()).toMatchObject({ parallel: 1, parallelAt: scene.now() });
  });

  test("a task that left the list without being accepted does not change the number", async () => {
    await enter(upTo(4));
    const runs = heldRuns();
    const dispatching = scene.dispatch(runs.run);
    await settle();
    for (let i = 0; i < 4; i++) {
      expect(runs.inFlight()).toHaveLength(1);
      await runs.end("other");
    }
    await dispatching;
  });

  test.each([
    [59_999, 8],
    [60_000, 1],
  ])("the number that a dispatcher left %i ms ago lets the next one begin with %i", async (agoMs, count) => {
    await enter(upTo(10));
    await change({ parallel: 8, parallelAt: scene.now() - agoMs });
    const runs = heldRuns();
    const dispatching = scene.dispatch(runs.run);
    await settle();
    expect(runs.inFlight()).toHaveLength(count);
    while (runs.inFlight().length > 0) await runs.end("other");
    await dispatching;
  });

  test("no more tasks run than the account has slots, and a task that used none leaves its slot to the next one", async () => {
    await enter(upTo(6));
    await change({ parallel: 3, parallelAt: scene.now() });
    const runs = heldRuns();
    const dispatching = scene.dispatch(runs.run, scene.now(), { maxRunning: 3 });
    await settle();
    expect(runs.inFlight()).toEqual(flowIds([1, 2, 3]));
    await runs.end("other");
    expect(runs.inFlight()).toEqual(flowIds([2, 3, 4]));
    await runs.end("accepted");
    expect(runs.inFlight()).toEqual(flowIds([3, 4]));
    while (runs.inFlight().length > 0) await runs.end("accepted");
    await dispatching;
  });

  test("without a free slot the slots are counted, and none is used while there is none", async () => {
    await enter([1]);
    let counts = 0;
    const countFree = async () => {
      counts++;
      return 0;
    };
    expect(await scene.dispatch(undefined, undefined, { maxRunning: 0, countFree })).toEqual([]);
    expect(counts).toBe(1);
    expect((await scene.list())!.dispatchUntil).toBeUndefined();
    const one = async () => 1;
    expect(await scene.dispatch(undefined, undefined, { maxRunning: 0, countFree: one })).toEqual(["flow_1"]);
    expect(await scene.dispatch(undefined, undefined, { maxRunning: 1, countFree })).toEqual([]);
    expect(counts).toBe(1);
  });

  test("each task hears whether the account has accepted one since the dispatcher began", async () => {
    await enter([1, 2, 3]);
    const heard: boolean[] = [];
    await scene.dispatch(({ flowId }, { hasAccepted }) => {
      heard.push(hasAccepted);
      return flowId === "flow_1" ? "other" : "accepted";
    });
    expect(heard).toEqual([false, false, true]);
  });

  test("a dispatcher makes three rounds at most", async () => {
    await enter([1]);
    const run = await scene.dispatch(() => "full");
    expect(run).toEqual(["flow_1", "flow_1", "flow_1"]);
  });

  test("the time of the invocation counts for all rounds, to the millisecond", async () => {
    await enter([1, 2]);
    expect(await scene.dispatch(undefined, scene.now() - DISPATCH_MS + 1)).toEqual(["flow_1", "flow_2"]);
    await enter([3]);
    expect(await scene.dispatch(undefined, scene.now() - DISPATCH_MS)).toEqual([]);
    expect(scene.sent.map(({ message }) => message)).toMatchObject([{ flowId: "flow_3", wake: REF }]);
  });
});

describe("tasks that are handed over to other workers", () => {
  const MOST = 60;

  /** A dispatcher that may have more tasks in flight than it calls for itself. Each call takes a second. */
  async function handOver(options: Partial<Parameters<typeof dispatchWaitList>[2]> = {}, parallel = 40) {
    await change({ parallel, parallelAt: scene.now() });
    const runs = heldRuns();
    const dispatching = scene.dispatch(runs.run, scene.now(), { mostParallel: MOST, ...options });
    await settle();
    const handed = () =>
      scene.sent.flatMap(({ message }) => {
        const { flowId } = message as { flowId: string };
        return [flowId];
      });
    return { runs, dispatching, handed };
  }
  const finish = async (runs: ReturnType<typeof heldRuns>) => {
    while (runs.inFlight().length > 0) await runs.end("other");
  };

  test("none is handed over before a task was accepted; then all that the number allows, and no entry twice", async () => {
    await enter(upTo(9));
    const { runs, dispatching, handed } = await handOver();
    expect(runs.inFlight()).toHaveLength(HANDING_PARALLEL);
    expect(handed()).toEqual([]);
    scene.advance(1_000);
    await runs.end("accepted");
    expect(handed()).toEqual(flowIds([6, 7, 8, 9]));
    for (const { message } of scene.sent) expect(message).toMatchObject({ handedOver: REF });
    // The workers remove the entries of what they got.
    expect(await flows()).toEqual(flowIds(upTo(8, 2)));
    await finish(runs);
    await dispatching;
  });

  test.each([
    ["no other worker has room", { hasRoom: () => false }],
    ["the number is that of its own calls", { mostParallel: MAX_PARALLEL }],
  ])("none is handed over if %s", async (_, options) => {
    await enter(upTo(30));
    const { runs, dispatching, handed } = await handOver(options, MAX_PARALLEL);
    scene.advance(1_000);
    await runs.end("accepted");
    expect(handed()).toEqual([]);
    await finish(runs);
    await dispatching;
  });

  test("none is handed over at the end of a chain of messages, and the dispatcher makes all its calls itself", async () => {
    scene.deps.chain = { queue: "submit", hops: MAX_HOPS };
    await enter(upTo(30));
    const { runs, dispatching, handed } = await handOver();
    expect(runs.inFlight()).toHaveLength(MAX_PARALLEL);
    scene.advance(1_000);
    await runs.end("accepted");
    expect(handed()).toEqual([]);
    await finish(runs);
    await dispatching;
  });

  test("if another worker was answered busy, the dispatcher stops and one task asks next", async () => {
    await enter(upTo(30));
    const { runs, dispatching, handed } = await handOver();
    await pause(60_000);
    await runs.end("accepted");
    expect([handed(), runs.inFlight()]).toEqual([[], flowIds([2, 3, 4, 5])]);
    await finish(runs);
    await dispatching;
    expect((await scene.list())!.parallel).toBe(1);
  });

  test("a failed hand-over stops the dispatcher, is logged and loses no entry", async () => {
    await enter(upTo(9));
    const { send } = scene.deps.queue;
    scene.deps.queue.send = () => Promise.reject(new Error("the queue is down"));
    const { runs, dispatching } = await handOver();
    await runs.end("accepted");
    expect(scene.lines).toEqual(["wait-list.not-handed-over"]);
    scene.deps.queue.send = send;
    await finish(runs);
    await dispatching;
    expect(await flows()).toEqual(flowIds([6, 7, 8, 9]));
    expect((await scene.list())!.due).toBe(scene.now() + WAIT_LIST_CHECK_MS / 4);
  });

  test("tasks that were handed over count as in flight for as long as the last accepted task took", async () => {
    await enter(upTo(100));
    const { runs, dispatching, handed } = await handOver({}, 30);
    scene.advance(1_000);
    await runs.end("accepted");
    // 32 at one time: 4 calls of its own, and 28 of others. Then it makes a fifth call itself.
    expect(handed()).toHaveLength(28);
    scene.advance(999);
    await runs.end("other");
    expect(handed()).toHaveLength(28);
    scene.advance(1);
    await runs.end("other");
    expect(handed()).toHaveLength(56);
    expect(new Set(handed()).size).toBe(56);
    await finish(runs);
    await dispatching;
  });
});

describe("the list itself", () => {
  test("a task that enters gives the list its due time, and a list with a due time is not written again", async () => {
    await enter([1]);
    const list = (await scene.list())!;
    expect(list).toMatchObject({ since: scene.now(), due: scene.now() + WAIT_LIST_CHECK_MS / 4 });
    scene.advance(1);
    await enter([2]);
    expect(await scene.list()).toEqual(list);
    await ensureInWaitList(scene.deps, task(2));
    expect(await scene.list()).toEqual(list);
    expect(await flows()).toEqual(["flow_1", "flow_2"]);
  });

  test.each([{ since: undefined }, { due: undefined }])(
    "a look at a waiting task repairs a list with %j",
    async (fields) => {
      await enter([1]);
      await change(fields);
      await ensureInWaitList(scene.deps, task(1));
      expect(await scene.list()).toMatchObject({ since: expect.any(Number), due: expect.any(Number) });
      expect(await flows()).toEqual(["flow_1"]);
    },
  );

  test("a list is woken by its first task, and a list without tasks, a closed one and an unknown one by none", async () => {
    await wakeWaitList(scene.deps, REF);
    await enter([1, 2]);
    await wakeWaitList(scene.deps, REF);
    expect(scene.sent.map(({ message }) => message)).toMatchObject([{ flowId: "flow_1", wake: REF }]);
    await scene.close();
    await wakeWaitList(scene.deps, REF);
    expect(scene.sent).toHaveLength(1);
    await change({ since: 1, due: 1 });
    for (const n of [1, 2]) await scene.store.removeWaiting(REF.provider, REF.account, waitEntryOfTask(task(n)));
    await wakeWaitList(scene.deps, REF);
    expect(scene.sent).toHaveLength(1);
  });

  test("the sweeper looks after a list when its due time has come, counts it and looks again in a minute", async () => {
    await enter([1]);
    const { due = 0, since } = (await scene.list())!;
    scene.advance(due - scene.now() - 1);
    await sweepWaitList(scene.deps, REF);
    expect([scene.sent, scene.counted]).toEqual([[], []]);
    scene.advance(1);
    await sweepWaitList(scene.deps, REF);
    expect(scene.sent.map(({ message }) => message)).toMatchObject([{ flowId: "flow_1", wake: REF }]);
    expect(scene.counted).toEqual(["WaitListsChecked"]);
    expect(await scene.list()).toMatchObject({ since, due: scene.now() + WAIT_LIST_CHECK_MS });
    await change({ since: undefined, due: scene.now() });
    await sweepWaitList(scene.deps, REF);
    expect((await scene.list())!.since).toBe(scene.now());
    await scene.close();
    await sweepWaitList(scene.deps, REF);
    expect(scene.sent).toHaveLength(2);
  });

  test.each([{ since: 1 }, { due: 1 }, {}])("the sweeper closes an empty list with %j", async (fields) => {
    await scene.store.saveWaitList({ ...REF, rev: 0, ...fields });
    await sweepWaitList(scene.deps, REF);
    const { rev, ...list } = (await scene.list())!;
    expect(JSON.parse(JSON.stringify(list))).toEqual(REF);
    expect(rev).toBe(Object.keys(fields).length === 0 ? 1 : 2);
  });

  test.each([{ since: 1 }, { due: 1 }])(
    "a list with tasks that has only %j is opened, and the log says so",
    async (fields) => {
      await enter([1]);
      await change({ since: undefined, due: undefined, ...fields });
      await openUsedLists(scene.deps);
      expect(await scene.list()).toMatchObject({ since: expect.any(Number), due: expect.any(Number) });
      expect(scene.lines).toEqual(["wait-list.opened"]);
      await openUsedLists(scene.deps);
      expect(scene.lines).toHaveLength(1);
    },
  );
});
