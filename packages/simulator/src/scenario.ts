/**
 * Scenarios: options of a vendor that are set at the start or with the control API, and the `--sim` directives in a prompt.
 * A scenario affects all responses; a fault (fault.ts) affects a limited number of events.
 */
import { type Fields, field, isFields } from "./json.ts";

export interface Scenario {
  /** Drops notifyHook, so no callback is sent. new-api does this unless its operator allows callbacks (docs/protocol.md 5.6). */
  silent?: boolean;
  /**
   * Other server with the same vendor id. `novicezk` has no buttons, and change and simple-change instead of action.
   * `webman` says RUNNING, FINISHED and FAILED (docs/protocol.md 3.3).
   */
  variant?: Variant;
  /** Fast path of trueai: an upscale is SUCCESS in the submit response and has no callback (docs/protocol.md 5.2). */
  instantUpscale?: boolean;
  /** Remix is on at the account: variation, reroll and pan wait in MODAL. */
  remix?: boolean;
  /** Age of the relay's copy in ms (15,000 at a real new-api): look-ups lag, and a press right after SUCCESS is rejected. */
  relayLagMs?: number;
  /**
   * The relay polls each task while it shows 100 % in progress, and never again: look-ups show this row without end, and its
   * buttons are refused (docs/protocol.md 5.5).
   */
  frozenRows?: boolean;
  /** What surrounds the JSON of submit responses and look-ups. Its content does not change. */
  damage?: Damage;
  /** Envelope of lists and of single tasks in look-ups. */
  envelope?: Envelope;
  /** novicezk before 2024-03: a repeated upscale returns 21 with the OLD id (docs/protocol.md 2.5 a). */
  legacyExisting?: boolean;
  /** Slots of the account: more tasks than `running` wait (22), more than `waiting` are rejected (23). Unset: no limit. */
  queue?: { running: number; waiting: number };
  /** Number of tasks of other clients at the account that are newer than all of ours, in lists without ids. */
  newerTasks?: number;
  /** Number of tasks that the account can pay for; then it is out of credit. Unset: no limit. */
  credit?: number;
  /** ttapi and legnext only: callbacks also report running tasks. By default they report only the end. */
  sendsProgress?: boolean;
  /** useapi and legnext only: whether a callback is the task itself, or an object around it. Each has its own default. */
  callbackForm?: CallbackForm;
  /** ttapi only: its list shows callback URLs. No document shows these fields of an item. */
  listsHooks?: boolean;
  /** Additional banned words. */
  bannedWords?: string[];
  /** A submission with the `Idempotency-Key` of an earlier one gets its response. Not for vendors with a protocol of their own. */
  idempotencyKeys?: boolean;
  /** Length of new ids. Ids of 16 digits fit a double, ids of 17 digits do not (docs/protocol.md 7). */
  idDigits?: 16 | 17;
}

export const VARIANTS = ["novicezk", "webman"] as const;
export type Variant = (typeof VARIANTS)[number];

/** A byte order mark, a notice of PHP before the JSON, a call of a function around it, or a second document after it. */
export const DAMAGES = ["bom", "php-notice", "jsonp", "two-documents"] as const;
export type Damage = (typeof DAMAGES)[number];

/** `result`: `{code, result: …}`. `data.list`: `{code, data: {list: [...]}}`. */
export const ENVELOPES = ["result", "data.list"] as const;
export type Envelope = (typeof ENVELOPES)[number];

export const CALLBACK_FORMS = ["bare", "wrapped"] as const;
export type CallbackForm = (typeof CALLBACK_FORMS)[number];

const BANNED = ["gory", "blood-soaked", "beheaded"];

/** Returns a banned word of the prompt, or undefined. It matches only whole words: "category" is not "gory". */
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
  "moderated",
] as const;
export type Directive = (typeof DIRECTIVES)[number];

/** Returns the `--sim <word>` directives of a prompt. Unknown words are ignored, like unknown flags at a vendor. */
export function directivesIn(prompt: string): Set<Directive> {
  const found = new Set<Directive>();
  for (const match of prompt.matchAll(/--sim\s+([a-z-]+)/gu)) {
    const word = DIRECTIVES.find((directive) => directive === match[1]);
    if (word) found.add(word);
  }
  return found;
}

/** Checks a scenario from the control API. Returns the problem as a sentence if the scenario is invalid. */
export function parseScenario(input: unknown): Scenario | { problem: string } {
  if (!isFields(input)) return { problem: 'A scenario is a JSON object, for example {"silent": true}.' };
  const checks: Record<keyof Scenario, (value: unknown) => boolean> = {
    silent: isBoolean,
    variant: isOneOf(VARIANTS),
    instantUpscale: isBoolean,
    remix: isBoolean,
    relayLagMs: isCount,
    frozenRows: isBoolean,
    damage: isOneOf(DAMAGES),
    envelope: isOneOf(ENVELOPES),
    legacyExisting: isBoolean,
    queue: (value) => isFields(value) && isCount(value.running) && isCount(value.waiting),
    newerTasks: isCount,
    credit: isCount,
    sendsProgress: isBoolean,
    callbackForm: isOneOf(CALLBACK_FORMS),
    listsHooks: isBoolean,
    bannedWords: (value) => Array.isArray(value) && value.every((word) => typeof word === "string"),
    idempotencyKeys: isBoolean,
    idDigits: (value) => value === 16 || value === 17,
  };
  for (const name of Object.keys(input)) {
    if (!Object.hasOwn(checks, name)) {
      return { problem: `Unknown scenario option "${name}". Known: ${Object.keys(checks).join(", ")}.` };
    }
    if (!checks[name as keyof Scenario](field(input, name))) {
      return { problem: `Scenario option "${name}" has an invalid value.` };
    }
  }
  return structuredClone(input as Fields & Scenario);
}

function isOneOf(known: readonly string[]) {
  return (value: unknown): boolean => typeof value === "string" && known.includes(value);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
