/**
 * Builds the console as static files. Three callers use it:
 *
 * - `npm run console:build`
 * - the local server, when a browser first opens `/console` (decision 0013)
 * - a deployment, into its own folder: `node packages/console/build.ts <folder>`
 *
 * There is no plugin and no configuration file. A build takes a few hundred ms.
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

/**
 * What every first view needs, with all its imports, is one file: many small files compress worse by 5 kB. A page that is loaded
 * later is a file of its own.
 */
const BASE =
  /console[\\/]src[\\/](main|queries|download|kit[\\/](icon|rich|toast|confirm)|lib[\\/](press|time|shot)|components[\\/](shot-image|shot-lightbox|result-image|status|problem))\.tsx?$/;

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
        rolldownOptions: { output: { codeSplitting: { groups: [{ name: "base", test: BASE }] } } },
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
