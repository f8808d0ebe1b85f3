/**
 * What the API takes and answers. Written here once more, so that the package depends on nothing; a test holds each type
 * to the server's own, member by member. Times are ISO 8601 text.
 */

/** `canceled`: called off, and something was spared by it. */
export type FlowStatus = "running" | "completed" | "failed" | "canceled";

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
  /** A configured vendor's id; "auto": whichever can and has room. Default: as the stage has it. */
  provider?: string;
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
  /** Which events to post there. Default: all but task.progress. */
  events?: EventType[];
  /** Copy the pictures to mjflow's own bucket, where they do not expire. Default: as the stage has it. */
  archive?: boolean;
  /** Store progress as it comes. */
  progress?: boolean;
  /** When the vendor refuses for good or is removed: what it had not finished ends, or is begun anew elsewhere. Default: end. */
  onVendorLoss?: "end" | "restart";
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
  | "canceled"
  | "modal_unanswered"
  | "press_not_offered"
  | "press_ambiguous"
  | "press_doubled"
  | "parent_unnamed"
  | "parent_failed"
  | "input_missing"
  | "provider_missing"
  | "unsupported"
  | "tile_not_cut"
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

/** mjflow's own copy of a picture. */
export interface Copy {
  url: string;
  bytes: number;
  /** Hex. */
  sha256: string;
  contentType: string;
  /** Where it was copied from. */
  source: string;
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
  /** The task in whose place this one stands: it had failed, and was tried again. */
  retryOf: string | null;
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
  /** In the order of `images`, or of `imageUrl` alone. */
  copies: Copy[];
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
  /** Writes of its rows to mjflow's table, when it was last read. */
  writes: number;
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
  /** The flow in whose place it was begun, whose vendor was lost; and the one that was begun in its own. */
  restartOf: string | null;
  restartedAs: string | null;
}

export interface Flow extends FlowSummary {
  mode: Mode | null;
  notifyHook: string | null;
  /** What the notifyHook hears; null: the default. */
  events: EventType[] | null;
  /** Since when nothing more of it is submitted. */
  canceledAt: string | null;
  tasks: Task[];
  counts: Counts;
}

export type TaskEventType = "task.submitted" | "task.progress" | "task.modal" | "task.completed" | "task.failed";
export type FlowEventType = "flow.completed" | "flow.failed";
export type EventType = TaskEventType | FlowEventType | "endpoint.disabled";

interface EventOf<Type extends EventType, Data> {
  type: Type;
  /** When it happened. */
  timestamp: string;
  data: Data;
}

/** `data.state` is its flow's. */
export type TaskEvent = EventOf<TaskEventType, Task & { state: string | null }>;
export type FlowEndEvent = EventOf<FlowEventType, FlowSummary & { counts?: Counts }>;
/** Told to the app's other endpoints; empty where it was removed since. */
export type EndpointEvent = EventOf<
  "endpoint.disabled",
  { id?: string; url?: string; disabledWhy?: Endpoint["disabledWhy"]; failingSince?: string }
>;
/** What a flow's stream tells: narrow it by `type`. */
export type FlowBody = TaskEvent | FlowEndEvent;
/** What a webhook says: narrow it by `type`. */
export type EventBody = FlowBody | EndpointEvent;

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

/** `PATCH /v1/endpoints/{id}`: null sets back to the default. */
export interface EndpointPatch {
  url?: string;
  events?: EventType[] | null;
  description?: string | null;
  /** Enabled again, it starts afresh. */
  enabled?: boolean;
}

export interface Endpoint {
  /** `hook` is the one that signs the posts to the flows' own notifyHooks; it has no address. */
  id: string;
  url: string | null;
  events: EventType[];
  scheme: Scheme;
  /** `whpk_…`, of scheme v1a. */
  publicKey: string | null;
  description: string | null;
  enabled: boolean;
  disabledAt: string | null;
  disabledWhy: "by_app" | "gone" | "failing" | null;
  /** Since when nothing has been delivered. */
  failingSince: string | null;
  /** Until when the secrets before the newest still sign. */
  earlierSecretsUntil: (string | null)[];
  createdAt: string;
}

/** Just created or rotated: its `secret` (`whsec_…`, scheme v1) is not shown again. */
export interface NewEndpoint extends Endpoint {
  secret?: string;
}

/** `POST /v1/endpoints/{id}/replay` */
export interface ReplayInput {
  since?: Time;
  until?: Time;
  /** Default: failed. */
  only?: "failed" | "all";
  /** The `nextCursor` of the call before. */
  cursor?: string;
}

/** Where `nextCursor` is not null there is more to replay. */
export interface Replayed {
  replayed: number;
  nextCursor: string | null;
}

export type DeliveryStatus = "pending" | "delivered" | "failed";

export interface DeliveryQuery {
  /** An endpoint's id, or `hook`. */
  endpoint?: string;
  /** A flow's id. */
  flow?: string;
  status?: DeliveryStatus;
  since?: Time;
  until?: Time;
  /** How many per page. */
  limit?: number;
}

/** One event on its way to one listener. */
export interface Delivery {
  id: string;
  /** The webhook's id, the same for every listener and every try. */
  eventId: string;
  type: EventType;
  endpoint: string;
  flowId: string;
  /** Null for an event of the flow itself. */
  taskId: string | null;
  status: DeliveryStatus;
  tries: number;
  /** The last of them, newest last: the HTTP status, or why there was none. */
  attempts: { at: string | null; status?: number; why?: string; tookMs?: number }[];
  /** Why it was given up. */
  failure: string | null;
  nextTryAt: string | null;
  happenedAt: string | null;
  createdAt: string | null;
  endedAt: string | null;
}

/** A configured vendor. */
export interface Provider {
  id: string;
  title: string;
  /** What a plan may begin with there. */
  actions: RootAction[];
  modes: Mode[];
  abilities: {
    /** Whether it says that it calls back; what it does is learned for each account. */
    notifyHook: "documented" | "unknown";
    listByCondition: boolean;
    searchByState: boolean;
    seed: boolean;
  };
  accounts: ProviderAccount[];
  [more: string]: unknown;
}

/** One of the stage's accounts at a vendor; never its key. */
export interface ProviderAccount {
  name: string;
  /** Its share of new flows beside the others'; 0: none. */
  weight: number;
  maxRunning: number | null;
  /** Whether it calls back, from what really arrived. */
  callbacks: "unknown" | "calling" | "silent";
  heardAt: string | null;
  /** Times in a row that it could not be asked, and when it is asked again. */
  failures: number;
  askAt: string | null;
  /** Whether it is trusted with new flows: open, it gets none for a while; half-open, one, to see. */
  circuit: "closed" | "open" | "half-open";
  openUntil: string | null;
  /** What spoke against it last. */
  fault: "busy" | "full" | "unclear" | "unauthorized" | "out_of_money" | null;
  /** No room for new flows until then. */
  busyUntil: string | null;
  [more: string]: unknown;
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

/** How many messages are where in a queue: about. */
export interface QueueDepth {
  name: "submit" | "deliver" | "archive" | "dead-letters";
  waiting: number;
  inFlight: number;
  delayed: number;
}

/** What became of what is sealed, after the vault's key was rotated. */
export interface Resealed {
  /** Endpoints and vendors' accounts with something sealed. */
  looked: number;
  resealed: number;
  /** Sealed with a key that is gone: each is named in the API's log. */
  lost: number;
}

/** What should have gone on by now, and has not. */
export interface Overdue {
  count: number;
  /** Whether that is all there is. */
  whole: boolean;
  oldest: { kind: "task" | "flow" | "delivery"; id: string; flowId: string; dueAt: string } | null;
}

/** A task that its vendor may or may not have. */
export interface UnclearTask {
  id: string;
  flowId: string;
  appId: string;
  press: string | null;
  action: string;
  provider: string;
  account: string;
  attempt: number;
  createdAt: string;
  /** Until when its callback is awaited; then it is looked for, or sent again. */
  dueAt: string | null;
}

export interface Unclear {
  data: UnclearTask[];
  /** How many tasks that wait were looked at. */
  looked: number;
  /** Whether these are all that are in doubt. */
  whole: boolean;
}

/** What an app may do; null where nothing limits it. */
export interface Limits {
  flowsPerMinute: number | null;
  /** Flows that have not ended, at a time. */
  runningFlows: number | null;
  creditsUsd: number | null;
}

/** `POST /v1/apps` */
export interface AppInput {
  name: string;
  limits?: { flowsPerMinute?: number; runningFlows?: number; creditsUsd?: number };
}

/** `PATCH /v1/apps/{id}`: what is named is replaced, `limits` as a whole; null lifts them all. */
export interface AppPatch {
  name?: string;
  limits?: AppInput["limits"] | null;
  disabled?: boolean;
}

export interface App {
  id: string;
  name: string;
  limits: Limits;
  createdAt: string | null;
  disabledAt: string | null;
  deletedAt: string | null;
}

export interface AppKey {
  id: string;
  appId: string;
  /** For telling it from others. */
  prefix: string;
  createdAt: string | null;
  /** A day. */
  lastUsedOn: string | null;
  expiresAt: string | null;
  revokedAt: string | null;
}

/** Just made: the only answer that ever holds the `key`. */
export interface NewAppKey extends AppKey {
  key: string;
}

export interface RotatedAppKey extends NewAppKey {
  /** Stays valid for the overlap. */
  previous: AppKey;
}
