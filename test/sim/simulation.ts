/**
 * The real engine and core on a table and a queue in memory, under a seeded scheduler: every port call is two points at
 * which the process making it may be delayed or die. One house is one seed: a handful of flows, run to quiescence.
 */

import type { Limits } from "@mjflow/core/app";
import { type Credit, ORPHANED_HOLD_AFTER_MS } from "@mjflow/core/credit";
import { MjflowError } from "@mjflow/core/error";
import { type Flow, flowStatus, nextFlowDue } from "@mjflow/core/flow";
import { ROOT_PATH, taskIdOf } from "@mjflow/core/id";
import type { Clock, Log, Metric, Store } from "@mjflow/core/port";
import { needsWrite, type Report } from "@mjflow/core/report";
import type { PlanInput } from "@mjflow/core/request";
import { hasOwnDueEntry, isEnded, type Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import { archive } from "@mjflow/engine/archive";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { cancelFlow, resumeFlow } from "@mjflow/engine/cancel";
import { createFlow } from "@mjflow/engine/create";
import { creditOf } from "@mjflow/engine/credit";
import { deliver, notifySubscribers } from "@mjflow/engine/deliver";
import { handleCallback } from "@mjflow/engine/handle-callback";
import { handleDeadLetter } from "@mjflow/engine/handle-dead-letter";
import { pressTask } from "@mjflow/engine/press";
import { applyAcceptedMessage, handleSubmitMessage, submit } from "@mjflow/engine/submit";
import { createSubscriptions } from "@mjflow/engine/subscriptions";
import { sweep } from "@mjflow/engine/sweep";
import type { Vault } from "@mjflow/engine/vault";
import { consume } from "@mjflow/queue/consume";
import { createMemoryQueue } from "@mjflow/queue/memory";
import { createMemoryStore } from "@mjflow/store/memory";
import { createMemoryTable, type MemoryTable } from "@mjflow/store/memory-table";
import { createVendorStore } from "@mjflow/store/vendor";
import { createWebhookStore } from "@mjflow/store/webhook";
import { createApp, ENDPOINT_URL, NOTIFY_HOOK_URL, type Posted, SUBSCRIBED_APP } from "./app.ts";
import { type FaultProfile, NO_FAULTS } from "./fault-profile.ts";
import { createLedger } from "./ledger.ts";
import { observePort } from "./observe.ts";
import { type CallOutcome, type CrashPoint, createProcesses, type Wrap } from "./process.ts";
import { createRng } from "./random.ts";
import { createScheduler } from "./scheduler.ts";
import { createVendor, type VendorTask } from "./vendor.ts";

/** The steps and ports that processes are made of. */
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
  createHooks: createCallbackTokens,
  createAccounts,
};

/** One version of the code, and the table as it sees it. */
export interface Version {
  code: typeof CURRENT_VERSION;
  store: Store;
}

/** Where a house differs from the plain one: which code its processes run, what they believe of time, keys and vendors. */
export interface SimulationVariant {
  /** Asked for each process, which runs it to its end. All versions must be over one table, which `dump` shows. */
  versionOf?(process: string): Version;
  dump?(): { flows: Flow[]; tasks: Task[] };
  /** Where endpoints and deliveries are, and all else that versions store. */
  table?: MemoryTable;
  /** The clock of one process. */
  clockOf?(process: string, now: () => number): Clock;
  /** The hook keys that a process begins with, newest first. @param at ms since the house began */
  keysOf?(process: string, at: number): readonly string[];
  /** The vendor lists what it took by our mark. */
  searched?: boolean;
  /** The vendor's accounts; flows take turns. Each has ids of its own, which are the same as the others'. */
  accounts?: readonly string[];
  /** Each root goes to one of the accounts by the engine's own choice, instead of in turns. */
  routed?: boolean;
  /** Of each account. */
  maxRunning?: number;
  /** What every flow asks for, should its vendor be lost. */
  onVendorLoss?: "restart";
  /** False: the account was taken out of the configuration. @param at ms since the house began */
  isConfigured?(account: string, at: number): boolean;
}

export interface SimulationOptions {
  seed: number;
  flows: number;
  profile?: FaultProfile;
  /** Instead of the profile's chance: what happens at each point. For exhaustive sweeps. */
  outcomeAt?: (point: CrashPoint) => CallOutcome | undefined;
  /** Told of each write and of each submission the vendor took: the story of a seed that broke a rule. */
  trace?: (line: { at: number; flowId: string; path: string; what: string }) => void;
  /** What each flow presses; drawn from the seed when not given. */
  plan?: readonly PlanInput[];
  /** Half the flows' apps listen. Off, a seed is the same run it was before there was anything to hear. */
  hooks?: boolean | "always";
  /**
   * Of every app. With them its flows are paid for beforehand; and where nobody said what is pressed, appActs press by hand,
   * call flows off, and go on with them.
   */
  limits?: Limits;
  variant?: SimulationVariant;
}

export interface AcceptedRequests {
  flowId: string;
  state: string;
  at: number;
}

/** All that a run leaves behind, for the invariants to look at. */
export interface SimulationRun {
  seed: number;
  /** Flows whose creation was answered; the others may exist whole or not at all. */
  accepted: AcceptedRequests[];
  flows: Map<string, { flow: Flow; tasks: Task[]; status: ReturnType<typeof flowStatus> }>;
  /** Roots without a flow that were never swept. */
  rootsWithoutFlow: number;
  vendor: ReturnType<typeof createVendor>;
  posts: Posted[];
  /** What the apps have spent, where they are limited. */
  credits: Credit[];
  broken: string[];
  forgedAccepted: number;
  forgedRefused: number;
  /** Callbacks of the vendor's own that were not believed. */
  ownRefused: number;
  points: number;
  killed: number;
  events: number;
  virtualMs: number;
  /** From a success being stored to its first follow-up reaching the vendor. */
  metrics: Map<Metric, number>;
}

export const START = Date.UTC(2026, 10, 21);
/** Longer than a webhook is tried. */
const HORIZON_MS = 96 * 3_600_000;
const SWEEP_MS = 60_000;
const HOUR_MS = 3_600_000;
const VISIBILITY_MS = 600_000;
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
  const memory = createMemoryStore({ table });
  const webhookStore = createWebhookStore({ table, now: () => 0 });
  const vendorStore = createVendorStore(table);
  // Draws of its own, so that what is heard changes nothing of what happens.
  const hookRng = createRng(seed ^ 0x5f3759df);
  const app = createApp(hookRng, profile);
  // Nothing is at rest here: sealing would take a tenth of the time and prove nothing.
  const vault: Vault = { seal: (secret) => secret, open: (sealed) => sealed, isCurrent: () => true };
  const withRuleChecks = createRuleChecks(
    broken,
    // Without clocks of their own: a process that stood still for a while writes what was true before.
    { now: () => scheduler.now(), slackMs: variant.clockOf ? HOUR_MS : 1_000 },
    (task) => {
      const { flowId, path, status, attempt, phase, rev, busyAnswers } = task;
      trace?.({
        at: scheduler.now() - START,
        flowId,
        path,
        what: `rev ${rev} ${status} attempt ${attempt} ${phase} busy ${busyAnswers}`,
      });
    },
  );
  const appActs = limits !== undefined && plan === undefined;
  const ledger = createLedger(broken, now);
  const versions = new Map<Store, Store>();
  const currentVersion: Version = { code: CURRENT_VERSION, store: memory };
  const dump = variant.dump ?? memory.dump;
  const queue = createMemoryQueue({ now, visibilityMs: VISIBILITY_MS, maxReceiveCount: 5 });
  const random = { bytes: (n: number) => rng.bytes(n), chance: () => rng.next() };

  const processes = createProcesses(scheduler, (point) => {
    const fixed = outcomeAt?.(point);
    if (fixed) return fixed;
    if (rng.chance(profile.crash)) return { kind: "die" };
    const delayMs = rng.int(1, 20);
    if (/^(?:store|webhookStore|vendorStore)\./.test(point.call) && /\.(save|create)/.test(point.call)) {
      if (point.when === "before" && rng.chance(profile.tableRefuses))
        return { kind: "throw", delayMs, error: overloaded() };
      if (point.when === "after" && rng.chance(profile.tableLies))
        return { kind: "throw", delayMs, error: overloaded() };
    }
    return { kind: "go", delayMs };
  });

  let forgedAccepted = 0;
  let forgedRefused = 0;
  let ownRefused = 0;
  const vendor = createVendor({
    scheduler,
    rng,
    profile,
    searched: variant.searched ?? false,
    onAccepted: ({ flowPart, path, attempt, id }) =>
      trace?.({
        at: scheduler.now() - START,
        flowId: `flow_${flowPart}`,
        path,
        what: `VENDOR took attempt ${attempt} as ${id}`,
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
  const accountsOf = variant.accounts ?? ["default"];
  const account = (name: string) =>
    (variant.isConfigured?.(name, now() - START) ?? true) ? { baseUrl: "http://v.test", apiKey: name } : undefined;

  type Deps = ReturnType<typeof depsOf>;
  /** A fresh process with ports of its own; what it believes of accounts dies with it. */
  function start<T>(
    name: string,
    body: (deps: Deps, code: Version["code"]) => Promise<T>,
    end?: (result: T | undefined) => void,
  ): void {
    const { code, store } = variant.versionOf?.(name) ?? currentVersion;
    processes.start(name, (wrap) => body(depsOf(name, wrap, code, store), code), end);
  }

  function depsOf(name: string, wrap: Wrap, code: Version["code"], plain: Store) {
    if (!versions.has(plain)) versions.set(plain, ledger.observe(withRuleChecks(plain)));
    const clock = variant.clockOf?.(name, now) ?? { now };
    const keys = variant.keysOf?.(name, now() - START) ?? HOOK_KEYS;
    const slots = wrap("vendorStore", vendorStore);
    const parts = { store: wrap("store", versions.get(plain)!), vendorStore: slots, clock, log, timings: TIMINGS };
    return {
      ...parts,
      queue: wrap("queue", { send: sendLossy, resend: (body: string) => queue.resend(body) }),
      limits,
      blobs: wrap("blobs", { putInputs: async () => {}, getInputs: async () => ({}) }),
      providers: {
        ids: () => ["sim"],
        get: () => ({
          account,
          accounts: () =>
            accountsOf.filter(account).map((name) => ({ name, weight: 1, maxRunning: variant.maxRunning })),
          provider: withCalls(wrap, vendor.provider),
        }),
      },
      callbackTokens: code.createHooks({ keys, callbackUrl: "https://h.test" }),
      random,
      accounts: code.createAccounts(parts),
      webhookStore: wrap("webhookStore", webhookStore),
      // Asked of the table as it is: what flows hear is no fault of ours to try here.
      subscriptions: createSubscriptions({ webhookStore, clock, cacheTtlMs: 0, bus: false }),
      banned: { assertAllowed: async () => {} },
      vault,
      newWebhookSecret: () => ({ secret: "whsec_c2ltdWxhdGVkIHNlY3JldCwgbm90IGEgcmVhbCBvbmU=" }),
      webhooks: wrap("app", { send: app.send }),
      outbound: { post: async () => ({ kind: "forbidden" as const, why: "simulated" }) },
      mediaUrl: (key: string) => `https://m.test/${key}`,
      media: wrap("media", app.media),
    };
  }

  async function sendLossy(messages: Parameters<typeof queue.send>[0]): Promise<void> {
    await queue.send(messages.filter(() => !rng.chance(profile.loseMessage)));
    for (const { delayMs = 0 } of messages) scheduler.at(delayMs + 1_001, poll);
    scheduler.at(5, poll);
  }

  function callback(token: string, body: string, task: VendorTask): void {
    start(
      "callback",
      (deps, code) => code.receive({ ...deps, readCallback }, token, body),
      (received) => {
        if (received?.kind === "refused") ownRefused++;
        const isConfirmed = received?.kind === "recorded" && needsWrite(JSON.parse(body) as Report);
        if (isConfirmed) task.confirmedAt ??= scheduler.now();
      },
    );
  }

  function poll(): void {
    const records = queue.receive(10);
    if (records.length === 0) return;
    // Visible again should this worker die.
    scheduler.at(VISIBILITY_MS + 1, poll);
    const copies = rng.chance(profile.copyMessage) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      start(
        "submit",
        (deps, code) =>
          code.consume(
            { Records: records },
            (message) => {
              if (message.type === "tell") return code.tell(deps, message);
              if (message.type === "archive") return code.archive(deps, message);
              return message.type === "deliver" ? code.deliver(deps, message.deliveryId) : code.work(deps, message);
            },
            { log },
          ),
        (response) => {
          if (!response || copy > 0) return;
          const failed = new Set(response.batchItemFailures.map((failure) => failure.itemIdentifier));
          for (const record of records) if (!failed.has(record.messageId)) queue.delete(record.receiptHandle);
        },
      );
    }
    scheduler.at(1, poll);
  }

  let handledDeadLetters = 0;
  function cron(): void {
    start("sweep", (deps, code) => code.sweep(deps));
    for (const message of queue.deadLetters.slice(handledDeadLetters)) {
      handledDeadLetters++;
      start("deadletter", (deps, code) => code.bury(deps, message));
    }
    scheduler.at(SWEEP_MS, cron);
  }

  // ── the app ──

  if (hooks) {
    const listener = { appId: SUBSCRIBED_APP, id: "ep_01HZZZZZZZZZZZZZZZZZZZZZZZ", rev: 0, url: ENDPOINT_URL };
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
    scheduler.at(rng.int(0, 60_000), () => {
      const state = `${seed}/${i} "🛶"\n${rng.int(0, 1e9)}`;
      const then = [...(plan ?? randomPlan(rng.int(0, 3), rng))];
      const usesEndpoint = hooks === "always" || (hooks && hookRng.chance(0.15));
      const usesNotifyHook = hooks === "always" || (hooks && hookRng.chance(0.2));
      const archived = hooks === "always" || (hooks && hookRng.chance(0.15));
      if (archived) then.push({ press: "tile:1" });
      start(
        "api",
        (deps, code) =>
          code.createFlow(
            variant.routed ? deps : { ...deps, store: ofAccount(deps.store, accountsOf[i % accountsOf.length]!) },
            usesEndpoint ? SUBSCRIBED_APP : "app",
            {
              provider: "sim",
              prompt: "x",
              state,
              then,
              onVendorLoss: variant.onVendorLoss,
              ...(usesNotifyHook && { notifyHook: NOTIFY_HOOK_URL }),
            },
            { storeProgress: rng.chance(0.3), resubmit: "after-grace", archive: archived },
          ),
        (created) => {
          if (!created) return;
          accepted.push({ flowId: created.flow.id, state, at: scheduler.now() });
          if (appActs && rng.chance(0.4)) pressLater(created.flow, rng.int(30_000, 900_000));
          if (appActs && rng.chance(0.2)) cancelLater(created.flow);
        },
      );
    });
  }
  scheduler.at(SWEEP_MS, cron);

  /** A person looks at the first picture some time, and if it is there presses a button that no plan has. */
  function pressLater({ id, appId }: Flow, afterMs: number): void {
    const request = { press: "U4", then: rng.chance(0.5) ? [{ press: "reroll" }] : [] };
    scheduler.at(afterMs, () => start("api", (deps) => pressTask(deps, appId, taskIdOf(id, ROOT_PATH), request)));
  }

  /** A person calls it off, and some time later thinks better of it, or not. */
  function cancelLater({ id, appId }: Flow): void {
    const cancelMs = rng.int(0, 300_000);
    scheduler.at(cancelMs, () => start("api", (deps) => cancelFlow(deps, appId, id)));
    if (rng.chance(0.5)) {
      scheduler.at(cancelMs + rng.int(1, 3_600_000), () => start("api", (deps) => resumeFlow(deps, appId, id)));
    }
  }

  const quiet = () =>
    // Not before everybody has done what they had in mind.
    scheduler.now() > START + (appActs ? 4_200_000 : 120_000) &&
    isAllEnded(dump()) &&
    table.dump().every((item) => item["dueShard"] === undefined);
  let events = 0;
  // Looked at now and then: the dump is a copy of everything.
  for (let until = START + 300_000; until <= START + HORIZON_MS; until += 300_000) {
    events += await scheduler.run(until);
    if (quiet()) break;
  }

  // What dead processes hold is given back by whoever asks next.
  for (const appId of limits ? ["app", SUBSCRIBED_APP] : []) {
    const clock = { now: () => now() + ORPHANED_HOLD_AFTER_MS };
    for (let i = 0; i < flows; i++) await creditOf({ store: ledger.observe(memory), clock, log }, appId);
  }
  const left = dump();
  const byFlow = Map.groupBy(left.tasks, (task) => task.flowId);
  const found = left.flows.map((flow) => {
    const tasks = byFlow.get(flow.id) ?? [];
    return [flow.id, { flow, tasks, status: flowStatus(tasks) }] as const;
  });
  const known = new Map(found);
  return {
    seed,
    accepted,
    flows: known,
    rootsWithoutFlow: left.tasks.filter((task) => !known.has(task.flowId)).length,
    vendor,
    posts: app.posts,
    credits: [...ledger.credits.values()],
    broken,
    forgedAccepted,
    forgedRefused,
    ownRefused,
    points: processes.points,
    killed: processes.killed,
    events,
    virtualMs: scheduler.now() - START,
    metrics,
  };
}

function overloaded(): Error {
  return new MjflowError("overloaded");
}

/** Everything has ended and been recorded as ended; nothing waits in the due index. */
function isAllEnded({ flows, tasks }: { flows: Flow[]; tasks: Task[] }): boolean {
  return (
    flows.every((flow) => flow.status !== "running" && flow.due === undefined) &&
    tasks.every((task) => isEnded(task) && task.due === undefined)
  );
}

/** The vendor's verbs are points too: a worker can die on either side of its call. */
function withCalls<P extends object>(wrap: Wrap, provider: P): P {
  return wrap("vendor", provider);
}

/** Flows of this account, whatever chooses between accounts one day. */
function ofAccount(store: Store, account: string): Store {
  const createFlow: Store["createFlow"] = (flow, root) => store.createFlow({ ...flow, account }, { ...root, account });
  return { ...store, createFlow };
}

function randomPlan(depth: number, rng: { int(a: number, b: number): number }): PlanInput[] {
  if (depth === 0) return [];
  const presses = ["U1", "U2", "V1", "V3", "reroll"].slice(0, rng.int(1, depth === 3 ? 2 : 4));
  return presses.map((press) => ({ press, prompt: "more sky", then: randomPlan(depth - 1, rng) }));
}

interface Time {
  now(): number;
  /** How much later than it should be a time may be. */
  slackMs: number;
}

/** The rules that hold at every write, checked at every write, whichever version makes it. */
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
      broken.push(`T4 ${flow.id} runs, and is looked at ${flow.due === undefined ? "never" : "too late"}`);
  }
  function check(task: Task): void {
    onTask(task);
    const key = `${task.flowId} ${task.path}`;
    const before = last.get(key);
    last.set(key, task);
    if (!isEnded(task) && task.due === undefined)
      broken.push(`T4 ${task.path} ${task.status} waits without a due time`);
    if (!isEnded(task) && !hasOwnDueEntry(task)) {
      const flow = flows.get(task.flowId);
      if (flow?.status !== "running") broken.push(`T4 ${task.path} ${task.status} waits with a flow that does not`);
      else if (flow.due! > task.due! + slackMs) broken.push(`T4 ${task.path} ${task.status} waits with a later flow`);
    }
    if (!before) return;
    if (isEnded(before) && task.status !== before.status)
      broken.push(`T1 ${task.path} ${before.status} to ${task.status}`);
    if (task.progress < before.progress) broken.push(`T2 ${task.path} ${before.progress}% to ${task.progress}%`);
    if (
      isEnded(before) &&
      before.result !== task.result &&
      JSON.stringify(before.result) !== JSON.stringify(task.result)
    ) {
      broken.push(`T1 ${task.path} has another result`);
    }
  }
  return (store) => observePort(store, { task: check, flow: checkFlow });
}
