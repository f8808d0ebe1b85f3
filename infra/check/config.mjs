/**
 * Bundles sst.config.ts and its imports into one module, as the sst program does. SST's globals are imports that are
 * written at the top of each project file. The module must be inside .sst/platform, because it imports its packages.
 */
import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { ESM_BANNER } from "./bundle.mjs";

export async function loadConfig({ root, platform }) {
  const locked = JSON.parse(await readFile(path.join(platform, "../provider-lock.json"), "utf8"));
  const globals = [
    ...locked.map((provider) => `import * as ${provider.alias} from "${provider.package}";`),
    `import * as sst from "${platform}/src/components";`,
  ];
  const outfile = path.join(platform, `check.${process.pid}.mjs`);
  process.on("exit", () => rmSync(outfile, { force: true }));
  await build({
    stdin: {
      contents: `export { run } from "${platform}/src/auto/run.ts"; export { default as config } from "./sst.config.ts";`,
      resolveDir: root,
    },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    nodePaths: [path.join(platform, "node_modules")],
    // Defines $config, $transform, $interpolate and similar globals.
    inject: [path.join(platform, "src/shim/run.js")],
    // The process must have one instance of each package. If they were bundled, SST and its providers would have their
    // own.
    external: [
      "@pulumi/*",
      "@pulumiverse/*",
      "@sst-provider/*",
      "@aws-sdk/*",
      "undici",
      "esbuild",
      "archiver",
      "glob",
      "vite",
    ],
    banner: { js: ESM_BANNER },
    logLevel: "error",
    plugins: [
      {
        name: "sst-globals",
        setup({ onLoad }) {
          onLoad({ filter: /\.[jt]s$/ }, async ({ path: file }) => {
            if (file.startsWith(platform) || file.includes("/node_modules/")) return;
            return { contents: [...globals, await readFile(file, "utf8")].join("\n"), loader: "ts" };
          });
        },
      },
    ],
  });
  return await import(pathToFileURL(outfile).href);
}
