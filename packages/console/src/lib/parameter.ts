/**
 * Help for Midjourney's prompt parameters (docs.midjourney.com, Parameter List). The vendor decides which parameters a
 * model supports; the console rejects none.
 */
import type { CreateTexts } from "../text/en-create.ts";

export interface Parameter {
  name: keyof CreateTexts["parameters"];
  /** Text that is added to the prompt. */
  example: string;
}

export const PARAMETERS: readonly Parameter[] = [
  { name: "--ar", example: "--ar 16:9" },
  { name: "--v", example: "--v 7" },
  { name: "--niji", example: "--niji 6" },
  {
    name: "--stylize",
    example: "--stylize 250",
  },
  { name: "--chaos", example: "--chaos 20" },
  { name: "--weird", example: "--weird 250" },
  { name: "--no", example: "--no text" },
  { name: "--seed", example: "--seed 1234" },
  { name: "--quality", example: "--quality 2" },
  { name: "--raw", example: "--raw" },
  { name: "--tile", example: "--tile" },
  { name: "--iw", example: "--iw 1.5" },
  { name: "--sref", example: "--sref https://" },
  { name: "--oref", example: "--oref https://" },
];

/** Adds the parameter at the end of the prompt and removes an earlier use of the same parameter. */
export function withParameter(prompt: string, { name, example }: { name: string; example: string }): string {
  const without = withoutParameter(prompt, name);
  return without === "" ? example : `${without} ${example}`;
}

export function withoutParameter(prompt: string, name: string): string {
  return prompt.replace(use(name), "").trimEnd();
}

/** Sets the value of a parameter in its place, or at the end of the prompt. */
export function withValue(prompt: string, name: string, value: string): string {
  if (parameterOf(prompt, name) === undefined) return withParameter(prompt, { name, example: `${name} ${value}` });
  return prompt.replace(use(name), ` ${name} ${value}`).trimStart();
}

/** Adds links to the values of a parameter, which may have some already. */
export function withLinks(prompt: string, name: string, links: readonly string[]): string {
  if (links.length === 0) return prompt;
  const text = links.join(" ");
  const values = new RegExp(`(^|\\s)${name}(?:\\s+(?!--)\\S+)*(?=\\s|$)`);
  const found = values.exec(prompt);
  if (!found) return `${prompt.trimEnd()} ${name} ${text}`.trimStart();
  const end = found.index + found[0].length;
  return `${prompt.slice(0, end)} ${text}${prompt.slice(end)}`;
}

/** Returns the value of a parameter in the prompt; an empty text if it has none; undefined if the prompt does not have it. */
export function parameterOf(prompt: string, name: string): string | undefined {
  return use(name).exec(prompt)?.[1]?.trim() ?? (use(name).test(prompt) ? "" : undefined);
}

/** Returns the words of a prompt and its parameters, which Midjourney takes only at the end: `--ar 3:2`, `--no text, people`. */
export function promptParts(prompt: string): { words: string; parameters: string[] } {
  const [words = "", ...parameters] = ` ${prompt.trim()}`.split(/(?<!\s)\s+(?=--\p{L})/u);
  return { words: words.trim(), parameters };
}

/** Other names of the same parameter. */
const ALIASES: Readonly<Record<string, string>> = {
  "--ar": "--ar|--aspect",
  "--v": "--v|--version",
  "--stylize": "--stylize|--s",
};

function use(name: string): RegExp {
  return new RegExp(`(?:^|(?<!\\s)\\s+)(?:${ALIASES[name] ?? name})(?=\\s|$)(\\s+(?!--)\\S+)?`, "g");
}
