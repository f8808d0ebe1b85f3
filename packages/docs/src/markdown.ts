/** Markdown for generated pages. */
import type { Type } from "../../../functions/http/openapi/document-model.ts";

/** Text with `code` and **strong**, safe in a page that Vue compiles: no tag, and no expression in braces. */
export function prose(text: string): string {
  return text
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll("<", "&lt;").replaceAll("{{", "&#123;&#123;")))
    .join("");
}

/** Text in a cell of a table. */
export function cell(text: string): string {
  return prose(text).replaceAll("\n", " ").replaceAll("|", "\\|");
}

export function code(text: string): string {
  return `\`${text}\``;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

export function json(value: unknown): string {
  return fence("json", JSON.stringify(value, undefined, 2));
}

/** The text of a type. Names of schemas are links. */
export function typeText(type: Type): string {
  return type
    .map(({ text, ref }) =>
      ref === undefined ? text.replaceAll("<", "&lt;") : `[${text}](/reference/schemas#${ref.toLowerCase()})`,
    )
    .join("")
    .replaceAll("|", "\\|")
    .replaceAll("[]", "\\[\\]");
}

/** The anchor of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}
