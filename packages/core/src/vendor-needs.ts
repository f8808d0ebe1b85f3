/**
 * What a flow needs of its vendor. mjflow checks it before anything is stored or paid, and before a root moves to another
 * vendor. A press that the vendor can never make would fail only after its parent was paid.
 */
import { canonicalButtonName, canonicalPress, expandPress, isUnsupportedName, tileNumberOf } from "./button.ts";
import type { RootAction } from "./flow.ts";
import type { ProviderCapabilities } from "./port.ts";

/** A node of a plan, as the app sent it or as it is stored. */
interface PlannedPress {
  press: string | readonly string[];
  then?: readonly PlannedPress[] | undefined;
}

export interface VendorNeeds {
  action: RootAction;
  /** The plan of the root; unset: none. */
  then?: readonly PlannedPress[] | undefined;
  /** Field of the first image that is a link, for example `base64Array[0]`; unset: no image is a link. */
  linkField?: string | undefined;
}

export type UnmetNeed =
  | { kind: "action" }
  | { kind: "links"; field: string }
  /** @property field path in the plan, for example `then[0].then[1].press` */
  | { kind: "press"; field: string; press: string };

type Capabilities = Pick<ProviderCapabilities, "rootActions" | "imageLinks" | "swapLinks" | "unsupportedPresses">;

/** Returns the first need that a vendor with these capabilities can never meet; undefined if it can meet all. */
export function findUnmetNeed({ action, then = [], linkField }: VendorNeeds, can: Capabilities): UnmetNeed | undefined {
  if (!can.rootActions.includes(action)) return { kind: "action" };
  const takesLinks = action === "swap-face" ? can.swapLinks : can.imageLinks;
  if (linkField !== undefined && !takesLinks) return { kind: "links", field: linkField };
  return findUnsupportedPress(then, can, action);
}

/**
 * Returns the first press of a plan that the vendor can never make.
 *
 * @param pressed press name of the task on which the plan starts, or the action of a root; unset: unknown
 * @param at field name of the plan
 */
export function findUnsupportedPress(
  then: readonly PlannedPress[],
  can: Pick<Capabilities, "unsupportedPresses">,
  pressed?: string,
  at = "then",
): Extract<UnmetNeed, { kind: "press" }> | undefined {
  const textResult = textResultOf(pressed);
  for (const [i, node] of then.entries()) {
    for (const press of [node.press].flat().flatMap(expandPress)) {
      const field = `${at}[${i}].press`;
      if (isUnsupported(press, can.unsupportedPresses, textResult)) return { kind: "press", field, press };
      const below = findUnsupportedPress(node.then ?? [], can, nameOf(press), `${at}[${i}].then`);
      if (below) return below;
    }
  }
  return undefined;
}

/** The buttons below a text result have no label but a number, so only their parent says what they are. */
function isUnsupported(press: string, unsupported: readonly string[], textResult: string | undefined): boolean {
  if (tileNumberOf(press) !== undefined) return false;
  return (
    isUnsupportedName(nameOf(press), unsupported) || (textResult !== undefined && unsupported.includes(textResult))
  );
}

function nameOf(press: string): string {
  return canonicalButtonName(press.trim()) ?? canonicalPress(press);
}

/** `describe` and `shorten` if the result is a text, whose buttons all belong to this action. */
function textResultOf(pressed: string | undefined): string | undefined {
  if (pressed === "describe" || pressed === "describe:retry") return "describe";
  return pressed === "shorten" ? "shorten" : undefined;
}
