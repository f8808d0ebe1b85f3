/** What the server makes of a new flow: its tasks, its price and its prompts. Pure. */
import type { FlowInput } from "@mjflow/client";
import { actionOfPress, TILE_ACTION } from "@mjflow/core/button";
import { MjflowError } from "@mjflow/core/error";
import { type Press, storedPlan } from "@mjflow/core/plan";
import { planMicroUsd } from "@mjflow/core/price";
import { expandPermutations } from "@mjflow/core/prompt";
import { type FlowForm, takesPrompt } from "./form.ts";
import type { Node } from "./tree.ts";

export interface Step extends Node {
  press: string | null;
  /** Expected action of the task, for example `UPSCALE`. */
  action: string;
  prompt: string | null;
  free: boolean;
}

export interface Preview {
  steps: Step[];
  /** Number of paid calls to the vendor, including the root. */
  paid: number;
  usd: number;
  /** Error that the server would return; undefined if the plan is valid. */
  problem: { field: string | undefined; detail: string } | undefined;
}

/** Returns the tree that the server would create. It uses the server's own code (`storedPlan`). */
export function preview(input: FlowInput): Preview {
  const action = (input.action ?? "imagine").toUpperCase();
  const root: Step = { id: "0", parentId: null, press: null, action, prompt: input.prompt ?? null, free: false };
  let stored: Press[] = [];
  let problem: Preview["problem"];
  try {
    stored = storedPlan(input.then ?? [], { ref: "", images: [] });
  } catch (error) {
    if (!(error instanceof MjflowError)) throw error;
    problem = { field: error.field, detail: error.message };
  }
  const steps = [root, ...stepsOf(stored, root.id)];
  const pace = action === "VIDEO" ? "video" : (input.mode ?? "fast");
  const usd = planMicroUsd({ action, pace }, stored) / 1e6;
  return { steps, paid: steps.filter(({ free }) => !free).length, usd, problem };
}

/**
 * Number of prompts that the groups in braces stand for, as in `a {red, blue} boat`. The page makes one flow of each, because a
 * vendor may read braces as text.
 */
export function promptsOf({ action, prompt }: FlowForm): { count: number; problem?: Preview["problem"] } {
  if (!takesPrompt(action) || !prompt.includes("{")) return { count: 1 };
  try {
    return { count: expandPermutations(prompt).length };
  } catch (error) {
    if (!(error instanceof MjflowError)) throw error;
    return { count: 1, problem: { field: error.field, detail: error.message } };
  }
}

function stepsOf(plan: readonly Press[], parentId: string): Step[] {
  return plan.flatMap(({ press, modal, then }, i) => {
    const id = `${parentId}-${i}`;
    const action = actionOfPress(press);
    const step = { id, parentId, press, action, prompt: modal?.prompt ?? null, free: action === TILE_ACTION };
    return [step, ...stepsOf(then ?? [], id)];
  });
}
