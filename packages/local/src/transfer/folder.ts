/**
 * The folder of an export. `manifest.json` is written last and has the size and the checksum of each list, so a folder
 * that was copied in part or changed is refused.
 *
 *     manifest.json   format, id and counts
 *     rows.jsonl      the rows of the table, one for each line, with binary values in base64
 *     objects.jsonl   the objects of the bucket: key, headers, file and checksum, one for each line
 *     objects/<n>     the bytes of one object
 */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Item } from "@mjflow/store/codec";
import { ConfigError } from "../config-error.ts";

/** Version of the format. A reader refuses a newer one. */
const FORMAT = 1;
const MANIFEST = "manifest.json";
const ROWS = "rows.jsonl";
const OBJECTS = "objects.jsonl";

interface List {
  lines: number;
  sha256: string;
}

/** What the export has, for the person who imports it. */
export interface Contents {
  apps: number;
  flows: number;
  /** Flows that have not ended. */
  running: number;
  tasks: number;
  objects: number;
  /** Tasks that have not ended, by `<provider>/<account>`. */
  unfinished: Record<string, number>;
}

export interface Manifest {
  format: number;
  exportId: string;
  /** ISO 8601. */
  at: string;
  contents: Contents;
  rows: List;
  objects: List;
}

/** One object of the bucket. */
export interface ExportedObject {
  key: string;
  /** Name of its file in the folder. */
  file: string;
  bytes: number;
  sha256: string;
  contentType?: string | undefined;
  contentDisposition?: string | undefined;
  cacheControl?: string | undefined;
  metadata?: Record<string, string> | undefined;
}

// ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Lines {
  add(value: unknown): void;
  close(): List;
}

export const rowsOf = (folder: string) => writeLines(join(folder, ROWS));
export const objectsOf = (folder: string) => writeLines(join(folder, OBJECTS));

function writeLines(path: string): Lines {
  const file = openSync(path, "wx", 0o600);
  const hash = createHash("sha256");
  let lines = 0;
  return {
    add(value) {
      // Readers of lines also split at these two separators, which JSON leaves as they are.
      const json = JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
      const line = `${json}\n`;
      hash.update(line);
      // Unlike `writeSync` it never writes a part of the text.
      writeFileSync(file, line);
      lines++;
    },
    close() {
      fsyncSync(file);
      closeSync(file);
      return { lines, sha256: hash.digest("hex") };
    },
  };
}

export function writeManifest(folder: string, manifest: Omit<Manifest, "format">): void {
  const text = `${JSON.stringify({ format: FORMAT, ...manifest }, undefined, 2)}\n`;
  writeFileSync(join(folder, MANIFEST), text, { mode: 0o600, flag: "wx", flush: true });
}

/** A row as JSON, which has no binary values. */
export function toJson(item: Item): unknown {
  return mapValues(item, ({ B, M, ...value }) => ({
    ...value,
    ...(B && { B: Buffer.from(B).toString("base64") }),
    ...(M && { M: toJson(M) }),
  }));
}

function fromJson(json: unknown): Item {
  return mapValues(json as Record<string, { B?: string; M?: unknown }>, ({ B, M, ...value }) => ({
    ...value,
    ...(B !== undefined && { B: Buffer.from(B, "base64") }),
    ...(M !== undefined && { M: fromJson(M) }),
  })) as Item;
}

function mapValues<T, R>(record: Record<string, T>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Reads the whole folder once and compares it with its manifest.
 *
 * @throws ConfigError if it is not a complete export, was changed, or has a newer format
 */
export async function openExport(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) throw new ConfigError(`${folder} has no complete export. Run mjflow export again.`);
  const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
  if (manifest.format > FORMAT)
    throw new ConfigError(`${folder} was written by a newer version of mjflow. Use that one.`);
  for (const [name, expected] of [
    [ROWS, manifest.rows],
    [OBJECTS, manifest.objects],
  ] as const) {
    if ((await sha256Of(join(folder, name))) !== expected.sha256) throw damaged(join(folder, name));
  }
  for await (const object of readObjects(folder)) {
    if ((await sha256Of(join(folder, object.file))) !== object.sha256) throw damaged(join(folder, object.file));
  }
  return manifest;
}

function damaged(path: string): ConfigError {
  return new ConfigError(`${path} is not as it was exported. Copy the whole folder again.`);
}

async function sha256Of(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

export async function* readRows(folder: string): AsyncIterable<Item> {
  for await (const line of linesOf(join(folder, ROWS))) yield fromJson(JSON.parse(line));
}

export async function* readObjects(folder: string): AsyncIterable<ExportedObject> {
  for await (const line of linesOf(join(folder, OBJECTS))) {
    const object = JSON.parse(line) as ExportedObject;
    // The name of a file comes from a file that a person copied between machines.
    if (!/^objects\/\d+$/.test(object.file)) throw damaged(join(folder, OBJECTS));
    yield object;
  }
}

function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}
