/**
 * Builds the documentation site as static files. Callers:
 *
 * - `npm run docs [-- folder] [-- --base /path/]`; the default is `packages/docs/dist` for the path `/docs/`
 * - the local server of a clone, when a browser first opens `/docs`
 * - `npm run packages`, into the package `mjflow`, with `--users`: without decisions and internal packages
 *
 * The pages are written to a temporary folder, which VitePress builds in a process of its own.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { replaceBuild } from "@mjflow/console/static-build";
import { renderDocument } from "../../functions/http/openapi/render.ts";
import { DIST, isStale } from "./location.ts";
import { POLICY_FILE, policyOf, REFERENCE_FILE, REFERENCE_POLICY_FILE } from "./site.ts";
import { menus, ROOT, sitePages } from "./src/pages.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** Base path of the site in the local server. */
const BASE = "/docs/";

/** Builds into a temporary folder and then replaces `dist`, so that the server never serves half a build. */
export function build(dist = DIST, base = BASE, isForUsers = false): void {
  const work = join(HERE, ".tmp", randomUUID());
  const built = `${dist}-${randomUUID()}`;
  try {
    writeSource(work, base, isForUsers);
    runVitePress(work, built);
    writeFileSync(join(built, POLICY_FILE), policyOf(inlineScriptsOf(built)));
    const { body, policy } = renderDocument("page");
    writeFileSync(join(built, REFERENCE_FILE), body);
    writeFileSync(join(built, REFERENCE_POLICY_FILE), policy);
    replaceBuild(built, dist, () => dist === DIST && !isStale());
  } finally {
    for (const folder of [work, built]) rmSync(folder, { recursive: true, force: true });
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function writeSource(folder: string, base: string, isForUsers: boolean): void {
  const { pages, files, texts } = sitePages(isForUsers);
  for (const [path, text] of pages) write(join(folder, path), text);
  for (const [path, text] of texts) write(join(folder, "public", path), text);
  for (const [path, source] of [...files, ["icon.svg", "packages/console/public/icon.svg"] as const]) {
    mkdirSync(dirname(join(folder, "public", path)), { recursive: true });
    copyFileSync(join(ROOT, source), join(folder, "public", path));
  }
  const titleOf = (path: string) => /^# (.+)$/m.exec(pages.get(`${path}.md`) ?? "")?.[1]?.replaceAll("`", "") ?? path;
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const at = (path: string) => JSON.stringify(pathToFileURL(join(HERE, path)).pathname);
  const options = JSON.stringify({ base, version, menus: menus(titleOf) });
  write(
    join(folder, ".vitepress/config.ts"),
    `import { config } from ${at("src/config.ts")};\nexport default config(${options});\n`,
  );
  // Without this file esbuild would read the one of the repository, whose target is newer than it knows.
  write(join(folder, "tsconfig.json"), "{}\n");
  write(join(folder, ".vitepress/theme/index.js"), `export { default } from ${at("theme/index.js")};\n`);
}

function runVitePress(folder: string, out: string): void {
  const program = join(dirname(createRequire(import.meta.url).resolve("vitepress/package.json")), "bin/vitepress.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "build", folder, "--outDir", out], {
    // VitePress uses the caller's NODE_ENV. That of a test runner would build the development version of Vue.
    env: { ...process.env, NODE_ENV: "production" },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`VitePress failed:\n${stdout}${stderr}`);
}

/** Hashes of the scripts inside pages, as a policy names them. */
function inlineScriptsOf(folder: string): string[] {
  const pages = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
  const scripts = pages.flatMap((name) =>
    [...readFileSync(join(folder, name), "utf8").matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
      ([, script]) => script!,
    ),
  );
  return [...new Set(scripts)]
    .sort()
    .map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { base: { type: "string", default: BASE }, users: { type: "boolean", default: false } },
  });
  build(positionals[0], values.base, values.users);
  console.log(positionals[0] ?? DIST);
}
