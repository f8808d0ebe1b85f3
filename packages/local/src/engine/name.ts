/** sqlite keeps rows and messages itself; the others are tables that speak DynamoDB's protocol. */
export const ENGINE_NAMES = ["sqlite", "dynoxide", "dynalite"] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** Each engine's own file: none can read another's. */
export const ENGINE_FILES: Record<EngineName, string> = {
  sqlite: "mjflow.db",
  dynoxide: "table.dynoxide.db",
  dynalite: "table.dynalite",
};
