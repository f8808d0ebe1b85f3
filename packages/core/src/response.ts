/**
 * Schemas of the API's responses. The OpenAPI document is generated from them, and tests check every response with them.
 * They are strict, so that a response has no undocumented field. The published document allows additional fields, because
 * responses may gain some. No deployed function imports this file, so it does not slow down a cold start.
 */
import * as z from "zod/mini";
import { LOOKUP_FAULTS } from "./account-health.ts";
import { KEY_PROBLEMS } from "./app.ts";
import { ArchiveModeOrNull } from "./archive-mode.ts";
import { FAULTS } from "./circuit-breaker.ts";
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
import { STATUSES } from "./task.ts";
import { WAIT_REASONS } from "./wait-list.ts";

/** Time in ISO 8601, UTC. */
const time = z.iso.datetime();
const maybe = z.nullable;
const text = z.string();
const count = z.int().check(z.minimum(0));
const codes = <T extends string>(table: Record<T, unknown>) => z.enum(Object.keys(table) as [T, ...T[]]);

const flowStatus = z.enum(FLOW_STATUSES);

// ── tasks and flows ────────────────────────────────────────────────────────────────────────────────────────────────

export const Media = z.strictObject({ url: text, thumbnail: z.optional(text) });
export const Copy = z.strictObject({ url: text, bytes: count, sha256: text, contentType: text, source: text });
export const Button = z.strictObject({ customId: text, label: text, emoji: text, name: maybe(text) });

export const Failure = z.strictObject({
  code: codes<FailureCode>(FAILURES),
  message: text,
  vendor: z.optional(
    z.strictObject({ code: z.optional(text), description: z.optional(text), bannedWord: z.optional(text) }),
  ),
  offered: z.optional(z.array(text)),
  reason: z.optional(codes<CopyFailureCode>(COPY_FAILURES)),
});

/** An image or video that could not be archived. */
export const CopyFailure = z.strictObject({ source: text, code: codes<CopyFailureCode>(COPY_FAILURES), message: text });

export const Orphan = z.strictObject({
  attempt: count,
  vendorTaskId: z.optional(text),
  at: time,
  estimatedUsd: z.number(),
});

const LateReport = z.strictObject({ status: text, at: time, imageUrl: maybe(text) });

/** Where an app sends one image. */
export const Upload = z.strictObject({
  id: text,
  url: text,
  method: z.literal("PUT"),
  headers: z.strictObject({ "Content-Type": text }),
  contentType: z.enum(INPUT_TYPES),
  bytes: count,
  expiresAt: time,
});

/** Why a task waits for its account, and how many tasks come first. */
export const Waits = z.strictObject({ reason: z.enum(WAIT_REASONS), ahead: maybe(count), atLeast: z.boolean() });

const flowUrls = z.strictObject({ get: text, cancel: text, events: maybe(text), console: maybe(text) });
const taskUrls = z.strictObject({ get: text, actions: text, flow: text, console: maybe(text) });

/** A task in a flow or an event. */
export const Task = z.strictObject({
  id: text,
  flowId: text,
  parentId: maybe(text),
  rootId: text,
  retryOf: maybe(text),
  depth: count,
  press: maybe(text),
  action: text,
  status: z.enum(STATUSES),
  progress: z.number().check(z.minimum(0), z.maximum(100)),
  provider: text,
  providerTaskId: maybe(text),
  customId: maybe(text),
  imageUrl: maybe(text),
  previewUrl: maybe(text),
  images: z.array(Media),
  videos: z.array(Media),
  copies: z.array(Copy),
  copyFailures: z.array(CopyFailure),
  buttons: z.array(Button),
  originalPrompt: maybe(text),
  finalPrompt: maybe(text),
  text: maybe(text),
  seed: maybe(text),
  unknownStatus: maybe(text),
  failReason: maybe(text),
  failure: maybe(Failure),
  attempts: count,
  modals: count,
  modalIgnored: z.boolean(),
  callbacks: count,
  duplicates: count,
  lookups: count,
  unclear: z.boolean(),
  waits: maybe(Waits),
  orphans: z.array(Orphan),
  late: maybe(LateReport),
  createdAt: time,
  submittedAt: maybe(time),
  endedAt: maybe(time),
  urls: taskUrls,
});

/** A result with an image or a video. */
export const Picture = z.strictObject({
  taskId: text,
  flowId: text,
  parentId: maybe(text),
  press: maybe(text),
  action: text,
  provider: text,
  imageUrl: maybe(text),
  images: z.array(Media),
  videos: z.array(Media),
  copies: z.array(Copy),
  prompt: maybe(text),
  state: maybe(text),
  endedAt: maybe(time),
  urls: taskUrls,
});

const nextInMs = maybe(count);

/** `GET /v1/tasks/{id}`: a task that is read alone, with the hint when to read it again. */
export const TaskRead = z.extend(Task, { nextInMs });

/** `GET /v1/tasks/{id}/raw` */
export const TaskRaw = z.strictObject({ id: text, body: maybe(text) });

export const Counts = z.strictObject({
  submissions: count,
  modals: count,
  callbacks: count,
  duplicates: count,
  lookups: count,
  writes: count,
});

/** A flow without its tasks. */
export const FlowSummary = z.strictObject({
  id: text,
  status: flowStatus,
  state: maybe(text),
  action: z.enum(ROOT_ACTIONS),
  provider: text,
  prompt: maybe(text),
  originalPrompt: maybe(text),
  createdAt: time,
  endedAt: maybe(time),
  template: maybe(text),
  rerunOf: maybe(text),
  restartOf: maybe(text),
  restartedAs: maybe(text),
  urls: flowUrls,
});

/** A flow in a list. */
export const FlowListEntry = z.extend(FlowSummary, {
  taskCounts: maybe(z.strictObject({ planned: count, running: count, done: count, failed: count })),
  estimatedUsd: maybe(z.number()),
  costUsd: maybe(z.number()),
  previewUrl: maybe(text),
});

export const PlanStep = z.strictObject({
  taskId: text,
  parentId: text,
  press: text,
  prompt: maybe(text),
  originalPrompt: maybe(text),
  hasMask: z.boolean(),
  status: z.enum(STEP_STATUSES),
});

/** An image of the request that was scaled down for its vendor. */
export const ReducedImage = z.strictObject({
  field: text,
  contentType: z.enum(INPUT_TYPES),
  bytes: count,
  width: count,
  height: count,
  originalBytes: count,
  originalWidth: count,
  originalHeight: count,
});

/** `GET /v1/flows/{id}` */
export const Flow = z.extend(FlowSummary, {
  reducedImages: z.array(ReducedImage),
  mode: maybe(z.enum(["fast", "relax", "turbo"])),
  notifyHook: maybe(text),
  events: maybe(z.array(EventName)),
  canceledAt: maybe(time),
  plan: z.array(PlanStep),
  tasks: z.array(Task),
  counts: Counts,
  nextInMs,
  follow: z.enum(["stream", "read"]),
  eventsUrl: maybe(text),
});

/** A plan that an app stores under a name. `then` has the form of a request. */
export const Template = z.strictObject({
  name: text,
  description: maybe(text),
  then: z.array(z.object({ press: z.union([text, z.array(text)]) })),
  createdAt: time,
  updatedAt: time,
  urls: z.strictObject({ get: text }),
});

// ── endpoints and deliveries ───────────────────────────────────────────────────────────────────────────────────────

const disabledWhy = z.enum(["by_app", "gone", "failing"]);

export const Endpoint = z.strictObject({
  id: text,
  url: maybe(text),
  events: z.array(EventName),
  scheme: z.enum(["v1", "v1a"]),
  publicKey: maybe(text),
  description: maybe(text),
  enabled: z.boolean(),
  disabledAt: maybe(time),
  disabledWhy: maybe(disabledWhy),
  failingSince: maybe(time),
  pausedUntil: maybe(time),
  parked: maybe(z.strictObject({ count, whole: z.boolean(), since: time })),
  recovery: maybe(text),
  earlierSecretsUntil: z.array(maybe(time)),
  createdAt: time,
});

/** An endpoint that was just created or rotated; for scheme `v1` with its secret. */
export const NewEndpoint = z.extend(Endpoint, { secret: z.optional(text) });

export const Replay = z.strictObject({
  id: text,
  endpoint: text,
  only: z.enum(["failed", "all", "parked"]),
  since: time,
  until: time,
  status: z.enum(["counting", "sending", "completed", "canceled", "failed"]),
  why: maybe(z.enum(["endpoint_deleted", "endpoint_disabled"])),
  found: count,
  sent: count,
  failed: count,
  skipped: count,
  left: count,
  pausedUntil: maybe(time),
  createdAt: time,
  endedAt: maybe(time),
});

const DeliveryAttempt = z.strictObject({
  at: time,
  status: z.optional(z.int()),
  why: z.optional(text),
  tookMs: z.optional(z.number()),
});

/** Result of a test event. */
export const TestEventResult = z.strictObject({
  delivered: z.boolean(),
  at: time,
  status: z.optional(z.int()),
  why: z.optional(text),
  tookMs: z.optional(z.number()),
});

export const Delivery = z.strictObject({
  id: text,
  eventId: text,
  type: EventName,
  endpoint: text,
  flowId: text,
  taskId: maybe(text),
  status: z.enum(["pending", "delivered", "failed", "parked"]),
  tries: count,
  attempts: z.array(DeliveryAttempt),
  failure: maybe(text),
  nextTryAt: maybe(time),
  happenedAt: time,
  createdAt: time,
  endedAt: maybe(time),
});

// ── for the operator ───────────────────────────────────────────────────────────────────────────────────────────────

export const Limits = z.strictObject({
  flowsPerMinute: maybe(z.int()),
  runningFlows: maybe(z.int()),
  creditsUsd: maybe(z.number()),
});

export const App = z.strictObject({
  id: text,
  name: text,
  limits: Limits,
  archive: ArchiveModeOrNull,
  translate: z.boolean(),
  creditCounters: z.int(),
  createdAt: time,
  disabledAt: maybe(time),
  deletedAt: maybe(time),
});

export const AppKey = z.strictObject({
  id: text,
  appId: text,
  prefix: text,
  createdAt: time,
  lastUsedOn: maybe(z.iso.date()),
  expiresAt: maybe(time),
  revokedAt: maybe(time),
});

/** The only response that contains the key. */
export const NewAppKey = z.extend(AppKey, { key: text });
export const RotatedAppKey = z.extend(NewAppKey, { previous: AppKey });

/** A session or an unused sign-in link, without its secret. */
export const Session = z.strictObject({
  id: text,
  kind: z.enum(["session", "link"]),
  label: maybe(text),
  createdAt: time,
  expiresAt: time,
  lastUsedOn: maybe(z.iso.date()),
  current: z.boolean(),
});

/** The only response that contains the secret of a session. */
export const NewSession = z.extend(Session, { token: maybe(text) });
export const NewSignInLink = z.extend(Session, { token: text, url: maybe(text) });

/** `GET /v1/session` */
export const CurrentCaller = z.strictObject({
  role: z.enum(["operator", "app"]),
  appId: text,
  appName: maybe(text),
  session: maybe(Session),
  canTranslate: z.boolean(),
});

/** A stored vendor account, without its key. */
export const Account = z.strictObject({
  provider: text,
  name: text,
  baseUrl: maybe(text),
  hasKey: z.boolean(),
  weight: maybe(z.number()),
  maxRunning: maybe(z.int()),
  createdAt: time,
  updatedAt: time,
});

/** A vendor account as all apps see it. */
const AccountStatus = z.strictObject({
  name: text,
  weight: z.number(),
  maxRunning: maybe(z.int()),
  callbacks: z.enum(["unknown", "calling", "silent"]),
  heardAt: maybe(time),
  failures: count,
  askAt: maybe(time),
  lookupFault: maybe(z.enum(LOOKUP_FAULTS)),
  circuit: z.enum(["closed", "open", "half-open"]),
  openUntil: maybe(time),
  fault: maybe(z.enum(FAULTS)),
  busyUntil: maybe(time),
  waiting: z.strictObject({ count, atLeast: z.boolean(), oldestAt: maybe(time) }),
});

const Abilities = z.strictObject({
  notifyHook: z.enum(["documented", "unknown"]),
  listByCondition: z.boolean(),
  searchByState: z.boolean(),
  seed: z.boolean(),
  imageLinks: z.boolean(),
  swapLinks: z.boolean(),
  optionalFields: z.array(z.enum(OPTIONAL_FIELDS)),
  promptActions: z.array(z.enum(ROOT_ACTIONS)),
  modals: z.boolean(),
  modalPresses: maybe(z.array(text)),
  unsupportedPresses: z.array(text),
  dataOnly: z.array(z.enum(ROOT_ACTIONS)),
  linksOnly: z.array(z.enum(ROOT_ACTIONS)),
  endOnly: z.boolean(),
  lookupProgress: z.boolean(),
  separateImages: z.boolean(),
  idempotencyKey: z.boolean(),
  masks: z.enum(["image", "webp", "polygons"]),
});

/** A vendor of the deployment. */
export const Provider = z.strictObject({
  id: text,
  title: text,
  actions: z.array(z.enum(ROOT_ACTIONS)),
  modes: z.array(z.enum(["fast", "relax", "turbo"])),
  abilities: Abilities,
  accounts: z.array(AccountStatus),
});

const UsageDay = z.strictObject({ day: z.iso.date(), flows: count, settledUsd: z.number() });

export const Usage = z.strictObject({
  appId: text,
  balanceUsd: maybe(z.number()),
  counted: z.boolean(),
  reservedUsd: z.number(),
  settledUsd: z.number(),
  refundedUsd: z.number(),
  addedUsd: z.number(),
  runningFlows: count,
  days: z.array(UsageDay),
});

/** `GET /v1/banned-words` */
export const BannedWords = z.strictObject({
  words: z.array(text),
  configured: z.array(text),
  updatedAt: maybe(time),
});

/** `GET /v1/queues` */
export const QueueDepth = z.strictObject({
  name: z.enum(["submit", "deliver", "archive", "dead-letters"]),
  waiting: count,
  inFlight: count,
  delayed: count,
});

/** `POST /v1/vault/reseal` */
export const ReencryptResult = z.strictObject({
  looked: count,
  resealed: count,
  lost: count,
  nextCursor: maybe(text),
});

/** `GET /v1/overdue` */
export const Overdue = z.strictObject({
  count,
  whole: z.boolean(),
  oldest: maybe(z.strictObject({ kind: z.enum(["task", "flow", "delivery"]), id: text, flowId: text, dueAt: time })),
});

export const UnclearTask = z.strictObject({
  id: text,
  flowId: text,
  appId: text,
  press: maybe(text),
  action: text,
  provider: text,
  account: text,
  attempt: count,
  createdAt: time,
  dueAt: maybe(time),
});

/** `GET /v1/unclear` */
export const Unclear = z.strictObject({
  data: z.array(UnclearTask),
  looked: count,
  whole: z.boolean(),
  nextCursor: z.null(),
});

export const DeadLetter = z.strictObject({
  id: text,
  state: z.enum(["kept", "redriven", "dropped"]),
  body: text,
  why: text,
  receives: count,
  createdAt: time,
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
export const Problem = z.strictObject({
  type: z.url(),
  title: text,
  status: z.int(),
  code: codes<ErrorCode>(ERRORS),
  detail: text,
  field: z.optional(text),
  advice: text,
  retry: z.enum(["never", "later"]),
  requestId: z.uuid(),
  errors: z.optional(z.array(z.strictObject({ field: text, message: text }))),
  reason: z.optional(z.enum([...KEY_PROBLEMS, ...IMAGE_REASONS.filter((each) => each !== "expired")])),
  found: z.optional(text),
  limitBytes: z.optional(count),
  limitPixels: z.optional(count),
  offered: z.optional(z.array(text)),
  bannedWord: z.optional(text),
  press: z.optional(text),
  provider: z.optional(text),
  providers: z.optional(z.array(text)),
  actions: z.optional(z.array(text)),
  estimatedUsd: z.optional(z.number()),
  balanceUsd: z.optional(z.number()),
  rateLimit: z.optional(z.strictObject({ quota: count, remaining: count, resetS: count })),
  eventsUrl: z.optional(maybe(text)),
});

type Of<Prefix extends string> = Extract<EventType, `${Prefix}.${string}`>;
const ofKind = <Prefix extends string>(prefix: Prefix) =>
  z.enum(EVENT_TYPES.filter((type) => type.startsWith(`${prefix}.`)) as [Of<Prefix>, ...Of<Prefix>[]]);

/** `POST /v1/flows` with `batch` or with permutations that mjflow expands. */
export const FlowBatch = z.strictObject({
  data: z.array(
    z.strictObject({
      index: count,
      permutation: maybe(count),
      status: z.int(),
      flow: maybe(FlowSummary),
      estimatedUsd: maybe(z.number()),
      error: maybe(Problem),
    }),
  ),
  created: count,
  failed: count,
  estimatedUsd: z.number(),
});

/** A task event of webhooks, the stream and the event bus. */
export const TaskEvent = z.strictObject({
  type: ofKind("task"),
  timestamp: time,
  data: z.extend(Task, { state: maybe(text) }),
});

export const FlowEvent = z.strictObject({
  type: ofKind("flow"),
  timestamp: time,
  data: z.extend(FlowSummary, { counts: Counts }),
});

export const EndpointEvent = z.strictObject({
  type: ofKind("endpoint"),
  timestamp: time,
  /** Empty if the endpoint was deleted meanwhile. */
  data: z.strictObject({
    id: z.optional(text),
    url: z.optional(text),
    disabledWhy: z.optional(disabledWhy),
    failingSince: z.optional(time),
  }),
});

// ── outside /v1 ────────────────────────────────────────────────────────────────────────────────────────────────────

export const Health = z.strictObject({ status: z.literal("ok") });
export const ApiIndex = z.strictObject({
  name: text,
  api: text,
  health: text,
  docs: text,
  reference: text,
  openapi: text,
  llms: text,
});
