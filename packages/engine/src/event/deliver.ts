/**
 * Makes further attempts of deliveries that have a row. A `deliver` message says that a delivery may be due. Each delivery is
 * made at least once, always under the same id. Its row is due until an attempt succeeds or the last one has failed. The
 * sweeper repairs a lost message.
 */
import {
  abandonDelivery,
  attemptTimeoutMs,
  claimDelivery,
  type Delivery,
  deliveryIdOf,
  isDelivered,
  postponeAttempt,
  recordAttempt,
} from "@mjflow/core/delivery";
import { isReceiverFault } from "@mjflow/core/endpoint-breaker";
import { disabledEndpointIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import { outgoingDelivery } from "@mjflow/core/message";
import type { PostOutcome } from "@mjflow/core/port";
import { type DeliverDeps, type EventContext, type Subscriber, subscribersOf } from "./subscriber.ts";

export type { DeliverDeps, MjHookListener, WebhookSender } from "./subscriber.ts";

/**
 * Makes one delivery attempt if the delivery is due and no other worker has claimed it.
 * @throws if the table fails
 */
export async function deliver(deps: DeliverDeps, deliveryId: string): Promise<void> {
  const stored = await deps.webhookStore.delivery(deliveryId);
  if (!stored) return deps.log.warn("deliver.no-such-delivery", { delivery: deliveryId });
  const loaded = await loadSubject(deps, stored.flowId, stored.subject);
  if (!loaded)
    return void (await deps.webhookStore.saveDelivery(abandonDelivery(stored, "flow_gone", deps.clock.now())));
  const claim = claimDelivery(stored, deps.clock.now());
  if (!claim) return;
  const saved = await deps.webhookStore.saveDelivery(claim);
  if (!saved.ok) return;
  const subscribers = await subscribersOf(deps, loaded.flow, loaded.task);
  await attempt(deps, saved.item, { ...loaded, subscribers });
}

/** Makes an attempt of a claimed delivery and stores its result. */
export async function attempt(
  deps: DeliverDeps,
  delivery: Delivery,
  { subscribers, ...subject }: LoadedSubject & { subscribers: readonly Subscriber[] },
): Promise<void> {
  const subscriber = subscribers.find(({ id }) => id === delivery.listener);
  if (!subscriber) return giveUp(deps, delivery);
  const { after, nextMs } = await makeAttempt(deps, delivery, subscriber, subject);
  const saved = await deps.webhookStore.saveDelivery(after);
  // The delivery was replayed meanwhile, and the replay has sent its own message.
  if (saved.ok) await sendNextAttempt(deps, after, nextMs);
}

export interface Attempted {
  /** The delivery after the attempt; not stored yet. */
  after: Delivery;
  /** Time until the next attempt, ms. Unset: there is none, or the due index brings it back. */
  nextMs?: number | undefined;
  /**
   * The endpoint parks the events of flows that were created since then, epoch ms, and this attempt was not made or was a trial
   * that failed. Unset: the event must not be parked.
   */
  parkedFrom?: number | undefined;
}

/** Makes an attempt, unless the receiver is known to hang or fail: then the attempt is postponed and not counted. */
export async function makeAttempt(
  deps: DeliverDeps,
  delivery: Delivery,
  subscriber: Subscriber,
  subject: LoadedSubject,
): Promise<Attempted> {
  const attempted = await tryAttempt(deps, delivery, subscriber, subject);
  return "after" in attempted ? attempted : { ...postpone(deps, delivery, attempted.retryAt), ...attempted };
}

/** Makes an attempt, or says when the receiver may be tried again, epoch ms, if it is known to hang or fail. */
export async function tryAttempt(
  deps: DeliverDeps,
  delivery: Delivery,
  subscriber: Subscriber,
  subject: LoadedSubject,
): Promise<Attempted | { retryAt: number; parkedFrom?: number | undefined }> {
  const { flow } = subject;
  const context = await eventContextOf(deps, delivery, subject);
  const permit = await subscriber.start();
  if (!permit.ok) return { retryAt: permit.retryAt, parkedFrom: permit.parkedFrom };
  deps.log.count("Deliveries");
  const outcome = await subscriber.post(context, attemptTimeoutMs(delivery, deps.timings)).finally(permit.release);
  // The post was made. If the message failed here, the other receivers would get their events again.
  await permit.record(outcome, flow).catch((error: unknown) => {
    deps.log.warn("endpoint.health-not-stored", { flow: flow.id, listener: subscriber.id, error: String(error) });
  });
  const { delivery: after, nextMs } = recordAttempt(delivery, outcome, deps.clock.now(), deps.random.chance());
  if (!isDelivered(outcome)) noteFailure(deps, after, outcome);
  // The trial says that the endpoint is still down, and nothing about the event.
  const parkedFrom = isReceiverFault(outcome) ? permit.parkedFrom : undefined;
  return { after, nextMs, ...(parkedFrom !== undefined && { parkedFrom }) };
}

/** The due index handles waits that are longer than the queue's limit. */
export async function sendNextAttempt(deps: DeliverDeps, delivery: Delivery, nextMs: number | undefined) {
  if (nextMs === undefined || nextMs > QUEUE_DELAY_MAX_MS) return;
  await deps.queue.send([outgoingDelivery(delivery, nextMs)]);
}

/** The longest delay of SQS. */
const QUEUE_DELAY_MAX_MS = 15 * 60_000;

/** The due index brings the delivery back, and no message waits. */
function postpone({ log, random, clock }: DeliverDeps, delivery: Delivery, retryAt: number): Attempted {
  log.count("DeliveriesPostponed");
  return { after: postponeAttempt(delivery, retryAt + Math.round(SPREAD_MS * random.chance()), clock.now()) };
}

/** Postponed deliveries of one receiver become due spread over this time. */
const SPREAD_MS = 10_000;

async function giveUp(deps: DeliverDeps, delivery: Delivery): Promise<void> {
  await deps.webhookStore.saveDelivery(abandonDelivery(delivery, "listener_gone", deps.clock.now()));
  deps.log.count("DeliveriesGivenUp");
}

function noteFailure({ log }: DeliverDeps, delivery: Delivery, outcome: PostOutcome): void {
  log.count("DeliveryFailures");
  // Progress gets one attempt only, because the next progress or the end replaces it. Its failure does not count as
  // given up.
  if (delivery.status === "failed" && delivery.failure !== "superseded") log.count("DeliveriesGivenUp");
  const why = outcome.kind === "answered" ? `HTTP ${outcome.status}` : outcome.why;
  const { flowId: flow, listener, tries, failure } = delivery;
  log.warn("delivery.failed", { flow, delivery: deliveryIdOf(delivery), listener, tries, why, failure });
}

/** What an event is about: a task, or a flow with all its tasks. */
export type LoadedSubject = Pick<EventContext, "flow" | "tasks" | "task">;

/** Returns all data for the body of a delivery. */
export async function eventContextOf(
  { webhookStore }: { webhookStore: Pick<DeliverDeps["webhookStore"], "endpoint"> },
  { name, type, happenedAt: at }: Delivery,
  subject: LoadedSubject,
): Promise<EventContext> {
  const endpointId = disabledEndpointIdOf(name);
  const endpoint = endpointId === undefined ? undefined : await webhookStore.endpoint(subject.flow.appId, endpointId);
  return { ...subject, event: { name, type, at }, endpoint };
}

/** @property log unset: a missing subject is not logged */
type SubjectDeps = Pick<DeliverDeps, "store"> & Partial<Pick<DeliverDeps, "log">>;

/** @returns undefined if the flow or the task is not stored (any more) */
export async function loadSubject(
  deps: SubjectDeps,
  flowId: string,
  subject: string,
): Promise<LoadedSubject | undefined> {
  return (await loadSubjects(deps, flowId, [subject]))[0];
}

/** Loads several subjects of a flow in one read. Those that are not stored (any more) are left out. */
export async function loadSubjects(
  deps: SubjectDeps,
  flowId: string,
  subjects: readonly string[],
): Promise<LoadedSubject[]> {
  const isWhole = subjects.includes(FLOW_SUBJECT);
  const { flow, tasks } = await (isWhole ? deps.store.loadFlow(flowId) : deps.store.load(flowId, subjects));
  return subjects.flatMap((subject) => {
    const task = tasks.find(({ path }) => path === subject);
    if (flow && (task || subject === FLOW_SUBJECT)) return [{ flow, tasks, task }];
    deps.log?.warn("notify.not-found", { flow: flowId, place: subject });
    return [];
  });
}
