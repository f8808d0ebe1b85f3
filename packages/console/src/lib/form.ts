/** The form of a new flow: its state, and the request that it stands for. Pure. `plan.ts` has its price. */
import type { FlowInput, ModalInput, PlanInput } from "@mjflow/client";
import { canonicalPress } from "@mjflow/core/button";
import { parameterOf, withLinks } from "./parameter.ts";

/** One step of the plan editor. */
export interface Draft {
  /** React key; not part of the request. */
  key: string;
  press: string;
  prompt: string;
  maskBase64?: string;
  then: Draft[];
}

/** What an image of an imagine is for. Midjourney reads a style and a character from a link in the prompt. */
export type Role = "image" | "style" | "character";

/** An image that the user gave. */
export interface Reference {
  /** Data URI or link. A style or a character is a link. */
  src: string;
  role: Role;
}

export interface FlowForm {
  action: "imagine" | "blend" | "describe" | "shorten" | "video" | "edit" | "retexture";
  provider: string;
  prompt: string;
  mode: "" | "fast" | "relax" | "turbo";
  /** Of a video: the first frame, and the last frame if there is a second image. */
  images: Reference[];
  motion: "low" | "high";
  /** Number of videos; empty: the vendor's default. */
  batchSize: "" | "1" | "2" | "4";
  state: string;
  notifyHook: string;
  archive: boolean;
  /** True: the prompts are translated into English before the flow is stored. */
  translate: boolean;
  then: Draft[];
}

export const EMPTY_FORM: FlowForm = {
  action: "imagine",
  provider: "",
  prompt: "",
  mode: "",
  images: [],
  motion: "low",
  batchSize: "",
  state: "",
  notifyHook: "",
  archive: false,
  translate: false,
  then: [],
};

/**
 * Returns the body of `POST /v1/flows` with only the fields that were filled in. It always requests progress, because
 * the user will follow the flow in the console.
 */
export function toFlowInput(form: FlowForm): FlowInput {
  const { action, provider, mode, state, notifyHook, archive, translate } = form;
  const prompt = promptOf(form);
  const then = toPlanInput(form.then);
  return {
    ...(action !== "imagine" && { action }),
    ...(provider.trim() !== "" && { provider: provider.trim() }),
    ...(takesPrompt(action) && (action !== "video" || prompt.trim() !== "") && { prompt: prompt.trim() }),
    ...(mode !== "" && { mode }),
    ...imageFieldsOf(form),
    ...(state !== "" && { state }),
    ...(notifyHook.trim() !== "" && { notifyHook: notifyHook.trim() }),
    ...(archive && { archive }),
    ...(translate && { translate }),
    progress: true,
    ...(then.length > 0 && { then }),
  };
}

/** Returns the prompt with the links of its styles and characters: Midjourney takes them as parameters. */
export function promptOf({ action, prompt, images }: FlowForm): string {
  if (action !== "imagine") return prompt;
  const linksOf = (role: Role) => images.filter((image) => image.role === role).map(({ src }) => src);
  return withLinks(withLinks(prompt, "--sref", linksOf("style")), characterFlag(prompt), linksOf("character"));
}

/** Versions before 7 know `--cref`; 7 and later, which are the default, know `--oref`. */
function characterFlag(prompt: string): string {
  const version = Number.parseFloat(parameterOf(prompt, "--v") ?? "");
  return parameterOf(prompt, "--niji") !== undefined || version < 7 ? "--cref" : "--oref";
}

/** True if the form shows the prompt. A video can have none. */
export function takesPrompt(action: FlowForm["action"]): boolean {
  return action !== "blend" && action !== "describe";
}

/** True if the request has all that the root action needs. */
export function isComplete({ action, prompt, images }: FlowForm): boolean {
  const needsPrompt = takesPrompt(action) && action !== "video";
  const needsImage = action !== "imagine" && action !== "shorten";
  return (!needsPrompt || prompt.trim() !== "") && (!needsImage || images.length > 0);
}

/** Returns how many images the root action has at most. */
export function maxImages(action: FlowForm["action"]): number {
  if (action === "shorten") return 0;
  if (action === "imagine") return 10;
  if (action === "blend") return 5;
  return action === "video" ? 2 : 1;
}

function imageFieldsOf({ action, images, motion, batchSize }: FlowForm): Partial<FlowInput> {
  const sources = images.filter(({ role }) => action !== "imagine" || role === "image").map(({ src }) => src);
  const [image, endImage] = sources;
  if (action === "shorten" || image === undefined) return {};
  if (action === "edit" || action === "retexture") return { image };
  if (action !== "video") return { base64Array: sources };
  return {
    image,
    ...(endImage !== undefined && { endImage }),
    motion,
    ...(batchSize !== "" && { batchSize: Number(batchSize) as 1 | 2 | 4 }),
  };
}

/** Writes adjacent drafts with the same prompt and follow-ups as one step. */
export function toPlanInput(drafts: readonly Draft[]): PlanInput[] {
  const groups: { groupKey: string; presses: string[]; rest: Omit<PlanInput, "press"> }[] = [];
  for (const { key, press, prompt, maskBase64, then } of drafts) {
    const modal: ModalInput = { ...(prompt.trim() && { prompt: prompt.trim() }), ...(maskBase64 && { maskBase64 }) };
    const below = toPlanInput(then);
    const rest = {
      ...(maskBase64 ? { modal } : modal.prompt && { prompt: modal.prompt }),
      ...(below.length > 0 && { then: below }),
    };
    const groupKey = maskBase64 ? key : JSON.stringify(rest);
    const last = groups.at(-1);
    if (last?.groupKey === groupKey) last.presses.push(press.trim());
    else groups.push({ groupKey, presses: [press.trim()], rest });
  }
  return groups.map(({ presses, rest }) => ({
    press: presses.length === 1 ? presses[0]! : presses,
    ...rest,
  }));
}

// ── steps of the plan ──────────────────────────────────────────────────────────────────────────────────────────────

/** Changes one step at any depth. If `change` returns undefined, the step and everything below it are removed. */
export function updateDraft(
  drafts: readonly Draft[],
  key: string,
  change: (draft: Draft) => Draft | undefined,
): Draft[] {
  return drafts.flatMap((draft) => {
    const next = draft.key === key ? change(draft) : { ...draft, then: updateDraft(draft.then, key, change) };
    return next ? [next] : [];
  });
}

/** Adds the press, or removes it if the plan has it. `upscale:all` stands for its four presses. */
export function toggleDraft(drafts: readonly Draft[], press: string, newKey: () => string): Draft[] {
  const wanted = canonicalPress(press);
  const all = /^(upscale|variation|video|tile):all$/.exec(wanted);
  const names = all ? [1, 2, 3, 4].map((n) => `${all[1]}:${n}`) : [wanted];
  const has = (name: string) => drafts.some((draft) => canonicalPress(draft.press) === name);
  if (names.every(has)) return drafts.filter((draft) => !names.includes(canonicalPress(draft.press)));
  const added = names
    .filter((name) => !has(name))
    .map((name) => ({ key: newKey(), press: name, prompt: "", then: [] }));
  return [...drafts, ...added];
}
