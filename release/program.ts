/**
 * Builds the package `mjflow`: the command line and the local server as JavaScript, the console and the documentation as
 * static files.
 *
 * The code of mjflow, and of small packages that are only partly used, is bundled. Node does not strip types below
 * node_modules, so no TypeScript may remain. The rest stays a dependency of the package: fauxqs is assembled from its
 * own files (packages/local/src/engine/queue.ts), sharp has a binary, and the AWS SDK comes with fauxqs anyway.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";
import { writeBin } from "./bin.ts";
import { writeDocuments } from "./document.ts";
import { ROOT, readManifest, versionsOf, writeManifest } from "./manifest.ts";
import { closureOf, noticesOf } from "./notices.ts";

/** Dependencies of the package. A build that imports anything else fails. */
const DEPENDENCIES = ["@aws-sdk/*", "fauxqs", "sharp"];
/** Imports that an installed package does not need: the build of the console, and calls of Lambda. */
const NOT_INSTALLED = ["vite", "@aws-sdk/client-lambda"];
/** Packages whose code is in the documentation site. The other dependencies of VitePress only build it. */
const IN_DOCS = [
  "vitepress",
  "vue",
  "@vue/reactivity",
  "@vue/runtime-core",
  "@vue/runtime-dom",
  "@vue/shared",
  "@vueuse/core",
  "@vueuse/integrations",
  "@vueuse/shared",
  "focus-trap",
  "mark.js",
  "minisearch",
  "tabbable",
];
/** Workspaces whose package.json has the versions. */
const WORKSPACES = [".", "packages/local", "packages/media", "packages/queue", "packages/store"];

export async function buildProgram(folder: string): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { cli: "packages/cli/src/main.ts" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.18",
    outdir: join(folder, "dist"),
    external: [...DEPENDENCIES, ...NOT_INSTALLED],
    metafile: true,
    logLevel: "warning",
    // Packages in CommonJS call `require` for Node's own modules.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
  });
  execFileSync(process.execPath, [join(ROOT, "packages/console/build.ts"), join(folder, "dist/console")], {
    stdio: "inherit",
  });
  execFileSync(process.execPath, [join(ROOT, "packages/docs/build.ts"), join(folder, "dist/docs"), "--users"], {
    stdio: "inherit",
  });
  const consoleDependencies = Object.keys(readManifest("packages/console").dependencies ?? {});
  const inConsole = closureOf(consoleDependencies.filter((name) => !name.startsWith("@mjflow/") && name !== "vite"));
  writeFileSync(join(folder, "NOTICES.md"), noticesOf([...bundledIn(metafile), ...inConsole, ...IN_DOCS]));

  mkdirSync(join(folder, "bin"), { recursive: true });
  writeBin("packages/cli/bin/mjflow.mjs", join(folder, "bin/mjflow.mjs"), "../dist/cli.js");
  copyFileSync(join(ROOT, "release/mjflow.md"), join(folder, "README.md"));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  writeDocuments(folder);
  writeManifest(folder, readManifest("packages/cli"), {
    name: "mjflow",
    description: "Command line and local server of mjflow: Midjourney-style image tasks that run on webhooks.",
    bin: { mjflow: "bin/mjflow.mjs" },
    exports: { "./package.json": "./package.json" },
    files: ["bin", "dist", "docs", "NOTICES.md"],
    dependencies: versionsOf(externalIn(metafile), WORKSPACES),
  });
}

/** Names of the packages whose code is in the bundle. */
function bundledIn({ inputs }: Metafile): Set<string> {
  const names = Object.keys(inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

/** Names of the packages that the bundle imports. */
function externalIn({ outputs }: Metafile): Set<string> {
  const paths = Object.values(outputs).flatMap(({ imports }) => imports.filter(({ external }) => external));
  const names = paths.map(({ path }) => path).filter((path) => !isBuiltin(path) && !NOT_INSTALLED.includes(path));
  return new Set([...names.map((path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)![0]), "fauxqs"]);
}
