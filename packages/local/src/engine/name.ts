import { existsSync } from "node:fs";
import { join } from "node:path";

/** sqlite keeps rows and messages itself; the others are tables that speak DynamoDB's protocol. */
export const ENGINE_NAMES = ["sqlite", "dynoxide", "dynalite"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** Each engine's own file: none can read another's. */
export const ENGINE_FILES: Record<EngineName, string> = {
  sqlite: "mjflow.db",
  dynoxide: "table.dynoxide.db",
  dynalite: "table.dynalite",
};

/** Whose data the folder holds. */
export function detectEngine(dataDir: string): EngineName | undefined {
  return ENGINE_NAMES.find((name) => existsSync(join(dataDir, ENGINE_FILES[name])));
}

export function engineMismatchError(dataDir: string, held: EngineName, name: EngineName): Error {
  return new Error(
    `${dataDir} holds a table written by ${held}, which ${name} cannot read. Start with ${held}, or remove the folder to begin anew.`,
  );
}
