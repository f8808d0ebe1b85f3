/**
 * What a task is and how it lives, as plain functions: no clock, no chance, no network.
 *
 *   L1  A task moves along its plan; the plan is absolute times, so a restarted vendor resumes where it would have been.
 *   L2  History keeps every moment, so a relay can be shown the past (`asOf`).
 *   L3  Only a modal call takes a task out of MODAL, and only trueai lets it leave an end state (docs/protocol.md 1.7).
 */
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
  | "RETEXTURE";

/** A status reached at a time. `progress` is the text a vendor would show. */
export interface TimelineStep {
  at: number;
  status: Status;
  progress: string | null;
}

/** How a plan ends. `stuck` never ends: the picture is done but the vendor misses it (novicezk issues 79, 261). */
export type TaskOutcome =
  | { kind: "success" }
  | { kind: "failure"; reason: string; share: number; word?: string }
  | { kind: "cancel" }
  | { kind: "stuck" };

/** What the buttons of a result look like; decided by what made it, not by its name on the wire. */
export type ResultKind = "grid" | "single" | "video" | "describe" | "shorten" | "plain";

export interface Task {
  id: string;
  provider: ProviderId;
  action: Action;
  result: ResultKind;
  prompt: string | null;
  state: string | null;
  /** Kept to post to; shown only where the vendor itself echoes it. */
  notifyHook: string | null;
  parentId: string | null;
  customId: string | null;
  /** What the button said, such as "U2"; empty for a root. */
  label: string;
  index: number;
  jobId: string;
  /** Names the picture; an upscale shows the very tile of its parent's grid. */
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
  /** Multiplies the plan's length: 1 as usual, 10 for `--sim slow`. */
  pace: number;
  /** Waits for a running slot of its account (code 22). */
  waiting: boolean;
  plan: TimelineStep[];
  history: TimelineStep[];
}

const END = new Set<Status>(["SUCCESS", "FAILURE", "CANCEL"]);
const BEGUN = new Set<Status>(["SUBMITTED", "IN_PROGRESS"]);
export const isEnded = (status: Status): boolean => END.has(status);

/** Milliseconds from start to end at speed 1. A demo is watched, so these are seconds where Midjourney takes a minute. */
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
};

/** Midjourney's own steps (docs/protocol.md 3.5), between "0%" and an early "100%" that is not yet the end. */
const STEPS = [0, 15, 31, 46, 62, 78, 93, 100] as const;
const SUBMITTED_SHARE = 0.04;

/** The moments to come: SUBMITTED, eight steps, the end: ten in all. `wobble` is 0..1, from the seeded generator. */
export function timelineOf(task: Task, startMs: number, speed: number, wobble: number): TimelineStep[] {
  const lengthMs = DURATION_MS[task.action] * task.pace * speed * (0.9 + 0.2 * wobble);
  const at = (share: number) => Math.round(startMs + lengthMs * share);
  const moments: TimelineStep[] = [{ at: at(SUBMITTED_SHARE), status: "SUBMITTED", progress: "0%" }];
  const share = (step: number) => SUBMITTED_SHARE + ((step + 1) / (STEPS.length + 1)) * (1 - SUBMITTED_SHARE);
  const { ending } = task;
  const end = ending.kind === "failure" ? ending.share : ending.kind === "cancel" ? 0.5 : 1;
  for (const [step, percent] of STEPS.entries()) {
    if (share(step) >= end || (ending.kind === "stuck" && percent > 93)) break;
    moments.push({ at: at(share(step)), status: "IN_PROGRESS", progress: `${percent}%` });
  }
  if (ending.kind === "success") moments.push({ at: at(1), status: "SUCCESS", progress: "100%" });
  if (ending.kind === "failure") moments.push({ at: at(end), status: "FAILURE", progress: "" });
  if (ending.kind === "cancel") moments.push({ at: at(end), status: "CANCEL", progress: "" });
  return moments;
}

/** The task a moment later. An end empties the plan. */
export function advanceTo(task: Task, moment: TimelineStep): Task {
  const over = isEnded(moment.status);
  return {
    ...task,
    status: moment.status,
    progress: moment.progress,
    startTime: task.startTime ?? (BEGUN.has(moment.status) ? moment.at : null),
    finishTime: over ? moment.at : null,
    failReason: moment.status === "FAILURE" && task.ending.kind === "failure" ? task.ending.reason : null,
    plan: over ? [] : task.plan.filter((planned) => planned !== moment),
    history: [...task.history, moment],
  };
}

/** The task as it stood at an earlier time, or undefined when nothing had been heard of it by then. */
export function taskAt(task: Task, at: number): Task | undefined {
  const past = task.history.filter((moment) => moment.at <= at);
  const last = past.at(-1);
  if (!last) return undefined;
  if (past.length === task.history.length) return task;
  const began = past.find((moment) => BEGUN.has(moment.status));
  return advanceTo({ ...task, startTime: began?.at ?? null, history: past.slice(0, -1) }, last);
}

/** How far a task must be before its buttons can be pressed. */
export const isPressable = (task: Task): boolean => task.status === "SUCCESS";
