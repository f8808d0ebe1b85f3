/** Steps of a build of static files: for the console and for the documentation. */
import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns true if there is no build, or if a source is newer than the build.
 *
 * @param dist folder of the build
 * @param sources files and folders
 * @param isSource returns false for a name in a folder that is no source
 */
export function isOutdated(dist: string, sources: readonly string[], isSource = (_name: string) => true): boolean {
  const builtAt = statSync(join(dist, "index.html"), { throwIfNoEntry: false })?.mtimeMs;
  return builtAt === undefined || sources.some((path) => newest(path, isSource) > builtAt);
}

function newest(path: string, isSource: (name: string) => boolean): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(
    0,
    ...readdirSync(path)
      .filter(isSource)
      .map((name) => newest(join(path, name), isSource)),
  );
}

/**
 * Puts a finished build in the place of `dist`, so that a server never serves half a build.
 *
 * @param isDone returns true if another process has put the same build there meanwhile; then this one is not needed
 */
export function replaceBuild(built: string, dist: string, isDone: () => boolean): void {
  rmSync(dist, { recursive: true, force: true });
  try {
    renameSync(built, dist);
  } catch (error) {
    if (!isDone()) throw error;
  }
}
