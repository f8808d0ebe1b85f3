import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { newBreakerRecord } from "./circuit-breaker.ts";
import { TIMINGS } from "./timing.ts";
import {
  admission,
  afterApp,
  DISPATCH_MS,
  endDispatch,
  entryOf,
  firstParallel,
  isDispatched,
  isInWaitList,
  listWithTask,
  MAX_PARALLEL,
  mostParallel,
  newWaitList,
  nextParallel,
  ownParallel,
  pauseEnd,
  startDispatch,
  WAIT_LIST_CHECK_MS,
  WAIT_LOOK,
  type WaitEntry,
  waitEntryOf,
  waitKeyOf,
  waitLook,
  waitPlace,
} from "./wait-list.ts";

const empty = newWaitList("sim", "a");
const used = listWithTask(empty, NOW + 15_000, NOW)!;

describe("order of a wait list", () => {
  const app = fc.constantFrom("app", "app_a", "app_a1", "app_b", "flow_01");
  const entry: fc.Arbitrary<WaitEntry> = fc.record({
    appId: app,
    createdAt: fc.integer({ min: 0, max: 9_999_999_999_999 }),
    flowId: fc.constantFrom(FLOW, "flow_2"),
    path: fc.constantFrom("0", "0-1"),
  });

  it("for every entries, the keys of an app are together and in the order of creation", () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const keys = entries.map(waitKeyOf).sort();
        const read = keys.map((key) => waitEntryOf(key)!);
        expect(read.map(waitKeyOf)).toEqual(keys);
        const apps = read.map(({ appId }) => appId);
        expect(new Set(apps).size).toBe(apps.filter((each, i) => each !== apps[i - 1]).length);
        for (const [i, { appId, createdAt }] of read.entries()) {
          const before = read[i - 1];
          if (before?.appId === appId) expect(before.createdAt).toBeLessThanOrEqual(createdAt);
        }
      }),
    );
  });

  it("for every two entries, the bound after an app is after its keys and before those of later apps", () => {
    fc.assert(
      fc.property(entry, entry, (one, other) => {
        expect(waitKeyOf(one) < afterApp(one.appId)).toBe(true);
        if (other.appId === one.appId) return;
        const isLater = waitKeyOf(other) > waitKeyOf(one);
        expect(waitKeyOf(other) > afterApp(one.appId)).toBe(isLater);
      }),
    );
  });

  it("a key of another form is no entry", () => {
    for (const key of ["", "app", "app#1#flow", "app#1#flow#0#x"]) expect(waitEntryOf(key)).toBeUndefined();
  });

  it("an entry has the app and the creation time of its task", () => {
    const task = taskIn("PENDING");
    expect(entryOf(task, "app_a")).toEqual({ appId: "app_a", createdAt: task.createdAt, flowId: FLOW, path: "0" });
  });
});

describe("admission", () => {
  const busy = { ...newBreakerRecord(), busyUntil: NOW + 1, fault: "busy" as const };

  it("a task waits while the account is paused or while others wait, and otherwise it does not", () => {
    expect(admission(undefined, undefined, NOW)).toBeUndefined();
    expect(admission(empty, newBreakerRecord(), NOW)).toBeUndefined();
    expect(admission(empty, busy, NOW)).toBe("busy");
    expect(admission(empty, busy, NOW + 1)).toBeUndefined();
    expect(admission(used, newBreakerRecord(), NOW)).toBe("order");
  });

  it("a refused key is no pause, because waiting does not help", () => {
    expect(pauseEnd({ ...busy, fault: "unauthorized" }, NOW)).toBeUndefined();
    expect(pauseEnd(busy, NOW)).toBe(NOW + 1);
  });
});

describe("the state of a wait list", () => {
  it("WL2: a list with tasks has a due time, and further tasks write nothing", () => {
    expect(used).toMatchObject({ since: NOW, due: NOW + 15_000 });
    expect(listWithTask(used, NOW + 20_000, NOW + 1)).toBeUndefined();
    expect(listWithTask({ ...used, due: NOW + 3 * WAIT_LIST_CHECK_MS }, NOW + 15_000, NOW)!.due).toBe(NOW + 15_000);
  });

  it("WL3: a second dispatcher starts only after the lease of the first, which covers its last call", () => {
    const first = startDispatch(used, TIMINGS, NOW)!;
    const end = NOW + DISPATCH_MS + TIMINGS.answerMs;
    expect([isDispatched(first, end - 1), isDispatched(first, end)]).toEqual([true, false]);
    expect(startDispatch(first, TIMINGS, end - 1)).toBeUndefined();
    expect(startDispatch(first, TIMINGS, end)).toBeDefined();
    expect(first.due).toBe(used.due);
  });

  it("after a dispatch an empty list is closed, and another one keeps a due time that fits", () => {
    const running = startDispatch(used, TIMINGS, NOW)!;
    const closed = endDispatch(running, { turn: "app", parallel: 4, due: undefined }, NOW);
    expect([closed.since, closed.due, closed.dispatchUntil, closed.turn]).toEqual([
      undefined,
      undefined,
      undefined,
      "app",
    ]);
    const full = endDispatch(running, { turn: "app", parallel: 4, due: NOW + 20_000 }, NOW);
    expect([full.since, full.due, full.dispatchUntil]).toEqual([NOW, NOW + 15_000, undefined]);
    const later = endDispatch(running, { turn: "app", parallel: 4, due: NOW + WAIT_LIST_CHECK_MS }, NOW);
    expect(later.due).toBe(NOW + WAIT_LIST_CHECK_MS);
  });

  it("the parallel tasks double while the account accepts, and are one after a busy response or a longer time", () => {
    let parallel = firstParallel(used, NOW);
    const seen = Array.from({ length: 6 }, () => (parallel = nextParallel(parallel, "accepted")));
    expect(seen).toEqual([2, 4, 8, 16, MAX_PARALLEL, MAX_PARALLEL]);
    expect(nextParallel(parallel, "busy")).toBe(1);
    // Other workers call for a dispatcher that may have more tasks in flight. It makes five calls itself then.
    const most = mostParallel(40);
    expect([mostParallel(undefined), most, mostParallel(1)]).toEqual([MAX_PARALLEL, 50, MAX_PARALLEL]);
    expect([20, 21, 40, 49, 50].map((n) => nextParallel(n, "accepted", most))).toEqual([21, 23, 42, 50, 50]);
    expect([nextParallel(50, "busy", most), ...[1, 20, 21, 50].map(ownParallel)]).toEqual([1, 1, 20, 5, 5]);
    const ended = endDispatch(used, { turn: undefined, parallel: 8, due: NOW }, NOW);
    expect([firstParallel(ended, NOW + 59_999), firstParallel(ended, NOW + 60_000)]).toEqual([8, 1]);
  });

  it("a mark that an earlier version left in another status does not count", () => {
    expect(isInWaitList(taskIn("PENDING", { waits: "full" }))).toBe(true);
    expect(isInWaitList(taskIn("PENDING"))).toBe(false);
    expect(isInWaitList(taskIn("SUBMITTING", { waits: "full" }))).toBe(false);
    expect(isInWaitList(taskIn("MODAL", { waits: "full" }))).toBe(false);
    expect(isInWaitList(taskIn("MODAL", { waits: "full", modal: {} }))).toBe(true);
  });
});

describe("place of a waiting task", () => {
  const APPS = ["app_a", "app_b", "app_c"];
  const sizes = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 });
  const listOf = (counts: readonly number[]) =>
    counts.flatMap((count, app) =>
      Array.from({ length: count }, (_, i): WaitEntry => {
        return { appId: APPS[app]!, createdAt: NOW + i, flowId: FLOW, path: "0" };
      }),
    );

  /** Serves the list as the dispatcher does: the first entry of the app after the last one. */
  function served(list: readonly WaitEntry[], turn: string | undefined): WaitEntry[] {
    const [left, order] = [[...list], [] as WaitEntry[]];
    for (let last = turn; left.length > 0; last = order.at(-1)!.appId) {
      const after = last === undefined ? -1 : left.findIndex((entry) => waitKeyOf(entry) > afterApp(last!));
      order.push(...left.splice(Math.max(0, after), 1));
    }
    return order;
  }

  it("for every list and turn, it is the position in which the dispatcher takes the task", () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom(undefined, ...APPS, "app_0", "app_z"), (counts, turn) => {
        const list = listOf(counts);
        const all = waitLook(list);
        const places = served(list, turn).map((entry) => waitPlace(entry, all, all, turn));
        expect(places).toEqual(places.map((_, ahead) => ({ ahead, atLeast: false })));
      }),
    );
  });

  it("a task that is not in the list yet has the place that it will get", () => {
    const all = waitLook(listOf([2, 0, 0]));
    expect(waitPlace({ appId: "app_b", createdAt: NOW, flowId: FLOW, path: "0" }, all, all, undefined)).toEqual({
      ahead: 1,
      atLeast: false,
    });
  });

  it("a list that is longer than one look gives a lower bound, and says so", () => {
    const all = waitLook(listOf([WAIT_LOOK + 1]));
    expect(all).toMatchObject({ isWhole: false, entries: { length: WAIT_LOOK } });
    const task = { appId: "app_b", createdAt: NOW, flowId: FLOW, path: "0" };
    expect(waitPlace(task, all, waitLook([task]), undefined)).toEqual({ ahead: 1, atLeast: true });
    const own = waitLook(listOf([WAIT_LOOK + 1]));
    const last = listOf([WAIT_LOOK + 1]).at(-1)!;
    expect(waitPlace(last, all, own, undefined)).toEqual({ ahead: WAIT_LOOK, atLeast: true });
  });
});
