/**
 * Tasks and their timelines as pure functions, without clock, randomness and network.
 *
 *   L1  A task follows its timeline (`plan`), which has absolute times. A restarted simulator continues at the right step.
 *   L2  The history has every step, so that a past state can be shown behind a relay (`taskAt`).
 *   L3  Only the verb modal takes a task out of MODAL. Only trueai lets a task leave an end status (docs/protocol.md 1.7).
 */
import type { Fields } from "./json.ts";
import type { ProviderId } from "./provider.ts";

export type Status = "NOT_START" | "SUBMITTED" | "MODAL" | "IN_PROGRESS" | "SUCCESS" | "FAILURE" | "CANCEL";

export type Action =
  | "IMAGINE"
  | "UPSCALE"
  | "VARIATION"
  | "HIGH_VARIATION"
  | "LOW_VARIATION"
  | "REROLL"
  | "ZOOM"
  | "CUSTOM_ZOOM"
  | "PAN"
  | "INPAINT"
  | "BLEND"
  | "DESCRIBE"
  | "SHORTEN"
  | "SWAP_FACE"
  | "VIDEO"
  | "EDITS"
  | "RETEXTURE"
  | "SEED";

/** A status at a time. `progress` is the text that a vendor shows. */
export interface TimelineStep {
  at: number;
  status: Status;
  progress: string | null;
}

/** How a task ends. `stuck` never ends: the image is finished, but the vendor does not notice (novicezk issues 79, 261). */
export type TaskOutcome =
  | { kind: "success" }
  | { kind: "failure"; reason: string; share: number; word?: string; cause?: FailureCause }
  | { kind: "cancel" }
  | { kind: "stuck" };

/** Why a task failed, for vendors that report a type or a code of the failure. */
export type FailureCause = "moderated" | "invalid" | "timeout" | "canceled" | "vendor";

/** Kind of a result, which determines its buttons. It depends on the press, not on the action name. */
export type ResultKind = "grid" | "single" | "video" | "describe" | "shorten" | "plain";

export interface Task {
  id: string;
  provider: ProviderId;
  action: Action;
  result: ResultKind;
  prompt: string | null;
  state: string | null;
  /** Callback URL. Only vendors that return it in task objects show it. Null if there is none. */
  notifyHook: string | null;
  parentId: string | null;
  customId: string | null;
  /** Label of the pressed button, such as "U2"; empty for a root. */
  label: string;
  index: number;
  /** Number of videos that were requested; unset: four. */
  videos?: number;
  jobId: string;
  /** Body of the request, for vendors that show it with the task. */
  request?: Fields;
  /** True if the client asked for callbacks with progress; for vendors where a request decides this. */
  sendsProgress?: boolean;
  /** Name of the image. An upscale has the name of the tile of its parent. */
  scene: string;
  botType: string;
  mode: string;
  status: Status;
  progress: string | null;
  failReason: string | null;
  submitTime: number;
  startTime: number | null;
  finishTime: number | null;
  ending: TaskOutcome;
  /** Factor of the duration: 1 by default, 10 for `--sim slow`. */
  pace: number;
  /** True while the task waits for a slot of its account (code 22). */
  waiting: boolean;
  plan: TimelineStep[];
  history: TimelineStep[];
}

const END = new Set<Status>(["SUCCESS", "FAILURE", "CANCEL"]);
const STARTED = new Set<Status>(["SUBMITTED", "IN_PROGRESS"]);
export const isEnded = (status: Status): boolean => END.has(status);

/** Duration in ms at speed 1. The values are seconds for demos; Midjourney takes about a minute. */
export const DURATION_MS: Readonly<Record<Action, number>> = {
  IMAGINE: 2_500,
  UPSCALE: 1_200,
  VARIATION: 2_000,
  HIGH_VARIATION: 2_000,
  LOW_VARIATION: 2_000,
  REROLL: 2_000,
  ZOOM: 2_000,
  CUSTOM_ZOOM: 2_000,
  PAN: 2_000,
  INPAINT: 2_000,
  BLEND: 2_000,
  DESCRIBE: 2_000,
  SHORTEN: 2_000,
  SWAP_FACE: 2_000,
  VIDEO: 2_000,
  EDITS: 2_000,
  RETEXTURE: 2_000,
  SEED: 1_000,
};

/** Progress steps of Midjourney (docs/protocol.md 3.5), from "0%" to an early "100%" that is not yet the end. */
const STEPS = [0, 15, 31, 46, 62, 78, 93, 100] as const;
const SUBMITTED_SHARE = 0.04;

/**
 * Returns the future steps: SUBMITTED, eight progress steps and the end.
 *
 * @param wobble random value from 0 to 1 for the duration
 */
export function timelineOf(task: Task, startMs: number, speed: number, wobble: number): TimelineStep[] {
  const lengthMs = DURATION_MS[task.action] * task.pace * speed * (0.9 + 0.2 * wobble);
  const at = (share: number) => Math.round(startMs + lengthMs * share);
  const steps: TimelineStep[] = [{ at: at(SUBMITTED_SHARE), status: "SUBMITTED", progress: "0%" }];
  const share = (step: number) => SUBMITTED_SHARE + ((step + 1) / (STEPS.length + 1)) * (1 - SUBMITTED_SHARE);
  const { ending } = task;
  const end = ending.kind === "failure" ? ending.share : ending.kind === "cancel" ? 0.5 : 1;
  for (const [step, percent] of STEPS.entries()) {
    if (share(step) >= end || (ending.kind === "stuck" && percent > 93)) break;
    steps.push({ at: at(share(step)), status: "IN_PROGRESS", progress: `${percent}%` });
  }
  if (ending.kind === "success") steps.push({ at: at(1), status: "SUCCESS", progress: "100%" });
  if (ending.kind === "failure") steps.push({ at: at(end), status: "FAILURE", progress: "" });
  if (ending.kind === "cancel") steps.push({ at: at(end), status: "CANCEL", progress: "" });
  return steps;
}

/** Returns the task after a step. An end status empties the timeline. */
export function advanceTo(task: Task, step: TimelineStep): Task {
  const over = isEnded(step.status);
  return {
    ...task,
    status: step.status,
    progress: step.progress,
    startTime: task.startTime ?? (STARTED.has(step.status) ? step.at : null),
    finishTime: over ? step.at : null,
    failReason: step.status === "FAILURE" && task.ending.kind === "failure" ? task.ending.reason : null,
    plan: over ? [] : task.plan.filter((planned) => planned !== step),
    history: [...task.history, step],
  };
}

/** Returns the task at an earlier time; undefined if the task did not exist then. */
export function taskAt(task: Task, at: number): Task | undefined {
  const past = task.history.filter((step) => step.at <= at);
  const last = past.at(-1);
  if (!last) return undefined;
  if (past.length === task.history.length) return task;
  const started = past.find((step) => STARTED.has(step.status));
  return advanceTo({ ...task, startTime: started?.at ?? null, history: past.slice(0, -1) }, last);
}

/** Returns true if the buttons of the task can be pressed. */
export const isPressable = (task: Task): boolean => task.status === "SUCCESS";
