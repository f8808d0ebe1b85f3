/**
 * Backups of a data folder. A running server copies its own files, because no other process can read its database while
 * it is open. Without a running server this process copies them.
 *
 * The database is copied first. Objects of the bucket are stored before a row names them, so the bucket, which is copied
 * later, has every object of the copied rows.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { ConfigError } from "./config-error.ts";
import { lockFolder } from "./data-folder.ts";
import { type DataFile, openDataFile } from "./engine/data-file.ts";
import { newEpoch, openMark } from "./engine/mark.ts";
import { checkFolder, DATABASE_FILE } from "./folder-check.ts";

/** Path of the route on the running server. It is no part of the API and needs the secret of `SERVER_FILE`. */
export const BACKUP_PATH = "/_local/backup";
/** Names the running server of a data folder. Only the user who owns the folder can read it. */
const SERVER_FILE = "server.json";
/** Databases that several connections of one process may open. */
const SHARED_DATABASES = ["fauxqs.db", join("simulator", "simulator.db")];
const SECRETS = ["api.key", "hook.key", "vault.key", "bucket.key"];
/** Pages that one step of SQLite's backup copies, so that other queries run in between. */
const PAGES_PER_STEP = 500;
const BODY_BYTES = 8_192;

export interface BackupSummary {
  folder: string;
  /** Copied files with their sizes in bytes. */
  files: Record<string, number>;
  /** False if no server was running. */
  running: boolean;
}

/**
 * Copies the files of a data folder; the database is copied by `database`.
 *
 * @param target existing, empty folder
 */
export async function copyDataFolder(dataDir: string, target: string, database: Pick<DataFile, "copyTo">) {
  await database.copyTo(join(target, DATABASE_FILE));
  for (const name of SHARED_DATABASES) {
    const path = join(dataDir, name);
    if (!existsSync(path)) continue;
    mkdirSync(join(target, name, ".."), { recursive: true, mode: 0o700 });
    closeSync(openSync(join(target, name), "wx", 0o600));
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      await backup(db, join(target, name), { rate: PAGES_PER_STEP });
    } finally {
      db.close();
    }
  }
  for (const name of SECRETS) {
    if (existsSync(join(dataDir, name))) await copyFile(join(dataDir, name), join(target, name));
  }
}

// ── the running server ───────────────────────────────────────────────────────────────────────────────────────────────

export interface BackupRoute {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Adds a warning that `mjflow doctor` shows. */
  warn(text: string): void;
  /** Removes the file that names this server. */
  close(): void;
}

/** What the commands of the same user read about a running server. */
export interface ServerNote {
  url: string;
  callbackUrl: string;
  /** Why callbacks cannot arrive; unset if they can. */
  warning?: string | undefined;
}

/** @param copy unset if the local backend cannot be copied while it runs */
export function createBackupRoute(
  dataDir: string,
  note: ServerNote,
  copy: ((target: string) => Promise<void>) | undefined,
): BackupRoute {
  const secret = randomBytes(32).toString("base64url");
  const path = join(dataDir, SERVER_FILE);
  const write = (text: ServerNote) => writeFileSync(path, JSON.stringify({ ...text, secret }), { mode: 0o600 });
  let isClosed = false;
  write(note);

  async function respond(request: IncomingMessage): Promise<[number, string]> {
    if (request.method !== "POST" || !isEqual(request.headers.authorization ?? "", `Bearer ${secret}`)) {
      return [404, "not found"];
    }
    if (!copy)
      return [409, "This local backend cannot be copied while it runs. Stop the server, then copy its folder."];
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES) return [413, "too large"];
      chunks.push(chunk);
    }
    const { folder } = JSON.parse(Buffer.concat(chunks).toString()) as { folder: string };
    await copy(folder);
    return [200, "ok"];
  }

  return {
    async serve(request, response) {
      const [status, detail] = await respond(request).catch(
        (error: unknown) => [500, (error as Error).message] as const,
      );
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ detail }));
    },
    warn: (warning) => void (isClosed || write({ ...note, warning })),
    close() {
      isClosed = true;
      rmSync(path, { force: true });
    },
  };
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

// ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Copies the data folder to a new folder, whether its server runs or not.
 *
 * @param target folder that does not exist or is empty; the copy can be used as a data folder
 * @throws ConfigError with a sentence that says what to do
 */
export async function backUp(dataDir: string, target: string): Promise<BackupSummary> {
  const folder = resolve(target);
  if (sizeOf(join(dataDir, DATABASE_FILE)) === 0) {
    throw new ConfigError(
      `${resolve(dataDir)} has no data of mjflow. Name the data folder with --data or MJFLOW_DATA_DIR.`,
    );
  }
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) {
    throw new ConfigError(`${folder} is not an empty folder. Name a new folder for each backup.`);
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const running = await copyWithOrWithoutServer(dataDir, folder);
    seal(folder);
    return { folder, running, files: filesOf(folder) };
  } catch (error) {
    // A part of a backup must not look like a backup.
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
    throw error instanceof ConfigError
      ? error
      : new ConfigError(`The backup failed and was removed: ${(error as Error).message}`);
  }
}

/** @returns true if a running server made the copy */
async function copyWithOrWithoutServer(dataDir: string, folder: string): Promise<boolean> {
  let unlock: () => void;
  try {
    unlock = lockFolder(dataDir);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    await askServer(dataDir, folder, error);
    return true;
  }
  try {
    checkFolder(dataDir);
    const file = openDataFile({ dataDir });
    try {
      await copyDataFolder(dataDir, folder, file);
    } finally {
      await file.close();
    }
    return false;
  } finally {
    unlock();
  }
}

async function askServer(dataDir: string, folder: string, locked: ConfigError): Promise<void> {
  const path = join(dataDir, SERVER_FILE);
  if (!existsSync(path)) throw locked;
  const { url, secret } = JSON.parse(readFileSync(path, "utf8")) as { url: string; secret: string };
  const response = await fetch(`${url}${BACKUP_PATH}`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({ folder }),
  });
  const { detail } = (await response.json()) as { detail: string };
  if (!response.ok) throw new ConfigError(`The running server could not make the backup: ${detail}`);
}

/**
 * Checks the copied database and starts a new series of commits. The check at the start then recognizes a log or a mark
 * of the original folder, so that files of both folders cannot be mixed.
 */
function seal(folder: string): void {
  const db = new DatabaseSync(join(folder, DATABASE_FILE));
  try {
    const [first] = db.prepare("PRAGMA quick_check(1)").all();
    if (first?.["quick_check"] !== "ok") throw new Error(`the copy is damaged: ${String(first?.["quick_check"])}`);
    const { commits } = db.prepare("SELECT count AS commits FROM commits").get() as { commits: number };
    const epoch = newEpoch();
    db.prepare("UPDATE commits SET epoch = ?").run(epoch);
    openMark(folder, { epoch, commits }).close();
  } finally {
    db.close();
  }
}

function filesOf(folder: string): Record<string, number> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), sizeOf(path)]));
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
