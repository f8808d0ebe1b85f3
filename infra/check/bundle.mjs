/** One function's bundle, with the options that SST 4.17.1 gives esbuild for nodejs24.x (its pkg/runtime/node). */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
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

/** What this project's functions set; another option would be honoured by SST and passed over here. */
const KNOWN = new Set(["minify", "splitting", "esbuild", "architecture"]);

/** @throws Error for what SST would bundle otherwise, and for a handler that is not there */
export async function bundleFunction({ root, handler, out, runtime, nodejs }) {
  const { minify = false, splitting = false, esbuild = {} } = nodejs;
  const unknown = Object.keys(nodejs).filter((option) => !KNOWN.has(option) && nodejs[option] !== undefined);
  unknown.push(...Object.keys(esbuild).filter((option) => option !== "mainFields"));
  if (runtime !== "nodejs24.x" || unknown.length > 0) {
    throw new Error(`infra/check/bundle.mjs does not know how SST bundles ${handler} for ${runtime} with ${unknown}`);
  }
  const outfile = path.join(out, "bundle.mjs");
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [path.join(root, `${handler.slice(0, -path.extname(handler).length)}.ts`)],
    ...(splitting ? { splitting, outdir: out, outExtension: { ".js": ".mjs" }, entryNames: "bundle" } : { outfile }),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2024",
    mainFields: esbuild.mainFields ?? ["module", "main"],
    external: ["sharp", "pg-native"],
    keepNames: true,
    minify,
    sourcemap: "linked",
    metafile: true,
    banner: { js: ESM_BANNER },
    logLevel: "silent",
  });
  const files = Object.fromEntries(
    Object.entries(metafile.outputs).map(([file, output]) => [path.resolve(root, file), output]),
  );
  const code = Object.entries(files).filter(([file]) => !file.endsWith(".map"));
  const eager = eagerOf(files, root, outfile);
  return {
    bytes: code.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    eagerBytes: eager.reduce((sum, { bytes }) => sum + bytes, 0),
    eagerGzip: (await Promise.all(eager.map(({ file }) => readFile(file)))).reduce((n, f) => n + gzipSync(f).length, 0),
    packages: packagesOf(code.map(([, output]) => output)),
    eagerPackages: packagesOf(eager),
    loadMs: await load(outfile, path.extname(handler).slice(1)),
    // Uploaded beside the code, not with it.
    maps: Object.keys(files).filter((file) => file.endsWith(".map")),
  };
}

/** The files that a cold start reads: the entry and what it imports, not what it may import later. */
function eagerOf(files, root, entry) {
  const seen = new Set([entry]);
  for (const file of seen) {
    for (const { path: imported, kind, external } of files[file].imports) {
      if (kind === "import-statement" && !external) seen.add(path.resolve(root, imported));
    }
  }
  return [...seen].map((file) => ({ file, ...files[file] }));
}

/** Bytes by npm package, largest first; the project's own code is ".". */
function packagesOf(outputs) {
  const sizes = {};
  for (const [file, { bytesInOutput }] of outputs.flatMap(({ inputs }) => Object.entries(inputs))) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? ".";
    sizes[name] = (sizes[name] ?? 0) + bytesInOutput;
  }
  return Object.fromEntries(Object.entries(sizes).sort(([, a], [, b]) => b - a));
}

/**
 * Loads the bundle in a process of its own, as a cold start does, and finds the handler; a bundle can be built of what
 * cannot run. Nothing of the links is there, so code that reads them before its first event fails here.
 */
async function load(file, handler) {
  const script = [
    "const start = performance.now();",
    `const { ${handler} } = await import(${JSON.stringify(pathToFileURL(file).href)});`,
    `if (typeof ${handler} !== "function") throw new Error("no ${handler}");`,
    "console.log(performance.now() - start);",
  ].join("");
  const env = { PATH: process.env.PATH };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
  return Math.round(Number(stdout));
}
