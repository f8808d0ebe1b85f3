/**
 * Stores tasks and ledger in one SQLite file. A committed write survives `kill -9`, because WAL with synchronous NORMAL has
 * passed it to the operating system. Only a power failure may lose the last writes. No key is stored. The notifyHook of a
 * task is stored, because callbacks continue after a restart.
 *
 * A write that fails never throws: timers and callbacks call `save` and `append`, and an exception there would end the
 * process, which may also be a local server. The write is kept in memory and repeated until the disk accepts it.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "./ledger.ts";
import type { Task } from "./task.ts";

export interface Store {
  tasks(): Task[];
  save(task: Task): void;
  entries(): Entry[];
  append(entry: Entry): void;
  deleteEntries(): void;
  close(): void;
}

export interface StoreOptions {
  /** The store calls this at the first failed write, and again only after a write has succeeded. */
  onFailure?: (why: string) => void;
  /** Pause before failed writes are repeated, ms. */
  retryMs?: number;
}

export const memoryStore = (): Store => ({
  tasks: () => [],
  save: () => {},
  entries: () => [],
  append: () => {},
  deleteEntries: () => {},
  close: () => {},
});

const RETRY_MS = 1_000;

export function sqliteStore(dataDir: string, { onFailure = logFailure, retryMs = RETRY_MS }: StoreOptions = {}): Store {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, "simulator.db");
  // SQLite is loaded only here. Without a data folder it is not loaded and prints no warning that it is experimental.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const db = new DatabaseSync(file);
  chmodSync(file, 0o600);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;");
  db.exec("CREATE TABLE IF NOT EXISTS task (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;");
  db.exec("CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, row TEXT NOT NULL);");
  const save = db.prepare(
    "INSERT INTO task (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
  );
  const append = db.prepare("INSERT OR REPLACE INTO ledger (seq, kind, row) VALUES (?, ?, ?)");

  /** Writes that failed, by row. A newer write of a row replaces an older one, so the map stays small. */
  const failed = new Map<string, () => void>();
  let retry: NodeJS.Timeout | undefined;

  function write(row: string, run: () => void): void {
    // A write waits behind failed ones, so that no older state replaces a newer one.
    failed.delete(row);
    failed.set(row, run);
    writeFailed();
  }

  function writeFailed(): void {
    for (const [row, run] of failed) {
      try {
        run();
        failed.delete(row);
      } catch (error) {
        if (retry === undefined) {
          onFailure(error instanceof Error ? error.message : String(error));
          retry = setInterval(writeFailed, retryMs).unref();
        }
        return;
      }
    }
    clearInterval(retry);
    retry = undefined;
  }

  return {
    tasks: () =>
      db
        .prepare("SELECT body FROM task ORDER BY id")
        .all()
        .map((row) => JSON.parse(String(row.body)) as Task),
    save(task) {
      const body = JSON.stringify(task);
      write(`task ${task.id}`, () => void save.run(task.id, body));
    },
    entries: () =>
      db
        .prepare("SELECT kind, row FROM ledger ORDER BY seq")
        .all()
        .map((row) => ({ kind: row.kind, row: JSON.parse(String(row.row)) }) as Entry),
    append(entry) {
      const body = JSON.stringify(entry.row);
      write(`entry ${entry.row.seq}`, () => void append.run(entry.row.seq, entry.kind, body));
    },
    deleteEntries() {
      for (const row of failed.keys()) if (row.startsWith("entry ")) failed.delete(row);
      db.exec("DELETE FROM ledger");
    },
    close() {
      writeFailed();
      clearInterval(retry);
      db.close();
    },
  };
}

function logFailure(why: string): void {
  console.error(
    JSON.stringify({
      level: "error",
      function: "simulator",
      event: "simulator.not-saved",
      error: why,
      retry: "automatic",
    }),
  );
}
