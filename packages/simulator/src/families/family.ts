/**
 * The port of a vendor with a protocol of its own. A family decides what a request asks for and how a response looks; it is
 * pure. `vendor.ts` in this folder does the rest for all families: faults, credit, slots, ledger, time and callbacks.
 */
import type { CallbackFormat } from "../callback.ts";
import type { LookupVerb, SubmitVerb } from "../dialect.ts";
import { type Fields, text } from "../json.ts";
import type { TaskSource } from "../lifecycle.ts";
import type { Draft } from "../protocol.ts";
import type { FamilyId } from "../provider.ts";
import type { Mode } from "../route.ts";
import { bannedWordIn, directivesIn, type Scenario } from "../scenario.ts";
import type { Action, ResultKind, Task, TaskOutcome } from "../task.ts";
import { finalPromptOf, type Origin } from "../wire-format.ts";

export interface Family extends TaskSource {
  id: FamilyId;
  /** Header that carries the key, in lower case. A value may begin with `Bearer `. */
  keyHeader: "authorization" | "tt-api-key" | "x-api-key";
  /** Fields of a body that hold images, for the ledger. */
  imageFields: readonly string[];
  /** True if a refused prompt leaves a task that has failed. */
  keepsRefused: boolean;
  callbacks(scenario: Scenario): CallbackFormat;
  /** Returns what the request asks for; undefined if the vendor has no such route. */
  read(request: FamilyRequest, view: FamilyView): FamilyCall | undefined;
  /** Response to a submission that created the task. */
  accepted(task: Task, request: FamilyRequest, view: FamilyView): Answer;
  /** Response with a task that exists already, or that a blocking submission has waited for. */
  shown(task: Task, request: FamilyRequest, view: FamilyView): Answer;
  refused(refusal: FamilyRefusal, view: FamilyView): Answer;
}

export interface FamilyRequest {
  method: string;
  /** Path after the base URL of the vendor. */
  path: string;
  query: URLSearchParams;
  /** JSON body; empty if there is none. */
  body: Fields;
  accept: string;
}

export interface FamilyView {
  scenario: Scenario;
  now: number;
  origin: Origin;
  task(id: string): Task | undefined;
  /** All tasks of the vendor, newest first. */
  all(): Task[];
}

export interface Answer {
  status: number;
  /** JSON, or text if `contentType` is set. */
  body: unknown;
  contentType?: string;
}

export type FamilyCall =
  | { kind: "submit"; verb: SubmitVerb; decision: FamilyDecision }
  | { kind: "lookup"; verb: LookupVerb; ids: readonly string[]; found: number; answer: Answer }
  | { kind: "cancel"; id: string };

export type FamilyDecision =
  /** `blocks`: the response is sent when the task has ended. */
  | { kind: "create"; draft: Draft; blocks?: boolean }
  | { kind: "existing"; task: Task }
  /** `draft`: the failed task of a refused prompt, for vendors that keep one. */
  | ({ kind: "refuse"; refusal: FamilyRefusal; draft?: Draft } & Partial<Pressed>);

/** The press of a submission, for the ledger. */
interface Pressed {
  parentId: string;
  customId: string;
  action: Action;
}

/** What a button of a vendor makes. */
export interface Press {
  action: Action;
  result: ResultKind;
  /** Number of the picture of the grid, from 1; 0 for the whole result. */
  index: number;
}

export const press = (action: Action, result: ResultKind = "grid", index = 0): Press => ({ action, result, index });

export type FamilyRefusal =
  | { kind: "unauthorized" }
  | { kind: "no-route"; method: string; path: string }
  | { kind: "invalid"; text: string }
  | { kind: "banned"; word: string; task?: Task }
  | { kind: "parent-missing" }
  | { kind: "not-success" }
  /** The parent has no such button, or the button was pressed and works once. */
  | { kind: "not-offered"; name: string }
  | { kind: "missing" }
  | { kind: "forbidden"; text: string }
  | { kind: "no-credit" }
  | { kind: "no-account" }
  | { kind: "queue-full" }
  | { kind: "rate-limit" }
  | { kind: "ended" }
  | { kind: "timeout" }
  | { kind: "server-error"; status: number };

/** What a vendor responds to each kind of refusal; a function where the response names a part of it. */
export type Refusals<Response> = {
  readonly [Kind in FamilyRefusal["kind"]]: Response | ((refusal: Extract<FamilyRefusal, { kind: Kind }>) => Response);
};

export function refusalIn<Response extends readonly unknown[]>(
  refusals: Refusals<Response>,
  refusal: FamilyRefusal,
): Response {
  const found = refusals[refusal.kind] as Response | ((refusal: FamilyRefusal) => Response);
  return typeof found === "function" ? found(refusal) : found;
}

/** Returns the decision to create a task, or to refuse because of its prompt. */
export function created(
  fields: Pick<Draft, "action" | "result"> & Partial<Draft>,
  view: FamilyView,
  { blocks = false } = {},
): FamilyDecision {
  const outcome = outcomeOf(fields.prompt ?? "", view.scenario);
  const draft: Draft = {
    state: null,
    prompt: null,
    botType: "MID_JOURNEY",
    mode: "FAST",
    label: "",
    index: 0,
    modal: false,
    count: 1,
    ending: { kind: "success" },
    pace: 1,
    ...fields,
    // A follow-up shows the prompt of its parent. Its directives affect only the task of the request.
    ...("kind" in outcome || isInherited(fields) ? {} : { ending: outcome.ending, pace: outcome.pace }),
    notifyHook: isSilent(fields, view) ? null : (fields.notifyHook ?? null),
  };
  const pressed = { action: draft.action, ...(draft.parent && { parentId: draft.parent.id }) };
  if ("kind" in outcome && !isInherited(fields)) {
    const customId = draft.customId === undefined ? {} : { customId: draft.customId };
    const failed: Draft = { ...draft, ending: MODERATED };
    return { kind: "refuse", refusal: outcome, draft: failed, ...pressed, ...customId };
  }
  return { kind: "create", draft, blocks };
}

const isInherited = ({ parent, prompt }: Partial<Draft>): boolean => parent !== undefined && parent.prompt === prompt;

function isSilent(fields: Partial<Draft>, { scenario }: FamilyView): boolean {
  return scenario.silent === true || (!isInherited(fields) && directivesIn(fields.prompt ?? "").has("silent"));
}

/** Returns the outcome of a prompt from its banned words and its `--sim` directives. */
function outcomeOf(prompt: string, scenario: Scenario): { ending: TaskOutcome; pace: number } | FamilyRefusal {
  const words = directivesIn(prompt);
  const word = bannedWordIn(prompt, scenario) ?? (words.has("banned") ? "banned" : undefined);
  if (word !== undefined) return { kind: "banned", word };
  if (words.has("queue-full")) return { kind: "queue-full" };
  const pace = words.has("slow") ? 10 : 1;
  const failure = FAILURES.find(([directive]) => words.has(directive))?.[1];
  if (failure) return { ending: failure, pace };
  return { ending: words.has("stuck") ? { kind: "stuck" } : { kind: "success" }, pace };
}

const MODERATED: TaskOutcome = { kind: "failure", share: 0.6, reason: "Banned prompt detected", cause: "moderated" };

const FAILURES = [
  [
    "fail",
    {
      kind: "failure",
      share: 0.4,
      reason: "[Invalid parameter] Unrecognized parameter(s): `--sim fail`",
      cause: "invalid",
    },
  ],
  ["moderated", MODERATED],
  ["timeout", { kind: "failure", share: 1, reason: "Job Timeout", cause: "timeout" }],
  ["cancel", { kind: "failure", share: 0.5, reason: "The job was canceled", cause: "canceled" }],
] as const satisfies readonly [string, TaskOutcome][];

/** Returns a refusal because of the body. */
export function invalid(message: string): FamilyDecision {
  return { kind: "refuse", refusal: { kind: "invalid", text: message } };
}

/** Returns the mode of a field; undefined if it is not a mode. */
export function modeOf(value: unknown): Mode | undefined {
  const upper = typeof value === "string" ? value.toUpperCase() : "";
  return upper === "RELAX" || upper === "FAST" || upper === "TURBO" ? upper : undefined;
}

/** Returns a callback URL of a body; null if there is none. */
export const urlIn = (body: Fields, name: string): string | null => text(body, name) ?? null;

/** Returns a look-up with its answer. */
export function lookedUp(verb: LookupVerb, ids: readonly string[], found: number, answer: Answer): FamilyCall {
  return { kind: "lookup", verb, ids, found, answer };
}

/** Returns why a failed task failed. A failure without a cause comes from the vendor itself. */
export function failureOf({ ending }: Task): { cause: string; reason: string } {
  if (ending.kind === "cancel") return { cause: "canceled", reason: "The job was canceled" };
  if (ending.kind !== "failure") return { cause: "vendor", reason: "The job failed" };
  const { cause = "vendor", reason } = ending;
  // The faults of callbacks write the words of the midjourney-proxy family.
  return { cause, reason: cause === "timeout" ? "Job Timeout" : reason };
}

/** Progress in percent; 0 before the first report. */
export const percentOf = ({ progress }: Task): number => Number.parseInt(progress ?? "0", 10) || 0;

/** Returns the texts of a finished describe or shorten, one for each line. */
export function linesOf(task: Task): string[] {
  const lines = finalPromptOf(task).split("\n");
  return lines.filter((line) => /^\d\uFE0F?\u20E3/u.test(line)).map((line) => line.replace(/^\S+\s+/u, ""));
}

export const tileUrls = (task: Task, origin: Origin): string[] =>
  [1, 2, 3, 4].map((tile) => `${origin}/images/${task.id}.png?tile=${tile}`);
