/**
 * Which parts of a prompt are translated: its words. Image links, parameters (`--ar 3:2`), weights (`::2`) and the groups of
 * permutations (`{a, b}`) have a meaning for Midjourney and for the price, so they stay as they are. Each piece of text between
 * them is translated on its own. So no translation can change them, whatever a translator returns.
 */
import { REQUEST } from "./limit.ts";
import { assertPlanSize, type ModalAnswer, type Press } from "./plan.ts";

/** Text between two marks, or a mark: something that is not translated. */
export interface PromptPart {
  kind: "text" | "mark";
  value: string;
  /** True inside braces, where a comma separates two options. */
  inGroup: boolean;
}

/** Midjourney reads one long dash like two hyphens (prompt.ts). Everything after the first parameter belongs to parameters. */
const PARAMETERS = /(?:^|\s)(?:--|—|–)[a-z]/i;
const LINK = /https?:\/\/[^\s{}]+/iy;
const LINK_IN_GROUP = /https?:\/\/[^\s{},]+/iy;
/** A character after a backslash, a weight, or two hyphens with what is joined to them. */
const MARK = /\\[\s\S]|\\$|::-?\d*(?:\.\d+)?|-{2,}[^\s{},]*|[—–](?=[a-z])[^\s{},]*|[{}]/iy;

/** Splits a prompt. The values of the parts together are the prompt. */
export function promptParts(prompt: string): PromptPart[] {
  const end = PARAMETERS.exec(prompt)?.index ?? prompt.length;
  const parts: PromptPart[] = [];
  const push = (kind: PromptPart["kind"], value: string, inGroup: boolean) => {
    const last = parts.at(-1);
    if (kind === "text" && last?.kind === "text") last.value += value;
    else parts.push({ kind, value, inGroup });
  };
  const body = prompt.slice(0, end);
  let depth = 0;
  for (let at = 0; at < body.length; ) {
    const inGroup = depth > 0;
    const mark = matchAt(inGroup ? LINK_IN_GROUP : LINK, body, at) ?? matchAt(MARK, body, at);
    if (mark !== undefined) {
      if (mark === "{") depth++;
      else if (mark === "}" && inGroup) depth--;
      push("mark", mark, inGroup);
      at += mark.length;
      continue;
    }
    const character = body[at]!;
    push(character === "," && inGroup ? "mark" : "text", character, inGroup);
    at++;
  }
  if (end < prompt.length) push("mark", prompt.slice(end), false);
  return parts;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** Returns the texts of a prompt that can be translated, in their order. Empty: it has no words. */
export function textsIn(parts: readonly PromptPart[]): string[] {
  return parts.filter(hasWords).map(({ value }) => value.trim());
}

function hasWords({ kind, value }: PromptPart): boolean {
  return kind === "text" && /\p{L}/u.test(value);
}

/**
 * Returns the prompt with translated texts.
 *
 * @param translations one for each text of `textsIn`; they come from outside and can be anything
 * @returns undefined if the translations cannot be used: their number is wrong, one is empty or has a parameter, weight, brace or
 *   link, or the prompt is too long
 */
export function joinTranslations(parts: readonly PromptPart[], translations: readonly unknown[]): string | undefined {
  if (translations.length !== parts.filter(hasWords).length) return undefined;
  const left = [...translations];
  let prompt = "";
  for (const [i, part] of parts.entries()) {
    if (!hasWords(part)) {
      prompt += part.value;
      continue;
    }
    const translation = left.shift();
    const isUnchanged = translation === part.value.trim();
    const text = isUnchanged ? "" : usableText(translation, part);
    if (text === undefined) return undefined;
    prompt += isUnchanged ? part.value : withSpaces(part, text, parts[i - 1], parts[i + 1]);
  }
  return prompt.length <= REQUEST.promptBytes ? prompt : undefined;
}

function usableText(translation: unknown, { inGroup }: PromptPart): string | undefined {
  if (typeof translation !== "string" || !translation.isWellFormed()) return undefined;
  // A long dash before a word would be a parameter.
  const text = translation
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replace(/[—–―]/g, "-")
    .trim();
  if (text === "" || /--|::|[{}\\]|https?:\/\//i.test(text)) return undefined;
  return inGroup ? text.replaceAll(",", "\\,") : text;
}

/**
 * Keeps the spaces of the original text. Scripts such as Chinese have none: without a space, a word would be joined to a link or
 * to an option, and a number would become a weight.
 */
function withSpaces(part: PromptPart, text: string, before?: PromptPart, after?: PromptPart): string {
  const { value } = part;
  const spacesBefore = value.slice(0, value.length - value.trimStart().length);
  const spacesAfter = value.slice(value.trimEnd().length);
  const start = spacesBefore || (/^(?:\}|::|https?:)/i.test(before?.value ?? "") ? " " : "");
  const end = spacesAfter || (/^(?:\{|https?:)/i.test(after?.value ?? "") ? " " : "");
  return start + text + end;
}

/** Returns a stored modal answer with its translated prompt. */
export function translatedModal<T extends ModalAnswer | undefined>(
  modal: T,
  translations: ReadonlyMap<string, string>,
): T {
  const prompt = modal?.prompt === undefined ? undefined : translations.get(modal.prompt);
  return prompt === undefined ? modal : { ...modal, prompt, originalPrompt: modal!.prompt };
}

/**
 * Returns a stored plan with its translated prompts.
 * @throws MjflowError `invalid_request` with the field `then` if the plan is too large with both prompts
 */
export function translatedPlan(plan: readonly Press[], translations: ReadonlyMap<string, string>): Press[] {
  const translated = (press: Press): Press => ({
    ...press,
    ...(press.modal && { modal: translatedModal(press.modal, translations) }),
    ...(press.then && { then: press.then.map(translated) }),
  });
  const all = plan.map(translated);
  assertPlanSize(all, "then");
  return all;
}
