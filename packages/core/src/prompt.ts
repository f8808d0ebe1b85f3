/**
 * Reads the parameters of a prompt that change its price: the mode flags, `--repeat` and permutations such as `{a, b}`.
 * Midjourney decides what they mean. mjflow estimates with them, and expands permutations only if the app asks for it.
 */
import { MjflowError } from "./error.ts";
import type { Mode } from "./flow.ts";

/** Midjourney makes at most 40 tasks of one prompt. */
export const MAX_TASKS_OF_PROMPT = 40;

/** Midjourney reads one long dash like two hyphens, because keyboards replace them. */
const MODE_FLAG = /(?:^|\s)(?:--|—|–)(turbo|fast|relax)(?=\s|$)/gi;
const REPEAT = /(?:^|\s)(?:--|—|–)(?:repeat|r)\s+(\d{1,4})(?=\s|$)/gi;

/** Returns the mode that the prompt itself asks for; the last flag counts. Undefined: none. */
export function modeFlagOf(prompt: string | undefined): Mode | undefined {
  const last = [...(prompt ?? "").matchAll(MODE_FLAG)].at(-1);
  return last?.[1]?.toLowerCase() as Mode | undefined;
}

/** Returns how many tasks Midjourney makes of the prompt, 1 to `MAX_TASKS_OF_PROMPT`. */
export function taskCountOf(prompt: string | undefined): number {
  const text = prompt ?? "";
  const repeats = Number([...text.matchAll(REPEAT)].at(-1)?.[1] ?? 1);
  return Math.min(MAX_TASKS_OF_PROMPT, Math.max(1, repeats) * countPermutations(text));
}

/** The number of prompts that the groups in braces stand for. Groups can be nested; a comma after a backslash is text. */
function countPermutations(text: string): number {
  // Each open group: the sum of its finished options, and the product of the option that is being read.
  const open: { sum: number; product: number }[] = [];
  let product = 1;
  for (let i = 0; i < text.length && product < MAX_TASKS_OF_PROMPT; i++) {
    const character = text[i];
    const group = open.at(-1);
    if (character === "\\") i++;
    else if (character === "{") open.push({ sum: 0, product: 1 });
    else if (character === "," && group) {
      group.sum += group.product;
      group.product = 1;
    } else if (character === "}" && group) {
      open.pop();
      const options = group.sum + group.product;
      const outer = open.at(-1);
      if (outer) outer.product *= options;
      else product *= options;
    }
  }
  return product;
}

/** A group that is being read. `finished`: its options before the last comma. `current`: the option that is being read. */
interface OpenGroup {
  finished: string[];
  current: string[];
}

/**
 * Returns the prompts that the groups in braces stand for, as Midjourney documents it. Groups can be nested. A comma or brace
 * after a backslash is text. The backslash of such a comma is removed, because it has no meaning outside of a group. The
 * backslash of a brace stays, because Midjourney reads the prompt again. Spaces around an option are removed.
 *
 * @throws MjflowError `invalid_request` with the field `prompt`, if a group has no end or there are more than
 *   `MAX_TASKS_OF_PROMPT` prompts
 */
export function expandPermutations(text: string): string[] {
  const open: OpenGroup[] = [{ finished: [], current: [""] }];
  // A run of other characters is one token.
  for (const [token] of text.matchAll(/\\[\s\S]|[{},]|[^\\{},]+|\\/g)) {
    const group = open.at(-1)!;
    const isInGroup = open.length > 1;
    if (token === "{") open.push({ finished: [], current: [""] });
    else if (token === "," && isInGroup) {
      group.finished.push(...group.current);
      group.current = [""];
    } else if (token === "}" && isInGroup) {
      open.pop();
      const options = [...group.finished, ...group.current].map((option) => option.trim());
      const outer = open.at(-1)!;
      outer.current = outer.current.flatMap((start) => options.map((option) => start + option));
    } else {
      const added = token === "\\," && isInGroup ? "," : token;
      group.current = group.current.map((start) => start + added);
    }
    const { finished, current } = open.at(-1)!;
    if (finished.length + current.length > MAX_TASKS_OF_PROMPT) {
      throw promptError(`stands for more than ${MAX_TASKS_OF_PROMPT} prompts; use fewer options`);
    }
  }
  if (open.length > 1) throw promptError('has a "{" without its "}"; write "\\{" for the character itself');
  return open[0]!.current;
}

function promptError(problem: string): MjflowError {
  return new MjflowError("invalid_request", { field: "prompt", detail: `prompt: ${problem}.` });
}
