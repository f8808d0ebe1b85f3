/**
 * One SQLite file for rows and messages, opened by this process only. Many writers share one sync: all writes during a
 * sync form one transaction. The transaction is committed when the sync ends, and acknowledged when its own sync has
 * ended.
 *
 * SQLite runs with `synchronous = NORMAL`, which syncs only at checkpoints and never corrupts the file. The sync of the
 * write-ahead log in this module makes a commit durable. SQLite's FULL does the same after each commit, but on the
 * event loop and for each writer separately.
 *
 * SQLite's own checkpoint would sync up to 8 MB on the event loop: on a busy disk the server stood still for 70 to 160 ms. So this
 * module makes the checkpoints. It writes the pages to the file without a sync and then syncs the file beside the event loop. Until
 * that sync has ended, nothing is written to the log. A power cut before its end finds the whole log, which repairs the file.
 *
 * A read may return data that is not yet on the disk. A reader that acts on it writes afterwards, and the log is synced
 * in order. If the later write is durable, the data that was read is durable too.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { closeSync, fdatasync, fdatasyncSync, mkdirSync, openSync, read as readCallback } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import { DATABASE_FILE, damage } from "../folder-check.ts";
import { type Mark, newEpoch, openMark, readMark } from "./mark.ts";
import { asOverloaded, isDamage } from "./sqlite-error.ts";

export interface FileOptions {
  /** Data folder; unset: an in-memory database. */
  dataDir?: string | undefined;
  /** Replacement of fdatasync, for tests. */
  sync?: typeof fdatasync;
}

export interface DataFile {
  /** Returns a prepared statement, cached by its text. */
  sql(text: string): StatementSync;
  /**
   * Runs immediately; resolves when the written data is on the disk.
   *
   * @throws the exception of `run`, or of another write of the same transaction; then the whole transaction is undone.
   *   MjflowError `overloaded` if the file cannot be written, for example because the disk is full
   */
  write<T>(run: () => T): Promise<T>;
  /**
   * Runs immediately; resolves when the data survives a crash of this process. A power cut may undo it, unless a later
   * write was acknowledged.
   */
  note<T>(run: () => T): Promise<T>;
  /**
   * Runs work that must not be seen outside of this process before all of it is on the disk, such as a callback and its answer. Each
   * write in it resolves when it has run, so that all of them can share one transaction. Work that sends something out must not
   * use this.
   *
   * @returns the result of the work when all its writes are on the disk
   * @throws the exception of the work, or of a transaction of it that was undone. Later writes of the work fail then, too
   */
  together<T>(work: () => Promise<T> | T): Promise<T>;
  /** Registers a callback for an undone transaction: the data that its writers cached is not in the file. */
  onUndone(callback: () => void): void;
  /**
   * Registers a callback for a failed sync, or for a file that is damaged. The content of the disk is then unknown, and
   * no further write is acknowledged.
   */
  onCrash(callback: (why: string) => void): void;
  /**
   * Copies the database, with all writes that were acknowledged before the call, to a new file. Writes during the copy
   * are not delayed and are not in the copy.
   */
  copyTo(target: string): Promise<void>;
  /** Waits until all writes are on the disk, then closes the file. */
  close(): Promise<void>;
}

/** A transaction in progress. */
interface Transaction {
  done: PromiseWithResolvers<void>;
  /** Set if the transaction was undone. */
  undone?: { error: unknown };
  /** True if at least one writer waits for a sync. */
  needsSync: boolean;
}

const read = promisify(readCallback);

/**
 * Size of a page of a new file. The row of an ended task has 2.5 to 4 kB, so most pages of SQLite's own 4 kB would hold one row
 * and be half empty. A file of an earlier version keeps its pages.
 */
const PAGE_BYTES = 8_192;
/** Bytes for which the log has room. A longer log would be slower to sync. */
const LOG_BYTES = 8_192_000;
/** Share of the log from which on this module makes a checkpoint. The rest of the room is for the writes until its next look. */
const CHECKPOINT_SHARE = 0.75;
/** Number of writes between two looks at the length of the log. A look takes as long as a small write, and a write changes at most five pages. */
const WRITES_PER_LOOK = 64;
/** First SQLite that tells the length of the log (`NOOP`). An older one makes its own checkpoints, when the log is full. */
const NOOP_SINCE = [3, 51] as const;
/** Bytes that a copy reads at once. */
const COPY_BYTES = 1024 * 1024;

/** Column of the message group. A file of an earlier version lacks it; an earlier version fills in the default. */
const MESSAGE_GROUP = "groupId TEXT NOT NULL DEFAULT ''";
const MESSAGES = `CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
  sentAt INTEGER NOT NULL, visibleAt INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
  ${MESSAGE_GROUP}
)`;
const GROUP_INDEX = "CREATE INDEX IF NOT EXISTS fair ON messages (queue, groupId, visibleAt, id)";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS items (
  pk TEXT NOT NULL, sk TEXT NOT NULL, rev INTEGER, item BLOB NOT NULL,
  dueShard TEXT, dueAt INTEGER, appId TEXT, listedAt TEXT, expiresAt INTEGER,
  PRIMARY KEY (pk, sk)
);
CREATE INDEX IF NOT EXISTS due ON items (dueShard, dueAt, pk, sk) WHERE dueShard IS NOT NULL;
CREATE INDEX IF NOT EXISTS app ON items (appId, listedAt, pk, sk) WHERE listedAt IS NOT NULL;
CREATE INDEX IF NOT EXISTS ttl ON items (expiresAt) WHERE expiresAt IS NOT NULL;
CREATE INDEX IF NOT EXISTS ready ON messages (queue, visibleAt);
CREATE TABLE IF NOT EXISTS room (bytes BLOB);
CREATE TABLE IF NOT EXISTS commits (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, count INTEGER NOT NULL);`;

/** @throws Error if another process has opened the file */
export function openDataFile({ dataDir, sync = fdatasync }: FileOptions = {}): DataFile {
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const path = dataDir === undefined ? ":memory:" : join(dataDir, DATABASE_FILE);
  // The file contains prompts and URLs, so only its owner may read it. SQLite gives its other files the same
  // permissions.
  if (dataDir !== undefined) closeSync(openSync(path, "a", 0o600));
  const { db, logPages } = openDatabase(path);
  const log = dataDir === undefined ? undefined : openSync(`${path}-wal`, "r+");
  const series = startSeries(db, dataDir);
  const mark = dataDir === undefined ? undefined : openMark(dataDir, series);
  const [begin, end] = ["BEGIN", "COMMIT"].map((text) => db.prepare(text)) as [StatementSync, StatementSync];
  const countCommit = db.prepare("UPDATE commits SET count = ?");
  // Closing any descriptor of the file would release SQLite's lock, so this one stays open until the end.
  const main = dataDir === undefined ? undefined : openSync(path, "r+");
  const lengthOfLog = hasNoop() ? db.prepare("PRAGMA wal_checkpoint(NOOP)") : undefined;
  let writesSinceLook = 0;
  /** True while a copy needs an unchanged file. */
  let isFrozen = false;
  const statements = new Map<string, StatementSync>();
  let open: Transaction | undefined;
  let syncing: Promise<void> | undefined;
  let crash: Error | undefined;
  /** Functions that wait for the end of the open transaction. */
  const betweenTransactions: (() => void)[] = [];
  let copying: Promise<void> = Promise.resolve();
  /** The transactions of the work in progress, see `together`. */
  const works = new AsyncLocalStorage<Transaction[]>();
  let notifyUndone = () => {};
  let notifyCrash = (_why: string) => {};

  /**
   * Returns the open transaction or starts one. It is committed at the end of this turn of the event loop, or when the
   * sync in progress has ended.
   */
  function openTransaction(): Transaction {
    if (crash) throw crash;
    if (open) return open;
    begin.run();
    open = { done: Promise.withResolvers(), needsSync: false };
    if (!syncing) setImmediate(commit);
    return open;
  }

  /** Returns the error for the caller of a write, and ends all writes if the file is damaged. */
  function errorOf(error: unknown): unknown {
    if (dataDir === undefined || !isDamage(error)) return asOverloaded(error);
    recordCrash(damage(dataDir, (error as Error).message).message, error);
    return crash;
  }

  async function runInTransaction<T>(run: () => T, needsSync: boolean): Promise<T> {
    const work = works.getStore();
    // An earlier write of the work is not in the file, so a later one must not be there alone.
    const undone = work?.find((earlier) => earlier.undone)?.undone;
    if (undone) throw undone.error;
    const own = openTransaction();
    own.needsSync ||= needsSync;
    writesSinceLook++;
    let result: T;
    try {
      result = run();
    } catch (cause) {
      const error = errorOf(cause);
      undo(own, error);
      throw error;
    }
    if (work === undefined) await own.done.promise;
    else if (!work.includes(own)) {
      // `together` reports the error.
      own.done.promise.catch(() => {});
      work.push(own);
    }
    return result;
  }

  function undo(own: Transaction, error: unknown): void {
    const { done } = own;
    own.undone = { error };
    open = undefined;
    // After an error such as a full disk, SQLite may already have rolled back.
    if (db.isTransaction) db.exec("ROLLBACK");
    notifyUndone();
    // Prevents an unhandled rejection if no other writer waits.
    done.promise.catch(() => {});
    done.reject(error);
    for (const run of betweenTransactions.splice(0)) run();
  }

  function commit(): void {
    if (!open || syncing) return;
    const own = open;
    const commits = series.commits + 1;
    try {
      countCommit.run(commits);
      end.run();
    } catch (error) {
      undo(own, errorOf(error));
      return;
    }
    open = undefined;
    series.commits = commits;
    for (const run of betweenTransactions.splice(0)) run();
    if (main !== undefined && isLogLong() && checkpoint()) syncing = synced(main, own, commits);
    else if (crash) own.done.reject(crash);
    else if (own.needsSync && log !== undefined) syncing = synced(log, own, commits);
    else own.done.resolve();
  }

  function isLogLong(): boolean {
    if (isFrozen || lengthOfLog === undefined || writesSinceLook < WRITES_PER_LOOK) return false;
    writesSinceLook = 0;
    return (lengthOfLog.get() as { log: number }).log >= CHECKPOINT_SHARE * logPages;
  }

  /**
   * Writes the pages of the log to the file. The caller syncs the file before the next commit, which overwrites the log. Must be
   * called between two transactions.
   *
   * @returns false if it failed. The log is then complete, and a later commit tries again.
   */
  function checkpoint(): boolean {
    try {
      // The log must be on the disk before the file changes. Only the pages of the last commit are not there yet.
      fdatasyncSync(log!);
    } catch (error) {
      recordCrash(`a sync of ${path} failed: ${(error as Error).message}`, error);
      return false;
    }
    try {
      db.exec("PRAGMA synchronous = OFF");
      db.exec("PRAGMA wal_checkpoint(PASSIVE)");
      return true;
    } catch (error) {
      errorOf(error);
      return false;
    } finally {
      // The first commit after a checkpoint writes a new head of the log. SQLite must sync it before the first page of that commit.
      db.exec("PRAGMA synchronous = NORMAL");
    }
  }

  function synced(descriptor: number, { done }: Transaction, commits: number): Promise<void> {
    return new Promise((resolve) => {
      sync(descriptor, (error) => {
        syncing = undefined;
        if (error) recordCrash(`a sync of ${path} failed: ${error.message}`, error);
        if (crash) done.reject(crash);
        else {
          mark?.write(commits);
          done.resolve();
        }
        // `setImmediate`: the waiting writers run first, so that their next writes share this transaction.
        setImmediate(commit);
        resolve();
      });
    });
  }

  /** Waits for the end of the open transaction, then copies the log into the file and keeps the file unchanged. */
  async function freeze(): Promise<void> {
    while (open) await new Promise<void>((resolve) => betweenTransactions.push(resolve));
    isFrozen = true;
    db.exec("PRAGMA wal_autocheckpoint = 0");
    const state = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as { log: number; checkpointed: number };
    if (state.checkpointed !== state.log) throw new Error("the log could not be copied into the database");
  }

  async function copyFrozen(target: string): Promise<void> {
    const copy = await openFile(target, "wx", 0o600);
    try {
      await freeze();
      const buffer = Buffer.alloc(COPY_BYTES);
      for (let at = 0; ; ) {
        const { bytesRead } = await read(main!, buffer, 0, buffer.length, at);
        if (bytesRead === 0) break;
        await copy.write(buffer, 0, bytesRead, at);
        at += bytesRead;
      }
      await copy.sync();
    } finally {
      isFrozen = false;
      db.exec(`PRAGMA wal_autocheckpoint = ${logPages}`);
      await copy.close();
    }
  }

  function recordCrash(why: string, cause: unknown): void {
    crash = new Error(why, { cause });
    notifyCrash(why);
  }

  return {
    sql(text) {
      const known = statements.get(text);
      if (known) return known;
      const statement = db.prepare(text);
      statements.set(text, statement);
      return statement;
    },
    write: (run) => runInTransaction(run, true),
    note: (run) => runInTransaction(run, false),
    async together(work) {
      const transactions: Transaction[] = [];
      const result = await works.run(transactions, work);
      for (const { done } of transactions) await done.promise;
      return result;
    },
    onUndone(callback) {
      notifyUndone = callback;
    },
    onCrash(callback) {
      notifyCrash = callback;
    },
    copyTo(target) {
      // One copy at a time: the first one to end would otherwise let the file change during the other one.
      const copied = copying.then(() => copyFrozen(target));
      copying = copied.catch(() => {});
      return copied;
    },
    async close() {
      await copying;
      while (open || syncing) {
        await syncing;
        commit();
      }
      if (log !== undefined) closeSync(log);
      mark?.close();
      db.close();
      if (main !== undefined) closeSync(main);
    },
  };
}

/**
 * Returns the series of commits that the database and the mark have in common. A database without a mark starts a new
 * series: it is new, of an older version, or an operator accepted a loss.
 */
function startSeries(db: DatabaseSync, dataDir: string | undefined): Mark {
  const stored = db.prepare("SELECT epoch, count AS commits FROM commits").get() as unknown as Mark | undefined;
  const mark = dataDir === undefined ? undefined : readMark(dataDir);
  if (stored && mark?.epoch === stored.epoch) return { ...stored };
  const series = { epoch: newEpoch(), commits: stored?.commits ?? 0 };
  db.prepare("INSERT OR REPLACE INTO commits (id, epoch, count) VALUES (1, ?, ?)").run(series.epoch, series.commits);
  // The epoch must be in the database file itself: a database that lost its log is recognized by it.
  db.exec("PRAGMA wal_checkpoint(RESTART)");
  return series;
}

function hasNoop(): boolean {
  const [major = 0, minor = 0] = (process.versions["sqlite"] ?? "").split(".").map(Number);
  return major > NOOP_SINCE[0] || (major === NOOP_SINCE[0] && minor >= NOOP_SINCE[1]);
}

/** @returns the database, and the number of pages for which its log has room */
function openDatabase(path: string): { db: DatabaseSync; logPages: number } {
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    const { page_size: pageBytes } = db.prepare("PRAGMA page_size").get() as { page_size: number };
    const logPages = Math.floor(LOG_BYTES / pageBytes);
    // With an exclusive lock a second process cannot open the file, and this process need not lock it for each
    // transaction.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    // A commit alone writes to the log: pages of an open transaction stay in memory.
    db.exec(`PRAGMA wal_autocheckpoint = ${logPages}; PRAGMA cache_spill = OFF`);
    db.exec(MESSAGES);
    db.exec(SCHEMA);
    const columns = db.prepare("SELECT name FROM pragma_table_info('messages')").all() as unknown as { name: string }[];
    if (!columns.some(({ name }) => name === "groupId")) db.exec(`ALTER TABLE messages ADD COLUMN ${MESSAGE_GROUP}`);
    db.exec(GROUP_INDEX);
    // The log is written repeatedly. A sync that does not change the file length takes a tenth of the time, so the log
    // gets its full length here.
    db.exec(`BEGIN; INSERT INTO room VALUES (zeroblob(${LOG_BYTES})); DELETE FROM room; COMMIT`);
    db.exec("PRAGMA wal_checkpoint(RESTART)");
    return { db, logPages };
  } catch (error) {
    db.close();
    throw error;
  }
}
