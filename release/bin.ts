/** Writes the executable of a package: that of the clone, with another program behind it. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./manifest.ts";

const IMPORT = /await import\("[^"]+\.ts"\);/;

export function writeBin(source: string, target: string, program: string): void {
  const text = readFileSync(join(ROOT, source), "utf8");
  if (!IMPORT.test(text)) throw new Error(`${source} imports no TypeScript file, so its program cannot be replaced.`);
  writeFileSync(target, text.replace(IMPORT, `await import("${program}");`));
  chmodSync(target, 0o755);
}
