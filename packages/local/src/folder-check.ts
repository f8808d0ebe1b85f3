/**
 * Checks the data folder before the database is opened, because SQLite itself would start with what is left. Without
 * its log SQLite returns an older state, and an empty file becomes a new database. The check changes nothing in the
 * folder, so a person can still save the files.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ConfigError } from "./config-error.ts";
import { MARK_FILE, readMark } from "./engine/mark.ts";
import { isDamage, isLocked } from "./engine/sqlite-error.ts";
import { itemOf, type StoredItem } from "./engine/stored-item.ts";

export interface FolderCheckOptions {
  /** Value of `MJFLOW_ACCEPT_LOSS`: the text of the error message, which accepts this one loss. */
  acceptLoss?: string | undefined;
  /** For tests: receives the warnings. */
  warn?: (event: string, text: string) => void;
}

/** File of rows and messages in the data folder. */
export const DATABASE_FILE = "mjflow.db";
const VAULT_KEY = "vault.key";
const CALLBACK_KEY = "hook.key";
/** Text that accepts the loss of a folder without a mark. */
const UNMARKED = "all";
/** Largest file that is read completely at the start; about a second. */
const CHECKED_BYTES = 256 * 1024 * 1024;
const BACKUP = "restore a backup as docs/local-server.md describes";

/** @throws ConfigError with a way out if the folder has lost data, is damaged, or is open in another process */
export function checkFolder(dataDir: string, { acceptLoss, warn = printWarning }: FolderCheckOptions = {}): void {
  const path = join(dataDir, DATABASE_FILE);
  const mark = readMark(dataDir);
  const token = mark?.epoch ?? UNMARKED;
  const isAccepted = acceptLoss === token;
  if (sizeOf(path) === 0) {
    const wasUsed = existsSync(join(dataDir, MARK_FILE)) || existsSync(join(dataDir, CALLBACK_KEY)) || hasLog(path);
    if (!wasUsed) return;
    if (!isAccepted) {
      throw new ConfigError(
        `${dataDir} held data of mjflow, but ${DATABASE_FILE} is missing or empty. Put the file back together with ${DATABASE_FILE}-wal. ${wayOut(token, "to start with an empty database")}`,
      );
    }
    // SQLite would read a log of the missing file as part of the new one.
    for (const name of [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`, MARK_FILE])
      rmSync(join(dataDir, name), { force: true });
    return;
  }
  const found = inspect(dataDir, path);
  const lost = mark && lossOf(dataDir, mark, found);
  const hasNoVaultKey = sizeOf(join(dataDir, VAULT_KEY)) === 0;
  const unreadable = found.sealed.filter((keyId) => hasNoVaultKey || keyId !== vaultKeyId(dataDir)).length;
  const secrets = `${unreadable} stored ${unreadable === 1 ? "secret" : "secrets"} of webhook endpoints and vendor accounts`;
  if (!isAccepted) {
    if (lost !== undefined) throw new ConfigError(`${lost} ${wayOut(token, "to continue with what is left")}`);
    if (hasNoVaultKey && unreadable > 0) {
      throw new ConfigError(
        `${VAULT_KEY} is missing in ${dataDir}. Without it mjflow cannot decrypt ${secrets}. Put the file back from a backup. ${wayOut(token, "with a new key; then rotate each endpoint's secret and set each account's key again")}`,
      );
    }
  } else if (lost !== undefined || hasNoVaultKey) {
    // Without the mark the next commit starts a new series, so the accepted value is no longer valid.
    rmSync(join(dataDir, MARK_FILE), { force: true });
  }
  if (unreadable > 0) {
    warn(
      "folder.secrets-not-readable",
      `${VAULT_KEY} does not decrypt ${secrets}. Put the right file back, or rotate each endpoint's secret and set each account's key again.`,
    );
  }
  if (mark && sizeOf(join(dataDir, CALLBACK_KEY)) === 0) {
    warn(
      "folder.callback-key-missing",
      `${CALLBACK_KEY} is missing. mjflow creates a new one and rejects callbacks of tasks that are running; the sweeper looks these tasks up.`,
    );
  }
}

function wayOut(token: string, result: string): string {
  return `If that is impossible, ${BACKUP}, or start once with MJFLOW_ACCEPT_LOSS=${token} ${result}.`;
}

interface Found {
  /** Undefined for a database of a version without marks. */
  series?: { epoch: string; commits: number };
  /** Ids of the vault keys of all stored secrets. */
  sealed: string[];
}

/** Reads the database without changing it. SQLite's read-only mode neither repairs the file nor removes its log. */
function inspect(dataDir: string, path: string): Found {
  const added = [`${path}-shm`, `${path}-wal`].filter((name) => !existsSync(name));
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true });
    if (sizeOf(path) <= CHECKED_BYTES) {
      const [first] = db.prepare("PRAGMA quick_check(1)").all();
      if (first?.["quick_check"] !== "ok") throw damage(dataDir, String(first?.["quick_check"]));
    }
    const tables = new Set(
      db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .all()
        .map(({ name }) => name),
    );
    const series = tables.has("commits") ? db.prepare("SELECT epoch, count AS commits FROM commits").get() : undefined;
    return {
      ...(series && { series: series as { epoch: string; commits: number } }),
      sealed: tables.has("items") ? sealedIn(db) : [],
    };
  } catch (error) {
    if (isLocked(error)) {
      throw new ConfigError(
        `Another process uses ${path}. Stop it, or set MJFLOW_DATA_DIR and MJFLOW_PORT for a second one.`,
      );
    }
    throw isDamage(error) ? damage(dataDir, (error as Error).message) : error;
  } finally {
    db?.close();
    // The read-only connection creates these files and does not remove them.
    for (const name of added) rmSync(name, { force: true });
  }
}

export function damage(dataDir: string, why: string): ConfigError {
  const line = why
    .replace(/^\*\*\* in database main \*\*\*/, "")
    .replace(/\s+/g, " ")
    .trim();
  return new ConfigError(
    `${DATABASE_FILE} in ${dataDir} is damaged (${line}). To continue, ${BACKUP}, or set MJFLOW_DATA_DIR to another folder to start with an empty one.`,
  );
}

function lossOf(dataDir: string, mark: { epoch: string; commits: number }, { series }: Found): string | undefined {
  if (series?.epoch !== mark.epoch) {
    return `The files in ${dataDir} do not belong together: ${DATABASE_FILE}, ${DATABASE_FILE}-wal and ${MARK_FILE} are of different folders or backups. Copy all files of one folder.`;
  }
  if (series.commits >= mark.commits) return undefined;
  const missing = mark.commits - series.commits;
  return `${DATABASE_FILE} in ${dataDir} lacks its last ${missing} of ${mark.commits} acknowledged writes, because ${DATABASE_FILE}-wal is missing, damaged or older. Put the file back.`;
}

/** Encrypted secrets begin with the version and the id of their vault key (engine/vault.ts). */
const SEALED = /(?<![\w.-])1\.([0-9a-f]{6})\.[\w-]{38,}/g;

/** Secrets are stored with vendor accounts and with webhook endpoints (store/keys.ts). */
function sealedIn(db: DatabaseSync): string[] {
  const rows = db
    .prepare("SELECT item FROM items WHERE pk = 'vendors' OR (pk >= 'endpoints#' AND pk < 'endpoints$')")
    .all() as { item: StoredItem }[];
  return rows.flatMap(({ item }) => {
    const values = Object.values(itemOf(item));
    return values.flatMap(({ S = "" }) => [...S.matchAll(SEALED)].map(([, keyId]) => keyId!));
  });
}

function vaultKeyId(dataDir: string): string {
  const key = readFileSync(join(dataDir, VAULT_KEY), "utf8").trim();
  return createHash("sha256").update(`mjflow vault key id:${key}`).digest("hex").slice(0, 6);
}

function hasLog(path: string): boolean {
  return sizeOf(`${path}-wal`) > 0;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function printWarning(event: string, text: string): void {
  console.warn(JSON.stringify({ level: "warn", function: "local", event, detail: text }));
}
