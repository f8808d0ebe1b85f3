/** Renders docs/performance.md and its charts from the results. */
import { existsSync, readFileSync } from "node:fs";
import { DRAW, type Drawn } from "./chart/draw.ts";
import { readResult } from "./result.ts";

const DOCS = new URL("../../docs/", import.meta.url);

/** All generated files by path. The part of a benchmark without results stays unchanged. */
export function rendered(): Map<string, string> {
  const page = new URL("performance.md", DOCS);
  const files = new Map<string, string>();
  let text = readFileSync(page, "utf8");
  for (const [name, draw] of Object.entries(DRAW) as [string, (found: unknown) => Drawn][]) {
    const found = readResult(name);
    if (!found) continue;
    const { svg, markdown } = draw(found);
    const chart = `performance/${name}.svg`;
    if (svg) files.set(new URL(chart, DOCS).pathname, svg);
    text = between(text, name, svg ? `![${name}](${chart})\n\n${markdown}` : markdown);
  }
  return files.set(page.pathname, text);
}

/** Paths of the files that do not match the results. */
export function stale(): string[] {
  const differs = ([file, text]: [string, string]) => !existsSync(file) || readFileSync(file, "utf8") !== text;
  return [...rendered()].filter(differs).map(([file]) => file);
}

function between(text: string, name: string, content: string): string {
  const marked = new RegExp(`(<!-- bench:${name} -->\n)[^]*?(<!-- /bench:${name} -->)`);
  if (!marked.test(text)) throw new Error(`docs/performance.md does not have the marks of bench:${name}`);
  return text.replace(marked, (_, open: string, close: string) => `${open}${content}\n${close}`);
}
