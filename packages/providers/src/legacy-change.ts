/**
 * The older way to press (docs/protocol.md 1.6): by index instead of `customId`. Tasks of novicezk have no buttons, so a
 * finished grid gets the nine buttons that `/submit/change` supports. mjflow defines their customIds and never sends them
 * to a vendor.
 */
import type { Button } from "@mjflow/core/button";

export interface Change {
  action: "UPSCALE" | "VARIATION" | "REROLL";
  index?: number;
}

const PREFIX = "mjflow::change::";
const NUMBERS = [1, 2, 3, 4];

export const CHANGE_BUTTONS: readonly Button[] = [
  ...NUMBERS.map((n) => ({ customId: `${PREFIX}UPSCALE::${n}`, label: `U${n}`, emoji: "" })),
  { customId: `${PREFIX}REROLL`, label: "", emoji: "🔄" },
  ...NUMBERS.map((n) => ({ customId: `${PREFIX}VARIATION::${n}`, label: `V${n}`, emoji: "" })),
];

export function legacyChangeOf(customId: string): Change | undefined {
  const match = /^mjflow::change::(?:(UPSCALE|VARIATION)::([1-4])|(REROLL))$/.exec(customId);
  if (!match) return undefined;
  if (match[3]) return { action: "REROLL" };
  return { action: match[1] as Change["action"], index: Number(match[2]) };
}
