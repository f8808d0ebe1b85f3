/**
 * The subscribers of an event: webhook endpoints, the flow's `notifyHook`, the compat API's hook and the event bus. Each says
 * whether an attempt may be made now, makes it, and learns from its outcome.
 */
import {
  BUS_LISTENER,
  FLOW_HOOK_LISTENER,
  isDelivered,
  isGone,
  MJ_HOOK_LISTENER,
  newDelivery,
} from "@mjflow/core/delivery";
import { afterDeliveryAttempt, type Endpoint, isEnabled, startTrial, subscribedEvents } from "@mjflow/core/endpoint";
import { endpointBreakerState, isReceiverFault } from "@mjflow/core/endpoint-breaker";
import {
  COMPAT_EVENTS,
  DEFAULT_EVENTS,
  type DomainEvent,
  EVENT_TYPES,
  type EventBody,
  type EventType,
  endpointDisabledEvent,
  eventIdOf,
  FLOW_SUBJECT,
  hasDeliveryLog,
} from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import { type Bus, type Outbound, type PostOutcome, type Queue, SECRET_UNREADABLE } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import type { Vault } from "../app/vault.ts";
import type { EngineDeps } from "../deps.ts";
import { eventView, type Links } from "../read/view.ts";
import { startWith, updateWithRetry } from "../step/update-with-retry.ts";
import { type EndpointDeps, ensureFlowHookEndpoint, readableSecrets } from "./endpoint.ts";
import type { ReceiverLimiter } from "./receiver-limiter.ts";

/** Signs and sends a request. The secret determines the signature scheme. */
export interface WebhookSender {
  /** @param post.timeoutMs time limit of the request; unset: 15 s */
  send(post: {
    url: string;
    id: string;
    body: string;
    secrets: readonly string[];
    timeoutMs?: number;
  }): Promise<PostOutcome>;
}

/**
 * The subscriber of the compat API: one URL per task, the body of the midjourney-proxy protocol, no signature
 * (docs/protocol.md 5).
 */
export interface MjHookListener {
  /** Returns undefined if the task was not submitted through the compat API or no URL is set for it. */
  hookOf(flow: Flow, task: Task): Promise<{ url: string; body: string } | undefined>;
}

export interface DeliverDeps extends EndpointDeps, Pick<EngineDeps, "store" | "timings"> {
  queue: Pick<Queue, "send">;
  webhooks: WebhookSender;
  outbound: Pick<Outbound, "post">;
  vault: Vault;
  bus?: Bus | undefined;
  /** Where the links in events lead. */
  links: Links;
  mjHook?: MjHookListener;
  /** Limits the slow posts of each app and host in this process; unset: no limit. */
  receiverLimiter?: ReceiverLimiter;
}

/** A subscriber: the events that it receives and how they are sent to it. */
export interface Subscriber {
  id: string;
  eventMask: readonly EventType[];
  /** Asks before each attempt whether it may be made now. */
  start(): Promise<Permit>;
  post(event: EventContext, timeoutMs: number): Promise<PostOutcome>;
}

/**
 * The permission for one attempt, or the time when the next one may be possible, epoch ms. `parkedFrom`: the endpoint parks the
 * events of flows that were created since then. A permission has it if the attempt is the trial of a half-open breaker.
 */
export type Permit =
  | {
      ok: true;
      parkedFrom?: number | undefined;
      release(): void;
      record(outcome: PostOutcome, flow: Flow): Promise<void>;
    }
  | { ok: false; retryAt: number; parkedFrom?: number | undefined };

/** An event with all data for its body. */
export interface EventContext {
  flow: Flow;
  /** For flow events: all tasks of the flow. */
  tasks: readonly Task[];
  task: Task | undefined;
  event: DomainEvent;
  /** For `endpoint.disabled`: the disabled endpoint. */
  endpoint?: Endpoint | undefined;
}

/** @param known the endpoints of the app, if the caller has just read them */
export async function subscribersOf(
  deps: DeliverDeps,
  flow: Flow,
  task: Task | undefined,
  known?: readonly Endpoint[],
): Promise<Subscriber[]> {
  const endpoints = known ?? (await deps.webhookStore.endpoints(flow.appId));
  const subscribers: Subscriber[] = endpoints
    .filter((e) => e.url !== undefined && isEnabled(e))
    .map((e) => endpointSubscriber(deps, e));
  if (flow.notifyHook !== undefined) {
    const signer =
      endpoints.find(({ id }) => id === FLOW_HOOK_LISTENER) ?? (await ensureFlowHookEndpoint(deps, flow.appId));
    subscribers.push(flowHookSubscriber(deps, flow.notifyHook, flow.events ?? DEFAULT_EVENTS, signer));
  }
  if (deps.bus) subscribers.push(busSubscriber(deps.bus, deps));
  const mjCompat = task && (await deps.mjHook?.hookOf(flow, task));
  if (mjCompat) subscribers.push(mjHookSubscriber(deps, flow.appId, mjCompat));
  return subscribers;
}

function endpointSubscriber(deps: DeliverDeps, endpoint: Endpoint): Subscriber {
  return {
    id: endpoint.id,
    eventMask: subscribedEvents(endpoint),
    start: () => startAtEndpoint(deps, endpoint),
    post: (content, timeoutMs) => signedPost(deps, endpoint.url!, endpoint, content, timeoutMs),
  };
}

/** The circuit breaker is in the endpoint's row, which the worker has just read. */
async function startAtEndpoint(deps: DeliverDeps, endpoint: Endpoint): Promise<Permit> {
  const now = deps.clock.now();
  const state = endpointBreakerState(endpoint, now);
  if (state === "open") return { ok: false, retryAt: endpoint.openUntil!, parkedFrom: endpoint.parkedFrom };
  const release = startPost(deps, endpoint.appId, endpoint.url!);
  if (!release) return { ok: false, retryAt: now + BUSY_RECEIVER_MS };
  let current = endpoint;
  if (state === "half-open") {
    const trial = startTrial(endpoint, now);
    const saved = await deps.webhookStore.saveEndpoint(trial);
    if (!saved.ok) {
      // Another worker makes the trial.
      release();
      return { ok: false, retryAt: trial.openUntil!, parkedFrom: saved.current?.parkedFrom };
    }
    current = saved.item;
  }
  // Without a readable secret nothing was sent, so nothing is known about the receiver.
  const record = async (outcome: PostOutcome, flow: Flow) =>
    outcome.kind === "unsigned" ? undefined : updateEndpointHealth(deps, current, outcome, flow);
  return { ok: true, release, record, ...(state === "half-open" && { parkedFrom: current.parkedFrom }) };
}

/** A URL without an endpoint row: its circuit breaker is that of this process. */
async function startAtUrl(deps: DeliverDeps, appId: string, url: string): Promise<Permit> {
  const { receiverLimiter, clock } = deps;
  const openUntil = receiverLimiter?.openUntil(appId, url, clock.now());
  if (openUntil !== undefined) return { ok: false, retryAt: openUntil };
  const release = startPost(deps, appId, url);
  if (!release) return { ok: false, retryAt: clock.now() + BUSY_RECEIVER_MS };
  // A post without a readable secret says nothing about the receiver.
  const record = async (outcome: PostOutcome) => {
    if (outcome.kind !== "unsigned") receiverLimiter?.record(appId, url, outcome, clock.now());
  };
  return { ok: true, release, record };
}

/** Time after which a receiver with too many slow posts is tried again. */
const BUSY_RECEIVER_MS = 5_000;

/** @returns undefined if the receiver has too many slow posts in this process */
function startPost({ receiverLimiter, clock }: DeliverDeps, appId: string, url: string): (() => void) | undefined {
  return receiverLimiter ? receiverLimiter.tryStart(appId, url, clock.now()) : () => {};
}

const UNLIMITED: Permit = { ok: true, release() {}, record: async () => {} };

/**
 * The `notifyHook` of the flow's request. It is signed with the app's secret for such URLs. It is never disabled,
 * because it is used for one flow only.
 */
function flowHookSubscriber(deps: DeliverDeps, url: string, mask: readonly EventType[], signer: Endpoint): Subscriber {
  return {
    id: FLOW_HOOK_LISTENER,
    eventMask: mask,
    start: () => startAtUrl(deps, signer.appId, url),
    post: (content, timeoutMs) => signedPost(deps, url, signer, content, timeoutMs),
  };
}

function busSubscriber(bus: Bus, deps: DeliverDeps): Subscriber {
  const { clock } = deps;
  return {
    id: BUS_LISTENER,
    eventMask: EVENT_TYPES,
    start: async () => UNLIMITED,
    async post(content) {
      const { flow, task, event } = content;
      const startedAt = clock.now();
      const id = eventIdOf(flow.id, task?.path ?? FLOW_SUBJECT, event.name);
      try {
        await bus.put({ id, type: event.type, at: event.at, detail: busDetailOf(deps.links, content) });
        return { kind: "answered", status: 200, body: "", tookMs: clock.now() - startedAt };
      } catch (error) {
        return { kind: "unreachable", why: `bus: ${(error as Error).name}`, tookMs: clock.now() - startedAt };
      }
    },
  };
}

function mjHookSubscriber(deps: DeliverDeps, appId: string, { url, body }: { url: string; body: string }): Subscriber {
  const headers = { "content-type": "application/json", "user-agent": "mjflow/1" };
  return {
    id: MJ_HOOK_LISTENER,
    eventMask: COMPAT_EVENTS,
    start: () => startAtUrl(deps, appId, url),
    post: (_, timeoutMs) => deps.outbound.post({ url, headers, body, timeoutMs }),
  };
}

async function signedPost(
  deps: DeliverDeps,
  url: string,
  signer: Endpoint,
  content: EventContext,
  timeoutMs: number,
): Promise<PostOutcome> {
  const { flow, task, event } = content;
  const secrets = readableSecrets(deps.vault, signer, deps.clock.now());
  if (secrets.length === 0) {
    deps.log.count("SecretsUnreadable");
    deps.log.error("delivery.secret-unreadable", { app: signer.appId, endpoint: signer.id });
    return { kind: "unsigned", why: SECRET_UNREADABLE };
  }
  const id = eventIdOf(flow.id, task?.path ?? FLOW_SUBJECT, event.name);
  return deps.webhooks.send({ url, id, body: payloadOf(deps.links, content), secrets, timeoutMs });
}

/** Returns the body of a signed webhook: JSON text. */
export function payloadOf(links: Links, content: EventContext): string {
  return JSON.stringify(bodyOf(links, content));
}

/** Returns the detail of an event on the bus: JSON text. */
export function busDetailOf(links: Links, content: EventContext): string {
  const { flow, task, event } = content;
  const id = eventIdOf(flow.id, task?.path ?? FLOW_SUBJECT, event.name);
  return JSON.stringify({ id, ...bodyOf(links, content) });
}

function bodyOf(links: Links, { flow, tasks, task, event: { type, at }, endpoint }: EventContext): EventBody {
  const data = type === "endpoint.disabled" ? disabledView(endpoint) : eventView(flow, tasks, task, type, links);
  return { type, timestamp: new Date(at).toISOString(), data };
}

/** Returns an empty object if the endpoint was deleted meanwhile. */
function disabledView(endpoint: Endpoint | undefined) {
  if (!endpoint) return {};
  const { id, url, disabledWhy, failingSince } = endpoint;
  return { id, url, disabledWhy, failingSince: failingSince && new Date(failingSince).toISOString() };
}

/**
 * Updates the failure record and the circuit breaker of the endpoint. After a write conflict the outcome is applied to the
 * newer row. When a receiver begins to hang, several attempts fail at one time, and each of them counts.
 */
async function updateEndpointHealth(
  deps: DeliverDeps,
  endpoint: Endpoint,
  outcome: PostOutcome,
  flow: Flow,
): Promise<void> {
  const about = healthOutcomeOf(outcome);
  const updated = await updateWithRetry<Endpoint, Endpoint>({
    read: startWith(endpoint),
    to: (current) => afterDeliveryAttempt(current, about, deps.clock.now()),
    save: (next) => deps.webhookStore.saveEndpoint(next),
    // After more write conflicts the outcome is not counted. The next attempt counts again.
    maxRetries: 5,
  });
  if (updated.kind === "saved") await noteEndpointChange(deps, updated.read, updated.row, flow);
}

function healthOutcomeOf(outcome: PostOutcome): Parameters<typeof afterDeliveryAttempt>[1] {
  if (isDelivered(outcome)) return "delivered";
  if (isGone(outcome)) return "gone";
  if (isReceiverFault(outcome)) return "fault";
  return outcome.kind === "answered" ? "rejected" : "failed";
}

async function noteEndpointChange(deps: DeliverDeps, before: Endpoint, after: Endpoint, flow: Flow): Promise<void> {
  const { appId: app, id: endpoint } = after;
  if ((after.opens ?? 0) > (before.opens ?? 0)) {
    deps.log.count("BreakersOpened");
    deps.log.warn("endpoint.breaker-open", { app, endpoint, opens: after.opens, faults: after.faults });
  }
  if (isEnabled(after) || !isEnabled(before)) return;
  deps.log.count("EndpointsDisabled");
  deps.log.error("endpoint.disabled", { app, endpoint, why: after.disabledWhy });
  await notifyOtherEndpoints(deps, after, flow);
}

/** Notifies the other subscribers of the app. A disabled endpoint receives nothing, not even this event. */
async function notifyOtherEndpoints(deps: DeliverDeps, { id, disabledAt }: Endpoint, flow: Flow): Promise<void> {
  const event = endpointDisabledEvent(id, disabledAt!);
  const others = (await subscribersOf(deps, flow, undefined)).filter((subscriber) =>
    subscriber.eventMask.includes(event.type),
  );
  const now = deps.clock.now();
  const deliveries = others.map((subscriber) => {
    const at = { flowId: flow.id, subject: FLOW_SUBJECT, listener: subscriber.id, appId: flow.appId };
    return newDelivery({ ...at, name: event.name, type: event.type, happenedAt: event.at }, now);
  });
  // This worker does not make the attempts, so the rows are stored without a lease and are due at once. The sweeper
  // then sends their messages.
  await Promise.all(
    deliveries.map((delivery) => deps.webhookStore.saveDelivery({ ...delivery, leaseUntil: undefined, due: now })),
  );
  if (!hasDeliveryLog(flow.eventMask) || deliveries.length === 0) return;
  const { name, at: happenedAt } = event;
  const outcomes = new Map(deliveries.map(({ listener }) => [listener, "row" as const]));
  const record = { subject: FLOW_SUBJECT, name, happenedAt, recordedAt: now, outcomes };
  await deps.webhookStore.saveDeliveryRecords(flow.id, 0, { records: [record] });
}
