/**
 * Types of the API's requests and responses. They are written here again, so that this package has no dependencies; a
 * test compares each type with the server's own type, member by member. Times are ISO 8601 text.
 */
import type { ServerErrorCode } from "./error.ts";

/** Status of a flow. `canceled`: a cancellation prevented at least one task of the flow. */
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

export type RootAction = "imagine" | "blend" | "describe" | "shorten" | "swap-face" | "video" | "edit" | "retexture";
export type Mode = "fast" | "relax" | "turbo";

/**
 * A button's label as the vendor shows it, or one of mjflow's press names. Any text is accepted; these are the known
 * names.
 */
export type PressName =
  | `${"U" | "V"}${1 | 2 | 3 | 4}`
  | `upscale:${1 | 2 | 3 | 4 | "all" | "subtle" | "creative"}`
  | `variation:${1 | 2 | 3 | 4 | "all"}`
  | "reroll"
  | `vary:${"subtle" | "strong" | "region"}`
  | `zoom:${"2" | "1.5" | "custom"}`
  | `pan:${"left" | "right" | "up" | "down"}`
  | "square"
  | `${"animate" | "extend"}:${"high" | "low"}`
  | `${"animate" | "extend"}:${"high" | "low"}:${1 | 2 | 3 | 4}`
  | `video:${1 | 2 | 3 | 4 | "all"}`
  | (string & {});

/** A modal answer: a prompt, and for `vary:region` also a mask as a data URI of a PNG. */
export interface ModalInput {
  prompt?: string;
  maskBase64?: string;
}

/** One step of a plan: the buttons to press on a result, and the steps for the results of these presses. */
export interface PlanInput {
  press: PressName | PressName[];
  /** Short form of `modal.prompt`. */
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

/** False: no copies. True: the success is sent with its copies. "later": the event `task.archived` tells the copies. */
export type ArchiveMode = boolean | "later";

/** `POST /v1/flows` */
export interface FlowInput {
  /** Default: imagine. */
  action?: RootAction;
  /**
   * Id of a configured provider; "auto" chooses one that accepts the flow and has free slots. Default: the deployment's
   * default provider.
   */
  provider?: string;
  prompt?: string;
  mode?: Mode;
  botType?: "MID_JOURNEY" | "NIJI_JOURNEY";
  /** Data URIs of images, http(s) links, or ids of uploads. */
  base64Array?: string[];
  dimensions?: "PORTRAIT" | "SQUARE" | "LANDSCAPE";
  sourceBase64?: string;
  targetBase64?: string;
  /** The first frame of a video, or the image to edit or to retexture: a data URI, an http(s) link or the id of an upload. */
  image?: string;
  /** The last frame of a video. */
  endImage?: string;
  /** The region of an edit, as a data URI of a PNG: white areas are regenerated. */
  maskBase64?: string;
  /** Amount of motion of a video. Default: low. */
  motion?: "low" | "high";
  /** True: the video ends with its first frame. */
  loop?: boolean;
  /** Number of videos. Default: the vendor's default, which is 4. */
  batchSize?: 1 | 2 | 4;
  /** The vendor's name of the video model with its resolution, for example `vid_1.1_i2v_720`. */
  videoType?: string;
  accountFilter?: AccountFilter;
  /** Text of the app, up to 16 KB. It is returned byte for byte and never sent to a vendor. */
  state?: string;
  /** URL that receives the webhooks of this flow. */
  notifyHook?: string;
  /** Event types that `notifyHook` receives. Default: all except task.progress. */
  events?: EventType[];
  /**
   * Whether the images are copied to mjflow's own bucket, where they do not expire. True: `task.completed` waits for the
   * copies. "later": it is sent at once, and `task.archived` has the copies. Default: that of the app, or the deployment's.
   */
  archive?: ArchiveMode;
  /** Whether each progress report is stored. Default: the deployment's setting. */
  progress?: boolean;
  /**
   * What happens when the vendor refuses permanently or is removed. `end`: unfinished tasks fail. `restart`: the flow
   * continues or starts again at another account. Default: end.
   */
  onVendorLoss?: "end" | "restart";
  /** Whether an unclear submission is submitted again after the grace period. Default: after-grace. */
  resubmit?: "after-grace" | "never";
  then?: PlanInput[];
  /** Name of a template of the app. Its plan is the plan of the flow. */
  template?: string;
  /**
   * Groups in braces in the prompt, as in `a {red, blue} boat`. `send`: the vendor gets the prompt as it is. `expand`: one flow
   * of each prompt; only `flows.createMany` returns several flows. Default: send.
   */
  permutations?: "expand" | "send";
  /**
   * True: the words of all prompts are translated into English before the flow is stored; parameters, links, weights and groups
   * in braces stay. Default: that of the app, which is false unless the operator has set it.
   */
  translate?: boolean;
}

/** A task that ended with an image or a video. */
export interface Picture {
  taskId: string;
  flowId: string;
  parentId: string | null;
  press: string | null;
  action: string;
  provider: string;
  /** Name of the vendor account. Older servers do not send it. */
  account?: string;
  /** The vendor's link, which expires; of a tile the link of its copy. */
  imageUrl: string | null;
  images: Media[];
  videos: Media[];
  copies: Copy[];
  prompt: string | null;
  /** Null if the vendor does not report it. Older servers do not send it. */
  seed?: string | null;
  state: string | null;
  /** True if any picture of the result is a favorite. Unset: the server is older. */
  favorite?: boolean;
  /** Ids of the folders with any picture of the result. Unset: the server is older. */
  folders?: string[];
  /** The marks of the single pictures, by number. A picture without a mark is left out. Unset: the server is older. */
  marks?: PictureMarks[];
  endedAt: string | null;
  /** Unset: the server is older. */
  urls?: TaskUrls;
}

/** The marks of one picture of a result. */
export interface PictureMarks {
  /** Number of the picture in its result, from 1. The id of the picture is `<taskId>.<number>`. */
  number: number;
  favorite: boolean;
  /** Ids of the folders that have the picture. */
  folders: string[];
}

/** What changes for all named pictures. At least one is required. */
export interface MarkInput {
  /** True: the pictures become favorites. False: they are no favorites any more. */
  favorite?: boolean;
  /** Id of a folder that gets the pictures. */
  addToFolder?: string;
  /** Id of a folder that loses the pictures. The pictures themselves stay. */
  removeFromFolder?: string;
}

export interface MarkResult {
  /** Ids of the pictures that have the wanted marks now. */
  marked: string[];
  /** Ids that are no pictures of the app, or of deleted flows. */
  missing: string[];
}

/** A named list of pictures. */
export interface Folder {
  id: string;
  name: string;
  createdAt: string;
  updatedAt: string;
  /** `pictures`: URL of the pictures of the folder. */
  urls: { pictures: string };
}

export interface PictureQuery {
  flow?: string;
  /** For example `UPSCALE`. */
  action?: string;
  /** True: only results with a video. False: only results without one. */
  video?: boolean;
  /** True: only results with a favorite. */
  favorite?: true;
  /** Id of a folder: only results with a picture in it. */
  folder?: string;
  /** Bounds of the creation time of the flows. */
  since?: Date | string;
  until?: Date | string;
  /** Only for the operator. */
  app?: string;
  limit?: number;
}

/** `POST /v1/uploads` */
export interface UploadInput {
  contentType: "image/png" | "image/jpeg" | "image/webp" | "image/gif";
  /** Exact size of the image. */
  bytes: number;
}

/** Where an image is sent: one PUT to `url` with `headers` until `expiresAt`. */
export interface Upload {
  /** Use it wherever a request takes an image. */
  id: string;
  url: string;
  method: "PUT";
  headers: Record<string, string>;
  contentType: UploadInput["contentType"];
  bytes: number;
  expiresAt: string;
  /** Link under which a vendor reads the image, without a key. Use it in a prompt, for example after `--sref`. */
  link: string;
}

/** `POST /v1/tasks/{id}/actions`: either `press` or `customId`. */
export interface PressInput {
  press?: PressName;
  customId?: string;
  prompt?: string;
  modal?: ModalInput;
  then?: PlanInput[];
  /** As in a flow. */
  translate?: boolean;
}

export type KnownFailureCode =
  | "vendor_refused"
  | "vendor_failed"
  | "vendor_cancelled"
  | "vendor_unauthorized"
  | "vendor_out_of_money"
  | "vendor_busy"
  | "vendor_unreachable"
  | "vendor_lost"
  | "vendor_stalled"
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
  | "parent_not_ready"
  | "buttons_unknown"
  | "input_missing"
  | "provider_missing"
  | "unsupported"
  | "tile_not_cut"
  | "dead_letter";

/** An image or video that could not be archived. */
export interface CopyFailure {
  /** The vendor's link. */
  source: string;
  /** Stable code. A newer server may have more codes than this package. */
  code: KnownCopyFailureCode | (string & {});
  message: string;
}

export type KnownCopyFailureCode =
  | "gone"
  | "not_media"
  | "incomplete"
  | "too_large"
  | "forbidden"
  | "not_a_grid"
  | "unavailable";

/** Why a task ended without an image. */
export interface Failure {
  /** Failure code. A newer server may have more codes than this package. */
  code: KnownFailureCode | (string & {});
  message: string;
  /** The vendor's error code and text, redacted; unset if the vendor sent none. */
  vendor?: { code?: string; description?: string; bannedWord?: string };
  /** Buttons that the task offers; set if the requested button is missing or ambiguous. */
  offered?: string[];
  /** With `tile_not_cut`: why the tile could not be cut; unset if it is not known. */
  reason?: KnownCopyFailureCode | (string & {});
}

export interface Media {
  url: string;
  thumbnail?: string;
}

/** mjflow's own copy of an image. */
export interface Copy {
  url: string;
  bytes: number;
  /** SHA-256 of the bytes, hexadecimal. */
  sha256: string;
  contentType: string;
  /** URL that the image was copied from. */
  source: string;
}

export interface Button {
  customId: string;
  label: string;
  emoji: string;
  /** mjflow's press name of the button; null if it has none. */
  name: string | null;
}

/**
 * An earlier submission of the same task that the vendor did accept. It was found after a newer submission was sent,
 * and it is paid.
 */
export interface Orphan {
  attempt: number;
  vendorTaskId?: string;
  at: string;
  estimatedUsd: number;
}

/** Why a task waits for its vendor account. */
export interface Waits {
  /**
   * `busy`: the vendor is busy or cannot be reached. `full`: all slots of the account are used. `calls`: too many calls have
   * no response yet. `order`: other tasks wait and came first.
   */
  reason: "busy" | "full" | "calls" | "order";
  /** Number of tasks that come first, at the time of the read; null in events and if it is not known. */
  ahead: number | null;
  /** True if more than `ahead` tasks may come first. */
  atLeast: boolean;
}

export interface Task {
  id: string;
  flowId: string;
  /** The task whose button was pressed; null for the root. */
  parentId: string | null;
  rootId: string;
  /** The failed task that this task retries; null if this task is not a retry. */
  retryOf: string | null;
  depth: number;
  press: string | null;
  action: string;
  status: TaskStatus;
  /** Progress in percent, 0 to 100. */
  progress: number;
  provider: string;
  /** Name of the vendor account of the current attempt. Older servers do not send it. */
  account?: string;
  providerTaskId: string | null;
  customId: string | null;
  imageUrl: string | null;
  /** The vendor's link to the picture while it draws, if progress is stored. Older servers do not send it. */
  previewUrl?: string | null;
  images: Media[];
  videos: Media[];
  /** Archived copies in the order of `images`, or the copy of `imageUrl` alone. */
  copies: Copy[];
  /** What could not be archived, and why. Empty if nothing failed. */
  copyFailures: CopyFailure[];
  buttons: Button[];
  /** The prompt of the app, before its translation; null if it was not translated. Older servers do not send it. */
  originalPrompt?: string | null;
  finalPrompt: string | null;
  /** Text result of describe and shorten tasks; null for other tasks. */
  text: string | null;
  seed: string | null;
  /** The last status word of the vendor that the server does not know; null if there is none. */
  unknownStatus: string | null;
  failReason: string | null;
  failure: Failure | null;
  attempts: number;
  modals: number;
  /**
   * True if the vendor made the task without the prompt or mask that the request had for a modal. Older servers do not send
   * it.
   */
  modalIgnored?: boolean;
  callbacks: number;
  duplicates: number;
  lookups: number;
  unclear: boolean;
  /** Why the task waits for its vendor account; null if it does not. Older servers do not send it. */
  waits?: Waits | null;
  orphans: Orphan[];
  late: { status: string; at: string; imageUrl: string | null } | null;
  createdAt: string;
  /**
   * When mjflow began its last call to the vendor; null before, and while the task waits to be submitted again. Older servers do
   * not send it.
   */
  submittingAt?: string | null;
  submittedAt: string | null;
  endedAt: string | null;
  /** Unset if the server is older. */
  urls?: TaskUrls;
}

/** A task that was read alone. */
export interface TaskRead extends Task {
  /**
   * Milliseconds after which the next read is likely to show something new; null if the task has ended. Older servers
   * do not send it.
   */
  nextInMs?: number | null;
}

export interface Counts {
  /** Number of submissions: paid calls to the vendor. */
  submissions: number;
  modals: number;
  callbacks: number;
  duplicates: number;
  lookups: number;
  /** Number of writes of the flow's rows to mjflow's table, at the time of the read. */
  writes: number;
}

/** URLs of a flow. Null if the server does not know it. */
export interface FlowUrls {
  get: string;
  cancel: string;
  events: string | null;
  /** Page of the flow in the console. */
  console: string | null;
}

export interface TaskUrls {
  get: string;
  /** Presses a button, with POST. */
  actions: string;
  flow: string;
  /** Page of the task in the console; null if the server has none. */
  console: string | null;
}

/**
 * A step of a plan. `planned`: the task is created when its parent has succeeded. `skipped`: it will not be submitted, because
 * its parent failed or the flow was canceled.
 */
export interface PlanStep {
  /** Id that the task of the step has, or will have. */
  taskId: string;
  parentId: string;
  press: string;
  prompt: string | null;
  /** The prompt of the app, before its translation; null if it was not translated. Older servers do not send it. */
  originalPrompt?: string | null;
  hasMask: boolean;
  status: "planned" | "running" | "done" | "failed" | "skipped";
}

/** A flow without its tasks; `flows.get` returns them. */
export interface FlowSummary {
  id: string;
  status: FlowStatus;
  state: string | null;
  action: RootAction;
  provider: string;
  /** Name of the vendor account. Older servers do not send it. */
  account?: string;
  /** The prompt that vendors get. */
  prompt: string | null;
  /** The prompt of the app, before its translation; null if it was not translated. Older servers do not send it. */
  originalPrompt?: string | null;
  createdAt: string;
  endedAt: string | null;
  /**
   * `restartOf`: the flow that this flow replaces after a vendor loss. `restartedAs`: the flow that replaces this one.
   * Null if there is none.
   */
  restartOf: string | null;
  restartedAs: string | null;
  /** Name of the template whose plan the flow has; null if there is none. This and the next two are unset if the server is older. */
  template?: string | null;
  /** Id of the flow whose request was used again; null if there is none. */
  rerunOf?: string | null;
  urls?: FlowUrls;
}

/** An image of the request that its vendor gets scaled down. Sizes are in pixels. */
export interface ReducedImage {
  /** Where the image was in the request, for example `base64Array[0]`. */
  field: string;
  contentType: string;
  bytes: number;
  width: number;
  height: number;
  originalBytes: number;
  originalWidth: number;
  originalHeight: number;
}

/** An entry of a list of flows. Its own fields are null without `details`, and unset if the server is older. */
export interface FlowListEntry extends FlowSummary {
  /** Number of tasks in each state. `planned`: steps of the plan whose tasks do not exist yet. */
  taskCounts?: { planned: number; running: number; done: number; failed: number } | null;
  /** Estimated price of the whole plan, USD. */
  estimatedUsd?: number | null;
  /** Estimated price of what vendors have accepted so far, USD. */
  costUsd?: number | null;
  /** Picture of the root: the archived copy, the vendor's image, or the preview while it draws. */
  previewUrl?: string | null;
}

/** A plan that an app stores under a name. */
export interface Template {
  name: string;
  description: string | null;
  then: PlanInput[];
  createdAt: string;
  updatedAt: string;
  urls: { get: string };
}

/** `PUT /v1/templates/{name}` */
export interface TemplateInput {
  description?: string;
  then: PlanInput[];
}

/** The result of a request for several flows. */
export interface FlowBatch {
  /** One result for each flow, in the order of the request. */
  data: FlowBatchResult[];
  created: number;
  failed: number;
  /** Estimated price of the plans of all created flows, USD. */
  estimatedUsd: number;
}

export interface FlowBatchResult {
  /** Position of the item in `batch`. */
  index: number;
  /** Number of the prompt among the permutations of the item; null if they are not expanded. */
  permutation: number | null;
  /** 202 if the flow exists, otherwise the HTTP status of the error. */
  status: number;
  flow: FlowSummary | null;
  /** Estimated price of the whole plan, USD. */
  estimatedUsd: number | null;
  error: Problem | null;
}

/** An error as the server sends it (RFC 9457). */
export interface Problem {
  title: string;
  status: number;
  /** Error code. A newer server may have more codes than this package. */
  code: ServerErrorCode | (string & {});
  detail: string;
  field?: string;
  advice: string;
  retry: "never" | "later";
  requestId: string;
}

export interface Flow extends FlowSummary {
  /** The images of the request that the vendor gets scaled down, because it takes no links. Unset if the server is older. */
  reducedImages?: ReducedImage[];
  mode: Mode | null;
  notifyHook: string | null;
  /** Event types that the notifyHook receives; null: the default. */
  events: EventType[] | null;
  /** Time of the cancellation; null if the flow is not canceled. */
  canceledAt: string | null;
  /** The steps of the plan, also those whose tasks do not exist yet. Unset if the server is older. */
  plan?: PlanStep[];
  tasks: Task[];
  counts: Counts;
  /**
   * Milliseconds after which the next read is likely to show something new; null if the flow has ended. This and the next
   * two are unset if the server is older.
   */
  nextInMs?: number | null;
  /** The way to follow the flow that the server prefers: reads after `nextInMs`, or the stream at `eventsUrl`. */
  follow?: "stream" | "read";
  /** URL of the flow's event stream; null if the server has no streams. */
  eventsUrl?: string | null;
}

export type TaskEventType =
  | "task.submitted"
  | "task.progress"
  | "task.modal"
  | "task.completed"
  | "task.archived"
  | "task.failed";
export type FlowEventType = "flow.completed" | "flow.failed";
export type EventType = TaskEventType | FlowEventType | "endpoint.disabled";

interface EventOf<Type extends EventType, Data> {
  type: Type;
  /** Time of the event. */
  timestamp: string;
  data: Data;
}

/** Event of a task. `data.state` is the state of its flow. */
export type TaskEvent = EventOf<TaskEventType, Task & { state: string | null }>;
export type FlowEndEvent = EventOf<FlowEventType, FlowSummary & { counts?: Counts }>;
/** Event for the app's other endpoints: an endpoint was disabled. `data` is empty if the endpoint was deleted since. */
export type EndpointEvent = EventOf<
  "endpoint.disabled",
  { id?: string; url?: string; disabledWhy?: Endpoint["disabledWhy"]; failingSince?: string }
>;
/** An event of a flow's stream: narrow it by `type`. */
export type FlowBody = TaskEvent | FlowEndEvent;
/** The body of a webhook: narrow it by `type`. */
export type EventBody = FlowBody | EndpointEvent;

/** One page of a list. `nextCursor` is null on the last page. */
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
  /** True: each entry has the counts of its tasks, its cost and a picture. The server then reads the tasks of each flow. */
  details?: boolean;
  /** Entries per page, 1 to 100. */
  limit?: number;
}

/** Signature scheme. `v1`: HMAC with a shared secret; `v1a`: ed25519, the receiver has the public key. */
export type Scheme = "v1" | "v1a";

/** `POST /v1/endpoints` */
export interface EndpointInput {
  url: string;
  /** Event types. Default: all except task.progress. */
  events?: EventType[];
  /** Signature scheme. Default: v1. */
  scheme?: Scheme;
  description?: string;
}

/** `PATCH /v1/endpoints/{id}`: null resets a field to its default. */
export interface EndpointPatch {
  url?: string;
  events?: EventType[] | null;
  description?: string | null;
  /** False disables the endpoint. True enables it again and clears its failure record. */
  enabled?: boolean;
}

export interface Endpoint {
  /** Id of the endpoint. `hook` signs the webhooks to the notifyHooks of flows; it has no URL. */
  id: string;
  url: string | null;
  events: EventType[];
  scheme: Scheme;
  /** Public key `whpk_…` of scheme v1a; null for scheme v1. */
  publicKey: string | null;
  description: string | null;
  enabled: boolean;
  disabledAt: string | null;
  disabledWhy: "by_app" | "gone" | "failing" | null;
  /** Time since which every delivery has failed; null if the last delivery succeeded. */
  failingSince: string | null;
  /** Until when nothing is posted, because the endpoint does not respond or fails; null: not paused. */
  pausedUntil: string | null;
  /** Events that wait for the endpoint to work again; `whole` is false if there are more than `count`. Null: none can wait. */
  parked: { count: number; whole: boolean; since: string } | null;
  /** Id of the newest replay that sends parked events; null if there was none. */
  recovery: string | null;
  /** Times until which the earlier secrets stay valid. */
  earlierSecretsUntil: (string | null)[];
  createdAt: string;
}

/** A created or rotated endpoint. Its `secret` (`whsec_…`, scheme v1) is not returned again. */
export interface NewEndpoint extends Endpoint {
  secret?: string;
}

/** `POST /v1/endpoints/{id}/replay` */
export interface ReplayInput {
  since?: Time;
  until?: Time;
  /** Which deliveries are replayed. Default: failed. */
  only?: "failed" | "all";
}

export type ReplayStatus = "counting" | "sending" | "completed" | "canceled" | "failed";

/** A job that sends many deliveries of one endpoint again. `found` is the sum of `sent`, `failed`, `skipped` and `left`. */
export interface Replay {
  id: string;
  /** Endpoint id, or `hook`. */
  endpoint: string;
  /** `parked`: mjflow started it, because the endpoint works again. */
  only: "failed" | "all" | "parked";
  since: string;
  until: string;
  status: ReplayStatus;
  /** Why it failed; null otherwise. */
  why: "endpoint_deleted" | "endpoint_disabled" | null;
  /** Deliveries that it has found; all of them when `status` is not `counting`. */
  found: number;
  /** Deliveries that the receiver accepted. */
  sent: number;
  /** Deliveries whose attempt failed. Their further attempts follow the usual schedule. */
  failed: number;
  /** Deliveries that needed no attempt. */
  skipped: number;
  left: number;
  /** Until when it waits for a receiver that fails; null: it does not wait. */
  pausedUntil: string | null;
  createdAt: string;
  endedAt: string | null;
}

/** `parked`: the endpoint is down, and the event is sent when it works again. */
export type DeliveryStatus = "pending" | "delivered" | "failed" | "parked";

export interface DeliveryQuery {
  /** Endpoint id, or `hook`. */
  endpoint?: string;
  event?: EventType;
  /** Flow id. */
  flow?: string;
  status?: DeliveryStatus;
  since?: Time;
  until?: Time;
  /** Entries per page. */
  limit?: number;
}

/** One event for one subscriber. */
export interface Delivery {
  id: string;
  /** The `webhook-id`; it is the same for every subscriber and every delivery attempt. */
  eventId: string;
  type: EventType;
  endpoint: string;
  flowId: string;
  /** Id of the task; null for an event of the flow itself. */
  taskId: string | null;
  status: DeliveryStatus;
  tries: number;
  /**
   * The last delivery attempts, newest last, with the HTTP status or the reason why there was no response. `body` is the
   * beginning of the response body: the receiver's text, untrusted.
   */
  attempts: { at: string | null; status?: number; why?: string; tookMs?: number; body?: string }[];
  /** Why the delivery failed permanently; null if it did not. */
  failure: string | null;
  nextTryAt: string | null;
  happenedAt: string | null;
  createdAt: string | null;
  endedAt: string | null;
}

/** A delivery with its payload. */
export interface DeliveryDetail extends Delivery {
  /** JSON text that the next delivery attempt would post; null if the flow or task is gone. */
  payload: string | null;
}

/** A provider: the configured entry for one vendor. */
export interface Provider {
  id: string;
  title: string;
  /** Actions that a flow may start with at this provider. */
  actions: RootAction[];
  modes: Mode[];
  abilities: {
    /** Whether the vendor documents callbacks. Whether callbacks really arrive is recorded per account. */
    notifyHook: "documented" | "unknown";
    listByCondition: boolean;
    searchByState: boolean;
    seed: boolean;
    /** Whether image fields may be links; otherwise they need data URIs. */
    imageLinks: boolean;
    /** The same for the two images of a face swap. */
    swapLinks: boolean;
    /** Fields of videos and edits that the vendor supports, of those that not every vendor has. */
    optionalFields: ("endImage" | "loop" | "batchSize" | "videoType" | "maskBase64")[];
    /** Actions that need a prompt at this vendor, although others make them without. */
    promptActions: RootAction[];
    /** Whether presses may have prompts. */
    modals: boolean;
    /** Presses that can have a prompt or mask: names, or first parts. Null: each press that can open a modal. */
    modalPresses: string[] | null;
    /** Presses that the vendor can never make: names, or first parts such as `describe` for `describe:1`. */
    unsupportedPresses: string[];
    /** Actions whose images must be data URIs, although others may be links. */
    dataOnly: RootAction[];
    /** Actions whose images must be links or uploads. */
    linksOnly: RootAction[];
    /** Whether the vendor sends one callback, at the end. Its callbacks then tell no progress. */
    endOnly: boolean;
    /** Whether look-ups tell the progress of a running task. Older servers do not send it. */
    lookupProgress?: boolean;
    /** Whether a grid comes with its four pictures as separate images. */
    separateImages: boolean;
    /** Whether the vendor makes one task of all requests with the same key. Older servers do not send it. */
    idempotencyKey?: boolean;
    /** Form of the masks that the vendor reads. With `polygons` no mask can be sent. */
    masks: "image" | "webp" | "polygons";
  };
  accounts: ProviderAccount[];
  [more: string]: unknown;
}

/** A vendor account of the deployment; its key is never returned. */
export interface ProviderAccount {
  name: string;
  /** Share of new flows relative to the other accounts; 0: none. */
  weight: number;
  maxRunning: number | null;
  /** Whether it is an account of the vendor simulator. Unset by a server of an earlier version. */
  simulated?: boolean;
  /** Whether the account sends callbacks, as observed. */
  callbacks: "unknown" | "calling" | "silent";
  heardAt: string | null;
  /** `failures`: failed look-ups in a row. `askAt`: time of the next look-up; null if none is planned. */
  failures: number;
  askAt: string | null;
  /** Why the last look-up failed; null if it worked. */
  lookupFault: "unauthorized" | "unreachable" | "failed" | null;
  /**
   * State of the circuit breaker. Open: no new flows for a while. Half-open: one flow at a time tests it; after `unauthorized` or
   * `out_of_money` only one that can move to another account.
   */
  circuit: "closed" | "open" | "half-open";
  openUntil: string | null;
  /** Last fault that the circuit breaker recorded; null if there is none. */
  fault: "busy" | "full" | "unclear" | "unauthorized" | "out_of_money" | "unreachable" | null;
  /** The account takes no new flows until this time; null if it is not busy. */
  busyUntil: string | null;
  /**
   * The tasks that wait for the account. `atLeast`: more than `count` may wait. `oldestAt`: when the oldest one was created;
   * null if none waits. Older servers do not send it.
   */
  waiting?: { count: number; atLeast: boolean; oldestAt: string | null };
  /**
   * The hours of the last day in which tasks ended, oldest first. `meanMs`: from the acceptance to the success; null if none
   * succeeded. The newest minutes are missing. Older servers do not send it.
   */
  hours?: AccountHour[];
  [more: string]: unknown;
}

/** The tasks of a vendor account that ended within one hour. */
export interface AccountHour {
  /** Start of the hour. */
  at: string;
  succeeded: number;
  failed: number;
  meanMs: number | null;
}

/** What a test proves about the base URL and the key of a vendor account. */
export interface AccountTest {
  provider: string;
  account: string;
  /** Whether the account can get flows; null if the test cannot tell. */
  ok: boolean | null;
  /** Stable code of the result. A newer server may have further codes. */
  code:
    | "ok"
    | "unreachable"
    | "no_response"
    | "not_this_protocol"
    | "unauthorized"
    | "out_of_money"
    | "rate_limited"
    | "key_not_checked"
    | "unknown"
    | (string & {});
  /** Whether a connection could be opened. */
  reachable: boolean;
  key: "accepted" | "refused" | "unknown";
  latencyMs: number;
  /** HTTP status of the vendor's response; null if none came. */
  status: number | null;
  /** Why no response came, for example `ENOTFOUND`; null if one came. */
  reason: string | null;
  /** Words of the vendor: untrusted text; null if it said nothing. */
  vendorText: string | null;
  /** Origin to which the vendor redirects; null if it does not. */
  redirectsTo: string | null;
  /** What the operator can do. */
  advice: string;
  testedAt: string;
  [more: string]: unknown;
}

export interface DeadLetter {
  id: string;
  state: "kept" | "redriven" | "dropped";
  /** The original message. It is untrusted: anyone who can write to the queue may have written it. */
  body: string;
  why: string;
  receives: number;
  createdAt: string;
}

/** Approximate number of messages of a queue, by state. */
export interface QueueDepth {
  name: "submit" | "deliver" | "archive" | "dead-letters";
  waiting: number;
  inFlight: number;
  delayed: number;
}

/** Result of the re-encryption after a rotation of the vault key. */
export interface Resealed {
  /** Number of endpoints and vendor accounts with an encrypted secret. */
  looked: number;
  resealed: number;
  /** Number of secrets encrypted with a key that no longer exists. The API's log names each of them. */
  lost: number;
}

/** Work that is due and not yet handled. */
export interface Overdue {
  count: number;
  /** True if `count` includes all overdue work. */
  whole: boolean;
  oldest: { kind: "task" | "flow" | "delivery"; id: string; flowId: string; dueAt: string } | null;
}

/** A task with an unclear submission: the vendor may or may not have it. */
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
  /** End of the grace period. Then mjflow looks the task up or submits it again. */
  dueAt: string | null;
}

export interface Unclear {
  data: UnclearTask[];
  /** Number of waiting tasks that were read. */
  looked: number;
  /** True if `data` contains all unclear submissions. */
  whole: boolean;
}

/** Limits of an app; null means no limit. */
export interface Limits {
  flowsPerMinute: number | null;
  /** Maximum number of flows that run at the same time. */
  runningFlows: number | null;
  creditsUsd: number | null;
}

/** `POST /v1/apps` */
export interface AppInput {
  name: string;
  limits?: { flowsPerMinute?: number; runningFlows?: number; creditsUsd?: number };
  /** Default of `archive` for the flows of the app. Unset: the deployment's setting. */
  archive?: ArchiveMode;
  /** Default of `translate` for the requests of the app, also for the compat API. Default: false. */
  translate?: boolean;
  /** Number of counters that the limits are divided over, for more than 250 new flows per second. It cannot be changed. Default: 1. */
  creditCounters?: number;
}

/** `PATCH /v1/apps/{id}`: replaces the given fields. `limits` is replaced as a whole; null removes all limits, or the default. */
export interface AppPatch {
  name?: string;
  limits?: AppInput["limits"] | null;
  archive?: ArchiveMode | null;
  translate?: boolean;
  disabled?: boolean;
}

export interface App {
  id: string;
  name: string;
  limits: Limits;
  /** Default of `archive` for its flows; null: the deployment's setting. */
  archive: ArchiveMode | null;
  /** Default of `translate` for its requests. Older servers do not send it. */
  translate?: boolean;
  /** Number of counters that the limits are divided over. */
  creditCounters: number;
  createdAt: string | null;
  disabledAt: string | null;
  deletedAt: string | null;
}

export interface AppKey {
  id: string;
  appId: string;
  /** First characters of the key, to recognize it. */
  prefix: string;
  createdAt: string | null;
  /** Day of the last use; null if the key was never used. */
  lastUsedOn: string | null;
  expiresAt: string | null;
  revokedAt: string | null;
}

/** A created key: the only response that contains `key`. */
export interface NewAppKey extends AppKey {
  key: string;
}

export interface RotatedAppKey extends NewAppKey {
  /** The previous key, which stays active for the overlap. */
  previous: AppKey;
}

/** `POST /v1/sessions` and `POST /v1/sign-in` */
export interface SessionInput {
  /** `token`: the response has the token. `cookie`: it sets a cookie, for pages of the API's origin. Default: token. */
  as?: "token" | "cookie";
  /** True: the session lasts 30 days. Default: 12 hours. */
  stay?: boolean;
  label?: string;
}

/** A session or an unused sign-in link, without its secret. */
export interface Session {
  id: string;
  kind: "session" | "link";
  label: string | null;
  createdAt: string;
  expiresAt: string;
  /** Last day of use, in UTC, for example `2026-11-30`. */
  lastUsedOn: string | null;
  /** True for the session that sent the request. */
  current: boolean;
}

export interface NewSession extends Session {
  /** The secret `mjs_…`; null if the response set it as a cookie. */
  token: string | null;
}

export interface NewSignInLink extends Session {
  /** The secret `mjl_…`. */
  token: string;
  /** The link, for a browser; null if the deployment has no console. */
  url: string | null;
}

/** `GET /v1/session`: who sent the request. */
export interface CurrentCaller {
  role: "operator" | "app";
  appId: string;
  /** Null for the operator. */
  appName: string | null;
  /** Null if the request had a key. */
  session: Session | null;
  /** True if the deployment has a translator of prompts. */
  canTranslate: boolean;
}

/** `POST /v1/flows/{id}/shares` */
export interface ShareInput {
  /** Seconds until the link expires. Default: 7 days; at most 30 days. */
  expiresInS?: number;
  /** False: viewers see no prompt. Default: true. */
  showsPrompt?: boolean;
  /**
   * True: viewers also see the vendor's links of pictures that are not archived. Such a link can contain words of the prompt, and does
   * not end with the share link. Default: false.
   */
  showsVendorLinks?: boolean;
  label?: string;
}

/** A share link of a flow, without its secret. */
export interface Share {
  id: string;
  label: string | null;
  showsPrompt: boolean;
  showsVendorLinks: boolean;
  createdAt: string;
  expiresAt: string;
}

export interface NewShare extends Share {
  /** The secret `mjv_…`. */
  token: string;
  /** The link, for a browser; null if the deployment has no console. */
  url: string | null;
}

/** A picture or video of a shared flow. A link to an archived copy ends within an hour. */
export interface SharedPicture {
  kind: "image" | "video";
  url: string;
  /** Null if it is not known. */
  contentType: string | null;
}

export interface SharedTask {
  /** Position in the tree, for example `0-2`. */
  id: string;
  parentId: string | null;
  press: string | null;
  action: string;
  status: Exclude<TaskStatus, "UNCLEAR">;
  progress: number;
  pictures: SharedPicture[];
  /** True if the result has pictures that the link does not show, because they are not archived. */
  hasUnsharedPictures: boolean;
  /** Text result of describe and shorten. */
  text: string | null;
  createdAt: string;
  endedAt: string | null;
}

/** A flow as the viewer of a share link sees it. */
export interface SharedFlow {
  status: FlowStatus;
  /** Null if there is none, or if the link does not show it. */
  prompt: string | null;
  showsPrompt: boolean;
  createdAt: string;
  endedAt: string | null;
  /** When the share link ends. */
  expiresAt: string;
  /** Number of tasks of the plan that will still be created. */
  plannedTasks: number;
  tasks: SharedTask[];
  /** Pause before the next read, ms; null if nothing more will change. */
  nextInMs: number | null;
}
