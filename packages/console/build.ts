/**
 * Builds the console as static files. Three callers use it:
 *
 * - `npm run console:build`
 * - the local server, when a browser first opens `/console` (decision 0013)
 * - a deployment, into its own folder: `node packages/console/build.ts <folder>`
 *
 * Vite's defaults are enough, so there is no plugin and no configuration file. A build takes a few hundred ms.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isOutdated, replaceBuild } from "./static-build.ts";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
export const DIST = join(ROOT, "dist");
/** Inputs of a build. The lock file is not listed, because `npm install` rewrites it each time. */
const SOURCES = [
  "index.html",
  "build.ts",
  "static-build.ts",
  "package.json",
  "public",
  "src",
  "../client/src",
  "../core/src",
];

/** Returns true if there is no build, or if a source is newer than the build. */
export function isStale(): boolean {
  return isOutdated(
    DIST,
    SOURCES.map((path) => join(ROOT, path)),
  );
}

/** Builds into a temporary folder and then replaces `dist`, so that the server never serves half a build. */
export async function build(dist = DIST): Promise<void> {
  // Vite uses the caller's NODE_ENV. That of a test runner would mix React's development and production code.
  process.env["NODE_ENV"] = "production";
  const { build: bundle } = await import("vite");
  const temporary = `${dist}-${randomUUID()}`;
  try {
    await bundle({
      root: ROOT,
      base: "./",
      configFile: false,
      envDir: false,
      logLevel: "error",
      build: {
        outDir: temporary,
        emptyOutDir: true,
        modulePreload: false,
        assetsInlineLimit: 0,
        target: "es2024",
        // These browsers have `light-dark()`. A replacement of it would fix the colors at the root of the page, and the
        // lightbox is dark on a light page.
        cssTarget: ["chrome125", "firefox128", "safari17.5"],
      },
    });
    replaceBuild(temporary, dist, () => dist === DIST && !isStale());
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

if (import.meta.main) await build(process.argv[2]);
