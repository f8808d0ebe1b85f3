/**
 * `mjflow export`: writes the data of a stopped local server to a folder for `mjflow import`. Stored secrets stay
 * encrypted with the vault key of the data folder, and API keys are hashes. No key of the data folder is in the export.
 *
 * Queue messages are not exported: every row that waits has a due time (T4), which does their work minutes later. Only an
 * acceptance of a vendor that no row has yet, and a message that the dead-letter handler has not seen, stop the export.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ENDED } from "@mjflow/core/task";
import { type Item, ItemError, isExpired, keyOf } from "@mjflow/store/codec";
import { FLOW, TASK } from "@mjflow/store/item";
import { isApp, isOfProcesses, refOf } from "@mjflow/store/keys";
import { ConfigError } from "../config-error.ts";
import { loadOrCreateSecret, lockFolder } from "../data-folder.ts";
import { bucketClient } from "../engine/client.ts";
import { type DataFile, openDataFile } from "../engine/data-file.ts";
import { startQueueEngine } from "../engine/queue.ts";
import { itemOf, type StoredItem } from "../engine/stored-item.ts";
import { type Exported, markExported } from "../exported.ts";
import { checkFolder, DATABASE_FILE } from "../folder-check.ts";
import { BUCKET } from "../provision.ts";
import { type Contents, objectsOf, rowsOf, toJson, writeManifest } from "./folder.ts";
import { createObjectStore } from "./objects.ts";

const ROWS = "SELECT item FROM items ORDER BY pk, sk";
/** Work that no row would repeat. */
const ONLY_IN_A_QUEUE = `SELECT count(*) AS count FROM messages
  WHERE queue = 'dead-letters' OR (json_valid(body) AND json_extract(body, '$.type') = 'taken')`;

export interface ExportResult extends Exported {
  contents: Contents;
}

/**
 * Exports a data folder and marks it, so that no server starts with it again. If it fails, nothing is exported and the
 * data folder is as before.
 *
 * @param target folder that does not exist or is empty
 * @throws ConfigError with a sentence that says what to do
 */
export async function exportFolder(dataDir: string, target: string, now = Date.now()): Promise<ExportResult> {
  const folder = resolve(target);
  if (!existsSync(join(dataDir, DATABASE_FILE))) {
    throw new ConfigError(
      `${resolve(dataDir)} has no data of mjflow. Name the data folder with --data or MJFLOW_DATA_DIR.`,
    );
  }
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) {
    throw new ConfigError(`${folder} is not an empty folder. Name a new folder for each export.`);
  }
  const unlock = lockFolder(dataDir);
  try {
    checkFolder(dataDir);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      return await write(dataDir, folder, now);
    } catch (error) {
      // A part of an export must not look like an export.
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
      throw error instanceof ItemError ? new ConfigError(`${error.message}. Export with that version.`) : error;
    }
  } finally {
    unlock();
  }
}

async function write(dataDir: string, folder: string, now: number): Promise<ExportResult> {
  const exported: Exported = { exportId: randomUUID(), at: new Date(now).toISOString(), folder };
  const file = openDataFile({ dataDir });
  const contents: Contents = { apps: 0, flows: 0, running: 0, tasks: 0, objects: 0, unfinished: {} };
  try {
    assertQueuesDone(file);
    const rows = rowsOf(folder);
    for (const { item } of file.sql(ROWS).iterate() as IterableIterator<{ item: StoredItem }>) {
      const row = itemOf(item);
      if (isExpired(row, now) || isOfProcesses(keyOf(row))) continue;
      count(contents, row);
      rows.add(toJson(compact(row)));
    }
    const lists = { rows: rows.close(), objects: await writeObjects(dataDir, folder) };
    contents.objects = lists.objects.lines;
    // The mark comes first. A crash between both then leaves a server that says why it does not start, and an incomplete
    // export. A complete export never exists beside a server that starts.
    markExported(dataDir, exported);
    writeManifest(folder, { exportId: exported.exportId, at: exported.at, contents, ...lists });
    return { ...exported, contents };
  } finally {
    await file.close();
  }
}

function assertQueuesDone({ sql }: DataFile): void {
  const { count } = sql(ONLY_IN_A_QUEUE).get() as { count: number };
  if (count === 0) return;
  throw new ConfigError(
    `${count} queue ${count === 1 ? "message has" : "messages have"} work that is stored nowhere else. Start the server again, wait a minute, stop it and export again.`,
  );
}

/** The file of a server has long JSON as text, and a deployment pays for each kilobyte. */
function compact(row: Item): Item {
  const kind = refOf(keyOf(row))?.kind;
  return kind === "flow" ? FLOW.compact(row) : kind === "task" ? TASK.compact(row) : row;
}

function count(contents: Contents, row: Item): void {
  if (isApp(keyOf(row))) contents.apps++;
  const kind = refOf(keyOf(row))?.kind;
  if (kind === "flow") {
    contents.flows++;
    if (FLOW.ofItem(row).status === "running") contents.running++;
  } else if (kind === "task") {
    contents.tasks++;
    const { status, provider, account } = TASK.ofItem(row);
    const name = `${provider}/${account}`;
    if (!ENDED.has(status)) contents.unfinished[name] = (contents.unfinished[name] ?? 0) + 1;
  }
}

async function writeObjects(dataDir: string, folder: string) {
  const list = objectsOf(folder);
  // The object store is created at its first use.
  if (!existsSync(join(dataDir, "fauxqs.db"))) return list.close();
  const secret = loadOrCreateSecret(dataDir, "bucket.key");
  const engine = await startQueueEngine({ dataDir, secret });
  const client = bucketClient(engine.endpoint, secret);
  try {
    mkdirSync(join(folder, "objects"), { mode: 0o700 });
    const store = await createObjectStore(client, BUCKET);
    let n = 0;
    for await (const key of store.keys()) {
      const object = await store.get(key);
      if (!object) continue;
      const file = `objects/${++n}`;
      writeFileSync(join(folder, file), object.body, { mode: 0o600, flag: "wx", flush: true });
      const sha256 = createHash("sha256").update(object.body).digest("hex");
      list.add({ key, file, bytes: object.body.length, sha256, ...object.headers });
    }
  } finally {
    client.destroy();
    await engine.stop();
  }
  return list.close();
}
