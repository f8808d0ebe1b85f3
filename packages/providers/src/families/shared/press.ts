/**
 * Buttons of vendors that name presses in words of their own. mjflow makes a customId of them. Our press name stands in front, so a
 * plan finds the button. The vendor's word and the parent stand behind it. The customId is never sent to a vendor.
 *
 * The parent is in it, because a task whose modal answer was lost may know only the id of its modal.
 */
import type { Button } from "@mjflow/core/button";
import { LABELS } from "@mjflow/core/button";

export interface OwnPress {
  /** Press name of mjflow; unset: mjflow has no name for the vendor's word. */
  name: string | undefined;
  /** The vendor's own word. */
  word: string;
  /** Id that the vendor wants for the parent: of its task, or of its image. */
  parent: string;
}

const EMOJIS = new Set(["reroll", "pan:left", "pan:right", "pan:up", "pan:down"]);
const BY_NAME = new Map([...LABELS].reverse().map(([label, name]) => [name, label]));

/** @param label text of the button if mjflow has no name for the word; unset: the word */
export function ownButton(family: string, { name, word, parent }: OwnPress, label = word): Button {
  const [verb = "", argument = ""] = name?.split(/:(.*)/s) ?? [];
  const customId = ["mjflow", family, verb, argument, word, parent].join("::");
  return { customId, ...faceOf(name, label) };
}

function faceOf(name: string | undefined, label: string): Pick<Button, "label" | "emoji"> {
  const numbered = /^(upscale|variation):([1-4])$/.exec(name ?? "");
  if (numbered) return { label: `${numbered[1] === "upscale" ? "U" : "V"}${numbered[2]}`, emoji: "" };
  const known = BY_NAME.get(name ?? "");
  if (known === undefined) return { label, emoji: "" };
  if (EMOJIS.has(name!)) return { label: "", emoji: known };
  return {
    label: known.replace(/(^|[( ])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase()),
    emoji: "",
  };
}

/** Returns undefined for a customId that this family did not make. */
export function ownPressOf(family: string, customId: string): OwnPress | undefined {
  const [own, maker, verb = "", argument = "", word, parent, ...rest] = customId.split("::");
  if (own !== "mjflow" || maker !== family || word === undefined || parent === undefined || rest.length > 0)
    return undefined;
  const name = verb === "" ? undefined : argument === "" ? verb : `${verb}:${argument}`;
  return { name, word, parent };
}

/** A modal that no vendor has: a press with its parent, and the `state` of its attempt. Nothing was sent or paid yet. */
export interface LocalModal extends OwnPress {
  state: string;
}

const MODAL = "mjflow-modal";

/** Returns the task id of a local modal. It is never sent to a vendor. */
export function localModalId({ name = "", word, parent, state }: LocalModal): string {
  return [MODAL, name, word, parent, state].join("::");
}

/** Returns undefined for the id of a vendor's task. */
export function localModalOf(vendorTaskId: string): LocalModal | undefined {
  const [own, name = "", word = "", parent = "", state = ""] = vendorTaskId.split("::");
  return own === MODAL ? { name, word, parent, state } : undefined;
}
