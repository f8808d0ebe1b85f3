/**
 * Stores tasks and ledger in one SQLite file. A committed write survives `kill -9`, because WAL with synchronous NORMAL has
 * passed it to the operating system. Only a power failure may lose the last writes. No key is stored. The notifyHook of a
 * task is stored, because callbacks continue after a restart.
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

export const memoryStore = (): Store => ({
  tasks: () => [],
  save: () => {},
  entries: () => [],
  append: () => {},
  deleteEntries: () => {},
  close: () => {},
});

export function sqliteStore(dataDir: string): Store {
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
  return {
    tasks: () =>
      db
        .prepare("SELECT body FROM task ORDER BY id")
        .all()
        .map((row) => JSON.parse(String(row.body)) as Task),
    save: (task) => void save.run(task.id, JSON.stringify(task)),
    entries: () =>
      db
        .prepare("SELECT kind, row FROM ledger ORDER BY seq")
        .all()
        .map((row) => ({ kind: row.kind, row: JSON.parse(String(row.row)) }) as Entry),
    append: (entry) => void append.run(entry.row.seq, entry.kind, JSON.stringify(entry.row)),
    deleteEntries: () => db.exec("DELETE FROM ledger"),
    close: () => db.close(),
  };
}
