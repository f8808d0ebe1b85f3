/** Builds a package that programs import: one JavaScript module and one declaration for each source file. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./manifest.ts";

const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

/** @param workspace folder with a tsconfig.json that emits declarations */
export function compile(workspace: string, outDir: string): void {
  execFileSync(process.execPath, [TSC, "-p", join(ROOT, workspace), "--outDir", outDir], { stdio: "inherit" });
  for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const path = join(outDir, name);
    writeFileSync(path, withJavaScriptEndings(readFileSync(path, "utf8")));
  }
}

/** The compiler rewrites the endings of imports in JavaScript only; a declaration keeps `./flow.ts`. */
export function withJavaScriptEndings(declaration: string): string {
  return declaration.replace(/(\b(?:from|import)\s*\(?\s*"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"');
}
