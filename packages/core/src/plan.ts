/**
 * A plan: the tree of presses that a flow carries out on a successful task, and then on the tasks that result.
 *
 * An app's plan (`PlanInput`) can press a list of buttons in one node and can contain masks. A stored plan (`Press`)
 * has one button per node, and its masks are in the bucket. The index of a node in its list becomes the last path
 * segment of the child task (id.ts). Therefore a stored plan never changes.
 */
import { canonicalPress, expandPress, modalKindOfPress } from "./button.ts";
import { MjflowError } from "./error.ts";
import { REQUEST } from "./limit.ts";
import type { PlanInput } from "./request.ts";

/** The answer for a task with an open modal (status MODAL). */
export interface ModalAnswer {
  prompt?: string;
  /** The prompt of the app, before its translation. Unset: `prompt` is that of the app. */
  originalPrompt?: string;
  mask?: MaskRef;
}

/** Reference of a stored mask: `Inputs.masks[index]` of the inputs stored under `ref`. */
export interface MaskRef {
  ref: string;
  index: number;
}

/** Masks that were separated from a plan, to be stored under `ref`. */
export interface Masks {
  ref: string;
  images: string[];
}

export interface Press {
  /** The press as the app wrote it: a button label or a press name (button.ts). */
  press: string;
  modal?: ModalAnswer;
  then?: Press[];
}

/**
 * Returns the stored form of a plan. Appends its masks to `masks`, in the order found.
 *
 * @param at field name of the plan, for error messages
 * @throws MjflowError `invalid_request` with the field, if a press is repeated on the same task, has a prompt that its
 *   button never takes, or the plan has too many presses, levels or bytes
 */
export function storedPlan(input: readonly PlanInput[], masks: Masks, at = "then"): Press[] {
  const plan = storedLevel(input, masks, at, 1, { presses: 0 });
  assertPlanSize(plan, at);
  return plan;
}

/** @throws MjflowError `invalid_request` with the field of the plan */
export function assertPlanSize(plan: readonly Press[], at: string): void {
  if (new TextEncoder().encode(JSON.stringify(plan)).length <= REQUEST.planBytes) return;
  throw new MjflowError("invalid_request", {
    field: at,
    detail: `The plan is larger than ${REQUEST.planBytes} bytes.`,
  });
}

function storedLevel(
  input: readonly PlanInput[],
  masks: Masks,
  at: string,
  depth: number,
  budget: PressBudget,
): Press[] {
  if (depth > REQUEST.planDepth) {
    throw new MjflowError("invalid_request", {
      field: at,
      detail: `The plan is more than ${REQUEST.planDepth} levels deep.`,
    });
  }
  const seen = new Set<string>();
  return input.flatMap((node, i) => {
    const modal = storedModal(node, masks);
    const presses = [node.press].flat().flatMap(expandPress);
    return presses.map((press) => {
      const field = `${at}[${i}].press`;
      const canonical = canonicalPress(press);
      // P4 applies per task: a button that is listed twice would be pressed and paid twice.
      if (seen.has(canonical)) {
        throw new MjflowError("invalid_request", {
          field,
          detail: `The plan presses "${press}" twice on the same task.`,
        });
      }
      seen.add(canonical);
      if (modal && modalKindOfPress(press) === "never")
        throw promptNotTaken(`${at}[${i}].${fieldOfModal(node)}`, press);
      if (++budget.presses > REQUEST.planPresses) {
        throw new MjflowError("invalid_request", {
          field: at,
          detail: `The plan has more than ${REQUEST.planPresses} presses.`,
        });
      }
      const then = node.then && storedLevel(node.then, masks, `${at}[${i}].then`, depth + 1, budget);
      return { press, ...(modal && { modal }), ...(then?.length && { then }) };
    });
  });
}

/** Error of a prompt or mask for a button that never opens a modal. Without this error it would be ignored in silence. */
export function promptNotTaken(field: string, press: string): MjflowError {
  return new MjflowError("invalid_request", {
    field,
    detail: `${field}: "${press}" never opens a modal, so the vendor would ignore it. Remove it.`,
  });
}

/** Returns the field in which an app wrote its modal answer. */
export function fieldOfModal({ modal }: Pick<PlanInput, "modal">): "modal" | "prompt" {
  return modal ? "modal" : "prompt";
}

interface PressBudget {
  /** Presses counted so far, over all levels. */
  presses: number;
}

/** Returns the stored modal answer and appends its mask to `masks`. Returns undefined if the app gave no answer. */
export function storedModal(input: Pick<PlanInput, "modal" | "prompt">, masks: Masks): ModalAnswer | undefined {
  const prompt = input.modal?.prompt ?? input.prompt;
  const mask = input.modal?.maskBase64;
  if (!input.modal && prompt === undefined) return undefined;
  const index = mask === undefined ? 0 : masks.images.push(mask) - 1;
  return { ...(prompt !== undefined && { prompt }), ...(mask !== undefined && { mask: { ref: masks.ref, index } }) };
}

/** Returns the maximum number of paid tasks that a plan can start, without the root. */
export function countPresses(plan: readonly Press[] | undefined): number {
  return (plan ?? []).reduce((sum, node) => sum + 1 + countPresses(node.then), 0);
}
