/**
 * The whole service in memory: the real engine and core, a table and a queue in memory, a scripted vendor and a manual
 * clock. Nothing runs by itself: a test drains the queue, finishes tasks at the vendor and runs the sweeper.
 */
import type { AccountTraits } from "@mjflow/core/account";
import type { AccountTest } from "@mjflow/core/account-test";
import type { Limits } from "@mjflow/core/app";
import type { Button } from "@mjflow/core/button";
import { type Flow, flowStatus } from "@mjflow/core/flow";
import type { Message } from "@mjflow/core/message";
import type {
  CallContext,
  Metric,
  Post,
  PostOutcome,
  Provider,
  Queue,
  Store,
  SubmitOutcome,
  Translator,
  Vendor,
  WebhookStore,
} from "@mjflow/core/port";
import type { Report, ReportStatus, Result } from "@mjflow/core/report";
import type { FlowRequest } from "@mjflow/core/request";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import { archive } from "@mjflow/engine/archive";
import { createBannedWordsCheck } from "@mjflow/engine/banned";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { continueChain } from "@mjflow/engine/chain";
import { createConcurrencyLimiter } from "@mjflow/engine/concurrency-limiter";
import { createFlow, type FlowDefaults } from "@mjflow/engine/create";
import { deliver, type WebhookSender } from "@mjflow/engine/deliver";
import { handleCallback } from "@mjflow/engine/handle-callback";
import { handleDeadLetter } from "@mjflow/engine/handle-dead-letter";
import { createMediaLinks } from "@mjflow/engine/media-link";
import { createMjHookListener } from "@mjflow/engine/mj-read";
import { notifySubscribers } from "@mjflow/engine/notify";
import { createReceiverLimiter } from "@mjflow/engine/receiver-limiter";
import { runReplay } from "@mjflow/engine/replay-job";
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { createSubscriptions } from "@mjflow/engine/subscriptions";
import { sweep } from "@mjflow/engine/sweep";
import { createVault } from "@mjflow/engine/vault";
import { createVendors, type VendorDeps } from "@mjflow/engine/vendor-accounts";
import { readAnyCallback } from "@mjflow/providers/families/callback";
import { consume } from "@mjflow/queue/consume";
import type { SQSRecord } from "@mjflow/queue/event";
import { createMarkStore } from "@mjflow/store/mark";
import { createMjTaskIdStore } from "@mjflow/store/mj-task-id";
import { createUploadCounts } from "@mjflow/store/upload-count";
import { createVendorStore } from "@mjflow/store/vendor";
import { createWebhookStore } from "@mjflow/store/webhook";
import { createMemoryImages } from "./images.ts";
import { checkedLog } from "./log-line.ts";
import { createMemoryBlobs } from "./memory/blobs.ts";
import { createMemoryQueue } from "./memory/queue.ts";
import { createMemoryStore, type MemoryStore } from "./memory/store.ts";
import { createMemoryTable, type MemoryTable } from "./memory/table.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
type Json = any;

const VAULT_KEY = "a vault key for tests, long enough to be accepted";
export const TOKEN_KEY = "a callback token key for tests, long enough to be accepted";
const VISIBILITY_MS = 600_000;

/** One submission as the vendor received it. */
export interface Call {
  kind: "submit" | "press" | "modal";
  id: string;
  customId?: string;
  parent?: string;
  prompt?: string;
  mask?: string;
  context: CallContext;
}

export type TestHarness = ReturnType<typeof createTestHarness>;

export interface TestHarnessOptions {
  /** Store; unset: a new one in memory. Harnesses that share a store need different seeds for their ids. */
  store?: Store;
  /** Table with endpoints and deliveries; unset: a new one in memory. */
  table?: MemoryTable;
  seed?: number;
  /** Configured vendor accounts by provider id and account name; one simulated vendor serves them all. */
  accounts?: Record<string, Record<string, Partial<AccountTraits>>>;
  /** Real provider adapters instead of the simulated vendor; callbacks are read with their dialects. Unset: simulated. */
  registry?: VendorDeps["configured"];
}

/** The accounts if a test configures none. */
const ONE_ACCOUNT = { fake: { default: {} } };

export const HARNESS_START = Date.UTC(2026, 10, 21);

export function createTestHarness({
  table = createMemoryTable(),
  store: memory = createMemoryStore({ table }),
  seed = 0,
  accounts: configured = ONE_ACCOUNT,
  registry,
}: TestHarnessOptions = {}) {
  let now = HARNESS_START;
  const clock = { now: () => now };
  const metrics = new Map<Metric, number>();
  const lines: string[] = [];
  const note = (event: string, fields?: Record<string, unknown>) =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const log = checkedLog({
    info: note,
    warn: note,
    error: note,
    count: (metric, by = 1) => void metrics.set(metric, (metrics.get(metric) ?? 0) + by),
  });
  const storeFault = faultable<Store>(memory);
  const queue = createMemoryQueue({ now: clock.now, visibilityMs: VISIBILITY_MS, maxReceiveCount: 5 });
  const queueFault = faultable<Queue>({
    send: (messages) => queue.send(messages),
    resend: (body, group) => queue.resend(body, group),
  });
  const vendor = createVendor();
  const vault = createVault([VAULT_KEY]);
  const vendorStore = createVendorStore(table);
  const vendors = createVendors({
    configured: registry ?? configuredAs(configured, vendor.provider),
    vendorStore,
    vault,
    clock,
    log,
    cacheTtlMs: TIMINGS.beliefMs,
  });
  const deps = {
    store: storeFault.port,
    queue: queueFault.port,
    blobs: createMemoryBlobs(),
    providers: vendors,
    callbackTokens: createCallbackTokens({ keys: [TOKEN_KEY], callbackUrl: "https://hooks.test" }),
    clock,
    random: { bytes: (n: number) => new Uint8Array(n).fill(++seed), chance: () => 1 },
    timings: TIMINGS,
    log,
    readCallback: registry
      ? readAnyCallback
      : (_provider: string, body: string): Report | undefined => vendor.provider.readCallback(body),
  };
  const hookFault = faultable<WebhookStore>(createWebhookStore({ table, now: clock.now }));
  const mjTaskIds = createMjTaskIdStore(table, { now: clock.now });
  const receiver = createReceiver();
  const input = createMemoryImages();
  const deletedPrefixes: string[] = [];
  const wired = {
    ...deps,
    images: input.images,
    uploadCounts: createUploadCounts(table),
    markStore: createMarkStore(table, { now: clock.now }),
    objects: { deleteAll: async (prefix: string) => void deletedPrefixes.push(prefix) },
    imageUrl: (key: string, extension: string) => `https://api.test/${key}/signature.${extension}`,
    translator: undefined as Translator | undefined,
    limits: undefined as Limits | undefined,
    accounts: createAccounts(deps),
    limiter: createConcurrencyLimiter({ ...deps, vendorStore }),
    webhookStore: hookFault.port,
    subscriptions: createSubscriptions({
      webhookStore: hookFault.port,
      clock,
      cacheTtlMs: TIMINGS.beliefMs,
      bus: false,
    }),
    vendors,
    vendorStore,
    accountTester: { test: async (): Promise<AccountTest> => ({ code: "ok", latencyMs: 42, status: 200 }) },
    banned: createBannedWordsCheck({ configured: [], vendorStore, clock, log, cacheTtlMs: TIMINGS.beliefMs }),
    vault,
    newWebhookSecret: () => ({ secret: `whsec_${Buffer.alloc(32, ++seed).toString("base64")}` }),
    webhooks: { send: receiver.receive },
    outbound: { post: receiver.post },
    links: { api: "https://api.test", media: (key: string) => `https://api.test/${key}` },
    mediaLinks: (baseUrl: string) => createMediaLinks({ keys: [VAULT_KEY], baseUrl }),
    urlProblem: (url: string) => (url.startsWith("https://") ? undefined : "only https is allowed"),
    // The clock is manual, so a wait advances it at once.
    sleep: async (ms: number) => {
      now += ms;
    },
    corsOrigins: [] as string[],
    objectUrl: async (key: string) => `https://bucket.test/${key}`,
    media: createStudio(),
    queueDepths: async () => [{ name: "submit" as const, ...queue.depth() }],
    mjTaskIds,
    mjHook: createMjHookListener({ mjTaskIds }),
    receiverLimiter: createReceiverLimiter(),
  };

  function handle(message: Message, record: SQSRecord): Promise<void> {
    const inChain = continueChain(wired, message);
    const receives = Number(record.attributes?.ApproximateReceiveCount ?? 1);
    if (message.type === "tell") return notifySubscribers(inChain, message, receives);
    if (message.type === "deliver") return deliver(inChain, message.deliveryId);
    if (message.type === "archive") return archive(inChain, message);
    if (message.type === "replay") return runReplay(inChain, message);
    return handleSubmitMessage(wired, message);
  }

  /** Handles visible messages, as the event source mapping does, until no message is visible. */
  async function drain(): Promise<void> {
    for (let records = queue.receive(10); records.length > 0; records = queue.receive(10)) {
      const { batchItemFailures } = await consume({ Records: records }, handle, { log });
      const failed = new Set(batchItemFailures.map((f) => f.itemIdentifier));
      for (const record of records) if (!failed.has(record.messageId)) queue.delete(record.receiptHandle);
    }
  }

  /** Sends the vendor's callback about one submission. */
  function post(call: Call, status: ReportStatus | undefined, more?: Partial<Report>) {
    return postRaw(tokenOf(call), JSON.stringify(reportOf(call, status, more)));
  }

  const postRaw = (token: string, body: string) => handleCallback(wired, token, body);

  /** Ends all submissions and their follow-ups with SUCCESS; sends each callback `copies` times. */
  async function finishAll(copies = 1): Promise<void> {
    for (let done = -1; done !== vendor.calls.length; ) {
      done = vendor.calls.length;
      await drain();
      for (const call of vendor.calls.filter((c) => !vendor.finished.has(c.id))) {
        vendor.finished.add(call.id);
        for (let i = 0; i < copies; i++) await post(call, "SUCCESS");
      }
      await drain();
    }
  }

  return {
    deps: wired,
    /** Beginnings of the keys of deleted objects. */
    deletedPrefixes,
    /** Uploads and links of requests. */
    input,
    log: lines,
    metrics,
    vendor,
    queue,
    storeFault,
    queueFault,
    hookFault,
    receiver,
    drain,
    post,
    postRaw,
    finishAll,
    /** All stored rows; works only with the store in memory. */
    dump: () => (memory as Partial<MemoryStore>).dump!(),
    sweep: () => sweep(wired),
    handleDeadLetter: (message: Message) => handleDeadLetter(wired, message),
    advance: (ms: number) => {
      now += ms;
    },
    async start(request: Partial<FlowRequest> = {}, defaults: Partial<FlowDefaults> = {}): Promise<Flow> {
      const body = { provider: "fake", prompt: "a paper boat", ...request };
      const { flow } = await createFlow(wired, "app_a", body, {
        storeProgress: false,
        resubmit: "after-grace",
        archive: false,
        ...defaults,
      });
      return flow;
    },
    async read(flow: Flow): Promise<{ flow: Flow; tasks: Map<string, Task>; status: string }> {
      const loaded = await memory.loadFlow(flow.id);
      const tasks = new Map(loaded.tasks.map((task) => [task.path, task]));
      return { flow: loaded.flow!, tasks, status: flowStatus(loaded.tasks) };
    },
  };
}

/** Provider ids that have a dialect, configured or not. */
const DIALECT = /^(?:fake|other|spare)/;

/** Builds the configuration. The API key names the account, except for the account `default` of `fake`. */
function configuredAs(accounts: Record<string, Record<string, Partial<AccountTraits>>>, provider: Provider) {
  const apiKey = (id: string, name: string) => (id === "fake" && name === "default" ? "secret-key" : `${id}/${name}`);
  return {
    ids: () => Object.keys(accounts),
    dialect: (id: string) => (DIALECT.test(id) ? provider : undefined),
    get(id: string): Vendor | undefined {
      const named = accounts[id];
      return (
        named && {
          provider,
          account: (name) => named[name] && { baseUrl: `http://${id}.test`, apiKey: apiKey(id, name) },
          accounts: () => Object.entries(named).map(([name, traits]) => ({ name, weight: 1, ...traits })),
        }
      );
    },
  };
}

/** The server of an app: it records webhooks and responds with 200, unless a test scripts another response. */
function createReceiver() {
  const posts: { url: string; id: string; body: Json; secrets: readonly string[]; timeoutMs?: number | undefined }[] =
    [];
  const script: PostOutcome[] = [];
  const respond = (): PostOutcome => script.shift() ?? { kind: "answered", status: 200, body: "", tookMs: 1 };
  return {
    posts,
    /** Sets the responses to the next webhooks, in this order. */
    next: (...outcomes: PostOutcome[]) => void script.push(...outcomes),
    async receive({ body, ...post }: Parameters<WebhookSender["send"]>[0]) {
      posts.push({ ...post, body: JSON.parse(body) as Json });
      return respond();
    },
    async post({ url, body, timeoutMs }: Post) {
      posts.push({ url, id: "", body: JSON.parse(body) as Json, secrets: [], timeoutMs });
      return respond();
    },
  };
}

/** Image copies and tiles in memory. */
function createStudio() {
  const made = new Map<string, string>();
  const stored = (key: string) => ({ key, bytes: 3, sha256: "0".repeat(64), contentType: "image/png" });
  return {
    made,
    async copy({ url, key }: { url: string; key: string }) {
      if (!made.has(key)) made.set(key, url);
      return stored(key);
    },
    async tile({ from, key, n }: { from: string; key: string; n: number }) {
      if (!made.has(key)) made.set(key, `${from} tile ${n}`);
      return stored(key);
    },
  };
}

export function tokenOf(call: Call): string {
  return call.context.notifyHook.split("/callbacks/")[1]!;
}

/** A vendor report; a SUCCESS always has an image and buttons. */
export function reportOf(call: Call, status: ReportStatus | undefined, more: Partial<Report> = {}): Report {
  const seen = { imageUrl: `https://img.test/${call.id}.png`, buttons: buttonsOf(call) };
  const result = { ...(status === "SUCCESS" && seen), ...more.result };
  return { vendorTaskId: call.id, status, ...more, result };
}

function buttonsOf(call: Call): Button[] {
  const single = call.customId?.includes("upsample");
  const uuid = `0000${call.id}`.slice(-12).padStart(12, "0");
  const job = `00000000-0000-4000-8000-${uuid}`;
  const button = (customId: string, label: string, emoji = "") => ({ customId, label, emoji });
  if (single) {
    return [
      button(`MJ::Outpaint::50::1::${job}::SOLO`, "Zoom Out 2x", "🔍"),
      button(`MJ::CustomZoom::${job}`, "Custom Zoom", "🔍"),
      button(`MJ::Inpaint::1::${job}::SOLO`, "Vary (Region)", "🖌️"),
    ];
  }
  const numbers = [1, 2, 3, 4];
  return [
    ...numbers.map((n) => button(`MJ::JOB::upsample::${n}::${job}`, `U${n}`)),
    button(`MJ::JOB::reroll::0::${job}::SOLO`, "", "🔄"),
    ...numbers.map((n) => button(`MJ::JOB::variation::${n}::${job}`, `V${n}`)),
    button(`MJ::Remaster::1::${job}`, "Remaster", "✨"),
  ];
}

/** A vendor that accepts every submission, unless a test scripts another outcome. */
function createVendor() {
  const calls: Call[] = [];
  const finished = new Set<string>();
  const reports = new Map<string, Report>();
  const lookups: string[][] = [];
  const script: ((call: Call) => SubmitOutcome | Promise<SubmitOutcome>)[] = [];
  let lookupError: Error | undefined;

  async function record(call: Omit<Call, "id">, id?: string): Promise<SubmitOutcome> {
    const full = { ...call, id: id ?? String(1_765_000_000_000_000 + calls.length) };
    calls.push(full);
    const scripted = script.shift();
    const outcome = scripted ? await scripted(full) : { kind: "accepted" as const, vendorTaskId: full.id };
    // A vendor sends no callback about a submission that it rejected.
    if (outcome.kind === "refused") finished.add(full.id);
    return outcome;
  }

  const provider: Provider & { readCallback(body: string): Report | undefined } = {
    id: "fake",
    title: "Fake",
    capabilities: {
      notifyHook: "documented",
      listByCondition: true,
      searchByState: false,
      instantActions: [],
      rootActions: ["imagine", "blend"],
      modes: ["fast", "relax", "turbo"],
      seed: false,
      imageLinks: true,
      swapLinks: true,
      optionalFields: [],
      promptActions: [],
      modals: true,
      unsupportedPresses: [],
    },
    submit: ({ prompt }, context) => record({ kind: "submit", prompt, context }),
    press: ({ vendorTaskId, customId }, context) => record({ kind: "press", parent: vendorTaskId, customId, context }),
    modal: ({ vendorTaskId, prompt, maskBase64 }, context) =>
      record({ kind: "modal", prompt, mask: maskBase64, context }, vendorTaskId),
    async lookup(ids) {
      lookups.push([...ids]);
      if (lookupError) throw lookupError;
      return { reports: ids.flatMap((id) => reports.get(id) ?? []), requests: 1 };
    },
    search: async () => ({ reports: [], requests: 0 }),
    readCallback(body) {
      try {
        return JSON.parse(body) as Report;
      } catch {
        return undefined;
      }
    },
    seed: async () => undefined,
    upload: async () => ({ kind: "unclear", reason: "not built" }),
  };

  return {
    provider,
    calls,
    finished,
    lookups,
    /** Sets the outcome of the next submission. */
    next: (outcome: SubmitOutcome | ((call: Call) => SubmitOutcome | Promise<SubmitOutcome>)) =>
      void script.push(typeof outcome === "function" ? outcome : () => outcome),
    /** Sets the report that look-ups of this submission find. */
    holds: (call: Call, status: ReportStatus, result: Result = resultOf(call, status)) =>
      void reports.set(call.id, { vendorTaskId: call.id, status, result }),
    failLookups: (error: Error | undefined) => {
      lookupError = error;
    },
    presses: () => calls.filter((call) => call.kind === "press").map((call) => call.customId!),
  };
}

function resultOf(call: Call, status: ReportStatus): Result {
  return status === "SUCCESS" ? { imageUrl: `https://img.test/${call.id}.png`, buttons: buttonsOf(call) } : {};
}

/** Wraps a port so that a test can make one call of a method fail: before it has an effect, or after it. */
function faultable<T extends object>(port: T) {
  const armed: { verb: keyof T; when: "before" | "after"; skip: number; error: Error }[] = [];
  const calls: string[] = [];
  let fired = 0;
  const wrapped = new Proxy(port, {
    get(target, verb) {
      const original = target[verb as keyof T];
      if (typeof original !== "function") return original;
      return async (...args: unknown[]) => {
        calls.push(String(verb));
        const i = armed.findIndex((fault) => fault.verb === verb && fault.skip-- === 0);
        const [fault] = i < 0 ? [] : armed.splice(i, 1);
        if (fault?.when === "before") {
          fired++;
          throw fault.error;
        }
        const result: unknown = await original.apply(target, args);
        if (fault) {
          fired++;
          throw fault.error;
        }
        return result;
      };
    },
  });
  return {
    port: wrapped,
    calls,
    /** @param skip number of calls of the method that succeed first */
    arm: (verb: keyof T, when: "before" | "after", skip = 0) =>
      void armed.push({ verb, when, skip, error: new Error(`crash ${when} ${String(verb)}`) }),
    fired: () => fired,
  };
}
