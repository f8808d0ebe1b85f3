/** Plans of templates: their steps as drafts of the plan editor, and in short as text. Pure. */
import type { PlanInput } from "@mjflow/client";
import type { Draft } from "./form.ts";
import { pressLabel } from "./press.ts";

/** Names are part of a URL. */
export const TEMPLATE_NAME = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,59}";

function pressesOf({ press }: PlanInput): readonly string[] {
  return typeof press === "string" ? [press] : press;
}

/** Returns the steps as drafts. A step with several presses is several drafts, each with everything below it. */
export function draftsOf(then: readonly PlanInput[], newKey: () => string): Draft[] {
  return then.flatMap((step) =>
    pressesOf(step).map((press) => ({
      key: newKey(),
      press,
      prompt: step.prompt ?? step.modal?.prompt ?? "",
      ...(step.modal?.maskBase64 !== undefined && { maskBase64: step.modal.maskBase64 }),
      then: draftsOf(step.then ?? [], newKey),
    })),
  );
}

/** Number of tasks that the plan makes. */
export function countSteps(then: readonly PlanInput[]): number {
  return then.reduce((sum, step) => sum + pressesOf(step).length * (1 + countSteps(step.then ?? [])), 0);
}

/** The plan in one line: `U1, U2 → Zoom out 2×`. */
export function planText(then: readonly PlanInput[]): string {
  return then
    .map((step) => {
      const names = pressesOf(step).map(pressLabel).join(", ");
      return step.then && step.then.length > 0 ? `${names} → (${planText(step.then)})` : names;
    })
    .join(", ");
}
