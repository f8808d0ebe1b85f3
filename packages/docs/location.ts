/** Where the built site is, and whether it is outdated. The local server asks before it starts a build. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isOutdated } from "@mjflow/console/static-build";

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
  // The renderer of the API reference.
  "functions/http/openapi",
];
const OUTPUTS = new Set(["dist", ".tmp"]);

/** True if there is no build, or if a source is newer than the build. */
export function isStale(): boolean {
  const isSource = (name: string) => !OUTPUTS.has(name) && !name.startsWith("dist-");
  return isOutdated(
    DIST,
    SOURCES.map((path) => join(ROOT, path)),
    isSource,
  );
}
