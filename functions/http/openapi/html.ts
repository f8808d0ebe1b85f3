/**
 * Builds HTML. Text is escaped unless it is `Html` already. Prose can contain the few Markdown forms that the document
 * uses.
 */

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** A template tag that returns `Html` and escapes the inserted texts. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(pieces.map((piece, i) => piece + (i < parts.length ? textOf(parts[i]) : "")).join(""));
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === undefined || part === false) return "";
  return Array.isArray(part) ? part.map(textOf).join("") : escaped(String(part));
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Converts Markdown with paragraphs and fenced code to HTML. */
export function prose(markdown: string): Html[] {
  return markdown.split(/^(```\w*\n[\s\S]*?\n```)$/m).flatMap((block) => {
    const code = /^```\w*\n([\s\S]*?)\n```$/.exec(block)?.[1];
    if (code !== undefined) return html`<pre><code>${code}</code></pre>`;
    const paragraphs = block.split(/\n{2,}/).filter((text) => text.trim() !== "");
    return paragraphs.map((text) => html`<p>${inline(text)}</p>`);
  });
}

/** Converts `code` and **strong** within a paragraph to HTML. */
export function inline(markdown: string): Html[] {
  return markdown.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith("`")) return html`<code>${part.slice(1, -1)}</code>`;
    return part.startsWith("**") ? html`<strong>${part.slice(2, -2)}</strong>` : html`${part}`;
  });
}
