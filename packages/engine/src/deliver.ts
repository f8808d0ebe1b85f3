/**
 * Events out. A `tell` message says where something happened: each listener gets a row for each event, and a first try;
 * only then is the task, or the flow, rid of what it owed. A `deliver` message says that a row may be due for another.
 *
 * At least once, under one id: the row is stored before the post, its id is the event and the listener, and what happened
 * is read off the task, so that a lost message is made good by the next, or by the sweeper.
 */
import {
  abandonDelivery,
  BUS_LISTENER,
  claimDelivery,
  type Delivery,
  deliveryIdOf,
  FLOW_HOOK_LISTENER,
  isDelivered,
  isGone,
  MJ_HOOK_LISTENER,
  newDelivery,
  recordAttempt,
} from "@mjflow/core/delivery";
import { flowEvents, taskEvents } from "@mjflow/core/derived-events";
import { activeSecrets, afterDeliveryAttempt, type Endpoint, isEnabled, subscribedEvents } from "@mjflow/core/endpoint";
import {
  DEFAULT_EVENTS,
  type DomainEvent,
  disabledEndpointIdOf,
  EVENT_TYPES,
  type EventBody,
  type EventType,
  endpointDisabledEvent,
  eventIdOf,
  FLOW_SUBJECT,
} from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import { deliverMessage, type NotifyMessage } from "@mjflow/core/message";
import type { Bus, Outbound, PostOutcome, Queue } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import { type EndpointDeps, ensureFlowHookEndpoint, secretContext } from "./endpoint.ts";
import type { Vault } from "./vault.ts";
import { eventView } from "./view.ts";

/** Signs and posts; the scheme is the secret's. */
export interface WebhookSender {
  send(post: { url: string; id: string; body: string; secrets: readonly string[] }): Promise<PostOutcome>;
}

/** The facade's own listener: one address per task, the protocol's body, no signature (docs/protocol.md 5). */
export interface MjHookListener {
  /** Undefined: the task was not submitted by the facade, or named no address. */
  hookOf(flow: Flow, task: Task): Promise<{ url: string; body: string } | undefined>;
}

export interface DeliverDeps extends EndpointDeps, Pick<EngineDeps, "store" | "timings"> {
  queue: Pick<Queue, "send">;
  webhooks: WebhookSender;
  outbound: Pick<Outbound, "post">;
  vault: Vault;
  bus?: Bus | undefined;
  /** Links to our copies, as events show them. */
  mediaUrl(key: string): string;
  mjHook?: MjHookListener;
}

/** One who is to be told: which events, and how. */
interface Listener {
  id: string;
  eventMask: readonly EventType[];
  post(event: EventContext): Promise<PostOutcome>;
}

/** An event with everything that its body is made of. */
interface EventContext {
  flow: Flow;
  /** Of the flow's own events: all there are. */
  tasks: readonly Task[];
  task: Task | undefined;
  event: DomainEvent;
  /** The one that was disabled, where the event is that. */
  endpoint?: Endpoint | undefined;
}

/** @throws when the table fails: the queue brings the message again. */
export async function notifySubscribers(
  deps: DeliverDeps,
  { flowId, place }: Pick<NotifyMessage, "flowId" | "place">,
): Promise<void> {
  const at = await loadSubject(deps, flowId, place);
  if (!at) return;
  const { flow, task, tasks } = at;
  const events = task ? taskEvents(task) : flowEvents(flow);
  const [listeners, before] = await Promise.all([
    listenersOf(deps, flow, task),
    deps.webhookStore.deliveriesOf(flowId, place),
  ]);
  const known = new Set(before.map(deliveryIdOf));
  const now = deps.clock.now();
  const isCrowded = (listener: string) =>
    before.some((d) => d.listener === listener && d.type === "task.progress" && d.createdAt + PROGRESS_MS > now);
  const wanted = listeners.flatMap((listener) =>
    events
      .filter((event) => listener.eventMask.includes(event.type))
      .filter((event) => event.type !== "task.progress" || !isCrowded(listener.id))
      .map((event) =>
        newDelivery({ flowId, subject: place, listener: listener.id, appId: flow.appId, ...keyOf(event) }, now),
      )
      .filter((delivery) => !known.has(deliveryIdOf(delivery))),
  );
  const saved = await Promise.all(wanted.map((delivery) => deps.webhookStore.saveDelivery(delivery)));
  // All is stored, so nothing is owed any more; the tries come after, for a slow receiver must not hold that up.
  await clearPendingNotification(deps, flow, task);
  deps.log.count("Told", saved.filter((s) => s.ok).length);
  await Promise.all(saved.map((s) => s.ok && attempt(deps, s.item, { flow, tasks, task, listeners })));
}

/** Of a task's progress no listener is told more often than this; its end is told in any case. */
const PROGRESS_MS = 1_000;

function keyOf({ name, type, at }: DomainEvent): Pick<Delivery, "name" | "type" | "happenedAt"> {
  return { name, type, happenedAt: at };
}

async function clearPendingNotification(deps: DeliverDeps, flow: Flow, task: Task | undefined): Promise<void> {
  if (task) {
    if (task.pendingEffects?.includes("tell")) await applySignal(deps, task, { kind: "notified", status: task.status });
    return;
  }
  if (!flow.pendingEffects?.includes("tell")) return;
  const owes = flow.pendingEffects.filter((owed) => owed !== "tell");
  const due = flow.reopened || owes.length > 0 ? flow.due : undefined;
  // A lost race is another worker that did the same.
  await deps.store.saveFlow({ ...flow, pendingEffects: owes.length > 0 ? owes : undefined, due });
}

/** One try, if it is due and nobody else is at it. @throws when the table fails */
export async function deliver(deps: DeliverDeps, deliveryId: string): Promise<void> {
  const stored = await deps.webhookStore.delivery(deliveryId);
  if (!stored) return deps.log.warn("deliver.no-such-delivery", { delivery: deliveryId });
  const at = await loadSubject(deps, stored.flowId, stored.subject);
  if (!at) return void (await deps.webhookStore.saveDelivery(abandonDelivery(stored, "flow_gone", deps.clock.now())));
  const claim = claimDelivery(stored, deps.clock.now());
  if (!claim) return;
  const saved = await deps.webhookStore.saveDelivery(claim);
  if (!saved.ok) return;
  const listeners = await listenersOf(deps, at.flow, at.task);
  await attempt(deps, saved.item, { ...at, listeners });
}

async function attempt(
  deps: DeliverDeps,
  delivery: Delivery,
  { flow, tasks, task, listeners }: Pick<EventContext, "flow" | "tasks" | "task"> & { listeners: readonly Listener[] },
): Promise<void> {
  const listener = listeners.find(({ id }) => id === delivery.listener);
  if (!listener) return giveUp(deps, delivery);
  const { name, type, happenedAt: at } = delivery;
  deps.log.count("Deliveries");
  const endpointId = disabledEndpointIdOf(name);
  const endpoint = endpointId === undefined ? undefined : await deps.webhookStore.endpoint(flow.appId, endpointId);
  const outcome = await listener.post({ flow, tasks, task, event: { name, type, at }, endpoint });
  const { delivery: after, nextMs } = recordAttempt(delivery, outcome, deps.clock.now(), deps.random.chance());
  const saved = await deps.webhookStore.saveDelivery(after);
  if (!isDelivered(outcome)) noteFailure(deps, after, outcome);
  // Replayed by a person meanwhile: that one's message is on its way.
  if (!saved.ok || nextMs === undefined) return;
  // A longer wait than a queue can hold is the due index's work.
  if (nextMs <= QUEUE_DELAY_MAX_MS) {
    await deps.queue.send([{ message: deliverMessage(deliveryIdOf(after)), delayMs: nextMs }]);
  }
}

/** SQS's longest delay. */
const QUEUE_DELAY_MAX_MS = 15 * 60_000;

async function giveUp(deps: DeliverDeps, delivery: Delivery): Promise<void> {
  await deps.webhookStore.saveDelivery(abandonDelivery(delivery, "listener_gone", deps.clock.now()));
  deps.log.count("DeliveriesGivenUp");
}

function noteFailure({ log }: DeliverDeps, delivery: Delivery, outcome: PostOutcome): void {
  log.count("DeliveryFailures");
  // Progress is tried once: the next step, or the end, says all that it said.
  if (delivery.status === "failed" && delivery.failure !== "superseded") log.count("DeliveriesGivenUp");
  const why = outcome.kind === "answered" ? `HTTP ${outcome.status}` : outcome.why;
  const { flowId: flow, listener, tries, failure } = delivery;
  log.warn("delivery.failed", { flow, delivery: deliveryIdOf(delivery), listener, tries, why, failure });
}

async function loadSubject(deps: DeliverDeps, flowId: string, place: string) {
  const isFlow = place === FLOW_SUBJECT;
  const { flow, tasks } = await (isFlow ? deps.store.loadFlow(flowId) : deps.store.load(flowId, [place]));
  const task = isFlow ? undefined : tasks[0];
  if (!flow || (place !== FLOW_SUBJECT && !task)) {
    deps.log.warn("tell.nothing-there", { flow: flowId, place });
    return undefined;
  }
  return { flow, tasks, task };
}

// ── who, and how ───────────────────────────────────────────────────────────────────────────────────────────────────

async function listenersOf(deps: DeliverDeps, flow: Flow, task: Task | undefined): Promise<Listener[]> {
  const endpoints = await deps.webhookStore.endpoints(flow.appId);
  const listeners: Listener[] = endpoints
    .filter((e) => e.url !== undefined && isEnabled(e))
    .map((e) => endpointListener(deps, e));
  if (flow.notifyHook !== undefined) {
    const signer =
      endpoints.find(({ id }) => id === FLOW_HOOK_LISTENER) ?? (await ensureFlowHookEndpoint(deps, flow.appId));
    listeners.push(flowHookListener(deps, flow.notifyHook, flow.events ?? DEFAULT_EVENTS, signer));
  }
  if (deps.bus) listeners.push(busListener(deps.bus, deps));
  const mjCompat = task && (await deps.mjHook?.hookOf(flow, task));
  if (mjCompat) listeners.push(mjHookListener(deps, mjCompat));
  return listeners;
}

function endpointListener(deps: DeliverDeps, endpoint: Endpoint): Listener {
  return {
    id: endpoint.id,
    eventMask: subscribedEvents(endpoint),
    async post(told) {
      const outcome = await signedPost(deps, endpoint.url!, endpoint, told);
      await updateEndpointHealth(deps, endpoint, outcome, told.flow);
      return outcome;
    },
  };
}

/** The flow's own address: signed with the app's secret for such, and never disabled, for it ends with its flow. */
function flowHookListener(deps: DeliverDeps, url: string, mask: readonly EventType[], signer: Endpoint): Listener {
  return { id: FLOW_HOOK_LISTENER, eventMask: mask, post: (told) => signedPost(deps, url, signer, told) };
}

function busListener(bus: Bus, deps: DeliverDeps): Listener {
  const { clock } = deps;
  return {
    id: BUS_LISTENER,
    eventMask: EVENT_TYPES,
    async post(told) {
      const { flow, task, event } = told;
      const begun = clock.now();
      const id = eventIdOf(flow.id, task?.path ?? FLOW_SUBJECT, event.name);
      const detail = JSON.stringify({ id, ...bodyOf(deps, told) });
      try {
        await bus.put({ id, type: event.type, at: event.at, detail });
        return { kind: "answered", status: 200, body: "", tookMs: clock.now() - begun };
      } catch (error) {
        return { kind: "unreachable", why: `bus: ${(error as Error).name}`, tookMs: clock.now() - begun };
      }
    },
  };
}

function mjHookListener({ outbound }: DeliverDeps, { url, body }: { url: string; body: string }): Listener {
  const headers = { "content-type": "application/json", "user-agent": "mjflow/1" };
  return {
    id: MJ_HOOK_LISTENER,
    eventMask: EVENT_TYPES,
    post: () => outbound.post({ url, headers, body, timeoutMs: 15_000 }),
  };
}

async function signedPost(deps: DeliverDeps, url: string, signer: Endpoint, told: EventContext): Promise<PostOutcome> {
  const { flow, task, event } = told;
  const context = secretContext(signer);
  const secrets = activeSecrets(signer, deps.clock.now()).map(({ sealed }) => deps.vault.open(sealed, context));
  const id = eventIdOf(flow.id, task?.path ?? FLOW_SUBJECT, event.name);
  return deps.webhooks.send({ url, id, body: JSON.stringify(bodyOf(deps, told)), secrets });
}

function bodyOf(
  { mediaUrl }: DeliverDeps,
  { flow, tasks, task, event: { type, at }, endpoint }: EventContext,
): EventBody {
  const data = type === "endpoint.disabled" ? disabledView(endpoint) : eventView(flow, tasks, task, mediaUrl);
  return { type, timestamp: new Date(at).toISOString(), data };
}

/** An endpoint removed since has only had its say. */
function disabledView(endpoint: Endpoint | undefined) {
  if (!endpoint) return {};
  const { id, url, disabledWhy, failingSince } = endpoint;
  return { id, url, disabledWhy, failingSince: failingSince && new Date(failingSince).toISOString() };
}

/** Best effort, like all that is learned about others: a lost race is another try that learned the same. */
async function updateEndpointHealth(
  deps: DeliverDeps,
  endpoint: Endpoint,
  outcome: PostOutcome,
  flow: Flow,
): Promise<void> {
  const about = isDelivered(outcome) ? "delivered" : isGone(outcome) ? "gone" : "failed";
  const next = afterDeliveryAttempt(endpoint, about, deps.clock.now());
  if (!next) return;
  const saved = await deps.webhookStore.saveEndpoint(next);
  if (!saved.ok || isEnabled(saved.item) || !isEnabled(endpoint)) return;
  deps.log.count("EndpointsDisabled");
  deps.log.error("endpoint.disabled", { app: endpoint.appId, endpoint: endpoint.id, why: saved.item.disabledWhy });
  await notifyOtherEndpoints(deps, saved.item, flow);
}

/** The other endpoints of the app, and the bus: the one that is off cannot be told that it is. */
async function notifyOtherEndpoints(deps: DeliverDeps, { id, disabledAt }: Endpoint, flow: Flow): Promise<void> {
  const event = endpointDisabledEvent(id, disabledAt!);
  const others = (await listenersOf(deps, flow, undefined)).filter((listener) =>
    listener.eventMask.includes(event.type),
  );
  const now = deps.clock.now();
  const told = others.map((listener) => {
    const at = { flowId: flow.id, subject: FLOW_SUBJECT, listener: listener.id, appId: flow.appId };
    return newDelivery({ ...at, ...keyOf(event) }, now);
  });
  // Their lease is the first worker's, which is not this one: the due time brings the sweeper, and it a worker.
  await Promise.all(
    told.map((delivery) => deps.webhookStore.saveDelivery({ ...delivery, leaseUntil: undefined, due: now })),
  );
}
