import { expect, onTestFinished, test, vi } from "vitest";
import { createMemoryTable } from "../../../test/support/memory/table.ts";
import { HEALTH_CHECK_KEY } from "./keys.ts";
import type { PutResult, Table } from "./table.ts";
import { createWriteCheck } from "./write-check.ts";

function setUp() {
  const memory = createMemoryTable();
  const state = { now: 0, puts: 0, next: undefined as (() => Promise<PutResult>) | undefined };
  const table: Table = {
    ...memory,
    put(item, rev) {
      state.puts++;
      return state.next ? state.next() : memory.put(item, rev);
    },
  };
  const check = () => createWriteCheck({ table, now: () => state.now, timeoutMs: 20 });
  const revision = async () => (await memory.get(HEALTH_CHECK_KEY))?.["rev"]?.N;
  return { state, check, revision };
}

test("checks within 10 s share one write, and a later check writes again", async () => {
  const { state, check, revision } = setUp();
  const isWritable = check();
  await Promise.all([isWritable(), isWritable()]);
  state.now += 9_999;
  await isWritable();
  expect([state.puts, await revision()]).toEqual([1, "1"]);
  state.now += 1;
  await isWritable();
  expect([state.puts, await revision()]).toEqual([2, "2"]);
});

test("a process that does not know the row writes it with at most two requests", async () => {
  const { state, check, revision } = setUp();
  await check()();
  await check()();
  expect([state.puts, await revision()]).toEqual([3, "2"]);
});

test("a lost write conflict is a success", async () => {
  const { state, check } = setUp();
  state.next = async () => ({ ok: false, current: undefined });
  await check()();
  expect(state.puts).toBe(2);
});

test("a failed write is overloaded, is asked again after 1 s, and recovers", async () => {
  const { state, check } = setUp();
  const isWritable = check();
  state.next = () => Promise.reject(new Error("database or disk is full"));
  await expect(isWritable()).rejects.toMatchObject({ code: "overloaded", status: 503, retry: { afterMs: 1_000 } });
  await expect(isWritable()).rejects.toMatchObject({ code: "overloaded" });
  expect(state.puts).toBe(1);
  state.next = undefined;
  state.now += 1_000;
  await isWritable();
});

test("the timer of a check ends with its write", async () => {
  const { check } = setUp();
  const cleared = vi.spyOn(globalThis, "clearTimeout");
  onTestFinished(() => void cleared.mockRestore());
  const started = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => void started.mockRestore());
  await check()();
  expect(started).toHaveBeenCalledTimes(1);
  expect(cleared.mock.calls).toEqual([[started.mock.results[0]!.value]]);
});

test("a write without a response is overloaded", async () => {
  const { state, check } = setUp();
  state.next = () => new Promise(() => {});
  await expect(check()()).rejects.toMatchObject({
    code: "overloaded",
    cause: expect.objectContaining({ message: "no response within 20 ms" }),
  });
});
