/**
 * A plan: which buttons to press on a task once it has succeeded, and on what comes of that, to any depth.
 *
 * What an app sends (`PlanInput`) may press a list at once and may carry masks; what is stored (`Press`) is one button
 * per node, with masks left in the bucket. A node's place in its list is its child's place in the lineage (id.ts), so a
 * stored plan never changes.
 */
import { canonicalPress, expandPress } from "./button.ts";
import { MjflowError } from "./error.ts";
import { REQUEST } from "./limit.ts";
import type { PlanInput } from "./request.ts";

/** What answers a task that opens a window (MODAL). */
export interface ModalAnswer {
  prompt?: string;
  mask?: MaskRef;
}

/** Where a mask is kept: `Inputs.masks[index]` of the inputs stored under `ref`. */
export interface MaskRef {
  ref: string;
  index: number;
}

/** Masks parted from a plan, to be stored under `ref`. */
export interface Masks {
  ref: string;
  images: string[];
}

export interface Press {
  /** As the app wrote it: a label or a name of our vocabulary. */
  press: string;
  modal?: ModalAnswer;
  then?: Press[];
}

/**
 * The stored form of a plan. Masks are moved to `masks`, in the order found.
 *
 * @throws MjflowError invalid_request, naming the node: an empty or doubled press, too many presses, too deep.
 */
export function storedPlan(input: readonly PlanInput[], masks: Masks, at = "then"): Press[] {
  const plan = checkLevel(input, masks, at, 1, { presses: 0 });
  if (new TextEncoder().encode(JSON.stringify(plan)).length > REQUEST.planBytes) {
    throw new MjflowError("invalid_request", { field: at, detail: `A plan is at most ${REQUEST.planBytes} bytes.` });
  }
  return plan;
}

function checkLevel(
  input: readonly PlanInput[],
  masks: Masks,
  at: string,
  depth: number,
  budget: PressBudget,
): Press[] {
  if (depth > REQUEST.planDepth) {
    throw new MjflowError("invalid_request", { field: at, detail: `A plan is at most ${REQUEST.planDepth} deep.` });
  }
  const seen = new Set<string>();
  return input.flatMap((node, i) => {
    const modal = storedModal(node, masks);
    const presses = [node.press].flat().flatMap(expandPress);
    return presses.map((press) => {
      const field = `${at}[${i}].press`;
      const canonical = canonicalPress(press);
      // P4 holds per plan: a button that stands twice would be pressed, and paid, twice.
      if (seen.has(canonical)) {
        throw new MjflowError("invalid_request", { field, detail: `"${press}" is pressed twice on the same task.` });
      }
      seen.add(canonical);
      if (++budget.presses > REQUEST.planPresses) {
        throw new MjflowError("invalid_request", { field: at, detail: `At most ${REQUEST.planPresses} presses.` });
      }
      const then = node.then && checkLevel(node.then, masks, `${at}[${i}].then`, depth + 1, budget);
      return { press, ...(modal && { modal }), ...(then?.length && { then }) };
    });
  });
}

interface PressBudget {
  presses: number;
}

/** What answers a window, its mask moved to `masks`; undefined when nothing was given. */
export function storedModal(input: Pick<PlanInput, "modal" | "prompt">, masks: Masks): ModalAnswer | undefined {
  const prompt = input.modal?.prompt ?? input.prompt;
  const mask = input.modal?.maskBase64;
  if (!input.modal && prompt === undefined) return undefined;
  const index = mask === undefined ? 0 : masks.images.push(mask) - 1;
  return { ...(prompt !== undefined && { prompt }), ...(mask !== undefined && { mask: { ref: masks.ref, index } }) };
}

/** How many paid tasks a plan can start at most, the root not counted. */
export function countPresses(plan: readonly Press[] | undefined): number {
  return (plan ?? []).reduce((sum, node) => sum + 1 + countPresses(node.then), 0);
}
