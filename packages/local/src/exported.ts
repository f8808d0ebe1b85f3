/**
 * The mark of a data folder whose data was exported. Its flows continue in the deployment, so a local server that started
 * with the folder would send the same tasks to the vendors and pay for them again.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "./config-error.ts";

export const EXPORTED_FILE = "exported.json";

export interface Exported {
  exportId: string;
  /** Time of the export, ISO 8601. */
  at: string;
  /** Folder of the export. */
  folder: string;
}

export function markExported(dataDir: string, exported: Exported): void {
  writeFileSync(join(dataDir, EXPORTED_FILE), `${JSON.stringify(exported, undefined, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
}

/** @throws ConfigError if the data of the folder was exported */
export function assertNotExported(dataDir: string): void {
  const path = join(dataDir, EXPORTED_FILE);
  if (!existsSync(path)) return;
  const { at, folder } = JSON.parse(readFileSync(path, "utf8")) as Exported;
  throw new ConfigError(
    `The data of ${resolve(dataDir)} was exported at ${at} to ${folder}. If it was imported, its flows run there, and this server would pay for their tasks again. If it was not imported and never will be, remove ${path} and the export, then start again.`,
  );
}
