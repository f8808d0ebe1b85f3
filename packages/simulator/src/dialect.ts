/**
 * The properties of a vendor. The protocol code uses these fields and never compares vendor names. `DEFAULTS` has the
 * default of every optional field, so a dialect file lists only the differences of its vendor.
 */

import type { Row } from "./button.ts";
import type { DialectId } from "./provider.ts";
import type { Variant } from "./scenario.ts";
import type { Action, Status } from "./task.ts";

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

/** Families of error bodies (docs/protocol.md 2.3). */
export type ErrorFamily = "proxy" | "trueai" | "relay" | "comet";

export interface Dialect {
  id: DialectId;
  /** Path prefixes before the verb. `*` matches one segment. A segment such as `mj-fast` selects the mode. */
  prefixes: readonly string[];
  /** True if the mode in the path has no effect: new-api removes the prefix before it calls its upstream. */
  stripsPrefix: boolean;
  verbs: ReadonlySet<Verb>;
  /** Headers that may carry the key; the first one that is set counts. `optional`: the key may be missing. */
  auth: { headers: readonly ("authorization" | "mj-api-secret")[]; optional: boolean };
  errors: ErrorFamily;
  /** Description texts of responses. Clients must not depend on these texts. */
  words: { accepted: string; queued(ahead: number): string; modal: string };
  codeType: "number" | "string";
  /** Verbs whose `result` is an integer. */
  integerResult: ReadonlySet<Verb> | "all" | "none";
  properties: "instance" | "instance+channel" | "string" | "empty";
  /** Whether code 21 has `{finalPrompt, remix}` or no properties (docs/protocol.md 2.5 b). */
  modalProperties: "absent" | "remix";
  queueFullCode: 23 | 9;
  /** Maximum number of tasks in the task list, newest first. trueai has a limit, the others have none. */
  listed: number;
  /** Response to fetch with an unknown id (docs/protocol.md 1.14). */
  unknownTask: "empty-200" | "empty-204" | "empty-404" | "relay-400";
  /** Shape of the task object in look-ups. */
  shape: Shape;
  /** Shape of the task object in callbacks; differs if the upstream of a relay sends the callbacks. */
  callbackShape: Shape;
  contentType: string;
  /** Request fields that this vendor evaluates. */
  reads: { notifyHook: boolean; state: boolean; accountFilter: boolean; enableRemix: boolean; links: boolean };
  /** True if a face swap accepts links. */
  swapLinks: boolean;
  /** Maximum lengths in characters; a longer value is rejected. */
  limits: { state: number; notifyHook: number };
  /** Whether a prompt with a banned word is rejected with 24, or accepted and fails later (docs/protocol.md 2.2). */
  bannedWords: "refuse" | "fail";
  /** Action names that differ from the most specific names (docs/protocol.md 3.4). */
  actionNames: Partial<Record<Action, Action>>;
  /** True if a reroll has the action of its parent (trueai). */
  rerollKeepsAction: boolean;
  /** Returns true for customIds that the vendor rejects although Midjourney supports them (docs/protocol.md 4.7). */
  refusesPress(customId: string): boolean;
  /**
   * Which fields of a video the vendor requires, and whether it evaluates `batchSize` and `endImage`. A relay passes all
   * fields on.
   */
  video: { needsMotion: boolean; needsPrompt: boolean; options: boolean };
  /** True if "Imagine all" of a describe is supported and returns comma-joined ids. */
  imagineAll: boolean;
  row: Row;
  buttonStyle: 1 | 2;
  /** True if final callbacks are sent twice (docs/protocol.md 5.2, trueai). */
  doublesTerminal: boolean;
  /** Status that a canceled task reports. */
  cancelStatus: "CANCEL" | "FAILURE";
  /** True if the verb modal needs a task in MODAL. trueai queues the same id again in any state (docs/protocol.md 1.7). */
  modalChecksStatus: boolean;
  /** True if a `taskId` that is a JSON number is rejected (new-api). */
  strictTaskId: boolean;
  /** True for ids with 17 digits by default. */
  longIds: boolean;
  /** Time in ms for which a look-up shows an empty status at speed 1. It stands for the first 15 s of new-api. */
  emptyStatusMs: number;
  /** Share of accepted submissions that get HTTP 201. */
  createdShare: number;
  /** Rewrites the text of a submit response: new-api replaces codes in the text. */
  rewrite(body: string, action: Action | undefined): string;
  /** Words for statuses that differ from the protocol (docs/protocol.md 3.3). */
  statusWords: Partial<Record<Status, string>>;
  /** Fields in which the text result of a describe is, in addition to `properties.finalPrompt`. */
  describeTexts: readonly ("prompt" | "promptEn")[];
  variants: Partial<Record<Variant, Partial<Dialect>>>;
}

export type Shape = "novicezk" | "plus" | "trueai" | "relay" | "comet";

/** The behavior of plus, which most vendors of the family share. */
const DEFAULTS: Omit<Dialect, "id" | "verbs"> = {
  prefixes: ["/mj"],
  stripsPrefix: false,
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
  swapLinks: true,
  limits: { state: Number.POSITIVE_INFINITY, notifyHook: Number.POSITIVE_INFINITY },
  bannedWords: "refuse",
  actionNames: { HIGH_VARIATION: "VARIATION", LOW_VARIATION: "VARIATION", CUSTOM_ZOOM: "ZOOM" },
  rerollKeepsAction: false,
  refusesPress: () => false,
  video: { needsMotion: false, needsPrompt: false, options: true },
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
  statusWords: {},
  describeTexts: [],
  variants: {},
};

type DialectFields = Pick<Dialect, "id"> & { verbs: readonly Verb[] } & Partial<Omit<Dialect, "id" | "verbs">>;

/** @example export const acme = defineDialect({ id: "acme", verbs: ["imagine", "fetch"], codeType: "string" }); */
export function defineDialect(fields: DialectFields): Dialect {
  return { ...DEFAULTS, ...fields, verbs: new Set(fields.verbs) };
}

/** Returns the dialect with the variant of a scenario. */
export function variantOf(dialect: Dialect, variant: Variant | undefined): Dialect {
  return variant ? { ...dialect, ...dialect.variants[variant] } : dialect;
}

export const ENGLISH = {
  accepted: "Submit success",
  queued: (ahead: number) => `In queue, ${ahead} tasks ahead`,
  modal: "Waiting for window confirm",
};

export const MODE_PREFIXES = ["/mj", "/mj-fast/mj", "/mj-turbo/mj", "/mj-relax/mj"] as const;
