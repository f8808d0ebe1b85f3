/** The settlement of a flow that has ended: who may settle, in which order the rows are written, and who waits (E1). */
import type { Flow } from "@mjflow/core/flow";
import { type FlowCredit, NO_FLOW_CREDIT, ORPHANED_HOLD_AFTER_MS, SETTLING_LEASE_MS } from "@mjflow/core/flow-credit";
import type { Task } from "@mjflow/core/task";
import { finishInRunningFlow, settleCredit } from "@mjflow/engine/credit/credit-settle";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, HARNESS_START, type TestHarness } from "../support/harness.ts";

const NOW = HARNESS_START;
const APP = "app_a";
const HELD: FlowCredit = { ...NO_FLOW_CREDIT, held: 100, runs: 1, mark: "m" };
const SETTLING = { micro: 40, held: 100, runs: 1, paths: [], at: NOW };

let harness: TestHarness;
let writes: Flow[];
let mayWrite: boolean;
beforeEach(() => {
  harness = createTestHarness();
  [writes, mayWrite] = [[], true];
});

function deps() {
  const saveFlow = async (flow: Flow) => {
    writes.push(flow);
    return mayWrite
      ? { ok: true as const, item: { ...flow, rev: flow.rev + 1 } }
      : { ok: false as const, current: flow };
  };
  return { ...harness.deps, store: Object.assign(Object.create(harness.deps.store), { saveFlow }) };
}
const flowWith = (credit: FlowCredit, over: Partial<Flow> = {}) =>
  ({
    id: "flow_1",
    appId: APP,
    rev: 3,
    status: "completed",
    createdAt: NOW,
    hasCreditHold: true,
    credit,
    ...over,
  }) as Flow;
const settle = (credit: FlowCredit, over: Partial<Flow> = {}, tasks: Task[] = []) =>
  settleCredit(deps(), flowWith(credit, over), tasks);

describe("a flow that holds credit", () => {
  test.each([
    ["without a due time", undefined, NOW + SETTLING_LEASE_MS],
    ["with a due time", NOW + 7, NOW + 7],
  ])("%s is due while it is settled, so the sweeper finds it after a crash", async (_, due, expected) => {
    const settled = await settle(HELD, due === undefined ? {} : { due });
    expect(writes).toMatchObject([{ due: expected, credit: { settling: { held: 100, runs: 1, at: NOW } } }]);
    expect(settled).toMatchObject({
      flow: { rev: 4, credit: { held: 0, runs: 0, settlements: 1 } },
      open: { no: 0, at: NOW },
    });
  });

  test("is not settled if another process has changed it", async () => {
    mayWrite = false;
    expect(await settle(HELD)).toBe("conflict");
  });

  test("waits for the task of a press that is paid, until its process must have crashed", async () => {
    const task = (await harness.read(await harness.start())).tasks.get("0")!;
    const awaits = { "0-1": { mark: "p", at: NOW - ORPHANED_HOLD_AFTER_MS + 1 } };
    expect(await settle({ ...HELD, awaits })).toBe("wait");
    expect(writes).toEqual([]);
    expect(await settle({ ...HELD, awaits }, {}, [{ ...task, path: "0-1" }])).toMatchObject({ open: { no: 0 } });
  });
});

test("a flow that holds nothing is returned as it is, without a write", async () => {
  const flow = flowWith(NO_FLOW_CREDIT);
  expect(await settleCredit(deps(), flow, [])).toEqual({ flow });
  expect(writes).toEqual([]);
});

describe("a settlement of another process", () => {
  const of = (agoMs: number) => settle({ ...HELD, settling: { ...SETTLING, at: NOW - agoMs } });

  test("is left to its owner for the time of its right", async () => {
    expect(await of(SETTLING_LEASE_MS - 1)).toBe("wait");
    expect(writes).toEqual([]);
  });

  test("is taken over after that, with its amounts, as shared", async () => {
    expect(await of(SETTLING_LEASE_MS)).toMatchObject({ open: { no: 0, at: NOW } });
    expect(writes).toMatchObject([{ credit: { settling: { micro: 40, held: 100, at: NOW, shared: true } } }]);
  });
});

describe("the settlement of a caller whose last write lost a conflict", () => {
  const own = { no: 0, at: NOW, entry: { name: "n", value: "v", sentOnce: false } };
  const credit = { ...HELD, settling: SETTLING };

  test("is finished without another change of the counter", async () => {
    expect(await settleCredit(deps(), flowWith(credit), [], own)).toMatchObject({
      flow: { rev: 3, credit: { held: 0, settlements: 1 } },
      open: own,
    });
    expect(writes).toEqual([]);
  });

  test.each([
    ["number", { ...own, no: 1 }],
    ["time", { ...own, at: NOW - 1 }],
  ])("is another one if its %s differs", async (_, other) => {
    expect(await settleCredit(deps(), flowWith(credit), [], other)).toBe("wait");
    await finishInRunningFlow(deps(), flowWith(credit), other);
    expect(writes).toEqual([]);
  });

  test("is finished in a flow that runs again", async () => {
    await finishInRunningFlow(deps(), flowWith(credit), own);
    expect(writes).toMatchObject([{ credit: { held: 0, settlements: 1 } }]);
    expect(writes[0]!.credit).not.toHaveProperty("settling");
    await finishInRunningFlow(deps(), { ...flowWith(credit), credit: undefined } as never, own);
    expect(writes).toHaveLength(1);
  });
});
