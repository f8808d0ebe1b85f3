/**
 * The table engines of the local backend: dynoxide if its binary is published for this platform, otherwise dynalite.
 * Both implement DynamoDB's protocol, so the store uses them like DynamoDB. Their differences from DynamoDB are listed
 * in `test/conformance`.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../config-error.ts";
import { findDynoxide, startDynoxide } from "./dynoxide.ts";
import { ENGINE_FILES, engineMismatchError } from "./name.ts";
import { LOOPBACK } from "./port.ts";
import type { TableEngine, TableEngineName } from "./table-engine.ts";

export type { TableEngine, TableEngineName } from "./table-engine.ts";

export interface TableEngineOptions {
  /** Data folder; unset: in memory. */
  dataDir?: string;
  /** TCP port; unset: a free port. */
  port?: number;
  /** Engine; unset: the engine that wrote the folder, otherwise dynoxide, otherwise dynalite. */
  engine?: TableEngineName;
}

/** @throws Error if the other engine wrote the folder, or if another process uses it */
export async function startTableEngine(options: TableEngineOptions = {}): Promise<TableEngine> {
  const { port, engine } = options;
  // The path is absolute, because an orphan is identified by the path of its start, and the next start may have another
  // working directory.
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir);
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const binary = findDynoxide();
  const name = choose(dataDir, engine, binary !== undefined);
  const path = dataDir === undefined ? undefined : join(dataDir, ENGINE_FILES[name]);
  if (name === "dynalite") return startDynalite(path, port);
  if (binary === undefined) throw new Error("dynoxide has no binary for this platform. Use dynalite.");
  return startDynoxide({ binary, dataDir, dbPath: path, port });
}

function choose(dataDir: string | undefined, wanted: TableEngineName | undefined, hasDynoxide: boolean) {
  const found = (["dynoxide", "dynalite"] as const).find(
    (name) => dataDir !== undefined && existsSync(join(dataDir, ENGINE_FILES[name])),
  );
  const name = wanted ?? found ?? (hasDynoxide ? "dynoxide" : "dynalite");
  if (dataDir !== undefined && found !== undefined && found !== name) throw engineMismatchError(dataDir, found, name);
  if (name === "dynoxide" && !hasDynoxide && found !== undefined) {
    throw new Error(
      `${dataDir} holds a table written by dynoxide, whose binary is not installed here. Run npm install, or remove the folder to start with an empty one.`,
    );
  }
  return name;
}

/** Starts dynalite in this process. Its data survives kill -9 but not a power cut, because dynalite does not sync. */
async function startDynalite(path: string | undefined, port = 0): Promise<TableEngine> {
  const { default: dynalite } = await import("dynalite").catch((error: NodeJS.ErrnoException) => {
    // The npm package of mjflow does not contain it.
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConfigError("dynalite is not installed. Run `npm install dynalite@4.0.0`, or use MJFLOW_ENGINE=sqlite.");
  });
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((done, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, done);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("dynalite has no address");
  return {
    name: "dynalite",
    endpoint: `http://${LOOPBACK}:${address.port}`,
    // dynalite runs in this process, so a crash of dynalite alone is not possible.
    onCrash() {},
    stop() {
      const closed = new Promise<void>((done, reject) => {
        server.close((error) => (error ? reject(error) : done()));
      });
      // Clients keep connections open, and `close()` alone would wait for them.
      server.closeAllConnections();
      return closed;
    },
  };
}
