/** The package.json of a published package, made from the package.json of its workspace. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = new URL("../", import.meta.url).pathname;

export interface Manifest {
  name: string;
  version: string;
  description?: string;
  license?: string;
  repository?: unknown;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  engines?: Record<string, string>;
  sideEffects?: boolean;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;
}

/** Writes the manifest. The fields of `published` replace those of the workspace; every package has the root's version. */
export function writeManifest(folder: string, source: Manifest, published: object): void {
  const { version, license, repository } = readManifest(".");
  const { name, description, engines, sideEffects } = source;
  const manifest = {
    name,
    version,
    description,
    license,
    // A statement of provenance needs the repository: npm compares it with that of the CI job.
    ...(repository !== undefined && { repository }),
    type: "module",
    engines,
    ...(sideEffects !== undefined && { sideEffects }),
    ...published,
    publishConfig: { access: "public", provenance: true },
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Returns the version ranges of the named packages in the workspaces. @throws Error if no workspace has the package */
export function versionsOf(names: Iterable<string>, workspaces: readonly string[]): Record<string, string> {
  const known = Object.assign({}, ...workspaces.map((folder) => readManifest(folder).dependencies ?? {}));
  return Object.fromEntries(
    [...names].sort().map((name) => {
      if (known[name] === undefined) throw new Error(`No package.json of a workspace lists ${name}.`);
      return [name, known[name]];
    }),
  );
}
