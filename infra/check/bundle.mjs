/** Bundles one function with the options that SST 4.17.1 gives esbuild for nodejs24.x (its pkg/runtime/node). */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** CommonJS packages in a bundle need `require` and `__dirname`, which ES modules do not have. */
export const ESM_BANNER = [
  `import { createRequire as topLevelCreateRequire } from 'module';`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"`,
  `const __filename = topLevelFileUrlToPath(import.meta.url)`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`,
  "",
].join("\n");

/** Packages that SST never bundles, installed or not. */
const FORCED_EXTERNAL = ["sharp", "pg-native"];

/** Options that the functions of this project set. SST would honour any other option, but this file would ignore it. */
const KNOWN = new Set(["minify", "splitting", "esbuild", "architecture", "install"]);
const KNOWN_ESBUILD = new Set(["mainFields", "external"]);

/** Bundles the function and runs it once; see wake.mjs. @throws Error as `buildFunction` */
export async function bundleFunction({ name, links, ...target }) {
  const { file, ...built } = await buildFunction(target);
  return { ...built, ...(await wake(file, path.extname(target.handler).slice(1), name, links)) };
}

/** @throws Error for options that SST would handle differently, and for a missing handler file */
export async function buildFunction({ root, handler, out, runtime, nodejs }) {
  const { minify = false, splitting = false, esbuild = {}, install = {} } = nodejs;
  const unknown = Object.keys(nodejs).filter((option) => !KNOWN.has(option) && nodejs[option] !== undefined);
  unknown.push(...Object.keys(esbuild).filter((option) => !KNOWN_ESBUILD.has(option)));
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
    external: [...FORCED_EXTERNAL, ...Object.keys(install), ...(esbuild.external ?? [])],
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
  const eager = filesOf(files, root, outfile, ["import-statement"]);
  const reachable = filesOf(files, root, outfile, ["import-statement", "dynamic-import"]);
  const gzipped = await Promise.all(eager.map(async ({ file }) => gzipSync(await readFile(file)).length));
  const source = (await Promise.all(reachable.map(({ file }) => readFile(file, "utf8")))).join("\n");
  return {
    file: outfile,
    bytes: code.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    eagerBytes: eager.reduce((sum, { bytes }) => sum + bytes, 0),
    eagerGzip: gzipped.reduce((sum, bytes) => sum + bytes, 0),
    eagerModules: modulesOf(eager),
    packages: packagesOf(code.map(([, output]) => output)),
    eagerPackages: packagesOf(eager),
    // Imports that are neither in the bundle nor Node's own: installed next to the bundle, or never imported at run
    // time.
    missing: [...new Set(reachable.flatMap(({ imports }) => imports.filter(isMissing).map(({ path }) => path)))].sort(),
    install: Object.keys(install),
    external: [...(esbuild.external ?? [])].sort(),
    counts: [...new Set([...source.matchAll(/\.count\("(\w+)"/g)].map(([, metric]) => metric))].sort(),
    reads: [...new Set([...source.matchAll(/\.([A-Z]\w+)\.(?:name|url|value)\b/g)].map(([, link]) => link))].sort(),
    // SST uploads source maps separately from the code.
    maps: Object.keys(files).filter((file) => file.endsWith(".map")),
  };
}

/**
 * The entry file and the files it imports. Import statements alone give what a cold start reads; with dynamic imports
 * the result is everything that can run.
 */
function filesOf(files, root, entry, kinds) {
  const seen = new Set([entry]);
  for (const file of seen) {
    for (const { path: imported, kind, external } of files[file].imports) {
      if (kinds.includes(kind) && !external) seen.add(path.resolve(root, imported));
    }
  }
  return [...seen].map((file) => ({ file, ...files[file] }));
}

function isMissing({ path: imported, external }) {
  return external === true && !isBuiltin(imported);
}

/** Number of source modules with code in these files. Each is evaluated when its file is imported. */
function modulesOf(outputs) {
  const modules = outputs.flatMap(({ inputs }) => Object.entries(inputs));
  return new Set(modules.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file)).size;
}

/** Bytes by npm package, largest first; "." is the project's own code. */
function packagesOf(outputs) {
  const sizes = {};
  for (const [file, { bytesInOutput }] of outputs.flatMap(({ inputs }) => Object.entries(inputs))) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? ".";
    sizes[name] = (sizes[name] ?? 0) + bytesInOutput;
  }
  return Object.fromEntries(Object.entries(sizes).sort(([, a], [, b]) => b - a));
}

/** @returns the load time and the outcome of one event; see wake.mjs */
async function wake(file, exported, name, links) {
  const resources = Object.entries(links).map(([link, value]) => [`SST_RESOURCE_${link}`, JSON.stringify(value)]);
  const env = {
    PATH: process.env.PATH,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
    // No process listens on this port, so every connection is refused immediately.
    AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:9",
    SST_RESOURCE_App: JSON.stringify({ name: "mjflow", stage: "evaluation" }),
    ...Object.fromEntries(resources),
  };
  const script = fileURLToPath(new URL("wake.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, file, exported, name], { env });
  // The result is the last line; log lines of the function come before it.
  return JSON.parse(stdout.trim().split("\n").at(-1));
}
