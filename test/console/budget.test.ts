/** What a visitor loads: the limits of the console's files, compressed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "@mjflow/console/build";
import { afterAll, beforeAll, expect, test } from "vitest";

/**
 * Limits in bytes. The first view is a page before its first image. It has 120 kB at most, and 8 kB of them are kept free for what
 * comes: a page that needs more than 112 kB loads something too early.
 */
const LIMITS = { allScript: 250_000, firstScript: 112_000, style: 16_000, icons: 6_000, font: 32_000 };

let folder: string;
const read = (name: string) => readFileSync(join(folder, "site", "assets", name));
const compressed = (names: readonly string[]) => names.reduce((sum, name) => sum + gzipSync(read(name)).length, 0);
let names: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-budget-"));
  await build(join(folder, "site"));
  names = readdirSync(join(folder, "site", "assets"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ending = (end: string) => names.filter((name) => name.endsWith(end));

/** Returns a file and the files that it imports at once, to any depth. Imports of other pages are calls and do not count. */
function withImports(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  const imports = read(name)
    .toString()
    .matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g);
  for (const [, imported] of imports) withImports(imported!, seen);
  return seen;
}

test("all JavaScript has at most 250 kB", () => {
  const bytes = compressed(ending(".js"));
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(LIMITS.allScript);
});

test.each(["gallery", "flows", "create"])("the JavaScript of the first view %s has at most 112 kB", (page) => {
  const html = readFileSync(join(folder, "site", "index.html"), "utf8");
  const files = new Set<string>();
  for (const [, entry] of html.matchAll(/<script[^>]* src="[^"]*assets\/([\w-]+\.js)"/g)) withImports(entry!, files);
  // Its name ends with eight characters of a hash. `create-text` is another file.
  withImports(names.find((name) => new RegExp(`^${page}-[\\w-]{8}\\.js$`).test(name))!, files);
  expect(files.size).toBeGreaterThan(2);
  const bytes = compressed([...files]);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes, [...files].join(" ")).toBeLessThan(LIMITS.firstScript);
});

test("styles, icons and the font stay small", () => {
  expect(compressed(ending(".css"))).toBeLessThan(LIMITS.style);
  expect(compressed(ending(".svg"))).toBeLessThan(LIMITS.icons);
  expect(compressed(ending(".woff2"))).toBeLessThan(LIMITS.font);
});
