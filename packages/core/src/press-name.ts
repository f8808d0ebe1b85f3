/** All press names of mjflow, for documents. No function loads this file: a press finds its button in button.ts. */
import { canonicalPress, expandPress, LABELS } from "./button.ts";

const NUMBERED = ["upscale", "variation", "video", "tile", "describe", "shorten"];
/** Names that mjflow knows beside those of labels. */
const OTHERS = ["describe:all", "describe:retry", "shorten:details"];

/** @property last last of the names that are counted up from `name`; unset: the name has no number */
export interface PressName {
  name: string;
  last?: string;
  /** The name that stands for all of them. Unset: there is none. */
  all?: string;
}

export const PRESS_NAMES: readonly PressName[] = [
  ...NUMBERED.map((kind) => ({
    name: `${kind}:1`,
    last: `${kind}:4`,
    ...(expandPress(`${kind}:all`).length > 1 && { all: `${kind}:all` }),
  })),
  ...[...new Set([...LABELS.values(), ...OTHERS])].map((name) => ({ name })),
];

for (const { name } of PRESS_NAMES) if (canonicalPress(name) !== name) throw new Error(`${name} is no press name`);

/** The press names as a list in Markdown. */
export function pressNameList(): string {
  return PRESS_NAMES.flatMap(({ name, last, all }) => [
    last === undefined ? `\`${name}\`` : `\`${name}\` … \`${last}\``,
    ...(all === undefined ? [] : [`\`${all}\``]),
  ]).join(", ");
}
