/**
 * The doors of the engine: what it needs from the outside, as types. Adapters fill them in; tests fill them with memory.
 */

import type { AccountTraits, Slots, StoredAccount } from "./account.ts";
import type { AccountHealth } from "./account-health.ts";
import type { App, AppKey } from "./app.ts";
import type { BannedList } from "./banned.ts";
import type { Credit, Grant } from "./credit.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { Delivery } from "./delivery.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./error.ts";
import type { EventType } from "./event.ts";
import type { BotType, Flow, Inputs, Mode, RootAction } from "./flow.ts";
import type { IdempotencyRecord } from "./idempotency.ts";
import type { Message, QueueName } from "./message.ts";
import type { Report } from "./report.ts";
import type { AccountFilter } from "./request.ts";
import type { Task } from "./task.ts";

export interface TaskRef {
  flowId: string;
  path: string;
}

/** What the due index holds: a task, or the flow itself. */
export type DueRef =
  | { kind: "task"; flowId: string; path: string }
  | { kind: "flow"; flowId: string }
  | { kind: "delivery"; deliveryId: string };

export type Due = DueRef & { dueAt: number };

export type Saved<T> = { ok: true; item: T } | { ok: false; current: T | undefined };

/**
 * The table. Every write is one conditional single-item write; `rev` is the condition, so a writer that lost a race
 * learns the newer item and decides again.
 *
 * @throws MjflowError overloaded when the table throttles beyond the client's retries.
 */
export interface Store extends AppStore {
  /**
   * Root first, flow second: the flow is the commit point. A crash between leaves a root without a flow, which the
   * sweeper removes unpaid; never a flow without its root.
   */
  createFlow(flow: Flow, root: Task): Promise<"created" | "exists">;
  /** Stores a task that is not there yet; one that is there is left as it is and returned. */
  createTask(task: Task): Promise<Saved<Task>>;
  /** Writes `task` if the stored one still has `task.rev`. `ok` carries the item with its new rev. */
  saveTask(task: Task): Promise<Saved<Task>>;
  saveFlow(flow: Flow): Promise<Saved<Flow>>;
  /** Removes a task that belongs to no flow. */
  deleteTask(task: Task): Promise<void>;
  /** One strongly consistent request for the flow and the tasks named; absent ones are left out. */
  load(flowId: string, paths: readonly string[]): Promise<{ flow: Flow | undefined; tasks: Task[] }>;
  getTask(ref: TaskRef): Promise<Task | undefined>;
  /** Many of different flows, in as few requests as can be; absent ones are left out. */
  getTasks(refs: readonly TaskRef[]): Promise<Task[]>;
  /** The flow and all its tasks, consistent. */
  loadFlow(flowId: string): Promise<{ flow: Flow | undefined; tasks: Task[] }>;
  /**
   * An app's flows, newest first. `cursor` is opaque; a foreign or broken one is an invalid_request. With a filter a page
   * may be short, or empty, and still have a cursor: one call looks at so many flows and no more.
   */
  listFlows(
    appId: string,
    limit: number,
    cursor?: string,
    filter?: FlowFilter,
  ): Promise<{ flows: Flow[]; cursor?: string }>;
  /** What is due in one shard, earliest first. Eventually consistent: a hint, checked against the row. */
  due(shard: number, before: number, limit: number): Promise<Due[]>;
  health(provider: string, account: string): Promise<AccountHealth | undefined>;
  /**
   * Best effort: a lost race is not an error, since the next callback or look-up teaches the same.
   * @returns whether it was stored
   */
  saveHealth(health: AccountHealth): Promise<boolean>;
  /** Kept once, however often it is given. */
  saveNewDeadLetter(deadLetter: DeadLetter): Promise<void>;
  /** Those nobody has decided on, newest first. */
  listDeadLetters(limit: number): Promise<DeadLetter[]>;
  getDeadLetter(id: string): Promise<DeadLetter | undefined>;
  saveDeadLetter(deadLetter: DeadLetter): Promise<Saved<DeadLetter>>;
}

/** Who is told, and what became of it. Conditional single-item writes as in `Store`; revision 0 creates. */
export interface WebhookStore {
  /** All endpoints of an app, the one of its flows' own hooks included; a consistent read. */
  endpoints(appId: string): Promise<Endpoint[]>;
  endpoint(appId: string, id: string): Promise<Endpoint | undefined>;
  saveEndpoint(endpoint: Endpoint): Promise<Saved<Endpoint>>;
  deleteEndpoint(endpoint: Endpoint): Promise<void>;
  /** All deliveries of a flow, or of one place in it. */
  deliveriesOf(flowId: string, place?: string): Promise<Delivery[]>;
  delivery(id: string): Promise<Delivery | undefined>;
  saveDelivery(delivery: Delivery): Promise<Saved<Delivery>>;
  /** Of these listeners of an app, newest first. @throws MjflowError invalid_request for a foreign cursor */
  listDeliveries(query: DeliveryQuery): Promise<{ deliveries: Delivery[]; cursor?: string }>;
}

/** What the operator has set about vendors, by hand and rarely; and which tasks hold an account's slots. */
export interface VendorStore {
  /** All there are, of all vendors, in one request; consistent. */
  storedAccounts(): Promise<StoredAccount[]>;
  storedAccount(provider: string, name: string): Promise<StoredAccount | undefined>;
  /** Revision 0 is stored where none is yet. */
  saveStoredAccount(account: StoredAccount): Promise<Saved<StoredAccount>>;
  deleteStoredAccount(account: StoredAccount): Promise<void>;
  bannedList(): Promise<BannedList | undefined>;
  saveBannedList(list: BannedList): Promise<Saved<BannedList>>;
  slots(provider: string, account: string): Promise<Slots | undefined>;
  saveSlots(slots: Slots): Promise<Saved<Slots>>;
}

export interface DeliveryQuery {
  appId: string;
  listeners: readonly string[];
  /** Created from and up to here, epoch ms. */
  since?: number;
  until?: number;
  limit: number;
  cursor?: string;
}

/** Which flows of a listing. */
export interface FlowFilter {
  /** When they were created, epoch ms, both included. */
  since?: number;
  until?: number;
  /** Asked of each flow in that time. */
  matches?(flow: Flow): boolean;
}

/** The rows of apps: few, written by hand, read with each request of a container that has not seen the key lately. */
export interface AppStore {
  app(appId: string): Promise<App | undefined>;
  /** Revision 0 is stored where none is yet. */
  saveApp(app: App): Promise<Saved<App>>;
  /** Newest first; eventually consistent, deleted ones left out. */
  listApps(limit: number, cursor?: string): Promise<{ apps: App[]; cursor?: string }>;
  /** An app and one of its keys, in one consistent request. */
  appWithKey(appId: string, keyId: string): Promise<{ app: App | undefined; key: AppKey | undefined }>;
  /** Its keys, those that have ended lately too. */
  appKeys(appId: string): Promise<AppKey[]>;
  /** Revision 0 is stored where none is yet. */
  saveAppKey(key: AppKey): Promise<Saved<AppKey>>;
  /** Revision 0 is stored where none is yet. `current` may be older than its 24 hours: TTL deletes late. */
  saveIdempotency(row: IdempotencyRecord): Promise<Saved<IdempotencyRecord>>;
  /** What an app has spent and holds; undefined for one that never had a limit. */
  credit(appId: string): Promise<Credit | undefined>;
  /** Revision 0 is stored where none is yet. */
  saveCredit(credit: Credit): Promise<Saved<Credit>>;
  grant(appId: string, reference: string): Promise<Grant | undefined>;
  /** Revision 0 is stored where none is yet. */
  saveGrant(grant: Grant): Promise<Saved<Grant>>;
}

/** Images on their way in; see `Inputs`. */
export interface Blobs {
  putInputs(ref: string, inputs: Inputs): Promise<void>;
  getInputs(ref: string): Promise<Inputs | undefined>;
}

export interface OutgoingMessage {
  message: Message;
  /** At most 15 minutes (SQS); a longer wait is the due index's work. */
  delayMs?: number;
}

export interface Queue {
  /** Sends all, in as few requests as can be. @throws when any was not taken; sending one twice is harmless. */
  send(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Sends a body as it is: for a dead letter, which this code may not understand. */
  resend(body: string): Promise<void>;
}

/** How many messages are where: about, for nobody counts them exactly. */
export interface QueueDepth {
  name: QueueName | "dead-letters";
  /** For a worker. */
  waiting: number;
  /** With a worker. */
  inFlight: number;
  /** For their time. */
  delayed: number;
}

/** @throws MjflowError overloaded when a queue does not tell. */
export type QueueDepths = () => Promise<QueueDepth[]>;

/** An event bus: takes events at least once, or throws. */
export interface Bus {
  put(event: { id: string; type: EventType; at: number; detail: string }): Promise<void>;
}

export interface Clock {
  now(): number;
}

/** One structured line per event; a `flow` and `task` id where there is one. Never a token, key or vendor URL. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
  /** Adds to a counter of this invocation; written as one metrics line at its end. */
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
  | "Refused"
  | "FollowUps"
  | "Sweeps"
  | "Overdue"
  | "Lookups"
  | "LookupFailures"
  | "FlowsEnded"
  | "Told"
  | "Deliveries"
  | "DeliveryFailures"
  | "DeliveriesGivenUp"
  | "EndpointsDisabled"
  | "Archived"
  | "ArchiveFailures"
  | "DeadLetters";

export type { Fetched, Outbound, Post, PostOutcome } from "./outbound.ts";
export { OutboundError } from "./outbound.ts";

// ── vendors ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a vendor's account is reached. The key never leaves the provider. */
export interface AccountConfig {
  baseUrl: string;
  apiKey: string;
}

/** What every submission carries besides its own fields. */
export interface CallContext {
  account: AccountConfig;
  /** Our callback address for this attempt, token included. */
  notifyHook: string;
  /** Our own short text, [A-Za-z0-9_-], at most 200 characters: the app's state never goes to a vendor (T5). */
  state: string;
  mode?: Mode;
  botType?: BotType;
  accountFilter?: AccountFilter;
}

/** A root task's own fields. */
export interface RootCall {
  action: RootAction;
  prompt?: string;
  dimensions?: "PORTRAIT" | "SQUARE" | "LANDSCAPE";
  inputs: Inputs;
}

export interface PressCall {
  /** The parent's id at the vendor. */
  vendorTaskId: string;
  customId: string;
}

export interface ModalCall {
  vendorTaskId: string;
  prompt?: string;
  maskBase64?: string;
}

/** P2: the four answers, and the two shapes "accepted" can have. */
export type SubmitOutcome =
  | {
      kind: "accepted";
      vendorTaskId: string;
      /** Further ids (trueai-org's PicReader::all answers several, joined by commas). */
      siblings?: string[];
      /** No callback will follow for this id: it existed before (novicezk's old code 21). */
      existing?: boolean;
    }
  /** Taken, and waiting for a prompt or mask. */
  | { kind: "modal"; vendorTaskId: string }
  | { kind: "refused"; failure: Failure }
  | { kind: "busy"; afterMs?: number; reason: string }
  | { kind: "unclear"; reason: string };

export interface LookupResult {
  reports: Report[];
  /** How many requests it took: one for a vendor with list-by-condition. */
  requests: number;
}

/** What a dialect can do; asked instead of comparing vendor names. */
export interface ProviderCapabilities {
  /** Documented, or seen, to post to notifyHook. "unknown" is learned from what arrives. */
  notifyHook: "documented" | "unknown";
  /** One request for many ids. */
  listByCondition: boolean;
  /** Lists recent tasks with their `state`, so that an unclear submission may be found without its id. */
  searchByState: boolean;
  /** Actions that can be finished inside the submit answer, with no callback ever. */
  instantActions: readonly string[];
  rootActions: readonly RootAction[];
  modes: readonly Mode[];
  seed: boolean;
}

/** One vendor dialect. Throws nothing on a vendor's account: every outcome is an answer. */
export interface Provider {
  readonly id: string;
  readonly title: string;
  readonly capabilities: ProviderCapabilities;
  submit(call: RootCall, context: CallContext): Promise<SubmitOutcome>;
  press(call: PressCall, context: CallContext): Promise<SubmitOutcome>;
  modal(call: ModalCall, context: CallContext): Promise<SubmitOutcome>;
  /** Unknown ids are left out. @throws LookupError when the vendor could not be asked. */
  lookup(vendorTaskIds: readonly string[], account: AccountConfig): Promise<LookupResult>;
  /**
   * The recent tasks with these `state`s, where `abilities.searchByState`; each report names its own. Those not found are
   * left out, which proves nothing: the vendor's list may end before them, or lag. @throws LookupError
   */
  search(states: readonly string[], account: AccountConfig): Promise<LookupResult>;
  /** Reads a callback body. Pure. Undefined: not a task object at all. */
  readCallback(body: string): Report | undefined;
  /** Undefined: unknown task, or no such ability. @throws LookupError */
  seed(vendorTaskId: string, account: AccountConfig): Promise<string | undefined>;
  /** Hands images to the vendor's own storage; answers their URLs. */
  upload(
    images: readonly string[],
    account: AccountConfig,
  ): Promise<{ kind: "uploaded"; urls: string[] } | Extract<SubmitOutcome, { kind: "refused" | "busy" | "unclear" }>>;
}

export class LookupError extends Error {
  override readonly name = "LookupError";
  /** The key was refused: looking again will not help until an operator has changed it. */
  readonly unauthorized: boolean;
  constructor(message: string, { unauthorized = false, cause }: { unauthorized?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.unauthorized = unauthorized;
  }
}

/** A vendor that this stage may use. */
export interface Vendor {
  provider: Provider;
  account(name: string): AccountConfig | undefined;
  /** Those there are, in a steady order. */
  accounts(): readonly AccountTraits[];
}

export interface Providers {
  /** Undefined: no such provider, or not configured on this stage. */
  get(id: string): Vendor | undefined;
  ids(): string[];
  /**
   * Learns of accounts stored through the API, if it has not looked lately. Whoever is about to say that there is no such
   * account asks `anew`: a flow may have been given one that was stored a moment ago.
   *
   * @throws MjflowError overloaded
   */
  refresh?(how?: "anew"): Promise<void>;
}
