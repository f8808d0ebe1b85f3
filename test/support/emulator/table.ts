/**
 * The table engines of the tests: dynoxide if its binary is published for this platform, otherwise dynalite. Both implement
 * DynamoDB's protocol, so the store uses them like DynamoDB. Their differences from DynamoDB are listed in
 * `test/conformance`.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK } from "@mjflow/local/engine/port";
import { findDynoxide, startDynoxide } from "./dynoxide.ts";

export type TableEngineName = "dynoxide" | "dynalite";

export interface TableEngine {
  name: TableEngineName;
  endpoint: string;
  /** Process id of the child process; unset for dynalite, which runs in this process. */
  pid?: number;
  /** Registers a callback for an unexpected end of the table engine. Nothing works after such an end. */
  onCrash(callback: (why: string) => void): void;
  stop(): Promise<void>;
}

export interface TableEngineOptions {
  /** Folder of the table; unset: in memory. */
  dataDir?: string;
  /** TCP port; unset: a free port. */
  port?: number;
  /** Engine; unset: dynoxide, otherwise dynalite. */
  engine?: TableEngineName;
}

const FILES: Record<TableEngineName, string> = { dynoxide: "table.dynoxide.db", dynalite: "table.dynalite" };

/** @throws Error if dynoxide is wanted and has no binary for this platform */
export async function startTableEngine({ dataDir, port, engine }: TableEngineOptions = {}): Promise<TableEngine> {
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
  const binary = findDynoxide();
  const name = engine ?? (binary === undefined ? "dynalite" : "dynoxide");
  const path = dataDir === undefined ? undefined : join(dataDir, FILES[name]);
  if (name === "dynalite") return startDynalite(path, port);
  if (binary === undefined) throw new Error("dynoxide has no binary for this platform. Use dynalite.");
  return startDynoxide({ binary, dbPath: path, port });
}

/** Starts dynalite in this process. Its data survives kill -9 but not a power cut, because dynalite does not sync. */
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
