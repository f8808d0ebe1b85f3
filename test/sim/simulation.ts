/**
 * Runs the real engine and core on a table and a queue in memory, under a seeded scheduler. At each call of a port the
 * process can be delayed or can crash. One run has one seed and a few flows, and continues until nothing is left to do.
 */

import type { Limits } from "@mjflow/core/app";
import type { ArchiveMode } from "@mjflow/core/archive-mode";
import { modalKindOfPress } from "@mjflow/core/button";
import { callLimit as callLimitOf, type SlotKind } from "@mjflow/core/concurrency-limiter";
import { counterIdsOf } from "@mjflow/core/credit";
import type { Delivery } from "@mjflow/core/delivery";
import { type DeliveryLog, mergedLog } from "@mjflow/core/delivery-log";
import { MjflowError } from "@mjflow/core/error";
import { hasDeliveryLog } from "@mjflow/core/event";
import { type Flow, flowStatus, nextFlowDue } from "@mjflow/core/flow";
import { ORPHANED_HOLD_AFTER_MS } from "@mjflow/core/flow-credit";
import { ROOT_PATH, taskIdOf } from "@mjflow/core/id";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { type FanOut, type Message, type OutgoingMessage, QUEUE_OF } from "@mjflow/core/message";
import type { MjTaskPointer } from "@mjflow/core/mj-task";
import type { CallContext, Clock, Log, Metric, Provider, Queue, Store, SubmitOutcome } from "@mjflow/core/port";
import type { Replay } from "@mjflow/core/replay";
import { needsWrite } from "@mjflow/core/report";
import type { PlanInput } from "@mjflow/core/request";
import type { SweepJob } from "@mjflow/core/sweep-job";
import { hasOwnDueEntry, isEnded, type Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { isInWaitList } from "@mjflow/core/wait-list";
import { createAccounts } from "@mjflow/engine/account";
import { archive } from "@mjflow/engine/archive";
import { type CallLimit, createCallLimit } from "@mjflow/engine/call-slots";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { cancelFlow, resumeFlow } from "@mjflow/engine/cancel";
import { continueChain } from "@mjflow/engine/chain";
import { createConcurrencyLimiter } from "@mjflow/engine/concurrency-limiter";
import { createFlow } from "@mjflow/engine/create";
import { repairCredit } from "@mjflow/engine/credit-repair";
import { deliver } from "@mjflow/engine/deliver";
import { handleCallback } from "@mjflow/engine/handle-callback";
import { handleDeadLetter } from "@mjflow/engine/handle-dead-letter";
import { notifySubscribers } from "@mjflow/engine/notify";
import { pressTask } from "@mjflow/engine/press";
import { startReplay } from "@mjflow/engine/replay";
import { runReplay } from "@mjflow/engine/replay-job";
import { applyAcceptedMessage, handleSubmitMessage, submit } from "@mjflow/engine/submit";
import { createSubscriptions } from "@mjflow/engine/subscriptions";
import { sweep } from "@mjflow/engine/sweep";
import { dispatchSweep, handleSweepJob } from "@mjflow/engine/sweep-job";
import type { Vault } from "@mjflow/engine/vault";
import { consume } from "@mjflow/queue/consume";
import type { SQSRecord } from "@mjflow/queue/event";
import { waitListKey } from "@mjflow/store/keys";
import { createMjTaskIdStore } from "@mjflow/store/mj-task-id";
import { createSweepLeases } from "@mjflow/store/sweep-lease";
import { createVendorStore } from "@mjflow/store/vendor";
import { createWebhookStore } from "@mjflow/store/webhook";
import { createMemoryImages } from "../support/images.ts";
import { createMemoryQueue } from "../support/memory/queue.ts";
import { createMemoryStore } from "../support/memory/store.ts";
import { createMemoryTable, type MemoryTable } from "../support/memory/table.ts";
import { createApp, ENDPOINT_ID, ENDPOINT_URL, NOTIFY_HOOK_URL, type Posted, SUBSCRIBED_APP } from "./app.ts";
import { type FaultProfile, NO_FAULTS } from "./fault-profile.ts";
import { type AppCredit, createLedger } from "./ledger.ts";
import { createMjClient, type MjPress } from "./mj-client.ts";
import { observeStore } from "./observe.ts";
import { type CallOutcome, type CrashPoint, createProcesses, type Wrap } from "./process.ts";
import { createRng } from "./random.ts";
import { createScheduler } from "./scheduler.ts";
import { createVendor, type SearchMode, type VendorTask } from "./vendor.ts";
import type { Wire } from "./wire.ts";

/** The functions that processes run. The keys are those of the frozen earlier version in test/fault/version. */
export const CURRENT_VERSION = {
  createFlow,
  receive: handleCallback,
  submit,
  taken: applyAcceptedMessage,
  work: handleSubmitMessage,
  tell: notifySubscribers,
  deliver,
  archive,
  sweep,
  bury: handleDeadLetter,
  consume,
  continueChain,
  createHooks: createCallbackTokens,
  createAccounts,
};

/** One version of the code, with its store over the shared table. */
export interface Version {
  code: typeof CURRENT_VERSION;
  store: Store;
}

/** Differences from the plain simulation: code versions, clocks, callback token keys, vendor accounts. */
export interface SimulationVariant {
  /** Chooses the version for each process. All versions must use one table, which `dump` returns. */
  versionOf?(process: string): Version;
  /** True if some processes run frozen code of an earlier version, which does not know all rules of today. */
  earlierCode?: boolean;
  dump?(): { flows: Flow[]; tasks: Task[] };
  /** Table for endpoints, deliveries and everything else that versions store. */
  table?: MemoryTable;
  /** Number of shards of due entries; 0: the layout of earlier versions (core/due.ts). Unset: by the seed. */
  dueShards?: number;
  /** Returns the clock of one process. */
  clockOf?(process: string, now: () => number): Clock;
  /** Returns the callback token keys of a new process, newest first. @param at ms since the start of the run */
  keysOf?(process: string, at: number): readonly string[];
  /** Routes and bodies of the vendor. Unset: those of midjourney-proxy. */
  wire?: Wire;
  /** Whether submissions can be searched for by our `state`, and how (`SearchMode`). Unset: not at all. */
  searched?: SearchMode;
  /** Vendor accounts; flows use them in turn. Accounts have equal vendor task ids. */
  accounts?: readonly string[];
  /** How flows that archive their images do it; unset: their copies are sent with the success. */
  archive?: ArchiveMode;
  /** False: new flows have no delivery log, as in the version before it; unset: true. */
  deliveryLog?: boolean;
  /** Whether the presses of an image, and the events of an invocation, travel in one message; unset: "one". */
  fanOut?: FanOut;
  /** True if the engine selects the account of each root, instead of taking turns. */
  routed?: boolean;
  /** Concurrency limit of each account. */
  maxRunning?: number;
  /** Whether an account rejects every submission as busy; a number: with this Retry-After, ms. @param at ms since the start */
  isBusy?(account: string, at: number): boolean | number;
  /** True while the receiver of the endpoint is down. @param at ms since the start of the run */
  isEndpointDown?(at: number): boolean;
  /** When the app starts a replay of all deliveries of its endpoint, ms since the start of the run. Unset: never. */
  replayAt?: number;
  /** Time from a submission to its response, ms. @param at ms since the start of the run */
  answerMs?(account: string, at: number): number;
  /** Number of submit workers, some of which may wait for one account. 0 or unset: no limit. */
  submitWorkers?: number;
  /** Host of an account; unset: all have the same. */
  hostOf?(account: string): string;
  /** App of a flow, by the number of the flow. Unset: one app, and another one for flows with endpoints. */
  appOf?(n: number): string;
  /** Time within which all flows are created, ms. Unset: a minute. */
  createdWithinMs?: number;
  /** How long the due index does not show a write, ms. Unset: 0. */
  indexLagMs?: number;
  /** Part of the messages that wake a wait list that are lost, and that arrive twice. Unset: 0. */
  loseWake?: number;
  copyWake?: number;
  /** Number of containers of each function; each remembers its changes of credit counters. Unset: by the seed. */
  containers?: number;
  /** Limits of every app at a time, instead of `limits`. @param at ms since the start of the run */
  limitsAt?(at: number): Limits;
  /** True while the table refuses every change of a counter, as a hot partition key does. @param at ms since the start */
  isCreditThrottled?(at: number): boolean;
  /** `onVendorLoss` of every flow. */
  onVendorLoss?: "restart";
  /** Returns false if the account is removed from the configuration. @param at ms since the start of the run */
  isConfigured?(account: string, at: number): boolean;
}

export interface SimulationOptions {
  seed: number;
  flows: number;
  profile?: FaultProfile;
  /** Decides the outcome at each point, instead of the probabilities of the profile; for exhaustive tests. */
  outcomeAt?: (point: CrashPoint) => CallOutcome | undefined;
  /** Called for each write and for each submission that the vendor accepted, to explain a seed that broke a rule. */
  trace?: (line: { at: number; flowId: string; path: string; what: string }) => void;
  /** Presses of each flow; unset: random presses from the seed. */
  plan?: readonly PlanInput[];
  /**
   * False: no subscribers. True: some flows have subscribers. "always": every flow has. The other random decisions of a
   * seed do not depend on it.
   */
  hooks?: boolean | "always";
  /**
   * Limits of every app; unset: none. With limits each flow reserves credit. Without a given `plan`, the apps then also
   * press buttons, cancel flows and resume them.
   */
  limits?: Limits;
  variant?: SimulationVariant;
}

export interface AcceptedRequests {
  flowId: string;
  state: string;
  at: number;
}

/**
 * When a row was written, epoch ms of the scheduler. The times in the rows are those of the writing processes, whose clocks may
 * be wrong, while the vendor and its ledger know the true time.
 */
export interface WrittenAt {
  /** Creation and end of each task, by `flow_… path`. */
  creation: Map<string, number>;
  end: Map<string, number>;
  /** Cancellation of each flow that has not been resumed since. */
  cancellation: Map<string, number>;
}

/** The result of a run, which the invariants check. */
export interface SimulationRun {
  seed: number;
  profile: FaultProfile;
  variant: SimulationVariant;
  /** Creation requests that got a response. Other flows may exist completely or not at all. */
  accepted: AcceptedRequests[];
  flows: Map<string, { flow: Flow; tasks: Task[]; status: ReturnType<typeof flowStatus> }>;
  /** True if the run ended because nothing was due any more; false if its time was over. */
  isQuiet: boolean;
  /** Number of tasks without a flow that the sweeper did not remove. */
  rootsWithoutFlow: number;
  /** Number of entries of wait lists at the end. The sweeper finds an outdated one within `HEAL_MS` (WL6). */
  waiting: number;
  vendor: ReturnType<typeof createVendor>;
  writtenAt: WrittenAt;
  posts: Posted[];
  /** Delivery logs of the flows that have one, and all delivery rows, at the end. */
  deliveryLogs: Map<string, DeliveryLog>;
  deliveries: Delivery[];
  replays: Replay[];
  /** Presses by clients of the compat API, with all their repetitions, and the compat task ids at the end. */
  mjPresses: MjPress[];
  mjPointers: MjTaskPointer[];
  /** Credit of apps with limits. */
  credits: AppCredit[];
  broken: string[];
  forgedAccepted: number;
  forgedRefused: number;
  /** Number of genuine callbacks that were rejected. */
  ownRefused: number;
  points: number;
  killed: number;
  /** Number of follow-ups whose first write was their claim. */
  storedByClaim: number;
  /** Number of messages that handed tasks of a wait list over to another worker. */
  handedOver: number;
  /** Longest chain of messages that one function sent to its own queue. */
  longestChain: number;
  events: number;
  virtualMs: number;
  /** Counters of the metrics log. */
  metrics: Map<Metric, number>;
}

export const START = Date.UTC(2026, 10, 21);
/** Maximum simulated time of a run, ms: longer than all delivery attempts of a webhook. */
const HORIZON_MS = 96 * 3_600_000;
const SWEEP_MS = 60_000;
const HOUR_MS = 3_600_000;
/** After everything has ended, the sweeper has so much time to find and remove outdated entries of wait lists. */
const HEAL_MS = 900_000;
const VISIBILITY_MS = 600_000;
/** Longest chain that our code may build, and the longest that Lambda lets run (about 16 invocations). */
const CHAIN_MAX = 8;
/** Clocks that are wrong differ from the true time by at most this, ms. Slots of calls allow 10 s between two functions. */
const SKEW_MAX_MS = 5_000;
const PAID_CALL = /^vendor\.(?:submit|press|modal)$/;
/** Requests for rows of wait lists and slots. */
const LIST_CALL =
  /^store\.(?:waitList|saveWaitList|addWaiting|removeWaiting|listWaiting|isWaiting|acquireSlots|releaseSlot|renewSlot)$/;
const LAMBDA_CHAIN_MAX = 16;
const HOOK_KEYS = ["a key for simulations, never for anything else"];

export async function runSimulation({
  seed,
  flows,
  profile = NO_FAULTS,
  outcomeAt,
  plan,
  trace,
  hooks = true,
  limits,
  variant = {},
}: SimulationOptions): Promise<SimulationRun> {
  const rng = createRng(seed);
  const scheduler = createScheduler(START);
  const now = scheduler.now;
  const broken: string[] = [];
  const metrics = new Map<Metric, number>();
  const log: Log = {
    info() {},
    warn() {},
    error() {},
    count: (metric, by = 1) => void metrics.set(metric, (metrics.get(metric) ?? 0) + by),
  };
  const table = variant.table ?? createMemoryTable();
  const dueShards = variant.dueShards ?? [4, 1, 32, 0][seed % 4]!;
  const { submitWorkers = 0 } = variant;
  const accountsOf = variant.accounts ?? ["default"];
  const hostOf = (name: string) => variant.hostOf?.(name) ?? "v.test";
  const callAccounts = accountsOf.map((name) => ({ provider: "sim", account: name, host: hostOf(name), weight: 1 }));
  /** Number of workers that may wait for an account; undefined: no limit. */
  const maxCalls = (name: string) =>
    submitWorkers > 0 ? callLimitOf(submitWorkers, callAccounts, { provider: "sim", account: name }) : undefined;
  /** What the idle submit functions remember. The memory of a crashed one is lost. */
  const idle: CallLimit[] = [];
  /** Difference of clocks that the checks allow, ms. Processes with their own clocks may write times that are an hour late. */
  const slackMs = variant.clockOf ? HOUR_MS : profile.clockSkew > 0 ? 2 * SKEW_MAX_MS : 0;
  // Separate random numbers, so that the clocks do not change the other decisions of a seed.
  const clockRng = createRng(seed ^ 0x510e527f);
  const slots = checkSlots(createMemoryStore({ table, dueShards }), variant.maxRunning, maxCalls, broken);
  // The lease of a dispatcher is a time, so with clocks of their own two processes may both hold one. A task still has one
  // worker: the claim on its row decides.
  const leased = slackMs > 0 ? slots : checkWaitLists(slots, now, broken);
  const memory = lagIndex(leased, now, variant.indexLagMs ?? 0);
  const spells = createSpells(createRng(seed ^ 0x3c6ef372), accountsOf, profile);
  const since = () => now() - START;
  const webhookStore = createWebhookStore({ table, now: () => 0, dueShards });
  const sweepLeases = createSweepLeases(table);
  /** Half of the seeds sweep like a deployment, with jobs for workers; the others like the local server, in one run. */
  const sweepsByJobs = variant.versionOf === undefined && seed % 8 < 4;
  const vendorStore = createVendorStore(table);
  const mjTaskIds = createMjTaskIdStore(table, { now, dueShards });
  // Separate random numbers for subscribers, so that they do not change the other decisions of a seed.
  const hookRng = createRng(seed ^ 0x5f3759df);
  const app = createApp(hookRng, profile, () => variant.isEndpointDown?.(now() - START) ?? false);
  // Secrets are not encrypted: encryption would take a tenth of the time and test nothing here.
  const vault: Vault = { seal: (secret) => secret, open: (sealed) => sealed, isCurrent: () => true };
  const writtenAt: WrittenAt = { creation: new Map(), end: new Map(), cancellation: new Map() };
  let storedByClaim = 0;
  let handedOver = 0;
  const withRuleChecks = createRuleChecks(
    broken,
    // A second covers the delay between computing a time and writing it.
    { now: () => scheduler.now(), slackMs: slackMs + 1_000 },
    (task) => {
      const submission = task.vendorTaskId && vendor.find(task.account, task.vendorTaskId);
      if (submission) submission.confirmedAt ??= scheduler.now();
      const name = `${task.flowId} ${task.path}`;
      if (!writtenAt.creation.has(name)) writtenAt.creation.set(name, scheduler.now());
      if (isEnded(task) && !writtenAt.end.has(name)) writtenAt.end.set(name, scheduler.now());
      if (task.rev === 1 && task.status === "SUBMITTING") storedByClaim++;
      const { flowId, path, account: at, status, attempt, phase, rev, busyAnswers, failure } = task;
      trace?.({
        at: scheduler.now() - START,
        flowId,
        path,
        what: `rev ${rev} ${status} at ${at} attempt ${attempt} ${phase} busy ${busyAnswers} ${failure?.code ?? ""}`,
      });
    },
  );
  /** Records when the table got a cancellation. */
  const withCancellations = (store: Store): Store =>
    observeStore(store, {
      task() {},
      flow({ id, canceledAt }) {
        const { cancellation } = writtenAt;
        if (canceledAt === undefined) cancellation.delete(id);
        else if (!cancellation.has(id)) cancellation.set(id, scheduler.now());
      },
    });
  const appActs = limits !== undefined && plan === undefined;
  const limitsOf = (at: number) => variant.limitsAt?.(at) ?? limits;
  const ledger = createLedger(broken, now, (at) => limitsOf(at - START), slackMs);
  const versions = new Map<Store, Store>();
  // Separate random numbers, so that the choice of a container does not change the other decisions of a seed.
  const containerOf = createContainers(createRng(seed ^ 0x1b873593), variant.containers ?? [1, 3, 12][seed % 3]!);
  const currentVersion: Version = { code: CURRENT_VERSION, store: memory };
  const dump = variant.dump ?? memory.dump;
  const queue = createMemoryQueue({ now, visibilityMs: VISIBILITY_MS, maxReceiveCount: 5 });
  const random = { bytes: (n: number) => rng.bytes(n), chance: () => rng.next() };

  const processes = createProcesses(
    scheduler,
    (point) => {
      const fixed = outcomeAt?.(point);
      if (fixed) return fixed;
      if (rng.chance(profile.crash)) return { kind: "die" };
      if (LIST_CALL.test(point.call)) {
        if (rng.chance(profile.dispatcherDies)) return { kind: "die" };
        if (rng.chance(profile.listRefuses)) return { kind: "throw", delayMs: rng.int(1, 20), error: overloaded() };
      }
      const isSlow = point.process === "mj" && rng.chance(profile.slowPress);
      const delayMs = isSlow ? rng.int(1_000, 30_000) : rng.int(1, 20);
      if (/^(?:store|webhookStore|vendorStore|mjTaskIds)\./.test(point.call) && /\.(save|create)/.test(point.call)) {
        if (point.when === "before" && rng.chance(profile.tableRefuses))
          return { kind: "throw", delayMs, error: overloaded() };
        if (point.when === "after" && rng.chance(profile.tableLies))
          return { kind: "throw", delayMs, error: overloaded() };
      }
      return { kind: "go", delayMs };
    },
    (process, call) => {
      // The outcome of a paid call would be lost. Other requests are made again.
      if (PAID_CALL.test(call)) broken.push(`P1 a ${process} function ended while ${call} was under way`);
    },
  );

  let forgedAccepted = 0;
  let forgedRefused = 0;
  let ownRefused = 0;
  const vendor = createVendor({
    scheduler,
    rng,
    profile,
    wire: variant.wire,
    searched: variant.searched ?? false,
    isBusy: (name) => variant.isBusy?.(name, since()) || spells.isBusy(name, since()),
    answerMs: (name) => Math.max(variant.answerMs?.(name, since()) ?? 0, spells.answerMs(name, since())),
    acceptsHung: profile.hangSpell > 0,
    onAccepted: ({ flowPart, path, account: name, attempt, id }) =>
      trace?.({
        at: scheduler.now() - START,
        flowId: `flow_${flowPart}`,
        path,
        what: `VENDOR ${name} accepted attempt ${attempt} as ${id}`,
      }),
    post: (token, body, task) => callback(token, body, task),
    forge(token, body) {
      start(
        "forged",
        (deps, code) => code.receive({ ...deps, readCallback }, token, body),
        (received) => {
          if (received === undefined || received.kind === "refused") forgedRefused++;
          else forgedAccepted++;
        },
      );
    },
  });
  const readCallback = (_: string, body: string) => vendor.provider.readCallback(body);
  const account = (name: string) =>
    (variant.isConfigured?.(name, now() - START) ?? true)
      ? { baseUrl: `http://${hostOf(name)}`, apiKey: name }
      : undefined;

  /** The circuit breaker of an account counts only what the vendor did against the account. */
  const withHealthCheck = (store: Store): Store => ({
    ...store,
    saveHealth(health) {
      const { account: name, fault } = health;
      const isCaused = fault === undefined || fault === "full" || vendor.causes.has(`${name} ${fault}`);
      if (!isCaused) broken.push(`H the breaker of ${name} counts ${fault}, which its vendor never caused`);
      return store.saveHealth(health);
    },
  });

  type Deps = ReturnType<typeof depsOf>;
  /** Starts a process with its own ports and caches. */
  function start<T>(
    name: string,
    body: (deps: Deps, code: Version["code"]) => Promise<T>,
    end?: (result: T | undefined) => void,
  ): void {
    const { code, store } = variant.versionOf?.(name) ?? currentVersion;
    processes.start(name, (wrap) => body(depsOf(name, wrap, code, store), code), end);
  }

  function depsOf(name: string, wrap: Wrap, code: Version["code"], plain: Store) {
    if (!versions.has(plain))
      versions.set(plain, withLateChanges(ledger.observe(withCancellations(withRuleChecks(withHealthCheck(plain))))));
    const skewMs = clockRng.chance(profile.clockSkew) ? clockRng.int(-SKEW_MAX_MS, SKEW_MAX_MS) : 0;
    const clock = variant.clockOf?.(name, now) ?? { now: () => now() + skewMs };
    const keys = variant.keysOf?.(name, now() - START) ?? HOOK_KEYS;
    const vendorSlots = wrap("vendorStore", vendorStore);
    // A version that knows no slots for calls has no limit of them.
    const limitsCalls = name === "submit" && submitWorkers > 0 && code.work === handleSubmitMessage;
    const callLimit = limitsCalls ? (idle.pop() ?? createCallLimit(submitWorkers)) : undefined;
    // Entries of its earlier calls may serve this one.
    const callNames = new Set([...(callLimit?.finished.values() ?? [])].flat().map((slot) => slot.name));
    // Clocks that differ may make an entry outdated too early.
    const isLimited = accountsOf.some((each) => maxCalls(each) !== undefined);
    const callLimitToCheck = variant.clockOf || !isLimited ? undefined : callLimit;
    const checked = checkCalls(slots, vendor.provider, { limit: callLimitToCheck, names: callNames }, broken);
    const ids = wrap("mjTaskIds", mjTaskIds);
    const parts = {
      store: wrap("store", recordCallSlots(versions.get(plain)!, callNames)),
      vendorStore: vendorSlots,
      clock,
      log,
      timings: TIMINGS,
    };
    return {
      ...parts,
      mjTaskIds: ids,
      queue: wrap("queue", { send: sendLossy, resend: queue.resend }),
      limits: limitsOf(now() - START),
      fanOut: variant.fanOut ?? "one",
      creditMemory: containerOf(name),
      sweepLeases: wrap("sweepLeases", sweepLeases),
      sweepJobs: wrap("sweepJobs", { send: sendJobs }),
      blobs: wrap("blobs", { putInputs: async () => {}, getInputs: async () => ({}) }),
      // Requests of the simulation name no uploads, and their vendor takes links.
      images: createMemoryImages().images,
      imageUrl: (key: string) => `https://api.test/${key}`,
      providers: {
        ids: () => ["sim"],
        get: () => ({
          account,
          accounts: () =>
            accountsOf.filter(account).map((name) => ({ name, weight: 1, maxRunning: variant.maxRunning })),
          provider: withCalls(wrap, beginInTime(checked, now, broken)),
        }),
      },
      callbackTokens: code.createHooks({ keys, callbackUrl: "https://h.test" }),
      random,
      accounts: code.createAccounts(parts),
      limiter: createConcurrencyLimiter(parts),
      callLimit,
      webhookStore: wrap("webhookStore", webhookStore),
      // Reads the table without faults, because faults of subscriptions are not part of this simulation.
      subscriptions: createSubscriptions({ webhookStore, clock, cacheTtlMs: 0, bus: false }),
      banned: { assertAllowed: async () => {} },
      vault,
      newWebhookSecret: () => ({ secret: "whsec_c2ltdWxhdGVkIHNlY3JldCwgbm90IGEgcmVhbCBvbmU=" }),
      webhooks: wrap("app", { send: app.send }),
      outbound: { post: async () => ({ kind: "forbidden" as const, why: "simulated" }) },
      links: { api: "https://m.test", media: (key: string) => `https://m.test/${key}` },
      media: wrap("media", app.media),
    };
  }

  /** Changes of a counter that the table applies late or twice. */
  function withLateChanges(store: Store): Store {
    return {
      ...store,
      async changeCredit(appId, change) {
        if (variant.isCreditThrottled?.(now() - START)) throw overloaded();
        const applyAfter = (ms: number) => scheduler.at(ms, () => void store.changeCredit(appId, change));
        if (rng.chance(profile.lateCredit)) {
          applyAfter(30_000);
          throw new Error("socket hang up");
        }
        const result = await store.changeCredit(appId, change);
        if (!rng.chance(profile.copyCredit)) return result;
        applyAfter(rng.int(1_000, 300_000));
        return { ...result, sentOnce: false };
      },
    };
  }

  async function sendLossy(messages: Parameters<typeof queue.send>[0]): Promise<void> {
    const wakes = (message: Message) => message.type === "submit" && message.wake !== undefined;
    handedOver += messages.filter(
      ({ message }) => message.type === "submit" && message.handedOver !== undefined,
    ).length;
    const sent = messages
      .filter(() => !rng.chance(profile.loseMessage))
      .filter(({ message }) => !(wakes(message) && rng.chance(variant.loseWake ?? profile.loseWake)))
      .flatMap((each) => (wakes(each.message) && rng.chance(variant.copyWake ?? 0) ? [each, each] : [each]));
    await queue.send(sent);
    for (const { delayMs = 0 } of messages) scheduler.at(delayMs + 1_001, poll);
    scheduler.at(5, poll);
  }

  /** Sweep jobs are lost and doubled like messages, but never come back. */
  async function sendJobs(jobs: readonly SweepJob[]): Promise<void> {
    for (const job of jobs) {
      if (rng.chance(profile.loseMessage)) continue;
      const copies = rng.chance(profile.copyMessage) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++)
        scheduler.at(rng.int(5, 5_000), () => start("sweep", (deps) => handleSweepJob(deps, job)));
    }
  }

  function callback(token: string, body: string, task: VendorTask): void {
    start(
      "callback",
      (deps, code) => code.receive({ ...deps, readCallback }, token, body),
      (received) => {
        if (received?.kind === "refused") ownRefused++;
        if (received?.kind === "recorded" || received?.kind === "dropped") task.heardAt ??= scheduler.now();
        const report = vendor.provider.readCallback(body);
        if (received?.kind !== "recorded" || !report || !needsWrite(report)) return;
        task.confirmedAt ??= scheduler.now();
        if (report.result.imageUrl !== undefined) task.pictureConfirmed = true;
      },
    );
  }

  let longestChain = 0;
  /** False if Lambda drops the invocation. The message then returns after its visibility timeout. */
  function isInvoked(record: SQSRecord): boolean {
    const length = lineageOf(record);
    longestChain = Math.max(longestChain, length);
    if (length > CHAIN_MAX && !variant.earlierCode) broken.push(`Q4 a chain of ${length} messages`);
    return length <= LAMBDA_CHAIN_MAX || !rng.chance(profile.recursionCut);
  }

  function poll(): void {
    const received = queue.receive(10);
    if (received.length === 0) return;
    // The messages become visible again if this worker crashes.
    scheduler.at(VISIBILITY_MS + 1, poll);
    const records = received.filter(isInvoked);
    const copies = rng.chance(profile.copyMessage) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      start(
        "submit",
        async (deps, code) => {
          const response = await code.consume(
            { Records: records },
            (message, record) => {
              const traced = { ...deps, queue: withLineage(deps.queue, message.type, lineageOf(record)) };
              const inChain = code.continueChain(traced, message);
              const receives = Number(record.attributes?.ApproximateReceiveCount ?? 1);
              if (message.type === "tell") return code.tell(inChain, message, receives);
              if (message.type === "archive") return code.archive(inChain, message);
              if (message.type === "deliver") return code.deliver(inChain, message.deliveryId);
              // The frozen version rejects this message before it gets here.
              if (message.type === "replay") return runReplay(inChain, message);
              return code.work(traced, message);
            },
            { log },
          );
          if (deps.callLimit) idle.push(deps.callLimit);
          return response;
        },
        (response) => {
          if (!response || copy > 0) return;
          const failed = new Set(response.batchItemFailures.map((failure) => failure.itemIdentifier));
          for (const record of records) if (!failed.has(record.messageId)) queue.delete(record.receiptHandle);
        },
      );
    }
    scheduler.at(1, poll);
  }

  /** Removes the state row of a wait list. The entries of the list stay. */
  async function forgetWaitList(name: string): Promise<void> {
    const list = await memory.waitList("sim", name);
    if (list) await table.delete(waitListKey(list), list.rev);
  }

  let handledDeadLetters = 0;
  function cron(): void {
    if (sweepsByJobs) start("sweep", (deps) => dispatchSweep(deps));
    else start("sweep", (deps, code) => code.sweep(deps));
    for (const message of queue.deadLetters.slice(handledDeadLetters)) {
      handledDeadLetters++;
      start("deadletter", (deps, code) => code.bury(deps, message));
    }
    for (const name of spells.listsLost(since())) void forgetWaitList(name);
    scheduler.at(SWEEP_MS, cron);
  }

  // ── the app ──

  if (hooks) {
    const listener = { appId: SUBSCRIBED_APP, id: ENDPOINT_ID, rev: 0, url: ENDPOINT_URL };
    const secrets = [
      {
        sealed: vault.seal(
          "whsec_c2ltdWxhdGVkIHNlY3JldCwgbm90IGEgcmVhbCBvbmU=",
          `endpoint/${SUBSCRIBED_APP}/${listener.id}`,
        ),
      },
    ];
    await webhookStore.saveEndpoint({ ...listener, scheme: "v1", secrets, createdAt: START });
  }
  const accepted: AcceptedRequests[] = [];
  for (let i = 0; i < flows; i++) {
    scheduler.at(rng.int(0, variant.createdWithinMs ?? 60_000), () => {
      const state = `${seed}/${i} "🛶"\n${rng.int(0, 1e9)}`;
      const then = [...ofWire(plan ?? randomPlan(rng.int(0, 3), rng))];
      const usesEndpoint = hooks === "always" || (hooks && hookRng.chance(0.15));
      const usesNotifyHook = hooks === "always" || (hooks && hookRng.chance(0.2));
      const archived = hooks === "always" || (hooks && hookRng.chance(0.15));
      if (archived) then.push({ press: "tile:1" });
      start(
        "api",
        (deps, code) =>
          code.createFlow(
            variant.routed ? deps : { ...deps, store: ofAccount(deps.store, accountsOf[i % accountsOf.length]!) },
            variant.appOf?.(i) ?? (usesEndpoint ? SUBSCRIBED_APP : "app"),
            {
              provider: "sim",
              prompt: "x",
              state,
              then,
              onVendorLoss: variant.onVendorLoss,
              ...(usesNotifyHook && { notifyHook: NOTIFY_HOOK_URL }),
            },
            {
              storeProgress: rng.chance(0.3),
              resubmit: "after-grace",
              archive: archived && (variant.archive ?? true),
              deliveryLog: variant.deliveryLog ?? true,
            },
          ),
        (created) => {
          if (!created) return;
          accepted.push({ flowId: created.flow.id, state, at: scheduler.now() });
          if (appActs && mjClient.rng.chance(0.3)) mjClient.pressLater(created.flow);
          if (appActs && rng.chance(0.4)) pressLater(created.flow, rng.int(30_000, 900_000));
          if (appActs && rng.chance(0.2)) cancelLater(created.flow);
        },
      );
    });
  }
  scheduler.at(SWEEP_MS, cron);
  if (variant.replayAt !== undefined) {
    const fields = { listener: ENDPOINT_ID, only: "all" as const };
    scheduler.at(variant.replayAt, () => start("api", (deps) => startReplay(deps, SUBSCRIBED_APP, fields)));
  }
  // Separate random numbers, so that the client's decisions do not change those of a seed.
  const mjClient = createMjClient(createRng(seed ^ 0x2545f491), scheduler, (press, end) => {
    start("mj", press, end);
  });

  /** Vendors of other families have no modal that takes the prompt of a press, and one has other buttons. */
  function ofWire(planned: readonly PlanInput[]): readonly PlanInput[] {
    const { wire } = variant;
    if (!wire || wire.isIdempotent) return planned;
    return wire.planOf?.(withoutPrompts(planned)) ?? withoutPrompts(planned);
  }

  /** The app presses a button outside the plan after some time, if the first image exists by then. */
  function pressLater({ id, appId }: Flow, afterMs: number): void {
    const { then } = ofWire([{ press: "U4", then: rng.chance(0.5) ? [{ press: "reroll" }] : [] }])[0]!;
    const request = { press: "U4", then };
    scheduler.at(afterMs, () => start("api", (deps) => pressTask(deps, appId, taskIdOf(id, ROOT_PATH), request)));
  }

  /** The app cancels the flow and may resume it later. */
  function cancelLater({ id, appId }: Flow): void {
    const cancelMs = rng.int(0, 300_000);
    scheduler.at(cancelMs, () => start("api", (deps) => cancelFlow(deps, appId, id)));
    if (rng.chance(0.5)) {
      scheduler.at(cancelMs + rng.int(1, 3_600_000), () => start("api", (deps) => resumeFlow(deps, appId, id)));
    }
  }

  const quiet = () =>
    // Waits until the app has done all its actions and the vendor has sent its callbacks.
    scheduler.now() > Math.max(START + (appActs ? 4_200_000 : 120_000), vendor.lastCallbackAt() + 60_000) &&
    scheduler.now() > START + (variant.replayAt ?? 0) &&
    isAllEnded(dump()) &&
    table.dump().every((item) => item["dueShard"] === undefined);
  const entries = () => table.dump().filter((item) => item["pk"]?.S?.startsWith("waiting#"));
  let [events, isQuiet] = [0, false];
  let quietAt: number | undefined;
  // The end is checked only every five minutes of simulated time, because `dump` copies the whole table.
  for (let until = START + 300_000; until <= START + HORIZON_MS; until += 300_000) {
    events += await scheduler.run(until);
    isQuiet = quiet();
    if (!isQuiet) continue;
    quietAt ??= scheduler.now();
    if (entries().length === 0 || scheduler.now() >= quietAt + HEAL_MS) break;
  }

  // Holds of crashed processes are given back after a quarter of an hour.
  const apps = limits ? ["app", SUBSCRIBED_APP] : [];
  for (const counterId of apps.flatMap((appId) => counterIdsOf(appId, limits))) {
    const clock = { now: () => now() + ORPHANED_HOLD_AFTER_MS };
    for (let i = 0; i < flows; i++) await repairCredit({ store: ledger.observe(memory), clock, log }, counterId);
  }
  const stored = dump();
  const byFlow = Map.groupBy(stored.tasks, (task) => task.flowId);
  const found = stored.flows.map((flow) => {
    const tasks = byFlow.get(flow.id) ?? [];
    return [flow.id, { flow, tasks, status: flowStatus(tasks) }] as const;
  });
  const known = new Map(found);
  const hasLog = ({ eventMask }: Flow) => hasDeliveryLog(eventMask);
  const logOf = async ({ id, logRows = 1 }: Flow) => {
    const rows = Array.from({ length: logRows }, (_, row) => webhookStore.deliveryLog(id, row));
    return [id, mergedLog(await Promise.all(rows))] as const;
  };
  return {
    seed,
    profile,
    variant,
    accepted,
    flows: known,
    waiting: entries().length,
    rootsWithoutFlow: stored.tasks.filter((task) => !known.has(task.flowId)).length,
    isQuiet,
    vendor,
    writtenAt,
    posts: app.posts,
    deliveryLogs: new Map(await Promise.all(stored.flows.filter(hasLog).map(logOf))),
    replays: await webhookStore.replays(SUBSCRIBED_APP),
    deliveries: (await Promise.all(stored.flows.map(({ id }) => webhookStore.deliveriesOf(id)))).flat(),
    mjPresses: mjClient.presses,
    mjPointers: (await Promise.all(["app", SUBSCRIBED_APP].map((id) => mjTaskIds.latest(id, 10_000)))).flat(),
    credits: [...ledger.credits.values()],
    broken,
    forgedAccepted,
    forgedRefused,
    ownRefused,
    points: processes.points,
    killed: processes.killed,
    storedByClaim,
    handedOver,
    longestChain,
    events,
    virtualMs: scheduler.now() - START,
    metrics,
  };
}

/**
 * Counts the invocations of a chain, as Lambda does by a header that the SDK passes on. The count is independent of what
 * mjflow counts. It travels in the body, where the code ignores it.
 */
function lineageOf({ body }: SQSRecord): number {
  return (JSON.parse(body) as { lineage?: number }).lineage ?? 1;
}

/** @param type type of the message whose handling sends messages */
function withLineage(queue: Queue, type: Message["type"], lineage: number): Queue {
  const next = ({ message, ...rest }: OutgoingMessage): OutgoingMessage =>
    QUEUE_OF[message.type] === QUEUE_OF[type]
      ? { ...rest, message: Object.assign({ ...message }, { lineage: lineage + 1 }) }
      : { ...rest, message };
  return { send: (messages) => queue.send(messages.map(next)), resend: (body, group) => queue.resend(body, group) };
}

interface Spells {
  isBusy(account: string, at: number): boolean | number;
  answerMs(account: string, at: number): number;
  /** Accounts whose wait list loses its state row now. */
  listsLost(at: number): string[];
}

/** Minutes in which an account is busy, does not respond, or loses the row of its wait list. */
function createSpells(rng: ReturnType<typeof createRng>, accounts: readonly string[], profile: FaultProfile): Spells {
  const draw = (chance: number, maxMs: number) => {
    const from = rng.int(0, 180_000);
    return rng.chance(chance) ? { from, to: from + rng.int(30_000, maxMs) } : { from: 0, to: 0 };
  };
  const drawn = new Map(
    accounts.map((account) => [
      account,
      {
        busy: draw(profile.busySpell, 600_000),
        hang: draw(profile.hangSpell, 300_000),
        lost: draw(profile.listLost, 600_000),
        afterMs: rng.chance(0.3) ? rng.int(2_000, 120_000) : true,
      },
    ]),
  );
  const isIn = ({ from, to }: { from: number; to: number }, at: number) => at >= from && at < to;
  return {
    isBusy: (account, at) => isIn(drawn.get(account)!.busy, at) && drawn.get(account)!.afterMs,
    answerMs: (account, at) => (isIn(drawn.get(account)!.hang, at) ? Number.POSITIVE_INFINITY : 0),
    listsLost: (at) => accounts.filter((account) => isIn(drawn.get(account)!.lost, at)),
  };
}

/** Part of the processes that start in a new container, as after a crash. */
const COLD_STARTS = 0.1;

/** Processes of one function share a few containers. Returns the container of a new process. */
function createContainers(rng: ReturnType<typeof createRng>, size: number): (process: string) => object {
  const pools = new Map<string, object[]>();
  return (process) => {
    const pool = pools.get(process) ?? [];
    pools.set(process, pool);
    const n = rng.int(0, size - 1);
    if (pool[n] === undefined || rng.chance(COLD_STARTS)) pool[n] = {};
    return pool[n];
  };
}

function overloaded(): Error {
  return new MjflowError("overloaded");
}

/** Returns true if everything has ended, every flow end is recorded and nothing is in the due index. */
function isAllEnded({ flows, tasks }: { flows: Flow[]; tasks: Task[] }): boolean {
  return (
    flows.every((flow) => flow.status !== "running" && flow.due === undefined) &&
    tasks.every((task) => isEnded(task) && !hasOwnDueEntry(task))
  );
}

/** Wraps the vendor's methods, so that a worker can crash before and after each call of the vendor. */
function withCalls<P extends object>(wrap: Wrap, provider: P): P {
  return wrap("vendor", provider);
}

/** Returns a store that creates flows at this account, whatever account was selected. */
function ofAccount(store: Store, account: string): Store {
  const createFlow: Store["createFlow"] = (flow, root) => store.createFlow({ ...flow, account }, { ...root, account });
  return { ...store, createFlow };
}

function withoutPrompts(plan: readonly PlanInput[]): PlanInput[] {
  return plan.map(({ prompt: _, then, ...rest }) => ({ ...rest, ...(then && { then: withoutPrompts(then) }) }));
}

function randomPlan(depth: number, rng: { int(a: number, b: number): number }): PlanInput[] {
  if (depth === 0) return [];
  const presses = ["U1", "U2", "V1", "V3", "reroll"].slice(0, rng.int(1, depth === 3 ? 2 : 4));
  return presses.map((press) => {
    const prompt = modalKindOfPress(press) === "never" ? {} : { prompt: "more sky" };
    return { press, ...prompt, then: randomPlan(depth - 1, rng) };
  });
}

interface Time {
  now(): number;
  /** Tolerance for a time that is later than expected, ms. */
  slackMs: number;
}

/** WL3: at most one dispatcher serves a wait list. Checked at every write of its lease. */
function checkWaitLists<S extends Store>(store: S, now: () => number, broken: string[]): S {
  const saveWaitList: Store["saveWaitList"] = async (list) => {
    const before = await store.waitList(list.provider, list.account);
    const saved = await store.saveWaitList(list);
    const isTaken = saved.ok && list.dispatchUntil !== undefined && list.dispatchUntil !== before?.dispatchUntil;
    if (isTaken && (before?.dispatchUntil ?? 0) > now()) broken.push(`WL3 ${list.account} has two dispatchers`);
    if (saved.ok && list.since !== undefined && list.due === undefined)
      broken.push(`WL2 the wait list of ${list.account} has no due time`);
    return saved;
  };
  return { ...store, saveWaitList };
}

/** Returns a store whose due index shows a row only some time after it was written. */
function lagIndex<S extends Store>(store: S, now: () => number, lagMs: number): S {
  if (lagMs === 0) return store;
  return {
    ...store,
    due: (partition, before, ...rest) => store.due(partition, Math.min(before, now() - lagMs), ...rest),
    duePartitions: (before) => store.duePartitions(Math.min(before, now() - lagMs)),
  };
}

/** SL1 and CS1: a slot is added only while the account has fewer than its limit. Checked after every write of a slot. */
function checkSlots<S extends Store>(
  store: S,
  maxRunning: number | undefined,
  maxCalls: (account: string) => number | undefined,
  broken: string[],
): S {
  const acquireSlots: Store["acquireSlots"] = async (ref, ...rest) => {
    const written = await store.acquireSlots(ref, ...rest);
    const { slots } = await store.accountState(ref.provider, ref.account);
    const held = (kind: SlotKind) => slots.flatMap((row) => (row.kind === kind ? Object.keys(row.held) : [])).length;
    if (written.ok && held("tasks") > maxRunning!)
      broken.push(`SL1 ${ref.account} has ${held("tasks")} of ${maxRunning} slots`);
    const calls = maxCalls(ref.account) ?? 0;
    if (written.ok && held("calls") > calls)
      broken.push(`CS1 ${ref.account} has ${held("calls")} of ${calls} slots for calls`);
    return written;
  };
  return { ...store, acquireSlots };
}

/** Names of the slots for calls that one process has added, whether it knows it or not. */
function recordCallSlots<S extends Store>(store: S, names: Set<string>): S {
  const acquireSlots: Store["acquireSlots"] = (ref, added, ...rest) => {
    if (ref.kind === "calls") for (const name of added) names.add(name);
    return store.acquireSlots(ref, added, ...rest);
  };
  return { ...store, acquireSlots };
}

/** CS1: while a worker waits for a response, a row has an entry of it. Checked before and after every paid call. */
function checkCalls(
  store: Store,
  provider: Provider,
  { limit, names }: { limit: CallLimit | undefined; names: ReadonlySet<string> },
  broken: string[],
): Provider {
  if (!limit) return provider;
  async function check(account: string, when: string): Promise<void> {
    const { slots } = await store.accountState("sim", account);
    const finished = new Set([...limit!.finished.values()].flat().map(({ name }) => name));
    const entries = slots.flatMap((row) => (row.kind === "calls" ? Object.keys(row.held) : []));
    if (!entries.some((entry) => names.has(entry) && !finished.has(entry)))
      broken.push(`CS1 a worker that waits for ${account} has no slot ${when} its call`);
  }
  const checked =
    <C>(call: (what: C, context: CallContext) => Promise<SubmitOutcome>) =>
    async (what: C, context: CallContext) => {
      await check(context.account.apiKey, "before");
      const outcome = await call(what, context);
      await check(context.account.apiKey, "after");
      return outcome;
    };
  return {
    ...provider,
    submit: checked(provider.submit),
    press: checked(provider.press),
    modal: checked(provider.modal),
  };
}

/** P1: a paid call begins so early that it ends before the timeout of its function. Otherwise its outcome is lost. */
function beginInTime(provider: Provider, now: () => number, broken: string[]): Provider {
  const latest = now() + FUNCTION_TIMEOUT_S.submit * 1_000 - TIMINGS.answerMs;
  const timed =
    <C>(call: (what: C, context: CallContext) => Promise<SubmitOutcome>) =>
    async (what: C, context: CallContext) => {
      if (now() > latest) broken.push(`P1 a call of ${context.state} began ${now() - latest} ms too late`);
      return call(what, context);
    };
  const { submit, press, modal } = provider;
  return { ...provider, submit: timed(submit), press: timed(press), modal: timed(modal) };
}

/** Returns a wrapper for the store of each code version. It checks the rules T1, T2 and T4 after every write. */
function createRuleChecks(
  broken: string[],
  { now, slackMs }: Time,
  onTask: (task: Task) => void,
): (store: Store) => Store {
  const last = new Map<string, Task>();
  const flows = new Map<string, Flow>();
  function checkFlow(flow: Flow): void {
    flows.set(flow.id, flow);
    const latest = nextFlowDue(flow, [], now(), TIMINGS) + slackMs;
    if (flow.status === "running" && (flow.due === undefined || flow.due > latest))
      broken.push(`T4 ${flow.id} runs, but its due time is ${flow.due === undefined ? "missing" : "too late"}`);
  }
  function check(task: Task): void {
    onTask(task);
    const key = `${task.flowId} ${task.path}`;
    const before = last.get(key);
    last.set(key, task);
    // At the end of its waiting time the sweeper starts a modal answer once more. A busy vendor ends it then.
    const end = task.createdAt + 2 * TIMINGS.pendingMs[task.pace] + TIMINGS.modalMs;
    const until = Math.max(end, task.updatedAt + TIMINGS.requeueMs) + slackMs;
    if (isInWaitList(task) && task.due! > until) broken.push(`WL1 ${task.path} waits without end`);
    if (!isEnded(task) && task.due === undefined) broken.push(`T4 ${task.path} ${task.status} has no due time`);
    if (!isEnded(task) && !hasOwnDueEntry(task)) {
      const flow = flows.get(task.flowId);
      if (flow?.status !== "running") broken.push(`T4 ${task.path} ${task.status} waits, but its flow does not run`);
      else if (flow.due! > task.due! + slackMs)
        broken.push(`T4 ${task.path} ${task.status} is due before its flow, which covers it`);
    }
    if (!before) return;
    const isAdopted = isEnded(before) && isAdoption(before, task);
    if (isEnded(before) && task.status !== before.status && !isAdopted)
      broken.push(`T1 ${task.path} ${before.status} to ${task.status}`);
    if (task.progress < before.progress) broken.push(`T2 ${task.path} ${before.progress}% to ${task.progress}%`);
    if (isEnded(before) && !isAdopted && !keepsResult(before, task)) {
      broken.push(`T1 ${task.path} changed its result after its end`);
    }
  }
  return (store) => observeStore(store, { task: check, flow: checkFlow });
}

/** True if the stored late success of the task became its end, and the end before it is now the late report (T1). */
function isAdoption(before: Task, task: Task): boolean {
  return (
    before.status !== "SUCCESS" &&
    task.status === "SUCCESS" &&
    before.late?.status === "SUCCESS" &&
    task.late?.status === before.status &&
    JSON.stringify(task.result) === JSON.stringify(before.late.result)
  );
}

/** True if every field of the earlier result is unchanged. Only a success can gain fields: its image or its buttons. */
function keepsResult(before: Task, { status, result = {} }: Task): boolean {
  const fields = new Map<string, unknown>(Object.entries(result));
  const earlier = Object.entries(before.result ?? {}).filter(([, value]) => JSON.stringify(value) !== "[]");
  const isKept = earlier.every(([name, value]) => JSON.stringify(fields.get(name)) === JSON.stringify(value));
  return isKept && (status === "SUCCESS" || fields.size === Object.keys(before.result ?? {}).length);
}
