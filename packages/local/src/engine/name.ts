import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../config-error.ts";

/**
 * Engines of the local backend. sqlite stores rows and messages itself; the others are table engines that implement
 * DynamoDB's protocol.
 */
export const ENGINE_NAMES = ["sqlite", "dynoxide", "dynalite"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** File of each engine; no engine can read the file of another one. */
export const ENGINE_FILES: Record<EngineName, string> = {
  sqlite: "mjflow.db",
  dynoxide: "table.dynoxide.db",
  dynalite: "table.dynalite",
};

/** Returns the engine that wrote the folder, or undefined for an empty folder. */
export function detectEngine(dataDir: string): EngineName | undefined {
  return ENGINE_NAMES.find((name) => existsSync(join(dataDir, ENGINE_FILES[name])));
}

export function engineMismatchError(dataDir: string, found: EngineName, name: EngineName): ConfigError {
  return new ConfigError(
    `${dataDir} holds a table written by ${found}, which ${name} cannot read. Start with ${found}, or remove the folder to start with an empty one.`,
  );
}
