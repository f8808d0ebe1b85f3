/**
 * What a flow needs of its vendor. mjflow checks it before anything is stored or paid, and before a root moves to another
 * vendor. A press that the vendor can never make would fail only after its parent was paid.
 */
import {
  actionOf,
  canonicalButtonName,
  canonicalPress,
  expandPress,
  isUnsupportedName,
  tileNumberOf,
  videoNameOf,
} from "./button.ts";
import type { Mode, RootAction } from "./flow.ts";
import type { ProviderCapabilities } from "./port.ts";
import type { OptionalField } from "./root-action.ts";

/** A node of a plan, as the app sent it or as it is stored. */
interface PlannedPress {
  press: string | readonly string[];
  prompt?: unknown;
  modal?: unknown;
  then?: readonly PlannedPress[] | undefined;
}

export interface VendorNeeds {
  action: RootAction;
  /** The plan of the root; unset: none. */
  then?: readonly PlannedPress[] | undefined;
  /** Field of the first image that is a link, for example `base64Array[0]`; unset: no image is a link. */
  linkField?: string | undefined;
  /** Field of the first image that is a data URI; unset: none. */
  dataField?: string | undefined;
  /** Speed of the request; unset: the vendor's default. */
  mode?: Mode | undefined;
  /** Fields of the request that not every vendor supports; unset: none. */
  optionalFields?: readonly OptionalField[] | undefined;
  /** True if the request has a prompt. */
  hasPrompt?: boolean;
}

export type UnmetNeed =
  | { kind: "action" }
  | { kind: "links"; field: string }
  | { kind: "data"; field: string }
  | { kind: "mode"; mode: Mode }
  | { kind: "field"; field: OptionalField }
  | { kind: "prompt" }
  /** @property field path in the plan, for example `then[0].then[1].press` */
  | { kind: "press"; field: string; press: string };

type Capabilities = Pick<
  ProviderCapabilities,
  | "rootActions"
  | "imageLinks"
  | "swapLinks"
  | "linksOnly"
  | "optionalFields"
  | "promptActions"
  | "modals"
  | "modalPresses"
  | "unsupportedPresses"
> &
  // Unset: all modes.
  Partial<Pick<ProviderCapabilities, "modes">>;
type PressCapabilities = Pick<Capabilities, "unsupportedPresses" | "modals" | "modalPresses">;

/** Returns the first need that a vendor with these capabilities can never meet; undefined if it can meet all. */
export function findUnmetNeed(needs: VendorNeeds, can: Capabilities): UnmetNeed | undefined {
  const { action, then = [], linkField, dataField, mode, optionalFields = [], hasPrompt = false } = needs;
  if (!can.rootActions.includes(action)) return { kind: "action" };
  if (mode !== undefined && can.modes?.includes(mode) === false) return { kind: "mode", mode };
  if (dataField !== undefined && can.linksOnly?.includes(action)) return { kind: "data", field: dataField };
  const takesLinks = action === "swap-face" ? can.swapLinks : can.imageLinks;
  if (linkField !== undefined && !takesLinks) return { kind: "links", field: linkField };
  const field = optionalFields.find((each) => !can.optionalFields.includes(each));
  if (field !== undefined) return { kind: "field", field };
  if (!hasPrompt && can.promptActions.includes(action)) return { kind: "prompt" };
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
  can: PressCapabilities,
  pressed?: string,
  at = "then",
): Extract<UnmetNeed, { kind: "press" }> | undefined {
  return findUnsupported(then, can, resultOf(pressed, undefined), at);
}

function findUnsupported(
  then: readonly PlannedPress[],
  can: PressCapabilities,
  result: ResultKind,
  at: string,
): Extract<UnmetNeed, { kind: "press" }> | undefined {
  for (const [i, node] of then.entries()) {
    const hasModal = node.prompt !== undefined || node.modal !== undefined;
    for (const press of [node.press].flat().flatMap(expandPress)) {
      const field = `${at}[${i}].press`;
      if (isUnsupported(press, can.unsupportedPresses, result)) return { kind: "press", field, press };
      if (hasModal && !takesModal(press, can)) {
        const answer = node.modal === undefined ? "prompt" : "modal";
        return { kind: "press", field: `${at}[${i}].${answer}`, press };
      }
      const below = findUnsupported(node.then ?? [], can, resultOf(nameOf(press), result), `${at}[${i}].then`);
      if (below) return below;
    }
  }
  return undefined;
}

function takesModal(press: string, { modals, modalPresses }: PressCapabilities): boolean {
  return modals && (modalPresses === undefined || isUnsupportedName(nameOf(press), modalPresses));
}

/** What the buttons below a result are about. Their names do not say it. Undefined: images, or not known. */
type ResultKind = "describe" | "shorten" | "video" | undefined;

/** @param parent kind of the result on which the press is made */
function resultOf(pressed: string | undefined, parent: ResultKind): ResultKind {
  if (pressed === "describe" || pressed === "describe:retry") return "describe";
  if (pressed === "shorten") return "shorten";
  if (pressed === "video" || actionOf(pressed) === "VIDEO") return "video";
  // A video stays a video if one of several is selected, or if it is made again.
  return parent === "video" && (pressed === "reroll" || isSelection(pressed)) ? "video" : undefined;
}

function isSelection(pressed = ""): boolean {
  return videoNameOf(pressed).startsWith("video:");
}

/** The buttons below a text result have no label but a number, so only their parent says what they are. */
function isUnsupported(press: string, unsupported: readonly string[], result: ResultKind): boolean {
  if (tileNumberOf(press) !== undefined) return false;
  const name = result === "video" ? videoNameOf(nameOf(press)) : nameOf(press);
  const isText = result === "describe" || result === "shorten";
  return isUnsupportedName(name, unsupported) || (isText && unsupported.includes(result));
}

function nameOf(press: string): string {
  return canonicalButtonName(press.trim()) ?? canonicalPress(press);
}
