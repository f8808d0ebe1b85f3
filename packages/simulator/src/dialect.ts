/**
 * A vendor as a form filled in. The protocol asks these fields and never compares a vendor's name.
 * Every optional field has its default written down, so a dialect file says only where its vendor differs.
 */

import type { Row } from "./button.ts";
import type { ProviderId } from "./provider.ts";
import type { Action } from "./task.ts";

export { isProviderId, PROVIDER_IDS, type ProviderId } from "./provider.ts";

export const SUBMIT_VERBS = [
  "imagine",
  "action",
  "blend",
  "describe",
  "shorten",
  "modal",
  "change",
  "simple-change",
  "swap-face",
  "upload",
  "edits",
  "retexture",
  "video",
] as const;
export type SubmitVerb = (typeof SUBMIT_VERBS)[number];

export const LOOKUP_VERBS = [
  "fetch",
  "list-by-condition",
  "list-by-ids",
  "list",
  "query",
  "queue",
  "image-seed",
  "image",
] as const;
export type LookupVerb = (typeof LOOKUP_VERBS)[number];

export type Verb = SubmitVerb | LookupVerb | "cancel";

/** Bodies of errors come in families (docs/protocol.md 2.3). */
export type ErrorFamily = "proxy" | "trueai" | "relay" | "comet";

export interface Dialect {
  id: ProviderId;
  /** What stands before the verb; `*` is any one segment. A `mj-fast` in it selects the mode. */
  prefixes: readonly string[];
  verbs: ReadonlySet<Verb>;
  /** Headers that may carry the key, first one wins; `optional`: no key is fine. */
  auth: { headers: readonly ("authorization" | "mj-api-secret")[]; optional: boolean };
  errors: ErrorFamily;
  /** Words for people. Clients must not branch on them. */
  words: { accepted: string; queued(ahead: number): string; modal: string };
  codeType: "number" | "string";
  /** Verbs whose `result` is typed as an integer. */
  integerResult: ReadonlySet<Verb> | "all" | "none";
  properties: "instance" | "instance+channel" | "string" | "empty";
  /** Code 21 with `{finalPrompt, remix}` or with no properties at all (docs/protocol.md 2.5 b). */
  modalProperties: "absent" | "remix";
  queueFullCode: 23 | 9;
  /** How many tasks its list shows, newest first: trueai cuts it, the others show all there are. */
  listed: number;
  /** Answer to fetch with an unknown id (docs/protocol.md 1.14). */
  unknownTask: "empty-200" | "empty-204" | "empty-404" | "relay-400";
  /** Shape of the task object in look-ups, and in callbacks where a relay's upstream posts them itself. */
  shape: Shape;
  callbackShape: Shape;
  contentType: string;
  /** Documented fields this vendor really reads. */
  reads: { notifyHook: boolean; state: boolean; accountFilter: boolean; enableRemix: boolean; links: boolean };
  /** Characters; a longer one is refused. */
  limits: { state: number; notifyHook: number };
  /** A banned word is refused with 24 at once, or accepted and failed later (docs/protocol.md 2.2). */
  bannedWords: "refuse" | "fail";
  /** Action names where they differ from the most specific ones (docs/protocol.md 3.4). */
  actionNames: Partial<Record<Action, Action>>;
  /** A reroll carries its parent's action (trueai). */
  rerollKeepsAction: boolean;
  /** customIds this vendor's own parser refuses although Midjourney knows them (docs/protocol.md 4.7). */
  refusesPress(customId: string): boolean;
  /** "Imagine all" under a describe: comma-joined ids, or refused. */
  imagineAll: boolean;
  row: Row;
  buttonStyle: 1 | 2;
  /** The end is posted twice (docs/protocol.md 5.2, trueai). */
  doublesTerminal: boolean;
  /** CANCEL as such, or told as FAILURE. */
  cancelStatus: "CANCEL" | "FAILURE";
  /** modal asks for a task in MODAL; trueai queues the same id again whatever its state (docs/protocol.md 1.7). */
  modalChecksStatus: boolean;
  /** `taskId` as a JSON number is refused (new-api). */
  strictTaskId: boolean;
  /** 17-digit ids by default. */
  longIds: boolean;
  /** A look-up shows an empty status for this long at speed 1 (new-api's first 15 s, in demo time). */
  emptyStatusMs: number;
  /** Share of accepted submits answered with 201. */
  createdShare: number;
  /** The last hand on a submit answer's text: new-api rewrites codes textually. */
  rewrite(body: string, action: Action | undefined): string;
  variants: Partial<Record<"novicezk", Partial<Dialect>>>;
}

export type Shape = "novicezk" | "plus" | "trueai" | "relay" | "comet";

/** The plus behaviour: what most of the family does. */
const DEFAULTS: Omit<Dialect, "id" | "verbs"> = {
  prefixes: ["/mj"],
  auth: { headers: ["authorization"], optional: false },
  errors: "proxy",
  words: { accepted: "提交成功", queued: (ahead) => `排队中，前面还有${ahead}个任务`, modal: "窗口等待" },
  codeType: "number",
  integerResult: "none",
  properties: "instance",
  modalProperties: "absent",
  queueFullCode: 23,
  listed: Number.POSITIVE_INFINITY,
  unknownTask: "empty-200",
  shape: "plus",
  callbackShape: "plus",
  contentType: "application/json",
  reads: { notifyHook: true, state: true, accountFilter: true, enableRemix: false, links: true },
  limits: { state: Number.POSITIVE_INFINITY, notifyHook: Number.POSITIVE_INFINITY },
  bannedWords: "refuse",
  actionNames: { HIGH_VARIATION: "VARIATION", LOW_VARIATION: "VARIATION", CUSTOM_ZOOM: "ZOOM" },
  rerollKeepsAction: false,
  refusesPress: () => false,
  imagineAll: false,
  row: "v6",
  buttonStyle: 2,
  doublesTerminal: false,
  cancelStatus: "CANCEL",
  modalChecksStatus: true,
  strictTaskId: false,
  longIds: false,
  emptyStatusMs: 0,
  createdShare: 0,
  rewrite: (body) => body,
  variants: {},
};

type Filled = Pick<Dialect, "id"> & { verbs: readonly Verb[] } & Partial<Omit<Dialect, "id" | "verbs">>;

/** export const acme = defineDialect({ id: "acme", verbs: ["imagine", "fetch"], codeType: "string" }); */
export function defineDialect(filled: Filled): Dialect {
  return { ...DEFAULTS, ...filled, verbs: new Set(filled.verbs) };
}

/** The dialect as a scenario selects it. */
export function variantOf(dialect: Dialect, variant: "novicezk" | undefined): Dialect {
  return variant ? { ...dialect, ...dialect.variants[variant] } : dialect;
}

export const ENGLISH = {
  accepted: "Submit success",
  queued: (ahead: number) => `In queue, ${ahead} tasks ahead`,
  modal: "Waiting for window confirm",
};

export const MODE_PREFIXES = ["/mj", "/mj-fast/mj", "/mj-turbo/mj", "/mj-relax/mj"] as const;
