/** Checks whether vendors can reach the callback URL of a local server. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stripControlCharacters } from "../text.ts";
import type { Finding } from "./finding.ts";

/** A running local server writes this file into its data folder (packages/local/src/backup.ts). */
const SERVER_FILE = "server.json";

/**
 * @param keyFrom path of the key file in the data folder of a local server, or the name of a variable
 * @returns nothing if the server is not a local one of this machine, or does not say it
 */
export function checkCallbacks(keyFrom: string): Finding[] {
  const path = join(dirname(keyFrom), SERVER_FILE);
  if (keyFrom === "MJFLOW_API_KEY" || !existsSync(path)) return [];
  const { callbackUrl, warning } = JSON.parse(readFileSync(path, "utf8")) as { callbackUrl?: string; warning?: string };
  if (callbackUrl === undefined) return [];
  const subject = "callbacks";
  if (warning === undefined) return [{ level: "ok", subject, message: `expected at ${callbackUrl}` }];
  return [{ level: "warn", subject, message: stripControlCharacters(warning) }];
}
