/**
 * How a vendor behaves for a while: options set at start or through the control API, and the `--sim` words in a prompt.
 * A scenario changes many answers; a fault (fault.ts) spoils a counted few.
 */
import { type Fields, field, isFields } from "./json.ts";

export interface Scenario {
  /** Drops notifyHook, as new-api does unless its operator allows it (docs/protocol.md 5.6): no callback ever comes. */
  silent?: boolean;
  /** Another engine behind the same name; `novicezk` has no buttons, change and simple-change instead of action. */
  variant?: "novicezk";
  /** trueai's fast path: an upscale is SUCCESS in the submit answer, and nothing is ever posted (docs/protocol.md 5.2). */
  instantUpscale?: boolean;
  /** The account has remix on: variation, reroll and pan wait in MODAL. */
  remix?: boolean;
  /** The relay's own copy is this old (15,000 at a real new-api): look-ups lag, a press right after SUCCESS is refused. */
  relayLagMs?: number;
  /** novicezk before 2024-03: a repeated upscale answers 21 with the OLD id (docs/protocol.md 2.5 a). */
  legacyExisting?: boolean;
  /** Slots of the account: beyond `running` a task waits (22), beyond `waiting` it is refused (23). */
  queue?: { running: number; waiting: number };
  /** Words the moderation refuses, besides the usual few. */
  bannedWords?: string[];
  /** Ids of 16 digits fit a double, ids of 17 digits do not (docs/protocol.md 7). */
  idDigits?: 16 | 17;
}

const BANNED = ["gory", "blood-soaked", "beheaded"];

/** The banned word in a prompt, if there is one. Whole words only: "category" is not "gory". */
export function bannedWordIn(prompt: string, scenario: Scenario): string | undefined {
  const words = new Set(prompt.toLowerCase().split(/[^\p{L}\p{N}-]+/u));
  return [...BANNED, ...(scenario.bannedWords ?? [])].find((word) => words.has(word.toLowerCase()));
}

export const DIRECTIVES = [
  "fail",
  "timeout",
  "banned",
  "slow",
  "stuck",
  "silent",
  "modal",
  "cancel",
  "queue-full",
] as const;
export type Directive = (typeof DIRECTIVES)[number];

/** The `--sim <word>` flags of a prompt; unknown words are ignored, like any flag a vendor does not know. */
export function directivesIn(prompt: string): Set<Directive> {
  const found = new Set<Directive>();
  for (const match of prompt.matchAll(/--sim\s+([a-z-]+)/gu)) {
    const word = DIRECTIVES.find((directive) => directive === match[1]);
    if (word) found.add(word);
  }
  return found;
}

/** Checks a scenario from the control API. Answers the problem in a sentence. */
export function parseScenario(input: unknown): Scenario | { problem: string } {
  if (!isFields(input)) return { problem: 'A scenario is a JSON object, for example {"silent": true}.' };
  const checks: Record<keyof Scenario, (value: unknown) => boolean> = {
    silent: isBoolean,
    variant: (value) => value === "novicezk",
    instantUpscale: isBoolean,
    remix: isBoolean,
    relayLagMs: isCount,
    legacyExisting: isBoolean,
    queue: (value) => isFields(value) && isCount(value.running) && isCount(value.waiting),
    bannedWords: (value) => Array.isArray(value) && value.every((word) => typeof word === "string"),
    idDigits: (value) => value === 16 || value === 17,
  };
  for (const name of Object.keys(input)) {
    if (!Object.hasOwn(checks, name)) {
      return { problem: `Unknown scenario option "${name}". Known: ${Object.keys(checks).join(", ")}.` };
    }
    if (!checks[name as keyof Scenario](field(input, name))) {
      return { problem: `Scenario option "${name}" has a value it cannot have.` };
    }
  }
  return structuredClone(input as Fields & Scenario);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
