/**
 * `npm run words [-- paths]`: checks the words and sentences of all tracked sources and documents, or of some paths.
 * Exits with 1 if something is found.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { findingsIn } from "./check.ts";

const ROOT = new URL("../../", import.meta.url);
/** Generated, frozen and recorded text is not edited. The glossary and the style page quote the words themselves. */
const SKIPPED =
  /(^|\/)fixtures\/|test\/fault\/version\/\d|dictionary\.ts$|\.d\.ts$|^docs\/glossary\.md$|^docs\/style\.md$/;

const listed = execFileSync("git", ["ls-files", "--", ...process.argv.slice(2)], { cwd: ROOT, encoding: "utf8" });
const files = listed
  .split("\n")
  .filter((file) => /\.(m?ts|tsx|mjs|md)$/.test(file) && !SKIPPED.test(file) && existsSync(new URL(file, ROOT)));

let count = 0;
for (const file of files) {
  for (const { line, check, text, use } of findingsIn(file, readFileSync(new URL(file, ROOT), "utf8"))) {
    console.log(`${file}:${line} [${check}] ${text} → ${use}`);
    count++;
  }
}
console.log(`${count} words or sentences to replace in ${files.length} files`);
process.exitCode = count > 0 ? 1 : 0;
