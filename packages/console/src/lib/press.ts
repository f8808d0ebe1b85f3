/** Display labels of presses, and the presses that the plan editor offers for a result. The server checks the plan. */
import { canonicalButtonName, canonicalPress, needsModal } from "@mjflow/core/button";
import { t } from "../text/text.ts";

/** Returns the name of an action, for example of a root: `imagine`. An unknown action is shown in lower case. */
export function actionLabel(action: string): string {
  const name = action.toLowerCase().replaceAll("_", "-");
  const known: Readonly<Record<string, string>> = t.actions;
  return Object.hasOwn(known, name) ? known[name]! : name;
}

/** Returns the name of a task: that of its press, or of its action if it is a root. */
export function nameOfTask({ press, action }: { press: string | null; action: string }): string {
  return press === null ? actionLabel(action) : pressLabel(press);
}

/** Returns the name of a speed: `fast`. */
export function speedLabel(speed: string): string {
  const known: Readonly<Record<string, string>> = t.speeds;
  return Object.hasOwn(known, speed) ? known[speed]! : speed;
}

/** Returns the press name for a label, a press name or a vendor's `customId`. */
function pressNameOf(press: string): string {
  return canonicalButtonName(press.trim()) ?? canonicalPress(press);
}

/** Returns `U1` for `upscale:1` and `Zoom out 2×` for `zoom:2`. Text without a press name is returned unchanged. */
export function pressLabel(press: string): string {
  const name = pressNameOf(press);
  const known: Readonly<Record<string, string>> = t.press.names;
  if (Object.hasOwn(known, name)) return known[name]!;
  const motion = /^(animate|extend):(high|low):([2-4])$/.exec(name);
  if (motion) return `${known[`${motion[1]}:${motion[2]}`]} ${motion[3]}`;
  const numbered = /^(upscale|variation|tile|video|describe|shorten):([1-5])$/.exec(name);
  if (!numbered) return press;
  const [, verb, number] = numbered;
  return t.press.numbered[verb as keyof typeof t.press.numbered](number!);
}

export function buttonLabel({ label, emoji, name }: { label: string; emoji: string; name: string | null }): string {
  if (name) return pressLabel(name);
  // Midjourney names some of its own pictures in this field, such as `upscale_1`.
  return label || (/^\w+$/.test(emoji) ? "" : emoji) || t.press.button;
}

/** Kind of a result. It determines which buttons the result will have. `video`: several videos. `film`: one of them. */
export type Kind = "grid" | "single" | "video" | "film" | "describe" | "shorten" | "none";

const PRESSES: Record<Kind, readonly string[]> = {
  grid: [
    "upscale:all",
    ...[1, 2, 3, 4].map((n) => `upscale:${n}`),
    "variation:all",
    ...[1, 2, 3, 4].map((n) => `variation:${n}`),
    "reroll",
    "tile:all",
  ],
  single: [
    "upscale:subtle",
    "upscale:creative",
    "vary:subtle",
    "vary:strong",
    "vary:region",
    "zoom:2",
    "zoom:1.5",
    "zoom:custom",
    "pan:left",
    "pan:right",
    "pan:up",
    "pan:down",
    "animate:high",
    "animate:low",
  ],
  video: [
    "video:all",
    ...[1, 2, 3, 4].map((n) => `video:${n}`),
    ...[1, 2, 3, 4].flatMap((n) => [`extend:high:${n}`, `extend:low:${n}`]),
    "reroll",
  ],
  film: ["extend:high", "extend:low"],
  describe: [1, 2, 3, 4].map((n) => `describe:${n}`),
  shorten: [1, 2, 3].map((n) => `shorten:${n}`),
  none: [],
};

export function pressesFor(kind: Kind): readonly string[] {
  return PRESSES[kind];
}

export function rootKind(action: string): Kind {
  return action === "describe" || action === "shorten" || action === "video" ? action : "grid";
}

export function resultKind(press: string): Kind {
  const [verb, detail] = pressNameOf(press).split(":");
  switch (verb) {
    case "upscale":
      return "single";
    case "animate":
    case "extend":
      return "video";
    case "video":
      return "film";
    case "tile":
      return "none";
    case "describe":
      return detail === "retry" ? "describe" : "grid";
    default:
      return "grid";
  }
}

export function pressNeedsModal(press: string | null): boolean {
  return press !== null && needsModal(pressNameOf(press));
}

export function pressNeedsMask(press: string | null): boolean {
  return press !== null && pressNameOf(press) === "vary:region";
}

export type PressGroup = "Upscale" | "Vary" | "Zoom and pan" | "Animate" | "More";

const GROUPS: readonly (readonly [PressGroup, RegExp])[] = [
  ["Upscale", /^upscale:/],
  ["Vary", /^(variation|vary):|^reroll$/],
  ["Zoom and pan", /^(zoom|pan):|^square$/],
  ["Animate", /^(animate|extend|video):/],
];

/** Returns the group under which a button is shown. @param name press name; null: the button has none */
export function pressGroup(name: string | null): PressGroup {
  return GROUPS.find(([, pattern]) => name !== null && pattern.test(name))?.[0] ?? "More";
}

/** Groups buttons in the order of the groups. */
export function groupedButtons<T extends { name: string | null }>(buttons: readonly T[]): [PressGroup, T[]][] {
  const order: PressGroup[] = [...GROUPS.map(([group]) => group), "More"];
  return order
    .map((group): [PressGroup, T[]] => [group, buttons.filter(({ name }) => pressGroup(name) === group)])
    .filter(([, found]) => found.length > 0);
}

/** Icon of a press in the sprite. */
export function pressIcon(press: string | null): string {
  if (press === null) return "sparkles";
  const name = pressNameOf(press);
  if (name === "vary:region") return "brush";
  if (name === "reroll") return "refresh-cw";
  if (name.startsWith("zoom")) return "zoom-out";
  if (name.startsWith("pan")) return "move";
  return { Upscale: "expand", Vary: "shuffle", "Zoom and pan": "maximize", Animate: "film", More: "circle" }[
    pressGroup(name)
  ];
}
