/** Where the built site is, and whether it is outdated. The local server asks before it starts a build. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const DIST = join(HERE, "dist");
/** Inputs of a build, relative to the repository. Other packages have READMEs with few changes. */
const SOURCES = [
  "docs",
  "CHANGELOG.md",
  "package.json",
  "packages/docs",
  "packages/client/README.md",
  "packages/cli/README.md",
  "packages/core/src",
  "packages/providers/src",
];
const OUTPUTS = new Set(["dist", ".tmp"]);

/** True if there is no build, or if a source is newer than the build. */
export function isStale(): boolean {
  const builtAt = statSync(join(DIST, "index.html"), { throwIfNoEntry: false })?.mtimeMs;
  return builtAt === undefined || SOURCES.some((path) => newest(join(ROOT, path)) > builtAt);
}

function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = readdirSync(path).filter((name) => !OUTPUTS.has(name) && !name.startsWith("dist-"));
  return Math.max(0, ...names.map((name) => newest(join(path, name))));
}
