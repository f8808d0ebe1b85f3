/**
 * The console as static files: `npm run console:build`, the house when somebody first opens it (decision 0013), or a
 * deployment, into a folder of its own: `node packages/console/build.ts <folder>`.
 * No plugin, no configuration file: what Vite does without being told is enough, and a build is a few hundred ms.
 */
import { randomUUID } from "node:crypto";
import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
export const DIST = join(ROOT, "dist");
/** What it is made of. Dependencies change with the lock file, which `npm install` writes anew. */
const SOURCES = ["index.html", "build.ts", "package.json", "public", "src", "../client/src", "../core/src"];

/** True where there is no build, or one of older sources. */
export function isStale(): boolean {
  const builtAt = statSync(join(DIST, "index.html"), { throwIfNoEntry: false })?.mtimeMs;
  return builtAt === undefined || SOURCES.some((path) => newest(join(ROOT, path)) > builtAt);
}

/** Beside what is there and then in its place, so that nobody is ever served half a build. */
export async function build(dist = DIST): Promise<void> {
  // Vite believes the caller's NODE_ENV; a test runner's or a developer's would mix React's two halves.
  process.env["NODE_ENV"] = "production";
  const { build: bundle } = await import("vite");
  const fresh = `${dist}-${randomUUID()}`;
  try {
    await bundle({
      root: ROOT,
      base: "./",
      configFile: false,
      envDir: false,
      logLevel: "error",
      build: { outDir: fresh, emptyOutDir: true, modulePreload: false, assetsInlineLimit: 0, target: "es2024" },
    });
    rmSync(dist, { recursive: true, force: true });
    try {
      renameSync(fresh, dist);
    } catch (error) {
      // Another house was quicker, and made the same.
      if (dist !== DIST || isStale()) throw error;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

if (import.meta.main) await build(process.argv[2]);
