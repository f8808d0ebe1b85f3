/**
 * The older way to press (docs/protocol.md 1.6): by index instead of customId. novicezk's tasks have no buttons, so a finished
 * grid is given the nine that `/submit/change` can do; their customIds are ours and never leave this package.
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

/** `/submit/simple-change`: "1320098173412546 U2", or R. */
export function legacySimpleChange(vendorTaskId: string, { action, index }: Change): string {
  return `${vendorTaskId} ${action[0]}${index ?? ""}`;
}
