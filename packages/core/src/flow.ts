/**
 * A flow: one request of an app. `flowStatus` computes from the tasks how far a flow is.
 *
 * Only these fields (and `rev`) change after creation: `status`, `endedAt`, `endCount`, `canceledAt`, `hasCreditHold`, `credit`,
 * `reopened`, `pendingEffects`, `due`, `restartedAs` and `deletedAt`. `provider`, `account` and `accountFilter` change too, when the
 * end is recorded and the root has moved.
 */
import type { EventType } from "./event.ts";
import type { FlowCredit } from "./flow-credit.ts";
import { isPlannedChild, retryPath, rootPath } from "./id.ts";
import type { InputType } from "./image-type.ts";
import { modeFlagOf } from "./prompt.ts";
import { countSubmissions } from "./relocation.ts";
import type { AccountFilter, FLOW_STATUSES, VideoOptions } from "./request.ts";
import type { RootAction } from "./root-action.ts";
import { hasOwnDueEntry, isEnded, type Task } from "./task.ts";
import { flowCheckIntervalMs, type Pace, type Timings } from "./timing.ts";

export type Mode = "fast" | "relax" | "turbo";
export type BotType = "MID_JOURNEY" | "NIJI_JOURNEY";
export type { RootAction } from "./root-action.ts";
export type FlowStatus = (typeof FLOW_STATUSES)[number];

export interface Flow {
  id: string;
  appId: string;
  /** Revision for the optimistic lock. The store increments it at each write. */
  rev: number;
  /** The recorded status. `flowStatus` gives the actual one, which can be ahead. */
  status: FlowStatus;
  action: RootAction;
  provider: string;
  /**
   * The account of the provider that pays. Branches stay with it, because buttons belong to an account. While the flow
   * runs, `provider` and `account` are those that the flow was created with. A root that moved has its own values; they
   * are copied here when the end is recorded.
   */
  account: string;
  /** True if the app requested the provider "auto", so any provider may be used. */
  anyProvider?: boolean;
  /** What happens after a vendor loss. Unset: the unfinished tasks fail. */
  onVendorLoss?: "restart";
  /** The prompt that vendors get. */
  prompt?: string;
  /** The prompt of the app, before its translation. Unset: `prompt` is that of the app. */
  originalPrompt?: string;
  /** The images of the request that vendors get scaled down. Unset: none. */
  reducedImages?: ReducedInput[];
  dimensions?: "PORTRAIT" | "SQUARE" | "LANDSCAPE";
  /** Options of a video. Unset: the root is no video, or has no options. */
  video?: VideoOptions;
  mode?: Mode;
  botType?: BotType;
  accountFilter?: AccountFilter;
  /** The app's own string. It is returned byte for byte and never sent to a vendor (T5). */
  state?: string;
  /** URL of the app that receives the webhooks of this flow. */
  notifyHook?: string;
  /** Event types that `notifyHook` receives. Unset: all except progress. */
  events?: EventType[];
  /** Event mask of the flow and its tasks (`EVENT_BITS` in event.ts). Unset if no event has subscribers. */
  eventMask?: number;
  /** Number of rows of the delivery log. Unset: one, if the event mask says that the flow has a log. */
  logRows?: number;
  /** True if the result images are archived in our bucket. */
  archive?: boolean;
  /**
   * True if progress callbacks are stored. Fixed at creation, because every callback token of the flow contains it
   * (D2).
   */
  progress: boolean;
  /** Creation time. All times of a flow are epoch ms. */
  createdAt: number;
  /** When the end was recorded. Unset while the flow runs. */
  endedAt?: number;
  /** When the flow was canceled: no task of it is submitted any more. Unset if not canceled, or resumed since. */
  canceledAt?: number;
  /**
   * When the app deleted the flow. Its tasks and objects are removed then. The row stays until it expires, without the app's
   * data: it confirms the credit of the flow, and a repeated request finds that the flow existed. Unset: not deleted.
   */
  deletedAt?: number;
  /** Number of earlier recorded ends: the flow was reopened, or its end changed. Unset: none. */
  endCount?: number;
  /** True if a credit hold was made for the estimated cost of the flow (credit.ts). Stays true after the settlement. */
  hasCreditHold?: boolean;
  /** What is held and settled for the flow. Unset: nothing was held, or the hold is in the row of an earlier version. */
  credit?: FlowCredit;
  /**
   * True if a press or retry after the recorded end runs, or if its credit hold is not settled yet. `due` stays set until
   * then.
   */
  reopened?: boolean;
  /** Name of the template whose plan the flow has. Unset: the request had its own plan, or none. */
  template?: string;
  /** Id of the flow whose request was used again. Unset if none. */
  rerunOf?: string;
  /** Id of the flow that this flow replaces after a vendor loss. Unset if none. */
  restartOf?: string;
  /** Id of the flow that replaces this flow after a vendor loss. Unset if none. */
  restartedAs?: string;
  /**
   * Pending effects of the end. `restart`: start the replacement. `tell`: notify the subscribers, after the restart.
   */
  pendingEffects?: ("tell" | "restart")[];
  /**
   * When the sweeper must handle the flow, epoch ms: it records a missing end and handles the tasks that this due time
   * covers. While the flow runs, `due` is never later than the due times of those tasks. Unset if nothing is pending.
   */
  due?: number;
}

/** An image of a request that was scaled down for its vendor. Sizes are in pixels. */
export interface ReducedInput {
  /** Where the image was in the request, for example `base64Array[0]`. */
  field: string;
  contentType: InputType;
  bytes: number;
  width: number;
  height: number;
  originalBytes: number;
  originalWidth: number;
  originalHeight: number;
}

/** The images of a request. They are stored in the bucket, because they are too large for the table. */
export interface Inputs {
  base64Array?: string[];
  sourceBase64?: string;
  targetBase64?: string;
  /** The first frame of a video, or the image to edit or to retexture. */
  image?: string;
  /** The last frame of a video. */
  endImage?: string;
  /** The region to edit. */
  maskBase64?: string;
  /** Masks of the plan. */
  masks?: string[];
}

/**
 * Returns the status of a flow, computed only from its tasks. So readers, the engine and tests get the same status,
 * whatever is recorded on the flow. The flow has ended when every task has ended and every success has all its planned
 * children. A retried task does not count; its retry replaces it.
 */
export function flowStatus(tasks: readonly Task[]): FlowStatus {
  if (tasks.length === 0 || !tasks.every(isEnded)) return "running";
  if (tasks.some((task) => task.status === "SUCCESS" && !hasAllFollowUps(task, tasks))) return "running";
  const valid = tasks.filter((task) => !isSuperseded(task, tasks));
  const root = rootOf(valid);
  if (!root) return "running";
  // The flow is canceled only if the cancellation ended a task. If all tasks ran to their ends, the result of the root
  // counts.
  if (valid.some(({ failure }) => failure?.code === "canceled")) return "canceled";
  return root.status === "SUCCESS" ? "completed" : "failed";
}

/** True if a row of each planned child exists. */
function hasAllFollowUps({ path, then }: Task, tasks: readonly Task[]): boolean {
  const planned = then?.length ?? 0;
  return planned === 0 || tasks.filter((task) => isPlannedChild(task.path, path)).length >= planned;
}

/**
 * True if the due time of the flow stands for the task: the task waits, or a row of a follow-up is missing. A parent whose
 * follow-ups exist keeps its due time, because a write that only removes it would cost a unit. Each child has a due time of its own.
 */
export function needsFlowDue(task: Task, tasks: readonly Task[]): boolean {
  if (task.due === undefined || hasOwnDueEntry(task)) return false;
  return !isEnded(task) || !hasAllFollowUps(task, tasks);
}

/** True if the end is also recorded on the flow. Lists, credit balances and notifications use only the recorded end. */
export function isEndRecorded(flow: Pick<Flow, "status" | "reopened">, tasks: readonly Task[]): boolean {
  const status = flowStatus(tasks);
  return status !== "running" && flow.status === status && !flow.reopened;
}

/** Returns the status for lists, which read no tasks. A flow that a press or a retry reopened is running again. */
export function listedStatus({ status, reopened }: Pick<Flow, "status" | "reopened">): FlowStatus {
  return reopened ? "running" : status;
}

/** Returns the valid root: the first root, or the retry that replaces it. */
export function rootOf(tasks: readonly Task[]): Task | undefined {
  return tasks.find((task) => task.path === rootPath(task.path) && !isSuperseded(task, tasks));
}

/** True if a retry replaces the task. */
export function isSuperseded(task: Task, tasks: readonly Task[]): boolean {
  if (task.status === "SUCCESS") return false;
  const retry = retryPath(task.path);
  return tasks.some(({ path }) => path === retry);
}

export interface Counts {
  /** Number of submissions that a vendor may have accepted, including the unclear ones. */
  submissions: number;
  /** Number of modal answers sent. */
  modals: number;
  /** Number of recorded callbacks. Progress that the app did not request is acknowledged without being counted. */
  callbacks: number;
  /** Number of callbacks with an end after the task had ended. */
  duplicates: number;
  /** Number of look-ups. */
  lookups: number;
  /**
   * Number of writes to the rows of the flow. A write costs one write unit for each started KB, usually one. A write
   * that changes an index costs one or two more.
   */
  writes: number;
}

export function countsOf({ rev }: Pick<Flow, "rev">, tasks: readonly Task[]): Counts {
  const sum = (of: (task: Task) => number) => tasks.reduce((total, task) => total + of(task), 0);
  return {
    submissions: sum(countSubmissions),
    modals: sum((task) => task.modals),
    callbacks: sum((task) => task.callbacks),
    duplicates: sum((task) => task.duplicates),
    lookups: sum((task) => task.lookups),
    // The revision of a row is the number of its writes.
    writes: rev + sum((task) => task.rev),
  };
}

/**
 * Returns the next due time of a running flow, epoch ms. It is the earliest due time of the tasks without an own index
 * entry, but not later than the due time of a task created now.
 */
export function nextFlowDue(
  flow: Pick<Flow, "mode" | "prompt" | "accountFilter">,
  tasks: readonly Task[],
  now: number,
  timings: Timings,
): number {
  const waiting = tasks.filter((task) => needsFlowDue(task, tasks));
  const pace = paceOf(flow.mode, "", flow);
  return Math.min(now + flowCheckIntervalMs(timings, pace), ...waiting.map(({ due }) => due!));
}

/** Returns the action name of the vendor protocol for a root. */
export function vendorActionOf(action: RootAction): string {
  return action.replace("-", "_").toUpperCase();
}

/** The modes, the most expensive first. */
const MODES_BY_PRICE: readonly Mode[] = ["turbo", "fast", "relax"];

/**
 * Returns the pace of a root. A flag in the prompt comes first, because Midjourney follows it, then `mode`. If only
 * `accountFilter` names modes, the most expensive of them counts.
 */
export function paceOf(
  mode: Mode | undefined,
  action: string,
  { prompt, accountFilter }: Pick<Flow, "prompt" | "accountFilter"> = {},
): Pace {
  if (action === "VIDEO") return "video";
  const filtered = MODES_BY_PRICE.find((each) => accountFilter?.modes?.some((name) => name.toLowerCase() === each));
  return modeFlagOf(prompt) ?? mode ?? filtered ?? "fast";
}
