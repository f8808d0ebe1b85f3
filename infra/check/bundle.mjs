/** One function's bundle, with the options that SST 4.17.1 gives esbuild for nodejs24.x (its pkg/runtime/node). */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** ES modules have no `require` and no `__dirname`, and CommonJS packages inside a bundle ask for both. */
export const ESM_BANNER = [
  `import { createRequire as topLevelCreateRequire } from 'module';`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"`,
  `const __filename = topLevelFileUrlToPath(import.meta.url)`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`,
  "",
].join("\n");

/** @throws Error for another runtime or a handler that is not there, as a deployment would */
export async function bundleFunction({ root, handler, out, runtime, nodejs = {} }) {
  if (runtime !== "nodejs24.x") throw new Error(`${handler}: ${runtime} is bundled with options unknown here`);
  const entry = path.join(root, `${handler.slice(0, -path.extname(handler).length)}.ts`);
  if (!existsSync(entry)) throw new Error(`Handler not found: ${handler}`);
  const outfile = path.join(out, "bundle.mjs");
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2024",
    mainFields: nodejs.esbuild?.mainFields ?? ["module", "main"],
    external: ["sharp", "pg-native"],
    keepNames: true,
    minify: nodejs.minify ?? false,
    sourcemap: "linked",
    metafile: true,
    banner: { js: ESM_BANNER },
    logLevel: "silent",
  });
  const code = await readFile(outfile);
  // Maps are uploaded beside the code, not with it.
  return { bytes: code.length, gzip: gzipSync(code).length, maps: [`${outfile}.map`], inputs: metafile.inputs };
}
