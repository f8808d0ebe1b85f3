/**
 * `--then`: a path of presses, as short as it can be typed.
 *
 *     upscale:all            the four of them
 *     U2>zoom:2              U2, and zoom out of what comes of it
 *     U1,U2>zoom:2           both, each zoomed out of
 *     V2="a boat at night"   a press with the prompt that answers its window
 *
 * Several are one plan: what begins alike is pressed once, so `upscale:all` and `U2>zoom:2` go together. Pure.
 */
import type { PlanInput } from "@mjflow/client";
import { canonicalPress, expandPress } from "@mjflow/core/button";
import { UsageError } from "./usage-error.ts";

interface Step {
  presses: string[];
  prompt?: string;
}

interface Node {
  press: string;
  prompt?: string;
  then: Map<string, Node>;
}

/** @throws UsageError naming the path at fault */
export function parseThen(paths: readonly string[]): PlanInput[] {
  const root = new Map<string, Node>();
  for (const path of paths) add(root, stepsOf(path), path);
  return planOf(root);
}

function add(level: Map<string, Node>, [step, ...rest]: readonly Step[], path: string): void {
  if (!step) return;
  for (const press of step.presses.flatMap(expandPress)) {
    const key = canonicalPress(press);
    const node: Node = level.get(key) ?? { press, then: new Map() };
    level.set(key, node);
    if (step.prompt !== undefined) {
      if (node.prompt !== undefined && node.prompt !== step.prompt) {
        throw new UsageError(`--then '${path}': ${press} is pressed once, and cannot have two prompts.`, "imagine");
      }
      node.prompt = step.prompt;
    }
    add(node.then, rest, path);
  }
}

function planOf(level: Map<string, Node>): PlanInput[] {
  return [...level.values()].map(({ press, prompt, then }) => ({
    press,
    ...(prompt !== undefined && { prompt }),
    ...(then.size > 0 && { then: planOf(then) }),
  }));
}

function stepsOf(path: string): Step[] {
  return split(path, ">").map((text) => {
    const [names = "", ...prompt] = split(text, "=");
    const presses = split(names, ",").map((name) => name.trim());
    if (presses.some((name) => name === "")) {
      throw new UsageError(`--then '${path}': a press is missing. Like this: --then 'U2>zoom:2'`, "imagine");
    }
    return { presses, ...(prompt.length > 0 && { prompt: unquoted(prompt.join("=").trim()) }) };
  });
}

/** At each `mark` that stands in no double quotes. */
function split(text: string, mark: string): string[] {
  const parts = [""];
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\" && isQuoted) parts[parts.length - 1] += char + (text[++i] ?? "");
    else if (char === mark && !isQuoted) parts.push("");
    else {
      if (char === '"') isQuoted = !isQuoted;
      parts[parts.length - 1] += char;
    }
  }
  return parts;
}

function unquoted(text: string): string {
  const inner = /^"((?:[^"\\]|\\.)*)"$/s.exec(text)?.[1];
  return inner === undefined ? text : inner.replace(/\\(.)/gs, "$1");
}
