/**
 * Schemas of the API's responses, with the description of each field. The OpenAPI document is generated from them, and tests
 * check every response with them. They are strict, so that a response has no undocumented field. The published document allows additional fields, because
 * responses may gain some. No deployed function imports this file, so it does not slow down a cold start.
 */
import * as z from "zod/mini";
import { LOOKUP_FAULTS } from "./account-health.ts";
import { ACCOUNT_TEST_CODES } from "./account-test.ts";
import { KEY_PROBLEMS } from "./app.ts";
import { ArchiveModeOrNull } from "./archive-mode.ts";
import { FAULTS } from "./circuit-breaker.ts";
import { component, extend } from "./component.ts";
import {
  COPY_FAILURES,
  type CopyFailureCode,
  ERRORS,
  type ErrorCode,
  FAILURES,
  type FailureCode,
  IMAGE_REASONS,
} from "./error.ts";
import { EVENT_TYPES, type EventType } from "./event.ts";
import { INPUT_TYPES } from "./image-type.ts";
import { STEP_STATUSES } from "./plan-step.ts";
import { EventName, FLOW_STATUSES } from "./request.ts";
import { OPTIONAL_FIELDS, ROOT_ACTIONS } from "./root-action.ts";
import { SHARED_STATUSES, STATUSES } from "./task.ts";
import { WAIT_REASONS } from "./wait-list.ts";

/** Time in ISO 8601, UTC. */
const time = z.iso.datetime();
const maybe = z.nullable;
const text = z.string();
const count = z.int().check(z.minimum(0));
const codes = <T extends string>(table: Record<T, unknown>) => z.enum(Object.keys(table) as [T, ...T[]]);

const flowStatus = z.enum(FLOW_STATUSES);

// ── tasks and flows ────────────────────────────────────────────────────────────────────────────────────────────────

export const Media = component("Media", "An image or video at the vendor.", {
  url: [text, "Link to the file."],
  thumbnail: [z.optional(text), "Link to a smaller version."],
});
export const Copy = component("Copy", "An archived copy of an image in mjflow's own bucket.", {
  url: [text, "Link to the copy. It works for anyone who has it, as long as the copy is stored."],
  bytes: [count, "Size in bytes."],
  sha256: [text, "SHA-256 of the content, in hex."],
  contentType: [text, "Content type, detected from the content."],
  source: [text, "Link from which mjflow copied the image."],
});
export const Button = component("Button", "A button of a task.", {
  customId: [text, "Id of the button. It is opaque and different in every result."],
  label: [text, "Label as Midjourney shows it; may be empty."],
  emoji: [text, "Emoji as Midjourney shows it; may be empty."],
  name: [maybe(text), "Press name of mjflow, for example `upscale:1`, `zoom:2` or `vary:region`; null if it has none."],
});

export const Failure = component("Failure", "Why a task ended without an image.", {
  code: [codes<FailureCode>(FAILURES), "Stable code for programs."],
  message: [text, "Text for people."],
  vendor: [
    z.optional(z.strictObject({ code: z.optional(text), description: z.optional(text), bannedWord: z.optional(text) })),
    "Code and text of the vendor, without secrets.",
  ],
  offered: [z.optional(z.array(text)), "Buttons of the parent task, which could be pressed instead."],
  reason: [z.optional(codes<CopyFailureCode>(COPY_FAILURES)), "With `tile_not_cut`: why the tile could not be cut."],
});

export const CopyFailure = component("CopyFailure", "An image or video that could not be archived.", {
  source: [text, "The vendor's link."],
  code: [codes<CopyFailureCode>(COPY_FAILURES), "Stable code for programs."],
  message: [text, "Text for people."],
});

export const Orphan = component("Orphan", "A submission that the vendor accepted, although a newer one was sent.", {
  attempt: [count, "Number of the submission, from 1."],
  vendorTaskId: [z.optional(text), "Id of the task at the vendor."],
  at: [time, "Time when mjflow learned of it."],
  estimatedUsd: [z.number(), "Estimated price in USD."],
});

const LateReport = component("LateReport", "A different end that was reported after a task had ended.", {
  status: [text, "The reported status. The task keeps its own status."],
  at: [time, "Time of the report."],
  imageUrl: [maybe(text), "Link to the reported image; null if there is none."],
});

const UploadHeaders = component("UploadHeaders", "Headers of the request to `url`.", {
  "Content-Type": [text, "Type of the image."],
});

export const Upload = component("Upload", "Where an app sends one image.", {
  id: [text, "`upload_…`. Use it wherever a request takes an image."],
  url: [text, "Presigned URL. It needs no API key, so keep it secret until the image is sent."],
  method: [z.literal("PUT"), "The method of the request to `url`."],
  headers: [UploadHeaders, "The headers of the request to `url`. They are part of its signature, as is the size."],
  contentType: [z.enum(INPUT_TYPES), "Type of the image."],
  bytes: [count, "Exact size of the image."],
  expiresAt: [time, "When `url` stops to accept the image."],
  link: [
    text,
    "Link under which a vendor reads the image, without a key. Use it in a prompt, for example after `--sref`.",
  ],
});

export const Waits = component("Waits", "Why a task waits for its vendor account, and how many tasks come first.", {
  reason: [
    z.enum(WAIT_REASONS),
    "`busy`: the vendor is busy or cannot be reached. `full`: our tasks use all slots of the account. `calls`: too many calls to the account have no response yet. `order`: other tasks wait and came first.",
  ],
  ahead: [
    maybe(count),
    "Number of tasks that come first now, of all apps, which are taken in turn; null in events and if the list cannot be read. A 304 does not say that it is unchanged.",
  ],
  atLeast: [
    z.boolean(),
    "True if more than `ahead` tasks may come first, because only the beginning of the list is counted.",
  ],
});

const FlowUrls = component("FlowUrls", "URLs of a flow.", {
  get: [text, "The flow with its tasks."],
  cancel: [text, "Cancels the flow, with POST."],
  events: [
    maybe(text),
    "Event stream of the flow, to be used unchanged; null in webhooks, and if this deployment has no streams.",
  ],
  console: [maybe(text), "Page of the flow in the console; null if this deployment has no console."],
});
const TaskUrls = component("TaskUrls", "URLs of a task.", {
  get: [text, "The task."],
  actions: [text, "Presses a button of the task, with POST."],
  flow: [text, "The flow with all its tasks."],
  console: [maybe(text), "Page of the task in the console; null if this deployment has no console."],
});

/** A task in a flow or an event. */
export const Task = component(
  "Task",
  "One paid call to a vendor and its result. A tile is a task, too: mjflow cuts it itself.",
  {
    id: [text, "`task_…`, from the flow's id and the task's path in the lineage."],
    flowId: [text, "Id of the flow."],
    parentId: [maybe(text), "Id of the task whose button was pressed; null for the root."],
    rootId: [text, "Id of the root task."],
    retryOf: [maybe(text), "Id of the failed or canceled task that this task retries; null if it retries none."],
    depth: [count, "Number of presses between the root and this task; 0 for the root."],
    press: [maybe(text), "The press as the plan or the app named it; null for the root."],
    action: [text, "Kind of work, in midjourney-proxy's terms: `IMAGINE`, `UPSCALE`, `VARIATION`, …"],
    status: [
      z.enum(STATUSES),
      "`PENDING`: waits for a worker. `SUBMITTING`: waits for the vendor's response. `SUBMITTED`, `IN_PROGRESS`: the vendor has the task. `MODAL`: waits for a prompt or mask. `UNCLEAR`: the vendor may or may not have the task; mjflow waits for a callback before it submits again. `SUCCESS`, `FAILURE`, `CANCEL`, `EXPIRED`: ended.",
    ],
    progress: [
      z.number().check(z.minimum(0), z.maximum(100)),
      "Progress in percent. While the task runs, it is stored only if the flow has `progress: true`.",
    ],
    provider: [text, "Id of the provider."],
    account: [text, "Name of the vendor account of its current attempt."],
    providerTaskId: [maybe(text), "Id of the task at the vendor; null if it is not known."],
    customId: [maybe(text), "`customId` of the pressed button; null if there is none."],
    imageUrl: [
      maybe(text),
      "Link to the image at the vendor, which can expire within a day. `copies` has the archived copies.",
    ],
    previewUrl: [
      maybe(text),
      "Link to the picture while the vendor draws it, if progress is stored. It is blurred, changes with the progress and expires soon. Null before the first picture and after the end.",
    ],
    images: [z.array(Media), "All images, if the vendor returns several."],
    videos: [z.array(Media), "Videos, if the vendor returns any."],
    copies: [
      z.array(Copy),
      "Archived copies in mjflow's own bucket, if the flow has `archive`. They are in the order of `images`, or there is one copy of `imageUrl`.",
    ],
    copyFailures: [
      z.array(CopyFailure),
      "Images and videos that could not be archived, with the reason. Empty if nothing failed.",
    ],
    buttons: [z.array(Button), "Buttons that can be pressed on the task."],
    originalPrompt: [maybe(text), "Your prompt for this task, before its translation; null if it was not translated."],
    finalPrompt: [maybe(text), "The prompt that Midjourney used."],
    text: [maybe(text), "Text result of a describe or shorten."],
    seed: [maybe(text), "Seed of the image, if the vendor reports it."],
    unknownStatus: [
      maybe(text),
      "The last status word of the vendor that mjflow does not know, at most 64 characters; null if there is none. The task continues.",
    ],
    failReason: [maybe(text), "Why the task failed, for people. It is the vendor's text if there is one."],
    failure: [maybe(Failure), "Why the task failed, for programs; null if it has not failed."],
    attempts: [count, "Number of submissions that the vendor may have accepted and charged."],
    modals: [count, "Number of modal answers sent to the vendor."],
    modalIgnored: [
      z.boolean(),
      "True if the vendor made the task without the prompt or mask that the request had for a modal. It opened no modal.",
    ],
    callbacks: [count, "Number of recorded callbacks."],
    duplicates: [count, "Number of callbacks after the end that reported nothing new."],
    lookups: [count, "Number of look-ups at the vendor, made because a callback was overdue."],
    unclear: [z.boolean(), "True while mjflow does not know whether the vendor has the task."],
    waits: [
      maybe(Waits),
      "Why the task waits for its vendor account, and how many tasks come first; null if it does not wait there. It costs nothing meanwhile.",
    ],
    orphans: [
      z.array(Orphan),
      "Other submissions of this task that the vendor accepted, too. The vendor charges them.",
    ],
    late: [maybe(LateReport), "A different end that was reported after the task had ended; null if there is none."],
    createdAt: [time, "Time when mjflow created the task."],
    submittingAt: [
      maybe(time),
      "Time when mjflow began its last call to the vendor, of a submission or of a modal answer. Null before, while the task waits to be submitted again, and if a version without this time made the call.",
    ],
    submittedAt: [maybe(time), "Time when the vendor accepted the task; null before."],
    endedAt: [maybe(time), "Time when the task ended; null before."],
    urls: [TaskUrls, "URLs of the task: its state, its presses, its flow, and its page in the console."],
  },
);

export const PictureMarks = component("PictureMarks", "The marks of one picture of a result.", {
  number: [count, "Number of the picture in its result, from 1. The id of the picture is `<taskId>.<number>`."],
  favorite: [z.boolean(), "True if the picture is a favorite."],
  folders: [z.array(text), "Ids of the folders that have the picture."],
});

export const Picture = component("Picture", "A task that ended with an image or a video.", {
  taskId: [text, "Id of the task, whose buttons can be pressed."],
  flowId: [text, "Id of the flow."],
  parentId: [maybe(text), "Id of the task whose button was pressed; null for the root."],
  press: [maybe(text), "The press as the plan or the app named it; null for the root."],
  action: [text, "Kind of work: `IMAGINE`, `UPSCALE`, `VARIATION`, …"],
  provider: [text, "Id of the provider that made it."],
  account: [text, "Name of the vendor account that made it."],
  imageUrl: [maybe(text), "The vendor's link, which expires; of a tile our link."],
  images: [z.array(Media), "The single images, if the vendor reports them."],
  videos: [z.array(Media), "The videos."],
  copies: [z.array(Copy), "Archived copies, if the flow requested them."],
  prompt: [maybe(text), "Prompt of the flow."],
  seed: [maybe(text), "Seed of the image, if the vendor reports it."],
  state: [maybe(text), "Your own text of the flow."],
  favorite: [z.boolean(), "True if any picture of the result is a favorite."],
  folders: [z.array(text), "Ids of the folders with any picture of the result."],
  marks: [z.array(PictureMarks), "The marks of the single pictures, by number. A picture without a mark is left out."],
  endedAt: [maybe(time), "When the task ended."],
  urls: [TaskUrls, "URLs of the task."],
});

export const MarkResult = component("MarkResult", "Which pictures were changed.", {
  marked: [z.array(text), "Ids of the pictures that have the wanted marks now, as in the request."],
  missing: [z.array(text), "Ids that are no pictures of the app, or of deleted flows. Nothing was changed for them."],
});

export const Folder = component("Folder", "A named list of pictures.", {
  id: [text, "Id of the folder."],
  name: [text, "Name of the folder."],
  createdAt: [time, "Time when the folder was created."],
  updatedAt: [time, "Time when the folder was created or renamed."],
  urls: [z.strictObject({ pictures: text }), "`pictures`: URL of the pictures of the folder."],
});

const nextInMs = maybe(count);

export const TaskRead = extend(Task, "TaskRead", "A task with the time of the next read.", {
  nextInMs: [
    nextInMs,
    "Milliseconds after which the next read is likely to show something new; null if the task has ended.",
  ],
});

export const TaskRaw = component("TaskRaw", "The vendor's last raw response about a task.", {
  id: [text, "Id of the task."],
  body: [
    maybe(text),
    "Text of the vendor, usually JSON. Do not trust its content. Null if there is none yet, or if it is larger than 32 KB.",
  ],
});

export const Counts = component("Counts", "Number of vendor calls, callbacks and writes of a flow.", {
  submissions: [count, "Paid submissions to the vendor."],
  modals: [count, "Modal answers sent to the vendor."],
  callbacks: [count, "Recorded callbacks."],
  duplicates: [count, "Callbacks that reported nothing new."],
  lookups: [count, "Look-ups at the vendor, made because a callback was overdue."],
  writes: [count, "Writes of the flow's rows to the table. Most of them use one write unit, some two or three."],
});

export const FlowSummary = component("FlowSummary", "A flow without its tasks.", {
  id: [text, "`flow_…`. Ids sort by creation time."],
  status: [
    flowStatus,
    "`running`: not every branch has ended. `completed`: every branch has ended and the root succeeded; branches may have failed. `failed`: the root did not succeed. `canceled`: the flow was canceled, and at least one task was not submitted because of that.",
  ],
  state: [maybe(text), "Your own text, unchanged."],
  action: [z.enum(ROOT_ACTIONS), "Action of the root."],
  provider: [text, "Id of the provider."],
  account: [text, "Name of the vendor account of the root."],
  prompt: [maybe(text), "Prompt of the root, as vendors get it."],
  originalPrompt: [maybe(text), "Your prompt, before its translation; null if it was not translated."],
  createdAt: [time, "Time when the flow was stored."],
  endedAt: [maybe(time), "Time when the last branch ended; null before."],
  template: [maybe(text), "Name of the template whose plan the flow has; null if there is none."],
  rerunOf: [maybe(text), "Id of the flow whose request was used again; null if there is none."],
  restartOf: [maybe(text), "Id of the flow that this flow replaces after a vendor loss; null if there is none."],
  restartedAs: [maybe(text), "Id of the flow that replaces this flow after a vendor loss; null if there is none."],
  urls: [FlowUrls, "URLs of the flow: its state, its cancellation, its event stream and its page in the console."],
});

const TaskCounts = component("TaskCounts", "Number of tasks of a flow in each state.", {
  planned: [count, "Steps of the plan whose tasks do not exist yet."],
  running: [count, "Tasks that have not ended."],
  done: [count, "Tasks with a result."],
  failed: [count, "Tasks that ended without a result."],
});

export const FlowListEntry = extend(
  FlowSummary,
  "FlowListEntry",
  "A flow in a list. Without `details=true` its own fields are null.",
  {
    taskCounts: [maybe(TaskCounts), "Number of tasks in each state."],
    estimatedUsd: [maybe(z.number()), "Estimated price of the whole plan, in USD."],
    costUsd: [maybe(z.number()), "Estimated price of what vendors have accepted so far, in USD."],
    previewUrl: [
      maybe(text),
      "Picture of the root: the archived copy, the vendor's image, or the preview while it draws; null if there is none.",
    ],
  },
);

export const PlanStep = component("PlanStep", "A step of the plan.", {
  taskId: [text, "Id that the task of the step has, or will have."],
  parentId: [text, "Id of the task whose button is pressed."],
  press: [text, "The press as the plan has it."],
  prompt: [maybe(text), "Prompt of the press, as vendors get it; null if it has none."],
  originalPrompt: [maybe(text), "Your prompt of the press, before its translation; null if it was not translated."],
  hasMask: [z.boolean(), "Whether the press has a mask."],
  status: [
    z.enum(STEP_STATUSES),
    "`planned`: the task is created when its parent has succeeded. `running`: the task exists. `done`: it has its result. `failed`: it ended without a result. `skipped`: it will not be submitted, because its parent failed or the flow was canceled.",
  ],
});

export const ReducedImage = component("ReducedImage", "An image of the request that its vendor gets scaled down.", {
  field: [text, "Where the image was in the request, for example `base64Array[0]`."],
  contentType: [z.enum(INPUT_TYPES), "Type of the scaled-down image: JPEG, or WebP if parts of it are transparent."],
  bytes: [count, "Size of the scaled-down image."],
  width: [count, "Width of the scaled-down image, in pixels."],
  height: [count, "Height of the scaled-down image, in pixels."],
  originalBytes: [count, "Size of the uploaded image."],
  originalWidth: [count, "Width of the uploaded image, in pixels, in the orientation that a viewer shows."],
  originalHeight: [count, "Height of the uploaded image, in pixels."],
});

export const Flow = extend(FlowSummary, "Flow", "A flow with all its tasks.", {
  reducedImages: [
    z.array(ReducedImage),
    "The images of the request that the vendor gets scaled down, because it takes no links and they were too large; empty if there are none.",
  ],
  mode: [maybe(z.enum(["fast", "relax", "turbo"])), "Speed, if the request named one."],
  notifyHook: [maybe(text), "URL that receives the webhooks of this flow."],
  events: [maybe(z.array(EventName)), "Events that `notifyHook` receives; null: all except `task.progress`."],
  canceledAt: [maybe(time), "Time when the flow was canceled; null if it is not canceled."],
  plan: [z.array(PlanStep), "The steps of the plan, parents before children, also those whose tasks do not exist yet."],
  tasks: [z.array(Task), "All tasks of the lineage, parents before children."],
  counts: [Counts, "Number of vendor calls, callbacks and writes of the flow."],
  nextInMs: [
    nextInMs,
    "Milliseconds after which the next read is likely to show something new, from the usual duration of such tasks; null if the flow has ended. `Retry-After` has the same in seconds.",
  ],
  follow: [
    z.enum(["stream", "read"]),
    "How to follow the flow at low cost. `read`: read it again after `nextInMs`. `stream`: open `eventsUrl`. Both ways always work.",
  ],
  eventsUrl: [
    maybe(text),
    "URL of the flow's event stream, to be used unchanged; null if this deployment has no streams.",
  ],
});

/** A plan that an app stores under a name. `then` has the form of a request. */
export const Template = component("Template", "A plan that an app stores under a name.", {
  name: [text, "Name of the template."],
  description: [maybe(text), "Your own description; null if there is none."],
  then: [z.array(z.object({ press: z.union([text, z.array(text)]) })), "The plan, in the form of the request."],
  createdAt: [time, "Time when the template was stored first."],
  updatedAt: [time, "Time when the template was last stored."],
  urls: [z.strictObject({ get: text }), "`get`: URL of the template."],
});

// ── endpoints and deliveries ───────────────────────────────────────────────────────────────────────────────────────

const disabledWhy = z.enum(["by_app", "gone", "failing"]);

export const Endpoint = component("Endpoint", "A webhook endpoint.", {
  id: [text, "`ep_…`, or `hook` for the endpoint that signs the webhooks to `notifyHook` URLs."],
  url: [maybe(text), "URL that receives the webhooks; null for `hook`."],
  events: [z.array(EventName), "Events that the endpoint receives."],
  scheme: [z.enum(["v1", "v1a"]), "Signature scheme."],
  publicKey: [maybe(text), "Public key `whpk_…` of scheme `v1a`; null for `v1`."],
  description: [maybe(text), "Your own description."],
  enabled: [z.boolean(), "Whether the endpoint receives events."],
  disabledAt: [maybe(time), "Time when the endpoint was disabled; null if it is enabled."],
  disabledWhy: [
    maybe(disabledWhy),
    "`by_app`: your app disabled it. `gone`: it responded 410. `failing`: all delivery attempts of five days failed.",
  ],
  failingSince: [maybe(time), "Time of the first failure since the last success; null after a success."],
  pausedUntil: [
    maybe(time),
    "Until when mjflow posts nothing, because the endpoint does not respond or fails; then one event is a trial. Null: not paused.",
  ],
  parked: [
    maybe(z.strictObject({ count, whole: z.boolean(), since: time })),
    "Events that wait until the endpoint works again. `count` is their number, `whole` is false if there may be more, and `since` is the creation of the first flow that was counted. Null: no event waits.",
  ],
  recovery: [maybe(text), "Id of the newest replay that sends parked events; null if there was none."],
  earlierSecretsUntil: [z.array(maybe(time)), "For each previous secret that still signs, the time when it stops."],
  createdAt: [time, "Time when the endpoint was created."],
});

/** An endpoint that was just created or rotated; for scheme `v1` with its secret. */
export const NewEndpoint = extend(Endpoint, "NewEndpoint", "A webhook endpoint with its signing secret.", {
  secret: [z.optional(text), "Signing secret `whsec_…` of scheme `v1`. Store it: it is not shown again."],
});

export const Replay = component(
  "Replay",
  "A job that sends many deliveries of one subscriber again. `found` is the sum of the others.",
  {
    id: [text, "`rpl_…`."],
    endpoint: [text, "The subscriber: id of a webhook endpoint, or `hook`."],
    only: [
      z.enum(["failed", "all", "parked"]),
      "Which deliveries are sent. `parked`: mjflow started the replay, because the endpoint works again.",
    ],
    since: [time, "Start of the time range: when the delivery was created."],
    until: [time, "End of the time range."],
    status: [
      z.enum(["counting", "sending", "completed", "canceled", "failed"]),
      "`counting`: it searches the deliveries. `sending`: it sends them. `completed`: it has handled all. `canceled`: you canceled it. `failed`: the endpoint receives nothing any more.",
    ],
    why: [maybe(z.enum(["endpoint_deleted", "endpoint_disabled"])), "Why it failed; null otherwise."],
    found: [count, "Number of deliveries that it has found; all of them when `status` is not `counting`."],
    sent: [count, "Number of deliveries that the receiver accepted."],
    failed: [count, "Number of deliveries whose attempt failed. Their further attempts follow the usual schedule."],
    skipped: [
      count,
      "Number of deliveries that needed no attempt, for example because they were replayed one by one meanwhile.",
    ],
    left: [count, "Number of deliveries that it has found and not yet handled."],
    pausedUntil: [
      maybe(time),
      "Until when it waits, because the receiver does not respond or fails; null: it does not wait.",
    ],
    createdAt: [time, "Time when it was started."],
    endedAt: [maybe(time), "Time when it ended; null while it runs."],
  },
);

const ATTEMPT = {
  at: [time, "Time of the request."],
  status: [z.optional(z.int()), "HTTP status; absent if there was no response."],
  why: [z.optional(text), "Why there was no response; absent if there was one."],
  tookMs: [z.optional(z.number()), "Duration in milliseconds."],
} as const;

const DeliveryAttempt = component("DeliveryAttempt", "One HTTP request of a delivery.", {
  ...ATTEMPT,
  body: [
    z.optional(text),
    "First 256 characters of the response body, with spaces for control characters. It is the receiver's text: do not trust it. Absent if the body was empty.",
  ],
});

export const TestEventResult = component("TestEventResult", "Result of a test event.", {
  delivered: [z.boolean(), "Whether the response was 2xx."],
  ...ATTEMPT,
});

export const Delivery = component("Delivery", "One event for one subscriber, with its delivery attempts.", {
  id: [text, "`dlv_…`, from the ids of the event and the subscriber."],
  eventId: [text, "Id of the event: the header `webhook-id`."],
  type: [EventName, "Type of the event."],
  endpoint: [text, "The subscriber: id of a webhook endpoint, `hook`, `mj` or `bus`."],
  flowId: [text, "Id of the flow."],
  taskId: [maybe(text), "Id of the task; null for an event of the flow itself."],
  status: [
    z.enum(["pending", "delivered", "failed", "parked"]),
    "`pending`: more delivery attempts follow. `delivered`: it was received. `failed`: no more attempts follow. `parked`: the endpoint is down, and the event is sent when it works again.",
  ],
  tries: [count, "Number of delivery attempts, counted from the creation or the last replay."],
  attempts: [z.array(DeliveryAttempt), "The last twelve delivery attempts, newest last."],
  failure: [maybe(text), "Why it failed permanently; null otherwise."],
  nextTryAt: [maybe(time), "Time of the next delivery attempt; null if none is scheduled."],
  happenedAt: [time, "Time of the event."],
  createdAt: [time, "Time when the delivery was created."],
  endedAt: [maybe(time), "Time when it was delivered or failed permanently; null before."],
});

export const DeliveryDetail = extend(Delivery, "DeliveryDetail", "A delivery with its payload.", {
  payload: [
    maybe(text),
    "The body that the next delivery attempt would post: JSON text, to the byte. It has the present state of the flow or task. Null if the flow or task is gone.",
  ],
});

// ── for the operator ───────────────────────────────────────────────────────────────────────────────────────────────

export const Limits = component("Limits", "Limits of an app; null: no limit.", {
  flowsPerMinute: [maybe(z.int()), "New flows per minute."],
  runningFlows: [maybe(z.int()), "Maximum number of flows that have not ended."],
  creditsUsd: [maybe(z.number()), "Total amount in USD that the app may spend, without credit that was added later."],
});

export const App = component("App", "A client of the API with its own keys, flows, limits and credit.", {
  id: [text, "`app_…`."],
  name: [text, "Name of the app, for people."],
  limits: [Limits, "Limits of the app."],
  archive: [ArchiveModeOrNull, "Default of `archive` for its flows; null: that of the deployment."],
  translate: [z.boolean(), "Default of `translate` for its requests, also for the compat API."],
  creditCounters: [z.int(), "Number of counters that the limits are divided over."],
  createdAt: [time, "Time when the app was created."],
  disabledAt: [maybe(time), "Time when the app was disabled; null if it is enabled."],
  deletedAt: [maybe(time), "Time when the app was deleted; null before."],
});

export const AppKey = component("AppKey", "An API key, without its secret text.", {
  id: [text, "`key_…`."],
  appId: [text, "Id of the app."],
  prefix: [text, "Beginning of the key, to tell it from other keys."],
  createdAt: [time, "Time when the key was created."],
  lastUsedOn: [maybe(z.iso.date()), "Last day on which the key was used, in UTC; null if it was never used."],
  expiresAt: [maybe(time), "Time when the key expires; null if it does not expire."],
  revokedAt: [maybe(time), "Time when the key was revoked; null if it was not."],
});

export const NewAppKey = extend(AppKey, "NewAppKey", "A new API key.", {
  key: [text, "The key. Store it: it is not shown again."],
});
export const RotatedAppKey = extend(NewAppKey, "RotatedAppKey", "A new API key and the previous key.", {
  previous: [AppKey, "The previous key, which stays valid for the overlap."],
});

export const Session = component("Session", "A session or an unused sign-in link, without its secret.", {
  id: [text, "Id of the session."],
  kind: [z.enum(["session", "link"]), "`session`, or `link` for a sign-in link that was not used."],
  label: [maybe(text), "Your own name for it; null if there is none."],
  createdAt: [time, "Time of the sign-in, or when the link was made."],
  expiresAt: [time, "Time when it ends."],
  lastUsedOn: [maybe(z.iso.date()), "Last day on which the session was used, in UTC; null if it was never used."],
  current: [z.boolean(), "True for the session that sent the request."],
});

export const NewSession = extend(Session, "NewSession", "A new session.", {
  token: [maybe(text), "The secret `mjs_…`, which is not shown again; null if the response sets it as a cookie."],
});
export const NewSignInLink = extend(Session, "NewSignInLink", "A new sign-in link.", {
  token: [text, "The secret `mjl_…`. It is not shown again."],
  url: [maybe(text), "The link, for a browser; null if the deployment has no console."],
});

export const CurrentCaller = component("CurrentCaller", "Who sent the request.", {
  role: [z.enum(["operator", "app"]), "`operator` or `app`."],
  appId: [text, "Id of the app."],
  appName: [maybe(text), "Name of the app; null for the operator."],
  session: [maybe(Session), "The session that sent the request; null if it was sent with a key."],
  canTranslate: [z.boolean(), "True if the deployment has a translator of prompts."],
});

export const Share = component("Share", "A share link, without its secret.", {
  id: [text, "Id of the share link."],
  label: [maybe(text), "Your own name for it; null if there is none."],
  showsPrompt: [z.boolean(), "True if viewers see the prompt."],
  showsVendorLinks: [z.boolean(), "True if viewers see the vendor's links of pictures that are not archived."],
  createdAt: [time, "Time when the link was created."],
  expiresAt: [time, "Time when it ends."],
});

/** The only response that contains the secret of a share link. */
export const NewShare = extend(Share, "NewShare", "A new share link.", {
  token: [text, "The secret `mjv_…`. It is not shown again."],
  url: [maybe(text), "The link, for a browser; null if the deployment has no console."],
});

export const SharedPicture = component("SharedPicture", "A picture or video of a shared flow.", {
  kind: [z.enum(["image", "video"]), "`image` or `video`."],
  url: [text, "Link to the file. A link to an archived copy ends within an hour."],
  contentType: [maybe(text), "Media type; null if it is not known."],
});

export const SharedTask = component("SharedTask", "A task as the viewer of a share link sees it.", {
  id: [text, "Position of the task in the tree, for example `0-2`."],
  parentId: [maybe(text), "Position of the parent; null for the root."],
  press: [maybe(text), "Press name; null for the root and for presses without a name."],
  action: [text, "Kind of work in the vendor protocol."],
  status: [z.enum(SHARED_STATUSES), "Status of the task."],
  progress: [z.number().check(z.minimum(0), z.maximum(100)), "Progress in percent."],
  pictures: [z.array(SharedPicture), "The pictures and videos of the result. Empty while the task runs."],
  hasUnsharedPictures: [
    z.boolean(),
    "True if the result has pictures that the link does not show, because they are not archived.",
  ],
  text: [maybe(text), "Text result of describe and shorten; null if there is none or the link shows no prompt."],
  createdAt: [time, "Time of the creation."],
  endedAt: [maybe(time), "Time of the end; null while the task runs."],
});

/** `GET /v1/shared` */
export const SharedFlow = component("SharedFlow", "A flow as the viewer of a share link sees it.", {
  status: [flowStatus, "Status of the flow."],
  prompt: [maybe(text), "The prompt, with `[link]` instead of each link; null if there is none or it is not shown."],
  showsPrompt: [z.boolean(), "True if the link shows the prompt."],
  createdAt: [time, "Time of the creation."],
  endedAt: [maybe(time), "Time of the flow's end; null while it runs."],
  expiresAt: [time, "Time when the share link ends."],
  plannedTasks: [count, "Number of tasks of the plan that will still be created."],
  tasks: [z.array(SharedTask), "The tasks, parents before children, without those that a retry replaced."],
  nextInMs: [
    maybe(count),
    "Milliseconds after which the next read is likely to show something new; null if nothing more will change.",
  ],
});

export const Account = component(
  "Account",
  "A vendor account as it is stored. Null: the value of the configuration applies.",
  {
    provider: [text, "Id of the provider."],
    name: [text, "Name of the account."],
    baseUrl: [maybe(text), "Base URL of the vendor's API, without path."],
    hasKey: [z.boolean(), "Whether an API key of the account is stored."],
    weight: [maybe(z.number()), "Share of new flows that the account gets, relative to the other accounts."],
    maxRunning: [maybe(z.int()), "Maximum number of tasks that run at the account at one time."],
    createdAt: [time, "Time when the account was stored."],
    updatedAt: [time, "Time of the last change."],
  },
);

export const AccountTest = component(
  "AccountTest",
  "What a test proves about the address and the key of a vendor account. It costs nothing at the vendor.",
  {
    provider: [text, "Id of the provider."],
    account: [text, "Name of the account."],
    ok: [maybe(z.boolean()), "Whether the account can get flows; null if the test cannot tell."],
    code: [
      z.enum(ACCOUNT_TEST_CODES),
      "Stable code of the result. `unreachable`: no connection could be opened. `no_response`: no complete response came in 5 seconds. `not_this_protocol`: the server is no vendor of this provider. `unauthorized`: the vendor refuses the key. `out_of_money`: the vendor knows the key, but its money, quota or subscription is used up. `rate_limited`: the vendor limits our requests. `key_not_checked`: the vendor did not refuse the same request without a key. `unknown`: another response.",
    ],
    reachable: [z.boolean(), "Whether a connection could be opened."],
    key: [z.enum(["accepted", "refused", "unknown"]), "What the vendor says about the key."],
    latencyMs: [count, "Time from the request to its response or failure, ms."],
    status: [maybe(z.int()), "HTTP status of the vendor's response; null if none came."],
    reason: [maybe(text), "Why no response came, for example `ENOTFOUND` or `timeout`; null if one came."],
    vendorText: [
      maybe(text),
      "Words of the vendor, at most 300 characters of untrusted text, without the key; null if it said nothing.",
    ],
    redirectsTo: [maybe(text), "Origin to which the vendor redirects; null if it does not. It was not requested."],
    advice: [text, "What the operator can do."],
    testedAt: [time, "Time when the test started."],
  },
);

const AccountWaiting = component("AccountWaiting", "The tasks of all apps that wait for a vendor account.", {
  count: [count, "Number of waiting tasks, counted up to 100."],
  atLeast: [z.boolean(), "True if more than `count` tasks may wait."],
  oldestAt: [maybe(time), "Time when the oldest waiting task was created; null if none waits."],
});

const AccountHour = component("AccountHour", "The tasks of a vendor account that ended within one hour.", {
  at: [time, "Start of the hour."],
  succeeded: [count, "Number of tasks that succeeded."],
  failed: [
    count,
    "Number of tasks that the vendor accepted and that failed, without those whose prompt its moderation rejected.",
  ],
  meanMs: [
    maybe(count),
    "Mean time from the acceptance to the success, in milliseconds, rounded to seconds; null if none succeeded.",
  ],
});

const AccountStatus = component("AccountStatus", "A vendor account and its status, as every app may see it.", {
  name: [text, "Name of the account in this deployment."],
  weight: [z.number(), "Share of new flows that the account gets, relative to the other accounts. 0: no new flows."],
  maxRunning: [maybe(z.int()), "Maximum number of tasks that run at the account at one time; null: no limit."],
  simulated: [
    z.boolean(),
    "Whether it is an account of the vendor simulator, which costs nothing and draws test images.",
  ],
  callbacks: [
    z.enum(["unknown", "calling", "silent"]),
    "Whether callbacks of the account really arrive. If it is `silent`, mjflow looks its tasks up instead.",
  ],
  heardAt: [maybe(time), "Time of the last callback, accurate to a few minutes; null if there was none."],
  failures: [count, "Number of look-ups that failed in a row."],
  askAt: [maybe(time), "Earliest time of the next look-up after failed look-ups; null if there is no pause."],
  lookupFault: [
    maybe(z.enum(LOOKUP_FAULTS)),
    "Why the last look-up failed. `unauthorized`: the vendor refused our key. `unreachable`: no connection could be opened. `failed`: another reason. Null if the last look-up worked.",
  ],
  circuit: [
    z.enum(["closed", "open", "half-open"]),
    "State of the circuit breaker. `closed`: the account gets new flows. `open`: it gets none for a while. `half-open`: it is tested, by a free look-up where that proves enough, otherwise by one new flow. After `unauthorized` or `out_of_money` this is a flow that can move to another account, or any flow if no other account is left.",
  ],
  openUntil: [maybe(time), "Time until which the circuit breaker is open; null if it is not open."],
  fault: [maybe(z.enum(FAULTS)), "The last fault that the circuit breaker counted; null if there is none."],
  busyUntil: [
    maybe(time),
    "Time until which the account gets no new flows, because the vendor was busy or the concurrency limit was reached; null otherwise.",
  ],
  waiting: [AccountWaiting, "The tasks of all apps that wait for the account."],
  hours: [
    z.array(AccountHour),
    "The hours of the last day in which tasks of all apps ended, oldest first. Each process stores its counts every five minutes, so the newest tasks, and those of a process that has ended since, are missing.",
  ],
});

const Abilities = component("Abilities", "Functions of a vendor's API.", {
  notifyHook: [
    z.enum(["documented", "unknown"]),
    "Whether the vendor documents callbacks. For each account mjflow also observes whether callbacks really arrive.",
  ],
  listByCondition: [z.boolean(), "The vendor can report many tasks in one look-up."],
  searchByState: [z.boolean(), "The vendor can find a task whose id is not known."],
  seed: [z.boolean(), "The vendor can report the seed of an image."],
  imageLinks: [z.boolean(), "Image fields may be links. Otherwise they need data URIs."],
  swapLinks: [z.boolean(), "The two images of a face swap may be links. Otherwise they need data URIs."],
  optionalFields: [
    z.array(z.enum(OPTIONAL_FIELDS)),
    "Fields of videos and edits that the vendor supports. A request with another one of `endImage`, `loop`, `batchSize`, `videoType` and `maskBase64` is rejected before anything is paid.",
  ],
  promptActions: [z.array(z.enum(ROOT_ACTIONS)), "Root actions that need a prompt at this vendor."],
  modals: [z.boolean(), "The vendor takes modal answers. Otherwise no press can have a prompt."],
  modalPresses: [
    maybe(z.array(text)),
    "Presses that can have a modal answer, as press names or first parts; null: each press that can open a modal. A plan with a prompt on another press is rejected.",
  ],
  unsupportedPresses: [
    z.array(text),
    "Presses that the vendor can never make: press names, or first parts such as `describe` for `describe:1`. A plan with such a press gets 422 `press_unsupported`, and such buttons are left out of results.",
  ],
  dataOnly: [
    z.array(z.enum(ROOT_ACTIONS)),
    "Root actions whose images must be data URIs, although `imageLinks` is true.",
  ],
  linksOnly: [
    z.array(z.enum(ROOT_ACTIONS)),
    "Root actions whose images must be links or uploads. A data URI gets 400.",
  ],
  endOnly: [z.boolean(), "The vendor sends one callback, at the end. Callbacks tell no progress."],
  lookupProgress: [
    z.boolean(),
    "Look-ups tell the progress of a running task. With `endOnly` a flow with `progress: true` gets its progress from them.",
  ],
  separateImages: [
    z.boolean(),
    "A grid comes with its four pictures as separate images. A tile is then one of them, and nothing is cut.",
  ],
  idempotencyKey: [
    z.boolean(),
    "The vendor makes one task of all requests with the same key. A submission without a clear response is then sent again at once, and paid once.",
  ],
  masks: [
    z.enum(["image", "webp", "polygons"]),
    "Form of the masks that the vendor reads. `polygons`: no image, so no mask can be sent.",
  ],
});

export const Provider = component("Provider", "A provider of the deployment.", {
  id: [text, "Id of the provider, as requests name it."],
  title: [text, "Name of the vendor, for people."],
  actions: [z.array(z.enum(ROOT_ACTIONS)), "Root actions that the provider supports."],
  modes: [z.array(z.enum(["fast", "relax", "turbo"])), "Speeds that the provider supports."],
  abilities: [Abilities, "Functions of the vendor's API."],
  accounts: [z.array(AccountStatus), "The vendor accounts, without their keys."],
});

const UsageDay = component("UsageDay", "Usage of one day.", {
  day: [z.iso.date(), "The day, in UTC."],
  flows: [count, "Number of flows that ended."],
  settledUsd: [z.number(), "Amount spent by these flows."],
});

export const Usage = component("Usage", "Usage and credit of an app in USD, by mjflow's estimate.", {
  appId: [text, "Id of the app."],
  balanceUsd: [maybe(z.number()), "Credit that is left; null: spending is not limited."],
  counted: [
    z.boolean(),
    "Whether usage is counted. It is counted only if the app's credit or its running flows are limited.",
  ],
  reservedUsd: [z.number(), "Credit holds of running flows. A hold covers the whole plan."],
  settledUsd: [z.number(), "Amount spent by flows that have ended."],
  refundedUsd: [z.number(), "Amount that was held but not spent."],
  addedUsd: [z.number(), "Credit that the operator added to the limit."],
  runningFlows: [count, "Number of flows that have not ended."],
  days: [z.array(UsageDay), "Usage per day, newest first. A flow counts on the day when it ended, in UTC."],
});
export type UsageView = z.infer<typeof Usage>;

export const BannedWords = component("BannedWords", "Words that the deployment sends to no vendor.", {
  words: [z.array(text), "The operator's list."],
  configured: [z.array(text), "Further banned words, from the deployment's configuration."],
  updatedAt: [maybe(time), "Time when the operator's list was last replaced; null if it never was."],
});

export const QueueDepth = component("QueueDepth", "Number of messages in a queue.", {
  name: [
    z.enum(["submit", "deliver", "archive", "dead-letters"]),
    "`submit`: submissions to vendors. `deliver`: webhook deliveries. `archive`: images to archive. `dead-letters`: messages that failed every time and are not handled yet.",
  ],
  waiting: [count, "Messages that wait for a worker."],
  inFlight: [count, "Messages that a worker has received."],
  delayed: [count, "Messages for later: a vendor was busy, or a delivery attempt is not due yet."],
});

export const ReencryptResult = component("ReencryptResult", "Progress of the re-encryption.", {
  looked: [count, "Number of endpoints and vendor accounts that have encrypted secrets."],
  resealed: [count, "Number of them that this call re-encrypted."],
  lost: [count, "Number of them that no vault key can decrypt. The API's log names each of them."],
  nextCursor: [maybe(text), "Cursor for the next apps; null after the last app."],
});

const OverdueItem = component("OverdueItem", "One overdue item.", {
  kind: [
    z.enum(["task", "flow", "delivery"]),
    "`task`: waits for its vendor. `flow`: waits for the record of its end. `delivery`: waits for its next attempt.",
  ],
  id: [text, "Id of the item."],
  flowId: [text, "Id of its flow, which can belong to any app."],
  dueAt: [time, "Time when the item became due."],
});

export const Overdue = component("Overdue", "Work whose due time has passed.", {
  count: [count, "Number of items found. At most 800 are counted."],
  whole: [z.boolean(), "Whether these are all overdue items."],
  oldest: [maybe(OverdueItem), "The item that has been due for the longest time; null if there is none."],
});

export const UnclearTask = component("UnclearTask", "A task that the vendor may or may not have.", {
  id: [text, "Id of the task."],
  flowId: [text, "Id of the flow."],
  appId: [text, "Id of the app. Only a key of this app can read the flow."],
  press: [maybe(text), "The press as the plan or the app named it; null for the root."],
  action: [text, "Kind of work, in midjourney-proxy's terms."],
  provider: [text, "Id of the provider."],
  account: [text, "Name of the vendor account."],
  attempt: [count, "Number of the submission, from 1."],
  createdAt: [time, "Time when the task was created."],
  dueAt: [maybe(time), "Time until which mjflow waits for a callback. Then it looks the task up or submits it again."],
});

export const Unclear = component("Unclear", "Tasks with an unclear submission.", {
  data: [z.array(UnclearTask), "The tasks found."],
  looked: [count, "Number of waiting tasks that were checked, the earliest due time first. At most 800 are checked."],
  whole: [z.boolean(), "Whether these are all tasks with an unclear submission."],
  nextCursor: [z.null(), "Always null."],
});

export const DeadLetter = component("DeadLetter", "A queue message that mjflow could not parse.", {
  id: [text, "Id of the message. Ids sort by the time of arrival."],
  state: [
    z.enum(["kept", "redriven", "dropped"]),
    "`kept`: waits for the operator's decision. `redriven`: sent to its queue again. `dropped`: discarded.",
  ],
  body: [text, "The message as it arrived. Do not trust it: anyone who can write to the queue may have written it."],
  why: [text, "Why the message could not be parsed."],
  receives: [count, "Number of times that the message was received."],
  createdAt: [time, "Time when the message was sent."],
});

// ── lists, errors, events ──────────────────────────────────────────────────────────────────────────────────────────

/** A page of a listing. */
export function pageOf<T extends z.ZodMiniType>(item: T) {
  return z.strictObject({ data: z.array(item), nextCursor: maybe(text) });
}

/** A listing that always has a single page. */
export function wholeOf<T extends z.ZodMiniType>(item: T) {
  return z.strictObject({ data: z.array(item), nextCursor: z.null() });
}

/** Problem details (RFC 9457), with additional fields that let a program decide what to do. */
export const Problem = component(
  "Problem",
  "An error (RFC 9457). Programs should use `code` and `retry`, never the texts.",
  {
    type: [z.url(), "URI of the error code."],
    title: [text, "Title of the error code."],
    status: [z.int(), "HTTP status."],
    code: [codes<ErrorCode>(ERRORS), "Stable code for programs."],
    detail: [text, "What is wrong in this request, for people."],
    field: [z.optional(text), "Path of the wrong field, for example `then[1].press`."],
    advice: [text, "What you can do."],
    retry: [
      z.enum(["never", "later"]),
      "Whether the same request can succeed later. If the time is known, `Retry-After` has it.",
    ],
    requestId: [z.uuid(), "Id of the request, also in the header `X-Request-Id`. Name it when you report a problem."],
    errors: [
      z.optional(z.array(z.strictObject({ field: text, message: text }))),
      "With `invalid_request`: all wrong fields, at most 20.",
    ],
    reason: [
      z.optional(z.enum([...KEY_PROBLEMS, ...IMAGE_REASONS.filter((each) => each !== "expired")])),
      "With `unauthorized`: what is wrong with the key. Only who has a whole key learns that it is revoked or expired. With `image_rejected`: `not_sent`, `expired` (the upload is too old), `wrong_type`, `too_large`, `broken` (it cannot be decoded), `gone`, `forbidden` (the address of a link) or `unavailable`.",
    ],
    found: [z.optional(text), "With `image_rejected` and `wrong_type`: the format of the image, if it is known."],
    limitBytes: [
      z.optional(count),
      "With `image_rejected` and `too_large`: the most bytes of all images that become data URIs.",
    ],
    limitPixels: [
      z.optional(count),
      "With `image_rejected` and `too_large`: the most pixels of an image that is scaled down.",
    ],
    offered: [z.optional(z.array(text)), "With `press_not_offered`: the buttons of the task."],
    bannedWord: [z.optional(text), "With `banned_prompt`: the word as it is in the deployment's list."],
    press: [z.optional(text), "With `press_unsupported`: the press as the plan has it."],
    provider: [
      z.optional(text),
      "With `press_unsupported` or `image_rejected`: the provider that does not support it.",
    ],
    providers: [
      z.optional(z.array(text)),
      "With an unknown `provider`: the configured providers. With `press_unsupported` or `image_rejected`: the providers that support the whole request.",
    ],
    actions: [z.optional(z.array(text)), "With an `action` that the provider does not support: the supported actions."],
    estimatedUsd: [z.optional(z.number()), "With `out_of_credit`: the estimated price of the plan."],
    balanceUsd: [z.optional(z.number()), "With `out_of_credit`: the credit that is left."],
    rateLimit: [
      z.optional(z.strictObject({ quota: count, remaining: count, resetS: count })),
      "With `rate_limited`: new flows per minute, how many of them are left, and the seconds until all are available again.",
    ],
    eventsUrl: [
      z.optional(maybe(text)),
      "With `no_stream_here`: the URL of the flow's event stream; null if there is none.",
    ],
  },
);

type Of<Prefix extends string> = Extract<EventType, `${Prefix}.${string}`>;
const ofKind = <Prefix extends string>(prefix: Prefix) =>
  z.enum(EVENT_TYPES.filter((type) => type.startsWith(`${prefix}.`)) as [Of<Prefix>, ...Of<Prefix>[]]);

const FlowBatchResult = component("FlowBatchResult", "The result of one flow of a batch.", {
  index: [count, "Position of the item in `batch`, from 0."],
  permutation: [
    maybe(count),
    "Number of the prompt among the permutations of the item, from 0; null if they are not expanded.",
  ],
  status: [z.int(), "Status that a request for this flow alone would have: 202 if the flow exists."],
  flow: [maybe(FlowSummary), "The flow without its tasks; null if it could not be created."],
  estimatedUsd: [
    maybe(z.number()),
    "Estimated price of the whole plan, in USD; null if the flow could not be created.",
  ],
  error: [maybe(Problem), "Why the flow could not be created; null if it exists."],
});

/** `POST /v1/flows` with `batch` or with permutations that mjflow expands. */
export const FlowBatch = component("FlowBatch", "The flows of a batch.", {
  data: [z.array(FlowBatchResult), "One result for each flow, in the order of the request."],
  created: [count, "Number of flows that exist."],
  failed: [count, "Number of flows that could not be created."],
  estimatedUsd: [z.number(), "Estimated price of the plans of all created flows, in USD."],
});

const TaskEventData = extend(Task, "TaskEventData", "A task in an event.", {
  state: [maybe(text), "`state` of the flow, unchanged."],
});

const timestamp = [time, "Time of the event. It is the same in every delivery attempt."] as const;

/** A task event of webhooks, the stream and the event bus. */
export const TaskEvent = component("TaskEvent", "An event of a task.", {
  type: [ofKind("task"), "Type of the event."],
  timestamp,
  data: [TaskEventData, "The task as `GET /v1/flows/{id}` shows it, with the flow's `state`."],
});

const FlowEventData = extend(FlowSummary, "FlowEventData", "A flow in an event.", {
  counts: [Counts, "Number of vendor calls, callbacks and writes of the flow."],
});

export const FlowEvent = component("FlowEvent", "The end of a flow.", {
  type: [ofKind("flow"), "Type of the event."],
  timestamp,
  data: [FlowEventData, "The flow without its tasks."],
});

/** Empty if the endpoint was deleted meanwhile. */
const EndpointEventData = component("EndpointEventData", "A webhook endpoint in an event.", {
  id: [z.optional(text), "`ep_…`, or `hook` for the endpoint that signs the webhooks to `notifyHook` URLs."],
  url: [z.optional(text), "URL that received the webhooks."],
  disabledWhy: [
    z.optional(disabledWhy),
    "`by_app`: your app disabled it. `gone`: it responded 410. `failing`: all delivery attempts of five days failed.",
  ],
  failingSince: [z.optional(time), "Time of the first failure since the last success; null after a success."],
});

export const EndpointEvent = component("EndpointEvent", "A webhook endpoint was disabled.", {
  type: [ofKind("endpoint"), "Type of the event."],
  timestamp,
  data: [EndpointEventData, "The endpoint."],
});

// ── outside /v1 ────────────────────────────────────────────────────────────────────────────────────────────────────

export const Health = component("Health", "", {
  status: [z.literal("ok"), "`ok` if the API responds."],
});
export const ApiIndex = component("ApiIndex", "Paths of the API and its reference.", {
  name: [text, "`mjflow`."],
  api: [text, "Path of the API."],
  health: [text, "Path of the health check."],
  docs: [text, "Path of the documentation."],
  reference: [text, "Path of the API reference as HTML."],
  openapi: [text, "Path of the OpenAPI document."],
  llms: [text, "Path of the API reference as text."],
});
