/** The texts of describe and shorten: several prompts in one text. Pure. */

/** A numbered prompt: `1. …`, `1) …` or Midjourney's keycap `1️⃣ …`. */
const NUMBERED = /^\s*(?:[1-9][.)]|[1-9]\uFE0F?\u20E3)\s*/u;

/** Returns the numbered prompts, without Markdown, and the text before them. A text without numbers is one prompt. */
export function promptsOf(text: string): { intro: string; prompts: string[] } {
  const lines = text.split(/\r?\n/);
  const first = lines.findIndex((line) => NUMBERED.test(line));
  if (first < 0) return { intro: "", prompts: [withoutMarkdown(text)].filter(Boolean) };
  const prompts: string[] = [];
  for (const line of lines.slice(first)) {
    if (NUMBERED.test(line)) prompts.push(line.replace(NUMBERED, ""));
    else if (line.trim() !== "") prompts[prompts.length - 1] += ` ${line.trim()}`;
  }
  return {
    intro: withoutMarkdown(lines.slice(0, first).join("\n")),
    prompts: [...new Set(prompts.map(withoutMarkdown).filter(Boolean))],
  };
}

function withoutMarkdown(text: string): string {
  return text
    .replaceAll(/^#+\s*/gm, "")
    .replaceAll(/\*\*(.*?)\*\*/g, "$1")
    .replaceAll(/~~(.*?)~~/g, "$1")
    .replaceAll(/\[([^[\]\n]*)\]\(https?:[^)[]*\)/g, "$1")
    .trim();
}
