/**
 * The ports of the engine: interfaces for everything outside it. Adapters implement them; tests use implementations in
 * memory.
 */

import type { AccessToken } from "./access-token.ts";
import type { AccountTraits, EarlierSlots, StoredAccount } from "./account.ts";
import type { AccountHealth } from "./account-health.ts";
import type { AccountTest } from "./account-test.ts";
import type { App, AppKey } from "./app.ts";
import type { BannedList } from "./banned.ts";
import type { HeldSlots, SlotKind, SlotRow } from "./concurrency-limiter.ts";
import type { CreditChange, CreditCounter, Day, Grant } from "./credit.ts";
import type { CreditRow } from "./credit-row.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { Delivery } from "./delivery.ts";
import type { DeliveryLog, DeliveryRecord, OutcomeChange } from "./delivery-log.ts";
import type { DuePartition } from "./due.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./error.ts";
import type { EventType } from "./event.ts";
import type { BotType, Flow, Inputs, Mode, RootAction } from "./flow.ts";
import type { IdempotencyRecord } from "./idempotency.ts";
import type { InputType } from "./image-type.ts";
import type { OutgoingMessage, QueueName } from "./message.ts";
import type { Replay } from "./replay.ts";
import type { Report } from "./report.ts";
import type { AccountFilter, VideoOptions } from "./request.ts";
import type { OptionalField } from "./root-action.ts";
import type { SweepJob } from "./sweep-job.ts";
import type { Task } from "./task.ts";
import type { Template } from "./template.ts";
import type { WaitEntry, WaitList } from "./wait-list.ts";

export interface TaskRef {
  flowId: string;
  path: string;
}

/**
 * An entry of the due index: a task, a flow, a delivery or a replay. It can also be an endpoint with parked events, the credit of
 * an app or the wait list of an account.
 */
export type DueRef =
  | { kind: "credit"; appId: string }
  | { kind: "replay"; appId: string; replayId: string }
  | { kind: "endpoint"; appId: string; endpointId: string }
  | { kind: "task"; flowId: string; path: string }
  | { kind: "flow"; flowId: string }
  | { kind: "delivery"; deliveryId: string }
  | { kind: "waitList"; provider: string; account: string };

/** @property dueAt due time, epoch ms */
export type Due = DueRef & { dueAt: number };

/** A page of the due index. It can have fewer entries than requested and still a next page. */
export interface DuePage {
  due: Due[];
  /** Unset on the last page. */
  next?: DueCursor;
}

/** Where a page ended: the key of the last row, and its due time. */
export interface DueCursor {
  pk: string;
  sk: string;
  dueAt: number;
}

/** Result of a conditional write: the stored item, or after a write conflict the current item (undefined: none). */
export type Saved<T> = { ok: true; item: T } | { ok: false; current: T | undefined };

/**
 * The table. Every write is one conditional write of one item, with the condition that `rev` is unchanged. A writer that
 * loses a write conflict gets the newer item and decides again.
 *
 * @throws MjflowError `overloaded` if the table throttles beyond the client's retries
 */
export interface Store extends AppStore, AccountStore {
  /**
   * Writes the root first and the flow second, so the flow is the commit point. After a crash in between, a root without a
   * flow remains, which the sweeper removes before anything is paid. A flow without its root cannot occur.
   */
  createFlow(flow: Flow, root: Task): Promise<"created" | "exists">;
  /** Stores a new task. A task that exists already stays unchanged and is returned. */
  createTask(task: Task): Promise<Saved<Task>>;
  /** Writes `task` if the stored task still has `task.rev`. `item` is the stored task with its new `rev`. */
  saveTask(task: Task): Promise<Saved<Task>>;
  saveFlow(flow: Flow): Promise<Saved<Flow>>;
  /** Deletes a task that belongs to no flow. */
  deleteTask(task: Task): Promise<void>;
  /** Deletes the tasks of a deleted flow. Tasks that change meanwhile stay, so the caller calls again. */
  deleteTasks(flowId: string): Promise<void>;
  /** Reads the flow and the named tasks in one strongly consistent request; missing ones are left out. */
  load(flowId: string, paths: readonly string[]): Promise<{ flow: Flow | undefined; tasks: Task[] }>;
  getTask(ref: TaskRef): Promise<Task | undefined>;
  /** Reads tasks of different flows in as few requests as possible; missing ones are left out. */
  getTasks(refs: readonly TaskRef[]): Promise<Task[]>;
  /** Reads the flow and all its tasks, strongly consistent. */
  loadFlow(flowId: string): Promise<{ flow: Flow | undefined; tasks: Task[] }>;
  /**
   * Lists an app's flows, newest first, or in the order of the filter. With a filter, one call reads a limited number of flows. So a page may be short or
   * empty and still have a cursor.
   *
   * @throws MjflowError `invalid_request` if the cursor is broken or belongs to another listing
   */
  listFlows(
    appId: string,
    limit: number,
    cursor?: string,
    filter?: FlowFilter,
  ): Promise<{ flows: Flow[]; cursor?: string }>;
  /** Returns the partitions of the due index with an entry that is due by `before`, the most important class first. */
  duePartitions(before: number): Promise<readonly DuePartition[]>;
  /**
   * Lists the due entries of one partition, earliest first. Eventually consistent: callers check each entry with its row.
   *
   * @param after `next` of the page before; unset: the first page
   */
  due(partition: string, before: number, limit: number, after?: DueCursor): Promise<DuePage>;
  health(provider: string, account: string): Promise<AccountHealth | undefined>;
  /** Reads the health of many accounts in as few requests as possible; missing ones are left out. */
  healths(accounts: readonly { provider: string; account: string }[]): Promise<AccountHealth[]>;
  /**
   * Stores the health as far as possible. A write conflict is no error, because the next callback or look-up gives the
   * same information again.
   *
   * @returns whether it was stored
   */
  saveHealth(health: AccountHealth): Promise<boolean>;
  /** Stores a new dead-letter message. A repeated call for the same message changes nothing. */
  saveNewDeadLetter(deadLetter: DeadLetter): Promise<void>;
  /** Lists the undecided dead-letter messages, newest first. */
  listDeadLetters(limit: number): Promise<DeadLetter[]>;
  getDeadLetter(id: string): Promise<DeadLetter | undefined>;
  saveDeadLetter(deadLetter: DeadLetter): Promise<Saved<DeadLetter>>;
}

/** Identifies a row of slots. */
export interface SlotRowRef {
  provider: string;
  account: string;
  kind: SlotKind;
  row: number;
}

/** All rows of one vendor account, as one request has read them. */
export interface AccountState {
  /** Unset: not stored yet. */
  health?: AccountHealth;
  slots: SlotRow[];
  /** Slots of an earlier version, which stored them in one row. Unset: no such row. */
  earlierSlots?: EarlierSlots;
  /** Unset: no task has waited yet. */
  waitList?: WaitList;
}

/**
 * Rows of vendor accounts that many workers change at one time. Each change is one conditional write of single entries
 * (decision 29), so no worker has to read first.
 */
export interface AccountStore {
  /** Reads all rows of one account in one strongly consistent request. */
  accountState(provider: string, account: string): Promise<AccountState>;
  /**
   * Adds all names to a row with the time `at`, or none. The row refuses them if it would then have more than `limit` entries,
   * or if it has the first name already.
   *
   * @param finished entries that the same write removes; absent ones are no error. They still count towards `limit`
   * @returns the row after the change, or the row that refused it
   */
  acquireSlots(
    ref: SlotRowRef,
    names: readonly string[],
    limit: number,
    at: number,
    finished?: readonly string[],
  ): Promise<SlotWrite>;
  /** Removes an entry if it still has the time `at`. */
  releaseSlot(ref: SlotRowRef, name: string, at: number): Promise<SlotWrite>;
  /** Replaces the time of an entry if it still has the time `at`. */
  renewSlot(ref: SlotRowRef, name: string, at: number, now: number): Promise<SlotWrite>;
  waitList(provider: string, account: string): Promise<WaitList | undefined>;
  /** Reads the states of several lists in one request. Accounts where no task has waited yet are left out. */
  waitLists(accounts: readonly { provider: string; account: string }[]): Promise<WaitList[]>;
  /** Writes the state of the list if it still has `list.rev`; revision 0 creates it. */
  saveWaitList(list: WaitList): Promise<Saved<WaitList>>;
  /** Adds a task to the list. A task that is in the list keeps its place. */
  addWaiting(provider: string, account: string, entry: WaitEntry): Promise<void>;
  removeWaiting(provider: string, account: string, entry: WaitEntry): Promise<void>;
  isWaiting(provider: string, account: string, entry: WaitEntry): Promise<boolean>;
  /** Lists entries by app and then by their time, strongly consistent. `from` and `to`: bounds of `waitKeyOf`, both included. */
  listWaiting(provider: string, account: string, range: WaitRange): Promise<WaitEntry[]>;
}

export interface WaitRange {
  from?: string;
  to?: string;
  limit: number;
}

/** @property ok false if the condition was not met */
export interface SlotWrite {
  ok: boolean;
  held: HeldSlots;
}

/** Endpoints and deliveries. Each write is a conditional write of one item as in `Store`; revision 0 creates the item. */
export interface WebhookStore {
  /** Reads all endpoints of an app, including the entry for its flows' notifyHooks; strongly consistent. */
  endpoints(appId: string): Promise<Endpoint[]>;
  endpoint(appId: string, id: string): Promise<Endpoint | undefined>;
  saveEndpoint(endpoint: Endpoint): Promise<Saved<Endpoint>>;
  deleteEndpoint(endpoint: Endpoint): Promise<void>;
  /** Reads all deliveries of a flow, or those of one event subject. */
  deliveriesOf(flowId: string, subject?: string): Promise<Delivery[]>;
  delivery(id: string): Promise<Delivery | undefined>;
  saveDelivery(delivery: Delivery): Promise<Saved<Delivery>>;
  /** Reads one row of a flow's delivery log; without a row the log is empty. */
  deliveryLog(flowId: string, row: number): Promise<DeliveryLog>;
  /**
   * Adds records to a row of the log, each if the row has none for its event, and marks the row if the flow has ended. All of
   * it is one write, except if another worker was first with one of the records.
   *
   * @returns the log after the write; with `ok` false it has another worker's record for one of the events
   */
  saveDeliveryRecords(
    flowId: string,
    row: number,
    change: { records?: readonly DeliveryRecord[]; isFlowEnded?: boolean },
  ): Promise<{ ok: boolean; log: DeliveryLog }>;
  /**
   * Replaces the outcome of one subscriber in a record, if it still is `from`.
   * @returns false if it is another one
   */
  changeOutcome(flowId: string, row: number, change: OutcomeChange): Promise<boolean>;
  /** Returns true at most once in `pauseMs` for each subject: the caller may then send its progress. @param now epoch ms */
  claimProgress(flowId: string, row: number, subject: string, now: number, pauseMs: number): Promise<boolean>;
  replay(appId: string, id: string): Promise<Replay | undefined>;
  saveReplay(replay: Replay): Promise<Saved<Replay>>;
  /** Lists the replays of an app, newest first, at most 100. */
  replays(appId: string): Promise<Replay[]>;
  /** Deletes the deliveries of a flow and its delivery log. Rows that change meanwhile stay, so the caller calls again. */
  deleteDeliveries(flowId: string): Promise<void>;
  /** Lists the deliveries of the query's subscribers that have rows, newest first. @throws MjflowError `invalid_request` for a foreign cursor */
  listDeliveries(query: DeliveryQuery): Promise<{ deliveries: Delivery[]; cursor?: string }>;
}

/** Slots of open event streams and long polls. A group is an app, or a part of the deployment. */
export interface StreamSlots {
  /**
   * Acquires a slot of the group, if fewer than `max` are held. Slots that were acquired before `staleBefore` (epoch ms) do
   * not count: their process has ended without releasing them.
   *
   * @param id unique for each stream
   * @throws MjflowError `overloaded` if the table throttles
   */
  acquire(group: string, id: string, max: number, now: number, staleBefore: number): Promise<boolean>;
  /** Releases a slot. A slot that is not held is no error. */
  release(group: string, id: string): Promise<void>;
}

/** Counts the uploads that an app has announced. */
export interface UploadCounts {
  /**
   * Counts an upload in the hour that begins at `startedAt` (epoch ms), if the app stays within both limits. One conditional
   * write, and no read. A lost response can count an upload twice.
   *
   * @returns false if the upload would exceed a limit
   * @throws MjflowError `overloaded` if the table throttles
   */
  add(appId: string, startedAt: number, bytes: number, most: { bytes: number; uploads: number }): Promise<boolean>;
}

/** What the operator stores about vendors, and the slots of an earlier version. */
export interface VendorStore {
  /** Reads all stored accounts of all vendors in one strongly consistent request. */
  storedAccounts(): Promise<StoredAccount[]>;
  storedAccount(provider: string, name: string): Promise<StoredAccount | undefined>;
  /** Writes the account; revision 0 creates it if none is stored. */
  saveStoredAccount(account: StoredAccount): Promise<Saved<StoredAccount>>;
  deleteStoredAccount(account: StoredAccount): Promise<void>;
  bannedList(): Promise<BannedList | undefined>;
  /** Reads only the revision of the list, which may be some seconds old; undefined if it is not known. Costs half a read unit. */
  bannedRevision(): Promise<number | undefined>;
  saveBannedList(list: BannedList): Promise<Saved<BannedList>>;
  slots(provider: string, account: string): Promise<EarlierSlots | undefined>;
  saveSlots(slots: EarlierSlots): Promise<Saved<EarlierSlots>>;
}

export interface DeliveryQuery {
  appId: string;
  /** Subscribers whose deliveries are listed. */
  listeners: readonly string[];
  /** Bounds of the creation time, epoch ms, both included; unset: no bound. */
  since?: number;
  until?: number;
  limit: number;
  cursor?: string;
  /** True: the oldest first. Unset: the newest first. A cursor belongs to one order. */
  oldestFirst?: boolean;
}

/** Selects the flows of a listing. */
export interface FlowFilter {
  /** True: the oldest first. Unset: the newest first. A cursor belongs to one order. */
  oldestFirst?: boolean;
  /** Bounds of the creation time, epoch ms, both included; unset: no bound. */
  since?: number;
  until?: number;
  /** Further condition, checked for each flow within the bounds; unset: none. */
  matches?(flow: Flow): boolean;
}

/** Rows of apps: few, and written rarely. A container reads them with a request whose key it has not cached. */
export interface AppStore extends CreditStore {
  app(appId: string): Promise<App | undefined>;
  /** Writes the app; revision 0 creates it if none is stored. */
  saveApp(app: App): Promise<Saved<App>>;
  /** Lists the apps, newest first, without deleted ones; eventually consistent. */
  listApps(limit: number, cursor?: string): Promise<{ apps: App[]; cursor?: string }>;
  /** Reads an app and one of its keys in one strongly consistent request. */
  appWithKey(appId: string, keyId: string): Promise<{ app: App | undefined; key: AppKey | undefined }>;
  /** Lists the keys of an app, including those that ended recently. */
  appKeys(appId: string): Promise<AppKey[]>;
  /** Writes the key; revision 0 creates it if none is stored. */
  saveAppKey(key: AppKey): Promise<Saved<AppKey>>;
  /** Lists the templates of an app by name, strongly consistent. */
  templates(appId: string): Promise<Template[]>;
  template(appId: string, name: string): Promise<Template | undefined>;
  /** Writes the template; revision 0 creates it if none is stored. */
  saveTemplate(template: Template): Promise<Saved<Template>>;
  /** Deletes the template if it still has its revision. */
  deleteTemplate(template: Template): Promise<void>;
  /** Lists the access tokens of an app or a flow that have not expired, strongly consistent. */
  accessTokens(owner: string): Promise<AccessToken[]>;
  accessToken(owner: string, id: string): Promise<AccessToken | undefined>;
  /** Writes the token; revision 0 creates it if none is stored. */
  saveAccessToken(token: AccessToken): Promise<Saved<AccessToken>>;
  /** Deletes the token if it still has its revision. */
  deleteAccessToken(token: AccessToken): Promise<void>;
  /** Deletes the share links of a flow, also the expired ones. */
  deleteAccessTokens(owner: string): Promise<void>;
  /** Revision 0 creates the record if none is stored. `current` may be older than 24 hours, because TTL deletes late. */
  saveIdempotency(row: IdempotencyRecord): Promise<Saved<IdempotencyRecord>>;
}

/** Rows of the credit of apps. Every change of the counter is one conditional write of single attributes, without a read. */
export interface CreditStore {
  /** Reads the counter, strongly consistent; undefined if the app has none. */
  creditCounter(counterId: string): Promise<CreditCounter | undefined>;
  /** Stores a new counter without days. An existing one stays unchanged. */
  createCreditCounter(counter: CreditCounter): Promise<void>;
  /**
   * Applies a change to an existing counter (`applyCreditChange`). A refused change returns the counter that refused it;
   * undefined: the app has no counter. If an earlier request was applied although its response was lost, the counter has its
   * entry. `sentOnce`: no copy of the request can arrive later. A copy of a refused one can be applied when the counter has
   * changed.
   *
   * @throws MjflowError `overloaded` if nothing was written. After any other error the change may have been applied
   */
  changeCredit(
    counterId: string,
    change: CreditChange,
  ): Promise<
    | { ok: true; counter: CreditCounter; sentOnce: boolean }
    | { ok: false; current: CreditCounter | undefined; sentOnce: boolean }
  >;
  /** Stores the usage of a day in a row of its own. @returns false if another usage of the day is stored */
  saveCreditDay(counterId: string, date: string, day: Day): Promise<boolean>;
  /** Reads the newest stored days of a counter. */
  creditDays(counterId: string, limit: number): Promise<Record<string, Day>>;
  /** Reads the row of earlier versions. */
  creditRow(appId: string): Promise<CreditRow | undefined>;
  /** Writes the row; revision 0 creates it if none is stored. */
  saveCreditRow(row: CreditRow): Promise<Saved<CreditRow>>;
  grant(appId: string, reference: string): Promise<Grant | undefined>;
  /** Writes the grant; revision 0 creates it if none is stored. */
  saveGrant(grant: Grant): Promise<Saved<Grant>>;
}

/** Stores the images of a request until they are submitted; see `Inputs`. */
export interface Blobs {
  putInputs(ref: string, inputs: Inputs): Promise<void>;
  getInputs(ref: string): Promise<Inputs | undefined>;
}

/** An image that an app has sent to the bucket, as the bucket describes it. */
export interface UploadedImage {
  bytes: number;
  /** The type that the app announced. It is part of the signature of the presigned URL. */
  contentType: string;
  /** The first `INPUT_HEAD_BYTES` bytes, or all. */
  head: Uint8Array;
  /** When the image was sent, epoch ms. */
  storedAt: number;
  /** Changes if the image is sent again with other bytes. The presigned URL allows it until it expires. */
  etag: string;
}

/** An upload as it was found. */
export interface UploadVersion {
  key: string;
  etag: string;
}

/** A scaled-down copy of an upload. Sizes are in pixels, in the orientation that a viewer shows. */
export interface ReducedImage {
  key: string;
  bytes: number;
  contentType: InputType;
  width: number;
  height: number;
  originalWidth: number;
  originalHeight: number;
}

/**
 * Images that requests name: uploads in the bucket, and links of apps. A read has an error with a `code`: `gone`, `too_large`,
 * `forbidden` (the URL guard) or `unavailable`.
 */
export interface InputImages {
  /** Returns a presigned URL that accepts one PUT of exactly this type and size. Nothing is sent to the bucket. */
  presign(upload: { key: string; contentType: string; bytes: number; expiresS: number }): Promise<string>;
  /** Returns undefined if no image was sent. */
  findUpload(key: string): Promise<UploadedImage | undefined>;
  readUpload(key: string, maxBytes: number): Promise<Uint8Array>;
  /**
   * Returns the scaled-down copy of an upload, and makes it at the first call with this `etag`. The error has the `code` `not_media` if
   * the image cannot be decoded, or `too_large` if it has too many pixels.
   */
  reduceUpload(upload: UploadVersion): Promise<ReducedImage>;
  /** Fetches a link through the URL guard. */
  readLink(url: string, maxBytes: number): Promise<Uint8Array>;
}

export interface Queue {
  /** Sends all in as few requests as possible. Sending a message twice is harmless. @throws if any message was not accepted */
  send(messages: readonly OutgoingMessage[]): Promise<void>;
  /**
   * Sends a message body unchanged; used for a dead-letter message, which this version may not be able to parse.
   *
   * @param group group that the message had; unset: a group of its own
   */
  resend(body: string, group?: string): Promise<void>;
}

/** Number of messages in a queue; approximate, because SQS does not count exactly. */
export interface QueueDepth {
  name: QueueName | "dead-letters";
  /** Messages that wait for a worker. */
  waiting: number;
  /** Messages that a worker is processing. */
  inFlight: number;
  /** Messages whose delay has not ended. */
  delayed: number;
}

/** @throws MjflowError `overloaded` if a queue does not return its depth */
export type QueueDepths = () => Promise<QueueDepth[]>;

/** An event bus. `put` delivers an event at least once, or throws. */
export interface Bus {
  put(event: { id: string; type: EventType; at: number; detail: string }): Promise<void>;
}

/** Leases of sweep workers: each part of the due index is handled by one worker at a time. */
export interface SweepLeases {
  /**
   * Takes the lease of a part. `crashed` is true if the worker before has not ended its run.
   *
   * @returns undefined if another worker holds it, or was faster
   */
  take(job: SweepJob, now: number, until: number): Promise<SweepLease | undefined>;
  /** Ends a run. A lease that another worker has taken meanwhile stays unchanged. */
  end(lease: SweepLease): Promise<void>;
}

export interface SweepLease {
  job: SweepJob;
  rev: number;
  crashed: boolean;
}

/** Sends jobs to sweep workers. A job that is lost or sent twice is harmless: each minute makes new jobs. */
export interface SweepJobs {
  send(jobs: readonly SweepJob[]): Promise<void>;
}

export interface Clock {
  now(): number;
}

/** Translates texts into English. */
export interface Translator {
  /**
   * Translates the texts of one prompt. The result comes from outside: it must be checked.
   *
   * @returns the translations in the order of the texts
   * @throws Error with a message that contains no text, key or path
   */
  translate(texts: readonly string[], options: { timeoutMs: number }): Promise<readonly unknown[]>;
}

/** One structured line per event, with `flow` and `task` ids where they exist. Never log a token, key or vendor URL. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
  /** Adds to a counter of this invocation. All counters are written as one metrics line at its end. */
  count(metric: Metric, by?: number): void;
}

export type Metric =
  | "Callbacks"
  | "CallbacksDropped"
  | "CallbacksRefused"
  | "Duplicates"
  | "Early"
  | "Late"
  | "UnknownStatus"
  | "Submissions"
  | "Busy"
  | "Unclear"
  /** Submissions for which no connection to the vendor could be opened. */
  | "Unreachable"
  /** Unclear submissions that are sent again, and those of them whose absence at the vendor no search could prove. */
  | "Resubmitted"
  | "ResubmittedUnproven"
  | "Refused"
  | "FollowUps"
  | "Sweeps"
  /** The longest wait for a vendor account, also in percent of the time that the task may wait. The sweeper counts it each minute. */
  | "OldestWaitPercent"
  | "OldestWaitS"
  | "Overdue"
  | "Lookups"
  | "LookupFailures"
  /** Failed look-ups whose key the vendor refused. They are also counted in `LookupFailures`. */
  | "LookupsRefused"
  | "FlowsEnded"
  /** Requests that were rejected because a prompt could not be translated. */
  | "TranslationsFailed"
  | "Told"
  /** Events that two workers posted, because one of them crashed or the queue delivered a message twice. */
  | "Reposted"
  /** Delivery logs that no worker closed, because it crashed or its message was lost. */
  | "ClosedBySweeper"
  | "Deliveries"
  | "DeliveryFailures"
  | "DeliveriesGivenUp"
  /** Attempts that were not made, because the circuit breaker is open or the receiver has too many slow posts. */
  | "DeliveriesPostponed"
  /** Events that were recorded without an attempt, because the circuit breaker of their endpoint is open. */
  | "EventsParked"
  /** Circuit breakers of endpoints that opened. */
  | "BreakersOpened"
  | "EndpointsDisabled"
  /** Delivery attempts that no vault key could sign. */
  | "SecretsUnreadable"
  | "Archived"
  | "ArchiveFailures"
  /** Flows that a limit refused. */
  | "CreditRefused"
  /** Flows that were refused because their app's counter had too many entries. */
  | "CreditOverloaded"
  /** Changes of a counter whose entry proved that they had been made already. */
  | "CreditRecognized"
  /** Holds that no flow had. */
  | "CreditGivenBack"
  /** Wait lists that the sweeper has woken. */
  | "WaitListsChecked"
  | "DeadLetters"
  /** Event streams and long polls that were refused because too many are open. */
  | "StreamsRefused";

export type { Fetched, Outbound, Post, PostOutcome } from "./outbound.ts";
export { OutboundError, SECRET_UNREADABLE } from "./outbound.ts";

// ── vendors ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** URL and API key of a vendor account. The key never leaves the provider. */
export interface AccountConfig {
  baseUrl: string;
  apiKey: string;
}

/** What every submission needs in addition to its own fields. */
export interface CallContext {
  account: AccountConfig;
  /** Our callback URL for this attempt, including the callback token. */
  notifyHook: string;
  /** Our own text of [A-Za-z0-9_-], at most 200 characters. The app's `state` is never sent to a vendor (T5). */
  state: string;
  /** Equal in all requests of one call, also if it is sent again. Set only with `capabilities.idempotencyKey`. [A-Za-z0-9_-]. */
  idempotencyKey?: string;
  mode?: Mode;
  botType?: BotType;
  accountFilter?: AccountFilter;
}

/** The fields of a root task. */
export interface RootCall {
  action: RootAction;
  prompt?: string;
  dimensions?: "PORTRAIT" | "SQUARE" | "LANDSCAPE";
  video?: VideoOptions;
  inputs: Inputs;
}

export interface PressCall {
  /** Vendor task id of the parent. */
  vendorTaskId: string;
  customId: string;
  /** The image of the parent, as the vendor links it. Unset: the vendor told none. */
  imageUrl?: string;
  /**
   * The prompt of the modal answer. A vendor that has video requests takes it in the same call, another one is asked to open
   * the modal. Unset: none was given.
   */
  prompt?: string;
  /** The prompt of the parent, for vendors that need one with every video. Unset: not known. */
  parentPrompt?: string;
}

export interface ModalCall {
  vendorTaskId: string;
  prompt?: string;
  maskBase64?: string;
}

/** Outcome of a submission (P2). There are four; `modal` is a second form of accepted. */
export type SubmitOutcome =
  | {
      kind: "accepted";
      vendorTaskId: string;
      /** Further vendor task ids: trueai-org's `PicReader::all` returns several, separated by commas. Unset: none. */
      siblings?: string[];
      /** True if the task existed before (novicezk's old code 21), so that no callback follows. */
      existing?: boolean;
      /** The end of the task, if the response shows it already. Then no callback and no look-up is needed. Unset: it shows none. */
      report?: Report;
    }
  /** Accepted; the vendor waits for a modal answer. `finalPrompt`: the prompt that the modal shows; unset: not told. */
  | { kind: "modal"; vendorTaskId: string; finalPrompt?: string }
  | { kind: "refused"; failure: Failure }
  | {
      kind: "busy";
      /** Wait time that the vendor requested, ms; unset: none. */
      afterMs?: number;
      reason: string;
      /**
       * What the outcome is about if it says nothing about the capacity of the account. `parent`: the vendor does not yet
       * show the pressed task as finished. `connection`: the vendor could not be reached, so nothing was sent. Unset: the account.
       */
      about?: "parent" | "connection";
    }
  | { kind: "unclear"; reason: string };

export interface LookupResult {
  reports: Report[];
  /** Number of requests that the look-up needed: one for a vendor with list-by-condition. */
  requests: number;
  /**
   * Ids whose own request failed while those of others were answered. Nothing is known about these tasks. Unset: none, as
   * always at a vendor with one request for all ids.
   */
  failed?: readonly string[];
}

export interface SearchResult extends LookupResult {
  /**
   * Submission time, epoch ms by the vendor's clock, from which the vendor's answer is complete. If a task was submitted later
   * and is not in `reports`, the vendor did not list it. 0: the vendor searched by `state`, or listed all its tasks. Unset:
   * not known; then a missing report proves nothing.
   */
  completeSince?: number;
}

/** What a provider supports. The engine checks these fields and never compares provider ids. */
export interface ProviderCapabilities {
  /** `documented`: known to post to notifyHook. `unknown`: mjflow observes whether callbacks arrive. */
  notifyHook: "documented" | "unknown";
  /** True if one request can look up many vendor task ids. */
  listByCondition: boolean;
  /** True if recent tasks can be listed with their `state`, so that an unclear submission can be found without its id. */
  searchByState: boolean;
  /** Actions that can be finished within the submit response, without any callback. */
  instantActions: readonly string[];
  rootActions: readonly RootAction[];
  modes: readonly Mode[];
  seed: boolean;
  /** True if image fields accept links; otherwise they need data URIs. */
  imageLinks: boolean;
  /** Root actions whose images must be data URIs, although others accept links. Unset: none. */
  dataOnly?: readonly RootAction[];
  /** Root actions whose images must be links. A request with a data URI is rejected. Unset: none. */
  linksOnly?: readonly RootAction[];
  /** The same for the two images of a face swap. */
  swapLinks: boolean;
  /** Optional fields of roots that the vendor supports. A root with another one is rejected. */
  optionalFields: readonly OptionalField[];
  /** Root actions that need a prompt at this vendor, although the request may leave it out. */
  promptActions: readonly RootAction[];
  /** True if the vendor takes modal answers. Otherwise no press can have a prompt. */
  modals: boolean;
  /** Presses that can have a modal answer, as in `unsupportedPresses`. Unset: each press that can open a modal. */
  modalPresses?: readonly string[];
  /**
   * True if the vendor sends one callback, at the end. Its silence says nothing before that. So the first look-up at an account that is
   * not known comes later. An unclear submission that cannot be searched for waits a second grace period. Unset: false.
   */
  endOnly?: boolean;
  /**
   * True if look-ups tell the progress of a running task. With `endOnly` they are its only source, so a task of a flow that wants
   * progress is looked up while it runs. Unset: false.
   */
  lookupProgress?: boolean;
  /** True if a grid comes with its four pictures as separate images. A tile is then one of them. Unset: false. */
  separateImages?: boolean;
  /**
   * True if the vendor makes one task of all requests with the same `idempotencyKey`. A submission without a clear response is then
   * sent again soon, with its key, instead of waiting out its grace period. Unset: false.
   */
  idempotencyKey?: boolean;
  /** Form of the masks that the vendor reads. `polygons`: no image, so no app can send one. Unset: `image`. */
  masks?: "image" | "webp" | "polygons";
  /**
   * Press names, or first parts of press names, that the vendor can never make: `describe` stands for `describe:1` and all
   * others. A plan with such a press is rejected, and such buttons are left out of results.
   */
  unsupportedPresses: readonly string[];
}

/**
 * The adapter of one vendor: a protocol family, and the form of this vendor. `submit`, `press`, `modal` and `upload` never throw for a vendor's fault; they return an outcome.
 *
 * A vendor without modals, which takes mask and prompt in the call of the press, may answer `press` with a modal of its own id.
 * Then no vendor was called and nothing was paid; `modal` makes the one paid call. Its task id replaces that of the modal.
 */
export interface Provider {
  readonly id: string;
  readonly title: string;
  readonly capabilities: ProviderCapabilities;
  submit(call: RootCall, context: CallContext): Promise<SubmitOutcome>;
  press(call: PressCall, context: CallContext): Promise<SubmitOutcome>;
  modal(call: ModalCall, context: CallContext): Promise<SubmitOutcome>;
  /** Unknown ids are left out. @throws LookupError if the look-up was not possible */
  lookup(vendorTaskIds: readonly string[], account: AccountConfig): Promise<LookupResult>;
  /**
   * Searches the recent tasks for these `state`s; only with `capabilities.searchByState`. Each report contains its `state`.
   * A missing report proves nothing for tasks older than `completeSince`. The vendor's list may also lag.
   *
   * @throws LookupError if the look-up was not possible
   */
  search(states: readonly string[], account: AccountConfig): Promise<SearchResult>;
  /** Returns undefined for an unknown task or without `capabilities.seed`. @throws LookupError if the look-up was not possible */
  seed(vendorTaskId: string, account: AccountConfig): Promise<string | undefined>;
  /** Uploads images to the vendor's storage and returns their URLs. */
  upload(
    images: readonly string[],
    account: AccountConfig,
  ): Promise<{ kind: "uploaded"; urls: string[] } | Extract<SubmitOutcome, { kind: "refused" | "busy" | "unclear" }>>;
}

/**
 * Tests the address and the key of a vendor account with free requests: a look-up of the vendor's account, or of a task that does not
 * exist. The same request without the key must be refused; otherwise it proves nothing about the key. No paid call is made. The test
 * changes neither account health nor slots.
 */
export interface AccountTester {
  /** Never throws for a vendor's fault. @param providerId id of a provider that mjflow knows. @throws Error for any other id */
  test(providerId: string, account: AccountConfig): Promise<AccountTest>;
}

export class LookupError extends Error {
  override readonly name = "LookupError";
  /** True if the vendor rejected the key. Then further look-ups fail until the operator changes the key. */
  readonly unauthorized: boolean;
  /** True if no connection to the vendor could be opened. */
  readonly unreachable: boolean;
  constructor(
    message: string,
    {
      unauthorized = false,
      unreachable = false,
      cause,
    }: { unauthorized?: boolean; unreachable?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.unauthorized = unauthorized;
    this.unreachable = unreachable;
  }
}

/** A vendor that is configured in this deployment. */
export interface Vendor {
  provider: Provider;
  account(name: string): AccountConfig | undefined;
  /** Returns all accounts in a stable order. */
  accounts(): readonly AccountTraits[];
}

export interface Providers {
  /** Returns undefined if no provider of this id is configured. */
  get(id: string): Vendor | undefined;
  ids(): string[];
  /** All vendors that mjflow knows, configured or not, to name who has what the configured ones lack. Unset: none. */
  known?(): readonly Provider[];
  /**
   * Reads the accounts that were stored through the API, unless they were read recently. With `force` they are always read.
   * A caller uses `force` before it reports that an account does not exist, because the account may just have been stored.
   *
   * @throws MjflowError `overloaded` if the table throttles
   */
  refresh?(how?: "force"): Promise<void>;
}
