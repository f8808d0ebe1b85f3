/**
 * Parses `--then`, the short form of a plan as a path of presses.
 *
 *     upscale:all            presses U1, U2, U3 and U4
 *     U2>zoom:2              presses U2, then zoom:2 on its result
 *     U1,U2>zoom:2           presses U1 and U2, then zoom:2 on each result
 *     V2="a boat at night"   presses V2 with a prompt as the modal answer
 *
 * Several `--then` options form one plan. Equal presses at the start of two paths are pressed once, so `upscale:all`
 * and `U2>zoom:2` can be combined. Pure.
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

/** @throws UsageError that names the invalid path */
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
        throw new UsageError(`--then '${path}': ${press} is pressed once and cannot have two prompts.`, "imagine");
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
      throw new UsageError(`--then '${path}': a press is missing. Example: --then 'U2>zoom:2'`, "imagine");
    }
    return { presses, ...(prompt.length > 0 && { prompt: unquoted(prompt.join("=").trim()) }) };
  });
}

/** Splits the text at each `mark` outside double quotes. */
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
