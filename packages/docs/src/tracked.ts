/** Documents without a place in the menu: decisions, READMEs of packages and examples. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** @returns path in the repository → path in the site */
export function otherPages(root: string): Map<string, string> {
  const pages = new Map<string, string>();
  for (const name of readdirSync(join(root, "docs/decisions"))) {
    if (name.endsWith(".md")) pages.set(`docs/decisions/${name}`, `decisions/${name.slice(0, -".md".length)}`);
  }
  for (const folder of ["packages", "examples"]) {
    for (const name of readdirSync(join(root, folder))) {
      const file = `${folder}/${name}/README.md`;
      if (existsSync(join(root, file))) pages.set(file, `${folder}/${name}`);
    }
  }
  for (const file of ["functions/http/openapi/README.md", "packages/local/src/engine/README.md"]) {
    if (existsSync(join(root, file))) pages.set(file, file.replace(/\/README\.md$/, ""));
  }
  return pages;
}
