/**
 * What the API takes and answers. Written here once more, so that the package depends on nothing; a test holds each type
 * to the server's own, member by member. Times are ISO 8601 text.
 */

export type FlowStatus = "running" | "completed" | "failed";

export type TaskStatus =
  | "PENDING"
  | "SUBMITTING"
  | "UNCLEAR"
  | "SUBMITTED"
  | "MODAL"
  | "IN_PROGRESS"
  | "SUCCESS"
  | "FAILURE"
  | "CANCEL"
  | "EXPIRED";

export type RootAction = "imagine" | "blend" | "describe" | "shorten" | "swap-face";
export type Mode = "fast" | "relax" | "turbo";

/** A button's label as the vendor shows it, or one of mjflow's names. Any text is taken; these are the known ones. */
export type PressName =
  | `${"U" | "V"}${1 | 2 | 3 | 4}`
  | `upscale:${1 | 2 | 3 | 4 | "all" | "subtle" | "creative"}`
  | `variation:${1 | 2 | 3 | 4 | "all"}`
  | "reroll"
  | `vary:${"subtle" | "strong" | "region"}`
  | `zoom:${"2" | "1.5" | "custom"}`
  | `pan:${"left" | "right" | "up" | "down"}`
  | "square"
  | `animate:${"high" | "low"}`
  | (string & {});

/** What answers a window (MODAL): a prompt, and for `vary:region` a mask as a data URI of a PNG. */
export interface ModalInput {
  prompt?: string;
  maskBase64?: string;
}

/** One step of a plan: what to press on the result, and what on the results of that. */
export interface PlanInput {
  press: PressName | PressName[];
  /** Short for `modal.prompt`. */
  prompt?: string;
  modal?: ModalInput;
  then?: PlanInput[];
}

export interface AccountFilter {
  channelId?: string;
  instanceId?: string;
  modes?: ("RELAX" | "FAST" | "TURBO")[];
  remark?: string;
  remix?: boolean;
  nijiRemix?: boolean;
  remixAutoConsidered?: boolean;
}

/** `POST /v1/flows` */
export interface FlowInput {
  /** Default: imagine. */
  action?: RootAction;
  provider: string;
  prompt?: string;
  mode?: Mode;
  botType?: "MID_JOURNEY" | "NIJI_JOURNEY";
  /** Data URIs of images, or http(s) links. */
  base64Array?: string[];
  dimensions?: "PORTRAIT" | "SQUARE" | "LANDSCAPE";
  sourceBase64?: string;
  targetBase64?: string;
  accountFilter?: AccountFilter;
  /** Yours, up to 16 KB: comes back byte for byte, and never goes to a vendor. */
  state?: string;
  /** Where to post this flow's events. */
  notifyHook?: string;
  /** Which events to post there. */
  events?: EventType[];
  /** Store progress as it comes. */
  progress?: boolean;
  /** After a submission whose answer was lost. Default: after-grace. */
  resubmit?: "after-grace" | "never";
  then?: PlanInput[];
}

/** `POST /v1/tasks/{id}/actions`: either `press` or `customId`. */
export interface PressInput {
  press?: PressName;
  customId?: string;
  prompt?: string;
  modal?: ModalInput;
  then?: PlanInput[];
}

export type KnownFailureCode =
  | "vendor_refused"
  | "vendor_failed"
  | "vendor_cancelled"
  | "vendor_unauthorized"
  | "vendor_out_of_money"
  | "vendor_busy"
  | "vendor_lost"
  | "banned_prompt"
  | "invalid_prompt"
  | "deadline_passed"
  | "submission_unclear"
  | "modal_unanswered"
  | "press_not_offered"
  | "press_ambiguous"
  | "press_doubled"
  | "parent_unnamed"
  | "parent_failed"
  | "input_missing"
  | "provider_missing"
  | "unsupported"
  | "dead_letter";

/** Why a task ended without a picture. */
export interface Failure {
  /** A newer server may know more codes than this package. */
  code: KnownFailureCode | (string & {});
  message: string;
  /** The vendor's own words, cleaned. */
  vendor?: { code?: string; description?: string; bannedWord?: string };
  /** What could have been pressed instead. */
  offered?: string[];
}

export interface Media {
  url: string;
  thumbnail?: string;
}

export interface Button {
  customId: string;
  label: string;
  emoji: string;
  /** One of mjflow's names, where it has one. */
  name: string | null;
}

/** Another submission of the same task that turned up after a newer one was made, and was paid for. */
export interface Orphan {
  attempt: number;
  vendorTaskId?: string;
  at: string;
  estimatedUsd: number;
}

export interface Task {
  id: string;
  flowId: string;
  /** The task whose button was pressed; null at the root. */
  parentId: string | null;
  rootId: string;
  depth: number;
  press: string | null;
  action: string;
  status: TaskStatus;
  /** 0 to 100. */
  progress: number;
  provider: string;
  providerTaskId: string | null;
  customId: string | null;
  imageUrl: string | null;
  images: Media[];
  videos: Media[];
  buttons: Button[];
  finalPrompt: string | null;
  /** Text answers: describe's and shorten's. */
  text: string | null;
  seed: string | null;
  failReason: string | null;
  failure: Failure | null;
  attempts: number;
  modals: number;
  callbacks: number;
  duplicates: number;
  lookups: number;
  unclear: boolean;
  orphans: Orphan[];
  late: { status: string; at: string; imageUrl: string | null } | null;
  createdAt: string;
  submittedAt: string | null;
  endedAt: string | null;
}

export interface Counts {
  /** Paid calls made to the vendor. */
  submissions: number;
  modals: number;
  callbacks: number;
  duplicates: number;
  lookups: number;
}

/** A row of a list: the tasks are left to `flows.get`. */
export interface FlowSummary {
  id: string;
  status: FlowStatus;
  state: string | null;
  action: RootAction;
  provider: string;
  prompt: string | null;
  createdAt: string;
  endedAt: string | null;
}

export interface Flow extends FlowSummary {
  mode: Mode | null;
  notifyHook: string | null;
  tasks: Task[];
  counts: Counts;
}

export type TaskEventType = "task.submitted" | "task.progress" | "task.modal" | "task.completed" | "task.failed";
export type FlowEventType = "flow.completed" | "flow.failed";
export type EventType = TaskEventType | FlowEventType;

interface EventOf<Type extends EventType, Data> {
  type: Type;
  timestamp: string;
  data: Data;
}

/** `data.state` is its flow's. */
export type TaskEvent = EventOf<TaskEventType, Task & { state: string | null }>;
export type FlowEndEvent = EventOf<FlowEventType, FlowSummary & { counts: Counts }>;
/** A webhook's body, and the `data` of a stream's event: narrow it by `type`. */
export type EventBody = TaskEvent | FlowEndEvent;

/** An answer in pages. */
export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

/** ISO 8601 text, or a Date. */
export type Time = string | Date;

export interface FlowQuery {
  status?: FlowStatus;
  state?: string;
  provider?: string;
  since?: Time;
  until?: Time;
  /** How many per page, 1 to 100. */
  limit?: number;
}

/** `v1`: HMAC with a shared secret; `v1a`: ed25519, of which you hold the public half. */
export type Scheme = "v1" | "v1a";

/** `POST /v1/endpoints` */
export interface EndpointInput {
  url: string;
  /** Default: all but task.progress. */
  events?: EventType[];
  /** Default: v1. */
  scheme?: Scheme;
  description?: string;
}

export interface EndpointPatch {
  url?: string;
  events?: EventType[];
  description?: string;
  disabled?: boolean;
}

export interface Endpoint {
  id: string;
  url: string;
  events: EventType[];
  scheme: Scheme;
  description: string | null;
  /** `whpk_…` of scheme v1a. */
  publicKey: string | null;
  createdAt: string;
}

/** Just created or rotated: its `secret` (`whsec_…`, scheme v1) is not shown again. */
export interface NewEndpoint extends Endpoint {
  secret?: string;
}

export interface ReplayInput {
  since?: Time;
  until?: Time;
  /** Default: failed. */
  only?: "failed" | "all";
}

export interface Replayed {
  replayed: number;
}

export type DeliveryStatus = "pending" | "delivered" | "failed";

export interface DeliveryQuery {
  endpoint?: string;
  status?: DeliveryStatus;
  limit?: number;
}

export interface Delivery {
  id: string;
  type: EventType;
  status: DeliveryStatus;
  createdAt: string;
  endedAt: string | null;
}

export interface Provider {
  id: string;
}

export interface DeadLetter {
  id: string;
  state: "kept" | "redriven" | "dropped";
  /** The message as it came: whoever can write to the queue wrote it. */
  body: string;
  why: string;
  receives: number;
  createdAt: string;
}
