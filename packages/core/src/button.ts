/**
 * Buttons of a finished task, and the search for the button that a plan presses.
 *
 * A customId is opaque and changes with every result (docs/protocol.md 4). It is always read from the newest task and never
 * constructed (T6). The grammar below only derives a name from it, so that a plan can say `zoom:2` before the button exists.
 * A button that the grammar does not know can be pressed by its label.
 */

export interface Button {
  customId: string;
  /** Text on the button; can be empty, because reroll and pan have only an emoji. */
  label: string;
  emoji: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// A Map and not an object, because vendors and apps choose the keys and one of them could be "constructor".
const OUTPAINT = new Map([
  ["50", "zoom:2"],
  ["75", "zoom:1.5"],
  ["100", "square"],
]);

/**
 * The names of the customIds that were read last. The children of a parent are pressed at the same moment, and each of them looks for
 * its button among all of them.
 */
const names = new Map<string, string | undefined>();
const MAX_NAMES = 1_000;

/**
 * Returns our press name of a button, from its customId; undefined if the grammar has none. `JOB` and `Job` mean the same.
 * Upscale verbs contain the model version, which the name ignores.
 */
export function canonicalButtonName(customId: string): string | undefined {
  if (names.has(customId)) return names.get(customId);
  if (names.size >= MAX_NAMES) names.clear();
  const name = nameOf(customId);
  names.set(customId, name);
  return name;
}

function nameOf(customId: string): string | undefined {
  const parts = customId.split("::");
  // CustomIds that mjflow constructs for presses that a vendor makes without a button: novicezk's /submit/change, which
  // presses by index, /submit/video, and the vendors of other protocol families.
  if (parts[0] === "mjflow" && parts[1] === "video") return numberedName(`${parts[2]}:${parts[3]}`, parts[4]);
  if (parts[0] === "mjflow") return ownName(parts[2], parts[3]);
  if (parts[0] !== "MJ") return undefined;
  const words = parts.slice(1).filter((part, i) => !(i === 0 && /^job$/i.test(part)));
  const verb = words[0] ?? "";
  const argument = words[1] ?? "";
  if (verb === "upsample") return `upscale:${argument}`;
  if (verb === "variation") return `variation:${argument}`;
  if (verb === "reroll") return "reroll";
  const upscale = /^upsample_v[\w.]*?_(?:2x_)?(subtle|creative|2x|4x)$/.exec(verb);
  if (upscale) return `upscale:${upscale[1]}`;
  if (verb === "low_variation") return "vary:subtle";
  if (verb === "high_variation") return "vary:strong";
  if (verb === "Inpaint") return "vary:region";
  if (verb === "Outpaint") return OUTPAINT.get(argument);
  if (verb === "CustomZoom") return "zoom:custom";
  const pan = /^pan_(left|right|up|down)$/.exec(verb);
  if (pan) return `pan:${pan[1]}`;
  const animate = /^animate_(high|low)(_extend)?$/.exec(verb);
  if (animate) return numberedName(`${animate[2] ? "extend" : "animate"}:${animate[1]}`, argument);
  if (verb === "video_virtual_upscale") return `video:${argument}`;
  if (verb === "PicReader") return `describe:${argument}`;
  if (verb === "Picread") return "describe:retry";
  if (verb.startsWith("PromptAnalyzer")) return /^\d$/.test(argument) ? `shorten:${argument}` : "shorten:details";
  if (verb === "BOOKMARK") return "favourite";
  return undefined;
}

/**
 * Name of a customId that mjflow constructs: `mjflow::<maker>::<verb>::<argument>`, with more parts that only the maker reads.
 * A vendor's word without a press name has an empty verb.
 */
function ownName(verb = "", argument = ""): string | undefined {
  if (verb === "") return undefined;
  return argument === "" ? verb.toLowerCase() : `${verb.toLowerCase()}:${argument}`;
}

/** The first of several images or videos needs no number: most results have only one. */
function numberedName(name: string, number: string | undefined): string {
  return /^[2-4]$/.test(number ?? "") ? `${name}:${number}` : name;
}

/** Returns true if the vendor can never make a press with this name. Names that the grammar does not know may be possible. */
export function isUnsupportedName(name: string | undefined, unsupported: readonly string[]): boolean {
  if (name === undefined) return false;
  return unsupported.includes(name) || unsupported.includes(name.split(":")[0]!);
}

/** Labels and emojis as Midjourney shows them, with the press name of each. */
export const LABELS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "🔄": "reroll",
    reroll: "reroll",
    "upscale (subtle)": "upscale:subtle",
    "upscale (creative)": "upscale:creative",
    "upscale (2x)": "upscale:2x",
    "upscale (4x)": "upscale:4x",
    "vary (subtle)": "vary:subtle",
    "vary (strong)": "vary:strong",
    "vary (region)": "vary:region",
    "zoom out 2x": "zoom:2",
    "zoom out 1.5x": "zoom:1.5",
    "custom zoom": "zoom:custom",
    "make square": "square",
    "⬅": "pan:left",
    "➡": "pan:right",
    "⬆": "pan:up",
    "⬇": "pan:down",
    "animate (high motion)": "animate:high",
    "animate (low motion)": "animate:low",
    "extend (high motion)": "extend:high",
    "extend (low motion)": "extend:low",
    "extend (high)": "extend:high",
    "extend (low)": "extend:low",
    "❤": "favourite",
  }),
);

/** Returns the press name of a text: `U1`, `u1` and `upscale:1` become `upscale:1`. Unknown text is only trimmed. */
export function canonicalPress(press: string): string {
  const text = press.trim();
  const lower = text.toLowerCase();
  const short = /^([uv])([1-4])$/.exec(lower);
  if (short) return `${short[1] === "u" ? "upscale" : "variation"}:${short[2]}`;
  const first = FIRST_OF_SEVERAL.exec(text)?.[1];
  return first ?? LABELS.get(stripDecoration(lower)) ?? text;
}

/** Names that may have the number of an image or video. Without a number they are unclear if the result has several. */
const NUMBERABLE = /^(?:animate|extend):(?:high|low)$/;
const FIRST_OF_SEVERAL = /^((?:animate|extend):(?:high|low)):1$/;

/** Removes the variation selector for a colored emoji, because some keyboards and servers omit it. */
function stripDecoration(text: string): string {
  return text.replaceAll("\uFE0F", "");
}

/** Expands `upscale:all`, `variation:all`, `video:all` and `tile:all` to the four presses that they stand for. */
export function expandPress(press: string): string[] {
  const all = /^(upscale|variation|video|tile):all$/.exec(press.trim());
  return all ? [1, 2, 3, 4].map((n) => `${all[1]}:${n}`) : [press];
}

export type Resolved =
  | { ok: true; button: Button; name: string | undefined }
  | { ok: false; code: "press_not_offered" | "press_ambiguous"; offered: string[] };

/**
 * Finds the pressed button: by customId, then by press name, then by label, then by emoji. `upscale:2` also finds the
 * button U2 of four videos, whose own name is `video:2`.
 */
export function resolvePress(press: string, buttons: readonly Button[]): Resolved {
  const wanted = canonicalPress(press);
  const lower = press.trim().toLowerCase();
  const names = buttons.map(({ customId }) => canonicalButtonName(customId));
  // Of several images or videos none is meant if the press has no number. So all their buttons fit.
  const isUnnumbered = NUMBERABLE.test(wanted) && !FIRST_OF_SEVERAL.test(press.trim());
  const hasName = (name: string | undefined, expected: string) =>
    name === expected || (isUnnumbered && name?.startsWith(`${expected}:`) === true);
  const named = (expected: string) => buttons.filter((_, i) => hasName(names[i], expected));
  const searches = [
    () => buttons.filter((b) => b.customId === press.trim()),
    () => named(wanted),
    () => named(videoNameOf(wanted)),
    () => buttons.filter((b) => b.label !== "" && b.label.trim().toLowerCase() === lower),
    () => buttons.filter((b) => b.emoji !== "" && stripDecoration(b.emoji) === stripDecoration(press.trim())),
  ];
  for (const search of searches) {
    const [button, ...others] = search();
    if (!button) continue;
    if (others.length > 0) return { ok: false, code: "press_ambiguous", offered: offeredLabels(buttons) };
    return { ok: true, button, name: names[buttons.indexOf(button)] };
  }
  return { ok: false, code: "press_not_offered", offered: offeredLabels(buttons) };
}

/** Returns the name that a press has on four videos: `upscale:2` selects the second video. Other names stay. */
export function videoNameOf(name: string): string {
  return name.replace(/^upscale:([1-4])$/, "video:$1");
}

/** Returns one readable text per button: the label, or else the press name, the emoji or the customId. */
export function offeredLabels(buttons: readonly Button[]): string[] {
  return buttons.map((b) => b.label || canonicalButtonName(b.customId) || b.emoji || b.customId);
}

/** Action of a tile: one image of a grid that mjflow cuts itself, free of charge. It is not a button of any vendor. */
export const TILE_ACTION = "TILE";

/** Returns the number of the pressed tile: 1 and 2 are the upper row, 3 and 4 the lower. Undefined: not a tile press. */
export function tileNumberOf(press: string | undefined): number | undefined {
  const tile = /^tile:([1-4])$/.exec(press?.trim() ?? "")?.[1];
  return tile === undefined ? undefined : Number(tile);
}

/** Returns the action that a button probably starts (docs/protocol.md 3.4). Vendors differ, so their report replaces it. */
export function actionOf(name: string | undefined): string {
  const [verb, detail] = (name ?? "").split(":");
  switch (verb) {
    case "upscale":
    case "video":
      return "UPSCALE";
    case "variation":
      return "VARIATION";
    case "vary":
      return detail === "region" ? "INPAINT" : "VARIATION";
    case "reroll":
      return "REROLL";
    case "zoom":
      return detail === "custom" ? "CUSTOM_ZOOM" : "ZOOM";
    case "square":
      return "ZOOM";
    case "pan":
      return "PAN";
    case "animate":
    case "extend":
      return "VIDEO";
    case "describe":
    case "shorten":
      return detail === "retry" ? "DESCRIBE" : "IMAGINE";
    case "tile":
      return TILE_ACTION;
    default:
      return "ACTION";
  }
}

/** Returns the action that a press of a plan starts: a press name, a label or a customId. */
export function actionOfPress(press: string): string {
  return actionOf(canonicalButtonName(press.trim()) ?? canonicalPress(press));
}

/** Returns true for the buttons that always open a modal (docs/protocol.md 4.4). For others, the account's remix mode decides. */
export function needsModal(name: string | undefined): boolean {
  return name === "vary:region" || name === "zoom:custom";
}

/**
 * Whether a press can open a modal, which takes a prompt (docs/protocol.md 4.4). `remix`: it opens one if remix is on for
 * this press. Undefined: mjflow does not know the button.
 */
export function modalKindOf(name: string | undefined): "always" | "remix" | "never" | undefined {
  const [verb = "", detail = ""] = (name ?? "").split(":");
  if (needsModal(name) || /^(?:describe|shorten):\d$/.test(name ?? "")) return "always";
  if (["variation", "reroll", "vary", "pan", "animate", "extend"].includes(verb)) return "remix";
  if (["upscale", "video", "tile", "square", "zoom", "favourite"].includes(verb)) return "never";
  return (verb === "describe" || verb === "shorten") && detail !== "" ? "never" : undefined;
}

/** Returns the same for a press of a plan: a press name, a label or a customId. */
export function modalKindOfPress(press: string): ReturnType<typeof modalKindOf> {
  return modalKindOf(canonicalButtonName(press.trim()) ?? canonicalPress(press));
}

/** Returns the job's UUID in a customId, for people who compare results. PicReader and PromptAnalyzer have none. */
export function jobIdOf(customId: string): string | undefined {
  return customId.split("::").find((part) => UUID.test(part));
}
