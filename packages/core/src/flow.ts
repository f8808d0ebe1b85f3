/** A flow: what an app asked for, once. Its tasks say how far it is; only `status` and `endedAt` of a flow ever change. */
import type { EventType } from "./event.ts";
import { isPlannedChild, retryPath, rootPath } from "./id.ts";
import { countSubmissions } from "./relocation.ts";
import type { AccountFilter, FLOW_STATUSES, ROOT_ACTIONS } from "./request.ts";
import { hasOwnDueEntry, isEnded, type Task } from "./task.ts";
import { flowCheckIntervalMs, type Pace, type Timings } from "./timing.ts";

export type Mode = "fast" | "relax" | "turbo";
export type BotType = "MID_JOURNEY" | "NIJI_JOURNEY";
export type RootAction = (typeof ROOT_ACTIONS)[number];
export type FlowStatus = (typeof FLOW_STATUSES)[number];

export interface Flow {
  id: string;
  appId: string;
  /** Optimistic lock; the store raises it at each write. */
  rev: number;
  status: FlowStatus;
  action: RootAction;
  provider: string;
  /**
   * Which of the provider's accounts (keys) pays; a branch stays with it, for buttons belong to an account. While the flow
   * runs, both are what its root began with: a root that was not taken may have moved, and says so itself.
   */
  account: string;
  /** Any vendor may do it: the app said "auto". */
  anyProvider?: boolean;
  /** When the vendor is lost; unset: what it had not finished ends. */
  onVendorLoss?: "restart";
  prompt?: string;
  dimensions?: "PORTRAIT" | "SQUARE" | "LANDSCAPE";
  mode?: Mode;
  botType?: BotType;
  accountFilter?: AccountFilter;
  /** The caller's own string: comes back byte for byte, never goes to a vendor (T5). */
  state?: string;
  notifyHook?: string;
  /** Which events `notifyHook` hears; unset: all but progress. */
  events?: EventType[];
  /** Who listens to it and its tasks, as `HEARS` of event.ts; unset: nobody. */
  eventMask?: number;
  /** Its pictures are copied to our own bucket. */
  archive?: boolean;
  /** Store progress callbacks. Decided once, because it is written into every hook token of the flow (D2). */
  progress: boolean;
  createdAt: number;
  endedAt?: number;
  /** Called off: nothing more of it is submitted. */
  canceledAt?: number;
  /** How many ends it has had that it was gone on with from. */
  endCount?: number;
  /** What it may cost is held in its app's credit until it has ended (credit.ts). */
  hasCreditHold?: boolean;
  /** Gone on with by hand after its end, and what that holds is not settled yet: its due time stays. */
  reopened?: boolean;
  /** It was begun in place of this one, whose vendor was lost; and which was begun in its own. */
  restartOf?: string;
  restartedAs?: string;
  /** Its end is not yet known to be announced; and before that, not begun anew elsewhere. */
  pendingEffects?: ("tell" | "restart")[];
  /**
   * When the sweeper looks at the flow: whether its end was recorded, and for those of its tasks whose due time this one
   * stands for. While it runs it is never later than theirs.
   */
  due?: number;
}

/** The images an app sent, kept in the bucket: they are too large for the table. */
export interface Inputs {
  base64Array?: string[];
  sourceBase64?: string;
  targetBase64?: string;
  masks?: string[];
}

/**
 * How a flow stands, from its tasks alone: the same answer for a reader, the engine and a test, whatever was or was not
 * recorded on the flow. It has ended when every task has, and every success has all its planned children. What was
 * retried counts no more: its retry stands in its place.
 */
export function flowStatus(tasks: readonly Task[]): FlowStatus {
  if (tasks.length === 0 || !tasks.every(isEnded)) return "running";
  const begun = (parent: Task) => tasks.filter((task) => isPlannedChild(task.path, parent.path)).length;
  if (tasks.some((task) => task.status === "SUCCESS" && begun(task) < (task.then?.length ?? 0))) return "running";
  const valid = tasks.filter((task) => !isSuperseded(task, tasks));
  const root = rootOf(valid);
  if (!root) return "running";
  // Called off in time to spare something; had it all run to its end, it is what it came to.
  if (valid.some(({ failure }) => failure?.code === "canceled")) return "canceled";
  return root.status === "SUCCESS" ? "completed" : "failed";
}

/** Its end is recorded too, so that lists, balances and the announcement have it: of those, its tasks alone are ahead. */
export function isEndRecorded(flow: Pick<Flow, "status" | "reopened">, tasks: readonly Task[]): boolean {
  const status = flowStatus(tasks);
  return status !== "running" && flow.status === status && !flow.reopened;
}

/** The root that stands: the first, or what retries it. */
export function rootOf(tasks: readonly Task[]): Task | undefined {
  return tasks.find((task) => task.path === rootPath(task.path) && !isSuperseded(task, tasks));
}

/** It was tried again. */
export function isSuperseded(task: Task, tasks: readonly Task[]): boolean {
  if (task.status === "SUCCESS") return false;
  const retry = retryPath(task.path);
  return tasks.some(({ path }) => path === retry);
}

export interface Counts {
  /** Paid calls made to the vendor: imagines and presses, the unclear ones included. */
  submissions: number;
  /** Prompts or masks sent to tasks in MODAL. */
  modals: number;
  /** Callbacks recorded. Progress that nobody asked for is answered without being counted. */
  callbacks: number;
  duplicates: number;
  /** Times the vendor was asked about a task, because its callback was overdue. */
  lookups: number;
  /** Writes of its rows. One costs a write unit for each KB begun, as a rule one, and one or two more where an index moves. */
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
    // A row's revision is the number of times it was written.
    writes: rev + sum((task) => task.rev),
  };
}

/**
 * The next time a running flow is looked at: when the first of the tasks it stands for is due, and no later than one is that
 * is created now.
 */
export function nextFlowDue(
  { mode = "fast" }: Pick<Flow, "mode">,
  tasks: readonly Task[],
  now: number,
  timings: Timings,
): number {
  const waiting = tasks.filter((task) => !isEnded(task) && !hasOwnDueEntry(task));
  return Math.min(now + flowCheckIntervalMs(timings, mode), ...waiting.flatMap(({ due }) => due ?? []));
}

/** The protocol's word for what a flow begins with. */
export function vendorActionOf(action: RootAction): string {
  return action.replace("-", "_").toUpperCase();
}

export function paceOf(mode: Mode | undefined, action: string): Pace {
  return action === "VIDEO" ? "video" : (mode ?? "fast");
}
