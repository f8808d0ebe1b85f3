/** `npm run packages`: builds the npm packages into dist/packages, one folder each, for `npm pack` and `npm publish`. */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeBin } from "./bin.ts";
import { compile } from "./library.ts";
import { ROOT, readManifest, writeManifest } from "./manifest.ts";
import { buildProgram } from "./program.ts";

export const OUT = join(ROOT, "dist/packages");
export const PACKAGES = ["client", "simulator", "mjflow"] as const;

type Name = (typeof PACKAGES)[number];

const BUILD: Record<Name, (folder: string) => void | Promise<void>> = {
  client(folder) {
    compile("packages/client", join(folder, "dist"));
    copyDocuments("packages/client", folder);
    writeManifest(folder, readManifest("packages/client"), {
      exports: exportsOf("./dist/index"),
      files: ["dist"],
    });
  },
  simulator(folder) {
    compile("packages/simulator", join(folder, "dist"));
    copyDocuments("packages/simulator", folder);
    mkdirSync(join(folder, "bin"));
    writeBin("bin/simulator.mjs", join(folder, "bin/simulator.mjs"), "../dist/main.js");
    const manifest = readManifest("packages/simulator");
    writeManifest(folder, manifest, {
      bin: { "mjflow-simulator": "bin/simulator.mjs" },
      exports: exportsOf("./dist/server"),
      files: ["bin", "dist"],
      dependencies: manifest.dependencies,
    });
  },
  mjflow: buildProgram,
};

/** Builds the package from nothing. @returns its folder */
export async function buildPackage(name: Name): Promise<string> {
  const folder = join(OUT, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await BUILD[name](folder);
  return folder;
}

function exportsOf(module: string) {
  return {
    ".": { types: `${module}.d.ts`, default: `${module}.js` },
    "./package.json": "./package.json",
  };
}

function copyDocuments(workspace: string, folder: string): void {
  copyFileSync(join(ROOT, workspace, "README.md"), join(folder, "README.md"));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
}

if (import.meta.main) {
  for (const name of PACKAGES) console.log(await buildPackage(name));
}
