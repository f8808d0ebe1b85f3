/** Writes that the disk rejects. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Entry } from "./ledger.ts";
import { startSimulator } from "./server.ts";
import { type Store, sqliteStore } from "./store.ts";
import type { Task } from "./task.ts";
import { imagine } from "./test-client.ts";

const FULL = "database or disk is full";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-store-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

/** Makes each write of the simulator's file fail, or succeed again. */
function setDiskFull(full: boolean): void {
  const db = new DatabaseSync(join(folder, "simulator.db"));
  for (const [table, event] of [
    ["task", "INSERT"],
    ["ledger", "INSERT"],
  ]) {
    db.exec(
      full
        ? `CREATE TRIGGER full_${table} BEFORE ${event} ON ${table} BEGIN SELECT RAISE(FAIL, '${FULL}'); END`
        : `DROP TRIGGER full_${table}`,
    );
  }
  db.close();
}

const task = (id: string, progress: string | null = null) => ({ id, progress }) as Task;
const entry = (seq: number) => ({ kind: "lookup", row: { seq } }) as Entry;
const stored = (store: Store) => [store.tasks().map(({ id, progress }) => [id, progress]), store.entries().length];

test("writes that the disk rejects do not throw, are reported once, and are stored when the disk has space again", () => {
  vi.useFakeTimers();
  const failures: string[] = [];
  const store = sqliteStore(folder, { onFailure: (why) => failures.push(why), retryMs: 100 });
  store.save(task("1", "0%"));
  setDiskFull(true);
  store.save(task("1", "50%"));
  store.append(entry(1));
  store.save(task("2"));
  store.save(task("1", "100%"));
  expect([stored(store), failures]).toEqual([[[["1", "0%"]], 0], [FULL]]);
  vi.advanceTimersByTime(1_000);
  expect(failures).toEqual([FULL]);
  setDiskFull(false);
  vi.advanceTimersByTime(100);
  expect(stored(store)).toEqual([
    [
      ["1", "100%"],
      ["2", null],
    ],
    1,
  ]);
  expect(vi.getTimerCount()).toBe(0);
  store.close();
});

test("failed writes are stored when the simulator stops, and a cleared ledger stays empty", () => {
  const store = sqliteStore(folder, { onFailure: () => {} });
  setDiskFull(true);
  store.save(task("1"));
  store.append(entry(1));
  setDiskFull(false);
  store.deleteEntries();
  store.close();
  const again = sqliteStore(folder);
  expect(stored(again)).toEqual([[["1", null]], 0]);
  again.close();
});

test("on a full disk the simulator finishes its tasks, and no rejection ends the process", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const simulator = await startSimulator({ dataDir: folder, speed: 0 });
  setDiskFull(true);
  const id = await imagine(simulator, "simulator");
  await simulator.waitFor(() => simulator.task(id)?.status === "SUCCESS");
  setDiskFull(false);
  await simulator.stop();
  expect(logged).toHaveBeenCalledTimes(1);
  logged.mockRestore();
  const restarted = await startSimulator({ dataDir: folder });
  expect(restarted.task(id)?.status).toBe("SUCCESS");
  await restarted.stop();
});
