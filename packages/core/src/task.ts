/** A task: one paid call to a vendor and its result. The rules for its changes are in `state.ts`. */
import type { Slot } from "./concurrency-limiter.ts";
import type { CopyFailureCode, Failure } from "./error.ts";
import type { ModalAnswer, Press } from "./plan.ts";
import type { Result } from "./report.ts";
import type { OptionalField } from "./root-action.ts";
import type { Pace } from "./timing.ts";
import type { WaitReason } from "./wait-list.ts";

/**
 *     PENDING ─► SUBMITTING ─► SUBMITTED ─► IN_PROGRESS ─► SUCCESS | FAILURE | CANCEL | EXPIRED
 *        ▲           │  └──► UNCLEAR ──┘          ▲
 *        └── busy ───┘          │                 │
 *        ▲                      ▼                 │
 *        └─ after grace period ─┘   MODAL ─► SUBMITTING (modal answer)
 */
export const STATUSES = [
  "PENDING",
  "SUBMITTING",
  "UNCLEAR",
  "SUBMITTED",
  "MODAL",
  "IN_PROGRESS",
  "SUCCESS",
  "FAILURE",
  "CANCEL",
  "EXPIRED",
] as const;
export type TaskStatus = (typeof STATUSES)[number];

/** Statuses that the viewer of a share link sees: whether the vendor's response was clear is for the app. */
export const SHARED_STATUSES = STATUSES.filter((status) => status !== "UNCLEAR");

export const ENDED: ReadonlySet<TaskStatus> = new Set(["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"]);

/** Another submission of the same task that the vendor did accept. It is paid and shown to the app (P3). */
export interface Orphan {
  attempt: number;
  /** Unset while no report or response has named the id. */
  vendorTaskId?: string;
  /** When we learned of the orphan, epoch ms. */
  at: number;
}

/** The account of earlier attempts of a task: those after the previous location, up to and including `attempt`. */
export interface AttemptLocation {
  attempt: number;
  provider: string;
  account: string;
  /** The vendor rejected this attempt: a clear response said that it was not accepted. */
  untaken?: true;
}

/** Start the follow-ups, notify the subscribers, archive the images, check whether a late success is adopted. */
export type PendingEffect = "follow" | "tell" | "archive" | "adopt";

/** Another end of a task than the one that its status shows. */
export interface LateReport {
  status: string;
  /** When it was reported, epoch ms. */
  at: number;
  /** Set if it was a success, or a picture of a task that its vendor stopped updating. */
  result?: Result;
  /** The attempt that it is about. Unset in rows of earlier versions. */
  attempt?: number;
  /** The vendor task id that it named. */
  vendorTaskId?: string;
}

/** An archived image or video of a result. */
export interface Copy {
  /** Object key in our bucket. */
  key: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
  contentType: string;
  /** URL that the file was copied from. */
  source: string;
}

/** An image or video of a result that could not be copied. */
export interface CopyFailure {
  /** The vendor's link. */
  source: string;
  code: CopyFailureCode;
}

export interface Task {
  flowId: string;
  /** Position in the lineage. Flow id and path form the task id (id.ts). */
  path: string;
  /** Revision for the optimistic lock. The store increments it at each write. */
  rev: number;
  status: TaskStatus;
  /** Action name of the vendor protocol. After a report with an action, the vendor's own value. */
  action: string;
  /** Provider and account of the current attempt. */
  provider: string;
  account: string;
  pace: Pace;
  /** App of the flow. Unset in rows of earlier versions. */
  appId?: string;

  /** Press as the plan or the app wrote it: a label, a press name or a `customId`. Unset for a root. */
  press?: string;
  /** The `customId` of the pressed button, as read from the parent when the press was submitted (T6). */
  customId?: string;
  /** Reference of the input images of a root in the bucket. Unset if there are none. */
  inputsRef?: string;
  /** Field of the first input image that is a link, which not every vendor accepts. Unset if no image is a link. */
  linkField?: string;
  /** Fields of the request of a root that not every vendor supports. Unset: none. */
  optionalFields?: OptionalField[];
  /** The modal answer of the plan or the app, sent if the vendor opens a modal. Unset until one is given. */
  modal?: ModalAnswer;
  /** How many tasks Midjourney makes of the prompt (prompt.ts), for the estimate of the price. Unset: one. */
  taskCount?: number;
  /** Plan for the result: the presses that become follow-ups. */
  then?: Press[];
  /** Event mask: which events have subscribers (`EVENT_BITS` in event.ts). Unset if no event has. */
  eventMask?: number;
  /** True if the result images are to be archived in our bucket. */
  archive?: boolean;
  /** Compat task id (mj-task.ts). Unset if the task was not requested through the compat API. */
  mjTaskId?: string;
  /**
   * `never`: an unclear submission is never sent again, even if the plan stops there. Unset: again after the grace
   * period.
   */
  resubmit?: "never";

  /** Number of the current attempt; 0 before the first claim. A claim raises it, a busy response releases it (P2). */
  attempt: number;
  /** Accounts of the earlier attempts of a root that has moved, oldest first. Unset if the task has never moved. */
  previousLocations?: AttemptLocation[];
  /** The last call to the vendor: the submission or the modal answer. `submit` also while a modal is open. */
  phase: "submit" | "modal";
  /** Number of modal answers sent, without those that the vendor answered with busy. */
  modals: number;
  /** End of the lease, epoch ms. Unset when no worker owns the task (P5). */
  leaseUntil?: number;
  /** Number of busy responses in a row; a full account counts too. */
  busyAnswers: number;
  /** What the last busy response was about (`SubmitOutcome` in port.ts). Unset: the capacity of the account. */
  busyAbout?: "parent" | "connection";
  /** Why the task waits in the list of its account (wait-list.ts). Unset: it does not wait there. */
  waits?: WaitReason;
  /** Slot of the account's concurrency limit, set by the claim. Unset: the account has no limit, or the slot is released. */
  slot?: Slot;

  /** Unset until a response or report names it. */
  vendorTaskId?: string;
  /**
   * Origin of the vendor's base URL at the last claim, for image links without a host. Unset before a claim and in rows of
   * earlier versions.
   */
  vendorOrigin?: string;
  /** Source of `vendorTaskId`. Presses need the id of the submit response; callbacks of a relay may contain another. */
  vendorTaskIdFrom?: "answer" | "report";
  /** Ids of further vendor tasks that the same press started (trueai-org's "Imagine all" returns several ids). */
  vendorSiblings?: string[];

  /** Percent, 0 to 100. */
  progress: number;
  /** The vendor's link to the picture while it draws, of the report that raised `progress`. Unset: none, or the task has ended. */
  previewUrl?: string;
  /** This and the following times: epoch ms. */
  createdAt: number;
  /** When a worker claimed the task for its last call to the vendor. Unset before that, and in rows of earlier versions. */
  submittingAt?: number;
  /** When the vendor was known to have accepted the task, or when the last modal answer was sent. Unset before that. */
  submittedAt?: number;
  /** The first `submittedAt`, which is the time of the event `task.submitted`. Unset while `submittedAt` is the first. */
  firstSubmittedAt?: number;
  endedAt?: number;
  /**
   * The attempt whose report ended the task. The end of another attempt is recorded as an orphan. Unset without report.
   */
  endedBy?: number;
  updatedAt: number;
  /**
   * When the sweeper must handle the task, epoch ms. Set in every status that waits (T4); unset if nothing is pending.
   */
  due?: number;
  /**
   * The due time, epoch ms, that the flow's due time covers; follow-ups of a covered task are covered too. While `due`
   * equals `flowDue`, the task has no own entry in the due index. The sweeper finds it with its flow
   * (docs/decisions/0017). 0 after `due` has changed. Unset for a task that was never covered.
   */
  flowDue?: number;

  /** Number of recorded callbacks. */
  callbacks: number;
  /** Number of callbacks with an end after the task had ended. */
  duplicates: number;
  /** Number of look-ups. */
  lookups: number;
  /** Number of look-ups in a row that did not find the task. */
  lookupMisses: number;
  /**
   * When a search first missed the unclear submission without proof that the vendor does not have it, epoch ms. Unset
   * after a change of the status.
   */
  unprovenSince?: number;
  /**
   * When the current call first had no clear response, at a vendor with idempotency keys, epoch ms. The call is sent again with its
   * key. Unset after a change to another status than SUBMITTING and UNCLEAR.
   */
  unclearSince?: number;
  /** When a look-up first showed the task in progress at 100 %, epoch ms. Unset: never. */
  fullProgressAt?: number;

  /**
   * Pending effects of the end or of the open modal. The process that has stored an effect elsewhere removes it. Unset
   * if there are none, or if follow-ups are the only one: the due time stands for those (`pendingEffectsOf`).
   */
  pendingEffects?: PendingEffect[];

  failure?: Failure;
  result?: Result;
  /** Archived copies in the order of `result.images`, or of `imageUrl` alone. Unset if none was archived. */
  copies?: Copy[];
  /** What could not be archived, and why. Unset if nothing failed. */
  copyFailures?: CopyFailure[];
  /**
   * When the archiving ended, epoch ms: the time of the event `task.archived`. Unset if the copies are sent with the success, or
   * if there was nothing to copy.
   */
  archivedAt?: number;
  /**
   * Late report: a different end, reported after the task had ended (T1). If a late success was adopted, the end before
   * it.
   */
  late?: LateReport;
  /** When the vendor reported the image of a success that had none before, epoch ms. It is an event of its own. */
  resultUpdatedAt?: number;
  /** True if the app retried the task: a late success is not adopted any more. */
  retried?: true;
  /** The last status word outside the protocol. */
  unknownStatus?: string;
  orphans?: Orphan[];
}

export function isEnded(task: Task): boolean {
  return ENDED.has(task.status);
}

/**
 * True if a row, of a task or a flow, has its own entry in the due index. A waiting task without one is found with its
 * flow.
 */
export function hasOwnDueEntry({ due, flowDue }: Pick<Task, "due" | "flowDue">): boolean {
  return due !== undefined && due !== flowDue;
}

/** The fields that a new task is created with. All other fields change later. */
export type NewTask = Pick<
  Task,
  | "flowId"
  | "path"
  | "appId"
  | "action"
  | "provider"
  | "account"
  | "pace"
  | "press"
  | "customId"
  | "inputsRef"
  | "linkField"
  | "optionalFields"
  | "modal"
  | "then"
  | "resubmit"
  | "mjTaskId"
  | "eventMask"
  | "archive"
  | "taskCount"
  | "flowDue"
>;

/** @param due due time of the new task, epoch ms */
export function newTask(fields: NewTask, now: number, due: number): Task {
  return {
    ...fields,
    rev: 0,
    status: "PENDING",
    attempt: 0,
    phase: "submit",
    modals: 0,
    busyAnswers: 0,
    progress: 0,
    createdAt: now,
    updatedAt: now,
    due,
    callbacks: 0,
    duplicates: 0,
    lookups: 0,
    lookupMisses: 0,
  };
}
