/** Finds the program of a server. */
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

const POSTGRES = "/usr/lib/postgresql";

/** Debian installs each version of PostgreSQL in its own folder, which is not in the PATH. */
export function findProgram(name: string): string | undefined {
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES).sort().reverse() : [];
  const folders = [
    ...versions.map((version) => join(POSTGRES, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}
