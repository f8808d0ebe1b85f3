/**
 * One SQLite file for rows and messages, in this process. Many writers share one sync: whatever is written while the disk
 * is busy becomes one transaction, is committed when the disk is free, and is acknowledged when it is on it.
 *
 * SQLite itself runs with `synchronous = NORMAL`, which syncs at checkpoints only and never harms the file; what makes a
 * commit durable is the sync of the write-ahead log here. SQLite's FULL does the same after each commit, but on the event
 * loop, and for each writer alone.
 *
 * A read may see what is not yet on the disk. Whoever acts on it writes first, and the log is synced in order: if that
 * write is kept, so is what was read.
 */
import { closeSync, fdatasync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ENGINE_FILES } from "./name.ts";

export interface FileOptions {
  /** Without it, in memory. */
  dataDir?: string | undefined;
  /** The disk, as a test would have it. */
  sync?: typeof fdatasync;
}

export interface DataFile {
  /** Prepared once for each text. */
  sql(text: string): StatementSync;
  /**
   * Runs at once; resolves when what it wrote is on the disk.
   *
   * @throws what `run` threw, or another of the same transaction: of that nothing is kept
   */
  write<T>(run: () => T): Promise<T>;
  /** Resolves when it outlives this process; a power cut may undo it, unless a later write is kept. */
  note<T>(run: () => T): Promise<T>;
  /** Calls back when a transaction was undone: what its writers believe they wrote is not there. */
  onUndone(tell: () => void): void;
  /** Calls back should the disk refuse a sync: what is on it is then not known, and nothing more is acknowledged. */
  onCrash(tell: (why: string) => void): void;
  /** When what is under way is on the disk. */
  close(): Promise<void>;
}

/** One transaction. */
interface Group {
  done: PromiseWithResolvers<void>;
  /** Somebody waits for the disk. */
  isSynced: boolean;
}

/** Pages of 4 kB that are gathered in the log before they are moved into the file. */
const LOG_PAGES = 2_000;
const PAGE_BYTES = 4_096;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS items (
  pk TEXT NOT NULL, sk TEXT NOT NULL, rev INTEGER, item BLOB NOT NULL,
  dueShard TEXT, dueAt INTEGER, appId TEXT, listedAt TEXT, expiresAt INTEGER,
  PRIMARY KEY (pk, sk)
);
CREATE INDEX IF NOT EXISTS due ON items (dueShard, dueAt, pk, sk) WHERE dueShard IS NOT NULL;
CREATE INDEX IF NOT EXISTS app ON items (appId, listedAt, pk, sk) WHERE listedAt IS NOT NULL;
CREATE INDEX IF NOT EXISTS ttl ON items (expiresAt) WHERE expiresAt IS NOT NULL;
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
  sentAt INTEGER NOT NULL, visibleAt INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS ready ON messages (queue, visibleAt);
CREATE TABLE IF NOT EXISTS room (bytes BLOB);`;

/** @throws Error when another process has the file */
export function openDataFile({ dataDir, sync = fdatasync }: FileOptions = {}): DataFile {
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const path = dataDir === undefined ? ":memory:" : join(dataDir, ENGINE_FILES.sqlite);
  // Prompts and addresses are its owner's alone; SQLite gives its other files the rights of the first.
  if (dataDir !== undefined) closeSync(openSync(path, "a", 0o600));
  const db = openDatabase(path);
  const log = dataDir === undefined ? undefined : openSync(`${path}-wal`, "r+");
  const statements = new Map<string, StatementSync>();
  let open: Group | undefined;
  let syncing: Promise<void> | undefined;
  let dead: Error | undefined;
  let tellUndone = () => {};
  let tellDeath = (_why: string) => {};

  /** The transaction that is open, or a new one: committed at the end of this turn, or once the disk is free. */
  function group(): Group {
    if (dead) throw dead;
    if (open) return open;
    db.exec("BEGIN");
    open = { done: Promise.withResolvers(), isSynced: false };
    if (!syncing) setImmediate(commit);
    return open;
  }

  async function enter<T>(run: () => T, isSynced: boolean): Promise<T> {
    const own = group();
    own.isSynced ||= isSynced;
    let result: T;
    try {
      result = run();
    } catch (error) {
      undo(own, error);
      throw error;
    }
    await own.done.promise;
    return result;
  }

  function undo({ done }: Group, error: unknown): void {
    open = undefined;
    // A full disk has undone it already.
    if (db.isTransaction) db.exec("ROLLBACK");
    tellUndone();
    // Also where nobody else waits.
    done.promise.catch(() => {});
    done.reject(error);
  }

  function commit(): void {
    if (!open || syncing) return;
    const own = open;
    try {
      db.exec("COMMIT");
    } catch (error) {
      undo(own, error);
      return;
    }
    open = undefined;
    if (own.isSynced && log !== undefined) syncing = synced(log, own);
    else own.done.resolve();
  }

  function synced(descriptor: number, { done }: Group): Promise<void> {
    return new Promise((resolve) => {
      sync(descriptor, (error) => {
        syncing = undefined;
        if (error) die(error);
        if (dead) done.reject(dead);
        else done.resolve();
        // After those who waited: what they write next is not to wait for another sync.
        setImmediate(commit);
        resolve();
      });
    });
  }

  function die(cause: Error): void {
    dead = new Error(`the disk refused a sync of ${path}: ${cause.message}`, { cause });
    tellDeath(dead.message);
  }

  return {
    sql(text) {
      const known = statements.get(text);
      if (known) return known;
      const statement = db.prepare(text);
      statements.set(text, statement);
      return statement;
    },
    write: (run) => enter(run, true),
    note: (run) => enter(run, false),
    onUndone(tell) {
      tellUndone = tell;
    },
    onCrash(tell) {
      tellDeath = tell;
    },
    async close() {
      while (open || syncing) {
        await syncing;
        commit();
      }
      if (log !== undefined) closeSync(log);
      db.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // Nobody else's: a second process would find it locked, and this one need not lock it for each transaction.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    db.exec(SCHEMA);
    // The log is written over and over, and a sync that need not also record a longer file takes a tenth of the time: so
    // it is given its whole length at once.
    db.exec(`BEGIN; INSERT INTO room VALUES (zeroblob(${LOG_PAGES * PAGE_BYTES})); DELETE FROM room; COMMIT`);
    db.exec("PRAGMA wal_checkpoint(RESTART)");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
