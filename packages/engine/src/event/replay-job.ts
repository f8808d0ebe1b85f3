/**
 * Makes the steps of a replay. A worker claims the job, sends deliveries page by page, and gives the job back with its
 * position. After a crash the lease ends, the sweeper sends the message again, and the next worker repeats the last page.
 *
 * A replay never delays new events for long. It makes two posts at a time, fewer than the slow posts that one host may have.
 * Its messages have a group of their own. It stops while the receiver's circuit breaker is open.
 */
import { type Delivery, isEndpointId, restartDelivery } from "@mjflow/core/delivery";
import { isEnabled, takeBackParked } from "@mjflow/core/endpoint";
import { outgoingReplay, type ReplayMessage } from "@mjflow/core/message";
import {
  addReplayCounts,
  claimReplay,
  endReplay,
  isReplayEnded,
  type Replay,
  type ReplayFailure,
  type ReplayPage,
  recordReplayPage,
  releaseReplay,
  sentUntil,
} from "@mjflow/core/replay";
import { type Chain, isChainOver } from "../step/chain.ts";
import { updateWithRetry } from "../step/update-with-retry.ts";
import { loadSubject, sendNextAttempt, tryAttempt } from "./deliver.ts";
import { type DeliveryPage, listDeliveriesByFlow, listRows } from "./delivery-list.ts";
import { hasRow, saveWithRecord } from "./delivery-row.ts";
import { recordParkedSuccess } from "./parked.ts";
import { type DeliverDeps, subscribersOf } from "./subscriber.ts";

type ReplayJobDeps = DeliverDeps & { chain?: Chain };

/** A step begins no post after this time, ms. A post and storing its result take at most half a minute more. */
const STEP_MS = 15_000;
/** Posts after which a step ends, and time that each of them takes at least, ms: 40 in a second. */
const POSTS_PER_STEP = 200;
const PACE_MS = 25;
/** Number of deliveries of a page that is sent. After a crash one page is sent again. */
const PAGE = 10;
/** Number of deliveries of a page that is only counted. */
const COUNT_PAGE = 200;
/** Posts at one time. A host may have four slow ones, so new events have room beside a replay. */
const PARALLEL = 2;
const MIN_PAUSE_MS = 1_000;
/** A longer wait has no message: the due index brings the job back. */
const MESSAGE_DELAY_MAX_MS = 60_000;

/**
 * Makes one step of a replay, unless it has ended, waits, or another worker has it.
 * @throws if the table fails; the queue then delivers the message again
 */
export async function runReplay(
  deps: ReplayJobDeps,
  { appId, replayId }: Pick<ReplayMessage, "appId" | "replayId">,
): Promise<void> {
  const stored = await deps.webhookStore.replay(appId, replayId);
  if (!stored) return deps.log.warn("replay.no-such-replay", { app: appId, replay: replayId });
  const startedAt = deps.clock.now();
  const claim = claimReplay(stored, startedAt);
  if (!claim) return;
  const saved = await deps.webhookStore.saveReplay(claim);
  if (!saved.ok) return;
  let job: Replay | undefined = saved.item;
  let posts = 0;
  let retryAt: number | undefined;
  const hasTime = () => posts < POSTS_PER_STEP && deps.clock.now() - startedAt < STEP_MS;
  while (job && !isReplayEnded(job) && retryAt === undefined && hasTime()) {
    const page: SentPage = job.status === "counting" ? await countPage(deps, job) : await sendPage(deps, job, hasTime);
    posts += page.posts;
    retryAt = page.retryAt;
    if (page.failure === "endpoint_disabled" && job.only === "parked") await takeBack(deps, job);
    job = await savePage(deps, job, page);
  }
  if (!job) return;
  if (isReplayEnded(job)) return noteEnd(deps, job);
  const pause = Math.max(MIN_PAUSE_MS, posts * PACE_MS - (deps.clock.now() - startedAt));
  await release(deps, job, retryAt ?? deps.clock.now() + pause, retryAt !== undefined);
}

/** Stores when the next step is made, then sends its message. */
async function release(deps: ReplayJobDeps, job: Replay, from: number, isWaiting: boolean): Promise<void> {
  const delayMs = Math.max(0, from - deps.clock.now());
  const hasMessage = delayMs <= MESSAGE_DELAY_MAX_MS && !isChainOver(deps, "deliver");
  const saved = await deps.webhookStore.saveReplay(releaseReplay(job, from, { hasMessage, isWaiting }));
  // After a write conflict the job was canceled, or its lease ends and the sweeper sends its message.
  if (saved.ok && hasMessage) await deps.queue.send([outgoingReplay(job, delayMs)]);
}

/** @property isPartial true if some deliveries of the page were not sent, so the next step reads the page again */
interface SentPage extends ReplayPage {
  posts: number;
  isPartial?: boolean;
  /** When the receiver may be tried again, epoch ms. Unset: now. */
  retryAt?: number | undefined;
  failure?: ReplayFailure | undefined;
}

/** @returns undefined if another worker has the job */
async function savePage(deps: ReplayJobDeps, job: Replay, page: SentPage): Promise<Replay | undefined> {
  const { row } = await updateWithRetry<Replay, Replay>({
    // After a write conflict it was canceled or set back, or the sweeper has moved its due time. The posts of this page still
    // count.
    read(conflict) {
      if (!conflict) return job;
      return conflict.current?.leaseUntil === job.leaseUntil ? conflict.current : undefined;
    },
    to: (current) => afterPage(deps, current, page, isSamePosition(current, job)),
    save: (next) => deps.webhookStore.saveReplay(next),
    maxRetries: 5,
  });
  return row;
}

function isSamePosition(a: Replay, b: Replay): boolean {
  return a.status === b.status && a.cursor === b.cursor && a.since === b.since;
}

function afterPage({ clock }: ReplayJobDeps, job: Replay, page: SentPage, isSame: boolean): Replay {
  // A recovery that was set back meanwhile has events to send: its endpoint was enabled again.
  if (page.failure && isSame && !isReplayEnded(job))
    return endReplay(addReplayCounts(job, page), "failed", clock.now(), page.failure);
  return page.isPartial || !isSame ? addReplayCounts(job, page) : recordReplayPage(job, page, clock.now());
}

/** The events that are still parked are sent when the app enables the endpoint again. */
async function takeBack({ webhookStore, clock }: ReplayJobDeps, job: Replay): Promise<void> {
  await updateWithRetry({
    read: () => webhookStore.endpoint(job.appId, job.listener),
    to: (endpoint) => takeBackParked(endpoint, sentUntil(job), clock.now()),
    save: (endpoint) => webhookStore.saveEndpoint(endpoint),
    code: "write_conflict",
    detail: "Other workers changed the endpoint at the same time.",
  });
}

async function countPage(deps: ReplayJobDeps, job: Replay): Promise<SentPage> {
  const { deliveries, cursor } = await pageOf(deps, job, COUNT_PAGE);
  return { posts: 0, found: deliveries.length, cursor };
}

/** Reads the next deliveries of a replay, the oldest first. */
async function pageOf(deps: ReplayJobDeps, job: Replay, limit: number): Promise<DeliveryPage> {
  const { appId, listener, since, until, cursor, only, status } = job;
  // A delivery that this job has sent in a page that a crash has cut is counted, and not sent again.
  const isOurs = (delivery: Delivery) => status === "sending" && delivery.replayId === job.id;
  const query = { appId, listener, since, until, cursor, limit, oldestFirst: true };
  if (only === "parked") {
    const matches = (each: Delivery) => each.status === "parked" || isOurs(each);
    return listDeliveriesByFlow(deps, { ...query, since: undefined, flowsSince: since, matches });
  }
  // A worker may have crashed before it changed the record of a delivery whose row it had stored.
  if (only === "all") return listDeliveriesByFlow(deps, { ...query, readsRows: true });
  return listRows(deps, { ...query, matches: (each) => each.status === "failed" || isOurs(each) });
}

/** @property isFinal true if the page does not have this delivery when it is read again */
type SendResult =
  | { kind: "sent" | "failed" | "skipped"; isPosted: boolean; isFinal?: boolean }
  | { kind: "refused"; retryAt: number }
  | { kind: "ended"; failure: ReplayFailure };

/**
 * Sends the deliveries of a page. Those of one flow are sent one after the other, so they arrive in their order.
 * @param hasTime false if no further post may begin in this step
 */
async function sendPage(deps: ReplayJobDeps, job: Replay, hasTime: () => boolean): Promise<SentPage> {
  const { deliveries, ...end } = await pageOf(deps, job, PAGE);
  const results: SendResult[] = [];
  const trial = job.only === "parked" ? await trialOf(deps, job, deliveries) : undefined;
  if (trial) results.push(await send(deps, job, trial));
  const others = deliveries.filter((delivery) => delivery !== trial);
  const lanes = [...Map.groupBy(others, ({ flowId }) => flowId).values()];
  const isStopped = () => !hasTime() || results.some(({ kind }) => kind === "refused" || kind === "ended");
  async function lane(): Promise<void> {
    for (let flow = lanes.shift(); flow && !isStopped(); flow = lanes.shift())
      for (const delivery of flow) {
        if (isStopped()) return;
        results.push(await send(deps, job, delivery));
      }
  }
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  const page = pageFrom(results, end, results.length < deliveries.length);
  if (job.only !== "parked" || page.failure || page.isPartial || page.cursor !== undefined) return page;
  const moreAt = await nextRecoveryAt(deps, job);
  return moreAt === undefined ? page : { ...page, isPartial: true, retryAt: moreAt };
}

/**
 * Returns when a recovery that has sent everything is set back by the sweeper, epoch ms: its endpoint has parked events again, or
 * may have. So one outage is one replay. Undefined: the recovery is complete.
 */
async function nextRecoveryAt(
  { webhookStore, clock }: ReplayJobDeps,
  { appId, listener }: Replay,
): Promise<number | undefined> {
  const endpoint = await webhookStore.endpoint(appId, listener);
  const isWaiting = endpoint && isEnabled(endpoint) && endpoint.parkedFrom !== undefined;
  return isWaiting ? Math.max(endpoint.openUntil ?? 0, clock.now()) + SWEEP_MS : undefined;
}

/** The sweeper has handled everything that was due before this time. */
const SWEEP_MS = 2 * 60_000;

/**
 * Returns the delivery that is the trial of a breaker that is not closed; undefined if it is closed. Each trial takes another
 * delivery, so one event that makes the receiver fail does not hold up the others.
 */
async function trialOf(
  { webhookStore }: ReplayJobDeps,
  { appId, listener }: Replay,
  deliveries: readonly Delivery[],
): Promise<Delivery | undefined> {
  const endpoint = await webhookStore.endpoint(appId, listener);
  const parked = deliveries.filter(({ status }) => status === "parked");
  if (endpoint?.openUntil === undefined || parked.length === 0) return undefined;
  return parked[Math.max(0, (endpoint.opens ?? 0) - 1) % parked.length];
}

/**
 * Counts the results of a page. A page that was stopped is read again by the next step, which then counts the deliveries that it
 * finds again.
 */
function pageFrom(
  results: readonly SendResult[],
  end: Pick<DeliveryPage, "cursor" | "position">,
  isStopped: boolean,
): SentPage {
  const refused = results.find((result) => result.kind === "refused");
  const ended = results.find((result) => result.kind === "ended");
  const counted = results.filter(
    (result) => ended || !(isStopped || refused) || ("isFinal" in result && result.isFinal),
  );
  const count = (kind: SendResult["kind"]) => counted.filter((result) => result.kind === kind).length;
  const posts = results.filter((result) => "isPosted" in result && result.isPosted).length;
  const counts = { posts, sent: count("sent"), failed: count("failed"), skipped: count("skipped") };
  if (ended) return { ...counts, failure: ended.failure };
  if (isStopped || refused) return { ...counts, isPartial: true, retryAt: refused?.retryAt };
  return { ...counts, ...end };
}

/** Makes the first attempt of one delivery again. */
async function send(deps: ReplayJobDeps, job: Replay, delivery: Delivery): Promise<SendResult> {
  if (delivery.replayId === job.id)
    return { kind: delivery.status === "delivered" ? "sent" : "failed", isPosted: false };
  const isClaimed = delivery.status === "pending" && (delivery.leaseUntil ?? 0) > deps.clock.now();
  const loaded = isClaimed ? undefined : await loadSubject(deps, delivery.flowId, delivery.subject);
  if (!loaded) return { kind: "skipped", isPosted: false };
  // A worker may have stored the row and crashed before it changed the record. The row has the rest.
  if (delivery.status === "parked" && (await hasRow(deps, loaded.flow, delivery)))
    return { kind: "skipped", isPosted: false, isFinal: true };
  const subscribers = await subscribersOf(deps, loaded.flow, loaded.task);
  const subscriber = subscribers.find(({ id }) => id === delivery.listener);
  if (!subscriber) return withoutSubscriber(deps, job);
  const restarted = { ...restartDelivery(delivery, deps.clock.now()), replayId: job.id };
  const attempted = await tryAttempt(deps, restarted, subscriber, loaded);
  if (!("after" in attempted)) return { kind: "refused", retryAt: attempted.retryAt };
  const { after, nextMs, parkedFrom } = attempted;
  // A trial that failed says nothing about the event, so it stays parked.
  if (delivery.status === "parked" && parkedFrom !== undefined) return refusedByTrial(deps, job);
  const status = after.attempts.at(-1)?.status;
  if (delivery.status === "parked" && after.status === "delivered" && status !== undefined) {
    await recordParkedSuccess(deps, loaded.flow, delivery, status);
    return { kind: "sent", isPosted: true, isFinal: true };
  }
  const saved = await saveWithRecord(deps, loaded.flow, delivery, after);
  // Another worker or request has changed the delivery meanwhile, and continues it.
  if (!saved.ok) return { kind: "skipped", isPosted: true };
  await sendNextAttempt(deps, after, nextMs);
  return { kind: after.status === "delivered" ? "sent" : "failed", isPosted: true };
}

async function refusedByTrial({ webhookStore, clock }: ReplayJobDeps, job: Replay): Promise<SendResult> {
  const endpoint = await webhookStore.endpoint(job.appId, job.listener);
  return { kind: "refused", retryAt: endpoint?.openUntil ?? clock.now() };
}

/** An endpoint that is deleted or disabled ends the job. Another subscriber may exist for other flows. */
async function withoutSubscriber({ webhookStore }: ReplayJobDeps, { appId, listener }: Replay): Promise<SendResult> {
  if (!isEndpointId(listener)) return { kind: "skipped", isPosted: false };
  const endpoint = await webhookStore.endpoint(appId, listener);
  return { kind: "ended", failure: endpoint ? "endpoint_disabled" : "endpoint_deleted" };
}

function noteEnd(
  { log }: ReplayJobDeps,
  { appId: app, id: replay, status, found, sent, failed, skipped }: Replay,
): void {
  log.info("replay.ended", { app, replay, status, found, sent, failed, skipped });
}
