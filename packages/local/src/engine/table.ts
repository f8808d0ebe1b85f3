/**
 * The table on one machine: dynoxide where its binary is published, dynalite elsewhere. Both speak DynamoDB's protocol,
 * so the store cannot tell; what they do otherwise than DynamoDB is listed beside `test/conformance`.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { findDynoxide, startDynoxide } from "./dynoxide.ts";
import { ENGINE_FILES, engineMismatchError } from "./name.ts";
import { LOOPBACK } from "./port.ts";
import type { TableEngine, TableEngineName } from "./table-engine.ts";

export type { TableEngine, TableEngineName } from "./table-engine.ts";

export interface TableEngineOptions {
  /** Kept here; without it, in memory. */
  dataDir?: string;
  /** A free one when not given. */
  port?: number;
  /** When not given: the one whose data the folder holds, else dynoxide, else dynalite. */
  engine?: TableEngineName;
}

/** @throws when the folder holds the other engine's data, or another process uses it. */
export async function startTableEngine(options: TableEngineOptions = {}): Promise<TableEngine> {
  const { port, engine } = options;
  // Absolute: an orphan is recognised by the path it was started with, whatever folder the next start is made from.
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir);
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const binary = findDynoxide();
  const name = choose(dataDir, engine, binary !== undefined);
  const path = dataDir === undefined ? undefined : join(dataDir, ENGINE_FILES[name]);
  if (name === "dynalite") return startDynalite(path, port);
  if (binary === undefined) throw new Error("There is no dynoxide binary for this platform; use dynalite.");
  return startDynoxide({ binary, dataDir, dbPath: path, port });
}

function choose(dataDir: string | undefined, wanted: TableEngineName | undefined, hasDynoxide: boolean) {
  const held = (["dynoxide", "dynalite"] as const).find(
    (name) => dataDir !== undefined && existsSync(join(dataDir, ENGINE_FILES[name])),
  );
  const name = wanted ?? held ?? (hasDynoxide ? "dynoxide" : "dynalite");
  if (dataDir !== undefined && held !== undefined && held !== name) throw engineMismatchError(dataDir, held, name);
  if (name === "dynoxide" && !hasDynoxide && held !== undefined) {
    throw new Error(
      `${dataDir} holds a table written by dynoxide, whose binary is not installed here. Run npm install, or remove the folder to begin anew.`,
    );
  }
  return name;
}

/** In this process. Survives kill -9, but not a power cut: it does not sync. */
async function startDynalite(path: string | undefined, port = 0): Promise<TableEngine> {
  const { default: dynalite } = await import("dynalite");
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
    // It lives and dies with this process.
    onDeath() {},
    stop() {
      const closed = new Promise<void>((done, reject) => {
        server.close((error) => (error ? reject(error) : done()));
      });
      // Clients keep connections open; close() alone would wait for them.
      server.closeAllConnections();
      return closed;
    },
  };
}
