/**
 * Fault 29: ten thousand concurrent callbacks of one task. Any number of callbacks leads to the same end, each gets a
 * response, and the number of writes does not grow with the square of the number.
 */
import type { Task } from "@mjflow/core/task";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeTable, TABLE, type TableMaker } from "../conformance/table.maker.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { createTestHarness, HARNESS_START, type TestHarness } from "../support/harness.ts";

const PLAN = [{ press: ["U1", "U2"] }];
/** Highest number of writes of one callback (engine/step/apply-signal.ts), with any number of write conflicts. */
const WRITES_EACH = 5;

type Status = "IN_PROGRESS" | "SUCCESS";

/** Sends all callbacks before the first gets its response. Their progress values rise and fall. */
async function flood(harness: TestHarness, count: number, statusOf: (n: number) => Status) {
  const [call] = harness.vendor.calls;
  harness.storeFault.calls.length = 0;
  const posts = Array.from({ length: count }, (_, n) => {
    const status = statusOf(n);
    return harness.post(call!, status, status === "SUCCESS" ? {} : { progress: (n * 37) % 100 });
  });
  const outcomes = await Promise.allSettled(posts);
  const calls = Object.groupBy(harness.storeFault.calls, (verb) => verb);
  return { refused: outcomes.filter(({ status }) => status === "rejected").length, calls };
}

async function started(harness: TestHarness, progress: boolean) {
  const flow = await harness.start({ then: PLAN, progress });
  await harness.drain();
  const root = async (): Promise<Task> => (await harness.read(flow)).tasks.get("0")!;
  return { flow, root };
}

/** Finishes the flow and checks that each press of the plan was made once. */
async function finishes(harness: TestHarness, flow: Awaited<ReturnType<TestHarness["start"]>>): Promise<void> {
  for (const call of harness.vendor.calls.filter(({ kind }) => kind === "submit")) harness.vendor.finished.add(call.id);
  await harness.finishAll();
  const { tasks, status } = await harness.read(flow);
  expect(status).toBe("completed");
  expect([...tasks.keys()].sort()).toEqual(["0", "0-0", "0-1"]);
  expect(harness.vendor.calls).toHaveLength(3);
}

describe.each([2, 50, 10_000])("%i concurrent callbacks of one task, in memory", (count) => {
  test("one of the SUCCESS callbacks ends the task, all get a response, and each makes few writes", async () => {
    const harness = createTestHarness();
    const { flow, root } = await started(harness, false);
    const { refused, calls } = await flood(harness, count, () => "SUCCESS");
    expect(refused).toBe(0);
    expect(calls.saveTask!.length).toBeLessThanOrEqual(WRITES_EACH * count);
    expect(calls.createTask).toHaveLength(2);
    expect(calls.getTask).toHaveLength(count);
    expect(calls.saveHealth).toHaveLength(1);
    // Two concurrent callbacks are a realistic number and counted exactly. Of many, some duplicates may not be counted.
    const { duplicates } = await root();
    if (count === 2) expect(duplicates).toBe(1);
    else expect(duplicates).toBeGreaterThan(0);
    expect(harness.metrics.get("Duplicates")).toBe(count - 1);
    await finishes(harness, flow);
  });

  test("with stored progress the value only rises, and callbacks need no more writes", async () => {
    const harness = createTestHarness();
    const { flow, root } = await started(harness, true);
    const { refused, calls } = await flood(harness, count, () => "IN_PROGRESS");
    expect(refused).toBe(0);
    expect(calls.saveTask!.length).toBeLessThanOrEqual(WRITES_EACH * count);
    expect(await root()).toMatchObject({ status: "IN_PROGRESS", attempt: 1 });
    const first = (await root()).progress;
    await flood(harness, count, () => "IN_PROGRESS");
    expect((await root()).progress).toBeGreaterThanOrEqual(first);
    await flood(harness, 1, () => "SUCCESS");
    await finishes(harness, flow);
  });

  test("progress callbacks without a subscriber cause one write, of the account health", async () => {
    const harness = createTestHarness();
    const { flow } = await started(harness, false);
    const { refused, calls } = await flood(harness, count, () => "IN_PROGRESS");
    expect(refused).toBe(0);
    expect(Object.keys(calls).sort()).toEqual(["saveHealth"]);
    expect(calls.saveHealth).toHaveLength(1);
    await flood(harness, 1, () => "SUCCESS");
    await finishes(harness, flow);
  });

  test("a SUCCESS callback among concurrent progress callbacks is stored", async () => {
    const harness = createTestHarness();
    const { flow, root } = await started(harness, true);
    const { refused } = await flood(harness, count, (n) => (n === Math.floor(count / 2) ? "SUCCESS" : "IN_PROGRESS"));
    expect(refused).toBe(0);
    expect(await root()).toMatchObject({ status: "SUCCESS", progress: 100 });
    await finishes(harness, flow);
  });
});

test("of 300 sequential copies of a callback the first 100 are written", async () => {
  const harness = createTestHarness();
  const { root } = await started(harness, false);
  let writes = 0;
  for (let i = 0; i < 300; i++) writes += (await flood(harness, 1, () => "SUCCESS")).calls.saveTask?.length ?? 0;
  expect((await root()).duplicates).toBe(99);
  // Two writes record the end and the started follow-ups; each counted duplicate is one write.
  expect(writes).toBe(2 + 99);
});

describe("concurrent callbacks of one task on a real table", () => {
  let maker: TableMaker;
  beforeAll(async () => {
    maker = await makeTable(await startTableEngine());
  });
  afterAll(() => maker?.stop());

  test.each([50, 200])("%i concurrent callbacks end the task once, and each gets a response", async (count) => {
    const store = createDynamoStore({ client: maker.client(), table: TABLE, now: () => HARNESS_START });
    const harness = createTestHarness({ store, seed: count });
    const { flow, root } = await started(harness, true);
    const { refused, calls } = await flood(harness, count, (n) => (n % 2 === 0 ? "SUCCESS" : "IN_PROGRESS"));
    expect(refused).toBe(0);
    expect(calls.saveTask!.length).toBeLessThanOrEqual(WRITES_EACH * count);
    expect(await root()).toMatchObject({ status: "SUCCESS", progress: 100 });
    await finishes(harness, flow);
  });
});
