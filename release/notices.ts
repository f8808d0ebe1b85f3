/** The licenses of packages whose code is in a bundle. Their licenses require that a copy comes with the code. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, ROOT } from "./manifest.ts";

/** Returns the names and all packages that they depend on. */
export function closureOf(names: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    for (const dependency of Object.keys(manifestOf(name).dependencies ?? {})) add(dependency);
  };
  for (const name of names) add(name);
  return found;
}

export function noticesOf(names: Iterable<string>): string {
  const sections = [...new Set(names)].sort().map((name) => {
    const { version, license } = manifestOf(name);
    const text = licenseText(name) ?? `License: ${license}`;
    return `## ${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return `# Licenses of the packages in this program\n\n${sections.join("\n")}`;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")) as Manifest;
}

function licenseText(name: string): string | undefined {
  const file = readdirSync(folderOf(name)).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  return file === undefined ? undefined : readFileSync(join(folderOf(name), file), "utf8");
}

function folderOf(name: string): string {
  const folder = join(ROOT, "node_modules", name);
  if (!existsSync(folder)) throw new Error(`${name} is not in node_modules. Run npm install.`);
  return folder;
}
