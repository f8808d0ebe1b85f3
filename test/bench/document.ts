/** docs/performance.md and its pictures, as the results make them. */
import { existsSync, readFileSync } from "node:fs";
import { DRAW, type Drawn } from "./chart/draw.ts";
import { readResult } from "./result.ts";

const DOCS = new URL("../../docs/", import.meta.url);

/** Every file that follows from the results, by its address. A benchmark never run leaves its part as it is. */
export function rendered(): Map<string, string> {
  const page = new URL("performance.md", DOCS);
  const files = new Map<string, string>();
  let text = readFileSync(page, "utf8");
  for (const [name, draw] of Object.entries(DRAW) as [string, (found: unknown) => Drawn][]) {
    const found = readResult(name);
    if (!found) continue;
    const { svg, markdown } = draw(found);
    const picture = `performance/${name}.svg`;
    if (svg) files.set(new URL(picture, DOCS).pathname, svg);
    text = between(text, name, svg ? `![${name}](${picture})\n\n${markdown}` : markdown);
  }
  return files.set(page.pathname, text);
}

/** The files that are not as the results make them. */
export function stale(): string[] {
  const differs = ([file, text]: [string, string]) => !existsSync(file) || readFileSync(file, "utf8") !== text;
  return [...rendered()].filter(differs).map(([file]) => file);
}

function between(text: string, name: string, content: string): string {
  const marked = new RegExp(`(<!-- bench:${name} -->\n)[^]*?(<!-- /bench:${name} -->)`);
  if (!marked.test(text)) throw new Error(`docs/performance.md has lost the marks of ${name}`);
  return text.replace(marked, (_, open: string, close: string) => `${open}${content}\n${close}`);
}
