/** A task: one paid call to a vendor and what became of it. What may happen to it is in `state.ts`. */
import type { Failure } from "./error.ts";
import type { ModalAnswer, Press } from "./plan.ts";
import type { Result } from "./report.ts";
import type { Pace } from "./timing.ts";

/**
 *     PENDING ─► SUBMITTING ─► SUBMITTED ─► IN_PROGRESS ─► SUCCESS | FAILURE | CANCEL | EXPIRED
 *        ▲           │  └──► UNCLEAR ──┘          ▲
 *        └── busy ───┘          │                 │
 *        ▲                      ▼                 │
 *        └───── after grace ────┘   MODAL ─► SUBMITTING (its answer)
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

export const ENDED: ReadonlySet<TaskStatus> = new Set(["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"]);

/** Another submission of the same task that turned up after a newer one was made: paid for, and shown (P3). */
export interface Orphan {
  attempt: number;
  vendorTaskId?: string;
  at: number;
}

/** Where a task's earlier attempts were made, up to and including `attempt`. */
export interface AttemptLocation {
  attempt: number;
  provider: string;
  account: string;
  /** That attempt was not taken, as the vendor said. */
  untaken?: true;
}

export type PendingEffect = "follow" | "tell" | "archive";

/** A picture or video of a result in our own bucket. */
export interface Copy {
  key: string;
  bytes: number;
  /** Hex. */
  sha256: string;
  contentType: string;
  /** Where it was copied from. */
  source: string;
}

export interface Task {
  flowId: string;
  /** Place in the lineage, and with the flow's id the task's id (id.ts). */
  path: string;
  /** Optimistic lock; the store raises it at each write. */
  rev: number;
  status: TaskStatus;
  /** The protocol's word for the work; the vendor's own once it has reported. */
  action: string;
  provider: string;
  account: string;
  pace: Pace;

  /** As the plan or the app wrote it; the root has none. */
  press?: string;
  /** The button that was pressed, as read from the parent when it was (T6). */
  customId?: string;
  /** The root's images in the bucket. */
  inputsRef?: string;
  /** What to answer should the vendor open a window. */
  modal?: ModalAnswer;
  /** What to press on its result. */
  then?: Press[];
  /** Who listens to it, as `HEARS` of event.ts; unset: nobody. */
  eventMask?: number;
  /** Its pictures are to be copied to our own bucket. */
  archive?: boolean;
  /** Its number in the facade, where an app asked for it there (facade.ts). */
  mjTaskId?: string;
  /** After an unclear submission: never sent again, whatever it costs the plan. Unset: once its grace has passed. */
  resubmit?: "never";

  /** Paid submissions made, the running one included; names the hook token that is listened to. */
  attempt: number;
  /** A root that was not taken has moved: where its attempts were before, oldest first. */
  previousLocations?: AttemptLocation[];
  /** Which call the vendor was last sent: the submission itself, or the answer to its window. */
  phase: "submit" | "modal";
  /** Answers sent to windows. */
  modals: number;
  /** Until then the worker that claimed the task owns it (P5). */
  leaseUntil?: number;
  /** Busy answers in a row. */
  busyAnswers: number;

  vendorTaskId?: string;
  /** The submit answer's id is the one to press buttons with; a relay's callbacks may carry another. */
  vendorTaskIdFrom?: "answer" | "report";
  /** Further tasks one press started (trueai-org's "Imagine all" answers several ids). */
  vendorSiblings?: string[];

  progress: number;
  createdAt: number;
  submittedAt?: number;
  endedAt?: number;
  /** The attempt whose report ended it; another attempt's end is an orphan. */
  endedBy?: number;
  updatedAt: number;
  /** When the sweeper must look again; set in every state that waits for something (T4). */
  due?: number;
  /**
   * The due time that its flow's own stands for, handed down the plan: until `due` moves from it, the task has no entry in
   * the due index, and is found with its flow (docs/decisions/0017). 0 once it has moved; unset: it never was under it.
   */
  flowDue?: number;

  /** Callbacks recorded, terminal ones that said nothing new, and look-ups; then look-ups in a row that found nothing. */
  callbacks: number;
  duplicates: number;
  lookups: number;
  lookupMisses: number;

  /**
   * What its end, or its open window, still obliges us to, besides the follow-ups of a plan alone, which the due time
   * stands for. Cleared by whoever has made it durable elsewhere.
   */
  pendingEffects?: PendingEffect[];

  failure?: Failure;
  result?: Result;
  /** Our own copies of the pictures, in the order of `result.images`, or of `imageUrl` alone. */
  copies?: Copy[];
  /** A different end that was reported after this task had already ended (T1); its result where there was none. */
  late?: { status: string; at: number; result?: Result };
  /** A status word outside the protocol, last seen. */
  unknownStatus?: string;
  orphans?: Orphan[];
}

export function isEnded(task: Task): boolean {
  return ENDED.has(task.status);
}

/** Whether the due index names the row itself, a task's or a flow's; what waits without that is found with its flow. */
export function hasOwnDueEntry({ due, flowDue }: Pick<Task, "due" | "flowDue">): boolean {
  return due !== undefined && due !== flowDue;
}

/** What a task is made of; everything else it becomes. */
export type NewTask = Pick<
  Task,
  | "flowId"
  | "path"
  | "action"
  | "provider"
  | "account"
  | "pace"
  | "press"
  | "customId"
  | "inputsRef"
  | "modal"
  | "then"
  | "resubmit"
  | "mjTaskId"
  | "eventMask"
  | "archive"
  | "flowDue"
>;

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
