/**
 * Finds the server address and the API key: from the option, from the environment, or from the data folder of the local
 * server.
 */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { isLoopbackUrl } from "@mjflow/core/loopback";
import type { Platform } from "./platform.ts";
import { UsageError } from "./usage-error.ts";

export interface Connection {
  url: string;
  urlFrom: "--url" | "MJFLOW_URL" | "MJFLOW_PORT" | "default";
  apiKey?: string;
  /** `MJFLOW_API_KEY`, or the path of the file that contains the key; unset when there is no key. */
  keyFrom?: string;
}

const PORT = "4600";
const FOLDER = ".mjflow";
const KEY_FILE = "api.key";

/**
 * @throws UsageError for an invalid address; the message does not repeat the address, because it may contain
 * credentials
 */
export function findConnection({ env, cwd }: Pick<Platform, "env" | "cwd">, urlOption?: string): Connection {
  const { url, urlFrom } = address(env, urlOption);
  const own = env["MJFLOW_API_KEY"]?.trim();
  if (own) return { url, urlFrom, apiKey: own, keyFrom: "MJFLOW_API_KEY" };
  // The key of the local server is sent only to a loopback address, never to another machine.
  const stored = isLoopbackUrl(url) ? readStoredKey(env["MJFLOW_DATA_DIR"], cwd) : undefined;
  return { url, urlFrom, ...stored };
}

function address(env: Platform["env"], urlOption: string | undefined): Pick<Connection, "url" | "urlFrom"> {
  const given = env["MJFLOW_URL"]?.trim();
  const port = env["MJFLOW_PORT"]?.trim();
  if (urlOption !== undefined) return { url: checked(urlOption, "--url"), urlFrom: "--url" };
  if (given) return { url: checked(given, "MJFLOW_URL"), urlFrom: "MJFLOW_URL" };
  const local = port !== undefined && /^[1-9]\d{0,4}$/.test(port);
  return { url: `http://127.0.0.1:${local ? port : PORT}`, urlFrom: local ? "MJFLOW_PORT" : "default" };
}

function checked(text: string, where: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new UsageError(`${where} must start with http:// or https://.`);
  }
  const url = new URL(text);
  if (url.username || url.password)
    throw new UsageError(`${where} must not contain credentials. Set MJFLOW_API_KEY instead.`);
  if (url.search || url.hash) throw new UsageError(`${where} must not contain a query or a fragment.`);
  return withoutEndSlashes(url.href);
}

/**
 * Reads the key file of the local server's data folder. The folder is `dataDir` if set, otherwise the nearest `.mjflow`
 * in `cwd` or one of its parents.
 */
function readStoredKey(dataDir: string | undefined, cwd: string): Pick<Connection, "apiKey" | "keyFrom"> {
  for (const path of dataDir ? [resolve(cwd, dataDir, KEY_FILE)] : upwards(cwd)) {
    if (!existsSync(path)) continue;
    const apiKey = readFileSync(path, "utf8").trim();
    if (apiKey !== "") return { apiKey, keyFrom: path };
  }
  return {};
}

function* upwards(cwd: string): Generator<string> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    yield join(folder, FOLDER, KEY_FILE);
    if (dirname(folder) === folder) return;
  }
}
