/** The import of rows into the table of a deployment: its order, its counts, what stops it, and where it goes on. */
import { MjflowError } from "@mjflow/core/error";
import { expect, onTestFinished, test, vi } from "vitest";
import { createMemoryTable, type MemoryTable } from "../../../test/support/memory/table.ts";
import { type Item, keyOf } from "./codec.ts";
import { type ImportCounts, ImportError, importRows } from "./import-rows.ts";
import { appKey, counterKey, flowKey, healthKey, IMPORT_KEY, type Key, keyText, taskKey } from "./keys.ts";
import type { Table } from "./table.ts";

const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const APP = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

/** @param rev revision; a row without one has 1 */
function row({ pk, sk }: Key, more: Item = {}, rev = 1): Item {
  return { pk: { S: pk }, sk: { S: sk }, v: { N: "1" }, rev: { N: String(rev) }, ...more };
}
const due = (at = "5"): Item => ({ dueShard: { S: "due#0" }, dueAt: { N: at } });

const FLOW_ROW = row(flowKey(FLOW), due());
const TASK_ROW = row(taskKey(FLOW, "0"), { st: { S: "SUCCESS" } });
const APP_ROW = row(appKey(APP), { appId: { S: "apps" }, listedAt: { S: "2026" } });
const HEALTH_ROW = row(healthKey("fake", "main"), { mi: { N: "1" } });
const COUNTER_ROW = row(counterKey(APP), { us: { N: "7" }, ...due() });
const ALL = [APP_ROW, FLOW_ROW, TASK_ROW, HEALTH_ROW, COUNTER_ROW];
const BYTES = 300;

const source = (rows: readonly Item[]) =>
  async function* () {
    yield* rows;
  };

/** A table that notes its writes, and whose requests can fail. */
function watched(memory: MemoryTable = createMemoryTable()) {
  const puts: string[] = [];
  const pauses: number[] = [];
  const state = { fail: (_request: number): unknown => undefined, requests: 0, before: async (_: Item) => {} };
  const checked = async <T>(request: () => Promise<T>) => {
    const error = state.fail(++state.requests);
    if (error) throw error;
    return request();
  };
  const table: Table = {
    ...memory,
    put: (item, rev) =>
      checked(async () => {
        await state.before(item);
        const put = await memory.put(item, rev);
        const phase = item["ph"]?.S ?? (item["dueShard"] ? "due" : "");
        puts.push(`${put.ok ? "" : "refused "}${keyText(keyOf(item))} ${phase}`.trim());
        return put;
      }),
    getAll: (keys) => checked(() => memory.getAll(keys)),
  };
  const sleep = async (ms: number) => void pauses.push(ms);
  const run = (rows: readonly Item[] = ALL, id = "export-1", options?: { dryRun?: boolean }) =>
    importRows({ table, sleep }, id, source(rows), options);
  return { memory, table, run, puts, pauses, state };
}

const counts = (more: Partial<ImportCounts>) => ({ written: 0, found: 0, newer: 0, kept: 0, ...more });
const mark = async (table: Table) => {
  const item = await table.get(IMPORT_KEY);
  return item && { id: item["id"]?.S, phase: item["ph"]?.S, rev: item["rev"]?.N };
};
const itemsOf = (memory: MemoryTable) =>
  memory
    .dump()
    .filter((item) => keyText(keyOf(item)) !== keyText(IMPORT_KEY))
    .sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
const sortedRows = (rows: readonly Item[]) => rows.toSorted((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));

test("rows come first without due entries, then the due entries, then the apps", async () => {
  const { memory, run, puts } = watched();
  const result = await run();
  expect(result).toEqual({ ...counts({ written: 5 }), state: "done", rows: 5, bytes: expect.any(Number) });
  const importKey = keyText(IMPORT_KEY);
  expect(puts).toEqual([
    `${importKey} rows`,
    keyText(keyOf(FLOW_ROW)),
    keyText(keyOf(TASK_ROW)),
    keyText(keyOf(HEALTH_ROW)),
    keyText(keyOf(COUNTER_ROW)),
    `${importKey} due`,
    `${keyText(keyOf(FLOW_ROW))} due`,
    `${keyText(keyOf(COUNTER_ROW))} due`,
    keyText(keyOf(APP_ROW)),
    `${importKey} done`,
  ]);
  expect(itemsOf(memory)).toEqual(sortedRows(ALL));
  expect(await mark(memory)).toEqual({ id: "export-1", phase: "done", rev: "3" });
});

test("the size of an import is the sum of what DynamoDB bills for its rows", async () => {
  const text = row(taskKey(FLOW, "1"), { text: { S: "x".repeat(BYTES - 4) } });
  const [one, two] = await Promise.all([watched().run([TASK_ROW]), watched().run([TASK_ROW, text])]);
  const base = (await watched().run([row(taskKey(FLOW, "1"))])).bytes;
  expect(two.bytes - one.bytes).toBe(base + BYTES);
});

test("a dry run writes nothing and counts the rows", async () => {
  const { memory, run, puts } = watched();
  expect(await run(ALL, "export-1", { dryRun: true })).toMatchObject({ state: "checked", rows: 5, written: 0 });
  expect(puts).toEqual([]);
  expect(memory.dump()).toEqual([]);
});

test("a finished import is not repeated, and another export may follow it", async () => {
  const { run, puts } = watched();
  await run();
  puts.length = 0;
  expect(await run()).toEqual({ ...counts({}), rows: 0, bytes: 0, state: "before" });
  expect(puts).toEqual([]);
  const other = row(taskKey(FLOW, "0-1"));
  expect(await run([other], "export-2")).toMatchObject({ state: "done", written: 1 });
});

test("the import of another export that is not finished stops an import", async () => {
  const { run, state } = watched();
  state.fail = (n) => (n === 4 ? new Error("the process died") : undefined);
  await expect(run()).rejects.toThrow("the process died");
  state.fail = () => undefined;
  const error = await run(ALL, "export-2").catch((each: unknown) => each);
  expect(error).toBeInstanceOf(ImportError);
  expect(error).toMatchObject({
    name: "ImportError",
    message:
      "The import of export export-1 into this table is not finished. Finish it first: run mjflow import with its folder again.",
  });
});

test("an import that dies at any request is completed by the next run, and each row is written once", async () => {
  const whole = watched();
  await whole.run();
  for (let died = 1; died <= whole.state.requests; died++) {
    const { memory, run, state } = watched();
    state.fail = (n) => (n === died ? new Error("the process died") : undefined);
    await expect(run(), `request ${died}`).rejects.toThrow("the process died");
    const before = itemsOf(memory).length;
    state.fail = () => undefined;
    const result = await run();
    expect(result.state).toBe("done");
    expect(itemsOf(memory)).toEqual(sortedRows(ALL));
    expect(result.written, `written after request ${died}`).toBe(ALL.length - before);
    expect(await mark(memory)).toMatchObject({ phase: "done" });
  }
});

test("a dry run of an interrupted import counts its rows and checks nothing", async () => {
  const { run, state } = watched();
  state.fail = (n) => (n === 4 ? new Error("the process died") : undefined);
  await expect(run()).rejects.toThrow();
  state.fail = () => undefined;
  const requests = state.requests;
  expect(await run(ALL, "export-1", { dryRun: true })).toMatchObject({ state: "checked", rows: 5 });
  expect(state.requests).toBe(requests);
});

test("two processes that import at one time stop each other at the next phase", async () => {
  const { memory, run, state } = watched();
  state.before = async (item) => {
    if (item["ph"]?.S !== "due") return;
    state.before = async () => {};
    const other = (await memory.get(IMPORT_KEY))!;
    await memory.put({ ...other, rev: { N: "2" } }, 1);
  };
  await expect(run()).rejects.toThrow("Another process imports into this table. Wait for its end, then start again.");
});

const others = (n: number) => Array.from({ length: n }, (_, i) => row(taskKey(FLOW, `0-${i}`), { st: { S: "ours" } }));
const foreign = (items: readonly Item[]) => items.map((item) => ({ ...item, st: { S: "another" } }));

test.each([
  [1, ""],
  [5, ""],
  [6, " and 1 more"],
  [30, " and 25 more"],
])("an import into a table with %i other rows names the first five and writes nothing", async (n, more) => {
  const { memory, run } = watched();
  for (const item of foreign(others(n))) await memory.put(item, undefined);
  const error = (await run(others(n)).catch((each: unknown) => each)) as Error;
  const names = others(Math.min(n, 5)).map((item) => `flow#${FLOW} / ${item["sk"]!.S}`);
  expect(error).toBeInstanceOf(ImportError);
  expect(error.message).toBe(
    `The table has other rows with the keys ${names.join(", ")}${more}. Import into a new, unused stage.`,
  );
  expect(await mark(memory)).toBeUndefined();
});

test("a row that another process writes meanwhile stops the import", async () => {
  const { memory, run, state } = watched();
  state.before = async (item) => {
    if (keyText(keyOf(item)) === keyText(keyOf(TASK_ROW)) && !(await memory.get(keyOf(TASK_ROW))))
      await memory.put({ ...TASK_ROW, st: { S: "another" } }, undefined);
  };
  await expect(run()).rejects.toThrow(
    `The table has other rows with the keys flow#${FLOW} / task#0. Import into a new, unused stage.`,
  );
});

test("rows that are there already are counted: equal ones, newer ones, and the account health", async () => {
  const { memory, run } = watched();
  await memory.put({ ...FLOW_ROW, w: { S: "a nonce" } }, undefined);
  await memory.put({ ...HEALTH_ROW, mi: { N: "9" } }, undefined);
  expect(await run()).toMatchObject({ state: "done", written: 3, found: 1, kept: 1, newer: 0 });
  expect((await memory.get(keyOf(HEALTH_ROW)))!["mi"]).toEqual({ N: "9" });
});

test("a row that the deployment has changed since an interrupted run stays as it is", async () => {
  const { memory, run, state } = watched();
  state.fail = (n) => (n === 7 ? new Error("the process died") : undefined);
  await expect(run()).rejects.toThrow();
  state.fail = () => undefined;
  const changed = row(keyOf(TASK_ROW), { st: { S: "another" } }, 2);
  await memory.put(changed, 1);
  expect(await run()).toMatchObject({ state: "done", newer: 1 });
  expect(await memory.get(keyOf(TASK_ROW))).toEqual(changed);
});

const VALUES: [name: string, value: Item[string], other: Item[string]][] = [
  ["text", { S: "a" }, { S: "b" }],
  ["number", { N: "1" }, { N: "2" }],
  ["flag", { BOOL: false }, { BOOL: true }],
  ["set", { SS: ["b", "a"] }, { SS: ["a", "c"] }],
  ["map", { M: { x: { N: "1" } } }, { M: { x: { N: "2" } } }],
  ["entry of a map", { M: { x: { N: "1" } } }, { M: { x: { N: "1" }, y: { N: "1" } } }],
  ["bytes", { B: new Uint8Array([1, 2]) }, { B: new Uint8Array([1, 3]) }],
  ["type", { S: "1" }, { N: "1" }],
  ["null", { NULL: true }, { S: "" }],
];

test.each(VALUES)("an equal row counts as found, and one with another %s stops the import", async (_, value, other) => {
  const item = row(taskKey(FLOW, "0"), { a: value, b: { S: "same" } });
  const equal = watched();
  const { b, a, ...rest } = item;
  const set = value.SS && { SS: value.SS.toReversed() };
  await equal.memory.put({ ...rest, b: b!, a: set ?? a!, w: { S: "a nonce" }, dueShard: { S: "x" } }, undefined);
  expect(await equal.run([item])).toMatchObject({ found: 1, written: 0 });
  const different = watched();
  await different.memory.put({ ...item, a: other }, undefined);
  await expect(different.run([item])).rejects.toThrow(ImportError);
});

const overloaded = () => new MjflowError("overloaded");
const PAUSES = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];

test("a table that throttles is asked again after growing pauses, for about a minute", async () => {
  const slow = watched();
  slow.state.fail = (n) => (n <= 8 ? overloaded() : undefined);
  expect(await slow.run([TASK_ROW])).toMatchObject({ state: "done", written: 1 });
  expect(slow.pauses).toEqual(PAUSES);
  const slower = watched();
  slower.state.fail = overloaded;
  await expect(slower.run([TASK_ROW])).rejects.toMatchObject({ code: "overloaded" });
  expect(slower.pauses).toEqual(PAUSES);
});

test("another error is thrown at once", async () => {
  for (const error of [new Error("no access"), new MjflowError("internal"), { code: "overloaded" }]) {
    const { run, pauses, state } = watched();
    state.fail = () => error;
    await expect(run([TASK_ROW])).rejects.toBe(error);
    expect(pauses).toEqual([]);
  }
});

test("the pause of a throttled request is a timer", async () => {
  const { table, state } = watched();
  state.fail = (n) => (n === 1 ? overloaded() : undefined);
  const timers: unknown[] = [];
  const spy = vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms: number) => {
    timers.push(ms);
    run();
  }) as never);
  onTestFinished(() => void spy.mockRestore());
  expect(await importRows({ table }, "export-1", source([TASK_ROW]))).toMatchObject({ state: "done" });
  expect(timers).toEqual([250]);
});

test("a credit counter that flows change meanwhile gets its due entry and keeps their change", async () => {
  const { memory, run, state } = watched();
  let changes = 0;
  state.before = async (item) => {
    const isDue = keyText(keyOf(item)) === keyText(keyOf(COUNTER_ROW)) && item["dueShard"];
    if (!isDue || changes++ >= 3) return;
    const current = (await memory.get(keyOf(COUNTER_ROW)))!;
    const rev = Number(current["rev"]!.N);
    await memory.put({ ...current, us: { N: String(7 + changes) }, rev: { N: String(rev + 1) } }, rev);
  };
  await run();
  expect(await memory.get(keyOf(COUNTER_ROW))).toEqual({
    ...COUNTER_ROW,
    us: { N: "10" },
    rev: { N: "5" },
  });
});

test("a credit counter that has a due entry of its own keeps it, and any other changed row gets none", async () => {
  const { memory, run, state } = watched();
  state.before = async (item) => {
    const current = await memory.get(keyOf(item));
    const isFirst = current?.["rev"]?.N === "1" && item["dueShard"] !== undefined;
    if (!isFirst) return;
    const isCounter = keyText(keyOf(item)) === keyText(keyOf(COUNTER_ROW));
    await memory.put({ ...current, ...(isCounter && due("99")), rev: { N: "2" } }, 1);
  };
  await run();
  expect(await memory.get(keyOf(COUNTER_ROW))).toEqual({ ...COUNTER_ROW, ...due("99"), rev: { N: "2" } });
  expect((await memory.get(keyOf(FLOW_ROW)))!["dueShard"]).toBeUndefined();
});

test("a counter that is changed each time keeps its row, after five more writes", async () => {
  const { memory, run, puts, state } = watched();
  state.before = async (item) => {
    if (keyText(keyOf(item)) !== keyText(keyOf(COUNTER_ROW)) || !item["dueShard"]) return;
    const current = (await memory.get(keyOf(COUNTER_ROW)))!;
    const rev = Number(current["rev"]!.N);
    await memory.put({ ...current, rev: { N: String(rev + 1) } }, rev);
  };
  await run();
  expect(puts.filter((put) => put.startsWith("refused"))).toHaveLength(6);
});

test("25 rows are read and written at one time", async () => {
  const { run, state, puts } = watched();
  const rows = others(51);
  const reads: number[] = [];
  const memory = createMemoryTable();
  const table: Table = {
    ...memory,
    getAll: (keys) => {
      reads.push(keys.length);
      return memory.getAll(keys);
    },
  };
  await importRows({ table }, "export-1", source(rows));
  expect(reads).toEqual([25, 25, 1]);
  expect(await run(others(50))).toMatchObject({ rows: 50, written: 50 });
  expect([state.requests, puts.length]).toEqual([2 + 3 + 50, 3 + 50]);
});
